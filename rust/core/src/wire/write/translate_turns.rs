//! A conversation in the normal form as the turns of an Anthropic Messages body.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::body::Notes;
use super::translate_to_openai::document_title;
use crate::json::{ArrayWriter, Kind, ObjectWriter, Reader, write_string};
use crate::wire::read::members::quoted;
use crate::wire::read::typed::Read;
use crate::wire::{Document, Image, ImageSource, Part, Request, Role, Tool, WireError};

/// What stands where Anthropic wants a user turn and the conversation has none.
const OPENING: &str = "(start of the conversation)";

/// A turn while it is written: results of tools come first, as the API wants them.
struct Written {
    role: Role,
    results: String,
    blocks: String,
}

impl Written {
    fn new(role: Role) -> Self {
        Self { role, results: String::new(), blocks: String::new() }
    }

    fn is_empty(&self) -> bool {
        self.results.is_empty() && self.blocks.is_empty()
    }
}

/// The conversation as Anthropic wants it: turns alternate and none is empty, the user begins.
pub(in crate::wire) struct Conversation {
    written: String,
    open: Written,
}

impl Conversation {
    /// The `messages` of the body, a JSON array.
    pub(in crate::wire) fn json(request: &Request<'_>, notes: &mut Notes) -> Read<String> {
        let mut conversation =
            Self { written: String::with_capacity(request.body.len() + 256), open: Written::new(Role::User) };
        let mut turns = request.turns.iter().peekable();
        while let Some(turn) = turns.next() {
            let is_prefill = turns.peek().is_none() && turn.role == Role::Assistant;
            let mut parts = turn.parts.iter().peekable();
            while let Some(part) = parts.next() {
                match part {
                    // The API refuses white space at the end of a prefill.
                    Part::Text(text) if is_prefill && parts.peek().is_none() => {
                        conversation.text(turn.role, text.trim_end(), notes);
                    }
                    part => conversation.part(turn.role, part, notes)?,
                }
            }
        }
        conversation.close(notes);
        Ok(format!("[{}]", conversation.written))
    }

    /// Where the next block of a role goes.
    fn slot(&mut self, role: Role, is_result: bool, notes: &mut Notes) -> &mut String {
        if self.open.role != role {
            self.close(notes);
            self.open = Written::new(role);
        }
        let slot = if is_result { &mut self.open.results } else { &mut self.open.blocks };
        if !slot.is_empty() {
            slot.push(',');
        }
        slot
    }

