//! The choice itself.

use std::sync::Arc;

use super::budgets::{caller, seen};
use super::candidate::Field;
use super::decision::{CandidateStatus, Candidates, Considered, Decision, FactName, FactValue, Held, RuleTrace, place};
use super::eligibility::{Needs, Rejection};
use super::environment::{DecisionEnv, RequestEnv};
use super::expected_cost::uncached;
use super::experiment::{Assignment, assigned};
use super::facts::{RequestFacts, asked_thinking};
use super::forecast::{Ask, forecast};
use super::inputs::Inputs;
use super::report::decimal;
use super::state_view::StateView;
use super::sticky::{StickyTrace, session_of, stick};
use crate::calendar;
use crate::catalog::{Terms, cost};
use crate::control::ControlState;
use crate::money::UsdPicos;
use crate::policy::expr::{Environment, Program, Tri, Value};
use crate::policy::facts::{FACTS, FactId, Scope, Type};
use crate::policy::{Policy, Prefer, Rule, UnknownMode};
use crate::shared_str::SharedStr;

/// Everything that a decision depends on.
pub struct DecideInputs<'i> {
    /// The policy.
    pub policy: &'i Policy,
    /// The hash of the catalogue that the policy was compiled with.
    pub catalog_hash: &'i SharedStr,
    /// The request's facts.
    pub facts: &'i RequestFacts<'i>,
    /// Whether the key of each deployment is present.
    pub has_key: &'i [bool],
    /// What this process has seen of the deployments; none is empty.
    pub state: Option<&'i ControlState>,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Spreads calls over equal deployments.
    pub seed: u64,
}

/// Decides. Never fails: when nothing is eligible, the decision has no choice and every reason.
pub fn decide(inputs: &DecideInputs<'_>) -> Decision {
    let policy = inputs.policy;
    let env = RequestEnv::new(policy, inputs.facts);
    let caller = caller(policy, inputs.facts);
    if !policy.budgets.is_empty() {
        inputs.facts.budgets(|| seen(inputs, &caller));
    }
    let (rule_index, held, choice) = first_match(inputs, &env);
    let rule_name = policy.rules.get(rule_index).map(|rule| rule.name.clone()).unwrap_or_default();
    let facts = facts_at_hand(policy, &env);
    Decision {
        policy: policy.name.clone(),
        policy_hash: policy.hash.clone(),
        catalog_hash: inputs.catalog_hash.clone(),
        now_ms: inputs.now_ms,
        seed: inputs.seed,
        rule_index,
        rule: rule_name,
        trace: RuleTrace { labels: Arc::clone(&policy.shown.rules), held },
        strongest: strongest(inputs),
        caller,
        inputs: Inputs {
            held: env.held(),
            named: policy.named.clone(),
            ..inputs.facts.inputs(&facts, env.seen(), inputs.has_key, policy.deployments.len(), inputs.state.is_some())
        },
        facts,
        candidates: Candidates::new(choice.considered),
        relaxed: choice.relaxed,
        experiment: choice.experiment,
        sticky: choice.sticky,
    }
}

/// Whether an expectation of a test holds for a decision.
pub(crate) fn expectation(inputs: &DecideInputs<'_>, decision: &Decision, expect: &Program) -> Tri {
    let base = RequestEnv::new(inputs.policy, inputs.facts);
    let chosen = decision.chosen().map(|considered| &considered.candidate);
    let environment = DecisionEnv { base: &base, chosen, rule: &decision.rule };
    base.sharpened(expect, || expect.holds(&environment))
}

