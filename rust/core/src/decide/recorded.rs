//! A decision made again from its record.
//!
//! Promises: the same bytes as the decision that the record is of, whatever has happened since to the state, the keys and
//! the clock; a record of another policy or catalogue is an error, and so is one that lacks what a decision reads. Refuses:
//! to believe a record's sizes before it holds what it says.
//!
//! A test breaks it with a record that decides otherwise, a damaged one that panics, or one of another policy that decides.

use super::budgets::BudgetSeen;
use super::choose::{DecideInputs, decide};
use super::decision::Decision;
use super::facts::RequestFacts;
use super::inputs::{Asked, Format, Inputs, SHAPES, Seen, Sizes};
use crate::json::Value;
use crate::policy::expr::fixed;
use crate::policy::facts::{FACTS, FactId};
use crate::policy::{GivenValue, MetaValue, Policy};
use crate::shared_str::SharedStr;
use crate::tokens::{Family, Method, TokenCount};
use crate::wire::{
    Billing, CacheMark, CacheTtl, Dialect, PrefixEnd, Request, ResponseFormat, Thinking, Tool, ToolChoice,
};

/// Why a record is not decided again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// One of [`RECORD_CODES`].
    pub code: &'static str,
    /// Lower-case, no full stop.
    pub message: String,
}

/// Every code of a record that is not decided again, and what it says.
pub const RECORD_CODES: &[(&str, &str)] = &[
    ("record-unreadable", "this is no record of a decision, or a value in it cannot be one"),
    ("record-other-policy", "the record was made by another policy, or another version of it"),
    ("record-other-catalog", "the record was made with another catalogue"),
    ("record-incomplete", "the record lacks a value that the decision reads"),
];

fn fail<T>(code: &'static str, message: impl Into<String>) -> Result<T, RecordError> {
    Err(RecordError { code, message: message.into() })
}

fn unreadable(place: &str) -> RecordError {
    RecordError { code: "record-unreadable", message: format!("`{place}` is missing, or is no value that it can have") }
}

/// Those of them that every record shows.
const ALWAYS: [FactId; 7] = [
    FactId::Turns,
    FactId::Tools,
    FactId::Images,
    FactId::Documents,
    FactId::Stream,
    FactId::ToolLoop,
    FactId::Requested,
];

/// The facts of a request that its record has, and that nothing else says.
const FROM_RECORD: [FactId; 11] = [
    FactId::Turns,
    FactId::Tools,
    FactId::Images,
    FactId::Documents,
    FactId::Stream,
    FactId::ToolLoop,
    FactId::Requested,
    FactId::Task,
    FactId::Language,
    FactId::Difficulty,
    FactId::Code,
];

/// What a record says of the request, the caller and the moment.
#[derive(Debug)]
pub struct Recorded<'t> {
    pub(super) request: Request<'t>,
    pub(super) given: Vec<(FactId, GivenValue)>,
    pub(super) meta: Vec<(String, MetaValue)>,
    pub(super) inputs: Inputs,
    pub(super) now_ms: i64,
    seed: u64,
    is_classified: bool,
    has_language: bool,
}

