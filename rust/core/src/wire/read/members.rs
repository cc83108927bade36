//! The members of a JSON object with their bytes, for rewriting some and forwarding the rest untouched.

use std::borrow::Cow;

use super::typed::{Read, text};
use crate::json::{JsonError, Kind, Reader, Span, Value, write_string};

/// One member of an object.
#[derive(Debug, Clone)]
pub(in crate::wire) struct Member<'a> {
    /// Its key, unescaped.
    pub key: Cow<'a, str>,
    /// Key, colon and value as they were written.
    pub bytes: &'a [u8],
    /// The value as it was written.
    pub value: &'a [u8],
    /// Where the value begins.
    pub offset: usize,
}

impl Member<'_> {
    /// Whether the value is `null`, which every API reads as absent.
    pub(in crate::wire) fn is_null(&self) -> bool {
        self.value == b"null"
    }

    /// The member of that key inside the value, when it is an object.
    pub(in crate::wire) fn value_at(&self, key: &str) -> Option<Value<'_>> {
        let found = members(self.value).ok()?.into_iter().find(|member| member.key == key)?;
        Value::parse(found.value).ok()
    }

    /// The value as text.
    pub(in crate::wire) fn text(&self) -> Cow<'_, str> {
        text(self.value)
    }
}

/// The members of an object in the order of the text; none when the bytes are another kind of value.
pub(in crate::wire) fn members(object: &[u8]) -> Read<Vec<Member<'_>>> {
    let mut reader = Reader::new(object);
    let mut found = Vec::new();
    if reader.peek()? != Kind::Object {
        return Ok(found);
    }
    let mut from = reader.offset().saturating_add(1);
    reader.object(|reader, key| {
        let value = reader.skip()?;
        // Between the last value and this one stand white space, perhaps a comma, then the key.
        let before = reader.slice(Span { start: from, end: value.end });
        let quote = memchr::memchr(b'"', before).unwrap_or(0);
        found.push(Member {
            key,
            bytes: before.get(quote..).unwrap_or_default(),
            value: reader.slice(value),
            offset: value.start,
        });
        from = value.end;
        Ok::<(), JsonError>(())
    })?;
    Ok(found)
}

/// Writes an object out of kept bytes and new members.
#[derive(Debug)]
pub(in crate::wire) struct Splice {
    out: Vec<u8>,
}

impl Splice {
    /// Opens the object.
    pub(in crate::wire) fn new(capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.push(b'{');
        Self { out }
    }

    fn separate(&mut self) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
    }

    /// Forwards a member as it was written.
    pub(in crate::wire) fn keep(&mut self, member: &Member<'_>) {
        self.separate();
        self.out.extend_from_slice(member.bytes);
    }

    /// Writes a member whose value is JSON already.
    pub(in crate::wire) fn put(&mut self, key: &str, value: impl AsRef<[u8]>) {
        self.separate();
        self.out.extend_from_slice(quoted(key).as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(value.as_ref());
    }

    /// Closes the object.
    pub(in crate::wire) fn end(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

/// A JSON string.
pub(in crate::wire) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}

/// An object with one member set (or taken out), the others as they were written; nothing when none is left.
pub(in crate::wire) fn with_member(object: &[u8], key: &str, value: Option<&str>) -> Read<Option<Vec<u8>>> {
    let mut splice = Splice::new(object.len() + 32);
    let mut is_empty = value.is_none();
    for member in members(object)? {
        if member.key != key {
            splice.keep(&member);
            is_empty = false;
        }
    }
    if let Some(value) = value {
        splice.put(key, value);
    }
    Ok((!is_empty).then(|| splice.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_bytes() {
        let found = members(b" { \"a\" : [1, 2 ] ,\"b\\u0020\":null}").unwrap();
        assert_eq!(found[0].bytes, b"\"a\" : [1, 2 ]");
        assert_eq!((found[1].key.as_ref(), found[1].bytes), ("b ", b"\"b\\u0020\":null".as_slice()));
        assert!(found[1].is_null());
        assert_eq!(members(b"[]").unwrap().len(), 0);
    }

    #[test]
    fn one_member_is_exchanged() {
        assert_eq!(with_member(b"{\"a\":1, \"b\": 2}", "a", Some("3")).unwrap().unwrap(), b"{\"b\": 2,\"a\":3}");
        assert_eq!(with_member(b"{\"a\":1}", "a", None).unwrap(), None);
    }
}
