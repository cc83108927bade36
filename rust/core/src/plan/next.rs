//! After each outcome: what comes next.

use super::attempt::{Attempt, Plan};
use crate::outcome::{NextStep, OutcomeKind, OutcomeRow};
use crate::policy::KeyRef;

/// An attempt that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Index into the plan's attempts.
    pub attempt: usize,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// Whether the answer passed the plan's checks; false for every outcome that is no answer.
    pub is_accepted: bool,
    /// What the provider says of one more try of the same (`x-should-retry`); it goes before the outcome table.
    pub should_retry: Option<bool>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The same attempt once more.
    Retry(usize),
    /// Another deployment, because the last one failed.
    Fallback(usize),
    /// A stronger model, because the last answer was poor.
    Escalate(usize),
    /// Nothing: the best of what there is goes back.
    Return(Why),
}

/// Why nothing comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The answer was accepted.
    Accepted,
    /// The outcome is one that another target would not change.
    Final,
    /// Nothing is left to try.
    NothingLeft,
    /// As many attempts were made as the policy allows.
    Attempts,
    /// The next attempt would go over what the call may cost.
    Spend,
}

impl Why {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Final => "final",
            Self::NothingLeft => "nothing_left",
            Self::Attempts => "attempts",
            Self::Spend => "spend",
        }
    }
}

/// How often one deployment is tried in a call: the first time and one retry.
const TRIES_OF_ONE: usize = 2;

impl Plan {
    /// The step after what was tried; `spent_usd_picos` is what the call has cost so far. Whether the process may make
    /// an extra attempt at all is its retry budget's to say (`ControlState::may_retry`).
    pub fn next(&self, tried: &[Tried], spent_usd_picos: i64) -> Step {
        let Some(last) = tried.last() else {
            return match self.attempts.first() {
                None => Step::Return(Why::NothingLeft),
                Some(first) if !self.affords(first, spent_usd_picos) => Step::Return(Why::Spend),
                Some(_) => Step::Fallback(0),
            };
        };
        if last.is_accepted {
            return Step::Return(Why::Accepted);
        }
        let (Some(from), row) = (self.attempts.get(last.attempt), last.outcome.row()) else {
            return Step::Return(Why::NothingLeft);
        };
        let retry_same = last.should_retry.unwrap_or(row.retry_same);
        let step = if last.outcome.is_answer() {
            self.stronger(tried, from).map_or(Step::Return(Why::NothingLeft), Step::Escalate)
        } else if row.next == NextStep::Return && !retry_same {
            return Step::Return(Why::Final);
        } else {
            self.elsewhere(tried, from, row, retry_same)
        };
        let (Step::Retry(index) | Step::Fallback(index) | Step::Escalate(index)) = step else { return step };
        if tried.len() >= usize::try_from(self.run.attempts).unwrap_or(usize::MAX) {
            return Step::Return(Why::Attempts);
        }
        match self.attempts.get(index) {
            Some(next) if self.affords(next, spent_usd_picos) => step,
            _ => Step::Return(Why::Spend),
        }
    }

