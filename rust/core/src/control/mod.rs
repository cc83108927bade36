//! What the recent past says about deployments, keys and providers: cooldowns, rate limits, circuit breakers, latency, load, prompt
//! caches, sessions, the retry budget.
//!
//! Promises: pure state with injected time (a clock that goes back is held still), the same events give the same state, memory
//! is bounded, and nothing is ever ineligible: a [`Standing`] only orders. What happens to one deployment shows on another one
//! only through a key or a provider that both use. A cooldown never gets shorter.
//!
//! Refuses: to know what an outcome means (the table in `outcome` says what cools and what counts), and to draw random numbers.
//!
//! A test breaks it with two runs of the same events that differ, a cooldown that shrinks, or retries above the budget.

mod allowance;
mod breaker;
mod latency;
mod load;
mod overheads;
mod prefixes;
pub mod reservations;
mod retry_budget;
mod sessions;
mod settings;
mod standing;
mod state;
mod window;

pub use allowance::{BucketLeft, LimitsLeft};
pub use breaker::Breaker;
pub use latency::LatencyQuantiles;
pub use overheads::{Correction, Overheads};
pub use prefixes::MAX_PREFIXES;
pub use retry_budget::RetryBudget;
pub use sessions::MAX_SESSIONS;
pub use settings::ControlSettings;
pub use standing::{Rank, Standing};
pub use state::{ControlEvent, ControlState, MAX_TRACKED, NO_KEY};
