//! Cost against schoolbook arithmetic, tiers, monotony; names and rows on hostile texts.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests: a panic is a failure")]

use proptest::prelude::*;
use turnout_core::catalog::{Catalog, CostError, Price, Rates, Tier, cost, expected_cost};
use turnout_core::money::{NanosPerMtok, UsdNanos, UsdPicos};
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

    /// Cuts the last three digits off, rounding half to even.
    fn thousandths(&self) -> Self {
        let at = |index: usize| self.0.get(index).copied().unwrap_or(0);
        let cut = (at(2), at(1), at(0));
        let rest = Self(self.0.get(3..).unwrap_or_default().to_vec());
        let is_up = cut > (5, 0, 0) || (cut == (5, 0, 0) && at(3) % 2 == 1);
        if is_up { rest.plus(&Self(vec![1])) } else { rest }
    }

    fn text(&self) -> String {
        let text: String = self.0.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let trimmed = text.trim_start_matches('0');
        if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
    }
}

fn by_hand(price: &Price, usage: &Usage) -> String {
    let all_input = [
        usage.input_uncached,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.cache_write_other,
        usage.audio_in,
    ]
    .iter()
    .map(|class| u128::from(*class))
    .sum::<u128>();
    let mut rates = price.rates;
    for tier in &price.tiers {
        let is_reached = if tier.inclusive {
            all_input >= u128::from(tier.above_tokens)
        } else {
            all_input > u128::from(tier.above_tokens)
        };
        if is_reached {
            rates = tier.rates;
        }
    }
    let nanos = |price: Option<NanosPerMtok>| Digits::new(&price.unwrap().0.to_string());
    let searches = Digits::new(&price.web_search_per_k.unwrap().0.to_string()).times(&Digits::new("1000"));
    let parts = [
        (usage.input_uncached, nanos(rates.input)),
        (usage.cache_read, nanos(rates.cache_read)),
        (usage.cache_write_5m, nanos(rates.cache_write_5m)),
        (usage.cache_write_1h, nanos(rates.cache_write_1h)),
        (usage.cache_write_other, nanos(rates.cache_write_5m)),
        (usage.output_text, nanos(rates.output)),
        (usage.reasoning, nanos(rates.reasoning.or(rates.output))),
        (usage.audio_in, nanos(rates.audio_in)),
        (usage.audio_out, nanos(rates.audio_out)),
        (usage.web_searches, searches),
    ];
    let sum = parts
        .iter()
        .fold(Digits(vec![0]), |sum, (count, rate)| sum.plus(&rate.times(&Digits::new(&count.to_string()))));
    sum.thousandths().text()
}

fn rates(least: i64, most: i64) -> impl Strategy<Value = Rates> {
    (prop::collection::vec(least..=most, 10), any::<bool>()).prop_map(|(nanos, has_reasoning)| {
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
            image_in: None,
            batch_input: price(8),
            batch_output: price(9),
        }
    })
}

/// Every class priced; no tier cheaper than what is below it.
fn price() -> impl Strategy<Value = Price> {
    let step = (1_u64..200_000, any::<bool>(), rates(0, 50_000_000_000));
    (rates(0, 50_000_000_000), prop::collection::vec(step, 0..3), 0_i64..40_000_000_000).prop_map(
        |(base, steps, search)| {
            let (mut above_tokens, mut below) = (0, base);
            let tiers = steps.into_iter().map(|(more, inclusive, dearer)| {
                above_tokens += more;
                below = sum_of(&below, &dearer);
                Tier { above_tokens, inclusive, rates: below }
            });
            let tiers = tiers.collect();
            Price { rates: base, tiers, web_search_per_k: Some(UsdNanos(search)) }
        },
    )
}

fn sum_of(a: &Rates, b: &Rates) -> Rates {
    let add = |a: Option<NanosPerMtok>, b: Option<NanosPerMtok>| {
        Some(NanosPerMtok(a.map_or(0, |price| price.0) + b.map_or(0, |price| price.0)))
    };
    // Reasoning keeps its own price only where both have one, so that it never gets cheaper by falling back to output.
    let reasoning = add(a.reasoning.or(a.output), b.reasoning.or(b.output));
    Rates {
        input: add(a.input, b.input),
        output: add(a.output, b.output),
        cache_read: add(a.cache_read, b.cache_read),
        cache_write_5m: add(a.cache_write_5m, b.cache_write_5m),
        cache_write_1h: add(a.cache_write_1h, b.cache_write_1h),
        reasoning,
        audio_in: add(a.audio_in, b.audio_in),
        audio_out: add(a.audio_out, b.audio_out),
        image_in: None,
        batch_input: add(a.batch_input, b.batch_input),
        batch_output: add(a.batch_output, b.batch_output),
    }
}

