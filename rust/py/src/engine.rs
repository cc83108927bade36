//! The engine: one crossing per decision.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use turnout_core::control::{ControlEvent, ControlSettings};
use turnout_core::decide::CandidateStatus;
use turnout_core::engine;
use turnout_core::policy::KeyRef;
use turnout_core::tokens::{Family, warm};
use turnout_core::wire::parse_request;

use crate::catalog::Shared;
use crate::convert::{dialect as dialect_of, meta as meta_of, moment, request_bytes};
use crate::decision::{Asked, Decision};
use crate::errors::{of_wire, raise_with};
use crate::plan::wants_json;
use crate::policy::Policy;
use crate::state::State;

/// Above this the GIL is released: the work takes longer than the switch (about 100 microseconds).
pub const DETACH_BYTES: usize = 32 * 1024;

/// A policy ready to decide. Immutable but for its `state`; shared by threads.
#[pyclass(frozen, module = "turnout")]
pub struct Engine {
    inner: engine::Engine,
    policy: Arc<turnout_core::policy::Policy>,
    catalog: Shared,
    state: State,
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
            KeyRef::Env(_) if with_client.contains(&deployment.id) => Ok(true),
            KeyRef::Env(names) => {
                for name in names {
                    if environ.call_method1("get", (name,))?.is_truthy()? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        })
        .collect()
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
        let environ = match environ {
            Some(environ) => environ,
            None => py.import("os")?.getattr("environ")?,
        };
        let has_key = keys_present(&policy.inner, &environ, &with_client)?;
        let share = policy.inner.run.retry_budget_millionths / 1000;
        let settings =
            ControlSettings { retry_permille: u32::try_from(share).unwrap_or(u32::MAX), ..ControlSettings::default() };
        Ok(Self {
            inner: engine::Engine::new((*policy.inner).clone(), policy.catalog.hash(), has_key),
            policy: Arc::clone(&policy.inner),
            catalog: policy.catalog.clone(),
            state: State::with_settings(settings),
        })
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

    /// Decides for one request: a prompt, a body as a dict, or a body's bytes.
    #[pyo3(signature = (request, meta = None, *, now = None, seed = None, state = None, dialect = None, refused_ok = false))]
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
    ) -> PyResult<Decision> {
        let body = request_bytes(request)?;
        let meta = meta_of(meta)?;
        let dialect = dialect.map(|name| dialect_of(py, name)).transpose()?;
        let (now_ms, seed) = moment(now, seed)?;
        let state = state.unwrap_or(&self.state);
        let is_large = body.len() > DETACH_BYTES;
        let work = || {
            let request = parse_request(&body, dialect)?;
            // A copy of what the decision reads would cost more than the lock does; of a large request, what takes long
            // is computed before the lock is taken.
            let decision = if is_large {
                let facts = self.inner.prepared(&request, &meta, now_ms);
                state.lend(|state| self.inner.decide_on(&facts, Some(state), now_ms, seed))
            } else {
                state.lend(|state| self.inner.decide(&request, &meta, Some(state), now_ms, seed))
            };
            let plan = self.inner.plan(&decision, &request);
            Ok((decision, plan, request.dialect, wants_json(request.response_format)))
        };
        let decided = if is_large { py.detach(work) } else { work() };
        let (inner, plan, dialect, wants_json) = decided.map_err(|error| of_wire(py, &error))?;
        if inner.chosen().is_none() && !refused_ok {
            return Err(refusal(py, &inner));
        }
        let asked = Asked { body, dialect, wants_json, policy: Arc::clone(&self.policy) };
        Ok(Decision { inner, plan: Arc::new(plan), asked: Arc::new(asked) })
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
        let Some(row) = decision.plan.attempts.get(attempt) else {
            return Err(pyo3::exceptions::PyIndexError::new_err("the decision has no such attempt"));
        };
        let (now_ms, _) = moment(now, Some(0))?;
        let key = row.key.label();
        self.state.lend(|state| {
            let (deployment, provider) = (row.deployment.as_str(), row.provider.as_str());
            let key = key.as_str();
            state.apply(&ControlEvent::AttemptStarted { deployment, key, provider }, now_ms);
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
fn refusal(py: Python<'_>, decision: &turnout_core::decide::Decision) -> PyErr {
    let reasons: Vec<(String, String)> = decision
        .candidates
        .iter()
        .filter_map(|considered| match &considered.status {
            CandidateStatus::Rejected { code, reason, .. } => {
                Some((considered.deployment.clone(), format!("{reason} ({code})")))
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
