//! Exact counts by byte-pair encoding: a piece that is a token costs one; any other is merged, lowest rank first and of
//! equal ranks the leftmost. Short pieces are merged in place, long ones window by window, or with a heap where that does
//! not work, so that no text takes quadratic time.
#![allow(clippy::cast_possible_truncation, reason = "a packed entry is taken apart on purpose; short pieces fit")]

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::OnceLock;

use super::cuts::Cuts;
use super::family::Family;
use super::memo::{Key, LONGEST, LongKey, LongMemo, Memo};
use super::pretokenize::{Pattern, Pieces};
use super::vocabulary::{NONE, Vocabulary};

/// Pieces up to this many bytes are merged in rows of fixed size.
const TINY: usize = 32;
/// Pieces up to this many bytes are merged by looking for the least rank each time: faster than a heap for so few.
const SHORT: usize = 96;
/// Bytes of a window where [`SHORT`] holds too few tokens: a token may be 128 spaces.
const WIDE: usize = 2048;

struct Encoder {
    vocabulary: Vocabulary,
    cuts: Cuts,
    pattern: Pattern,
}

static ENCODER_O200K: OnceLock<Option<Encoder>> = OnceLock::new();
static ENCODER_CL100K: OnceLock<Option<Encoder>> = OnceLock::new();

/// The encoder of a family, unpacked at the first call.
fn encoder(family: Family) -> Option<&'static Encoder> {
    let load = |packed: &[u8], pattern| {
        let vocabulary = Vocabulary::unpack(packed)?;
        let cuts = Cuts::new(vocabulary.tokens());
        Some(Encoder { vocabulary, cuts, pattern })
    };
    match family {
        Family::O200k | Family::O200kHarmony => {
            ENCODER_O200K.get_or_init(|| load(include_bytes!("../../data/vocab/o200k.bin"), Pattern::O200k)).as_ref()
        }
        Family::Cl100k => {
            ENCODER_CL100K.get_or_init(|| load(include_bytes!("../../data/vocab/cl100k.bin"), Pattern::Cl100k)).as_ref()
        }
        _ => None,
    }
}

/// Unpacks the vocabulary of a family now, so that no later count waits for it. Whether there is one.
pub(super) fn warm(family: Family) -> bool {
    encoder(family).is_some()
}

/// Whether the vocabulary of a family is unpacked, or it has none.
pub(super) fn is_warm(family: Family) -> bool {
    match family {
        Family::O200k | Family::O200kHarmony => ENCODER_O200K.get().is_some(),
        Family::Cl100k => ENCODER_CL100K.get().is_some(),
        _ => true,
    }
}

/// Slots of the memory of a thread for one vocabulary, a power of two: 1 MB of short pieces and 512 kB of longer ones.
const MEMO_BITS: u32 = 16;
const LONG_MEMO_BITS: u32 = 14;

/// What counting reuses from call to call of a thread.
struct Scratch {
    memo: Memo,
    long_memo: LongMemo,
    merger: Merger,
}

