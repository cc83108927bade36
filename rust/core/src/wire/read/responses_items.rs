//! The items of an `OpenAI` Responses request.

use std::borrow::Cow;

use super::parse::{no_role, plain_role};
use super::typed::{Read, array, base64, data_url, image, join, object, once, raw, say, since, start, string, text};
use crate::json::{Kind, Reader};
use crate::wire::{Document, Image, ImageSource, Part, Role, Turn, WireError};

/// The conversation while it is read.
#[derive(Default)]
pub(in crate::wire) struct Talk<'a> {
    /// System and developer texts.
    pub system: Vec<Cow<'a, str>>,
    /// What is said.
    pub turns: Vec<Turn<'a>>,
    /// Whether an item stands with the provider and is only named here.
    pub has_references: bool,
}

/// One item while it is read; its type may come last, and a message may leave it out.
#[derive(Default)]
struct Item<'a> {
    kind: Option<Cow<'a, str>>,
    role: Option<Cow<'a, str>>,
    content: Option<Vec<Part<'a>>>,
    call_id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Option<Cow<'a, str>>,
    output: Option<Vec<Part<'a>>>,
    summary: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
}

impl<'a> Item<'a> {
    fn member(&mut self, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "type" => once(&mut self.kind, string(reader, "input[].type")?, key, reader),
            "role" => once(&mut self.role, string(reader, "input[].role")?, key, reader),
            // Items of the provider's own tools have fields of these names too, of whatever kind.
            "content" if is_content(reader)? => once(&mut self.content, Some(content(reader)?), key, reader),
            "output" if is_content(reader)? => once(&mut self.output, Some(content(reader)?), key, reader),
            "call_id" if reader.peek()? == Kind::String => once(&mut self.call_id, Some(reader.string()?), key, reader),
            "name" if reader.peek()? == Kind::String => once(&mut self.name, Some(reader.string()?), key, reader),
            "id" if reader.peek()? == Kind::String => once(&mut self.id, Some(reader.string()?), key, reader),
            "arguments" => {
                let value = if reader.peek()? == Kind::String {
                    Some(reader.string()?).filter(|text| !text.is_empty())
                } else {
                    raw(reader)?.map(text)
                };
                once(&mut self.arguments, value, key, reader)
            }
            "summary" if reader.peek()? == Kind::Array => once(&mut self.summary, Some(texts(reader)?), key, reader),
            _ => reader.skip().map(drop).map_err(Into::into),
        }
    }
}

fn is_content(reader: &mut Reader<'_>) -> Read<bool> {
    Ok(matches!(reader.peek()?, Kind::String | Kind::Array))
}

impl<'a> Talk<'a> {
    /// Reads one item.
    pub(in crate::wire) fn item(&mut self, reader: &mut Reader<'a>) -> Read<()> {
        let start = start(reader)?;
        let mut item = Item::default();
        object(reader, "input[]", |reader, key| item.member(reader, &key))?;
        let raw = since(reader, start);
        let missing = |field: &str| WireError::new("missing_field", format!("an item has no `{field}`"), start);
        let Some(kind) = item.kind.take() else {
            return match (item.role.take(), item.id) {
                (Some(role), _) => self.message(&role, item.content.unwrap_or_default(), start),
                (None, Some(_)) => {
                    self.has_references = true;
                    Ok(())
                }
                (None, None) => Err(no_role(start)),
            };
        };
        match kind.as_ref() {
            "message" => {
                let role = item.role.take().ok_or_else(|| no_role(start))?;
                self.message(&role, item.content.unwrap_or_default(), start)?;
            }
            "function_call" => {
                let call = Part::ToolCall {
                    id: item.call_id.unwrap_or_default(),
                    name: item.name.ok_or_else(|| missing("name"))?,
                    arguments: item.arguments.unwrap_or(Cow::Borrowed("{}")),
                };
                say(&mut self.turns, Role::Assistant, call);
            }
            "function_call_output" => self.result(item.call_id.unwrap_or_default(), item.output.unwrap_or_default()),
            "reasoning" => {
                // Open models give the reasoning itself; others a summary.
                let shown = item.content.map(|parts| join(parts.into_iter().filter_map(only_text).collect()));
                let text = shown.filter(|text| !text.is_empty()).or(item.summary).unwrap_or_default();
                say(&mut self.turns, Role::Assistant, Part::Thinking { text, raw });
            }
            "item_reference" => self.has_references = true,
            other => {
                // What a tool gave is the user's turn, what the model asked of it is the model's.
                let is_result = other.ends_with("_output") || other.ends_with("_response");
                let role = if is_result { Role::User } else { Role::Assistant };
                say(&mut self.turns, role, Part::Other { kind, raw });
            }
        }
        Ok(())
    }

