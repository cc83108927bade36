//! Answers as Anthropic messages.
//!
//! Reasoning of another provider's model becomes a thinking block with an empty signature: it can be shown, and a body for
//! Anthropic leaves such a block out when it comes back, as it cannot be signed.

use super::envelope::{Envelope, frame};
use super::finish::Reason;
use super::usage;
use crate::json::{ArrayWriter, ObjectWriter};
use crate::usage::Usage;
use crate::wire::answer::whole::{Draft, is_whole_json};
use crate::wire::write::body::Notes;
use crate::wire::write::translate_turns::{input, plain_id};
use crate::wire::{Dialect, StreamEvent};

/// The id of a call in the letters that the API takes when it comes back.
fn call_id(envelope: &Envelope, given: &str, index: usize) -> String {
    plain_id(&envelope.call_id(given, index)).into_owned()
}

fn usage_json(draft: &Draft) -> String {
    usage::json(&draft.reported.usage.unwrap_or_default(), Dialect::AnthropicMessages)
}

/// A whole answer.
pub(in crate::wire) fn whole(draft: &Draft, envelope: &Envelope, reason: Reason<'_>) -> String {
    let mut out = String::with_capacity(draft.text.len() + 512);
    let mut body = ObjectWriter::new(&mut out);
    body.string("id", &format!("msg_{}", envelope.id))
        .string("type", "message")
        .string("role", "assistant")
        .string("model", envelope.model(draft));
    body.array("content", |content| blocks(content, draft, envelope));
    body.string("stop_reason", reason.anthropic()).raw("stop_sequence", "null").raw("usage", usage_json(draft));
    body.end();
    out
}

