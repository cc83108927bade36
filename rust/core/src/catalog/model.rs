//! A model as its provider sells it. Every `Option` is "unknown" when it is `None`.

use super::fields::named;
use crate::money::{NanosPerMtok, Ratio, UsdNanos};

named! {
    /// Where a model is in its life.
    pub enum Status {
        /// Sold, with no end announced.
        Active = "active",
        /// Still answers; its end is announced.
        Deprecated = "deprecated",
        /// Requests fail. Kept for pricing old logs.
        Retired = "retired",
    }
}

named! {
    /// A wire format.
    pub enum Dialect {
        /// Anthropic Messages.
        AnthropicMessages = "anthropic-messages",
        /// OpenAI Chat Completions.
        OpenAiChat = "openai-chat",
        /// OpenAI Responses.
        OpenAiResponses = "openai-responses",
        /// Gemini generateContent.
        Gemini = "gemini",
        /// Bedrock Converse.
        Bedrock = "bedrock",
        /// Mistral Conversations.
        MistralConversations = "mistral-conversations",
    }
}

impl Dialect {
    /// What follows a provider's base URL in a call, for the dialects that this version speaks upstream.
    pub fn path(self) -> Option<&'static str> {
        match self {
            Self::AnthropicMessages => Some("/v1/messages"),
            Self::OpenAiChat => Some("/chat/completions"),
            _ => None,
        }
    }
}

named! {
    /// A kind of content.
    pub enum Modality {
        /// Text.
        Text = "text",
        /// Images.
        Image = "image",
        /// Audio.
        Audio = "audio",
        /// Video.
        Video = "video",
        /// PDF documents.
        Pdf = "pdf",
    }
}

named! {
    /// How a model takes its thinking setting.
    pub enum ThinkingMode {
        /// The model decides how long to think.
        Adaptive = "adaptive",
        /// A budget of thinking tokens.
        BudgetTokens = "budget_tokens",
        /// Thinking between tool calls only.
        BetweenTools = "between_tools",
        /// An effort word.
        Effort = "effort",
        /// On or off.
        Toggle = "toggle",
    }
}

named! {
    /// An effort word, in ascending order.
    pub enum Effort {
        /// No thinking.
        None = "none",
        /// The least.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// The middle.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More.
        XHigh = "xhigh",
        /// The most.
        Max = "max",
    }
}

/// One vector of prices. `None` is unknown, not free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Input that no cache served.
    pub input: Option<NanosPerMtok>,
    /// Output that is not reasoning.
    pub output: Option<NanosPerMtok>,
    /// Input read from the prompt cache.
    pub cache_read: Option<NanosPerMtok>,
    /// Input written to the prompt cache for five minutes, or for the provider's usual time.
    pub cache_write_5m: Option<NanosPerMtok>,
    /// Input written to the prompt cache for one hour.
    pub cache_write_1h: Option<NanosPerMtok>,
    /// Reasoning output where it has a price of its own; else it costs what output costs.
    pub reasoning: Option<NanosPerMtok>,
    /// Audio in.
    pub audio_in: Option<NanosPerMtok>,
    /// Audio out.
    pub audio_out: Option<NanosPerMtok>,
    /// Image tokens in, where they have a price of their own.
    pub image_in: Option<NanosPerMtok>,
    /// Input of a batch.
    pub batch_input: Option<NanosPerMtok>,
    /// Output of a batch.
    pub batch_output: Option<NanosPerMtok>,
}

impl Rates {
    /// Every class at no cost.
    pub const FREE: Self = Self {
        input: Some(NanosPerMtok::FREE),
        output: Some(NanosPerMtok::FREE),
        cache_read: Some(NanosPerMtok::FREE),
        cache_write_5m: Some(NanosPerMtok::FREE),
        cache_write_1h: Some(NanosPerMtok::FREE),
        reasoning: Some(NanosPerMtok::FREE),
        audio_in: Some(NanosPerMtok::FREE),
        audio_out: Some(NanosPerMtok::FREE),
        image_in: Some(NanosPerMtok::FREE),
        batch_input: Some(NanosPerMtok::FREE),
        batch_output: Some(NanosPerMtok::FREE),
    };

