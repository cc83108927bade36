//! The book: all scopes, and all reservations that are open.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::claim::{Amounts, Claim, Denied, Expired, Moment, Refusal, Reserved, Settled, Unit, Why};
use super::scope::{Scope, Standing, Taken};
use crate::shared_str::SharedStr;

/// How many scopes are kept at most. A scope is forgotten only once nothing in it counts; beyond this number a new one is
/// refused, as forgetting what was spent would let it be spent again.
pub const MAX_SCOPES: usize = 1_000_000;

/// A reservation that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    taken: Vec<Taken>,
    amounts: Amounts,
    until_ms: i64,
}

/// Everything that is reserved and spent. `Default` is the empty book.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book {
    now: Moment,
    scopes: BTreeMap<SharedStr, Scope>,
    swept_at: usize,
    open: BTreeMap<SharedStr, Open>,
    leases: BTreeSet<(i64, SharedStr)>,
    /// Reservations that came to their end, until their lease would have ended: asked for again, they are known.
    ended: BTreeMap<SharedStr, i64>,
    ended_order: VecDeque<(i64, SharedStr)>,
}

impl Book {
    /// Reserves in all scopes of an attempt, or in none. The same id again is the same reservation, and takes nothing.
    /// Logarithmic in what is kept, for each claim.
    ///
    /// # Errors
    /// The scopes without room. Two claims of one scope are not told apart from one that is full.
    pub fn reserve(
        &mut self,
        id: &SharedStr,
        claims: &[Claim],
        amounts: Amounts,
        lease_ms: i64,
        now: Moment,
    ) -> Result<Reserved, Refusal> {
        let now = self.tick(now);
        if self.open.contains_key(id) || self.ended.contains_key(id) {
            return Ok(Reserved { is_repeated: true, ..Reserved::default() });
        }
        let (mut denied, mut would_deny) = (Vec::new(), Vec::new());
        for (place, claim) in claims.iter().enumerate() {
            let is_repeated = claims.iter().take(place).any(|other| other.scope == claim.scope);
            let why = match self.scope(claim) {
                Some(scope) if !is_repeated => scope.denies(claim, amounts.of(claim.unit), now),
                _ => Some((Why::Full, None)),
            };
            if let Some((why, retry_after_ms)) = why {
                let row = Denied { scope: claim.scope.clone(), why, retry_after_ms };
                if claim.is_enforced || why == Why::Full { denied.push(row) } else { would_deny.push(row) }
            }
        }
        if !denied.is_empty() {
            return Err(Refusal { denied });
        }
        self.hold(id, claims, amounts, lease_ms, now);
        Ok(Reserved { is_repeated: false, would_deny })
    }

    /// Takes a reservation over that was made before this book: nothing is refused.
    pub fn restore(&mut self, id: &SharedStr, claims: &[Claim], amounts: Amounts, lease_ms: i64, now: Moment) {
        let now = self.tick(now);
        if !self.open.contains_key(id) && !self.ended.contains_key(id) {
            self.hold(id, claims, amounts, lease_ms, now);
        }
    }

    /// Adds what was spent before this book, at a moment of the past.
    pub fn charge(&mut self, claim: &Claim, amount: i64, at_ms: i64, now: Moment) {
        let now = self.tick(now);
        if let Some(scope) = self.scope(claim) {
            scope.charge(claim, amount.max(0), at_ms, now);
        }
    }

    /// Holds more for a reservation whose end was not known. Nothing is taken if a scope has no room.
    ///
    /// # Errors
    /// The scopes without room.
    pub fn top_up(&mut self, id: &SharedStr, more: Amounts, now: Moment) -> Result<(), Refusal> {
        let now = self.tick(now);
        let Some(mut open) = self.open.remove(id) else { return Ok(()) };
        let mut denied = Vec::new();
        let counts = |taken: &Taken| !matches!(taken.claim.unit, Unit::Requests) && more.of(taken.claim.unit) > 0;
        for taken in open.taken.iter().filter(|taken| counts(taken) && taken.claim.is_enforced) {
            let scope = self.scopes.get_mut(&taken.claim.scope);
            if let Some((why, retry_after_ms)) =
                scope.and_then(|scope| scope.denies_more(taken, more.of(taken.claim.unit), now))
            {
                denied.push(Denied { scope: taken.claim.scope.clone(), why, retry_after_ms });
            }
        }
        if denied.is_empty() {
            for taken in open.taken.iter_mut().filter(|taken| counts(taken)) {
                let amount = more.of(taken.claim.unit);
                if let Some(scope) = self.scopes.get_mut(&taken.claim.scope) {
                    scope.take_more(taken, amount, now);
                }
            }
            let held = &mut open.amounts;
            held.usd_nanos = held.usd_nanos.saturating_add(more.usd_nanos.max(0));
            held.input_tokens = held.input_tokens.saturating_add(more.input_tokens.max(0));
            held.output_tokens = held.output_tokens.saturating_add(more.output_tokens.max(0));
        }
        self.open.insert(id.clone(), open);
        if denied.is_empty() { Ok(()) } else { Err(Refusal { denied }) }
    }

