//! Filters that no candidate passes, choices that are empty for requests that the rule speaks of, and models in a choice that
//! can take none of its requests.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::candidates::{Refusal, of_model, of_rule, refusals};
use super::named;
use super::places::{items, key_pos, member, rule};
use super::region::{Cube, Region};
use super::truth::{Constant, Reader, Truth};
use crate::policy::diagnostics::Findings;
use crate::policy::expr::Program;
use crate::policy::facts::FactId;
use crate::policy::model::{Policy, Require, Rule};
use crate::policy::source::Node;

/// Boxes of a condition that are looked at one by one.
const MAX_CASES: usize = 16;

/// The policy with what is known of its conditions.
pub(super) struct Choices<'c> {
    pub policy: &'c Policy,
    pub truths: &'c [Option<Rc<Truth>>],
    pub root: &'c Node,
    /// The facts of each deployment.
    pub constants: &'c [Rc<BTreeMap<FactId, Constant>>],
    /// Whether something was said of an expression already.
    pub is_blamed: &'c dyn Fn(&Program) -> bool,
}

impl Choices<'_> {
    /// Filters that reject every candidate wherever they apply; their names, which are not looked at again.
    pub fn filters(&self, reader: &mut Reader<'_>, findings: &mut Findings) -> Vec<String> {
        let policy = self.policy;
        let mut rejecting = Vec::new();
        let used: Vec<usize> = policy.rules.iter().flat_map(|rule| of_rule(policy, rule)).collect();
        self.of_block(&policy.require, Some(self.root), &used, "this policy", reader, findings, &mut rejecting);
        for (index, row) in policy.rules.iter().enumerate() {
            let (used, block) = (of_rule(policy, row), rule(self.root, index));
            self.of_block(&row.require, block, &used, &named(&row.name), reader, findings, &mut rejecting);
        }
        rejecting
    }

    #[allow(clippy::too_many_arguments, reason = "one block of filters with its place")]
    fn of_block(
        &self,
        filters: &[Require],
        block: Option<&Node>,
        deployments: &[usize],
        whose: &str,
        reader: &mut Reader<'_>,
        findings: &mut Findings,
        rejecting: &mut Vec<String>,
    ) {
        let nodes = items(block.and_then(|block| member(block, "require")));
        for (filter, node) in filters.iter().zip(nodes) {
            if (self.is_blamed)(&filter.keep) || filter.when.as_ref().is_some_and(|when| (self.is_blamed)(when)) {
                rejecting.push(filter.name.clone());
                continue;
            }
            let passes = |deployment: &usize| self.passed(filter, *deployment, &Region::all(), reader);
            let left: Option<Vec<Region>> = deployments.iter().map(passes).collect();
            reader.fix(Rc::default());
            // Where the filter does not apply, everything passes.
            let spared = filter.when.as_ref().map(|when| reader.truth(when).map(|truth| truth.no.clone()));
            let Some(left) = left else { continue };
            let is_spared = |region: &Region, reader: &mut Reader<'_>| match &spared {
                None => Some(region.is_empty()),
                Some(no) => no.as_ref()?.covers(region, reader.rested()),
            };
            if !left.is_empty() && left.iter().all(|region| is_spared(region, reader) == Some(true)) {
                findings.warning(
                    key_pos(node, "keep"),
                    "rejects-all",
                    format!(
                        "no candidate of {whose} meets `{}`: {} is refused",
                        filter.keep.source(),
                        if filter.when.is_some() {
                            "every request that the filter applies to"
                        } else {
                            "every request"
                        }
                    ),
                    "change `keep`, or add a model or deployment that meets it",
                );
                rejecting.push(filter.name.clone());
            }
        }
    }

    /// Where a deployment passes a filter.
    fn passed(&self, filter: &Require, deployment: usize, of: &Region, reader: &mut Reader<'_>) -> Option<Region> {
        reader.fix(Rc::default());
        let spared = match &filter.when {
            Some(when) => reader.truth(when)?.no.clone(),
            None => Region::default(),
        };
        reader.fix(self.constants.get(deployment).cloned().unwrap_or_default());
        let kept = reader.truth(&filter.keep)?.yes.clone();
        let passed = spared.or(&kept)?;
        passed.and(of, reader.rested())
    }

    /// Looks at every choice.
    pub fn choices(&self, rejecting: &[String], reader: &mut Reader<'_>, findings: &mut Findings) {
        for (index, row) in self.policy.rules.iter().enumerate() {
            reader.fix(Rc::default());
            if row.when.as_ref().is_some_and(|when| (self.is_blamed)(when)) {
                continue;
            }
            let all;
            let taken = match (&row.when, self.truths.get(index).and_then(Option::as_ref)) {
                (Some(_), Some(truth)) => &truth.yes,
                (Some(_), None) => continue,
                (None, _) => {
                    all = Region::all();
                    &all
                }
            };
            if taken.is_empty() || taken.cubes().len() > MAX_CASES {
                continue;
            }
            let Some(block) = rule(self.root, index) else { continue };
            let refusals: Vec<(usize, Vec<Refusal>)> = row
                .from
                .iter()
                .chain(&row.or_else)
                .map(|model| (*model, refusals(self.policy, *model, reader)))
                .collect();
            let case = Case { index, row, block, refusals, rejecting };
            if !self.empty(&case, taken, reader, findings) {
                self.unfit(&case, taken, reader, findings);
            }
        }
        reader.fix(Rc::default());
    }

    /// Arms whose model no request of the rule can go to.
    pub fn arms(&self, rejecting: &[String], reader: &mut Reader<'_>, findings: &mut Findings) {
        for (experiment, node) in self.policy.experiments.iter().zip(items(member(self.root, "experiments"))) {
            reader.fix(Rc::default());
            let index = experiment.rule;
            let Some(row) = self.policy.rules.get(index) else { continue };
            let (Some(block), Some(arms)) = (rule(self.root, index), member(node, "arms")) else { continue };
            let taken = match (&row.when, self.truths.get(index).and_then(Option::as_ref)) {
                (Some(when), _) if (self.is_blamed)(when) => continue,
                (Some(_), Some(truth)) => truth.yes.clone(),
                (Some(_), None) => continue,
                (None, _) => Region::all(),
            };
            if taken.is_empty() {
                continue;
            }
            for (model, _) in &experiment.arms {
                let Some(alias) = self.policy.models.get(*model).map(|model| &model.alias) else { continue };
                reader.fix(Rc::default());
                let refusals = vec![(*model, refusals(self.policy, *model, reader))];
                let case = Case { index, row, block, refusals, rejecting };
                if self.is_empty_for(&case, &taken, reader) == Some(true) {
                    findings.warning(
                        key_pos(arms, alias),
                        "idle-arm",
                        format!("arm `{alias}` of `{}` is eligible for no request of its rule", experiment.name),
                        "its calls go to the rest of the rule: leave it out, or change what rejects it",
                    );
                }
            }
        }
        reader.fix(Rc::default());
    }

    /// A choice of which nothing is left for some requests that the condition speaks of.
    fn empty(&self, case: &Case<'_>, taken: &Region, reader: &mut Reader<'_>, findings: &mut Findings) -> bool {
        let pos = key_pos(case.block, "from");
        for cube in taken.cubes() {
            let of = Region::of(cube.clone());
            if self.is_empty_for(case, &of, reader) == Some(true) && self.reaches(case.index, &of, reader) {
                let share = if taken.cubes().len() == 1 { "every request" } else { "some of the requests" };
                let hint = format!("{}; add a model that can", case.reasons(self.policy, cube, reader));
                let message =
                    format!("{} refuses {share} that it takes: nothing is left to choose from", named(&case.row.name));
                findings.warning(pos, "nothing-eligible", message, hint);
                return true;
            }
        }
        let mut is_said = false;
        for filter in self.policy.require.iter().chain(&case.row.require) {
            let Some(when) = filter.when.as_ref().filter(|_| !case.rejecting.contains(&filter.name)) else { continue };
            reader.fix(Rc::default());
            let Some(applies) = reader.truth(when) else { continue };
            let Some(of) = taken.and(&applies.yes, reader.rested()).filter(|of| !of.is_empty()) else { continue };
            if self.is_empty_for(case, &of, reader) == Some(true) && self.reaches(case.index, &of, reader) {
                findings.warning(
                    pos,
                    "nothing-eligible",
                    format!(
                        "{} refuses every request that filter `{}` applies to: nothing is left to choose from",
                        named(&case.row.name),
                        filter.name
                    ),
                    format!(
                        "`{}` leaves none of its models; add one, or say `not ({})` in its condition",
                        filter.keep.source(),
                        when.source()
                    ),
                );
                is_said = true;
            }
        }
        is_said
    }

    /// Whether the rule comes to see some of these requests.
    fn reaches(&self, index: usize, of: &Region, reader: &mut Reader<'_>) -> bool {
        reader.fix(Rc::default());
        let mut rest = of.clone();
        let space = reader.rested();
        for truth in self.truths.get(..index).unwrap_or_default() {
            let Some(truth) = truth else { return false };
            match rest.minus(&truth.yes, space) {
                Some(left) => rest = left,
                None => return false,
            }
        }
        !rest.is_empty()
    }

    /// Whether no candidate takes any of these requests.
    fn is_empty_for(&self, case: &Case<'_>, of: &Region, reader: &mut Reader<'_>) -> Option<bool> {
        for (model, refusals) in &case.refusals {
            let mut able = of.clone();
            for refusal in refusals {
                // What the request does not speak of is no reason: every rule takes requests with and without pictures.
                if speaks(&able, refusal) {
                    able = able.and(&refusal.takes, reader.rested())?;
                }
            }
            if able.is_empty() {
                continue;
            }
            for deployment in of_model(self.policy, *model) {
                let mut left = able.clone();
                for filter in self.policy.require.iter().chain(&case.row.require) {
                    if !case.rejecting.contains(&filter.name) {
                        left = self.passed(filter, deployment, &left, reader)?;
                    }
                }
                if !left.is_empty() {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    /// Models that can take none of the requests of the rule; in `from` only those that it names itself: a pool is a habit.
    fn unfit(&self, case: &Case<'_>, taken: &Region, reader: &mut Reader<'_>, findings: &mut Findings) {
        for key in ["from", "else"] {
            let Some(node) = member(case.block, key) else { continue };
            let models = if key == "from" { &case.row.from } else { &case.row.or_else };
            let mut unfit: Vec<(usize, String)> = Vec::new();
            for (model, refusals) in case.refusals.iter().filter(|(model, _)| models.contains(model)) {
                let reason = refusals
                    .iter()
                    .filter(|refusal| refusal.is_certain)
                    .find(|refusal| taken.and(&refusal.takes, reader.rested()).is_some_and(|left| left.is_empty()));
                if let Some(refusal) = reason {
                    unfit.push((*model, refusal.reason.clone()));
                }
            }
            let are_all = unfit.len() == models.len();
            for (model, reason) in unfit {
                let Some(alias) = self.policy.models.get(model).map(|model| &model.alias) else { continue };
                let own = items(Some(node)).into_iter().find(|item| item.text() == Some(alias));
                if own.is_none() && !(are_all && key == "else") {
                    continue;
                }
                findings.warning(
                    own.map_or(node.pos, |own| own.pos),
                    "unfit-model",
                    format!(
                        "`{key}` of {}: `{alias}` can take none of its requests: it {reason}",
                        named(&case.row.name)
                    ),
                    "leave it out, or name a model that can",
                );
            }
        }
    }
}

/// Whether the requests are told apart by what the model refuses.
fn speaks(of: &Region, refusal: &Refusal) -> bool {
    let axes = refusal.takes.cubes().iter().flat_map(Cube::sides).map(|(axis, _)| *axis);
    axes.into_iter().any(|axis| of.cubes().iter().any(|cube| cube.get(axis).is_some()))
}

struct Case<'c> {
    index: usize,
    row: &'c Rule,
    block: &'c Node,
    refusals: Vec<(usize, Vec<Refusal>)>,
    rejecting: &'c [String],
}

impl Case<'_> {
    /// Why the models of a rule take none of the requests of a box, model by model.
    fn reasons(&self, policy: &Policy, cube: &Cube, reader: &mut Reader<'_>) -> String {
        let of = Region::of(cube.clone());
        let mut said: Vec<String> = Vec::new();
        for (model, refusals) in &self.refusals {
            let Some(alias) = policy.models.get(*model).map(|model| &model.alias) else { continue };
            let reason = refusals
                .iter()
                .find(|refusal| of.and(&refusal.takes, reader.rested()).is_some_and(|left| left.is_empty()));
            said.push(match reason {
                Some(refusal) => format!("`{alias}` {}", refusal.reason),
                None => format!("`{alias}` passes no filter"),
            });
        }
        if said.len() > 3 {
            let more = said.len() - 3;
            said.truncate(3);
            said.push(format!("{more} more"));
        }
        said.join(", ")
    }
}
