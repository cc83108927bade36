//! A vocabulary: bytes to rank. Unpacked once, then looked up in an open table without a byte of `unsafe`.
#![allow(clippy::cast_possible_truncation, reason = "the halves of a slot and of a product are taken apart on purpose")]

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// No rank: the bytes are no token.
pub(super) const NONE: u32 = u32::MAX;

/// A byte-level vocabulary.
pub(super) struct Vocabulary {
    /// All tokens, one behind the other, by rank.
    bytes: Vec<u8>,
    /// Where each begins; one more entry than tokens.
    starts: Vec<u32>,
    /// Upper half: bits of the hash; lower half: the rank, or `NONE` in a free slot.
    slots: Vec<u64>,
    /// Ranks of all pairs of bytes.
    pairs: Vec<u32>,
    longest: usize,
}

impl Vocabulary {
    /// Unpacks a file of `data/vocab` (its form is described in `scripts/build_vocab.py`). `None` when it is damaged.
    pub(super) fn unpack(packed: &[u8]) -> Option<Self> {
        let (size, deflated) = packed.split_first_chunk::<4>()?;
        let plain = decompress_to_vec_with_limit(deflated, u32::from_le_bytes(*size) as usize).ok()?;
        let (count, rest) = plain.split_first_chunk::<4>()?;
        let count = u32::from_le_bytes(*count) as usize;
        let (lengths, bytes) = rest.split_at_checked(count)?;
        let mut vocabulary = Self {
            bytes: bytes.to_vec(),
            starts: Vec::with_capacity(count + 1),
            slots: vec![u64::from(NONE); (count * 2).next_power_of_two()],
            pairs: vec![NONE; 1 << 16],
            longest: lengths.iter().copied().max().map_or(0, usize::from),
        };
        vocabulary.starts.push(0);
        let mut end = 0;
        for length in lengths {
            end += u32::from(*length);
            vocabulary.starts.push(end);
        }
        for rank in 0..u32::try_from(count).ok()? {
            vocabulary.insert(rank)?;
        }
        Some(vocabulary)
    }

    fn insert(&mut self, rank: u32) -> Option<()> {
        let token = self.token(rank)?;
        if let [first, second] = token {
            let pair = usize::from(*first) << 8 | usize::from(*second);
            *self.pairs.get_mut(pair)? = rank;
        }
        let token = self.token(rank)?;
        let hash = hash(token);
        let mut at = self.home(hash);
        while *self.slots.get(at)? as u32 != NONE {
            at = (at + 1) & (self.slots.len() - 1);
        }
        *self.slots.get_mut(at)? = hash & TAG | u64::from(rank);
        Some(())
    }

    /// The bytes of a token.
    pub(super) fn token(&self, rank: u32) -> Option<&[u8]> {
        let start = *self.starts.get(rank as usize)? as usize;
        let end = *self.starts.get(rank as usize + 1)? as usize;
        self.bytes.get(start..end)
    }

    /// The rank of a token, or `NONE`.
    #[inline]
    pub(super) fn rank(&self, token: &[u8]) -> u32 {
        if let [first, second] = token {
            return self.pairs.get(usize::from(*first) << 8 | usize::from(*second)).copied().unwrap_or(NONE);
        }
        if token.len() > self.longest {
            return NONE;
        }
        let hash = hash(token);
        let mut at = self.home(hash);
        while let Some(slot) = self.slots.get(at) {
            let rank = *slot as u32;
            if rank == NONE {
                return NONE;
            }
            if slot & TAG == hash & TAG && self.token(rank) == Some(token) {
                return rank;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        NONE
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }
}

/// The bits of a slot that hold a part of the hash.
const TAG: u64 = 0xFFFF_FFFF_0000_0000;

/// A hash of few bytes: multiply and fold, eight bytes at a time.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(ODD);
        product as u64 ^ (product >> 64) as u64
    };
    let (words, tail) = bytes.as_chunks::<8>();
    let mut state = bytes.len() as u64 ^ 0xA076_1D64_78BD_642F;
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    mix(state, tail.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
}
