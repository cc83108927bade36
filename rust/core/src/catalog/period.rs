//! A price with the days on which it holds, and who said so when.

use super::price::Price;
use crate::calendar::Day;

/// A price and its days, UTC. One whole vector from one source, never mixed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PricePeriod {
    /// The first day; `None` is since the model is sold.
    pub from: Option<Day>,
    /// The day after the last; `None` is until further notice.
    pub until: Option<Day>,
    /// Who says so.
    pub source: Option<String>,
    /// The day on which the source was read.
    pub checked: Option<Day>,
    /// What holds on these days.
    pub price: Price,
}

impl PricePeriod {
    /// A price that always holds: what a policy states itself.
    pub fn always(price: Price) -> Self {
        Self { price, ..Self::default() }
    }

    /// Whether the day is one of the period's.
    pub fn covers(&self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }

    /// Whether the period had not begun when it was checked: an announced price, which may be withdrawn before its day
    /// (that of Claude Sonnet 5 was) and has to be checked again on it.
    pub fn is_announced(&self) -> bool {
        self.from.zip(self.checked).is_some_and(|(from, checked)| from > checked)
    }
}
