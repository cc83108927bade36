//! The conversation of an `OpenAI` Chat request.

use std::borrow::Cow;

use super::parse::{no_role, plain_role};
use super::responses_items::file_data;
use super::typed::{Read, array, image, join, object, once, raw, say, since, start, string, text};
use crate::json::{Kind, Reader};
use crate::wire::{Document, Image, Part, Role, Turn, WireError};

/// The conversation while it is read.
#[derive(Default)]
pub(in crate::wire) struct Talk<'a> {
    /// System and developer texts.
    pub system: Vec<Cow<'a, str>>,
    /// What is said.
    pub turns: Vec<Turn<'a>>,
    /// Calls in the old style have no id: they are counted, and a `function` message answers the last one.
    legacy_calls: u32,
}

/// One message while it is read; the role may come last.
#[derive(Default)]
struct Message<'a> {
    role: Option<Cow<'a, str>>,
    content: Option<Vec<Part<'a>>>,
    calls: Option<Vec<Part<'a>>>,
    legacy_call: Option<(Cow<'a, str>, Cow<'a, str>)>,
    tool_call_id: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    reasoning_content: Option<Part<'a>>,
    reasoning: Option<Part<'a>>,
}

impl<'a> Talk<'a> {
    /// Reads one message.
    pub(in crate::wire) fn message(&mut self, reader: &mut Reader<'a>) -> Read<()> {
        let start = start(reader)?;
        let mut message = Message::default();
        object(reader, "messages[]", |reader, key| message.member(reader, &key))?;
        let role = message.role.take().ok_or_else(|| no_role(start))?;
        match role.as_ref() {
            "system" | "developer" => {
                for part in message.content.unwrap_or_default() {
                    match part {
                        Part::Text(text) if text.is_empty() => {}
                        Part::Text(text) => self.system.push(text),
                        other => say(&mut self.turns, Role::User, other),
                    }
                }
            }
            "tool" => {
                let id = message.tool_call_id.take().unwrap_or_default();
                self.result(id, message.content.unwrap_or_default());
            }
            "function" => {
                let id = Cow::Owned(legacy_id(self.legacy_calls));
                self.result(id, message.content.unwrap_or_default());
            }
            role => {
                let role = plain_role(role).ok_or_else(|| {
                    WireError::new("unknown_role", "a message's `role` is not one of this dialect", start)
                        .hint("roles are system, developer, user, assistant, tool and function")
                })?;
                self.turn(role, message);
            }
        }
        Ok(())
    }

    fn turn(&mut self, role: Role, message: Message<'a>) {
        let reasoning = message.reasoning_content.or(message.reasoning);
        let refusal = message.refusal.map(Part::Text);
        let mut parts: Vec<Part<'a>> = Vec::new();
        parts.extend(reasoning);
        parts.extend(message.content.unwrap_or_default());
        parts.extend(refusal);
        parts.extend(message.calls.unwrap_or_default());
        if let Some((name, arguments)) = message.legacy_call {
            self.legacy_calls = self.legacy_calls.saturating_add(1);
            parts.push(Part::ToolCall { id: Cow::Owned(legacy_id(self.legacy_calls)), name, arguments });
        }
        for part in parts {
            say(&mut self.turns, role, part);
        }
    }

    fn result(&mut self, id: Cow<'a, str>, content: Vec<Part<'a>>) {
        let mut texts = Vec::new();
        let mut images: Vec<Image<'a>> = Vec::new();
        let mut others = Vec::new();
        for part in content {
            match part {
                Part::Text(text) => texts.push(text),
                Part::Image(image) => images.push(image),
                other => others.push(other),
            }
        }
        say(&mut self.turns, Role::User, Part::ToolResult { id, text: join(texts), is_error: false, images });
        for other in others {
            say(&mut self.turns, Role::User, other);
        }
    }
}

fn legacy_id(number: u32) -> String {
    format!("function_call_{number}")
}

impl<'a> Message<'a> {
    fn member(&mut self, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "role" => once(&mut self.role, string(reader, "messages[].role")?, key, reader),
            "content" => once(&mut self.content, Some(content(reader)?), key, reader),
            "tool_calls" => {
                let mut calls = Vec::new();
                array(reader, "messages[].tool_calls", |reader| {
                    calls.push(tool_call(reader)?);
                    Ok(())
                })?;
                once(&mut self.calls, Some(calls), key, reader)
            }
            "function_call" => {
                let (mut name, mut arguments) = (None, None);
                object(reader, "messages[].function_call", |reader, key| {
                    called(reader, &key, &mut name, &mut arguments)
                })?;
                let call = name.map(|name| (name, arguments.unwrap_or(Cow::Borrowed("{}"))));
                once(&mut self.legacy_call, call, key, reader)
            }
            "tool_call_id" => once(&mut self.tool_call_id, string(reader, "messages[].tool_call_id")?, key, reader),
            "refusal" => once(&mut self.refusal, string(reader, "messages[].refusal")?, key, reader),
            "reasoning_content" => once(&mut self.reasoning_content, reasoning(reader)?, key, reader),
            "reasoning" => once(&mut self.reasoning, reasoning(reader)?, key, reader),
            _ => {
                reader.skip()?;
                Ok(())
            }
        }
    }
}

/// Reasoning given back as a string beside the content.
fn reasoning<'a>(reader: &mut Reader<'a>) -> Read<Option<Part<'a>>> {
    let start = start(reader)?;
    if reader.peek()? != Kind::String {
        reader.skip()?;
        return Ok(None);
    }
    let text = reader.string()?;
    Ok((!text.is_empty()).then(|| Part::Thinking { text, raw: since(reader, start) }))
}

