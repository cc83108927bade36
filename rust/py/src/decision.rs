//! Decisions: one small frozen object out; everything in it is computed when it is looked at.

use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use turnout_core::decide::{self, CandidateStatus, Considered};
use turnout_core::plan;
use turnout_core::policy::{self, AUTO};
use turnout_core::shared_str::SharedStr;
use turnout_core::wire::Dialect;

use crate::convert::RequestBody;
use crate::money::ExpectedCost;
use crate::plan::{Attempt, Plan};

/// What was asked: kept with the decision, so that bodies can be written later.
pub struct Asked {
    /// None where the decision was made again from its record, which holds no prompt.
    pub body: Option<RequestBody>,
    pub dialect: Dialect,
    pub wants_json: bool,
    /// Of a client's request ([`crate::engine::Engine::decide_for_client`]).
    pub client: Option<ClientAsk>,
    pub policy: Arc<policy::Policy>,
}

/// What a client asked of a gateway beside an answer.
pub struct ClientAsk {
    /// What its `model` meant, by the policy's name for it.
    pub named: SharedStr,
    pub stream: bool,
    pub wants_usage: bool,
}

/// A deployment that was considered, and what became of it.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct Candidate {
    deployment: String,
    model: String,
    rank: u32,
    /// `chosen`, `ranked` or `rejected`.
    status: &'static str,
    /// 1 is the first attempt; none when rejected.
    place: Option<usize>,
    /// The code of the filter that rejected it.
    code: Option<String>,
    reason: Option<String>,
    input_tokens: u64,
    /// The share of such requests that it is likely to answer well, as the policy asks for it: at least, at most.
    quality: Option<(f64, f64)>,
    /// What that stands on: `prior`.
    quality_from: Option<&'static str>,
    expected_cost: Option<Py<ExpectedCost>>,
    /// Why a part of the expected cost is not known.
    cost_unknown: Option<String>,
    /// Input tokens that are likely to be read from the prompt cache.
    cache_read_tokens: u64,
    /// Input tokens that are likely to be written to it at a price of their own.
    cache_write_tokens: u64,
}

#[pymethods]
impl Candidate {
    fn __repr__(&self) -> String {
        format!("Candidate('{}', {})", self.deployment, self.status)
    }
}

/// Millionths of one; exact to the last of them.
#[allow(clippy::cast_precision_loss, reason = "there are a million of them")]
fn share(millionths: i64) -> f64 {
    millionths as f64 / 1e6
}

fn candidate(py: Python<'_>, considered: &Considered) -> PyResult<Candidate> {
    let (status, place, code, reason) = match &considered.status {
        CandidateStatus::Chosen => ("chosen", Some(1), None, None),
        CandidateStatus::Ranked(place) => ("ranked", Some(*place), None, None),
        CandidateStatus::Rejected { code, reason, .. } => ("rejected", None, Some(code.clone()), Some(reason.clone())),
    };
    let row = &considered.candidate;
    let cost = ExpectedCost::of(row.cost_p50_usd_picos, row.cost_p90_usd_picos);
    Ok(Candidate {
        deployment: considered.deployment.to_string(),
        model: considered.model.to_string(),
        rank: considered.rank,
        status,
        place,
        code,
        reason,
        input_tokens: row.input.tokens,
        quality: row.quality.map(|quality| (share(quality.low), share(quality.high))),
        quality_from: row.quality.map(|quality| quality.evidence.name()),
        expected_cost: cost.map(|cost| Py::new(py, cost)).transpose()?,
        cost_unknown: row.cost_unknown.clone(),
        cache_read_tokens: row.cache.as_ref().map_or(0, |cache| cache.read_tokens),
        cache_write_tokens: row.cache.as_ref().map_or(0, |cache| cache.write_tokens),
    })
}

/// Which model, at what cost, why, and what to do on failure.
#[pyclass(frozen, module = "turnout")]
pub struct Decision {
    pub inner: decide::Decision,
    plan: OnceLock<Arc<plan::Plan>>,
    asked: Arc<Asked>,
}

