//! What a decision read from outside its policy: of the request, the state and the keys. With the facts of the decision it
//! stands for the request where a decision is made again from its record.
//!
//! Promises: no text of the prompt or of a tool, only counts, words of closed sets, and what the client wrote in fields
//! with words (the model, the service tier, an effort); each value that was read, and of a value that was not read nothing.
//! Refuses: to know the policy, whose hash says which it was.
//!
//! A test breaks it with a decision that its record makes differently, or with a prompt's text in a record.

use std::borrow::Cow;

use super::budgets::BudgetSeen;
use super::decision::{FactName, FactValue};
use super::forecast::{Shape, most_web_searches};
use crate::json::{ArrayWriter, ObjectWriter};
use crate::shared_str::SharedStr;
use crate::tokens::{Family, TokenCount};
use crate::wire::{CacheTtl, Dialect, Request, ResponseFormat, Thinking, ToolChoice};

/// What a refusal to write depends on: the dialect, and whether the model takes a prefill and a forced tool choice.
pub(super) type TargetKind = (Dialect, bool, bool);

/// The words of a request: what its fields say, without its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub dialect: Dialect,
    pub shape: Shape,
    pub choices: u64,
    pub has_provider_tools: bool,
    /// The most web searches that its provider may run.
    pub web_searches: u64,
    pub tool_choice: ToolChoice<'static>,
    pub format: Format,
    pub thinking: Thinking<'static>,
    pub max_tokens: Option<u64>,
    pub service_tier: Option<String>,
    pub speed: Option<String>,
    pub region: Option<String>,
    /// How long the prompt cache is to hold it, where the request is marked for it: the longest of its marks.
    pub cache: Option<CacheTtl>,
}

/// The form of the answer, without its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
    Schema,
}

impl Asked {
    pub fn of(request: &Request<'_>, shape: Shape) -> Self {
        let billing = &request.billing;
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        Self {
            dialect: request.dialect,
            shape,
            choices: request.choices,
            has_provider_tools: request.tools.iter().any(|tool| !tool.is_function),
            web_searches: most_web_searches(request),
            tool_choice: match &request.tool_choice {
                ToolChoice::Auto => ToolChoice::Auto,
                ToolChoice::None => ToolChoice::None,
                ToolChoice::Any => ToolChoice::Any,
                // Which tool makes no difference to a decision.
                ToolChoice::Named(_) => ToolChoice::Named("".into()),
            },
            format: match request.response_format {
                ResponseFormat::Text => Format::Text,
                ResponseFormat::JsonObject => Format::Json,
                ResponseFormat::JsonSchema { .. } => Format::Schema,
            },
            thinking: match &request.thinking {
                Thinking::Unsaid => Thinking::Unsaid,
                Thinking::Off => Thinking::Off,
                Thinking::Adaptive => Thinking::Adaptive,
                Thinking::Budget(tokens) => Thinking::Budget(*tokens),
                Thinking::Effort(word) => Thinking::Effort(word.to_string().into()),
            },
            max_tokens: request.max_tokens,
            service_tier: owned(&billing.service_tier),
            speed: owned(&billing.speed),
            region: owned(&billing.region),
            cache: billing.cache_marks.iter().map(|mark| mark.ttl).max_by_key(|ttl| ttl.ms()),
        }
    }

