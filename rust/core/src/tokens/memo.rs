//! Costs of short pieces that were counted before, remembered while a thread counts.
//!
//! Promises: an answer is the cost that was put in under exactly these bytes and this tag (keys are compared whole, not by a
//! hash), so a count is the same with and without it. Refuses: bytes beyond fifteen, costs beyond fifteen.
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

/// A direct-mapped table: a new key takes the place of the one that hashes alike.
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
        assert_eq!(Key::new(text, 0, 16, 1), None);
        assert_eq!(Key::new(text, 0, 0, 1), None);
        assert_eq!(Key::new(text, 30, 10, 1), None);
    }
}
