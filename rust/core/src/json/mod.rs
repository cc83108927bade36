//! JSON straight from bytes: a pull reader with byte spans, a small tree, and a canonical writer.
//!
//! Promises: one pass, no allocation for a string without escapes, every value's byte span (so that a body can be
//! rewritten by splicing), numbers kept as their text, depth bounded by [`MAX_DEPTH`], and never a panic on any bytes.
//! A lone surrogate escape or an invalid UTF-8 sequence inside a string becomes U+FFFD, deterministically.
//!
//! Refuses: anything that RFC 8259 refuses (trailing commas, comments, bare control characters, leading zeros), trailing
//! text, depth beyond the bound; the tree also refuses duplicate keys.
//!
//! A test breaks it with a text on which it disagrees with `serde_json`, or with bytes that make it panic.

mod reader;
mod value;
mod writer;

pub use reader::{JsonError, Kind, MAX_DEPTH, Number, Reader, Span};
pub use value::Value;
pub use writer::{ArrayWriter, ObjectWriter, write_string};
