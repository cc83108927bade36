//! Cost against schoolbook arithmetic, tiers, monotony; names and rows on hostile texts.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests: a panic is a failure")]

use proptest::prelude::*;
use turnout_core::calendar::Day;
use turnout_core::catalog::{
    Catalog, Condition, CostError, Fees, Price, PricePeriod, Rates, RequestFee, Span, Terms, Tier, Variant, Vector,
    Window, cost, expected_cost,
};
use turnout_core::money::{NanosPerMtok, Ratio, UsdNanos, UsdPicos};
use turnout_core::usage::Usage;

const MODELS: &str = include_str!("../data/catalog/models.jsonl");
const PROVIDERS: &str = include_str!("../data/catalog/providers.jsonl");

/// A natural number as decimal digits, lowest first: slow, and independent of any integer type.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Digits(Vec<u8>);

impl Digits {
    fn new(text: &str) -> Self {
        Self(text.bytes().rev().map(|digit| digit - b'0').collect())
    }

    fn carried(columns: Vec<u32>) -> Self {
        let mut digits = Vec::new();
        let mut carry = 0;
        for column in columns {
            carry += column;
            digits.push(u8::try_from(carry % 10).unwrap());
            carry /= 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap());
            carry /= 10;
        }
        Self(digits)
    }

    fn plus(&self, other: &Self) -> Self {
        let digit = |number: &Self, at: usize| u32::from(number.0.get(at).copied().unwrap_or(0));
        Self::carried((0..self.0.len().max(other.0.len())).map(|at| digit(self, at) + digit(other, at)).collect())
    }

    fn times(&self, other: &Self) -> Self {
        let mut columns = vec![0; self.0.len() + other.0.len()];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                columns[i + j] += u32::from(*a) * u32::from(*b);
            }
        }
        Self::carried(columns)
    }

    /// Cuts the last digits off, rounding half to even.
    fn cut(&self, digits: usize) -> Self {
        let at = |index: usize| self.0.get(index).copied().unwrap_or(0);
        let rest = Self(self.0.get(digits..).unwrap_or_default().to_vec());
        let is_more_than_half =
            at(digits - 1) > 5 || (at(digits - 1) == 5 && (0..digits - 1).any(|index| at(index) > 0));
        let is_half = at(digits - 1) == 5 && !is_more_than_half;
        if is_more_than_half || (is_half && at(digits) % 2 == 1) { rest.plus(&Self(vec![1])) } else { rest }
    }

    fn text(&self) -> String {
        let text: String = self.0.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let trimmed = text.trim_start_matches('0');
        if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
    }
}

/// A price, and the terms under which it is asked.
#[derive(Debug, Clone)]
struct Asked {
    period: PricePeriod,
    /// Whether the one variant is asked for, and which of [`MULTIPLIERS`].
    has_variant: bool,
    multipliers: [bool; 3],
    at_ms: Option<i64>,
}

/// The condition of the one variant.
const VARIANT: &str = "service_tier=flex";
/// What the multipliers are conditions of: their order is that of `Asked::multipliers`.
const MULTIPLIERS: [&str; 3] = ["processing=batch", "region=us", "speed=fast"];

impl Asked {
    fn terms(&self) -> Terms<'static> {
        Terms {
            at_ms: self.at_ms,
            service_tier: self.has_variant.then_some("flex"),
            batch: self.multipliers[0],
            region: self.multipliers[1].then_some("us"),
            speed: self.multipliers[2].then_some("fast"),
            route: None,
        }
    }

    fn cost(&self, usage: &Usage) -> Result<UsdPicos, CostError> {
        cost(&self.period.quote(&self.terms()).unwrap(), usage)
    }

    /// The vector that holds, found without the crate's own calendar.
    fn vector(&self) -> &Vector {
        let price = &self.period.price;
        if self.has_variant {
            return &price.variants[0].vector;
        }
        let Some(at_ms) = self.at_ms else { return &price.base };
        // 1970-01-05 was a Monday: the minute of the week.
        let minute = (at_ms.div_euclid(60_000) - 4 * 1440).rem_euclid(7 * 1440);
        let is_covered = |window: &&Window| {
            (0..7).filter(|day| window.days >> day & 1 == 1).any(|day| {
                window.spans.iter().any(|span| {
                    let (from, until) = (i64::from(span.from_minute), i64::from(span.until_minute));
                    let length = if until > from { until - from } else { until - from + 1440 };
                    (minute - (day * 1440 + from)).rem_euclid(7 * 1440) < length
                })
            })
        };
        price.windows.iter().find(is_covered).map_or(&price.base, |window| &window.vector)
    }
}

