//! What an attempt cost, once it is over: its usage at the prices of its own time, under the terms that the answer states.
//!
//! Promises: the tier, speed and region that the answer echoes count, and what was asked for only where it echoes nothing;
//! what the provider itself says the call cost counts before our own sum, and both are kept; a class or terms without a
//! price leave no sum, with the reason, never 0; a place whose region has no price among those that have one is settled at
//! the dearest, and marked. Refuses: to forecast.
//!
//! A test breaks it with an answer of another tier at the asked one's price, or a lost figure.

use super::expected_cost::CallTerms;
use super::price_region::price_region;
use crate::calendar::Day;
use crate::catalog::{Model, Terms, cost};
use crate::usage::Usage;

/// What an answer says of how it was processed; what it does not say is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Echo<'e> {
    /// The service tier that it was served at.
    pub service_tier: Option<&'e str>,
    /// The speed that it was served at.
    pub speed: Option<&'e str>,
    /// Where it was served.
    pub region: Option<&'e str>,
}

/// Whose figure an attempt's cost is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostSource {
    /// The provider's.
    Reported,
    /// Ours, of usage and prices.
    Computed,
}

impl CostSource {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Computed => "computed",
        }
    }
}

/// The cost of an attempt, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settlement {
    /// Our own sum, in pico-USD; none when a price is not known.
    pub computed_usd_picos: Option<i64>,
    /// What the provider says, in pico-USD.
    pub reported_usd_picos: Option<i64>,
    /// Why there is no sum of our own.
    pub unpriced: Option<String>,
    /// The first day of the prices that our sum is of; none since ever, or without a sum.
    pub price_from: Option<Day>,
    /// Who states those prices.
    pub price_source: Option<String>,
    /// The terms that our sum is of, as `service_tier=flex;region=us`; none for the standard ones. A region that is followed
    /// by ` (assumed)` is the dearest, because none that has a price fits the place.
    pub price_terms: Option<String>,
}

impl Settlement {
    /// The cost that counts, and whose figure it is; none when neither side has one.
    pub fn cost(&self) -> Option<(i64, CostSource)> {
        let reported = self.reported_usd_picos.map(|picos| (picos, CostSource::Reported));
        reported.or_else(|| self.computed_usd_picos.map(|picos| (picos, CostSource::Computed)))
    }
}

/// Settles an attempt that was made at `at_ms` (milliseconds since 1970) under `asked`.
pub fn settle(model: &Model, asked: &CallTerms, echo: &Echo<'_>, at_ms: i64, usage: &Usage) -> Settlement {
    let place = echo.region.or(asked.region.as_deref());
    let region = place.and_then(|place| price_region(model, place, at_ms));
    let is_region_assumed =
        region.is_some_and(|region| region.is_assumed) || (echo.region.is_none() && asked.is_region_assumed);
    let asked = asked.at(at_ms);
    // Batches are a way of processing, which Anthropic's answers name among the tiers.
    let is_batch = echo.service_tier == Some("batch");
    let terms = Terms {
        service_tier: if is_batch { None } else { echo.service_tier.or(asked.service_tier) },
        speed: echo.speed.or(asked.speed),
        region: region.map(|region| region.name).or(place),
        batch: is_batch,
        ..asked
    };
    let reported_usd_picos = usage.reported_cost_usd_picos;
    let quote = match model.quote(&terms) {
        Ok(quote) => quote,
        Err(error) => {
            let (unpriced, price_terms) = (Some(error.to_string()), stated(&terms, is_region_assumed));
            return Settlement { reported_usd_picos, unpriced, price_terms, ..Settlement::default() };
        }
    };
    let period = quote.period();
    let computed = cost(&quote, usage);
    Settlement {
        computed_usd_picos: computed.as_ref().ok().map(|picos| picos.0),
        reported_usd_picos,
        unpriced: computed.err().map(|error| error.to_string()),
        price_from: period.from,
        price_source: period.source.clone(),
        price_terms: stated(&terms, is_region_assumed),
    }
}

/// The terms that were asked for or echoed, by name.
fn stated(terms: &Terms<'_>, is_region_assumed: bool) -> Option<String> {
    let named = [
        ("processing", terms.batch.then_some("batch")),
        ("service_tier", terms.service_tier),
        ("speed", terms.speed),
        ("region", terms.region),
    ];
    let stated: Vec<String> =
        named.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))).collect();
    let mark = if is_region_assumed { " (assumed)" } else { "" };
    (!stated.is_empty()).then(|| stated.join(";") + mark)
}
