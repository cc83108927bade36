//! A streamed answer in a client's own dialect: upstream bytes in, client bytes out, one call for each network read.
//!
//! Promises: the same bytes out for every split of the same bytes in; in the upstream's own dialect every event's data goes
//! on byte for byte; the terminal marker comes only after the whole answer was judged, so a stream that is cut, fails, or
//! calls tools with arguments that do not parse ends with the dialect's own error event and without a marker; nothing
//! follows either. Usage is always gathered, and handed to a Chat client only if it asked.
//!
//! Refuses: to hand out anything after the end. What the other dialect cannot say is left out, and named by
//! [`StreamTranslator::dropped`].
//!
//! A test breaks it with a prefix of a stream whose translation ends with a terminal marker.

use std::borrow::Cow;

use super::anthropic_messages::AnthropicWriter;
use super::envelope::{Envelope, comment, frame};
use super::error::error_event;
use super::finish::Reason;
use super::openai_chat::ChatWriter;
use super::openai_responses::ResponsesWriter;
use super::whole;
use crate::json::{JsonError, Reader};
use crate::outcome::OutcomeKind;
use crate::wire::answer::sse::SseItem;
use crate::wire::answer::stream::Body;
use crate::wire::answer::whole::string_or_skip;
use crate::wire::{Answer, Dialect, StreamEnd, StreamEvent, StreamReader};

#[derive(Debug, Clone)]
enum Writer {
    /// The upstream's own dialect. What follows the reason of the end is held until the end is sure.
    Same {
        held: Vec<u8>,
    },
    Chat(ChatWriter),
    Anthropic(AnthropicWriter),
    Responses(ResponsesWriter),
}

impl Writer {
    /// Writes one piece of the upstream's framing, or what came of it: never more at once, so that the bytes do not depend on
    /// how many pieces one read brings.
    fn take(
        &mut self,
        item: SseItem<'_>,
        body: &Body,
        events: &mut Vec<StreamEvent>,
        envelope: &Envelope,
        client: Dialect,
        out: &mut Vec<u8>,
    ) {
        if let Self::Same { held } = self {
            let is_named = client != Dialect::OpenAiChat;
            forward(item, body, (envelope.include_usage, is_named), held, out);
            return events.clear();
        }
        let draft = body.draft();
        for event in events.drain(..) {
            match self {
                Self::Same { .. } => {}
                Self::Chat(writer) => writer.event(&event, draft, envelope, out),
                Self::Anthropic(writer) => writer.event(&event, draft, envelope, out),
                Self::Responses(writer) => writer.event(&event, draft, envelope, out),
            }
        }
    }
}

/// Translates one stream.
#[derive(Debug, Clone)]
pub struct StreamTranslator {
    reader: StreamReader,
    writer: Writer,
    client: Dialect,
    envelope: Envelope,
    events: Vec<StreamEvent>,
    is_ended: bool,
    brought_content: bool,
}

impl StreamTranslator {
    /// A translator at the start of a stream.
    pub fn new(upstream: Dialect, client: Dialect, envelope: Envelope) -> Self {
        let writer = match client {
            _ if upstream == client => Writer::Same { held: Vec::new() },
            Dialect::OpenAiChat => Writer::Chat(ChatWriter::default()),
            Dialect::AnthropicMessages => Writer::Anthropic(AnthropicWriter::default()),
            Dialect::OpenAiResponses => Writer::Responses(ResponsesWriter::default()),
        };
        let reader = StreamReader::new(upstream);
        Self { reader, writer, client, envelope, events: Vec::new(), is_ended: false, brought_content: false }
    }

