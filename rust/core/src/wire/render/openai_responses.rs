//! Answers as `OpenAI` Responses.
//!
//! Reasoning of another provider's model becomes a reasoning item without sealed content. Its id says that we made it
//! ([`FOREIGN_REASONING`]): a body for `OpenAI` leaves such an item out when it comes back, as nobody keeps it.

use super::envelope::{Envelope, comment, frame};
use super::finish::Reason;
use super::usage;
use crate::json::{ArrayWriter, ObjectWriter};
use crate::wire::answer::whole::Draft;
use crate::wire::{Dialect, StreamEvent};

/// How the ids of reasoning items begin that no provider of the dialect made.
pub(in crate::wire) const FOREIGN_REASONING: &str = "rs_turnout_";

/// A message of one part.
fn message_item(id: &str, is_refusal: bool, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 160);
    let mut item = ObjectWriter::new(&mut out);
    item.string("type", "message").string("id", id).string("status", "completed").string("role", "assistant");
    item.array("content", |content| content_part(content.element(), is_refusal, text));
    item.end();
    out
}

fn content_part(out: &mut String, is_refusal: bool, text: &str) {
    let mut part = ObjectWriter::new(out);
    if is_refusal {
        part.string("type", "refusal").string("refusal", text);
    } else {
        part.string("type", "output_text").string("text", text).raw("annotations", "[]").raw("logprobs", "[]");
    }
    part.end();
}

fn reasoning_item(id: &str, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 120);
    let mut item = ObjectWriter::new(&mut out);
    item.string("type", "reasoning").string("id", id).array("summary", |summary| {
        if !text.is_empty() {
            summary_part(summary.element(), text);
        }
    });
    item.end();
    out
}

fn summary_part(out: &mut String, text: &str) {
    let mut part = ObjectWriter::new(out);
    part.string("type", "summary_text").string("text", text);
    part.end();
}

fn call_item(id: &str, call_id: &str, name: &str, arguments: &str, status: &str) -> String {
    let mut out = String::with_capacity(arguments.len() + 160);
    let mut item = ObjectWriter::new(&mut out);
    item.string("type", "function_call").string("id", id).string("status", status);
    item.string("call_id", call_id).string("name", name).string("arguments", arguments);
    item.end();
    out
}

/// A response object with its output, which is JSON already.
fn response(draft: &Draft, envelope: &Envelope, status: &str, why: Option<&str>, output: &[String]) -> String {
    let mut out = String::with_capacity(output.iter().map(String::len).sum::<usize>() + 512);
    let mut body = ObjectWriter::new(&mut out);
    body.string("id", &format!("resp_{}", envelope.id))
        .string("object", "response")
        .raw("created_at", envelope.created_s)
        .string("status", status)
        .raw("error", "null");
    match why {
        Some(why) => body.object("incomplete_details", |details| {
            details.string("reason", why);
        }),
        None => body.raw("incomplete_details", "null"),
    };
    body.raw("instructions", "null").string("model", envelope.model(draft));
    let mut list = ArrayWriter::new(body.key("output"));
    for item in output {
        list.element().push_str(item);
    }
    list.end();
    body.raw("parallel_tool_calls", "true").string("tool_choice", "auto").raw("tools", "[]").raw("metadata", "{}");
    match draft.reported.usage.as_ref().filter(|_| status != "in_progress") {
        Some(usage) => body.raw("usage", usage::json(usage, Dialect::OpenAiResponses)),
        None => body.raw("usage", "null"),
    };
    body.end();
    out
}

fn item_id(prefix: &str, envelope: &Envelope, index: usize) -> String {
    format!("{prefix}{}_{index}", envelope.id)
}

/// A whole answer.
pub(in crate::wire) fn whole(draft: &Draft, envelope: &Envelope, reason: Reason<'_>) -> String {
    let mut output = Vec::new();
    if !draft.thinking.is_empty() {
        output.push(reasoning_item(&item_id(FOREIGN_REASONING, envelope, output.len()), &draft.thinking));
    }
    if !draft.text.is_empty() {
        output.push(message_item(&item_id("msg_", envelope, output.len()), false, &draft.text));
    }
    if !draft.refusal.is_empty() {
        output.push(message_item(&item_id("msg_", envelope, output.len()), true, &draft.refusal));
    }
    for (index, call) in draft.tool_calls.iter().enumerate() {
        let id = item_id("fc_", envelope, output.len());
        let call_id = envelope.call_id(&call.id, index);
        output.push(call_item(&id, &call_id, &call.name, call.arguments_or_empty(), "completed"));
    }
    let (status, why) = reason.responses(!draft.refusal.is_empty());
    response(draft, envelope, status, why, &output)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    Text,
    Refusal,
    Reasoning,
}

