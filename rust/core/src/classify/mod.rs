//! What an ask is: its task, its natural language, how hard it is.
//!
//! Promises: integers only, so that bytes agree across platforms; each part can be computed alone; the cost is bounded
//! whatever the length of the prompt; "abstained" where it does not know; case, white space and punctuation at word ends
//! do not flip a result.
//! Refuses: to be certain. These are hand-set cue scores (task, difficulty) and a small fitted table (language); a user's own
//! labels beat them. It reads the caller's ask, not the system prompt.
//! A test would break it by a prompt whose task changes with its case, by a panic on odd text, or by a difficulty that falls
//! when a constraint is added.

mod classification;
mod difficulty;
mod language;
mod task;

pub use classification::{Classification, classify, classify_text};
pub use difficulty::difficulty_of;
pub use language::{Language, LanguageScore, language_of};
pub use task::{Task, TaskScore, task_of};
