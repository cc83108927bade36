//! What a person must agree to before a refresh holds, and what no refresh may do.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests: a panic is a failure")]

use turnout_core::calendar::Day;
use turnout_core::catalog::{Catalog, ChangeKind, Layer, diff, verdict};

/// 2026-11-22.
const TODAY: Day = Day(20_779);
const PROVIDERS: &str = r#"{"id":"p","aliases":["pp"],"base_url":"https://p.example","dialect":"openai-chat","auth":"bearer","env":["P_KEY"],"max_tokens_field":"max_tokens"}"#;
const OLD: &str = r#"{"in":2,"out":4,"web_search_per_k":10,"multipliers":{"region=us":1.1}}"#;

fn base(prices: &str) -> Catalog {
    let models = format!("{{\"format\":1}}\n{{\"provider\":\"p\",\"id\":\"a\",\"prices\":[{prices}]}}");
    Catalog::parse(models.as_bytes(), PROVIDERS.as_bytes()).unwrap()
}

fn refreshed(base: &Catalog, models: &str, providers: &str) -> Catalog {
    let document = format!("{{\"models\":[{models}],\"providers\":[{providers}]}}");
    base.with_layer(Layer::Refreshed, document.as_bytes()).unwrap()
}

fn codes(old: &str, new: &str) -> Vec<&'static str> {
    let base = base(old);
    let new = refreshed(&base, &format!("{{\"provider\":\"p\",\"id\":\"a\",\"prices\":[{new}]}}"), "");
    let mut codes: Vec<&str> = verdict(&base, &new, TODAY).iter().map(|reason| reason.code).collect();
    codes.retain(|code| *code != "broken-lint");
    codes.dedup();
    codes
}

#[test]
fn no_refresh_sends_a_key_elsewhere() {
    let base = base(OLD);
    for change in [
        r#""base_url":"https://evil.example""#,
        r#""env":["OPENAI_API_KEY"]"#,
        r#""auth":"none""#,
        r#""settings_env":["AWS_REGION"]"#,
        r#""base_url":null"#,
    ] {
        let document = format!("{{\"providers\":[{{\"id\":\"pp\",{change}}}]}}");
        let problems = base.with_layer(Layer::Refreshed, document.as_bytes()).unwrap_err();
        assert_eq!((problems.len(), problems[0].code, problems[0].row), (1, "provider-reach", Some(0)), "{change}");
        let own = base.with_layer(Layer::Override, document.as_bytes()).unwrap();
        let said = verdict(&base, &own, TODAY);
        assert_eq!(said.iter().map(|reason| reason.code).collect::<Vec<_>>(), ["provider-reach"], "{change}");
        assert_eq!(said[0].model.as_deref(), Some("p"));
    }
}