fn called<'a>(
    reader: &mut Reader<'a>,
    key: &str,
    name: &mut Option<Cow<'a, str>>,
    arguments: &mut Option<Cow<'a, str>>,
) -> Read<()> {
    match key {
        "name" => once(name, string(reader, "function.name")?, key, reader),
        // Ollama's clients send an object here instead of its text.
        "arguments" | "input" => {
            let value = if reader.peek()? == Kind::String {
                Some(reader.string()?).filter(|text| !text.is_empty())
            } else {
                raw(reader)?.map(text)
            };
            once(arguments, value, key, reader)
        }
        _ => {
            reader.skip()?;
            Ok(())
        }
    }
}

fn tool_call<'a>(reader: &mut Reader<'a>) -> Read<Part<'a>> {
    let start = start(reader)?;
    let (mut id, mut kind, mut name, mut arguments) = (None, None, None, None);
    object(reader, "messages[].tool_calls[]", |reader, key| match key.as_ref() {
        "id" => once(&mut id, string(reader, "messages[].tool_calls[].id")?, &key, reader),
        "type" => once(&mut kind, string(reader, "messages[].tool_calls[].type")?, &key, reader),
        "function" => object(reader, "messages[].tool_calls[].function", |reader, key| {
            called(reader, &key, &mut name, &mut arguments)
        }),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(match (name, kind) {
        (None, Some(kind)) if kind != "function" => Part::Other { kind, raw: since(reader, start) },
        (name, _) => Part::ToolCall {
            id: id.unwrap_or_default(),
            name: name.ok_or_else(|| WireError::new("missing_field", "a tool call has no function name", start))?,
            arguments: arguments.unwrap_or(Cow::Borrowed("{}")),
        },
    })
}

fn content<'a>(reader: &mut Reader<'a>) -> Read<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    match reader.peek()? {
        Kind::String => parts.push(Part::Text(reader.string()?)),
        Kind::Array => reader.array(|reader| {
            parts.push(part(reader)?);
            Ok::<(), WireError>(())
        })?,
        Kind::Null => reader.null()?,
        found => return Err(WireError::wrong_type("content", "a string or an array", found, reader.offset())),
    }
    Ok(parts)
}

fn part<'a>(reader: &mut Reader<'a>) -> Read<Part<'a>> {
    let start = start(reader)?;
    if reader.peek()? == Kind::String {
        return Ok(Part::Text(reader.string()?));
    }
    let (mut kind, mut said, mut url, mut file, mut thought) = (None, None, None, None, None);
    object(reader, "content[]", |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "content[].type")?, &key, reader),
        "text" | "refusal" => once(&mut said, string(reader, "content[].text")?, &key, reader),
        "image_url" => once(&mut url, image_url(reader)?, &key, reader),
        "file" => once(&mut file, file_of(reader)?, &key, reader),
        "thinking" => once(&mut thought, thought_of(reader)?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    let raw = since(reader, start);
    let kind = kind.unwrap_or_else(|| Cow::Borrowed(if url.is_some() { "image_url" } else { "text" }));
    Ok(match (kind.as_ref(), said, url, file, thought) {
        ("text" | "refusal", Some(text), ..) => Part::Text(text),
        ("image_url", _, Some(image), ..) => Part::Image(image),
        ("file", _, _, Some((media_type, data)), _) => Part::Document(Document { media_type, data, raw }),
        ("thinking", _, _, _, Some(text)) => Part::Thinking { text, raw },
        ("text" | "image_url" | "file", ..) => {
            let field = if kind == "text" { "text" } else { kind.as_ref() };
            return Err(WireError::new("missing_field", format!("a content part has no `{field}`"), start));
        }
        _ => Part::Other { kind, raw },
    })
}

fn image_url<'a>(reader: &mut Reader<'a>) -> Read<Option<Image<'a>>> {
    if reader.peek()? == Kind::String {
        return Ok(Some(image(reader.string()?, None)));
    }
    let (mut url, mut detail) = (None, None);
    object(reader, "content[].image_url", |reader, key| match key.as_ref() {
        "url" => once(&mut url, string(reader, "content[].image_url.url")?, &key, reader),
        "detail" => once(&mut detail, string(reader, "content[].image_url.detail")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(url.map(|url| image(url, detail)))
}

/// A file's media type and data; an id has no media type.
fn file_of<'a>(reader: &mut Reader<'a>) -> Read<Option<(Cow<'a, str>, Cow<'a, str>)>> {
    let (mut data, mut id) = (None, None);
    object(reader, "content[].file", |reader, key| match key.as_ref() {
        "file_data" => once(&mut data, string(reader, "content[].file.file_data")?, &key, reader),
        "file_id" => once(&mut id, string(reader, "content[].file.file_id")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    let Some(data) = data else { return Ok(id.map(|id| (Cow::Borrowed(""), id))) };
    Ok(Some(file_data(data)))
}

/// Mistral's reasoning: a string, or text parts.
fn thought_of<'a>(reader: &mut Reader<'a>) -> Read<Option<Cow<'a, str>>> {
    let texts = match reader.peek()? {
        Kind::String | Kind::Array => content(reader)?,
        _ => {
            reader.skip()?;
            return Ok(None);
        }
    };
    let texts = texts.into_iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    Ok(Some(join(texts.collect())))
}
