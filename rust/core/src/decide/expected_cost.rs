//! What a call is expected to cost, before it is made: from the quote of its terms, the bounds on its input, the forecast of
//! its output (thinking at its own price, where it has one, and a fee for each web search) and what the prompt cache is
//! likely to hold.
//!
//! Promises: p50 is the cost at the likely input and the middle output, with the cache as it is believed to be; p90 takes
//! the upper bound of the input, the long output, the dear side of a price tier and a cache that holds nothing, and is
//! never below p50. A class without a price makes the cost unknown, with a reason that names it, never 0. Refuses: to
//! promise a bill, which the answer's own usage and terms make.
//!
//! A test breaks it with a longer input that costs less at p90, a warm cache that costs more, or an unknown that is a number.

use super::forecast::Forecast;
use super::price_region::price_region;
use super::prompt_cache::CacheUse;
use crate::catalog::{CostError, PriceError, Quote, Terms, cost};
use crate::policy::{Deployment, PolicyModel};
use crate::tokens::TokenCount;
use crate::usage::Usage;
use crate::wire::Request;

/// So near below a price tier, in parts of its threshold, a request is warned of it though it does not reach it: 2%, which
/// one more tool result takes.
const NEAR_EDGE_PARTS: u64 = 50;

/// The bound on the answer for dialects that require one when nobody gives one: room for thinking, and short enough that
/// no SDK insists on a stream.
pub const DEFAULT_MAX_TOKENS: u64 = 16_384;

/// The terms of a call, beside its time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallTerms {
    /// The service tier that is asked for.
    pub service_tier: Option<String>,
    /// The speed that is asked for.
    pub speed: Option<String>,
    /// Where it must be processed, as the model's prices name it.
    pub region: Option<String>,
    /// Whether no region of the prices fits the place, and `region` is their dearest.
    pub is_region_assumed: bool,
}

impl CallTerms {
    /// What an attempt at a deployment will ask for. A field of the request goes to upstreams of its own dialect alone; the
    /// deployment's region counts where the model has prices by region.
    pub(super) fn of(request: &Request<'_>, model: &PolicyModel, deployment: &Deployment, now_ms: i64) -> Self {
        let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let asked = &request.billing;
        let mut terms = if request.dialect == model.dialect {
            // `standard_only` is what Anthropic calls the refusal of its priority tier.
            let service_tier = owned(&asked.service_tier).filter(|tier| tier != "standard_only");
            Self { service_tier, speed: owned(&asked.speed), region: owned(&asked.region), is_region_assumed: false }
        } else {
            Self::default()
        };
        let place = terms.region.as_deref().or(deployment.region.as_deref());
        if let Some(region) = place.and_then(|place| price_region(&model.facts, place, now_ms)) {
            (terms.region, terms.is_region_assumed) = (Some(region.name.to_owned()), region.is_assumed);
        }
        terms
    }

    /// The region whose prices are taken though it does not fit the place.
    pub fn assumed_region(&self) -> Option<&str> {
        self.region.as_deref().filter(|_| self.is_region_assumed)
    }

    /// The terms at an instant, in milliseconds since 1970.
    pub fn at(&self, at_ms: i64) -> Terms<'_> {
        Terms {
            service_tier: self.service_tier.as_deref(),
            speed: self.speed.as_deref(),
            region: self.region.as_deref(),
            ..Terms::at(at_ms)
        }
    }
}

/// A price tier near the input of a request: from its threshold on, the whole request has other prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierEdge {
    /// The first count of input tokens that is in the tier.
    pub threshold_tokens: u64,
    /// How many tokens more than the likely input reach it; 0 or less: the likely input is in it already.
    pub tokens_to_edge: i64,
    /// Expected cost on the near side of the edge, in pico-USD.
    pub cost_below_usd_picos: Option<i64>,
    /// Expected cost on its far side, in pico-USD.
    pub cost_above_usd_picos: Option<i64>,
    /// Whether the bounds of the input leave open on which side it is; p90 is then of the dearer one.
    pub is_open: bool,
}

/// What a call is expected to cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedCost {
    /// The middle, in pico-USD; none when it is not known.
    pub p50_usd_picos: Option<i64>,
    /// What nine of ten such calls do not exceed, in pico-USD; none when it is not known.
    pub p90_usd_picos: Option<i64>,
    /// Why one of them is not known.
    pub unknown: Option<String>,
    /// A price tier that is near.
    pub tier_edge: Option<TierEdge>,
}

impl ExpectedCost {
    /// The expectation for a quote; `cache` is none where nothing will be cached.
    pub(super) fn of(
        quote: Result<&Quote<'_>, &PriceError>,
        input: &TokenCount,
        output: &Forecast,
        cache: Option<&CacheUse<'_>>,
    ) -> Self {
        let quote = match quote {
            Ok(quote) => quote,
            Err(error) => return Self { unknown: Some(error.to_string()), ..Self::default() },
        };
        let priced = |usage: Usage| cost(quote, &usage).map(|picos| picos.0);
        let likely = |tokens: u64| {
            let usage = cache.map_or_else(|| uncached(tokens), |cache| cache.warm(tokens));
            priced(output.likely(usage))
        };
        // Without a cache too: below the least prefix that is cached nothing is written, and the longer input must not
        // become the cheaper one there.
        let dearest = |tokens: u64| -> Result<i64, CostError> {
            let plain = priced(output.long(uncached(tokens)))?;
            match cache {
                Some(cache) => Ok(plain.max(priced(output.long(cache.cold(tokens)))?)),
                None => Ok(plain),
            }
        };
        let edge = quote.next_tier(input.low).map(|tier| {
            let threshold_tokens = tier.above_tokens.saturating_add(u64::from(!tier.inclusive));
            (threshold_tokens, tier.covers(input.high))
        });
        let p50 = likely(input.tokens);
        let mut p90 = dearest(input.high);
        if let Some((threshold_tokens, true)) = edge {
            // The dear side is the far one in every price list but a wrong one.
            p90 = p90.and_then(|far| Ok(far.max(dearest(threshold_tokens.saturating_sub(1))?)));
        }
        if let (Ok(p50), Ok(p90)) = (p50, p90.as_mut()) {
            *p90 = (*p90).max(p50);
        }
        let is_near = |(threshold_tokens, is_open): &(u64, bool)| {
            *is_open || threshold_tokens.saturating_sub(input.high) <= threshold_tokens / NEAR_EDGE_PARTS
        };
        let tier_edge = edge.filter(is_near).map(|(threshold_tokens, is_open)| TierEdge {
            threshold_tokens,
            tokens_to_edge: signed(threshold_tokens).saturating_sub(signed(input.tokens)),
            cost_below_usd_picos: likely(input.tokens.min(threshold_tokens.saturating_sub(1))).ok(),
            cost_above_usd_picos: likely(input.tokens.max(threshold_tokens)).ok(),
            is_open,
        });
        let unknown = p50.err().or(p90.err()).map(|error| error.to_string());
        Self { p50_usd_picos: p50.ok(), p90_usd_picos: p90.ok(), unknown, tier_edge }
    }
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

pub(super) fn uncached(tokens: u64) -> Usage {
    Usage { input_uncached: tokens, ..Usage::default() }
}
