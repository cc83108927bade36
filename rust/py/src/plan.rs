//! Plans: the attempts of a decision, their bodies, and what comes after each outcome.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use turnout_core::catalog::{Dialect as CatalogDialect, Model, PriceError};
use turnout_core::control::reservations::Measure;
use turnout_core::decide::{self, Echo, settle};
use turnout_core::money::UsdPicos;
use turnout_core::plan::{self, Tried};
use turnout_core::policy::{Accept, HedgeAfter, KeyRef};
use turnout_core::usage::UsageProblem;
use turnout_core::wire::{self, Dialect, ResponseFormat, parse_request, write_body};

use crate::answer::Answer;
use crate::convert::moment;
use crate::decision::Asked;
use crate::engine::DETACH_BYTES;
use crate::errors::{of_price, of_wire, raise};
use crate::money::{ExpectedCost, Money, Usage, cost_at};
use crate::reservations::Claim;
use crate::state::{State, outcome_of};

/// An upstream body, and what could not be carried over into it.
#[pyclass(frozen, module = "turnout")]
pub struct Body {
    pub inner: wire::Body,
}

#[pymethods]
impl Body {
    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.bytes)
    }

    /// What was left out or mapped, in words.
    #[getter]
    fn dropped<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.inner.dropped)
    }

    fn __repr__(&self) -> String {
        format!("Body({} bytes)", self.inner.bytes.len())
    }
}

/// One upstream call that may be made.
#[pyclass(frozen, module = "turnout")]
pub struct Attempt {
    plan: Arc<plan::Plan>,
    asked: Arc<Asked>,
    index: usize,
}

impl Attempt {
    pub fn new(plan: &Arc<plan::Plan>, asked: &Arc<Asked>, index: usize) -> Self {
        Self { plan: Arc::clone(plan), asked: Arc::clone(asked), index }
    }

    /// The upstream body; `stream` none streams as the client asked.
    pub fn write(&self, py: Python<'_>, stream: Option<bool>) -> PyResult<wire::Body> {
        let row = self.row()?;
        let Some(body) = self.asked.body.as_ref().map(|body| body.bytes(py)) else {
            let message = "a decision made again from its record has no request to write";
            return Err(raise(py, "DecisionError", "record-no-prompt", message, Some("decide on the request itself")));
        };
        let work = || {
            let request = parse_request(body, Some(self.asked.dialect))?;
            write_body(&request, &row.target(stream.unwrap_or(request.stream)))
        };
        let written = if body.len() > DETACH_BYTES { py.detach(work) } else { work() };
        written.map_err(|error| of_wire(py, &error))
    }

    /// What the policy knows of the model.
    fn facts(&self, py: Python<'_>) -> PyResult<&Model> {
        let name = &self.row()?.model;
        let model = self.asked.policy.model_index(name).and_then(|index| self.asked.policy.models.get(index));
        model.map(|model| &model.facts).ok_or_else(|| of_price(py, &PriceError::Unknown, name))
    }

    pub fn row(&self) -> PyResult<&plan::Attempt> {
        self.plan.attempts.get(self.index).ok_or_else(|| pyo3::exceptions::PyIndexError::new_err("no such attempt"))
    }
}

#[pymethods]
impl Attempt {
    #[getter]
    fn index(&self) -> usize {
        self.index
    }

    #[getter]
    fn deployment(&self) -> PyResult<&str> {
        self.row().map(|row| row.deployment.as_str())
    }

    #[getter]
    fn model(&self) -> PyResult<&str> {
        self.row().map(|row| row.model.as_str())
    }

    #[getter]
    fn provider(&self) -> PyResult<&str> {
        self.row().map(|row| row.provider.as_str())
    }

    /// The model's name as the upstream knows it.
    #[getter]
    fn upstream_model(&self) -> PyResult<&str> {
        self.row().map(|row| row.upstream_model.as_str())
    }

