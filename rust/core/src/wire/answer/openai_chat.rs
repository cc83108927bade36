//! OpenAI Chat Completions: bodies and chunks of a stream, with the habits of the servers that speak it.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Reader};
use crate::usage::{OPENAI_CHAT, UsageReader};

use super::stream::{Step, StreamEvent};
use super::whole::{
    Draft, Found, ToolCallAnswer, bare_error_in, error_in, integer_or_skip, raw_or_null, string_or_skip,
};
use crate::wire::Failure;

/// More tool calls than any answer has.
const MAX_TOOL_CALLS: usize = 1_024;

/// A tool call, or a fragment of one.
#[derive(Default)]
struct ToolPiece<'a> {
    index: Option<u64>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Option<Cow<'a, str>>,
}

/// A message, or a delta of one.
#[derive(Default)]
struct MessagePiece<'a> {
    content: Option<Cow<'a, str>>,
    /// `reasoning_content`, `reasoning`, thinking parts of a content list, `reasoning_details`: the first that says something,
    /// since routers send the same text twice.
    thinking: [Option<Cow<'a, str>>; 4],
    refusal: Option<Cow<'a, str>>,
    tools: Vec<ToolPiece<'a>>,
    has_other_content: bool,
}

impl<'a> MessagePiece<'a> {
    fn thinking(&mut self) -> Option<Cow<'a, str>> {
        self.thinking.iter_mut().find_map(|text| text.take().filter(|text| !text.is_empty()))
    }

    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), JsonError> {
        if reader.peek()? != Kind::Object {
            return reader.skip().map(drop);
        }
        reader.object(|reader, key| {
            let [field, reasoning, parts, details] = &mut self.thinking;
            match key.as_ref() {
                "content" => match reader.peek()? {
                    Kind::Array => self.content = read_parts(reader, parts)?,
                    // Cloudflare answers a JSON schema with the object itself.
                    Kind::Object => self.content = raw_or_null(reader)?.map(String::from_utf8_lossy),
                    _ => self.content = string_or_skip(reader)?,
                },
                "reasoning_content" => *field = string_or_skip(reader)?,
                "reasoning" => *reasoning = string_or_skip(reader)?,
                "reasoning_details" if reader.peek()? == Kind::Array => *details = read_details(reader)?,
                "refusal" => self.refusal = string_or_skip(reader)?,
                "tool_calls" if reader.peek()? == Kind::Array => {
                    reader.array(|reader| {
                        self.tools.push(read_tool(reader)?);
                        Ok::<(), JsonError>(())
                    })?;
                }
                "function_call" if reader.peek()? == Kind::Object => {
                    // The form before tools: one call without id, told apart by an index that no list has.
                    let call = ToolPiece { index: Some(u64::MAX), ..read_function(reader)? };
                    // Snowflake writes an empty one beside every answer.
                    if [&call.name, &call.arguments].into_iter().flatten().any(|text| !text.is_empty()) {
                        self.tools.push(call);
                    }
                }
                "audio" if reader.peek()? == Kind::Object => reader.object(|reader, key| {
                    match key.as_ref() {
                        "data" | "transcript" => {
                            self.has_other_content |= string_or_skip(reader)?.is_some_and(|text| !text.is_empty());
                        }
                        _ => drop(reader.skip()?),
                    }
                    Ok::<(), JsonError>(())
                })?,
                "images" if reader.peek()? == Kind::Array => reader.array(|reader| {
                    self.has_other_content = true;
                    reader.skip().map(drop)
                })?,
                _ => drop(reader.skip()?),
            }
            Ok(())
        })
    }
}

/// Appends, borrowing as long as there is one piece only.
fn join<'a>(sum: &mut Option<Cow<'a, str>>, piece: Option<Cow<'a, str>>) {
    match (sum.as_mut(), piece) {
        (_, None) => {}
        (None, piece) => *sum = piece,
        (Some(sum), Some(piece)) => sum.to_mut().push_str(&piece),
    }
}

/// Content as a list of parts (Mistral): the text, and beside it the thinking.
fn read_parts<'a>(
    reader: &mut Reader<'a>,
    thinking: &mut Option<Cow<'a, str>>,
) -> Result<Option<Cow<'a, str>>, JsonError> {
    let mut text = None;
    reader.array(|reader| {
        if reader.peek()? != Kind::Object {
            return reader.skip().map(drop);
        }
        reader.object(|reader, key| {
            match key.as_ref() {
                "text" => join(&mut text, string_or_skip(reader)?),
                "thinking" if reader.peek()? == Kind::Array => {
                    let inner = read_parts(reader, &mut None)?;
                    join(thinking, inner);
                }
                "thinking" => join(thinking, string_or_skip(reader)?),
                _ => drop(reader.skip()?),
            }
            Ok::<(), JsonError>(())
        })
    })?;
    Ok(text)
}

