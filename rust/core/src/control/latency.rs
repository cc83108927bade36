//! Time to first token of one deployment, in a small histogram of fixed buckets.

/// Quantiles of the time to first token, in milliseconds; each is the upper bound of its bucket, at most a quarter too high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyQuantiles {
    /// The median.
    pub ttft_p50_ms: u32,
    /// The 95th percentile.
    pub ttft_p95_ms: u32,
}

/// Upper bounds in steps of about a quarter, from 10 ms to 10 minutes.
const BOUNDS_MS: [u32; 51] = [
    10, 12, 15, 19, 24, 30, 37, 46, 58, 72, 90, 112, 140, 175, 219, 274, 342, 428, 535, 669, 836, 1_045, 1_306, 1_633,
    2_041, 2_551, 3_189, 3_986, 4_983, 6_229, 7_786, 9_733, 12_166, 15_208, 19_010, 23_763, 29_704, 37_130, 46_413,
    58_016, 72_520, 90_650, 113_313, 141_641, 177_051, 221_314, 276_643, 345_804, 432_255, 540_319, 675_399,
];

/// At this many observations all counts are halved, so that the last few hundred weigh most.
const HALVE_AT: u32 = 512;

/// Fewer observations say nothing about a tail.
const MIN_OBSERVATIONS: u32 = 20;
/// A call is slow at five times the median of its deployment: p95 is two to three times it on a usual day, and a
/// brown-out is ten times (RELIABILITY F17).
const SLOW_TIMES: u32 = 5;
/// Nothing below a second is slow, whatever is usual: nobody waits for it.
const SLOW_FROM_MS: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Histogram {
    counts: [u16; BOUNDS_MS.len()],
    total: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BOUNDS_MS.len()], total: 0 }
    }
}

impl Histogram {
    pub fn add(&mut self, ttft_ms: u32) {
        let place = BOUNDS_MS.partition_point(|bound| *bound < ttft_ms).min(BOUNDS_MS.len() - 1);
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        self.total = self.total.saturating_add(1);
        if self.total >= HALVE_AT {
            for count in &mut self.counts {
                *count /= 2;
            }
            self.total = self.counts.iter().map(|count| u32::from(*count)).sum();
        }
    }

    pub fn quantiles(&self) -> Option<LatencyQuantiles> {
        Some(LatencyQuantiles { ttft_p50_ms: self.quantile(50)?, ttft_p95_ms: self.quantile(95)? })
    }

    /// The bound that `percent` of the observations are within; nothing while there are too few to say.
    pub fn percentile(&self, percent: u32) -> Option<u32> {
        if self.total < MIN_OBSERVATIONS { None } else { self.quantile(percent.min(100)) }
    }

    /// Whether an observation is far beyond what is usual here.
    pub fn is_slow(&self, ms: u32) -> bool {
        ms >= SLOW_FROM_MS && self.percentile(50).is_some_and(|usual_ms| ms / SLOW_TIMES >= usual_ms)
    }

    /// The smallest bound that at least `percent` of the observations are within.
    fn quantile(&self, percent: u32) -> Option<u32> {
        let wanted = (self.total * percent).div_ceil(100).max(1);
        let mut sum = 0;
        self.counts.iter().zip(BOUNDS_MS).find_map(|(count, bound)| {
            sum += u32::from(*count);
            (sum >= wanted).then_some(bound)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_grow_by_about_a_quarter() {
        for pair in BOUNDS_MS.windows(2) {
            let growth = f64::from(pair[1]) / f64::from(pair[0]);
            assert!((1.19..1.28).contains(&growth), "{pair:?}");
        }
    }

    #[test]
    fn quantiles_are_bounds_of_the_right_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantiles(), None);
        for ttft_ms in 1..=100 {
            histogram.add(ttft_ms * 10);
        }
        assert_eq!(histogram.quantiles(), Some(LatencyQuantiles { ttft_p50_ms: 535, ttft_p95_ms: 1_045 }));
        let mut histogram = Histogram::default();
        histogram.add(u32::MAX);
        histogram.add(0);
        assert_eq!(histogram.quantiles(), Some(LatencyQuantiles { ttft_p50_ms: 10, ttft_p95_ms: 675_399 }));
    }

    #[test]
    fn slow_is_far_beyond_the_usual_and_needs_a_past() {
        let mut histogram = Histogram::default();
        for _ in 0..19 {
            assert!(!histogram.is_slow(u32::MAX));
            histogram.add(290);
        }
        assert_eq!(histogram.percentile(95), None);
        histogram.add(290);
        assert_eq!(histogram.percentile(95), Some(342));
        assert!(!histogram.is_slow(1_709) && histogram.is_slow(1_710));
        let mut quick = Histogram::default();
        for _ in 0..20 {
            quick.add(10);
        }
        assert!(!quick.is_slow(999) && quick.is_slow(1_000));
    }

    #[test]
    fn the_past_fades() {
        let mut histogram = Histogram::default();
        for _ in 0..10_000 {
            histogram.add(10_000);
        }
        for _ in 0..600 {
            histogram.add(100);
        }
        assert_eq!(histogram.quantiles().map(|q| q.ttft_p50_ms), Some(112));
        assert!(histogram.total < HALVE_AT);
    }
}
