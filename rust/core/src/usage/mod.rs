//! What a call used, in classes that never overlap: each token is in exactly one class.
//!
//! How each provider reports it is data ([`EXTRACTORS`]): where the usage object stands in a body or a frame, under which
//! words, what is part of what, and how frames combine. One [`UsageReader`] reads them all, from bytes.
//!
//! Promises: classes sum to the provider's total where it gives one, or there is a [`UsageFinding`] that names the provider
//! and the figure; frames give the same whatever the network made of them; unknown members are ignored; never a panic.
//!
//! Refuses: to read a provider that the table does not have by the words of another, and to repair in silence. What cannot
//! be true (negative, no integer, beyond any call) is no usage at all, never a usage of nothing.
//!
//! A test breaks it with an object whose classes do not sum to its total and that has no finding.

mod classes;
mod dollars;
mod extractor;
mod figures;
mod normal;
mod problem;
mod reader;
mod searches;
mod spots;
mod table;
#[cfg(test)]
mod tests;

pub use classes::Usage;
pub use extractor::{CostAt, CostUnit, Extractor, Frames, OwnKey, Part, Paths, Place, Rounds, SearchesAt};
pub use problem::{UsageFinding, UsageProblem};
pub use reader::{ReportedUsage, ServedTerms, UsageReader, UsageReport};
pub use table::{ANTHROPIC_MESSAGES, EXTRACTORS, OPENAI_CHAT, OPENAI_RESPONSES};
