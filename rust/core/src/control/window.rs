//! Two counters over a sliding window of fixed buckets.

/// The buckets of a window: the sum is over the last nine whole buckets and the current one.
pub(super) const BUCKETS: usize = 10;

/// Counts of two kinds of things in the recent past.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Window {
    /// The number of the bucket's time slice, and the two counts.
    buckets: [(i64, u32, u32); BUCKETS],
}

impl Window {
    /// The time slice that `now_ms` falls into; a slice is a tenth of the window.
    fn slice(now_ms: i64, window_ms: i64) -> i64 {
        now_ms.div_euclid((window_ms / 10).max(1))
    }

    /// Adds to the two counts.
    pub fn add(&mut self, now_ms: i64, window_ms: i64, first: u32, second: u32) {
        let slice = Self::slice(now_ms, window_ms);
        let place = usize::try_from(slice.rem_euclid(10)).unwrap_or(0);
        if let Some(bucket) = self.buckets.get_mut(place) {
            if bucket.0 != slice {
                *bucket = (slice, 0, 0);
            }
            bucket.1 = bucket.1.saturating_add(first);
            bucket.2 = bucket.2.saturating_add(second);
        }
    }

    /// The two counts in the window that ends now.
    pub fn sums(&self, now_ms: i64, window_ms: i64) -> (u64, u64) {
        let slice = Self::slice(now_ms, window_ms);
        let recent = self.buckets.iter().filter(|bucket| bucket.0 <= slice && slice.saturating_sub(bucket.0) < 10);
        recent.fold((0, 0), |(first, second), bucket| (first + u64::from(bucket.1), second + u64::from(bucket.2)))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_leave_after_the_window() {
        let mut window = Window::default();
        window.add(50, 1_000, 1, 0);
        window.add(950, 1_000, 1, 2);
        assert_eq!(window.sums(950, 1_000), (2, 2));
        assert_eq!(window.sums(1_000, 1_000), (1, 2));
        assert_eq!(window.sums(1_899, 1_000), (1, 2));
        assert_eq!(window.sums(1_900, 1_000), (0, 0));
        window.add(1_900, 1_000, 5, 0);
        assert_eq!(window.sums(1_900, 1_000), (5, 0));
    }

    #[test]
    fn any_time_and_any_window_work() {
        let mut window = Window::default();
        for now_ms in [i64::MIN, -1, 0, i64::MAX] {
            for window_ms in [i64::MIN, -1, 0, 1, i64::MAX] {
                window.add(now_ms, window_ms, u32::MAX, u32::MAX);
                let _ = window.sums(now_ms, window_ms);
            }
        }
    }
}
