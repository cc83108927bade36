//! Lay out the attempts of a decision, and say after each outcome what comes next.
//!
//! Promises: attempts are the decision's ranked survivors, in its order; the next step is a pure function of the plan and
//! what happened so far; never more attempts than `run.attempts`, never an attempt whose expected cost the purse does not
//! cover, never a smaller window after an overflow, never an escalation to a model that is not stronger.
//!
//! Refuses: nothing; a plan without attempts returns at once.
//!
//! A test breaks it with a sequence of outcomes after which a step repeats an attempt beyond its retry, goes over a cap,
//! or stops while the table says to go on and something is left.

mod accept;
mod attempt;
mod fragment;
mod next;
mod thinking;

pub use accept::{compares, unmet};
pub use attempt::{Attempt, Plan, plan};
pub use fragment::{ThinkingFields, thinking_fields};
pub use next::{Step, Tried, Why};
pub use thinking::{Asked, CompiledThinking, compile_asked};