/// The cost in pico-USD by schoolbook arithmetic: sum over a common denominator, then one rounding.
fn by_hand(asked: &Asked, usage: &Usage) -> String {
    let all_input: u128 =
        counts_of(usage)[..5].iter().chain([&usage.audio_in, &usage.image_in]).map(|class| u128::from(*class)).sum();
    let price = &asked.period.price;
    let vector = asked.vector();
    let mut rates = vector.rates;
    for tier in &vector.tiers {
        let edge = u128::from(tier.above_tokens);
        if all_input > edge || (tier.inclusive && all_input == edge) {
            rates = tier.rates;
        }
    }
    let nanos = |price: Option<NanosPerMtok>| Digits::new(&price.unwrap().0.to_string());
    let tokens = [
        (usage.input_uncached, nanos(rates.input)),
        (usage.cache_read, nanos(rates.cache_read)),
        (usage.cache_write_5m, nanos(rates.cache_write_5m)),
        (usage.cache_write_1h, nanos(rates.cache_write_1h)),
        (usage.cache_write_other, nanos(rates.cache_write_5m)),
        (usage.output_text, nanos(rates.output)),
        (usage.reasoning, nanos(rates.reasoning.or(rates.output))),
        (usage.audio_in, nanos(rates.audio_in)),
        (usage.audio_out, nanos(rates.audio_out)),
        (usage.image_in, nanos(rates.image_in.or(rates.input))),
    ];
    let count = |count: u64| Digits::new(&count.to_string());
    let mut sum = tokens.iter().fold(Digits(vec![0]), |sum, (tokens, rate)| sum.plus(&rate.times(&count(*tokens))));
    // Multipliers have two decimals: each takes two more digits behind the point.
    let mut decimals = 3;
    for (place, (_, ratio)) in price.multipliers.iter().enumerate() {
        if asked.multipliers[place] {
            sum = sum.times(&count(ratio.numerator() * 100 / ratio.denominator()));
            decimals += 2;
        }
    }
    if let Some(factor) = price.price_factor {
        sum = sum.times(&count(factor.numerator() * 100 / factor.denominator()));
        decimals += 2;
    }
    let point = |digits: usize| Digits::new(&format!("1{}", "0".repeat(digits)));
    let fee = |fee: UsdNanos| Digits::new(&fee.0.to_string());
    let searches = fee(price.fees.web_search_per_k.unwrap()).times(&count(usage.web_searches)).times(&point(decimals));
    let request = fee(price.fees.per_request.known().unwrap()).times(&point(decimals + 3));
    sum.plus(&searches).plus(&request).cut(decimals).text()
}

fn rates(least: i64, most: i64) -> impl Strategy<Value = Rates> {
    (prop::collection::vec(least..=most, 9), any::<bool>(), any::<bool>()).prop_map(
        |(nanos, has_reasoning, has_images)| {
            let price = |at: usize| Some(NanosPerMtok(nanos[at]));
            Rates {
                input: price(0),
                output: price(1),
                cache_read: price(2),
                cache_write_5m: price(3),
                cache_write_1h: price(4),
                reasoning: price(5).filter(|_| has_reasoning),
                audio_in: price(6),
                audio_out: price(7),
                image_in: price(8).filter(|_| has_images),
            }
        },
    )
}

/// Every class priced; no tier cheaper than what is below it; at least one tier when asked for.
fn vector(tiers: std::ops::Range<usize>) -> impl Strategy<Value = Vector> {
    let step = (1_u64..200_000, any::<bool>(), rates(0, 50_000_000_000));
    (rates(0, 50_000_000_000), prop::collection::vec(step, tiers)).prop_map(|(base, steps)| {
        let (mut above_tokens, mut below) = (0, base);
        let tiers = steps.into_iter().map(|(more, inclusive, dearer)| {
            above_tokens += more;
            below = sum_of(&below, &dearer);
            Tier { above_tokens, inclusive, rates: below }
        });
        let tiers = tiers.collect();
        Vector { rates: base, tiers }
    })
}

