//! The policy language: a file that a person can read aloud, and a program that can be checked, tested and replayed.
//!
//! Promises: all findings at once, each with a stable code, a place and a hint; a policy that compiles has every name
//! resolved, every expression typed, every model's price and address known; equal policies have equal hashes whatever
//! their comments and key order.
//!
//! Refuses: keys it does not know (also those that later versions will have), duplicate keys, unknown names, retired
//! models, keys of providers in the file, expressions that do not check.
//!
//! A test breaks it with a wrong policy that compiles, a right one that does not, a finding at the wrong place, or a
//! change of layout that changes the hash.

mod budgets;
mod clients;
mod compile;
pub mod diagnostics;
pub mod expr;
mod extend;
pub mod facts;
mod fleet;
mod grammar;
mod lints;
mod model;
pub mod source;

pub use budgets::{Bound, Budget, Caller, Limit, OnExceed, Per};
pub use clients::{AUTO, Alias, Clients, NamedModels, Target, UnknownName};
pub use compile::{compile, compile_extending, compile_with_zones};
pub use fleet::{Fleet, Member};
pub use grammar::json_schema;
pub use model::{
    Accept, Balance, Deployment, Escalate, Experiment, Given, GivenValue, Hedge, HedgeAfter, KeyRef, MetaValue,
    NamedFact, OnDisconnect, Policy, PolicyModel, PolicyTest, Pool, Prefer, Require, Rule, RuleLabel, Run, SAVES_RANGE,
    SetParams, Shown, Sticky, TestFailure, ThinkingLevel, UnknownMode,
};
