//! How long a deployment takes just now: a moving average that jumps to every peak and forgets with time.
//!
//! The balancing of "peak EWMA with two choices" (Finagle, Linkerd): what got slow is felt at once, and what nobody asked for a
//! while is given another chance, as its average halves every [`HALF_LIFE_MS`]. Integers only, so that every platform agrees.

/// In this time an average that nothing adds to halves. Finagle's default; some ten calls of a second or so each.
const HALF_LIFE_MS: i64 = 10_000;

/// Times in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PeakEwma {
    value_us: u64,
    at_ms: i64,
}

impl PeakEwma {
    /// Takes a time that was seen.
    pub fn add(&mut self, ms: u32, now_ms: i64) {
        let sample_us = u64::from(ms).saturating_mul(1_000).max(1);
        let old_us = self.faded(now_ms);
        // What the old value lost by fading is what the new one gains, in its own share.
        self.value_us = if sample_us >= self.value_us {
            sample_us
        } else {
            let kept = self.value_us.max(1);
            old_us.saturating_add(mul_div(sample_us, kept.saturating_sub(old_us), kept))
        };
        self.at_ms = now_ms;
    }

    /// The average as it is by now; 0 when nothing was seen, or too long ago.
    pub fn faded(&self, now_ms: i64) -> u64 {
        let age_ms = now_ms.saturating_sub(self.at_ms).max(0);
        let halvings = u32::try_from(age_ms / HALF_LIFE_MS).unwrap_or(u32::MAX);
        let value = self.value_us.checked_shr(halvings).unwrap_or(0);
        // Straight between two halvings: at most 6% above the curve.
        let rest = u64::try_from(age_ms % HALF_LIFE_MS).unwrap_or(0);
        value.saturating_sub(mul_div(value, rest, 2 * HALF_LIFE_MS.unsigned_abs()))
    }
}

fn mul_div(value: u64, by: u64, of: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(by) / u128::from(of.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_count_at_once_and_fade() {
        let mut ewma = PeakEwma::default();
        assert_eq!(ewma.faded(5), 0);
        ewma.add(100, 0);
        ewma.add(900, 10);
        assert_eq!(ewma.faded(10), 900_000);
        ewma.add(100, 10);
        assert_eq!(ewma.faded(10), 900_000, "no time has passed");
        assert_eq!(ewma.faded(10_010), 450_000);
        assert_eq!(ewma.faded(15_010), 337_500);
        ewma.add(100, 10_010);
        assert_eq!(ewma.faded(10_010), 500_000, "half the old, half the new");
        assert_eq!(ewma.faded(i64::MAX), 0);
        assert_eq!(ewma.faded(0), 500_000, "a clock that goes back");
    }
}
