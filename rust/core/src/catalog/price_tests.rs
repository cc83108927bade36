//! Prices as their users see them: periods, hours, conditions, bad rows, every price lint firing, the known facts.

use super::tests::{codes, one_model};
use super::{Catalog, CostError, Price, PriceError, Rates, Terms, UsageClass, cost, expected_cost};
use crate::calendar::{Day, parse_instant};
use crate::money::{NanosPerMtok, Ratio, UsdPicos};
use crate::usage::Usage;

fn with_prices(prices: &str) -> String {
    format!(r#"{{"provider":"p","id":"m","prices":{prices}}}"#)
}

#[test]
fn a_bad_price_is_named_with_its_row_and_field() {
    for (prices, message) in [
        (r#"[{"in":-1,"out":1}]"#, "`in`: `-1` is negative, and an amount cannot be"),
        (r#"[{"in":1e-3}]"#, "`in`: `1e-3` has an exponent, write the digits out"),
        (r#"[{"in":"1"}]"#, "`in` is not a number"),
        (r#"[{"inn":1}]"#, "unknown key `inn`"),
        (r#"[{"batch_in":1}]"#, "unknown key `batch_in`"),
        (r#"[{"in":99999999999}]"#, "`in`: an amount is too large"),
        (r#"[{"cache_read":0.0000000001}]"#, "`cache_read`: `0.0000000001` has more than 9 decimals"),
        (r#"[{"per_request":-0.1}]"#, "`per_request`: `-0.1` is negative, and an amount cannot be"),
        (r#"[{"per_request":"free"}]"#, "`per_request` is not a number"),
        (
            r#"[{"variants":{"region=EU":{}}}]"#,
            "`region=EU` has a value in capitals: conditions are written in small letters",
        ),
        (
            r#"[{"variants":{"service_tier=standard":{}}}]"#,
            "`service_tier=standard` never holds: it names the standard terms, whose price is the period's own",
        ),
        (
            r#"[{"multipliers":{"region=global":1.1}}]"#,
            "`region=global` never holds: it names the standard terms, whose price is the period's own",
        ),
        (r#"{"in":1}"#, "`prices` is not an array of periods"),
        ("[1]", "expected an object"),
        (r#"[{"tiers":5}]"#, "`tiers` is not an array of objects"),
        (r#"[{"tiers":[{"in":5}]}]"#, "a tier without `above`"),
        (r#"[{"tiers":[{"above":5},{"above":5}]}]"#, "`tiers` do not ascend"),
        (r#"[{"tiers":[{"above":-5}]}]"#, "`above` is not a whole number"),
        (r#"[{"from":"soon"}]"#, "`from` is not a date such as `2026-11-22`"),
        (r#"[{"from":"2026-02-30"}]"#, "`from` is not a date such as `2026-11-22`"),
        (r#"[{"from":"2026-03-02","until":"2026-03-02"}]"#, "`until` is not after `from`"),
        (r#"[{"until":"2026-03-02"},{"from":"2026-03-01"}]"#, "`prices` overlap or do not ascend"),
        (r#"[{"from":"2026-03-02"},{"until":"2026-03-01"}]"#, "`prices` overlap or do not ascend"),
        (r#"[{"in":1},{"in":2}]"#, "`prices` overlap or do not ascend"),
        (r#"[{"windows":[{"in":1}]}]"#, "a window without `hours`"),
        (r#"[{"windows":[{"hours":["9:00-10:00"]}]}]"#, "`hours` is not an array of hours such as `22:00-06:00`"),
        (r#"[{"windows":[{"hours":["09:00-24:01"]}]}]"#, "`hours` is not an array of hours such as `22:00-06:00`"),
        (r#"[{"windows":[{"hours":["24:00-01:00"]}]}]"#, "`hours` is not an array of hours such as `22:00-06:00`"),
        (r#"[{"windows":[{"hours":["09:00-09:00"]}]}]"#, "`hours` is not an array of hours such as `22:00-06:00`"),
        (
            r#"[{"windows":[{"hours":["09:00-10:00"],"days":[0]}]}]"#,
            "`days` is not an array of days from 1 (Monday) to 7",
        ),
        (
            r#"[{"windows":[{"hours":["09:00-10:00"],"days":[]}]}]"#,
            "`days` is not an array of days from 1 (Monday) to 7",
        ),
        (r#"[{"variants":{"flex":{}}}]"#, "`flex` is not a condition such as `service_tier=priority`"),
        (r#"[{"variants":{"speed=":{}}}]"#, "`speed=` is not a condition such as `service_tier=priority`"),
        (r#"[{"variants":{"speed=fast":{"above":1}}}]"#, "unknown key `above`"),
        (r#"[{"multipliers":{"us":1.1}}]"#, "`us` is not a condition such as `service_tier=priority`"),
        (r#"[{"multipliers":{"region=us":"1.1"}}]"#, "`region=us` is not a number"),
        (r#"[{"multipliers":{"region=us":-1}}]"#, "`region=us`: `-1` is negative, and an amount cannot be"),
        (
            r#"[{"multipliers":{"speed=fast":2},"variants":{"speed=fast":{}}}]"#,
            "`speed=fast` is both a variant and a multiplier",
        ),
        (
            r#"[{"windows":[{"hours":["09:00-10:00"]}],"variants":{"speed=fast":{}}}]"#,
            "`windows` beside `variants`: what holds under both is not known",
        ),
        (r#"[],"price_factor":"x""#, "`price_factor` is not a number"),
    ] {
        let error = one_model(&with_prices(prices)).unwrap_err();
        assert_eq!((error.code, error.message), ("bad-row", format!("row `p/m`: {message}")), "{prices}");
    }
    for bad in ["NaN", "nan", "+1", "1.", ".5", "0x1"] {
        assert_eq!(one_model(&with_prices(&format!(r#"[{{"in":{bad}}}]"#))).unwrap_err().code, "bad-row", "{bad}");
    }
}

#[test]
fn an_absent_price_is_unknown_and_a_zero_price_is_free() {
    for row in [r#"{"provider":"p","id":"m"}"#, r#"{"provider":"p","id":"m","prices":null}"#, &with_prices("[]")] {
        let unknown = one_model(row).unwrap();
        let error = unknown.resolve("m").unwrap().model.quote(&Terms::default()).unwrap_err();
        assert_eq!((&error, error.code()), (&PriceError::Unknown, "unknown-price"));
        assert_eq!(error.to_string(), "the price is not known, which is not zero");
    }
    let half = one_model(&with_prices(r#"[{"in":null,"out":0}]"#)).unwrap();
    let quote = half.resolve("p/m").unwrap().model.quote(&Terms::default()).unwrap();
    assert_eq!(expected_cost(&quote, 0, 10), Ok(UsdPicos::ZERO));
    assert_eq!(expected_cost(&quote, 1, 10), Err(CostError::UnknownPrice(UsageClass::InputUncached)));
}

fn input_price(name: &str, terms: &Terms<'_>) -> Result<i64, PriceError> {
    let model = Catalog::bundled().resolve(name).unwrap().model;
    Ok(model.quote(terms)?.rates_at(1).input.unwrap().0 / 1_000_000)
}

fn at(instant: &str) -> Terms<'static> {
    Terms::at(parse_instant(instant).unwrap())
}

#[test]
fn a_period_begins_at_midnight_utc() {
    for (instant, milli_usd) in [
        ("2026-09-01", 680),
        ("2026-10-19T23:59:59Z", 680),
        ("2026-10-20T00:00:00Z", 1_360),
        ("2026-10-28T23:59:59Z", 1_360),
        ("2026-10-29T00:00:00Z", 700),
        ("2030-01-01", 700),
    ] {
        assert_eq!(input_price("mistral/mistral-large-4", &at(instant)), Ok(milli_usd), "{instant}");
    }
    let edge = parse_instant("2026-10-29").unwrap();
    assert_eq!(input_price("mistral/mistral-large-4", &Terms::at(edge - 1)), Ok(1_360));
    assert_eq!(input_price("mistral/mistral-large-4", &Terms::at(i64::MIN)), Ok(680));
    assert_eq!(input_price("mistral/mistral-large-4", &Terms::at(i64::MAX)), Ok(700));
    assert_eq!(input_price("mistral/mistral-large-4", &Terms::default()), Ok(700));
    let bounded = one_model(&with_prices(r#"[{"from":"2026-03-01","until":"2026-04-01","in":1}]"#)).unwrap();
    let model = bounded.resolve("m").unwrap().model;
    for (instant, is_known) in
        [("2026-02-28", false), ("2026-03-01", true), ("2026-03-31T23:59:59Z", true), ("2026-04-01", false)]
    {
        let found = model.quote(&at(instant));
        assert_eq!(found.is_ok(), is_known, "{instant}");
        if let Err(error) = found {
            assert_eq!(error, PriceError::NotThen(Day::parse(instant).unwrap()));
            assert_eq!(error.to_string(), format!("the price on {instant} is not known"));
        }
    }
}

#[test]
fn an_announced_price_holds_from_its_day_and_not_before() {
    let argon = "google/gemini-4-argon";
    assert_eq!(input_price(argon, &Terms::default()), Ok(2_000));
    assert_eq!(input_price(argon, &at("2026-11-30T23:59:59Z")), Ok(2_000));
    assert_eq!(input_price(argon, &at("2026-12-01")), Ok(4_000));
    let announced: Vec<String> = super::notices(Catalog::bundled(), Day::parse("2026-11-22").unwrap())
        .into_iter()
        .filter(|notice| notice.code == "announced-price")
        .map(|notice| format!("{}: {}", notice.model, notice.message))
        .collect();
    let expected = "google/gemini-4-argon: another price is announced from 2026-12-01: verify it on that day";
    assert!(announced.iter().any(|notice| notice == expected), "{announced:?}");
    let later = super::notices(Catalog::bundled(), Day::parse("2026-12-01").unwrap());
    assert!(later.iter().any(|notice| notice.code == "unverified-price" && notice.model == argon));
    let slip = "sources say $0.003 and $0.30 for `in`: one of them has the wrong unit";
    assert!(later.iter().any(|notice| notice.model == "minimax/MiniMax-M2.7" && notice.message == slip));
    for code in ["disputed-price", "moving-name"] {
        assert!(later.iter().any(|notice| notice.code == code), "{code}");
    }
}

#[test]
fn the_hours_of_a_window_begin_and_end_on_the_minute() {
    let name = "deepseek/deepseek-v4-pro";
    for (instant, milli_usd) in [
        // A Friday: lower until 01:00, from 04:00 to 06:00, and from 10:00.
        ("2026-11-20T00:59:59Z", 660),
        ("2026-11-20T01:00:00Z", 1_320),
        ("2026-11-20T03:59:59Z", 1_320),
        ("2026-11-20T04:00:00Z", 660),
        ("2026-11-20T05:59:59Z", 660),
        ("2026-11-20T06:00:00Z", 1_320),
        ("2026-11-20T10:00:00Z", 660),
        ("2026-11-20T23:59:59Z", 660),
        // The whole week-end, which daily windows forget.
        ("2026-11-21T02:00:00Z", 660),
        ("2026-11-22T08:00:00Z", 660),
        ("2026-11-23T01:00:00Z", 1_320),
        // Before the price fell at any hour.
        ("2026-08-16T23:59:59Z", 435),
        ("2026-08-17T02:00:00Z", 1_320),
        ("2026-08-17T04:00:00Z", 660),
    ] {
        assert_eq!(input_price(name, &at(instant)), Ok(milli_usd), "{instant}");
    }
    assert_eq!(input_price(name, &Terms::default()), Ok(1_320), "an unknown hour is the dearest");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let prices = r#"[{"in":2,"windows":[{"days":[5],"hours":["22:00-06:00"],"in":1}]}]"#;
    let catalog = one_model(&with_prices(prices)).unwrap();
    let model = catalog.resolve("m").unwrap().model;
    for (instant, usd) in [
        ("2026-11-20T05:00Z", "2"),
        ("2026-11-20T21:59Z", "2"),
        ("2026-11-20T22:00Z", "1"),
        ("2026-11-21T05:59Z", "1"),
        ("2026-11-21T06:00Z", "2"),
        ("2026-11-21T22:00Z", "2"),
    ] {
        let quote = model.quote(&at(instant)).unwrap();
        assert_eq!(quote.rates_at(1).input, Some(NanosPerMtok::parse(usd).unwrap()), "{instant}");
        assert_eq!(quote.window().is_some(), usd == "1", "{instant}");
    }
}

#[test]
fn terms_without_a_price_are_an_error_that_names_them() {
    let sonnet = Catalog::bundled().resolve("claude-sonnet-4-5").unwrap().model;
    for standard in ["standard", "default", "auto", "on_demand", "ON_DEMAND"] {
        assert!(sonnet.quote(&Terms { service_tier: Some(standard), ..Terms::default() }).is_ok(), "{standard}");
    }
    for (terms, condition) in [
        (Terms { service_tier: Some("priority"), ..Terms::default() }, "service_tier=priority"),
        (Terms { speed: Some("fast"), ..Terms::default() }, "speed=fast"),
        (Terms { region: Some("us"), batch: true, ..Terms::default() }, "region=us"),
        (Terms { route: Some("x"), ..Terms::default() }, "route=x"),
        (Terms { service_tier: Some("global"), ..Terms::default() }, "service_tier=global"),
    ] {
        let error = sonnet.quote(&terms).unwrap_err();
        assert_eq!(error.code(), "unknown-terms");
        assert_eq!(error.to_string(), format!("the price under `{condition}` is not known"));
    }
    let gpt = Catalog::bundled().resolve("openai/gpt-6-sol").unwrap().model;
    let flex = gpt.quote(&Terms { service_tier: Some("Flex"), ..Terms::default() }).unwrap();
    assert_eq!(flex.variant().map(|variant| variant.condition.to_string()).as_deref(), Some("service_tier=flex"));
    let error = gpt.quote(&Terms { service_tier: Some("flex"), batch: true, ..Terms::default() }).unwrap_err();
    assert_eq!(error.code(), "unknown-terms");
    assert_eq!(error.to_string(), "the price under `processing=batch` and `service_tier=flex` together is not known");
    let regional = gpt.quote(&Terms { service_tier: Some("flex"), region: Some("eu"), ..Terms::default() }).unwrap();
    assert_eq!(regional.ratio(), Ratio::new(11, 10).unwrap());
    assert_eq!(regional.rates_at(1), flex.rates_at(1));
    let huge = with_prices(r#"[{"multipliers":{"region=us":9000000000.1,"speed=fast":9000000000.1}}]"#);
    let huge = one_model(&huge).unwrap();
    let terms = Terms { region: Some("us"), speed: Some("fast"), ..Terms::default() };
    assert_eq!(huge.resolve("m").unwrap().model.quote(&terms).unwrap_err().code(), "cost-overflow");
}

#[test]
fn a_negotiated_factor_holds_for_every_period_of_its_row() {
    let row = r#"{"provider":"p","id":"m","price_factor":0.85,
        "prices":[{"until":"2026-01-01","in":2},{"from":"2026-01-01","in":1,"per_request":0.01}]}"#;
    let catalog = one_model(&row.replace('\n', " ")).unwrap();
    let model = catalog.resolve("m").unwrap().model;
    for (instant, usd) in [("2025-06-01", "1.7"), ("2026-06-01", "0.86")] {
        let cost = expected_cost(&model.quote(&at(instant)).unwrap(), 1_000_000, 0);
        assert_eq!(cost, Ok(UsdPicos::parse(usd).unwrap()), "{instant}");
    }
}

#[test]
fn a_request_fee_that_is_not_known_is_no_fee_of_nothing() {
    let catalog = one_model(&with_prices(r#"[{"in":1,"out":1,"per_request":"unknown"}]"#)).unwrap();
    let quote = catalog.resolve("m").unwrap().model.quote(&Terms::default()).unwrap();
    let error = expected_cost(&quote, 1, 1).unwrap_err();
    assert_eq!((error.code(), error.class()), ("unknown-price", UsageClass::Request));
    assert_eq!(error.to_string(), "the request fee is unknown, which is not zero");
    let sonar = |name: &str| {
        expected_cost(&Catalog::bundled().resolve(name).unwrap().model.quote(&Terms::default()).unwrap(), 9, 12)
    };
    assert_eq!(
        sonar("perplexity/sonar"),
        Ok(UsdPicos::parse("0.005021").unwrap()),
        "as recorded, to its five decimals"
    );
    for name in ["perplexity/sonar-pro", "perplexity/sonar-reasoning", "perplexity/sonar-pro-search"] {
        assert_eq!(sonar(name), Err(CostError::UnknownPrice(UsageClass::Request)), "{name}");
    }
}

#[test]
fn each_price_lint_fires_on_a_row_that_breaks_it() {
    for (prices, code) in [
        (r#"[{"in":2,"out":3,"tiers":[{"above":0,"in":2,"out":3}]}]"#, "tier-order"),
        (r#"[{"in":2,"out":3,"tiers":[{"above":9,"in":2,"out":2.5}]}]"#, "tier-cheaper"),
        (r#"[{"in":2,"out":3,"tiers":[{"above":9,"in":2}]}]"#, "tier-incomplete"),
        (r#"[{"in":2,"out":1000.000000001}]"#, "price-out-of-bounds"),
        (r#"[{"in":2,"out":3,"per_request":1000.1}]"#, "price-out-of-bounds"),
        (r#"[{"in":2,"out":3,"cache_read":2.1}]"#, "read-above-input"),
        (r#"[{"in":2,"out":3,"cache_write_5m":2.5,"cache_write_1h":2.4}]"#, "hour-below-five-minutes"),
        (r#"[{"in":2,"out":3,"cache_write_5m":0}]"#, "write-below-input"),
        (r#"[{"in":2,"out":3,"cache_write_5m":1.799999999}]"#, "write-below-input"),
        (r#"[{"in":2,"out":3,"cache_write_1h":1.7}]"#, "write-below-input"),
        (r#"[{"in":2,"out":3,"variants":{"processing=batch":{"in":2}}}]"#, "batch-above-list"),
        (r#"[{"in":2,"out":3,"variants":{"processing=batch":{"out":3.1}}}]"#, "batch-above-list"),
        (r#"[{"in":2,"out":3,"multipliers":{"processing=batch":1}}]"#, "batch-above-list"),
        (r#"[{"in":2,"out":3,"multipliers":{"region=us":11}}]"#, "multiplier-out-of-bounds"),
        (r#"[{"in":2,"out":3,"multipliers":{"region=us":0}}]"#, "multiplier-out-of-bounds"),
        (r#"[{"in":0,"out":3}]"#, "input-free-output-not"),
        (r#"[{"in":2,"out":3,"tiers":[{"above":9,"in":2,"out":3}]}],"context":9"#, "tier-beyond-window"),
        (r#"[{"in":2,"out":1}]"#, "output-below-input"),
        (r#"[{"in":2,"out":3,"tiers":[{"above":9,"in":2,"out":3,"cache_read":9}]}]"#, "read-above-input"),
        (r#"[{"in":2,"out":3,"variants":{"service_tier=flex":{"in":1,"out":0.5}}}]"#, "output-below-input"),
        (r#"[{"in":2,"out":3,"windows":[{"hours":["01:00-02:00"],"in":2,"out":1}]}]"#, "output-below-input"),
        (r#"[{"in":2,"out":3,"windows":[{"hours":["01:00-02:00"],"in":2.1,"out":3}]}]"#, "window-dearer"),
        (
            r#"[{"in":2,"out":3,"windows":[{"hours":["01:00-02:00"],"in":1},{"hours":["01:59-03:00"],"in":1}]}]"#,
            "window-overlap",
        ),
        (
            r#"[{"in":2,"windows":[{"days":[7],"hours":["22:00-02:00"],"in":1},{"days":[1],"hours":["01:00-03:00"]}]}]"#,
            "window-overlap",
        ),
        (r#"[{"until":"2026-01-01","in":2,"out":1},{"from":"2026-01-01","in":1,"out":2}]"#, "output-below-input"),
        (r#"[{"until":"2026-01-01","in":1,"out":2},{"from":"2026-01-02","in":1,"out":2}]"#, "period-gap"),
    ] {
        assert_eq!(codes(&with_prices(prices)), [code], "{prices}");
    }
    for fine in [
        r#"[{"in":2,"out":3,"cache_write_5m":1.8}]"#,
        r#"[{"in":2,"out":3,"tiers":[{"above":9}]}],"context":10"#,
        r#"[{"in":0,"out":0,"variants":{"processing=batch":{"in":0,"out":0}}}]"#,
        r#"[{"in":2,"windows":[{"days":[6],"hours":["22:00-02:00"],"in":1},{"days":[7],"hours":["02:00-03:00"]}]}]"#,
    ] {
        assert_eq!(codes(&with_prices(fine)), [""; 0], "{fine}");
    }
}

/// Every price of a vector at one input length, in USD per million tokens.
fn shown(name: &str, terms: &Terms<'_>, input_tokens: u64) -> String {
    let model = Catalog::bundled().resolve(name).unwrap().model;
    let quote = model.quote(terms).unwrap();
    let rates = quote.rates_at(input_tokens);
    let known = rates.iter().filter_map(|(field, price)| Some(format!("{field} {}", price?)));
    known.collect::<Vec<_>>().join(" ").replace('$', "")
}

#[test]
fn the_known_errors_of_sources_come_out_right() {
    let now = Terms::default();
    for (name, terms, input_tokens, expected) in [
        // The increase announced for 2026-09-01 was cancelled.
        (
            "claude-sonnet-5",
            at("2026-09-02"),
            1,
            "in 2.00 out 10.00 cache_read 0.20 cache_write_5m 2.50 cache_write_1h 4.00",
        ),
        // A dead tier: the window ends where it would begin.
        (
            "anthropic/claude-sonnet-4-5",
            now,
            250_000,
            "in 3.00 out 15.00 cache_read 0.30 cache_write_5m 3.75 cache_write_1h 6.00",
        ),
        ("claude-haiku-5-5", now, 100_000, "in 0.10 out 0.50 cache_read 0.01 cache_write_5m 0.125 cache_write_1h 0.20"),
        ("claude-haiku-5-5", now, 100_001, "in 0.50 out 2.50 cache_read 0.05 cache_write_5m 0.625 cache_write_1h 1.00"),
        // One hour at 6.00 for each Claude 3 was a copy.
        ("claude-3-haiku-20240307", now, 1, "in 0.25 out 1.25 cache_read 0.03 cache_write_5m 0.30 cache_write_1h 0.50"),
        ("claude-3-5-haiku-latest", now, 1, "in 0.80 out 4.00 cache_read 0.08 cache_write_5m 1.00 cache_write_1h 1.60"),
        (
            "claude-3-opus-latest",
            now,
            1,
            "in 15.00 out 75.00 cache_read 1.50 cache_write_5m 18.75 cache_write_1h 30.00",
        ),
        (
            "claude-3-sonnet-20240229",
            now,
            1,
            "in 3.00 out 15.00 cache_read 0.30 cache_write_5m 3.75 cache_write_1h 6.00",
        ),
        // The cut of 2026-10-07, in one class.
        (
            "claude-sonnet-5-5",
            at("2026-10-06T23:59Z"),
            1,
            "in 2.00 out 10.00 cache_read 0.20 cache_write_5m 2.50 cache_write_1h 4.00",
        ),
        (
            "claude-sonnet-5-5",
            at("2026-10-07"),
            1,
            "in 2.00 out 10.00 cache_read 0.10 cache_write_5m 2.50 cache_write_1h 4.00",
        ),
        // Before the window of 1M came at one price, a long request cost more than any source says.
        ("claude-sonnet-4-6", at("2026-03-12"), 200_000, "in 3.00 out 15.00 cache_read 0.30"),
        ("claude-sonnet-4-6", at("2026-03-12"), 200_001, ""),
        ("openai/gpt-5.6-sol", at("2026-08-20"), 1, "in 5.00 out 30.00 cache_read 0.50"),
        ("openai/gpt-5.6-sol", at("2026-08-20"), 300_000, ""),
        // Cents for dollars: a hundredth.
        ("minimax/MiniMax-M2.7", now, 1, "in 0.30 out 1.20 cache_read 0.06 cache_write_5m 0.375"),
        (
            "claude-opus-5",
            Terms { speed: Some("fast"), ..now },
            1,
            "in 5.00 out 25.00 cache_read 0.50 cache_write_5m 6.25 cache_write_1h 10.00",
        ),
    ] {
        assert_eq!(shown(name, &terms, input_tokens), expected, "{name} {input_tokens}");
    }
    let fast = Catalog::bundled().resolve("claude-opus-5").unwrap().model;
    assert_eq!(fast.quote(&Terms { speed: Some("fast"), ..now }).unwrap().ratio(), Ratio::new(2, 1).unwrap());
}

#[test]
fn what_the_build_corrects_is_corrected() {
    let catalog = Catalog::bundled();
    let price = |name: &str| -> &Price { &catalog.resolve(name).unwrap().model.prices.last().unwrap().price };
    // "No fee" for a cache write is the price of input, not nothing.
    for name in ["deepseek/deepseek-flash", "openai/gpt-5.5"] {
        assert_eq!(price(name).base.rates.cache_write_5m, price(name).base.rates.input, "{name}");
    }
    assert_eq!(price("openai/gpt-5.5").base.tiers[0].rates.cache_write_5m, Some(NanosPerMtok(10_000_000_000)));
    // Bedrock: regional ids cost a tenth more than the global one, each class of them.
    let (regional, global) =
        (price("bedrock/us.anthropic.claude-opus-5-5"), price("bedrock/global.anthropic.claude-opus-5-5"));
    assert_eq!(global.base.rates.input, price("anthropic/claude-opus-5-5").base.rates.input);
    let tenth_more = Ratio::new(11, 10).unwrap();
    let pairs = |one: &Rates, other: &Rates| one.iter().zip(other.iter()).collect::<Vec<_>>();
    for ((field, global), (_, regional)) in pairs(&global.base.rates, &regional.base.rates) {
        assert_eq!(global.map(|price| price.scaled(tenth_more).unwrap()), regional, "{field}");
    }
    // A batch price left over from another period, and one that is no discount.
    for name in ["mistral/mistral-large-4", "openai/gpt-6-sol"] {
        let terms = Terms { batch: true, ..Terms::default() };
        let is_known = catalog.resolve(name).unwrap().model.quote(&terms).is_ok();
        assert_eq!(is_known, name.starts_with("openai"), "{name}");
    }
    // Batches of Claude: half of each class, cache classes among them, in tiers too.
    let haiku = catalog.resolve("claude-haiku-5-5").unwrap().model;
    let usage = Usage { input_uncached: 2, cache_read: 100_000, ..Usage::default() };
    let costs =
        [false, true].map(|batch| cost(&haiku.quote(&Terms { batch, ..Terms::default() }).unwrap(), &usage).unwrap().0);
    assert_eq!(costs, [5_001_000_000, 2_500_500_000]);
    // Local models have no price until a policy states one.
    assert!(catalog.resolve("ollama/qwen3-8b").unwrap().model.prices.is_empty());
}
