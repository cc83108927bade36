//! The constants of `control`, each of them a setting.

/// How `control` reacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlSettings {
    /// The sliding window of the circuit breaker and of the retry budget, in milliseconds.
    pub window_ms: i64,
    /// Attempts in the window below which a breaker never opens.
    pub breaker_min_volume: u32,
    /// The share of failures at which a breaker opens, in thousandths.
    pub breaker_failure_permille: u32,
    /// How long a breaker stays open the first time; each failed probe doubles it, in milliseconds.
    pub breaker_open_ms: i64,
    /// The longest that a breaker stays open and that anything cools, in milliseconds.
    pub max_cooldown_ms: i64,
    /// Retries allowed for each thousand first attempts.
    pub retry_permille: u32,
    /// Retries allowed in each second whatever the traffic, in thousandths of a retry.
    pub retry_floor_millis_per_second: u32,
}

impl Default for ControlSettings {
    /// RELIABILITY section 6, promise 4: retries at most 20 % of traffic. The floor of one retry in two seconds lets a quiet
    /// process retry at all (tower's default is ten a second, made for far higher rates than model calls have). Volume and
    /// share follow the usual breaker defaults (Polly, resilience4j: 50 % of a minimum volume), with a small volume since
    /// model calls are few.
    fn default() -> Self {
        Self {
            window_ms: 10_000,
            breaker_min_volume: 5,
            breaker_failure_permille: 500,
            breaker_open_ms: 5_000,
            max_cooldown_ms: 600_000,
            retry_permille: 200,
            retry_floor_millis_per_second: 500,
        }
    }
}
