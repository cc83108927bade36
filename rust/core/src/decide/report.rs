//! A decision for machines (JSON) and for people (a short text). Both say the same.

use std::fmt::Write as _;

use super::decision::{CandidateStatus, Considered, Decision, FactValue, Held};
use super::expected_cost::TierEdge;
use super::experiment::Assignment;
use super::sticky::{StickyAction, StickyTrace};
use crate::calendar;
use crate::json::ObjectWriter;
use crate::money::UsdPicos;
use crate::policy::facts::Type;
use crate::quality::Quality;

/// How much of a hash is shown to people: enough to tell two policies apart.
const SHORT_HASH: usize = 12;

impl Decision {
    /// The decision as one JSON object. Same decision, same bytes.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(2048);
        let mut object = ObjectWriter::new(&mut out);
        object
            .string("policy", &self.policy)
            .string("policy_hash", &self.policy_hash)
            .string("catalog_hash", &self.catalog_hash)
            .raw("now_ms", self.now_ms)
            .raw("seed", self.seed)
            .string("rule", &self.rule)
            .string_or_null("model", self.chosen().map(|chosen| chosen.model.as_str()))
            .string_or_null("deployment", self.chosen().map(|chosen| chosen.deployment.as_str()))
            .array("rules", |array| {
                for (row, held) in self.trace.rules() {
                    array.object(|object| {
                        object.string("name", &row.name).string("held", held.name());
                        object.string_or_null("when", row.when.as_deref());
                    });
                }
            })
            .object("facts", |object| {
                for (name, value) in &self.facts {
                    write_fact(object, name.as_str(), value);
                }
            })
            .array("candidates", |array| {
                for considered in self.candidates() {
                    array.object(|object| write_candidate(object, considered));
                }
            })
            .array("relaxed", |array| {
                for want in &self.relaxed {
                    array.string(want);
                }
            });
        if let Some(assignment) = &self.experiment {
            object.object("experiment", |object| {
                object
                    .string("name", &assignment.experiment)
                    .string("by", &format!("meta.{}", assignment.by))
                    .string_or_null("arm", assignment.arm.as_deref())
                    .raw("followed", assignment.is_followed);
            });
        }
        if let Some(sticky) = &self.sticky {
            object.object("sticky", |object| {
                object
                    .string("by", &format!("meta.{}", sticky.by))
                    .string_or_null("held", sticky.held.as_deref())
                    .string("action", sticky.action.name())
                    .string_or_null("why", sticky.why);
                match sticky.saves_millionths {
                    Some(saves) => object.raw("saves", decimal(saves)),
                    None => object.raw("saves", "null"),
                };
            });
        }
        match &self.strongest {
            Some((model, cost)) => object.object("strongest", |object| {
                object.string("model", model).raw("cost_p50_usd_picos", cost);
            }),
            None => object.raw("strongest", "null"),
        };
        object.object("inputs", |object| self.inputs.write(object));
        object.end();
        out
    }

    /// The decision in a few lines for a person.
    pub fn explain(&self) -> String {
        let mut out = String::new();
        match self.chosen() {
            Some(chosen) => {
                let _ = writeln!(
                    out,
                    "{} by rule `{}`, expected cost {} (nine of ten below {})",
                    chosen.deployment,
                    self.rule,
                    money(chosen.candidate.cost_p50_usd_picos),
                    money(chosen.candidate.cost_p90_usd_picos)
                );
            }
            None => {
                let _ = writeln!(out, "refused: no candidate of rule `{}` is eligible", self.rule);
            }
        }
        let _ = writeln!(out, "rules");
        for (row, held) in self.trace.rules() {
            let mark = if row.name == self.rule { ">" } else { " " };
            let when = row.when.as_deref().unwrap_or("always");
            let held = match held {
                Held::Matched => "holds",
                Held::No => "does not hold",
                Held::Unknown => "cannot be known, and would not choose a stronger model",
                Held::Outranked => "holds, but an open rule above it chooses a stronger model",
                Held::UnknownButStronger => "cannot be known, and chooses a stronger model: doubt goes up",
            };
            let _ = writeln!(out, " {mark} {}: {when} ({held})", row.name);
        }
        let _ = writeln!(out, "facts");
        for (name, value) in &self.facts {
            let name = name.as_str();
            let _ = writeln!(out, "   {name} = {}", shown(name, value));
        }
        let _ = writeln!(out, "candidates");
        for considered in self.candidates() {
            let _ = writeln!(out, "   {}", considered.line());
        }
        if !self.relaxed.is_empty() {
            let _ = writeln!(out, "given up: {}", self.relaxed.join("; "));
        }
        if let Some(assignment) = &self.experiment {
            let _ = writeln!(out, "{}", assignment.line());
        }
        if let Some(sticky) = &self.sticky {
            let _ = writeln!(out, "{}", sticky.line());
        }
        let short = |hash: &str| hash.chars().take(SHORT_HASH).collect::<String>();
        let (policy, catalog) = (short(&self.policy_hash), short(&self.catalog_hash));
        let _ = writeln!(out, "policy {} {policy}, catalogue {catalog}", self.policy);
        out
    }

    /// Why a model or deployment was not chosen, in one line.
    pub fn why_not(&self, name: &str) -> String {
        let of_name = |considered: &&Considered| considered.model == name || considered.deployment == name;
        match self.candidates().iter().find(of_name) {
            Some(considered) if considered.status == CandidateStatus::Chosen => format!("{name} was chosen"),
            Some(considered) => match considered.status {
                CandidateStatus::Ranked(place) => {
                    format!("{name} is number {place} of the plan: {}", considered.details())
                }
                _ => considered.reason().unwrap_or_default(),
            },
            None => format!("{name} is not in `from` or `else` of rule `{}`, which matched", self.rule),
        }
    }
}

