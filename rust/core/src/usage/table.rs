//! The extractors: what is known of how providers report usage. A row states the difference to the row that it builds on.
//!
//! Sources: the providers' published SDKs and recorded answers. Where a row says more than the common OpenAI form,
//! recordings showed it, or the comment says that documentation alone does.

use super::extractor::{CostAt, CostUnit, Extractor, Frames, OwnKey, Part, Rounds, SearchesAt};

const NOWHERE: Part = Part::inside(&[]);

const BLANK: Extractor = Extractor {
    name: "",
    aliases: &[],
    usage_at: &["usage"],
    frames: Frames::LastObject,
    input: &[],
    output: &[],
    total: &[],
    cache_read: NOWHERE,
    cache_write: NOWHERE,
    cache_write_5m: &[],
    cache_write_1h: &[],
    more_input: NOWHERE,
    audio_in: NOWHERE,
    cached_audio: &[],
    image_in: &[],
    cached_image: &[],
    reasoning: NOWHERE,
    audio_out: NOWHERE,
    web_searches: &[],
    body_searches: &[],
    costs: &[],
    body_costs: &[],
    own_key: None,
    rounds: None,
    service_tier: &[],
    body_service_tier: &[],
    speed: &[],
    region: &[],
};

/// Cache beside the input, reasoning inside the output. Frames: `message_start`, then `message_delta` with later figures.
pub const ANTHROPIC_MESSAGES: Extractor = Extractor {
    name: "anthropic-messages",
    aliases: &["anthropic"],
    usage_at: &["usage", "message.usage"],
    frames: Frames::LaterField,
    input: &["input_tokens"],
    output: &["output_tokens"],
    cache_read: Part::beside(&["cache_read_input_tokens"]),
    cache_write: Part::beside(&["cache_creation_input_tokens"]),
    cache_write_5m: &["cache_creation.ephemeral_5m_input_tokens"],
    cache_write_1h: &["cache_creation.ephemeral_1h_input_tokens"],
    reasoning: Part::inside(&["output_tokens_details.thinking_tokens"]),
    web_searches: &["server_tool_use.web_search_requests"],
    rounds: Some(Rounds { at: "iterations", kind: "type", added: "compaction", other_model: "advisor_message" }),
    service_tier: &["service_tier"],
    speed: &["speed"],
    region: &["inference_geo"],
    ..BLANK
};

/// An item of a Responses body. Opening a page or searching in it is no search that is paid (documentation).
const fn response_items(at: &'static str) -> SearchesAt {
    SearchesAt::Items { at, kind: "type", search: "web_search_call", action: "action.type", paid: "search" }
}

/// Cache inside the prompt, reasoning inside the completion; the words of every server that speaks the dialect.
pub const OPENAI_CHAT: Extractor = Extractor {
    name: "openai-chat",
    aliases: &["openai", "azure", "openai-completions", "embeddings"],
    usage_at: &["usage", "response.usage", "x_groq.usage"],
    input: &["prompt_tokens", "input_tokens"],
    output: &["completion_tokens", "output_tokens"],
    total: &["total_tokens"],
    cache_read: Part::inside(&[
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "prompt_cache_hit_tokens",
        "cached_tokens",
        "cache_read_input_tokens",
    ]),
    cache_write: Part::inside(&[
        "prompt_tokens_details.cache_write_tokens",
        "input_tokens_details.cache_write_tokens",
        "cache_creation_input_tokens",
    ]),
    cache_write_5m: &["cache_creation.ephemeral_5m_input_tokens"],
    cache_write_1h: &["cache_creation.ephemeral_1h_input_tokens"],
    audio_in: Part::inside(&["prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"]),
    cached_audio: &["prompt_tokens_details.cached_tokens_details.audio_tokens"],
    image_in: &["prompt_tokens_details.image_tokens", "input_tokens_details.image_tokens"],
    cached_image: &["prompt_tokens_details.cached_tokens_details.image_tokens"],
    reasoning: Part::inside(&[
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "reasoning_tokens",
    ]),
    audio_out: Part::inside(&["completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"]),
    web_searches: &[
        "server_tool_use.web_search_requests",
        "server_side_tool_usage_details.web_search_calls",
        "num_search_queries",
    ],
    body_searches: &[response_items("output"), response_items("response.output")],
    costs: &[
        CostAt { at: "cost_in_usd_ticks", unit: CostUnit::Ticks },
        CostAt { at: "cost.total_cost", unit: CostUnit::Usd },
        CostAt { at: "cost", unit: CostUnit::Usd },
    ],
    // Venice.
    body_costs: &[CostAt { at: "cost.usd", unit: CostUnit::Usd }],
    own_key: Some(OwnKey { flag: "is_byok", upstream: "cost_details.upstream_inference_cost" }),
    service_tier: &["service_tier"],
    body_service_tier: &["service_tier", "response.service_tier"],
    ..BLANK
};

