//! How hard an ask looks, in millionths.

use super::task::{Task, TaskScore};
use crate::features::{Agent, Features, Signal};

/// What a task starts from, in millionths. Hand-set: the order follows how often strong models beat weak ones at such tasks.
const fn prior(task: Task) -> u32 {
    match task {
        Task::Chat => 60_000,
        Task::Translation => 180_000,
        Task::Extraction | Task::Summarization | Task::Rewriting => 200_000,
        Task::Classification | Task::ClosedQa => 220_000,
        Task::Other | Task::ToolUse => 250_000,
        Task::OpenQa | Task::CreativeWriting => 280_000,
        Task::Planning => 350_000,
        Task::Code => 380_000,
        Task::Agentic | Task::Reasoning => 400_000,
        Task::Math => 420_000,
    }
}

/// What an abstained task starts from: unsure is not easy.
const ABSTAINED_PRIOR: u32 = 300_000;

/// The difficulty of an ask: 0 (trivial) to 1,000,000.
///
/// A sum of a start by task and of steps that only ever add, each up to a cap, so that no further cue lowers it; the words
/// asked for a short answer are no cue. All constants are hand-set. It is a weak prior (see the measurements in the
/// documentation), to be replaced by the user's own outcomes.
pub fn difficulty_of(features: &Features, task: &TaskScore, agent: &Agent) -> u32 {
    let start = if task.abstained { ABSTAINED_PRIOR } else { prior(task.task) };
    let steps = [
        (length_steps(features.words), 20_000, 6),
        (features.constraint_cues, 15_000, 6),
        (features.hits(Signal::Hard).total(), 50_000, 4),
        (features.parts.saturating_sub(1), 15_000, 6),
        (features.code_chars / 400, 20_000, 5),
        (features.step_cues, 20_000, 2),
        (u32::from(features.has_math), 60_000, 1),
        (features.hits(Signal::Latex).total() / 4, 15_000, 4),
        (features.hits(Signal::Puzzle).total(), 30_000, 3),
        (features.options / 5, 30_000, 2),
        (agent.tool_turns, 10_000, 10),
        (u32::from(agent.retry_after_failure), 80_000, 1),
        (u32::from(agent.plan_mode), 80_000, 1),
    ];
    steps
        .iter()
        .fold(start, |sum, (count, each, most)| sum.saturating_add((*count).min(*most).saturating_mul(*each)))
        .min(1_000_000)
}

/// One step for each doubling above eight words.
const fn length_steps(words: u32) -> u32 {
    (words / 8).saturating_add(1).ilog2()
}