fn window() -> impl Strategy<Value = Window> {
    let span = (0_u16..1440, 1_u16..=1440)
        .prop_filter("a span of no length", |(from, until)| from != until)
        .prop_map(|(from_minute, until_minute)| Span { from_minute, until_minute });
    // A vector without tiers says nothing above the base price's edge, so these have one.
    (1_u8..128, prop::collection::vec(span, 1..4), vector(1..3)).prop_map(|(days, spans, vector)| Window {
        days,
        spans,
        vector,
    })
}

fn ratio() -> impl Strategy<Value = Ratio> {
    (1_u64..400).prop_map(|percent| Ratio::new(percent, 100).unwrap())
}

/// A price with windows or with a variant (never both), with multipliers, fees and a factor, and terms that it knows.
fn asked() -> impl Strategy<Value = Asked> {
    let conditions = (vector(1..3), [ratio(), ratio(), ratio()], prop::option::of(ratio()));
    let terms = (any::<[bool; 3]>(), prop::option::of(-10_000_000_000_000_i64..10_000_000_000_000));
    let fees = (0_i64..40_000_000_000, 0_i64..1_000_000_000);
    (vector(0..3), prop::collection::vec(window(), 0..3), conditions, fees, terms).prop_map(
        |(base, windows, (own, ratios, price_factor), (search, request), (multipliers, at_ms))| {
            let condition = |text: &str| Condition::parse(text).unwrap();
            let has_variant = windows.is_empty();
            let variants =
                if has_variant { vec![Variant { condition: condition(VARIANT), vector: own }] } else { Vec::new() };
            let fees =
                Fees { web_search_per_k: Some(UsdNanos(search)), per_request: RequestFee::Known(UsdNanos(request)) };
            let named = MULTIPLIERS.into_iter().map(condition).zip(ratios).collect();
            let price = Price { base, windows, variants, multipliers: named, fees, price_factor };
            Asked { period: PricePeriod::always(price), has_variant, multipliers, at_ms }
        },
    )
}

fn sum_of(a: &Rates, b: &Rates) -> Rates {
    let add = |a: Option<NanosPerMtok>, b: Option<NanosPerMtok>| {
        Some(NanosPerMtok(a.map_or(0, |price| price.0) + b.map_or(0, |price| price.0)))
    };
    Rates {
        input: add(a.input, b.input),
        output: add(a.output, b.output),
        cache_read: add(a.cache_read, b.cache_read),
        cache_write_5m: add(a.cache_write_5m, b.cache_write_5m),
        cache_write_1h: add(a.cache_write_1h, b.cache_write_1h),
        // These keep a price of their own, so that they never get cheaper by falling back to output or input.
        reasoning: add(a.reasoning.or(a.output), b.reasoning.or(b.output)),
        audio_in: add(a.audio_in, b.audio_in),
        audio_out: add(a.audio_out, b.audio_out),
        image_in: add(a.image_in.or(a.input), b.image_in.or(b.input)),
    }
}

fn usage(most: u64) -> impl Strategy<Value = Usage> {
    prop::collection::vec(prop_oneof![Just(0), 0..=most], CLASSES).prop_map(|counts| usage_of(&counts))
}

const CLASSES: usize = 11;

fn usage_of(counts: &[u64]) -> Usage {
    Usage {
        input_uncached: counts[0],
        cache_read: counts[1],
        cache_write_5m: counts[2],
        cache_write_1h: counts[3],
        cache_write_other: counts[4],
        output_text: counts[5],
        reasoning: counts[6],
        audio_in: counts[7],
        audio_out: counts[8],
        image_in: counts[9],
        web_searches: counts[10],
        reported_cost_usd_picos: None,
    }
}

fn counts_of(usage: &Usage) -> [u64; CLASSES] {
    [
        usage.input_uncached,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.cache_write_other,
        usage.output_text,
        usage.reasoning,
        usage.audio_in,
        usage.audio_out,
        usage.image_in,
        usage.web_searches,
    ]
}

