//! Wishes that no candidate can meet, and wishes that every candidate always meets.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::candidates::of_rule;
use super::named;
use super::places::{items, member, rule};
use super::region::Region;
use super::truth::{Constant, Reader, Truth};
use crate::policy::diagnostics::Findings;
use crate::policy::expr::Program;
use crate::policy::facts::FactId;
use crate::policy::model::Policy;
use crate::policy::source::Node;

/// Looks at every wish of every rule.
pub(super) fn wishes(
    policy: &Policy,
    truths: &[Option<Rc<Truth>>],
    root: &Node,
    constants: &[Rc<BTreeMap<FactId, Constant>>],
    is_blamed: &dyn Fn(&Program) -> bool,
    reader: &mut Reader<'_>,
    findings: &mut Findings,
) {
    for (index, row) in policy.rules.iter().enumerate() {
        if row.want.is_empty() || row.when.as_ref().is_some_and(is_blamed) {
            continue;
        }
        // A rule may also be taken where its condition is unknown.
        let taken = match (&row.when, truths.get(index).and_then(Option::as_ref)) {
            (None, _) => Some(Region::all()),
            (Some(_), truth) => truth.and_then(|truth| truth.open(reader.rested())),
        };
        let Some(taken) = taken else { continue };
        let nodes = items(rule(root, index).and_then(|block| member(block, "want")));
        let deployments = of_rule(policy, row);
        for (want, node) in row.want.iter().zip(nodes) {
            if is_blamed(want) {
                continue;
            }
            let met: Option<Vec<Region>> = deployments
                .iter()
                .map(|deployment| {
                    reader.fix(constants.get(*deployment).cloned().unwrap_or_default());
                    let truth = reader.truth(want)?;
                    truth.yes.and(&taken, reader.rested())
                })
                .collect();
            reader.fix(Rc::default());
            let Some(met) = met.filter(|met| !met.is_empty()) else { continue };
            if met.iter().all(Region::is_empty) {
                findings.warning(
                    node.pos,
                    "idle-want",
                    format!(
                        "no candidate of {} can meet `{}`: the wish is always given up",
                        named(&row.name),
                        want.source()
                    ),
                    "change it, or add a model that meets it",
                );
            } else if met.iter().all(|met| met.covers(&taken, reader.rested()) == Some(true)) {
                findings.warning(
                    node.pos,
                    "idle-want",
                    format!(
                        "every candidate of {} meets `{}`: the wish changes nothing",
                        named(&row.name),
                        want.source()
                    ),
                    "leave it out, or ask for more",
                );
            }
        }
    }
}