/// What an expectation reads beside the names and costs that every failure shows: name and value. One that asks for the
/// rule reads what the rules that were looked at read.
pub(crate) fn also_read(inputs: &DecideInputs<'_>, decision: &Decision, expect: &Program) -> Vec<(String, String)> {
    let policy = inputs.policy;
    let base = RequestEnv::new(policy, inputs.facts);
    let chosen = decision.chosen().map(|considered| &considered.candidate);
    let environment = DecisionEnv { base: &base, chosen, rule: &decision.rule };
    let asks_rule = expect.reads().contains(&FactId::Rule);
    let looked_at = policy.rules.iter().take(if asks_rule { decision.trace.rules().count() } else { 0 });
    let mut reads: Vec<FactId> =
        looked_at.filter_map(|rule| rule.when.as_ref()).flat_map(Program::reads).copied().collect();
    reads.extend(expect.reads());
    let shown = ["rule", "model", "model.name", "deployment.name", "cost.p50", "cost.p90", "refused", "prompt"];
    let of_table = FACTS.iter().filter(|row| reads.contains(&row.id) && !shown.contains(&row.name));
    let mut found: Vec<(String, String)> = of_table
        .map(|row| (row.name.to_owned(), in_words(environment.fact(row.id), row.ty, row.range.is_some())))
        .collect();
    for (index, fact) in policy.facts.iter().enumerate() {
        let id = FactId::Named(u16::try_from(index).unwrap_or(u16::MAX));
        if reads.contains(&id) {
            found.push((fact.name.clone(), in_words(environment.fact(id), fact.ty, false)));
        }
    }
    for (index, key) in policy.meta_keys.iter().enumerate() {
        if u16::try_from(index).is_ok_and(|index| reads.contains(&FactId::Meta(index))) {
            found.push((format!("meta.{key}"), in_words(base.facts.meta(key), Type::Meta, false)));
        }
    }
    found
}

/// A value for people, without spaces.
fn in_words(value: Value<'_>, ty: Type, is_share: bool) -> String {
    let bounds = |low: i64, high: i64, one: &dyn Fn(i64) -> String| {
        if low == high { one(low) } else { format!("{}..{}", one(low), one(high)) }
    };
    match (value, ty) {
        (Value::Unknown, _) => "unknown".to_owned(),
        (Value::Bool(flag), _) => flag.to_string(),
        (Value::Text(text), _) => format!("`{text}`"),
        (Value::Num(low, high), _) if is_share => bounds(low, high, &|value| format!("{}%", value / 10_000)),
        (Value::Num(low, high), Type::Duration) => bounds(low, high, &|value| format!("{value}ms")),
        (Value::Num(low, high), Type::Money) => bounds(low, high, &|value| UsdPicos(value).to_string()),
        (Value::Num(low, _), Type::Time) => format!("{:02}:{:02}", low / 60, low % 60),
        (Value::Num(low, _), Type::Date) => calendar::format_day(low),
        (Value::Num(low, high), _) => bounds(low, high, &decimal),
    }
}

struct Choice {
    considered: Vec<Considered>,
    relaxed: Vec<String>,
    experiment: Option<Assignment>,
    sticky: Option<StickyTrace>,
}

impl Choice {
    /// The rank of what is chosen, 0 when nothing is.
    fn strength(&self) -> u32 {
        match self.considered.first() {
            Some(first) if first.status == CandidateStatus::Chosen => first.rank,
            _ => 0,
        }
    }
}

/// The first rule that holds; an open one above it wins if it would choose a stronger model.
fn first_match(inputs: &DecideInputs<'_>, env: &RequestEnv<'_>) -> (usize, Vec<Held>, Choice) {
    let mut trace = Vec::with_capacity(inputs.policy.rules.len());
    let mut open: Vec<(usize, &Rule)> = Vec::new();
    for (index, rule) in inputs.policy.rules.iter().enumerate() {
        let held = rule.when.as_ref().map_or(Tri::True, |when| env.holds(when));
        trace.push(Held::of(held));
        match held {
            Tri::False => {}
            Tri::Unknown => open.push((index, rule)),
            Tri::True => {
                let mut best = (index, choose(inputs, env, index, rule));
                // A rule that matches and has nothing eligible refuses the call; it does not make room for another rule.
                if inputs.policy.unknown == UnknownMode::Strongest && best.1.strength() > 0 {
                    for (index, rule) in open {
                        let choice = choose(inputs, env, index, rule);
                        if choice.strength() > best.1.strength() {
                            best = (index, choice);
                        }
                    }
                }
                if best.0 != index {
                    if let Some(held) = trace.get_mut(best.0) {
                        *held = Held::UnknownButStronger;
                    }
                    if let Some(held) = trace.get_mut(index) {
                        *held = Held::Outranked;
                    }
                }
                return (best.0, trace, best.1);
            }
        }
    }
    // A compiled policy ends with `otherwise`, which always holds; an empty one chooses nothing.
    (0, trace, Choice { considered: Vec::new(), relaxed: Vec::new(), experiment: None, sticky: None })
}

