//! What every decision of a policy asks of it alike, worked out once.
//!
//! Promises: a function of the policy alone. Refuses: to look at a request. A test breaks it with a policy that reads the
//! task and does not classify, or with a strongest model that no rule chooses.

use crate::policy::expr::Program;
use crate::policy::facts::FactId;
use crate::policy::model::{NamedFact, PolicyModel, Pool, Prefer, Require, Rule};

/// Whether a condition, or a preference for the best answer, looks at what the prompt says.
pub(super) fn classifies(facts: &[NamedFact], required: &[Require], rules: &[Rule]) -> bool {
    let reads = |program: &Program| {
        let is_of_prompt = |fact: &FactId| {
            matches!(fact, FactId::Task | FactId::Difficulty | FactId::Code | FactId::Language | FactId::Quality)
        };
        program.reads().iter().any(is_of_prompt)
    };
    let filters = |filters: &[Require]| {
        filters.iter().any(|filter| reads(&filter.keep) || filter.when.as_ref().is_some_and(reads))
    };
    let leaves = |rule: &Rule| rule.sticky.iter().flat_map(|sticky| &sticky.leave_if).any(reads);
    facts.iter().any(|fact| reads(&fact.program))
        || filters(required)
        || rules
            .iter()
            .any(|rule| rule.when.as_ref().is_some_and(reads) || rule.want.iter().any(reads) || filters(&rule.require))
        || rules.iter().any(|rule| rule.prefer == Prefer::Best || leaves(rule))
}

/// The places of names in the order of the names.
pub(super) fn by_name(names: &[&str]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..names.len()).collect();
    places.sort_by_key(|place| names.get(*place));
    places
}

/// The strongest model that any rule can choose: the last of the first pool that has one, else the one of the highest
/// rank.
pub(super) fn strongest(models: &[PolicyModel], pools: &[Pool], rules: &[Rule]) -> Option<usize> {
    let used = |index: usize| rules.iter().any(|rule| rule.from.contains(&index) || rule.or_else.contains(&index));
    let by_rank = || {
        let ranked = models.iter().enumerate().filter(|(index, _)| used(*index));
        ranked.max_by_key(|(index, model)| (model.rank, *index)).map(|(index, _)| index)
    };
    let of_pool = pools.iter().find_map(|pool| pool.models.iter().rev().find(|index| used(**index)));
    of_pool.copied().or_else(by_rank)
}
