//! A deployment as a candidate for one request.

use std::ops::Deref;
use std::sync::Arc;

use super::budgets::Upper;
use super::decision::{CandidateStatus, Considered};
use super::expected_cost::{CallTerms, DEFAULT_MAX_TOKENS, ExpectedCost, TierEdge};
use super::facts::RequestFacts;
use super::forecast::Forecast;
use super::prompt_cache::{CacheForecast, CachePlan};
use super::spread::spread;
use super::state_view::StateView;
use crate::catalog::{Model, Quote};
use crate::policy::expr::Value;
use crate::policy::facts::FactId;
use crate::policy::{Deployment, Fleet, Member, Policy, PolicyModel, Rule};
use crate::quality::{self, Evidence, Quality};
use crate::tokens::TokenCount;
use crate::wire::Dialect;

/// What a request would mean for a model under the terms of a deployment.
#[derive(Debug, Clone)]
pub struct Expectation {
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
}

/// A deployment with what this request would mean for it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Index of the deployment in the policy.
    pub deployment: usize,
    /// Index of the model in the policy.
    pub model: usize,
    /// Whether it stands in `else`.
    pub is_else: bool,
    /// What is expected of the call; its fields are read as the candidate's own.
    pub expected: Expectation,
    /// Median time to first token seen.
    pub ttft_p50_ms: Option<u32>,
    /// 95th percentile of the time to first token seen.
    pub ttft_p95_ms: Option<u32>,
    /// 0 healthy; higher goes later. Never a reason to reject.
    pub standing: u8,
    /// How busy its deployment is, as the model's balance counts it.
    pub load: u64,
    /// The place in the rule's own order of preference among equals.
    pub order: usize,
    /// Deployments that differ from it in nothing that the decision looked at.
    pub(super) twins: Option<Twins>,
}

impl Deref for Candidate {
    type Target = Expectation;

    fn deref(&self) -> &Expectation {
        &self.expected
    }
}

/// The class of a deployment, for which it stands.
#[derive(Debug, Clone)]
pub(super) struct Twins {
    fleet: Arc<Fleet>,
    /// The place of the deployment.
    place: usize,
    /// The place of the one that goes first.
    first: usize,
    /// Candidates of the rule before those of this model.
    before: usize,
}

impl Twins {
    /// The others of the class: index, id and order of each.
    pub fn others(&self) -> impl Iterator<Item = (&Member, usize)> {
        let others = self.fleet.class_of(self.place).iter().filter(|place| **place != self.place);
        others.filter_map(|place| Some((self.fleet.member(*place)?, self.before + Fleet::turn(*place, self.first))))
    }
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

/// What candidates are made of.
pub(super) struct Field<'f> {
    pub policy: &'f Policy,
    pub facts: &'f RequestFacts<'f>,
    pub has_key: &'f [bool],
    pub state: StateView<'f>,
    pub now_ms: i64,
    pub seed: u64,
}

