//! What a provider adds around the text: per request, message, tool and picture. A table of data, one row per family.
//!
//! Source: recorded requests with the provider's own usage (see the docs of each row); each figure is a span, because the
//! models of one family differ. A figure per model, learned from returned usage, belongs on top of this table.

use super::family::Family;

/// The least, likely and most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// At least.
    pub low: u64,
    /// Likely.
    pub likely: u64,
    /// At most.
    pub high: u64,
}

const fn span(low: u64, likely: u64, high: u64) -> Span {
    Span { low, likely, high }
}

const fn always(tokens: u64) -> Span {
    span(tokens, tokens, tokens)
}

/// How a family prices pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageRule {
    /// One token per patch of 28 pixels and 3, shrunk to at most so many patches.
    ClaudePatches {
        /// Patches that the model sees at most.
        most: u64,
    },
    /// 85 and 170 per tile of 512 pixels (`gpt-4o`), or patches of 32 pixels times 1.62 to 2.46 (mini, nano).
    OpenAiTiles,
    /// 258 per picture, more for large ones on some models.
    Gemini,
    /// Not known: patches of 28 pixels within wide bounds.
    Patches,
}

/// What stands around the text of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Per request.
    pub request: Span,
    /// Per message.
    pub message: Span,
    /// Per system text (beyond its own tokens).
    pub system: Span,
    /// When tools are on offer and the model may choose.
    pub tools_auto: Span,
    /// When tools are on offer and one must be called.
    pub tools_forced: Span,
    /// Per tool, beyond its text.
    pub tool: Span,
    /// Tokens of the tools' JSON as the provider renders it, in thousandths of its tokens as text.
    pub tools_permille: Span,
    /// Per call of a tool in the conversation, beyond its name and arguments.
    pub tool_call: Span,
    /// Per result of a tool, beyond its text.
    pub tool_result: Span,
    /// Whether each result of a tool is a message of its own.
    pub results_are_messages: bool,
    /// Pictures.
    pub image: ImageRule,
}

/// A frame that adds nothing, for the rows to differ from.
const PLAIN: Frame = Frame {
    request: always(0),
    message: always(0),
    system: always(0),
    tools_auto: always(0),
    tools_forced: always(0),
    tool: span(0, 4, 12),
    tools_permille: span(700, 1100, 2000),
    tool_call: span(0, 10, 40),
    tool_result: span(0, 6, 30),
    results_are_messages: true,
    image: ImageRule::Patches,
};

/// OpenAI chat: 3 + sum(4 + content); `gpt-5` and o-series one less. Each system text is a message. Tools are rendered as
/// TypeScript, 0.55 to 0.9 of their JSON; `gpt-5` mini and nano add about 81.
const OPENAI: Frame = Frame {
    request: span(2, 3, 4),
    message: always(4),
    system: always(4),
    tools_auto: span(0, 0, 95),
    tools_forced: span(0, 0, 95),
    tool: span(0, 2, 8),
    tools_permille: span(400, 720, 1100),
    tool_call: span(0, 8, 24),
    tool_result: span(0, 1, 8),
    image: ImageRule::OpenAiTiles,
    ..PLAIN
};

/// Claude: 4 + 3 * messages before Opus 4.7; from 4.5 on a system text may add 1. Tools: a constant by model and choice,
/// 6 per tool and its JSON. A call with its result adds about 51 beyond its JSON.
const CLAUDE: Frame = Frame {
    request: span(3, 4, 34),
    message: always(3),
    system: span(0, 0, 1),
    tools_auto: span(159, 497, 805),
    tools_forced: span(286, 589, 805),
    tool: span(5, 6, 12),
    tools_permille: span(950, 1080, 1250),
    tool_call: span(5, 30, 60),
    tool_result: span(5, 21, 40),
    results_are_messages: false,
    image: ImageRule::ClaudePatches { most: 1568 },
};

