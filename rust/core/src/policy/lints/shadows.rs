//! Rules whose every request a rule above takes, or the rules above take together.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::places::{key_pos, rule};
use super::region::{Axis, Cube, Region};
use super::truth::{Reader, Truth};
use super::values::Values;
use crate::policy::diagnostics::Findings;
use crate::policy::model::Policy;
use crate::policy::source::Node;

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
    let alone =
        rows().find(|(_, yes)| wanted.cubes().iter().all(|small| yes.cubes().iter().any(|large| large.holds(small))));
    if let Some((index, _)) = alone {
        return Some(vec![index]);
    }
    let mut found = Vec::new();
    for cube in wanted.cubes() {
        let touching = rows()
            .flat_map(|(index, yes)| yes.cubes().iter().map(move |other| (index, other)))
            .filter(|(_, other)| other.touches(cube))
            .collect();
        found.extend(cover(cube, touching, reader)?);
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The rules whose boxes hold all of a box together.
fn cover(cube: &Cube, mut touching: Vec<(usize, &Cube)>, reader: &mut Reader<'_>) -> Option<Vec<usize>> {
    // A side that the boxes do not fill together leaves a gap that only boxes without such a side can close; and what
    // closes the gap holds the rest too. So the boxes with that side are needless.
    loop {
        let mut sides: BTreeMap<Axis, Vec<&Values>> = BTreeMap::new();
        for (axis, values) in touching.iter().flat_map(|(_, other)| other.sides()) {
            sides.entry(*axis).or_default().push(values);
        }
        let needless: Vec<Axis> = sides
            .into_iter()
            .filter(|(axis, sides)| !reader.side_of(cube, *axis).is_filled_by(sides))
            .map(|(axis, _)| axis)
            .collect();
        if needless.is_empty() {
            break;
        }
        touching.retain(|(_, other)| other.sides().all(|(axis, _)| needless.binary_search(axis).is_err()));
    }
    let mut rest = Region::of(cube.clone());
    let mut takers = Vec::new();
    let space = reader.rested();
    for (index, other) in touching {
        rest = rest.minus(&Region::of(other.clone()), space)?;
        takers.push(index);
        if rest.is_empty() {
            return Some(takers);
        }
    }
    None
}
