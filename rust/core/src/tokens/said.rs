//! What a body says and the normal form of a request does not keep: how many messages there were before neighbours of one role were
//! joined, who spoke by name, and which tools were brought back by reference.

use std::borrow::Cow;

use memchr::memmem::find_iter;

use crate::json::{JsonError, Kind, Reader};
use crate::wire::{Dialect, Request};

/// The messages of a body as they came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said<'a> {
    /// Messages of the user's or the model's.
    pub messages: u64,
    /// System texts among the messages.
    pub systems: u64,
    /// The names that messages are signed with.
    pub names: Vec<Cow<'a, str>>,
}

/// Reads the messages of a Chat or Anthropic body; none where the body is of another dialect.
pub(super) fn said<'a>(request: &Request<'a>) -> Option<Said<'a>> {
    if request.dialect == Dialect::OpenAiResponses {
        return None;
    }
    let mut said = Said::default();
    let mut reader = Reader::new(request.body);
    let read: Result<(), JsonError> = reader.object(|reader, key| {
        if key != "messages" {
            return reader.skip().map(drop);
        }
        reader.array(|reader| message(reader, &mut said))
    });
    // The body was read once already; should it not read now, the normal form's count stands.
    read.ok().filter(|()| said.messages > 0).map(|()| said)
}

fn message<'a>(reader: &mut Reader<'a>, said: &mut Said<'a>) -> Result<(), JsonError> {
    let (mut role, mut name) = (None, None);
    reader.object(|reader, key| {
        match key.as_ref() {
            "role" if reader.peek()? == Kind::String => role = Some(reader.string()?),
            "name" if reader.peek()? == Kind::String => name = Some(reader.string()?),
            _ => drop(reader.skip()?),
        }
        Ok::<(), JsonError>(())
    })?;
    match role.as_deref() {
        Some("system" | "developer") => said.systems += 1,
        // The name of a result's tool is not a speaker's.
        Some("tool" | "function") => return Ok(()),
        _ => said.messages += 1,
    }
    said.names.extend(name);
    Ok(())
}

/// The names of tools that results of a tool search refer to: those tools are in the prompt though they were deferred.
pub(super) fn referenced(body: &[u8]) -> impl Iterator<Item = &[u8]> + use<'_> {
    const FIELD: &[u8] = b"\"tool_name\"";
    find_iter(body, FIELD).filter_map(|at| {
        let rest = body.get(at + FIELD.len()..)?;
        let start = rest.iter().position(|byte| *byte == b'"')? + 1;
        // Names hold no escapes; one that did would not be found, and its tool not counted.
        let name = rest.get(start..)?;
        name.get(..name.iter().position(|byte| *byte == b'"')?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::parse_request;

    #[test]
    fn counts_messages_as_they_came() {
        let body = br#"{"model": "m", "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b",
            "name": "ann"}, {"content": [{"type": "text", "text": "c", "role": "tool"}], "role": "user"},
            {"role": "assistant", "content": "d"}, {"role": "tool", "tool_call_id": "1", "name": "t", "content": "e"}]}"#;
        let request = parse_request(body, Some(Dialect::OpenAiChat)).unwrap();
        assert_eq!(said(&request), Some(Said { messages: 3, systems: 1, names: vec!["ann".into()] }));
        let request = parse_request(br#"{"model": "m", "input": "hello"}"#, Some(Dialect::OpenAiResponses)).unwrap();
        assert_eq!(said(&request), None);
    }

    #[test]
    fn finds_the_tools_that_were_brought_back() {
        let body = br#"{"type": "tool_reference", "tool_name" : "alpha"}, {"tool_name":"beta", "tool_name": "#;
        assert_eq!(referenced(body).collect::<Vec<_>>(), [&b"alpha"[..], b"beta"]);
        assert_eq!(referenced(b"").count(), 0);
    }
}
