//! Layers: who wins, what stays, what is refused and where; what a refresh keeps; what differs and who must agree.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests: a panic is a failure")]

use proptest::prelude::*;
use turnout_core::calendar::Day;
use turnout_core::catalog::{
    Ability, Catalog, ChangeKind, Layer, LayerProblem, Model, Origin, Query, Section, Status, diff, verdict,
};
use turnout_core::money::{NanosPerMtok, Ratio};

/// 2026-11-22.
const TODAY: Day = Day(20_779);

const PROVIDERS: &str = r#"{"id":"p","aliases":["pp"],"dialect":"openai-chat","auth":"bearer","max_tokens_field":"max_tokens"}
{"id":"q","dialect":"openai-chat","auth":"bearer","max_tokens_field":"max_tokens","env":["Q_KEY"]}"#;

/// Two providers, three models.
fn small() -> Catalog {
    let models = r#"{"format":1,"as_of":"2026-11-22"}
{"provider":"p","id":"a","aliases":["a-latest"],"status":"active","context":1000,"prices":[{"in":2,"out":4,"cache_read":0.2}],"caps":{"tools":true,"vision":false}}
{"provider":"p","id":"b","status":"active","context":2000,"prices":[{"in":1,"out":1}]}
{"provider":"q","id":"c","status":"active","context":3000}"#;
    Catalog::parse(models.as_bytes(), PROVIDERS.as_bytes()).unwrap()
}

fn over(catalog: &Catalog, rows: &str) -> Result<Catalog, Vec<LayerProblem>> {
    catalog.with_layer(Layer::Override, format!("{{\"models\":[{rows}]}}").as_bytes())
}

fn model<'c>(catalog: &'c Catalog, name: &str) -> &'c Model {
    catalog.resolve(name).unwrap().model
}

fn input_price(catalog: &Catalog, name: &str) -> Option<NanosPerMtok> {
    let price = &model(catalog, name).price_period(None).ok()?.price;
    let rate = price.base.rates.input?;
    Some(price.price_factor.map_or(rate, |factor| rate.scaled(factor).unwrap()))
}

