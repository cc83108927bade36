//! Tests whose expectation holds whatever the policy decides.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::candidates::{constants, of_rule};
use super::places::{items, member};
use super::region::Region;
use super::truth::{Constant, Reader};
use crate::policy::diagnostics::Findings;
use crate::policy::expr::Program;
use crate::policy::facts::{FACTS, FactId, Scope};
use crate::policy::model::{Given, GivenValue, MetaValue, Policy};
use crate::policy::source::Node;

/// Looks at every test: it is run in thought with a refusal, and with every candidate of every rule.
pub(super) fn expectations(
    policy: &Policy,
    reader: &mut Reader<'_>,
    root: &Node,
    is_blamed: &dyn Fn(&Program) -> bool,
    findings: &mut Findings,
) {
    let used: BTreeSet<usize> = policy.rules.iter().flat_map(|rule| of_rule(policy, rule)).collect();
    let refused: BTreeMap<FactId, Constant> = FACTS
        .iter()
        .filter(|row| row.scope == Scope::Candidate)
        .map(|row| (row.id, Constant::Unknown))
        .chain([(FactId::Refused, Constant::Bool(true))])
        .collect();
    let decided = used.iter().map(|deployment| {
        let mut fixed = constants(policy, *deployment);
        fixed.insert(FactId::Refused, Constant::Bool(false));
        fixed
    });
    let decisions: Vec<BTreeMap<FactId, Constant>> = decided.chain([refused]).collect();
    for (test, node) in policy.tests.iter().zip(items(member(root, "tests"))) {
        if is_blamed(&test.expect) {
            continue;
        }
        let given = given(policy, &test.given);
        // The first decision for which it may fail settles it, and most tests fail for a refusal.
        let holds_always = decisions.iter().rev().all(|decision| {
            let fixed = decision.iter().chain(&given).map(|(fact, value)| (*fact, value.clone()));
            reader.fix(Rc::new(fixed.collect()));
            let truth = reader.truth(&test.expect);
            truth.is_some_and(|truth| truth.yes.covers(&Region::all(), reader.rested()) == Some(true))
        });
        let Some(pos) = member(node, "expect").map(|node| node.pos) else { continue };
        if holds_always {
            findings.error_hint(
                pos,
                "test-asserts-nothing",
                format!("test `{}` holds whatever the policy decides", test.name),
                "expect one `rule`, one `model`, or `refused`",
            );
        }
    }
    reader.fix(Rc::default());
}

/// What a test fixes.
fn given(policy: &Policy, given: &Given) -> BTreeMap<FactId, Constant> {
    let facts = given.facts.iter().map(|(fact, value)| {
        let value = match value {
            GivenValue::Bool(flag) => Constant::Bool(*flag),
            GivenValue::Num(number) => Constant::Num(*number),
            GivenValue::Text(text) => Constant::Text(text.clone()),
            GivenValue::Unknown => Constant::Unknown,
        };
        (*fact, value)
    });
    let meta = policy.meta_keys.iter().enumerate().filter_map(|(index, key)| {
        let value = given.meta.iter().find(|(known, _)| known == key).map(|(_, value)| value);
        let value = match value {
            Some(MetaValue::Text(text)) => Constant::Text(text.clone()),
            Some(MetaValue::Number(number)) => Constant::Num(*number),
            Some(MetaValue::Bool(flag)) => Constant::Bool(*flag),
            None => Constant::Unknown,
        };
        Some((FactId::Meta(u16::try_from(index).ok()?), value))
    });
    facts.chain(meta).collect()
}