impl Decision {
    /// A decision. Its plan is made when it is looked at.
    pub fn new(inner: decide::Decision, asked: Asked) -> Self {
        Self { inner, plan: OnceLock::new(), asked: Arc::new(asked) }
    }

    /// What to do, and on failure.
    pub fn plan_of(&self) -> &Arc<plan::Plan> {
        self.plan.get_or_init(|| Arc::new(plan::plan(&self.asked.policy, &self.inner)))
    }

    fn chosen(&self) -> Option<&Considered> {
        self.inner.chosen()
    }
}

#[pymethods]
impl Decision {
    #[getter]
    fn model(&self) -> Option<&str> {
        self.chosen().map(|chosen| chosen.model.as_str())
    }

    #[getter]
    fn deployment(&self) -> Option<&str> {
        self.chosen().map(|chosen| chosen.deployment.as_str())
    }

    #[getter]
    fn rule(&self) -> &str {
        &self.inner.rule
    }

    #[getter]
    fn policy(&self) -> &str {
        &self.inner.policy
    }

    #[getter]
    fn policy_hash(&self) -> &str {
        &self.inner.policy_hash
    }

    #[getter]
    fn catalog_hash(&self) -> &str {
        &self.inner.catalog_hash
    }

    /// The clock that the decision saw, in seconds since 1970.
    #[getter]
    fn now(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double for 285,000 years")]
        let seconds = self.inner.now_ms as f64 / 1000.0;
        seconds
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.inner.seed
    }

    #[getter]
    fn expected_cost(&self) -> Option<ExpectedCost> {
        let candidate = &self.chosen()?.candidate;
        ExpectedCost::of(candidate.cost_p50_usd_picos, candidate.cost_p90_usd_picos)
    }

    #[getter]
    fn input_tokens(&self) -> Option<u64> {
        self.chosen().map(|chosen| chosen.candidate.input.tokens)
    }

    /// Every candidate of the rule: attempts in their order, then the rejected.
    #[getter]
    fn candidates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let rows = self.inner.candidates().iter().map(|row| candidate(py, row)).collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, rows)
    }

    #[getter]
    fn plan(&self) -> Plan {
        Plan { plan: Arc::clone(self.plan_of()), asked: Arc::clone(&self.asked) }
    }

    /// Wishes that were given up, rightmost first.
    #[getter]
    fn relaxed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.inner.relaxed)
    }

    /// The facts that the decision read, by name.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)?.get_item("facts")
    }

    /// The body ready to send to the chosen deployment, for those who make the call themselves.
    #[getter]
    fn request<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let first = Attempt::new(self.plan_of(), &self.asked, 0);
        first.write(py, None).map(|body| PyBytes::new(py, &body.bytes))
    }

    /// What the client's `model` meant, by the policy's name for it; `auto` is the policy's own choice.
    #[getter]
    fn requested(&self) -> &str {
        self.asked.client.as_ref().map_or(AUTO, |client| &client.named)
    }

    /// Whether a client asked for a stream.
    #[getter]
    fn asks_stream(&self) -> bool {
        self.asked.client.as_ref().is_some_and(|client| client.stream)
    }

    /// Whether a client asked for the usage at the end of its stream.
    #[getter]
    fn asks_usage(&self) -> bool {
        self.asked.client.as_ref().is_some_and(|client| client.wants_usage)
    }

    /// A short text for people.
    fn explain(&self) -> String {
        self.inner.explain() + &self.plan_of().explain_notes()
    }

    /// Why a model or deployment was not chosen, in one line.
    fn why_not(&self, name: &str) -> String {
        self.inner.why_not(name)
    }

    /// The whole decision as JSON. Same inputs, same bytes.
    fn to_json(&self) -> String {
        self.inner.to_json()
    }

    /// The whole decision as a dict.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.inner.to_json(),))
    }

    fn __repr__(&self) -> String {
        match self.chosen() {
            Some(chosen) => format!("Decision('{}', rule='{}')", chosen.deployment, self.inner.rule),
            None => format!("Decision(refused, rule='{}')", self.inner.rule),
        }
    }
}
