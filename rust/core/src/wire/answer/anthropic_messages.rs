//! Anthropic Messages: bodies and events of a stream.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Reader};
use crate::outcome::OutcomeKind;
use crate::usage::{ANTHROPIC_MESSAGES, UsageReader};

use super::stream::{Step, StreamEvent};
use super::whole::{
    Draft, Found, ToolCallAnswer, bare_error_in, error_in, integer_or_skip, raw_or_null, string_or_skip,
};
use crate::wire::Failure;

/// More blocks than any answer has.
const MAX_BLOCKS: usize = 4_096;

/// A content block, as it stands in a body or opens in a stream.
#[derive(Default)]
struct Block<'a> {
    kind: Cow<'a, str>,
    text: Option<Cow<'a, str>>,
    thinking: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Option<&'a [u8]>,
}

impl<'a> Block<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut block = Self::default();
        if reader.peek()? != Kind::Object {
            reader.skip()?;
            return Ok(block);
        }
        reader.object(|reader, key| {
            match key.as_ref() {
                "type" => block.kind = string_or_skip(reader)?.unwrap_or_default(),
                "text" => block.text = string_or_skip(reader)?,
                "thinking" => block.thinking = string_or_skip(reader)?,
                "id" => block.id = string_or_skip(reader)?,
                "name" => block.name = string_or_skip(reader)?,
                "input" => block.input = raw_or_null(reader)?,
                _ => drop(reader.skip()?),
            }
            Ok::<(), JsonError>(())
        })?;
        Ok(block)
    }
}

/// A message, whole or as `message_start` has it.
#[derive(Default)]
struct Message<'a> {
    model: Option<Cow<'a, str>>,
    stop_reason: Option<Cow<'a, str>>,
    usage: Option<&'a [u8]>,
}

/// Reads a plain body.
pub(in crate::wire) fn read_body(body: &[u8]) -> Result<Found, JsonError> {
    let mut reader = Reader::new(body);
    if reader.peek()? != Kind::Object {
        return Ok(bare_error_in(body).map_or(Found::Nothing("the body is JSON, but no object"), Found::Error));
    }
    let mut draft = Draft::default();
    let (mut message, mut error, mut has_content) = (Message::default(), None, false);
    reader.object(|reader, key| {
        match key.as_ref() {
            "model" => message.model = string_or_skip(reader)?,
            "stop_reason" => message.stop_reason = string_or_skip(reader)?,
            "usage" => message.usage = raw_or_null(reader)?,
            "error" => error = raw_or_null(reader)?,
            "content" if reader.peek()? == Kind::Array => {
                has_content = true;
                reader.array(|reader| {
                    take_block(Block::read(reader)?, &mut draft);
                    Ok::<(), JsonError>(())
                })?;
            }
            _ => drop(reader.skip()?),
        }
        Ok::<(), JsonError>(())
    })?;
    reader.finish()?;
    if let Some(failure) = error.and_then(error_in) {
        return Ok(Found::Error(failure));
    }
    if !has_content {
        return Ok(bare_error_in(body).map_or(Found::Nothing("the answer has no content"), Found::Error));
    }
    let mut usage = UsageReader::new(&ANTHROPIC_MESSAGES);
    if let Some(raw) = message.usage {
        usage.object(raw);
    }
    draft.reported = usage.usage();
    draft.served = usage.served();
    draft.model = message.model.map(Cow::into_owned);
    draft.finish_reason = message.stop_reason.map(Cow::into_owned);
    Ok(Found::Answer(draft))
}

fn take_block(block: Block<'_>, draft: &mut Draft) {
    match block.kind.as_ref() {
        "text" => draft.text.push_str(&block.text.unwrap_or_default()),
        "thinking" => draft.thinking.push_str(&block.thinking.unwrap_or_default()),
        "redacted_thinking" => {}
        "tool_use" => draft.tool_calls.push(ToolCallAnswer {
            id: block.id.unwrap_or_default().into_owned(),
            name: block.name.unwrap_or_default().into_owned(),
            arguments: block.input.map(String::from_utf8_lossy).unwrap_or_default().into_owned(),
        }),
        kind => draft.other(kind),
    }
}

