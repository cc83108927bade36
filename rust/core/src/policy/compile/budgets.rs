//! `budgets` and `limits`: what may be spent, how fast, by whom, and what happens beyond.

use super::block::{Block, boolean, duration, is_name, items, millionths, shown, text, word};
use super::models::Defined;
use super::pools::model_list;
use crate::control::reservations::{Measure, Period, Unit, Zone};
use crate::policy::budgets::{Bound, Budget, Limit, OnExceed, Per};
use crate::policy::diagnostics::{Findings, suggestion};
use crate::policy::expr::{self, Names};
use crate::policy::grammar;
use crate::policy::model::Pool;
use crate::policy::source::Node;

/// The most that a budget may hold, in nano-USD: $9M, above which the numbers of some stores are no longer exact.
const MAX_USD_NANOS: i64 = 9_000_000_000_000_000;
/// The most tokens or requests of a bound.
const MAX_COUNT: i64 = 1_000_000_000_000;
/// The longest time over which a bucket fills, or that a window rolls: 92 days.
const MAX_WINDOW_MS: i64 = 92 * 86_400_000;
/// More alerts than anyone reads.
const MAX_ALERTS: usize = 16;

/// What budgets and limits may name.
pub(super) struct BudgetContext<'m> {
    /// The models.
    pub models: &'m Defined,
    /// The pools.
    pub pools: &'m [Pool],
    /// The time zones that were looked up for this policy.
    pub zones: &'m [Zone],
}

/// Reads `budgets`.
pub(super) fn budgets(
    node: &Node,
    context: &BudgetContext<'_>,
    names: &mut Names,
    findings: &mut Findings,
) -> Vec<Budget> {
    let mut found: Vec<Budget> = Vec::new();
    for item in items(node, "`budgets`", false, findings) {
        let Some(block) = Block::open(item, "a budget", &[grammar::BUDGET], findings) else { continue };
        let name = block.need("name", "a budget", findings).and_then(|node| {
            let name = text(node, "`name`", findings)?;
            if !is_name(name) || name.contains(['-', '.']) {
                let hint =
                    "a budget's name stands in expressions: it starts with a letter and holds letters, digits and `_`";
                findings.error_hint(node.pos, "bad-value", format!("`{name}` is not a name for a budget"), hint);
                return None;
            }
            Some(name)
        });
        // Its name is known to conditions also where the rest of it is wrong.
        let name = name.filter(|name| {
            let is_new = !names.budgets.iter().any(|known| known == name);
            if is_new {
                names.budgets.push((*name).to_owned());
            } else {
                findings.error(block.key_pos("name"), "duplicate-name", format!("two budgets are called `{name}`"));
            }
            is_new
        });
        let per = block.get("per").map(|node| per(node, false, names, findings)).unwrap_or_default();
        let limit = block.need("limit", "a budget", findings).and_then(|node| spend(node, findings));
        let zone = block.get("zone").map_or_else(|| Some(Zone::default()), |node| zone(node, context, findings));
        if let (Some(node), Some((_, Period::Rolling(_) | Period::Hour))) = (block.get("zone"), limit) {
            let message = "`zone` makes no difference to this window";
            findings.error_hint(node.pos, "bad-value", message, "it says when days, weeks and months begin");
        }
        let on_exceed = block
            .get("on_exceed")
            .and_then(|node| word(node, "`on_exceed`", &OnExceed::ALL, findings))
            .unwrap_or(OnExceed::Refuse);
        let alert_at = block.get("alert_at").map(|node| alerts(node, findings)).unwrap_or_default();
        let models = models(&block, context, findings);
        let is_enforced = block.get("enforce").and_then(|node| boolean(node, "`enforce`", findings)).unwrap_or(true);
        let (Some(name), Some((limit_usd_nanos, period)), Some(zone)) = (name, limit, zone) else {
            // The place of a budget is its index in conditions: one that is wrong keeps it.
            continue;
        };
        found.push(Budget {
            name: name.into(),
            per: per.into_iter().filter_map(|per| if let Per::Meta(key) = per { Some(key) } else { None }).collect(),
            models,
            limit_usd_nanos,
            period,
            zone,
            on_exceed,
            alert_at: alert_at.into(),
            is_enforced,
        });
    }
    found
}

