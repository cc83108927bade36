//! A decision: what was chosen, from what, why, and from which facts. Owned, so that it outlives the request.

use std::sync::{Arc, OnceLock};

use super::candidate::{Candidate, Twins};
use super::experiment::Assignment;
use super::inputs::Inputs;
use super::sticky::StickyTrace;
use crate::policy::expr::{Tri, Value};
use crate::policy::facts::Type;
use crate::policy::{Caller, RuleLabel};
use crate::shared_str::SharedStr;

/// Whether a rule's condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It held, and the rule was taken.
    Matched,
    /// It did not hold.
    No,
    /// It could not be known, and the rule was not taken.
    Unknown,
    /// It could not be known, and the rule was taken because it chooses a stronger model.
    UnknownButStronger,
    /// It held, but an open rule above it was taken.
    Outranked,
}

impl Held {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::UnknownButStronger => "unknown-but-stronger",
            Self::Outranked => "outranked",
        }
    }

    pub(super) fn of(tri: Tri) -> Self {
        match tri {
            Tri::True => Self::Matched,
            Tri::False => Self::No,
            Tri::Unknown => Self::Unknown,
        }
    }
}

/// The rules that were looked at.
#[derive(Debug, Clone)]
pub struct RuleTrace {
    pub(super) labels: Arc<[RuleLabel]>,
    /// Of the first rules, one for each that was looked at.
    pub(super) held: Vec<Held>,
}

impl RuleTrace {
    /// Each rule, and whether its condition held.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleLabel, Held)> {
        self.labels.iter().zip(self.held.iter().copied())
    }
}

/// What became of a candidate. Each has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CandidateStatus {
    /// The first attempt.
    Chosen,
    /// A later attempt: 2 is the first fallback.
    Ranked(usize),
    /// Not eligible.
    Rejected {
        /// The first filter that it failed.
        code: String,
        /// One line for people.
        reason: String,
        /// Whether it was near an edge, and the safe side was taken.
        is_edge: bool,
    },
}

/// A fact as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue {
    /// Not known.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// From, to (equal when exact), in the unit of the type.
    Num(i64, i64, Type),
    /// A text.
    Text(String),
}

impl FactValue {
    pub(super) fn of(value: Value<'_>, ty: Type) -> Self {
        match value {
            Value::Unknown => Self::Unknown,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Num(low, high) => Self::Num(low, high, ty),
            Value::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

/// The name of a fact that a decision shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactName {
    /// One of the language.
    Known(&'static str),
    /// One of the policy's own, or of `meta`.
    Own(SharedStr),
}

impl FactName {
    /// The name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Own(name) => name,
        }
    }
}

/// A candidate with its names and what became of it.
#[derive(Debug, Clone)]
pub struct Considered {
    /// What the request meant for it.
    pub candidate: Candidate,
    /// The model's name in the policy.
    pub model: SharedStr,
    /// The deployment's id.
    pub deployment: SharedStr,
    /// The model's place on the ladder.
    pub rank: u32,
    /// Whether all wishes that were kept hold for it.
    pub meets_wants: bool,
    /// What became of it.
    pub status: CandidateStatus,
    /// Candidates of one run differ in nothing by which they are ranked but their order.
    pub(super) run: usize,
}

/// Every candidate of the rule. Of those that are alike in all that the decision looked at one stands for all until
/// someone looks at them.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    heads: Vec<Considered>,
    all: OnceLock<Vec<Considered>>,
}

impl Candidates {
    /// Ranked survivors, then the rejected; run by run.
    pub fn new(heads: Vec<Considered>) -> Self {
        Self { heads, all: OnceLock::new() }
    }

    fn all(&self) -> &[Considered] {
        if self.heads.iter().all(|head| head.candidate.twins.is_none()) {
            return &self.heads;
        }
        self.all.get_or_init(|| {
            let mut all = Vec::with_capacity(self.heads.len());
            for run in self.heads.chunk_by(|one, other| one.run == other.run) {
                let start = all.len();
                all.extend(run.iter().flat_map(Considered::laid_out));
                if let Some(run) = all.get_mut(start..) {
                    run.sort_by_key(|considered| considered.candidate.order);
                }
            }
            place(&mut all);
            all
        })
    }
}

impl Considered {
    /// It and those for which it stands.
    fn laid_out(&self) -> impl Iterator<Item = Self> {
        let alone = Self { candidate: Candidate { twins: None, ..self.candidate.clone() }, ..self.clone() };
        let twins = self.candidate.twins.iter().flat_map(Twins::others).map(|(member, order)| Self {
            deployment: member.id.clone(),
            candidate: Candidate { deployment: member.deployment, order, twins: None, ..self.candidate.clone() },
            ..self.clone()
        });
        std::iter::once(alone).chain(twins)
    }
}

/// Numbers the survivors in their order.
pub(super) fn place(considered: &mut [Considered]) {
    for (place, considered) in considered.iter_mut().enumerate() {
        if !matches!(considered.status, CandidateStatus::Rejected { .. }) {
            considered.status = if place == 0 { CandidateStatus::Chosen } else { CandidateStatus::Ranked(place + 1) };
        }
    }
}

/// A decision.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The policy's name.
    pub policy: SharedStr,
    /// blake3 of the policy's canonical form.
    pub policy_hash: SharedStr,
    /// blake3 of the catalogue.
    pub catalog_hash: SharedStr,
    /// The clock that was given, in milliseconds since 1970.
    pub now_ms: i64,
    /// The seed that was given.
    pub seed: u64,
    /// Index of the rule that was taken.
    pub rule_index: usize,
    /// Its name.
    pub rule: SharedStr,
    /// The rules that were looked at, in order, the one that was taken last unless an unknown one above it won.
    pub trace: RuleTrace,
    /// The facts that were at hand, in the order of the table, then the policy's own, then `meta`, both by name.
    pub facts: Vec<(FactName, FactValue)>,
    pub(super) candidates: Candidates,
    /// Wishes that were given up, rightmost first.
    pub relaxed: Vec<String>,
    /// The arm of the rule's experiment; none where the rule has no experiment.
    pub experiment: Option<Assignment>,
    /// What became of the session; none where the policy has no `sticky`.
    pub sticky: Option<StickyTrace>,
    /// What the caller passed that names scopes of budgets and limits.
    pub caller: Caller,
    /// What it read beside its facts: of the request, the state and the keys.
    pub inputs: Inputs,
    /// What the highest-ranked model of the policy would be expected to cost: the counterfactual of a saving.
    pub strongest: Option<(SharedStr, i64)>,
}

impl Decision {
    /// The candidate that was chosen; none when nothing was eligible.
    pub fn chosen(&self) -> Option<&Considered> {
        self.candidates.heads.first().filter(|considered| considered.status == CandidateStatus::Chosen)
    }

    /// Every candidate of the rule; attempts first, in their order, then the rejected. Those that are alike are laid out
    /// the first time.
    pub fn candidates(&self) -> &[Considered] {
        self.candidates.all()
    }

    /// The candidates to try, in order.
    pub fn attempts(&self) -> impl Iterator<Item = &Considered> {
        self.candidates().iter().take_while(|considered| !matches!(considered.status, CandidateStatus::Rejected { .. }))
    }
}