fn usage(most: u64) -> impl Strategy<Value = Usage> {
    prop::collection::vec(prop_oneof![Just(0), 0..=most], 10).prop_map(|counts| usage_of(&counts))
}

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
        web_searches: counts[9],
        reported_cost_usd_picos: None,
    }
}

fn counts_of(usage: &Usage) -> [u64; 10] {
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
        usage.web_searches,
    ]
}

proptest! {
    #[test]
    fn cost_is_what_schoolbook_arithmetic_says(price in price(), usage in usage(300_000)) {
        prop_assert_eq!(cost(&price, &usage).unwrap().0.to_string(), by_hand(&price, &usage));
    }

    #[test]
    fn a_cost_that_does_not_fit_is_an_error(price in price(), usage in usage(u64::MAX / 8)) {
        let by_hand = by_hand(&price, &usage);
        match cost(&price, &usage) {
            Ok(picos) => prop_assert_eq!(picos.0.to_string(), by_hand),
            Err(error) => {
                prop_assert_eq!(error, CostError::Overflow);
                prop_assert!(by_hand.parse::<i64>().is_err(), "{}", by_hand);
            }
        }
    }

    #[test]
    fn one_more_of_a_class_never_costs_less(price in price(), usage in usage(200_000), class in 0_usize..10, more in 1_u64..100_000) {
        let mut counts = counts_of(&usage);
        counts[class] += more;
        prop_assert!(cost(&price, &usage_of(&counts)).unwrap() >= cost(&price, &usage).unwrap());
    }

    #[test]
    fn a_tier_prices_the_whole_request(price in price(), usage in usage(200_000)) {
        let flat = Price { rates: *price.rates_at(usage.input_total()), tiers: Vec::new(), ..price.clone() };
        prop_assert_eq!(cost(&price, &usage), cost(&flat, &usage));
    }

    #[test]
    fn an_unknown_price_is_an_error_just_when_its_class_is_used(price in price(), usage in usage(1000), class in 0_usize..10) {
        let mut price = Price { tiers: Vec::new(), ..price };
        let mut counts = counts_of(&usage);
        match class {
            0 => price.rates.input = None,
            1 => price.rates.cache_read = None,
            // A write of an unsaid time takes the five-minute price.
            2 | 4 => {
                price.rates.cache_write_5m = None;
                counts[6 - class] = 0;
            }
            3 => price.rates.cache_write_1h = None,
            5 => {
                // Reasoning without a price of its own takes the output price.
                price.rates.output = None;
                counts[6] = 0;
            }
            6 => {
                price.rates.output = None;
                price.rates.reasoning = None;
                counts[5] = 0;
            }
            7 => price.rates.audio_in = None,
            8 => price.rates.audio_out = None,
            _ => price.web_search_per_k = None,
        }
        let result = cost(&price, &usage_of(&counts));
        if counts[class] == 0 {
            prop_assert!(result.is_ok());
        } else {
            prop_assert_eq!(result.unwrap_err().code(), "unknown-price");
        }
    }

    #[test]
    fn every_bundled_price_prices_plain_calls(input in 0_u64..2_000_000, output in 0_u64..200_000) {
        for model in Catalog::bundled().models() {
            let Some(price) = &model.price else { continue };
            let picos = expected_cost(price, input, output);
            prop_assert!(picos.is_ok_and(|picos| picos >= UsdPicos::ZERO), "{} {picos:?}", model.full_name());
        }
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
        let mut vectors = vec![(&row["price"], model.price.as_ref().map(|price| price.rates))];
        let tiers = model.price.as_ref().map(|price| price.tiers.as_slice()).unwrap_or_default();
        vectors.extend(tiers.iter().enumerate().map(|(at, tier)| (&row["tiers"][at], Some(tier.rates))));
        vectors.extend(model.variants.iter().map(|variant| (&row["variants"][&variant.name], Some(variant.rates))));
        assert_eq!(tiers.len(), row["tiers"].as_array().map_or(0, Vec::len), "{name}");
        for (written, rates) in vectors {
            for (field, price) in rates.iter().flat_map(Rates::iter) {
                let nanos = written[field].as_f64().map(|usd| format!("{:.0}", usd * 1e9));
                assert_eq!(price.map(|price| price.0.to_string()), nanos, "{name} {field}");
                checked += usize::from(price.is_some());
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}
