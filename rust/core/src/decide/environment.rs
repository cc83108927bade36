//! What expressions see: the request, then the candidate, then the decision.

use std::cell::{Cell, RefCell};

use super::candidate::{Candidate, quality};
use super::facts::{RequestFacts, micro};
use super::inputs::Seen;
use crate::policy::Policy;
use crate::policy::expr::{Environment, Program, TextTest, Tri, Value};
use crate::policy::facts::FactId;

/// The request, the caller and the moment.
pub(super) struct RequestEnv<'e> {
    pub policy: &'e Policy,
    pub facts: &'e RequestFacts<'e>,
    /// The policy's own facts: evaluated once each by the estimate of `tokens` and once by its exact count, so that facts
    /// over facts stay linear.
    named: Vec<[Cell<Option<Known>>; 2]>,
    /// What the state said of deployments, for the record.
    seen: RefCell<Vec<Seen>>,
    /// The deployments that sessions are with, by the key of `meta` that names the session, for the record.
    held: RefCell<Vec<(String, String)>>,
}

/// A fact of the policy as it was evaluated.
#[derive(Clone, Copy)]
enum Known {
    Unknown,
    Bool(bool),
    Num(i64, i64),
    /// Read again each time: it is a name, a literal or a `??` of those.
    Text,
}

impl<'e> RequestEnv<'e> {
    pub fn new(policy: &'e Policy, facts: &'e RequestFacts<'e>) -> Self {
        let named = vec![[const { Cell::new(None) }; 2]; policy.facts.len()];
        Self { policy, facts, named, seen: RefCell::new(Vec::new()), held: RefCell::default() }
    }

    /// Whether a condition on the request holds; an estimate that leaves it open is sharpened once.
    pub fn holds(&self, program: &Program) -> Tri {
        self.sharpened(program, || program.holds(self))
    }

    /// Whether a condition on a candidate holds.
    pub fn holds_for(&self, program: &Program, candidate: &Candidate) -> Tri {
        let environment = CandidateEnv { base: self, candidate };
        self.sharpened(program, || program.holds(&environment))
    }

    /// Whether anything asked for a fact of the policy's own.
    pub fn was_read(&self, index: u16) -> bool {
        self.named.get(usize::from(index)).is_some_and(|memo| memo.iter().any(|memo| memo.get().is_some()))
    }

    /// Notes what the state said of a candidate, if anything.
    pub fn note(&self, candidate: &Candidate) {
        let seen = Seen {
            deployment: candidate.deployment,
            standing: candidate.standing,
            ttft_p50_ms: candidate.ttft_p50_ms,
            ttft_p95_ms: candidate.ttft_p95_ms,
            held: candidate.held,
            load: candidate.load,
        };
        let mut noted = self.seen.borrow_mut();
        let is_news = seen != Seen { deployment: seen.deployment, ..Seen::default() };
        if is_news && noted.iter().all(|known| known.deployment != seen.deployment) {
            noted.push(seen);
        }
    }

    /// Notes the deployment that a session is with.
    pub fn note_held(&self, by: &str, deployment: &str) {
        let mut held = self.held.borrow_mut();
        if held.iter().all(|(known, _)| known != by) {
            held.push((by.to_owned(), deployment.to_owned()));
        }
    }

    /// The sessions that were noted.
    pub fn held(&self) -> Vec<(String, String)> {
        self.held.take()
    }

    /// What was noted.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.take()
    }

    /// The value by the estimate; where that leaves it open, by the exact count.
    pub fn sharpened(&self, program: &Program, holds: impl Fn() -> Tri) -> Tri {
        self.facts.blur();
        let first = holds();
        if first == Tri::Unknown && self.reads_tokens(program) && self.facts.sharpen() { holds() } else { first }
    }

    fn reads_tokens(&self, program: &Program) -> bool {
        program.reads().iter().any(|fact| match fact {
            FactId::Tokens => true,
            FactId::Named(index) => self.policy.facts.get(usize::from(*index)).is_some_and(|fact| fact.reads_tokens),
            _ => false,
        })
    }
}

