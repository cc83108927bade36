//! From the normal form to an upstream body.

use std::borrow::Cow;

use super::splice;
use super::translate_to_anthropic;
use super::translate_to_openai;
use crate::wire::read::typed::Read;
use crate::wire::{Dialect, Part, Request, Role, Target, ToolChoice, WireError};

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
pub(in crate::wire) struct Notes(Vec<Cow<'static, str>>);

impl Notes {
    /// Says it, once.
    pub(in crate::wire) fn say(&mut self, note: impl Into<Cow<'static, str>>) {
        let note = note.into();
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    /// Says that a field has no counterpart.
    pub(in crate::wire) fn no_counterpart(&mut self, key: &str, dialect: Dialect) {
        let key: String = key.chars().take(40).collect();
        self.say(format!("`{key}`: {} has no such field", dialect.name()));
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
    let mut notes = Notes::default();
    let bytes = match (request.dialect, target.dialect) {
        (Dialect::OpenAiChat, Dialect::OpenAiChat) => splice::openai(request, target, &mut notes),
        (Dialect::AnthropicMessages, Dialect::AnthropicMessages) => splice::anthropic(request, target, &mut notes),
        (Dialect::OpenAiChat, Dialect::AnthropicMessages) => translate_to_anthropic::write(request, target, &mut notes),
        (Dialect::AnthropicMessages, Dialect::OpenAiChat) => translate_to_openai::write(request, target, &mut notes),
    }?;
    Ok(Body { bytes, dropped: notes.0.into_iter().map(Cow::into_owned).collect() })
}

fn check_tool_choice(request: &Request<'_>, target: &Target<'_>) -> Read<()> {
    if target.accepts_forced_tool_choice || !matches!(request.tool_choice, ToolChoice::Any | ToolChoice::Named(_)) {
        return Ok(());
    }
    Err(WireError::new("forced_tool_choice_refused", "the model does not take a forced tool choice", 0)
        .hint("choose a model that does, or let the model decide (`auto`)"))
}

fn check_prefill(request: &Request<'_>, target: &Target<'_>) -> Read<()> {
    let is_prefill = request
        .turns
        .last()
        .is_some_and(|turn| turn.role == Role::Assistant && matches!(turn.parts.last(), Some(Part::Text(_))));
    let is_taken = match (request.dialect, target.dialect) {
        (_, Dialect::AnthropicMessages) => target.accepts_prefill,
        (Dialect::AnthropicMessages, Dialect::OpenAiChat) => false,
        (Dialect::OpenAiChat, Dialect::OpenAiChat) => true,
    };
    if is_taken || !is_prefill {
        return Ok(());
    }
    Err(WireError::new("prefill_refused", "the model does not go on from a last turn of the assistant", 0)
        .hint("end the conversation with a user turn, or ask for a response format"))
}
