//! The circuit breaker of one deployment.

use super::ControlSettings;
use super::window::Window;

/// What a breaker says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Attempts go through.
    Closed,
    /// Too many attempts failed; others go first until then.
    Open {
        /// Unix milliseconds.
        until_ms: i64,
    },
    /// The time is over; the next attempt is the probe that decides.
    HalfOpen,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct BreakerState {
    /// Successes and failures.
    window: Window,
    /// Set while the breaker is not closed.
    open_until_ms: Option<i64>,
    /// How often it opened without a success between.
    times_opened: u32,
    /// When the probe of the half-open breaker started.
    probe_since_ms: Option<i64>,
}

impl BreakerState {
    pub fn view(&self, now_ms: i64) -> Breaker {
        match self.open_until_ms {
            None => Breaker::Closed,
            Some(until_ms) if now_ms < until_ms => Breaker::Open { until_ms },
            Some(_) => Breaker::HalfOpen,
        }
    }

    /// Whether a probe is under way; one that never ends stops counting after the time of an opening.
    pub fn is_probing(&self, now_ms: i64, settings: &ControlSettings) -> bool {
        self.view(now_ms) == Breaker::HalfOpen
            && self.probe_since_ms.is_some_and(|since| now_ms.saturating_sub(since) < settings.breaker_open_ms)
    }

    pub fn on_start(&mut self, now_ms: i64) {
        if self.view(now_ms) == Breaker::HalfOpen {
            self.probe_since_ms = Some(now_ms);
        }
    }

    /// What ended without counting either way (a cancelled call, a bad request) frees the probe's place.
    pub fn on_neutral(&mut self) {
        self.probe_since_ms = None;
    }

    pub fn on_success(&mut self, now_ms: i64, settings: &ControlSettings) {
        match self.view(now_ms) {
            Breaker::HalfOpen => *self = Self::default(),
            // A late answer of an attempt from before the opening proves nothing about now.
            Breaker::Open { .. } => {}
            Breaker::Closed => self.window.add(now_ms, settings.window_ms, 1, 0),
        }
    }

    pub fn on_failure(&mut self, now_ms: i64, settings: &ControlSettings) {
        match self.view(now_ms) {
            Breaker::HalfOpen => self.open(now_ms, settings),
            Breaker::Open { .. } => {}
            Breaker::Closed => {
                self.window.add(now_ms, settings.window_ms, 0, 1);
                let (successes, failures) = self.window.sums(now_ms, settings.window_ms);
                let volume = successes + failures;
                if volume >= u64::from(settings.breaker_min_volume)
                    && failures * 1_000 >= volume * u64::from(settings.breaker_failure_permille)
                {
                    self.open(now_ms, settings);
                }
            }
        }
    }

    fn open(&mut self, now_ms: i64, settings: &ControlSettings) {
        let doublings = self.times_opened.min(30);
        let open_ms = settings.breaker_open_ms.max(0).saturating_mul(1_i64 << doublings);
        self.open_until_ms = Some(now_ms.saturating_add(open_ms.min(settings.max_cooldown_ms.max(0))));
        self.times_opened = self.times_opened.saturating_add(1);
        self.probe_since_ms = None;
        self.window.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: fn() -> ControlSettings = ControlSettings::default;

    fn failing(times: u32, now_ms: i64) -> BreakerState {
        let mut state = BreakerState::default();
        for _ in 0..times {
            state.on_failure(now_ms, &SETTINGS());
        }
        state
    }

    #[test]
    fn opens_at_the_share_once_there_is_volume() {
        assert_eq!(failing(4, 0).view(0), Breaker::Closed);
        assert_eq!(failing(5, 0).view(0), Breaker::Open { until_ms: 5_000 });
        let mut state = BreakerState::default();
        for at in 0..6 {
            state.on_success(at, &SETTINGS());
        }
        for at in 6..11 {
            state.on_failure(at, &SETTINGS());
        }
        assert_eq!(state.view(11), Breaker::Closed, "five of eleven are less than half");
        state.on_failure(11, &SETTINGS());
        assert_eq!(state.view(11), Breaker::Open { until_ms: 5_011 });
    }

    #[test]
    fn old_failures_do_not_count() {
        let mut state = failing(4, 0);
        state.on_failure(10_000, &SETTINGS());
        assert_eq!(state.view(10_000), Breaker::Closed);
    }

    #[test]
    fn a_probe_decides() {
        let mut state = failing(5, 0);
        state.on_success(100, &SETTINGS());
        assert_eq!(state.view(4_999), Breaker::Open { until_ms: 5_000 }, "a late answer changes nothing");
        assert_eq!(state.view(5_000), Breaker::HalfOpen);
        assert!(!state.is_probing(5_000, &SETTINGS()));
        state.on_start(5_000);
        assert!(state.is_probing(5_001, &SETTINGS()));
        assert!(!state.is_probing(10_000, &SETTINGS()), "a probe that never ends is given up");
        state.on_failure(5_100, &SETTINGS());
        assert_eq!(state.view(5_100), Breaker::Open { until_ms: 15_100 }, "twice as long");
        state.on_start(15_100);
        state.on_neutral();
        assert!(!state.is_probing(15_101, &SETTINGS()));
        state.on_success(15_200, &SETTINGS());
        assert_eq!(state, BreakerState::default());
    }

    #[test]
    fn it_never_stays_open_beyond_the_ceiling() {
        let mut state = failing(5, 0);
        let mut now_ms = 0;
        for _ in 0..100 {
            if let Breaker::Open { until_ms } = state.view(now_ms) {
                assert!(until_ms - now_ms <= 600_000);
                now_ms = until_ms;
            }
            state.on_failure(now_ms, &SETTINGS());
        }
    }
}