    fn write(&self, object: &mut ObjectWriter<'_>) {
        object.string("dialect", self.dialect.name()).string("shape", shape_name(self.shape));
        if self.choices != 1 {
            object.raw("choices", self.choices);
        }
        if self.has_provider_tools {
            object.raw("provider_tools", true);
        }
        if self.web_searches != 0 {
            object.raw("web_searches", self.web_searches);
        }
        match self.tool_choice {
            ToolChoice::Auto => {}
            ToolChoice::None => {
                object.string("tool_choice", "none");
            }
            ToolChoice::Any => {
                object.string("tool_choice", "any");
            }
            ToolChoice::Named(_) => {
                object.string("tool_choice", "named");
            }
        }
        match self.format {
            Format::Text => {}
            Format::Json => {
                object.string("format", "json");
            }
            Format::Schema => {
                object.string("format", "schema");
            }
        }
        match &self.thinking {
            Thinking::Unsaid => {}
            Thinking::Off => {
                object.raw("thinking", false);
            }
            Thinking::Adaptive => {
                object.raw("thinking", true);
            }
            Thinking::Budget(tokens) => {
                object.raw("thinking", tokens);
            }
            Thinking::Effort(word) => {
                object.string("thinking", word);
            }
        }
        if let Some(bound) = self.max_tokens {
            object.raw("max_tokens", bound);
        }
        for (key, word) in [("service_tier", &self.service_tier), ("speed", &self.speed), ("region", &self.region)] {
            if let Some(word) = word {
                object.string(key, word);
            }
        }
        if let Some(ttl) = self.cache {
            object.raw("cache_ms", ttl.ms());
        }
    }
}

/// The shapes by name.
pub(super) const SHAPES: [(Shape, &str); 5] = [
    (Shape::Plain, "plain"),
    (Shape::Schema, "schema"),
    (Shape::Tools, "tools"),
    (Shape::Forced, "forced"),
    (Shape::AfterTool, "after_tool"),
];

fn shape_name(shape: Shape) -> &'static str {
    SHAPES.iter().find(|(known, _)| *known == shape).map_or("plain", |(_, name)| name)
}

/// The size of a request's beginnings, in bytes of text: what a prompt cache shares tokens out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sizes {
    /// Of the whole.
    pub whole: u64,
    /// Up to its last mark for the prompt cache.
    pub marked: Option<u64>,
}

/// What the state said of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// Index of the deployment.
    pub deployment: usize,
    /// 0 healthy; higher goes later.
    pub standing: u8,
    pub ttft_p50_ms: Option<u32>,
    pub ttft_p95_ms: Option<u32>,
    /// How far into the request its prompt cache is believed to reach, in bytes of text.
    pub held: u64,
    /// How busy it is, as its model's balance counts it; 0 where that looks at nothing.
    pub load: u64,
}

/// What a decision read beside its facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    pub(super) asked: Asked,
    /// Input tokens by vocabulary.
    pub(super) tokens: Vec<(Family, TokenCount)>,
    /// The same counted exactly where that was asked for; none where it could not be.
    pub(super) exact: Vec<(Family, Option<TokenCount>)>,
    /// Whether the prompt matched, for each pattern in the order in which they were tried.
    pub(super) matches: Vec<bool>,
    /// Why it cannot be written for a kind of model.
    pub(super) unwritable: Vec<(TargetKind, Option<String>)>,
    /// Whether there is code in it, where that was read and the facts do not show it.
    pub(super) code: Option<bool>,
    pub(super) sizes: Option<Sizes>,
    /// Deployments of which the state knew something.
    pub(super) seen: Vec<Seen>,
    /// Deployments without a key.
    pub(super) keyless: Vec<usize>,
    pub(super) has_state: bool,
    /// The deployments that sessions were with, by the key of `meta` that names the session, where a rule asked.
    pub(super) held: Vec<(String, String)>,
    /// What the policy's budgets had used and left, in their order.
    pub(super) budgets: Vec<BudgetSeen>,
    /// What the client's `model` meant, where it was not the policy's own choice.
    pub(super) named: Option<SharedStr>,
    /// The numbers of `meta`, in millionths: as decimals they may not survive a float.
    pub(super) numbers: Vec<(String, i64)>,
}

/// What a plan needs to know of the request.
#[derive(Debug, Clone, Copy)]
pub struct PlannedRequest<'i> {
    /// Its dialect.
    pub dialect: Dialect,
    /// The thinking that it asks for.
    pub thinking: &'i Thinking<'static>,
}