impl Field<'_> {
    /// The candidates of a rule in the order of `from` and `else`; deployments of one model by weight and seed, and of
    /// those that are alike the first.
    pub fn candidates(
        &self,
        rule: &Rule,
        forecasts: impl Fn(&Model, Option<u64>, &TokenCount) -> Forecast,
    ) -> Vec<Considered> {
        // Large, so each is made where it stays.
        let mut found: Vec<Considered> = Vec::with_capacity(rule.from.len() + rule.or_else.len());
        let mut before = 0;
        // Nobody asks how good the answers are where nothing looks at the prompt.
        let difficulty = self.policy.classifies.then(|| difficulty(self.facts));
        let places = rule.from.iter().map(|model| (*model, false));
        for (index, is_else) in places.chain(rule.or_else.iter().map(|model| (*model, true))) {
            let (Some(model), Some(fleet)) = (self.policy.models.get(index), self.policy.fleets.get(index)) else {
                continue;
            };
            let input = self.facts.input_tokens(model.family);
            let max_tokens = bound(rule, self.facts, model);
            let output = forecasts(&model.facts, max_tokens, &input);
            let quality = difficulty.map(|difficulty| quality_at(self.policy, difficulty, index));
            let call = Call { model, input, max_tokens, output, quality };
            let (first, start) = (fleet.first(self.seed), found.len());
            let streams = self.facts.request().stream;
            let turn = |place: usize| before + Fleet::turn(place, first);
            for class in fleet.classes() {
                let class_start = found.len();
                let mut add = |place: usize, twins: Option<Twins>| {
                    let member = fleet.member(place)?;
                    let row = self.policy.deployments.get(member.deployment)?;
                    let known = found.get(class_start).map(|considered| &considered.candidate.expected);
                    let expected = self.expected(&call, row, member.deployment, known);
                    let latency = self.state.latency(member.deployment, row);
                    let provider = model.facts.provider.as_str();
                    found.push(Considered {
                        candidate: Candidate {
                            deployment: member.deployment,
                            model: index,
                            is_else,
                            ttft_p50_ms: latency.map(|latency| latency.ttft_p50_ms),
                            ttft_p95_ms: latency.map(|latency| latency.ttft_p95_ms),
                            standing: self.state.standing(
                                member.deployment,
                                row,
                                provider,
                                expected.input.tokens,
                                self.now_ms,
                            ),
                            load: self.state.load(member.deployment, row, model.balance, streams, self.now_ms),
                            order: turn(place),
                            expected,
                            twins,
                        },
                        model: model.alias.clone(),
                        deployment: member.id.clone(),
                        rank: model.rank,
                        meets_wants: true,
                        status: CandidateStatus::Chosen,
                        // The rejected are one run, behind all others.
                        run: usize::MAX,
                    });
                    Some(())
                };
                let place = if class.contains(&first) { Some(first) } else { class.first().copied() };
                if class.len() > 1 && self.are_alike(rule, fleet, class) {
                    if let Some(place) = place {
                        add(place, Some(Twins { fleet: Arc::clone(fleet), place, first, before }));
                    }
                } else {
                    for place in class {
                        add(*place, None);
                    }
                }
            }
            if let Some(own) = found.get_mut(start..).filter(|own| own.len() > 1) {
                own.sort_by_key(|considered| considered.candidate.order);
                spread(own, self.policy, model.balance, self.seed);
            }
            before += fleet.len();
        }
        found
    }

    /// Whether key and state tell no two members of a class apart, and nothing has to find one of them.
    fn are_alike(&self, rule: &Rule, fleet: &Fleet, class: &[usize]) -> bool {
        if rule.sticky.is_some() || !self.state.is_blank() {
            return false;
        }
        let key = |place: &usize| fleet.member(*place).and_then(|member| self.has_key.get(member.deployment)).copied();
        class.iter().all(|place| key(place) == Some(true))
    }

    /// What is expected of a call to a deployment; that of another of its class where it is the same.
    fn expected(&self, call: &Call<'_>, row: &Deployment, index: usize, known: Option<&Expectation>) -> Expectation {
        let facts = self.facts;
        if let Some(known) = known.filter(|known| known.cache.is_none()) {
            return known.clone();
        }
        let terms = CallTerms::of(facts.request(), call.model, row, self.now_ms);
        let quote = call.model.facts.quote(&terms.at(self.now_ms));
        let quote = quote.as_ref();
        // An estimate that leaves the tier open is counted exactly if it can be.
        let is_open = quote.is_ok_and(|quote| is_tier_open(quote, &call.input));
        let exact = if is_open { facts.exact_input_tokens(call.model.family) } else { None };
        let input = exact.unwrap_or(call.input);
        let rates = quote.ok().map(|quote| quote.rates_at(input.tokens));
        let plan = rates.filter(|_| self.state.is_there()).and_then(|rates| CachePlan::of(call.model, rates, facts));
        let cache = plan.as_ref().map(|plan| plan.at(self.state.held(plan, index, row, self.now_ms)));
        let cost = ExpectedCost::of(quote, &input, &call.output, cache.as_ref());
        let upper = self.policy.reserves().then(|| {
            let most = longest(call.model, call.max_tokens, &call.output);
            let most = most.saturating_mul(facts.request().choices.max(1));
            Upper::of(quote.ok(), &input, most, call.output.p90_web_searches, cache.as_ref())
        });
        Expectation {
            input,
            max_tokens: call.max_tokens,
            output: call.output,
            cost_p50_usd_picos: cost.p50_usd_picos,
            cost_p90_usd_picos: cost.p90_usd_picos,
            upper,
            cost_unknown: cost.unknown,
            tier_edge: cost.tier_edge,
            cache: cache.as_ref().map(|cache| cache.forecast(input.tokens)),
            held: cache.as_ref().map_or(0, |cache| cache.held),
            quality: call.quality,
            terms,
        }
    }
}

/// What is known of a call before its deployment is.
struct Call<'c> {
    model: &'c PolicyModel,
    input: TokenCount,
    max_tokens: Option<u64>,
    output: Forecast,
    quality: Option<Quality>,
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
fn bound(rule: &Rule, facts: &RequestFacts<'_>, model: &PolicyModel) -> Option<u64> {
    let asked = match (facts.max_tokens(), rule.set.max_tokens) {
        (Some(client), Some(rule)) => Some(client.min(rule)),
        (client, rule) => client.or(rule),
    };
    match (asked, model.facts.max_output) {
        (Some(asked), Some(ceiling)) => Some(asked.min(ceiling)),
        (asked, _) => asked,
    }
}