impl<'t> Recorded<'t> {
    /// Reads a record of a decision by this policy with this catalogue. Linear in the record.
    ///
    /// # Errors
    /// With a code of [`RECORD_CODES`].
    pub fn read(text: &'t [u8], policy: &Policy, catalog_hash: &str) -> Result<Self, RecordError> {
        let record = match Value::parse(text) {
            Ok(record @ Value::Object(_)) => record,
            Ok(_) => return fail("record-unreadable", "a record is a JSON object"),
            Err(error) => return fail("record-unreadable", format!("this is not JSON: {error}")),
        };
        let hash = |key: &str| record.get(key).and_then(Value::as_str).ok_or_else(|| unreadable(key));
        let (policy_hash, recorded_catalog) = (hash("policy_hash")?, hash("catalog_hash")?);
        if policy.hash != policy_hash {
            return fail(
                "record-other-policy",
                format!("the record is of policy {policy_hash}, this is {}", policy.hash),
            );
        }
        if recorded_catalog != catalog_hash {
            let message = format!("the record is of catalogue {recorded_catalog}, this is {catalog_hash}");
            return fail("record-other-catalog", message);
        }
        let facts = record.get("facts").ok_or_else(|| unreadable("facts"))?;
        let Some(inputs) = record.get("inputs") else {
            return fail("record-incomplete", "the record lacks `inputs`");
        };
        let inputs = read_inputs(inputs).ok_or_else(|| unreadable("inputs"))?;
        let mut given = Vec::new();
        for row in FACTS.iter().filter(|row| FROM_RECORD.contains(&row.id)) {
            // Null is a value here: what was looked at and is not known.
            let member = facts.members().iter().find(|(name, _)| name == row.name).map(|(_, value)| value);
            let value = match (member, inputs.code) {
                (Some(value), _) => fact(value).ok_or_else(|| unreadable(row.name))?,
                (None, Some(code)) if row.id == FactId::Code => GivenValue::Bool(code),
                (None, _) => continue,
            };
            given.push((row.id, value));
        }
        // What every record shows; of a classified prompt, all that its classification says.
        let has = |id: &FactId| given.iter().any(|(known, _)| known == id);
        let wanted = if has(&FactId::Task) { FROM_RECORD.as_slice() } else { ALWAYS.as_slice() };
        if !wanted.iter().filter(|id| **id != FactId::Language).all(has) {
            return fail("record-incomplete", "the record lacks a fact that every record shows");
        }
        let meta = policy.meta_keys.iter().filter_map(|key| {
            if let Some((_, number)) = inputs.numbers.iter().find(|(known, _)| known == key) {
                return Some((key.clone(), MetaValue::Number(*number)));
            }
            let value = match fact(facts.get(&format!("meta.{key}"))?)? {
                GivenValue::Bool(flag) => MetaValue::Bool(flag),
                GivenValue::Text(text) => MetaValue::Text(text),
                GivenValue::Num(_) | GivenValue::Unknown => return None,
            };
            Some((key.clone(), value))
        });
        let meta = meta.collect();
        let shown = |name: &str| facts.members().iter().any(|(known, _)| known == name);
        Ok(Self {
            request: request_of(&inputs.asked),
            now_ms: record
                .get("now_ms")
                .and_then(Value::as_number)
                .and_then(crate::json::Number::as_i64)
                .ok_or_else(|| unreadable("now_ms"))?,
            seed: record.get("seed").and_then(Value::as_u64).ok_or_else(|| unreadable("seed"))?,
            is_classified: shown("task"),
            has_language: shown("language"),
            given,
            meta,
            inputs,
        })
    }

    /// Whether the record shows a fact.
    pub(super) fn shows(&self, id: FactId) -> bool {
        match id {
            FactId::Task | FactId::Difficulty | FactId::Code => self.is_classified,
            FactId::Language => self.has_language,
            FactId::Prompt => false,
            _ => true,
        }
    }

    /// Whether nothing but the record can know a fact.
    #[allow(clippy::unused_self, reason = "it is asked of a record")]
    pub(super) fn must_show(&self, id: FactId) -> bool {
        FROM_RECORD.contains(&id)
    }

    /// What the client's `model` meant, where it was not the policy's own choice.
    pub fn named(&self) -> Option<&str> {
        self.inputs.named.as_deref()
    }

    /// The request as far as the record has it: without any text.
    pub fn request(&self) -> &Request<'t> {
        &self.request
    }

    /// Decides again.
    ///
    /// # Errors
    /// `record-incomplete`.
    pub fn decide(&self, policy: &Policy, catalog_hash: &SharedStr) -> Result<Decision, RecordError> {
        let facts = RequestFacts::of_record(self);
        let has_key: Vec<bool> =
            (0..policy.deployments.len()).map(|index| !self.inputs.keyless.contains(&index)).collect();
        let decision = decide(&DecideInputs {
            policy,
            catalog_hash,
            facts: &facts,
            has_key: &has_key,
            state: None,
            now_ms: self.now_ms,
            seed: self.seed,
        });
        if facts.is_lacking() {
            return fail("record-incomplete", "the record lacks a value that the decision reads");
        }
        Ok(decision)
    }
}

