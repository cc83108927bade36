//! From answer and stream bytes to one outcome, with its usage.

pub(super) mod anthropic_messages;
pub(super) mod error_body;
pub(super) mod limits;
pub(super) mod openai_chat;
pub(super) mod openai_responses;
pub(super) mod recorded;
pub(super) mod redact;
pub(super) mod responses_stream;
pub(super) mod retry_after;
pub(super) mod sse;
pub(super) mod status;
pub(super) mod stream;
pub(super) mod whole;
