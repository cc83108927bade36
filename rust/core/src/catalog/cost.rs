//! What a usage costs: disjoint classes of tokens times prices, summed exactly, multiplied exactly, rounded once.

use std::fmt;

use super::price::{Rates, RequestFee};
use super::quote::Quote;
use crate::money::{NanosPerMtok, Ratio, UsdNanos, UsdPicos, half_even};
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
            Self::UnknownPrice(UsageClass::Request) => f.write_str("the request fee is unknown, which is not zero"),
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
    match in_one_word(quote, usage) {
        Some(picos) => Ok(picos),
        None => exactly(quote, usage),
    }
}

/// The cost where everything is known and small, as it is of nearly every call; none where it has to be looked at closely.
fn in_one_word(quote: &Quote<'_>, usage: &Usage) -> Option<UsdPicos> {
    if quote.ratio() != Ratio::ONE {
        return None;
    }
    let mut femtos = 0_u64;
    let mut add = |count: u64, rate: Option<i64>, factor: u64| {
        if count != 0 {
            let rate = u64::try_from(rate?).ok()?.checked_mul(factor)?;
            femtos = femtos.checked_add(rate.checked_mul(count)?)?;
        }
        Some(())
    };
    for (_, tokens, rate) in token_classes(quote.rates_at(usage.input_total()), usage) {
        add(tokens, rate.map(|rate| rate.0), 1)?;
    }
    let fees = quote.fees();
    add(usage.web_searches, fees.web_search_per_k.map(|fee| fee.0), 1000)?;
    if fees.per_request != RequestFee::None {
        add(1, fees.per_request.known().map(|fee| fee.0), 1_000_000)?;
    }
    let (picos, rest) = (femtos / 1000, femtos % 1000);
    let is_up = rest > 500 || (rest == 500 && picos % 2 == 1);
    i64::try_from(picos + u64::from(is_up)).ok().map(UsdPicos)
}

