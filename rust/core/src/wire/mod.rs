//! The wire: request bytes in, one normal form of a request out; upstream bytes out; answer and stream bytes in.

mod request;

pub use request::{
    Dialect, Document, Image, ImageSource, Part, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice, Turn,
};
