//! Expected cost: never below what is likely, never 0 for unknown, aware of price tiers and of the prompt cache.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Call, code, order, policy};
use proptest::prelude::*;
use turnout_core::catalog::{Catalog, ConditionKey, Model, Terms, cost};
use turnout_core::control::{ControlEvent, ControlState, MAX_PREFIXES};
use turnout_core::decide::{Candidate, CostDoubt, CostSource, Decision, Echo, Recorded, settle};
use turnout_core::policy::Policy;
use turnout_core::usage::{Usage, UsageProblem};

/// 2026-11-22T12:00Z: the day of the bundled prices.
const NOW_MS: i64 = 1_795_348_800_000;
const MINUTE_MS: i64 = 60_000;

fn claude_and_gpt(rest: &str) -> Policy {
    policy(&format!(
        "turnout: 1\nname: t\nmodels:\n  haiku: anthropic/claude-haiku-5-5\n  opus: anthropic/claude-opus-5-5\n  luna: openai/gpt-6-luna\n{rest}"
    ))
}

fn any_model() -> Policy {
    claude_and_gpt("otherwise:\n  from: [haiku, opus, luna]\n  prefer: cheapest\n")
}

fn chat(turns: &[String], fields: &str) -> String {
    let messages: Vec<String> = turns
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let role = if index % 2 == 0 { "user" } else { "assistant" };
            format!(r#"{{"role":"{role}","content":"{text}"}}"#)
        })
        .collect();
    format!(r#"{{"max_tokens":500,{fields}"messages":[{}]}}"#, messages.join(","))
}

/// The same in Anthropic's dialect, all of it marked for the cache.
fn marked(turns: &[String]) -> String {
    chat(turns, r#""system":"Be brief.","cache_control":{"type":"ephemeral"},"#)
}

fn words(count: usize) -> String {
    "the ledger waits for the queue and the queue for the ledger ".repeat(count / 12 + 1)
}

/// The decision; its record makes the same one, without the state.
fn decided(policy: &Policy, body: &str, state: Option<&ControlState>, now_ms: i64) -> Decision {
    let decision = Call { state, now_ms, ..Call::body(policy, body) }.decide();
    let (record, hash) = (decision.to_json(), Catalog::bundled().hash());
    let again = Recorded::read(record.as_bytes(), policy, hash).and_then(|read| read.decide(policy, hash));
    assert_eq!(again.unwrap().to_json(), record);
    decision
}

fn row<'d>(decision: &'d Decision, deployment: &str) -> &'d Candidate {
    let found = decision.candidates().iter().find(|row| row.deployment == deployment);
    &found.unwrap_or_else(|| panic!("no {deployment}")).candidate
}

/// Tells the state that each candidate of a decision has answered.
fn answered(state: &mut ControlState, decision: &Decision, now_ms: i64) {
    for row in decision.candidates() {
        if let Some(cache) = &row.candidate.cache {
            let (deployment, prefixes, ttl_ms) = (row.deployment.as_str(), cache.prefixes.as_slice(), cache.ttl_ms);
            state.apply(&ControlEvent::PrefixesSent { deployment, prefixes, ttl_ms }, now_ms);
        }
    }
}

