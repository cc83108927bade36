//! Exact counts by byte-pair encoding: a piece that is a token costs one; any other is merged, lowest rank first and of
//! equal ranks the leftmost. Short pieces are merged in place, long ones with a heap, so that no text takes quadratic time.
#![allow(clippy::cast_possible_truncation, reason = "a packed entry is taken apart on purpose; short pieces fit")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::OnceLock;

use super::family::Family;
use super::pretokenize::{Pattern, Pieces};
use super::vocabulary::{NONE, Vocabulary};

/// Pieces up to this many bytes are merged by looking for the least rank each time: faster than a heap for so few.
const SHORT: usize = 96;

struct Encoder {
    vocabulary: Vocabulary,
    pattern: Pattern,
}

/// The encoder of a family, unpacked at the first call.
fn encoder(family: Family) -> Option<&'static Encoder> {
    static O200K: OnceLock<Option<Encoder>> = OnceLock::new();
    static CL100K: OnceLock<Option<Encoder>> = OnceLock::new();
    let load = |packed: &[u8], pattern| Some(Encoder { vocabulary: Vocabulary::unpack(packed)?, pattern });
    match family {
        Family::O200k | Family::O200kHarmony => {
            O200K.get_or_init(|| load(include_bytes!("../../data/vocab/o200k.bin"), Pattern::O200k)).as_ref()
        }
        Family::Cl100k => {
            CL100K.get_or_init(|| load(include_bytes!("../../data/vocab/cl100k.bin"), Pattern::Cl100k)).as_ref()
        }
        _ => None,
    }
}

/// Unpacks the vocabulary of a family now, so that no later count waits for it. Whether there is one.
pub fn warm(family: Family) -> bool {
    encoder(family).is_some()
}

/// The exact number of tokens of a text (its special tokens counted as text), or `None` when the family has no vocabulary
/// here. Time is linear in the text but for single words beyond 96 bytes, which take n log n.
pub fn count_exact(family: Family, text: &str) -> Option<u64> {
    let encoder = encoder(family)?;
    let mut merger = Merger::default();
    let count =
        |piece| if encoder.vocabulary.rank(piece) == NONE { merger.merge(&encoder.vocabulary, piece) } else { 1 };
    Some(Pieces::new(text, encoder.pattern).map(count).sum())
}

/// The ids of the tokens of a text, or `None` when the family has no vocabulary here.
pub fn encode(family: Family, text: &str) -> Option<Vec<u32>> {
    let encoder = encoder(family)?;
    let mut merger = Merger::default();
    let mut ids = Vec::new();
    for piece in Pieces::new(text, encoder.pattern) {
        match encoder.vocabulary.rank(piece) {
            NONE => {
                merger.merge(&encoder.vocabulary, piece);
                merger.ids(&encoder.vocabulary, piece, &mut ids);
            }
            rank => ids.push(rank),
        }
    }
    Some(ids)
}

/// What merging needs, kept from piece to piece.
#[derive(Default)]
struct Merger {
    /// Of short pieces: where each part starts and the rank of it with the next.
    parts: Vec<(u32, u32)>,
    /// Of long pieces: by first byte of a part, the first byte of the next and of the one before.
    next: Vec<u32>,
    before: Vec<u32>,
    /// The rank of each part with the next, as it is now.
    ranks: Vec<u32>,
    heap: BinaryHeap<Reverse<u64>>,
}

