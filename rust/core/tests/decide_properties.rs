//! Decisions: pure, honest about every candidate, and never better off with less.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::format_push_string, reason = "tests")]

mod common;

use common::{Call, code, order, policy, text};
use proptest::prelude::*;
use turnout_core::catalog::Catalog;
use turnout_core::control::{ControlEvent, ControlState};
use turnout_core::decide::{CandidateStatus, Decision, Held, REASONS, RECORD_CODES, Recorded};
use turnout_core::outcome::OutcomeKind;
use turnout_core::policy::{MetaValue, Policy};

const PREFER: [&str; 4] = ["cheapest", "best", "fastest", "in_order"];
const WANTS: [&str; 7] = [
    "cost.p50 <= $0.001",
    "cost.p90 <= $0.01",
    "model.rank >= 2",
    "ttft.p95 <= 1s",
    "model.context >= 50k",
    "difficulty <= 0.5 or model.rank >= 2",
    "deployment.region == \"eu\"",
];
const WHENS: [&str; 7] = [
    "tools > 0",
    "meta.vip",
    "tokens > 200",
    "difficulty > 0.3",
    "task == \"code\"",
    "meta.team == \"a\"",
    "contains(prompt, \"x\")",
];

/// A policy of three models with two deployments each, drawn from a few choices.
#[derive(Debug, Clone)]
struct Drawn {
    policy: Policy,
    prefer: &'static str,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let list = |low| prop::sample::subsequence(vec!["small", "mid", "top"], low..=3).prop_shuffle();
    let rule = (prop::sample::select(&WHENS[..]), list(1), prop::sample::select(&PREFER[..]));
    (
        prop::collection::vec(rule, 0..3),
        list(1),
        list(0),
        prop::sample::select(&PREFER[..]),
        prop::sample::subsequence(WANTS.to_vec(), 0..4).prop_shuffle(),
        prop::option::of(prop::sample::select(vec!["model.rank <= 2", "deployment.region == \"eu\"", "cost.p90 <= $0.02"])),
        any::<bool>(),
        (0..3_u32, 0..3_u32),
    )
        .prop_map(|(rules, from, or_else, prefer, wants, keep, skips, (us, eu))| {
            let mut rest = String::new();
            if skips {
                rest.push_str("unknown: skip\n");
            }
            if let Some(keep) = keep {
                rest.push_str(&format!("require:\n  - {{ name: k, when: 'not (meta.free ?? false)', keep: '{keep}' }}\n"));
            }
            if !rules.is_empty() {
                rest.push_str("rules:\n");
            }
            let mut seen: Vec<&str> = Vec::new();
            for (index, (when, from, prefer)) in rules.iter().enumerate() {
                if seen.contains(when) {
                    continue;
                }
                seen.push(*when);
                rest.push_str(&format!(
                    "  - {{ name: r{index}, when: '{when}', from: [{}], prefer: {prefer} }}\n",
                    from.join(", ")
                ));
            }
            rest.push_str(&format!("otherwise:\n  from: [{}]\n  prefer: {prefer}\n", from.join(", ")));
            if !or_else.is_empty() {
                rest.push_str(&format!("  else: [{}]\n", or_else.join(", ")));
            }
            if !wants.is_empty() {
                rest.push_str("  want:\n");
                for want in &wants {
                    rest.push_str(&format!("    - '{want}'\n"));
                }
            }
            let source = text(&rest).replace(
                "small: { use",
                &format!("small: {{ deployments: [{{ name: us, key: env:A, weight: {us}, region: us }}, {{ name: eu, key: env:B, weight: {eu}, region: eu }}, {{ name: us2, key: env:A, region: us }}, {{ name: eu2, key: env:D, weight: {us}, region: eu }}], use"),
            );
            let source = source.replace("mid: { use", "mid: { deployments: [{ name: us, key: env:A }, { name: eu, key: env:C, region: eu }], use");
            Drawn { policy: policy(&source), prefer }
        })
}

#[derive(Debug, Clone)]
struct Asked {
    prompt: String,
    has_tools: bool,
    max_tokens: Option<u64>,
    meta: Vec<(String, MetaValue)>,
    keys: u64,
    cooling: u64,
    ttft: Vec<u32>,
    seed: u64,
}

