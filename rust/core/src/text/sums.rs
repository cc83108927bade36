//! Counting set bits without counting them one mask at a time: a Harley-Seal counter, a column for each place of each mask.
//!
//! Processors before 2009 count the bits of a word in a dozen operations, and so does portable code; adding three words bit
//! by bit takes five, for all the masks of a row in vectors. Eight rows are added before anything is counted.

use super::masks::MASKS;

/// Binary digits that are kept for each place: ones, twos and fours.
const DIGITS: usize = 3;

/// Sums of rows of masks.
pub(super) struct Sums {
    /// The digits of the sums.
    digits: [[u64; MASKS]; DIGITS],
    /// For each digit, what waits for a second of its kind, when a bit of `rows` says that something does.
    waiting: [[u64; MASKS]; DIGITS],
    rows: usize,
    /// The row that has its first digit to be added to: every other one.
    second: [u64; MASKS],
    counts: [u64; MASKS],
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            digits: [[0; MASKS]; DIGITS],
            waiting: [[0; MASKS]; DIGITS],
            rows: 0,
            second: [0; MASKS],
            counts: [0; MASKS],
        }
    }
}

impl Sums {
    /// Where the next row belongs.
    pub(super) fn next(&mut self) -> &mut [u64; MASKS] {
        let [first, ..] = &mut self.waiting;
        if self.rows & 1 == 0 { first } else { &mut self.second }
    }

    /// Adds the row that was put there.
    pub(super) fn add(&mut self) {
        let rows = self.rows;
        self.rows += 1;
        let carry = &mut self.second;
        for (level, (digit, waiting)) in self.digits.iter_mut().zip(&mut self.waiting).enumerate() {
            if rows >> level & 1 == 0 {
                if level > 0 {
                    *waiting = *carry;
                }
                return;
            }
            for ((digit, waiting), carry) in digit.iter_mut().zip(waiting).zip(carry.iter_mut()) {
                (*digit, *carry) = add_bits(*digit, *waiting, *carry);
            }
        }
        count(carry, 1 << DIGITS, &mut self.counts);
    }

    /// How often each mask of the rows was set; from here on nothing was.
    pub(super) fn take(&mut self) -> [u64; MASKS] {
        let rows = std::mem::take(&mut self.rows);
        let mut counts = std::mem::replace(&mut self.counts, [0; MASKS]);
        for (level, (digit, waiting)) in self.digits.iter_mut().zip(&self.waiting).enumerate() {
            if rows >> level & 1 == 1 {
                count(waiting, 1 << level, &mut counts);
            }
            // Nothing is in a digit before two of its kind met.
            if rows >> level > 1 {
                count(digit, 1 << level, &mut counts);
                *digit = [0; MASKS];
            }
        }
        counts
    }
}

fn count(masks: &[u64; MASKS], weight: u64, counts: &mut [u64; MASKS]) {
    for (count, mask) in counts.iter_mut().zip(masks) {
        *count += weight * u64::from(mask.count_ones());
    }
}

/// The sum of three bits at each place: its lower and its upper digit.
#[inline]
const fn add_bits(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, a & b | half & c)
}