    /// Every price with the name of its key in a row, in the order of the row.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<NanosPerMtok>)> {
        [
            ("in", self.input),
            ("out", self.output),
            ("cache_read", self.cache_read),
            ("cache_write_5m", self.cache_write_5m),
            ("cache_write_1h", self.cache_write_1h),
            ("reasoning", self.reasoning),
            ("audio_in", self.audio_in),
            ("audio_out", self.audio_out),
            ("image_in", self.image_in),
            ("batch_in", self.batch_input),
            ("batch_out", self.batch_output),
        ]
        .into_iter()
    }
}

/// Other prices for the whole request when its input is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// The input length, cached input included, at which the tier begins.
    pub above_tokens: u64,
    /// Whether an input of exactly `above_tokens` is in the tier.
    pub inclusive: bool,
    /// The prices of the whole request in this tier; a class that is absent here is unknown in this tier.
    pub rates: Rates,
}

impl Tier {
    /// Whether a request with this much input is in the tier.
    pub fn covers(&self, input_tokens: u64) -> bool {
        input_tokens > self.above_tokens || (self.inclusive && input_tokens == self.above_tokens)
    }
}

/// What a model costs at its provider's standard service tier.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Price {
    /// The prices below every tier.
    pub rates: Rates,
    /// Tiers, ascending.
    pub tiers: Vec<Tier>,
    /// A thousand web searches that the provider runs.
    pub web_search_per_k: Option<UsdNanos>,
}

impl Price {
    /// A price that a policy declares as free: every class known, and nothing.
    pub fn free() -> Self {
        Self { rates: Rates::FREE, tiers: Vec::new(), web_search_per_k: Some(UsdNanos::ZERO) }
    }

    /// Two flat prices, for a policy that states them itself; the other classes stay unknown.
    pub fn flat(input: NanosPerMtok, output: NanosPerMtok) -> Self {
        let rates = Rates { input: Some(input), output: Some(output), ..Rates::default() };
        Self { rates, ..Self::default() }
    }

    /// The prices of a whole request with this much input, cached input included.
    pub fn rates_at(&self, input_tokens: u64) -> &Rates {
        self.tiers.iter().rev().find(|tier| tier.covers(input_tokens)).map_or(&self.rates, |tier| &tier.rates)
    }

    /// The next tier that a longer input would reach.
    pub fn next_tier(&self, input_tokens: u64) -> Option<&Tier> {
        self.tiers.iter().find(|tier| !tier.covers(input_tokens))
    }
}

/// Other prices under a named condition, such as a service tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// As the sources name it: `priority`, `flex`, `speed=fast`...
    pub name: String,
    /// Its prices; an absent class is unknown under this condition.
    pub rates: Rates,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    /// Calls tools.
    pub tools: Option<bool>,
    /// Calls several tools in one turn.
    pub parallel_tools: Option<bool>,
    /// Can be forced to call a tool.
    pub forced_tool_use: Option<bool>,
    /// Keeps to the schema of a tool strictly.
    pub strict_tools: Option<bool>,
    /// Answers in a given JSON schema.
    pub structured: Option<bool>,
    /// Sees images.
    pub vision: Option<bool>,
    /// Reads PDF documents.
    pub pdf: Option<bool>,
    /// Hears audio.
    pub audio_in: Option<bool>,
    /// Has a prompt cache.
    pub prompt_cache: Option<bool>,
    /// Takes the beginning of its answer from the request.
    pub prefill: Option<bool>,
    /// Takes temperature and the like.
    pub sampling: Option<bool>,
    /// Takes a system prompt.
    pub system: Option<bool>,
    /// Can think before it answers.
    pub reasoning: Option<bool>,
    /// Operates a computer.
    pub computer_use: Option<bool>,
}

