//! Why an answer ended, in the words of each dialect. A reason that nobody knows is passed on as it is.

/// Reasons that mean the same, whoever says them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum Reason<'r> {
    /// The model was done.
    Stop,
    /// A stop sequence came.
    StopSequence,
    /// It waits for tools.
    ToolCalls,
    /// The bound on the answer.
    Length,
    /// The model's window.
    Window,
    /// It declined, or a filter did.
    Refused,
    /// Another word.
    Other(&'r str),
}

impl<'r> Reason<'r> {
    /// The reason of a word of any dialect, and of what was said.
    pub(in crate::wire) fn of(word: &'r str, has_calls: bool, is_refused: bool) -> Self {
        match word {
            "tool_calls" | "tool_use" | "function_call" => Self::ToolCalls,
            // Some servers say so although they called tools.
            "stop" | "end_turn" | "completed" | "eos" | "COMPLETE" | "STOP" if has_calls => Self::ToolCalls,
            "stop" | "end_turn" | "completed" | "eos" | "COMPLETE" | "STOP" if is_refused => Self::Refused,
            "stop" | "end_turn" | "completed" | "eos" | "COMPLETE" | "STOP" => Self::Stop,
            "stop_sequence" => Self::StopSequence,
            // No reason at all: an ending is not invented.
            "" | "length" | "max_tokens" | "max_output_tokens" | "MAX_TOKENS" | "incomplete" => Self::Length,
            "model_length" | "model_context_window_exceeded" => Self::Window,
            "refusal" | "content_filter" | "sensitive" | "safety" | "SAFETY" => Self::Refused,
            other => Self::Other(other),
        }
    }

    /// The word of Chat, and the provider's own where that says more.
    pub(in crate::wire) fn chat(self) -> (&'r str, Option<&'r str>) {
        match self {
            Self::Stop => ("stop", None),
            Self::StopSequence => ("stop", Some("stop_sequence")),
            Self::ToolCalls => ("tool_calls", None),
            Self::Length => ("length", None),
            Self::Window => ("length", Some("model_context_window_exceeded")),
            Self::Refused => ("content_filter", None),
            // The answer goes on in another turn: it is not whole, and Chat has one word for that.
            Self::Other(word @ ("pause_turn" | "compaction")) => ("length", Some(word)),
            Self::Other(word) => (word, None),
        }
    }

    /// The word of Anthropic.
    pub(in crate::wire) fn anthropic(self) -> &'r str {
        match self {
            Self::Stop => "end_turn",
            Self::StopSequence => "stop_sequence",
            Self::ToolCalls => "tool_use",
            Self::Length => "max_tokens",
            Self::Window => "model_context_window_exceeded",
            Self::Refused => "refusal",
            Self::Other(word) => word,
        }
    }

    /// The status of Responses, and why it is incomplete. A refusal that was said in words is a whole answer there.
    pub(in crate::wire) fn responses(self, is_said: bool) -> (&'static str, Option<&'r str>) {
        match self {
            Self::Length | Self::Window => ("incomplete", Some("max_output_tokens")),
            Self::Refused if !is_said => ("incomplete", Some("content_filter")),
            Self::Other(word @ ("pause_turn" | "compaction")) => ("incomplete", Some(word)),
            _ => ("completed", None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_through_the_other_dialects() {
        for word in ["end_turn", "tool_use", "max_tokens", "refusal", "stop_sequence", "model_context_window_exceeded"]
        {
            assert_eq!(Reason::of(word, false, false).anthropic(), word);
            let (chat, native) = Reason::of(word, false, false).chat();
            assert_eq!(Reason::of(native.unwrap_or(chat), false, false).anthropic(), word);
        }
        for word in ["stop", "tool_calls", "length", "content_filter"] {
            assert_eq!(Reason::of(Reason::of(word, false, false).anthropic(), false, false).chat().0, word);
        }
        assert_eq!(Reason::of("something_new", false, false).chat(), ("something_new", None));
        assert_eq!(Reason::of("pause_turn", false, false).chat(), ("length", Some("pause_turn")));
        assert_eq!(Reason::of("", false, false).anthropic(), "max_tokens");
        assert_eq!(Reason::of("stop", true, false).anthropic(), "tool_use");
        assert_eq!(Reason::of("stop", false, true).anthropic(), "refusal");
        assert_eq!(Reason::of("max_tokens", false, false).responses(false), ("incomplete", Some("max_output_tokens")));
        assert_eq!(Reason::of("stop", false, true).responses(true), ("completed", None));
    }
}