fn asked() -> impl Strategy<Value = Asked> {
    let value = prop_oneof![
        any::<bool>().prop_map(MetaValue::Bool),
        prop::sample::select(vec!["a", "b"]).prop_map(|text| MetaValue::Text(text.to_owned())),
    ];
    let meta =
        prop::collection::vec((prop::sample::select(vec!["vip", "team", "free"]).prop_map(str::to_owned), value), 0..3);
    (
        prop_oneof![
            Just("hi".to_owned()),
            "[a-z x]{0,300}",
            Just("Prove that x has ".repeat(200)),
            Just("y ".repeat(9000))
        ],
        any::<bool>(),
        prop::option::of(1..20_000_u64),
        meta,
        prop_oneof![3 => Just(u64::MAX), 1 => any::<u64>()],
        prop_oneof![2 => Just(0_u64), 1 => any::<u64>()],
        prop::collection::vec(1..4000_u32, 8),
        any::<u64>(),
    )
        .prop_map(|(prompt, has_tools, max_tokens, meta, keys, cooling, ttft, seed)| Asked {
            prompt,
            has_tools,
            max_tokens,
            meta,
            keys,
            cooling,
            ttft,
            seed,
        })
}

impl Asked {
    fn state(&self, policy: &Policy) -> ControlState {
        let mut state = ControlState::default();
        for (index, row) in policy.deployments.iter().enumerate() {
            let cools = self.cooling >> index & 1 == 1;
            if cools || index % 2 == 0 {
                let outcome = if cools { OutcomeKind::NotFound } else { OutcomeKind::Complete };
                state.apply(
                    &ControlEvent::AttemptEnded {
                        deployment: &row.id,
                        key: "-",
                        provider: "-",
                        outcome,
                        ttft_ms: Some(self.ttft[index]),
                        total_ms: 1,
                        retry_after_ms: None,
                    },
                    common::NOW_MS,
                );
            }
        }
        state
    }

    fn call<'c>(&self, policy: &'c Policy, state: &'c ControlState) -> Call<'c> {
        let mut body = serde_json::json!({ "messages": [{ "role": "user", "content": self.prompt }] });
        if self.has_tools {
            body["tools"] = serde_json::json!([{ "type": "function", "function": { "name": "f" } }]);
        }
        if let Some(bound) = self.max_tokens {
            body["max_tokens"] = bound.into();
        }
        Call {
            body: body.to_string(),
            meta: self.meta.clone(),
            keys: (0..policy.deployments.len()).map(|index| self.keys >> index & 1 == 1).collect(),
            state: Some(state),
            seed: self.seed,
            ..Call::new(policy, "")
        }
    }
}

fn eligible(decision: &Decision) -> Vec<String> {
    let mut all = order(decision);
    all.sort();
    all
}

