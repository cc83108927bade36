//! A model as its provider sells it. Every `Option` is "unknown" when it is `None`.

use super::fields::named;
use super::period::PricePeriod;
use super::quote::{PriceError, Quote, Terms};
use crate::calendar::Day;
use crate::thinking_format::ThinkingFormat;

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
            Self::OpenAiResponses => Some("/responses"),
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

named! {
    /// Which of the sources differ on a price.
    pub enum DisputeKind {
        /// Sources that were fresh when the facts were gathered differ.
        Fresh = "fresh",
        /// Only an older source differs from the fresh ones, which agree: most likely the price changed since.
        Stale = "stale",
    }
}

/// A field of a price on which sources differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The key of the field in a row, such as `in`.
    pub field: String,
    /// Each source with what it says, as the row writes it, in the order of the row.
    pub values: Vec<(String, String)>,
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
    /// The form of the setting, where it is not the provider's (see [`super::Provider::thinking_format`]).
    pub format: Option<ThinkingFormat>,
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
    /// Whether its id is a name that its provider points at one model after another: its price may change unannounced.
    pub is_moving: bool,
    /// `provider/id` of what a moving id pointed at when the facts were gathered.
    pub alias_of: Option<String>,
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
    /// The first day on which its provider may retire it, `YYYY-MM-DD`.
    pub not_retired_before: Option<String>,
    /// `provider/id` of what to use instead.
    pub replaced_by: Option<String>,
    /// The window: input and output together, in tokens.
    pub context: Option<u64>,
    /// The longest input, in tokens.
    pub max_input: Option<u64>,
    /// The longest output, in tokens.
    pub max_output: Option<u64>,
    /// What it costs, by period: ascending, not overlapping. Empty is unknown, not free.
    pub prices: Vec<PricePeriod>,
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
    /// Whether the sources differ on a price, and how recent they are; `None` when they agree.
    pub disputed: Option<DisputeKind>,
    /// What each source says, for the fields on which they differ.
    pub dispute: Vec<Dispute>,
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
            is_moving: false,
            alias_of: None,
            name: None,
            lab: None,
            status: Status::Active,
            access: None,
            release: None,
            retires_on: None,
            not_retired_before: None,
            replaced_by: None,
            context: None,
            max_input: None,
            max_output: None,
            prices: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            caps: Caps::default(),
            reasoning: None,
            prompt_cache_min_tokens: None,
            tokenizer_family: None,
            dialect: None,
            disputed: None,
            dispute: Vec::new(),
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

    /// Whether the model thinks whatever the request says; unknown counts as not.
    pub fn always_thinks(&self) -> bool {
        self.reasoning.as_ref().is_some_and(|reasoning| reasoning.always_on == Some(true))
    }

    /// Whether it takes a tool choice that forces a call. Models that always think refuse it, so of those it must be known.
    pub fn takes_forced_tool_choice(&self) -> bool {
        self.caps.forced_tool_use.unwrap_or(!self.always_thinks())
    }

    /// Whether it goes on from a last turn of the assistant. Models that always think refuse it, so of those it must be
    /// known.
    pub fn takes_prefill(&self) -> bool {
        self.caps.prefill.unwrap_or(!self.always_thinks())
    }

    /// Whether requests fail on this day (`YYYY-MM-DD`, in which texts compare as days do).
    pub fn is_retired_on(&self, day: &str) -> bool {
        self.status == Status::Retired || self.retires_on.as_deref().is_some_and(|end| end <= day)
    }

    /// What it costs under these terms: the period, its vector of prices, and every multiplier. O(periods), no
    /// allocation.
    ///
    /// # Errors
    /// When no price is known, then or at all, or none for these terms: never the base price in their stead.
    pub fn quote(&self, terms: &Terms<'_>) -> Result<Quote<'_>, PriceError> {
        self.price_period(terms.at_ms)?.quote(terms)
    }

    /// The price period of an instant; of none, the newest that had begun when it was checked.
    ///
    /// # Errors
    /// When no price is known, or none of that day.
    pub fn price_period(&self, at_ms: Option<i64>) -> Result<&PricePeriod, PriceError> {
        self.period_on(at_ms.map(Day::of))
    }

    /// The price period of a day; of none, the newest that had begun when it was checked.
    ///
    /// # Errors
    /// When no price is known, or none of that day.
    pub fn period_on(&self, day: Option<Day>) -> Result<&PricePeriod, PriceError> {
        if self.prices.is_empty() {
            return Err(PriceError::Unknown);
        }
        let mut newest_first = self.prices.iter().rev();
        match day {
            Some(day) => newest_first.find(|period| period.covers(day)).ok_or(PriceError::NotThen(day)),
            None => newest_first.find(|period| !period.is_announced()).ok_or(PriceError::Unknown),
        }
    }
}
