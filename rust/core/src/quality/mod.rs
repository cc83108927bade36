//! How good an answer each model is likely to give to a request.
//!
//! Promises: a share between 0 and 1 in millionths, as an interval, with the evidence that it stands on; integers only, so that
//! the same request gives the same bytes everywhere. Refuses: to call a prior more than that.
//!
//! A test breaks it with a harder request that a prior calls better answered, or with a stronger model that it calls worse.

mod prior;

pub use prior::prior;

/// What a model's predicted quality stands on. What is fitted from outcomes is to stand beside the prior here, one for each
/// model of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing was measured: the model's place among those of the policy, and the difficulty of the request.
    Prior,
}

impl Evidence {
    /// The name in decisions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prior => "prior",
        }
    }
}

/// The share of such requests that a model answers well, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    /// At least.
    pub low: i64,
    /// At most; equal where nothing is in doubt.
    pub high: i64,
    /// What it stands on.
    pub evidence: Evidence,
}
