//! The state itself: events in, standings out.

use std::collections::BTreeMap;

use crate::outcome::{Cools, OutcomeKind};

use super::allowance::Allowance;
use super::breaker::BreakerState;
use super::latency::Histogram;
use super::load::PeakEwma;
use super::prefixes::Prefixes;
use super::reservations::Book;
use super::sessions::Sessions;
use super::{ControlSettings, LatencyQuantiles, LimitsLeft, Overheads, RetryBudget, Standing};

/// How many deployments, keys and providers are tracked, each; beyond it the one that was touched longest ago is forgotten.
pub const MAX_TRACKED: usize = 4_096;

/// The shortest cooldown: a provider that asks for no wait at all, or for one that has passed, is not asked again at once.
const MIN_COOLDOWN_MS: i64 = 250;

/// What a deployment is taken to need while nothing is known of it and its first answer is awaited: longer than any deadline.
const UNKNOWN_WAIT_US: u64 = 1 << 40;

/// The name of the key where none is sent.
pub const NO_KEY: &str = "none";

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlEvent<'a> {
    /// A call made its first attempt (what retries are a share of).
    CallStarted,
    /// An attempt begins, the first or a later one.
    AttemptStarted {
        /// The deployment.
        deployment: &'a str,
        /// The name of the key, never the key itself.
        key: &'a str,
        /// The provider.
        provider: &'a str,
        /// How long its request is, in tokens.
        input_tokens: u64,
    },
    /// The headers of an answer told what is left of the provider's own rate limits.
    LimitsReported {
        /// The deployment.
        deployment: &'a str,
        /// What they say.
        left: LimitsLeft,
    },
    /// An attempt ended.
    AttemptEnded {
        /// The deployment.
        deployment: &'a str,
        /// The name of the key, never the key itself.
        key: &'a str,
        /// The provider.
        provider: &'a str,
        /// How.
        outcome: OutcomeKind,
        /// Time to the first content, in milliseconds, when there was any.
        ttft_ms: Option<u32>,
        /// Time to the end, in milliseconds.
        total_ms: u32,
        /// How long the provider asked to be left alone, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// A deployment answered a request that begins with these prefixes, and caches them.
    PrefixesSent {
        /// The deployment.
        deployment: &'a str,
        /// Hashes of the prefixes, as the decision gives them.
        prefixes: &'a [u64],
        /// How long the provider keeps them, in milliseconds.
        ttl_ms: i64,
    },
    /// A provider reported the input tokens of a request.
    InputReported {
        /// The model.
        model: &'a str,
        /// The shape of the request ([`crate::tokens::Shape::key`]).
        shape: u16,
        /// What was counted before it was sent.
        counted: u64,
        /// What was reported.
        reported: u64,
    },
    /// A deployment answered a session that sticks to it from now on.
    SessionServed {
        /// The session, as the decision gives it.
        session: u64,
        /// The deployment.
        deployment: &'a str,
        /// How long it sticks, in milliseconds.
        ttl_ms: i64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Deployment {
    cooling_until_ms: i64,
    breaker: BreakerState,
    in_flight: u32,
    allowance: Allowance,
    ttft: Histogram,
    ttft_now: PeakEwma,
    /// Whole answers, from the request to the last byte.
    total: Histogram,
    total_now: PeakEwma,
    touched: u64,
}

/// A key or a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Account {
    cooling_until_ms: i64,
    touched: u64,
}

/// Everything that `control` knows. `Default` is the empty state with default settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlState {
    settings: ControlSettings,
    clock_ms: i64,
    events: u64,
    deployments: BTreeMap<String, Deployment>,
    keys: BTreeMap<String, Account>,
    providers: BTreeMap<String, Account>,
    retries: RetryBudget,
    hedges: RetryBudget,
    prefixes: Prefixes,
    sessions: Sessions,
    book: Book,
    overheads: Overheads,
}

