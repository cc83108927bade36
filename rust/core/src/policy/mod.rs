//! Policies (being built).
pub mod calendar;
pub mod diagnostics;
pub mod expr;
pub mod facts;
pub mod source;
