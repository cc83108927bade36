//! A streamed answer, piece by piece: bytes in, events in normal form out, and at the end how it ended.
//!
//! Promises: the same events and the same end for every split of the same bytes; a stream that was cut is never `complete`; what
//! comes after the end is ignored; one allocation a delta; memory bounded by the answer.
//!
//! Refuses: to skip an event that cannot be read, and to go on after an error.
//!
//! A test breaks it with a proper prefix of a stream (short of its terminal event) that ends `complete`.

use crate::json::JsonError;
use crate::outcome::OutcomeKind;
use crate::usage::{Usage, UsageProblem};

use super::anthropic_messages::AnthropicStream;
use super::error_body::is_html;
use super::openai_chat::OpenAiStream;
use super::responses_stream::ResponsesStream;
use super::sse::{SseItem, SseParser};
use super::whole::{Answer, Draft, ToolCallAnswer, bare_error_in};
use crate::wire::{Dialect, Failure};

/// The largest answer that is gathered, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A piece of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// Text, never empty.
    Text(String),
    /// Reasoning, never empty.
    Thinking(String),
    /// A tool call begins.
    ToolCallStart {
        /// Its place among the tool calls of the answer, from 0, whatever the provider's own numbering.
        index: u32,
        /// Its id, empty when the provider gives none.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// More of a tool call's arguments.
    ToolCallArguments {
        /// The place of the call.
        index: u32,
        /// JSON text, never empty, not whole by itself.
        json: String,
    },
    /// Text of a refusal, never empty.
    Refusal(String),
    /// A sign of life without content: a ping event or a comment.
    Ping,
    /// The stream failed; nothing follows.
    Error {
        /// The kind of outcome.
        kind: OutcomeKind,
        /// Fit for a log.
        message: String,
    },
}

impl StreamEvent {
    /// Whether this is content, so that the stream is committed from here on.
    pub const fn is_content(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Thinking(_) | Self::ToolCallStart { .. } | Self::ToolCallArguments { .. })
    }
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// The outcome.
    pub outcome: OutcomeKind,
    /// What it used, as far as that was reported and can be true (also of a stream that failed).
    pub usage: Option<Usage>,
    /// What is wrong with the reported usage.
    pub usage_problem: Option<UsageProblem>,
    /// Why it ended, as the provider said it.
    pub finish_reason: Option<String>,
    /// The model that answered, as the provider said it.
    pub model: Option<String>,
    /// Why it is not `complete`.
    pub message: Option<String>,
    /// The error, when there was one.
    pub failure: Option<Failure>,
}

/// What a dialect's reader makes of one event.
pub(in crate::wire) enum Step {
    /// It goes on.
    Go,
    /// That was the terminal event.
    Over,
    /// The stream failed.
    Failed(Failure),
}

#[derive(Debug, Clone)]
enum State {
    OpenAi(OpenAiStream),
    Anthropic(AnthropicStream),
    Responses(ResponsesStream),
}

/// Reads one stream.
#[derive(Debug, Clone)]
pub struct StreamReader {
    parser: SseParser,
    body: Body,
}

/// Everything but the framing.
#[derive(Debug, Clone)]
pub(in crate::wire) struct Body {
    state: State,
    draft: Draft,
    gathered_bytes: usize,
    has_events: bool,
    has_content: bool,
    /// The terminal event came, or an error.
    is_over: bool,
    failure: Option<Failure>,
}

impl StreamReader {
    /// A reader at the start of a stream.
    pub fn new(dialect: Dialect) -> Self {
        let state = match dialect {
            Dialect::OpenAiChat => State::OpenAi(OpenAiStream::new()),
            Dialect::AnthropicMessages => State::Anthropic(AnthropicStream::new()),
            Dialect::OpenAiResponses => State::Responses(ResponsesStream::new()),
        };
        let body = Body {
            state,
            draft: Draft::default(),
            gathered_bytes: 0,
            has_events: false,
            has_content: false,
            is_over: false,
            failure: None,
        };
        Self { parser: SseParser::new(), body }
    }

