//! `pools`, and every other list of models.

use super::block::{items, named_members, text};
use super::models::Defined;
use crate::policy::diagnostics::{Findings, suggestion};
use crate::policy::model::Pool;
use crate::policy::source::{Node, NodeValue};

/// Reads `pools`.
pub(super) fn pools(node: &Node, models: &Defined, findings: &mut Findings) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for (key, value) in named_members(node, "`pools`", findings) {
        if models.models.iter().any(|model| model.alias == key.name) {
            findings.error(key.pos, "duplicate-name", format!("`{}` is a model already", key.name));
            continue;
        }
        let members = model_list(value, &format!("pool `{}`", key.name), models, &pools, findings);
        pools.push(Pool { name: key.name.clone(), models: members });
    }
    pools
}

/// A list of models: names of models, or of pools, which stand for their members.
pub(super) fn model_list(
    node: &Node,
    what: &str,
    Defined { models, broken, .. }: &Defined,
    pools: &[Pool],
    findings: &mut Findings,
) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    if matches!(&node.value, NodeValue::Seq(listed) if listed.is_empty()) {
        findings.error(node.pos, "empty-choice", format!("{what} names no model"));
    }
    for item in items(node, what, true, findings) {
        let Some(name) = text(item, &format!("a member of {what}"), findings) else { continue };
        let members = match pools.iter().find(|pool| pool.name == name) {
            Some(pool) => pool.models.clone(),
            None => {
                if let Some(index) = models.iter().position(|model| model.alias == name) {
                    vec![index]
                } else if models.is_empty() || broken.iter().any(|broken| broken == name) {
                    // Reported where the models are.
                    continue;
                } else {
                    let known = models
                        .iter()
                        .map(|model| model.alias.as_str())
                        .chain(pools.iter().map(|pool| pool.name.as_str()));
                    let hint = suggestion(name, known.collect::<Vec<_>>())
                        .unwrap_or_else(|| "a model or pool that this policy defines".to_owned());
                    findings.error_hint(
                        item.pos,
                        "unknown-name",
                        format!("{what} names `{name}`, which is not defined"),
                        hint,
                    );
                    continue;
                }
            }
        };
        for member in members {
            if found.contains(&member) {
                let twice = models.get(member).map_or(name, |model| model.alias.as_str());
                findings.error(item.pos, "duplicate-name", format!("{what} names model `{twice}` twice"));
            } else {
                found.push(member);
            }
        }
    }
    found
}
