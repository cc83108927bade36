//! The runner of the tests in a policy's file.

use super::corpus::{SAMPLES, sample};
use crate::control::{ControlEvent, ControlState};
use crate::decide::{DecideInputs, Decision, RequestFacts, also_read, expectation, session_of};
use crate::money::UsdPicos;
use crate::outcome::OutcomeKind;
use crate::policy::expr::Tri;
use crate::policy::{Policy, PolicyTest, TestFailure};
use crate::shared_str::SharedStr;
use crate::wire::{parse_request, prompt_body};

/// Noon of Monday 2026-01-05, UTC: the clock of tests that do not set one.
pub const TEST_CLOCK_MS: i64 = 1_767_614_400_000;

/// Runs every test; the result holds those that do not hold.
pub(super) fn run(policy: &Policy, catalog_hash: &SharedStr) -> Vec<TestFailure> {
    policy.tests.iter().filter_map(|test| run_one(policy, catalog_hash, test)).collect()
}

fn run_one(policy: &Policy, catalog_hash: &SharedStr, test: &PolicyTest) -> Option<TestFailure> {
    let on = |body: &str| on_request(policy, catalog_hash, test, body);
    let (held, saw) = if test.is_for_any_prompt {
        let failing = (0..SAMPLES).map(sample).find(|sample| on(&sample.body()).is_some())?;
        let smallest = failing.shrunk(|sample| on(&sample.body()).is_some());
        let (held, saw) = on(&smallest.body())?;
        (held, format!("for {}: {saw}", smallest.line()))
    } else {
        on(&prompt_body(test.given.prompt.as_deref().unwrap_or_default()))?
    };
    let expected = test.expect.source().to_string();
    Some(TestFailure { name: test.name.clone(), pos: test.expect_pos, held, expected, saw })
}

/// What the expectation was instead of true, and what was decided; none when it holds.
fn on_request(policy: &Policy, catalog_hash: &SharedStr, test: &PolicyTest, body: &str) -> Option<(Tri, String)> {
    let given = &test.given;
    let request = match parse_request(body.as_bytes(), None) {
        Ok(request) => request,
        Err(error) => return Some((Tri::Unknown, error.message.to_string())),
    };
    let now_ms = given.now_ms.unwrap_or(TEST_CLOCK_MS);
    let facts = RequestFacts::new(&request, &given.meta, &given.facts, now_ms);
    let is_named = |names: &[String], model: usize, id: &str| {
        let alias = policy.models.get(model).map_or("", |model| model.alias.as_str());
        names.iter().any(|name| name == alias || name == id)
    };
    let has_key: Vec<bool> =
        policy.deployments.iter().map(|row| !is_named(&given.without_key, row.model, &row.id)).collect();
    let mut state = ControlState::default();
    for row in policy.deployments.iter().filter(|row| is_named(&given.cooling, row.model, &row.id)) {
        let provider = policy.models.get(row.model).map_or("", |model| model.facts.provider.as_str());
        // The one outcome that cools a deployment alone, and neither its key nor its provider.
        let ended = ControlEvent::AttemptEnded {
            deployment: &row.id,
            key: &row.key_label,
            provider,
            outcome: OutcomeKind::NotFound,
            ttft_ms: None,
            total_ms: 0,
            retry_after_ms: None,
        };
        state.apply(&ended, now_ms);
    }
    if let Some(held) = &given.held {
        let held = std::slice::from_ref(held);
        let row = policy.deployments.iter().find(|row| is_named(held, row.model, &row.id));
        // A rule may name its sessions by another value than the rest.
        let stickies = policy.rules.iter().filter_map(|rule| rule.sticky.as_ref());
        let sessions = stickies.filter_map(|sticky| session_of(sticky, facts.meta(&sticky.by)));
        for (session, row) in sessions.zip(std::iter::repeat(row)).filter_map(|(session, row)| Some((session, row?))) {
            let served = ControlEvent::SessionServed { session, deployment: &row.id, ttl_ms: i64::MAX };
            state.apply(&served, now_ms);
        }
    }
    let inputs =
        DecideInputs { policy, catalog_hash, facts: &facts, has_key: &has_key, state: Some(&state), now_ms, seed: 0 };
    let decision = crate::decide::decide(&inputs);
    match expectation(&inputs, &decision, &test.expect) {
        Tri::True => None,
        held => {
            let mut saw = one_line(&decision);
            if decision.chosen().is_some() {
                let more = also_read(&inputs, &decision, &test.expect);
                saw.extend(more.into_iter().map(|(name, value)| format!(", {name} {value}")));
            }
            Some((held, saw))
        }
    }
}

fn one_line(decision: &Decision) -> String {
    match decision.chosen() {
        None => {
            let reasons: Vec<String> =
                decision.candidates().iter().filter_map(crate::decide::Considered::reason).collect();
            format!("rule `{}`, refused: {}", decision.rule, reasons.join("; "))
        }
        Some(chosen) => {
            let cost =
                |picos: Option<i64>| picos.map_or_else(|| "unknown".to_owned(), |picos| UsdPicos(picos).to_string());
            format!(
                "rule `{}`, model `{}`, deployment `{}`, cost.p50 {}, cost.p90 {}",
                decision.rule,
                chosen.model,
                chosen.deployment,
                cost(chosen.candidate.cost_p50_usd_picos),
                cost(chosen.candidate.cost_p90_usd_picos)
            )
        }
    }
}
