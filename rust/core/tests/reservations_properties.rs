//! Budgets and limits against a model that keeps every reservation and adds all of them up each time.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use turnout_core::control::reservations::{Amounts, Book, Claim, Measure, Moment, Period, Settled, Unit, Why, Zone};
use turnout_core::shared_str::SharedStr;

const LEASE_MS: i64 = 50_000;

fn claim(scope: &str, measure: Measure, unit: Unit, limit: i64) -> Claim {
    Claim { scope: scope.into(), measure, unit, limit, is_enforced: true, alert_at: Arc::from([]) }
}

fn usd(nanos: i64) -> Amounts {
    Amounts { usd_nanos: nanos, ..Amounts::default() }
}

fn at(ms: i64) -> Moment {
    Moment { wall_ms: 1_764_000_000_000 + ms, mono_ms: ms }
}

fn id(text: &str) -> SharedStr {
    text.into()
}

/// The claims that calls draw from: a total, two teams, a rolling window, a bucket, permits.
fn claims(mask: u8) -> Vec<Claim> {
    let day = || Measure::Window(Period::Day, Zone::fixed("-05:30").unwrap());
    [
        claim("total", Measure::Window(Period::Hour, Zone::default()), Unit::UsdNanos, 1_000),
        claim("team/a", day(), Unit::UsdNanos, 700),
        claim("team/b", day(), Unit::UsdNanos, 300),
        claim("rolling", Measure::Window(Period::Rolling(600_000), Zone::default()), Unit::UsdNanos, 900),
        claim("tokens", Measure::Bucket(60_000), Unit::Tokens, 500),
        claim("busy", Measure::Permits, Unit::Requests, 3),
    ]
    .into_iter()
    .enumerate()
    .filter(|(place, _)| mask & (1 << place) != 0)
    .map(|(_, claim)| claim)
    .collect()
}

#[derive(Debug, Clone)]
enum Step {
    Reserve { id: u8, mask: u8, amount: i64 },
    Settle { id: u8, actual: i64 },
    Release { id: u8 },
    TopUp { id: u8, more: i64 },
    Expire,
    Tick { wall_ms: i64, mono_ms: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..24_u8, 1..64_u8, 0..400_i64).prop_map(|(id, mask, amount)| Step::Reserve { id, mask, amount }),
        4 => (0..24_u8, 0..500_i64).prop_map(|(id, actual)| Step::Settle { id, actual }),
        1 => (0..24_u8).prop_map(|id| Step::Release { id }),
        1 => (0..24_u8, 0..100_i64).prop_map(|(id, more)| Step::TopUp { id, more }),
        1 => Just(Step::Expire),
        // Both clocks go their own ways, the wall clock backwards too.
        3 => (-3_600_000..7_200_000_i64, 0..40_000_i64).prop_map(|(wall_ms, mono_ms)| Step::Tick { wall_ms, mono_ms }),
        2 => (0..30_000_i64).prop_map(|ms| Step::Tick { wall_ms: ms, mono_ms: ms }),
    ]
}

#[derive(Debug, Clone)]
struct Known {
    mask: u8,
    held: i64,
    /// None while it is open.
    used: Option<i64>,
    wall_ms: i64,
    until_ms: i64,
}

/// The oracle of the windows and permits: all reservations there ever were.
#[derive(Default)]
struct Model {
    known: BTreeMap<u8, Known>,
    wall_ms: i64,
    debts: i64,
}

impl Model {
    fn counts(claim: &Claim, known: &Known, at_ms: i64) -> bool {
        let Measure::Window(period, zone) = &claim.measure else { return true };
        let (then, now) = (period.span(known.wall_ms, zone).id, period.span(at_ms, zone).id);
        match period {
            Period::Rolling(_) => known.used.is_none() || now - then <= 60,
            _ => then == now,
        }
    }

    fn total(&self, place: usize, claim: &Claim, at_ms: i64) -> i64 {
        let in_scope = self.known.values().filter(|known| known.mask & (1 << place) != 0);
        in_scope
            .filter(|known| Self::counts(claim, known, at_ms))
            .map(|known| match claim.measure {
                Measure::Permits => i64::from(known.used.is_none()),
                _ => known.used.unwrap_or(known.held),
            })
            .sum()
    }
}

fn tokens_too(nanos: i64) -> Amounts {
    Amounts { usd_nanos: nanos, input_tokens: nanos / 2, output_tokens: nanos - nanos / 2 }
}

