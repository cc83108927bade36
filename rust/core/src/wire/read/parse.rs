//! From bytes to the normal form.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::anthropic_messages;
use super::detect::detect;
use super::openai_chat;
use super::openai_responses;
use super::typed::Read;
use crate::json::{Kind, ObjectWriter, Reader};
use crate::wire::{Dialect, Request, Role, WireError};

/// Reads a request. Without a dialect the body itself says which it is; what fits both is `OpenAI` Chat.
///
/// One pass, borrowing: linear in the bytes, one allocation for each string with escapes. Finding the dialect costs a
/// second, cheaper pass.
///
/// # Errors
/// When the body is not JSON, or not a request: see [`crate::wire::CODES`].
pub fn parse_request(body: &[u8], dialect: Option<Dialect>) -> Result<Request<'_>, WireError> {
    match dialect.unwrap_or_else(|| detect(body)) {
        Dialect::OpenAiChat => openai_chat::parse(body),
        Dialect::AnthropicMessages => anthropic_messages::parse(body),
        Dialect::OpenAiResponses => openai_responses::parse(body),
    }
}

/// The `OpenAI` Chat body of a plain prompt.
pub fn prompt_body(prompt: &str) -> String {
    let mut out = String::with_capacity(prompt.len() + 64);
    let mut body = ObjectWriter::new(&mut out);
    body.array("messages", |messages| {
        messages.object(|message| {
            message.string("role", "user").string("content", prompt);
        });
    });
    body.end();
    out
}

/// Visits the members of the body; refuses a body without messages, and what [`each_member`] refuses.
pub(in crate::wire) fn top_level<'a>(
    body: &'a [u8],
    mut visit: impl FnMut(&mut Reader<'a>, &str) -> Read<()>,
    mut message: impl FnMut(&mut Reader<'a>) -> Read<()>,
) -> Read<()> {
    let mut count = None;
    each_member(body, |reader, key| {
        if key == "messages" {
            count = Some(messages(reader, "messages", &mut message)?);
            return Ok(());
        }
        visit(reader, key)
    })?;
    match count {
        None => Err(WireError::new("messages_missing", "the body has no `messages`", 0)
            .hint("a chat request holds its conversation in `messages`")),
        Some(0) => Err(WireError::new("messages_empty", "`messages` is empty", 0)),
        Some(_) => Ok(()),
    }
}

/// Visits the members of the body; refuses a key that stands twice, and text behind the body.
pub(in crate::wire) fn each_member<'a>(
    body: &'a [u8],
    mut visit: impl FnMut(&mut Reader<'a>, &str) -> Read<()>,
) -> Read<()> {
    let mut reader = Reader::new(body);
    let found = reader.peek()?;
    if found != Kind::Object {
        // What is not JSON at all is said to be that, whatever it begins like.
        let mut whole = reader.clone();
        whole.skip()?;
        whole.finish()?;
        let message = format!("the body must be a JSON object, found {}", found.name());
        return Err(WireError::new("not_an_object", message, reader.offset()));
    }
    let mut seen: BTreeSet<Cow<'a, str>> = BTreeSet::new();
    reader.object(|reader, key| {
        if seen.contains(&key) {
            return Err(WireError::duplicate(&key, reader.offset()));
        }
        visit(reader, &key)?;
        seen.insert(key);
        Ok(())
    })?;
    reader.finish()?;
    Ok(())
}

/// Visits the messages of a list, and counts them.
pub(in crate::wire) fn messages<'a>(
    reader: &mut Reader<'a>,
    field: &str,
    message: &mut impl FnMut(&mut Reader<'a>) -> Read<()>,
) -> Read<usize> {
    let found = reader.peek()?;
    if found != Kind::Array {
        return Err(WireError::wrong_type(field, Kind::Array.name(), found, reader.offset()));
    }
    let mut count = 0_usize;
    reader.array(|reader| {
        count += 1;
        let found = reader.peek()?;
        if found != Kind::Object {
            return Err(WireError::wrong_type(&format!("{field}[]"), Kind::Object.name(), found, reader.offset()));
        }
        message(reader)
    })?;
    Ok(count)
}

/// The error for a message without a role.
pub(in crate::wire) fn no_role(offset: usize) -> WireError {
    WireError::new("missing_field", "a message has no `role`", offset)
}

/// The turn that a role speaks in, of the two that every dialect has.
pub(in crate::wire) fn plain_role(role: &str) -> Option<Role> {
    match role {
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        _ => None,
    }
}
