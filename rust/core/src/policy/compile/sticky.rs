//! `sticky`: whose calls stay with one deployment, how long, and what makes them leave.

use super::block::{Block, duration_ms, expression};
use super::experiments::unit;
use crate::policy::diagnostics::Findings;
use crate::policy::expr::{Environment, Names, Program, Tri, Value};
use crate::policy::facts::{FactId, Scope, Type};
use crate::policy::grammar;
use crate::policy::model::{SAVES_RANGE, Sticky};
use crate::policy::source::{Node, NodeValue};

/// What `leave_if` may ask beside the facts of the request.
const SAVES: &str = "saves";
/// The longest that a session is remembered, in milliseconds: a day.
const MAX_FOR_MS: i64 = 86_400_000;

/// Reads `sticky`.
pub(super) fn sticky(node: &Node, names: &mut Names, findings: &mut Findings) -> Option<Sticky> {
    let block = Block::open(node, "`sticky`", &[grammar::STICKY], findings)?;
    let by = block.need("by", "`sticky`", findings).and_then(|node| unit(node, names, findings));
    let for_ms = block.get("for").filter(|node| node.text() != Some("cache_ttl")).and_then(|node| {
        if node.text().is_some_and(|text| text.starts_with(|first: char| first.is_ascii_alphabetic())) {
            let hint = "`cache_ttl`, or a duration, such as 10m";
            findings.error_hint(node.pos, "bad-value", "`for` is no such word", hint);
            return None;
        }
        let for_ms = duration_ms(node, "`for`", findings)?;
        if for_ms > MAX_FOR_MS {
            findings.error_hint(node.pos, "out-of-range", "`for` is at most 24h", "`cache_ttl`, or such as 10m");
        }
        Some(for_ms)
    });
    let leave_if = block.get("leave_if").and_then(|node| leave_if(node, names, findings));
    Some(Sticky { by: by?, for_ms, leave_if })
}

/// Reads `sticky` of a rule, which may also be `off`.
pub(super) fn sticky_here(node: &Node, names: &mut Names, findings: &mut Findings) -> Option<Sticky> {
    if matches!(node.value, NodeValue::Scalar { .. }) {
        if node.text() != Some(grammar::NOT_STICKY) {
            let hint = "`off`, or a block, such as `{ by: session }`";
            findings.error_hint(node.pos, "bad-value", "`sticky` of a rule is a block, or `off`", hint);
        }
        return None;
    }
    sticky(node, names, findings)
}

/// `saves` stands behind the policy's own facts while the expression is read.
fn leave_if(node: &Node, names: &mut Names, findings: &mut Findings) -> Option<Program> {
    if names.facts.iter().any(|(name, _)| name == SAVES) {
        let message = "`saves` is what leaving saves, and a fact of this policy is called so too";
        findings.error_hint(node.pos, "duplicate-name", message, "give the fact another name");
        return None;
    }
    let index = u16::try_from(names.facts.len()).ok()?;
    names.facts.push((SAVES.to_owned(), Type::Number));
    let program = expression(node, "`leave_if`", Scope::Request, Some(Type::Bool), names, findings);
    names.facts.pop();
    let (program, _) = program?;
    let held = program.holds(&Any(FactId::Named(index)));
    if held != Tri::Unknown {
        let what = if held == Tri::True { "always" } else { "never" };
        let message = format!("`leave_if` {what} holds: `saves` is a share of the expected cost, 100% at most");
        findings.error_hint(node.pos, "out-of-range", message, "such as saves > 30%");
    }
    Some(program)
}

/// A request of which nothing is known, and that may save anything.
struct Any(FactId);

impl Environment for Any {
    fn fact(&self, fact: FactId) -> Value<'_> {
        let (low, high) = SAVES_RANGE;
        if fact == self.0 { Value::Num(low, high) } else { Value::Unknown }
    }
}