proptest! {
    #[test]
    fn the_book_is_the_sum_of_its_reservations(steps in prop::collection::vec(step(), 1..120)) {
        let mut book = Book::default();
        let mut model = Model::default();
        let (mut wall_ms, mut mono_ms) = (1_764_000_000_000, 0);
        for step in steps {
            let now = Moment { wall_ms, mono_ms };
            let is_stale = |known: &Known| known.until_ms <= mono_ms;
            match &step {
                Step::Tick { .. } => {}
                // An id whose lease is long over is a new one to the book.
                Step::Reserve { id, .. } if model.known.get(id).is_some_and(is_stale) => continue,
                _ => model.wall_ms = model.wall_ms.max(wall_ms),
            }
            match step {
                Step::Tick { wall_ms: wall, mono_ms: mono } => {
                    wall_ms += wall;
                    mono_ms += mono;
                }
                Step::Reserve { id: number, mask, amount } => {
                    let mine = claims(mask);
                    if model.known.contains_key(&number) {
                        let again = book.reserve(&id(&number.to_string()), &mine, tokens_too(amount), LEASE_MS, now);
                        prop_assert!(again.unwrap().is_repeated);
                        continue;
                    }
                    let answer = book.reserve(&id(&number.to_string()), &mine, tokens_too(amount), LEASE_MS, now);
                    let mut expected = Vec::new();
                    for (place, claim) in claims(63).iter().enumerate().filter(|(place, _)| mask & (1 << place) != 0) {
                        if matches!(claim.measure, Measure::Bucket(_)) {
                            continue;
                        }
                        let unit = if claim.unit == Unit::Requests { 1 } else { amount };
                        if model.total(place, claim, model.wall_ms) + unit > claim.limit {
                            expected.push(claim.scope.clone());
                        }
                    }
                    let denied: Vec<_> = answer.as_ref().err().map(|refusal| refusal.denied.clone()).unwrap_or_default();
                    let of_model: Vec<_> =
                        denied.iter().map(|row| row.scope.clone()).filter(|scope| *scope != "tokens").collect();
                    prop_assert_eq!(of_model, expected);
                    if answer.is_ok() {
                        let until_ms = mono_ms + LEASE_MS;
                        let wall_ms = model.wall_ms;
                        let row = Known { mask, held: amount, used: None, wall_ms, until_ms };
                        model.known.insert(number, row);
                    }
                }
                Step::Settle { id: number, actual } => {
                    let open = model.known.get_mut(&number).filter(|known| known.used.is_none());
                    let settled = book.settle(&number.to_string(), tokens_too(actual), now);
                    prop_assert_eq!(settled.is_some(), open.is_some());
                    if let (Some(open), Some(Settled { debt_usd_nanos, .. })) = (open, settled) {
                        if open.mask & 15 != 0 {
                            prop_assert_eq!(debt_usd_nanos, (actual - open.held).max(0));
                        }
                        model.debts += (actual - open.held).max(0);
                        open.used = Some(actual);
                    }
                }
                Step::Release { id: number } => {
                    let open = model.known.get_mut(&number).filter(|known| known.used.is_none());
                    prop_assert_eq!(book.release(&number.to_string(), now), open.is_some());
                    if let Some(open) = open {
                        open.used = Some(0);
                    }
                }
                Step::TopUp { id: number, more } => {
                    let answer = book.top_up(&id(&number.to_string()), tokens_too(more), now);
                    if let Some(open) = model.known.get_mut(&number).filter(|known| known.used.is_none())
                        && answer.is_ok()
                    {
                        open.held += more;
                    }
                }
                Step::Expire => {
                    let expired = book.expire(now);
                    let due = model.known.values_mut().filter(|known| known.used.is_none() && known.until_ms <= mono_ms);
                    let mut count = 0;
                    for known in due {
                        known.used = Some(known.held);
                        count += 1;
                    }
                    prop_assert_eq!(expired.len(), count);
                    for row in expired {
                        prop_assert_eq!(row.amounts.usd_nanos, model.known[&row.id.parse::<u8>().unwrap()].held);
                    }
                }
            }
            let now = Moment { wall_ms, mono_ms };
            let seen_ms = model.wall_ms.max(wall_ms);
            for (place, claim) in claims(63).iter().enumerate() {
                let standing = book.standing(claim, now);
                let total = standing.spent + standing.held;
                if matches!(claim.measure, Measure::Bucket(_)) {
                    continue;
                }
                prop_assert_eq!(total, model.total(place, claim, seen_ms), "{}", claim.scope);
                // What a provider bills above its reservation is the only way beyond a limit.
                prop_assert!(total <= claim.limit + model.debts);
            }
        }
        let open = model.known.values().filter(|known| known.used.is_none()).count();
        prop_assert_eq!(book.open_count(), open);
    }

    #[test]
    fn a_bucket_never_holds_more_than_had_only_the_truth_been_taken(
        calls in prop::collection::vec((0..2_000_i64, 1..600_i64, 0..600_i64, 0..5_000_i64), 1..60),
    ) {
        // Each call reserves, and settles some time later. The oracle takes what was used, when it was reserved.
        let (limit, refill_ms) = (500, 10_000);
        let claim = claim("t", Measure::Bucket(refill_ms), Unit::InputTokens, limit);
        let mut book = Book::default();
        let mut now_ms = 0;
        let mut pending: Vec<(i64, String, i64)> = Vec::new();
        let mut taken: Vec<(i64, i64)> = Vec::new();
        for (place, (wait_ms, amount, actual, lasts_ms)) in calls.into_iter().enumerate() {
            now_ms += wait_ms;
            pending.sort();
            while pending.first().is_some_and(|(due_ms, ..)| *due_ms <= now_ms) {
                let (due_ms, name, actual) = pending.remove(0);
                book.settle(&name, Amounts { input_tokens: actual, ..Amounts::default() }, at(due_ms)).unwrap();
            }
            let name = place.to_string();
            let amounts = Amounts { input_tokens: amount, ..Amounts::default() };
            match book.reserve(&id(&name), std::slice::from_ref(&claim), amounts, LEASE_MS, at(now_ms)) {
                Ok(_) => {
                    let actual = actual.min(amount);
                    taken.push((now_ms, actual));
                    pending.push((now_ms + lasts_ms, name, actual));
                }
                Err(refusal) if refusal.denied[0].why == Why::TooLarge => prop_assert!(amount > limit),
                Err(refusal) => {
                    // Honest: there is room then, and there was none a millisecond before.
                    let after_ms = refusal.retry_after_ms().unwrap();
                    prop_assert!(after_ms > 0);
                    let mut early = book.clone();
                    let probe = id("probe");
                    let one = std::slice::from_ref(&claim);
                    prop_assert!(early.reserve(&probe, one, amounts, LEASE_MS, at(now_ms + after_ms - 1)).is_err());
                    let mut late = book.clone();
                    prop_assert!(late.reserve(&probe, one, amounts, LEASE_MS, at(now_ms + after_ms)).is_ok());
                }
            }
            // In units times the refill, so that nothing is rounded: the level had the truth been taken at once.
            let (mut level, mut last_ms) = (i128::from(limit) * i128::from(refill_ms), 0);
            let full = level;
            for (at_ms, used) in &taken {
                level = (level + i128::from((at_ms - last_ms) * limit)).min(full) - i128::from(used * refill_ms);
                last_ms = *at_ms;
            }
            level = (level + i128::from((now_ms - last_ms) * limit)).min(full);
            let room = i128::from(limit - book.standing(&claim, at(now_ms)).spent) * i128::from(refill_ms);
            prop_assert!(room <= level, "{room} > {level}");
        }
    }

    #[test]
    fn after_the_wait_there_is_room(
        spends in prop::collection::vec((0..90_000_i64, 1..400_i64), 1..20), amount in 1..1_000_i64,
        period in prop::sample::select(vec![Period::Hour, Period::Day, Period::Week, Period::Month, Period::Rolling(600_000)]),
    ) {
        let claim = claim("b", Measure::Window(period, Zone::fixed("+05:30").unwrap()), Unit::UsdNanos, 1_000);
        let one = std::slice::from_ref(&claim);
        let mut book = Book::default();
        let mut now_ms = 0;
        for (place, (wait_ms, spend)) in spends.into_iter().enumerate() {
            now_ms += wait_ms;
            let name = place.to_string();
            if book.reserve(&id(&name), one, usd(spend), LEASE_MS, at(now_ms)).is_ok() {
                book.settle(&name, usd(spend), at(now_ms)).unwrap();
            }
        }
        if let Err(refusal) = book.reserve(&id("x"), one, usd(amount), LEASE_MS, at(now_ms)) {
            let after_ms = refusal.retry_after_ms().unwrap();
            prop_assert!(book.clone().reserve(&id("x"), one, usd(amount), LEASE_MS, at(now_ms + after_ms - 1)).is_err());
            prop_assert!(book.reserve(&id("x"), one, usd(amount), LEASE_MS, at(now_ms + after_ms)).is_ok());
        }
    }
}