proptest! {
    #[test]
    fn same_inputs_same_bytes(drawn in drawn(), asked in asked()) {
        let state = asked.state(&drawn.policy);
        let call = asked.call(&drawn.policy, &state);
        let (one, other) = (call.decide(), call.decide());
        prop_assert_eq!(one.to_json(), other.to_json());
        prop_assert_eq!(one.explain(), other.explain());
        let parsed: serde_json::Value = serde_json::from_str(&one.to_json()).unwrap();
        prop_assert_eq!(parsed["rule"].as_str().unwrap(), one.rule.as_str());
        let first = one.explain().lines().next().unwrap().to_owned();
        match one.chosen() {
            Some(chosen) => prop_assert!(first.starts_with(chosen.deployment.as_str()) && first.contains(one.rule.as_str())),
            None => prop_assert!(first.starts_with("refused")),
        }
    }

    #[test]
    fn a_record_decides_the_same_bytes(drawn in drawn(), asked in asked()) {
        let state = asked.state(&drawn.policy);
        let call = asked.call(&drawn.policy, &state);
        call.with(|_, decision| {
            let record = decision.to_json();
            if asked.prompt.len() > 20 {
                prop_assert!(!record.contains(&asked.prompt));
            }
            let hash = Catalog::bundled().hash();
            let again = Recorded::read(record.as_bytes(), &drawn.policy, hash).unwrap();
            let redecided = again.decide(&drawn.policy, hash).unwrap();
            prop_assert_eq!(&redecided.to_json(), &record);
            prop_assert_eq!(redecided.explain(), decision.explain());
            let plans = [&decision, &redecided].map(|decision| turnout_core::plan::plan(&drawn.policy, decision));
            prop_assert_eq!(&plans[0].explain_notes(), &plans[1].explain_notes());
            prop_assert_eq!(plans[0].attempts.len(), plans[1].attempts.len());
            Ok(())
        })?;
    }

    #[test]
    fn deployments_that_are_alike_are_laid_out_as_if_each_had_been_looked_at(drawn in drawn(), asked in asked()) {
        let blank = ControlState::default();
        // Says nothing of any deployment here, and is not blank: each is looked at.
        let mut other = ControlState::default();
        let started = ControlEvent::AttemptStarted {
            deployment: "elsewhere",
            key: "elsewhere",
            provider: "elsewhere",
            input_tokens: 0,
        };
        other.apply(&started, 0);
        prop_assert!(blank.is_blank() && !other.is_blank());
        let of = |state| asked.call(&drawn.policy, state).decide();
        let (alike, each) = (of(&blank), of(&other));
        prop_assert_eq!(alike.to_json(), each.to_json());
        prop_assert_eq!(alike.chosen().map(|row| row.deployment.clone()), each.chosen().map(|row| row.deployment.clone()));
        let plans = [&alike, &each].map(|decision| turnout_core::plan::plan(&drawn.policy, decision));
        let [alike, each] = plans.map(|plan| plan.attempts.iter().map(|row| row.deployment.clone()).collect::<Vec<_>>());
        prop_assert_eq!(alike, each);
    }

    #[test]
    fn a_damaged_record_decides_or_says_why(drawn in drawn(), asked in asked(), at in any::<prop::sample::Index>(), put in "[0-9a-z\\[\\]{}\",: -]{0,3}", cut in any::<bool>()) {
        let state = asked.state(&drawn.policy);
        let record = asked.call(&drawn.policy, &state).decide().to_json();
        let from = record.find("\"facts\"").unwrap();
        let at = from + at.index(record.len() - from);
        let rest = if cut { "" } else { record.get(at + put.len()..).unwrap_or("") };
        let damaged = format!("{}{put}{rest}", record.get(..at).unwrap_or(&record));
        let hash = Catalog::bundled().hash();
        let codes: Vec<&str> = RECORD_CODES.iter().map(|(code, _)| *code).collect();
        match Recorded::read(damaged.as_bytes(), &drawn.policy, hash).and_then(|read| read.decide(&drawn.policy, hash)) {
            Ok(decision) => prop_assert_eq!(decision.policy_hash, drawn.policy.hash),
            Err(error) => prop_assert!(codes.contains(&error.code) && !error.message.is_empty()),
        }
    }

    #[test]
    fn each_candidate_has_one_fate_and_the_plan_only_survivors(drawn in drawn(), asked in asked()) {
        let state = asked.state(&drawn.policy);
        let call = asked.call(&drawn.policy, &state);
        call.with(|_, decision| {
            let rule = &drawn.policy.rules[decision.rule_index];
            let expected = drawn.policy.deployments.iter().filter(|row| rule.from.contains(&row.model) || rule.or_else.contains(&row.model));
            prop_assert_eq!(decision.candidates().len(), expected.count());
            let plan = turnout_core::plan::plan(&drawn.policy, &decision);
            let planned: Vec<String> = plan.attempts.iter().map(|attempt| attempt.deployment.to_string()).collect();
            prop_assert_eq!(planned, order(&decision));
            for (place, row) in decision.candidates().iter().enumerate() {
                match &row.status {
                    CandidateStatus::Chosen => prop_assert_eq!(place, 0),
                    CandidateStatus::Ranked(shown) => prop_assert_eq!(*shown, place + 1),
                    CandidateStatus::Rejected { code, reason, .. } => {
                        prop_assert!(REASONS.iter().any(|(known, _)| known == code) || code == "require:k", "{code}");
                        prop_assert!(!reason.is_empty());
                        prop_assert!(plan.attempts.iter().all(|attempt| attempt.deployment != row.deployment));
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_order_is_standing_then_else_then_wishes_then_preference(drawn in drawn(), asked in asked()) {
        let state = asked.state(&drawn.policy);
        let decision = asked.call(&drawn.policy, &state).decide();
        if decision.rule != "otherwise" {
            return Ok(());
        }
        let survivors: Vec<_> = decision.attempts().collect();
        for pair in survivors.windows(2) {
            let group = |index: usize| (pair[index].candidate.standing, pair[index].candidate.is_else, !pair[index].meets_wants);
            prop_assert!(group(0) <= group(1));
            if group(0) == group(1) {
                let (one, other) = (&pair[0].candidate, &pair[1].candidate);
                match drawn.prefer {
                    "cheapest" => prop_assert!(one.cost_p50_usd_picos <= other.cost_p50_usd_picos),
                    "best" => prop_assert!(pair[0].rank >= pair[1].rank),
                    "fastest" => prop_assert!(one.ttft_p50_ms.unwrap_or(u32::MAX) <= other.ttft_p50_ms.unwrap_or(u32::MAX)),
                    _ => prop_assert!(one.order < other.order),
                }
            }
        }
        if let Some(chosen) = decision.chosen() {
            // What is chosen meets every wish that is not said to be given up, and the first that is given up cannot be met.
            prop_assert!(chosen.meets_wants);
            let rule = &drawn.policy.rules[decision.rule_index];
            prop_assert!(decision.relaxed.len() <= rule.want.len());
            for (given_up, want) in decision.relaxed.iter().zip(rule.want.iter().rev()) {
                prop_assert_eq!(given_up.as_str(), want.source().as_str());
            }
        }
    }

    #[test]
    fn cooling_orders_and_never_excludes(drawn in drawn(), asked in asked(), also in any::<u64>()) {
        let (calm, busy) = (asked.state(&drawn.policy), Asked { cooling: asked.cooling | also, ..asked.clone() }.state(&drawn.policy));
        let (one, other) = (asked.call(&drawn.policy, &calm).decide(), asked.call(&drawn.policy, &busy).decide());
        // An open rule may win or lose by it; within a rule nothing becomes ineligible.
        if one.rule == other.rule && !drawn.policy.rules[one.rule_index].want.iter().any(|want| want.source().contains("ttft")) {
            prop_assert_eq!(eligible(&one), eligible(&other));
        }
    }

    #[test]
    fn a_key_less_never_adds_a_candidate(drawn in drawn(), asked in asked(), without in 0..6_usize) {
        let state = asked.state(&drawn.policy);
        let full = asked.call(&drawn.policy, &state);
        let mut less = full.clone();
        let index = without % less.keys.len();
        less.keys[index] = false;
        let (one, other) = (full.decide(), less.decide());
        if one.rule == other.rule {
            let before = eligible(&one);
            prop_assert!(eligible(&other).iter().all(|deployment| before.contains(deployment)));
        }
    }

    #[test]
    fn the_trace_is_of_the_rules_in_order(drawn in drawn(), asked in asked()) {
        let state = asked.state(&drawn.policy);
        let decision = asked.call(&drawn.policy, &state).decide();
        let names: Vec<&str> = drawn.policy.rules.iter().map(|rule| rule.name.as_str()).collect();
        let traced: Vec<&str> = decision.trace.rules().map(|(row, _)| row.name.as_str()).collect();
        prop_assert_eq!(&traced[..], &names[..traced.len()]);
        let held: Vec<Held> = decision.trace.rules().map(|(_, held)| held).collect();
        let (last, before) = held.split_last().unwrap();
        if traced.last().unwrap() == &decision.rule.as_str() {
            prop_assert_eq!(*last, Held::Matched);
            prop_assert!(before.iter().all(|held| matches!(held, Held::No | Held::Unknown)));
        } else {
            prop_assert_eq!(*last, Held::Outranked);
            prop_assert_eq!(held[decision.rule_index], Held::UnknownButStronger);
        }
    }
}

#[test]
fn weights_share_the_traffic() {
    let source = text("otherwise: { from: [small] }\n").replace(
        "small: { use",
        "small: { deployments: [{ name: a, weight: 3 }, { name: b }, { name: c, weight: 0 }], use",
    );
    let policy = policy(&source);
    let mut first = [0; 3];
    for seed in 0..400 {
        let decision = Call { seed, ..Call::new(&policy, "hi") }.decide();
        let order = order(&decision);
        assert_eq!(order.len(), 3);
        assert_eq!(order[2], "small/c", "weight 0 only after the others");
        first[["small/a", "small/b", "small/c"].iter().position(|id| *id == order[0]).unwrap()] += 1;
    }
    assert_eq!(first, [300, 100, 0]);
}

/// Every reason of the engine's own, raised by a request and a policy.
#[test]
fn every_reason_is_given() {
    let chat = |more: &str| format!(r#"{{"messages":[{{"role":"user","content":"hi"}}]{more}}}"#);
    let tool = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;
    let image =
        r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}"#;
    let file = r#"{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}]}]}"#;
    let schema = r#","response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}}"#;
    let hosted = r#"{"max_tokens":5,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#;
    let linked = r#"{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x.test/a.pdf"}}]}]}"#;
    let openai = policy("turnout: 1\nname: t\nmodels: { m: openai/gpt-6-luna }\notherwise: { from: m }\n");
    let plain = policy(&text("otherwise: { from: [small, mid] }\n"));
    let mut seen: Vec<String> = Vec::new();
    let mut expect = |decision: &Decision, deployment: &str, reason: &str| {
        assert_eq!(code(decision, deployment).as_deref(), Some(reason), "{}", decision.explain());
        seen.push(reason.to_owned());
    };
    let body = |body: &str| Call::body(&plain, body).decide();
    expect(&Call { keys: vec![false, true, true], ..Call::new(&plain, "hi") }.decide(), "small", "no-key");
    expect(&body(&chat(tool)), "small", "no-tools");
    expect(&body(image), "small", "no-images");
    expect(&body(file), "small", "no-documents");
    expect(&body(&chat(schema)), "small", "no-schema");
    expect(&body(hosted), "mid", "provider-tools");
    expect(&Call::body(&openai, linked).decide(), "m", "untranslatable");
    expect(&body(&chat(r#","max_tokens":9000"#)), "small", "window");
    expect(&Call::new(&plain, &"word ".repeat(9000)).decide(), "small", "window");

    let anthropic = policy("turnout: 1\nname: t\nmodels: { m: anthropic/claude-haiku-5-5 }\notherwise: { from: m }\n");
    expect(&Call::body(&anthropic, &chat(r#","n":2"#)).decide(), "m", "no-choices");

    let mut changed = plain.clone();
    changed.models[1].facts.caps.forced_tool_use = Some(false);
    let forced = format!("{tool},\"tool_choice\":\"required\"");
    expect(&Call::body(&changed, &chat(&forced)).decide(), "mid", "no-forced-tool");

    let mut unpriced = policy(&text("otherwise: { from: [small, mid], prefer: cheapest }\n"));
    unpriced.models[1].facts.prices.clear();
    expect(&Call::new(&unpriced, "hi").decide(), "mid", "unknown-price");

    let thrifty = policy(&text(
        "budgets:\n  - { name: b, limit: $0.000001/day, on_exceed: step_down }\notherwise: { from: [small, mid] }\n",
    ));
    expect(&Call::new(&thrifty, "hi").decide(), "mid", "over-budget");

    // A process may outlive a model.
    let ending =
        policy("turnout: 1\nname: t\nmodels: { m: anthropic/claude-sonnet-4-5-20250929 }\notherwise: { from: m }\n");
    let day = 86_400_000;
    let at = |now_ms: i64| Call { now_ms, ..Call::new(&ending, "hi") }.decide();
    assert_eq!(order(&at(common::TODAY * day)), ["m"]);
    expect(&at((common::TODAY + 30) * day), "m", "retired");

    for (reason, _) in REASONS {
        assert!(seen.iter().any(|known| known == reason), "{reason} is given by no case");
    }
}

#[test]
fn a_fact_that_nothing_asks_for_is_not_computed_nor_shown() {
    let policy = policy(&text(
        "facts: { hard: difficulty > 0.5, agent: tools > 0 }\nrules:\n  - { name: a, when: not agent, from: small }\n  - { name: b, when: hard, from: top }\notherwise: { from: mid }\n",
    ));
    let decision = Call::new(&policy, "hi").decide();
    let names: Vec<&str> = decision.facts.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"agent") && !names.contains(&"hard"), "{names:?}");
}

#[test]
fn named_amounts_and_negative_numbers_are_shown_in_their_units() {
    let policy = policy(&text(
        "facts: { purse: $0.05, wait: 2s, late: meta.delta < 5 }\nrules:\n  - { name: a, when: 'purse == $0.05 and wait == 2s and late', from: small }\notherwise: { from: mid }\n",
    ));
    let decision =
        Call { meta: vec![("delta".to_owned(), MetaValue::Number(-500_000))], ..Call::new(&policy, "hi") }.decide();
    assert_eq!(decision.rule, "a");
    let text = decision.explain();
    for line in ["purse = $0.05", "wait = 2000 ms", "meta.delta = -0.5"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(decision.to_json().contains("\"meta.delta\":-0.5"));
}

#[test]
fn a_record_of_another_policy_or_catalogue_is_refused() {
    let one = policy(&text("otherwise: { from: [mid] }\n"));
    let other = policy(&text("otherwise: { from: [top] }\n"));
    let record = Call::new(&one, "hi").decide().to_json();
    let hash = Catalog::bundled().hash();
    let code = |record: &str, policy: &Policy, catalog: &str| {
        let read = Recorded::read(record.as_bytes(), policy, catalog);
        read.and_then(|read| read.decide(policy, &catalog.into())).map_or_else(|error| error.code, |_| "")
    };
    assert_eq!(code(&record, &one, hash), "");
    assert_eq!(code(&record, &other, hash), "record-other-policy");
    assert_eq!(code(&record, &one, "00"), "record-other-catalog");
    assert_eq!(code("[]", &one, hash), "record-unreadable");
    assert_eq!(code(&record.replace("\"inputs\"", "\"outputs\""), &one, hash), "record-incomplete");
    assert_eq!(code(&record.replace("\"turns\"", "\"turn\""), &one, hash), "record-incomplete");
    assert_eq!(code(&record.replace("\"tokens\":[[", "\"token\":[["), &one, hash), "record-incomplete");
}

/// What a decision reads that the drawn policies do not ask for: each field of a request that has a word in it.
#[test]
fn every_field_of_a_request_survives_its_record() {
    let rest = "rules:\n  - { name: a, when: 'language == \"fr\" and not code', from: [top] }\n  - { name: b, when: 'matches(prompt, \"X\") or contains(prompt, \"x\")', from: [mid, top] }\n  - { name: c, when: 'max_tokens > 7 and requested == \"m\" and meta.n > 0.5', from: [top] }\notherwise: { from: [mid, top], prefer: cheapest }\n";
    let policy = policy(&text(rest));
    let hash = Catalog::bundled().hash();
    let messages = r#""messages":[{"role":"user","content":"fn main() { x }"},{"role":"assistant","content":"y"},{"role":"user","content":"and now?"}]"#;
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    for fields in [
        "",
        r#""n":3,"#,
        r#""model":"m","max_completion_tokens":9,"#,
        r#""max_tokens":18446744073709551615,"#,
        r#""stream":true,"response_format":{"type":"json_object"},"#,
        r#""response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{}}},"#,
        r#""reasoning_effort":"high","service_tier":"flex","#,
        r#""reasoning_effort":"none","#,
        &format!(r#"{tools},"tool_choice":"required","#),
        &format!(r#"{tools},"tool_choice":"none","#),
        &format!(r#"{tools},"tool_choice":{{"type":"function","function":{{"name":"f"}}}},"#),
        r#""tools":[{"type":"custom","custom":{"name":"g"}}],"#,
        r#""system":"s","max_tokens":5,"thinking":{"type":"enabled","budget_tokens":2000},"speed":"fast","inference_geo":"us","#,
        r#""system":"s","max_tokens":5,"thinking":{"type":"adaptive"},"cache_control":{"type":"ephemeral","ttl":"1h"},"#,
        r#""system":"s","max_tokens":5,"thinking":{"type":"disabled"},"tools":[{"type":"bash_20250124","name":"bash"}],"#,
    ] {
        let meta = vec![("n".to_owned(), MetaValue::Number(9_007_199_254_740_992_188))];
        let call = Call { meta, ..Call::body(&policy, &format!("{{{fields}{messages}}}")) };
        let record = call.decide().to_json();
        let read = Recorded::read(record.as_bytes(), &policy, hash).unwrap();
        assert_eq!(read.decide(&policy, hash).unwrap().to_json(), record, "{fields}");
    }
}
