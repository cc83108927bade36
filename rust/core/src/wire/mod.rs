//! The wire: request bytes in, one normal form of a request out; upstream bytes out; answer and stream bytes in.

mod answer;
mod answer_anthropic_messages;
mod answer_openai_chat;
mod answer_usage;
mod error_body;
mod redact;
mod request;
mod retry_after;
mod sse;
mod status;
mod stream;

pub use answer::{Answer, ToolCallAnswer, parse_answer};
pub use answer_usage::UsageProblem;
pub use request::{
    Dialect, Document, Image, ImageSource, Part, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice, Turn,
};
pub use sse::{MAX_EVENT_BYTES, SseItem, SseParser};
pub use status::{Failure, classify_response};
pub use stream::{StreamEnd, StreamEvent, StreamReader};
