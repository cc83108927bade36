//! Whether a call stays with the deployment that served its session last.
//!
//! Promises: a session stays where its prompt cache is warm, until leaving is worth it by the policy's own words; the price
//! of leaving is in the comparison, since the expected cost of each candidate counts what its cache holds. What is said
//! first comes first: eligibility, health, `else`, an experiment's arm and wishes are never overridden; staying only
//! goes before `prefer`. Doubt stays. Refuses: to remember; the state does, after an answer.
//!
//! A test breaks it with an ineligible or cooling deployment that is kept, or a session that moves without a reason.

use super::decision::Considered;
use super::environment::RequestEnv;
use super::experiment::unit;
use crate::policy::expr::{Environment, Program, TextTest, Tri, Value};
use crate::policy::facts::FactId;
use crate::policy::{SAVES_RANGE, Sticky};

/// How long a session is kept where the provider's cache has no time of its own: the least that providers keep one.
const DEFAULT_TTL_MS: i64 = 300_000;

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StickyAction {
    /// It stays with the deployment that served it last.
    Kept,
    /// It goes elsewhere.
    Left,
    /// There was nothing to stay with.
    None,
}

impl StickyAction {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Left => "left",
            Self::None => "none",
        }
    }
}

/// What a decision did about its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyTrace {
    /// The key of `meta` that names the session.
    pub by: String,
    /// The deployment that served it last; none when it is new, forgotten, or not named.
    pub held: Option<String>,
    /// What became of it.
    pub action: StickyAction,
    /// Why, for one that left or has none.
    pub why: Option<&'static str>,
    /// What leaving would save of the expected cost of staying, in millionths; negative when it costs more.
    pub saves_millionths: Option<i64>,
    /// The session, for the state, and how long it is kept when the attempt's cache does not say, in milliseconds.
    pub session: Option<u64>,
    /// How long the policy keeps it, in milliseconds; none for as long as the provider's cache does.
    pub for_ms: Option<i64>,
}

impl StickyTrace {
    /// How long the session stays with a deployment whose cache lives so long, in milliseconds.
    pub fn ttl_ms(&self, cache_ttl_ms: Option<i64>) -> i64 {
        self.for_ms.or(cache_ttl_ms).unwrap_or(DEFAULT_TTL_MS)
    }
}

/// The session of a call, as the state knows it; none when the caller does not say.
pub(crate) fn session_of(sticky: &Sticky, value: Value<'_>) -> Option<u64> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"turnout session\0").update(sticky.by.as_bytes()).update(b"\0");
    hasher.update(unit(value)?.as_bytes());
    hasher.finalize().as_bytes().first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Puts the deployment that holds the session first, if it stays; `eligible` is ranked without regard to the session, and
/// `group` is what staying never overrides.
pub(super) fn stick<G: Ord>(
    sticky: &Sticky,
    env: &RequestEnv<'_>,
    eligible: &mut Vec<Considered>,
    rejected: &[Considered],
    held: Option<String>,
    group: impl Fn(&Considered) -> G,
) -> StickyTrace {
    let session = session_of(sticky, env.facts.meta(&sticky.by));
    let trace = |action: StickyAction, why: Option<&'static str>, saves: Option<i64>, held: Option<String>| {
        let (by, for_ms) = (sticky.by.clone(), sticky.for_ms);
        StickyTrace { by, held, action, why, saves_millionths: saves, session, for_ms }
    };
    let Some(id) = held else {
        let why = if session.is_none() { "the caller names no session" } else { "no deployment holds the session" };
        return trace(StickyAction::None, Some(why), None, None);
    };
    let place = eligible.iter().position(|considered| considered.deployment == id);
    let Some((place, stays)) = place.and_then(|place| Some((place, eligible.get(place)?))) else {
        let is_rejected = rejected.iter().any(|considered| considered.deployment == id);
        let why = if is_rejected { "it is not eligible" } else { "the rule does not choose it" };
        return trace(StickyAction::Left, Some(why), None, Some(id));
    };
    let Some(first) = eligible.first().filter(|_| place > 0) else {
        return trace(StickyAction::Kept, None, None, Some(id));
    };
    let saves = saves(stays, first);
    let why = if first.candidate.standing < stays.candidate.standing {
        Some("it cools down")
    } else if group(first) < group(stays) {
        Some("another one goes before it: for an arm, a wish, or since it is in `else`")
    } else {
        let leaves = sticky.leave_if.as_ref().is_some_and(|leave_if| leaves(leave_if, env, saves));
        leaves.then_some("`leave_if` holds")
    };
    if why.is_some() {
        return trace(StickyAction::Left, why, saves, Some(id));
    }
    let stays = eligible.remove(place);
    eligible.insert(0, stays);
    trace(StickyAction::Kept, None, saves, Some(id))
}

/// The share of the cost of staying that the other one saves, in millionths.
fn saves(stays: &Considered, other: &Considered) -> Option<i64> {
    let (stay, other) = (stays.candidate.cost_p50_usd_picos?, other.candidate.cost_p50_usd_picos?);
    let (low, high) = SAVES_RANGE;
    if stay <= 0 {
        return Some(if other > 0 { low } else { 0 });
    }
    let saved = (i128::from(stay) - i128::from(other)) * 1_000_000 / i128::from(stay);
    Some(i64::try_from(saved).unwrap_or(low).clamp(low, high))
}

fn leaves(leave_if: &Program, env: &RequestEnv<'_>, saves: Option<i64>) -> bool {
    let leaving = Leaving { base: env, saves };
    env.sharpened(leave_if, || leave_if.holds(&leaving)) == Tri::True
}

/// The request, and what leaving saves: the fact behind the policy's own.
struct Leaving<'e> {
    base: &'e RequestEnv<'e>,
    saves: Option<i64>,
}

impl Environment for Leaving<'_> {
    fn fact(&self, fact: FactId) -> Value<'_> {
        match fact {
            FactId::Named(index) if usize::from(index) == self.base.policy.facts.len() => {
                self.saves.map_or(Value::Unknown, |saves| Value::Num(saves, saves))
            }
            other => self.base.fact(other),
        }
    }

    fn matches(&self, test: &TextTest) -> Tri {
        self.base.matches(test)
    }
}
