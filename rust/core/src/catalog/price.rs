//! What a model costs within one period: a vector of prices, and what changes it.
//!
//! A vector always comes whole from one source. What it does not name is unknown, which is not free: neither a tier, nor a
//! window, nor a variant borrows a class from the vector that it stands in for.

use super::fields::named;
use crate::calendar;
use crate::money::{NanosPerMtok, Ratio, UsdNanos};

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
    /// Image tokens in where they have a price of their own; else they cost what input costs.
    pub image_in: Option<NanosPerMtok>,
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
    };

    /// Every class unknown.
    pub const UNKNOWN: Self = Self {
        input: None,
        output: None,
        cache_read: None,
        cache_write_5m: None,
        cache_write_1h: None,
        reasoning: None,
        audio_in: None,
        audio_out: None,
        image_in: None,
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
        ]
        .into_iter()
    }
}

/// Other prices for the whole request when its input is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// The input length, cache reads and writes included, at which the tier begins.
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

/// A vector of prices with its tiers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vector {
    /// The prices below every tier.
    pub rates: Rates,
    /// Tiers, ascending.
    pub tiers: Vec<Tier>,
}

/// A part of the day, in minutes since midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first minute.
    pub from_minute: u16,
    /// The minute after the last; at most `from_minute` when the span passes midnight, and then its end belongs to the
    /// day on which it began.
    pub until_minute: u16,
}

/// Other prices at some hours. The calendar is UTC, which knows no daylight saving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The days of the week on which the spans begin: bit 0 is Monday.
    pub days: u8,
    /// The parts of the day.
    pub spans: Vec<Span>,
    /// The prices at these hours; what is absent is unknown then.
    pub vector: Vector,
}

impl Window {
    /// Minutes in a day: the end of a span that reaches midnight.
    pub const DAY_MINUTES: u16 = 1440;

    /// Whether an instant (ms since 1970) lies in the window.
    pub fn covers(&self, at_ms: i64) -> bool {
        let today = calendar::weekday_index(at_ms);
        let is_day =
            |index: usize| u32::try_from(index).is_ok_and(|index| self.days.checked_shr(index).unwrap_or(0) & 1 == 1);
        let (is_today, is_yesterday) = (is_day(today), is_day((today + 6) % 7));
        let Ok(minute) = u16::try_from(calendar::minute_of_day(at_ms)) else { return false };
        self.spans.iter().any(|span| {
            if span.from_minute < span.until_minute {
                is_today && (span.from_minute..span.until_minute).contains(&minute)
            } else {
                (is_today && minute >= span.from_minute) || (is_yesterday && minute < span.until_minute)
            }
        })
    }
}

named! {
    /// What a condition is about.
    pub enum ConditionKey {
        /// How the request is processed: `batch`.
        Processing = "processing",
        /// The service tier: `priority`, `flex`, `fast`...
        ServiceTier = "service_tier",
        /// The speed: `fast`.
        Speed = "speed",
        /// Where the request must be processed: `us`, `eu`, `regional`.
        Region = "region",
        /// Which of several upstreams of a gateway served it.
        Route = "route",
    }
}

/// A condition under which other prices hold, such as `service_tier=priority`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// What it is about.
    pub key: ConditionKey,
    /// What it must be; matched without regard to ASCII case.
    pub value: String,
}

impl Condition {
    /// Reads `key=value`; none when the key is not known or the value is empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, value) = text.split_once('=')?;
        let key = ConditionKey::from_name(key)?;
        (!value.is_empty()).then(|| Self { key, value: value.to_owned() })
    }

    /// Whether this is the condition that a key has this value.
    pub fn is(&self, key: ConditionKey, value: &str) -> bool {
        self.key == key && self.value.eq_ignore_ascii_case(value)
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Other prices under a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// When they hold.
    pub condition: Condition,
    /// The prices; what is absent is unknown under this condition.
    pub vector: Vector,
}

/// What a provider takes for a request, whatever it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestFee {
    /// Nothing: sources name such a fee only where there is one.
    #[default]
    None,
    /// Something that no source states, or that depends on what the request asks for.
    Unknown,
    /// This much, for a request that asks for nothing dearer than the provider's default.
    Known(UsdNanos),
}

impl RequestFee {
    /// How much, when it is known.
    pub fn known(self) -> Option<UsdNanos> {
        match self {
            Self::None => Some(UsdNanos::ZERO),
            Self::Unknown => None,
            Self::Known(fee) => Some(fee),
        }
    }
}

/// What a call costs beside its tokens. No multiplier and no discount touches a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fees {
    /// A thousand web searches that the provider runs; `None` is unknown.
    pub web_search_per_k: Option<UsdNanos>,
    /// One request.
    pub per_request: RequestFee,
}

/// What a model costs within one period.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Price {
    /// At the provider's standard terms, at the dearest hours.
    pub base: Vector,
    /// Other prices at some hours; the first that covers an instant holds.
    pub windows: Vec<Window>,
    /// Other prices under a condition; at most one holds at a time.
    pub variants: Vec<Variant>,
    /// Multipliers on every token price under a condition; all that are met hold together.
    pub multipliers: Vec<(Condition, Ratio)>,
    /// What a call costs beside its tokens.
    pub fees: Fees,
    /// A negotiated factor on every token price, such as 0.85.
    pub price_factor: Option<Ratio>,
}

impl Price {
    /// A price that a policy declares as free: every class known, and nothing, under any terms.
    pub fn free() -> Self {
        let fees = Fees { web_search_per_k: Some(UsdNanos::ZERO), per_request: RequestFee::None };
        Self { base: Vector { rates: Rates::FREE, tiers: Vec::new() }, fees, ..Self::default() }
    }

    /// Two flat prices, for a policy that states them itself; the other classes stay unknown.
    pub fn flat(input: NanosPerMtok, output: NanosPerMtok) -> Self {
        let rates = Rates { input: Some(input), output: Some(output), ..Rates::default() };
        Self { base: Vector { rates, tiers: Vec::new() }, ..Self::default() }
    }

    /// Whether this is the price of [`Price::free`].
    pub fn is_free(&self) -> bool {
        *self == Self::free()
    }
}
