//! The structure of an ask: what one pass over it found.

use super::ask::Ask;
use super::programming::ProgrammingLanguage;
use super::scan::Scan;
use super::signal::Signal;

/// Where the cues of one signal stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits {
    /// Hits in the first 16 words.
    pub opening: u32,
    /// Hits in the last 16 words of an ask of more than 32.
    pub closing: u32,
    /// Hits between.
    pub middle: u32,
}

impl Hits {
    /// Hits anywhere.
    pub const fn total(self) -> u32 {
        self.opening.saturating_add(self.closing).saturating_add(self.middle)
    }
}

/// What one pass over the bounded ask finds. Counts are of what was looked at, not of what was left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own that a policy may ask for")]
pub struct Features {
    /// Characters.
    pub chars: u32,
    /// Words outside code; two characters of a script without spaces count as one.
    pub words: u32,
    /// Lines that are not empty.
    pub lines: u32,
    /// Question marks outside code.
    pub question_marks: u32,
    /// Code fences (an open and a closed one count as two).
    pub code_fences: u32,
    /// Pieces of inline code.
    pub inline_code: u32,
    /// Characters inside code fences.
    pub code_chars: u32,
    /// Lines outside fences that read as code.
    pub code_lines: u32,
    /// Whether code is there.
    pub has_code: bool,
    /// Whether JSON is there.
    pub has_json: bool,
    /// Whether a table is there (two lines or more with pipes or tabs).
    pub has_table: bool,
    /// Whether mathematics is there (LaTeX, symbols, equations).
    pub has_math: bool,
    /// Lines that begin as list items.
    pub list_items: u32,
    /// Lettered options in order (`A. ... B. ... C. ...`).
    pub options: u32,
    /// URLs.
    pub urls: u32,
    /// Numbers outside code.
    pub numbers: u32,
    /// Marked blanks and masks (`____`, `[MASK]`).
    pub blanks: u32,
    /// Quoted passages of ten words or more.
    pub long_quotes: u32,
    /// Cues of a constraint.
    pub constraint_cues: u32,
    /// Cues of an answer in steps.
    pub step_cues: u32,
    /// Cues of a short answer.
    pub brevity_cues: u32,
    /// Worked examples (`Input: ... Output: ...` pairs).
    pub few_shot_examples: u32,
    /// How many things are asked: questions, list items and `also` clauses, at least 1 unless the ask is empty.
    pub parts: u32,
    /// The programming language named or fenced first, a fence before a name.
    pub programming_language: Option<ProgrammingLanguage>,
    pub(super) signals: Vec<Hits>,
}

impl Features {
    /// Where the cues of `signal` stand.
    pub fn hits(&self, signal: Signal) -> Hits {
        self.signals.get(signal.index()).copied().unwrap_or_default()
    }
}

/// Measures the ask in one pass. Time: linear in at most `HEAD_BYTES + TAIL_BYTES`.
pub fn structure(ask: &Ask<'_>) -> Features {
    let mut scan = Scan::new();
    for (index, piece) in ask.pieces().iter().enumerate() {
        scan.piece(piece, Some(index) == ask.gap());
    }
    scan.into_features()
}
