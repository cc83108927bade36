//! `OpenAI` Responses: bodies.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Reader};
use crate::outcome::OutcomeKind;
use crate::usage::{OPENAI_RESPONSES, UsageReader};

use super::whole::{Draft, Found, ToolCallAnswer, bare_error_in, error_in, raw_or_null, string_or_skip};
use crate::wire::Failure;

/// A part of a message or of a reasoning item: its kind and its text.
pub(super) struct Piece<'a> {
    pub is_refusal: bool,
    pub text: Cow<'a, str>,
}

/// An item of the output, whole or as it opens.
#[derive(Default)]
pub(super) struct Item<'a> {
    pub kind: Cow<'a, str>,
    pub id: Option<Cow<'a, str>>,
    pub call_id: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
    pub arguments: Option<Cow<'a, str>>,
    pub content: Vec<Piece<'a>>,
    pub summary: Vec<Piece<'a>>,
}

impl<'a> Item<'a> {
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut item = Self::default();
        if reader.peek()? != Kind::Object {
            reader.skip()?;
            return Ok(item);
        }
        reader.object(|reader, key| {
            match key.as_ref() {
                "type" => item.kind = string_or_skip(reader)?.unwrap_or_default(),
                "id" => item.id = string_or_skip(reader)?,
                "call_id" => item.call_id = string_or_skip(reader)?,
                "name" => item.name = string_or_skip(reader)?,
                "arguments" if reader.peek()? == Kind::Object => {
                    item.arguments = raw_or_null(reader)?.map(String::from_utf8_lossy);
                }
                "arguments" => item.arguments = string_or_skip(reader)?,
                // A custom tool takes free text; as JSON that is a string, which keeps "arguments are JSON" true.
                "input" if reader.peek()? == Kind::String => {
                    item.arguments = raw_or_null(reader)?.map(String::from_utf8_lossy);
                }
                "content" if reader.peek()? == Kind::Array => item.content = pieces(reader)?,
                "summary" if reader.peek()? == Kind::Array => item.summary = pieces(reader)?,
                _ => drop(reader.skip()?),
            }
            Ok::<(), JsonError>(())
        })?;
        Ok(item)
    }

    pub fn is_call(&self) -> bool {
        matches!(self.kind.as_ref(), "function_call" | "custom_tool_call")
    }

    /// The reasoning: itself where it is given, else its summary.
    pub fn thinking(&self) -> String {
        let said =
            |pieces: &[Piece<'_>]| pieces.iter().map(|piece| piece.text.as_ref()).collect::<Vec<_>>().join("\n\n");
        let whole = said(&self.content);
        if whole.is_empty() { said(&self.summary) } else { whole }
    }
}

fn pieces<'a>(reader: &mut Reader<'a>) -> Result<Vec<Piece<'a>>, JsonError> {
    let mut found = Vec::new();
    reader.array(|reader| {
        if reader.peek()? != Kind::Object {
            return reader.skip().map(drop);
        }
        let (mut text, mut refusal) = (None, None);
        reader.object(|reader, key| {
            match key.as_ref() {
                "text" => text = string_or_skip(reader)?,
                "refusal" => refusal = string_or_skip(reader)?,
                _ => drop(reader.skip()?),
            }
            Ok::<(), JsonError>(())
        })?;
        let is_refusal = text.is_none() && refusal.is_some();
        found.extend(text.or(refusal).map(|text| Piece { is_refusal, text }));
        Ok(())
    })?;
    Ok(found)
}

/// A response object, whole or inside an event.
#[derive(Default)]
pub(super) struct Response<'a> {
    pub model: Option<Cow<'a, str>>,
    status: Option<Cow<'a, str>>,
    reason: Option<Cow<'a, str>>,
    error: Option<&'a [u8]>,
    has_usage: bool,
    pub output: Option<Vec<Item<'a>>>,
}