/// The same words under `input_tokens` and `output_tokens`; frames carry them in `response`.
pub const OPENAI_RESPONSES: Extractor = Extractor {
    name: "openai-responses",
    aliases: &["responses"],
    usage_at: &["usage", "response.usage"],
    input: &["input_tokens"],
    output: &["output_tokens"],
    ..OPENAI_CHAT
};

/// Cache inside the prompt; thoughts beside the candidates; what tools brought beside the prompt. The total counts all.
const GEMINI: Extractor = Extractor {
    name: "gemini",
    aliases: &["google", "vertex"],
    usage_at: &["usageMetadata"],
    // Each frame is cumulative, but the last one may leave the prompt out (recorded).
    frames: Frames::LaterField,
    input: &["promptTokenCount"],
    output: &["candidatesTokenCount"],
    total: &["totalTokenCount"],
    cache_read: Part::inside(&["cachedContentTokenCount"]),
    more_input: Part::beside(&["toolUsePromptTokenCount"]),
    audio_in: Part::inside(&["promptTokensDetails[modality=AUDIO].tokenCount"]),
    cached_audio: &["cacheTokensDetails[modality=AUDIO].tokenCount"],
    image_in: &["promptTokensDetails[modality=IMAGE].tokenCount"],
    cached_image: &["cacheTokensDetails[modality=IMAGE].tokenCount"],
    reasoning: Part::beside(&["thoughtsTokenCount"]),
    audio_out: Part::inside(&["candidatesTokensDetails[modality=AUDIO].tokenCount"]),
    // A request with grounding is paid once up to Gemini 2.5, by the query since (documentation).
    body_searches: &[SearchesAt::Queries {
        at: "candidates",
        queries: "groundingMetadata.webSearchQueries",
        model: "modelVersion",
        once: &["gemini-1", "gemini-2"],
    }],
    service_tier: &["serviceTier", "trafficType"],
    ..BLANK
};

/// Gemini's interactions: the same relations under other words.
const GEMINI_INTERACTIONS: Extractor = Extractor {
    name: "gemini-interactions",
    usage_at: &["usage", "interaction.usage"],
    input: &["total_input_tokens"],
    output: &["total_output_tokens"],
    total: &["total_tokens"],
    cache_read: Part::inside(&["total_cached_tokens"]),
    more_input: Part::beside(&["total_tool_use_tokens"]),
    audio_in: Part::inside(&["input_tokens_by_modality[modality=audio].tokens"]),
    cached_audio: &["cached_tokens_by_modality[modality=audio].tokens"],
    image_in: &["input_tokens_by_modality[modality=image].tokens"],
    cached_image: &["cached_tokens_by_modality[modality=image].tokens"],
    reasoning: Part::beside(&["total_thought_tokens"]),
    audio_out: Part::inside(&["output_tokens_by_modality[modality=audio].tokens"]),
    web_searches: &["grounding_tool_count[type=google_search].count"],
    body_service_tier: &["service_tier", "interaction.service_tier"],
    ..BLANK
};

/// Cache beside the input, and the total counts it.
const BEDROCK_CONVERSE: Extractor = Extractor {
    name: "bedrock-converse",
    aliases: &["bedrock"],
    usage_at: &["usage", "metadata.usage"],
    input: &["inputTokens"],
    output: &["outputTokens"],
    total: &["totalTokens"],
    cache_read: Part::beside(&["cacheReadInputTokens", "cacheReadInputTokenCount"]),
    cache_write: Part::beside(&["cacheWriteInputTokens", "cacheWriteInputTokenCount"]),
    cache_write_5m: &["cacheDetails[ttl=5m].inputTokens"],
    cache_write_1h: &["cacheDetails[ttl=1h].inputTokens"],
    body_service_tier: &["serviceTier.type", "metadata.serviceTier.type"],
    ..BLANK
};

/// The metrics that Bedrock puts on the last frame of any vendor's stream, or else the vendor's own words. Cache beside the
/// input, as with Claude.
const BEDROCK_INVOKE: Extractor = Extractor {
    name: "bedrock-invoke",
    usage_at: &["amazon-bedrock-invocationMetrics", "message.usage", "usage"],
    frames: Frames::LaterField,
    input: &["inputTokenCount", "input_tokens", "inputTokens", "prompt_tokens"],
    output: &["outputTokenCount", "output_tokens", "outputTokens", "completion_tokens"],
    cache_read: Part::beside(&["cacheReadInputTokenCount", "cache_read_input_tokens"]),
    cache_write: Part::beside(&["cacheWriteInputTokenCount", "cache_creation_input_tokens"]),
    cache_write_5m: &["cache_creation.ephemeral_5m_input_tokens"],
    cache_write_1h: &["cache_creation.ephemeral_1h_input_tokens"],
    reasoning: Part::inside(&["output_tokens_details.thinking_tokens"]),
    ..BLANK
};