/// Reads `limits`.
pub(super) fn limits(
    node: &Node,
    context: &BudgetContext<'_>,
    names: &mut Names,
    findings: &mut Findings,
) -> Vec<Limit> {
    let mut found: Vec<Limit> = Vec::new();
    for (index, item) in items(node, "`limits`", false, findings).into_iter().enumerate() {
        let Some(block) = Block::open(item, "a limit", &[grammar::LIMIT], findings) else { continue };
        let name = match block.get("name") {
            Some(node) => text(node, "`name`", findings).map(str::to_owned),
            None => Some(format!("limit-{}", index + 1)),
        };
        let per = block.get("per").map(|node| per(node, true, names, findings)).unwrap_or_default();
        let mut bounds = Vec::new();
        for (key, unit) in [
            ("requests", Unit::Requests),
            ("tokens", Unit::Tokens),
            ("input_tokens", Unit::InputTokens),
            ("output_tokens", Unit::OutputTokens),
            ("spend", Unit::UsdNanos),
        ] {
            let Some(node) = block.get(key) else { continue };
            if let Some((most, refill_ms)) = rate(node, key, unit == Unit::UsdNanos, findings) {
                bounds.push(Bound { key, measure: Measure::Bucket(refill_ms), unit, most });
            }
        }
        if let Some(most) = block.count("concurrent", findings).and_then(|most| i64::try_from(most).ok()) {
            bounds.push(Bound { key: "concurrent", measure: Measure::Permits, unit: Unit::Requests, most });
        }
        let says_nothing = !grammar::BOUNDS.iter().any(|key| block.get(key).is_some());
        if says_nothing {
            let hint = "such as requests: 600/min, tokens: 2M/min or concurrent: 50";
            findings.error_hint(block.pos, "missing-key", "this limit bounds nothing", hint);
        }
        let models = models(&block, context, findings);
        let is_enforced = block.get("enforce").and_then(|node| boolean(node, "`enforce`", findings)).unwrap_or(true);
        let Some(name) = name else { continue };
        if found.iter().any(|known| known.name == name) {
            findings.error(block.pos, "duplicate-name", format!("two limits are called `{name}`"));
            continue;
        }
        found.push(Limit { name: name.into(), per, models, bounds, is_enforced });
    }
    found
}

fn models(block: &Block<'_>, context: &BudgetContext<'_>, findings: &mut Findings) -> Vec<usize> {
    block
        .get("models")
        .map(|node| model_list(node, "`models`", context.models, context.pools, findings))
        .unwrap_or_default()
}

/// Whose calls are added up: one, or a list.
fn per(node: &Node, is_limit: bool, names: &mut Names, findings: &mut Findings) -> Vec<Per> {
    let mut found: Vec<Per> = Vec::new();
    for item in items(node, "`per`", true, findings) {
        let Some(said) = text(item, "a member of `per`", findings) else { continue };
        let per = match said {
            "session" | "user" | "key" => Some(Per::Meta(said.to_owned())),
            "model" if is_limit => Some(Per::Model),
            "deployment" if is_limit => Some(Per::Deployment),
            "provider" if is_limit => Some(Per::Provider),
            _ => said.strip_prefix("meta.").filter(|key| is_name(key)).map(|key| Per::Meta(key.to_owned())),
        };
        let Some(per) = per else {
            let words: &[&str] = if is_limit {
                &["session", "user", "key", "model", "deployment", "provider"]
            } else {
                &["session", "user", "key"]
            };
            let hint =
                suggestion(said, words.iter().copied()).filter(|hint| hint.starts_with("did")).unwrap_or_else(|| {
                    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                    format!("{}, or a value of `meta`, such as `meta.team`", words.join(", "))
                });
            findings.error_hint(item.pos, "bad-value", format!("`per` cannot be {}", shown(item)), hint);
            continue;
        };
        if found.contains(&per) {
            findings.error(item.pos, "duplicate-name", format!("`per` names `{said}` twice"));
            continue;
        }
        if let Per::Meta(key) = &per
            && !names.meta.iter().any(|known| known == key)
        {
            names.meta.push(key.clone());
        }
        found.push(per);
    }
    found
}

