//! Plans: whatever happens, the next step keeps the bounds and the sequence ends.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Call, policy, text};
use proptest::prelude::*;
use turnout_core::outcome::{NextStep, OutcomeKind, TABLE};
use turnout_core::plan::{Attempt, Plan, Step, Tried, Why, plan};
use turnout_core::policy::{Escalate, Hedge, HedgeAfter, KeyRef};

/// A plan of three attempts as a decision lays it out.
fn base() -> Plan {
    let policy = policy(&text("otherwise: { from: [small, mid, top] }\n"));
    Call::new(&policy, "hi").with(|_, decision| plan(&policy, &decision))
}

fn varied() -> impl Strategy<Value = Plan> {
    let attempt =
        (0..3_usize, 0..4_u32, 0..3_usize, prop::option::of(1..5_u64), prop::option::of(0..100_i64), 0..3_usize);
    (
        prop::collection::vec(attempt, 0..6),
        (0..3_u32, prop::option::of(0..5_000_000_i64)),
        (1..8_u32, prop::option::of(0..300_i64)),
    )
        .prop_map(|(rows, (at_most, cost_within_millionths), (attempts, spend_usd_picos))| {
            let mut plan = base();
            let model = plan.attempts[0].clone();
            plan.attempts = rows
                .into_iter()
                .enumerate()
                .map(|(index, (model_index, rank, provider, context, cost, key))| {
                    let mut attempt: Attempt = model.clone();
                    attempt.deployment = format!("d{index}").into();
                    attempt.model = format!("m{model_index}").into();
                    attempt.provider = format!("p{provider}").into();
                    attempt.rank = rank;
                    attempt.context = context;
                    attempt.cost_p50_usd_picos = cost;
                    attempt.key = if key == 0 { KeyRef::None } else { KeyRef::Env([format!("K{key}")].into()) };
                    attempt
                })
                .collect();
            plan.escalate = Escalate { at_most, cost_within_millionths };
            plan.run.attempts = attempts;
            plan.run.spend_usd_picos = spend_usd_picos;
            plan
        })
}

fn endings() -> impl Strategy<Value = Vec<(OutcomeKind, bool, i64)>> {
    let kinds: Vec<OutcomeKind> = TABLE.iter().map(|row| row.kind).collect();
    prop::collection::vec((prop::sample::select(kinds), prop::bool::weighted(0.2), 0..60_i64), 64)
}

proptest! {
    #[test]
    fn every_sequence_ends_within_its_bounds(plan in varied(), endings in endings()) {
        let (mut tried, mut spent): (Vec<Tried>, i64) = (Vec::new(), 0);
        let mut escalations = 0;
        for (outcome, accepts, cost) in endings {
            let step = plan.next(&tried, spent);
            prop_assert_eq!(step, plan.next(&tried, spent), "the next step is a pure function");
            let index = match step {
                Step::Return(why) => {
                    let last = tried.last();
                    match why {
                        Why::Accepted => prop_assert!(last.unwrap().is_accepted),
                        Why::Attempts => prop_assert_eq!(tried.len(), usize::try_from(plan.run.attempts).unwrap()),
                        Why::Spend => prop_assert!(plan.run.spend_usd_picos.is_some()),
                        Why::Final => prop_assert_eq!(last.unwrap().outcome.row().next, NextStep::Return),
                        Why::NothingLeft => {
                            // Another deployment that the table allows is never left out.
                            if let Some(last) = last.filter(|last| last.outcome.row().next == NextStep::NextDeployment) {
                                let all_tried = (0..plan.attempts.len()).all(|index| tried.iter().any(|one| one.attempt == index));
                                prop_assert!(all_tried, "{:?} left something", last.outcome);
                            }
                        }
                    }
                    return Ok(());
                }
                Step::Retry(index) => {
                    let last = tried.last().unwrap();
                    prop_assert_eq!(index, last.attempt);
                    prop_assert!(last.outcome.row().retry_same);
                    index
                }
                Step::Fallback(index) => {
                    prop_assert!(tried.iter().all(|one| one.attempt != index));
                    if let Some(last) = tried.last() {
                        let (from, to) = (&plan.attempts[last.attempt], &plan.attempts[index]);
                        prop_assert!(!last.outcome.is_answer());
                        match last.outcome.row().next {
                            NextStep::LargerWindow => prop_assert!(to.context.unwrap() > from.context.unwrap()),
                            NextStep::SameModelOtherKey if !last.outcome.row().retry_same => {
                                prop_assert!(to.key != from.key || to.key == KeyRef::None);
                            }
                            _ => {}
                        }
                    } else {
                        prop_assert_eq!(index, 0);
                    }
                    index
                }
                Step::Escalate(index) => {
                    let last = tried.last().unwrap();
                    escalations += 1;
                    prop_assert!(last.outcome.is_answer() && !last.is_accepted);
                    prop_assert!(plan.attempts[index].rank > plan.attempts[last.attempt].rank);
                    prop_assert!(tried.iter().all(|one| one.attempt != index));
                    prop_assert!(escalations <= plan.escalate.at_most);
                    if let Some(within) = plan.escalate.cost_within_millionths {
                        let (to, first) = (&plan.attempts[index], &plan.attempts[tried[0].attempt]);
                        let (to, first) = (to.cost_p50_usd_picos.unwrap(), first.cost_p50_usd_picos.unwrap());
                        prop_assert!(to * 1_000_000 <= first * within);
                    }
                    index
                }
            };
            prop_assert!(tried.len() < usize::try_from(plan.run.attempts).unwrap());
            prop_assert!(tried.iter().filter(|one| one.attempt == index).count() < 2);
            if let Some(purse) = plan.run.spend_usd_picos {
                prop_assert!(spent + plan.attempts[index].cost_p50_usd_picos.unwrap() <= purse);
            }
            tried.push(Tried { attempt: index, outcome, is_accepted: accepts && outcome.is_answer(), should_retry: None });
            spent += cost;
        }
        prop_assert!(tried.is_empty(), "no end after {} attempts", tried.len());
    }

    #[test]
    fn made_up_histories_never_panic(plan in varied(), history in prop::collection::vec((0..9_usize, endings(), any::<bool>()), 0..9), spent in any::<i64>()) {
        let tried: Vec<Tried> = history.iter().map(|(attempt, endings, is_accepted)| Tried { attempt: *attempt, outcome: endings[0].0, is_accepted: *is_accepted, should_retry: None }).collect();
        let _ = plan.next(&tried, spent);
    }
}