/// The frame of a family.
pub const fn frame(family: Family) -> Frame {
    match family {
        Family::O200k | Family::Cl100k => OPENAI,
        // The harmony preamble names model, dates, effort and channels.
        Family::O200kHarmony => Frame { request: span(5, 65, 95), tools_auto: span(0, 12, 60), ..OPENAI },
        Family::Claude3To46 => CLAUDE,
        // 4 + 2 * messages on 4.8 and Sonnet 5; Opus 4.7 takes 11 for one message.
        Family::Claude47On => Frame {
            request: span(4, 4, 38),
            message: span(2, 2, 7),
            tools_auto: span(159, 356, 805),
            tools_forced: span(286, 487, 805),
            image: ImageRule::ClaudePatches { most: 4784 },
            ..CLAUDE
        },
        // No frame per message: 0 to 2 in all on 223 recorded requests; tools at 0.4 to 1.1 of their JSON.
        Family::Gemini => Frame {
            request: span(0, 0, 2),
            message: span(0, 0, 1),
            tool: span(0, 0, 12),
            tools_permille: span(300, 750, 1300),
            tool_call: span(0, 4, 20),
            tool_result: span(0, 4, 20),
            image: ImageRule::Gemini,
            ..PLAIN
        },
        // 10 on llama 3 alone, 35 where the date preamble stands; tools 130 to 650.
        Family::Llama3 => Frame {
            request: span(0, 30, 32),
            message: span(0, 5, 5),
            system: span(0, 3, 5),
            tools_auto: span(0, 130, 660),
            tools_forced: span(0, 130, 660),
            ..PLAIN
        },
        // 3 to 15 for one message, 6 to 20 for two; tools at 1.1 to 1.5 of their JSON.
        Family::MistralTekken => Frame {
            request: span(0, 2, 14),
            message: span(1, 3, 5),
            system: span(0, 2, 5),
            tools_auto: span(0, 10, 60),
            tools_forced: span(0, 10, 60),
            tools_permille: span(950, 1300, 1700),
            ..PLAIN
        },
        // 4 (3 to 5); the reasoning models of version 4 add about 79. Tools 124 and 1.2 to 2.4 of their JSON.
        Family::DeepSeek => Frame {
            request: span(2, 3, 84),
            message: span(0, 1, 3),
            tools_auto: span(0, 120, 345),
            tools_forced: span(0, 120, 345),
            tools_permille: span(900, 1500, 2600),
            ..PLAIN
        },
        // 8 to 10 for one message, 13 to 15 for two; tools 94 to 224 and 1.1 of their JSON.
        Family::Qwen => Frame {
            request: span(2, 4, 6),
            message: span(4, 5, 6),
            system: span(4, 5, 6),
            tools_auto: span(40, 130, 240),
            tools_forced: span(40, 130, 240),
            tools_permille: span(900, 1120, 1500),
            ..PLAIN
        },
        // 5 to 12 for one message; tools 81 and 1.3 of their JSON.
        Family::Glm => Frame {
            request: span(2, 4, 10),
            message: span(1, 2, 4),
            system: span(1, 2, 4),
            tools_auto: span(40, 80, 150),
            tools_forced: span(40, 80, 150),
            tools_permille: span(1000, 1290, 1700),
            ..PLAIN
        },
        // 9 for one message, 11 to 12 for two; tools at 0.7 to 1.3 of their JSON.
        Family::Kimi => Frame {
            request: span(3, 6, 9),
            message: span(2, 3, 5),
            system: span(2, 3, 5),
            tools_permille: span(600, 900, 1500),
            ..PLAIN
        },
        // 22 to 41 on the recorded few.
        Family::MiniMax => Frame { request: span(5, 25, 45), message: span(1, 4, 8), system: span(0, 4, 8), ..UNKNOWN },
        // A hidden preamble of about 490, with tools about 1,380; none in `billed_units`.
        Family::Cohere => Frame {
            request: span(0, 487, 1400),
            message: span(0, 8, 40),
            system: span(0, 8, 40),
            tools_auto: span(0, 890, 1400),
            tools_forced: span(0, 890, 1400),
            ..PLAIN
        },
        // Nothing without reasoning, 120 to 205 with; tools 132 to 278 and 1.05 to 1.5 of their JSON.
        Family::Grok => Frame {
            request: span(0, 100, 205),
            message: span(0, 1, 5),
            system: span(0, 1, 5),
            tools_auto: span(100, 180, 300),
            tools_forced: span(100, 180, 300),
            tools_permille: span(900, 1150, 1700),
            ..PLAIN
        },
        // Nothing on Nova 1, 46 on Nova 2; tools about 800.
        Family::Nova => Frame {
            request: span(0, 20, 80),
            message: span(0, 0, 2),
            tools_auto: span(200, 700, 1100),
            tools_forced: span(200, 700, 1100),
            ..PLAIN
        },
        Family::Nemotron => Frame { request: span(0, 8, 20), message: span(1, 4, 8), system: span(0, 4, 8), ..UNKNOWN },
        Family::Unknown => UNKNOWN,
    }
}

/// A family that nobody has measured.
const UNKNOWN: Frame = Frame {
    request: span(0, 5, 500),
    message: span(0, 4, 10),
    system: span(0, 4, 10),
    tools_auto: span(0, 150, 1100),
    tools_forced: span(0, 150, 1100),
    tools_permille: span(300, 1100, 2600),
    ..PLAIN
};
