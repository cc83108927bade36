//! What a usage costs: disjoint classes of tokens times prices, summed exactly, multiplied exactly, rounded once.

use std::fmt;

use super::price::Rates;
use super::quote::Quote;
use crate::money::{NanosPerMtok, UsdNanos, UsdPicos, half_even};
use crate::usage::Usage;

/// A thousand femto-USD (1e-15 USD) are one pico-USD.
const FEMTOS_PER_PICO: i128 = 1000;

/// A class of what a call uses, each with its own price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageClass {
    /// Input that no cache served.
    InputUncached,
    /// Input read from the prompt cache.
    CacheRead,
    /// Input written to the cache for five minutes.
    CacheWrite5m,
    /// Input written to the cache for one hour.
    CacheWrite1h,
    /// Input written to the cache for another or an unsaid time.
    CacheWriteOther,
    /// Output that is not reasoning.
    OutputText,
    /// Reasoning output.
    Reasoning,
    /// Audio in.
    AudioIn,
    /// Audio out.
    AudioOut,
    /// Image tokens in.
    ImageIn,
    /// Web searches.
    WebSearch,
    /// The request itself, where the provider takes a fee for it.
    Request,
}

impl UsageClass {
    /// The name in records and messages: the field of [`Usage`], or `per_request`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InputUncached => "input_uncached",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::CacheWriteOther => "cache_write_other",
            Self::OutputText => "output_text",
            Self::Reasoning => "reasoning",
            Self::AudioIn => "audio_in",
            Self::AudioOut => "audio_out",
            Self::ImageIn => "image_in",
            Self::WebSearch => "web_searches",
            Self::Request => "per_request",
        }
    }
}

impl fmt::Display for UsageClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a usage has no cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CostError {
    /// The usage has tokens of a class whose price is unknown, which is not zero.
    UnknownPrice(UsageClass),
    /// A price is negative.
    NegativePrice(UsageClass),
    /// The cost does not fit pico-USD in 64 bits; the class is the one that it did not fit with.
    Overflow(UsageClass),
}

impl CostError {
    /// The stable code of this error.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownPrice(_) => "unknown-price",
            Self::NegativePrice(_) => "negative-price",
            Self::Overflow(_) => "cost-overflow",
        }
    }

    /// The class at fault.
    pub fn class(self) -> UsageClass {
        match self {
            Self::UnknownPrice(class) | Self::NegativePrice(class) | Self::Overflow(class) => class,
        }
    }
}

impl fmt::Display for CostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPrice(class) => write!(f, "the price of `{class}` is unknown, which is not zero"),
            Self::NegativePrice(class) => write!(f, "the price of `{class}` is negative"),
            Self::Overflow(class) => write!(f, "the cost with `{class}` is too large"),
        }
    }
}

impl std::error::Error for CostError {}

/// What a usage costs at a quote, in pico-USD, rounded half to even once at the end.
///
/// The tier is chosen by all input, cached input included, and prices the whole request. Reasoning without a price of
/// its own costs what output costs, image tokens what input costs, and a cache write of an unsaid time what a five-minute
/// one costs. The multiplier applies to every token class and to no fee. The cost that a provider itself reported is not
/// looked at: the caller keeps both.
///
/// # Errors
/// When a class that was used has an unknown or a negative price, or the cost does not fit.
pub fn cost(quote: &Quote<'_>, usage: &Usage) -> Result<UsdPicos, CostError> {
    let rates = quote.rates_at(usage.input_total());
    let fees = quote.fees();
    let mut sum = Sum::default();
    for (class, tokens, rate) in token_classes(rates, usage) {
        sum.add(class, tokens, rate, 1)?;
    }
    sum.multiply(quote)?;
    // n nano-USD for a thousand searches are n pico-USD, which is 1000 n femto-USD, for one; n nano-USD for a request
    // are a million n femto-USD.
    let fee = |fee: UsdNanos| NanosPerMtok(fee.0);
    sum.add(UsageClass::WebSearch, usage.web_searches, fees.web_search_per_k.map(fee), 1000)?;
    sum.add(UsageClass::Request, u64::from(fees.per_request.is_some()), fees.per_request.map(fee), 1_000_000)?;
    sum.rounded()
}

