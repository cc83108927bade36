//! What an upstream body is written for.

use super::Dialect;

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
    /// Anthropic `thinking: disabled`; `OpenAI` `reasoning_effort: none`.
    Off,
    /// Anthropic `thinking: enabled` with this budget in tokens, made to fit below the bound on the answer; `OpenAI` an
    /// effort of about that size.
    Budget(u64),
    /// Anthropic `thinking: adaptive`; `OpenAI` no field.
    Adaptive,
    /// Anthropic `thinking: adaptive` with `output_config.effort`; `OpenAI` `reasoning_effort`.
    AdaptiveEffort(&'t str),
    /// Anthropic `output_config.effort` alone; `OpenAI` `reasoning_effort`.
    Effort(&'t str),
    /// Anthropic `thinking: between_tools`; `OpenAI` `reasoning_effort: low`.
    BetweenTools,
    /// `thinking: enabled | disabled` without a budget, as `DeepSeek`, Z.AI and Moonshot have it; Anthropic `adaptive`
    /// or `disabled`.
    Toggle(bool),
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
    /// Whether the upstream is to stream.
    pub stream: bool,
    /// Whether the upstream takes `stream_options` (`OpenAI` bodies).
    pub accepts_stream_options: bool,
    /// Whether the model takes sampling parameters.
    pub accepts_sampling: bool,
    /// Whether the model takes a tool choice that forces a call.
    pub accepts_forced_tool_choice: bool,
    /// Whether the model goes on from a last turn of the assistant (Anthropic).
    pub accepts_prefill: bool,
    /// Whether texts may be lists of parts (`OpenAI` bodies written by translation); else they are joined.
    pub accepts_text_lists: bool,
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
            stream: false,
            accepts_stream_options: true,
            accepts_sampling: true,
            accepts_forced_tool_choice: true,
            accepts_prefill: true,
            accepts_text_lists: true,
        }
    }
}