    /// Takes the next bytes and appends the events that they complete. Linear in their number.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<StreamEvent>) {
        if !self.body.is_over {
            self.parser.feed(bytes, &mut |item| self.body.take(item, out));
        }
    }

    /// As [`StreamReader::feed`]; `see` gets each piece of the framing after it was read, and what came of it.
    pub(in crate::wire) fn feed_items(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<StreamEvent>,
        mut see: impl FnMut(SseItem<'_>, &Body, &mut Vec<StreamEvent>),
    ) {
        if !self.body.is_over {
            self.parser.feed(bytes, &mut |item| self.body.take_seen(item, out, &mut see));
        }
    }

    /// As [`StreamReader::finish`]; `see` gets what the end of input left pending.
    pub(in crate::wire) fn finish_items(
        &mut self,
        out: &mut Vec<StreamEvent>,
        mut see: impl FnMut(SseItem<'_>, &Body, &mut Vec<StreamEvent>),
    ) -> StreamEnd {
        if !self.body.is_over {
            self.parser.finish(&mut |item| self.body.take_seen(item, out, &mut see));
        }
        self.finish(out)
    }

    /// What was gathered.
    pub(in crate::wire) fn draft(&self) -> &Draft {
        self.body.draft()
    }

    /// How a stream that ends here ended.
    pub(in crate::wire) fn verdict(&self) -> (OutcomeKind, Option<String>) {
        self.body.verdict()
    }

    /// The end of input. Appends what a last event without its blank line holds, and says how the stream ended.
    pub fn finish(&mut self, out: &mut Vec<StreamEvent>) -> StreamEnd {
        if !self.body.is_over {
            self.parser.finish(&mut |item| self.body.take(item, out));
        }
        if !self.body.is_over {
            self.body.take_stray(self.parser.stray(), out);
        }
        let (outcome, message) = self.body.verdict();
        StreamEnd {
            outcome,
            usage: self.body.draft.reported.usage,
            usage_problem: self.body.draft.reported.finding.map(|finding| finding.problem),
            finish_reason: self.body.draft.finish_reason.clone(),
            model: self.body.draft.model.clone(),
            message,
            failure: self.body.failure.clone(),
        }
    }

    /// Whether content came: text, thinking or a tool call. Until then another deployment can take over unseen.
    pub fn has_content(&self) -> bool {
        self.body.has_content
    }

    /// Whether the terminal event or an error came; what follows is ignored.
    pub fn is_over(&self) -> bool {
        self.body.is_over
    }

    /// The answer so far; its outcome is that of a stream that ends here. Copies the text.
    pub fn answer(&self) -> Answer {
        let (outcome, message) = self.body.verdict();
        self.body.draft.clone().into_answer(outcome, message, self.body.failure.clone())
    }
}

impl Body {
    /// Reads a piece and shows it; nothing that comes after the end.
    fn take_seen(
        &mut self,
        item: SseItem<'_>,
        out: &mut Vec<StreamEvent>,
        see: &mut impl FnMut(SseItem<'_>, &Self, &mut Vec<StreamEvent>),
    ) {
        if !self.is_over {
            self.take(item, out);
            see(item, self, out);
        }
    }

    /// What was gathered.
    pub(in crate::wire) fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Whether the terminal event came, or an error.
    pub(in crate::wire) fn is_ended(&self) -> bool {
        self.is_over
    }

    /// Whether an error came.
    pub(in crate::wire) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether the provider said why it ended.
    pub(in crate::wire) fn has_reason(&self) -> bool {
        self.draft.finish_reason.is_some()
    }

    /// Whether the last event told the usage and nothing else (Chat).
    pub(in crate::wire) fn is_usage_alone(&self) -> bool {
        matches!(&self.state, State::OpenAi(state) if state.is_usage_alone)
    }

    fn take(&mut self, item: SseItem<'_>, out: &mut Vec<StreamEvent>) {
        if self.is_over {
            return;
        }
        let (name, data, is_terminated) = match item {
            SseItem::Comment => return out.push(StreamEvent::Ping),
            SseItem::TooLarge => {
                return self.fail(Failure::new(OutcomeKind::BadUpstream, "an event is larger than 8 MiB"), out);
            }
            SseItem::Event { name, data, is_terminated } => (name, data.trim_ascii(), is_terminated),
        };
        if data.is_empty() || data == b"null" {
            return;
        }
        self.has_events = true;
        if data == b"[DONE]" {
            // Not the terminal event of the other dialects, though some servers add it.
            self.is_over = matches!(self.state, State::OpenAi(_));
            return;
        }
        let start = out.len();
        let is_error = name == b"error";
        let step = match &mut self.state {
            State::OpenAi(state) => state.read(data, is_error, &mut self.draft, out),
            State::Anthropic(state) => state.read(data, is_error, &mut self.draft, out),
            State::Responses(state) => state.read(data, is_error, &mut self.draft, out),
        };
        let step = step.unwrap_or_else(|error| {
            out.truncate(start);
            Step::Failed(unreadable(&error, is_terminated))
        });
        for event in out.get(start..).unwrap_or_default() {
            gather(&mut self.draft, event, &mut self.gathered_bytes);
            self.has_content |= event.is_content();
        }
        match step {
            Step::Go if self.gathered_bytes > MAX_ANSWER_BYTES => {
                self.fail(Failure::new(OutcomeKind::BadUpstream, "the answer is larger than 64 MiB"), out);
            }
            Step::Go => {}
            Step::Over => self.is_over = true,
            Step::Failed(failure) => self.fail(failure, out),
        }
    }

    fn fail(&mut self, failure: Failure, out: &mut Vec<StreamEvent>) {
        out.push(StreamEvent::Error { kind: failure.kind, message: failure.message.clone() });
        self.failure = Some(failure);
        self.is_over = true;
    }

    /// Looks at what came outside of events: a bare error at the end, a page or a plain body instead of a stream.
    fn take_stray(&mut self, stray: &[u8], out: &mut Vec<StreamEvent>) {
        // The beginning of the first line, cut: the stream is truncated, not something else.
        const BEGINNINGS: [&[u8]; 5] = [b"data", b"event", b"retry", b"id", b"\xEF\xBB\xBF"];
        if stray.trim_ascii().is_empty() || BEGINNINGS.iter().any(|beginning| beginning.starts_with(stray)) {
            return;
        }
        let bad = |message: &str| Some(Failure::new(OutcomeKind::BadUpstream, message));
        let failure = if is_html(stray) {
            bad("an HTML page instead of a stream")
        } else {
            bare_error_in(stray).or_else(|| if self.has_events { None } else { bad("the body is no stream of events") })
        };
        if let Some(failure) = failure {
            self.fail(failure, out);
        }
    }

    fn verdict(&self) -> (OutcomeKind, Option<String>) {
        if let Some(failure) = &self.failure {
            return (failure.kind, Some(failure.message.clone()));
        }
        let is_ended = match &self.state {
            // `[DONE]` is optional, the finish reason is not.
            State::OpenAi(state) => state.is_finished(),
            State::Anthropic(_) | State::Responses(_) => self.is_over,
        };
        if !is_ended {
            let message = if self.has_events { "the stream ends without its end" } else { "the stream is empty" };
            return (OutcomeKind::Truncated, Some(message.to_owned()));
        }
        let (outcome, message) = self.draft.verdict(true);
        (outcome, message.map(str::to_owned))
    }
}

/// An event that is not the JSON it should be: broken, or cut by the end of input.
fn unreadable(error: &JsonError, is_terminated: bool) -> Failure {
    if is_terminated {
        Failure::new(OutcomeKind::BadUpstream, &format!("an event is not the JSON that was expected: {error}"))
    } else {
        Failure::new(OutcomeKind::Truncated, "the stream ends inside an event")
    }
}

fn gather(draft: &mut Draft, event: &StreamEvent, gathered_bytes: &mut usize) {
    let mut add = |sum: &mut String, piece: &str| {
        *gathered_bytes = gathered_bytes.saturating_add(piece.len());
        sum.push_str(piece);
    };
    match event {
        StreamEvent::Text(text) => add(&mut draft.text, text),
        StreamEvent::Thinking(text) => add(&mut draft.thinking, text),
        StreamEvent::Refusal(text) => add(&mut draft.refusal, text),
        StreamEvent::ToolCallStart { id, name, .. } => {
            draft.tool_calls.push(ToolCallAnswer { id: id.clone(), name: name.clone(), arguments: String::new() });
        }
        StreamEvent::ToolCallArguments { index, json } => {
            let call = usize::try_from(*index).ok().and_then(|index| draft.tool_calls.get_mut(index));
            if let Some(call) = call {
                add(&mut call.arguments, json);
            }
        }
        StreamEvent::Ping | StreamEvent::Error { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutcomeKind as K;

    fn run(dialect: Dialect, text: &str) -> (Vec<StreamEvent>, StreamEnd, Answer) {
        let (mut reader, mut out) = (StreamReader::new(dialect), Vec::new());
        reader.feed(text.as_bytes(), &mut out);
        let end = reader.finish(&mut out);
        let answer = reader.answer();
        assert_eq!(answer.outcome, end.outcome);
        assert_eq!(reader.has_content(), out.iter().any(StreamEvent::is_content));
        (out, end, answer)
    }

    /// OpenAI chunks from the insides of their choice, then whatever else.
    fn openai(choices: &[&str], tail: &str) -> (Vec<StreamEvent>, StreamEnd, Answer) {
        let chunks: Vec<_> =
            choices.iter().map(|choice| format!("data: {{\"model\":\"m\",\"choices\":[{{{choice}}}]}}\n\n")).collect();
        run(Dialect::OpenAiChat, &(chunks.concat() + tail))
    }

    fn anthropic(events: &[&str]) -> (Vec<StreamEvent>, StreamEnd, Answer) {
        let events: Vec<_> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        run(Dialect::AnthropicMessages, &events.concat())
    }

    const START: &str =
        r#"{"type":"message_start","message":{"model":"c","usage":{"input_tokens":5,"output_tokens":1}}}"#;
    const TEXT: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    const HELLO: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}}"#;
    const STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
    const END_TURN: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#;
    const OVER: &str = r#"{"type":"message_stop"}"#;
    const FINISH: &str = r#""delta":{},"finish_reason":"stop""#;

    #[test]
    fn a_whole_openai_stream() {
        let (out, end, answer) = openai(
            &[
                r#""index":0,"delta":{"role":"assistant","content":""}"#,
                r#""delta":{"reasoning":"t","reasoning_content":"t"}"#,
                r#""delta":{"content":"he"}"#,
                r#""delta":{"content":"llo"}"#,
                FINISH,
            ],
            ": OPENROUTER PROCESSING\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"EXTRA\"}}]}\n\n",
        );
        let text = |text: &str| StreamEvent::Text(text.to_owned());
        assert_eq!(out, [StreamEvent::Thinking("t".to_owned()), text("he"), text("llo"), StreamEvent::Ping]);
        assert_eq!(
            (end.outcome, end.model.as_deref(), end.finish_reason.as_deref()),
            (K::Complete, Some("m"), Some("stop"))
        );
        assert_eq!((end.usage.map(|usage| usage.output_total()), end.message), (Some(2), None));
        assert_eq!(answer.text, "hello");
    }

    #[test]
    fn a_whole_anthropic_stream() {
        let tool = r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"i","name":"f","input":{}}}"#;
        let (out, end, answer) = anthropic(&[
            START,
            TEXT,
            r#"{"type":"ping"}"#,
            HELLO,
            STOP,
            tool,
            tool,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"something_new","index":9}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}}"#,
            OVER,
            HELLO,
            OVER,
        ]);
        assert_eq!(out.len(), 4);
        assert_eq!(out[2], StreamEvent::ToolCallStart { index: 0, id: "i".to_owned(), name: "f".to_owned() });
        assert_eq!((end.outcome, end.model.as_deref()), (K::Complete, Some("c")));
        assert_eq!(end.usage.map(|usage| (usage.input_total(), usage.output_total())), Some((5, 7)));
        assert_eq!((answer.text.as_str(), answer.tool_calls[0].arguments.as_str()), ("hello", r#"{"x":1}"#));
    }

    #[test]
    fn how_openai_streams_end() {
        let hello = r#""delta":{"content":"hello"}"#;
        let done = "data: [DONE]\n\n";
        for (kind, (_, end, _)) in [
            (K::Truncated, openai(&[], "")),
            (K::Truncated, openai(&[hello], "")),
            (K::Truncated, openai(&[hello], done)),
            (K::Complete, openai(&[hello, FINISH], "")),
            (K::Complete, openai(&[hello, FINISH], "data: null\n\ndata:\n\n: x\n\n")),
            (K::Complete, openai(&[hello], r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#)),
            (K::Truncated, openai(&[hello], r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]"#)),
            (K::BadUpstream, openai(&[hello, FINISH], "data: {oops}\n\ndata: [DONE]\n\n")),
            (K::BadUpstream, openai(&[], "<html>\n<body>")),
            (K::BadUpstream, openai(&[], "{\"choices\":[]}")),
            (K::RateLimited, openai(&[hello], "{\n  \"error\": {\"code\": 429, \"message\": \"x\"}\n}\n")),
            (K::RateLimited, openai(&[], "[{\"error\":{\"code\":429,\"message\":\"x\"}}]")),
            (K::Overloaded, openai(&[], "data: {\"error\":{\"type\":\"overloaded_error\"}}\n\n")),
            (K::ServerError, openai(&[hello, FINISH], "data: {\"error\":{\"code\":502,\"message\":\"x\"}}\n\n")),
            (K::ServerError, openai(&[hello], "event: error\ndata: {\"message\":\"x\"}\n\n")),
            (
                K::BadUpstream,
                openai(
                    &[hello],
                    "event: error\ndata: {\"error\":{\"code\":\"tool_use_failed\",\"status_code\":400}}\n\n",
                ),
            ),
            (K::Incomplete, openai(&[hello, r#""delta":{},"finish_reason":"length""#], done)),
            (K::Incomplete, openai(&[FINISH], done)),
            (K::Refused, openai(&[r#""delta":{"refusal":"no","content":null}"#, FINISH], done)),
            (
                K::Truncated,
                openai(&[r#""index":0,"delta":{"content":"x"}"#, r#""index":1,"delta":{"content":"y"}"#, FINISH], done),
            ),
        ] {
            assert_eq!(end.outcome, kind, "{:?}", end.message);
        }
    }

    #[test]
    fn how_anthropic_streams_end() {
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        for (kind, (_, end, _)) in [
            (K::Complete, anthropic(&[START, TEXT, HELLO, STOP, END_TURN, OVER])),
            (K::Truncated, anthropic(&[START, TEXT, HELLO, STOP, END_TURN])),
            (K::Truncated, anthropic(&[START, TEXT, HELLO, STOP, END_TURN, "[DONE]"])),
            (K::Truncated, anthropic(&[START, TEXT, HELLO, STOP, OVER])),
            (K::Truncated, anthropic(&[])),
            (K::Overloaded, anthropic(&[overloaded])),
            (K::Overloaded, anthropic(&[START, TEXT, HELLO, overloaded, OVER])),
            (K::Truncated, anthropic(&[START, HELLO, END_TURN, OVER])),
            (K::Truncated, anthropic(&[START, STOP, END_TURN, OVER])),
            (K::BadUpstream, anthropic(&[START, "{]", END_TURN, OVER])),
            (K::Incomplete, anthropic(&[START, END_TURN, OVER])),
            (K::Refused, anthropic(&[START, r#"{"type":"message_delta","delta":{"stop_reason":"refusal"}}"#, OVER])),
        ] {
            assert_eq!(end.outcome, kind, "{:?}", end.message);
        }
    }

    #[test]
    fn tool_calls_of_every_numbering() {
        let call = |inner: &str| format!(r#""delta":{{"tool_calls":[{inner}]}}"#);
        let finish = r#""delta":{},"finish_reason":"tool_calls""#;
        for (pieces, calls) in [
            // Fragments by index, ids empty or null later, first index not 0.
            (
                vec![
                    call(r#"{"index":1,"id":"a","function":{"name":"f","arguments":""}}"#),
                    call(r#"{"index":1,"id":"","function":{"arguments":"{\"x\""}}"#),
                    call(r#"{"index":1,"id":null,"type":null,"function":{"name":null,"arguments":":1}"}}"#),
                ],
                vec![("a", "f", r#"{"x":1}"#)],
            ),
            // No index: told apart by id.
            (
                vec![call(
                    r#"{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":"[]"}}"#,
                )],
                vec![("a", "f", "{}"), ("b", "g", "[]")],
            ),
            // One index for all.
            (
                vec![
                    call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#),
                    call(r#"{"index":0,"id":"b","function":{"name":"g"}}"#),
                ],
                vec![("a", "f", "{}"), ("b", "g", "{}")],
            ),
            // The form before tools.
            (
                vec![
                    r#""delta":{"function_call":{"name":"f","arguments":"{"}}"#.to_owned(),
                    r#""delta":{"function_call":{"arguments":"}"}}"#.to_owned(),
                ],
                vec![("", "f", "{}")],
            ),
        ] {
            let mut choices: Vec<&str> = pieces.iter().map(String::as_str).collect();
            choices.push(finish);
            let (_, end, answer) = openai(&choices, "data: [DONE]\n\n");
            assert_eq!(end.outcome, K::Complete, "{pieces:?}");
            let seen: Vec<_> =
                answer.tool_calls.iter().map(|c| (c.id.as_str(), c.name.as_str(), c.arguments.as_str())).collect();
            assert_eq!(seen, calls);
        }
        let cut = call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"y"}}"#);
        assert_eq!(openai(&[&cut, finish], "").1.outcome, K::Truncated);
        assert_eq!(openai(&[&cut, r#""delta":{},"finish_reason":"length""#], "").1.outcome, K::Incomplete);
        let garbage = call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{]}"}}"#);
        assert_eq!(openai(&[&garbage, finish], "").1.outcome, K::BadUpstream);
    }

    #[test]
    fn an_error_is_one_event_and_the_last_one() {
        let (out, end, _) = openai(
            &[r#""delta":{"content":"x"}"#],
            "data: {\"error\":{\"message\":\"Key sk-abcdef123456 is bad\",\"code\":401}}\n\ndata: [DONE]\n\n",
        );
        let StreamEvent::Error { kind, message } = &out[1] else { panic!("{out:?}") };
        assert_eq!((out.len(), *kind, message.as_str()), (2, K::Unauthorized, "Key [redacted] is bad"));
        assert_eq!(end.failure.and_then(|failure| failure.status), Some(401));
    }

    #[test]
    fn an_event_that_cannot_be_read_says_nothing() {
        let (out, _, answer) = openai(&[], "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],}\n\n");
        assert_eq!((out.len(), answer.text.as_str()), (1, ""));
    }

    #[test]
    fn a_huge_event_is_refused() {
        let text = format!("data: {}\n\n", "x".repeat(9 << 20));
        assert_eq!(run(Dialect::OpenAiChat, &text).1.outcome, K::BadUpstream);
    }
}