/// Billed units are what is paid; `tokens` also counts a hidden preamble, and `cached_tokens` is a part of those.
const COHERE: Extractor = Extractor {
    name: "cohere",
    usage_at: &["usage", "delta.usage", "meta", "response.meta"],
    input: &["billed_units.input_tokens"],
    output: &["billed_units.output_tokens"],
    reasoning: Part::inside(&["tokens.reasoning_tokens"]),
    ..BLANK
};

/// Audio stands beside the prompt, and the total counts it.
const MISTRAL: Extractor = Extractor {
    name: "mistral",
    cache_read: Part::inside(&["prompt_tokens_details.cached_tokens", "num_cached_tokens"]),
    audio_in: Part::beside(&["prompt_tokens_details.audio_tokens"]),
    aliases: &[],
    ..OPENAI_CHAT
};

/// Hits and misses of the cache make up the prompt.
const DEEPSEEK: Extractor = Extractor {
    name: "deepseek",
    cache_read: Part::inside(&[
        "prompt_cache_hit_tokens",
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
    ]),
    aliases: &[],
    ..OPENAI_CHAT
};

/// On the chat endpoint reasoning stands outside the completion, on Responses inside the output: the total shows which.
const XAI: Extractor = Extractor {
    name: "xai",
    costs: &[CostAt { at: "cost_in_usd_ticks", unit: CostUnit::Ticks }],
    web_searches: &["server_side_tool_usage_details.web_search_calls"],
    aliases: &[],
    ..OPENAI_CHAT
};

/// Streams say it twice; a frame without the common member has it under `x_groq`.
const GROQ: Extractor = Extractor { name: "groq", usage_at: &["usage", "x_groq.usage"], aliases: &[], ..OPENAI_CHAT };

/// With the caller's own key `cost` is the gateway's fee alone.
const OPENROUTER: Extractor = Extractor {
    name: "openrouter",
    costs: &[CostAt { at: "cost", unit: CostUnit::Usd }],
    web_searches: &["server_tool_use.web_search_requests"],
    aliases: &[],
    ..OPENAI_CHAT
};

/// Reasoning and citations stand beside both figures, outside of the total (deep research; by documentation).
const PERPLEXITY: Extractor = Extractor {
    name: "perplexity",
    more_input: Part::uncounted(&["citation_tokens"]),
    reasoning: Part::uncounted(&["reasoning_tokens"]),
    costs: &[CostAt { at: "cost.total_cost", unit: CostUnit::Usd }],
    web_searches: &["num_search_queries"],
    aliases: &[],
    ..OPENAI_CHAT
};

/// Reasoning stands beside the completion, outside of the total, and is paid (recorded costs are exact with it).
const VERCEL_GATEWAY: Extractor = Extractor {
    name: "vercel-gateway",
    reasoning: Part::uncounted(&["completion_tokens_details.reasoning_tokens"]),
    aliases: &["vercel"],
    ..OPENAI_CHAT
};

/// Top-level `cached_tokens`.
const TOGETHER: Extractor = Extractor { name: "together", aliases: &[], ..OPENAI_CHAT };

const FIREWORKS: Extractor = Extractor { name: "fireworks", aliases: &[], ..OPENAI_CHAT };

/// The prompt includes cached and written tokens even for Claude; written ones by lifetime under its own words
/// (documentation and issue threads).
const LITELLM: Extractor = Extractor {
    name: "litellm",
    cache_write: Part::inside(&[
        "prompt_tokens_details.cache_creation_tokens",
        "cache_creation_input_tokens",
        "prompt_tokens_details.cache_write_tokens",
    ]),
    cache_write_5m: &["prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens"],
    cache_write_1h: &["prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens"],
    aliases: &["litellm-proxy"],
    ..OPENAI_CHAT
};

/// The native API: counts on the last line, the prompt's left out when it was cached.
const OLLAMA: Extractor = Extractor {
    name: "ollama",
    usage_at: &["usage", ""],
    frames: Frames::LaterField,
    input: &["prompt_eval_count", "prompt_tokens"],
    output: &["eval_count", "completion_tokens"],
    ..BLANK
};

/// Every extractor; names and aliases are unique.
pub static EXTRACTORS: &[Extractor] = &[
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    GEMINI,
    GEMINI_INTERACTIONS,
    BEDROCK_CONVERSE,
    BEDROCK_INVOKE,
    COHERE,
    MISTRAL,
    DEEPSEEK,
    XAI,
    GROQ,
    OPENROUTER,
    PERPLEXITY,
    VERCEL_GATEWAY,
    TOGETHER,
    FIREWORKS,
    LITELLM,
    OLLAMA,
];
