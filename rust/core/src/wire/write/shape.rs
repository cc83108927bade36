//! Which nested fields a translation reads: what is outside of them is said to be left out.

use super::body::Notes;
use crate::json::{Kind, Reader};
use crate::wire::read::typed::Read;

/// The keys that a translation reads in an object, and what it reads inside them.
pub(in crate::wire) struct Shape(&'static [(&'static str, Option<&'static Shape>)]);

/// `messages` of an `OpenAI` body.
pub(in crate::wire) const OPENAI_MESSAGES: Shape = Shape(&[
    ("role", None),
    ("content", Some(&OPENAI_PARTS)),
    ("tool_calls", Some(&OPENAI_CALLS)),
    ("function_call", None),
    ("tool_call_id", None),
    ("refusal", None),
    // Said as thinking.
    ("reasoning_content", None),
    ("reasoning", None),
    ("reasoning_details", None),
]);

const OPENAI_PARTS: Shape = Shape(&[
    ("type", None),
    ("text", None),
    ("refusal", None),
    ("thinking", None),
    ("image_url", Some(&Shape(&[("url", None), ("detail", None)]))),
    ("file", Some(&Shape(&[("file_data", None), ("filename", None)]))),
]);

const OPENAI_CALLS: Shape = Shape(&[("id", None), ("index", None), ("type", None), ("function", None)]);

/// `tools` of an `OpenAI` body; `functions` are their inner part.
pub(in crate::wire) const OPENAI_TOOLS: Shape = Shape(&[
    ("type", None),
    ("function", Some(&OPENAI_FUNCTIONS)),
    ("name", None),
    ("description", None),
    ("parameters", None),
    ("strict", None),
]);

/// `functions` of an `OpenAI` body.
pub(in crate::wire) const OPENAI_FUNCTIONS: Shape =
    Shape(&[("name", None), ("description", None), ("parameters", None), ("strict", None)]);

/// `input` of a Responses body.
pub(in crate::wire) const RESPONSES_ITEMS: Shape = Shape(&[
    ("type", None),
    ("role", None),
    ("content", Some(&RESPONSES_PARTS)),
    // What the answer said of itself.
    ("id", None),
    ("status", None),
    ("call_id", None),
    ("name", None),
    ("arguments", None),
    ("output", Some(&RESPONSES_PARTS)),
    // Said as thinking.
    ("summary", None),
    ("encrypted_content", None),
]);

const RESPONSES_PARTS: Shape = Shape(&[
    ("type", None),
    ("text", None),
    ("refusal", None),
    ("image_url", None),
    ("detail", None),
    ("file_data", None),
    ("file_url", None),
    ("file_id", None),
    ("filename", None),
    // What the answer said of itself.
    ("annotations", None),
    ("logprobs", None),
]);

/// `tools` of a Responses body.
pub(in crate::wire) const RESPONSES_TOOLS: Shape =
    Shape(&[("type", None), ("name", None), ("description", None), ("parameters", None), ("strict", None)]);

/// `messages` of an Anthropic body.
pub(in crate::wire) const ANTHROPIC_MESSAGES: Shape = Shape(&[("role", None), ("content", Some(&ANTHROPIC_BLOCKS))]);

/// Content blocks of an Anthropic body, those of `system` too.
pub(in crate::wire) const ANTHROPIC_BLOCKS: Shape = Shape(&[
    ("type", None),
    ("text", None),
    ("thinking", None),
    ("signature", None),
    ("data", None),
    ("id", None),
    ("name", None),
    ("input", None),
    ("tool_use_id", None),
    ("is_error", None),
    ("source", None),
    ("title", None),
    ("content", None),
]);

/// `tools` of an Anthropic body.
pub(in crate::wire) const ANTHROPIC_TOOLS: Shape =
    Shape(&[("type", None), ("name", None), ("description", None), ("input_schema", None), ("strict", None)]);

/// Says which fields inside `value` lie outside its shape.
pub(in crate::wire) fn note_unread(value: &[u8], path: &str, shape: &Shape, notes: &mut Notes) -> Read<()> {
    walk(&mut Reader::new(value), path, shape, notes)
}

fn walk(reader: &mut Reader<'_>, path: &str, shape: &Shape, notes: &mut Notes) -> Read<()> {
    match reader.peek()? {
        Kind::Array => reader.array(|reader| walk_object(reader, path, true, shape, notes)),
        _ => walk_object(reader, path, false, shape, notes),
    }
}

fn walk_object(reader: &mut Reader<'_>, path: &str, is_element: bool, shape: &Shape, notes: &mut Notes) -> Read<()> {
    if reader.peek()? != Kind::Object {
        reader.skip()?;
        return Ok(());
    }
    let element = if is_element { "[]" } else { "" };
    reader.object(|reader, key| {
        match shape.0.iter().find(|(known, _)| *known == key) {
            Some((_, Some(inner))) => walk(reader, &format!("{path}{element}.{key}"), inner, notes)?,
            Some((_, None)) => drop(reader.skip()?),
            None => {
                let is_null = reader.peek()? == Kind::Null;
                reader.skip()?;
                if !is_null {
                    let key: String = key.chars().take(40).collect();
                    notes.say(format!("`{path}{element}.{key}`: left out in translation"));
                }
            }
        }
        Ok(())
    })
}
