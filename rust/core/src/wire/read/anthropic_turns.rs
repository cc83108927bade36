//! The conversation of an Anthropic Messages request.

use std::borrow::Cow;

use super::parse::{no_role, plain_role};
use super::typed::{Read, base64, cache_control, join, object, once, raw, say, since, start, string, text};
use crate::json::{Kind, Reader};
use crate::wire::{CacheMark, CacheTtl, Document, Image, ImageSource, Part, PrefixEnd, Role, Turn, WireError};

/// The conversation while it is read.
#[derive(Default)]
pub(in crate::wire) struct Talk<'a> {
    /// Instructions in the middle of the conversation.
    pub system: Vec<Cow<'a, str>>,
    /// What is said.
    pub turns: Vec<Turn<'a>>,
    /// Messages that the provider is asked to keep.
    pub cache_marks: Vec<CacheMark>,
}

impl<'a> Talk<'a> {
    /// Reads one message.
    pub(in crate::wire) fn message(&mut self, reader: &mut Reader<'a>) -> Read<()> {
        let start = start(reader)?;
        let (mut role, mut parts, mut cached) = (None, None, None);
        object(reader, "messages[]", |reader, key| match key.as_ref() {
            "role" => once(&mut role, string(reader, "messages[].role")?, &key, reader),
            "content" => once(&mut parts, Some(content(reader, Level::Message, &mut cached)?), &key, reader),
            _ => {
                reader.skip()?;
                Ok(())
            }
        })?;
        let role = role.ok_or_else(|| no_role(start))?;
        let parts = parts.unwrap_or_default();
        // Newer models take instructions in the middle of a conversation.
        if role == "system" {
            for part in parts {
                match part {
                    Part::Text(text) if text.is_empty() => {}
                    Part::Text(text) => self.system.push(text),
                    other => say(&mut self.turns, Role::User, other),
                }
            }
            return Ok(());
        }
        let role = plain_role(&role).ok_or_else(|| {
            WireError::new("unknown_role", "a message's `role` is not one of this dialect", start)
                .hint("roles are user and assistant; instructions go into `system`, tool results into a user message")
        })?;
        for part in parts {
            say(&mut self.turns, role, part);
        }
        if let Some(ttl) = cached {
            let parts = self.turns.last().map_or(0, |turn| turn.parts.len());
            self.cache_marks.push(CacheMark { end: PrefixEnd::Turns { turns: self.turns.len(), parts }, ttl });
        }
        Ok(())
    }
}

/// How deep a block stands: what stands inside a block is not taken apart again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Message,
    Block,
}

/// The blocks of a message; `cached` is set by the last one that is to be kept.
fn content<'a>(reader: &mut Reader<'a>, level: Level, cached: &mut Option<CacheTtl>) -> Read<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    match reader.peek()? {
        Kind::String => parts.push(Part::Text(reader.string()?)),
        Kind::Array => reader.array(|reader| block(reader, level, &mut parts, cached))?,
        Kind::Null => reader.null()?,
        found => return Err(WireError::wrong_type("content", "a string or an array", found, reader.offset())),
    }
    Ok(parts)
}

/// One block while it is read; its type may come last.
#[derive(Default)]
struct Block<'a> {
    kind: Option<Cow<'a, str>>,
    text: Option<Cow<'a, str>>,
    thinking: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    tool_use_id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    input: Option<&'a [u8]>,
    is_error: Option<bool>,
    source: Option<Source<'a>>,
    content: Option<Vec<Part<'a>>>,
    cached: Option<CacheTtl>,
    /// Where `content` stands, when it came before `type`.
    unread: Option<Reader<'a>>,
}

impl<'a> Block<'a> {
    fn member(&mut self, reader: &mut Reader<'a>, level: Level, key: &str) -> Read<()> {
        match key {
            "type" => once(&mut self.kind, string(reader, "content[].type")?, key, reader),
            "id" => once(&mut self.id, string(reader, "content[].id")?, key, reader),
            "name" => once(&mut self.name, string(reader, "content[].name")?, key, reader),
            "tool_use_id" => once(&mut self.tool_use_id, string(reader, "content[].tool_use_id")?, key, reader),
            "input" => once(&mut self.input, raw(reader)?, key, reader),
            "text" if reader.peek()? == Kind::String => once(&mut self.text, Some(reader.string()?), key, reader),
            "thinking" if reader.peek()? == Kind::String => {
                once(&mut self.thinking, Some(reader.string()?), key, reader)
            }
            "is_error" if reader.peek()? == Kind::Bool => once(&mut self.is_error, Some(reader.bool()?), key, reader),
            "source" if reader.peek()? == Kind::Object => once(&mut self.source, Some(source(reader)?), key, reader),
            "cache_control" => {
                self.cached = cache_control(reader)?;
                Ok(())
            }
            "content" => match self.kind.as_deref() {
                Some("tool_result") if level == Level::Message => {
                    once(&mut self.content, Some(content(reader, Level::Block, &mut self.cached)?), key, reader)
                }
                Some(_) => reader.skip().map(drop).map_err(Into::into),
                None => {
                    once(&mut self.unread, Some(reader.clone()), key, reader)?;
                    reader.skip().map(drop).map_err(Into::into)
                }
            },
            _ => reader.skip().map(drop).map_err(Into::into),
        }
    }
}