/// `OpenRouter`'s list of `{type, text}` and `{type, summary}`.
fn read_details<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, JsonError> {
    let mut text = None;
    reader.array(|reader| {
        if reader.peek()? != Kind::Object {
            return reader.skip().map(drop);
        }
        reader.object(|reader, key| {
            match key.as_ref() {
                "text" | "summary" => join(&mut text, string_or_skip(reader)?),
                _ => drop(reader.skip()?),
            }
            Ok::<(), JsonError>(())
        })
    })?;
    Ok(text)
}

fn read_tool<'a>(reader: &mut Reader<'a>) -> Result<ToolPiece<'a>, JsonError> {
    let mut piece = ToolPiece::default();
    if reader.peek()? != Kind::Object {
        reader.skip()?;
        return Ok(piece);
    }
    reader.object(|reader, key| {
        match key.as_ref() {
            "index" => piece.index = integer_or_skip(reader)?,
            "id" => piece.id = string_or_skip(reader)?,
            "function" if reader.peek()? == Kind::Object => {
                let function = read_function(reader)?;
                (piece.name, piece.arguments) = (function.name, function.arguments);
            }
            // A custom tool takes free text; as JSON that is a string, which keeps "arguments are JSON" true.
            "custom" if reader.peek()? == Kind::Object => {
                let (mut name, mut input) = (None, None);
                reader.object(|reader, key| {
                    match key.as_ref() {
                        "name" => name = string_or_skip(reader)?.filter(|name| !name.is_empty()),
                        "input" => input = raw_or_null(reader)?.map(String::from_utf8_lossy),
                        _ => drop(reader.skip()?),
                    }
                    Ok::<(), JsonError>(())
                })?;
                if name.is_some() {
                    (piece.name, piece.arguments) = (name, input);
                }
            }
            _ => drop(reader.skip()?),
        }
        Ok::<(), JsonError>(())
    })?;
    Ok(piece)
}

fn read_function<'a>(reader: &mut Reader<'a>) -> Result<ToolPiece<'a>, JsonError> {
    let mut piece = ToolPiece::default();
    reader.object(|reader, key| {
        match key.as_ref() {
            "name" => piece.name = string_or_skip(reader)?,
            // Some servers write the object itself instead of its text.
            "arguments" if matches!(reader.peek()?, Kind::Object | Kind::Array) => {
                piece.arguments = raw_or_null(reader)?.map(String::from_utf8_lossy);
            }
            "arguments" => piece.arguments = string_or_skip(reader)?,
            _ => drop(reader.skip()?),
        }
        Ok::<(), JsonError>(())
    })?;
    Ok(piece)
}

#[derive(Default)]
struct Choice<'a> {
    index: u64,
    message: MessagePiece<'a>,
    finish: Option<Cow<'a, str>>,
}

/// What stands around the choices.
#[derive(Default)]
struct Envelope<'a> {
    model: Option<Cow<'a, str>>,
    error: Option<&'a [u8]>,
    usage: Option<&'a [u8]>,
    groq_usage: Option<&'a [u8]>,
    cost: Option<&'a [u8]>,
    service_tier: Option<&'a [u8]>,
    is_error_object: bool,
    has_choices: bool,
}

impl Envelope<'_> {
    /// Hands what is said of the usage to its reader.
    fn report(&self, usage: &mut UsageReader) {
        if let Some(raw) = self.usage.or(self.groq_usage) {
            usage.object(raw);
        }
        if let Some(raw) = self.cost {
            usage.beside("cost", raw);
        }
        if let Some(raw) = self.service_tier {
            usage.beside("service_tier", raw);
        }
    }
}

