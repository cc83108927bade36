//! The masks of a block: for each thing that is counted, at which of its 64 places it stands. No branch depends on the text,
//! which is what makes it fast.

use super::planes::{Classes, planes};
use super::scan::WORD_LENGTHS;

/// How many things are counted by masks: the lengths of words and the list in [`masks`].
pub(super) const MASKS: usize = WORD_LENGTHS + 33;

/// Where characters outside ASCII begin in a block.
pub(super) struct Leads {
    /// Their first bytes.
    pub(super) all: u64,
    /// Of these, the first of a run.
    pub(super) run_starts: u64,
}

/// The masks of the block before, of which the last places matter.
#[derive(Default)]
pub(super) struct Before {
    lower: u64,
    upper: u64,
    digit: u64,
    space: u64,
    newline: u64,
    punctuation: u64,
    non_ascii: u64,
    consonant: u64,
    hard: u64,
    words: [u64; WORD_LENGTHS],
    /// The last byte, a bit each, the lowest first.
    last_byte: [u64; 8],
}

impl Before {
    /// Before the first block of a text. 0xFF stands in no UTF-8 text, so the first byte repeats nothing.
    pub(super) fn start() -> Self {
        Self { last_byte: [1; 8], ..Self::default() }
    }
}

/// Which places have the mask `PLACES` before them.
#[inline]
const fn behind<const PLACES: u32>(mask: u64, before: u64) -> u64 {
    mask << PLACES | before >> (64 - PLACES)
}

/// Which places have the mask one, two, three and four places before them.
#[inline]
const fn behind_each(mask: u64, before: u64) -> [u64; 4] {
    [behind::<1>(mask, before), behind::<2>(mask, before), behind::<3>(mask, before), behind::<4>(mask, before)]
}

/// Fills `row` with the masks of 64 bytes, of which those in `valid` exist, in the order in which [`super::TextScan::take`]
/// takes them; `before` is that of the block before and becomes that of this one.
#[inline]
pub(super) fn masks(block: &[u8; 64], valid: u64, before: &mut Before, row: &mut [u64; MASKS]) -> Leads {
    let planes = planes(block);
    let Classes { vowel, consonant, upper, digit, space, newline, non_ascii, lead, foreign } = Classes::of(&planes);
    let lower = vowel | consonant;
    let letter = lower | upper;
    let punctuation = !(letter | digit | space | newline | non_ascii) & valid;
    let hard = consonant | digit | upper;
    let repeat = repeats(&planes, &mut before.last_byte);
    // What stands one place, two places, ... before.
    let letter_1 = behind::<1>(letter, before.lower | before.upper);
    let lower_1 = behind::<1>(lower, before.lower);
    let upper_1 = behind::<1>(upper, before.upper);
    let digits = behind_each(digit, before.digit);
    let spaces = behind_each(space, before.space);
    let points = behind_each(punctuation, before.punctuation);
    let consonants = behind_each(consonant, before.consonant);
    let hards = behind_each(hard, before.hard);

    // The first letters of words, the second ones, ...
    let first = letter & !letter_1;
    let mut words = [first; WORD_LENGTHS];
    let mut word = first;
    for (mask, last) in words.iter_mut().zip(&mut before.words) {
        *mask = word;
        word = behind::<1>(word, *last) & letter;
        *last = *mask;
    }
    let digit_first = digit & !digits[0];
    let space_first = space & !spaces[0];
    let newline_first = newline & !behind::<1>(newline, before.newline);
    let punctuation_first = punctuation & !points[0];
    let punctuation_2 = punctuation & points[0] & !points[1];
    let punctuation_3 = punctuation & points[0] & points[1] & !points[2];
    let non_ascii_1 = behind::<1>(non_ascii, before.non_ascii);
    let non_ascii_first = non_ascii & !non_ascii_1;
    before.lower = lower;
    before.upper = upper;
    before.digit = digit;
    before.space = space;
    before.newline = newline;
    before.punctuation = punctuation;
    before.non_ascii = non_ascii;
    before.consonant = consonant;
    before.hard = hard;
    let [w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12] = words;
    *row = [
        w1,
        w2,
        w3,
        w4,
        w5,
        w6,
        w7,
        w8,
        w9,
        w10,
        w11,
        w12,
        vowel,
        consonant,
        upper,
        digit,
        space,
        newline,
        punctuation,
        non_ascii,
        lead,
        foreign & vowel,
        foreign & consonant,
        first & spaces[0],
        first & points[0],
        first & upper,
        upper & lower_1,
        upper & upper_1,
        consonant & consonants[0] & consonants[1],
        hard & hards[0] & hards[1] & hards[2] & hards[3],
        digit_first,
        digit & digits[0] & digits[1] & digits[2] & !digits[3],
        digit_first & spaces[0],
        (digit & letter_1) | (letter & digits[0]),
        space_first,
        space & spaces[0] & !spaces[1],
        punctuation & spaces[0],
        newline_first,
        newline_first & points[0],
        punctuation_first,
        punctuation_2,
        punctuation_3,
        punctuation & repeat,
        non_ascii_first,
        first & non_ascii_1,
    ];
    Leads { all: lead, run_starts: non_ascii_first }
}

/// Which bytes equal the byte before them; `last` is the byte before the block and becomes its last.
#[inline]
fn repeats(planes: &[u64; 8], last: &mut [u64; 8]) -> u64 {
    let mut difference = 0;
    for (plane, last) in planes.iter().zip(last) {
        difference |= plane ^ (plane << 1 | *last);
        *last = plane >> 63;
    }
    !difference
}
