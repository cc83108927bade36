//! Which arm of an experiment a call is in.
//!
//! Promises: a function of the experiment's name, the unit and the shares alone: not of the order in a file, the process,
//! the platform or the time, so that a unit stays in its arm; units spread over the arms by their shares. A grown share
//! keeps those who were in the arm before wherever there are two arms. Refuses: to put a call into an arm whose unit is
//! not known, and to make an ineligible model eligible.
//!
//! A test breaks it with a unit whose arm changes with the order of the file, or a split that is off its shares.

use super::facts::RequestFacts;
use crate::policy::expr::Value;
use crate::policy::{Experiment, Policy};

/// The arm of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The experiment's name.
    pub experiment: String,
    /// The key of `meta` that the arm is assigned by.
    pub by: String,
    /// The name of the arm's model in the policy; none when the unit is not known.
    pub arm: Option<String>,
    /// Whether that model was chosen.
    pub is_followed: bool,
}

/// The experiment in a rule, with the model of the call's arm.
pub(super) fn assigned<'p>(
    policy: &'p Policy,
    rule: usize,
    facts: &RequestFacts<'_>,
) -> Option<(&'p Experiment, Option<usize>)> {
    let experiment = policy.experiments.iter().find(|experiment| experiment.rule == rule)?;
    Some((experiment, unit(facts.meta(&experiment.by)).and_then(|unit| arm(experiment, &unit))))
}

/// A value that the caller passed as the name of a unit: `7` and `"7"` are one.
pub(super) fn unit(value: Value<'_>) -> Option<String> {
    match value {
        Value::Unknown => None,
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Num(millionths, _) if millionths % 1_000_000 == 0 => Some((millionths / 1_000_000).to_string()),
        Value::Num(millionths, _) => Some(format!("{millionths}e-6")),
        Value::Text(text) => Some(text.to_owned()),
    }
}

fn arm(experiment: &Experiment, unit: &str) -> Option<usize> {
    let mut point = point(&experiment.name, unit);
    let arm = experiment.arms.iter().find(|(_, share)| {
        point -= share;
        point < 0
    });
    arm.map(|(model, _)| *model)
}

/// Where a unit falls between 0 and a million.
fn point(experiment: &str, unit: &str) -> i64 {
    let mut hasher = blake3::Hasher::new();
    // A name holds no NUL, so that no two pairs give the same bytes.
    for part in ["turnout experiment", experiment] {
        hasher.update(part.as_bytes()).update(b"\0");
    }
    hasher.update(unit.as_bytes());
    let hash = hasher.finalize().as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    i64::try_from((u128::from(hash) * 1_000_000) >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn experiment(name: &str, arms: &[(usize, i64)]) -> Experiment {
        Experiment { name: name.to_owned(), rule: 0, by: "session".to_owned(), arms: arms.to_vec() }
    }

    #[test]
    fn a_hundred_thousand_units_spread_by_the_shares() {
        const UNITS: i64 = 100_000;
        let shares = [(0, 500_000), (1, 300_000), (2, 150_000), (3, 50_000)];
        // Counters, and names that differ in the middle alone, are what real units look like.
        for name_of in [|id: i64| id.to_string(), |id: i64| format!("user-{id:08}@example.com")] {
            // Pearson's statistic, summed over ten experiments of three degrees of freedom each.
            let mut statistic = 0.0;
            for index in 0..10 {
                let experiment = experiment(&format!("split-{index}"), &shares);
                let mut counts: BTreeMap<usize, i64> = BTreeMap::new();
                for id in 0..UNITS {
                    *counts.entry(arm(&experiment, &name_of(id)).unwrap()).or_default() += 1;
                }
                for (model, share) in shares {
                    let expected = f64::from(u32::try_from(share * UNITS / 1_000_000).unwrap());
                    let seen = f64::from(u32::try_from(counts[&model]).unwrap());
                    assert!((seen - expected).abs() < expected / 20.0, "{counts:?}");
                    statistic += (seen - expected).powi(2) / expected;
                }
            }
            // Above 59.7 one time in a thousand, where the split is fair.
            assert!(statistic < 59.7, "{statistic}");
        }
    }

    #[test]
    fn two_experiments_are_independent_and_a_grown_share_keeps_its_units() {
        let halves = [(0, 500_000), (1, 500_000)];
        let (one, other) = (experiment("one", &halves), experiment("other", &halves));
        let grown = experiment("one", &[(0, 600_000), (1, 400_000)]);
        let mut both = 0;
        for id in 0..10_000 {
            let unit = id.to_string();
            let first = arm(&one, &unit);
            both += u32::from(first == arm(&other, &unit));
            assert!(first != Some(0) || arm(&grown, &unit) == Some(0));
        }
        // Half of them agree by chance: five standard deviations of 50.
        assert!((4_750..5_250).contains(&both), "{both}");
    }

    #[test]
    fn where_a_unit_falls_never_changes() {
        let points: Vec<i64> = ["", "a", "session-1"].iter().map(|unit| point("canary", unit)).collect();
        assert_eq!(points, POINTS);
        assert_ne!(point("a", "b"), point("b", "a"));
        assert_eq!(unit(Value::Num(7_000_000, 7_000_000)), unit(Value::Text("7")));
        assert_eq!(unit(Value::Unknown), None);
    }

    /// Of the first release: another value would move the units of running experiments.
    const POINTS: [i64; 3] = [583_584, 455_767, 510_517];
}
