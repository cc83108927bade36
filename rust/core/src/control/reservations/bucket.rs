//! A bucket that fills evenly: the generic cell rate algorithm, for any amount.
//!
//! It keeps one number, the moment at which it will be full. Time is in milliseconds times the limit, so that every amount
//! is a whole number of it and nothing is rounded.

use super::claim::Why;

/// A bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bucket {
    full_at: i128,
    limit: i64,
}

impl Bucket {
    /// Why an amount cannot be taken, and when it could.
    pub fn denies(&self, limit: i64, refill_ms: i64, amount: i64, mono_ms: i64) -> Option<(Why, Option<i64>)> {
        if amount > limit {
            return Some((Why::TooLarge, None));
        }
        let now = i128::from(mono_ms) * i128::from(limit);
        let after = self.at(limit, mono_ms) + i128::from(amount) * i128::from(refill_ms);
        let over = after - now - i128::from(limit) * i128::from(refill_ms);
        if over <= 0 {
            return None;
        }
        let wait_ms = (over + i128::from(limit.max(1)) - 1) / i128::from(limit.max(1));
        Some((Why::Spent, Some(i64::try_from(wait_ms).unwrap_or(i64::MAX))))
    }

    /// Takes an amount, whether there is room or not.
    pub fn take(&mut self, limit: i64, refill_ms: i64, amount: i64, mono_ms: i64) {
        self.full_at = self.at(limit, mono_ms) + i128::from(amount) * i128::from(refill_ms);
        self.limit = limit;
    }

    /// Puts back an amount that was taken at `taken_ms`: as much of it as has not come back by itself since. More would let
    /// a bucket hold what it never held had less been taken.
    pub fn refund(&mut self, limit: i64, refill_ms: i64, amount: i64, taken_ms: i64, mono_ms: i64) {
        let elapsed_ms = mono_ms.saturating_sub(taken_ms).max(0);
        let back = i128::from(amount) * i128::from(refill_ms) - i128::from(elapsed_ms) * i128::from(limit);
        self.full_at = self.at(limit, mono_ms) - back.max(0);
        self.limit = limit;
    }

    /// What is missing to a full bucket, rounded up.
    pub fn used(&self, limit: i64, refill_ms: i64, mono_ms: i64) -> i64 {
        let refill_ms = i128::from(refill_ms.max(1));
        let missing = self.at(limit, mono_ms) - i128::from(mono_ms) * i128::from(limit);
        i64::try_from((missing + refill_ms - 1) / refill_ms).unwrap_or(i64::MAX)
    }

    /// Whether it is full, and so as good as new.
    pub fn is_full(&self, mono_ms: i64) -> bool {
        self.full_at <= i128::from(mono_ms) * i128::from(self.limit)
    }

    /// When it is full, not before now, in the measure of a limit. A limit that changed keeps the time that is missing.
    fn at(&self, limit: i64, mono_ms: i64) -> i128 {
        let now = i128::from(mono_ms) * i128::from(limit);
        if self.limit == limit || self.limit <= 0 {
            return self.full_at.max(now);
        }
        let missing = (self.full_at - i128::from(mono_ms) * i128::from(self.limit)).max(0);
        now + (missing * i128::from(limit)).div_euclid(i128::from(self.limit))
    }
}