fn exactly(quote: &Quote<'_>, usage: &Usage) -> Result<UsdPicos, CostError> {
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
    let requests = u64::from(fees.per_request != RequestFee::None);
    sum.add(UsageClass::Request, requests, fees.per_request.known().map(fee), 1_000_000)?;
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
    use crate::catalog::{Catalog, Condition, Fees, Price, PricePeriod, Span, Terms, Tier, Variant, Vector, Window};

    fn quote_of(name: &str) -> Quote<'static> {
        Catalog::bundled().resolve(name).unwrap().model.quote(&Terms::default()).unwrap()
    }

    fn with<T>(price: Price, see: impl FnOnce(&Quote<'_>) -> T) -> T {
        see(&PricePeriod::always(price).quote(&Terms::default()).unwrap())
    }

    fn usd(text: &str) -> UsdPicos {
        UsdPicos::parse(text).unwrap()
    }

    #[test]
    fn the_short_way_gives_what_the_exact_one_gives() {
        let (mut short, mut seen) = (0, 0);
        for model in Catalog::bundled().models() {
            let Ok(quote) = model.quote(&Terms::default()) else { continue };
            for scale in [0, 1, 3, 17, 499, 500, 1_501, 99_999, 1_000_003, u64::MAX / 64] {
                for usage in [
                    Usage { input_uncached: scale, output_text: scale / 3, ..Usage::default() },
                    Usage { input_uncached: 1, output_text: 7, reasoning: scale, ..Usage::default() },
                    Usage { cache_read: scale, cache_write_5m: scale / 2, web_searches: scale % 9, ..Usage::default() },
                    Usage { cache_write_1h: scale, image_in: scale / 5, audio_in: scale % 2, ..Usage::default() },
                ] {
                    seen += 1;
                    if let Some(picos) = in_one_word(&quote, &usage) {
                        short += 1;
                        assert_eq!(exactly(&quote, &usage), Ok(picos), "{} {usage:?}", model.id);
                    }
                }
            }
        }
        assert!(seen > 5_000 && short > seen / 2, "{short} of {seen}");
    }

    #[test]
    fn a_prompt_padded_over_the_edge_costs_five_times() {
        let haiku = quote_of("anthropic/claude-haiku-5-5");
        // $0.10 a million below the edge, $0.50 above, for the whole request.
        assert_eq!(expected_cost(&haiku, 99_000, 0), Ok(usd("0.0099")));
        assert_eq!(expected_cost(&haiku, 101_000, 0), Ok(usd("0.0505")));
        assert_eq!(expected_cost(&haiku, 100_000, 0), Ok(usd("0.01")));
        assert_eq!(expected_cost(&haiku, 100_001, 1000), Ok(usd("0.0525005")));
        // Cached input counts towards the edge, read or written.
        let read = Usage { input_uncached: 1_000, cache_read: 100_000, ..Usage::default() };
        assert_eq!(cost(&haiku, &read), Ok(usd("0.0055")));
        let written = Usage { input_uncached: 1_000, cache_write_1h: 99_001, ..Usage::default() };
        assert_eq!(cost(&haiku, &written), Ok(usd("0.099501")));
        assert_eq!(haiku.next_tier(99_000).map(|tier| tier.above_tokens), Some(100_000));
        assert_eq!(haiku.next_tier(100_001), None);
    }

    #[test]
    fn an_inclusive_tier_begins_at_its_threshold() {
        let grok = quote_of("xai/grok-4.5");
        assert_eq!(expected_cost(&grok, 199_999, 0), Ok(usd("0.399998")));
        assert_eq!(expected_cost(&grok, 200_000, 0), Ok(usd("0.8")));
        let gemini = quote_of("google/gemini-2.5-pro");
        assert_eq!(expected_cost(&gemini, 200_000, 0), Ok(usd("0.25")));
        assert_eq!(expected_cost(&gemini, 200_001, 0), Ok(usd("0.5000025")));
    }

    #[test]
    fn each_class_has_its_own_price() {
        let sonnet = quote_of("claude-sonnet-5-5");
        for (usage, expected) in [
            (Usage { input_uncached: 1_000_000, ..Usage::default() }, "2"),
            (Usage { cache_read: 1_000_000, ..Usage::default() }, "0.1"),
            (Usage { cache_write_5m: 1_000_000, ..Usage::default() }, "2.5"),
            (Usage { cache_write_other: 1_000_000, ..Usage::default() }, "2.5"),
            (Usage { cache_write_1h: 1_000_000, ..Usage::default() }, "4"),
            (Usage { output_text: 1_000_000, ..Usage::default() }, "10"),
            (Usage { reasoning: 1_000_000, ..Usage::default() }, "10"),
            (Usage { image_in: 1_000_000, ..Usage::default() }, "2"),
            (Usage { web_searches: 3, ..Usage::default() }, "0.03"),
            (Usage::default(), "0"),
        ] {
            assert_eq!(cost(&sonnet, &usage), Ok(usd(expected)), "{usage:?}");
        }
        let own =
            Rates { input: Some(NanosPerMtok(1_000_000)), image_in: Some(NanosPerMtok(3_000_000)), ..Rates::UNKNOWN };
        let price = Price { base: Vector { rates: own, tiers: Vec::new() }, ..Price::default() };
        let images = Usage { image_in: 1, ..Usage::default() };
        assert_eq!(with(price, |quote| cost(quote, &images)), Ok(UsdPicos(3_000)));
    }

    #[test]
    fn a_reported_cost_changes_nothing() {
        let usage = Usage { input_uncached: 10, reported_cost_usd_picos: Some(77), ..Usage::default() };
        assert_eq!(cost(&quote_of("claude-sonnet-5-5"), &usage), Ok(UsdPicos(20_000_000)));
    }

    #[test]
    fn an_unknown_price_is_an_error_that_names_the_class() {
        let flat = PricePeriod::always(Price::flat(NanosPerMtok(1), NanosPerMtok(1)));
        let quote = flat.quote(&Terms::default()).unwrap();
        for (usage, class) in [
            (Usage { cache_read: 1, ..Usage::default() }, UsageClass::CacheRead),
            (Usage { cache_write_5m: 1, ..Usage::default() }, UsageClass::CacheWrite5m),
            (Usage { cache_write_1h: 1, ..Usage::default() }, UsageClass::CacheWrite1h),
            (Usage { cache_write_other: 1, ..Usage::default() }, UsageClass::CacheWriteOther),
            (Usage { audio_in: 1, ..Usage::default() }, UsageClass::AudioIn),
            (Usage { audio_out: 1, ..Usage::default() }, UsageClass::AudioOut),
            (Usage { web_searches: 1, ..Usage::default() }, UsageClass::WebSearch),
        ] {
            let error = cost(&quote, &usage).unwrap_err();
            assert_eq!(error, CostError::UnknownPrice(class));
            assert_eq!((error.code(), error.class()), ("unknown-price", class));
        }
        let only_five_minutes = Rates { cache_write_5m: Some(NanosPerMtok(1)), ..Rates::UNKNOWN };
        let price = Price { base: Vector { rates: only_five_minutes, tiers: Vec::new() }, ..Price::default() };
        let period = PricePeriod::always(price);
        let quote = period.quote(&Terms::default()).unwrap();
        let hour = Usage { cache_write_1h: 1, ..Usage::default() };
        assert_eq!(cost(&quote, &hour), Err(CostError::UnknownPrice(UsageClass::CacheWrite1h)));
        let image = Usage { image_in: 1, ..Usage::default() };
        assert_eq!(cost(&quote, &image), Err(CostError::UnknownPrice(UsageClass::ImageIn)));
        assert_eq!(expected_cost(&quote, 1, 0), Err(CostError::UnknownPrice(UsageClass::InputUncached)));
        let reasoning = Usage { reasoning: 1, ..Usage::default() };
        let error = cost(&quote, &reasoning).unwrap_err();
        assert_eq!(error.to_string(), "the price of `reasoning` is unknown, which is not zero");
    }

    #[test]
    fn a_class_unknown_in_the_tier_is_unknown_there() {
        let pro = quote_of("openai/gpt-5.5-pro");
        let below = Usage { cache_read: 1000, ..Usage::default() };
        assert_eq!(cost(&pro, &below), Ok(usd("0.003")));
        let above = Usage { cache_read: 272_001, ..Usage::default() };
        assert_eq!(cost(&pro, &above), Err(CostError::UnknownPrice(UsageClass::CacheRead)));
    }

    #[test]
    fn a_declared_free_model_costs_nothing_whatever_it_does_and_how() {
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
            image_in: 1,
            web_searches: 1,
            reported_cost_usd_picos: None,
        };
        let free = PricePeriod::always(Price::free());
        for terms in [Terms::default(), Terms { batch: true, speed: Some("fast"), ..Terms::at(i64::MAX) }] {
            assert_eq!(cost(&free.quote(&terms).unwrap(), &all), Ok(UsdPicos::ZERO));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_class() {
        let dear = Price::flat(NanosPerMtok(i64::MAX), NanosPerMtok(i64::MAX));
        let overflow = |class| Err(CostError::Overflow(class));
        with(dear, |quote| {
            assert_eq!(expected_cost(quote, u64::MAX, u64::MAX), overflow(UsageClass::OutputText));
            assert_eq!(expected_cost(quote, u64::MAX, 0), overflow(UsageClass::InputUncached));
        });
        let fees = Fees { web_search_per_k: Some(UsdNanos(i64::MAX)), per_request: RequestFee::None };
        let usage = Usage { web_searches: u64::MAX, ..Usage::default() };
        let found = with(Price { fees, ..Price::default() }, |quote| cost(quote, &usage));
        assert_eq!(found, overflow(UsageClass::WebSearch));
        assert_eq!(found.unwrap_err().to_string(), "the cost with `web_searches` is too large");
    }

    #[test]
    fn a_negative_price_is_an_error() {
        with(Price::flat(NanosPerMtok(-1), NanosPerMtok(1)), |quote| {
            assert_eq!(expected_cost(quote, 1, 1), Err(CostError::NegativePrice(UsageClass::InputUncached)));
            assert_eq!(expected_cost(quote, 0, 1000), Ok(UsdPicos(1)));
        });
    }

    #[test]
    fn rounds_once_at_the_end_and_half_to_even() {
        // 250 and 250 femto-USD make half a pico-USD together, which rounds to the even 0; 3 x 500 round to the even 2.
        let price = Price::flat(NanosPerMtok(250), NanosPerMtok(250));
        with(price.clone(), |quote| {
            assert_eq!(expected_cost(quote, 1, 1), Ok(UsdPicos(0)));
            assert_eq!(expected_cost(quote, 3, 3), Ok(UsdPicos(2)));
            assert_eq!(expected_cost(quote, 2, 1), Ok(UsdPicos(1)));
        });
        // A factor comes before the rounding: 4 x 250 x 0.85 are 850 femto-USD, and 2 x 250 x 1.1 are 550.
        let factor = |text: &str| Some(Ratio::parse(text).unwrap());
        with(Price { price_factor: factor("0.85"), ..price.clone() }, |quote| {
            assert_eq!(expected_cost(quote, 2, 2), Ok(UsdPicos(1)));
        });
        with(Price { price_factor: factor("1.1"), ..price }, |quote| {
            assert_eq!(expected_cost(quote, 1, 1), Ok(UsdPicos(1)));
        });
    }

    #[test]
    fn the_highest_tier_reached_counts() {
        let tier = |above_tokens, nanos| Tier {
            above_tokens,
            inclusive: false,
            rates: Rates { input: Some(NanosPerMtok(nanos)), ..Rates::UNKNOWN },
        };
        let mut price = Price::flat(NanosPerMtok(1_000), NanosPerMtok(0));
        price.base.tiers = vec![tier(10, 2_000), tier(20, 3_000)];
        with(price, |quote| {
            for (tokens, picos) in [(10, 10), (11, 22), (20, 40), (21, 63)] {
                assert_eq!(expected_cost(quote, tokens, 0), Ok(UsdPicos(picos)), "{tokens}");
            }
        });
    }

    #[test]
    fn multipliers_stack_on_tokens_and_leave_fees_alone() {
        let opus = Catalog::bundled().resolve("claude-opus-5-5").unwrap().model;
        let usage = Usage { input_uncached: 1_000_000, cache_write_1h: 1_000_000, web_searches: 1, ..Usage::default() };
        let under = |terms: Terms<'_>| cost(&opus.quote(&terms).unwrap(), &usage);
        assert_eq!(under(Terms::default()), Ok(usd("12.01")));
        assert_eq!(under(Terms { batch: true, ..Terms::default() }), Ok(usd("6.01")));
        assert_eq!(under(Terms { region: Some("us"), ..Terms::default() }), Ok(usd("13.21")));
        assert_eq!(under(Terms { speed: Some("fast"), region: Some("US"), ..Terms::default() }), Ok(usd("26.41")));
        assert_eq!(
            under(Terms { service_tier: Some("standard"), region: Some("global"), ..Terms::default() }),
            Ok(usd("12.01"))
        );
        let fees = Fees { per_request: RequestFee::Known(UsdNanos(5_000_000)), ..Fees::default() };
        let flat = Price {
            fees,
            price_factor: Some(Ratio::parse("0.5").unwrap()),
            ..Price::flat(NanosPerMtok(2_000), NanosPerMtok(0))
        };
        assert_eq!(with(flat, |quote| expected_cost(quote, 1_000, 0)), Ok(usd("0.005000001")));
    }

    #[test]
    fn above_the_edge_a_vector_without_tiers_is_unknown() {
        let flat =
            |nanos| Vector { rates: Rates { input: Some(NanosPerMtok(nanos)), ..Rates::UNKNOWN }, tiers: Vec::new() };
        let edge = Tier { above_tokens: 10, inclusive: false, rates: flat(2_000).rates };
        let condition = Condition::parse("processing=batch").unwrap();
        let base = Vector { tiers: vec![edge], ..flat(1_000) };
        let variants = vec![Variant { condition, vector: flat(500) }];
        let batch = PricePeriod::always(Price { base: base.clone(), variants, ..Price::default() });
        let batch = batch.quote(&Terms { batch: true, ..Terms::default() }).unwrap();
        let whole_day = Span { from_minute: 0, until_minute: Window::DAY_MINUTES };
        let windows = vec![Window { days: 127, spans: vec![whole_day], vector: flat(500) }];
        let cheap = PricePeriod::always(Price { base, windows, ..Price::default() });
        let cheap = cheap.quote(&Terms::at(0)).unwrap();
        for quote in [batch, cheap] {
            assert_eq!(expected_cost(&quote, 10, 0), Ok(UsdPicos(5)));
            assert_eq!(expected_cost(&quote, 11, 0), Err(CostError::UnknownPrice(UsageClass::InputUncached)));
            assert_eq!(quote.next_tier(10).map(|tier| tier.above_tokens), Some(10));
        }
    }
}