/// A fact as a record shows it.
fn fact(value: &Value<'_>) -> Option<GivenValue> {
    Some(match value {
        Value::Null => GivenValue::Unknown,
        Value::Bool(flag) => GivenValue::Bool(*flag),
        Value::String(text) => GivenValue::Text(text.to_string()),
        Value::Number(number) => GivenValue::Num(fixed(number.0, 6).or_else(|| tiny(number.as_f64()))?),
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// A decimal that a language wrote with an exponent, in millionths.
fn tiny(number: f64) -> Option<i64> {
    let millionths = (number * 1e6).round();
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    (0.0..=1e15).contains(&millionths).then_some(millionths as i64)
}

/// A request that says what the record says, and has no text.
fn request_of<'t>(asked: &Asked) -> Request<'t> {
    let owned = |text: &Option<String>| text.clone().map(Into::into);
    let hosted =
        Tool { name: "".into(), description: "".into(), schema: b"", raw: b"", is_function: false, strict: None };
    Request {
        dialect: asked.dialect,
        body: b"",
        model: None,
        system: Vec::new(),
        turns: Vec::new(),
        tools: if asked.has_provider_tools { vec![hosted] } else { Vec::new() },
        tool_choice: asked.tool_choice.clone(),
        max_tokens: asked.max_tokens,
        stream: false,
        response_format: match asked.format {
            Format::Text => ResponseFormat::Text,
            Format::Json => ResponseFormat::JsonObject,
            Format::Schema => ResponseFormat::JsonSchema { schema: b"" },
        },
        thinking: asked.thinking.clone(),
        choices: asked.choices,
        sampling: Vec::new(),
        has_special_fields: false,
        is_stateful: false,
        end_user: None,
        wants_usage: false,
        billing: Billing {
            service_tier: owned(&asked.service_tier),
            speed: owned(&asked.speed),
            region: owned(&asked.region),
            cache_marks: asked.cache.map(|ttl| CacheMark { end: PrefixEnd::All, ttl }).into_iter().collect(),
        },
    }
}

fn read_asked(value: &Value<'_>) -> Option<Asked> {
    let text = |key: &str| value.get(key).map(|value| value.as_str().map(str::to_owned));
    let optional = |key: &str| match text(key) {
        None => Some(None),
        Some(text) => text.map(Some),
    };
    let shape = value.get("shape")?.as_str()?;
    Some(Asked {
        dialect: Dialect::from_name(value.get("dialect")?.as_str()?)?,
        shape: SHAPES.iter().find(|(_, name)| *name == shape)?.0,
        choices: value.get("choices").map_or(Some(1), Value::as_u64)?,
        has_provider_tools: value.get("provider_tools").map_or(Some(false), Value::as_bool)?,
        web_searches: value.get("web_searches").map_or(Some(0), Value::as_u64)?,
        tool_choice: match optional("tool_choice")?.as_deref() {
            None => ToolChoice::Auto,
            Some("none") => ToolChoice::None,
            Some("any") => ToolChoice::Any,
            Some("named") => ToolChoice::Named("".into()),
            Some(_) => return None,
        },
        format: match optional("format")?.as_deref() {
            None => Format::Text,
            Some("json") => Format::Json,
            Some("schema") => Format::Schema,
            Some(_) => return None,
        },
        thinking: match value.get("thinking") {
            None => Thinking::Unsaid,
            Some(Value::Bool(false)) => Thinking::Off,
            Some(Value::Bool(true)) => Thinking::Adaptive,
            Some(Value::String(word)) => Thinking::Effort(word.to_string().into()),
            Some(other) => Thinking::Budget(other.as_u64()?),
        },
        max_tokens: value.get("max_tokens").map(|bound| bound.as_u64().ok_or(())).transpose().ok()?,
        service_tier: optional("service_tier")?,
        speed: optional("speed")?,
        region: optional("region")?,
        cache: match value.get("cache_ms") {
            None => None,
            Some(ms) => {
                let ms = ms.as_number()?.as_i64()?;
                Some([CacheTtl::FiveMinutes, CacheTtl::OneHour].into_iter().find(|ttl| ttl.ms() == ms)?)
            }
        },
    })
}

fn read_inputs(value: &Value<'_>) -> Option<Inputs> {
    let rows = |key: &str| value.get(key).map_or(&[][..], Value::items);
    let small = |value: &Value<'_>| usize::try_from(value.as_u64()?).ok();
    Some(Inputs {
        asked: read_asked(value.get("asked")?)?,
        tokens: rows("tokens")
            .iter()
            .map(|row| read_count(row).and_then(|(family, count)| Some((family, count?))))
            .collect::<Option<_>>()?,
        exact: rows("exact").iter().map(read_count).collect::<Option<_>>()?,
        matches: rows("matches").iter().map(Value::as_bool).collect::<Option<_>>()?,
        unwritable: rows("unwritable")
            .iter()
            .map(|row| match row.items() {
                [dialect, prefill, forced, reason @ ..] => {
                    let kind = (Dialect::from_name(dialect.as_str()?)?, prefill.as_bool()?, forced.as_bool()?);
                    Some((kind, reason.first().and_then(Value::as_str).map(str::to_owned)))
                }
                _ => None,
            })
            .collect::<Option<_>>()?,
        code: value.get("code").and_then(Value::as_bool),
        sizes: match rows("sizes") {
            [] => None,
            [whole, marked @ ..] => Some(Sizes {
                whole: whole.as_u64()?,
                marked: marked.first().map(|marked| marked.as_u64().ok_or(())).transpose().ok()?,
            }),
        },
        seen: rows("seen").iter().map(read_seen).collect::<Option<_>>()?,
        keyless: rows("keyless").iter().map(small).collect::<Option<_>>()?,
        has_state: value.get("state")?.as_bool()?,
        held: value
            .get("held")
            .map_or(&[][..], Value::members)
            .iter()
            .map(|(by, deployment)| Some((by.to_string(), deployment.as_str()?.to_owned())))
            .collect::<Option<_>>()?,
        budgets: rows("budgets").iter().map(read_budget).collect::<Option<_>>()?,
        named: value.get("named").map(|name| name.as_str().map(SharedStr::from).ok_or(())).transpose().ok()?,
        numbers: value
            .get("meta")
            .map_or(&[][..], Value::members)
            .iter()
            .map(|(key, number)| Some((key.to_string(), number.as_number()?.as_i64()?)))
            .collect::<Option<_>>()?,
    })
}

fn read_count(row: &Value<'_>) -> Option<(Family, Option<TokenCount>)> {
    let family = |name: &Value<'_>| {
        let name = name.as_str()?;
        Some(Family::from_catalog(name)).filter(|family| family.name() == name)
    };
    match row.items() {
        [name] => Some((family(name)?, None)),
        [name, tokens, low, high, method] => {
            let method = method.as_str()?;
            let method =
                [Method::Exact, Method::Estimated, Method::Unknown].into_iter().find(|known| known.name() == method)?;
            let count = TokenCount { tokens: tokens.as_u64()?, low: low.as_u64()?, high: high.as_u64()?, method };
            Some((family(name)?, Some(count)))
        }
        _ => None,
    }
}

fn read_budget(row: &Value<'_>) -> Option<BudgetSeen> {
    let number = |value: &Value<'_>| value.as_number()?.as_i64();
    match row.items() {
        [used, left] => Some(BudgetSeen { used_millionths: number(used)?, left_usd_nanos: number(left)? }),
        _ => None,
    }
}

fn read_seen(row: &Value<'_>) -> Option<Seen> {
    let quantile = |value: &Value<'_>| match value {
        Value::Null => Some(None),
        value => Some(Some(u32::try_from(value.as_u64()?).ok()?)),
    };
    let (known, load) = match row.items() {
        [known @ .., load] if known.len() == 5 => (known, load.as_u64()?),
        known => (known, 0),
    };
    match known {
        [deployment, standing, p50, p95, held] => Some(Seen {
            deployment: usize::try_from(deployment.as_u64()?).ok()?,
            standing: u8::try_from(standing.as_u64()?).ok()?,
            ttft_p50_ms: quantile(p50)?,
            ttft_p95_ms: quantile(p95)?,
            held: held.as_u64()?,
            load,
        }),
        _ => None,
    }
}