fn tried(all: &[(usize, OutcomeKind)]) -> Vec<Tried> {
    all.iter()
        .map(|(attempt, outcome)| Tried {
            attempt: *attempt,
            outcome: *outcome,
            is_accepted: false,
            should_retry: None,
        })
        .collect()
}

/// Every step and every reason to stop, each once by hand.
#[test]
fn each_step_and_each_why() {
    use OutcomeKind as K;
    let mut plan = base();
    let key = |name: &str| KeyRef::Env([name.to_owned()].into());
    for (attempt, name) in plan.attempts.iter_mut().zip(["A", "B", "B"]) {
        attempt.key = key(name);
    }
    plan.escalate.at_most = 1;
    let next = |plan: &Plan, all: &[(usize, OutcomeKind)]| plan.next(&tried(all), 0);
    let done = |why: Why| Step::Return(why);

    assert_eq!(next(&plan, &[]), Step::Fallback(0));
    assert_eq!(
        plan.next(&[Tried { attempt: 0, outcome: K::Complete, is_accepted: true, should_retry: None }], 0),
        done(Why::Accepted)
    );
    assert_eq!(next(&plan, &[(0, K::Rejected)]), done(Why::Final));
    assert_eq!(next(&plan, &[(0, K::Cancelled)]), done(Why::Final));
    assert_eq!(next(&plan, &[(0, K::ServerError)]), Step::Fallback(1));
    assert_eq!(next(&plan, &[(0, K::Incomplete)]), Step::Escalate(1));
    assert_eq!(next(&plan, &[(0, K::Incomplete), (1, K::Refused)]), done(Why::NothingLeft));
    assert_eq!(next(&plan, &[(2, K::Incomplete)]), done(Why::NothingLeft));
    assert_eq!(next(&plan, &[(0, K::Overflow)]), Step::Fallback(1));
    assert_eq!(next(&plan, &[(2, K::Overflow)]), done(Why::NothingLeft));
    // Another provider first; here `small` is at the one, `mid` and `top` at the other.
    assert_eq!(next(&plan, &[(1, K::Overloaded)]), Step::Fallback(0));
    // A key that is spent or refused is not tried again with another model.
    assert_eq!(next(&plan, &[(1, K::Exhausted)]), Step::Fallback(0));
    assert_eq!(next(&plan, &[(0, K::ServerError), (1, K::Unauthorized)]), done(Why::NothingLeft));
    // One that is busy may be: other keys first, then the rest, then once more.
    assert_eq!(next(&plan, &[(1, K::RateLimited)]), Step::Fallback(0));
    assert_eq!(next(&plan, &[(0, K::ServerError), (1, K::RateLimited)]), Step::Fallback(2));
    plan.run.attempts = 9;
    assert_eq!(next(&plan, &[(0, K::Connect), (1, K::Connect), (2, K::Connect)]), Step::Retry(2));
    assert_eq!(
        next(&plan, &[(0, K::Connect), (1, K::Connect), (2, K::Connect), (2, K::Connect)]),
        done(Why::NothingLeft)
    );
    plan.run.attempts = 1;
    assert_eq!(next(&plan, &[(0, K::ServerError)]), done(Why::Attempts));
    plan.run.attempts = 9;
    plan.run.spend_usd_picos = Some(0);
    assert_eq!(next(&plan, &[]), Step::Fallback(0), "the free model costs nothing");
    assert_eq!(next(&plan, &[(0, K::ServerError)]), done(Why::Spend));
    plan.run.spend_usd_picos = None;
    // Nothing is within any multiple of a free first choice.
    plan.escalate.cost_within_millionths = Some(5_000_000);
    assert_eq!(next(&plan, &[(0, K::Incomplete)]), done(Why::NothingLeft));
    plan.attempts.clear();
    assert_eq!(next(&plan, &[]), done(Why::NothingLeft));
}

