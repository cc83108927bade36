//! What a model's provider adds to a request beyond what was counted, learned from the usage that it returned.
//!
//! Promises: the correction is the median of the last [`KEPT`] differences of that model and shape of request, so that neither a row
//! of hidden search results nor a change of the provider bends it for long; nothing before [`LEAST`] answers. Memory is bounded:
//! [`MOST_KEYS`] models and shapes, the one unheard of for longest is forgotten.
//!
//! Refuses: nothing. A test breaks it with half of the differences right and the correction wrong.

use std::collections::BTreeMap;

/// Differences that are kept for each model and shape.
pub const KEPT: usize = 32;
/// Answers before a correction is made. Three: the median of two is their mean, which one stray answer bends.
pub const LEAST: usize = 3;
/// Models and shapes that are known at once.
pub const MOST_KEYS: usize = 4_096;

/// What was learned of one model and shape.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Learned {
    /// The last differences, a ring.
    differences: Vec<i32>,
    next: usize,
    touched: u64,
}

/// The differences between reported and counted input tokens, by model and shape of request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overheads {
    learned: BTreeMap<(String, u16), Learned>,
    events: u64,
}

/// What to add to a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// The median difference: what to add to the likely count.
    pub likely: i64,
    /// The least difference that was seen.
    pub low: i64,
    /// The largest.
    pub high: i64,
    /// From how many answers.
    pub answers: usize,
}

impl Overheads {
    /// A provider reported `reported` input tokens (cached ones among them) for a request that was counted at `counted`.
    pub fn observe(&mut self, model: &str, shape: u16, counted: u64, reported: u64) {
        let difference = i128::from(reported) - i128::from(counted);
        let difference =
            i32::try_from(difference.clamp(i128::from(i32::MIN), i128::from(i32::MAX))).unwrap_or(i32::MAX);
        self.put(model, shape, difference);
    }

    /// Takes back a difference that was saved.
    pub fn put(&mut self, model: &str, shape: u16, difference: i32) {
        self.events += 1;
        let key = (model.to_owned(), shape);
        if !self.learned.contains_key(&key) && self.learned.len() >= MOST_KEYS {
            let oldest = self.learned.iter().min_by_key(|(_, learned)| learned.touched).map(|(key, _)| key.clone());
            oldest.map(|oldest| self.learned.remove(&oldest));
        }
        let learned = self.learned.entry(key).or_default();
        learned.touched = self.events;
        match learned.differences.get_mut(learned.next) {
            Some(slot) => *slot = difference,
            None => learned.differences.push(difference),
        }
        learned.next = (learned.next + 1) % KEPT;
    }

    /// What to add to a count of this model and shape; none before [`LEAST`] answers. Takes a sort of at most [`KEPT`] numbers.
    pub fn correction(&self, model: &str, shape: u16) -> Option<Correction> {
        if self.learned.is_empty() {
            return None;
        }
        let learned = self.learned.get(&(model.to_owned(), shape))?;
        let mut sorted = learned.differences.clone();
        if sorted.len() < LEAST {
            return None;
        }
        sorted.sort_unstable();
        Some(Correction {
            likely: i64::from(*sorted.get(sorted.len() / 2)?),
            low: i64::from(*sorted.first()?),
            high: i64::from(*sorted.last()?),
            answers: sorted.len(),
        })
    }

    /// Every difference that is known, oldest first within its model and shape: what is saved, and what [`Overheads::put`] takes.
    pub fn rows(&self) -> impl Iterator<Item = (&str, u16, i32)> {
        self.learned.iter().flat_map(|((model, shape), learned)| {
            let (newer, older) =
                learned.differences.split_at_checked(learned.next).unwrap_or((&learned.differences, &[]));
            older.iter().chain(newer).map(move |difference| (model.as_str(), *shape, *difference))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_answers_do_not_bend_it() {
        let mut overheads = Overheads::default();
        assert_eq!(overheads.correction("m", 0), None);
        for round in 0..20_u64 {
            // A hidden preamble of 120 to 122 tokens, and every fourth answer counts search results.
            let reported = if round % 4 == 3 { 9_000 } else { 1_120 + round % 3 };
            overheads.observe("m", 7, 1_000, reported);
        }
        let found = overheads.correction("m", 7).unwrap();
        assert!((120..=122).contains(&found.likely), "{found:?}");
        assert_eq!((found.low, found.high, found.answers), (120, 8_000, 20));
        assert_eq!((overheads.correction("m", 8), overheads.correction("n", 7)), (None, None));
    }

    #[test]
    fn a_change_of_the_provider_is_followed() {
        let mut overheads = Overheads::default();
        for reported in std::iter::repeat_n(100, 50).chain(std::iter::repeat_n(159, KEPT / 2 + 1)) {
            overheads.observe("m", 0, 100, reported);
        }
        assert_eq!(overheads.correction("m", 0).unwrap().likely, 59);
    }

    #[test]
    fn what_is_saved_comes_back() {
        let mut overheads = Overheads::default();
        for number in 0..40 {
            overheads.observe("m", 3, 0, number);
        }
        let mut again = Overheads::default();
        let rows: Vec<_> =
            overheads.rows().map(|(model, shape, difference)| (model.to_owned(), shape, difference)).collect();
        assert_eq!(rows.first().unwrap().2, 8);
        for (model, shape, difference) in rows {
            again.put(&model, shape, difference);
        }
        assert_eq!(again.correction("m", 3), overheads.correction("m", 3));
    }

    #[test]
    fn memory_is_bounded() {
        let mut overheads = Overheads::default();
        for number in 0..MOST_KEYS + 10 {
            overheads.observe(&number.to_string(), 0, 0, u64::MAX);
        }
        assert_eq!(overheads.learned.len(), MOST_KEYS);
        assert!(overheads.correction("0", 0).is_none());
    }
}
