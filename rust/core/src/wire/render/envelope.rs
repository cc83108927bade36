//! What an answer is signed with, and how its frames are written.

use crate::wire::answer::whole::Draft;

/// What an answer carries that the core cannot know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Unique among answers: letters, digits, `_` and `-`. The dialect's own prefix comes before it.
    pub id: String,
    /// When the answer was made, in seconds since 1970.
    pub created_s: i64,
    /// The model's name as the client is to see it; the upstream's own when none is given.
    pub model: Option<String>,
    /// Whether a Chat stream ends with its usage (`stream_options.include_usage`).
    pub include_usage: bool,
}

impl Envelope {
    /// The model's name for the client.
    pub(in crate::wire) fn model<'e>(&'e self, draft: &'e Draft) -> &'e str {
        self.model.as_deref().or(draft.model.as_deref()).unwrap_or_default()
    }

    /// The id of a tool call, made where the upstream gave none.
    pub(in crate::wire) fn call_id(&self, given: &str, index: usize) -> String {
        if given.is_empty() { format!("call_{}_{index}", self.id) } else { given.to_owned() }
    }
}

/// Writes one event; `data` holds no line end.
pub(in crate::wire) fn frame(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    if !name.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

/// Writes a sign of life.
pub(in crate::wire) fn comment(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}
