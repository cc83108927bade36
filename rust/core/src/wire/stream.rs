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
use crate::usage::Usage;

use super::answer::{Answer, Draft, ToolCallAnswer, bare_error_in};
use super::answer_anthropic_messages::AnthropicStream;
use super::answer_openai_chat::OpenAiStream;
use super::answer_usage::UsageProblem;
use super::error_body::is_html;
use super::sse::{SseItem, SseParser};
use super::{Dialect, Failure};

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
pub(super) enum Step {
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
}

/// Reads one stream.
#[derive(Debug, Clone)]
pub struct StreamReader {
    parser: SseParser,
    body: Body,
}

/// Everything but the framing.
#[derive(Debug, Clone)]
struct Body {
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
            Dialect::OpenAiChat => State::OpenAi(OpenAiStream::default()),
            Dialect::AnthropicMessages => State::Anthropic(AnthropicStream::default()),
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
            usage_problem: self.body.draft.reported.problem,
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
            // Not Anthropic's terminal event, though some servers add it.
            self.is_over = matches!(self.state, State::OpenAi(_));
            return;
        }
        let start = out.len();
        let is_error = name == b"error";
        let step = match &mut self.state {
            State::OpenAi(state) => state.read(data, is_error, &mut self.draft, out),
            State::Anthropic(state) => state.read(data, is_error, &mut self.draft, out),
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
        if stray.trim_ascii().is_empty() {
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
            State::Anthropic(_) => self.is_over,
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
