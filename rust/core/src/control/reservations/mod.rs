//! Budgets and limits: who may spend what, and who has.
//!
//! Promises: a reservation is made in all of its scopes or in none; what is settled and what is held stay together within
//! every enforced limit at every instant; each reservation is settled, released or expired once, whatever is repeated; one
//! whose holder is gone is settled at what it held; windows go forward only. What a provider bills above a reservation is
//! the one way beyond a limit: it is returned as debt, and blocks the next admission of the window.
//!
//! Refuses: to read a clock (wall time names windows, a monotonic one fills buckets), to know a policy (each claim brings
//! its limit, so that a reload needs no conversion), and to forget a scope that still counts.
//!
//! A test breaks it by admitting more than a limit, by settling twice, by a refusal while there is room, or by a
//! `retry_after_ms` after which the same claims are refused though nothing else happened.

mod book;
mod bucket;
mod claim;
mod period;
mod scope;
mod spent;
mod zone;

pub use book::{Book, MAX_SCOPES};
pub use claim::{Alert, Amounts, Claim, Denied, Expired, Measure, Moment, Refusal, Reserved, Settled, Unit, Why};
pub use period::{Period, Span};
pub use scope::Standing as ScopeStanding;
pub use zone::Zone;