fn model<'p>(policy: &'p Policy, alias: &str) -> &'p Model {
    &policy.models[policy.model_index(alias).unwrap()].facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn p90_is_never_below_p50_and_never_falls_with_the_input(
        short in 0_usize..120_000, more in 0_usize..30_000, is_marked in any::<bool>(), is_warm in any::<bool>(),
    ) {
        let policy = any_model();
        let body = |count: usize| {
            let turns = [words(count)];
            if is_marked { marked(&turns) } else { chat(&turns, "") }
        };
        let mut state = ControlState::default();
        if is_warm {
            let first = decided(&policy, &body(short), Some(&state), NOW_MS);
            answered(&mut state, &first, NOW_MS);
        }
        let (one, other) = (body(short), body(short + more));
        let one = decided(&policy, &one, Some(&state), NOW_MS);
        let other = decided(&policy, &other, Some(&state), NOW_MS);
        for considered in one.candidates() {
            let (candidate, longer) = (&considered.candidate, row(&other, &considered.deployment));
            let (p50, p90) = (candidate.cost_p50_usd_picos.unwrap(), candidate.cost_p90_usd_picos.unwrap());
            prop_assert!(0 < p50 && p50 <= p90, "{}: {p50} {p90}", considered.deployment);
            prop_assert!(p90 <= longer.cost_p90_usd_picos.unwrap(), "{}", considered.deployment);
            if let Some(cache) = &candidate.cache {
                prop_assert!(cache.read_tokens + cache.write_tokens <= candidate.input.tokens);
            }
        }
    }

    #[test]
    fn a_warm_prefix_never_costs_more_than_a_cold_one(
        lengths in prop::collection::vec(0_usize..6_000, 1..6), known in 1_usize..6, later_ms in 0_i64..20 * MINUTE_MS,
        is_marked in any::<bool>(),
    ) {
        let policy = any_model();
        let turns: Vec<String> =
            lengths.iter().enumerate().map(|(index, length)| format!("{index} {}", words(*length))).collect();
        let body = |turns: &[String]| if is_marked { marked(turns) } else { chat(turns, "") };
        let mut state = ControlState::default();
        let first = decided(&policy, &body(&turns[..known.min(turns.len())]), Some(&state), NOW_MS);
        answered(&mut state, &first, NOW_MS);
        let later = NOW_MS + later_ms;
        let cold = decided(&policy, &body(&turns), Some(&ControlState::default()), later);
        let warm = decided(&policy, &body(&turns), Some(&state), later);
        for considered in cold.candidates() {
            let (cold, warm) = (&considered.candidate, row(&warm, &considered.deployment));
            prop_assert!(warm.cost_p50_usd_picos.unwrap() <= cold.cost_p50_usd_picos.unwrap());
            prop_assert_eq!(warm.cost_p90_usd_picos, cold.cost_p90_usd_picos);
            prop_assert_eq!(cold.cache.as_ref().map_or(0, |cache| cache.read_tokens), 0);
            let read = warm.cache.as_ref().map_or(0, |cache| cache.read_tokens);
            prop_assert!(read == 0 || later_ms < 5 * MINUTE_MS, "{} reads {read}", considered.deployment);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded(rounds in 1_usize..40) {
        let mut state = ControlState::default();
        let mut next = 0_u64;
        for round in 0..rounds {
            let prefixes: Vec<u64> = (0..1_000).map(|_| { next += 1; next }).collect();
            let deployment = format!("d{}", round % 7);
            state.apply(&ControlEvent::PrefixesSent { deployment: &deployment, prefixes: &prefixes, ttl_ms: i64::MAX }, NOW_MS);
            prop_assert_eq!(state.prefix_count(), ((round + 1) * 1_000).min(MAX_PREFIXES));
            prop_assert_eq!(state.longest_prefix(&deployment, &prefixes, NOW_MS), Some(999));
        }
    }
}

#[test]
fn the_second_turn_reads_what_the_first_one_wrote() {
    let policy = any_model();
    let turns = [words(6_000), "Both wait.".to_owned(), "Why?".to_owned()];
    let mut state = ControlState::default();
    let first = decided(&policy, &marked(&turns[..1]), Some(&state), NOW_MS);
    let cold = row(&first, "haiku").cache.clone().unwrap();
    assert!(cold.read_tokens == 0 && cold.write_tokens > 5_000, "{cold:?}");
    assert!(first.to_json().contains(&format!(r#""cache":{{"read_tokens":0,"write_tokens":{}}}"#, cold.write_tokens)));
    answered(&mut state, &first, NOW_MS);
    let second = decided(&policy, &marked(&turns), Some(&state), NOW_MS + MINUTE_MS);
    let warm = row(&second, "haiku").cache.clone().unwrap();
    assert!(warm.read_tokens > 5_000 && warm.write_tokens < 200, "{warm:?}");
    assert!(second.explain().contains("from the prompt cache"), "{}", second.explain());
    // Another dialect's marks do not cross, but OpenAI's models cache unasked; without state nothing is known.
    assert!(row(&second, "luna").cache.as_ref().unwrap().read_tokens > 5_000);
    assert_eq!(row(&decided(&policy, &marked(&turns), None, NOW_MS), "haiku").cache, None);
    // A request in OpenAI's dialect has no marks.
    assert_eq!(row(&decided(&policy, &chat(&turns, ""), Some(&state), NOW_MS), "haiku").cache, None);
}

#[test]
fn a_warm_dear_model_beats_a_cold_cheap_one() {
    let policy = claude_and_gpt(
        "  sonnet: anthropic/claude-sonnet-5-5\notherwise:\n  from: [opus, sonnet]\n  prefer: cheapest\n",
    );
    let turns = [words(60_000), "Both wait.".to_owned(), "Why?".to_owned()];
    let mut state = ControlState::default();
    let cold = decided(&policy, &marked(&turns), Some(&state), NOW_MS);
    assert_eq!(order(&cold), ["sonnet", "opus"]);
    let cache = row(&decided(&policy, &marked(&turns[..1]), Some(&state), NOW_MS), "opus").cache.clone().unwrap();
    let event = ControlEvent::PrefixesSent { deployment: "opus", prefixes: &cache.prefixes, ttl_ms: cache.ttl_ms };
    state.apply(&event, NOW_MS);
    assert_eq!(order(&decided(&policy, &marked(&turns), Some(&state), NOW_MS)), ["opus", "sonnet"]);
    // Six minutes later it is forgotten.
    assert_eq!(order(&decided(&policy, &marked(&turns), Some(&state), NOW_MS + 6 * MINUTE_MS)), ["sonnet", "opus"]);
}

#[test]
fn a_tier_edge_is_said_and_p90_is_of_the_dear_side() {
    let policy = any_model();
    // Grown until the bounds of the estimate stand on both sides of haiku's 100,000.
    let straddling = (60_000..140_000).step_by(2_000).map(|count| chat(&[words(count)], "")).find_map(|body| {
        let decision = decided(&policy, &body, None, NOW_MS);
        let input = row(&decision, "haiku").input;
        (input.low <= 100_000 && input.tokens <= 100_000 && input.high > 100_000).then_some(decision)
    });
    let decision = straddling.unwrap();
    let haiku = row(&decision, "haiku");
    let edge = haiku.tier_edge.unwrap();
    assert!(edge.is_open && edge.threshold_tokens == 100_001 && edge.tokens_to_edge >= 1, "{edge:?}");
    let (below, above) = (edge.cost_below_usd_picos.unwrap(), edge.cost_above_usd_picos.unwrap());
    assert_eq!(Some(below), haiku.cost_p50_usd_picos);
    assert!(above > 4 * below && haiku.cost_p90_usd_picos.unwrap() > above, "{edge:?} {haiku:?}");
    assert!(decision.to_json().contains(r#""tier_edge":{"threshold_tokens":100001,"#));
    assert!(decision.to_json().contains(r#""edge":true}"#));
    assert!(decision.explain().contains("the price tier that begins at 100001"), "{}", decision.explain());
    // Far from it nothing is said.
    assert_eq!(row(&decided(&policy, &chat(&[words(10)], ""), None, NOW_MS), "haiku").tier_edge, None);
}

#[test]
fn terms_without_a_price_make_the_cost_unknown_and_do_not_win() {
    let policy = any_model();
    let flex = chat(&["hi".to_owned()], r#""service_tier":"sluggish","#);
    let decision = decided(&policy, &flex, None, NOW_MS);
    let luna = row(&decision, "luna");
    assert_eq!((luna.cost_p50_usd_picos, luna.cost_p90_usd_picos), (None, None));
    assert!(luna.cost_unknown.as_ref().unwrap().contains("service_tier=sluggish"), "{luna:?}");
    assert_eq!(code(&decision, "luna").as_deref(), Some("unknown-price"));
    assert!(decision.to_json().contains(r#""cost_unknown":"#));
    // The field does not cross into Anthropic's dialect, where the base price is right.
    assert!(row(&decision, "haiku").cost_p50_usd_picos.is_some());
    // A rule that does not ask about money may still take it; one whose call has a purse may not.
    let best = claude_and_gpt("otherwise:\n  from: [luna]\n  prefer: best\n");
    assert_eq!(order(&decided(&best, &flex, None, NOW_MS)), ["luna"]);
    let bounded = claude_and_gpt("otherwise:\n  from: [luna]\n  prefer: best\nrun: { spend: $1 }\n");
    assert_eq!(order(&decided(&bounded, &flex, None, NOW_MS)), Vec::<String>::new());
}

#[test]
fn an_attempt_is_settled_under_the_terms_that_the_answer_states() {
    let policy = any_model();
    let asked = chat(&["hi".to_owned()], r#""service_tier":"priority","#);
    let decision = decided(&policy, &asked, None, NOW_MS);
    let (luna, terms) = (model(&policy, "luna"), &row(&decision, "luna").terms);
    assert_eq!(terms.service_tier.as_deref(), Some("priority"));
    let usage = Usage { input_uncached: 1_000, output_text: 100, ..Usage::default() };
    let settled = |tier| settle(luna, terms, &Echo { service_tier: tier, ..Echo::default() }, NOW_MS, &usage);
    let (priority, standard) = (settled(None), settled(Some("default")));
    assert_eq!(priority, settled(Some("priority")).clone());
    assert!(priority.computed_usd_picos > standard.computed_usd_picos && standard.computed_usd_picos > Some(0));
    assert_eq!(priority.price_terms.as_deref(), Some("service_tier=priority"));
    assert!(standard.price_source.is_some());
    // Unknown terms: no sum and a reason, and the provider's own figure counts all the same.
    let unknown = settled(Some("sluggish"));
    assert_eq!((unknown.cost(), unknown.computed_usd_picos), (None, None));
    assert!(unknown.unpriced.unwrap().contains("service_tier=sluggish"));
    let reported = Usage { reported_cost_usd_picos: Some(77), ..usage };
    let both = settle(luna, terms, &Echo::default(), NOW_MS, &reported);
    assert_eq!(both.cost(), Some((77, CostSource::Reported)));
    assert_eq!(both.computed_usd_picos, priority.computed_usd_picos);
    // A class without a price is named.
    let free_text = policy_of_flat_price();
    let cached = Usage { cache_read: 5, ..Usage::default() };
    let settled = settle(model(&free_text, "mid"), terms_of_nothing(), &Echo::default(), NOW_MS, &cached);
    assert_eq!(settled.cost(), None);
    assert_eq!(settled.unpriced.as_deref(), Some("the price of `cache_read` is unknown, which is not zero"));
}

/// What a candidate's middle and long output cost at the base price, at these counts of web searches.
fn priced(policy: &Policy, alias: &str, candidate: &Candidate, searches: (u64, u64)) -> (Option<i64>, Option<i64>) {
    let quote = model(policy, alias).quote(&Terms::at(NOW_MS)).unwrap();
    let output = candidate.output;
    let of = |input_uncached, tokens: u64, reasoning, web_searches| {
        let output_text = tokens - reasoning;
        let usage = Usage { input_uncached, output_text, reasoning, web_searches, ..Usage::default() };
        cost(&quote, &usage).ok().map(|picos| picos.0)
    };
    let p50 = of(candidate.input.tokens, output.p50_tokens, output.p50_thinking_tokens, searches.0);
    let p90 = of(candidate.input.high, output.p90_tokens, output.p90_thinking_tokens, searches.1);
    (p50, p90)
}

fn costs(candidate: &Candidate) -> (Option<i64>, Option<i64>) {
    (candidate.cost_p50_usd_picos, candidate.cost_p90_usd_picos)
}

#[test]
fn eight_answers_cost_eight_outputs_and_their_bound_is_of_each() {
    let policy = any_model();
    for (bound, extra) in [("", u64::MAX), (r#""max_tokens":20,"#, 20)] {
        let body = |n: u64| format!(r#"{{{bound}"n":{n},"messages":[{{"role":"user","content":"Write an essay."}}]}}"#);
        let (one, eight) = (decided(&policy, &body(1), None, NOW_MS), decided(&policy, &body(8), None, NOW_MS));
        let (one, eight) = (row(&one, "luna"), row(&eight, "luna"));
        assert_eq!(
            (eight.output.p50_tokens, eight.output.p90_tokens),
            (8 * one.output.p50_tokens, 8 * one.output.p90_tokens)
        );
        assert!(eight.output.p90_tokens / 8 <= extra && one.output.p90_tokens <= extra);
        assert_eq!(costs(eight), priced(&policy, "luna", eight, (0, 0)));
        assert!(eight.cost_p50_usd_picos > one.cost_p50_usd_picos && eight.cost_p90_usd_picos > one.cost_p90_usd_picos);
    }
}

#[test]
fn thinking_is_forecast_at_its_own_price() {
    let policy = policy("turnout: 1\nname: t\nmodels: { plus: alibaba/qwen-plus }\notherwise: { from: plus }\n");
    let body = r#"{"reasoning_effort":"high","messages":[{"role":"user","content":"Why?"}]}"#;
    let decision = decided(&policy, body, None, NOW_MS);
    let plus = row(&decision, "plus");
    let rates = *model(&policy, "plus").quote(&Terms::at(NOW_MS)).unwrap().rates_at(10);
    assert!(rates.reasoning > rates.output && plus.output.p50_thinking_tokens > 0, "{rates:?} {plus:?}");
    assert_eq!(costs(plus), priced(&policy, "plus", plus, (0, 0)));
}

#[test]
fn web_searches_are_expected_at_their_fee() {
    let policy = any_model();
    let body = |uses: &str, choice: &str| {
        let tool = format!(r#"{{"type":"web_search_20250305","name":"web_search"{uses}}}"#);
        format!(r#"{{"max_tokens":500,"tools":[{tool}],{choice}"messages":[{{"role":"user","content":"News?"}}]}}"#)
    };
    let none = r#""tool_choice":{"type":"none"},"#;
    for (uses, choice, searches) in [
        (r#","max_uses":4"#, "", (1, 4)),
        ("", "", (1, 5)),
        (r#","max_uses":0"#, "", (0, 0)),
        (r#","max_uses":4"#, none, (0, 0)),
    ] {
        let decision = decided(&policy, &body(uses, choice), None, NOW_MS);
        let haiku = row(&decision, "haiku");
        assert_eq!(costs(haiku), priced(&policy, "haiku", haiku, searches), "{uses} {choice}");
        let bare = priced(&policy, "haiku", haiku, (0, 0)).1.unwrap();
        // $10 for a thousand.
        let fees = i64::try_from(searches.1).unwrap() * 10_000_000_000;
        assert_eq!(haiku.cost_p90_usd_picos.unwrap() - bare, fees, "{uses} {choice}");
    }
    // Who has no fee for it has no cost, rather than one without it.
    let flat = "turnout: 1\nname: t\nmodels: { m: { use: anthropic/claude-haiku-5-5, price: { input: $1, output: $4 } } }\notherwise: { from: m }\n";
    let decision = decided(&common::policy(flat), &body("", ""), None, NOW_MS);
    assert!(row(&decision, "m").cost_unknown.as_ref().unwrap().contains("web_searches"), "{}", decision.explain());
}

#[test]
fn a_deployments_place_is_priced_by_the_region_that_it_is_in() {
    let at = |region: &str| {
        let use_of = if region.is_empty() { String::new() } else { format!(", region: {region}") };
        let policy = policy(&format!(
            "turnout: 1\nname: t\nmodels:\n  m: {{ use: openai/gpt-5.5{use_of} }}\notherwise: {{ from: m }}\n"
        ));
        let decision = decided(&policy, &chat(&["hi".to_owned()], ""), None, NOW_MS);
        let candidate = row(&decision, "m").clone();
        let usage = Usage { input_uncached: 1_000, output_text: 100, ..Usage::default() };
        let settled = settle(model(&policy, "m"), &candidate.terms, &Echo::default(), NOW_MS, &usage);
        (candidate, settled, decision)
    };
    let (base, base_settled, _) = at("");
    let dearer = |picos: Option<i64>| picos.map(|picos| picos / 10 * 11);
    for (place, region) in [
        ("eu", "eu"),
        ("eu-west-1", "eu"),
        ("europe-west1", "eu"),
        ("us-east-1", "us"),
        ("global", ""),
        ("ap-south-1", "?"),
    ] {
        let (candidate, settled, decision) = at(place);
        if region.is_empty() {
            assert_eq!((costs(&candidate), settled), (costs(&base), base_settled.clone()));
            continue;
        }
        assert_eq!(candidate.cost_p50_usd_picos, dearer(base.cost_p50_usd_picos), "{place}");
        assert_eq!(candidate.cost_p90_usd_picos, dearer(base.cost_p90_usd_picos), "{place}");
        assert_eq!(settled.computed_usd_picos, dearer(base_settled.computed_usd_picos), "{place}");
        let terms = settled.price_terms.unwrap();
        if region == "?" {
            assert!(candidate.terms.is_region_assumed && terms.ends_with(" (assumed)"), "{terms}");
            assert!(decision.to_json().contains(r#""region_assumed":""#) && decision.explain().contains("the dearest"));
        } else {
            assert_eq!((candidate.terms.is_region_assumed, terms), (false, format!("region={region}")));
            assert!(!decision.to_json().contains("region_assumed"));
        }
    }
}

#[test]
fn any_place_but_global_is_regional_to_a_row_that_prices_regional() {
    let usage = Usage { input_uncached: 1_000, output_text: 100, ..Usage::default() };
    let mut rows = 0;
    for row in Catalog::bundled().rows() {
        let model = row.model();
        let Ok(period) = model.price_period(Some(NOW_MS)) else { continue };
        if !period.price.multipliers.iter().any(|(condition, _)| condition.is(ConditionKey::Region, "regional"))
            && !period.price.variants.iter().any(|variant| variant.condition.is(ConditionKey::Region, "regional"))
        {
            continue;
        }
        rows += 1;
        let at = |region| settle(model, terms_of_nothing(), &Echo { region, ..Echo::default() }, NOW_MS, &usage);
        let (base, regional) = (at(Some("global")), at(Some("us-central1")));
        assert_eq!(regional.price_terms.as_deref(), Some("region=regional"), "{}", model.full_name());
        assert!(regional.computed_usd_picos > base.computed_usd_picos, "{} {regional:?}", model.full_name());
        assert_eq!(regional.computed_usd_picos, at(Some("regional")).computed_usd_picos);
    }
    assert!(rows > 10, "{rows}");
}

#[test]
fn a_reported_zero_does_not_wipe_out_a_known_cost() {
    let policy = any_model();
    let luna = model(&policy, "luna");
    let usage = Usage { input_uncached: 100_000, output_text: 1_000, ..Usage::default() };
    let settled = |usage: &Usage, echo: &Echo<'static>| settle(luna, terms_of_nothing(), echo, NOW_MS, usage);
    let zero = settled(&Usage { reported_cost_usd_picos: Some(0), ..usage }, &Echo::default());
    let ours = settled(&usage, &Echo::default());
    assert!(ours.computed_usd_picos > Some(0) && ours.doubt().is_none());
    assert_eq!(zero.cost(), ours.cost());
    assert_eq!((zero.reported_usd_picos, zero.doubt()), (Some(0), Some(CostDoubt::ReportedZero)));
    // Without a sum of ours the 0 is all there is, and is doubted too; a usage of nothing costs nothing.
    let sluggish = Echo { service_tier: Some("sluggish"), ..Echo::default() };
    let alone = settled(&Usage { reported_cost_usd_picos: Some(0), ..usage }, &sluggish);
    assert_eq!((alone.cost(), alone.doubt()), (Some((0, CostSource::Reported)), Some(CostDoubt::ReportedZero)));
    let nothing = settled(&Usage { reported_cost_usd_picos: Some(0), ..Usage::default() }, &Echo::default());
    assert_eq!((nothing.cost(), nothing.doubt()), (Some((0, CostSource::Reported)), None));
    // What the answer says beside its usage counts as well.
    let beside = settled(&usage, &Echo { reported_usd_picos: Some(7), ..Echo::default() });
    assert_eq!((beside.cost(), beside.doubt()), (Some((7, CostSource::Reported)), None));
}

#[test]
fn a_sum_of_a_short_usage_is_a_lower_bound() {
    let policy = any_model();
    let usage = Usage { input_uncached: 1_000, output_text: 100, ..Usage::default() };
    for problem in UsageProblem::ALL {
        let echo = Echo { usage_problem: Some(problem), ..Echo::default() };
        let settled = |usage: &Usage| settle(model(&policy, "luna"), terms_of_nothing(), &echo, NOW_MS, usage);
        let is_short = matches!(problem, UsageProblem::Partial | UsageProblem::Inconsistent | UsageProblem::OtherModel);
        assert_eq!(settled(&usage).doubt(), is_short.then_some(CostDoubt::LowerBound), "{problem:?}");
        // The provider's own figure has it all.
        assert_eq!(settled(&Usage { reported_cost_usd_picos: Some(7), ..usage }).doubt(), None);
        assert_eq!(UsageProblem::from_name(problem.name()), Some(problem));
    }
    assert_eq!(UsageProblem::from_name("nothing"), None);
}

#[test]
fn a_batch_that_the_answer_names_among_the_tiers_is_priced_as_one() {
    let policy = any_model();
    let haiku = model(&policy, "haiku");
    let usage = Usage { input_uncached: 1_000, output_text: 100, ..Usage::default() };
    let settled = |tier| {
        let echo = Echo { service_tier: Some(tier), speed: Some(""), region: Some(""), ..Echo::default() };
        settle(haiku, terms_of_nothing(), &echo, NOW_MS, &usage)
    };
    let (batch, standard) = (settled("batch"), settled(""));
    assert_eq!(batch.computed_usd_picos.unwrap() * 2, standard.computed_usd_picos.unwrap());
    assert_eq!(batch.price_terms.as_deref(), Some("processing=batch"));
    assert_eq!(standard.price_terms, None);
    let priced = |terms: &Terms<'_>| cost(&haiku.quote(terms).unwrap(), &usage).unwrap().0;
    for tier in ["batch", "BATCH"] {
        for batch in [false, true] {
            let terms = Terms { service_tier: Some(tier), batch, ..Terms::at(NOW_MS) };
            assert_eq!(Some(priced(&terms)), settled("batch").computed_usd_picos);
        }
    }
    let unsaid = Terms { service_tier: Some(""), speed: Some(""), region: Some(""), ..Terms::at(NOW_MS) };
    assert_eq!(priced(&unsaid), priced(&Terms::at(NOW_MS)));
}

fn policy_of_flat_price() -> Policy {
    policy(&common::text("otherwise:\n  from: [mid]\n  prefer: best\n"))
}

fn terms_of_nothing() -> &'static turnout_core::decide::CallTerms {
    static NOTHING: turnout_core::decide::CallTerms =
        turnout_core::decide::CallTerms { service_tier: None, speed: None, region: None, is_region_assumed: false };
    &NOTHING
}