fn blocks(content: &mut ArrayWriter<'_>, draft: &Draft, envelope: &Envelope) {
    if !draft.thinking.is_empty() {
        content.object(|block| {
            block.string("type", "thinking").string("thinking", &draft.thinking).string("signature", "");
        });
    }
    for text in [&draft.text, &draft.refusal].into_iter().filter(|text| !text.is_empty()) {
        content.object(|block| {
            block.string("type", "text").string("text", text);
        });
    }
    for (index, call) in draft.tool_calls.iter().enumerate() {
        // What was cut by a bound is told, not run: it is no JSON, and the answer says that it is not whole.
        let arguments = input(call.arguments_or_empty(), &mut Notes::default());
        content.object(|block| {
            block
                .string("type", "tool_use")
                .string("id", &call_id(envelope, &call.id, index))
                .string("name", &call.name);
            block.raw("input", arguments);
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    Text,
    Thinking,
    Tool(u32),
}

/// A stream of events.
#[derive(Debug, Clone, Default)]
pub(in crate::wire) struct AnthropicWriter {
    has_started: bool,
    blocks: u32,
    /// Blocks that are open: one, unless calls of tools come mixed up.
    open: Vec<(u32, BlockKind)>,
}

impl AnthropicWriter {
    fn start(&mut self, draft: &Draft, envelope: &Envelope, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let mut text = String::new();
        let mut event = ObjectWriter::new(&mut text);
        // What was used is known at the end, where the later figure counts.
        let begun = Usage { output_text: 0, reasoning: 0, ..draft.reported.usage.unwrap_or_default() };
        event.string("type", "message_start").object("message", |message| {
            message
                .string("id", &format!("msg_{}", envelope.id))
                .string("type", "message")
                .string("role", "assistant")
                .string("model", envelope.model(draft))
                .raw("content", "[]")
                .raw("stop_reason", "null")
                .raw("stop_sequence", "null")
                .raw("usage", usage::json(&begun, Dialect::AnthropicMessages));
        });
        event.end();
        frame(out, "message_start", text.as_bytes());
    }

    fn close(&mut self, is_closing: impl Fn(BlockKind) -> bool, out: &mut Vec<u8>) {
        self.open.retain(|(index, kind)| {
            let closes = is_closing(*kind);
            if closes {
                let event = format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
                frame(out, "content_block_stop", event.as_bytes());
            }
            !closes
        });
    }

    /// The index of the open block of a kind; opens one when there is none.
    fn block(&mut self, kind: BlockKind, out: &mut Vec<u8>, write: impl FnOnce(&mut ObjectWriter<'_>)) -> u32 {
        if let Some((index, _)) = self.open.iter().find(|(_, open)| *open == kind) {
            return *index;
        }
        let index = self.blocks;
        self.blocks += 1;
        self.open.push((index, kind));
        let mut text = String::new();
        let mut event = ObjectWriter::new(&mut text);
        event.string("type", "content_block_start").raw("index", index).object("content_block", write);
        event.end();
        frame(out, "content_block_start", text.as_bytes());
        index
    }

    fn delta(index: u32, kind: &str, key: &str, piece: &str, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(piece.len() + 96);
        let mut event = ObjectWriter::new(&mut text);
        event.string("type", "content_block_delta").raw("index", index).object("delta", |delta| {
            delta.string("type", kind).string(key, piece);
        });
        event.end();
        frame(out, "content_block_delta", text.as_bytes());
    }

    pub(in crate::wire) fn event(
        &mut self,
        event: &StreamEvent,
        draft: &Draft,
        envelope: &Envelope,
        out: &mut Vec<u8>,
    ) {
        match event {
            StreamEvent::Ping if !self.has_started => return super::envelope::comment(out),
            StreamEvent::Ping => return frame(out, "ping", br#"{"type":"ping"}"#),
            StreamEvent::Error { .. } => return,
            _ => self.start(draft, envelope, out),
        }
        match event {
            StreamEvent::Text(text) | StreamEvent::Refusal(text) => {
                self.close(|kind| kind != BlockKind::Text, out);
                let index = self.block(BlockKind::Text, out, |block| {
                    block.string("type", "text").string("text", "");
                });
                Self::delta(index, "text_delta", "text", text, out);
            }
            StreamEvent::Thinking(text) => {
                self.close(|kind| kind != BlockKind::Thinking, out);
                let index = self.block(BlockKind::Thinking, out, |block| {
                    block.string("type", "thinking").string("thinking", "").string("signature", "");
                });
                Self::delta(index, "thinking_delta", "thinking", text, out);
            }
            StreamEvent::ToolCallStart { index, id, name } => {
                // A call that is whole is closed; one that is not may go on between the pieces of the next.
                let is_whole = |call: u32| {
                    let call = usize::try_from(call).ok().and_then(|call| draft.tool_calls.get(call));
                    call.is_some_and(|call| is_whole_json(&call.arguments))
                };
                self.close(|kind| !matches!(kind, BlockKind::Tool(call) if !is_whole(call)), out);
                let place = usize::try_from(*index).unwrap_or(usize::MAX);
                self.block(BlockKind::Tool(*index), out, |block| {
                    block.string("type", "tool_use").string("id", &call_id(envelope, id, place));
                    block.string("name", name).raw("input", "{}");
                });
            }
            StreamEvent::ToolCallArguments { index, json } => {
                // What follows the end of a call that is whole is white space, or makes the stream a failed one.
                if let Some((block, _)) = self.open.iter().find(|(_, kind)| *kind == BlockKind::Tool(*index)) {
                    Self::delta(*block, "input_json_delta", "partial_json", json, out);
                }
            }
            StreamEvent::Ping | StreamEvent::Error { .. } => {}
        }
    }

    pub(in crate::wire) fn end(&mut self, draft: &Draft, envelope: &Envelope, reason: Reason<'_>, out: &mut Vec<u8>) {
        self.start(draft, envelope, out);
        self.close(|_| true, out);
        let mut text = String::new();
        let mut event = ObjectWriter::new(&mut text);
        event.string("type", "message_delta").object("delta", |delta| {
            delta.string("stop_reason", reason.anthropic()).raw("stop_sequence", "null");
        });
        event.raw("usage", usage_json(draft));
        event.end();
        frame(out, "message_delta", text.as_bytes());
        frame(out, "message_stop", br#"{"type":"message_stop"}"#);
    }
}