#[test]
fn a_row_changes_what_it_names_and_nothing_else() {
    let small = small();
    let layered = over(&small, r#"{"provider":"pp","id":"a-latest","context":500,"caps":{"vision":true}}"#).unwrap();
    let a = model(&layered, "p/a");
    assert_eq!(a.context, Some(500));
    assert_eq!((a.caps.tools, a.caps.vision), (Some(true), Some(true)));
    assert_eq!((&a.prices, &a.aliases), (&model(&small, "p/a").prices, &model(&small, "p/a").aliases));
    assert_eq!(layered.resolve("a").unwrap().origin, Origin::Override);
    assert_eq!(layered.resolve("b").unwrap().origin, Origin::Bundled);
    assert_eq!(model(&layered, "b"), model(&small, "b"));
}

#[test]
fn null_removes_and_prices_are_replaced_whole() {
    let small = small();
    let rows = r#"{"provider":"p","id":"a","context":null,"prices":[{"in":3,"out":3}]}"#;
    let layered = over(&small, rows).unwrap();
    assert_eq!(model(&layered, "a").context, None);
    assert_eq!(model(&layered, "a").prices[0].price.base.rates.cache_read, None);
    let unpriced = over(&small, r#"{"provider":"p","id":"a","prices":null}"#).unwrap();
    assert!(model(&unpriced, "a").prices.is_empty(), "unknown, not free");
}

#[test]
fn a_deployment_is_like_another_model_under_its_own_name() {
    let small = small();
    let rows = r#"{"provider":"q","id":"mine","like":"p/a-latest","price_factor":0.5},
        {"provider":"q","id":"also","like":"q/mine","context":7}"#;
    let layered = over(&small, rows).unwrap();
    let mine = model(&layered, "q/mine");
    assert_eq!((mine.context, mine.caps.tools, mine.aliases.len()), (Some(1000), Some(true), 0));
    assert_eq!(input_price(&layered, "mine"), Some(NanosPerMtok(1_000_000_000)));
    assert_eq!(
        input_price(&layered, "also"),
        Some(NanosPerMtok(1_000_000_000)),
        "a discount of the same provider holds"
    );
    assert_eq!(model(&layered, "also").context, Some(7));
    let discounted = over(&small, r#"{"provider":"p","id":"a","price_factor":0.5}"#).unwrap();
    let copied = over(&discounted, r#"{"provider":"q","id":"mine","like":"p/a"}"#).unwrap();
    assert_eq!(input_price(&copied, "mine"), Some(NanosPerMtok(2_000_000_000)), "another provider's does not");
}

#[test]
fn a_discount_on_a_provider_reaches_each_of_its_models_but_pinned_ones() {
    let small = small();
    let layer = r#"{"providers":[{"id":"pp","price_factor":0.85,"base_url":"https://p.example"}],
        "models":[{"provider":"p","id":"b","prices":[{"in":5,"out":6}]}]}"#;
    let layered = small.with_layer(Layer::Override, layer.as_bytes()).unwrap();
    assert_eq!(input_price(&layered, "a"), Some(NanosPerMtok(1_700_000_000)));
    assert_eq!(model(&layered, "a").prices[0].price.price_factor, Some(Ratio::new(17, 20).unwrap()));
    assert_eq!(input_price(&layered, "b"), Some(NanosPerMtok(5_000_000_000)));
    assert_eq!(model(&layered, "c"), model(&small, "c"));
    let provider = layered.provider("p").unwrap();
    assert_eq!(
        (provider.base_url.as_deref(), provider.max_tokens_field.as_str()),
        (Some("https://p.example"), "max_tokens")
    );
    let undone = layered.with_layer(Layer::Override, br#"{"providers":[{"id":"p","price_factor":null}]}"#).unwrap();
    assert_eq!(input_price(&undone, "a"), Some(NanosPerMtok(2_000_000_000)));
}

#[test]
fn a_provider_is_added_with_its_models() {
    let layer = r#"{"providers":[{"id":"here","dialect":"openai-chat","auth":"none","max_tokens_field":"max_tokens","local":true}],
        "models":[{"provider":"here","id":"own","prices":[{"in":0,"out":0}]}]}"#;
    let layered = small().with_layer(Layer::Override, layer.as_bytes()).unwrap();
    assert!(layered.resolve("here/own").unwrap().provider.is_local);
    assert_eq!(input_price(&layered, "own"), Some(NanosPerMtok::FREE));
}

#[test]
fn every_problem_is_said_at_once_with_its_place() {
    let rows = r#"{"provider":"p","id":"a","prices":[{"in":1,"out":2},{"in":-1}]},
        {"provider":"nobody","id":"x"},
        {"provider":"p","id":"b","contex":5},
        {"provider":"p"},
        {"provider":"p","id":"n","like":"p/zzz"},
        {"provider":"p","id":"m","caps":{"tools":1}},
        {"provider":"q","id":"c","allow":"x"},
        7"#;
    let problems = over(&small(), rows).unwrap_err();
    let found: Vec<(usize, &str, String)> =
        problems.iter().map(|problem| (problem.row.unwrap(), problem.code, problem.keys.join("."))).collect();
    assert!(problems.iter().all(|problem| problem.section == Section::Models));
    let expected = [
        (0, "bad-row", "prices.1.in"),
        (1, "unknown-provider", "provider"),
        (2, "bad-row", "contex"),
        (3, "bad-row", "id"),
        (4, "unknown-model", "like"),
        (5, "bad-row", "caps.tools"),
        (6, "bad-row", "allow"),
        (7, "bad-row", ""),
    ];
    assert_eq!(found, expected.map(|(row, code, keys)| (row, code, keys.to_owned())));
    assert!(problems[0].message.starts_with("row `p/a`: `in`: `-1` is negative"), "{}", problems[0].message);
}

#[test]
fn a_name_stands_once() {
    for rows in [
        r#"{"provider":"p","id":"a","context":1},{"provider":"pp","id":"a-latest","context":2}"#,
        r#"{"provider":"p","id":"new","aliases":["b"]}"#,
        r#"{"provider":"p","id":"a-latest","like":"p/a"}"#,
    ] {
        let problems = over(&small(), rows).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].code, "duplicate-name", "{rows}");
    }
    // Across the two parts of the bundled catalogue as well.
    let bundled = Catalog::bundled();
    let wide = bundled.rows().into_iter().find(|row| row.origin() == Origin::Wide).unwrap().model();
    let rows = format!(r#"{{"provider":"{}","id":"brand-new","aliases":["{}"]}}"#, wide.provider, wide.id);
    assert_eq!(over(bundled, &rows).unwrap_err()[0].code, "duplicate-name");
}

#[test]
fn a_row_that_breaks_a_lint_has_to_say_that_it_is_right() {
    let row = |more: &str| format!(r#"{{"provider":"p","id":"a","prices":[{{"in":2,"out":4,"cache_read":3}}]{more}}}"#);
    let problems = over(&small(), &row("")).unwrap_err();
    assert_eq!((problems.len(), problems[0].code, problems[0].row), (1, "broken-lint", Some(0)));
    assert!(problems[0].message.contains("read-above-input"), "{}", problems[0].message);
    assert_eq!(problems[0].hint.as_deref(), Some("if the row is right, write `allow: [read-above-input]` in it"));
    let allowed = over(&small(), &row(r#","allow":["read-above-input"]"#)).unwrap();
    assert_eq!(model(&allowed, "a").prices[0].price.base.rates.cache_read, Some(NanosPerMtok(3_000_000_000)));
    // What the row below breaks already is not the user's to answer for.
    assert!(over(&allowed, r#"{"provider":"p","id":"a","context":5}"#).is_ok());
}

#[test]
fn the_parts_of_the_bundled_catalogue_keep_their_rank() {
    let bundled = Catalog::bundled();
    let curated = bundled.models().find(|model| bundled.resolve(&model.id).is_ok()).unwrap();
    let host = bundled.providers().iter().find(|provider| provider.id != curated.provider).unwrap();
    let row = format!(r#"{{"provider":"{}","id":"{}","context":5}}"#, host.id, curated.id);
    let document = format!("{{\"models\":[{row}]}}");
    // A refresh that finds another host must not break a policy that names the model alone.
    let refreshed = bundled.with_layer(Layer::Refreshed, document.as_bytes()).unwrap();
    assert_eq!(refreshed.resolve(&curated.id).unwrap().model, curated);
    assert_eq!(refreshed.resolve(&format!("{}/{}", host.id, curated.id)).unwrap().origin, Origin::Refreshed);
    // A user who adds one has to say which is meant.
    assert_eq!(over(bundled, &row).unwrap().resolve(&curated.id).unwrap_err().code, "ambiguous-model");
}

#[test]
fn what_a_refresh_keeps_brings_it_back() {
    let bundled = Catalog::bundled();
    let document = r#"{"models":[{"provider":"anthropic","id":"claude-opus-5-5","context":7,"max_input":null,"max_output":null},
        {"provider":"anthropic","id":"claude-next","prices":[{"in":1,"out":2}]}],
        "providers":[{"id":"groq","notes":"changed"}]}"#;
    let refreshed = bundled.with_layer(Layer::Refreshed, document.as_bytes()).unwrap();
    let file = refreshed.write_refreshed();
    let again = bundled.with_layer(Layer::Refreshed, file.as_bytes()).unwrap();
    assert_eq!(diff(&refreshed, &again, TODAY), []);
    assert_eq!((again.hash(), again.write_refreshed()), (refreshed.hash(), file.clone()));
    assert_eq!(model(&again, "anthropic/claude-opus-5-5").max_output, None, "what was removed stays removed");
    assert_eq!(again.provider("groq").unwrap().notes.as_deref(), Some("changed"));

    let code = |bytes: &str| {
        let problems = bundled.with_layer(Layer::Refreshed, bytes.as_bytes()).unwrap_err();
        assert_eq!((problems.len(), problems[0].section), (1, Section::File));
        problems[0].code
    };
    assert_eq!(code(&file.replace("claude-next", "claude-text")), "bad-checksum");
    for end in (0..file.len()).step_by(7).filter(|end| file.is_char_boundary(*end)) {
        assert!(["bad-checksum", "bad-file"].contains(&code(file.split_at(end).0)), "{end}");
    }
    assert_eq!(code("{\"format\":1,\"models\":2}\n{\"provider\":\"groq\",\"id\":\"x\"}\n"), "bad-count");
    assert_eq!(code("{\"format\":99}\n"), "bad-file");
    assert_eq!(code("{\"format\":1,\"rows\":\"some\"}\n"), "bad-file");
    assert_eq!(code("{\"model\":[]}"), "bad-file");
    assert_eq!(code("[]"), "bad-file");
}

#[test]
fn a_whole_catalogue_replaces_and_must_not_shrink_unseen() {
    let small = small();
    let file = "{\"format\":1,\"as_of\":\"2027-01-01\",\"rows\":\"all\"}\n{\"provider\":\"p\",\"id\":\"b\",\"prices\":[{\"in\":4,\"out\":0}]}\n";
    let new = small.with_layer(Layer::Refreshed, file.as_bytes()).unwrap();
    assert_eq!((new.rows().len(), new.as_of()), (1, "2027-01-01"));
    assert_eq!(model(&new, "b").context, None, "a row of a whole catalogue stands for itself");
    let changes = diff(&small, &new, TODAY);
    let kinds: Vec<(&str, ChangeKind)> = changes.iter().map(|change| (change.model.as_str(), change.kind)).collect();
    assert_eq!(kinds, [("p/a", ChangeKind::Removed), ("p/b", ChangeKind::Changed), ("q/c", ChangeKind::Removed)]);
    let input = changes[1].fields.iter().find(|field| field.field == "in").unwrap();
    assert_eq!((input.before.as_deref(), input.after.as_deref()), (Some("$1.00"), Some("$4.00")));
    assert_eq!(input.ratio(), Some(Ratio::new(4, 1).unwrap()));
    let codes: Vec<&str> = verdict(&small, &new, TODAY).iter().map(|reason| reason.code).collect();
    assert_eq!(codes, ["shrinkage", "price-jump", "price-to-zero", "broken-lint"]);
    let again = small.with_layer(Layer::Refreshed, new.write_refreshed().as_bytes()).unwrap();
    assert_eq!((again.hash(), diff(&new, &again, TODAY).len()), (new.hash(), 0));
}

#[test]
fn a_verdict_looks_at_prices_that_move_far_or_are_lost() {
    let small = small();
    let reasons = |prices: &str| -> Vec<&str> {
        let document = format!("{{\"models\":[{{\"provider\":\"p\",\"id\":\"a\",\"prices\":{prices}}}]}}");
        let new = small.with_layer(Layer::Refreshed, document.as_bytes()).unwrap();
        verdict(&small, &new, TODAY).iter().map(|reason| reason.code).collect()
    };
    assert_eq!(reasons(r#"[{"in":6,"out":12,"cache_read":0.6}]"#), [""; 0], "three times is not above three");
    assert_eq!(reasons(r#"[{"in":2,"out":12.000000001,"cache_read":0.2}]"#), ["price-jump"]);
    assert_eq!(reasons(r#"[{"in":0.6,"out":4,"cache_read":0.2}]"#), ["price-jump"]);
    assert_eq!(reasons(r#"[{"in":2,"out":4}]"#), ["price-lost"]);
    assert_eq!(reasons("null"), ["price-lost"; 3]);
    assert_eq!(reasons(r#"[{"in":2,"out":4,"cache_read":0}]"#), ["price-to-zero"]);
    assert_eq!(reasons(r#"[{"in":2,"out":4,"cache_read":0.2,"cache_write_5m":2.5}]"#), [""; 0]);
}

#[test]
fn a_search_by_price_knows_the_day() {
    let rows = r#"{"provider":"p","id":"a","prices":[{"until":"2027-01-01","in":2,"out":4},{"from":"2027-01-01","checked":"2026-11-22","in":8,"out":9}]}"#;
    let catalog = over(&small(), rows).unwrap();
    let is_found = |today: Option<Day>| {
        let query = Query { today, max_input_price: Some(NanosPerMtok(2_000_000_000)), ..Query::default() };
        catalog.search(&query).iter().any(|row| row.model().id == "a")
    };
    assert_eq!((is_found(Some(TODAY)), is_found(None), is_found(Day::parse("2027-01-01"))), (true, true, false));
}

#[test]
fn every_key_of_a_row_that_is_wrong_is_said() {
    let rows = r#"{"provider":"p","id":"a","context":"x","prices":[{"in":-1}],"caps":{"fly":true},"colour":1}"#;
    let problems = over(&small(), rows).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.keys[0].as_str()).collect();
    assert_eq!(keys, ["colour", "context", "prices", "caps"]);
}

#[test]
fn a_factor_has_bounds_and_is_refused_once_where_it_stands() {
    for (factor, why) in [("100", "between 0.01 and 10"), ("0.000001", "between 0.01 and 10"), ("0", "`price: free`")] {
        let provider = format!("{{\"providers\":[{{\"id\":\"p\",\"price_factor\":{factor}}}]}}");
        let problems = small().with_layer(Layer::Override, provider.as_bytes()).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!((problems[0].section, problems[0].row), (Section::Providers, Some(0)));
        assert_eq!(problems[0].keys, ["price_factor"]);
        assert!(problems[0].message.contains(why), "{}", problems[0].message);
        let row = format!("{{\"provider\":\"p\",\"id\":\"a\",\"price_factor\":{factor}}}");
        assert!(over(&small(), &row).unwrap_err()[0].message.contains(why));
    }
    for factor in ["0.01", "10"] {
        assert!(over(&small(), &format!("{{\"provider\":\"p\",\"id\":\"a\",\"price_factor\":{factor}}}")).is_ok());
    }
}

#[test]
fn a_search_keeps_what_is_known_to_fit() {
    let catalog = Catalog::bundled();
    let all = catalog.search(&Query::default());
    assert_eq!(all.len(), catalog.rows().len());
    let query = Query {
        provider: Some("bedrock".to_owned()),
        lab: Some("Anthropic".to_owned()),
        text: Some("claude OPUS".to_owned()),
        abilities: vec![Ability::Tools, Ability::Vision],
        min_context_tokens: Some(200_000),
        today: Some(TODAY),
        max_input_price: Some(NanosPerMtok(6_000_000_000)),
        max_output_price: Some(NanosPerMtok(30_000_000_000)),
        status: Some(Status::Active),
    };
    let found = catalog.search(&query);
    assert!(!found.is_empty() && found.len() < 40, "{}", found.len());
    for row in &found {
        let model = row.model();
        assert_eq!((model.provider.as_str(), model.lab.as_deref()), ("amazon-bedrock", Some("anthropic")));
        assert!(model.context >= Some(200_000) && model.caps.tools == Some(true), "{}", model.id);
        assert!(model.full_name().contains("opus"));
    }
    let cheap = Query { max_input_price: Some(NanosPerMtok(100_000_000)), ..Query::default() };
    assert!(catalog.search(&cheap).iter().all(|row| !row.model().prices.is_empty()), "unknown is not cheap");
    assert!(catalog.search(&Query { text: Some("no such words".to_owned()), ..Query::default() }).is_empty());
}

/// A change to one field of `p/a`, as the row's member, and how to see it.
fn field() -> impl Strategy<Value = (usize, u64)> {
    (0_usize..7, 1_u64..900)
}

fn member(field: usize, value: u64) -> String {
    match field {
        0 => format!("\"context\":{}", value + 1000),
        1 => format!("\"max_input\":{value}"),
        2 => format!("\"max_output\":{value}"),
        3 => format!("\"name\":\"n{value}\""),
        4 => format!("\"prices\":[{{\"in\":{value},\"out\":{value}}}]"),
        5 => format!("\"caps\":{{\"pdf\":{}}}", value.is_multiple_of(2)),
        _ => format!("\"prompt_cache_min_tokens\":{value}"),
    }
}

fn seen(model: &Model, field: usize) -> String {
    match field {
        0 => format!("{:?}", model.context),
        1 => format!("{:?}", model.max_input),
        2 => format!("{:?}", model.max_output),
        3 => format!("{:?}", model.name),
        4 => format!("{:?}", model.prices),
        5 => format!("{:?}", model.caps.pdf),
        _ => format!("{:?}", model.prompt_cache_min_tokens),
    }
}

fn document(changes: &std::collections::BTreeMap<usize, u64>) -> String {
    let names = ["\"provider\":\"p\"".to_owned(), "\"id\":\"a\"".to_owned()];
    let members: Vec<String> =
        names.into_iter().chain(changes.iter().map(|(field, value)| member(*field, *value))).collect();
    format!("{{\"models\":[{{{}}}]}}", members.join(","))
}

fn changes() -> impl Strategy<Value = std::collections::BTreeMap<usize, u64>> {
    prop::collection::vec(field(), 0..5).prop_map(|fields| fields.into_iter().collect())
}

proptest! {
    #[test]
    fn override_stands_above_refreshed_above_bundled_in_every_field(low in changes(), high in changes()) {
        let small = small();
        let refreshed = small.with_layer(Layer::Refreshed, document(&low).as_bytes()).unwrap();
        let top = refreshed.with_layer(Layer::Override, document(&high).as_bytes()).unwrap();
        for field in 0..7 {
            let one = |changes: &std::collections::BTreeMap<usize, u64>| {
                let only = changes.iter().filter(|(known, _)| **known == field).map(|(a, b)| (*a, *b)).collect();
                let layered = small.with_layer(Layer::Refreshed, document(&only).as_bytes()).unwrap();
                seen(model(&layered, "p/a"), field)
            };
            let expected = if high.contains_key(&field) { one(&high) } else { one(&low) };
            prop_assert_eq!(seen(model(&top, "p/a"), field), expected);
        }
        for other in ["p/b", "q/c"] {
            prop_assert_eq!(model(&top, other), model(&small, other));
        }
    }

    #[test]
    fn the_hash_changes_with_what_is_said_and_only_then(one in changes(), two in changes()) {
        let small = small();
        let layer = |changes| small.with_layer(Layer::Override, document(changes).as_bytes()).unwrap();
        let (first, second) = (layer(&one), layer(&two));
        let is_same = model(&first, "p/a") == model(&second, "p/a");
        prop_assert_eq!(first.hash() == second.hash(), is_same);
        prop_assert_eq!(diff(&first, &second, TODAY).is_empty(), is_same);
        prop_assert_eq!(first.hash() == small.hash(), model(&first, "p/a") == model(&small, "p/a"));
        prop_assert_eq!(diff(&first, &first, TODAY), []);
        // A change and its undoing leave no trace.
        let back = r#"{"models":[{"provider":"p","id":"a","context":1000.0,"max_input":null,"max_output":null,"name":null,
            "prices":[{"out":4.0,"in":2,"cache_read":0.20}],"caps":{"pdf":null},"prompt_cache_min_tokens":null}]}"#
            .replace("1000.0", "1000");
        let undone = first.with_layer(Layer::Override, back.as_bytes()).unwrap();
        prop_assert_eq!(undone.hash(), small.hash());
        prop_assert_eq!(diff(&undone, &small, TODAY), []);
    }

    #[test]
    fn hostile_bytes_are_refused_or_read_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let small = small();
        let _ = small.with_layer(Layer::Override, &bytes);
        let row = String::from_utf8_lossy(&bytes).replace(['"', '\\'], "");
        let row = format!("{{\"format\":1,\"rows\":\"all\"}}\n{{\"provider\":\"p\",\"id\":\"{}\"}}", row.replace(char::is_control, ""));
        let _ = small.with_layer(Layer::Refreshed, row.as_bytes());
    }

    #[test]
    fn rows_with_a_byte_changed_are_refused_or_read(at in 0_usize..4000, byte in any::<u8>()) {
        let small = small();
        let mut bytes = document(&[(0, 5), (4, 3), (5, 1)].into_iter().collect()).into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(layered) = small.with_layer(Layer::Override, &bytes) {
            prop_assert_eq!(model(&layered, "p/b"), model(&small, "p/b"));
        }
    }
}

#[test]
fn size_is_bounded() {
    let small = small();
    let long = vec![b' '; (16 << 20) + 1];
    assert_eq!(small.with_layer(Layer::Override, &long).unwrap_err()[0].code, "bad-file");
    let many = format!("{{\"models\":[{}7]}}", "7,".repeat(20_000));
    assert_eq!(small.with_layer(Layer::Override, many.as_bytes()).unwrap_err()[0].code, "bad-file");
    let problems = over(&small, &format!("{}7", "7,".repeat(1000))).unwrap_err();
    assert_eq!(problems.len(), 100);
    let name = format!(r#"{{"provider":"p","id":"{}"}}"#, "x".repeat(257));
    assert_eq!(over(&small, &name).unwrap_err()[0].keys, ["id"]);
    // Many keys of one object are checked for repetition in less than quadratic time.
    let keys: Vec<String> = (0..200_000).map(|key| format!("\"k{key}\":1")).collect();
    assert_eq!(over(&small, &format!("{{{},\"k7\":1}}", keys.join(","))).unwrap_err()[0].code, "bad-file");
}
