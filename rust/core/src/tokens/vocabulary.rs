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
    /// Tokens of 3 to 8 bytes: the bytes themselves, then length and rank. One look in memory tells all.
    short: Vec<(u64, u32)>,
    /// Longer tokens: bits of the hash in the upper half, the rank in the lower, or `NONE` in a free slot.
    long: Vec<u64>,
    /// A bit for each of them by hash, 256 kB: most of what merging asks for is no token, and this answers from nearby.
    filter: Vec<u64>,
    /// Ranks of all pairs of bytes.
    pairs: Vec<u32>,
    /// Ranks of single bytes.
    singles: Vec<u32>,
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
        let shorts = lengths.iter().filter(|length| (3..=8).contains(*length)).count();
        let longs = lengths.iter().filter(|length| **length > 8).count();
        let mut vocabulary = Self {
            bytes: bytes.to_vec(),
            starts: Vec::with_capacity(count + 1),
            short: vec![(0, NONE); (shorts * 3 / 2 + 2).next_power_of_two()],
            long: vec![u64::from(NONE); (longs * 2 + 2).next_power_of_two()],
            filter: vec![0; 1 << (FILTER_BITS - 6)],
            pairs: vec![NONE; 1 << 16],
            singles: vec![NONE; 1 << 8],
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
        match *token {
            [] => {}
            [byte] => *self.singles.get_mut(usize::from(byte))? = rank,
            [first, second] => *self.pairs.get_mut(usize::from(first) << 8 | usize::from(second))? = rank,
            _ if token.len() <= 8 => {
                let (key, packed) = (key(token), pack(token.len(), rank));
                let hash = mix(0, key);
                let place = filter_place(hash);
                *self.filter.get_mut(place >> 6)? |= 1 << (place & 63);
                let mut at = home(hash, self.short.len());
                while self.short.get(at)?.1 != NONE {
                    at = (at + 1) & (self.short.len() - 1);
                }
                *self.short.get_mut(at)? = (key, packed);
            }
            _ => {
                let hash = hash(token);
                let mut at = home(hash, self.long.len());
                while *self.long.get(at)? as u32 != NONE {
                    at = (at + 1) & (self.long.len() - 1);
                }
                *self.long.get_mut(at)? = hash & TAG | u64::from(rank);
            }
        }
        Some(())
    }

    /// All tokens by rank.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &[u8]> {
        (0..).map_while(|rank| self.token(rank))
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
        match *token {
            [] => NONE,
            [byte] => self.singles.get(usize::from(byte)).copied().unwrap_or(NONE),
            [first, second] => self.pair(first, second),
            _ if token.len() <= 8 => {
                let key = key(token);
                let mut at = home(mix(0, key), self.short.len());
                while let Some((found, packed)) = self.short.get(at)
                    && *packed != NONE
                {
                    if *found == key && pack(token.len(), 0) == packed & LENGTH {
                        return packed & !LENGTH;
                    }
                    at = (at + 1) & (self.short.len() - 1);
                }
                NONE
            }
            _ => self.rank_of_long(token),
        }
    }

    /// The same, quicker where the answer is likely no.
    #[inline]
    pub(super) fn rank_if_likely(&self, token: &[u8]) -> u32 {
        if (3..=8).contains(&token.len()) {
            let place = filter_place(mix(0, key(token)));
            if self.filter.get(place >> 6).is_some_and(|word| word >> (place & 63) & 1 == 0) {
                return NONE;
            }
        }
        self.rank(token)
    }

    /// The rank of two bytes.
    #[inline]
    pub(super) fn pair(&self, first: u8, second: u8) -> u32 {
        self.pairs.get(usize::from(first) << 8 | usize::from(second)).copied().unwrap_or(NONE)
    }

    fn rank_of_long(&self, token: &[u8]) -> u32 {
        if token.len() > self.longest {
            return NONE;
        }
        let hash = hash(token);
        let mut at = home(hash, self.long.len());
        while let Some(slot) = self.long.get(at) {
            let rank = *slot as u32;
            if rank == NONE {
                return NONE;
            }
            if slot & TAG == hash & TAG && self.token(rank) == Some(token) {
                return rank;
            }
            at = (at + 1) & (self.long.len() - 1);
        }
        NONE
    }
}

/// Of a packed entry, the bits of the length; ranks stay below them.
const LENGTH: u32 = 0xFF00_0000;

#[inline]
fn pack(length: usize, rank: u32) -> u32 {
    (length as u32) << 24 | rank
}

/// Bits of the filter.
const FILTER_BITS: u32 = 21;

#[inline]
fn filter_place(hash: u64) -> usize {
    (hash >> (64 - FILTER_BITS)) as usize
}

#[inline]
fn home(hash: u64, slots: usize) -> usize {
    hash as usize & (slots - 1)
}

/// Three to eight bytes as a number. With the length it is the bytes themselves.
#[inline]
fn key(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let shift = 8 * (bytes.len() - 4);
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << shift;
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The bits of a slot that hold a part of the hash.
const TAG: u64 = 0xFFFF_FFFF_0000_0000;

/// Multiplies and folds.
#[inline]
fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * 0x9E37_79B9_7F4A_7C15;
    product as u64 ^ (product >> 64) as u64
}

/// A hash of more than eight bytes, eight at a time; the last eight may overlap those before.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let last = bytes.last_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
    words.iter().fold(mix(bytes.len() as u64, last), |state, word| mix(state, u64::from_le_bytes(*word)))
}