fn token_classes(rates: &Rates, usage: &Usage) -> [(UsageClass, u64, Option<NanosPerMtok>); 10] {
    [
        (UsageClass::InputUncached, usage.input_uncached, rates.input),
        (UsageClass::CacheRead, usage.cache_read, rates.cache_read),
        (UsageClass::CacheWrite5m, usage.cache_write_5m, rates.cache_write_5m),
        (UsageClass::CacheWrite1h, usage.cache_write_1h, rates.cache_write_1h),
        (UsageClass::CacheWriteOther, usage.cache_write_other, rates.cache_write_5m),
        (UsageClass::OutputText, usage.output_text, rates.output),
        (UsageClass::Reasoning, usage.reasoning, rates.reasoning.or(rates.output)),
        (UsageClass::AudioIn, usage.audio_in, rates.audio_in),
        (UsageClass::AudioOut, usage.audio_out, rates.audio_out),
        (UsageClass::ImageIn, usage.image_in, rates.image_in.or(rates.input)),
    ]
}

/// A sum of prices times counts as an exact fraction of femto-USD.
struct Sum {
    femtos: i128,
    /// What `femtos` are to be divided by: the denominator of the multiplier.
    divisor: i128,
    last: UsageClass,
}

impl Default for Sum {
    fn default() -> Self {
        Self { femtos: 0, divisor: 1, last: UsageClass::InputUncached }
    }
}

impl Sum {
    fn add(
        &mut self,
        class: UsageClass,
        count: u64,
        rate: Option<NanosPerMtok>,
        factor: i128,
    ) -> Result<(), CostError> {
        if count == 0 {
            return Ok(());
        }
        let rate = rate.ok_or(CostError::UnknownPrice(class))?;
        if rate.0 < 0 {
            return Err(CostError::NegativePrice(class));
        }
        // The factor times the divisor is at most 1e6 * 2^64: no overflow there.
        let part = rate.femtos(count).checked_mul(factor * self.divisor).ok_or(CostError::Overflow(class))?;
        self.femtos = self.femtos.checked_add(part).ok_or(CostError::Overflow(class))?;
        self.last = class;
        Ok(())
    }

    fn multiply(&mut self, quote: &Quote<'_>) -> Result<(), CostError> {
        let ratio = quote.ratio();
        let numerator = i128::from(ratio.numerator());
        self.femtos = self.femtos.checked_mul(numerator).ok_or(CostError::Overflow(self.last))?;
        self.divisor = i128::from(ratio.denominator());
        Ok(())
    }

    fn rounded(self) -> Result<UsdPicos, CostError> {
        half_even(self.femtos, FEMTOS_PER_PICO * self.divisor)
            .and_then(|picos| i64::try_from(picos).ok())
            .map(UsdPicos)
            .ok_or(CostError::Overflow(self.last))
    }
}