fn choose(inputs: &DecideInputs<'_>, env: &RequestEnv<'_>, index: usize, rule: &Rule) -> Choice {
    let policy = inputs.policy;
    let state = match inputs.facts.recorded() {
        Some(recorded) => StateView::Recorded(&recorded.inputs),
        None => StateView::Live(inputs.state),
    };
    // The task counts in the forecast only where the policy looks at the prompt anyway: else nothing is classified.
    let ask = Ask::of(inputs.facts, policy.classifies);
    let thinking = rule.set.thinking.or_else(|| asked_thinking(inputs.facts.request()));
    let field =
        Field { policy, facts: inputs.facts, has_key: inputs.has_key, state, now_ms: inputs.now_ms, seed: inputs.seed };
    let mut eligible =
        field.candidates(rule, |model, max_tokens, input| forecast(ask, model, thinking, max_tokens, input));
    let needs = Needs::of(inputs.facts, policy, rule);
    let mut is_any_rejected = false;
    for considered in &mut eligible {
        let candidate = &considered.candidate;
        env.note(candidate);
        let has_key = inputs.has_key.get(candidate.deployment).copied().unwrap_or(false);
        if let Some(Rejection { code, reason, is_edge }) = needs.rejection(env, rule, candidate, has_key) {
            considered.status = CandidateStatus::Rejected { code, reason, is_edge };
            is_any_rejected = true;
        }
    }
    let mut rejected: Vec<Considered> = Vec::new();
    if is_any_rejected {
        let is_eligible = |considered: &Considered| considered.status == CandidateStatus::Chosen;
        (eligible, rejected) = eligible.into_iter().partition(is_eligible);
    }
    let assigned = assigned(policy, index, inputs.facts);
    let arm = assigned.and_then(|(_, arm)| arm);
    let is_other_arm = |considered: &Considered| arm.is_some_and(|arm| considered.candidate.model != arm);
    let kept = kept_wants(env, rule, &eligible, is_other_arm);
    let wants = rule.want.get(..kept).unwrap_or_default();
    for considered in &mut eligible {
        considered.meets_wants = wants.iter().all(|want| env.holds_for(want, &considered.candidate) == Tri::True);
    }
    let rank = |considered: &Considered| {
        let candidate = &considered.candidate;
        let preference = preference(rule.prefer, considered);
        (candidate.standing, candidate.is_else, is_other_arm(considered), !considered.meets_wants, preference)
    };
    eligible.sort_by_cached_key(|considered| (rank(considered), considered.candidate.order));
    let mut run = 0;
    let mut before = None;
    for considered in &mut eligible {
        let own = rank(considered);
        run += usize::from(before.is_some_and(|before| before != own));
        (considered.run, before) = (run, Some(own));
    }
    let sticky = rule.sticky.as_ref().map(|sticky| {
        let session = session_of(sticky, inputs.facts.meta(&sticky.by));
        let held = session.and_then(|session| field.state.session(&sticky.by, session, inputs.now_ms));
        if let Some(held) = &held {
            env.note_held(&sticky.by, held);
        }
        stick(sticky, env, &mut eligible, &rejected, held, |considered| {
            (considered.candidate.is_else, is_other_arm(considered), !considered.meets_wants)
        })
    });
    place(&mut eligible);
    let relaxed = if eligible.is_empty() { &[] } else { rule.want.get(kept..).unwrap_or_default() };
    let relaxed = relaxed.iter().rev().map(|want| want.source().to_string()).collect();
    let experiment = assigned.map(|(experiment, arm)| {
        let alias = |model: usize| Some(policy.models.get(model)?.alias.to_string());
        Assignment {
            experiment: experiment.name.clone(),
            by: experiment.by.clone(),
            arm: arm.and_then(alias),
            is_followed: arm.is_some() && eligible.first().map(|first| first.candidate.model) == arm,
        }
    });
    eligible.append(&mut rejected);
    Choice { considered: eligible, relaxed, experiment, sticky }
}

