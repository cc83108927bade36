//! Rules whose every request a rule above takes, or the rules above take together.

use std::rc::Rc;

use super::places::{key_pos, rule};
use super::region::{Axis, Cube, Region};
use super::truth::{Reader, Truth};
use crate::policy::diagnostics::Findings;
use crate::policy::model::Policy;
use crate::policy::source::Node;

/// How many boxes may be cut for rules above that look at other facts.
const WIDE_WORK: usize = 256;

/// Looks at every rule with those above it.
pub(super) fn shadows(
    policy: &Policy,
    truths: &[Option<Rc<Truth>>],
    reader: &mut Reader<'_>,
    root: &Node,
    findings: &mut Findings,
) {
    for (index, row) in policy.rules.iter().enumerate() {
        let Some(truth) = truths.get(index).and_then(Option::as_ref) else { continue };
        // What never holds is said where it stands.
        if truth.yes.is_empty() || row.when.as_ref().is_none_or(|when| when.reads().is_empty()) {
            continue;
        }
        let above = truths.get(..index).unwrap_or_default();
        let Some(takers) = takers(&truth.yes, above, reader) else { continue };
        let names: Vec<String> = takers
            .iter()
            .filter_map(|taker| policy.rules.get(*taker))
            .map(|rule| format!("`{}` (line {})", rule.name, rule.pos.line))
            .collect();
        let Some(pos) = rule(root, index).map(|block| key_pos(block, "when")) else { continue };
        let verb = if names.len() == 1 { "takes" } else { "together take" };
        findings.warning(
            pos,
            "shadowed-rule",
            format!("rule `{}` never matches first: {} above it {verb} all its requests", row.name, list(&names)),
            "the first rule that matches wins; move it up, or change its condition",
        );
    }
}

fn list(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
        [] => String::new(),
    }
}

/// The rules above that leave nothing of a region: one if one does, else those that do together.
fn takers(wanted: &Region, above: &[Option<Rc<Truth>>], reader: &mut Reader<'_>) -> Option<Vec<usize>> {
    let rows = || above.iter().enumerate().filter_map(|(index, truth)| Some((index, &truth.as_ref()?.yes)));
    for (index, yes) in rows() {
        if could_cover(yes, wanted) && yes.covers(wanted, reader.rested()) == Some(true) {
            return Some(vec![index]);
        }
    }
    // First what looks at the same facts, which only makes boxes smaller; then the others, within bounds.
    let axes: Vec<Axis> = wanted.cubes().iter().flat_map(Cube::sides).map(|(axis, _)| *axis).collect();
    let is_near = |cube: &&Cube| cube.sides().all(|(axis, _)| axes.contains(axis));
    let mut rest = wanted.clone();
    let mut takers = Vec::new();
    let space = reader.rested();
    for is_wide in [false, true] {
        if is_wide {
            space.work = WIDE_WORK;
        }
        for (index, yes) in rows() {
            let near = yes.cubes().iter().filter(is_near).count();
            let taken = if is_wide {
                if near == yes.cubes().len() {
                    continue;
                }
                yes.clone()
            } else {
                yes.cubes()
                    .iter()
                    .filter(is_near)
                    .fold(Region::default(), |all, cube| all.or(&Region::of(cube.clone())).unwrap_or_default())
            };
            if taken.is_empty() {
                continue;
            }
            let left = rest.minus(&taken, space)?;
            if left != rest {
                takers.push(index);
                rest = left;
            }
            if rest.is_empty() {
                takers.sort_unstable();
                takers.dedup();
                return Some(takers);
            }
        }
    }
    None
}

/// Whether one region may hold all of another: some box of it asks nothing that a box of the other leaves open. Exact for
/// single boxes; for several it may say no where the boxes cover each other only together.
fn could_cover(outer: &Region, inner: &Region) -> bool {
    inner.cubes().iter().all(|small| {
        outer
            .cubes()
            .iter()
            .any(|large| large.sides().any(|(axis, _)| small.get(*axis).is_some()) || large.sides().next().is_none())
    })
}
