//! What an upstream body is written for.

use super::Dialect;
use crate::quirks::{PLAIN, Quirks};
use crate::thinking_format::ThinkingFormat;

/// The thinking fields of the upstream body. The caller compiles them for the model: forms that a model refuses are
/// refused by its provider, and this room does not know models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThinkingSetting<'t> {
    /// As the request says: untouched in its own dialect, in the nearest general form in the other. A wish for no
    /// thinking does not cross, as no form of it suits all models.
    #[default]
    AsRequested,
    /// No thinking field at all: the model's default.
    Unsaid,
    /// No thinking.
    Off,
    /// Thinking within this many tokens, made to fit below the bound on the answer. A form without budgets gets an effort
    /// of about that size.
    Budget(u64),
    /// Thinking as much as the model sees fit.
    Adaptive,
    /// Thinking switched on, with this effort.
    AdaptiveEffort(&'t str),
    /// This effort alone.
    Effort(&'t str),
    /// Anthropic `thinking: between_tools`; elsewhere the effort `low`.
    BetweenTools,
}

/// The upstream that a body is written for, and what its model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one independent fact about the model")]
pub struct Target<'t> {
    /// The dialect of the upstream.
    pub dialect: Dialect,
    /// The model's name as the upstream knows it.
    pub model: &'t str,
    /// The bound on the answer in tokens that replaces the client's, if there is one.
    pub max_tokens: Option<u64>,
    /// The bound on the answer in tokens when nobody gives one, for Anthropic, which requires one.
    pub default_max_tokens: u64,
    /// The field of the bound in an `OpenAI` body: `max_completion_tokens` or `max_tokens`.
    pub max_tokens_field: &'t str,
    /// What the body says about thinking.
    pub thinking: ThinkingSetting<'t>,
    /// How the upstream spells it (`OpenAI` bodies; Anthropic Messages has one form).
    pub thinking_format: ThinkingFormat,
    /// The least thinking budget that the model takes, in tokens.
    pub min_budget_tokens: u64,
    /// The longest answer of the model in tokens, where it is known: how far a bound that nobody gave may be raised to
    /// hold a thinking budget.
    pub max_output_tokens: Option<u64>,
    /// Whether the upstream wants back the reasoning that came with tool calls (`reasoning_content` in `OpenAI` bodies).
    pub echoes_reasoning: bool,
    /// Whether the upstream is to stream.
    pub stream: bool,
    /// Whether the model takes sampling parameters.
    pub accepts_sampling: bool,
    /// Whether the model takes a tool choice that forces a call.
    pub accepts_forced_tool_choice: bool,
    /// Whether the model goes on from a last turn of the assistant (Anthropic).
    pub accepts_prefill: bool,
    /// What else the upstream takes differently (`OpenAI` bodies).
    pub quirks: &'t Quirks,
}

impl<'t> Target<'t> {
    /// A target that takes everything, for the caller to narrow.
    pub const fn new(dialect: Dialect, model: &'t str) -> Self {
        Self {
            dialect,
            model,
            max_tokens: None,
            default_max_tokens: 4096,
            max_tokens_field: "max_completion_tokens",
            thinking: ThinkingSetting::AsRequested,
            thinking_format: ThinkingFormat::ReasoningEffort,
            min_budget_tokens: 1024,
            max_output_tokens: None,
            echoes_reasoning: false,
            stream: false,
            accepts_sampling: true,
            accepts_forced_tool_choice: true,
            accepts_prefill: true,
            quirks: &PLAIN,
        }
    }
}