fn alerts(node: &Node, findings: &mut Findings) -> Vec<i64> {
    let mut shares: Vec<i64> = Vec::new();
    for item in items(node, "`alert_at`", true, findings) {
        let Some(share) = millionths(item, "a share of `alert_at`", "", findings) else { continue };
        if share <= 0 || share > 10_000_000 {
            let message = format!("`alert_at` is a share of the budget, found {}", shown(item));
            findings.error_hint(item.pos, "out-of-range", message, "above 0%, such as [50%, 80%, 95%]");
        } else if !shares.contains(&share) {
            shares.push(share);
        }
    }
    if shares.len() > MAX_ALERTS {
        findings.error(node.pos, "too-large", format!("`alert_at` holds more than {MAX_ALERTS} shares"));
    }
    shares.sort_unstable();
    shares
}

fn zone(node: &Node, context: &BudgetContext<'_>, findings: &mut Findings) -> Option<Zone> {
    let name = text(node, "`zone`", findings)?;
    let zone = Zone::fixed(name).or_else(|| context.zones.iter().find(|zone| zone.name() == name).cloned());
    if zone.is_none() {
        let hint = "`UTC`, an offset such as `+02:00`, or a name of the IANA list, such as `Europe/Berlin`";
        findings.error_hint(node.pos, "unknown-name", format!("`{name}` is no time zone that is known here"), hint);
    }
    zone
}

/// `$500/month`, `$20/24h`: nano-USD and the window.
fn spend(node: &Node, findings: &mut Findings) -> Option<(i64, Period)> {
    let hint = "dollars in a window: $500/month, $50/week, $10/day, $1/hour, or the last so long: $20/24h";
    let read = node.text().and_then(|text| {
        let (money, window) = text.split_once('/')?;
        let nanos = nanos(money)?;
        let period = match window.trim() {
            "hour" => Period::Hour,
            "day" => Period::Day,
            "week" => Period::Week,
            "month" => Period::Month,
            other => Period::Rolling(duration(other)?),
        };
        Some((nanos, period))
    });
    let Some((nanos, period)) = read else {
        findings.error_hint(node.pos, "bad-value", format!("`limit` cannot be {}", shown(node)), hint);
        return None;
    };
    if nanos > MAX_USD_NANOS || nanos == 0 {
        let message = format!("`limit` is above $0 and at most $9000000 a window, found {}", shown(node));
        findings.error_hint(node.pos, "out-of-range", message, hint);
        return None;
    }
    if let Period::Rolling(ms) = period
        && !(60_000..=MAX_WINDOW_MS).contains(&ms)
    {
        let message = format!("a window that rolls lasts from 1m to 92d, found {}", shown(node));
        findings.error_hint(node.pos, "out-of-range", message, hint);
        return None;
    }
    Some((nanos, period))
}

/// `600/min`, `2M/hour`, `$5/10s`: how many, and over how many milliseconds they come back.
fn rate(node: &Node, key: &str, is_money: bool, findings: &mut Findings) -> Option<(i64, i64)> {
    let example = if is_money { "$5/hour" } else { "600/min" };
    let hint = format!("so many in a time: {example}; the time is s, min, hour, day, or such as 10s");
    let read = node.text().and_then(|text| {
        let (amount, time) = text.split_once('/')?;
        let amount = if is_money { nanos(amount)? } else { counted(amount)? };
        let refill_ms = match time.trim() {
            "s" | "second" => 1_000,
            "min" | "minute" => 60_000,
            "h" | "hour" => 3_600_000,
            "d" | "day" => 86_400_000,
            other => duration(other)?,
        };
        Some((amount, refill_ms))
    });
    let Some((amount, refill_ms)) = read else {
        findings.error_hint(node.pos, "bad-value", format!("`{key}` cannot be {}", shown(node)), hint);
        return None;
    };
    let most = if is_money { MAX_USD_NANOS } else { MAX_COUNT };
    if amount == 0 || amount > most || refill_ms > MAX_WINDOW_MS {
        findings.error_hint(node.pos, "out-of-range", format!("`{key}` is out of bounds: {}", shown(node)), hint);
        return None;
    }
    Some((amount, refill_ms))
}

/// Dollars as nano-USD.
fn nanos(text: &str) -> Option<i64> {
    expr::fixed(text.trim().strip_prefix('$')?.trim(), 9)
}

/// A whole number, `600`, `2M` or `1.5k`.
fn counted(text: &str) -> Option<i64> {
    let text = text.trim().replace('_', "");
    let (digits, decimals) = match text.strip_suffix(['k', 'M']) {
        Some(digits) => (digits, if text.ends_with('k') { 3 } else { 6 }),
        None => (text.as_str(), 0),
    };
    expr::fixed(digits, decimals)
}
