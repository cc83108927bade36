//! The engine: one crossing per decision.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use turnout_core::control::{ControlEvent, ControlSettings};
use turnout_core::decide::CandidateStatus;
use turnout_core::engine;
use turnout_core::policy::{KeyRef, MetaValue};
use turnout_core::tokens::{Family, warm};
use turnout_core::wire::{Dialect, Request, WireError, parse_request};

use crate::batch::{Batch, decide_batch};
use crate::catalog::Shared;
use crate::client::{self, Views};
use crate::convert::{RequestBody, dialect as dialect_of, meta as meta_of, moment, repaired, request_bytes};
use crate::decision::{Asked, Decision};
use crate::errors::{of_wire, raise, raise_with};
use crate::plan::wants_json;
use crate::policy::Policy;
use crate::state::State;

/// Above this the GIL is released: the work takes longer than the switch (about 100 microseconds).
pub const DETACH_BYTES: usize = 32 * 1024;

/// A policy ready to decide. Immutable but for its `state`; shared by threads.
#[pyclass(frozen, module = "turnout")]
pub struct Engine {
    pub inner: engine::Engine,
    pub policy: Arc<turnout_core::policy::Policy>,
    catalog: Shared,
    pub state: State,
    pub views: Views,
}

/// For each deployment, whether its key is present in the environment, or comes with a client of the host program.
fn keys_present(
    policy: &turnout_core::policy::Policy,
    environ: &Bound<'_, PyAny>,
    with_client: &[String],
) -> PyResult<Vec<bool>> {
    policy
        .deployments
        .iter()
        .map(|deployment| match &deployment.key {
            KeyRef::None => Ok(true),
            KeyRef::Env(_) if with_client.iter().any(|id| deployment.id == *id) => Ok(true),
            KeyRef::Env(names) => {
                for name in names.iter() {
                    if environ.call_method1("get", (name,))?.is_truthy()? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        })
        .collect()
}

fn settings_of(policy: &turnout_core::policy::Policy) -> ControlSettings {
    let share = policy.run.retry_budget_millionths / 1000;
    ControlSettings { retry_permille: u32::try_from(share).unwrap_or(u32::MAX), ..ControlSettings::default() }
}

impl Engine {
    fn with_state(
        py: Python<'_>,
        policy: &Policy,
        environ: Option<Bound<'_, PyAny>>,
        with_client: &[String],
        state: State,
    ) -> PyResult<Self> {
        let environ = match environ {
            Some(environ) => environ,
            None => py.import("os")?.getattr("environ")?,
        };
        let has_key = keys_present(&policy.inner, &environ, with_client)?;
        Ok(Self {
            inner: engine::Engine::new(Arc::clone(&policy.inner), policy.catalog.hash(), has_key),
            policy: Arc::clone(&policy.inner),
            catalog: policy.catalog.clone(),
            state,
            views: Views::default(),
        })
    }
}

impl Engine {
    /// What a decision of this engine keeps of its request.
    pub fn asked(&self, body: Option<RequestBody>, dialect: Dialect, wants_json: bool) -> Asked {
        Asked { body, dialect, wants_json, client: None, policy: Arc::clone(&self.policy) }
    }

    /// Decides for a body, without the GIL.
    #[allow(clippy::too_many_arguments, reason = "everything that a decision depends on is an argument")]
    pub fn decided(
        &self,
        body: &[u8],
        resolves_edges: bool,
        meta: &[(String, MetaValue)],
        state: &State,
        dialect: Option<Dialect>,
        now_ms: i64,
        seed: u64,
    ) -> Result<(turnout_core::decide::Decision, Dialect, bool), WireError> {
        let request = parse_request(body, dialect)?;
        let decision =
            decided_on(&self.inner, &request, body.len() > DETACH_BYTES, resolves_edges, meta, state, now_ms, seed);
        Ok((decision, request.dialect, wants_json(request.response_format)))
    }
}

/// Decides for a request that was read.
#[allow(clippy::too_many_arguments, reason = "everything that a decision depends on is an argument")]
pub fn decided_on(
    engine: &engine::Engine,
    request: &Request<'_>,
    is_large: bool,
    resolves_edges: bool,
    meta: &[(String, MetaValue)],
    state: &State,
    now_ms: i64,
    seed: u64,
) -> turnout_core::decide::Decision {
    // A copy of what the decision reads would cost more than the lock does; of a large request, what takes long
    // is computed before the lock is taken.
    if is_large || resolves_edges {
        let mut facts = engine.prepared(request, meta, now_ms);
        let mut decision = state.lend(|state| engine.decide_on(&facts, Some(state), now_ms, seed));
        // What is near an edge is counted without the lock; then the decision is made again.
        while resolves_edges && facts.resolve() {
            decision = state.lend(|state| engine.decide_on(&facts, Some(state), now_ms, seed));
        }
        return decision;
    }
    state.lend(|state| engine.decide(request, meta, Some(state), now_ms, seed))
}

/// The JSON of a record: a decision, its JSON, its dict, or what a ledger keeps of the call.
fn record_text(record: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(decision) = record.cast::<Decision>() {
        return Ok(decision.get().inner.to_json().into_bytes());
    }
    if let Ok(text) = record.cast::<PyString>() {
        return Ok(repaired(text)?.into_bytes());
    }
    if let Ok(kept) = record.getattr("record_json") {
        return Ok(repaired(kept.cast::<PyString>()?)?.into_bytes());
    }
    request_bytes(record)
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (policy, *, environ = None, with_client = Vec::new()))]
    fn new(
        py: Python<'_>,
        policy: &Policy,
        environ: Option<Bound<'_, PyAny>>,
        with_client: Vec<String>,
    ) -> PyResult<Self> {
        Self::with_state(py, policy, environ, &with_client, State::with_settings(settings_of(&policy.inner)))
    }

    /// The engine of another policy that goes on with what this one has seen.
    #[pyo3(signature = (policy, *, environ = None, with_client = Vec::new()))]
    fn with_policy(
        &self,
        py: Python<'_>,
        policy: &Policy,
        environ: Option<Bound<'_, PyAny>>,
        with_client: Vec<String>,
    ) -> PyResult<Self> {
        let next = Self::with_state(py, policy, environ, &with_client, self.state.clone())?;
        self.state.lend(|state| {
            state.set_settings(settings_of(&policy.inner));
            for deployment in next.inner.moved_since(&self.inner) {
                state.forget(deployment);
            }
        });
        Ok(next)
    }

    #[getter]
    fn policy(&self) -> Policy {
        Policy { inner: Arc::clone(&self.policy), catalog: self.catalog.clone() }
    }

    /// What this process has seen; lent to every decision that is given no other.
    #[getter]
    fn state(&self) -> State {
        self.state.clone()
    }

    /// Decides for one request: a prompt, a body as a dict, or a body's bytes. With `resolve_edges` a large request that is
    /// near a window, a threshold or a price tier is counted exactly, instead of taking the safe side.
    #[pyo3(signature = (
        request, meta = None, *, now = None, seed = None, state = None, dialect = None, refused_ok = false, resolve_edges = false
    ))]
    #[allow(clippy::too_many_arguments, reason = "everything that a decision depends on is an argument")]
    fn decide(
        &self,
        py: Python<'_>,
        request: &Bound<'_, PyAny>,
        meta: Option<&Bound<'_, PyAny>>,
        now: Option<f64>,
        seed: Option<u64>,
        state: Option<&State>,
        dialect: Option<&str>,
        refused_ok: bool,
        resolve_edges: bool,
    ) -> PyResult<Decision> {
        let body = RequestBody::of(request)?;
        let bytes = body.bytes(py);
        let meta = meta_of(meta)?;
        let dialect = dialect.map(|name| dialect_of(py, name)).transpose()?;
        let (now_ms, seed) = moment(now, seed)?;
        let state = state.unwrap_or(&self.state);
        let work = || self.decided(bytes, resolve_edges, &meta, state, dialect, now_ms, seed);
        let decided = if bytes.len() > DETACH_BYTES { py.detach(work) } else { work() };
        let (inner, dialect, wants_json) = decided.map_err(|error| of_wire(py, &error))?;
        if inner.chosen().is_none() && !refused_ok {
            return Err(refusal(py, &inner));
        }
        Ok(Decision::new(inner, self.asked(Some(body), dialect, wants_json)))
    }

    /// Decides for the request of a client, whose `model` says which part of the policy may answer. A decision without a
    /// choice is no error here.
    #[pyo3(signature = (body, meta = None, *, dialect, now = None, seed = None))]
    fn decide_for_client(
        &self,
        py: Python<'_>,
        body: Bound<'_, PyBytes>,
        meta: Option<&Bound<'_, PyAny>>,
        dialect: &str,
        now: Option<f64>,
        seed: Option<u64>,
    ) -> PyResult<Decision> {
        let (now_ms, seed) = moment(now, seed)?;
        client::decide(py, self, &body, meta_of(meta)?, dialect_of(py, dialect)?, (now_ms, seed))
    }

    /// Decides for many requests; what is wrong with a row stands in its place.
    #[pyo3(signature = (requests, *, meta = None, now = None, seed = None, state = None, dialect = None, refused_ok = false))]
    #[allow(clippy::too_many_arguments, reason = "everything that a decision depends on is an argument")]
    fn decide_batch<'py>(
        &self,
        py: Python<'py>,
        requests: &Bound<'py, PyAny>,
        meta: Option<&Bound<'py, PyAny>>,
        now: Option<f64>,
        seed: Option<u64>,
        state: Option<&State>,
        dialect: Option<&str>,
        refused_ok: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let dialect = dialect.map(|name| dialect_of(py, name)).transpose()?;
        let (now_ms, seed) = moment(now, seed)?;
        let state = state.unwrap_or(&self.state);
        decide_batch(py, &Batch { engine: self, state, now_ms, seed, dialect, refused_ok }, requests, meta)
    }

    /// Makes a decision again from its record: the same bytes.
    fn redecide(&self, py: Python<'_>, record: &Bound<'_, PyAny>) -> PyResult<Decision> {
        let text = record_text(record)?;
        let (inner, dialect, wants_json) = py.detach(|| self.inner.redecide(&text)).map_err(|error| {
            let hint = (error.code == "record-other-policy" || error.code == "record-other-catalog")
                .then_some("load the policy and the catalogue of the record, or decide on the request anew");
            raise(py, "DecisionError", error.code, &error.message, hint)
        })?;
        Ok(Decision::new(inner, self.asked(None, dialect, wants_json)))
    }

    /// Reports how a call ended, for those who make it themselves: cooldowns, breakers, latencies and prompt caches follow.
    #[pyo3(signature = (decision, outcome, *, attempt = 0, ttft_ms = None, total_ms = 0, retry_after_ms = None, now = None))]
    #[allow(clippy::too_many_arguments, reason = "one keyword for each thing that happened")]
    fn observe(
        &self,
        py: Python<'_>,
        decision: &Decision,
        outcome: &str,
        attempt: usize,
        ttft_ms: Option<u32>,
        total_ms: u32,
        retry_after_ms: Option<i64>,
        now: Option<f64>,
    ) -> PyResult<()> {
        let outcome = crate::state::outcome_of(py, outcome)?;
        let Some(row) = decision.plan_of().attempts.get(attempt) else {
            return Err(pyo3::exceptions::PyIndexError::new_err("the decision has no such attempt"));
        };
        let (now_ms, _) = moment(now, Some(0))?;
        let key = row.key.label();
        self.state.lend(|state| {
            let (deployment, provider) = (row.deployment.as_str(), row.provider.as_str());
            let key = key.as_str();
            state.apply(
                &ControlEvent::AttemptStarted { deployment, key, provider, input_tokens: row.input_tokens },
                now_ms,
            );
            state.apply(
                &ControlEvent::AttemptEnded { deployment, key, provider, outcome, ttft_ms, total_ms, retry_after_ms },
                now_ms,
            );
            for event in row.cached().into_iter().chain(row.served()).filter(|_| outcome.is_answer()) {
                state.apply(&event, now_ms);
            }
        });
        Ok(())
    }

    /// Loads the vocabularies that the policy's models count with, so that no decision waits for them.
    fn warm(&self, py: Python<'_>) {
        let families: Vec<Family> = self
            .policy
            .models
            .iter()
            .filter_map(|model| model.facts.tokenizer_family.as_deref())
            .map(Family::from_catalog)
            .chain([Family::O200k])
            .collect();
        py.detach(|| {
            for family in families {
                warm(family);
            }
        });
    }

    fn __repr__(&self) -> String {
        format!("Engine('{}')", self.policy.name)
    }
}

/// Nothing was eligible: an error with each candidate's reason.
pub fn refusal(py: Python<'_>, decision: &turnout_core::decide::Decision) -> PyErr {
    let reasons: Vec<(String, String)> = decision
        .candidates()
        .iter()
        .filter_map(|considered| match &considered.status {
            CandidateStatus::Rejected { code, reason, .. } => {
                Some((considered.deployment.to_string(), format!("{reason} ({code})")))
            }
            _ => None,
        })
        .collect();
    let message = format!("no candidate of rule `{}` is eligible", decision.rule);
    let only_keys = reasons.iter().all(|(_, reason)| reason.ends_with("(no-key)"));
    let hint = if only_keys { Some("set one of these variables") } else { None };
    raise_with(py, "DecisionError", "no-eligible-model", &message, hint, |keywords| {
        keywords.set_item("reasons", PyTuple::new(py, reasons)?)
    })
}
