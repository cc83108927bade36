//! `tests`: what is given, and what must hold.

use super::block::{
    Block, boolean, expression, items, millionths, money_picos, named_members, prose, shown, text, word,
};
use crate::calendar::parse_instant;
use crate::policy::budgets::Budget;
use crate::policy::diagnostics::{Findings, suggestion};
use crate::policy::expr::{self, Names};
use crate::policy::facts::{FACTS, FactId, Scope, Type, fact};
use crate::policy::grammar::{self, KeyRow, given_facts};
use crate::policy::model::{Deployment, Given, GivenValue, MetaValue, PolicyModel, PolicyTest};
use crate::policy::source::{Node, NodeValue};

/// Reads `tests`.
pub(super) fn tests(node: &Node, known: &Known<'_>, names: &mut Names, findings: &mut Findings) -> Vec<PolicyTest> {
    let mut tests: Vec<PolicyTest> = Vec::new();
    for item in items(node, "`tests`", false, findings) {
        let Some(block) = Block::open(item, "a test", &[grammar::TEST], findings) else { continue };
        let name = block.need("name", "a test", findings).and_then(|node| text(node, "`name`", findings));
        let for_any = block.get("for_any");
        let is_for_any_prompt =
            for_any.and_then(|node| word(node, "`for_any`", &grammar::FOR_ANY, findings)).unwrap_or(false);
        let given = match (block.get("given"), for_any) {
            (Some(node), _) => Some(given(node, known, for_any.is_some(), findings)),
            // A property may hold for every request without more.
            (None, Some(_)) => Some(Given::default()),
            (None, None) => block.need("given", "a test", findings).map(|_| Given::default()),
        };
        let expect = block.need("expect", "a test", findings);
        let program =
            expect.and_then(|node| expression(node, "`expect`", Scope::Decision, Some(Type::Bool), names, findings));
        let (Some(name), Some(given), Some(expect), Some((program, _))) = (name, given, expect, program) else {
            continue;
        };
        if tests.iter().any(|known| known.name == name) {
            findings.error(block.key_pos("name"), "duplicate-name", format!("two tests are called `{name}`"));
            continue;
        }
        if !program.reads().iter().any(|fact| decided(*fact)) {
            findings.error_hint(
                expect.pos,
                "test-asserts-nothing",
                format!("test `{name}` says nothing about the decision"),
                "expect something of `rule`, `model`, `deployment`, `cost` or `refused`",
            );
        }
        tests.push(PolicyTest {
            name: name.to_owned(),
            is_for_any_prompt,
            given,
            expect: program,
            pos: block.pos,
            expect_pos: expect.pos,
        });
    }
    tests
}

/// Whether a fact depends on what was decided.
fn decided(id: FactId) -> bool {
    FACTS.iter().any(|row| row.id == id && row.scope > Scope::Request)
}

/// What `cooling`, `without_key` and `held` may name.
pub(super) struct Known<'p> {
    /// The models.
    pub models: &'p [PolicyModel],
    /// Their deployments.
    pub deployments: &'p [Deployment],
    /// Models that were refused already.
    pub broken: &'p [String],
    /// Whether the policy has `sticky`.
    pub sticks: bool,
    /// Its budgets.
    pub budgets: &'p [Budget],
}

fn given(node: &Node, known: &Known<'_>, is_for_any: bool, findings: &mut Findings) -> Given {
    let settable = given_facts();
    let rows: [&[KeyRow]; 2] = [grammar::GIVEN, &settable];
    let Some(block) = Block::open(node, "`given`", &rows, findings) else { return Given::default() };
    if let Some(prompt) = block.get("prompt").filter(|_| is_for_any) {
        findings.error_hint(
            prompt.pos,
            "bad-value",
            "a test `for_any: prompt` makes its prompts itself",
            "leave `prompt` out of `given`, or `for_any` out of the test",
        );
    }
    let mut facts: Vec<(FactId, GivenValue)> = settable
        .iter()
        .filter_map(|row| {
            let value = given_fact(&block, row.name, findings)?;
            Some((fact(row.name)?.id, value))
        })
        .collect();
    if let Some(node) = block.get("budget") {
        facts.extend(given_budgets(node, known.budgets, findings));
    }
    let mut model_names = |key: &str| {
        let Some(node) = block.get(key) else { return Vec::new() };
        items(node, &format!("`{key}`"), true, findings)
            .into_iter()
            .filter_map(|item| {
                let name = text(item, &format!("a member of `{key}`"), findings)?;
                let alias = name.split('/').next().unwrap_or(name);
                let names = known.models.iter().map(|model| model.alias.as_str());
                // A model without named deployments is its own.
                let ids = known.deployments.iter().map(|row| row.id.as_str()).filter(|id| id.contains('/'));
                let names: Vec<&str> = names.chain(ids).collect();
                if names.contains(&name) || known.broken.iter().any(|broken| broken == alias) {
                    return Some(name.to_owned());
                }
                let hint = suggestion(name, names);
                findings.error_hint(
                    item.pos,
                    "unknown-name",
                    format!("`{key}` names `{name}`, which is no model or deployment of this policy"),
                    hint.unwrap_or_default(),
                );
                None
            })
            .collect()
    };
    let (cooling, without_key, held) = (model_names("cooling"), model_names("without_key"), model_names("held"));
    if let Some(node) =
        block.get("held").filter(|node| !known.sticks || !matches!(node.value, NodeValue::Scalar { .. }))
    {
        let (message, hint) = if known.sticks {
            ("`held` is one model or deployment", "such as `held: opus`")
        } else {
            ("`held` says who holds the session, but this policy has no `sticky`", "leave it out, or add `sticky`")
        };
        findings.error_hint(node.pos, "bad-value", message, hint);
    }
    Given {
        // An empty prompt is a prompt.
        prompt: block.get("prompt").and_then(|node| prose(node, "`prompt`", findings)).map(str::to_owned),
        meta: block.get("meta").map(|node| meta(node, findings)).unwrap_or_default(),
        now_ms: block.get("now").and_then(|node| {
            let instant = node.text().and_then(parse_instant);
            if instant.is_none() {
                findings.error_hint(
                    node.pos,
                    "bad-value",
                    format!("`now` must be an instant, found {}", shown(node)),
                    "in UTC, such as 2026-01-05T12:00Z",
                );
            }
            instant
        }),
        facts,
        cooling,
        without_key,
        held: held.into_iter().next(),
    }
}

