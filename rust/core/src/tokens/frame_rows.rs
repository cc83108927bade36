//! The figures of the frames, a row per family, models and dialect; the first row that fits counts.
//!
//! Source: recorded requests with the usage that the provider reported; each figure is the median of its rows and each span holds
//! nearly all of them (`scripts/fit_frames.py` prints both). `docs/tokens.md` says how large the error is.

use super::family::Family;
use super::frame::{Frame, Row, Span, always, span};
use super::picture::ImageRule;
use super::schema::Rendering;

/// A frame that adds nothing, for the rows to differ from.
const PLAIN: Frame = Frame {
    request: always(0),
    message: always(0),
    assistant: always(0),
    system: always(0),
    late_system: always(0),
    opening: always(0),
    joined: always(0),
    name: None,
    drops_think_tags: false,
    trims_system: false,
    frees_prefill: false,
    tools_auto: always(0),
    tools_any: always(0),
    tools_named: always(0),
    names_choice: false,
    deferred: always(0),
    tools_without_system: always(0),
    tool: span(0, 4, 12),
    rendering: Rendering::Json,
    tools_permille: span(800, 1050, 1400),
    raw_tools_permille: span(700, 1100, 2000),
    call: span(0, 10, 40),
    call_alone: always(0),
    thought: always(0),
    argument: None,
    parallel: always(0),
    result: span(0, 6, 30),
    result_repeats_name: false,
    result_turn: always(0),
    results_are_messages: true,
    schema: span(0, 10, 60),
    is_schema_indented: false,
    schema_permille: span(0, 1000, 1500),
    thinking: span(0, 0, 40),
    adaptive: span(0, 0, 40),
    text_document: span(0, 4, 60),
    citations: span(0, 0, 700),
    thinking_permille: span(0, 0, 1300),
    page: span(50, 1000, 6000),
    image: ImageRule::Unknown,
};

/// A family that nobody has measured.
pub(super) const UNKNOWN: Frame = Frame {
    request: span(0, 5, 500),
    message: span(0, 4, 10),
    system: span(0, 4, 10),
    tools_auto: span(0, 150, 1100),
    tools_any: span(0, 150, 1100),
    tools_named: span(0, 150, 1100),
    raw_tools_permille: span(300, 1100, 2600),
    tools_permille: span(300, 1100, 2600),
    ..PLAIN
};

const TILES: ImageRule = ImageRule::Tiles { base: 85, tile: 170 };

const fn openai_patches(permille: u64) -> ImageRule {
    ImageRule::Patches { pixels: 32, most: 1536, permille, more: 0 }
}

/// OpenAI Chat up to gpt-4.1: 3 + sum(4 + content). Each system text is a message. Tools are TypeScript in the system text; without
/// one, a message is made for them. A result names its tool again.
const OPENAI: Frame = Frame {
    // A few requests were billed up to 18 tokens more, for nothing that the body says.
    request: span(-1, 3, 24),
    message: always(4),
    system: always(4),
    name: Some(always(1)),
    tools_auto: span(-5, -1, 20),
    tools_any: span(-5, -1, 20),
    tools_named: span(3, 6, 20),
    names_choice: true,
    tools_without_system: always(4),
    tool: span(-1, 0, 3),
    rendering: Rendering::TypeScript,
    tools_permille: span(940, 1000, 1080),
    raw_tools_permille: span(400, 720, 1100),
    call: span(0, 5, 16),
    parallel: span(-4, 9, 20),
    result: span(-1, 0, 8),
    result_repeats_name: true,
    schema: span(6, 10, 24),
    schema_permille: span(850, 1000, 1150),
    thinking: always(0),
    adaptive: always(0),
    text_document: span(0, 8, 60),
    page: span(50, 1000, 6000),
    image: TILES,
    ..PLAIN
};

/// The same over Responses.
const RESPONSES: Frame = Frame {
    tools_auto: span(-6, -3, 16),
    tools_any: span(-3, 5, 20),
    tools_named: span(1, 4, 16),
    tools_without_system: always(0),
    call: span(2, 6, 16),
    call_alone: span(0, 9, 14),
    parallel: span(-4, -2, 10),
    schema: span(3, 7, 20),
    ..OPENAI
};

/// The o-series and gpt-5: one token less. Over Chat, tools cost some 81 more than over Responses.
const GPT5: Frame = Frame {
    request: span(-3, 2, 24),
    assistant: span(0, 2, 4),
    tools_auto: span(0, 83, 88),
    tools_any: span(0, 83, 88),
    tools_named: span(-4, 83, 90),
    names_choice: false,
    // Encrypted reasoning that is sent back is counted as long as it was.
    thought: span(0, 0, 1400),
    tools_without_system: span(0, 1, 4),
    call: span(4, 11, 24),
    ..OPENAI
};

