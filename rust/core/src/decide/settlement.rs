//! What an attempt cost, once it is over: its usage at the prices of its own time, under the terms that the answer states.
//!
//! Promises: the tier, speed and region that the answer echoes count, and what was asked for only where it echoes nothing;
//! what the provider itself says the call cost counts before our own sum, and both are kept, except that its 0 does not
//! count beside a sum of ours that is more (credits and the caller's own keys look so); a sum of a usage that leaves
//! something out is a lower bound and says so; a class or terms without a price leave no sum, with the reason, never 0; a
//! place whose region has no price among those that have one is settled at the dearest, and marked. Refuses: to forecast.
//!
//! A test breaks it with an answer of another tier at the asked one's price, or a lost figure.

use super::expected_cost::CallTerms;
use super::price_region::price_region;
use crate::calendar::Day;
use crate::catalog::{Model, Terms, cost};
use crate::usage::{Usage, UsageProblem};

/// What an answer says of how it was processed and what it cost; what it does not say is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Echo<'e> {
    /// The service tier that it was served at.
    pub service_tier: Option<&'e str>,
    /// The speed that it was served at.
    pub speed: Option<&'e str>,
    /// Where it was served.
    pub region: Option<&'e str>,
    /// What the provider says that it cost, in pico-USD, where the usage does not carry it.
    pub reported_usd_picos: Option<i64>,
    /// What is wrong with the usage.
    pub usage_problem: Option<UsageProblem>,
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

/// Why the cost that counts is not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostDoubt {
    /// The usage that it is the sum of leaves something out, or its figures do not fit: the call cost at least this.
    LowerBound,
    /// The provider says 0, though tokens were used whose price is not known to be 0.
    ReportedZero,
}

impl CostDoubt {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LowerBound => "lower_bound",
            Self::ReportedZero => "reported_zero",
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
    /// What is wrong with the usage that was settled.
    pub usage_problem: Option<UsageProblem>,
}

impl Settlement {
    /// The cost that counts, and whose figure it is; none when neither side has one.
    pub fn cost(&self) -> Option<(i64, CostSource)> {
        let computed = self.computed_usd_picos.map(|picos| (picos, CostSource::Computed));
        let reported = self.reported_usd_picos.map(|picos| (picos, CostSource::Reported));
        match (reported, computed) {
            (Some((0, _)), Some((ours, _))) if ours > 0 => computed,
            _ => reported.or(computed),
        }
    }

    /// Why that cost is not exact; none when it is, and when there is none. Of two reasons, that it may be too low.
    pub fn doubt(&self) -> Option<CostDoubt> {
        let (_, source) = self.cost()?;
        let is_short = self.usage_problem.is_some_and(UsageProblem::is_short);
        if source == CostSource::Computed && is_short {
            return Some(CostDoubt::LowerBound);
        }
        let is_zero = self.reported_usd_picos == Some(0) && self.computed_usd_picos != Some(0);
        is_zero.then_some(CostDoubt::ReportedZero)
    }
}

/// Settles an attempt that was made at `at_ms` (milliseconds since 1970) under `asked`.
pub fn settle<'t>(model: &'t Model, asked: &'t CallTerms, echo: &Echo<'t>, at_ms: i64, usage: &Usage) -> Settlement {
    let said = |echoed: Option<&'t str>| echoed.filter(|word| !word.is_empty());
    let place = said(echo.region).or(asked.region.as_deref());
    let region = place.and_then(|place| price_region(model, place, at_ms));
    let is_region_assumed =
        region.is_some_and(|region| region.is_assumed) || (said(echo.region).is_none() && asked.is_region_assumed);
    let asked = asked.at(at_ms);
    let terms = Terms {
        service_tier: said(echo.service_tier).or(asked.service_tier),
        speed: said(echo.speed).or(asked.speed),
        region: region.map(|region| region.name).or(place),
        ..asked
    };
    let reported_usd_picos = usage.reported_cost_usd_picos.or(echo.reported_usd_picos);
    let usage_problem = echo.usage_problem;
    let quote = match model.quote(&terms) {
        Ok(quote) => quote,
        Err(error) => {
            let (unpriced, price_terms) = (Some(error.to_string()), stated(&terms, is_region_assumed));
            return Settlement { reported_usd_picos, unpriced, price_terms, usage_problem, ..Settlement::default() };
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
        usage_problem,
    }
}

/// The terms that were asked for or echoed, by name.
fn stated(terms: &Terms<'_>, is_region_assumed: bool) -> Option<String> {
    let named = [
        ("processing", terms.is_batch().then_some("batch")),
        ("service_tier", terms.tier()),
        ("speed", terms.speed),
        ("region", terms.region),
    ];
    let stated: Vec<String> =
        named.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))).collect();
    let mark = if is_region_assumed { " (assumed)" } else { "" };
    (!stated.is_empty()).then(|| stated.join(";") + mark)
}
