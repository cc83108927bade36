//! How a provider spells a thinking setting in a request: one word a form, as rows of the catalogue name it and as the
//! wire writes it.
//!
//! Promises: every word is the name of exactly one form. Refuses: any other word. A test breaks it with a word that does
//! not come back from its own name.

/// The form in which an upstream takes a thinking setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ThinkingFormat {
    /// `thinking {type, budget_tokens}` and `output_config {effort}` of Anthropic Messages.
    Anthropic,
    /// `reasoning_effort: WORD`, `none` for off.
    #[default]
    ReasoningEffort,
    /// `thinking {type: enabled | disabled}`, with `reasoning_effort` where the model takes efforts.
    ThinkingType,
    /// `thinking {type: enabled | disabled, token_budget}`.
    TokenBudget,
    /// `enable_thinking: true | false` and `thinking_budget`.
    EnableThinking,
    /// `reasoning {effort | max_tokens | enabled}`, one of the three.
    Reasoning,
    /// `reasoning {enabled}`, with `reasoning_effort` where the model takes efforts.
    ReasoningEnabled,
    /// `extra_body.google.thinking_config {thinking_budget}` for budgets, `reasoning_effort` for efforts.
    GoogleThinkingConfig,
    /// `reasoning_effort: default | none`, with the reasoning apart from the text (`reasoning_format: parsed`).
    EffortDefault,
    /// `disable_reasoning: true | false`, with `reasoning_effort` where the model takes efforts.
    DisableReasoning,
    /// `chat_template_kwargs {enable_thinking}`, with `reasoning_effort` where the model takes efforts.
    ChatTemplateKwargs,
    /// `chat_template_args {enable_thinking}`, with `reasoning_effort` where the model takes efforts.
    ChatTemplateArgs,
    /// `prompt_mode: reasoning`; nothing switches it off.
    PromptMode,
}

impl ThinkingFormat {
    /// Every form.
    pub const ALL: &'static [Self] = &[
        Self::Anthropic,
        Self::ReasoningEffort,
        Self::ThinkingType,
        Self::TokenBudget,
        Self::EnableThinking,
        Self::Reasoning,
        Self::ReasoningEnabled,
        Self::GoogleThinkingConfig,
        Self::EffortDefault,
        Self::DisableReasoning,
        Self::ChatTemplateKwargs,
        Self::ChatTemplateArgs,
        Self::PromptMode,
    ];

    /// The word in rows and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::ReasoningEffort => "reasoning_effort",
            Self::ThinkingType => "thinking_type",
            Self::TokenBudget => "token_budget",
            Self::EnableThinking => "enable_thinking",
            Self::Reasoning => "reasoning",
            Self::ReasoningEnabled => "reasoning_enabled",
            Self::GoogleThinkingConfig => "google_thinking_config",
            Self::EffortDefault => "effort_default",
            Self::DisableReasoning => "disable_reasoning",
            Self::ChatTemplateKwargs => "chat_template_kwargs",
            Self::ChatTemplateArgs => "chat_template_args",
            Self::PromptMode => "prompt_mode",
        }
    }

    /// The form of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// Whether the form has a field for an effort.
    pub const fn says_efforts(self) -> bool {
        !matches!(self, Self::TokenBudget | Self::EnableThinking | Self::EffortDefault | Self::PromptMode)
    }

    /// Whether the form has a field for a budget of tokens.
    pub const fn says_budgets(self) -> bool {
        matches!(
            self,
            Self::Anthropic | Self::TokenBudget | Self::EnableThinking | Self::Reasoning | Self::GoogleThinkingConfig
        )
    }

    /// Whether the form has a field that switches thinking on without a measure.
    pub const fn says_on(self) -> bool {
        !matches!(self, Self::ReasoningEffort | Self::GoogleThinkingConfig)
    }

    /// Whether the form has a field, other than an effort of `none`, that switches thinking off.
    pub const fn says_off(self) -> bool {
        !matches!(self, Self::ReasoningEffort | Self::PromptMode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_comes_back_from_its_own_word() {
        for format in ThinkingFormat::ALL {
            assert_eq!(ThinkingFormat::from_name(format.name()), Some(*format));
        }
        assert_eq!(ThinkingFormat::from_name("think"), None);
        assert!(ThinkingFormat::ALL.iter().all(|format| format.says_efforts() || format.says_on()));
    }
}
