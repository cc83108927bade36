//! From the normal form to an upstream body.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::splice;
use super::translate_to_anthropic;
use super::translate_to_openai;
use super::translate_to_responses;
use crate::wire::read::typed::Read;
use crate::wire::{Dialect, Part, Request, Target, ToolChoice, WireError};

/// An upstream body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The bytes to send.
    pub bytes: Vec<u8>,
    /// What was left out or changed on the way, in words, the field first; empty when nothing was.
    pub dropped: Vec<String>,
}

/// What is said about a body while it is written; nothing twice.
#[derive(Debug, Default)]
pub(in crate::wire) struct Notes {
    said: BTreeSet<Cow<'static, str>>,
    order: Vec<Cow<'static, str>>,
    unsaid: usize,
}

/// How many notes a body carries; a hostile request must not make them many.
const MAX_NOTES: usize = 64;

impl Notes {
    /// Says it, once.
    pub(in crate::wire) fn say(&mut self, note: impl Into<Cow<'static, str>>) {
        let note = note.into();
        if self.said.len() >= MAX_NOTES {
            self.unsaid += 1;
        } else if self.said.insert(note.clone()) {
            self.order.push(note);
        }
    }

    fn into_dropped(self) -> Vec<String> {
        let more = (self.unsaid > 0).then(|| format!("and {} more", self.unsaid));
        self.order.into_iter().map(Cow::into_owned).chain(more).collect()
    }

    /// Says that a field has no counterpart.
    pub(in crate::wire) fn no_counterpart(&mut self, key: &str, dialect: Dialect) {
        let key: String = key.chars().take(40).collect();
        self.say(format!("`{key}`: {} has no such field", dialect.name()));
    }

    /// Says that the upstream refuses a field.
    pub(in crate::wire) fn refused(&mut self, key: &str) {
        let key: String = key.chars().take(40).collect();
        self.say(format!("`{key}`: the upstream does not take it"));
    }

    /// Says that a sampling parameter is not taken.
    pub(in crate::wire) fn no_sampling(&mut self, key: &str) {
        self.say(format!("`{key}`: the model does not take sampling parameters"));
    }

    /// Says that a sampling parameter gives way to thinking.
    pub(in crate::wire) fn no_sampling_with_thinking(&mut self, key: &str) {
        self.say(format!("`{key}`: the model takes no sampling parameters while it thinks"));
    }
}

/// Writes the body for an upstream.
///
/// In the request's own dialect the bytes are spliced: model, stream, the bound on the answer, thinking and refused
/// sampling parameters are rewritten, every other field goes on as it was written. In the other dialect the body is
/// translated. Cost: linear in the bytes.
///
/// # Errors
/// When the upstream cannot say something whose loss would change the meaning: see [`crate::wire::CODES`].
pub fn write_body(request: &Request<'_>, target: &Target<'_>) -> Result<Body, WireError> {
    check_tool_choice(request, target)?;
    check_prefill(request, target)?;
    check_state(request, target)?;
    let mut notes = Notes::default();
    let is_same = request.dialect == target.dialect;
    let bytes = match target.dialect {
        Dialect::OpenAiChat if is_same => splice::openai(request, target, &mut notes),
        Dialect::AnthropicMessages if is_same => splice::anthropic(request, target, &mut notes),
        Dialect::OpenAiResponses if is_same => splice::responses(request, target, &mut notes),
        Dialect::OpenAiChat => translate_to_openai::write(request, target, &mut notes),
        Dialect::AnthropicMessages => translate_to_anthropic::write(request, target, &mut notes),
        Dialect::OpenAiResponses => translate_to_responses::write(request, target, &mut notes),
    }?;
    Ok(Body { bytes, dropped: notes.into_dropped() })
}

/// Why [`write_body`] would refuse, if it would. A translation is tried only where the request holds something that one
/// may refuse: text and calls of functions always cross.
///
/// Cost: constant for most requests, that of [`write_body`] for the others.
pub fn refusal(request: &Request<'_>, target: &Target<'_>) -> Option<WireError> {
    let cheap = check_tool_choice(request, target)
        .and_then(|()| check_prefill(request, target))
        .and_then(|()| check_state(request, target));
    if cheap.is_err() || request.dialect == target.dialect || !may_be_refused(request) {
        return cheap.err();
    }
    write_body(request, target).err()
}

fn may_be_refused(request: &Request<'_>) -> bool {
    let is_special = |part: &Part<'_>| match part {
        Part::Image(_) | Part::Document(_) | Part::Other { .. } => true,
        Part::ToolCall { id, .. } => id.is_empty(),
        Part::ToolResult { id, images, .. } => id.is_empty() || !images.is_empty(),
        Part::Text(_) | Part::Thinking { .. } => false,
    };
    request.has_special_fields
        || says_nothing(request)
        || request.choices > 1
        || request.tools.iter().any(|tool| !tool.is_function || tool.name.is_empty())
        || request.turns.iter().flat_map(|turn| &turn.parts).any(is_special)
}

/// Whether no message holds anything: another dialect has no words for such a conversation.
pub(super) fn says_nothing(request: &Request<'_>) -> bool {
    request.system.is_empty() && request.turns.iter().all(|turn| turn.parts.is_empty())
}

fn check_tool_choice(request: &Request<'_>, target: &Target<'_>) -> Read<()> {
    if target.accepts_forced_tool_choice || !matches!(request.tool_choice, ToolChoice::Any | ToolChoice::Named(_)) {
        return Ok(());
    }
    Err(WireError::new("forced_tool_choice_refused", "the model does not take a forced tool choice", 0)
        .hint("choose a model that does, or let the model decide (`auto`)"))
}

/// What its provider keeps cannot be said to another one; which of several of the dialect keeps it is the caller's to know.
fn check_state(request: &Request<'_>, target: &Target<'_>) -> Read<()> {
    if !request.is_stateful || request.dialect == target.dialect {
        return Ok(());
    }
    let message = format!("the request leans on what its provider keeps, which {} cannot reach", target.dialect.name());
    Err(WireError::new("state_untranslatable", message, 0)
        .hint("send the conversation itself in `input` instead of `previous_response_id`, `conversation` or `prompt`"))
}

fn check_prefill(request: &Request<'_>, target: &Target<'_>) -> Read<()> {
    let is_taken = match (request.dialect, target.dialect) {
        (_, Dialect::AnthropicMessages) => target.accepts_prefill,
        (Dialect::AnthropicMessages, _) => false,
        (_, Dialect::OpenAiChat | Dialect::OpenAiResponses) => true,
    };
    if is_taken || !request.is_prefill() {
        return Ok(());
    }
    Err(WireError::new("prefill_refused", "the model does not go on from a last turn of the assistant", 0)
        .hint("end the conversation with a user turn, or ask for a response format"))
}