proptest! {
    #[test]
    fn cost_is_what_schoolbook_arithmetic_says(asked in asked(), usage in usage(300_000)) {
        prop_assert_eq!(asked.cost(&usage).unwrap().0.to_string(), by_hand(&asked, &usage));
    }

    #[test]
    fn a_cost_that_does_not_fit_is_an_error(asked in asked(), usage in usage(u64::MAX / 8)) {
        let by_hand = by_hand(&asked, &usage);
        match asked.cost(&usage) {
            Ok(picos) => prop_assert_eq!(picos.0.to_string(), by_hand),
            Err(error) => {
                prop_assert!(matches!(error, CostError::Overflow(_)));
                prop_assert!(by_hand.parse::<i64>().is_err(), "{}", by_hand);
            }
        }
    }

    #[test]
    fn one_more_of_a_class_never_costs_less(asked in asked(), usage in usage(200_000), class in 0..CLASSES, more in 1_u64..100_000) {
        let mut counts = counts_of(&usage);
        counts[class] += more;
        prop_assert!(asked.cost(&usage_of(&counts)).unwrap() >= asked.cost(&usage).unwrap());
    }

    #[test]
    fn a_tier_prices_the_whole_request(asked in asked(), usage in usage(200_000)) {
        let rates = *asked.period.quote(&asked.terms()).unwrap().rates_at(usage.input_total());
        let mut flat = asked.clone();
        let price = &mut flat.period.price;
        price.windows.clear();
        price.base = Vector { rates, tiers: Vec::new() };
        for variant in &mut price.variants {
            variant.vector = price.base.clone();
        }
        prop_assert_eq!(asked.cost(&usage), flat.cost(&usage));
    }

    #[test]
    fn an_unknown_price_is_an_error_just_when_its_class_is_used(asked in asked(), usage in usage(1000), class in 0..CLASSES) {
        let mut price = Price { windows: Vec::new(), variants: Vec::new(), ..asked.period.price };
        price.base.tiers.clear();
        let mut counts = counts_of(&usage);
        let rates = &mut price.base.rates;
        match class {
            0 => {
                // Image tokens without a price of their own take the input price.
                rates.input = None;
                counts[9] = 0;
            }
            1 => rates.cache_read = None,
            // A write of an unsaid time takes the five-minute price.
            2 | 4 => {
                rates.cache_write_5m = None;
                counts[6 - class] = 0;
            }
            3 => rates.cache_write_1h = None,
            5 => {
                // Reasoning without a price of its own takes the output price.
                rates.output = None;
                counts[6] = 0;
            }
            6 => {
                (rates.output, rates.reasoning) = (None, None);
                counts[5] = 0;
            }
            7 => rates.audio_in = None,
            8 => rates.audio_out = None,
            9 => {
                (rates.input, rates.image_in) = (None, None);
                counts[0] = 0;
            }
            _ => price.fees.web_search_per_k = None,
        }
        let period = PricePeriod::always(price);
        let result = cost(&period.quote(&Terms::default()).unwrap(), &usage_of(&counts));
        if counts[class] == 0 {
            prop_assert!(result.is_ok());
        } else {
            prop_assert_eq!(result.unwrap_err().code(), "unknown-price");
        }
    }

    #[test]
    fn an_edge_of_a_window_or_a_period_is_one_instant(asked in asked(), at_ms in -10_000_000_000_000_i64..10_000_000_000_000) {
        // Two neighbouring milliseconds have one price unless a whole minute begins between them.
        let at = |at_ms| Asked { has_variant: false, at_ms: Some(at_ms), ..asked.clone() };
        let next = at(at_ms + 1);
        let usage = Usage { input_uncached: 1_000_000, ..Usage::default() };
        if at(at_ms).cost(&usage) != next.cost(&usage) {
            prop_assert_eq!((at_ms + 1).rem_euclid(60_000), 0);
        }
        prop_assert_eq!(next.cost(&usage).unwrap().0.to_string(), by_hand(&next, &usage));
    }

    #[test]
    fn every_bundled_price_prices_plain_calls(input in 0_u64..2_000_000, output in 0_u64..200_000, at_ms in prop::option::of(0_i64..2_000_000_000_000)) {
        let mut priced = 0;
        for model in Catalog::bundled().models().filter(|model| !model.prices.is_empty()) {
            let quote = model.quote(&Terms { at_ms, ..Terms::default() }).unwrap();
            match expected_cost(&quote, input, output) {
                Ok(picos) => prop_assert!(picos >= UsdPicos::ZERO, "{}", model.full_name()),
                // A price of other days is known up to the edge of a tier, if at all; a fee for each request may be unknown.
                Err(CostError::UnknownPrice(_)) => prop_assert!(
                    *quote.rates_at(input) == Rates::UNKNOWN || quote.period().price.fees.per_request == RequestFee::Unknown,
                    "{}",
                    model.full_name()
                ),
                Err(error) => prop_assert!(false, "{} {error}", model.full_name()),
            }
            priced += 1;
        }
        prop_assert!(priced > 200);
    }

    #[test]
    fn any_name_is_found_or_refused(name in prop_oneof![any::<String>(), "(anthropic|openai|ollama)?/?[a-z0-9./:-]{0,40}"]) {
        match Catalog::bundled().resolve(&name) {
            Ok(found) => prop_assert!(found.model.id == name || name.ends_with(&found.model.id) || found.is_alias),
            Err(error) => prop_assert!(error.code == "unknown-model" || error.code == "ambiguous-model"),
        }
        let _ = Catalog::bundled().provider(&name);
    }

    #[test]
    fn a_slip_in_a_row_is_an_error_or_another_catalogue(row in 1_usize..200, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let line = MODELS.lines().nth(row).unwrap();
        let mut bytes = b"{\"format\":1}\n".to_vec();
        let start = bytes.len();
        bytes.extend_from_slice(line.as_bytes());
        bytes[start + at.index(line.len())] = byte;
        if let Ok(catalog) = Catalog::parse(&bytes, PROVIDERS.as_bytes()) {
            prop_assert!(catalog.hash() != Catalog::bundled().hash());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(models in prop::collection::vec(any::<u8>(), 0..200), providers in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Catalog::parse(&models, &providers);
        let mut with_header = b"{\"format\":1}\n".to_vec();
        with_header.extend(models);
        let _ = Catalog::parse(&with_header, &providers);
    }
}

#[test]
fn every_name_of_every_row_resolves_to_it() {
    let catalog = Catalog::bundled();
    let mut names = 0;
    for model in catalog.models() {
        for name in std::iter::once(&model.id).chain(&model.aliases) {
            let found = catalog.resolve(&format!("{}/{name}", model.provider)).unwrap();
            assert_eq!(found.model, model);
            assert_eq!(found.provider.id, model.provider);
            names += 1;
        }
    }
    assert!(names > 300, "{names}");
}

#[test]
fn prices_and_limits_are_those_of_the_file() {
    let catalog = Catalog::bundled();
    let mut checked = 0;
    for line in MODELS.lines().skip(1) {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = format!("{}/{}", row["provider"].as_str().unwrap(), row["id"].as_str().unwrap());
        let model = catalog.resolve(&name).unwrap().model;
        assert_eq!(model.context, row["context"].as_u64(), "{name}");
        assert_eq!(model.max_input, row["max_input"].as_u64(), "{name}");
        assert_eq!(model.max_output, row["max_output"].as_u64(), "{name}");
        let written = row["prices"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(model.prices.len(), written.len(), "{name}");
        let mut vectors = Vec::new();
        for (written, period) in written.iter().zip(&model.prices) {
            let day = |day: Option<Day>| day.map(|day| day.to_string());
            assert_eq!(day(period.from).as_deref(), written["from"].as_str(), "{name}");
            assert_eq!(day(period.until).as_deref(), written["until"].as_str(), "{name}");
            let price = &period.price;
            let mut known = vec![(written, &price.base)];
            known
                .extend(price.windows.iter().enumerate().map(|(at, window)| (&written["windows"][at], &window.vector)));
            let variants = price.variants.iter();
            known
                .extend(variants.map(|variant| (&written["variants"][variant.condition.to_string()], &variant.vector)));
            assert_eq!(price.variants.len(), written["variants"].as_object().map_or(0, serde_json::Map::len), "{name}");
            assert_eq!(price.windows.len(), written["windows"].as_array().map_or(0, Vec::len), "{name}");
            for (written, vector) in known {
                assert_eq!(vector.tiers.len(), written["tiers"].as_array().map_or(0, Vec::len), "{name}");
                vectors.push((written, vector.rates));
                vectors.extend(vector.tiers.iter().enumerate().map(|(at, tier)| (&written["tiers"][at], tier.rates)));
            }
        }
        for (written, rates) in vectors {
            for (field, price) in rates.iter() {
                let nanos = written[field].as_f64().map(|usd| format!("{:.0}", usd * 1e9));
                assert_eq!(price.map(|price| price.0.to_string()), nanos, "{name} {field}");
                checked += usize::from(price.is_some());
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}
