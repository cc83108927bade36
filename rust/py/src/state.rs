//! What a process has seen of its deployments, behind one lock.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use turnout_core::control::{ControlEvent, ControlSettings, ControlState};
use turnout_core::outcome::OutcomeKind;
use turnout_core::wire::limits_left;

use crate::convert::moment;
use crate::errors::raise;
use crate::measure::TokenCount;
use crate::plan::Attempt;
use crate::reservations::Reservations;

/// Cooldowns, breakers, latencies, prompt caches and the retry budget of a process.
#[pyclass(frozen, module = "turnout")]
#[derive(Clone)]
pub struct State {
    inner: Arc<Mutex<ControlState>>,
}

impl State {
    pub fn with_settings(settings: ControlSettings) -> Self {
        Self { inner: Arc::new(Mutex::new(ControlState::new(settings))) }
    }

    /// Lends the state. Nothing in the core panics; a poisoned lock is taken over.
    pub fn lend<T>(&self, act: impl FnOnce(&mut ControlState) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl State {
    #[new]
    fn new() -> Self {
        Self::with_settings(ControlSettings::default())
    }

    /// What is reserved and spent of budgets and limits.
    #[getter]
    fn reservations(&self) -> Reservations {
        Reservations::of(self.clone())
    }

    /// A call begins: what extra attempts are a share of.
    #[pyo3(signature = (*, now = None))]
    fn call_started(&self, now: Option<f64>) -> PyResult<()> {
        let (now_ms, _) = moment(now, Some(0))?;
        self.lend(|state| state.apply(&ControlEvent::CallStarted, now_ms));
        Ok(())
    }

    /// An attempt begins.
    #[pyo3(signature = (deployment, key, provider, *, input_tokens = 0, now = None))]
    fn attempt_started(
        &self,
        deployment: &str,
        key: &str,
        provider: &str,
        input_tokens: u64,
        now: Option<f64>,
    ) -> PyResult<()> {
        let (now_ms, _) = moment(now, Some(0))?;
        let event = ControlEvent::AttemptStarted { deployment, key, provider, input_tokens };
        self.lend(|state| state.apply(&event, now_ms));
        Ok(())
    }

    /// The headers of an answer came: what they say is left of the provider's rate limits counts from now on.
    #[pyo3(signature = (deployment, headers, *, now = None))]
    fn headers_came(&self, deployment: &str, headers: Vec<Bound<'_, PyTuple>>, now: Option<f64>) -> PyResult<()> {
        let mut of_limits: Vec<(String, String)> = Vec::new();
        for pair in &headers {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
            let name: &str = name.extract()?;
            if is_of_limits(name) {
                of_limits.push((name.to_owned(), value.extract()?));
            }
        }
        if of_limits.is_empty() {
            return Ok(());
        }
        let (now_ms, _) = moment(now, Some(0))?;
        let left = limits_left(&of_limits, now_ms);
        if !left.is_empty() {
            self.lend(|state| state.apply(&ControlEvent::LimitsReported { deployment, left }, now_ms));
        }
        Ok(())
    }

    /// An attempt ended.
    #[pyo3(signature = (deployment, key, provider, outcome, *, ttft_ms = None, total_ms = 0, retry_after_ms = None, now = None))]
    #[allow(clippy::too_many_arguments, reason = "one keyword for each thing that happened")]
    fn attempt_ended(
        &self,
        py: Python<'_>,
        deployment: &str,
        key: &str,
        provider: &str,
        outcome: &str,
        ttft_ms: Option<u32>,
        total_ms: u32,
        retry_after_ms: Option<i64>,
        now: Option<f64>,
    ) -> PyResult<()> {
        let outcome = outcome_of(py, outcome)?;
        let (now_ms, _) = moment(now, Some(0))?;
        let event =
            ControlEvent::AttemptEnded { deployment, key, provider, outcome, ttft_ms, total_ms, retry_after_ms };
        self.lend(|state| state.apply(&event, now_ms));
        Ok(())
    }

    /// An attempt was answered: the prompt cache of its deployment holds the beginning of its request now, and its session
    /// sticks to it.
    #[pyo3(signature = (attempt, *, now = None))]
    fn attempt_answered(&self, attempt: &Attempt, now: Option<f64>) -> PyResult<()> {
        let (now_ms, _) = moment(now, Some(0))?;
        let row = attempt.row()?;
        self.lend(|state| row.cached().into_iter().chain(row.served()).for_each(|event| state.apply(&event, now_ms)));
        Ok(())
    }

    /// A provider reported the input tokens of a request that was counted for a model: what later counts are corrected by.
    fn input_reported(&self, model: &str, count: &TokenCount, reported: u64) {
        let (shape, counted) = (count.shape, count.uncorrected);
        self.lend(|state| state.overheads_mut().observe(model, shape, counted, reported));
    }

    /// What was learned of the input tokens that providers report, to be saved: model, shape of request, difference.
    fn overheads(&self) -> Vec<(String, u16, i32)> {
        self.lend(|state| state.overheads().rows().map(|(model, shape, by)| (model.to_owned(), shape, by)).collect())
    }

    /// Takes back what was saved.
    fn learn_overheads(&self, rows: Vec<(String, u16, i32)>) {
        self.lend(|state| rows.iter().for_each(|(model, shape, by)| state.overheads_mut().put(model, *shape, *by)));
    }

    /// Whether the process may make an extra attempt now; if so, it is counted. A `doubtful` one, to a target that is known to
    /// fail, gets half of the share.
    #[pyo3(signature = (*, doubtful = false, now = None))]
    fn may_retry(&self, doubtful: bool, now: Option<f64>) -> PyResult<bool> {
        let (now_ms, _) = moment(now, Some(0))?;
        Ok(self.lend(|state| state.may_retry(now_ms, doubtful)))
    }

    /// Whether a deployment may be tried without doubt: not cooling down, and its breaker closed or ready for a probe.
    #[pyo3(signature = (deployment, key, provider, *, now = None))]
    fn is_healthy(&self, deployment: &str, key: &str, provider: &str, now: Option<f64>) -> PyResult<bool> {
        let (now_ms, _) = moment(now, Some(0))?;
        Ok(self.lend(|state| state.standing(deployment, key, provider, now_ms)).is_healthy())
    }

    /// Attempts of a deployment that have begun and not ended.
    fn in_flight(&self, deployment: &str) -> u32 {
        self.lend(|state| state.in_flight(deployment))
    }

    /// Milliseconds until a deployment is no longer left alone; none when it is healthy.
    #[pyo3(signature = (deployment, key, provider, *, now = None))]
    fn cooling_ms(&self, deployment: &str, key: &str, provider: &str, now: Option<f64>) -> PyResult<Option<i64>> {
        let (now_ms, _) = moment(now, Some(0))?;
        let standing = self.lend(|state| state.standing(deployment, key, provider, now_ms));
        Ok(standing.cooling_until_ms.map(|until_ms| until_ms.saturating_sub(now_ms)))
    }
}

/// Whether a header is one of those that `limits_left` reads.
fn is_of_limits(name: &str) -> bool {
    ["x-ratelimit-", "anthropic-ratelimit-"]
        .iter()
        .any(|start| name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// A kind of outcome by its name.
pub fn outcome_of(py: Python<'_>, name: &str) -> PyResult<OutcomeKind> {
    OutcomeKind::from_name(name).ok_or_else(|| {
        let message = format!("`{name}` is not a kind of outcome");
        raise(py, "RequestError", "unknown_outcome", &message, Some("the kinds are in `turnout explain --outcomes`"))
    })
}
