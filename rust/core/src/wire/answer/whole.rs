//! Answers: a 2xx body in, what the model said and how it ended out.
//!
//! Promises: an ending is never invented (only what the provider called finished is `complete`), an error is an error whatever
//! its status, and any bytes give an answer or an outcome, never a panic. A repeated key counts with its last value.
//!
//! Refuses: to judge quality. An empty answer is `incomplete`, not a failure: healthy models give one at times.
//!
//! A test breaks it with a body that is `complete` though it is an error, is cut, or holds a tool call that cannot be parsed.

use crate::json::{JsonError, Kind, Reader, Value};
use crate::outcome::OutcomeKind;
use crate::usage::{ReportedUsage, ServedTerms, Usage, UsageProblem};

use super::anthropic_messages;
use super::error_body::{ErrorFacts, is_html, parse_error};
use super::openai_chat;
use super::openai_responses;
use crate::wire::{Dialect, Failure};

/// A tool call that the model made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCallAnswer {
    /// The call's id, empty when the provider gave none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as JSON text; `{}` when the provider sent nothing.
    pub arguments: String,
}

impl ToolCallAnswer {
    /// The arguments; `{}` when nothing was sent.
    pub(in crate::wire) fn arguments_or_empty(&self) -> &str {
        if self.arguments.trim().is_empty() { "{}" } else { &self.arguments }
    }
}

/// What came back. Of several choices (`n`), this is the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub outcome: OutcomeKind,
    /// The text.
    pub text: String,
    /// The reasoning that was shown.
    pub thinking: String,
    /// The text of a refusal.
    pub refusal: Option<String>,
    /// Tool calls, in order.
    pub tool_calls: Vec<ToolCallAnswer>,
    /// Why it ended, as the provider said it.
    pub finish_reason: Option<String>,
    /// The model that answered, as the provider said it.
    pub model: Option<String>,
    /// What it used, as far as that was reported and can be true.
    pub usage: Option<Usage>,
    /// What is wrong with the reported usage.
    pub usage_problem: Option<UsageProblem>,
    /// What the provider says that it cost, in pico-USD; also where its tokens cannot be read.
    pub reported_cost_usd_picos: Option<i64>,
    /// The terms that it says it was served under.
    pub served: ServedTerms,
    /// Kinds of content beside text and calls of the client's tools: audio, results of the provider's own tools.
    pub others: Vec<String>,
    /// Why it is not `complete`.
    pub message: Option<String>,
    /// The error that the upstream described, when it did.
    pub failure: Option<Failure>,
}

impl Answer {
    /// Whether nothing was said: no text, no refusal, no tool call.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.refusal.is_none() && self.tool_calls.is_empty()
    }
}

/// What was gathered of an answer, before it is judged.
#[derive(Debug, Clone, Default)]
pub(in crate::wire) struct Draft {
    pub text: String,
    pub thinking: String,
    pub refusal: String,
    pub tool_calls: Vec<ToolCallAnswer>,
    pub finish_reason: Option<String>,
    pub model: Option<String>,
    pub reported: ReportedUsage,
    pub served: ServedTerms,
    /// Kinds of content that are neither text nor a tool call of the client's: audio, results of the provider's own tools.
    pub others: Vec<String>,
}

/// How many kinds of other content are named.
const MAX_OTHERS: usize = 8;

/// What a finish or stop reason stands for.
enum Finish {
    Whole,
    ToolCalls,
    StopSequence,
    Cut,
    Refused,
    Failed(OutcomeKind),
}

