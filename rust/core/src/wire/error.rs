//! Why a request could not be read or written: a stable code, a message, an offset, a hint.

use std::borrow::Cow;
use std::fmt;

use crate::json::{JsonError, Kind};

/// Every code that a [`WireError`] can carry; the first block comes from reading, the second from writing.
pub const CODES: &[&str] = &[
    "json_syntax",
    "not_an_object",
    "duplicate_key",
    "wrong_type",
    "missing_field",
    "messages_missing",
    "messages_empty",
    "unknown_role",
    "choices_untranslatable",
    "tool_untranslatable",
    "block_untranslatable",
    "image_untranslatable",
    "document_untranslatable",
    "stop_untranslatable",
    "region_untranslatable",
    "tool_call_id_missing",
    "forced_tool_choice_refused",
    "prefill_refused",
    "state_untranslatable",
];

/// A request that is not what its dialect says, or that another dialect cannot say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// One of [`CODES`].
    pub code: &'static str,
    /// Lower-case, no full stop, no text of the prompt.
    pub message: Cow<'static, str>,
    /// Byte offset into the request, 0 when no one place is to blame.
    pub offset: usize,
    /// What to do about it, empty when there is nothing to say.
    pub hint: &'static str,
}

impl WireError {
    /// An error without a hint.
    pub(super) fn new(code: &'static str, message: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        Self { code, message: message.into(), offset, hint: "" }
    }

    /// The same error with a hint.
    pub(in crate::wire) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// A field that holds another kind of value than its dialect says.
    pub(super) fn wrong_type(field: &str, expected: &str, found: Kind, offset: usize) -> Self {
        Self::new("wrong_type", format!("`{field}` must be {expected}, found {}", found.name()), offset)
    }

    /// A key that stands twice in one object.
    pub(super) fn duplicate(key: &str, offset: usize) -> Self {
        // Keys are the client's text: a long one says nothing more than its beginning.
        let key: String = key.chars().take(40).collect();
        Self::new("duplicate_key", format!("`{key}` stands twice in one object"), offset)
            .hint("readers disagree on which one counts: send the key once")
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.offset)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

impl std::error::Error for WireError {}

impl From<JsonError> for WireError {
    fn from(error: JsonError) -> Self {
        Self::new("json_syntax", error.message, error.offset)
    }
}