    #[getter]
    fn dialect(&self) -> PyResult<&'static str> {
        self.row().map(|row| row.dialect.name())
    }

    #[getter]
    fn base_url(&self) -> PyResult<&str> {
        self.row().map(|row| row.base_url.as_str())
    }

    /// Where the call goes: the address with the dialect's path.
    #[getter]
    fn url(&self) -> PyResult<String> {
        let row = self.row()?;
        let dialect = match row.dialect {
            Dialect::OpenAiChat => CatalogDialect::OpenAiChat,
            Dialect::AnthropicMessages => CatalogDialect::AnthropicMessages,
            Dialect::OpenAiResponses => CatalogDialect::OpenAiResponses,
        };
        Ok(format!("{}{}", row.base_url, dialect.path().unwrap_or_default()))
    }

    /// How the key goes into the request: `bearer`, `x-api-key`, `api-key` or `none`.
    #[getter]
    fn auth(&self) -> PyResult<&'static str> {
        self.row().map(|row| row.auth.name())
    }

    /// Environment variables that may hold the key, the first one set wins; empty when none is sent.
    #[getter]
    fn key_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match &self.row()?.key {
            KeyRef::None => PyTuple::new(py, Vec::<String>::new()),
            KeyRef::Env(names) => PyTuple::new(py, names.iter()),
        }
    }

    /// What names the key in state and records; never the key.
    #[getter]
    fn key_label(&self) -> PyResult<String> {
        self.row().map(|row| row.key.label())
    }

    #[getter]
    fn rank(&self) -> PyResult<u32> {
        self.row().map(|row| row.rank)
    }

    /// How long the request is in the model's vocabulary, in tokens.
    #[getter]
    fn input_tokens(&self) -> PyResult<u64> {
        self.row().map(|row| row.input_tokens)
    }

    #[getter]
    fn max_tokens(&self) -> PyResult<Option<u64>> {
        self.row().map(|row| row.max_tokens)
    }

    #[getter]
    fn expected_cost(&self) -> PyResult<Option<ExpectedCost>> {
        self.row().map(|row| ExpectedCost::of(row.cost_p50_usd_picos, row.cost_p90_usd_picos))
    }

    /// The scopes of budgets and limits that it counts in.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let claims = self.row()?.claims.iter().map(|claim| Py::new(py, Claim::of(claim.clone())));
        PyTuple::new(py, claims.collect::<PyResult<Vec<_>>>()?)
    }

    /// Whether it reserves anything.
    #[getter]
    fn reserves(&self) -> PyResult<bool> {
        self.row().map(|row| !row.claims.is_empty())
    }

    /// The names of the budgets' scopes that it counts in.
    #[getter]
    fn budget_scopes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let claims = self.row()?.claims.iter().filter(|claim| matches!(claim.measure, Measure::Window(..)));
        PyTuple::new(py, claims.map(|claim| claim.scope.as_str()).collect::<Vec<_>>())
    }

    /// What is reserved for it: nano-USD, input tokens, output tokens.
    #[getter]
    fn reserved(&self) -> PyResult<(i64, i64, i64)> {
        self.row().map(|row| (row.amounts.usd_nanos, row.amounts.input_tokens, row.amounts.output_tokens))
    }

    /// What the thinking setting became for this model, where it could not be carried over as it is.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.row()?.notes)
    }

    /// The upstream body; `stream` none streams as the client asked.
    #[pyo3(signature = (*, stream = None))]
    fn body(&self, py: Python<'_>, stream: Option<bool>) -> PyResult<Body> {
        self.write(py, stream).map(|inner| Body { inner })
    }

    /// What a usage costs at this deployment under the terms that the attempt asks for; `at_ms` none is now.
    #[pyo3(signature = (usage, *, at_ms = None))]
    fn cost(&self, py: Python<'_>, usage: &Usage, at_ms: Option<i64>) -> PyResult<Money> {
        let row = self.row()?;
        let at_ms = at_ms.map_or_else(|| moment(None, Some(0)).map(|(now_ms, _)| now_ms), Ok)?;
        cost_at(py, self.facts(py)?, &row.terms.at(at_ms), &usage.inner, &row.model)
    }

    /// What the attempt cost, made at `at_ms`, under the terms that the answer echoes.
    #[pyo3(signature = (usage, *, at_ms, service_tier = None, speed = None, region = None, reported_cost = None,
        usage_problem = None))]
    #[allow(clippy::too_many_arguments, reason = "one keyword for each thing that an answer says")]
    fn settle(
        &self,
        py: Python<'_>,
        usage: &Usage,
        at_ms: i64,
        service_tier: Option<&str>,
        speed: Option<&str>,
        region: Option<&str>,
        reported_cost: Option<&Money>,
        usage_problem: Option<&str>,
    ) -> PyResult<Settlement> {
        let named = |name| {
            let message = format!("`{name}` is no problem of a usage");
            UsageProblem::from_name(name).ok_or_else(|| pyo3::exceptions::PyValueError::new_err(message))
        };
        let reported_usd_picos = reported_cost.map(|cost| cost.picos);
        let usage_problem = usage_problem.map(named).transpose()?;
        let echo = Echo { service_tier, speed, region, reported_usd_picos, usage_problem };
        let inner = settle(self.facts(py)?, &self.row()?.terms, &echo, at_ms, &usage.inner);
        Ok(Settlement { inner })
    }

    fn __repr__(&self) -> PyResult<String> {
        self.row().map(|row| format!("Attempt({}, '{}')", self.index, row.deployment))
    }
}