/// The item that is being said.
#[derive(Debug, Clone)]
struct Open {
    kind: ItemKind,
    index: usize,
    id: String,
    text: String,
}

/// A call that has begun.
#[derive(Debug, Clone)]
struct Call {
    index: usize,
    id: String,
    /// The id by which a result names it.
    answered_by: String,
    name: String,
    is_done: bool,
}

/// A stream of events.
#[derive(Debug, Clone, Default)]
pub(in crate::wire) struct ResponsesWriter {
    has_started: bool,
    sequence: u64,
    /// Items that are done, by their place; nothing while one is open.
    output: Vec<Option<String>>,
    open: Option<Open>,
    calls: Vec<Call>,
}

impl ResponsesWriter {
    /// Writes one event of a kind; its number comes last.
    fn emit(&mut self, kind: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        let mut text = String::with_capacity(192);
        let mut event = ObjectWriter::new(&mut text);
        event.string("type", kind);
        write(&mut event);
        event.raw("sequence_number", self.sequence);
        event.end();
        self.sequence += 1;
        frame(out, kind, text.as_bytes());
    }

    fn start(&mut self, draft: &Draft, envelope: &Envelope, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let begun = response(draft, envelope, "in_progress", None, &[]);
        for kind in ["response.created", "response.in_progress"] {
            self.emit(kind, out, |event| {
                event.raw("response", &begun);
            });
        }
    }

    fn item_event(&mut self, kind: &str, index: usize, item: &str, out: &mut Vec<u8>) {
        self.emit(kind, out, |event| {
            event.raw("output_index", index).raw("item", item);
        });
    }

