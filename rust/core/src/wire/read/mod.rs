//! From request bytes to the normal form.

pub(super) mod anthropic_messages;
pub(super) mod anthropic_turns;
pub(super) mod detect;
pub(super) mod members;
pub(super) mod openai_chat;
pub(super) mod openai_responses;
pub(super) mod openai_turns;
pub(super) mod parse;
pub(super) mod responses_items;
pub(super) mod typed;