/// What an attempt cost, and where the figure comes from.
#[pyclass(frozen, module = "turnout")]
pub struct Settlement {
    inner: decide::Settlement,
}

#[pymethods]
impl Settlement {
    /// The cost that counts: the provider's figure where there is one, else ours, also where the provider's is 0 and ours
    /// is more; none when neither is known.
    #[getter]
    fn cost(&self) -> Option<Money> {
        self.inner.cost().map(|(picos, _)| Money { picos })
    }

    /// Whose figure it is: `reported` or `computed`.
    #[getter]
    fn source(&self) -> Option<&'static str> {
        self.inner.cost().map(|(_, source)| source.name())
    }

    /// Our own sum of usage and prices.
    #[getter]
    fn computed(&self) -> Option<Money> {
        self.inner.computed_usd_picos.map(|picos| Money { picos })
    }

    /// What the provider says that it cost.
    #[getter]
    fn reported(&self) -> Option<Money> {
        self.inner.reported_usd_picos.map(|picos| Money { picos })
    }

    /// Why there is no sum of our own.
    #[getter]
    fn unpriced(&self) -> Option<&str> {
        self.inner.unpriced.as_deref()
    }

    /// The first day of the prices, `YYYY-MM-DD`; none for prices that always held.
    #[getter]
    fn price_from(&self) -> Option<String> {
        self.inner.price_from.map(|day| day.to_string())
    }

    /// Who states the prices.
    #[getter]
    fn price_source(&self) -> Option<&str> {
        self.inner.price_source.as_deref()
    }

    /// The terms that our sum is of; none for the standard ones.
    #[getter]
    fn price_terms(&self) -> Option<&str> {
        self.inner.price_terms.as_deref()
    }

    /// Why the cost is not exact: `lower_bound` or `reported_zero`; none when it is, or is not known.
    #[getter]
    fn doubt(&self) -> Option<&'static str> {
        self.inner.doubt().map(decide::CostDoubt::name)
    }

    fn __repr__(&self) -> String {
        match self.inner.cost() {
            Some((picos, source)) => format!("Settlement({}, {})", UsdPicos(picos), source.name()),
            None => "Settlement(unknown)".to_owned(),
        }
    }
}

/// What comes next after what was tried.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct Step {
    /// `retry`, `fallback`, `escalate` or `return`.
    kind: &'static str,
    /// Which attempt; none for `return`.
    attempt: Option<usize>,
    /// For `return`: `accepted`, `final`, `nothing_left`, `attempts` or `spend`.
    why: Option<&'static str>,
}

#[pymethods]
impl Step {
    fn __repr__(&self) -> String {
        match (self.attempt, self.why) {
            (Some(attempt), _) => format!("Step('{}', {attempt})", self.kind),
            (None, why) => format!("Step('{}', '{}')", self.kind, why.unwrap_or_default()),
        }
    }
}

/// An attempt that was made: its index, outcome, whether it is accepted, and what the provider says of one more try.
type TriedRow = (usize, String, bool, Option<bool>);

fn rows_of(py: Python<'_>, tried: &[TriedRow]) -> PyResult<Vec<Tried>> {
    tried
        .iter()
        .map(|(attempt, outcome, is_accepted, should_retry)| {
            let outcome = outcome_of(py, outcome)?;
            Ok(Tried { attempt: *attempt, outcome, is_accepted: *is_accepted, should_retry: *should_retry })
        })
        .collect()
}

/// The attempts of one call, and its bounds.
#[pyclass(frozen, module = "turnout")]
pub struct Plan {
    pub plan: Arc<plan::Plan>,
    pub asked: Arc<Asked>,
}