impl ControlState {
    /// An empty state.
    pub fn new(settings: ControlSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// The settings.
    pub fn settings(&self) -> &ControlSettings {
        &self.settings
    }

    /// Goes on under other settings, those of a policy that was loaded anew for example.
    pub fn set_settings(&mut self, settings: ControlSettings) {
        self.settings = settings;
    }

    /// Forgets what was seen of a deployment, whose name means another target now; attempts in flight are still counted.
    pub fn forget(&mut self, deployment: &str) {
        if let Some(known) = self.deployments.get_mut(deployment) {
            *known = Deployment { in_flight: known.in_flight, touched: known.touched, ..Deployment::default() };
        }
    }

    /// Takes one event. `now_ms` is Unix time; a smaller one than before counts as the one before. Logarithmic in what is
    /// tracked (linear when something must be forgotten).
    pub fn apply(&mut self, event: &ControlEvent<'_>, now_ms: i64) {
        let now_ms = self.tick(now_ms);
        self.events = self.events.saturating_add(1);
        match *event {
            ControlEvent::CallStarted => {
                self.retries.on_first_attempt(now_ms, &self.settings);
                self.hedges.on_first_attempt(now_ms, &self.settings);
            }
            ControlEvent::PrefixesSent { deployment, prefixes, ttl_ms } => {
                self.prefixes.sent(deployment, prefixes, ttl_ms, now_ms);
            }
            ControlEvent::InputReported { model, shape, counted, reported } => {
                self.overheads.observe(model, shape, counted, reported);
            }
            ControlEvent::SessionServed { session, deployment, ttl_ms } => {
                self.sessions.served(session, deployment, ttl_ms, now_ms);
            }
            ControlEvent::LimitsReported { deployment, left } => {
                self.deployment(deployment).allowance.told(&left, now_ms);
            }
            ControlEvent::AttemptStarted { deployment, input_tokens, .. } => {
                let deployment = self.deployment(deployment);
                deployment.in_flight = deployment.in_flight.saturating_add(1);
                deployment.allowance.take(input_tokens);
                deployment.breaker.on_start(now_ms);
            }
            ControlEvent::AttemptEnded { deployment, key, provider, outcome, ttft_ms, total_ms, retry_after_ms } => {
                let settings = self.settings;
                let target = self.deployment(deployment);
                target.in_flight = target.in_flight.saturating_sub(1);
                let is_slow = ttft_ms.is_some_and(|ttft_ms| target.ttft.is_slow(ttft_ms));
                match ttft_ms {
                    Some(ttft_ms) => {
                        target.ttft.add(ttft_ms);
                        target.ttft_now.add(ttft_ms, now_ms);
                    }
                    None if outcome.is_answer() => {
                        target.total.add(total_ms);
                        target.total_now.add(total_ms, now_ms);
                    }
                    None => {}
                }
                let row = outcome.row();
                // A brown-out is an outage without errors (RELIABILITY F17).
                if row.counts_as_failure || (is_slow && outcome.is_answer()) {
                    target.breaker.on_failure(now_ms, &settings);
                } else if outcome.is_answer() {
                    target.breaker.on_success(now_ms, &settings);
                } else {
                    target.breaker.on_neutral();
                }
                let cools = match (row.cools, retry_after_ms) {
                    // A failing provider that names a wait gets it, whatever the row says (RELIABILITY F27).
                    (Cools::Nothing, Some(_)) if row.counts_as_failure => Cools::Deployment,
                    (cools, _) => cools,
                };
                let wait_ms = retry_after_ms.map_or(row.default_cooldown_ms, |asked_ms| asked_ms.max(MIN_COOLDOWN_MS));
                let until_ms = now_ms.saturating_add(wait_ms.clamp(0, settings.max_cooldown_ms.max(0)));
                // Deployments without a key do not share one.
                let cools = if cools == Cools::Key && key == NO_KEY { Cools::Deployment } else { cools };
                match cools {
                    Cools::Nothing => {}
                    Cools::Key => extend(&mut self.key(key).cooling_until_ms, until_ms),
                    Cools::Deployment => extend(&mut self.deployment(deployment).cooling_until_ms, until_ms),
                    Cools::Provider => extend(&mut self.provider(provider).cooling_until_ms, until_ms),
                }
            }
        }
    }

    /// How a deployment stands with a key at a provider, for a request of any length. Logarithmic in what is tracked.
    pub fn standing(&self, deployment: &str, key: &str, provider: &str, now_ms: i64) -> Standing {
        self.standing_for(0, deployment, key, provider, now_ms)
    }

    /// The same for a request of so many tokens: one for which the provider says that too little is left of its limits is as
    /// good as told to wait.
    pub fn standing_for(
        &self,
        input_tokens: u64,
        deployment: &str,
        key: &str,
        provider: &str,
        now_ms: i64,
    ) -> Standing {
        let now_ms = now_ms.max(self.clock_ms);
        let target = self.deployments.get(deployment);
        let cooling_until_ms = [
            target.map(|target| target.cooling_until_ms),
            target.and_then(|target| target.allowance.ready_at_ms(input_tokens, now_ms)),
            self.keys.get(key).map(|key| key.cooling_until_ms),
            self.providers.get(provider).map(|provider| provider.cooling_until_ms),
        ];
        Standing {
            cooling_until_ms: cooling_until_ms.into_iter().flatten().filter(|until_ms| *until_ms > now_ms).max(),
            ..target.map_or(Standing::HEALTHY, |target| Standing {
                cooling_until_ms: None,
                breaker: target.breaker.view(now_ms),
                is_probing: target.breaker.is_probing(now_ms, &self.settings),
                in_flight: target.in_flight,
            })
        }
    }

    /// Whether a retry fits into the retry budget; if so, it is spent. A `doubtful` one, to a target that is known to fail,
    /// gets half of the share.
    pub fn may_retry(&mut self, now_ms: i64, doubtful: bool) -> bool {
        let now_ms = self.tick(now_ms);
        self.retries.may_retry(now_ms, doubtful, &self.settings)
    }

    /// Whether a hedge fits into `permille` of the calls; if so, it is spent. There is no floor: a quiet process does not hedge.
    pub fn may_hedge(&mut self, permille: u32, now_ms: i64) -> bool {
        let now_ms = self.tick(now_ms);
        let settings = ControlSettings { retry_permille: permille, retry_floor_millis_per_second: 0, ..self.settings };
        self.hedges.may_retry(now_ms, false, &settings)
    }

    /// Within which time `percent` of a deployment's attempts have given their first content (`streams`), or their whole
    /// answer; nothing while too few are known.
    pub fn percentile_ms(&self, deployment: &str, percent: u32, streams: bool) -> Option<u32> {
        let known = self.deployments.get(deployment)?;
        if streams { known.ttft.percentile(percent) } else { known.total.percentile(percent) }
    }

    /// Attempts of a deployment that have started and not ended.
    pub fn in_flight(&self, deployment: &str) -> u32 {
        self.deployments.get(deployment).map_or(0, |target| target.in_flight)
    }

    /// How long one more attempt of a deployment may take just now, in microseconds: what it takes on average, recent peaks
    /// first, for each that is under way and the new one. One of which nothing is known is quick while it is idle, and the
    /// slowest of all while its first answer is awaited.
    pub fn expected_wait_us(&self, deployment: &str, streams: bool, now_ms: i64) -> u64 {
        let Some(target) = self.deployments.get(deployment) else { return 0 };
        let known = if streams { target.ttft_now } else { target.total_now };
        match (known.faded(now_ms.max(self.clock_ms)), u64::from(target.in_flight)) {
            (0, 0) => 0,
            (0, waiting) => UNKNOWN_WAIT_US.saturating_add(waiting),
            (each_us, waiting) => each_us.saturating_mul(waiting + 1),
        }
    }

    /// Time to first token of a deployment; nothing when it was never seen.
    pub fn latency(&self, deployment: &str) -> Option<LatencyQuantiles> {
        self.deployments.get(deployment)?.ttft.quantiles()
    }

    /// The place in `prefixes` (ascending) of the longest one that the deployment's prompt cache is likely to hold.
    pub fn longest_prefix(&self, deployment: &str, prefixes: &[u64], now_ms: i64) -> Option<usize> {
        self.prefixes.longest(deployment, prefixes, now_ms.max(self.clock_ms))
    }

    /// The deployment that a session sticks to; none when it is new, or its time is over.
    pub fn session(&self, session: u64, now_ms: i64) -> Option<&str> {
        self.sessions.deployment(session, now_ms.max(self.clock_ms))
    }

    /// Whether it says nothing of any deployment, key or provider: nothing was attempted yet.
    pub fn is_blank(&self) -> bool {
        self.deployments.is_empty() && self.keys.is_empty() && self.providers.is_empty() && self.prefixes.len() == 0
    }

    /// What is reserved and spent.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The same, to reserve and to settle.
    pub fn book_mut(&mut self) -> &mut Book {
        &mut self.book
    }

    /// What was learned of the input tokens that providers report.
    pub fn overheads(&self) -> &Overheads {
        &self.overheads
    }

    /// The same, to take back what was saved.
    pub fn overheads_mut(&mut self) -> &mut Overheads {
        &mut self.overheads
    }

    /// How many prefixes are remembered.
    pub fn prefix_count(&self) -> usize {
        self.prefixes.len()
    }

    fn tick(&mut self, now_ms: i64) -> i64 {
        self.clock_ms = self.clock_ms.max(now_ms);
        self.clock_ms
    }

    fn deployment(&mut self, name: &str) -> &mut Deployment {
        let events = self.events;
        let entry = entry_of(&mut self.deployments, name, |entry| (entry.in_flight > 0, entry.touched));
        entry.touched = events;
        entry
    }

    fn key(&mut self, name: &str) -> &mut Account {
        let events = self.events;
        let entry = entry_of(&mut self.keys, name, |entry| (false, entry.touched));
        entry.touched = events;
        entry
    }

    fn provider(&mut self, name: &str) -> &mut Account {
        let events = self.events;
        let entry = entry_of(&mut self.providers, name, |entry| (false, entry.touched));
        entry.touched = events;
        entry
    }
}

/// The longest cooldown wins.
fn extend(until_ms: &mut i64, other_ms: i64) {
    *until_ms = (*until_ms).max(other_ms);
}

/// The entry of that name, new if need be; a full map first forgets the entry whose `age` is smallest.
fn entry_of<'m, T: Default>(
    map: &'m mut BTreeMap<String, T>,
    name: &str,
    age: impl Fn(&T) -> (bool, u64),
) -> &'m mut T {
    if !map.contains_key(name) && map.len() >= MAX_TRACKED {
        let oldest = map.iter().min_by_key(|(_, entry)| age(entry)).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest {
            map.remove(&oldest);
        }
    }
    map.entry(name.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Breaker;
    use super::*;
    use crate::outcome::TABLE;

    fn ended(outcome: OutcomeKind, retry_after_ms: Option<i64>) -> ControlEvent<'static> {
        ControlEvent::AttemptEnded {
            deployment: "d",
            key: "k",
            provider: "p",
            outcome,
            ttft_ms: None,
            total_ms: 1,
            retry_after_ms,
        }
    }

    #[test]
    fn each_row_of_the_outcome_table_cools_what_it_says() {
        for row in TABLE {
            let mut state = ControlState::default();
            state.apply(&ended(row.kind, None), 1_000);
            let until = (row.default_cooldown_ms > 0).then_some(1_000 + row.default_cooldown_ms);
            let name = row.kind.name();
            for (cools, standing) in [
                (Cools::Deployment, state.standing("d", "-", "-", 1_000)),
                (Cools::Key, state.standing("-", "k", "-", 1_000)),
                (Cools::Provider, state.standing("-", "-", "p", 1_000)),
            ] {
                assert_eq!(standing.cooling_until_ms, until.filter(|_| row.cools == cools), "{name}");
            }
            for _ in 0..4 {
                state.apply(&ended(row.kind, None), 1_000);
            }
            let is_open = matches!(state.standing("d", "-", "-", 1_000).breaker, Breaker::Open { .. });
            assert_eq!(is_open, row.counts_as_failure, "{name}");
        }
    }

    #[test]
    fn the_longest_wait_wins_and_is_clamped() {
        let mut state = ControlState::default();
        for (retry_after_ms, until_ms) in
            [(Some(20_000), 20_000), (Some(1), 20_000), (None, 20_000), (Some(-5), 20_000), (Some(i64::MAX), 600_000)]
        {
            state.apply(&ended(OutcomeKind::RateLimited, retry_after_ms), 0);
            assert_eq!(state.standing("d", "k", "p", 0).cooling_until_ms, Some(until_ms));
        }
        assert_eq!(state.standing("d", "k", "p", 600_000).cooling_until_ms, None);
        let mut state = ControlState::default();
        state.apply(&ended(OutcomeKind::ServerError, Some(7_000)), 0);
        assert_eq!(state.standing("d", "-", "-", 0).cooling_until_ms, Some(7_000));
    }

    #[test]
    fn what_a_provider_asks_for_goes_before_our_own_guess() {
        for (asked_ms, until_ms) in
            [(Some(800), 800), (Some(0), MIN_COOLDOWN_MS), (Some(-9), MIN_COOLDOWN_MS), (None, 5_000)]
        {
            let mut state = ControlState::default();
            state.apply(&ended(OutcomeKind::RateLimited, asked_ms), 0);
            assert_eq!(state.standing("d", "k", "p", 0).cooling_until_ms, Some(until_ms));
            assert!(state.standing("other", "k", "p", 0).is_healthy(), "a limit is one model's");
        }
    }

    #[test]
    fn a_brown_out_opens_the_breaker() {
        let mut state = ControlState::default();
        let answered = |ttft_ms| ControlEvent::AttemptEnded {
            deployment: "d",
            key: "k",
            provider: "p",
            outcome: OutcomeKind::Complete,
            ttft_ms: Some(ttft_ms),
            total_ms: 9_000,
            retry_after_ms: None,
        };
        for at in 0..30 {
            state.apply(&answered(400), at);
        }
        for at in 0..20 {
            state.apply(&answered(4_000), 20_000 + at);
            let is_open = matches!(state.standing("d", "k", "p", 20_000 + at).breaker, Breaker::Open { .. });
            assert_eq!(is_open, at >= 4, "{at}");
        }
    }

    #[test]
    fn hedges_have_a_share_of_their_own_and_no_floor() {
        let mut state = ControlState::default();
        assert!(!state.may_hedge(30, 0));
        for _ in 0..100 {
            state.apply(&ControlEvent::CallStarted, 0);
        }
        assert_eq!((0..100).filter(|_| state.may_hedge(30, 0)).count(), 3);
        assert!(state.may_retry(0, false), "retries are not touched");
    }

    #[test]
    fn a_clock_that_goes_back_is_held_still() {
        let mut state = ControlState::default();
        state.apply(&ended(OutcomeKind::RateLimited, None), 10_000);
        state.apply(&ended(OutcomeKind::RateLimited, None), 0);
        assert_eq!(state.standing("d", "k", "p", 0).cooling_until_ms, Some(15_000));
    }

    #[test]
    fn attempts_in_flight_are_counted() {
        let mut state = ControlState::default();
        let started = ControlEvent::AttemptStarted { deployment: "d", key: "k", provider: "p", input_tokens: 0 };
        state.apply(&started, 0);
        state.apply(&started, 0);
        assert_eq!(state.standing("d", "k", "p", 0).in_flight, 2);
        for left in [1, 0, 0] {
            state.apply(&ended(OutcomeKind::Complete, None), 0);
            assert_eq!(state.standing("d", "k", "p", 0).in_flight, left);
        }
        assert_eq!(state.standing("other", "k", "p", 0), Standing::HEALTHY);
    }

    #[test]
    fn a_deployment_that_moved_starts_anew_and_keeps_what_is_in_flight() {
        let mut state = ControlState::default();
        state.apply(&ControlEvent::AttemptStarted { deployment: "d", key: "k", provider: "p", input_tokens: 0 }, 0);
        state.apply(&ended(OutcomeKind::NotFound, None), 0);
        state.apply(&ControlEvent::AttemptStarted { deployment: "d", key: "k", provider: "p", input_tokens: 0 }, 0);
        assert!(!state.standing("d", "-", "-", 0).is_healthy());
        state.forget("d");
        state.forget("unknown");
        assert_eq!(state.standing("d", "-", "-", 0), Standing { in_flight: 1, ..Standing::HEALTHY });
        assert_eq!(state.deployments.len(), 1);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_idle_entry_goes() {
        let mut state = ControlState::default();
        state.apply(&ControlEvent::AttemptStarted { deployment: "busy", key: "k", provider: "p", input_tokens: 0 }, 0);
        for at in 0..MAX_TRACKED + 10 {
            let (name, key) = (format!("d{at}"), format!("k{at}"));
            state.apply(
                &ControlEvent::AttemptEnded {
                    deployment: &name,
                    key: &key,
                    provider: "p",
                    outcome: OutcomeKind::Exhausted,
                    ttft_ms: Some(5),
                    total_ms: 9,
                    retry_after_ms: None,
                },
                0,
            );
        }
        assert_eq!((state.deployments.len(), state.keys.len()), (MAX_TRACKED, MAX_TRACKED));
        assert_eq!(state.standing("busy", "-", "-", 0).in_flight, 1);
        assert_eq!(state.latency("d0"), None);
        assert!(state.latency(&format!("d{}", MAX_TRACKED + 9)).is_some());
    }
}