/// Reads one block and adds what it says: a tool result's documents stand behind it.
fn block<'a>(
    reader: &mut Reader<'a>,
    level: Level,
    parts: &mut Vec<Part<'a>>,
    cached: &mut Option<CacheTtl>,
) -> Read<()> {
    let start = start(reader)?;
    let found = reader.peek()?;
    if found != Kind::Object {
        return Err(WireError::wrong_type("content[]", Kind::Object.name(), found, start));
    }
    let mut block = Block::default();
    object(reader, "content[]", |reader, key| block.member(reader, level, &key))?;
    *cached = block.cached.or(*cached);
    let raw = since(reader, start);
    let missing = |field: &str| WireError::new("missing_field", format!("a content block has no `{field}`"), start);
    let kind = block.kind.take().ok_or_else(|| missing("type"))?;
    let part = match kind.as_ref() {
        "text" => Part::Text(block.text.ok_or_else(|| missing("text"))?),
        "thinking" => Part::Thinking { text: block.thinking.unwrap_or_default(), raw },
        "redacted_thinking" => Part::Thinking { text: Cow::Borrowed(""), raw },
        "tool_use" => Part::ToolCall {
            id: block.id.ok_or_else(|| missing("id"))?,
            name: block.name.ok_or_else(|| missing("name"))?,
            arguments: block.input.map_or(Cow::Borrowed("{}"), text),
        },
        "image" => match block.source.ok_or_else(|| missing("source"))?.image() {
            Some(image) => Part::Image(image),
            None => Part::Other { kind, raw },
        },
        "document" => block.source.ok_or_else(|| missing("source"))?.document(raw, level)?,
        "tool_result" if level == Level::Message => {
            let content = match (block.content, block.unread) {
                (Some(content), None) => content,
                (None, Some(mut unread)) => content(&mut unread, Level::Block, cached)?,
                (None, None) => Vec::new(),
                (Some(_), Some(_)) => return Err(WireError::duplicate("content", start)),
            };
            let id = block.tool_use_id.ok_or_else(|| missing("tool_use_id"))?;
            return tool_result(id, block.is_error.unwrap_or(false), content, parts);
        }
        _ => Part::Other { kind, raw },
    };
    parts.push(part);
    Ok(())
}

#[allow(clippy::unnecessary_wraps, reason = "the arm of a match whose other arms can fail")]
fn tool_result<'a>(id: Cow<'a, str>, is_error: bool, content: Vec<Part<'a>>, parts: &mut Vec<Part<'a>>) -> Read<()> {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    let mut others = Vec::new();
    for part in content {
        match part {
            Part::Text(text) => texts.push(text),
            Part::Image(image) => images.push(image),
            other => others.push(other),
        }
    }
    parts.push(Part::ToolResult { id, text: join(texts), is_error, images });
    parts.append(&mut others);
    Ok(())
}

/// The `source` of a picture or a document.
#[derive(Default)]
struct Source<'a> {
    kind: Option<Cow<'a, str>>,
    media_type: Option<Cow<'a, str>>,
    data: Option<Cow<'a, str>>,
    url: Option<Cow<'a, str>>,
    file_id: Option<Cow<'a, str>>,
    content: Option<Reader<'a>>,
}

fn source<'a>(reader: &mut Reader<'a>) -> Read<Source<'a>> {
    let mut source = Source::default();
    object(reader, "source", |reader, key| match key.as_ref() {
        "type" => once(&mut source.kind, string(reader, "source.type")?, &key, reader),
        "media_type" => once(&mut source.media_type, string(reader, "source.media_type")?, &key, reader),
        "data" => once(&mut source.data, string(reader, "source.data")?, &key, reader),
        "url" => once(&mut source.url, string(reader, "source.url")?, &key, reader),
        "file_id" => once(&mut source.file_id, string(reader, "source.file_id")?, &key, reader),
        "content" => {
            once(&mut source.content, Some(reader.clone()), &key, reader)?;
            reader.skip().map(drop).map_err(Into::into)
        }
        _ => reader.skip().map(drop).map_err(Into::into),
    })?;
    Ok(source)
}

impl<'a> Source<'a> {
    fn image(self) -> Option<Image<'a>> {
        let source = match (self.data, self.url, self.file_id) {
            (Some(data), _, _) => ImageSource::Base64 { media_type: self.media_type.unwrap_or_default(), data },
            (None, Some(url), _) => ImageSource::Url(url),
            (None, None, Some(id)) => ImageSource::Url(Cow::Owned(format!("file:{id}"))),
            (None, None, None) => return None,
        };
        Some(Image { source, detail: None })
    }

    fn document(self, raw: &'a [u8], level: Level) -> Read<Part<'a>> {
        let media_type = self.media_type.unwrap_or(Cow::Borrowed("application/pdf"));
        let is_base64 = self.kind.as_deref() == Some("base64");
        let (media_type, data) = match (self.data, self.url, self.file_id, self.content) {
            (Some(data), ..) if is_base64 && media_type.starts_with("text/") => {
                match base64(&data).and_then(|bytes| String::from_utf8(bytes).ok()) {
                    Some(text) => (media_type, Cow::Owned(text)),
                    None => (Cow::Borrowed("application/octet-stream"), data),
                }
            }
            (Some(data), ..) => (media_type, data),
            (None, Some(url), ..) => (media_type, url),
            (None, None, Some(id), _) => (Cow::Borrowed(""), id),
            (None, None, None, Some(mut unread)) if level == Level::Message => {
                let mut texts = Vec::new();
                for part in content(&mut unread, Level::Block, &mut None)? {
                    match part {
                        Part::Text(text) => texts.push(text),
                        _ => return Ok(Part::Other { kind: Cow::Borrowed("document"), raw }),
                    }
                }
                (Cow::Borrowed("text/plain"), join(texts))
            }
            (None, None, None, _) => return Ok(Part::Other { kind: Cow::Borrowed("document"), raw }),
        };
        Ok(Part::Document(Document { media_type, data, raw }))
    }
}