    fn message(&mut self, role: &str, content: Vec<Part<'a>>, start: usize) -> Read<()> {
        if matches!(role, "system" | "developer") {
            for part in content {
                match part {
                    Part::Text(text) if text.is_empty() => {}
                    Part::Text(text) => self.system.push(text),
                    other => say(&mut self.turns, Role::User, other),
                }
            }
            return Ok(());
        }
        let role = plain_role(role).ok_or_else(|| {
            WireError::new("unknown_role", "a message's `role` is not one of this dialect", start)
                .hint("roles are system, developer, user and assistant; results of tools are items of their own")
        })?;
        for part in content {
            say(&mut self.turns, role, part);
        }
        Ok(())
    }

    fn result(&mut self, id: Cow<'a, str>, output: Vec<Part<'a>>) {
        let mut texts = Vec::new();
        let mut images: Vec<Image<'a>> = Vec::new();
        let mut others = Vec::new();
        for part in output {
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

fn only_text(part: Part<'_>) -> Option<Cow<'_, str>> {
    if let Part::Text(text) = part { Some(text) } else { None }
}

/// The texts of a list of `{type, text}`.
fn texts<'a>(reader: &mut Reader<'a>) -> Read<Cow<'a, str>> {
    let mut found = Vec::new();
    array(reader, "summary", |reader| {
        if reader.peek()? != Kind::Object {
            return reader.skip().map(drop).map_err(Into::into);
        }
        object(reader, "summary[]", |reader, key| {
            if key == "text" && reader.peek()? == Kind::String {
                found.push(reader.string()?);
            } else {
                reader.skip()?;
            }
            Ok(())
        })
    })?;
    Ok(join(found))
}

fn content<'a>(reader: &mut Reader<'a>) -> Read<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    if reader.peek()? == Kind::String {
        parts.push(Part::Text(reader.string()?));
        return Ok(parts);
    }
    array(reader, "content", |reader| {
        parts.push(part(reader)?);
        Ok(())
    })?;
    Ok(parts)
}

/// One part while it is read.
#[derive(Default)]
struct Piece<'a> {
    kind: Option<Cow<'a, str>>,
    text: Option<Cow<'a, str>>,
    image_url: Option<Cow<'a, str>>,
    detail: Option<Cow<'a, str>>,
    file_id: Option<Cow<'a, str>>,
    file_data: Option<Cow<'a, str>>,
    file_url: Option<Cow<'a, str>>,
}

fn part<'a>(reader: &mut Reader<'a>) -> Read<Part<'a>> {
    let start = start(reader)?;
    let found = reader.peek()?;
    if found == Kind::String {
        return Ok(Part::Text(reader.string()?));
    }
    if found != Kind::Object {
        return Err(WireError::wrong_type("content[]", Kind::Object.name(), found, start));
    }
    let mut piece = Piece::default();
    object(reader, "content[]", |reader, key| {
        let slot = match key.as_ref() {
            "type" => &mut piece.kind,
            "text" | "refusal" => &mut piece.text,
            "image_url" => &mut piece.image_url,
            "detail" => &mut piece.detail,
            "file_id" => &mut piece.file_id,
            "file_data" => &mut piece.file_data,
            "file_url" => &mut piece.file_url,
            _ => return reader.skip().map(drop).map_err(Into::into),
        };
        if reader.peek()? == Kind::String {
            once(slot, Some(reader.string()?), &key, reader)
        } else {
            reader.skip().map(drop).map_err(Into::into)
        }
    })?;
    let raw = since(reader, start);
    let missing = |field: &str| WireError::new("missing_field", format!("a content part has no `{field}`"), start);
    let kind = piece.kind.take().ok_or_else(|| missing("type"))?;
    Ok(match kind.as_ref() {
        "input_text" | "output_text" | "text" | "refusal" | "reasoning_text" | "summary_text" => {
            Part::Text(piece.text.ok_or_else(|| missing("text"))?)
        }
        "input_image" => match (piece.image_url, piece.file_id) {
            (Some(url), _) => Part::Image(image(url, piece.detail)),
            (None, Some(id)) => {
                let source = ImageSource::Url(Cow::Owned(format!("file:{id}")));
                Part::Image(Image { source, detail: piece.detail })
            }
            (None, None) => return Err(missing("image_url")),
        },
        "input_file" => {
            let (media_type, data) = match (piece.file_data, piece.file_url, piece.file_id) {
                (Some(data), ..) => file_data(data),
                (None, Some(url), _) => (Cow::Borrowed("application/pdf"), url),
                (None, None, Some(id)) => (Cow::Borrowed(""), id),
                (None, None, None) => return Err(missing("file_data")),
            };
            Part::Document(Document { media_type, data, raw })
        }
        _ => Part::Other { kind, raw },
    })
}

/// A file's media type and data out of a data URL; bare base64 is a PDF, the only file that all take.
pub(in crate::wire) fn file_data(data: Cow<'_, str>) -> (Cow<'_, str>, Cow<'_, str>) {
    match data_url(data) {
        Ok((media_type, data)) if media_type.starts_with("text/") => {
            match base64(&data).and_then(|bytes| String::from_utf8(bytes).ok()) {
                Some(text) => (media_type, Cow::Owned(text)),
                None => (Cow::Borrowed("application/octet-stream"), data),
            }
        }
        Ok(pair) => pair,
        Err(data) => (Cow::Borrowed("application/pdf"), data),
    }
}
