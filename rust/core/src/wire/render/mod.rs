//! Answers in a client's own dialect: whole, streamed and failed.

pub(super) mod anthropic_messages;
pub(super) mod envelope;
pub(super) mod error;
pub(super) mod finish;
pub(super) mod openai_chat;
pub(super) mod openai_responses;
pub(super) mod translator;
pub(super) mod usage;
pub(super) mod whole;