    /// Ends the item that is being said.
    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(Open { kind, index, id, text }) = self.open.take() else { return };
        let item = match kind {
            ItemKind::Reasoning => {
                let head = |event: &mut ObjectWriter<'_>| {
                    event.string("item_id", &id).raw("output_index", index).raw("summary_index", 0);
                };
                self.emit("response.reasoning_summary_text.done", out, |event| {
                    head(event);
                    event.string("text", &text);
                });
                self.emit("response.reasoning_summary_part.done", out, |event| {
                    head(event);
                    summary_part(event.key("part"), &text);
                });
                reasoning_item(&id, &text)
            }
            ItemKind::Text | ItemKind::Refusal => {
                let is_refusal = kind == ItemKind::Refusal;
                let (done, key) = if is_refusal {
                    ("response.refusal.done", "refusal")
                } else {
                    ("response.output_text.done", "text")
                };
                let head = |event: &mut ObjectWriter<'_>| {
                    event.string("item_id", &id).raw("output_index", index).raw("content_index", 0);
                };
                self.emit(done, out, |event| {
                    head(event);
                    event.string(key, &text);
                    if !is_refusal {
                        event.raw("logprobs", "[]");
                    }
                });
                self.emit("response.content_part.done", out, |event| {
                    head(event);
                    content_part(event.key("part"), is_refusal, &text);
                });
                message_item(&id, is_refusal, &text)
            }
        };
        self.item_event("response.output_item.done", index, &item, out);
        self.finish_item(index, item);
    }

    fn finish_item(&mut self, index: usize, item: String) {
        if let Some(slot) = self.output.get_mut(index) {
            *slot = Some(item);
        }
    }

    fn say(&mut self, kind: ItemKind, piece: &str, envelope: &Envelope, out: &mut Vec<u8>) {
        if self.open.as_ref().is_none_or(|open| open.kind != kind) {
            self.close(out);
            self.begin(kind, envelope, out);
        }
        let Some(open) = &mut self.open else { return };
        open.text.push_str(piece);
        let (id, index) = (open.id.clone(), open.index);
        let (name, place) = match kind {
            ItemKind::Text => ("response.output_text.delta", "content_index"),
            ItemKind::Refusal => ("response.refusal.delta", "content_index"),
            ItemKind::Reasoning => ("response.reasoning_summary_text.delta", "summary_index"),
        };
        self.emit(name, out, |event| {
            event.string("item_id", &id).raw("output_index", index).raw(place, 0).string("delta", piece);
            if kind == ItemKind::Text {
                event.raw("logprobs", "[]");
            }
        });
    }

    fn begin(&mut self, kind: ItemKind, envelope: &Envelope, out: &mut Vec<u8>) {
        let index = self.output.len();
        self.output.push(None);
        let prefix = if kind == ItemKind::Reasoning { FOREIGN_REASONING } else { "msg_" };
        let id = item_id(prefix, envelope, index);
        let item = match kind {
            ItemKind::Reasoning => reasoning_item(&id, ""),
            ItemKind::Text | ItemKind::Refusal => {
                let mut item = String::new();
                let mut object = ObjectWriter::new(&mut item);
                object.string("type", "message").string("id", &id).string("status", "in_progress");
                object.string("role", "assistant").raw("content", "[]");
                object.end();
                item
            }
        };
        self.item_event("response.output_item.added", index, &item, out);
        let (name, place) = match kind {
            ItemKind::Reasoning => ("response.reasoning_summary_part.added", "summary_index"),
            ItemKind::Text | ItemKind::Refusal => ("response.content_part.added", "content_index"),
        };
        self.emit(name, out, |event| {
            event.string("item_id", &id).raw("output_index", index).raw(place, 0);
            match kind {
                ItemKind::Reasoning => summary_part(event.key("part"), ""),
                ItemKind::Text | ItemKind::Refusal => content_part(event.key("part"), kind == ItemKind::Refusal, ""),
            }
        });
        self.open = Some(Open { kind, index, id, text: String::new() });
    }

    pub(in crate::wire) fn event(
        &mut self,
        event: &StreamEvent,
        draft: &Draft,
        envelope: &Envelope,
        out: &mut Vec<u8>,
    ) {
        match event {
            StreamEvent::Ping => return comment(out),
            StreamEvent::Error { .. } => return,
            _ => self.start(draft, envelope, out),
        }
        match event {
            StreamEvent::Text(text) => self.say(ItemKind::Text, text, envelope, out),
            StreamEvent::Refusal(text) => self.say(ItemKind::Refusal, text, envelope, out),
            StreamEvent::Thinking(text) => self.say(ItemKind::Reasoning, text, envelope, out),
            StreamEvent::ToolCallStart { id, name, .. } => {
                self.close(out);
                let (place, index) = (self.calls.len(), self.output.len());
                self.output.push(None);
                let call = Call {
                    index,
                    id: item_id("fc_", envelope, index),
                    answered_by: envelope.call_id(id, place),
                    name: name.clone(),
                    is_done: false,
                };
                let item = call_item(&call.id, &call.answered_by, &call.name, "", "in_progress");
                self.calls.push(call);
                self.item_event("response.output_item.added", index, &item, out);
            }
            StreamEvent::ToolCallArguments { index, json } => {
                let call = usize::try_from(*index).ok().and_then(|index| self.calls.get(index));
                if let Some(Call { index, id, .. }) = call.cloned() {
                    self.emit("response.function_call_arguments.delta", out, |event| {
                        event.string("item_id", &id).raw("output_index", index).string("delta", json);
                    });
                }
            }
            StreamEvent::Ping | StreamEvent::Error { .. } => {}
        }
    }

    fn close_calls(&mut self, draft: &Draft, out: &mut Vec<u8>) {
        for place in 0..self.calls.len() {
            let Some(call) = self.calls.get_mut(place).filter(|call| !call.is_done) else { continue };
            call.is_done = true;
            let Call { index, id, answered_by, name, .. } = call.clone();
            let arguments = draft.tool_calls.get(place).map_or("{}", |call| call.arguments_or_empty());
            self.emit("response.function_call_arguments.done", out, |event| {
                event.string("item_id", &id).raw("output_index", index).string("name", &name);
                event.string("arguments", arguments);
            });
            let item = call_item(&id, &answered_by, &name, arguments, "completed");
            self.item_event("response.output_item.done", index, &item, out);
            self.finish_item(index, item);
        }
    }

    pub(in crate::wire) fn end(&mut self, draft: &Draft, envelope: &Envelope, reason: Reason<'_>, out: &mut Vec<u8>) {
        self.start(draft, envelope, out);
        self.close(out);
        self.close_calls(draft, out);
        let (status, why) = reason.responses(!draft.refusal.is_empty());
        let output: Vec<String> = std::mem::take(&mut self.output).into_iter().flatten().collect();
        let whole = response(draft, envelope, status, why, &output);
        let kind = if status == "completed" { "response.completed" } else { "response.incomplete" };
        self.emit(kind, out, |event| {
            event.raw("response", &whole);
        });
    }
}
