//! Answers as `OpenAI` Chat completions.

use super::envelope::{Envelope, comment, frame};
use super::finish::Reason;
use super::usage;
use crate::json::ObjectWriter;
use crate::wire::answer::whole::Draft;
use crate::wire::{Dialect, StreamEvent};

/// The `finish_reason` of a choice, and beside it the provider's own word where that says more.
fn finish(choice: &mut ObjectWriter<'_>, reason: Reason<'_>) {
    let (word, native) = reason.chat();
    choice.string("finish_reason", word);
    if let Some(native) = native {
        choice.string("native_finish_reason", native);
    }
}

/// A whole answer.
pub(in crate::wire) fn whole(draft: &Draft, envelope: &Envelope, reason: Reason<'_>) -> String {
    let mut out = String::with_capacity(draft.text.len() + 512);
    let mut body = ObjectWriter::new(&mut out);
    body.string("id", &format!("chatcmpl-{}", envelope.id))
        .string("object", "chat.completion")
        .raw("created", envelope.created_s)
        .string("model", envelope.model(draft));
    body.array("choices", |choices| {
        choices.object(|choice| {
            choice.raw("index", 0).object("message", |message| {
                message.string("role", "assistant");
                let says_nothing = draft.text.is_empty() && (!draft.tool_calls.is_empty() || !draft.refusal.is_empty());
                message.string_or_null("content", (!says_nothing).then_some(&draft.text));
                if !draft.thinking.is_empty() {
                    message.string("reasoning_content", &draft.thinking);
                }
                message.string_or_null("refusal", (!draft.refusal.is_empty()).then_some(&draft.refusal));
                if !draft.tool_calls.is_empty() {
                    message.array("tool_calls", |calls| {
                        for (index, call) in draft.tool_calls.iter().enumerate() {
                            calls.object(|entry| {
                                entry.string("id", &envelope.call_id(&call.id, index)).string("type", "function");
                                entry.object("function", |function| {
                                    function.string("name", &call.name).string("arguments", call.arguments_or_empty());
                                });
                            });
                        }
                    });
                }
            });
            choice.raw("logprobs", "null");
            finish(choice, reason);
        });
    });
    if let Some(usage) = &draft.reported.usage {
        body.raw("usage", usage::json(usage, Dialect::OpenAiChat));
    }
    body.end();
    out
}

/// A stream of chunks.
#[derive(Debug, Clone, Default)]
pub(in crate::wire) struct ChatWriter {
    /// What every chunk begins with, up to its choices; empty before the first one.
    head: String,
}

impl ChatWriter {
    fn start(&mut self, draft: &Draft, envelope: &Envelope, out: &mut Vec<u8>) {
        if !self.head.is_empty() {
            return;
        }
        let mut head = ObjectWriter::new(&mut self.head);
        head.string("id", &format!("chatcmpl-{}", envelope.id))
            .string("object", "chat.completion.chunk")
            .raw("created", envelope.created_s)
            .string("model", envelope.model(draft));
        self.chunk(out, |delta| {
            delta.string("role", "assistant").string("content", "");
        });
    }

    fn chunk(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        let mut text = String::with_capacity(self.head.len() + 128);
        text.push_str(&self.head);
        text.push_str(r#","choices":[{"index":0,"delta":"#);
        let mut delta = ObjectWriter::new(&mut text);
        write(&mut delta);
        delta.end();
        text.push_str(r#","finish_reason":null}]}"#);
        frame(out, "", text.as_bytes());
    }

    pub(in crate::wire) fn event(
        &mut self,
        event: &StreamEvent,
        draft: &Draft,
        envelope: &Envelope,
        out: &mut Vec<u8>,
    ) {
        if matches!(event, StreamEvent::Ping | StreamEvent::Error { .. }) {
            if matches!(event, StreamEvent::Ping) {
                comment(out);
            }
            return;
        }
        self.start(draft, envelope, out);
        self.chunk(out, |delta| match event {
            StreamEvent::Text(text) => {
                delta.string("content", text);
            }
            StreamEvent::Thinking(text) => {
                delta.string("reasoning_content", text);
            }
            StreamEvent::Refusal(text) => {
                delta.string("refusal", text);
            }
            StreamEvent::ToolCallStart { index, id, name } => {
                let place = usize::try_from(*index).unwrap_or(usize::MAX);
                call(delta, *index, |call| {
                    call.string("id", &envelope.call_id(id, place)).string("type", "function");
                    call.object("function", |function| {
                        function.string("name", name).string("arguments", "");
                    });
                });
            }
            StreamEvent::ToolCallArguments { index, json } => arguments(delta, *index, json),
            StreamEvent::Ping | StreamEvent::Error { .. } => {}
        });
    }

    pub(in crate::wire) fn end(&mut self, draft: &Draft, envelope: &Envelope, reason: Reason<'_>, out: &mut Vec<u8>) {
        self.start(draft, envelope, out);
        // A call without arguments: clients parse what they gathered, and nothing is no JSON.
        for (index, _) in draft.tool_calls.iter().enumerate().filter(|(_, call)| call.arguments.trim().is_empty()) {
            self.chunk(out, |delta| arguments(delta, u32::try_from(index).unwrap_or(u32::MAX), "{}"));
        }
        let mut text = format!(r#"{},"choices":["#, self.head);
        let mut choice = ObjectWriter::new(&mut text);
        choice.raw("index", 0).raw("delta", "{}");
        finish(&mut choice, reason);
        choice.end();
        text.push_str("]}");
        frame(out, "", text.as_bytes());
        if let Some(usage) = draft.reported.usage.as_ref().filter(|_| envelope.include_usage) {
            let usage = usage::json(usage, Dialect::OpenAiChat);
            frame(out, "", format!(r#"{},"choices":[],"usage":{usage}}}"#, self.head).as_bytes());
        }
        frame(out, "", b"[DONE]");
    }
}

fn call(delta: &mut ObjectWriter<'_>, index: u32, write: impl FnOnce(&mut ObjectWriter<'_>)) {
    delta.array("tool_calls", |calls| {
        calls.object(|call| {
            call.raw("index", index);
            write(call);
        });
    });
}

fn arguments(delta: &mut ObjectWriter<'_>, index: u32, json: &str) {
    call(delta, index, |call| {
        call.object("function", |function| {
            function.string("arguments", json);
        });
    });
}
