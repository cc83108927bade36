//! Decisions under budgets: what is read, what is reserved, what is refused, and the same again from the record.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Call, NOW_MS, code, order, policy, text};
use proptest::prelude::*;
use turnout_core::catalog::Catalog;
use turnout_core::control::ControlState;
use turnout_core::control::reservations::{Moment, Unit};
use turnout_core::decide::Recorded;
use turnout_core::engine::Engine;
use turnout_core::plan::plan;
use turnout_core::policy::{MetaValue, Policy};

const NOW: Moment = Moment { wall_ms: NOW_MS, mono_ms: 0 };

fn team(name: &str) -> Vec<(String, MetaValue)> {
    vec![("team".to_owned(), MetaValue::Text(name.to_owned()))]
}

fn budgeted(on_exceed: &str) -> Policy {
    policy(&text(&format!(
        "budgets:\n  - {{ name: team, per: meta.team, limit: $1/month, on_exceed: {on_exceed} }}\n\
         limits:\n  - {{ name: l, per: [meta.team, model], requests: 60/min, concurrent: 2 }}\n\
         rules:\n  - name: low\n    when: budget.team.left < $0.5\n    from: [mid]\n\
         otherwise: {{ from: [mid, top], prefer: best, else: [small] }}\n"
    )))
}

/// A state in which a team has spent so many nano-USD.
fn spent(policy: &Policy, name: &str, usd_nanos: i64) -> ControlState {
    let mut state = ControlState::default();
    let caller = vec![("team".into(), name.to_owned())];
    let claim = policy.budgets[0].claim(&caller);
    state.book_mut().charge(&claim, usd_nanos, NOW_MS, NOW);
    state
}

#[test]
fn conditions_read_the_callers_own_budget() {
    let policy = budgeted("refuse");
    let state = spent(&policy, "a", 600_000_000);
    let of = |name: &str| Call { meta: team(name), state: Some(&state), ..Call::new(&policy, "hi") }.decide().rule;
    assert_eq!((of("a").as_str(), of("b").as_str()), ("low", "otherwise"));
    // Nobody's calls are the calls of nobody.
    assert_eq!(Call { state: Some(&state), ..Call::new(&policy, "hi") }.decide().rule, "otherwise");
}

#[test]
fn what_does_not_fit_steps_down_only_where_the_budget_says_so() {
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":4000}"#;
    for (on_exceed, expected) in
        [("step_down", vec!["small"]), ("refuse", vec!["top", "mid", "small"]), ("warn", vec!["top", "mid", "small"])]
    {
        let policy = policy(&text(&format!(
            "budgets:\n  - {{ name: team, per: meta.team, limit: $1/month, on_exceed: {on_exceed} }}\n\
             otherwise: {{ from: [mid, top], prefer: best, else: [small] }}\n"
        )));
        let state = spent(&policy, "a", 990_000_000);
        let decision = Call { meta: team("a"), state: Some(&state), ..Call::body(&policy, body) }.decide();
        assert_eq!(order(&decision), expected, "{on_exceed}");
        let rejected = code(&decision, "top");
        assert_eq!(rejected.as_deref(), (on_exceed == "step_down").then_some("over-budget"));
    }
}

#[test]
fn an_attempt_claims_the_scopes_of_its_caller_and_its_model() {
    let policy = budgeted("refuse");
    let call = Call { meta: team("x/y"), ..Call::new(&policy, "hi") };
    call.with(|_, decision| {
        let plan = plan(&policy, &decision);
        let scopes: Vec<Vec<&str>> =
            plan.attempts.iter().map(|a| a.claims.iter().map(|c| c.scope.as_str()).collect()).collect();
        assert_eq!(
            scopes[0],
            [
                "budget/team/month/UTC/x%2Fy",
                "limit/l/requests/60000ms/x%2Fy/top",
                "limit/l/concurrent/at-once/x%2Fy/top"
            ]
        );
        assert_eq!(scopes[1][1], "limit/l/requests/60000ms/x%2Fy/mid");
        // 64k of output at $20 a million, and some input.
        let most = plan.attempts[0].amounts;
        assert_eq!((most.output_tokens, plan.attempts[0].model.as_str()), (64_000, "top"));
        assert_eq!(most.usd_nanos, 64_000 * 20_000 + most.input_tokens * 5_000, "{most:?}");
        assert_eq!(plan.attempts[2].amounts.usd_nanos, 0, "a free model is free");
        assert!(plan.attempts.iter().all(|a| a.claims.iter().any(|c| c.unit == Unit::Requests)));
    });
}