#[test]
fn deployments_without_keys_share_none() {
    let plan = base();
    assert!(plan.attempts.iter().all(|attempt| attempt.key == KeyRef::None));
    let first = tried(&[(0, OutcomeKind::Unauthorized)]);
    assert_eq!(plan.next(&first, 0), Step::Fallback(1));
}

#[test]
fn a_plan_says_what_its_rule_says() {
    use turnout_core::policy::Accept;
    let policy = policy(&text(
        "rules:\n  - { name: r, when: tools > 0, from: mid, set: { thinking: high, max_tokens: 50 }, accept: complete, escalate: { at_most: 2 }, run: { attempts: 7 } }\n\
         otherwise: { from: [small, mid] }\naccept: [not_empty]\nescalate: { at_most: 1 }\nrun: { deadline: 9s, attempts: 2 }\n",
    ));
    let of = |body: &str| Call::body(&policy, body).with(|_, decision| plan(&policy, &decision));
    let chat = |more: &str| format!(r#"{{"messages":[{{"role":"user","content":"hi"}}]{more}}}"#);
    let ruled = of(&chat(r#","max_tokens":80,"tools":[{"type":"function","function":{"name":"f"}}]"#));
    assert_eq!((ruled.accept, ruled.escalate.at_most), (vec![Accept::Complete], 2));
    assert_eq!((ruled.run.attempts, ruled.run.deadline_ms), (7, 9_000), "a rule's bounds inherit the rest");
    assert_eq!(ruled.attempts[0].max_tokens, Some(50), "the smaller bound wins");
    let top = of(&chat(r#","max_tokens":7000"#));
    assert_eq!((top.accept, top.escalate.at_most, top.run.attempts), (vec![Accept::NotEmpty], 1, 2));
    let models: Vec<&str> = top.attempts.iter().map(|attempt| attempt.model.as_str()).collect();
    assert_eq!(models, ["small", "mid"]);
    assert_eq!(top.attempts[1].max_tokens, Some(7000));
    assert_eq!(
        of(&chat(r#","max_tokens":70000"#)).attempts.iter().map(|attempt| attempt.max_tokens).collect::<Vec<_>>(),
        [Some(8000)]
    );
}

#[test]
fn the_provider_goes_before_the_table() {
    let plan = base();
    let tried = |outcome, should_retry| [Tried { attempt: 0, outcome, is_accepted: false, should_retry }];
    let one = Plan { attempts: plan.attempts[..1].to_vec(), ..plan.clone() };
    // RELIABILITY F36: `x-should-retry` is obeyed before the table of outcomes.
    assert_eq!(one.next(&tried(OutcomeKind::Rejected, None), 0), Step::Return(Why::Final));
    assert_eq!(one.next(&tried(OutcomeKind::Rejected, Some(true)), 0), Step::Retry(0));
    assert_eq!(one.next(&tried(OutcomeKind::ServerError, None), 0), Step::Retry(0));
    assert_eq!(one.next(&tried(OutcomeKind::ServerError, Some(false)), 0), Step::Return(Why::NothingLeft));
    // It speaks of this target only.
    assert_eq!(plan.next(&tried(OutcomeKind::ServerError, Some(false)), 0), Step::Fallback(1));
    assert_eq!(plan.next(&tried(OutcomeKind::Rejected, Some(true)), 0), Step::Retry(0));
}

proptest! {
    #[test]
    fn a_hedge_is_new_affordable_and_within_the_attempts(
        plan in varied(),
        within in prop::option::of(0..3_000_000_i64),
        beside in 0..6_usize,
        tried in prop::collection::vec(0..6_usize, 0..4),
        spent in 0..200_i64,
    ) {
        let tried: Vec<Tried> = (tried.into_iter())
            .map(|attempt| Tried { attempt, outcome: OutcomeKind::Connect, is_accepted: false, should_retry: None })
            .collect();
        prop_assert!(plan.hedges(&tried, beside, spent).is_empty(), "no policy hedges unasked");
        let hedge = Hedge { after: HedgeAfter::Ms(1), share_permille: 30, cost_within_millionths: within };
        let mut plan = plan;
        plan.run.hedge = Some(hedge);
        for index in plan.hedges(&tried, beside, spent) {
            let (one, late) = (&plan.attempts[index], &plan.attempts[beside]);
            prop_assert!(index != beside && tried.iter().all(|each| each.attempt != index));
            prop_assert!(tried.len() + 2 <= usize::try_from(plan.run.attempts).unwrap());
            if let Some(purse) = plan.run.spend_usd_picos {
                prop_assert!(spent + late.cost_p50_usd_picos.unwrap_or(0) + one.cost_p50_usd_picos.unwrap() <= purse);
            }
            if let Some(within) = within {
                prop_assert!(one.cost_p50_usd_picos.unwrap() * 1_000_000 <= late.cost_p50_usd_picos.unwrap() * within);
            }
        }
    }
}