const GPT5_RESPONSES: Frame = Frame {
    tools_auto: span(-1, 2, 16),
    tools_any: span(-1, 2, 16),
    tools_named: span(-8, 2, 16),
    tools_without_system: span(-1, 0, 1),
    parallel: span(-4, 6, 20),
    schema: span(2, 7, 20),
    ..GPT5
};

const O_SERIES: Frame =
    Frame { tools_auto: span(-1, 0, 12), tools_any: span(-1, 0, 12), tools_named: span(-8, 0, 16), ..GPT5 };

const MINI_MODELS: &[&str] = &["gpt-5-mini", "gpt-5-1-mini", "gpt-5-4-mini", "gpt-5-4", "gpt-5-5", "gpt-5-6", "gpt-6"];
const NANO_MODELS: &[&str] = &["gpt-5-nano", "gpt-5-1-nano"];

/// The harmony preamble names model, dates, effort and channels.
const HARMONY: Frame = Frame {
    request: span(2, 63, 95),
    tools_auto: span(8, 15, 26),
    tools_any: span(8, 20, 30),
    tools_named: span(8, 20, 30),
    tools_without_system: span(0, 1, 8),
    call: span(4, 12, 30),
    result: span(0, 4, 20),
    names_choice: false,
    ..OPENAI
};

/// Claude 3 to Opus 4.6: 4 + 3 * messages. A call writes its arguments one by one; the first of several results shares its frame.
const CLAUDE: Frame = Frame {
    // Some gateways think unasked, which adds 29.
    request: span(0, 4, 34),
    message: always(3),
    system: span(0, 0, 1),
    opening: span(0, 12, 14),
    joined: span(0, 1, 2),
    trims_system: true,
    frees_prefill: true,
    tools_auto: span(313, 496, 533),
    tools_any: span(315, 588, 600),
    tools_named: span(284, 590, 604),
    names_choice: true,
    tool: span(5, 6, 9),
    tools_permille: span(980, 1000, 1030),
    raw_tools_permille: span(950, 1080, 1300),
    call: span(28, 31, 36),
    argument: Some(span(12, 14, 16)),
    result: span(28, 31, 36),
    result_turn: span(-30, -22, -14),
    parallel: span(-20, 6, 14),
    results_are_messages: false,
    schema: span(78, 81, 92),
    is_schema_indented: true,
    schema_permille: span(980, 1000, 1050),
    thinking: span(0, 29, 30),
    adaptive: span(0, 0, 30),
    text_document: span(30, 38, 80),
    citations: span(400, 540, 700),
    page: span(30, 1600, 6000),
    image: ImageRule::Patches { pixels: 28, most: 1568, permille: 1000, more: 3 },
    ..PLAIN
};

const fn claude(auto: i64, any: i64) -> Frame {
    Frame {
        tools_auto: span(auto - 9, auto, auto + 12),
        tools_any: span(any - 9, any, any + 12),
        tools_named: span(any - 35, any + 2, any + 12),
        ..CLAUDE
    }
}

/// 4.8, Sonnet 5 and later: 4 + 2 * messages.
const CLAUDE_5: Frame = Frame {
    message: always(2),
    system: span(0, 0, 2),
    late_system: span(2, 3, 4),
    deferred: span(0, 93, 100),
    call: span(22, 27, 34),
    result: span(22, 27, 34),
    result_turn: span(-32, -25, -14),
    tools_auto: span(280, 300, 380),
    tools_any: span(400, 420, 500),
    tools_named: span(400, 422, 510),
    image: ImageRule::Patches { pixels: 28, most: 4784, permille: 1000, more: 3 },
    thinking: span(-2, 0, 4),
    adaptive: span(-2, 0, 4),
    schema: span(80, 119, 125),
    page: span(30, 1638, 6000),
    ..CLAUDE
};

const fn claude_5(auto: i64, any: i64) -> Frame {
    Frame {
        tools_auto: span(auto - 8, auto, auto + 80),
        tools_any: span(any - 8, any, any + 80),
        tools_named: span(any - 8, any + 2, any + 80),
        ..CLAUDE_5
    }
}