#[test]
fn a_change_of_a_provider_is_shown_and_one_of_its_reach_alarms() {
    let base = base(OLD);
    let changed = refreshed(&base, "", r#"{"id":"p","max_tokens_field":"other"}"#);
    assert_eq!(verdict(&base, &changed, TODAY), []);
    let changes = diff(&base, &changed, TODAY);
    assert_eq!((changes.len(), changes[0].model.as_str(), changes[0].kind), (1, "p", ChangeKind::Changed));
    assert_eq!(changes[0].fields[0].field, "max_tokens_field");
    let new = r#"{"id":"new","base_url":"https://new.example","dialect":"openai-chat","auth":"bearer","env":["P_KEY"],"max_tokens_field":"m"}"#;
    for provider in [
        r#"{"id":"p","dialect":"anthropic-messages"}"#,
        r#"{"id":"p","local":true}"#,
        r#"{"id":"p","aliases":[]}"#,
        new,
    ] {
        let said = verdict(&base, &refreshed(&base, "", provider), TODAY);
        assert_eq!(said.iter().map(|reason| reason.code).collect::<Vec<_>>(), ["provider-reach"], "{provider}");
    }
}

#[test]
fn what_a_refresh_keeps_of_a_provider_leaves_its_reach_to_the_next_version() {
    let kept = refreshed(&base(OLD), "", r#"{"id":"p","max_tokens_field":"other"}"#).write_refreshed();
    let moved = PROVIDERS.replace("https://p.example", "https://new.p.example");
    let models = "{\"format\":1}\n{\"provider\":\"p\",\"id\":\"a\"}";
    let next = Catalog::parse(models.as_bytes(), moved.as_bytes()).unwrap();
    let layered = next.with_layer(Layer::Refreshed, kept.as_bytes()).unwrap();
    let provider = layered.provider("p").unwrap();
    assert_eq!(provider.base_url.as_deref(), Some("https://new.p.example"));
    assert_eq!(provider.max_tokens_field, "other");
}

#[test]
fn every_price_that_a_call_may_meet_is_compared() {
    for (new, expected) in [
        (r#"{"in":2,"out":4,"web_search_per_k":30,"multipliers":{"region=us":3.3}}"#, &[][..]),
        (
            r#"{"in":2,"out":4,"cache_read":0,"web_search_per_k":10,"multipliers":{"region=us":1.1}}"#,
            &["price-to-zero"],
        ),
        (r#"{"in":2,"out":4,"web_search_per_k":10,"multipliers":{"region=us":9.9}}"#, &["price-jump"]),
        (r#"{"in":2,"out":4,"web_search_per_k":10}"#, &["price-lost"]),
        (r#"{"in":2,"out":4,"web_search_per_k":999,"multipliers":{"region=us":1.1}}"#, &["price-jump"]),
        (r#"{"in":2,"out":4,"web_search_per_k":0,"multipliers":{"region=us":1.1}}"#, &["price-to-zero"]),
        (
            r#"{"in":2,"out":4,"per_request":0.01,"web_search_per_k":10,"multipliers":{"region=us":1.1}}"#,
            &["fee-added"],
        ),
        (
            r#"{"until":"2027-01-01","in":2,"out":4,"web_search_per_k":10,"multipliers":{"region=us":1.1}},
               {"from":"2027-01-01","in":0.004,"out":0.008,"web_search_per_k":10,"multipliers":{"region=us":1.1}}"#,
            &["price-jump"],
        ),
        (
            r#"{"in":2,"out":4,"web_search_per_k":10,"multipliers":{"region=us":1.1},
               "windows":[{"hours":["00:00-00:00"],"in":0.01,"out":4}]}"#,
            &["price-jump"],
        ),
        (
            r#"{"in":2,"out":4,"web_search_per_k":10,"multipliers":{"region=us":1.1},
               "variants":{"service_tier=flex":{"in":0.001,"out":2}}}"#,
            &["price-jump"],
        ),
        (
            r#"{"in":2,"out":4,"web_search_per_k":10,"multipliers":{"region=us":1.1},
               "variants":{"service_tier=flex":{"in":1,"out":2}}}"#,
            &[],
        ),
    ] {
        assert_eq!(codes(OLD, new), expected, "{new}");
    }
    assert_eq!(codes(r#"{"in":2,"out":4,"per_request":0.01}"#, r#"{"in":2,"out":4}"#), ["price-to-zero"]);
    assert_eq!(codes(r#"{"in":2,"out":4,"per_request":"unknown"}"#, r#"{"in":2,"out":4}"#), ["price-to-zero"]);
    assert_eq!(codes(r#"{"in":2,"out":4,"per_request":0.01}"#, r#"{"in":2,"out":4,"per_request":1}"#), ["price-jump"]);
}

#[test]
fn a_new_model_is_not_free_unseen() {
    let base = base(OLD);
    let said = |row: &str| -> Vec<&str> {
        verdict(&base, &refreshed(&base, row, ""), TODAY).iter().map(|reason| reason.code).collect()
    };
    assert_eq!(said(r#"{"provider":"p","id":"n","prices":[{"in":0,"out":0}]}"#), ["price-to-zero"; 2]);
    assert_eq!(said(r#"{"provider":"p","id":"n","prices":[{"in":1,"out":2}]}"#), [""; 0]);
}

#[test]
fn the_prices_compared_are_those_of_the_day_given() {
    let old = r#"{"until":"2027-01-01","in":2,"out":4},{"from":"2027-01-01","checked":"2026-11-22","in":3,"out":4}"#;
    let base = base(old);
    let new = refreshed(&base, r#"{"provider":"p","id":"a","prices":[{"in":2,"out":4}]}"#, "");
    let fields = |today: Day| -> Vec<String> {
        diff(&base, &new, today)[0].fields.iter().map(|field| field.field.clone()).collect()
    };
    assert_eq!(fields(TODAY), ["prices"]);
    assert_eq!(fields(Day::parse("2027-01-01").unwrap()), ["in"]);
}