#[test]
fn the_edge_of_a_budget_admits_what_fits_and_no_more() {
    let claim = claim("edge", Measure::Window(Period::Month, Zone::default()), Unit::UsdNanos, 83 * 17);
    let mut book = Book::default();
    let admitted = (0..1_024)
        .filter(|place| {
            book.reserve(&id(&place.to_string()), std::slice::from_ref(&claim), usd(17), LEASE_MS, at(0)).is_ok()
        })
        .count();
    assert_eq!(admitted, 83);
}

#[test]
fn a_limit_that_does_not_hold_is_reported_and_refuses_nothing() {
    let soft = Claim { is_enforced: false, ..claim("soft", Measure::Permits, Unit::Requests, 0) };
    let mut book = Book::default();
    let reserved = book.reserve(&id("a"), &[soft], Amounts::default(), LEASE_MS, at(0)).unwrap();
    assert_eq!(reserved.would_deny.len(), 1);
    assert_eq!(reserved.would_deny[0].why, Why::TooLarge);
}

#[test]
fn each_share_is_told_once_a_window() {
    let mut month = claim("m", Measure::Window(Period::Month, Zone::default()), Unit::UsdNanos, 100);
    month.alert_at = Arc::from([500_000, 800_000]);
    let one = std::slice::from_ref(&month);
    let mut book = Book::default();
    let mut spend = |name: &str, nanos, now: Moment| -> Vec<i64> {
        book.reserve(&id(name), one, usd(nanos), LEASE_MS, now).unwrap();
        book.settle(name, usd(nanos), now).unwrap().alerts.iter().map(|alert| alert.share_millionths).collect()
    };
    assert_eq!(spend("a", 49, at(0)), []);
    assert_eq!(spend("b", 1, at(1)), [500_000]);
    assert_eq!(spend("c", 1, at(2)), []);
    assert_eq!(spend("d", 49, at(3)), [800_000]);
    assert_eq!(spend("e", 90, at(40 * 86_400_000)), [500_000, 800_000]);
    // A restart that finds it spent tells it of no share again.
    let mut rebuilt = Book::default();
    rebuilt.charge(&month, 60, at(0).wall_ms, at(0));
    rebuilt.reserve(&id("f"), one, usd(25), LEASE_MS, at(1)).unwrap();
    let told: Vec<i64> =
        rebuilt.settle("f", usd(25), at(1)).unwrap().alerts.iter().map(|alert| alert.share_millionths).collect();
    assert_eq!(told, [800_000]);
}