impl Merger {
    /// Merges a piece; how many parts remain.
    fn merge(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> u64 {
        if piece.len() <= SHORT { self.merge_short(vocabulary, piece) } else { self.merge_long(vocabulary, piece) }
    }

    fn merge_short(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> u64 {
        let rank = |start: u32, end: u32| rank_of(vocabulary, piece, start, end);
        let length = piece.len() as u32;
        self.parts.clear();
        self.parts.extend((0..length).map(|start| (start, rank(start, start + 2))));
        // The end, so that every part has a next.
        self.parts.push((length, NONE));
        loop {
            let mut least = (NONE, 0);
            for (index, (_, rank)) in self.parts.iter().enumerate() {
                if *rank < least.0 {
                    least = (*rank, index);
                }
            }
            let (rank_found, at) = least;
            if rank_found == NONE {
                return (self.parts.len() - 1) as u64;
            }
            self.parts.remove(at + 1);
            let start = |index: usize| self.parts.get(index).map(|part| part.0);
            let of_pair = |index: usize| match (start(index), start(index + 2)) {
                (Some(first), Some(end)) => rank(first, end),
                _ => NONE,
            };
            let here = of_pair(at);
            let left = at.checked_sub(1).map(|index| (index, of_pair(index)));
            if let Some(part) = self.parts.get_mut(at) {
                part.1 = here;
            }
            if let Some((index, rank)) = left
                && let Some(part) = self.parts.get_mut(index)
            {
                part.1 = rank;
            }
        }
    }

    fn merge_long(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> u64 {
        // A piece of 4 GiB cannot be numbered; count its bytes, which is an upper bound.
        let Ok(length) = u32::try_from(piece.len()) else { return piece.len() as u64 };
        let rank = |start: u32, end: u32| rank_of(vocabulary, piece, start, end);
        self.next.clear();
        self.next.extend(1..=length);
        self.before.clear();
        self.before.push(NONE);
        self.before.extend(0..length - 1);
        self.ranks.clear();
        self.ranks.extend((0..length).map(|start| rank(start, start + 2)));
        let entry = |rank: u32, start: u32| Reverse(u64::from(rank) << 32 | u64::from(start));
        let known = self.ranks.iter().zip(0..).filter(|(rank, _)| **rank != NONE);
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        entries.clear();
        entries.extend(known.map(|(rank, start)| entry(*rank, start)));
        self.heap = BinaryHeap::from(entries);
        let mut parts = u64::from(length);
        while let Some(Reverse(packed)) = self.heap.pop() {
            let (found, start) = ((packed >> 32) as u32, packed as u32);
            // A pair that changed since it was put in has another rank or none.
            if at(&self.ranks, start) != found {
                continue;
            }
            let second = at(&self.next, start);
            let end = at(&self.next, second);
            put(&mut self.next, start, end);
            put(&mut self.before, end, start);
            put(&mut self.ranks, second, NONE);
            parts -= 1;
            let following = at(&self.next, end);
            let joined = if end < length { rank(start, following) } else { NONE };
            put(&mut self.ranks, start, joined);
            if joined != NONE {
                self.heap.push(entry(joined, start));
            }
            let previous = at(&self.before, start);
            if previous != NONE {
                let joined = rank(previous, end);
                put(&mut self.ranks, previous, joined);
                if joined != NONE {
                    self.heap.push(entry(joined, previous));
                }
            }
        }
        parts
    }

    /// The ids of the parts that the last merge of this piece left.
    fn ids(&self, vocabulary: &Vocabulary, piece: &[u8], ids: &mut Vec<u32>) {
        let mut push = |start: u32, end: u32| {
            ids.push(piece.get(start as usize..end as usize).map_or(NONE, |part| vocabulary.rank(part)));
        };
        if piece.len() <= SHORT {
            for (part, next) in self.parts.iter().zip(self.parts.iter().skip(1)) {
                push(part.0, next.0);
            }
        } else {
            let mut start = 0;
            while (start as usize) < piece.len() {
                let end = at(&self.next, start);
                push(start, end);
                start = end;
            }
        }
    }
}

/// The rank of a part of a piece; none when it reaches beyond its end.
#[inline]
fn rank_of(vocabulary: &Vocabulary, piece: &[u8], start: u32, end: u32) -> u32 {
    piece.get(start as usize..end as usize).map_or(NONE, |part| vocabulary.rank(part))
}

#[inline]
fn at(list: &[u32], index: u32) -> u32 {
    list.get(index as usize).copied().unwrap_or(NONE)
}

#[inline]
fn put(list: &mut [u32], index: u32, value: u32) {
    if let Some(slot) = list.get_mut(index as usize) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_tiktoken_does() {
        // Counted with tiktoken 0.14.0, encode_ordinary.
        let (letters, spaces) = ("a".repeat(1000), " ".repeat(1000));
        for (text, o200k, cl100k) in [
            ("", 0, 0),
            ("hello world", 2, 2),
            ("The quick brown fox jumps over the lazy dog.", 10, 10),
            ("fn main() {\n    println!(\"Hello, world!\");\n}\n", 12, 12),
            ("{\"name\": \"Ada\", \"born\": 1815, \"tags\": [\"math\", \"poetry\"]}", 24, 23),
            ("Straße, 東京, Москва, 0x7f, और हिन्दी 😀👩\u{200d}👩\u{200d}👧", 24, 41),
            ("antidisestablishmentarianism", 6, 6),
            (&letters, 125, 125),
            (&spaces, 9, 9),
            ("<|endoftext|>", 7, 7),
            ("I'LL we've ſ'ſ", 8, 10),
            ("\0\u{1}", 2, 2),
        ] {
            assert_eq!(count_exact(Family::O200k, text), Some(o200k), "{text}");
            assert_eq!(count_exact(Family::O200kHarmony, text), Some(o200k), "{text}");
            assert_eq!(count_exact(Family::Cl100k, text), Some(cl100k), "{text}");
        }
        assert_eq!(count_exact(Family::Gemini, "hello"), None);
    }

    #[test]
    fn both_ways_of_merging_agree() {
        let vocabulary = &encoder(Family::O200k).unwrap().vocabulary;
        let mut state = 7_u32;
        for length in 3..200_usize {
            let piece: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b'a' + (state >> 29) as u8
            })
            .take(length)
            .collect();
            let mut merger = Merger::default();
            let short = merger.merge_short(vocabulary, &piece);
            assert_eq!(short, merger.merge_long(vocabulary, &piece), "{}", String::from_utf8_lossy(&piece));
        }
    }

    #[test]
    fn families_with_a_vocabulary_are_those_that_say_so() {
        for family in Family::ALL {
            assert_eq!(warm(family), family.is_exact());
        }
    }
}