/// `budget: { team: { used: 97% } }`
fn given_budgets(node: &Node, budgets: &[Budget], findings: &mut Findings) -> Vec<(FactId, GivenValue)> {
    let mut found = Vec::new();
    for (key, value) in named_members(node, "`budget`", findings) {
        let place = budgets.iter().position(|budget| budget.name == key.name).and_then(|at| u16::try_from(at).ok());
        let Some(place) = place else {
            let hint = suggestion(&key.name, budgets.iter().map(|budget| budget.name.as_str())).unwrap_or_default();
            let message = format!("`budget` names `{}`, which is no budget of this policy", key.name);
            findings.error_hint(key.pos, "unknown-name", message, hint);
            continue;
        };
        let Some(block) = Block::open(value, "a budget of `given`", &[grammar::GIVEN_BUDGET], findings) else {
            continue;
        };
        let used = block.get("used").and_then(|node| millionths(node, "`used`", "", findings));
        let left = block.get("left").and_then(|node| money_picos(node, "`left`", findings));
        if let (Some(_), Some(node)) = (used, block.get("left")) {
            findings.error(node.pos, "bad-value", "a budget is given by what is used or by what is left, not by both");
        }
        found.extend(used.map(|used| (FactId::BudgetUsed(place), GivenValue::Num(used))));
        found.extend(left.map(|left| (FactId::BudgetLeft(place), GivenValue::Num(left))));
    }
    found
}

fn meta(node: &Node, findings: &mut Findings) -> Vec<(String, MetaValue)> {
    named_members(node, "`meta`", findings)
        .into_iter()
        .filter_map(|(key, value)| {
            let NodeValue::Scalar { is_plain, .. } = &value.value else {
                findings.error(value.pos, "wrong-type", format!("`meta.{}` must be a single value", key.name));
                return None;
            };
            let text = prose(value, &format!("`meta.{}`", key.name), findings)?;
            let value = match (value.as_bool(), signed(text)) {
                (Some(flag), _) => MetaValue::Bool(flag),
                (None, Some(number)) if *is_plain => MetaValue::Number(number),
                _ => MetaValue::Text(text.to_owned()),
            };
            Some((key.name.clone(), value))
        })
        .collect()
}

/// A number that the caller may pass, in millionths.
fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(digits) => expr::fixed(digits, 6).map(|value| -value),
        None => expr::fixed(text, 6),
    }
}

fn given_fact(block: &Block<'_>, name: &str, findings: &mut Findings) -> Option<GivenValue> {
    let node = block.get(name)?;
    if node.text() == Some("unknown") {
        return Some(GivenValue::Unknown);
    }
    let what = format!("`{name}`");
    match fact(name)?.ty {
        Type::Bool => boolean(node, &what, findings).map(GivenValue::Bool),
        Type::Number if fact(name)?.range.is_some() => {
            let (low, high) = fact(name)?.range?;
            let value = millionths(node, &what, "", findings)?;
            if !(low..=high).contains(&value) {
                let message = format!("{what} is between 0 and 1, found {}", shown(node));
                findings.error_hint(node.pos, "out-of-range", message, "write a share, such as 0.7 or 70%");
                return None;
            }
            Some(GivenValue::Num(value))
        }
        Type::Number => block
            .count(name, findings)
            .and_then(|value| i64::try_from(value).ok()?.checked_mul(1_000_000))
            .map(GivenValue::Num),
        Type::Enum(words) => {
            let word = text(node, &what, findings)?;
            if !words.contains(&word) {
                let hint = suggestion(word, words.iter().copied()).unwrap_or_default();
                findings.error_hint(node.pos, "unknown-enum-value", format!("{what} is never \"{word}\""), hint);
                return None;
            }
            Some(GivenValue::Text(word.to_owned()))
        }
        _ => text(node, &what, findings).map(|text| GivenValue::Text(text.to_owned())),
    }
}