/// One token a message at Google, none at Vertex. Tools cost 0.7 of their JSON; an answer's schema is free.
const GEMINI: Frame = Frame {
    message: span(0, 1, 1),
    system: span(0, 1, 2),
    request: span(-1, 0, 3),
    tool: span(0, 0, 20),
    tools_permille: span(450, 700, 1300),
    raw_tools_permille: span(300, 750, 1300),
    call: span(-12, -6, 80),
    result: span(0, 20, 50),
    schema: span(-2, 0, 8),
    schema_permille: span(0, 0, 1200),
    page: span(250, 258, 1100),
    image: ImageRule::Flat { low: 250, likely: 258, high: 3400 },
    ..PLAIN
};

/// Begin and end of a message 5, the answer's header 4, one for all; from 3.1 on, a system text with the date.
const LLAMA: Frame = Frame {
    request: span(5, 30, 35),
    message: span(4, 5, 5),
    system: span(0, 0, 5),
    tools_permille: span(500, 1000, 1600),
    ..tooled(span(0, 100, 660), PLAIN)
};

/// What hidden instructions cost a reasoning Grok, with and without tools.
const fn grok(request: i64, tools: i64) -> Frame {
    Frame {
        request: span(request - 20, request, request + 20),
        message: span(0, 2, 6),
        system: span(0, 3, 8),
        tools_permille: span(900, 1000, 1400),
        raw_tools_permille: span(900, 1150, 1700),
        result: span(0, 20, 40),
        call: span(-10, 0, 20),
        ..tooled(span(tools - 60, tools, tools + 130), PLAIN)
    }
}

const fn cohere(request: i64, tools: i64) -> Frame {
    Frame {
        request: span(0, request, request + 60),
        message: span(0, 8, 40),
        system: span(0, 8, 40),
        tools_permille: span(900, 1140, 1500),
        result: span(0, 40, 80),
        ..tooled(span(-400, tools, tools + 200), PLAIN)
    }
}

const NOVA: Frame = Frame {
    request: span(0, 0, 4),
    message: span(0, 0, 5),
    tools_permille: span(0, 1000, 1400),
    result: span(0, 20, 60),
    ..tooled(span(280, 340, 860), PLAIN)
};

const QWEN: Frame = Frame {
    drops_think_tags: true,
    request: span(2, 4, 6),
    message: span(4, 5, 6),
    system: span(4, 4, 6),
    raw_tools_permille: span(900, 1120, 1500),
    tools_permille: span(950, 1000, 1100),
    tool: span(0, 0, 8),
    call: span(0, 25, 60),
    result: span(-10, 0, 20),
    ..tooled(span(50, 90, 240), PLAIN)
};

const DEEPSEEK: Frame = Frame {
    drops_think_tags: true,
    request: span(0, 2, 84),
    message: span(1, 2, 3),
    system: span(-1, 0, 12),
    raw_tools_permille: span(900, 1150, 2000),
    tools_permille: span(900, 1010, 1200),
    call: span(-6, -3, 20),
    ..tooled(span(100, 220, 345), PLAIN)
};

/// One token begins, two stand around what the user says, one ends an answer.
const MISTRAL: Frame = Frame {
    request: span(0, 2, 13),
    message: span(1, 2, 4),
    system: span(0, 2, 5),
    tool: span(8, 15, 24),
    tools_permille: span(900, 980, 1100),
    raw_tools_permille: span(950, 1300, 1700),
    call: span(-12, -4, 20),
    result: span(0, 12, 30),
    ..PLAIN
};

/// The same constant whatever is said of the choice.
#[allow(clippy::large_types_passed_by_value, reason = "evaluated by the compiler")]
const fn tooled(tools: Span, frame: Frame) -> Frame {
    Frame { tools_auto: tools, tools_any: tools, tools_named: tools, ..frame }
}

