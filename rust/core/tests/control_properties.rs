//! The control state against naive models, and its bounds.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use turnout_core::control::{Breaker, ControlEvent, ControlSettings, ControlState, RetryBudget, Standing};
use turnout_core::outcome::{Cools, OutcomeKind, TABLE};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// One attempt that ended: names, outcome, wait, and how much later than the event before.
#[derive(Debug, Clone)]
struct Step {
    deployment: usize,
    key: usize,
    provider: usize,
    outcome: OutcomeKind,
    retry_after_ms: Option<i64>,
    is_start: bool,
    later_ms: i64,
}

fn step() -> impl Strategy<Value = Step> {
    (
        (0..4_usize, 0..4_usize, 0..4_usize),
        prop::sample::select(TABLE.iter().map(|row| row.kind).collect::<Vec<_>>()),
        prop::option::of(prop_oneof![-10_i64..20_000, Just(i64::MAX), Just(i64::MIN)]),
        any::<bool>(),
        prop_oneof![4 => 0_i64..500, 1 => -5_000_i64..20_000],
    )
        .prop_map(|((deployment, key, provider), outcome, retry_after_ms, is_start, later_ms)| Step {
            deployment,
            key,
            provider,
            outcome,
            retry_after_ms,
            is_start,
            later_ms,
        })
}

impl Step {
    fn event(&self) -> ControlEvent<'static> {
        let (deployment, key, provider) = (NAMES[self.deployment], NAMES[self.key], NAMES[self.provider]);
        if self.is_start {
            return ControlEvent::AttemptStarted { deployment, key, provider, input_tokens: 0 };
        }
        ControlEvent::AttemptEnded {
            deployment,
            key,
            provider,
            outcome: self.outcome,
            ttft_ms: Some(100),
            total_ms: 200,
            retry_after_ms: self.retry_after_ms,
        }
    }
}

/// Applies steps from time 1,000,000 on; the clock as the state must see it.
fn run(steps: &[Step], keeps: impl Fn(&Step) -> bool) -> (ControlState, i64) {
    let (mut state, mut now_ms, mut clock_ms) = (ControlState::default(), 1_000_000, 0);
    for step in steps {
        now_ms += step.later_ms;
        clock_ms = clock_ms.max(now_ms);
        if keeps(step) {
            state.apply(&step.event(), now_ms);
        } else {
            // Only the time passes.
            state.apply(&ControlEvent::CallStarted, now_ms);
        }
    }
    (state, clock_ms)
}

