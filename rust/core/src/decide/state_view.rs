//! What a decision sees of the state: the state itself, or what its record says of it.

use super::inputs::{Inputs, Seen};
use super::prompt_cache::CachePlan;
use crate::control::{ControlState, LatencyQuantiles};
use crate::policy::{Balance, Deployment};

/// The state as a decision reads it; no state is an empty one whose prompt caches are not forecast.
pub(super) enum StateView<'s> {
    Live(Option<&'s ControlState>),
    Recorded(&'s Inputs),
}

impl StateView<'_> {
    /// Whether there is a state at all.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Live(state) => state.is_some(),
            Self::Recorded(inputs) => inputs.has_state,
        }
    }

    /// Whether it knows of no deployment, key, provider or prompt cache.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Live(state) => state.is_none_or(ControlState::is_blank),
            Self::Recorded(inputs) => inputs.seen.is_empty(),
        }
    }

    /// 0 healthy; higher goes later. Also later goes one whose limits have too little left for so many tokens.
    pub fn standing(
        &self,
        index: usize,
        deployment: &Deployment,
        provider: &str,
        input_tokens: u64,
        now_ms: i64,
    ) -> u8 {
        match self {
            Self::Live(None) => 0,
            Self::Live(Some(state)) => {
                let key = &deployment.key_label;
                state.standing_for(input_tokens, &deployment.id, key, provider, now_ms).rank().tier
            }
            Self::Recorded(inputs) => seen(inputs, index).standing,
        }
    }

    /// How busy a deployment is, as its model's balance counts it: attempts under way, or the time that one more may take.
    pub fn load(&self, index: usize, deployment: &Deployment, balance: Balance, streams: bool, now_ms: i64) -> u64 {
        match (self, balance) {
            (_, Balance::Weighted) | (Self::Live(None), _) => 0,
            (Self::Live(Some(state)), Balance::LeastBusy) => u64::from(state.in_flight(&deployment.id)),
            (Self::Live(Some(state)), Balance::LowestLatency) => {
                state.expected_wait_us(&deployment.id, streams, now_ms)
            }
            (Self::Recorded(inputs), _) => seen(inputs, index).load,
        }
    }

    /// The deployment that a session is with, which a value of `meta` names.
    pub fn session(&self, by: &str, session: u64, now_ms: i64) -> Option<String> {
        match self {
            Self::Live(state) => state.and_then(|state| state.session(session, now_ms)).map(str::to_owned),
            Self::Recorded(inputs) => {
                inputs.held.iter().find(|(known, _)| known == by).map(|(_, deployment)| deployment.clone())
            }
        }
    }

    /// The times to first token that were seen.
    pub fn latency(&self, index: usize, deployment: &Deployment) -> Option<LatencyQuantiles> {
        match self {
            Self::Live(state) => state.and_then(|state| state.latency(&deployment.id)),
            Self::Recorded(inputs) => {
                let seen = seen(inputs, index);
                let (ttft_p50_ms, ttft_p95_ms) = seen.ttft_p50_ms.zip(seen.ttft_p95_ms)?;
                Some(LatencyQuantiles { ttft_p50_ms, ttft_p95_ms })
            }
        }
    }

    /// How much of the request a deployment's prompt cache is likely to hold, in bytes of text.
    pub fn held(&self, plan: &CachePlan<'_>, index: usize, deployment: &Deployment, now_ms: i64) -> u64 {
        match self {
            Self::Live(state) => state.map_or(0, |state| plan.held(state, &deployment.id, now_ms)),
            Self::Recorded(inputs) => seen(inputs, index).held,
        }
    }
}

fn seen(inputs: &Inputs, index: usize) -> Seen {
    inputs.seen.iter().find(|seen| seen.deployment == index).copied().unwrap_or_default()
}