fn read_envelope<'a>(
    body: &'a [u8],
    message_key: &str,
    mut visit: impl FnMut(Choice<'a>),
) -> Result<Envelope<'a>, JsonError> {
    let mut reader = Reader::new(body);
    let mut seen = Envelope::default();
    reader.object(|reader, key| {
        match key.as_ref() {
            "model" => seen.model = string_or_skip(reader)?.filter(|model| !model.is_empty()),
            "error" => seen.error = raw_or_null(reader)?,
            "usage" => seen.usage = raw_or_null(reader)?,
            "cost" => seen.cost = raw_or_null(reader)?,
            "service_tier" => seen.service_tier = raw_or_null(reader)?,
            "object" => seen.is_error_object = string_or_skip(reader)?.as_deref() == Some("error"),
            "x_groq" if reader.peek()? == Kind::Object => reader.object(|reader, key| {
                match key.as_ref() {
                    "usage" => seen.groq_usage = raw_or_null(reader)?,
                    "error" => seen.error = raw_or_null(reader)?.or(seen.error),
                    _ => drop(reader.skip()?),
                }
                Ok::<(), JsonError>(())
            })?,
            "choices" if reader.peek()? == Kind::Array => {
                seen.has_choices = true;
                reader.array(|reader| {
                    let mut choice = Choice::default();
                    if reader.peek()? != Kind::Object {
                        return reader.skip().map(drop);
                    }
                    reader.object(|reader, key| {
                        match key.as_ref() {
                            "index" => choice.index = integer_or_skip(reader)?.unwrap_or(0),
                            "finish_reason" => choice.finish = string_or_skip(reader)?.filter(|text| !text.is_empty()),
                            "error" => seen.error = raw_or_null(reader)?.or(seen.error),
                            key if key == message_key => choice.message.read(reader)?,
                            _ => drop(reader.skip()?),
                        }
                        Ok::<(), JsonError>(())
                    })?;
                    visit(choice);
                    Ok(())
                })?;
            }
            _ => drop(reader.skip()?),
        }
        Ok::<(), JsonError>(())
    })?;
    reader.finish()?;
    Ok(seen)
}

/// Reads a plain body.
pub(in crate::wire) fn read_body(body: &[u8]) -> Result<Found, JsonError> {
    if Reader::new(body).peek()? != Kind::Object {
        return Ok(bare_error_in(body).map_or(Found::Nothing("the body is JSON, but no object"), Found::Error));
    }
    let mut first: Option<Choice<'_>> = None;
    let envelope = read_envelope(body, "message", |choice| {
        if first.as_ref().is_none_or(|first| choice.index < first.index) {
            first = Some(choice);
        }
    })?;
    if let Some(failure) = envelope.error.and_then(error_in) {
        return Ok(Found::Error(failure));
    }
    let Some(mut choice) = first else {
        if !envelope.has_choices
            && let Some(failure) = bare_error_in(body)
        {
            return Ok(Found::Error(failure));
        }
        return Ok(Found::Nothing("the answer has no choices"));
    };
    let thinking = choice.message.thinking();
    let message = choice.message;
    let call = |tool: ToolPiece<'_>| ToolCallAnswer {
        id: tool.id.unwrap_or_default().into_owned(),
        name: tool.name.unwrap_or_default().into_owned(),
        arguments: tool.arguments.unwrap_or_default().into_owned(),
    };
    let mut usage = UsageReader::new(&OPENAI_CHAT);
    envelope.report(&mut usage);
    Ok(Found::Answer(Draft {
        text: message.content.unwrap_or_default().into_owned(),
        thinking: thinking.unwrap_or_default().into_owned(),
        refusal: message.refusal.unwrap_or_default().into_owned(),
        tool_calls: message.tools.into_iter().map(call).collect(),
        finish_reason: choice.finish.map(Cow::into_owned),
        reported: usage.usage(),
        served: usage.served(),
        model: envelope.model.map(Cow::into_owned),
        others: message.has_other_content.then(|| "audio or images".to_owned()).into_iter().collect(),
    }))
}

/// A tool call that a stream has begun.
#[derive(Debug, Clone)]
struct Call {
    upstream_index: Option<u64>,
    id: String,
}

/// The state of a stream.
#[derive(Debug, Clone)]
pub(in crate::wire) struct OpenAiStream {
    usage: UsageReader,
    /// The choice that is handed out: the first one seen.
    choice: Option<u64>,
    calls: Vec<Call>,
    /// Whether the last chunk held usage and no choice.
    pub is_usage_alone: bool,
    /// Choices seen and finished, one bit an index.
    seen: u128,
    finished: u128,
}

impl OpenAiStream {
    /// A stream of which nothing has come.
    pub fn new() -> Self {
        Self {
            usage: UsageReader::new(&OPENAI_CHAT),
            choice: None,
            calls: Vec::new(),
            is_usage_alone: false,
            seen: 0,
            finished: 0,
        }
    }