/// How a model's thinking is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reasoning {
    /// The forms that it takes; empty is unknown.
    pub modes: Vec<ThinkingMode>,
    /// The efforts that it takes, ascending; empty is unknown or none.
    pub efforts: Vec<Effort>,
    /// Whether it always thinks.
    pub always_on: Option<bool>,
    /// Whether thinking can be switched off.
    pub can_disable: Option<bool>,
    /// The effort when none is asked for.
    pub default_effort: Option<Effort>,
    /// The least budget of thinking tokens.
    pub budget_min: Option<u64>,
    /// The largest budget of thinking tokens.
    pub budget_max: Option<u64>,
}

/// A model as its provider sells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The provider's id in this catalogue.
    pub provider: String,
    /// The id that goes into a request.
    pub id: String,
    /// Other ids that mean the same model at the same price.
    pub aliases: Vec<String>,
    /// A name for people.
    pub name: Option<String>,
    /// Who trained it.
    pub lab: Option<String>,
    /// Where it is in its life.
    pub status: Status,
    /// Limits on who can use it, such as `invitation-only`.
    pub access: Option<String>,
    /// Release date, `YYYY-MM-DD`.
    pub release: Option<String>,
    /// The day from which requests fail, `YYYY-MM-DD`.
    pub retires_on: Option<String>,
    /// `provider/id` of what to use instead.
    pub replaced_by: Option<String>,
    /// The window: input and output together, in tokens.
    pub context: Option<u64>,
    /// The longest input, in tokens.
    pub max_input: Option<u64>,
    /// The longest output, in tokens.
    pub max_output: Option<u64>,
    /// What it costs; `None` is unknown, not free.
    pub price: Option<Price>,
    /// Prices under other conditions than the standard ones.
    pub variants: Vec<Variant>,
    /// Multipliers on the whole price by name (`us`, `eu`, `fast`).
    pub multipliers: Vec<(String, Ratio)>,
    /// The day from which the price holds, `YYYY-MM-DD`.
    pub price_from: Option<String>,
    /// Whether the price falls at some hours; the one given is the highest.
    pub is_priced_by_hour: bool,
    /// What it takes.
    pub inputs: Vec<Modality>,
    /// What it gives.
    pub outputs: Vec<Modality>,
    /// What it can do.
    pub caps: Caps,
    /// How its thinking is set; `None` is unknown or none (see [`Caps::reasoning`]).
    pub reasoning: Option<Reasoning>,
    /// The shortest prefix that the prompt cache keeps, in tokens.
    pub prompt_cache_min_tokens: Option<u64>,
    /// Which vocabulary counts its tokens.
    pub tokenizer_family: Option<String>,
    /// The dialect that the sources call it by; the provider's is what we use.
    pub dialect: Option<Dialect>,
    /// Whether the sources differ on a price.
    pub is_disputed: bool,
    /// Where the facts come from.
    pub sources: Vec<String>,
}

impl Model {
    /// A model that no catalogue knows: nothing is known of it but its name.
    pub fn unlisted(provider: &str, id: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            id: id.to_owned(),
            aliases: Vec::new(),
            name: None,
            lab: None,
            status: Status::Active,
            access: None,
            release: None,
            retires_on: None,
            replaced_by: None,
            context: None,
            max_input: None,
            max_output: None,
            price: None,
            variants: Vec::new(),
            multipliers: Vec::new(),
            price_from: None,
            is_priced_by_hour: false,
            inputs: Vec::new(),
            outputs: Vec::new(),
            caps: Caps::default(),
            reasoning: None,
            prompt_cache_min_tokens: None,
            tokenizer_family: None,
            dialect: None,
            is_disputed: false,
            sources: Vec::new(),
        }
    }

    /// `provider/id`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.provider, self.id)
    }

    /// Its id and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    /// Whether requests fail on this day (`YYYY-MM-DD`, in which texts compare as days do).
    pub fn is_retired_on(&self, day: &str) -> bool {
        self.status == Status::Retired || self.retires_on.as_deref().is_some_and(|end| end <= day)
    }
}
