//! What was spent in a window, and what is held in it.

use std::collections::VecDeque;

use super::claim::{Alert, Claim, Why};
use super::period::{Period, Span};

/// How long to wait where what is left is held by others, in milliseconds: each of them may end at any moment.
const HELD_RETRY_MS: i64 = 1_000;

/// Sums by number of the window; one sum where the calendar makes the window, one a slice where it rolls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Spent {
    newest: i64,
    sums: VecDeque<(i64, i64)>,
    held: i64,
    /// A bit for each share that was told.
    told: u64,
}

impl Spent {
    /// Goes on to the window of a span; never back. Returns the number that counts now.
    pub fn roll(&mut self, period: Period, span: Span) -> i64 {
        if span.id > self.newest || self.sums.is_empty() {
            let is_next = span.id > self.newest;
            self.newest = self.newest.max(span.id);
            let oldest = self.newest.saturating_sub(period.reach());
            while self.sums.front().is_some_and(|(id, _)| *id < oldest) {
                self.sums.pop_front();
            }
            if is_next && period.reach() == 0 {
                // What is held was reserved in a window that is over, and will be spent in it.
                (self.held, self.told) = (0, 0);
            }
        }
        self.newest
    }

    /// What is spent.
    pub fn total(&self) -> i64 {
        self.sums.iter().fold(0, |sum, (_, spent)| sum.saturating_add(*spent))
    }

    /// What is held.
    pub fn held(&self) -> i64 {
        self.held
    }

    /// Why an amount cannot be held, and when it could.
    pub fn denies(
        &self,
        period: Period,
        span: Span,
        limit: i64,
        amount: i64,
        wall_ms: i64,
    ) -> Option<(Why, Option<i64>)> {
        if amount > limit {
            return Some((Why::TooLarge, None));
        }
        let spent = self.total();
        if spent.saturating_add(self.held).saturating_add(amount) <= limit {
            return None;
        }
        if spent.saturating_add(amount) <= limit {
            return Some((Why::Held, Some(HELD_RETRY_MS)));
        }
        // A clock that was set back leaves the window in place, and its end where it was.
        let ends_ms = if period.reach() == 0 {
            span.ends_ms
        } else {
            let mut rest = spent;
            let leaves = self.sums.iter().find(|(_, sum)| {
                rest = rest.saturating_sub(*sum);
                rest.saturating_add(self.held).saturating_add(amount) <= limit
            });
            let last = leaves.map_or(self.newest, |(id, _)| *id);
            last.saturating_add(period.reach()).saturating_add(1).saturating_mul(period.slice_ms())
        };
        Some((Why::Spent, Some(ends_ms.saturating_sub(wall_ms).max(1))))
    }

    /// Holds an amount.
    pub fn hold(&mut self, amount: i64) {
        self.held = self.held.saturating_add(amount);
    }

    /// Lets go of an amount that was held in window `id`.
    pub fn let_go(&mut self, period: Period, id: i64, amount: i64) {
        if period.reach() > 0 || id == self.newest {
            self.held = self.held.saturating_sub(amount).max(0);
        }
    }

    /// Adds to what is spent in window `id`, if that still counts.
    pub fn spend(&mut self, period: Period, id: i64, amount: i64) {
        if amount == 0 || id < self.newest.saturating_sub(period.reach()) || id > self.newest {
            return;
        }
        let place = self.sums.partition_point(|(known, _)| *known < id);
        match self.sums.get_mut(place) {
            Some((known, sum)) if *known == id => *sum = sum.saturating_add(amount),
            _ => self.sums.insert(place, (id, amount)),
        }
    }

    /// The shares of the limit that are spent and were not told yet.
    pub fn tell(&mut self, claim: &Claim, period: Period, alerts: &mut Vec<Alert>) {
        let spent = self.total();
        for (place, share_millionths) in claim.alert_at.iter().enumerate().take(64) {
            let is_spent = |share: i64| {
                i128::from(spent) * 1_000_000 >= i128::from(claim.limit) * i128::from(share) && claim.limit > 0
            };
            let bit = 1_u64 << place;
            if self.told & bit == 0 && is_spent(*share_millionths) {
                self.told |= bit;
                let (scope, limit) = (claim.scope.clone(), claim.limit);
                alerts.push(Alert { scope, share_millionths: *share_millionths, spent, limit });
            } else if period.reach() > 0 && !is_spent(share_millionths / 2) {
                // A window that rolls never ends: what fell to half of a share may be told of again.
                self.told &= !bit;
            }
        }
    }

    /// Whether nothing in it counts any more.
    pub fn is_idle(&self) -> bool {
        self.held == 0 && self.total() == 0
    }
}
