//! What rules and the whole policy say alike: `accept`, `escalate`, `run`; and small questions that both ask.

use super::block::{Block, boolean, duration_ms, is_name, items, millionths, money_picos, shown, word};
use crate::policy::diagnostics::Findings;
use crate::policy::facts::FactId;
use crate::policy::grammar::{self, KeyRow};
use crate::policy::model::{Accept, Escalate, Hedge, HedgeAfter, Run};
use crate::policy::source::Node;

/// `accept: [complete, check.cites_a_source, ...]`
pub(super) fn accept(node: &Node, findings: &mut Findings) -> Vec<Accept> {
    let mut checks: Vec<Accept> =
        items(node, "`accept`", true, findings).into_iter().filter_map(|item| check(item, findings)).collect();
    checks.sort_unstable();
    checks.dedup();
    checks
}

/// One of ours by its name, or one of the host program's.
fn check(node: &Node, findings: &mut Findings) -> Option<Accept> {
    if let Some(name) = node.text().filter(|text| text.starts_with(grammar::HOST_CHECK)) {
        if name.strip_prefix(grammar::HOST_CHECK).is_some_and(is_name) {
            return Some(Accept::Host(name.into()));
        }
        let hint = "such as `check.cites_a_source`: letters, digits, `-`, `_` and `.`";
        findings.error_hint(node.pos, "bad-value", format!("{} names no check", shown(node)), hint);
        return None;
    }
    let ours: Vec<(&'static str, usize)> =
        Accept::ALL.iter().enumerate().map(|(index, (name, _))| (*name, index)).collect();
    let index = word(node, "a check of `accept`", &ours, findings)?;
    Accept::ALL.get(index).map(|(_, check)| check.clone())
}

/// `escalate: { at_most: 1, cost_within: 2.5x }`
pub(super) fn escalate(node: &Node, findings: &mut Findings) -> Option<Escalate> {
    let block = Block::open(node, "`escalate`", &[grammar::ESCALATE], findings)?;
    let at_most = match block.get("at_most") {
        Some(_) => u32::try_from(block.count("at_most", findings)?).ok()?,
        None => 1,
    };
    let cost_within_millionths =
        block.get("cost_within").and_then(|node| millionths(node, "`cost_within`", "x", findings));
    Some(Escalate { at_most, cost_within_millionths })
}

/// `run: { deadline: 40s, ... }`; what is not said is inherited.
///
/// The retry budget belongs to the process, so only the whole policy can set it.
pub(super) fn run(node: &Node, inherited: Option<Run>, findings: &mut Findings) -> Run {
    let rows: &[&[KeyRow]] =
        if inherited.is_some() { &[grammar::RUN] } else { &[grammar::RUN, grammar::RUN_OF_PROCESS] };
    let inherited = inherited.unwrap_or_default();
    let Some(block) = Block::open(node, "`run`", rows, findings) else { return inherited };
    let mut run = inherited;
    if let Some(value) = block.get("deadline").and_then(|node| duration_ms(node, "`deadline`", findings)) {
        run.deadline_ms = value;
    }
    if let Some(value) = block.get("ttft").and_then(|node| duration_ms(node, "`ttft`", findings)) {
        run.ttft_ms = Some(value);
    }
    if let Some(value) = block.get("spend").and_then(|node| money_picos(node, "`spend`", findings)) {
        run.spend_usd_picos = Some(value);
    }
    if let Some(value) = block.count("attempts", findings) {
        run.attempts = u32::try_from(value).unwrap_or(run.attempts);
    }
    if let Some(value) = block.get("retry_budget").and_then(|node| millionths(node, "`retry_budget`", "", findings)) {
        if value > 1_000_000 {
            let node = block.get("retry_budget").map_or(block.pos, |node| node.pos);
            let message = "`retry_budget` is a share of the first attempts: at most 100%";
            findings.error_hint(node, "out-of-range", message, "such as 20%");
        }
        run.retry_budget_millionths = value;
    }
    if let Some(value) = block.get("idle").and_then(|node| duration_ms(node, "`idle`", findings)) {
        run.idle_ms = value;
    }
    if let Some(node) = block.get("on_disconnect") {
        run.on_disconnect = word(node, "`on_disconnect`", &grammar::ON_DISCONNECT, findings).unwrap_or_default();
    }
    if let Some(node) = block.get("hedge") {
        run.hedge = hedge(node, findings);
    }
    run
}

/// Hedges for each thousand calls where the file does not say: enough for the slowest 3 of 100.
const HEDGE_SHARE_MILLIONTHS: i64 = 30_000;

/// `hedge: { after: p95, share: 3%, cost_within: 1.5x }`
fn hedge(node: &Node, findings: &mut Findings) -> Option<Hedge> {
    let block = Block::open(node, "`hedge`", &[grammar::HEDGE], findings)?;
    let after = block.need("after", "`hedge`", findings)?;
    let after = match after.text().and_then(|text| grammar::HEDGE_AFTER.iter().find(|(name, _)| *name == text)) {
        Some((_, percent)) => HedgeAfter::Percentile(*percent),
        None => HedgeAfter::Ms(duration_ms(after, "`after`", findings)?),
    };
    let share = match block.get("share") {
        Some(node) => {
            let share = millionths(node, "`share`", "", findings)?;
            if share > 1_000_000 {
                findings.error_hint(
                    node.pos,
                    "out-of-range",
                    "`share` is a share of the calls: at most 100%",
                    "such as 3%",
                );
            }
            share
        }
        None => HEDGE_SHARE_MILLIONTHS,
    };
    let cost_within_millionths =
        block.get("cost_within").and_then(|node| millionths(node, "`cost_within`", "x", findings));
    let share_permille = u32::try_from(share / 1_000).unwrap_or(u32::MAX);
    Some(Hedge { after, share_permille, cost_within_millionths })
}

/// Whether a program looks at money.
pub(super) fn asks_for_money(reads: &[FactId]) -> bool {
    reads.iter().any(|fact| matches!(fact, FactId::CostP50 | FactId::CostP90))
}

/// A flag such as `tools: true`.
pub(super) fn flag(block: &Block<'_>, key: &str, findings: &mut Findings) -> Option<bool> {
    block.get(key).and_then(|node| boolean(node, &format!("`{key}`"), findings))
}