impl Considered {
    /// What became of the candidate, in one line.
    pub fn line(&self) -> String {
        match &self.status {
            CandidateStatus::Chosen => format!("1. {}: chosen, {}", self.deployment, self.details()),
            CandidateStatus::Ranked(place) => format!("{place}. {}, {}", self.deployment, self.details()),
            CandidateStatus::Rejected { .. } => format!("-  {}", self.reason().unwrap_or_default()),
        }
    }

    /// Why the candidate is out, in one line; none when it is not.
    pub fn reason(&self) -> Option<String> {
        let CandidateStatus::Rejected { code, reason, is_edge } = &self.status else { return None };
        let edge = if *is_edge { ", at the edge: the safe side was taken" } else { "" };
        Some(format!("{}: {reason} ({code}{edge})", self.deployment))
    }

    /// What is expected of a candidate that is not out.
    fn details(&self) -> String {
        let candidate = &self.candidate;
        let mut line = format!(
            "expected {}, {} tokens in, {} out",
            money(candidate.cost_p50_usd_picos),
            candidate.input.tokens,
            candidate.output.p50_tokens
        );
        if let Some(reason) = &candidate.cost_unknown {
            let _ = write!(line, ", {reason}");
        }
        if let Some(quality) = &candidate.quality {
            let _ = write!(line, ", quality {} ({})", bounds(quality), quality.evidence.name());
        }
        if let Some(cache) = candidate.cache.as_ref().filter(|cache| cache.read_tokens > 0) {
            let _ = write!(line, ", {} of them from the prompt cache", cache.read_tokens);
        }
        if let Some(region) = candidate.terms.assumed_region() {
            let _ = write!(line, ", at the price of region `{region}`, the dearest, as its own has none");
        }
        if let Some(edge) = &candidate.tier_edge {
            let _ = write!(line, ", {}", edge.line());
        }
        if let (Some(p50), Some(p95)) = (candidate.ttft_p50_ms, candidate.ttft_p95_ms) {
            let _ = write!(line, ", first token in {p50} ms (19 of 20 within {p95})");
        }
        if candidate.standing > 0 {
            line.push_str(", put last: cooling down");
        }
        if !self.meets_wants {
            line.push_str(", does not meet what is wanted");
        }
        if candidate.is_else {
            line.push_str(", only after failure of all before it");
        }
        line
    }
}

impl Assignment {
    /// The arm, in one line.
    fn line(&self) -> String {
        let Self { experiment, by, arm, is_followed } = self;
        match arm {
            None => format!("experiment `{experiment}`: no arm, since `meta.{by}` is not known"),
            Some(arm) if *is_followed => format!("experiment `{experiment}`: arm `{arm}`"),
            Some(arm) => format!("experiment `{experiment}`: arm `{arm}`, which is not chosen: see its line"),
        }
    }
}

impl StickyTrace {
    /// What became of the session, in one line.
    fn line(&self) -> String {
        let saves = self.saves_millionths.map_or_else(String::new, |saves| {
            let percent = decimal(saves.saturating_mul(100));
            format!(", leaving saves {percent}% of the expected cost")
        });
        let held = self.held.as_deref().unwrap_or_default();
        match (self.action, self.why) {
            (StickyAction::Kept, _) => format!("session by `meta.{}`: stays with {held}{saves}", self.by),
            (_, why) => {
                let left = if self.action == StickyAction::Left { format!("leaves {held}, ") } else { String::new() };
                format!("session by `meta.{}`: {left}{}{saves}", self.by, why.unwrap_or_default())
            }
        }
    }
}

impl TierEdge {
    /// What the edge means, in one line.
    fn line(&self) -> String {
        let place = match self.tokens_to_edge {
            1.. => format!("{} tokens below", self.tokens_to_edge),
            _ => format!("{} tokens above", self.tokens_to_edge.unsigned_abs()),
        };
        let side = if self.is_open { ", and may be on either side: nine of ten takes the dear one" } else { "" };
        let (below, above) = (money(self.cost_below_usd_picos), money(self.cost_above_usd_picos));
        format!("{place} the price tier that begins at {}, where {below} becomes {above}{side}", self.threshold_tokens)
    }
}

