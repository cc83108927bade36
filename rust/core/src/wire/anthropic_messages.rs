//! Anthropic Messages requests into the normal form.

use std::borrow::Cow;

use super::parse::{no_role, plain_role, top_level};
use super::read::{
    Read, array, base64, blank, boolean, join, object, once, raw, sampling_name, say, since, start, string, text, whole,
};
use super::{
    Dialect, Document, Image, ImageSource, Part, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice, Turn,
    WireError,
};
use crate::json::{Kind, Reader};

/// Reads a request of this dialect.
pub(super) fn parse(body: &[u8]) -> Read<Request<'_>> {
    // Two closures fill the request: the one for messages has its own part of it.
    let mut request = blank(Dialect::AnthropicMessages, body);
    let mut settings = Settings::default();
    let mut talk = Talk::default();
    top_level(body, |reader, key| settings.member(&mut request, reader, key), |reader| talk.message(reader))?;
    request.turns = talk.turns;
    request.system.append(&mut talk.system);
    request.response_format = settings.format.unwrap_or_default();
    request.thinking = match (settings.thinking, settings.effort) {
        (None | Some(Thinking::Adaptive), Some(effort)) => Thinking::Effort(effort),
        (thinking, _) => thinking.unwrap_or_default(),
    };
    Ok(request)
}

/// Fields that stand in more than one place.
#[derive(Default)]
struct Settings<'a> {
    thinking: Option<Thinking<'a>>,
    effort: Option<Cow<'a, str>>,
    format: Option<ResponseFormat<'a>>,
}

impl<'a> Settings<'a> {
    fn member(&mut self, request: &mut Request<'a>, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "model" => request.model = string(reader, key)?,
            "system" => system(reader, &mut request.system)?,
            "max_tokens" => request.max_tokens = whole(reader, key)?,
            "stream" => request.stream = boolean(reader, key)?.unwrap_or(false),
            "tools" => array(reader, key, |reader| {
                request.tools.push(tool(reader)?);
                Ok(())
            })?,
            "tool_choice" => request.tool_choice = tool_choice(reader, key)?,
            "thinking" => self.thinking = thinking(reader, key)?,
            "output_config" => self.output_config(reader, key)?,
            // The name of `output_config.format` while it was in beta.
            "output_format" => self.format = output_format(reader, key)?,
            "metadata" => object(reader, key, |reader, key| {
                if key == "user_id" {
                    request.end_user = string(reader, "metadata.user_id")?;
                } else {
                    reader.skip()?;
                }
                Ok(())
            })?,
            _ => match sampling_name(key) {
                Some(name) => {
                    if raw(reader)?.is_some() {
                        request.sampling.push(name);
                    }
                }
                None => drop(reader.skip()?),
            },
        }
        Ok(())
    }

    fn output_config(&mut self, reader: &mut Reader<'a>, field: &str) -> Read<()> {
        object(reader, field, |reader, key| {
            match key.as_ref() {
                "effort" => self.effort = string(reader, "output_config.effort")?,
                "format" => self.format = output_format(reader, "output_config.format")?,
                _ => drop(reader.skip()?),
            }
            Ok(())
        })
    }
}

fn system<'a>(reader: &mut Reader<'a>, texts: &mut Vec<Cow<'a, str>>) -> Read<()> {
    let mut add = |text: Cow<'a, str>| {
        if !text.is_empty() {
            texts.push(text);
        }
    };
    if reader.peek()? == Kind::String {
        add(reader.string()?);
        return Ok(());
    }
    array(reader, "system", |reader| {
        object(reader, "system[]", |reader, key| {
            if key == "text" {
                add(string(reader, "system[].text")?.unwrap_or_default());
            } else {
                reader.skip()?;
            }
            Ok(())
        })
    })
}

fn tool<'a>(reader: &mut Reader<'a>) -> Read<Tool<'a>> {
    let start = start(reader)?;
    let (mut kind, mut name, mut description, mut schema) = (None, None, None, None);
    object(reader, "tools[]", |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "tools[].type")?, &key, reader),
        "name" => once(&mut name, string(reader, "tools[].name")?, &key, reader),
        "description" => once(&mut description, string(reader, "tools[].description")?, &key, reader),
        "input_schema" => once(&mut schema, raw(reader)?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    let is_function = matches!(kind.as_deref(), None | Some("custom"));
    Ok(Tool {
        name: name.or(kind).unwrap_or_default(),
        description: description.unwrap_or_default(),
        schema: schema.unwrap_or_default(),
        raw: since(reader, start),
        is_function,
    })
}

fn tool_choice<'a>(reader: &mut Reader<'a>, field: &str) -> Read<ToolChoice<'a>> {
    let (mut kind, mut name) = (None, None);
    object(reader, field, |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "tool_choice.type")?, &key, reader),
        "name" => once(&mut name, string(reader, "tool_choice.name")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(match (kind.as_deref(), name) {
        (Some("none"), _) => ToolChoice::None,
        (Some("any"), _) => ToolChoice::Any,
        (Some("tool"), Some(name)) => ToolChoice::Named(name),
        _ => ToolChoice::Auto,
    })
}