/// A delta of a block or of the message.
#[derive(Default)]
struct Delta<'a> {
    kind: Cow<'a, str>,
    text: Option<Cow<'a, str>>,
    thinking: Option<Cow<'a, str>>,
    partial_json: Option<Cow<'a, str>>,
    stop_reason: Option<Cow<'a, str>>,
}

/// One event of a stream.
#[derive(Default)]
struct Event<'a> {
    kind: Cow<'a, str>,
    index: u64,
    delta: Delta<'a>,
    block: Block<'a>,
    message: Message<'a>,
    usage: Option<&'a [u8]>,
    error: Option<&'a [u8]>,
}

impl<'a> Event<'a> {
    fn read(data: &'a [u8]) -> Result<Self, JsonError> {
        let mut reader = Reader::new(data);
        let mut event = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "type" => event.kind = string_or_skip(reader)?.unwrap_or_default(),
                "index" => event.index = integer_or_skip(reader)?.unwrap_or(0),
                "usage" => event.usage = raw_or_null(reader)?,
                "error" => event.error = raw_or_null(reader)?,
                "content_block" => event.block = Block::read(reader)?,
                "delta" if reader.peek()? == Kind::Object => reader.object(|reader, key| {
                    let delta = &mut event.delta;
                    match key.as_ref() {
                        "type" => delta.kind = string_or_skip(reader)?.unwrap_or_default(),
                        "text" => delta.text = string_or_skip(reader)?,
                        "thinking" => delta.thinking = string_or_skip(reader)?,
                        "partial_json" => delta.partial_json = string_or_skip(reader)?,
                        "stop_reason" => delta.stop_reason = string_or_skip(reader)?,
                        _ => drop(reader.skip()?),
                    }
                    Ok::<(), JsonError>(())
                })?,
                "message" if reader.peek()? == Kind::Object => reader.object(|reader, key| {
                    match key.as_ref() {
                        "model" => event.message.model = string_or_skip(reader)?,
                        "stop_reason" => event.message.stop_reason = string_or_skip(reader)?,
                        "usage" => event.message.usage = raw_or_null(reader)?,
                        _ => drop(reader.skip()?),
                    }
                    Ok::<(), JsonError>(())
                })?,
                _ => drop(reader.skip()?),
            }
            Ok::<(), JsonError>(())
        })?;
        reader.finish()?;
        Ok(event)
    }
}

/// A block that a stream has opened.
#[derive(Debug, Clone)]
struct OpenBlock {
    index: u64,
    /// The place among the tool calls, if it is one of the client's.
    tool: Option<u32>,
    is_closed: bool,
}

/// The state of a stream.
#[derive(Debug, Clone)]
pub(in crate::wire) struct AnthropicStream {
    blocks: Vec<OpenBlock>,
    tools: u32,
    usage: UsageReader,
}

impl AnthropicStream {
    /// A stream of which nothing has come.
    pub fn new() -> Self {
        Self { blocks: Vec::new(), tools: 0, usage: UsageReader::new(&ANTHROPIC_MESSAGES) }
    }

