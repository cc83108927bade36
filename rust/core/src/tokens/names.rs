//! The family of a model that no catalogue names, by its name.

use super::family::Family;
use super::frame::canonical;

/// Parts of names, in the order in which they are looked for, and the family of what has them.
const RULES: &[(&str, Family)] = &[
    ("gpt-oss", Family::O200kHarmony),
    ("text-embedding", Family::Cl100k),
    ("gpt-35", Family::Cl100k),
    ("gpt-3", Family::Cl100k),
    ("babbage", Family::Cl100k),
    ("davinci", Family::Cl100k),
    ("gpt-4o", Family::O200k),
    ("gpt-4-1", Family::O200k),
    ("gpt-4-5", Family::O200k),
    ("gpt-4", Family::Cl100k),
    ("gpt-", Family::O200k),
    ("chatgpt", Family::O200k),
    ("codex", Family::O200k),
    ("claude-opus-4-7", Family::Claude47On),
    ("claude-opus-4-8", Family::Claude47On),
    ("claude-3", Family::Claude3To46),
    ("claude-v", Family::Claude3To46),
    ("claude-2", Family::Claude3To46),
    ("claude-instant", Family::Claude3To46),
    ("claude-sonnet-4", Family::Claude3To46),
    ("claude-opus-4", Family::Claude3To46),
    ("claude-haiku-4", Family::Claude3To46),
    ("claude", Family::Claude47On),
    ("gemini", Family::Gemini),
    ("gemma", Family::Gemini),
    ("deepseek-r1-distill-llama", Family::Llama3),
    ("deepseek-r1-distill-qwen", Family::Qwen),
    ("deepseek", Family::DeepSeek),
    ("sonar", Family::Llama3),
    ("nemotron", Family::Nemotron),
    ("llama", Family::Llama3),
    ("hermes", Family::Llama3),
    ("mistral", Family::MistralTekken),
    ("mixtral", Family::MistralTekken),
    ("ministral", Family::MistralTekken),
    ("magistral", Family::MistralTekken),
    ("codestral", Family::MistralTekken),
    ("devstral", Family::MistralTekken),
    ("pixtral", Family::MistralTekken),
    ("voxtral", Family::MistralTekken),
    ("qwen", Family::Qwen),
    ("qwq", Family::Qwen),
    ("glm", Family::Glm),
    ("kimi", Family::Kimi),
    ("minimax", Family::MiniMax),
    ("command", Family::Cohere),
    ("aya", Family::Cohere),
    ("cohere", Family::Cohere),
    ("embed-", Family::Cohere),
    ("grok", Family::Grok),
    ("nova-", Family::Nova),
    ("titan", Family::Nova),
    ("o1", Family::O200k),
    ("o3", Family::O200k),
    ("o4", Family::O200k),
];

impl Family {
    /// The family that a model's name speaks for; `Unknown` when it speaks for none. A guess: what a catalogue says comes first.
    pub fn of_model_name(model: &str) -> Self {
        let canonical_name = canonical(model);
        let whole = model.to_ascii_lowercase();
        let starts = |part: &str| part.len() > 2 || canonical_name.starts_with(part);
        RULES
            .iter()
            .find(|(part, _)| starts(part) && (canonical_name.contains(part) || whole.contains(part)))
            .map_or(Self::Unknown, |(_, family)| *family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_speak_for_their_family() {
        for (name, family) in [
            ("us.anthropic.claude-3-5-sonnet-20240620-v1:0", Family::Claude3To46),
            ("anthropic/claude-opus-4.8", Family::Claude47On),
            ("claude-sonnet-9", Family::Claude47On),
            ("openai/gpt-4o-mini-2024-07-18", Family::O200k),
            ("gpt-35-turbo", Family::Cl100k),
            ("gpt-4-vision-preview", Family::Cl100k),
            ("gpt-4.1-nano", Family::O200k),
            ("openai.gpt-oss-120b-1:0", Family::O200kHarmony),
            ("o4-mini", Family::O200k),
            ("meta-llama/Llama-3.2-1B-Instruct", Family::Llama3),
            ("mistral-large-latest", Family::MistralTekken),
            ("amazon.nova-micro-v1:0", Family::Nova),
            ("qwen3.6:latest", Family::Qwen),
            ("muse-spark-1.1", Family::Unknown),
            ("", Family::Unknown),
        ] {
            assert_eq!(Family::of_model_name(name), family, "{name}");
        }
    }
}
