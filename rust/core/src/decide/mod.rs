//! Choose: facts, then eligibility, then the first rule that matches, then the objective.
//!
//! Promises: a pure function of (policy, catalogue, request, meta, state, now, seed, keys): the same inputs give the same
//! bytes on every platform. Each candidate of the rule is chosen, ranked or rejected with its first reason. Nothing ranks
//! a rejected candidate back in; cooldowns and breakers only order. Doubt goes up: an unknown condition chooses the
//! stronger model, an unknown ability or window excludes. A fact that nothing asks for is not computed.
//!
//! Refuses: to choose when nothing is eligible; the decision then has no choice and every reason.
//!
//! A test breaks it with two equal inputs of different bytes, a rejected candidate in the plan, a cheaper eligible
//! candidate behind `prefer: cheapest`, or a naive reading of the policy that chooses otherwise.

mod budgets;
mod candidate;
mod choose;
mod decision;
mod eligibility;
mod environment;
mod expected_cost;
mod experiment;
mod facts;
mod forecast;
mod forecast_table;
mod inputs;
mod prefixes;
mod price_region;
mod prompt_cache;
mod recorded;
mod report;
mod settlement;
mod spread;
mod state_view;
mod sticky;

pub use budgets::Upper;
pub use candidate::{Candidate, Expectation};
pub use choose::{DecideInputs, decide};
pub(crate) use choose::{also_read, expectation};
pub use decision::{CandidateStatus, Considered, Decision, FactName, FactValue, Held, RuleTrace};
pub use eligibility::REASONS;
pub use expected_cost::{CallTerms, DEFAULT_MAX_TOKENS, TierEdge};
pub use experiment::Assignment;
pub use facts::{RequestFacts, micro};
pub use forecast::{Ask, FORECAST_ERROR, Forecast, ForecastError, Shape, forecast};
pub use inputs::{Inputs, PlannedRequest};
pub use prompt_cache::CacheForecast;
pub use recorded::{RECORD_CODES, RecordError, Recorded};
pub use settlement::{CostDoubt, CostSource, Echo, Settlement, settle};
pub(crate) use sticky::session_of;
pub use sticky::{StickyAction, StickyTrace};
