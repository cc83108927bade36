//! What every decision of a policy asks of it alike, worked out once.
//!
//! Promises: a function of the policy alone. Refuses: to look at a request. A test breaks it with a policy that reads the
//! task and does not classify, or with a strongest model that no rule chooses.

use std::sync::Arc;

use super::models::Defined;
use crate::policy::budgets::Budget;
use crate::policy::expr::Program;
use crate::policy::facts::FactId;
use crate::policy::fleet::Fleet;
use crate::policy::model::{BudgetLabel, NamedFact, PolicyModel, Pool, Prefer, Require, Rule, RuleLabel, Shown};
use crate::shared_str::SharedStr;

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

/// Whether a condition on candidates tells the deployments of a model apart by their names.
pub(super) fn names_deployments(required: &[Require], rules: &[Rule]) -> bool {
    let reads = |program: &Program| program.reads().contains(&FactId::DeploymentName);
    required.iter().any(|filter| reads(&filter.keep))
        || rules.iter().any(|rule| rule.want.iter().any(reads) || rule.require.iter().any(|filter| reads(&filter.keep)))
}

/// The deployments of each model.
pub(super) fn fleets(models: &Defined, by_name: bool) -> Vec<Arc<Fleet>> {
    (0..models.models.len()).map(|model| Arc::new(Fleet::of(&models.deployments, model, by_name))).collect()
}

/// What decisions show of the policy's own names.
pub(super) fn shown(rules: &[Rule], facts: &[NamedFact], meta: &[String], budgets: &[Budget]) -> Shown {
    let label =
        |rule: &Rule| RuleLabel { name: rule.name.clone(), when: rule.when.as_ref().map(|when| when.source().clone()) };
    let of_budget = |budget: &Budget| BudgetLabel {
        used: format!("budget.{}.used", budget.name).into(),
        left: format!("budget.{}.left", budget.name).into(),
    };
    Shown {
        rules: rules.iter().map(label).collect(),
        budgets: budgets.iter().map(of_budget).collect(),
        facts: by_name(facts.iter().map(|fact| fact.name.clone())),
        meta: by_name(meta.iter().map(|key| format!("meta.{key}"))),
    }
}

/// Names with their places, in the order of the names.
fn by_name(names: impl Iterator<Item = String>) -> Vec<(usize, SharedStr)> {
    let mut places: Vec<(usize, SharedStr)> = names.map(SharedStr::from).enumerate().collect();
    places.sort_by(|(_, one), (_, other)| one.cmp(other));
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
