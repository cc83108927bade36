//! Reasoning that no provider of a dialect made: it came from a translated answer, cannot be signed, and is left out when it
//! comes back, as the provider would refuse the whole request for it.

use super::body::Notes;
use crate::json::{JsonError, Kind, Reader, Value};
use crate::wire::read::members::{Splice, members};
use crate::wire::read::typed::Read;
use crate::wire::render::openai_responses::FOREIGN_REASONING;
use crate::wire::{Part, Request};

const NOTE: &str = "thinking: reasoning of another provider's model was left out, as it cannot be signed";

fn thinking<'r>(request: &'r Request<'_>) -> impl Iterator<Item = &'r [u8]> {
    let parts = request.turns.iter().flat_map(|turn| &turn.parts);
    parts.filter_map(|part| if let Part::Thinking { raw, .. } = part { Some(*raw) } else { None })
}

/// Whether a block is Anthropic thinking without a signature.
fn is_unsigned(block: &[u8]) -> bool {
    let Ok(block) = Value::parse(block) else { return false };
    block.get("type").and_then(Value::as_str) == Some("thinking")
        && block.get("signature").and_then(Value::as_str).is_none_or(str::is_empty)
}

/// Whether an item is reasoning that we made.
fn is_foreign(item: &[u8]) -> bool {
    let Ok(item) = Value::parse(item) else { return false };
    item.get("type").and_then(Value::as_str) == Some("reasoning")
        && item.get("id").and_then(Value::as_str).is_some_and(|id| id.starts_with(FOREIGN_REASONING))
}

/// The elements of an array but those that are left out, and whether any is left.
fn without(array: &[u8], is_out: impl Fn(&[u8]) -> bool) -> Read<(Vec<u8>, bool)> {
    let mut out = vec![b'['];
    Reader::new(array).array(|reader| {
        let span = reader.skip()?;
        let element = reader.slice(span);
        if !is_out(element) {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(element);
        }
        Ok::<(), JsonError>(())
    })?;
    let is_left = out.len() > 1;
    out.push(b']');
    Ok((out, is_left))
}

/// `messages` of an Anthropic body without thinking that is not signed; nothing when all of it is.
pub(in crate::wire) fn messages(request: &Request<'_>, value: &[u8], notes: &mut Notes) -> Read<Option<Vec<u8>>> {
    if !thinking(request).any(is_unsigned) {
        return Ok(None);
    }
    notes.say(NOTE);
    let mut out = vec![b'['];
    let mut add = |message: &[u8]| {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(message);
    };
    Reader::new(value).array(|reader| {
        let span = reader.skip()?;
        let message = reader.slice(span);
        let parts = members(message)?;
        let content = parts.iter().find(|member| member.key == "content");
        let Some(content) = content.filter(|content| Reader::new(content.value).peek() == Ok(Kind::Array)) else {
            add(message);
            return Read::Ok(());
        };
        let (blocks, is_left) = without(content.value, is_unsigned)?;
        // A turn of nothing else is left out with it.
        if is_left || content.value.trim_ascii() == b"[]" {
            let mut splice = Splice::new(message.len());
            for member in &parts {
                if member.key == "content" {
                    splice.put("content", &blocks);
                } else {
                    splice.keep(member);
                }
            }
            add(&splice.end());
        }
        Ok(())
    })?;
    out.push(b']');
    Ok(Some(out))
}

/// `input` of a Responses body without reasoning that we made; nothing when there is none.
pub(in crate::wire) fn input(request: &Request<'_>, value: &[u8], notes: &mut Notes) -> Read<Option<Vec<u8>>> {
    if !thinking(request).any(is_foreign) || Reader::new(value).peek() != Ok(Kind::Array) {
        return Ok(None);
    }
    notes.say(NOTE);
    Ok(Some(without(value, is_foreign)?.0))
}