#[test]
fn a_debt_blocks_and_a_restart_forgets_nothing() {
    let claim = claim("d", Measure::Window(Period::Day, Zone::default()), Unit::UsdNanos, 100);
    let one = std::slice::from_ref(&claim);
    let mut book = Book::default();
    book.reserve(&id("a"), one, usd(60), LEASE_MS, at(0)).unwrap();
    assert_eq!(book.settle("a", usd(130), at(0)).unwrap().debt_usd_nanos, 70);
    assert!(book.settle("a", usd(130), at(0)).is_none());
    let refusal = book.reserve(&id("b"), one, usd(0), LEASE_MS, at(0)).unwrap_err();
    assert_eq!(refusal.denied[0].why, Why::Spent);
    // What the rows say is charged anew, and what was open is held again.
    let mut rebuilt = Book::default();
    rebuilt.charge(&claim, 70, at(0).wall_ms, at(5));
    rebuilt.charge(&claim, 900, at(0).wall_ms - 86_400_000, at(5));
    rebuilt.restore(&id("open"), one, usd(30), LEASE_MS, at(5));
    let standing = rebuilt.standing(&claim, at(5));
    assert_eq!((standing.spent, standing.held, standing.left(100)), (70, 30, 0));
    assert_eq!(rebuilt.expire(at(5 + LEASE_MS)).len(), 1);
    assert_eq!(rebuilt.standing(&claim, at(6)).spent, 100);
}

#[test]
fn idle_scopes_are_forgotten_and_others_are_kept() {
    let mut book = Book::default();
    for place in 0..5_000 {
        let claim = claim(&format!("s{place}"), Measure::Permits, Unit::Requests, 1);
        book.reserve(&id(&place.to_string()), &[claim], Amounts::default(), LEASE_MS, at(0)).unwrap();
        if place % 10 != 0 {
            assert!(book.release(&place.to_string(), at(0)));
        }
    }
    assert!((500..2_100).contains(&book.scope_count()), "{}", book.scope_count());
    assert_eq!(book.open_count(), 500);
}
