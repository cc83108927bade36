//! A deployment as a candidate for one request.

use super::budgets::Upper;
use super::expected_cost::{CallTerms, DEFAULT_MAX_TOKENS, ExpectedCost, TierEdge};
use super::facts::RequestFacts;
use super::forecast::Forecast;
use super::prompt_cache::{CacheForecast, CachePlan};
use super::state_view::StateView;
use crate::catalog::{Model, Quote};
use crate::policy::expr::Value;
use crate::policy::facts::FactId;
use crate::policy::{Policy, PolicyModel, Rule};
use crate::quality::{self, Evidence, Quality};
use crate::tokens::{Family, TokenCount};
use crate::wire::Dialect;

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
    /// The output forecast, of all answers that are asked for together.
    pub output: Forecast,
    /// Expected cost in pico-USD; none when the price is not known.
    pub cost_p50_usd_picos: Option<i64>,
    /// Cost that nine of ten such calls do not exceed, at the upper bound of the input, with nothing in the prompt cache.
    pub cost_p90_usd_picos: Option<i64>,
    /// The most that it can use and cost; none where the policy reserves nothing.
    pub upper: Option<Upper>,
    /// Why an expected cost is not known.
    pub cost_unknown: Option<String>,
    /// A price tier that the input is near.
    pub tier_edge: Option<TierEdge>,
    /// What the prompt cache is expected to do; none where nothing is cached.
    pub cache: Option<CacheForecast>,
    /// How much of the request its prompt cache is likely to hold, in bytes of text.
    pub held: u64,
    /// How good its answer is likely to be; none where the policy asks for nothing of the kind.
    pub quality: Option<Quality>,
    /// The terms that the attempt will ask for.
    pub terms: CallTerms,
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

/// How good the answer of a model is likely to be: from what was measured of it, else the prior.
pub(super) fn quality(policy: &Policy, facts: &RequestFacts<'_>, model: usize) -> Quality {
    quality_at(policy, difficulty(facts), model)
}

fn quality_at(policy: &Policy, difficulty: (i64, i64), model: usize) -> Quality {
    let (rank, evidence) = policy.models.get(model).map_or((1, Evidence::Prior), |model| (model.rank, model.evidence));
    match evidence {
        Evidence::Prior => quality::prior(rank, policy.ranks, difficulty),
    }
}

/// The difficulty of the ask, both ends: one that is not known may be any.
fn difficulty(facts: &RequestFacts<'_>) -> (i64, i64) {
    match facts.value(FactId::Difficulty) {
        Value::Num(easy, hard) => (easy, hard),
        _ => (0, 1_000_000),
    }
}

/// The candidates of a rule in the order of `from` and `else`; deployments of one model by weight and seed.
pub(super) fn candidates(
    policy: &Policy,
    rule: &Rule,
    facts: &RequestFacts<'_>,
    forecasts: impl Fn(&Model, Option<u64>, &TokenCount) -> Forecast,
    state: &StateView<'_>,
    now_ms: i64,
    seed: u64,
) -> Vec<Candidate> {
    // One for most: a model has one deployment unless the file says otherwise.
    let mut found: Vec<Candidate> = Vec::with_capacity(rule.from.len() + rule.or_else.len());
    // Nobody asks how good the answers are where nothing looks at the prompt.
    let difficulty = policy.classifies.then(|| difficulty(facts));
    let places = rule.from.iter().map(|model| (*model, false)).chain(rule.or_else.iter().map(|model| (*model, true)));
    for (index, is_else) in places {
        let Some(model) = policy.models.get(index) else { continue };
        let family = family(policy, index);
        let input = facts.input_tokens(family);
        let max_tokens = bound(policy, rule, facts, index);
        let output = forecasts(&model.facts, max_tokens, &input);
        let quality = difficulty.map(|difficulty| quality_at(policy, difficulty, index));
        for (deployment, _) in by_weight(policy, index, seed) {
            let Some(row) = policy.deployments.get(deployment) else { continue };
            let terms = CallTerms::of(facts.request(), model, row, now_ms);
            let quote = model.facts.quote(&terms.at(now_ms));
            let quote = quote.as_ref();
            // An estimate that leaves the tier open is counted exactly if it can be.
            let is_open = quote.is_ok_and(|quote| is_tier_open(quote, &input));
            let exact = if is_open { facts.exact_input_tokens(family) } else { None };
            let input = exact.unwrap_or(input);
            let rates = quote.ok().map(|quote| quote.rates_at(input.tokens));
            let plan = rates.filter(|_| state.is_there()).and_then(|rates| CachePlan::of(model, rates, facts));
            let cache = plan.as_ref().map(|plan| plan.at(state.held(plan, deployment, row, now_ms)));
            let cost = ExpectedCost::of(quote, &input, &output, cache.as_ref());
            let upper = policy.reserves().then(|| {
                let most = longest(model, max_tokens, &output).saturating_mul(facts.request().choices.max(1));
                Upper::of(quote.ok(), &input, most, output.p90_web_searches, cache.as_ref())
            });
            let latency = state.latency(deployment, row);
            let provider = model.facts.provider.as_str();
            found.push(Candidate {
                deployment,
                model: index,
                is_else,
                input,
                max_tokens,
                output,
                cost_p50_usd_picos: cost.p50_usd_picos,
                cost_p90_usd_picos: cost.p90_usd_picos,
                upper,
                cost_unknown: cost.unknown,
                tier_edge: cost.tier_edge,
                cache: cache.as_ref().map(|cache| cache.forecast(input.tokens)),
                ttft_p50_ms: latency.map(|latency| latency.ttft_p50_ms),
                ttft_p95_ms: latency.map(|latency| latency.ttft_p95_ms),
                held: cache.as_ref().map_or(0, |cache| cache.held),
                standing: state.standing(deployment, row, provider, now_ms),
                order: found.len(),
                quality,
                terms,
            });
        }
    }
    found
}

/// The longest that one answer can be: its bound, else what the model can give. Of a model that nobody knows, eight times
/// what nine of ten answers stay below.
fn longest(model: &PolicyModel, max_tokens: Option<u64>, output: &Forecast) -> u64 {
    let needs_bound = model.dialect == Dialect::AnthropicMessages;
    let ceiling = if needs_bound {
        Some(model.facts.max_output.unwrap_or(DEFAULT_MAX_TOKENS).min(DEFAULT_MAX_TOKENS))
    } else {
        model.facts.max_output
    };
    max_tokens.or(ceiling).unwrap_or_else(|| output.p90_tokens.saturating_mul(8))
}

/// Whether the bounds of an input leave open in which price tier it is.
fn is_tier_open(quote: &Quote<'_>, input: &TokenCount) -> bool {
    quote.next_tier(input.low).is_some_and(|tier| tier.covers(input.high))
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

/// The deployments of a model with their weights: first the one on whose share of the weights the seed falls, then by weight.
fn by_weight(policy: &Policy, model: usize, seed: u64) -> Vec<(usize, u32)> {
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
    own
}
