//! How long the answer will be: a table by task, bounded by what was asked for.
//!
//! The figures are set by hand from what such answers usually take (a greeting, a label, a page of code); they are not
//! fitted, and the documentation says so. Thinking adds to the output, because it is billed as output.

use crate::catalog::Model;
use crate::classify::Task;
use crate::policy::ThinkingLevel;
use crate::tokens::TokenCount;

/// Output tokens that are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Half of such answers are not longer.
    pub p50_tokens: u64,
    /// Nine of ten are not longer.
    pub p90_tokens: u64,
}

/// The forecast for a task (none: not known), a bound, a thinking level and an input.
pub fn forecast(
    task: Option<Task>,
    model: &Model,
    thinking: Option<ThinkingLevel>,
    max_tokens: Option<u64>,
    input: &TokenCount,
) -> Forecast {
    let (p50, p90) = match task {
        Some(Task::Chat) => (60, 250),
        Some(Task::Classification) => (12, 120),
        Some(Task::Extraction) => (120, 600),
        Some(Task::ToolUse) => (90, 400),
        Some(Task::Agentic) => (250, 1200),
        Some(Task::ClosedQa) => (90, 450),
        Some(Task::Summarization) => (220, 700),
        Some(Task::OpenQa | Task::Planning) => (350, 1100),
        Some(Task::Reasoning | Task::Math) => (400, 1500),
        Some(Task::CreativeWriting) => (500, 1600),
        Some(Task::Code) => (500, 2200),
        // As long as the text itself, give or take.
        Some(Task::Translation | Task::Rewriting) => {
            (input.tokens.clamp(20, 8_000), input.high.saturating_mul(3).div_ceil(2).clamp(60, 16_000))
        }
        Some(Task::Other) | None => (300, 1200),
    };
    let (thinking_p50, thinking_p90) = thinking_tokens(model, thinking);
    let ceiling = max_tokens.or(model.max_output).unwrap_or(u64::MAX);
    Forecast { p50_tokens: u64::min(p50 + thinking_p50, ceiling), p90_tokens: u64::min(p90 + thinking_p90, ceiling) }
}

/// Tokens of thinking at p50 and p90. A model that always thinks does so when nothing is asked.
fn thinking_tokens(model: &Model, thinking: Option<ThinkingLevel>) -> (u64, u64) {
    if model.caps.reasoning == Some(false) {
        return (0, 0);
    }
    let thinks_unasked = model.reasoning.as_ref().is_some_and(|reasoning| reasoning.always_on == Some(true));
    match thinking {
        None if thinks_unasked => (300, 1_500),
        None | Some(ThinkingLevel::Off) => (0, 0),
        Some(ThinkingLevel::Low) => (200, 1_000),
        Some(ThinkingLevel::Medium) => (600, 3_000),
        Some(ThinkingLevel::High) => (1_500, 8_000),
        Some(ThinkingLevel::Max) => (4_000, 24_000),
        Some(ThinkingLevel::Budget(tokens)) => (tokens / 2, tokens),
    }
}