impl Inputs {
    /// What a plan needs to know of the request.
    pub fn request(&self) -> PlannedRequest<'_> {
        PlannedRequest { dialect: self.asked.dialect, thinking: &self.asked.thinking }
    }

    pub(super) fn write(&self, object: &mut ObjectWriter<'_>) {
        object.object("asked", |object| self.asked.write(object));
        if let Some(name) = &self.named {
            object.string("named", name);
        }
        if !self.tokens.is_empty() {
            object.array("tokens", |array| {
                for (family, count) in &self.tokens {
                    write_count(array, *family, Some(count));
                }
            });
        }
        if !self.exact.is_empty() {
            object.array("exact", |array| {
                for (family, count) in &self.exact {
                    write_count(array, *family, count.as_ref());
                }
            });
        }
        if !self.matches.is_empty() {
            object.array("matches", |array| numbers(array, &self.matches));
        }
        if !self.unwritable.is_empty() {
            object.array("unwritable", |array| {
                for ((dialect, prefill, forced), reason) in &self.unwritable {
                    let mut row = ArrayWriter::new(array.element());
                    row.string(dialect.name());
                    numbers(&mut row, &[prefill, forced]);
                    if let Some(reason) = reason {
                        row.string(reason);
                    }
                    row.end();
                }
            });
        }
        if let Some(code) = self.code {
            object.raw("code", code);
        }
        if let Some(sizes) = self.sizes {
            object.array("sizes", |array| {
                numbers(array, &[sizes.whole]);
                numbers(array, sizes.marked.as_slice());
            });
        }
        if !self.seen.is_empty() {
            object.array("seen", |array| {
                for seen in &self.seen {
                    let mut row = ArrayWriter::new(array.element());
                    numbers(&mut row, &[seen.deployment]);
                    numbers(&mut row, &[seen.standing]);
                    for quantile in [seen.ttft_p50_ms, seen.ttft_p95_ms] {
                        row.element().push_str(&quantile.map_or_else(|| "null".to_owned(), |ms| ms.to_string()));
                    }
                    numbers(&mut row, &[seen.held]);
                    if seen.load > 0 {
                        numbers(&mut row, &[seen.load]);
                    }
                    row.end();
                }
            });
        }
        if !self.keyless.is_empty() {
            object.array("keyless", |array| numbers(array, &self.keyless));
        }
        object.raw("state", self.has_state);
        if !self.held.is_empty() {
            object.object("held", |object| {
                for (by, deployment) in &self.held {
                    object.string(by, deployment);
                }
            });
        }
        if !self.budgets.is_empty() {
            object.array("budgets", |array| {
                for seen in &self.budgets {
                    let mut row = ArrayWriter::new(array.element());
                    numbers(&mut row, &[seen.used_millionths, seen.left_usd_nanos]);
                    row.end();
                }
            });
        }
        if !self.numbers.is_empty() {
            object.object("meta", |object| {
                for (key, millionths) in &self.numbers {
                    object.raw(key, millionths);
                }
            });
        }
    }
}

fn write_count(array: &mut ArrayWriter<'_>, family: Family, count: Option<&TokenCount>) {
    let mut row = ArrayWriter::new(array.element());
    row.string(family.name());
    if let Some(count) = count {
        numbers(&mut row, &[count.tokens, count.low, count.high]);
        row.string(count.method.name());
    }
    row.end();
}

fn numbers<T: std::fmt::Display>(array: &mut ArrayWriter<'_>, values: &[T]) {
    use std::fmt::Write as _;
    for value in values {
        // Writing to a String cannot fail.
        let _ = write!(array.element(), "{value}");
    }
}

/// The numbers among the values of `meta`.
pub(super) fn numbers_of(facts: &[(FactName, FactValue)]) -> Vec<(String, i64)> {
    let number = |(key, value): &(FactName, FactValue)| match value {
        FactValue::Num(number, _, _) => Some((key.as_str().strip_prefix("meta.")?.to_owned(), *number)),
        _ => None,
    };
    facts.iter().filter_map(number).collect()
}
