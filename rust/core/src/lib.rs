//! The pure core of Turnout: (request, policy, catalogue, state, now, seed) in, decision out.
//!
//! No I/O, no clock, no randomness, no threads, no unsafe code, and no panic on any input.
#![forbid(unsafe_code)]

pub mod calendar;
pub mod catalog;
pub mod classify;
pub mod control;
pub mod decide;
pub mod edit_distance;
pub mod engine;
pub mod features;
mod hash;
pub mod json;
pub mod json_schema;
pub mod money;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod quality;
pub mod quirks;
pub mod shared_str;
pub mod text;
pub mod thinking_format;
pub mod tokens;
pub mod usage;
pub mod wire;
