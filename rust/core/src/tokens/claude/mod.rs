//! Exact counts for Claude: the least number of pieces that tile the marked stream of a text.
//!
//! The model is the one that `ctok` 1.3.0 describes and measured: the text in normalization form C without controls and
//! private use (older family: curly quotes made straight); words between the markers of their beginning and end, in lower
//! case behind a marker of case; one space between two marked things left out; then as few pieces as possible, bytes where no
//! piece fits. The vocabularies are ctok's data (see `data/vocab/NOTICE.md`), the algorithm is ours: no piece reaches across
//! the end of a marked word, into white space, into ASCII digits or into an ideograph, so each such part is counted on its
//! own, from memory where it is short, and nothing as long as the text is ever held but a changed window of it.
//!
//! Promises: the count of ctok for every text (but 0, not 1, for no text at all); time linear in the text; memory of one
//! window of about 64 kB beside the text, unless a single line is longer. Refuses: nothing. A test breaks it with a text that
//! the plain way (`reference.rs`) or ctok counts otherwise.

mod case;
mod characters;
mod chunk;
mod normal;
#[cfg(test)]
mod reference;
mod stream;
#[cfg(test)]
mod tests;
mod tiling;

use std::cell::RefCell;
use std::sync::OnceLock;

use self::characters::Characters;
use self::stream::Stream;
use self::tiling::Vocabulary;
use super::memo::Memo;

/// How the text meets its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edges {
    /// The frame ends by opening a word, which takes in one space that the text begins with: Claude 3 to Opus 4.7.
    pub opens_word: bool,
    /// ASCII white space at the end of the text is free (recorded of Opus 5 alone).
    pub trims_end: bool,
}

/// Which of the two vocabularies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// Claude 3 to Opus 4.6.
    From3,
    /// Opus 4.7 and later.
    From47,
}

impl Generation {
    /// The edges of most models of the generation.
    pub(super) const fn edges(self) -> Edges {
        Edges { opens_word: matches!(self, Self::From3), trims_end: false }
    }
}

/// A vocabulary with what its family does to text.
struct Model {
    vocabulary: Vocabulary,
    folds_quotes: bool,
    /// Whether a word in capitals has a marker of its own.
    marks_capitals: bool,
}

fn characters() -> Option<&'static Characters> {
    static CHARACTERS: OnceLock<Option<Characters>> = OnceLock::new();
    CHARACTERS.get_or_init(|| Characters::unpack(include_bytes!("../../../data/vocab/claude_characters.bin"))).as_ref()
}

static MODEL_FROM_3: OnceLock<Option<Model>> = OnceLock::new();
static MODEL_FROM_47: OnceLock<Option<Model>> = OnceLock::new();

fn model(generation: Generation) -> Option<&'static Model> {
    let load = |packed: &[u8], is_older| {
        let vocabulary = Vocabulary::unpack(packed, characters()?)?;
        Some(Model { vocabulary, folds_quotes: is_older, marks_capitals: is_older })
    };
    match generation {
        Generation::From3 => {
            MODEL_FROM_3.get_or_init(|| load(include_bytes!("../../../data/vocab/claude_3_to_46.bin"), true)).as_ref()
        }
        Generation::From47 => {
            MODEL_FROM_47.get_or_init(|| load(include_bytes!("../../../data/vocab/claude_47_on.bin"), false)).as_ref()
        }
    }
}

/// Unpacks the vocabulary now. Whether it could be.
pub(super) fn warm(generation: Generation) -> bool {
    model(generation).is_some()
}

/// Whether the vocabulary is unpacked.
pub(super) fn is_warm(generation: Generation) -> bool {
    match generation {
        Generation::From3 => MODEL_FROM_3.get().is_some(),
        Generation::From47 => MODEL_FROM_47.get().is_some(),
    }
}

/// Slots of the memory of a thread for one vocabulary, a power of two: 256 kB.
const MEMO_BITS: u32 = 14;

/// What counting reuses from call to call of a thread.
struct Scratch {
    memo: Memo,
    buffers: stream::Buffers,
}

thread_local! {
    static FROM_3: RefCell<Option<Scratch>> = const { RefCell::new(None) };
    static FROM_47: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

/// The tokens of a text, or `None` when the vocabulary is damaged.
pub(super) fn count(generation: Generation, text: &str, edges: Edges) -> Option<u64> {
    let (model, characters) = (model(generation)?, characters()?);
    let text = if edges.trims_end { text.trim_end_matches(|char: char| char.is_ascii_whitespace()) } else { text };
    if text.is_empty() {
        return Some(0);
    }
    let scratch = match generation {
        Generation::From3 => &FROM_3,
        Generation::From47 => &FROM_47,
    };
    scratch.with_borrow_mut(|scratch| {
        let Scratch { memo, buffers } =
            scratch.get_or_insert_with(|| Scratch { memo: Memo::new(MEMO_BITS), buffers: stream::Buffers::default() });
        Some(Stream::new(model, characters, memo, buffers).count(text, edges))
    })
}
