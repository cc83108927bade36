//! Facts, models and pools that nothing uses.
//!
//! Refuses: definitions of a file that is extended, each of which another policy may use.

use std::collections::BTreeSet;

use super::places::{items, member, rule};
use crate::policy::clients::Target;
use crate::policy::diagnostics::{Findings, Pos};
use crate::policy::expr::Program;
use crate::policy::facts::FactId;
use crate::policy::model::{Policy, Require};
use crate::policy::source::{Node, NodeValue};

/// Looks at every definition.
pub(super) fn unused(policy: &Policy, root: &Node, findings: &mut Findings) {
    let reads = reads(policy);
    for (index, fact) in policy.facts.iter().enumerate() {
        if !reads.iter().any(|read| matches!(read, FactId::Named(named) if usize::from(*named) == index)) {
            let pos = defined(root, "facts", &fact.name);
            report(findings, pos, "fact", &fact.name, "no condition asks for it");
        }
    }
    let aliases = policy.clients.aliases.iter();
    let asked = aliases.flat_map(|alias| match &alias.means {
        Target::Models { models, .. } => models.clone(),
        Target::Auto | Target::Rule(_) => Vec::new(),
    });
    let chosen: BTreeSet<usize> =
        policy.rules.iter().flat_map(|rule| rule.from.iter().chain(&rule.or_else)).copied().chain(asked).collect();
    for (index, model) in policy.models.iter().enumerate() {
        if !chosen.contains(&index) {
            report(findings, Some(model.pos), "model", &model.alias, "no rule can choose it");
        }
    }
    let named = named_in_choices(policy, root);
    for (index, pool) in policy.pools.iter().enumerate() {
        // The first pool that lists a model gives it its rank.
        let before = policy.pools.get(..index).unwrap_or_default();
        let ranks = pool.models.iter().any(|model| !before.iter().any(|other| other.models.contains(model)));
        if !ranks && !named.contains(&pool.name) {
            let pos = defined(root, "pools", &pool.name);
            report(
                findings,
                pos,
                "pool",
                &pool.name,
                "no choice names it, and its models have their ranks from pools above it",
            );
        }
    }
}

fn report(findings: &mut Findings, pos: Option<Pos>, what: &str, name: &str, why: &str) {
    // A base defines what those that extend it may use.
    if let Some(pos) = pos.filter(|pos| pos.file == 0) {
        let hint = "leave it out, or use it";
        findings.warning(pos, "unused-definition", format!("{what} `{name}` is not used: {why}"), hint);
    }
}

/// Where a name is defined.
fn defined(root: &Node, block: &str, name: &str) -> Option<Pos> {
    let NodeValue::Map(members) = &member(root, block)?.value else { return None };
    members.iter().find(|(key, _)| key.name == name).map(|(key, _)| key.pos)
}

/// Every fact that some expression reads.
fn reads(policy: &Policy) -> BTreeSet<FactId> {
    fn add(all: &mut BTreeSet<FactId>, filters: &[Require]) {
        for filter in filters {
            all.extend(filter.when.iter().flat_map(Program::reads));
            all.extend(filter.keep.reads());
        }
    }
    let mut all = BTreeSet::new();
    add(&mut all, &policy.require);
    for rule in &policy.rules {
        all.extend(rule.when.iter().chain(&rule.want).flat_map(Program::reads));
        add(&mut all, &rule.require);
        all.extend(rule.sticky.iter().flat_map(|sticky| &sticky.leave_if).flat_map(Program::reads));
    }
    all.extend(policy.facts.iter().flat_map(|fact| fact.program.reads()));
    all.extend(policy.tests.iter().flat_map(|test| test.expect.reads()));
    all
}

/// Every name in a list of models.
fn named_in_choices(policy: &Policy, root: &Node) -> BTreeSet<String> {
    let lists = (0..policy.rules.len())
        .filter_map(|index| rule(root, index))
        .flat_map(|block| [member(block, "from"), member(block, "else")]);
    let pools = member(root, "pools").into_iter().flat_map(|node| match &node.value {
        NodeValue::Map(members) => members.iter().map(|(_, node)| Some(node)).collect(),
        _ => Vec::new(),
    });
    lists.chain(pools).flat_map(items).filter_map(|item| item.text().map(str::to_owned)).collect()
}