/// What a call would cost with nothing cached and no reasoning apart from the output: for ranking candidates.
///
/// # Errors
/// As [`cost`].
pub fn expected_cost(quote: &Quote<'_>, input_tokens: u64, output_tokens: u64) -> Result<UsdPicos, CostError> {
    cost(quote, &Usage { input_uncached: input_tokens, output_text: output_tokens, ..Usage::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Rates, Tier};
    use crate::money::UsdNanos;

    fn price_of(name: &str) -> &'static Price {
        Catalog::bundled().resolve(name).unwrap().model.price.as_ref().unwrap()
    }

    #[test]
    fn a_prompt_padded_over_the_edge_costs_five_times() {
        let haiku = price_of("anthropic/claude-haiku-5-5");
        // $0.10 a million below the edge, $0.50 above, for the whole request.
        assert_eq!(expected_cost(haiku, 99_000, 0), Ok(UsdPicos::parse("0.0099").unwrap()));
        assert_eq!(expected_cost(haiku, 101_000, 0), Ok(UsdPicos::parse("0.0505").unwrap()));
        assert_eq!(expected_cost(haiku, 100_000, 0), Ok(UsdPicos::parse("0.01").unwrap()));
        assert_eq!(expected_cost(haiku, 100_001, 1000), Ok(UsdPicos::parse("0.0525005").unwrap()));
        // Cached input counts towards the edge.
        let cached = Usage { input_uncached: 1_000, cache_read: 100_000, ..Usage::default() };
        assert_eq!(cost(haiku, &cached), Ok(UsdPicos::parse("0.0055").unwrap()));
        assert_eq!(haiku.next_tier(99_000).map(|tier| tier.above_tokens), Some(100_000));
        assert_eq!(haiku.next_tier(100_001), None);
    }

    #[test]
    fn an_inclusive_tier_begins_at_its_threshold() {
        let grok = price_of("xai/grok-4.5");
        assert!(grok.tiers[0].inclusive);
        assert_eq!(grok.rates_at(199_999), &grok.rates);
        assert_eq!(grok.rates_at(200_000), &grok.tiers[0].rates);
    }

    #[test]
    fn each_class_has_its_own_price() {
        let sonnet = price_of("claude-sonnet-5-5");
        for (usage, expected) in [
            (Usage { input_uncached: 1_000_000, ..Usage::default() }, "2"),
            (Usage { cache_read: 1_000_000, ..Usage::default() }, "0.1"),
            (Usage { cache_write_5m: 1_000_000, ..Usage::default() }, "2.5"),
            (Usage { cache_write_other: 1_000_000, ..Usage::default() }, "2.5"),
            (Usage { cache_write_1h: 1_000_000, ..Usage::default() }, "4"),
            (Usage { output_text: 1_000_000, ..Usage::default() }, "10"),
            (Usage { reasoning: 1_000_000, ..Usage::default() }, "10"),
            (Usage { web_searches: 3, ..Usage::default() }, "0.03"),
            (Usage::default(), "0"),
        ] {
            assert_eq!(cost(sonnet, &usage), Ok(UsdPicos::parse(expected).unwrap()), "{usage:?}");
        }
    }

    #[test]
    fn a_reported_cost_changes_nothing() {
        let usage = Usage { input_uncached: 10, reported_cost_usd_picos: Some(77), ..Usage::default() };
        assert_eq!(cost(price_of("claude-sonnet-5-5"), &usage), Ok(UsdPicos(20_000_000)));
    }

    #[test]
    fn an_unknown_price_is_an_error_that_names_the_class() {
        let price = Price::flat(NanosPerMtok(1), NanosPerMtok(1));
        for (usage, class) in [
            (Usage { cache_read: 1, ..Usage::default() }, UsageClass::CacheRead),
            (Usage { cache_write_5m: 1, ..Usage::default() }, UsageClass::CacheWrite5m),
            (Usage { cache_write_1h: 1, ..Usage::default() }, UsageClass::CacheWrite1h),
            (Usage { cache_write_other: 1, ..Usage::default() }, UsageClass::CacheWriteOther),
            (Usage { audio_in: 1, ..Usage::default() }, UsageClass::AudioIn),
            (Usage { audio_out: 1, ..Usage::default() }, UsageClass::AudioOut),
            (Usage { web_searches: 1, ..Usage::default() }, UsageClass::WebSearch),
        ] {
            let error = cost(&price, &usage).unwrap_err();
            assert_eq!(error, CostError::UnknownPrice(class));
            assert_eq!((error.code(), error.class()), ("unknown-price", Some(class)));
        }
        let only_five_minutes = Rates { cache_write_5m: Some(NanosPerMtok(1)), ..Rates::default() };
        let price = Price { rates: only_five_minutes, ..Price::default() };
        let hour = Usage { cache_write_1h: 1, ..Usage::default() };
        assert_eq!(cost(&price, &hour), Err(CostError::UnknownPrice(UsageClass::CacheWrite1h)));
        assert_eq!(expected_cost(&price, 1, 0), Err(CostError::UnknownPrice(UsageClass::InputUncached)));
        let reasoning = Usage { reasoning: 1, ..Usage::default() };
        let error = cost(&price, &reasoning).unwrap_err();
        assert_eq!(error.to_string(), "the price of `reasoning` is unknown, which is not zero");
    }

    #[test]
    fn a_class_unknown_in_the_tier_is_unknown_there() {
        let pro = price_of("openai/gpt-5.5-pro");
        let below = Usage { cache_read: 1000, ..Usage::default() };
        assert_eq!(cost(pro, &below), Ok(UsdPicos::parse("0.003").unwrap()));
        let above = Usage { cache_read: 272_001, ..Usage::default() };
        assert_eq!(cost(pro, &above), Err(CostError::UnknownPrice(UsageClass::CacheRead)));
    }

    #[test]
    fn a_declared_free_model_costs_nothing_whatever_it_does() {
        let all = Usage {
            input_uncached: u64::MAX,
            cache_read: 1,
            cache_write_5m: 1,
            cache_write_1h: 1,
            cache_write_other: 1,
            output_text: 1,
            reasoning: 1,
            audio_in: 1,
            audio_out: 1,
            web_searches: 1,
            reported_cost_usd_picos: None,
        };
        assert_eq!(cost(&Price::free(), &all), Ok(UsdPicos::ZERO));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let dear = Price::flat(NanosPerMtok(i64::MAX), NanosPerMtok(i64::MAX));
        assert_eq!(expected_cost(&dear, u64::MAX, u64::MAX), Err(CostError::Overflow));
        assert_eq!(expected_cost(&dear, u64::MAX, 0), Err(CostError::Overflow));
        let searches = Price { web_search_per_k: Some(UsdNanos(i64::MAX)), ..Price::default() };
        let usage = Usage { web_searches: u64::MAX, ..Usage::default() };
        assert_eq!(cost(&searches, &usage), Err(CostError::Overflow));
    }

    #[test]
    fn a_negative_price_is_an_error() {
        let price = Price::flat(NanosPerMtok(-1), NanosPerMtok(1));
        assert_eq!(expected_cost(&price, 1, 1), Err(CostError::NegativePrice(UsageClass::InputUncached)));
        assert_eq!(expected_cost(&price, 0, 1000), Ok(UsdPicos(1)));
    }

    #[test]
    fn rounds_once_at_the_end_and_half_to_even() {
        // 250 and 250 femto-USD make half a pico-USD together, which rounds to the even 0; 3 x 500 round to the even 2.
        let price = Price::flat(NanosPerMtok(250), NanosPerMtok(250));
        assert_eq!(expected_cost(&price, 1, 1), Ok(UsdPicos(0)));
        assert_eq!(expected_cost(&price, 3, 3), Ok(UsdPicos(2)));
        assert_eq!(expected_cost(&price, 2, 1), Ok(UsdPicos(1)));
    }

    #[test]
    fn the_highest_tier_reached_counts() {
        let tier = |above_tokens, nanos| Tier {
            above_tokens,
            inclusive: false,
            rates: Rates { input: Some(NanosPerMtok(nanos)), ..Rates::default() },
        };
        let price = Price {
            tiers: vec![tier(10, 2_000), tier(20, 3_000)],
            ..Price::flat(NanosPerMtok(1_000), NanosPerMtok(0))
        };
        for (tokens, picos) in [(10, 10), (11, 22), (20, 40), (21, 63)] {
            assert_eq!(expected_cost(&price, tokens, 0), Ok(UsdPicos(picos)), "{tokens}");
        }
    }
}
