//! The wire: request bytes in, one normal form of a request out; upstream bytes out; answer and stream bytes in.
//!
//! Request side. Promises: a body is read in one pass into one normal form, whatever its dialect ([`parse_request`]);
//! an upstream body in the same dialect is spliced, so that every field that we do not own goes on unchanged; one in
//! another dialect says everything that it left out or changed ([`write_body`]). Reasoning blocks are never forged.
//!
//! Answer side. Promises: every answer, error and stream of a provider ends in one outcome with its usage in disjoint
//! classes; a stream that ends without its terminal event is truncated, whatever it held; output is the same for every
//! split of the bytes ([`parse_answer`], [`classify_response`], [`StreamReader`]).
//!
//! Client side. Promises: an answer of any dialect as a body of any other, a stream as a stream of any other, a failure as the
//! error of any other; no terminal marker for what did not end ([`render_answer`], [`StreamTranslator`], [`render_error`]).
//!
//! Refuses: what is not a chat request, a key that stands twice where we read it, and to write what the other dialect
//! cannot say when leaving it out would change the meaning.
//!
//! A test breaks it with a body that panics, an unknown field that the splice alters, or a conversation whose normal
//! form changes by going to the other dialect and back.

mod answer;
mod billing;
mod error;
mod read;
mod render;
mod request;
mod target;
mod write;

pub use answer::limits::limits_left;
pub use answer::recorded::read_usage;
pub use answer::sse::{MAX_EVENT_BYTES, SseItem, SseParser};
pub use answer::status::{Failure, classify_response};
pub use answer::stream::{StreamEnd, StreamEvent, StreamReader};
pub use answer::whole::{Answer, ToolCallAnswer, parse_answer};
pub use billing::{Billing, CacheMark, CacheTtl, PrefixEnd};
pub use error::{CODES, WireError};
pub use read::detect::detect;
pub use read::parse::{parse_request, prompt_body};
pub use render::envelope::Envelope;
pub use render::error::{ErrorAnswer, render_error};
pub use render::translator::StreamTranslator;
pub use render::whole::render_answer;
pub use request::{
    Dialect, Document, Image, ImageSource, Part, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice, Turn,
};
pub use target::{Target, ThinkingSetting};
pub use write::body::{Body, refusal, write_body};
