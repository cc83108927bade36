//! Text, looked at once: counts of bytes, characters, words, digits, punctuation, white space and scripts.
//!
//! Promises: one pass, no allocation, no panic on any text, and sums: the scan of `a` plus the scan of `b` is the scan of
//! the two texts, each counted on its own. Every field only ever grows when text is appended.
//!
//! Refuses: nothing; every `str` has a scan. It knows no language, only shapes.
//!
//! A test breaks it with a text on which a field differs from the plain count over characters, or with a field that
//! shrinks when text is appended.

mod masks;
mod planes;
mod scan;
mod scanner;
mod script;
mod sums;

pub use scan::{FIELDS, TextScan, WORD_LENGTHS, field_names, scan};
pub use scanner::Scanner;
pub use script::{SCRIPTS, Script};
