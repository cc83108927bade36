//! Families of tokenizers: models of one family count a text alike.

/// A family of tokenizers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// OpenAI `gpt-4o` and later.
    O200k,
    /// The same vocabulary under the harmony frame (`gpt-oss`).
    O200kHarmony,
    /// OpenAI `gpt-4`, `gpt-3.5` and the embeddings.
    Cl100k,
    /// Claude 3 to Opus 4.6.
    Claude3To46,
    /// Claude Opus 4.7 and every later Claude.
    Claude47On,
    /// Gemini and Gemma.
    Gemini,
    /// Llama 3 and what was trained on its vocabulary.
    Llama3,
    /// Mistral's tekken.
    MistralTekken,
    /// `DeepSeek` V3 and later.
    DeepSeek,
    /// Qwen.
    Qwen,
    /// GLM of Zhipu.
    Glm,
    /// Kimi of Moonshot.
    Kimi,
    /// `MiniMax`.
    MiniMax,
    /// Command and Aya of Cohere.
    Cohere,
    /// Grok of xAI.
    Grok,
    /// Nova of Amazon.
    Nova,
    /// Nemotron of NVIDIA.
    Nemotron,
    /// Nobody has said.
    Unknown,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 18] = [
        Self::O200k,
        Self::O200kHarmony,
        Self::Cl100k,
        Self::Claude3To46,
        Self::Claude47On,
        Self::Gemini,
        Self::Llama3,
        Self::MistralTekken,
        Self::DeepSeek,
        Self::Qwen,
        Self::Glm,
        Self::Kimi,
        Self::MiniMax,
        Self::Cohere,
        Self::Grok,
        Self::Nova,
        Self::Nemotron,
        Self::Unknown,
    ];

    /// The name that the catalogue uses (`tokenizer_family`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::O200k => "o200k_base",
            Self::O200kHarmony => "o200k_harmony",
            Self::Cl100k => "cl100k_base",
            Self::Claude3To46 => "claude-3-to-4.6",
            Self::Claude47On => "claude-4.7-on",
            Self::Gemini => "gemini",
            Self::Llama3 => "llama3",
            Self::MistralTekken => "mistral-tekken",
            Self::DeepSeek => "deepseek",
            Self::Qwen => "qwen",
            Self::Glm => "glm",
            Self::Kimi => "kimi",
            Self::MiniMax => "minimax",
            Self::Cohere => "cohere",
            Self::Grok => "grok",
            Self::Nova => "nova",
            Self::Nemotron => "nemotron",
            Self::Unknown => "unknown",
        }
    }

    /// The family of that name in the catalogue; a name not known is `Unknown`, never an error, because a catalogue may be
    /// newer than this program.
    pub fn from_catalog(name: &str) -> Self {
        match name {
            "gemma" => Self::Gemini,
            "mistral" => Self::MistralTekken,
            "llama" | "llama-3" => Self::Llama3,
            _ => Self::ALL.into_iter().find(|family| family.name() == name).unwrap_or(Self::Unknown),
        }
    }

    /// Whether this program ships the family's vocabulary, so that [`super::count_exact`] answers.
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::O200k | Self::O200kHarmony | Self::Cl100k | Self::Claude3To46 | Self::Claude47On)
    }

    /// Whether the family is one of Claude's.
    pub const fn is_claude(self) -> bool {
        matches!(self, Self::Claude3To46 | Self::Claude47On)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for family in Family::ALL {
            assert_eq!(Family::from_catalog(family.name()), family);
        }
        assert_eq!(Family::from_catalog("gpt-9"), Family::Unknown);
        assert_eq!(Family::from_catalog(""), Family::Unknown);
    }
}
