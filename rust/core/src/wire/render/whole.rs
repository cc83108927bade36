//! A whole answer in a client's own dialect.

use super::envelope::Envelope;
use super::finish::Reason;
use super::{anthropic_messages, openai_chat, openai_responses};
use crate::wire::answer::whole::Draft;
use crate::wire::{Answer, Body, Dialect};

/// An answer as a body of a dialect, whatever dialect it came in; what cannot be said there is named in `dropped`.
///
/// For answers ([`crate::outcome::OutcomeKind::is_answer`]); what failed is written by [`crate::wire::render_error`].
/// Linear in the answer.
pub fn render_answer(answer: &Answer, dialect: Dialect, envelope: &Envelope) -> Body {
    let draft = Draft::of_answer(answer);
    let word = draft.finish_reason.as_deref().unwrap_or_default();
    let reason = Reason::of(word, !draft.tool_calls.is_empty(), !draft.refusal.is_empty());
    let text = match dialect {
        Dialect::OpenAiChat => openai_chat::whole(&draft, envelope, reason),
        Dialect::AnthropicMessages => anthropic_messages::whole(&draft, envelope, reason),
        Dialect::OpenAiResponses => openai_responses::whole(&draft, envelope, reason),
    };
    Body { bytes: text.into_bytes(), dropped: dropped(&draft) }
}

/// What an answer held that no other dialect is told.
pub(in crate::wire) fn dropped(draft: &Draft) -> Vec<String> {
    draft.others.iter().map(|kind| format!("`{kind}` of the answer: left out in translation")).collect()
}