#[pymethods]
impl Plan {
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, (0..self.plan.attempts.len()).map(|index| Attempt::new(&self.plan, &self.asked, index)))
    }

    #[getter]
    fn deadline_ms(&self) -> i64 {
        self.plan.run.deadline_ms
    }

    #[getter]
    fn ttft_ms(&self) -> Option<i64> {
        self.plan.run.ttft_ms
    }

    /// The longest pause between pieces of content of a stream, in milliseconds.
    #[getter]
    fn idle_ms(&self) -> i64 {
        self.plan.run.idle_ms
    }

    /// What becomes of an upstream whose client has gone: `cancel` or `drain`.
    #[getter]
    fn on_disconnect(&self) -> &'static str {
        self.plan.run.on_disconnect.name()
    }

    /// Whether a late attempt gets a second one beside it.
    #[getter]
    fn is_hedged(&self) -> bool {
        self.plan.run.hedge.is_some()
    }

    /// After how many milliseconds an attempt is late, by what its deployment usually takes; none when that is not known yet,
    /// or the policy does not hedge.
    fn late_after_ms(&self, attempt: usize, state: &State, streams: bool) -> Option<i64> {
        let row = self.plan.attempts.get(attempt)?;
        match self.plan.run.hedge?.after {
            HedgeAfter::Ms(after_ms) => Some(after_ms),
            HedgeAfter::Percentile(percent) => {
                state.lend(|state| state.percentile_ms(&row.deployment, percent, streams)).map(i64::from)
            }
        }
    }

    /// The attempt that may run beside a late one: the first that is allowed, healthy, and within the hedges' share of the
    /// calls, which is then spent; none otherwise.
    #[pyo3(signature = (tried, beside, spent, state, *, now = None))]
    fn hedge(
        &self,
        py: Python<'_>,
        tried: Vec<TriedRow>,
        beside: usize,
        spent: &Money,
        state: &State,
        now: Option<f64>,
    ) -> PyResult<Option<usize>> {
        let Some(hedge) = self.plan.run.hedge else { return Ok(None) };
        let (now_ms, _) = moment(now, Some(0))?;
        let allowed = self.plan.hedges(&rows_of(py, &tried)?, beside, spent.picos);
        Ok(state.lend(|state| {
            let is_healthy = |index: &usize| {
                self.plan.attempts.get(*index).is_some_and(|row| {
                    state.standing(&row.deployment, &row.key.label(), &row.provider, now_ms).is_healthy()
                })
            };
            let found = allowed.into_iter().find(is_healthy)?;
            state.may_hedge(hedge.share_permille, now_ms).then_some(found)
        }))
    }

    #[getter]
    fn max_attempts(&self) -> u32 {
        self.plan.run.attempts
    }

    #[getter]
    fn spend(&self) -> Option<Money> {
        self.plan.run.spend_usd_picos.map(|picos| Money { picos })
    }

    #[getter]
    fn accept<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.plan.accept.iter().map(Accept::name))
    }

    /// The checks that the host program makes, by their whole names (`check.NAME`).
    #[getter]
    fn host_checks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let is_hosts = |check: &&Accept| matches!(check, Accept::Host(_));
        PyTuple::new(py, self.plan.accept.iter().filter(is_hosts).map(Accept::name).collect::<Vec<_>>())
    }

    /// The plan with a tighter deadline or purse for one call; looser ones than the policy's are not taken.
    #[pyo3(signature = (*, deadline_ms = None, spend = None))]
    fn tightened(&self, deadline_ms: Option<i64>, spend: Option<&Money>) -> Self {
        let mut plan = (*self.plan).clone();
        if let Some(deadline_ms) = deadline_ms {
            plan.run.deadline_ms = plan.run.deadline_ms.min(deadline_ms.max(0));
        }
        if let Some(spend) = spend {
            let purse = plan.run.spend_usd_picos.map_or(spend.picos, |own| own.min(spend.picos));
            plan.run.spend_usd_picos = Some(purse);
        }
        Self { plan: Arc::new(plan), asked: Arc::clone(&self.asked) }
    }

    /// The first check that an answer fails; none when it is accepted.
    fn unmet(&self, py: Python<'_>, answer: &Answer) -> Option<String> {
        // Read again only where a check compares with it; a decision made from its record has none.
        let body = self.asked.body.as_ref().filter(|_| plan::compares(&self.plan.accept));
        let request = body.and_then(|body| parse_request(body.bytes(py), Some(self.asked.dialect)).ok());
        plan::unmet(&self.plan.accept, &answer.inner, self.asked.wants_json, request.as_ref())
            .map(|check| check.name().to_owned())
    }

    /// The step after `tried`: tuples of (attempt, outcome, accepted, what the provider says of one more try).
    fn next(&self, py: Python<'_>, tried: Vec<TriedRow>, spent: &Money) -> PyResult<Step> {
        let tried = rows_of(py, &tried)?;
        let step = |kind, attempt| Step { kind, attempt: Some(attempt), why: None };
        Ok(match self.plan.next(&tried, spent.picos) {
            plan::Step::Retry(attempt) => step("retry", attempt),
            plan::Step::Fallback(attempt) => step("fallback", attempt),
            plan::Step::Escalate(attempt) => step("escalate", attempt),
            plan::Step::Return(why) => Step { kind: "return", attempt: None, why: Some(why.name()) },
        })
    }

    fn __repr__(&self) -> String {
        format!("Plan({} attempts, deadline {} ms)", self.plan.attempts.len(), self.plan.run.deadline_ms)
    }
}

/// Whether a request asks for JSON.
pub fn wants_json(format: ResponseFormat<'_>) -> bool {
    format != ResponseFormat::Text
}