impl<'a> Response<'a> {
    fn member(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<(), JsonError> {
        match key {
            "model" => self.model = string_or_skip(reader)?.filter(|model| !model.is_empty()),
            "status" => self.status = string_or_skip(reader)?,
            "error" => self.error = raw_or_null(reader)?,
            "usage" => self.has_usage = raw_or_null(reader)?.is_some(),
            "incomplete_details" if reader.peek()? == Kind::Object => reader.object(|reader, key| {
                match key.as_ref() {
                    "reason" => self.reason = string_or_skip(reader)?,
                    _ => drop(reader.skip()?),
                }
                Ok::<(), JsonError>(())
            })?,
            "output" if reader.peek()? == Kind::Array => {
                let mut items = Vec::new();
                reader.array(|reader| {
                    items.push(Item::read(reader)?);
                    Ok::<(), JsonError>(())
                })?;
                self.output = Some(items);
            }
            _ => drop(reader.skip()?),
        }
        Ok(())
    }

    pub fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut response = Self::default();
        if reader.peek()? != Kind::Object {
            reader.skip()?;
            return Ok(response);
        }
        reader.object(|reader, key| response.member(reader, &key))?;
        Ok(response)
    }

    /// Hands a body or an event that says its usage to the reader, and what that makes of it to the draft. The whole of it
    /// is read: searches of the provider's are counted by its items.
    pub fn report(&self, text: &[u8], usage: &mut UsageReader, draft: &mut Draft) {
        if self.has_usage {
            usage.body(text);
            draft.reported = usage.usage();
            draft.served = usage.served();
        }
    }

    /// Why it ended, in one word; nothing while it has not.
    pub fn finish_reason(&self) -> Option<String> {
        let status = self.status.as_deref()?;
        match status {
            "incomplete" => Some(self.reason.as_deref().unwrap_or("incomplete").to_owned()),
            "queued" | "in_progress" => None,
            other => Some(other.to_owned()),
        }
    }

    /// The failure that its status or its error stands for.
    pub fn failure(&self) -> Option<Failure> {
        let described = self.error.and_then(error_in);
        match self.status.as_deref() {
            Some("failed") => {
                Some(described.unwrap_or_else(|| Failure::new(OutcomeKind::ServerError, "the response failed")))
            }
            Some("cancelled") => {
                Some(described.unwrap_or_else(|| Failure::new(OutcomeKind::ServerError, "the response was cancelled")))
            }
            _ => described,
        }
    }
}

fn take_item(item: &Item<'_>, draft: &mut Draft) {
    match item.kind.as_ref() {
        "message" => {
            for piece in &item.content {
                let sum = if piece.is_refusal { &mut draft.refusal } else { &mut draft.text };
                sum.push_str(&piece.text);
            }
        }
        "reasoning" => draft.thinking.push_str(&item.thinking()),
        _ if item.is_call() => draft.tool_calls.push(ToolCallAnswer {
            id: item.call_id.as_deref().or(item.id.as_deref()).unwrap_or_default().to_owned(),
            name: item.name.as_deref().unwrap_or_default().to_owned(),
            arguments: item.arguments.as_deref().unwrap_or_default().to_owned(),
        }),
        kind => draft.other(kind),
    }
}

/// Reads a plain body.
pub(in crate::wire) fn read_body(body: &[u8]) -> Result<Found, JsonError> {
    let mut reader = Reader::new(body);
    if reader.peek()? != Kind::Object {
        return Ok(bare_error_in(body).map_or(Found::Nothing("the body is JSON, but no object"), Found::Error));
    }
    let response = Response::read(&mut reader)?;
    reader.finish()?;
    if let Some(failure) = response.failure() {
        return Ok(Found::Error(failure));
    }
    let Some(items) = &response.output else {
        return Ok(bare_error_in(body).map_or(Found::Nothing("the answer has no output"), Found::Error));
    };
    let mut draft = Draft::default();
    for item in items {
        take_item(item, &mut draft);
    }
    response.report(body, &mut UsageReader::new(&OPENAI_RESPONSES), &mut draft);
    draft.finish_reason = response.finish_reason();
    draft.model = response.model.map(Cow::into_owned);
    Ok(Found::Answer(draft))
}