    /// Reads one event.
    pub fn read(
        &mut self,
        data: &[u8],
        is_error: bool,
        draft: &mut Draft,
        out: &mut Vec<StreamEvent>,
    ) -> Result<Step, JsonError> {
        let event = match Event::read(data) {
            Ok(event) => event,
            Err(error) => return bare_error_in(data).map(Step::Failed).ok_or(error),
        };
        if let Some(failure) = event.error.and_then(error_in) {
            return Ok(Step::Failed(failure));
        }
        if is_error || event.kind == "error" {
            return Ok(Step::Failed(
                error_in(data)
                    .unwrap_or_else(|| Failure::new(OutcomeKind::ServerError, "an error event without an error")),
            ));
        }
        for raw in [event.message.usage, event.usage].into_iter().flatten() {
            self.usage.object(raw);
            draft.reported = self.usage.usage();
            draft.served = self.usage.served();
        }
        match event.kind.as_ref() {
            "message_start" if draft.model.is_none() => draft.model = event.message.model.map(Cow::into_owned),
            "content_block_start" => return Ok(self.start_block(event, draft, out)),
            "content_block_delta" => return Ok(self.take_delta(event, out)),
            "content_block_stop" => match self.blocks.iter_mut().find(|block| block.index == event.index) {
                Some(block) => block.is_closed = true,
                None => return Ok(out_of_order("a block ends that never started")),
            },
            "message_delta" if draft.finish_reason.is_none() => {
                draft.finish_reason = event.delta.stop_reason.map(Cow::into_owned);
            }
            "message_stop" => return Ok(Step::Over),
            "ping" => out.push(StreamEvent::Ping),
            _ => {}
        }
        Ok(Step::Go)
    }

    fn start_block(&mut self, event: Event<'_>, draft: &mut Draft, out: &mut Vec<StreamEvent>) -> Step {
        if self.blocks.iter().any(|block| block.index == event.index) {
            // The same start twice; the first one counts.
            return Step::Go;
        }
        if self.blocks.len() >= MAX_BLOCKS {
            return Step::Failed(Failure::new(OutcomeKind::BadUpstream, "more content blocks than any answer has"));
        }
        let block = event.block;
        let say = |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(Cow::into_owned);
        let mut tool = None;
        match block.kind.as_ref() {
            "text" => out.extend(say(block.text).map(StreamEvent::Text)),
            "thinking" => out.extend(say(block.thinking).map(StreamEvent::Thinking)),
            "redacted_thinking" => {}
            "tool_use" => {
                let index = self.tools;
                tool = Some(index);
                self.tools += 1;
                out.push(StreamEvent::ToolCallStart {
                    index,
                    id: block.id.unwrap_or_default().into_owned(),
                    name: block.name.unwrap_or_default().into_owned(),
                });
                // Anthropic starts with `{}` and sends the input in deltas; some servers start with the whole of it.
                let input = block.input.filter(|input| !is_empty_object(input));
                out.extend(input.map(|input| StreamEvent::ToolCallArguments {
                    index,
                    json: String::from_utf8_lossy(input).into_owned(),
                }));
            }
            kind => draft.other(kind),
        }
        self.blocks.push(OpenBlock { index: event.index, tool, is_closed: false });
        Step::Go
    }

    fn take_delta(&mut self, event: Event<'_>, out: &mut Vec<StreamEvent>) -> Step {
        // The last block is nearly always the one.
        let Some(block) = self.blocks.iter().rev().find(|block| block.index == event.index && !block.is_closed) else {
            return out_of_order("content comes for a block that is not open");
        };
        let say = |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(Cow::into_owned);
        match event.delta.kind.as_ref() {
            "text_delta" => out.extend(say(event.delta.text).map(StreamEvent::Text)),
            "thinking_delta" => out.extend(say(event.delta.thinking).map(StreamEvent::Thinking)),
            "input_json_delta" => {
                if let Some(index) = block.tool {
                    let json = say(event.delta.partial_json);
                    out.extend(json.map(|json| StreamEvent::ToolCallArguments { index, json }));
                }
            }
            _ => {}
        }
        Step::Go
    }
}

fn is_empty_object(raw: &[u8]) -> bool {
    raw.iter().filter(|byte| !byte.is_ascii_whitespace()).eq(b"{}")
}

/// RELIABILITY F71: a stream that breaks its own order has lost something.
fn out_of_order(message: &str) -> Step {
    Step::Failed(Failure::new(OutcomeKind::Truncated, message))
}
