//! Tokens: exact with the vocabularies that are public, estimated with bounds for every other family.
//!
//! Promises: `low <= tokens <= high`; counts of `o200k_base` and `cl100k_base` equal to tiktoken's on every
//! text, those of both Claude vocabularies to ctok's; estimates in integer arithmetic, the same on every platform; a request
//! is scanned once and priced for any number of families; no panic and no quadratic time on any text.
//!
//! Refuses: nothing. A family that nobody knows gets the bounds of all known ones, marked [`Method::Unknown`]; what no
//! vocabulary tells (pictures, files, tools) is never called exact. It does not promise that `high` grows with the text: bounds
//! belong to the class of a text, and what is appended may show that a text is of a better known one.
//!
//! A test breaks it with a text on which the exact count differs from tiktoken's, or with a text of a kind that the fit saw whose
//! count lies outside of `low..=high` more often than once in a hundred.

mod bpe;
mod claude;
mod count;
mod cuts;
mod estimate;
mod estimator;
mod estimator_tree;
mod exact;
mod family;
mod frame;
mod frame_rows;
mod hosted;
mod image;
mod memo;
mod names;
mod parts;
mod picture;
mod precise;
mod pretokenize;
mod pretokenize_ascii;
mod request;
mod said;
mod schema;
mod unicode_ranges;
mod vocabulary;

pub use bpe::encode;
pub use claude::Edges;
pub use count::{Method, TokenCount};
pub use estimate::{count_text, estimate};
pub use estimator::TextFeatures;
pub use exact::{count_exact, count_exact_within, is_warm, warm};
pub use family::Family;
pub use frame::{Frame, Span, frame};
pub use image::{Dimensions, dimensions, dimensions_of_base64};
pub use parts::{Choice, Shape};
pub use picture::{ImageFacts, ImageRule};
pub use precise::{count_request, count_request_exact};
pub use request::{RequestMeasure, measure};
pub use schema::Rendering;
