//! One scope: its counter, by its measure.

use super::bucket::Bucket;
use super::claim::{Alert, Claim, Measure, Moment, Why};
use super::period::Span;
use super::spent::Spent;

/// The counter of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Window(Spent),
    Bucket(Bucket),
    Permits(i64),
}

/// An amount that a reservation took of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub claim: Claim,
    pub amount: i64,
    /// The window that it was taken in.
    pub window: i64,
    /// When, on the clock that nobody sets.
    pub mono_ms: i64,
}

/// How a scope stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// What is spent, or missing to a full bucket.
    pub spent: i64,
    /// What is held: reserved, and not settled.
    pub held: i64,
    /// When the window ends, in milliseconds since 1970; none without a window.
    pub ends_ms: Option<i64>,
}

impl Standing {
    /// What is left of a limit; negative after a debt.
    pub fn left(&self, limit: i64) -> i64 {
        limit.saturating_sub(self.spent).saturating_sub(self.held)
    }

    /// The share of a limit that is spent or held, in millionths, rounded down; all of a limit of nothing.
    pub fn used_millionths(&self, limit: i64) -> i64 {
        let used = i128::from(self.spent.saturating_add(self.held).max(0)) * 1_000_000;
        if limit <= 0 { 1_000_000 } else { i64::try_from(used / i128::from(limit)).unwrap_or(i64::MAX) }
    }
}

impl Scope {
    /// A new counter for a measure.
    pub fn new(measure: &Measure) -> Self {
        match measure {
            Measure::Window(..) => Self::Window(Spent::default()),
            Measure::Bucket(_) => Self::Bucket(Bucket::default()),
            Measure::Permits => Self::Permits(0),
        }
    }

    /// Why an amount has no room, and when it has; rolls the window.
    pub fn denies(&mut self, claim: &Claim, amount: i64, now: Moment) -> Option<(Why, Option<i64>)> {
        match (self, &claim.measure) {
            (Self::Window(spent), Measure::Window(period, zone)) => {
                let span = period.span(now.wall_ms, zone);
                spent.roll(*period, span);
                spent.denies(*period, span, claim.limit, amount, now.wall_ms)
            }
            (Self::Bucket(bucket), Measure::Bucket(refill_ms)) => {
                bucket.denies(claim.limit, *refill_ms, amount, now.mono_ms)
            }
            (Self::Permits(running), Measure::Permits) => {
                if claim.limit < amount {
                    return Some((Why::TooLarge, None));
                }
                // Whoever runs may end at any moment.
                (running.saturating_add(amount) > claim.limit).then_some((Why::Busy, Some(1_000)))
            }
            // One name has one measure: the book keeps it so.
            _ => Some((Why::Full, None)),
        }
    }

    /// Takes an amount.
    pub fn take(&mut self, claim: &Claim, amount: i64, now: Moment) -> Taken {
        let mut window = 0;
        match (self, &claim.measure) {
            (Self::Window(spent), Measure::Window(period, zone)) => {
                window = spent.roll(*period, period.span(now.wall_ms, zone));
                spent.hold(amount);
            }
            (Self::Bucket(bucket), Measure::Bucket(refill_ms)) => {
                bucket.take(claim.limit, *refill_ms, amount, now.mono_ms);
            }
            (Self::Permits(running), Measure::Permits) => *running = running.saturating_add(amount),
            _ => {}
        }
        Taken { claim: claim.clone(), amount, window, mono_ms: now.mono_ms }
    }

    /// Why there is no room for more under what was taken.
    pub fn denies_more(&mut self, taken: &Taken, amount: i64, now: Moment) -> Option<(Why, Option<i64>)> {
        if self.is_over(taken, now) { None } else { self.denies(&taken.claim, amount, now) }
    }

    /// Takes more under what was taken.
    pub fn take_more(&mut self, taken: &mut Taken, amount: i64, now: Moment) {
        if matches!(self, Self::Permits(_)) {
            return;
        }
        if !self.is_over(taken, now) {
            let window = taken.window;
            self.take(&taken.claim, amount, now);
            taken.window = window;
        }
        taken.amount = taken.amount.saturating_add(amount);
    }

    /// Whether the calendar's window that something was taken in is over: what is added to it counts there, and no more.
    fn is_over(&mut self, taken: &Taken, now: Moment) -> bool {
        match (self, &taken.claim.measure) {
            (Self::Window(spent), Measure::Window(period, zone)) => {
                spent.roll(*period, period.span(now.wall_ms, zone)) != taken.window && period.reach() == 0
            }
            _ => false,
        }
    }

    /// Ends what was taken: `actual` of it was used.
    pub fn settle(&mut self, taken: &Taken, actual: i64, now: Moment, alerts: &mut Vec<Alert>) {
        match (self, &taken.claim.measure) {
            (Self::Window(spent), Measure::Window(period, zone)) => {
                spent.roll(*period, period.span(now.wall_ms, zone));
                spent.let_go(*period, taken.window, taken.amount);
                spent.spend(*period, taken.window, actual);
                spent.tell(&taken.claim, *period, alerts);
            }
            (Self::Bucket(bucket), Measure::Bucket(refill_ms)) => {
                let (limit, surplus) = (taken.claim.limit, taken.amount.saturating_sub(actual));
                if surplus > 0 {
                    bucket.refund(limit, *refill_ms, surplus, taken.mono_ms, now.mono_ms);
                } else if surplus < 0 {
                    bucket.take(limit, *refill_ms, surplus.saturating_neg(), now.mono_ms);
                }
            }
            (Self::Permits(running), Measure::Permits) => *running = running.saturating_sub(taken.amount).max(0),
            _ => {}
        }
    }

    /// Adds what was spent at a moment of the past, without a reservation; only windows remember.
    pub fn charge(&mut self, claim: &Claim, amount: i64, at_ms: i64, now: Moment) {
        if let (Self::Window(spent), Measure::Window(period, zone)) = (self, &claim.measure) {
            spent.roll(*period, period.span(now.wall_ms, zone));
            spent.spend(*period, period.span(at_ms, zone).id, amount);
            // What a share of it was told of before is not told again.
            spent.tell(claim, *period, &mut Vec::new());
        }
    }

    /// How it stands.
    pub fn standing(&mut self, claim: &Claim, now: Moment) -> Standing {
        match (self, &claim.measure) {
            (Self::Window(spent), Measure::Window(period, zone)) => {
                let span: Span = period.span(now.wall_ms, zone);
                spent.roll(*period, span);
                Standing { spent: spent.total(), held: spent.held(), ends_ms: Some(span.ends_ms) }
            }
            (Self::Bucket(bucket), Measure::Bucket(refill_ms)) => {
                Standing { spent: bucket.used(claim.limit, *refill_ms, now.mono_ms), held: 0, ends_ms: None }
            }
            (Self::Permits(running), Measure::Permits) => Standing { spent: 0, held: *running, ends_ms: None },
            _ => Standing::default(),
        }
    }

    /// Whether a new counter would say the same.
    pub fn is_idle(&self, now: Moment) -> bool {
        match self {
            Self::Window(spent) => spent.is_idle(),
            Self::Bucket(bucket) => bucket.is_full(now.mono_ms),
            Self::Permits(running) => *running == 0,
        }
    }
}