#[test]
fn a_model_without_a_price_is_not_free() {
    let policy = policy(&text("budgets:\n  - { name: all, limit: $5/day }\notherwise: { from: [mid, small] }\n"));
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"service_tier":"priority"}"#;
    let decision = Call::body(&policy, body).decide();
    assert_eq!(code(&decision, "mid").as_deref(), Some("unknown-price"));
    assert_eq!(order(&decision), ["small"]);
    for considered in decision.candidates() {
        let upper = considered.candidate.upper.unwrap();
        assert_eq!(upper.usd_nanos.is_none(), considered.deployment == "mid");
        assert_eq!(upper.amounts().usd_nanos, upper.usd_nanos.unwrap_or(i64::MAX));
    }
}

#[test]
fn nothing_is_reserved_without_budgets() {
    let policy = policy(&text("otherwise: { from: [mid] }\n"));
    Call::new(&policy, "hi").with(|_, decision| {
        assert!(decision.candidates().iter().all(|row| row.candidate.upper.is_none()));
        assert!(plan(&policy, &decision).attempts[0].claims.is_empty());
        assert!(!decision.to_json().contains("budget"));
    });
}

proptest! {
    #[test]
    fn a_record_decides_the_same_whatever_was_spent_since(
        before in 0..1_200_000_000_i64, steps_down in any::<bool>(),
        words in 1..400_usize, bound in prop::option::of(1..60_000_u64), is_number in any::<bool>(),
    ) {
        let policy = budgeted(if steps_down { "step_down" } else { "refuse" });
        let meta = if is_number { vec![("team".to_owned(), MetaValue::Number(2_500_000))] } else { team("a") };
        let name = if is_number { "2500000e-6" } else { "a" };
        let state = spent(&policy, name, before);
        let bound = bound.map(|bound| format!(",\"max_tokens\":{bound}")).unwrap_or_default();
        let body = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]{bound}}}", "word ".repeat(words));
        let decision = Call { meta, state: Some(&state), ..Call::body(&policy, &body) }.decide();
        let json = decision.to_json();
        let engine = Engine::new(policy.clone().into(), Catalog::bundled().hash(), vec![true; policy.deployments.len()]);
        let (again, ..) = engine.redecide(json.as_bytes()).unwrap();
        let plan = engine.plan(&again);
        prop_assert_eq!(again.to_json(), &*json);
        prop_assert_eq!(&again.caller, &decision.caller);
        for (attempt, row) in plan.attempts.iter().zip(decision.attempts()) {
            prop_assert_eq!(attempt.amounts, row.candidate.upper.unwrap().amounts());
        }
        // What is reserved is never below what nine of ten such calls cost.
        for row in decision.candidates() {
            let (upper, p90) = (row.candidate.upper.unwrap(), row.candidate.cost_p90_usd_picos.unwrap());
            prop_assert!(upper.usd_nanos.unwrap() * 1_000 >= p90, "{upper:?} {p90}");
        }
        // A record without what was read decides nothing.
        let cut = json.replace("\"budgets\":", "\"budgots\":");
        prop_assert!(cut != json);
        let recorded = Recorded::read(cut.as_bytes(), &policy, Catalog::bundled().hash());
        let found = recorded.and_then(|recorded| recorded.decide(&policy, Catalog::bundled().hash()));
        prop_assert_eq!(found.unwrap_err().code, "record-incomplete");
    }
}