/// How many wishes, from the left, some candidate of the group that is tried first meets together: what is chosen comes
/// from that group, so that `relaxed` is what the choice does without.
fn kept_wants(
    env: &RequestEnv<'_>,
    rule: &Rule,
    eligible: &[Considered],
    is_other_arm: impl Fn(&Considered) -> bool,
) -> usize {
    let group_of = |considered: &Considered| {
        (considered.candidate.standing, considered.candidate.is_else, is_other_arm(considered))
    };
    if rule.want.is_empty() {
        return 0;
    }
    let first = eligible.iter().map(group_of).min();
    let group: Vec<&Considered> = eligible.iter().filter(|considered| Some(group_of(considered)) == first).collect();
    let meets = |considered: &&Considered, count: usize| {
        let wants = rule.want.get(..count).unwrap_or_default();
        wants.iter().all(|want| env.holds_for(want, &considered.candidate) == Tri::True)
    };
    (0..=rule.want.len()).rev().find(|count| group.iter().any(|considered| meets(considered, *count))).unwrap_or(0)
}

/// Smaller is better; the second where the first are equal.
fn preference(prefer: Prefer, considered: &Considered) -> (i64, i64) {
    let candidate = &considered.candidate;
    match prefer {
        Prefer::Cheapest => (candidate.cost_p50_usd_picos.unwrap_or(i64::MAX), 0),
        // What is certain counts: of two doubts the one that promises less goes later.
        Prefer::Best => (candidate.quality.map_or(0, |quality| -quality.low), -i64::from(considered.rank)),
        Prefer::Fastest => (candidate.ttft_p50_ms.map_or(i64::MAX, i64::from), 0),
        Prefer::InOrder => (0, 0),
    }
}

/// What the strongest model that any rule can choose would cost, whatever its eligibility.
fn strongest(inputs: &DecideInputs<'_>) -> Option<(SharedStr, i64)> {
    let policy = inputs.policy;
    let index = policy.strongest?;
    let model = policy.models.get(index)?;
    let input = inputs.facts.input_tokens(model.family);
    let ask = Ask::of(inputs.facts, policy.classifies);
    let thinking = asked_thinking(inputs.facts.request());
    let output = forecast(ask, &model.facts, thinking, inputs.facts.max_tokens(), &input);
    let quote = model.facts.quote(&Terms::at(inputs.now_ms)).ok()?;
    let cost = cost(&quote, &output.likely(uncached(input.tokens))).ok()?;
    Some((model.alias.clone(), cost.0))
}

fn facts_at_hand(policy: &Policy, env: &RequestEnv<'_>) -> Vec<(FactName, FactValue)> {
    env.facts.settle();
    let of_request = FACTS
        .iter()
        .filter(|row| row.scope == Scope::Request && env.facts.is_at_hand(row.id))
        .map(|row| (FactName::Known(row.name), FactValue::of(env.fact(row.id), row.ty)));
    let own = policy.shown.facts.iter().filter_map(|(index, label)| {
        let fact = policy.facts.get(*index)?;
        let id = u16::try_from(*index).ok()?;
        let value = || FactValue::of(env.fact(FactId::Named(id)), fact.ty);
        env.was_read(id).then(|| (FactName::Own(label.clone()), value()))
    });
    let budgets = policy.shown.budgets.iter().zip(0_u16..).flat_map(|(label, index)| {
        let fact = |label: &SharedStr, id, ty| (FactName::Own(label.clone()), FactValue::of(env.fact(id), ty));
        [
            fact(&label.used, FactId::BudgetUsed(index), Type::Number),
            fact(&label.left, FactId::BudgetLeft(index), Type::Money),
        ]
    });
    let meta = policy.shown.meta.iter().filter_map(|(index, label)| {
        let value = env.facts.meta(policy.meta_keys.get(*index)?);
        Some((FactName::Own(label.clone()), FactValue::of(value, Type::Number)))
    });
    let mut found = Vec::with_capacity(FACTS_SHOWN);
    found.extend(of_request.chain(budgets).chain(own).chain(meta));
    found
}

/// How many facts most decisions show.
const FACTS_SHOWN: usize = 24;