fn finish_of(reason: &str) -> Finish {
    // Mistral's and OpenAI-style servers' own words stand beside the two dialects'. An unknown reason is a whole answer: the
    // provider did end it, and new reasons must not fail (Together says `eos`).
    match reason {
        "tool_calls" | "tool_use" | "function_call" => Finish::ToolCalls,
        "stop_sequence" => Finish::StopSequence,
        "length"
        | "max_tokens"
        | "max_output_tokens"
        | "MAX_TOKENS"
        | "model_length"
        | "model_context_window_exceeded"
        | "pause_turn"
        | "incomplete"
        | "compaction" => Finish::Cut,
        "content_filter" | "refusal" | "sensitive" | "safety" | "SAFETY" => Finish::Refused,
        "insufficient_system_resource" => Finish::Failed(OutcomeKind::Overloaded),
        "error" | "network_error" => Finish::Failed(OutcomeKind::ServerError),
        _ => Finish::Whole,
    }
}

impl Draft {
    /// What was gathered of an answer that was judged.
    pub fn of_answer(answer: &Answer) -> Self {
        Self {
            text: answer.text.clone(),
            thinking: answer.thinking.clone(),
            refusal: answer.refusal.clone().unwrap_or_default(),
            tool_calls: answer.tool_calls.clone(),
            finish_reason: answer.finish_reason.clone(),
            model: answer.model.clone(),
            reported: ReportedUsage { usage: answer.usage, ..ReportedUsage::default() },
            served: answer.served.clone(),
            others: answer.others.clone(),
        }
    }

    /// Notes content of another kind.
    pub fn other(&mut self, kind: &str) {
        if self.others.len() < MAX_OTHERS && !self.others.iter().any(|known| known == kind) {
            self.others.push(kind.chars().take(40).collect());
        }
    }

    /// Judges what was gathered. In a stream the caller has made sure that the end was reached.
    pub fn verdict(&self, is_stream: bool) -> (OutcomeKind, Option<&'static str>) {
        let Some(reason) = self.finish_reason.as_deref().filter(|reason| !reason.is_empty()) else {
            // The closing brace shows that a plain body is whole (Snowflake never says more), but not that the answer is.
            let kind = if is_stream { OutcomeKind::Truncated } else { OutcomeKind::Incomplete };
            return (kind, Some("no finish reason"));
        };
        let finish = finish_of(reason);
        match finish {
            Finish::Failed(kind) => return (kind, Some("the finish reason is an error")),
            Finish::Cut => return (OutcomeKind::Incomplete, Some("the answer ends before it is finished")),
            Finish::Refused => return (OutcomeKind::Refused, Some("refused")),
            _ if !self.refusal.is_empty() => return (OutcomeKind::Refused, Some("refused")),
            _ => {}
        }
        for call in &self.tool_calls {
            if let Some(damage) = damage_of(&call.arguments) {
                let is_cut = is_stream && damage == Damage::Cut;
                let kind = if is_cut { OutcomeKind::Truncated } else { OutcomeKind::BadUpstream };
                return (kind, Some("the arguments of a tool call are not whole"));
            }
        }
        let is_empty = self.text.is_empty() && self.tool_calls.is_empty() && self.others.is_empty();
        match finish {
            Finish::ToolCalls if is_empty => (OutcomeKind::BadUpstream, Some("tool calls are announced but missing")),
            Finish::StopSequence => (OutcomeKind::Complete, None),
            _ if is_empty => (OutcomeKind::Incomplete, Some("the answer is empty")),
            _ => (OutcomeKind::Complete, None),
        }
    }

