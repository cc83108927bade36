//! From a model's prices and the terms of a call to the one vector that prices it.
//!
//! Promises: an exact choice by instant and condition, no allocation on success; terms that have no known price are an
//! error that names the condition, never the base price.

use std::fmt;

use super::period::PricePeriod;
use super::price::{Condition, ConditionKey, Fees, Price, Rates, Tier, Variant, Vector, Window};
use crate::calendar::Day;
use crate::money::Ratio;

/// Values of a term that mean the provider's standard terms, matched without regard to ASCII case; `""` says nothing.
const STANDARD: [&str; 5] = ["", "standard", "default", "auto", "on_demand"];
/// The region that is no region.
const ANYWHERE: &str = "global";
/// A way of processing that Anthropic's answers name among the tiers.
const BATCH: &str = "batch";

/// Whether a value is the provider's standard, under which the base price holds.
pub(super) fn is_standard(key: ConditionKey, value: &str) -> bool {
    STANDARD.iter().any(|standard| value.eq_ignore_ascii_case(standard))
        || (key == ConditionKey::Region && value.eq_ignore_ascii_case(ANYWHERE))
}

/// The terms of a call. `Terms::default()` is a standard call today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms<'a> {
    /// When, in ms since 1970. `None` is the newest period that had begun when it was checked, at its dearest hours.
    pub at_ms: Option<i64>,
    /// The service tier, as the answer echoes it.
    pub service_tier: Option<&'a str>,
    /// The speed, such as `fast`.
    pub speed: Option<&'a str>,
    /// Where it must be processed, such as `us`.
    pub region: Option<&'a str>,
    /// Which upstream of a gateway served it.
    pub route: Option<&'a str>,
    /// Whether it is processed in a batch.
    pub batch: bool,
}

impl<'a> Terms<'a> {
    /// A standard call at an instant, in ms since 1970.
    pub fn at(at_ms: i64) -> Self {
        Self { at_ms: Some(at_ms), ..Self::default() }
    }

    /// Whether it is processed in a batch, which the tier may say too.
    pub fn is_batch(&self) -> bool {
        self.batch || self.names_batch()
    }

    /// The service tier, when it is one and not a way of processing.
    pub fn tier(&self) -> Option<&'a str> {
        self.service_tier.filter(|tier| !tier.is_empty() && !self.names_batch())
    }

    fn names_batch(&self) -> bool {
        self.service_tier.is_some_and(|tier| tier.eq_ignore_ascii_case(BATCH))
    }

    /// The conditions that differ from the standard terms.
    fn conditions(&self) -> impl Iterator<Item = (ConditionKey, &'a str)> {
        let stated = |key: ConditionKey, value: Option<&'a str>| {
            value.filter(|value| !is_standard(key, value)).map(|value| (key, value))
        };
        [
            stated(ConditionKey::Processing, self.is_batch().then_some(BATCH)),
            stated(ConditionKey::ServiceTier, self.tier()),
            stated(ConditionKey::Speed, self.speed),
            stated(ConditionKey::Region, self.region),
            stated(ConditionKey::Route, self.route),
        ]
        .into_iter()
        .flatten()
    }
}

/// Why a model has no price under some terms.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceError {
    /// No price of the model is known.
    Unknown,
    /// Prices are known, but none of this day.
    NotThen(Day),
    /// No price under this condition is known.
    NotUnder(Condition),
    /// Each of two conditions has prices of its own, and none are known for both together.
    NotTogether(Condition, Condition),
    /// The multipliers do not fit together.
    Overflow,
}

impl PriceError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown | Self::NotThen(_) => "unknown-price",
            Self::NotUnder(_) | Self::NotTogether(..) => "unknown-terms",
            Self::Overflow => "cost-overflow",
        }
    }
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("the price is not known, which is not zero"),
            Self::NotThen(day) => write!(f, "the price on {day} is not known"),
            Self::NotUnder(condition) => write!(f, "the price under `{condition}` is not known"),
            Self::NotTogether(one, other) => write!(f, "the price under `{one}` and `{other}` together is not known"),
            Self::Overflow => f.write_str("the product of the price multipliers is too large"),
        }
    }
}