    /// Another deployment, else the same once more: a healthy target never waits behind a retry.
    fn elsewhere(&self, tried: &[Tried], from: &Attempt, row: &OutcomeRow, retry_same: bool) -> Step {
        let untried = |accept: &dyn Fn(&Attempt) -> bool| {
            self.attempts
                .iter()
                .enumerate()
                .find(|(index, attempt)| tried.iter().all(|one| one.attempt != *index) && accept(attempt))
                .map(|(index, _)| index)
        };
        let found = match row.next {
            NextStep::Return => None,
            NextStep::NextDeployment => untried(&|_| true),
            NextStep::SameModelOtherKey => {
                // Without keys nothing is shared: each deployment stands for itself.
                let other_key = |attempt: &Attempt| attempt.key != from.key || attempt.key == KeyRef::None;
                untried(&|attempt| attempt.model == from.model && other_key(attempt))
                    .or_else(|| untried(&other_key))
                    // A limit is often one model's: another model may still answer with the same key. A dead key answers nothing.
                    .or_else(|| if row.retry_same { untried(&|_| true) } else { None })
            }
            NextStep::NextProvider => {
                untried(&|attempt| attempt.provider != from.provider).or_else(|| untried(&|_| true))
            }
            NextStep::LargerWindow => untried(&|attempt| match (attempt.context, from.context) {
                (Some(larger), Some(window)) => larger > window,
                _ => false,
            }),
        };
        if let Some(index) = found {
            return Step::Fallback(index);
        }
        let Some(last) = tried.last() else { return Step::Return(Why::NothingLeft) };
        let tries = tried.iter().filter(|one| one.attempt == last.attempt).count();
        if retry_same && tries < TRIES_OF_ONE { Step::Retry(last.attempt) } else { Step::Return(Why::NothingLeft) }
    }

    /// The weakest untried model that is stronger than the one whose answer was poor.
    fn stronger(&self, tried: &[Tried], from: &Attempt) -> Option<usize> {
        let escalations = tried.iter().filter(|one| one.outcome.is_answer()).count();
        if escalations > usize::try_from(self.escalate.at_most).unwrap_or(usize::MAX) {
            return None;
        }
        let first = self.attempts.get(tried.first()?.attempt)?;
        self.attempts
            .iter()
            .enumerate()
            .filter(|(index, attempt)| attempt.rank > from.rank && tried.iter().all(|one| one.attempt != *index))
            .filter(|(_, attempt)| self.is_within(attempt, first))
            .min_by_key(|(index, attempt)| (attempt.rank, *index))
            .map(|(index, _)| index)
    }

    /// Whether an escalation costs no more than the policy's multiple of the first choice.
    fn is_within(&self, attempt: &Attempt, first: &Attempt) -> bool {
        let Some(within) = self.escalate.cost_within_millionths else { return true };
        match (attempt.cost_p50_usd_picos, first.cost_p50_usd_picos) {
            (Some(cost), Some(base)) => i128::from(cost) * 1_000_000 <= i128::from(base) * i128::from(within),
            _ => false,
        }
    }

    /// The attempts that may run beside a late one, in their order; none where the policy does not hedge. Each is untried,
    /// within the hedge's cost, and covered by the purse together with the one it runs beside.
    pub fn hedges(&self, tried: &[Tried], beside: usize, spent_usd_picos: i64) -> Vec<usize> {
        let (Some(hedge), Some(late)) = (self.run.hedge, self.attempts.get(beside)) else { return Vec::new() };
        if tried.len().saturating_add(2) > usize::try_from(self.run.attempts).unwrap_or(usize::MAX) {
            return Vec::new();
        }
        let costs = |attempt: &Attempt| Some((attempt.cost_p50_usd_picos?, late.cost_p50_usd_picos?));
        let is_within = |attempt: &Attempt| match (hedge.cost_within_millionths, costs(attempt)) {
            (None, _) => true,
            (Some(within), Some((cost, base))) => i128::from(cost) * 1_000_000 <= i128::from(base) * i128::from(within),
            (Some(_), None) => false,
        };
        let committed = spent_usd_picos.saturating_add(late.cost_p50_usd_picos.unwrap_or(0));
        let is_new = |index: usize| index != beside && tried.iter().all(|one| one.attempt != index);
        let rows = self.attempts.iter().enumerate();
        rows.filter(|(index, attempt)| is_new(*index) && is_within(attempt) && self.affords(attempt, committed))
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether the purse covers an attempt as it is expected to cost.
    fn affords(&self, attempt: &Attempt, spent_usd_picos: i64) -> bool {
        let Some(purse) = self.run.spend_usd_picos else { return true };
        attempt.cost_p50_usd_picos.is_some_and(|cost| spent_usd_picos.saturating_add(cost) <= purse)
    }
}