impl Environment for RequestEnv<'_> {
    fn fact(&self, fact: FactId) -> Value<'_> {
        match fact {
            FactId::Meta(index) => {
                self.policy.meta_keys.get(usize::from(index)).map_or(Value::Unknown, |key| self.facts.meta(key))
            }
            FactId::Named(index) => {
                let index = usize::from(index);
                let memo = self.named.get(index).and_then(|memo| memo.get(usize::from(self.facts.is_sharp())));
                let (Some(named), Some(memo)) = (self.policy.facts.get(index), memo) else {
                    return Value::Unknown;
                };
                let value = match memo.get() {
                    Some(Known::Unknown) => return Value::Unknown,
                    Some(Known::Bool(flag)) => return Value::Bool(flag),
                    Some(Known::Num(low, high)) => return Value::Num(low, high),
                    Some(Known::Text) | None => named.program.value(self),
                };
                let known = match value {
                    Value::Unknown => Known::Unknown,
                    Value::Bool(flag) => Known::Bool(flag),
                    Value::Num(low, high) => Known::Num(low, high),
                    Value::Text(_) => Known::Text,
                };
                memo.set(Some(known));
                value
            }
            other => self.facts.value(other),
        }
    }

    fn matches(&self, test: &TextTest) -> Tri {
        if test.fact == FactId::Prompt {
            return self.facts.ask_matches(test);
        }
        match self.fact(test.fact) {
            Value::Text(text) => test.pattern.is_match(text).into(),
            _ => Tri::Unknown,
        }
    }
}

/// Also the candidate.
pub(super) struct CandidateEnv<'e> {
    pub base: &'e RequestEnv<'e>,
    pub candidate: &'e Candidate,
}

impl Environment for CandidateEnv<'_> {
    fn fact(&self, fact: FactId) -> Value<'_> {
        candidate_fact(self.base, self.candidate, fact).unwrap_or_else(|| self.base.fact(fact))
    }

    fn matches(&self, test: &TextTest) -> Tri {
        match candidate_fact(self.base, self.candidate, test.fact) {
            Some(Value::Text(text)) => test.pattern.is_match(text).into(),
            Some(_) => Tri::Unknown,
            None => self.base.matches(test),
        }
    }
}

/// Also what was decided; without a choice every fact of a candidate is unknown.
pub(super) struct DecisionEnv<'e> {
    pub base: &'e RequestEnv<'e>,
    pub chosen: Option<&'e Candidate>,
    pub rule: &'e str,
}

impl Environment for DecisionEnv<'_> {
    fn fact(&self, fact: FactId) -> Value<'_> {
        match (fact, self.chosen) {
            (FactId::Rule, _) => Value::Text(self.rule),
            (FactId::Refused, chosen) => Value::Bool(chosen.is_none()),
            (fact, Some(candidate)) => {
                candidate_fact(self.base, candidate, fact).unwrap_or_else(|| self.base.fact(fact))
            }
            (fact, None) => self.base.fact(fact),
        }
    }

    fn matches(&self, test: &TextTest) -> Tri {
        match self.fact(test.fact) {
            Value::Text(text) if test.fact != FactId::Prompt => test.pattern.is_match(text).into(),
            _ => self.base.matches(test),
        }
    }
}

fn candidate_fact<'e>(base: &'e RequestEnv<'_>, candidate: &'e Candidate, fact: FactId) -> Option<Value<'e>> {
    let model = base.policy.models.get(candidate.model)?;
    let deployment = base.policy.deployments.get(candidate.deployment)?;
    let known = |count: Option<u64>| count.map_or(Value::Unknown, |count| Value::Num(micro(count), micro(count)));
    let money = |picos: Option<i64>| picos.map_or(Value::Unknown, |picos| Value::Num(picos, picos));
    let duration = |ms: Option<u32>| ms.map_or(Value::Unknown, |ms| Value::Num(ms.into(), ms.into()));
    Some(match fact {
        FactId::Model => Value::Text(&model.alias),
        FactId::ModelProvider => Value::Text(&model.facts.provider),
        FactId::ModelContext => known(model.facts.context),
        FactId::ModelMaxOutput => known(model.facts.max_output),
        FactId::ModelRank => known(Some(model.rank.into())),
        FactId::DeploymentName => Value::Text(&deployment.name),
        FactId::DeploymentRegion => deployment.region.as_deref().map_or(Value::Unknown, Value::Text),
        FactId::Quality => {
            // A test may ask where no rule does.
            let quality = candidate.quality.unwrap_or_else(|| quality(base.policy, base.facts, candidate.model));
            Value::Num(quality.low, quality.high)
        }
        FactId::Warm => Value::Bool(candidate.cache.as_ref().is_some_and(|cache| cache.read_tokens > 0)),
        FactId::CostP50 => money(candidate.cost_p50_usd_picos),
        FactId::CostP90 => money(candidate.cost_p90_usd_picos),
        FactId::TtftP50 => duration(candidate.ttft_p50_ms),
        FactId::TtftP95 => duration(candidate.ttft_p95_ms),
        _ => return None,
    })
}
