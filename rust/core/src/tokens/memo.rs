//! Costs of short pieces that were counted before, remembered while a thread counts.
//!
//! Promises: an answer is the cost that was put in under exactly these bytes and this tag (keys are compared whole, not by a
//! hash), so a count is the same with and without it. Refuses: bytes beyond thirty, costs beyond fifteen.
#![allow(clippy::cast_possible_truncation, reason = "halves of a key and bits of a hash are taken apart on purpose")]

/// The most bytes that a key holds.
pub(super) const LONGEST: usize = 15;

/// Of a slot, the bits of the cost.
const COST: u128 = 0x0F << 120;

/// Fifteen bytes, above them a tag (4 bits) and room for the cost (4 bits). Never 0, so that a free slot answers to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u128);

impl Key {
    /// The key of `length` bytes at `start`; none when they are none or too many. The tag is at most fifteen, and not 0.
    #[inline]
    pub(super) fn new(text: &[u8], start: usize, length: usize, tag: u8) -> Option<Self> {
        if length.wrapping_sub(1) >= LONGEST {
            return None;
        }
        let tail = text.get(start..)?;
        // Sixteen bytes at once wherever the text goes on that far.
        let bytes = match tail.first_chunk::<16>() {
            Some(chunk) => u128::from_le_bytes(*chunk) & (u128::MAX >> (128 - 8 * length)),
            None => tail.get(..length)?.iter().rev().fold(0, |word, byte| word << 8 | u128::from(*byte)),
        };
        Some(Self(bytes | u128::from(tag) << 124))
    }
}

/// A direct-mapped table of short keys: a new key takes the place of the one that hashes alike.
pub(super) struct Memo {
    slots: Box<[u128]>,
    shift: u32,
}

impl Memo {
    /// A table of 2 to the power of `bits` slots of 16 bytes.
    pub(super) fn new(bits: u32) -> Self {
        Self { slots: vec![0; 1 << bits].into_boxed_slice(), shift: 64 - bits }
    }

    #[inline]
    fn home(&self, key: Key) -> usize {
        let (low, high) = (key.0 as u64, (key.0 >> 64) as u64);
        let mixed =
            (low ^ high.rotate_left(29).wrapping_mul(0xD6E8_FEB8_6659_FD93)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> self.shift) as usize
    }

    /// The cost put in under this key, or none.
    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<u64> {
        let slot = *self.slots.get(self.home(key))?;
        (slot & !COST == key.0).then_some((slot >> 120) as u64 & 0x0F)
    }

    /// Puts a cost in.
    #[inline]
    pub(super) fn put(&mut self, key: Key, cost: u64) {
        let home = self.home(key);
        if cost < 16
            && let Some(slot) = self.slots.get_mut(home)
        {
            *slot = key.0 | u128::from(cost) << 120;
        }
    }
}

/// Sixteen to thirty bytes, above them a tag by the length and room for the cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LongKey(u128, u128);

impl LongKey {
    /// The key of a piece; none when it is shorter or longer.
    #[inline]
    pub(super) fn new(piece: &[u8]) -> Option<Self> {
        let (low, _) = piece.split_first_chunk::<16>()?;
        if piece.len() > 30 {
            return None;
        }
        // The last sixteen bytes, those that stand in `low` shifted out.
        let last = u128::from_le_bytes(*piece.last_chunk::<16>()?);
        let rest = piece.len() - 16;
        let high = if rest == 0 { 0 } else { last >> (8 * (16 - rest)) };
        Some(Self(u128::from_le_bytes(*low), high | (rest as u128 + 1) << 124))
    }
}

/// A direct-mapped table of longer keys.
pub(super) struct LongMemo {
    slots: Box<[(u128, u128)]>,
    shift: u32,
}

impl LongMemo {
    /// A table of 2 to the power of `bits` slots of 32 bytes.
    pub(super) fn new(bits: u32) -> Self {
        Self { slots: vec![(0, 0); 1 << bits].into_boxed_slice(), shift: 64 - bits }
    }

    #[inline]
    fn home(&self, key: LongKey) -> usize {
        let words = [key.0 as u64, (key.0 >> 64) as u64, key.1 as u64, (key.1 >> 64) as u64];
        let mixed = words.iter().fold(0_u64, |state, word| {
            let state = (state ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            state ^ state >> 31
        });
        (mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9) >> self.shift) as usize
    }

    /// The cost put in under this key, or none.
    #[inline]
    pub(super) fn get(&self, key: LongKey) -> Option<u64> {
        let slot = *self.slots.get(self.home(key))?;
        (slot.0 == key.0 && slot.1 & !COST == key.1).then_some((slot.1 >> 120) as u64 & 0x0F)
    }

    /// Puts a cost in; one above fifteen is not kept.
    #[inline]
    pub(super) fn put(&mut self, key: LongKey, cost: u64) {
        let home = self.home(key);
        if cost < 16
            && let Some(slot) = self.slots.get_mut(home)
        {
            *slot = (key.0, key.1 | u128::from(cost) << 120);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_only_for_the_very_bytes_and_tag() {
        let mut memo = Memo::new(2);
        let text = b"alphabet and more than sixteen bytes";
        let key = |start, length, tag| Key::new(text, start, length, tag).unwrap();
        assert_eq!(memo.get(key(0, 5, 1)), None);
        memo.put(key(0, 5, 1), 7);
        assert_eq!(memo.get(key(0, 5, 1)), Some(7));
        assert_eq!(memo.get(key(0, 5, 2)), None);
        assert_eq!(memo.get(key(0, 4, 1)), None);
        // The same bytes at the end of a text, where sixteen cannot be read.
        assert_eq!(memo.get(Key::new(b"alpha", 0, 5, 1).unwrap()), Some(7));
        memo.put(key(0, 6, 1), 16);
        assert_eq!(memo.get(key(0, 6, 1)), None);
        // Two kilobytes of keys through four slots: an answer is always right.
        for start in 0..20 {
            for length in 1..=LONGEST {
                memo.put(key(start, length, 3), length as u64);
                assert_eq!(memo.get(key(start, length, 3)), Some(length as u64));
            }
        }
        let long = |start, length| LongKey::new(&text[start..start + length]).unwrap();
        let mut memo = LongMemo::new(2);
        for start in 0..5 {
            for length in 16..=30 {
                assert_eq!(memo.get(long(start, length)), None);
                memo.put(long(start, length), length as u64 / 3);
                assert_eq!(memo.get(long(start, length)), Some(length as u64 / 3));
            }
        }
        assert_ne!(LongKey::new(&[0; 16]), LongKey::new(&[0; 17]));
        assert_eq!((LongKey::new(&[1; 15]), LongKey::new(&[1; 31])), (None, None));
        assert_eq!(Key::new(text, 0, 16, 1), None);
        assert_eq!(Key::new(text, 0, 0, 1), None);
        assert_eq!(Key::new(text, 30, 10, 1), None);
    }
}