    /// Takes the next bytes and appends the client's. Linear in their number.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.brought_content = false;
        if self.is_ended {
            return;
        }
        let Self { reader, writer, events, envelope, client, brought_content, .. } = self;
        reader.feed_items(bytes, events, |item, body, events| {
            *brought_content |= events.iter().any(StreamEvent::is_content);
            writer.take(item, body, events, envelope, *client, out);
        });
        if self.reader.is_over() {
            self.end(out);
        }
    }

    /// The end of input: what is pending, then the terminal marker or the error event. Of a connection that `broke`, that is
    /// told where the stream itself says no more than that it was cut.
    pub fn finish(&mut self, broke: Option<(OutcomeKind, &str)>, out: &mut Vec<u8>) -> StreamEnd {
        let Self { reader, writer, events, envelope, client, brought_content, .. } = self;
        *brought_content = false;
        let end = reader.finish_items(events, |item, body, events| {
            *brought_content |= events.iter().any(StreamEvent::is_content);
            writer.take(item, body, events, envelope, *client, out);
        });
        match broke {
            Some((kind, message)) if end.outcome == OutcomeKind::Truncated => self.fail(kind, message, out),
            _ => self.end(out),
        }
        end
    }

    /// Writes how it ended, once.
    fn end(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_ended, true) {
            return;
        }
        let (outcome, message) = self.reader.verdict();
        if !outcome.is_answer() {
            return error_event(out, self.client, outcome, &message.unwrap_or_default());
        }
        let draft = self.reader.draft();
        let word = draft.finish_reason.as_deref().unwrap_or_default();
        let reason = Reason::of(word, !draft.tool_calls.is_empty(), !draft.refusal.is_empty());
        match &mut self.writer {
            Writer::Same { held } => {
                out.append(held);
                // The end of a Chat stream is its reason; the marker is left out by some servers, and clients wait for it.
                if self.client == Dialect::OpenAiChat {
                    frame(out, "", b"[DONE]");
                }
            }
            Writer::Chat(writer) => writer.end(draft, &self.envelope, reason, out),
            Writer::Anthropic(writer) => writer.end(draft, &self.envelope, reason, out),
            Writer::Responses(writer) => writer.end(draft, &self.envelope, reason, out),
        }
    }

    /// Ends the stream for the client with an error that is not the upstream's: a deadline, a broken connection. Writes
    /// nothing when it has ended.
    pub fn fail(&mut self, kind: OutcomeKind, message: &str, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_ended, true) {
            error_event(out, self.client, kind, message);
        }
    }

    /// Whether content came: until then another deployment can take over unseen.
    pub fn has_content(&self) -> bool {
        self.reader.has_content()
    }

    /// Whether the last bytes brought content: pings and headings are none.
    pub const fn brought_content(&self) -> bool {
        self.brought_content
    }

    /// Whether text of the answer came: the time to the first token is taken here, thinking aside.
    pub fn has_text(&self) -> bool {
        !self.reader.draft().text.is_empty()
    }

    /// Whether the end was written; what follows is ignored.
    pub fn is_over(&self) -> bool {
        self.is_ended
    }

    /// The answer so far; its outcome is that of a stream that ends here. Copies the text.
    pub fn answer(&self) -> Answer {
        self.reader.answer()
    }

    /// What was left out of the translation so far.
    pub fn dropped(&self) -> Vec<String> {
        if matches!(self.writer, Writer::Same { .. }) { Vec::new() } else { whole::dropped(self.reader.draft()) }
    }
}

/// Names that say the end.
const ENDS: [&[u8]; 5] = [b"message_stop", b"response.completed", b"response.incomplete", b"response.failed", b"error"];

/// Writes an event of the upstream's own dialect as it came, unless it is a failure, an end that is not sure yet, or usage
/// that the client did not ask for.
fn forward(
    item: SseItem<'_>,
    reader: &Body,
    (includes_usage, is_named): (bool, bool),
    held: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    let SseItem::Event { name, data, .. } = item else {
        if matches!(item, SseItem::Comment) {
            comment(out);
        }
        return;
    };
    let data = data.trim_ascii();
    if reader.has_failed() || data.is_empty() || data == b"null" || data == b"[DONE]" {
        return;
    }
    if reader.is_usage_alone() && !includes_usage {
        return;
    }
    // Over data that does not say it: clients that go by the name must not take it for one.
    if is_named && ENDS.contains(&name) && !reader.is_ended() {
        return;
    }
    let place = if reader.has_reason() || reader.is_ended() { held } else { out };
    // Some servers leave the names out; clients of the dialects that have them go by them.
    let told = if is_named && name.is_empty() { kind_of(data) } else { None };
    let name = told.as_deref().or(std::str::from_utf8(name).ok()).unwrap_or_default();
    // Data of several lines is JSON with line ends between its tokens: a space says the same.
    if memchr::memchr(b'\n', data).is_some() {
        let line: Vec<u8> = data.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        frame(place, name, &line);
    } else {
        frame(place, name, data);
    }
}

/// The `type` of an event.
fn kind_of(data: &[u8]) -> Option<String> {
    let mut kind = None;
    let read = Reader::new(data).object(|reader, key| {
        if key == "type" {
            kind = string_or_skip(reader)?.map(Cow::into_owned);
        } else {
            reader.skip()?;
        }
        Ok::<(), JsonError>(())
    });
    read.ok().and(kind).filter(|kind| !kind.contains(['\n', '\r']))
}