fn bounds(quality: &Quality) -> String {
    let (low, high) = (decimal(quality.low), decimal(quality.high));
    if low == high { low } else { format!("{low}..{high}") }
}

fn money(picos: Option<i64>) -> String {
    picos.map_or_else(|| "unknown".to_owned(), |picos| UsdPicos(picos).to_string())
}

fn write_candidate(object: &mut ObjectWriter<'_>, considered: &Considered) {
    let candidate = &considered.candidate;
    object.string("deployment", &considered.deployment).string("model", &considered.model).raw("rank", considered.rank);
    match &considered.status {
        CandidateStatus::Chosen => {
            object.string("status", "chosen").raw("place", 1);
        }
        CandidateStatus::Ranked(place) => {
            object.string("status", "ranked").raw("place", place);
        }
        CandidateStatus::Rejected { code, reason, is_edge } => {
            object.string("status", "rejected").string("code", code).string("reason", reason).raw("edge", is_edge);
        }
    }
    object
        .raw("else", candidate.is_else)
        .raw("meets_wants", considered.meets_wants)
        .raw("standing", candidate.standing)
        .raw("input_tokens", candidate.input.tokens)
        .raw("input_tokens_low", candidate.input.low)
        .raw("input_tokens_high", candidate.input.high)
        .string("input_method", candidate.input.method.name())
        .raw("output_tokens_p50", candidate.output.p50_tokens)
        .raw("output_tokens_p90", candidate.output.p90_tokens);
    write_option(object, "cost_p50_usd_picos", candidate.cost_p50_usd_picos);
    write_option(object, "cost_p90_usd_picos", candidate.cost_p90_usd_picos);
    if let Some(reason) = &candidate.cost_unknown {
        object.string("cost_unknown", reason);
    }
    if let Some(region) = candidate.terms.assumed_region() {
        object.string("region_assumed", region);
    }
    if let Some(edge) = &candidate.tier_edge {
        object.object("tier_edge", |object| {
            object.raw("threshold_tokens", edge.threshold_tokens).raw("tokens_to_edge", edge.tokens_to_edge);
            write_option(object, "cost_below_usd_picos", edge.cost_below_usd_picos);
            write_option(object, "cost_above_usd_picos", edge.cost_above_usd_picos);
            object.raw("edge", edge.is_open);
        });
    }
    if let Some(cache) = &candidate.cache {
        object.object("cache", |object| {
            object.raw("read_tokens", cache.read_tokens).raw("write_tokens", cache.write_tokens);
        });
    }
    if let Some(quality) = &candidate.quality {
        object.object("quality", |object| {
            object
                .raw("low", decimal(quality.low))
                .raw("high", decimal(quality.high))
                .string("from", quality.evidence.name());
        });
    }
    write_option(object, "ttft_p50_ms", candidate.ttft_p50_ms.map(i64::from));
    write_option(object, "ttft_p95_ms", candidate.ttft_p95_ms.map(i64::from));
}

fn write_option(object: &mut ObjectWriter<'_>, key: &str, value: Option<i64>) {
    match value {
        Some(value) => object.raw(key, value),
        None => object.raw(key, "null"),
    };
}

fn write_fact(object: &mut ObjectWriter<'_>, name: &str, value: &FactValue) {
    match value {
        FactValue::Unknown => object.raw(name, "null"),
        FactValue::Bool(flag) => object.raw(name, flag),
        FactValue::Text(text) => object.string(name, text),
        FactValue::Num(_, _, Type::Time | Type::Date | Type::Duration | Type::Money) => {
            object.string(name, &shown(name, value))
        }
        // A number of the caller's stays one where the policy expects a text.
        FactValue::Num(low, high, _) if low == high => object.raw(name, decimal(*low)),
        FactValue::Num(low, high, _) => object.array(name, |array| {
            array.element().push_str(&decimal(*low));
            array.element().push_str(&decimal(*high));
        }),
    };
}

/// Millionths as a decimal number without trailing zeros.
pub(super) fn decimal(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, fraction) = (millionths.unsigned_abs() / 1_000_000, millionths.unsigned_abs() % 1_000_000);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{fraction:06}").trim_end_matches('0').to_owned()
}

fn shown(name: &str, value: &FactValue) -> String {
    match value {
        FactValue::Unknown => "unknown".to_owned(),
        FactValue::Bool(flag) => flag.to_string(),
        FactValue::Text(text) => text.clone(),
        FactValue::Num(minute, _, Type::Time) => format!("{:02}:{:02} UTC", minute / 60, minute % 60),
        FactValue::Num(day, _, Type::Date) => calendar::format_day(*day),
        FactValue::Num(ms, _, Type::Duration) => format!("{ms} ms"),
        FactValue::Num(picos, _, Type::Money) => UsdPicos(*picos).to_string(),
        FactValue::Num(low, high, _) if low == high => decimal(*low),
        FactValue::Num(low, high, _) => {
            let estimated = if name == "tokens" { ", estimated" } else { "" };
            format!("{}..{}{estimated}", decimal(*low), decimal(*high))
        }
    }
}