fn thinking<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<Thinking<'a>>> {
    let (mut kind, mut budget) = (None, None);
    object(reader, field, |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "thinking.type")?, &key, reader),
        "budget_tokens" => once(&mut budget, whole(reader, "thinking.budget_tokens")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(match (kind.as_deref(), budget) {
        (Some("disabled"), _) => Some(Thinking::Off),
        (Some("between_tools"), _) => Some(Thinking::Effort(Cow::Borrowed("between_tools"))),
        (Some("enabled"), Some(budget)) => Some(Thinking::Budget(budget)),
        (Some(_), _) => Some(Thinking::Adaptive),
        (None, _) => None,
    })
}

fn output_format<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<ResponseFormat<'a>>> {
    let mut schema = None;
    object(reader, field, |reader, key| {
        if key == "schema" {
            schema = raw(reader)?;
        } else {
            reader.skip()?;
        }
        Ok(())
    })?;
    Ok(schema.map(|schema| ResponseFormat::JsonSchema { schema }))
}

/// The conversation while it is read.
#[derive(Default)]
struct Talk<'a> {
    system: Vec<Cow<'a, str>>,
    turns: Vec<Turn<'a>>,
}

impl<'a> Talk<'a> {
    fn message(&mut self, reader: &mut Reader<'a>) -> Read<()> {
        let start = start(reader)?;
        let (mut role, mut parts) = (None, None);
        object(reader, "messages[]", |reader, key| match key.as_ref() {
            "role" => once(&mut role, string(reader, "messages[].role")?, &key, reader),
            "content" => once(&mut parts, Some(content(reader, Level::Message)?), &key, reader),
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
        Ok(())
    }
}

/// How deep a block stands: what stands inside a block is not taken apart again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Message,
    Block,
}

fn content<'a>(reader: &mut Reader<'a>, level: Level) -> Read<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    match reader.peek()? {
        Kind::String => parts.push(Part::Text(reader.string()?)),
        Kind::Array => reader.array(|reader| block(reader, level, &mut parts))?,
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
            "content" => match self.kind.as_deref() {
                Some("tool_result") if level == Level::Message => {
                    once(&mut self.content, Some(content(reader, Level::Block)?), key, reader)
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
fn block<'a>(reader: &mut Reader<'a>, level: Level, parts: &mut Vec<Part<'a>>) -> Read<()> {
    let start = start(reader)?;
    let found = reader.peek()?;
    if found != Kind::Object {
        return Err(WireError::wrong_type("content[]", Kind::Object.name(), found, start));
    }
    let mut block = Block::default();
    object(reader, "content[]", |reader, key| block.member(reader, level, &key))?;
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
                (None, Some(mut unread)) => content(&mut unread, Level::Block)?,
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
                for part in content(&mut unread, Level::Block)? {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Request<'_> {
        parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn an_agent_turn_becomes_normal() {
        let request = read(
            r#"{"model":"m","max_tokens":7,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
            "thinking":{"type":"adaptive"},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{"a":1}}},
            "metadata":{"user_id":"u"},"tool_choice":{"type":"tool","name":"f"},"temperature":1,
            "tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search"}],
            "messages":[{"role":"user","content":"q"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"x"},{"type":"tool_use","id":"t","name":"f","input":{"a": 1}}]},
            {"role":"user","content":[{"content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUI="}},
            {"type":"document","source":{"type":"text","media_type":"text/plain","data":"doc"}}],"tool_use_id":"t","is_error":true,"type":"tool_result"},
            {"type":"server_tool_use","id":"z","name":"web_search","input":{}}]}]}"#,
        );
        assert_eq!(request.thinking, Thinking::Effort("max".into()));
        assert_eq!(request.response_format, ResponseFormat::JsonSchema { schema: br#"{"a":1}"# });
        assert_eq!(request.end_user.as_deref(), Some("u"));
        assert_eq!(request.tools.iter().map(|tool| tool.is_function).collect::<Vec<_>>(), [true, false]);
        assert_eq!(request.tool_choice, ToolChoice::Named("f".into()));
        assert_eq!(request.turns.len(), 3);
        assert!(matches!(&request.turns[1].parts[0],
            Part::Thinking { text, raw } if text == "hm" && raw.ends_with(br#""signature":"x"}"#)));
        assert!(matches!(&request.turns[1].parts[1], Part::ToolCall { arguments, .. } if arguments == r#"{"a": 1}"#));
        let parts = &request.turns[2].parts;
        assert!(
            matches!(&parts[0], Part::ToolResult { text, is_error: true, images, .. } if text == "r" && images.len() == 1)
        );
        assert!(matches!(&parts[1], Part::Document(document) if document.data == "doc"));
        assert!(matches!(&parts[2], Part::Other { kind, .. } if kind == "server_tool_use"));
    }
}
