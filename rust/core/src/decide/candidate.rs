//! A deployment as a candidate for one request.

use super::facts::RequestFacts;
use super::forecast::Forecast;
use crate::catalog::{Terms, expected_cost};
use crate::control::ControlState;
use crate::policy::{Policy, Rule};
use crate::tokens::{Family, TokenCount};

/// A deployment with what this request would mean for it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Index of the deployment in the policy.
    pub deployment: usize,
    /// Index of the model in the policy.
    pub model: usize,
    /// Whether it stands in `else`.
    pub is_else: bool,
    /// Input tokens in the model's own vocabulary.
    pub input: TokenCount,
    /// The bound on the answer that will be sent, if any, in tokens.
    pub max_tokens: Option<u64>,
    /// Output tokens forecast.
    pub output: Forecast,
    /// Expected cost in pico-USD; none when the price is not known.
    pub cost_p50_usd_picos: Option<i64>,
    /// Cost that nine of ten such calls do not exceed, at the upper bound of the input.
    pub cost_p90_usd_picos: Option<i64>,
    /// Median time to first token seen.
    pub ttft_p50_ms: Option<u32>,
    /// 95th percentile of the time to first token seen.
    pub ttft_p95_ms: Option<u32>,
    /// 0 healthy; higher goes later. Never a reason to reject.
    pub standing: u8,
    /// The place in the rule's own order of preference among equals.
    pub order: usize,
}

/// The family of a model's vocabulary.
pub(super) fn family(policy: &Policy, model: usize) -> Family {
    policy
        .models
        .get(model)
        .and_then(|model| model.facts.tokenizer_family.as_deref())
        .map_or(Family::Unknown, Family::from_catalog)
}

/// The candidates of a rule in the order of `from` and `else`; deployments of one model by weight and seed.
pub(super) fn candidates(
    policy: &Policy,
    rule: &Rule,
    facts: &RequestFacts<'_>,
    forecasts: impl Fn(usize, Option<u64>) -> Forecast,
    state: Option<&ControlState>,
    now_ms: i64,
    seed: u64,
) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let places = rule.from.iter().map(|model| (*model, false)).chain(rule.or_else.iter().map(|model| (*model, true)));
    for (model, is_else) in places {
        let input = facts.input_tokens(family(policy, model));
        let max_tokens = bound(policy, rule, facts, model);
        let output = forecasts(model, max_tokens);
        let quote = policy.models.get(model).and_then(|model| model.facts.quote(&Terms::at(now_ms)).ok());
        let cost = |input, output| expected_cost(quote.as_ref()?, input, output).ok().map(|picos| picos.0);
        let (p50, p90) = (cost(input.tokens, output.p50_tokens), cost(input.high, output.p90_tokens));
        for deployment in by_weight(policy, model, seed) {
            let Some(row) = policy.deployments.get(deployment) else { continue };
            let provider = policy.models.get(model).map_or("", |model| model.facts.provider.as_str());
            let latency = state.and_then(|state| state.latency(&row.id));
            found.push(Candidate {
                deployment,
                model,
                is_else,
                input,
                max_tokens,
                output,
                cost_p50_usd_picos: p50,
                cost_p90_usd_picos: p90,
                ttft_p50_ms: latency.map(|latency| latency.ttft_p50_ms),
                ttft_p95_ms: latency.map(|latency| latency.ttft_p95_ms),
                standing: state
                    .map_or(0, |state| state.standing(&row.id, &row.key.label(), provider, now_ms).rank().tier),
                order: found.len(),
            });
        }
    }
    found
}

/// The bound that will be sent: the smaller of the client's and the rule's, and never above what the model can give.
fn bound(policy: &Policy, rule: &Rule, facts: &RequestFacts<'_>, model: usize) -> Option<u64> {
    let asked = match (facts.max_tokens(), rule.set.max_tokens) {
        (Some(client), Some(rule)) => Some(client.min(rule)),
        (client, rule) => client.or(rule),
    };
    let ceiling = policy.models.get(model).and_then(|model| model.facts.max_output);
    match (asked, ceiling) {
        (Some(asked), Some(ceiling)) => Some(asked.min(ceiling)),
        (asked, _) => asked,
    }
}

/// The deployments of a model: first the one on whose share of the weights the seed falls, then by weight.
fn by_weight(policy: &Policy, model: usize, seed: u64) -> Vec<usize> {
    let mut own: Vec<(usize, u32)> = policy
        .deployments
        .iter()
        .enumerate()
        .filter(|(_, deployment)| deployment.model == model)
        .map(|(index, deployment)| (index, deployment.weight))
        .collect();
    let total: u64 = own.iter().map(|(_, weight)| u64::from(*weight)).sum();
    if own.len() > 1 && total > 0 {
        let mut point = seed % total;
        let first = own.iter().position(|(_, weight)| {
            let weight = u64::from(*weight);
            let falls = point < weight;
            point = point.saturating_sub(weight);
            falls
        });
        let first = own.remove(first.unwrap_or(0));
        own.sort_by_key(|(index, weight)| (u32::MAX - weight, *index));
        own.insert(0, first);
    }
    own.into_iter().map(|(index, _)| index).collect()
}
