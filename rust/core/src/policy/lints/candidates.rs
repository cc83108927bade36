//! What is known of a candidate before any request: its facts, and what it cannot take.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::region::{Axis, Region};
use super::truth::{Constant, Reader};
use super::values::{Nums, Values};
use crate::policy::facts::FactId;
use crate::policy::model::{Policy, Rule};
use crate::tokens::Family;

/// The facts of a deployment that no request changes.
pub(super) fn constants(policy: &Policy, deployment: usize) -> BTreeMap<FactId, Constant> {
    let mut found = BTreeMap::new();
    let Some(row) = policy.deployments.get(deployment) else { return found };
    let Some(model) = policy.models.get(row.model) else { return found };
    let text = |text: &str| Constant::Text(text.to_owned());
    let count = |count: Option<u64>| match count.and_then(|count| i64::try_from(count).ok()?.checked_mul(1_000_000)) {
        Some(micro) => Constant::Num(micro),
        None => Constant::Unknown,
    };
    found.insert(FactId::Model, text(&model.alias));
    found.insert(FactId::ModelProvider, text(&model.facts.provider));
    found.insert(FactId::ModelContext, count(model.facts.context));
    found.insert(FactId::ModelMaxOutput, count(model.facts.max_output));
    found.insert(FactId::ModelRank, count(Some(model.rank.into())));
    found.insert(FactId::DeploymentName, text(&row.name));
    found.insert(FactId::DeploymentRegion, row.region.as_deref().map_or(Constant::Unknown, text));
    found
}

/// The same for every deployment, in the order of the policy.
pub(super) fn all_constants(policy: &Policy) -> Vec<Rc<BTreeMap<FactId, Constant>>> {
    (0..policy.deployments.len()).map(|deployment| Rc::new(constants(policy, deployment))).collect()
}

/// The deployments of a model.
pub(super) fn of_model(policy: &Policy, model: usize) -> impl Iterator<Item = usize> {
    policy.deployments.iter().enumerate().filter(move |(_, row)| row.model == model).map(|(index, _)| index)
}

/// The deployments that a rule chooses from, those of `else` included.
pub(super) fn of_rule(policy: &Policy, rule: &Rule) -> Vec<usize> {
    rule.from.iter().chain(&rule.or_else).flat_map(|model| of_model(policy, *model)).collect()
}

/// A request that a model refuses: where it lies, and why.
pub(super) struct Refusal {
    /// The side of the requests that it may take.
    pub takes: Region,
    /// For messages, such as `takes no pictures`.
    pub reason: String,
    /// Whether the fact decides alone; of the requests that `schema` holds for, only those with a schema are refused.
    pub is_certain: bool,
}

/// What a model cannot take, as far as facts of the request say.
pub(super) fn refusals(policy: &Policy, model: usize, reader: &mut Reader<'_>) -> Vec<Refusal> {
    let mut found = Vec::new();
    let Some(row) = policy.models.get(model) else { return found };
    let caps = &row.facts.caps;
    let none = || Values::nums(Nums::between(0, 0));
    let mut refuse = |fact: FactId, axis: Axis, takes: Values, reason: String| {
        let takes = reader.side(axis, takes);
        found.push(Refusal { takes, reason, is_certain: fact != FactId::Schema });
    };
    if caps.tools != Some(true) {
        refuse(FactId::Tools, Axis::Fact(FactId::Tools), none(), "is not known to take tools".to_owned());
    }
    if caps.vision != Some(true) {
        refuse(FactId::Images, Axis::Fact(FactId::Images), none(), "is not known to take pictures".to_owned());
    }
    if caps.pdf != Some(true) {
        refuse(FactId::Documents, Axis::Fact(FactId::Documents), none(), "is not known to take files".to_owned());
    }
    if caps.structured != Some(true) {
        let takes = Values::flag(false);
        refuse(FactId::Schema, Axis::Fact(FactId::Schema), takes, "is not known to keep to a JSON schema".to_owned());
    }
    let family = row.facts.tokenizer_family.as_deref().map_or(Family::Unknown, Family::from_catalog);
    if let Some(window) = row.facts.context.and_then(|window| i64::try_from(window).ok()) {
        // `tokens` counts in the o200k vocabulary. In another one the same text may have fewer tokens: what is half as large
        // again as the window fits in none.
        let most = if family == Family::O200k { window } else { window.saturating_add(window / 2) };
        let takes = Values::nums(Nums::between(0, most));
        refuse(FactId::Tokens, Axis::Low(FactId::Tokens), takes, format!("has a window of {window} tokens"));
    }
    found
}
