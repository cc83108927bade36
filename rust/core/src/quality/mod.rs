//! Predicted quality of each model on an ask, learned from the user's own graded outcomes.
//!
//! Where no answer was graded there is a prior: a share in millionths as an interval, monotone in rank and difficulty, and never
//! called more than that. Where answers were graded there is a fit.
//!
//! Promises: a fit is a pure function of its rows and options, and an artefact scores alike on every platform; any number of
//! models, missing scores and missing categories; the caller's category first, the text second, each shrunk toward what is
//! known without it, so that few rows help and do not hurt; every figure of a report is of rows that the fit behind it did
//! not see; a model on which the text tells nothing is called "no skill" and gets a constant; case, white space and
//! punctuation do not change a score; bounded work on any text.
//! Refuses: to keep text (an artefact holds hashed weights and graded scores, no prompt), an artefact whose hash does not
//! fit, fewer than [`MIN_ROWS`] rows, and to carry weights from one kind of traffic to another: outside of its sources an
//! artefact is hardly better than chance (`docs/quality.md`).
//! A test breaks it by a harder request that a prior calls better answered, by a score that changes with the case of the prompt, by a report that beats chance on shuffled scores,
//! by a calibrated probability worse than a constant on fresh rows, or by bytes that make loading panic.

mod artefact;
mod calibrate;
mod chart;
mod design;
mod error;
mod fit;
mod guess;
mod measures;
mod model;
mod numbers;
mod prior;
mod report;
mod rows;
mod solve;
mod stack;
mod text;

pub use error::QualityError;
pub use fit::{FitOptions, MIN_ROWS, fit};
pub use measures::{Curve, curve};
pub use model::{Basis, Prediction, QualityModel, Route};
pub use prior::prior;
pub use report::Report;
pub use rows::Outcome;
pub use text::TextVector;

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

#[cfg(test)]
mod tests;