    /// Whether each choice said why it ended.
    pub fn is_finished(&self) -> bool {
        self.choice.is_some() && self.seen == self.finished
    }

    /// Reads one chunk.
    pub fn read(
        &mut self,
        data: &[u8],
        is_error: bool,
        draft: &mut Draft,
        out: &mut Vec<StreamEvent>,
    ) -> Result<Step, JsonError> {
        if Reader::new(data).peek()? != Kind::Object {
            return match bare_error_in(data) {
                Some(failure) => Ok(Step::Failed(failure)),
                None => Err(JsonError { offset: 0, message: "expected an object".into() }),
            };
        }
        let (mut has_too_many_calls, mut has_choice) = (false, false);
        let envelope = read_envelope(data, "delta", |choice| {
            has_choice = true;
            has_too_many_calls |= !self.take_choice(choice, draft, out);
        })?;
        self.is_usage_alone = !has_choice && envelope.usage.or(envelope.groq_usage).is_some();
        if let Some(model) = &envelope.model
            && draft.model.as_deref() != Some(model.as_ref())
        {
            draft.model = Some(model.clone().into_owned());
        }
        // Each chunk may repeat the tier.
        let has_news = envelope.service_tier.is_some() && draft.served.service_tier.is_none();
        if has_news || envelope.usage.or(envelope.groq_usage).or(envelope.cost).is_some() {
            envelope.report(&mut self.usage);
            draft.reported = self.usage.usage();
            draft.served = self.usage.served();
        }
        if let Some(failure) = envelope.error.and_then(error_in) {
            return Ok(Step::Failed(failure));
        }
        if is_error || envelope.is_error_object {
            return Ok(error_in(data).map_or(Step::Go, Step::Failed));
        }
        if has_too_many_calls {
            return Ok(Step::Failed(Failure::new(
                crate::outcome::OutcomeKind::BadUpstream,
                "more tool calls than any answer has",
            )));
        }
        Ok(Step::Go)
    }

    /// Hands out what one choice says; `false` when it has too many tool calls.
    fn take_choice(&mut self, mut choice: Choice<'_>, draft: &mut Draft, out: &mut Vec<StreamEvent>) -> bool {
        let bit = u32::try_from(choice.index).ok().and_then(|index| 1_u128.checked_shl(index)).unwrap_or(0);
        self.seen |= bit;
        if choice.finish.is_some() {
            self.finished |= bit;
        }
        if *self.choice.get_or_insert(choice.index) != choice.index {
            return true;
        }
        let say = |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(Cow::into_owned);
        out.extend(say(choice.message.thinking()).map(StreamEvent::Thinking));
        out.extend(say(choice.message.content).map(StreamEvent::Text));
        out.extend(say(choice.message.refusal).map(StreamEvent::Refusal));
        if choice.message.has_other_content {
            draft.other("audio or images");
        }
        for piece in choice.message.tools {
            let Some(at) = self.call_of(&piece) else { return false };
            let index = u32::try_from(at).unwrap_or(u32::MAX);
            if at == self.calls.len() {
                let id = piece.id.unwrap_or_default().into_owned();
                self.calls.push(Call { upstream_index: piece.index, id: id.clone() });
                out.push(StreamEvent::ToolCallStart { index, id, name: piece.name.unwrap_or_default().into_owned() });
            }
            out.extend(say(piece.arguments).map(|json| StreamEvent::ToolCallArguments { index, json }));
        }
        if draft.finish_reason.is_none() {
            draft.finish_reason = choice.finish.map(Cow::into_owned);
        }
        true
    }

    /// The place of the call that a fragment belongs to; one past the end for a new call.
    fn call_of(&self, piece: &ToolPiece<'_>) -> Option<usize> {
        let id = piece.id.as_deref().filter(|id| !id.is_empty());
        let has_name = piece.name.as_deref().is_some_and(|name| !name.is_empty());
        let known =
            match (piece.index, id) {
                // Some servers give every call the same index; a new id with a name is a new call.
                (Some(_), id) => self.calls.iter().rposition(|call| call.upstream_index == piece.index).filter(|at| {
                    !(has_name && id.is_some_and(|id| self.calls.get(*at).is_some_and(|call| call.id != id)))
                }),
                (None, Some(id)) => self.calls.iter().rposition(|call| call.id == id),
                (None, None) => self.calls.len().checked_sub(1).filter(|_| !has_name),
            };
        known.or_else(|| (self.calls.len() < MAX_TOOL_CALLS).then_some(self.calls.len()))
    }
}