impl std::error::Error for PriceError {}

/// The prices of a call under its terms. Borrows the model; copying it is cheap.
#[derive(Debug, Clone, Copy)]
pub struct Quote<'m> {
    period: &'m PricePeriod,
    vector: &'m Vector,
    window: Option<&'m Window>,
    variant: Option<&'m Variant>,
    ratio: Ratio,
}

impl PricePeriod {
    /// What a call costs under these terms, the period given: `at_ms` only chooses the window.
    ///
    /// # Errors
    /// When no price under the terms is known.
    pub fn quote(&self, terms: &Terms<'_>) -> Result<Quote<'_>, PriceError> {
        let price = &self.price;
        let window = terms.at_ms.and_then(|at_ms| price.windows.iter().find(|window| window.covers(at_ms)));
        let mut quote = Quote {
            period: self,
            vector: window.map_or(&price.base, |window| &window.vector),
            window,
            variant: None,
            ratio: price.price_factor.unwrap_or(Ratio::ONE),
        };
        for (key, value) in terms.conditions() {
            quote.under(price, key, value)?;
        }
        Ok(quote)
    }
}

impl<'m> Quote<'m> {
    fn under(&mut self, price: &'m Price, key: ConditionKey, value: &str) -> Result<(), PriceError> {
        if let Some((_, ratio)) = price.multipliers.iter().find(|(condition, _)| condition.is(key, value)) {
            self.ratio = self.ratio.times(*ratio).map_err(|_| PriceError::Overflow)?;
            return Ok(());
        }
        if let Some(variant) = price.variants.iter().find(|variant| variant.condition.is(key, value)) {
            if let Some(first) = self.variant {
                return Err(PriceError::NotTogether(first.condition.clone(), variant.condition.clone()));
            }
            (self.vector, self.window, self.variant) = (&variant.vector, None, Some(variant));
            return Ok(());
        }
        // What is free is free under any terms.
        if price.is_free() {
            return Ok(());
        }
        Err(PriceError::NotUnder(Condition { key, value: value.to_owned() }))
    }

    /// The prices of a whole request with this much input, cached input included, before the multiplier.
    ///
    /// A window or a variant without tiers of its own says nothing of requests above the edge of the base price: there,
    /// every class is unknown.
    pub fn rates_at(&self, input_tokens: u64) -> &'m Rates {
        match self.edges().iter().rev().find(|tier| tier.covers(input_tokens)) {
            None => &self.vector.rates,
            Some(_) if self.vector.tiers.is_empty() => &Rates::UNKNOWN,
            Some(tier) => &tier.rates,
        }
    }

    /// The next tier that a longer input would reach.
    pub fn next_tier(&self, input_tokens: u64) -> Option<&'m Tier> {
        self.edges().iter().find(|tier| !tier.covers(input_tokens))
    }

    /// The tiers whose edges count: the vector's own, else those of the base price.
    fn edges(&self) -> &'m [Tier] {
        if self.vector.tiers.is_empty() { &self.period.price.base.tiers } else { &self.vector.tiers }
    }

    /// What a call costs beside its tokens; the multiplier does not touch it.
    pub fn fees(&self) -> &'m Fees {
        &self.period.price.fees
    }

    /// What every token price is multiplied by.
    pub fn ratio(&self) -> Ratio {
        self.ratio
    }

    /// The period that the prices are of.
    pub fn period(&self) -> &'m PricePeriod {
        self.period
    }

    /// The hours that the prices are of, when they are not those of the whole day.
    pub fn window(&self) -> Option<&'m Window> {
        self.window
    }

    /// The condition that the prices are of, when they are not the standard ones.
    pub fn variant(&self) -> Option<&'m Variant> {
        self.variant
    }
}