    /// Ends a reservation at what was used; none if there is no such reservation any more.
    pub fn settle(&mut self, id: &str, actual: Amounts, now: Moment) -> Option<Settled> {
        let now = self.tick(now);
        let (id, open) = self.open.remove_entry(id)?;
        self.leases.remove(&(open.until_ms, id.clone()));
        Some(self.close(id, &open, Some(actual), now))
    }

    /// Ends a reservation of which nothing was used, not even a request: nothing was sent. Whether there was one.
    pub fn release(&mut self, id: &str, now: Moment) -> bool {
        let now = self.tick(now);
        let Some((id, open)) = self.open.remove_entry(id) else { return false };
        self.leases.remove(&(open.until_ms, id.clone()));
        self.close(id, &open, None, now);
        true
    }

    /// Ends the reservations whose lease is over: each is settled at what it held.
    pub fn expire(&mut self, now: Moment) -> Vec<Expired> {
        let now = self.tick(now);
        let mut expired = Vec::new();
        while let Some((until_ms, id)) = self.leases.pop_first() {
            if until_ms > now.mono_ms {
                self.leases.insert((until_ms, id));
                break;
            }
            let Some(open) = self.open.remove(&id) else { continue };
            let settled = self.close(id.clone(), &open, Some(open.amounts), now);
            expired.push(Expired { id, amounts: open.amounts, alerts: settled.alerts });
        }
        while self.ended_order.front().is_some_and(|(until_ms, _)| *until_ms <= now.mono_ms) {
            if let Some((_, id)) = self.ended_order.pop_front() {
                self.ended.remove(&id);
            }
        }
        expired
    }

    /// How a scope stands.
    pub fn standing(&self, claim: &Claim, now: Moment) -> Standing {
        let now = self.held_still(now);
        self.scopes.get(&claim.scope).cloned().unwrap_or_else(|| Scope::new(&claim.measure)).standing(claim, now)
    }

    /// How many reservations are open.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// How many scopes are kept.
    pub fn scope_count(&self) -> usize {
        self.scopes.len()
    }

    fn hold(&mut self, id: &SharedStr, claims: &[Claim], amounts: Amounts, lease_ms: i64, now: Moment) {
        let mut taken = Vec::with_capacity(claims.len());
        for claim in claims {
            if let Some(scope) = self.scope(claim) {
                taken.push(scope.take(claim, amounts.of(claim.unit), now));
            }
        }
        let until_ms = now.mono_ms.saturating_add(lease_ms.max(0));
        self.leases.insert((until_ms, id.clone()));
        self.open.insert(id.clone(), Open { taken, amounts, until_ms });
    }

    /// Settles what was taken; without an actual use all of it goes back.
    fn close(&mut self, id: SharedStr, open: &Open, actual: Option<Amounts>, now: Moment) -> Settled {
        let mut settled = Settled::default();
        for taken in &open.taken {
            let used = actual.map_or(0, |actual| match taken.claim.unit {
                Unit::Requests => taken.amount,
                unit => actual.of(unit),
            });
            if taken.claim.unit == Unit::UsdNanos {
                settled.debt_usd_nanos = settled.debt_usd_nanos.max(used.saturating_sub(taken.amount));
            }
            // One that was idle, and forgotten, comes back for a debt.
            if let Some(scope) = self.scope(&taken.claim) {
                scope.settle(taken, used, now, &mut settled.alerts);
            }
        }
        self.ended.insert(id.clone(), open.until_ms);
        self.ended_order.push_back((open.until_ms, id));
        settled
    }

    /// The scope of a claim, new if need be; none if too many count.
    fn scope(&mut self, claim: &Claim) -> Option<&mut Scope> {
        if !self.scopes.contains_key(&claim.scope) {
            // Twice as many as after the last sweep: each scope pays for its own.
            if self.scopes.len() >= self.swept_at.saturating_mul(2).clamp(1_024, MAX_SCOPES) {
                let now = self.now;
                self.scopes.retain(|_, scope| !scope.is_idle(now));
                self.swept_at = self.scopes.len();
            }
            if self.scopes.len() >= MAX_SCOPES {
                return None;
            }
            self.scopes.insert(claim.scope.clone(), Scope::new(&claim.measure));
        }
        self.scopes.get_mut(&claim.scope)
    }

    fn held_still(&self, now: Moment) -> Moment {
        Moment { wall_ms: now.wall_ms.max(self.now.wall_ms), mono_ms: now.mono_ms.max(self.now.mono_ms) }
    }

    fn tick(&mut self, now: Moment) -> Moment {
        self.now = self.held_still(now);
        self.now
    }
}