/// The table.
pub(super) static ROWS: &[Row] = &[
    row(
        Family::O200k,
        &["gpt-4o-search-preview", "gpt-4o-mini-search-preview"],
        None,
        Frame { request: span(-8, -4, 24), ..OPENAI },
    ),
    row(
        Family::O200k,
        &["gpt-4o-mini"],
        Some(true),
        Frame { image: ImageRule::Tiles { base: 2833, tile: 5667 }, ..RESPONSES },
    ),
    row(
        Family::O200k,
        &["gpt-4o-mini"],
        Some(false),
        Frame { image: ImageRule::Tiles { base: 2833, tile: 5667 }, ..OPENAI },
    ),
    row(Family::O200k, &["gpt-4-1-mini"], Some(true), Frame { image: openai_patches(1620), ..RESPONSES }),
    row(Family::O200k, &["gpt-4-1-mini"], Some(false), Frame { image: openai_patches(1620), ..OPENAI }),
    row(Family::O200k, &["gpt-4-1-nano"], Some(true), Frame { image: openai_patches(2460), ..RESPONSES }),
    row(Family::O200k, &["gpt-4-1-nano"], Some(false), Frame { image: openai_patches(2460), ..OPENAI }),
    row(Family::O200k, MINI_MODELS, Some(true), Frame { image: openai_patches(1200), ..GPT5_RESPONSES }),
    row(Family::O200k, MINI_MODELS, Some(false), Frame { image: openai_patches(1200), ..GPT5 }),
    row(Family::O200k, NANO_MODELS, Some(true), Frame { image: openai_patches(1500), ..GPT5_RESPONSES }),
    row(Family::O200k, NANO_MODELS, Some(false), Frame { image: openai_patches(1500), ..GPT5 }),
    row(
        Family::O200k,
        &["gpt-5"],
        Some(true),
        Frame { image: ImageRule::Tiles { base: 70, tile: 140 }, ..GPT5_RESPONSES },
    ),
    row(Family::O200k, &["gpt-5"], Some(false), Frame { image: ImageRule::Tiles { base: 70, tile: 140 }, ..GPT5 }),
    row(Family::O200k, &["o1", "o3", "o4"], Some(true), Frame { image: openai_patches(1720), ..GPT5_RESPONSES }),
    row(Family::O200k, &["o1", "o3", "o4"], Some(false), Frame { image: openai_patches(1720), ..O_SERIES }),
    row(Family::O200k, &[], Some(true), RESPONSES),
    row(Family::O200k, &[], Some(false), OPENAI),
    row(Family::O200kHarmony, &[], None, HARMONY),
    row(Family::Cl100k, &[], None, OPENAI),
    row(Family::Claude3To46, &["claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5"], None, claude(496, 588)),
    row(Family::Claude3To46, &["claude-sonnet-4-6"], None, Frame { system: span(0, 1, 1), ..claude(497, 589) }),
    row(
        Family::Claude3To46,
        &["claude-opus-4-6"],
        None,
        Frame { system: span(0, 1, 1), thinking: span(0, 17, 30), adaptive: span(0, 17, 30), ..claude(497, 589) },
    ),
    row(
        Family::Claude3To46,
        &["claude-3-5-haiku"],
        None,
        // Recorded at one size: 640 x 480 costs 435.
        Frame { image: ImageRule::Patches { pixels: 28, most: 1568, permille: 1044, more: 3 }, ..claude(264, 360) },
    ),
    row(Family::Claude3To46, &["claude-3-haiku"], None, claude(264, 357)),
    row(Family::Claude3To46, &["claude-3-5-sonnet"], None, claude(294, 320)),
    row(Family::Claude3To46, &["claude-3-opus"], None, claude(533, 600)),
    row(Family::Claude3To46, &["claude-3-sonnet"], None, claude(159, 250)),
    row(Family::Claude3To46, &["claude-3-7-sonnet"], None, claude(313, 315)),
    row(
        Family::Claude3To46,
        &["claude-sonnet-4", "claude-opus-4"],
        None,
        Frame { tools_named: span(270, 275, 330), ..claude(313, 315) },
    ),
    row(Family::Claude3To46, &[], None, CLAUDE),
    row(Family::Claude47On, &["claude-opus-4-7"], None, Frame { request: span(4, 9, 34), ..claude_5(675, 804) }),
    row(Family::Claude47On, &["claude-opus-4-8"], None, claude_5(290, 410)),
    row(Family::Claude47On, &["claude-sonnet-5"], None, claude_5(355, 487)),
    row(Family::Claude47On, &["claude-opus-5", "claude-fable-5", "claude-mythos"], None, claude_5(288, 408)),
    row(Family::Claude47On, &[], None, CLAUDE_5),
    row(
        Family::Gemini,
        &["gemini-2-0"],
        None,
        Frame { image: ImageRule::Flat { low: 250, likely: 1806, high: 3400 }, ..GEMINI },
    ),
    row(
        Family::Gemini,
        &["gemini-3"],
        None,
        Frame { image: ImageRule::Flat { low: 250, likely: 1085, high: 1200 }, call: span(-12, -6, 500), ..GEMINI },
    ),
    row(Family::Gemini, &[], None, GEMINI),
    // Llama's tokenizer without its frame.
    row(Family::Llama3, &["sonar"], None, Frame { request: span(0, 1, 2), ..tooled(span(0, 0, 600), PLAIN) }),
    row(
        Family::Llama3,
        &[
            "llama3-8b",
            "llama3-70b",
            "llama3:",
            "llama3$",
            "llama-3-8b",
            "llama-3-70b",
            "meta-llama-3-8b",
            "meta-llama-3-70b",
        ],
        None,
        Frame { request: span(4, 5, 7), system: span(4, 5, 6), ..LLAMA },
    ),
    row(
        Family::Llama3,
        &["deepseek-r1-distill"],
        None,
        Frame {
            request: span(1, 2, 4),
            message: span(0, 1, 2),
            system: span(-1, 0, 1),
            drops_think_tags: true,
            ..PLAIN
        },
    ),
    row(
        Family::Llama3,
        &["llama-4", "llama4"],
        None,
        Frame { request: span(0, 6, 12), ..tooled(span(40, 480, 660), LLAMA) },
    ),
    row(Family::Llama3, &[], None, LLAMA),
    row(Family::MistralTekken, &["small-latest"], None, Frame { request: span(0, 13, 15), ..MISTRAL }),
    row(Family::MistralTekken, &[], None, MISTRAL),
    // Over Responses it reasons, which takes some 79 tokens of instructions.
    row(Family::DeepSeek, &["deepseek-v4"], Some(true), Frame { request: span(0, 81, 86), ..DEEPSEEK }),
    row(Family::DeepSeek, &["deepseek-r1:"], None, Frame { request: span(-2, 0, 4), ..DEEPSEEK }),
    row(Family::DeepSeek, &[], None, DEEPSEEK),
    row(Family::Qwen, &["qwen3-5"], None, tooled(span(180, 222, 300), QWEN)),
    row(Family::Qwen, &[], None, QWEN),
    row(
        Family::Glm,
        &[],
        None,
        Frame {
            drops_think_tags: true,
            request: span(2, 5, 12),
            message: span(0, 1, 4),
            system: span(0, 1, 4),
            raw_tools_permille: span(1000, 1150, 1700),
            tools_permille: span(950, 1000, 1100),
            tool: span(0, 5, 8),
            call: span(-10, -4, 20),
            result: span(0, 20, 60),
            ..tooled(span(60, 98, 130), PLAIN)
        },
    ),
    row(
        Family::Kimi,
        &[],
        None,
        Frame {
            request: span(3, 6, 9),
            message: span(2, 3, 9),
            system: span(2, 3, 5),
            raw_tools_permille: span(600, 900, 1500),
            tools_permille: span(600, 800, 1200),
            result: span(0, 25, 60),
            ..tooled(span(0, 12, 40), PLAIN)
        },
    ),
    row(
        Family::MiniMax,
        &[],
        None,
        Frame { request: span(5, 25, 45), message: span(1, 4, 8), system: span(0, 4, 8), ..UNKNOWN },
    ),
    row(Family::Cohere, &["command-a-reasoning"], None, cohere(1380, 0)),
    row(Family::Cohere, &["embed"], None, PLAIN),
    row(Family::Cohere, &["command-r-plus$", "command-r-08", "command-r-plus-04", "command$"], None, cohere(56, 880)),
    row(Family::Cohere, &[], None, cohere(487, 880)),
    row(Family::Grok, &["grok-4-1-fast-non", "grok-4-fast-non", "grok-4-20-non"], None, grok(0, 137)),
    row(Family::Grok, &["grok-4-3"], None, grok(188, 28)),
    row(Family::Grok, &["grok-3-mini"], None, grok(183, -22)),
    row(Family::Grok, &["grok-code"], None, grok(190, 105)),
    row(Family::Grok, &["grok-4-fast", "grok-4-1-fast"], None, grok(142, 122)),
    row(Family::Grok, &["grok-4-0709"], None, grok(108, 160)),
    row(Family::Grok, &[], None, Frame { request: span(0, 142, 210), ..grok(142, 60) }),
    row(Family::Nova, &["nova-2"], None, Frame { request: span(30, 45, 50), ..tooled(span(780, 850, 1000), NOVA) }),
    row(Family::Nova, &[], None, NOVA),
    row(
        Family::Nemotron,
        &[],
        None,
        Frame { request: span(0, 8, 20), message: span(1, 4, 8), system: span(0, 4, 8), ..UNKNOWN },
    ),
    row(Family::Unknown, &[], None, UNKNOWN),
];

#[allow(clippy::large_types_passed_by_value, reason = "evaluated by the compiler")]
const fn row(family: Family, models: &'static [&'static str], is_responses: Option<bool>, frame: Frame) -> Row {
    Row { family, models, is_responses, frame }
}
