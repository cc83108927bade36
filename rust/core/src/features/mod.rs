//! What can be measured of a request without understanding it: the caller's ask, its structure, the state of the agent.
//!
//! Promises: integers only, the same on every platform; one pass over at most [`HEAD_BYTES`] + [`TAIL_BYTES`] of the ask,
//! so that a 100 kB prompt costs what a 6 kB one does; case, white space and punctuation at word ends leave every cue as
//! it was; no panic on any text.
//! Refuses: to read the system prompt or the history where the last user turn has text, and to keep any text.
//! A test would break it by a prompt whose cues change with its case, by a slice in the middle of a character, or by a
//! cost that grows with the prompt.

mod agent;
mod ask;
mod fold;
mod lexicon;
mod programming;
mod scan;
mod signal;
mod structure;

pub use agent::{Agent, agent, is_in_tool_loop};
pub use ask::{Ask, AskSource, HEAD_BYTES, TAIL_BYTES, ask};
pub(crate) use fold::{Folded, SEED, fold, mix};
pub use programming::ProgrammingLanguage;
pub use signal::Signal;
pub use structure::{Features, Hits, structure};
