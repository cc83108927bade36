//! What budgets have left when a decision is made, and what a call may cost at most.
//!
//! Promises: a decision reads each budget once, and its record says what it read; the upper bound of a call holds whatever
//! the model does, as far as its bound on the answer is known. Refuses: to reserve, which is the book's to do when the
//! attempt is made: between a decision and its attempt others spend too.
//!
//! A test breaks it with a record that decides otherwise, or a bill above the bound of a priced call.

use super::choose::DecideInputs;
use super::expected_cost::uncached;
use super::facts::RequestFacts;
use super::prompt_cache::CacheUse;
use crate::catalog::{CostError, Quote, cost};
use crate::control::reservations::{Amounts, Moment, ScopeStanding};
use crate::policy::expr::Value;
use crate::policy::facts::FactId;
use crate::policy::{Caller, GivenValue, Policy};
use crate::tokens::{Method, TokenCount};
use crate::usage::Usage;

/// What a decision saw of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct BudgetSeen {
    /// The share that is spent or held, in millionths.
    pub used_millionths: i64,
    /// What is left, in nano-USD; negative after a debt.
    pub left_usd_nanos: i64,
}

/// The values of the caller that name scopes, as texts.
pub(super) fn caller(policy: &Policy, facts: &RequestFacts<'_>) -> Caller {
    let mut found = Caller::new();
    for key in policy.scope_keys() {
        if found.iter().any(|(known, _)| known == key) {
            continue;
        }
        let text = match facts.meta(key) {
            Value::Text(text) => text.to_owned(),
            Value::Bool(flag) => flag.to_string(),
            // Millionths name a number as well as its digits do.
            Value::Num(number, _) => format!("{number}e-6"),
            Value::Unknown => continue,
        };
        found.push((key.into(), text));
    }
    found
}

/// How the policy's budgets stand for a caller: by the record, by the test that gives them, else by the state.
pub(super) fn seen(inputs: &DecideInputs<'_>, caller: &Caller) -> Vec<BudgetSeen> {
    if let Some(recorded) = inputs.facts.recorded() {
        return recorded.inputs.budgets.clone();
    }
    let now = Moment { wall_ms: inputs.now_ms, mono_ms: 0 };
    let budgets = inputs.policy.budgets.iter().enumerate();
    budgets
        .map(|(index, budget)| {
            let limit = budget.limit_usd_nanos;
            if let Some(seen) = given(inputs.facts, index, limit) {
                return seen;
            }
            let claim = budget.claim(caller);
            let standing = inputs.state.map_or_else(ScopeStanding::default, |state| state.book().standing(&claim, now));
            BudgetSeen { used_millionths: standing.used_millionths(limit), left_usd_nanos: standing.left(limit) }
        })
        .collect()
}

/// What a test says of a budget.
fn given(facts: &RequestFacts<'_>, index: usize, limit: i64) -> Option<BudgetSeen> {
    let index = u16::try_from(index).ok()?;
    let number = |id| match facts.given(id) {
        Some(GivenValue::Num(number)) => Some(*number),
        _ => None,
    };
    let scaled = |a: i64, b: i64, by: i64| {
        i64::try_from(i128::from(a) * i128::from(b) / i128::from(by.max(1))).unwrap_or(i64::MAX)
    };
    match (number(FactId::BudgetUsed(index)), number(FactId::BudgetLeft(index))) {
        (Some(used_millionths), _) => {
            let left_usd_nanos = limit.saturating_sub(scaled(limit, used_millionths, 1_000_000));
            Some(BudgetSeen { used_millionths, left_usd_nanos })
        }
        (None, Some(left_picos)) => {
            let left_usd_nanos = left_picos / 1_000;
            let used_millionths = scaled(limit.saturating_sub(left_usd_nanos), 1_000_000, limit);
            Some(BudgetSeen { used_millionths, left_usd_nanos })
        }
        (None, None) => None,
    }
}

/// The most that a call can use and cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upper {
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens of all answers, thinking included.
    pub output_tokens: u64,
    /// Nano-USD, rounded up; none where a price is not known.
    pub usd_nanos: Option<i64>,
}

impl Upper {
    /// The most of a call with this input and so many tokens of output. An estimate of the input is taken a tenth above its
    /// own upper bound (RELIABILITY, L4).
    pub(super) fn of(
        quote: Option<&Quote<'_>>,
        input: &TokenCount,
        output_tokens: u64,
        web_searches: u64,
        cache: Option<&CacheUse<'_>>,
    ) -> Self {
        let margin = if input.method == Method::Exact { 0 } else { input.high / 10 };
        let input_tokens = input.high.saturating_add(margin);
        let priced = |quote: &Quote<'_>, from: Usage| -> Result<i64, CostError> {
            // Thinking is part of the output, and may have a price of its own: the dearer of the two counts.
            let text = cost(quote, &Usage { output_text: output_tokens, web_searches, ..from })?;
            let thinking = cost(quote, &Usage { reasoning: output_tokens, web_searches, ..from })?;
            Ok(text.0.max(thinking.0))
        };
        let picos = quote.and_then(|quote| {
            let plain = priced(quote, uncached(input_tokens)).ok()?;
            let cold = cache.map_or(Ok(plain), |cache| priced(quote, cache.cold(input_tokens))).ok()?;
            Some(plain.max(cold))
        });
        let usd_nanos = picos.map(|picos| picos.saturating_add(999) / 1_000);
        Self { input_tokens, output_tokens, usd_nanos }
    }

    /// What to reserve. An unknown cost is more than any budget has.
    pub fn amounts(&self) -> Amounts {
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        Amounts {
            usd_nanos: self.usd_nanos.unwrap_or(i64::MAX),
            input_tokens: count(self.input_tokens),
            output_tokens: count(self.output_tokens),
        }
    }
}