    fn close(&mut self, notes: &mut Notes) {
        if self.open.is_empty() {
            // Only the turn that every conversation opens with can be empty here.
            if !self.written.is_empty() {
                return;
            }
            notes.say("`messages`: an opening user turn was added, as anthropic-messages begins with the user");
            self.open.blocks.push_str(r#"{"type":"text","text":"#);
            write_string(&mut self.open.blocks, OPENING);
            self.open.blocks.push('}');
        }
        let role = match self.open.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let comma = if self.written.is_empty() { "" } else { "," };
        self.written.push_str(comma);
        self.written.push_str(r#"{"role":""#);
        self.written.push_str(role);
        self.written.push_str(r#"","content":["#);
        self.written.push_str(&self.open.results);
        if !self.open.results.is_empty() && !self.open.blocks.is_empty() {
            self.written.push(',');
        }
        self.written.push_str(&self.open.blocks);
        self.written.push_str("]}");
    }

    fn text(&mut self, role: Role, text: &str, notes: &mut Notes) {
        // The API refuses text blocks without a visible character.
        if text.trim().is_empty() {
            notes.say("`messages[].content`: text of white space alone was left out");
            return;
        }
        write_text(self.slot(role, false, notes), text);
    }

    fn part(&mut self, role: Role, part: &Part<'_>, notes: &mut Notes) -> Read<()> {
        match part {
            Part::Text(text) => self.text(role, text, notes),
            Part::Image(image) if role == Role::User => {
                if image.detail.is_some() {
                    notes.say("`detail` of a picture: anthropic-messages has no such field");
                }
                write_image(self.slot(role, false, notes), image)?;
            }
            Part::Document(document) if role == Role::User => {
                write_document(self.slot(role, false, notes), document)?;
            }
            Part::ToolCall { id, name, arguments } => {
                let id = tool_id(id, notes)?;
                let input = input(arguments, notes);
                let mut block = ObjectWriter::new(self.slot(role, false, notes));
                block.string("type", "tool_use").string("id", &id).string("name", name).raw("input", input);
                block.end();
            }
            Part::ToolResult { id, text, is_error, images } => {
                let id = tool_id(id, notes)?;
                let content = result_content(text, images)?;
                let mut block = ObjectWriter::new(self.slot(role, true, notes));
                block.string("type", "tool_result").string("tool_use_id", &id);
                if let Some(content) = content {
                    block.raw("content", content);
                }
                if *is_error {
                    block.raw("is_error", "true");
                }
                block.end();
            }
            Part::Thinking { .. } => {
                notes.say("thinking: reasoning of another provider's model was left out, as it cannot be signed");
            }
            Part::Other { kind, .. } => return Err(untranslatable(kind)),
            Part::Image(_) => return Err(untranslatable("image_url")),
            Part::Document(_) => return Err(untranslatable("file")),
        }
        Ok(())
    }
}

/// Refuses a tool that is no function of the client's.
pub(in crate::wire) fn not_a_function(tools: &[Tool<'_>]) -> Read<()> {
    let Some(tool) = tools.iter().find(|tool| !tool.is_function) else { return Ok(()) };
    let message = format!("the tool `{}` is not a function", tool.name.chars().take(64).collect::<String>());
    Err(WireError::new("tool_untranslatable", message, 0)
        .hint("only functions of the client's can go to a provider of another dialect"))
}

/// The error for a part that the other dialect does not have.
pub(in crate::wire) fn untranslatable(kind: &str) -> WireError {
    let kind: String = kind.chars().take(40).collect();
    WireError::new(
        "block_untranslatable",
        format!("content of type `{kind}` has no counterpart in the other dialect"),
        0,
    )
    .hint("choose a deployment that speaks the request's own dialect")
}

/// Writes a text block.
pub(in crate::wire) fn write_text(out: &mut String, text: &str) {
    let mut block = ObjectWriter::new(out);
    block.string("type", "text").string("text", text);
    block.end();
}

/// The id of a call in the letters that Anthropic takes; others are written as `_` and their number.
fn tool_id<'a>(id: &'a str, notes: &mut Notes) -> Read<Cow<'a, str>> {
    if id.is_empty() {
        return Err(WireError::new("tool_call_id_missing", "a tool call or its result has no id", 0)
            .hint("anthropic-messages pairs results with calls by id"));
    }
    let plain = plain_id(id);
    if matches!(plain, Cow::Owned(_)) {
        notes.say("`tool_call_id`: letters that anthropic-messages refuses were replaced");
    }
    Ok(plain)
}

/// An id in the letters that Anthropic takes; others are written as `_` and their number.
pub(in crate::wire) fn plain_id(id: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if id.chars().all(is_plain) {
        return Cow::Borrowed(id);
    }
    let mut plain = String::with_capacity(id.len() + 8);
    for letter in id.chars() {
        if is_plain(letter) {
            plain.push(letter);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(plain, "_{:x}", u32::from(letter));
        }
    }
    Cow::Owned(plain)
}

/// A call's arguments as the object that Anthropic requires.
pub(in crate::wire) fn input<'a>(arguments: &'a str, notes: &mut Notes) -> Cow<'a, str> {
    let mut reader = Reader::new(arguments.as_bytes());
    let is_object = matches!(reader.peek(), Ok(Kind::Object)) && reader.skip().is_ok() && reader.finish().is_ok();
    if is_object {
        return Cow::Borrowed(arguments.trim_start_matches('\u{feff}').trim());
    }
    // A call cut off by a bound stays in the history of an agent; it is told, not run.
    notes.say("`tool_calls[].function.arguments`: a text that is not a JSON object became the member `invalid_json`");
    Cow::Owned(format!(r#"{{"invalid_json":{}}}"#, quoted(arguments)))
}

fn result_content(text: &str, images: &[Image<'_>]) -> Read<Option<String>> {
    if images.is_empty() {
        return Ok((!text.is_empty()).then(|| quoted(text)));
    }
    let mut out = String::new();
    let mut list = ArrayWriter::new(&mut out);
    if !text.trim().is_empty() {
        write_text(list.element(), text);
    }
    for image in images {
        write_image(list.element(), image)?;
    }
    list.end();
    Ok(Some(out))
}

fn write_image(out: &mut String, image: &Image<'_>) -> Read<()> {
    let mut block = ObjectWriter::new(out);
    block.string("type", "image");
    match &image.source {
        ImageSource::Base64 { media_type, data } => block.object("source", |source| {
            source.string("type", "base64").string("media_type", media_type).string("data", data);
        }),
        ImageSource::Url(url) if is_web(url) => block.object("source", |source| {
            source.string("type", "url").string("url", url);
        }),
        ImageSource::Url(_) => {
            return Err(WireError::new("image_untranslatable", "a picture is neither base64 nor at an http(s) URL", 0));
        }
    };
    block.end();
    Ok(())
}

/// Whether a URL is one that another provider can fetch too.
pub(in crate::wire) fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
}

fn write_document(out: &mut String, document: &Document<'_>) -> Read<()> {
    let (kind, media_type) = match document.media_type.as_ref() {
        text if text.starts_with("text/") => ("text", "text/plain"),
        "application/pdf" if is_web(&document.data) => ("url", ""),
        "application/pdf" => ("base64", "application/pdf"),
        _ => {
            return Err(WireError::new("document_untranslatable", "a file is neither a PDF nor text", 0)
                .hint("an uploaded file stays with its provider: send its bytes"));
        }
    };
    let title = document_title(document);
    let mut block = ObjectWriter::new(out);
    block.string("type", "document").object("source", |source| {
        source.string("type", kind);
        if kind == "url" {
            source.string("url", &document.data);
        } else {
            source.string("media_type", media_type).string("data", &document.data);
        }
    });
    if let Some(title) = &title {
        block.string("title", title);
    }
    block.end();
    Ok(())
}