thread_local! {
    static O200K: RefCell<Option<Scratch>> = const { RefCell::new(None) };
    static CL100K: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

/// The exact number of tokens of a text, or `None` when the family has no vocabulary here. Pieces of up to fifteen bytes are
/// counted from memory when the thread has seen them before.
pub(super) fn count_exact(family: Family, text: &str) -> Option<u64> {
    let encoder = encoder(family)?;
    let scratch = match encoder.pattern {
        Pattern::O200k => &O200K,
        Pattern::Cl100k => &CL100K,
    };
    scratch.with_borrow_mut(|scratch| {
        let scratch = scratch.get_or_insert_with(|| Scratch {
            memo: Memo::new(MEMO_BITS),
            long_memo: LongMemo::new(LONG_MEMO_BITS),
            merger: Merger::default(),
        });
        let total = scratch.count(encoder, text);
        scratch.merger.shrink();
        Some(total)
    })
}

impl Scratch {
    fn count(&mut self, encoder: &Encoder, text: &str) -> u64 {
        let bytes = text.as_bytes();
        let pieces = Pieces::new(text, encoder.pattern);
        let (mut at, mut total) = (0, 0);
        while at < bytes.len() {
            let end = pieces.end_from(at);
            let length = end - at;
            total += if length <= LONGEST {
                self.short(encoder, bytes, at, end)
            } else {
                self.long(encoder, bytes, at, end)
            };
            at = end;
        }
        total
    }

    /// The tokens of a piece, or a part between cuts, of at most fifteen bytes.
    #[inline]
    fn short(&mut self, encoder: &Encoder, bytes: &[u8], start: usize, end: usize) -> u64 {
        let length = end - start;
        // Every byte is a token.
        if length == 1 {
            return 1;
        }
        // The length is the tag: a piece may end in NUL.
        let key = Key::new(bytes, start, length, length as u8);
        if let Some(known) = key.and_then(|key| self.memo.get(key)) {
            return known;
        }
        let cost = self.anew(encoder, bytes, start, end);
        if let Some(key) = key {
            self.memo.put(key, cost);
        }
        cost
    }

    /// The tokens of a longer piece: those of its parts between cuts. A part that is a token counts one, as a piece does, for
    /// merging makes every token out of its bytes (a test holds that).
    #[inline(never)]
    fn long(&mut self, encoder: &Encoder, bytes: &[u8], start: usize, end: usize) -> u64 {
        let (mut from, mut total) = (start, 0);
        if bytes.get(start..end).is_some_and(|piece| !piece.is_ascii()) {
            for place in start + 2..end {
                if bytes.get(place).is_some_and(|byte| byte & 0xF0 == 0xE0)
                    && encoder.cuts.is_cut(bytes.get(from..end).unwrap_or_default(), place - from)
                {
                    total += self.part(encoder, bytes, from, place);
                    from = place;
                }
            }
        }
        total + self.part(encoder, bytes, from, end)
    }

    fn part(&mut self, encoder: &Encoder, bytes: &[u8], start: usize, end: usize) -> u64 {
        if end - start <= LONGEST {
            return self.short(encoder, bytes, start, end);
        }
        let part = bytes.get(start..end).unwrap_or_default();
        let key = LongKey::new(part);
        if let Some(known) = key.and_then(|key| self.long_memo.get(key)) {
            return known;
        }
        let cost = self.anew(encoder, bytes, start, end);
        if let Some(key) = key {
            self.long_memo.put(key, cost);
        }
        cost
    }

    /// The tokens of a part that is not remembered. Where two bytes stand together that do so in no token, the sides are counted
    /// each on its own: what is random has many such places, and its parts are remembered where the whole is not.
    #[inline(never)]
    fn anew(&mut self, encoder: &Encoder, bytes: &[u8], start: usize, end: usize) -> u64 {
        let part = bytes.get(start..end).unwrap_or_default();
        let (mut from, mut total) = (start, 0);
        for (place, pair) in (start + 1..).zip(part.windows(2)) {
            if encoder.cuts.are_apart(pair) {
                total += self.side(encoder, bytes, from, place);
                from = place;
            }
        }
        if from == start {
            return self.merger.count(&encoder.vocabulary, part);
        }
        total + self.side(encoder, bytes, from, end)
    }

    /// The tokens of what stands between two bytes that are apart.
    fn side(&mut self, encoder: &Encoder, bytes: &[u8], start: usize, end: usize) -> u64 {
        if end - start <= LONGEST {
            return self.short(encoder, bytes, start, end);
        }
        self.merger.count(&encoder.vocabulary, bytes.get(start..end).unwrap_or_default())
    }
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
    /// Where each part of the last merge starts, and the end.
    starts: Vec<u32>,
    /// Of long pieces: by first byte of a part, the first byte of the next and of the one before.
    next: Vec<u32>,
    before: Vec<u32>,
    /// The rank of each part with the next, as it is now.
    ranks: Vec<u32>,
    heap: BinaryHeap<Reverse<u64>>,
}

impl Merger {
    /// The tokens of a piece.
    #[inline(never)]
    fn count(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> u64 {
        if vocabulary.rank(piece) != NONE {
            1
        } else if piece.len() <= TINY {
            merge_tiny(vocabulary, piece)
        } else if piece.len() <= SHORT {
            self.merge_short(vocabulary, piece)
        } else {
            self.windowed(vocabulary, piece).unwrap_or_else(|| self.merge_long(vocabulary, piece))
        }
    }

    /// The tokens of a long piece by windows, as small as they may be.
    fn windowed(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> Option<u64> {
        self.count_long(vocabulary, piece, SHORT).or_else(|| self.count_long(vocabulary, piece, WIDE))
    }

    /// The tokens of a long piece, window by window. Tokens are the ones of a text when each two neighbours are those of their
    /// own bytes; so where a window and the next, which begins at a boundary inside of it, have a token in common, the tokens
    /// of the first up to it and of the second from it on are those of both together. `None` where two windows have none.
    fn count_long(&mut self, vocabulary: &Vocabulary, piece: &[u8], width: usize) -> Option<u64> {
        // The boundaries of the last window from where the next one begins, counted from there.
        let mut tail: Vec<u32> = Vec::new();
        let mut last: &[u8] = &[];
        let (mut at, mut total) = (0, 0);
        loop {
            let rest = piece.get(at..)?;
            let window = rest.get(..width).unwrap_or(rest);
            // A run of one letter is one window again and again.
            if window != last {
                self.merge(vocabulary, window);
                last = window;
            }
            let bounds = &self.starts;
            let mut from = 0;
            if at > 0 {
                let (before, first) = common(&tail, bounds)?;
                total += before as u64;
                from = first;
            }
            let count = bounds.len() - 1;
            if rest.len() <= width {
                return Some(total + (count - from) as u64);
            }
            // The last third is counted with the next window.
            let next = bounds.partition_point(|bound| (*bound as usize) < width * 2 / 3).min(count - 1);
            if next <= from {
                return None;
            }
            let start = *bounds.get(next)?;
            tail.clear();
            tail.extend(bounds.get(next..)?.iter().map(|bound| bound - start));
            total += (next - from) as u64;
            at += start as usize;
        }
    }

    /// Gives back the room that a piece of more than 64 kB took.
    fn shrink(&mut self) {
        const KEPT: usize = 1 << 16;
        for list in [&mut self.starts, &mut self.next, &mut self.before, &mut self.ranks] {
            list.shrink_to(KEPT);
        }
        self.heap.shrink_to(KEPT);
    }

    /// Merges a piece; how many parts remain.
    fn merge(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> u64 {
        if piece.len() <= SHORT { self.merge_short(vocabulary, piece) } else { self.merge_long(vocabulary, piece) }
    }

    fn merge_short(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> u64 {
        self.starts.clear();
        self.starts.extend(0..=piece.len() as u32);
        self.ranks.clear();
        self.ranks
            .extend(piece.iter().zip(piece.iter().skip(1)).map(|(first, second)| vocabulary.pair(*first, *second)));
        // `ranks[i]` is that of part `i` with the next; a part ends where the next starts, the last at the end.
        while let Some(least) = self.ranks.iter().min().copied().filter(|least| *least != NONE) {
            let Some(at) = self.ranks.iter().position(|rank| *rank == least) else { break };
            self.starts.remove(at + 1);
            self.ranks.remove(at);
            let start = |index: usize| self.starts.get(index).copied();
            let of_pair = |index: usize| match (start(index), start(index + 2)) {
                (Some(first), Some(end)) => rank_of(vocabulary, piece, first, end),
                _ => NONE,
            };
            let (left, here) = (at.checked_sub(1).map_or(NONE, of_pair), of_pair(at));
            if let Some(rank) = self.ranks.get_mut(at) {
                *rank = here;
            }
            if let Some(rank) = at.checked_sub(1).and_then(|before| self.ranks.get_mut(before)) {
                *rank = left;
            }
        }
        self.starts.len().saturating_sub(1) as u64
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
        let next = &self.next;
        let follow = |start: &u32| (*start < length).then(|| at(next, *start));
        self.starts.clear();
        self.starts.extend(std::iter::successors(Some(0), follow));
        self.starts.len().saturating_sub(1) as u64
    }

    /// The ids of the parts that the last merge of this piece left.
    fn ids(&self, vocabulary: &Vocabulary, piece: &[u8], ids: &mut Vec<u32>) {
        for (start, end) in self.starts.iter().zip(self.starts.iter().skip(1)) {
            ids.push(piece.get(*start as usize..*end as usize).map_or(NONE, |part| vocabulary.rank(part)));
        }
    }
}

/// The first token that two rows of boundaries share: how many tokens stand before it in each.
fn common(first: &[u32], second: &[u32]) -> Option<(usize, usize)> {
    let (mut left, mut right) = (0, 0);
    loop {
        let (a, b) = (first.get(left..)?, second.get(right..)?);
        match (a, b) {
            ([from, to, ..], [start, end, ..]) if from == start && to == end => return Some((left, right)),
            ([from, _, ..], [start, _, ..]) if from <= start => left += 1,
            ([_, _, ..], [_, _, ..]) => right += 1,
            _ => return None,
        }
    }
}

/// How many parts remain of a piece of at most 32 bytes. Each pair stands as its rank, above its place, so that the least of
/// all is the one to merge: the lowest rank, and of equal ranks the leftmost.
fn merge_tiny(vocabulary: &Vocabulary, piece: &[u8]) -> u64 {
    const PLACE: u32 = TINY as u32 - 1;
    let length = piece.len().min(TINY);
    let mut pairs = [NONE; TINY];
    // By first byte of a part, the first byte of the next and of the one before.
    let (mut next, mut before) = ([0_u8; TINY], [0_u8; TINY]);
    let packed = |rank: u32, place: usize| if rank == NONE { NONE } else { rank << 5 | place as u32 };
    for (place, slot) in next.iter_mut().enumerate() {
        *slot = place as u8 + 1;
    }
    for (place, slot) in before.iter_mut().enumerate() {
        *slot = (place as u8).saturating_sub(1);
    }
    for (place, (slot, two)) in pairs.iter_mut().zip(piece.windows(2)).enumerate() {
        if let [first, second] = *two {
            *slot = packed(vocabulary.pair(first, second), place);
        }
    }
    let follow = |list: &[u8; TINY], place: usize| usize::from(list.get(place & (TINY - 1)).copied().unwrap_or(0));
    let mut parts = length as u64;
    loop {
        let least = pairs.iter().take(length).fold(NONE, |least, pair| least.min(*pair));
        if least == NONE {
            return parts;
        }
        let place = (least & PLACE) as usize;
        let second = follow(&next, place);
        let end = follow(&next, second);
        parts -= 1;
        if let Some(slot) = next.get_mut(place) {
            *slot = end as u8;
        }
        if let Some(slot) = before.get_mut(end) {
            *slot = place as u8;
        }
        if let Some(slot) = pairs.get_mut(second) {
            *slot = NONE;
        }
        let after =
            if end < length { rank_of(vocabulary, piece, place as u32, follow(&next, end) as u32) } else { NONE };
        if let Some(slot) = pairs.get_mut(place) {
            *slot = packed(after, place);
        }
        if place > 0 {
            let left = follow(&before, place);
            let rank = rank_of(vocabulary, piece, left as u32, end as u32);
            if let Some(slot) = pairs.get_mut(left) {
                *slot = packed(rank, left);
            }
        }
    }
}

/// The rank of a part of a piece; none when it reaches beyond its end.
#[inline]
fn rank_of(vocabulary: &Vocabulary, piece: &[u8], start: u32, end: u32) -> u32 {
    piece.get(start as usize..end as usize).map_or(NONE, |part| vocabulary.rank_if_likely(part))
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
mod tests;