proptest! {
    #[test]
    fn the_same_events_give_the_same_state(steps in prop::collection::vec(step(), 0..60)) {
        prop_assert_eq!(run(&steps, |_| true), run(&steps, |_| true));
    }

    #[test]
    fn others_do_not_matter_unless_they_share(steps in prop::collection::vec(step(), 0..60)) {
        let (state, now_ms) = run(&steps, |_| true);
        let (alone, _) = run(&steps, |step| step.deployment == 0 || step.key == 0 || step.provider == 0);
        prop_assert_eq!(state.standing("a", "a", "a", now_ms), alone.standing("a", "a", "a", now_ms));
        let (alone, _) = run(&steps, |step| step.deployment == 0);
        let (seen, only) = (state.standing("a", "-", "-", now_ms), alone.standing("a", "-", "-", now_ms));
        prop_assert_eq!(seen, only);
        prop_assert_eq!(state.latency("a"), alone.latency("a"));
        prop_assert_eq!(state.standing("-", "-", "-", now_ms), Standing::HEALTHY);
    }

    #[test]
    fn cooldowns_are_those_of_a_plain_list(steps in prop::collection::vec(step(), 0..60)) {
        // Each attempt that cooled something, as (what, name, until); the longest counts.
        let (mut until, mut now_ms, mut clock_ms) = (Vec::new(), 1_000_000, 0);
        let mut state = ControlState::default();
        let mut before = Vec::new();
        for step in &steps {
            now_ms += step.later_ms;
            clock_ms = clock_ms.max(now_ms);
            state.apply(&step.event(), now_ms);
            let row = step.outcome.row();
            let wait_ms = step.retry_after_ms.map_or(row.default_cooldown_ms, |asked_ms| asked_ms.max(250)).clamp(0, 600_000);
            let cools = if row.cools == Cools::Nothing && row.counts_as_failure && step.retry_after_ms.is_some() {
                Cools::Deployment
            } else {
                row.cools
            };
            let name = match cools {
                Cools::Nothing => None,
                Cools::Key => Some(step.key),
                Cools::Deployment => Some(step.deployment),
                Cools::Provider => Some(step.provider),
            };
            if let Some(name) = name.filter(|_| !step.is_start) {
                until.push((cools, name, clock_ms + wait_ms));
            }
            let mut now = Vec::new();
            for (at, name) in NAMES.iter().enumerate() {
                for (cools, standing) in [
                    (Cools::Deployment, state.standing(name, "-", "-", now_ms)),
                    (Cools::Key, state.standing("-", name, "-", now_ms)),
                    (Cools::Provider, state.standing("-", "-", name, now_ms)),
                ] {
                    let longest = until.iter().filter(|(what, whom, _)| (*what, *whom) == (cools, at)).map(|(.., until_ms)| *until_ms).max();
                    prop_assert_eq!(standing.cooling_until_ms, longest.filter(|until_ms| *until_ms > clock_ms));
                    now.push(longest);
                }
            }
            // Monotone: nothing that happens makes a cooldown shorter.
            prop_assert!(before.iter().zip(&now).all(|(before, now)| before <= now));
            before = now;
        }
    }

    #[test]
    fn a_breaker_opens_only_on_failures_and_always_ends(steps in prop::collection::vec(step(), 0..60)) {
        let (state, now_ms) = run(&steps, |_| true);
        for name in NAMES {
            let failures = steps.iter().filter(|step| !step.is_start && NAMES[step.deployment] == name && step.outcome.row().counts_as_failure).count();
            match state.standing(name, "-", "-", now_ms).breaker {
                Breaker::Closed => {}
                Breaker::Open { until_ms } => {
                    prop_assert!(failures >= 3 && until_ms > now_ms && until_ms <= now_ms + 600_000);
                    prop_assert_eq!(state.standing(name, "-", "-", until_ms).breaker, Breaker::HalfOpen);
                }
                Breaker::HalfOpen => prop_assert!(failures >= 3),
            }
            prop_assert!(state.standing(name, name, name, now_ms + 600_001).is_healthy(), "everything heals");
        }
    }

    #[test]
    fn retries_stay_within_share_and_floor(
        events in prop::collection::vec((0_i64..1_500, any::<bool>(), 1_usize..12), 0..120),
        retry_permille in 0_u32..1_000,
        retry_floor_millis_per_second in 0_u32..2_000,
    ) {
        let settings = ControlSettings { retry_permille, retry_floor_millis_per_second, ..ControlSettings::default() };
        let mut budget = RetryBudget::default();
        let (mut firsts, mut retries, mut now_ms) = (Vec::new(), Vec::new(), 1_000_000_i64);
        for (later_ms, is_first, times) in events {
            now_ms += later_ms;
            for _ in 0..times {
                if is_first {
                    budget.on_first_attempt(now_ms, &settings);
                    firsts.push(now_ms);
                    continue;
                }
                // The naive model keeps every time; its window is the ten slices of a second that end with this one.
                let since_ms = (now_ms / 1_000 - 9) * 1_000;
                let count = |times: &[i64]| i64::try_from(times.iter().filter(|time| **time >= since_ms).count()).unwrap();
                let allowed_millis = (count(&firsts) * i64::from(retry_permille)).max(10 * i64::from(retry_floor_millis_per_second));
                let fits = (count(&retries) + 1) * 1_000 <= allowed_millis;
                prop_assert_eq!(budget.may_retry(now_ms, false, &settings), fits);
                if fits {
                    retries.push(now_ms);
                }
            }
        }
        // Over any ten seconds: the share of the first attempts of the window that ends there and the one before, plus the floor.
        for (at, end_ms) in retries.iter().enumerate() {
            let window = retries[..=at].iter().filter(|time| **time > end_ms - 9_000).count();
            let near = firsts.iter().filter(|time| **time > end_ms - 10_000 && **time <= *end_ms).count();
            let bound = near * usize::try_from(retry_permille).unwrap() + 10 * usize::try_from(retry_floor_millis_per_second).unwrap();
            prop_assert!(window * 1_000 <= bound, "{window} retries, {near} first attempts");
        }
    }

    #[test]
    fn any_times_and_settings_work(
        times in prop::collection::vec(any::<i64>(), 0..20),
        window_ms in any::<i64>(), open_ms in any::<i64>(), max_cooldown_ms in any::<i64>(), volume in any::<u32>(), share in any::<u32>(),
    ) {
        let settings = ControlSettings {
            window_ms, breaker_open_ms: open_ms, max_cooldown_ms, breaker_min_volume: volume, breaker_failure_permille: share,
            ..ControlSettings::default()
        };
        let mut state = ControlState::new(settings);
        for now_ms in times {
            for row in TABLE {
                let (deployment, key, provider) = ("a", "b", "c");
                state.apply(&ControlEvent::AttemptStarted { deployment, key, provider, input_tokens: 0 }, now_ms);
                state.apply(&ControlEvent::CallStarted, now_ms);
                let retry_after_ms = Some(i64::MAX);
                state.apply(&ControlEvent::AttemptEnded { deployment, key, provider, outcome: row.kind, ttft_ms: Some(u32::MAX), total_ms: 0, retry_after_ms }, now_ms);
                let _ = (state.standing("a", "b", "c", now_ms).rank(), state.may_retry(now_ms, true), state.latency("a"));
            }
        }
    }
}
