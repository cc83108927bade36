//! What a policy says that its author cannot have meant: found by interpreting conditions over all requests at once.
//!
//! Promises: certain. A finding says what holds for every request that there is, or stays silent: doubt (too many boxes, a
//! pattern, an estimate) makes no finding. Kleene's logic, as the engine decides: unknown is never taken for true or false.
//!
//! Refuses: nothing but keys in the file and tests that assert nothing; everything else is a warning.
//!
//! A test breaks it with a condition that is said never (or always) to hold and holds otherwise, with a rule that is said to
//! be shadowed and is the first that matches, or with a choice that is said to be empty and is not.

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]
mod brute_force;
mod candidates;
mod choices;
mod conditions;
mod expectations;
mod patterns;
mod places;
mod priors;
mod region;
mod secrets;
mod shadows;
mod truth;
mod universe;
mod unused;
mod values;
mod wishes;
mod words;

use std::collections::BTreeMap;

use super::diagnostics::Findings;
use super::expr::Program;
use super::facts::FactId;
use super::model::{Policy, Require};
use super::source::Node;
use places::{items, member, rule};
use truth::Reader;

pub(super) use secrets::secrets;

/// Looks at a policy that has no errors.
pub(super) fn lint(policy: &Policy, root: &Node, findings: &mut Findings) {
    let mut reader = Reader::new(&policy.facts, limits(policy));
    let sites = sites(policy, root);
    let mut blamed = Vec::new();
    for site in &sites {
        patterns::patterns(site, findings);
        priors::priors(policy, site, findings);
        blamed.push(words::words(policy, site, findings) || conditions::conditions(&mut reader, site, findings));
    }
    let is_blamed = |program: &Program| {
        sites.iter().zip(&blamed).any(|(site, is_blamed)| *is_blamed && std::ptr::eq(site.program, program))
    };
    let truths: Vec<_> =
        policy.rules.iter().map(|rule| rule.when.as_ref().and_then(|when| reader.truth(when))).collect();
    shadows::shadows(policy, &truths, &mut reader, root, findings);
    let constants = candidates::all_constants(policy);
    let choices = choices::Choices { policy, truths: &truths, root, constants: &constants, is_blamed: &is_blamed };
    let rejecting = choices.filters(&mut reader, findings);
    choices.choices(&rejecting, &mut reader, findings);
    choices.arms(&rejecting, &mut reader, findings);
    wishes::wishes(policy, &truths, root, &constants, &is_blamed, &mut reader, findings);
    expectations::expectations(policy, &mut reader, root, &is_blamed, findings);
    unused::unused(policy, root, findings);
}

/// An expression with its place.
struct Site<'p> {
    program: &'p Program,
    node: &'p Node,
    /// What it is, for messages.
    what: String,
    /// Whether its value is a condition that something depends on, no test's.
    is_condition: bool,
}

/// Every expression of a policy, in the order of the blocks.
fn sites<'p>(policy: &'p Policy, root: &'p Node) -> Vec<Site<'p>> {
    let mut found = Vec::new();
    let mut add = |program: Option<&'p Program>, node: Option<&'p Node>, what: String, is_condition: bool| {
        if let (Some(program), Some(node)) = (program, node) {
            found.push(Site { program, node, what, is_condition });
        }
    };
    if let Some(facts) = member(root, "facts") {
        for fact in &policy.facts {
            add(Some(&fact.program), member(facts, &fact.name), format!("fact `{}`", fact.name), true);
        }
    }
    let mut filters = |filters: &'p [Require], block: Option<&'p Node>| {
        for (filter, node) in filters.iter().zip(items(block.and_then(|block| member(block, "require")))) {
            add(filter.when.as_ref(), member(node, "when"), format!("`when` of filter `{}`", filter.name), true);
            add(Some(&filter.keep), member(node, "keep"), format!("`keep` of filter `{}`", filter.name), true);
        }
    };
    filters(&policy.require, Some(root));
    for (index, row) in policy.rules.iter().enumerate() {
        filters(&row.require, rule(root, index));
    }
    for (index, row) in policy.rules.iter().enumerate() {
        let Some(block) = rule(root, index) else { continue };
        add(row.when.as_ref(), member(block, "when"), format!("`when` of rule `{}`", row.name), true);
        for (want, node) in row.want.iter().zip(items(member(block, "want"))) {
            add(Some(want), Some(node), format!("`want` of {}", named(&row.name)), true);
        }
    }
    for (test, node) in policy.tests.iter().zip(items(member(root, "tests"))) {
        add(Some(&test.expect), member(node, "expect"), format!("`expect` of test `{}`", test.name), false);
    }
    found
}

/// A rule for messages.
fn named(rule: &str) -> String {
    if rule == "otherwise" { "`otherwise`".to_owned() } else { format!("rule `{rule}`") }
}

/// The texts that some facts can have in this policy.
fn limits(policy: &Policy) -> BTreeMap<FactId, Vec<String>> {
    let deployments = &policy.deployments;
    BTreeMap::from([
        (FactId::Model, policy.models.iter().map(|model| model.alias.to_string()).collect()),
        (FactId::ModelProvider, policy.models.iter().map(|model| model.facts.provider.clone()).collect()),
        (FactId::DeploymentName, deployments.iter().map(|row| row.name.clone()).collect()),
        (FactId::DeploymentRegion, deployments.iter().filter_map(|row| row.region.clone()).collect()),
        (FactId::Rule, policy.rules.iter().map(|rule| rule.name.to_string()).collect()),
    ])
}
