//! The retry budget of the process: retries are a share of first attempts, and at least a small floor.

use super::ControlSettings;
use super::window::Window;

/// Counts first attempts and retries over a sliding window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetryBudget {
    /// First attempts and retries.
    window: Window,
    clock_ms: i64,
}

impl RetryBudget {
    /// Notes the first attempt of a call.
    pub fn on_first_attempt(&mut self, now_ms: i64, settings: &ControlSettings) {
        self.clock_ms = self.clock_ms.max(now_ms);
        self.window.add(self.clock_ms, settings.window_ms, 1, 0);
    }

    /// Whether one more retry fits into the window that ends now; if so, it is spent. One that is `doubtful`, because its
    /// target is known to fail, gets half of the share: in an outage of everything extra attempts only add load.
    pub fn may_retry(&mut self, now_ms: i64, doubtful: bool, settings: &ControlSettings) -> bool {
        self.clock_ms = self.clock_ms.max(now_ms);
        let (firsts, retries) = self.window.sums(self.clock_ms, settings.window_ms);
        let floor_millis = i128::from(settings.retry_floor_millis_per_second) * i128::from(settings.window_ms) / 1_000;
        let permille = i128::from(settings.retry_permille) / if doubtful { 2 } else { 1 };
        let allowed_millis = (i128::from(firsts) * permille).max(floor_millis);
        let fits = (i128::from(retries) + 1) * 1_000 <= allowed_millis;
        if fits {
            self.window.add(self.clock_ms, settings.window_ms, 0, 1);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_and_the_share() {
        let settings = ControlSettings::default();
        let mut budget = RetryBudget::default();
        let spent = (0..100).filter(|_| budget.may_retry(0, false, &settings)).count();
        assert_eq!(spent, 5, "half a retry a second for ten seconds");
        for _ in 0..100 {
            budget.on_first_attempt(0, &settings);
        }
        let spent = (0..100).filter(|_| budget.may_retry(0, true, &settings)).count();
        assert_eq!(spent, 5, "a tenth of a hundred, with those before");
        let spent = (0..100).filter(|_| budget.may_retry(0, false, &settings)).count();
        assert_eq!(spent, 10, "a fifth of a hundred, with those before");
        assert!(!budget.may_retry(9_999, false, &settings));
        assert!(budget.may_retry(10_000, false, &settings), "the window is over");
        assert!(budget.may_retry(0, false, &settings), "a clock that goes back is held still");
    }
}
