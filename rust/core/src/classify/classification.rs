//! Everything at once.

use super::difficulty::difficulty_of;
use super::language::{LanguageScore, language_of};
use super::task::{Task, TaskScore, task_of};
use crate::features::{Agent, Ask, Features, agent, ask, structure};
use crate::wire::Request;

/// What an ask is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classification {
    /// The task, its score, its margin, all scores, and whether it abstained.
    pub task: TaskScore,
    /// The natural language.
    pub language: LanguageScore,
    /// How hard it looks, 0 to 1,000,000.
    pub difficulty: u32,
    /// The structure of the ask.
    pub features: Features,
    /// The state of the agent's loop.
    pub agent: Agent,
}

impl Classification {
    /// The task.
    pub const fn task(&self) -> Task {
        self.task.task
    }

    /// Whether code is there.
    pub const fn has_code(&self) -> bool {
        self.features.has_code
    }
}

/// Classifies a request by its caller's ask. Time: bounded, see [`ask`] and [`structure`].
pub fn classify(request: &Request<'_>) -> Classification {
    of(&ask(request), agent(request))
}

/// Classifies a bare text.
pub fn classify_text(text: &str) -> Classification {
    of(&Ask::of_text(text), Agent::default())
}

fn of(ask: &Ask<'_>, agent: Agent) -> Classification {
    let features = structure(ask);
    let task = task_of(&features, &agent);
    let difficulty = difficulty_of(&features, &task, &agent);
    Classification { language: language_of(ask), task, difficulty, features, agent }
}
