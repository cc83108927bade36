//! Places inside a piece that no token reaches across, so that what stands on both sides is counted on its own.
//!
//! A merge makes a token. Where no token of the vocabulary could lie over a place of a text (its bytes around the place are
//! not those of the text), no merge ever joins the two sides. Asked between two characters of three bytes (Han, kana, Hangul,
//! the scripts of India), whose runs are long and whose tokens are short; and, of any two bytes, whether they stand together in a
//! token at all.
#![allow(clippy::cast_possible_truncation, reason = "a hash is cut to the size of the filter")]

/// How many bytes on each side are looked at.
const REACH: usize = 3;
/// Bits of the filter: 64 kB. A place that it takes for another is not cut, which costs time and changes no count.
const FILTER_BITS: u32 = 19;

/// What tokens lie over.
pub(super) struct Cuts {
    /// By the last six bits of the byte before and the last four of the lead after: over how many bytes of both sides tokens
    /// lie there, a bit for each of the nine.
    reaches: Vec<u16>,
    /// The bytes that they lie over, by hash.
    filter: Vec<u64>,
    /// A bit for each two bytes that stand together in a token.
    together: Vec<u64>,
}

impl Cuts {
    pub(super) fn new<'t>(tokens: impl Iterator<Item = &'t [u8]>) -> Self {
        let mut cuts =
            Self { reaches: vec![0; 1 << 10], filter: vec![0; 1 << (FILTER_BITS - 6)], together: vec![0; 1 << 10] };
        for token in tokens {
            for (place, bit) in token.windows(2).filter_map(beside) {
                if let Some(word) = cuts.together.get_mut(place) {
                    *word |= bit;
                }
            }
            for place in 1..token.len() {
                let Some(pair) = pair(token, place) else { continue };
                let (before, after) = (place.min(REACH), (token.len() - place).min(REACH));
                if let Some(reaches) = cuts.reaches.get_mut(pair) {
                    *reaches |= 1 << bit(before, after);
                }
                let hash = context(token, place, before, after);
                if let Some(word) = cuts.filter.get_mut(hash >> 6) {
                    *word |= 1 << (hash & 63);
                }
            }
        }
        cuts
    }

    /// Whether no token lies over a place.
    #[inline]
    pub(super) fn is_cut(&self, piece: &[u8], place: usize) -> bool {
        let Some(pair) = pair(piece, place) else { return false };
        let mut reaches = self.reaches.get(pair).copied().unwrap_or(u16::MAX);
        while reaches != 0 {
            let bit = reaches.trailing_zeros() as usize;
            reaches &= reaches - 1;
            let (before, after) = (bit / REACH + 1, bit % REACH + 1);
            if before > place || after > piece.len() - place {
                continue;
            }
            let hash = context(piece, place, before, after);
            if self.filter.get(hash >> 6).is_none_or(|word| word >> (hash & 63) & 1 != 0) {
                return false;
            }
        }
        true
    }

    /// Whether two bytes stand together in no token.
    #[inline]
    pub(super) fn are_apart(&self, pair: &[u8]) -> bool {
        beside(pair).is_some_and(|(place, bit)| self.together.get(place).is_some_and(|word| word & bit == 0))
    }
}

/// Where the bit of two bytes stands.
#[inline]
fn beside(pair: &[u8]) -> Option<(usize, u64)> {
    let [first, second] = *pair else { return None };
    Some((usize::from(first) << 2 | usize::from(second >> 6), 1 << (second & 63)))
}

const fn bit(before: usize, after: usize) -> usize {
    (before - 1) * REACH + after - 1
}

/// The bytes around a place, when a character ends before it and one of three bytes begins there.
#[inline]
fn pair(bytes: &[u8], place: usize) -> Option<usize> {
    let (before, after) = (*bytes.get(place.checked_sub(1)?)?, *bytes.get(place)?);
    (before & 0xC0 == 0x80 && after & 0xF0 == 0xE0)
        .then_some(usize::from(before & 0x3F) << 4 | usize::from(after & 0x0F))
}

#[inline]
fn context(bytes: &[u8], place: usize, before: usize, after: usize) -> usize {
    let around = bytes.get(place - before..place + after).unwrap_or_default();
    let word = around.iter().fold(bit(before, after) as u64 + 1, |word, byte| word << 8 | u64::from(*byte));
    (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - FILTER_BITS)) as usize
}