    /// The answer with a given ending.
    pub fn into_answer(self, outcome: OutcomeKind, message: Option<String>, failure: Option<Failure>) -> Answer {
        let mut tool_calls = self.tool_calls;
        for call in &mut tool_calls {
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
        }
        Answer {
            outcome,
            text: self.text,
            thinking: self.thinking,
            refusal: (!self.refusal.is_empty()).then_some(self.refusal),
            tool_calls,
            finish_reason: self.finish_reason,
            model: self.model,
            usage: self.reported.usage,
            usage_problem: self.reported.finding.map(|finding| finding.problem),
            reported_cost_usd_picos: self.reported.reported_cost_usd_picos,
            served: self.served,
            others: self.others,
            message,
            failure,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Damage {
    Cut,
    Garbage,
}

/// Whether tool arguments are whole JSON.
pub(in crate::wire) fn is_whole_json(arguments: &str) -> bool {
    !arguments.trim().is_empty() && damage_of(arguments).is_none()
}

/// Whether tool arguments are not JSON, and whether that is because they stop early. Nothing at all means `{}`.
fn damage_of(arguments: &str) -> Option<Damage> {
    let text = arguments.trim();
    if text.is_empty() {
        return None;
    }
    let mut reader = Reader::new(text.as_bytes());
    let error = reader.skip().and_then(|_| reader.finish()).err()?;
    let is_cut = error.offset >= text.len() || error.message.contains("not closed");
    Some(if is_cut { Damage::Cut } else { Damage::Garbage })
}

/// What a dialect's reader found in a plain body.
#[allow(clippy::large_enum_variant, reason = "one at a time, and only until it is judged")]
pub(in crate::wire) enum Found {
    /// An answer.
    Answer(Draft),
    /// An error object.
    Error(Failure),
    /// Neither.
    Nothing(&'static str),
}

/// Reads a 2xx body that is no stream. Linear in its bytes.
pub fn parse_answer(dialect: Dialect, body: &[u8]) -> Answer {
    let bad = |message: &str| {
        let failure = Failure::new(OutcomeKind::BadUpstream, message);
        Draft::default().into_answer(failure.kind, Some(failure.message), None)
    };
    if body.trim_ascii().is_empty() {
        return bad("the body is empty");
    }
    if is_html(body) {
        return bad("an HTML page instead of JSON");
    }
    let found = match dialect {
        Dialect::OpenAiChat => openai_chat::read_body(body),
        Dialect::AnthropicMessages => anthropic_messages::read_body(body),
        Dialect::OpenAiResponses => openai_responses::read_body(body),
    };
    match found {
        Ok(Found::Answer(draft)) => {
            let (outcome, message) = draft.verdict(false);
            draft.into_answer(outcome, message.map(str::to_owned), None)
        }
        Ok(Found::Error(failure)) => {
            Draft::default().into_answer(failure.kind, Some(failure.message.clone()), Some(failure))
        }
        Ok(Found::Nothing(message)) => bad(message),
        Err(error) => bad(&format!("the body is not the JSON that was expected: {error}")),
    }
}

/// The failure in an error member (`null`, `""` and `{}` are none); also of a whole body without one.
pub(in crate::wire) fn error_in(raw: &[u8]) -> Option<Failure> {
    match parse_error(raw) {
        Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::Object(members)) if members.is_empty() => None,
        Some(value @ Value::String(_)) => Some(Failure::of_error_value(&Value::Object(vec![("error".into(), value)]))),
        Some(value) => Some(Failure::of_error_value(&value)),
        None => Some(Failure::new(OutcomeKind::BadUpstream, "an error object that cannot be read")),
    }
}

/// Whether a whole body has the shape of an error object of some kind, although it has no error member.
pub(in crate::wire) fn bare_error_in(raw: &[u8]) -> Option<Failure> {
    let value = parse_error(raw)?;
    let facts = ErrorFacts::of_value(&value);
    let says_so = value.get("object").and_then(Value::as_str) == Some("error")
        || value.get("type").and_then(Value::as_str) == Some("error")
        || value.get("error").is_some()
        || value.items().first().is_some_and(|first| first.get("error").is_some())
        || facts.status.is_some()
        || (!facts.message.is_empty() && facts.code.is_some());
    says_so.then(|| Failure::of_error_value(&value))
}

/// The string here, or nothing when another kind of value stands here.
pub(in crate::wire) fn string_or_skip<'a>(
    reader: &mut Reader<'a>,
) -> Result<Option<std::borrow::Cow<'a, str>>, JsonError> {
    if reader.peek()? == Kind::String {
        return reader.string().map(Some);
    }
    reader.skip()?;
    Ok(None)
}

/// The unsigned integer here, or nothing when something else stands here.
pub(in crate::wire) fn integer_or_skip(reader: &mut Reader<'_>) -> Result<Option<u64>, JsonError> {
    if reader.peek()? == Kind::Number {
        return Ok(reader.number()?.as_u64());
    }
    reader.skip()?;
    Ok(None)
}

/// The bytes of the value here, or nothing when it is null.
pub(in crate::wire) fn raw_or_null<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, JsonError> {
    let is_null = reader.peek()? == Kind::Null;
    let span = reader.skip()?;
    Ok((!is_null).then(|| reader.slice(span)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutcomeKind as K;

    fn openai(body: &str) -> Answer {
        parse_answer(Dialect::OpenAiChat, body.as_bytes())
    }

    fn anthropic(body: &str) -> Answer {
        parse_answer(Dialect::AnthropicMessages, body.as_bytes())
    }

    #[test]
    fn a_reported_cost_outlives_tokens_that_cannot_be_read() {
        for (usage, problem) in [
            (r#"{"prompt_tokens":-1,"completion_tokens":5,"cost":0.5}"#, Some(UsageProblem::Negative)),
            (r#"{"cost":0.5}"#, None),
            (r#"{"prompt_tokens":1,"completion_tokens":5,"cost":0.5}"#, None),
        ] {
            let answer = openai(&format!(
                r#"{{"choices":[{{"index":0,"message":{{"content":"x"}},"finish_reason":"stop"}}],"usage":{usage}}}"#
            ));
            assert_eq!(
                (answer.reported_cost_usd_picos, answer.usage_problem),
                (Some(500_000_000_000), problem),
                "{usage}"
            );
        }
    }

    #[test]
    fn a_whole_answer_of_each_dialect() {
        let answer = openai(
            r#"{"model":"m","choices":[{"index":0,"message":{"content":"h\u00e9","reasoning_content":"t"},
                "finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        );
        assert_eq!((answer.outcome, answer.text.as_str(), answer.thinking.as_str()), (K::Complete, "h\u{e9}", "t"));
        assert_eq!((answer.model.as_deref(), answer.finish_reason.as_deref()), (Some("m"), Some("stop")));
        assert_eq!(answer.usage.map(|usage| usage.input_total()), Some(3));
        let answer = anthropic(
            r#"{"type":"message","model":"c","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"a"},
                {"type":"text","text":"b"},{"type":"tool_use","id":"i","name":"f","input":{"x":1}}],
                "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#,
        );
        assert_eq!((answer.outcome, answer.text.as_str()), (K::Complete, "ab"));
        assert_eq!((answer.tool_calls[0].name.as_str(), answer.tool_calls[0].arguments.as_str()), ("f", r#"{"x":1}"#));
        assert!(answer.message.is_none() && answer.failure.is_none());
    }

    #[test]
    fn openai_bodies_and_their_outcomes() {
        for (kind, body) in [
            (K::BadUpstream, ""),
            (K::BadUpstream, " \n"),
            (K::BadUpstream, "<!doctype html><title>x</title>"),
            (K::BadUpstream, r#"{"choices":[{"message":{"content":"x"#),
            (K::BadUpstream, r#"{"choices":[]}"#),
            (K::BadUpstream, "{}"),
            (K::BadUpstream, "[]"),
            (K::BadUpstream, "\"text\""),
            (K::Overloaded, r#"{"error":{"message":"x","type":"overloaded_error"}}"#),
            (K::ServerError, r#"{"error":{"message":"x","code":502}}"#),
            (K::RateLimited, r#"{"object":"error","message":"x","code":429}"#),
            (K::Rejected, r#"{"error":{"message":"x","type":"invalid_request_error"},"choices":[]}"#),
            (K::Incomplete, r#"{"choices":[{"message":{"content":"x"},"finish_reason":"length"}]}"#),
            (K::Incomplete, r#"{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#),
            (K::Incomplete, r#"{"choices":[{"message":{"content":"x"},"finish_reason":null}]}"#),
            (K::Refused, r#"{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}"#),
            (K::Refused, r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#),
            (K::ServerError, r#"{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}"#),
            (K::Complete, r#"{"choices":[{"message":{"content":"x"},"finish_reason":"eos"}],"error":null}"#),
            (
                K::Complete,
                r#"{"choices":[{"message":{"content":[{"type":"text","text":"x"}]},"finish_reason":"stop"}]}"#,
            ),
            (K::Complete, r#"{"choices":[{"message":{"content":{"a":1}},"finish_reason":"stop"}]}"#),
            (K::Complete, r#"{"choices":[{"message":{"audio":{"data":"AA"}},"finish_reason":"stop"}]}"#),
            (K::BadUpstream, r#"{"choices":[{"message":{},"finish_reason":"tool_calls"}]}"#),
            (
                K::BadUpstream,
                r#"{"choices":[{"message":{"tool_calls":[{"id":"i","function":{"name":"f","arguments":"{\"a\":"}}]},"finish_reason":"tool_calls"}]}"#,
            ),
            (
                K::Incomplete,
                r#"{"choices":[{"message":{"tool_calls":[{"id":"i","function":{"name":"f","arguments":"{\"a\":"}}]},"finish_reason":"length"}]}"#,
            ),
            (
                K::Complete,
                r#"{"choices":[{"message":{"tool_calls":[{"id":"i","function":{"name":"f","arguments":""}}]},"finish_reason":"stop"}]}"#,
            ),
            (
                K::Complete,
                r#"{"choices":[{"message":{"function_call":{"name":"f","arguments":"{}"}},"finish_reason":"function_call"}]}"#,
            ),
        ] {
            let answer = openai(body);
            assert_eq!(answer.outcome, kind, "{body}");
            assert_eq!(answer.message.is_none(), kind == K::Complete, "{body}");
        }
    }

    #[test]
    fn anthropic_bodies_and_their_outcomes() {
        let body = |content: &str, stop: &str| {
            format!(r#"{{"type":"message","content":{content},"stop_reason":{stop},"usage":{{"input_tokens":1}}}}"#)
        };
        let text = r#"[{"type":"text","text":"x"}]"#;
        for (kind, body) in [
            (K::Complete, body(text, r#""end_turn""#)),
            (K::Complete, body(text, r#""a_new_reason""#)),
            (K::Complete, body("[]", r#""stop_sequence""#)),
            (K::Complete, body(r#"[{"type":"a_new_block"}]"#, r#""end_turn""#)),
            (K::Incomplete, body("[]", r#""end_turn""#)),
            (K::Incomplete, body(text, r#""max_tokens""#)),
            (K::Incomplete, body(text, r#""pause_turn""#)),
            (K::Incomplete, body(text, r#""model_context_window_exceeded""#)),
            (K::Incomplete, body(text, "null")),
            (K::Refused, body("[]", r#""refusal""#)),
            (K::BadUpstream, body("[]", r#""tool_use""#)),
            (K::BadUpstream, r#"{"type":"message"}"#.to_owned()),
            (
                K::Overloaded,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#.to_owned(),
            ),
            (K::RateLimited, r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#.to_owned()),
        ] {
            assert_eq!(anthropic(&body).outcome, kind, "{body}");
        }
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        let answer = openai(
            r#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":null}}]},"finish_reason":"tool_calls"}]}"#,
        );
        assert_eq!((answer.outcome, answer.tool_calls[0].arguments.as_str()), (K::Complete, "{}"));
        assert!(!answer.is_empty());
    }

    #[test]
    fn the_first_choice_is_the_answer() {
        let answer = openai(
            r#"{"choices":[{"index":1,"message":{"content":"b"},"finish_reason":"length"},
                           {"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}"#,
        );
        assert_eq!((answer.outcome, answer.text.as_str()), (K::Complete, "a"));
    }
}
