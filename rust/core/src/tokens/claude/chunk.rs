//! A chunk: what stands between words, white space, ASCII digits and ideographs, made of runs of signs and numbers.

use super::characters::{Characters, DIGIT_ARABIC, LOWER, NUMBER, NUMERAL, PUNCTUATION, SELECTOR, SIGN, is_wordy};

/// A chunk, or a chunk up to the end of a contracted word.
#[allow(clippy::struct_excessive_bools, reason = "four independent facts, each read by name at one place")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Where it ends.
    pub(super) end: usize,
    /// Whether a space before it is marked on it.
    pub(super) takes_left: bool,
    /// Whether a space after it is marked on it.
    pub(super) takes_right: bool,
    /// Whether it ends in a contracted word (`'s`), which is closed whatever follows.
    pub(super) is_contraction: bool,
    /// Whether it is an apostrophe that opens a word.
    pub(super) opens_word: bool,
}

/// The suffixes that an apostrophe binds, small letters and whole words only.
const CONTRACTIONS: [&[u8]; 7] = [b"s", b"t", b"d", b"m", b"ll", b"re", b"ve"];

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Punctuation,
    Sign,
    Number,
    ArabicDigit,
    /// A variation selector with nothing that it could ride on.
    Selector,
}

/// A run of one kind.
#[derive(Clone, Copy)]
struct Run {
    kind: Kind,
    start: usize,
    /// The kinds of its first and last characters.
    first: u8,
    last: u8,
    /// Whether all of it is of one category of numbers.
    is_uniform: bool,
}

impl Run {
    fn new(of: u8, start: usize) -> Self {
        let kind = match of {
            PUNCTUATION => Kind::Punctuation,
            SIGN => Kind::Sign,
            NUMBER | NUMERAL => Kind::Number,
            DIGIT_ARABIC => Kind::ArabicDigit,
            _ => Kind::Selector,
        };
        Self { kind, start, first: of, last: of, is_uniform: true }
    }

    /// Whether a character goes on with the run.
    fn takes(&self, of: u8) -> bool {
        match (self.kind, of) {
            (Kind::Punctuation, PUNCTUATION) | (Kind::ArabicDigit, DIGIT_ARABIC) => true,
            // A selector rides on what it stands behind, but on nothing of ASCII or Arabic.
            (Kind::Punctuation | Kind::ArabicDigit, _) => false,
            (_, SELECTOR) | (Kind::Sign, SIGN) | (Kind::Number, NUMBER | NUMERAL) => true,
            _ => false,
        }
    }

    fn takes_left(&self) -> bool {
        match self.kind {
            Kind::Punctuation | Kind::Sign | Kind::ArabicDigit | Kind::Selector => true,
            Kind::Number => self.is_uniform,
        }
    }

    fn takes_right(&self) -> bool {
        match self.kind {
            Kind::Punctuation | Kind::ArabicDigit => true,
            _ => matches!(self.last, SIGN | SELECTOR) || self.kind == Kind::Number && self.is_uniform,
        }
    }
}

/// The chunk that begins at a byte; there is a character of a chunk.
pub(super) fn chunk(bytes: &[u8], start: usize, characters: &Characters) -> Chunk {
    let (of, mut at) = characters.kind_at(bytes, start);
    let first = Run::new(of, start);
    let (mut run, mut before): (Run, Option<Run>) = (first, None);
    let mut takes_left = None;
    let next = loop {
        let (of, next) = characters.kind_at(bytes, at);
        if run.takes(of) {
            run.is_uniform &= of == run.first;
            run.last = of;
        } else if matches!(of, PUNCTUATION | SIGN | NUMBER | NUMERAL | SELECTOR | DIGIT_ARABIC) {
            takes_left.get_or_insert(run.takes_left());
            before = Some(run);
            run = Run::new(of, at);
        } else {
            break of;
        }
        at = next;
    };
    let mut found = Chunk {
        end: at,
        takes_left: takes_left.unwrap_or(run.takes_left()),
        takes_right: run.takes_right(),
        is_contraction: false,
        opens_word: false,
    };
    // A lone apostrophe before a word.
    if is_wordy(next) && at == run.start + 1 && bytes.get(run.start) == Some(&b'\'') {
        if run.start == start {
            found.opens_word = true;
            found.takes_left = false;
        }
        if next == LOWER
            && !before.map_or_else(|| follows_sign(bytes, start), |run| run.takes_right())
            && let Some(end) = contraction(bytes, at, characters)
        {
            found.end = end;
            found.is_contraction = true;
        }
    }
    found
}

/// Whether the word that ends at a byte ends in a symbol: no apostrophe binds to a circled letter, nor to the three letters of
/// Unicode 16 that ctok's tables know as unassigned.
fn follows_sign(bytes: &[u8], end: usize) -> bool {
    let last = bytes.get(..end).and_then(|before| before.last_chunk::<3>());
    last.is_some_and(|char| {
        matches!(char, [0xE2, 0x92, 0xB6..=0xBF] | [0xE2, 0x93, 0x80..=0xA9])
            || matches!(char, [0xE1, 0xB2, 0x89 | 0x8A] | [0xEA, 0x9F, 0x8B])
    })
}

/// The end of the word at a byte when it is one of the suffixes.
fn contraction(bytes: &[u8], at: usize, characters: &Characters) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let suffix = CONTRACTIONS
        .iter()
        .find(|suffix| rest.starts_with(suffix) && !is_wordy(characters.kind_at(rest, suffix.len()).0))?;
    Some(at + suffix.len())
}
