//! Budgets and limits: the book of a process, behind the lock of its state.

use std::sync::OnceLock;
use std::time::Instant as Clock;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use turnout_core::control::reservations::{self, Amounts, Measure, Moment, Unit};

use crate::convert::moment;
use crate::plan::Attempt;
use crate::policy::Policy;
use crate::state::State;

static START: OnceLock<Clock> = OnceLock::new();

/// Now on both clocks; what is given stands instead, in seconds.
#[allow(clippy::disallowed_methods, reason = "the binding is where the core's clocks are read")]
fn instant(now: Option<f64>, mono: Option<f64>) -> PyResult<Moment> {
    let (wall_ms, _) = moment(now, Some(0))?;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "casting saturates, and a clock has no fraction of a millisecond"
    )]
    let mono_ms = match mono {
        Some(seconds) => (seconds * 1000.0).round() as i64,
        None => i64::try_from(START.get_or_init(Clock::now).elapsed().as_millis()).unwrap_or(i64::MAX),
    };
    Ok(Moment { wall_ms, mono_ms })
}

/// A scope without room.
#[pyclass(frozen, get_all, module = "turnout")]
#[derive(Clone)]
pub struct Denied {
    /// Which: `budget/NAME/...` or `limit/NAME/...`.
    scope: String,
    /// `too_large`, `spent`, `held`, `busy` or `full`.
    why: &'static str,
    /// When there is room again if nothing else happens; none if never.
    retry_after_ms: Option<i64>,
}

#[pymethods]
impl Denied {
    fn __repr__(&self) -> String {
        format!("Denied('{}', {})", self.scope, self.why)
    }
}

fn rows(denied: Vec<reservations::Denied>) -> Vec<Denied> {
    let row = |row: reservations::Denied| Denied {
        scope: row.scope.to_string(),
        why: row.why.name(),
        retry_after_ms: row.retry_after_ms,
    };
    denied.into_iter().map(row).collect()
}

/// What became of a reservation that was asked for.
#[pyclass(frozen, module = "turnout")]
pub struct Hold {
    denied: Vec<Denied>,
    would_deny: Vec<Denied>,
    #[pyo3(get)]
    is_repeated: bool,
    #[pyo3(get)]
    retry_after_ms: Option<i64>,
}

#[pymethods]
impl Hold {
    /// Whether it was made.
    #[getter]
    fn is_made(&self) -> bool {
        self.denied.is_empty()
    }

    /// The scopes without room; empty where it was made.
    #[getter]
    fn denied<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.denied.iter().cloned())
    }

    /// Scopes that do not hold, and would have refused.
    #[getter]
    fn would_deny<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.would_deny.iter().cloned())
    }

    fn __repr__(&self) -> String {
        format!("Hold(is_made={}, denied={})", self.denied.is_empty(), self.denied.len())
    }
}

impl Hold {
    fn of(answer: Result<reservations::Reserved, reservations::Refusal>) -> Self {
        match answer {
            Ok(made) => Self {
                denied: Vec::new(),
                would_deny: rows(made.would_deny),
                is_repeated: made.is_repeated,
                retry_after_ms: None,
            },
            Err(refusal) => {
                let retry_after_ms = refusal.retry_after_ms();
                Self { denied: rows(refusal.denied), would_deny: Vec::new(), is_repeated: false, retry_after_ms }
            }
        }
    }
}

/// A share of a budget that is spent, told for the first time.
#[pyclass(frozen, get_all, module = "turnout")]
#[derive(Clone)]
pub struct BudgetAlert {
    /// `budget/NAME/...`.
    scope: String,
    /// The share, in millionths.
    share_millionths: i64,
    /// Nano-USD.
    spent: i64,
    /// Nano-USD.
    limit: i64,
}

#[pymethods]
impl BudgetAlert {
    fn __repr__(&self) -> String {
        format!("BudgetAlert('{}', {})", self.scope, self.share_millionths)
    }
}

fn alerts(found: Vec<reservations::Alert>) -> Vec<BudgetAlert> {
    let row = |row: reservations::Alert| BudgetAlert {
        scope: row.scope.to_string(),
        share_millionths: row.share_millionths,
        spent: row.spent,
        limit: row.limit,
    };
    found.into_iter().map(row).collect()
}

/// A reservation that came to its end.
#[pyclass(frozen, module = "turnout")]
pub struct Closed {
    /// Its id.
    #[pyo3(get)]
    id: String,
    /// What it took above what it held, in nano-USD.
    #[pyo3(get)]
    debt_usd_nanos: i64,
    /// What it was settled at, in nano-USD.
    #[pyo3(get)]
    usd_nanos: i64,
    alerts: Vec<BudgetAlert>,
}

#[pymethods]
impl Closed {
    /// What there is to tell.
    #[getter]
    fn alerts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.alerts.iter().cloned())
    }

    fn __repr__(&self) -> String {
        format!("Closed('{}', usd_nanos={})", self.id, self.usd_nanos)
    }
}

/// A scope that an attempt counts in.
#[pyclass(frozen, module = "turnout")]
pub struct Claim {
    inner: reservations::Claim,
}

#[pymethods]
impl Claim {
    /// Its name: `budget/NAME/...` or `limit/NAME/...`.
    #[getter]
    fn scope(&self) -> &str {
        &self.inner.scope
    }

    /// `window`, `bucket` or `permits`.
    #[getter]
    fn measure(&self) -> &'static str {
        match self.inner.measure {
            Measure::Window(..) => "window",
            Measure::Bucket(_) => "bucket",
            Measure::Permits => "permits",
        }
    }

    /// `usd_nanos`, `input_tokens`, `output_tokens`, `tokens` or `requests`.
    #[getter]
    fn unit(&self) -> &'static str {
        match self.inner.unit {
            Unit::UsdNanos => "usd_nanos",
            Unit::InputTokens => "input_tokens",
            Unit::OutputTokens => "output_tokens",
            Unit::Tokens => "tokens",
            Unit::Requests => "requests",
        }
    }

    /// The most.
    #[getter]
    fn limit(&self) -> i64 {
        self.inner.limit
    }

    /// Whether it holds, or is counted and reported only.
    #[getter]
    fn is_enforced(&self) -> bool {
        self.inner.is_enforced
    }

    /// Over how many milliseconds a bucket fills; none for other measures.
    #[getter]
    fn refill_ms(&self) -> Option<i64> {
        match self.inner.measure {
            Measure::Bucket(ms) => Some(ms),
            _ => None,
        }
    }

    /// How many windows back a spend still counts: 0 but for a window that rolls.
    #[getter]
    fn reach(&self) -> i64 {
        match &self.inner.measure {
            Measure::Window(period, _) => period.reach(),
            _ => 0,
        }
    }

    /// The number of the window at an instant, and its end, both of them in milliseconds since 1970; none without one.
    fn window(&self, at_ms: i64) -> Option<(i64, i64)> {
        match &self.inner.measure {
            Measure::Window(period, zone) => {
                let span = period.span(at_ms, zone);
                Some((span.id, span.ends_ms))
            }
            _ => None,
        }
    }

    fn __repr__(&self) -> String {
        format!("Claim('{}', {})", self.inner.scope, self.inner.limit)
    }
}

impl Claim {
    pub fn of(inner: reservations::Claim) -> Self {
        Self { inner }
    }
}

/// What a process has reserved and spent, by the scopes of budgets and limits.
#[pyclass(frozen, module = "turnout")]
pub struct Reservations {
    state: State,
}

impl Reservations {
    pub fn of(state: State) -> Self {
        Self { state }
    }
}

#[pymethods]
impl Reservations {
    /// Reserves what an attempt may take at most, in all of its scopes or in none.
    #[pyo3(signature = (attempt, name, lease_ms, *, now = None, mono = None))]
    fn reserve(
        &self,
        attempt: &Attempt,
        name: &str,
        lease_ms: i64,
        now: Option<f64>,
        mono: Option<f64>,
    ) -> PyResult<Hold> {
        let (row, now) = (attempt.row()?, instant(now, mono)?);
        let answer =
            self.state.lend(|state| state.book_mut().reserve(&name.into(), &row.claims, row.amounts, lease_ms, now));
        Ok(Hold::of(answer))
    }

    /// Holds more for a reservation whose end was not known.
    #[pyo3(signature = (name, *, usd_nanos = 0, output_tokens = 0, now = None, mono = None))]
    fn top_up(
        &self,
        name: &str,
        usd_nanos: i64,
        output_tokens: i64,
        now: Option<f64>,
        mono: Option<f64>,
    ) -> PyResult<Hold> {
        let now = instant(now, mono)?;
        let more = Amounts { usd_nanos, output_tokens, ..Amounts::default() };
        let answer = self.state.lend(|state| state.book_mut().top_up(&name.into(), more, now));
        Ok(Hold::of(answer.map(|()| reservations::Reserved::default())))
    }

    /// Ends a reservation at what was used; none if there is no such reservation any more.
    #[pyo3(signature = (name, *, usd_nanos = 0, input_tokens = 0, output_tokens = 0, now = None, mono = None))]
    fn settle(
        &self,
        name: &str,
        usd_nanos: i64,
        input_tokens: i64,
        output_tokens: i64,
        now: Option<f64>,
        mono: Option<f64>,
    ) -> PyResult<Option<Closed>> {
        let now = instant(now, mono)?;
        let actual = Amounts { usd_nanos, input_tokens, output_tokens };
        let settled = self.state.lend(|state| state.book_mut().settle(name, actual, now));
        Ok(settled.map(|settled| Closed {
            id: name.to_owned(),
            debt_usd_nanos: settled.debt_usd_nanos,
            usd_nanos,
            alerts: alerts(settled.alerts),
        }))
    }

    /// Ends a reservation of which nothing was sent; whether there was one.
    #[pyo3(signature = (name, *, now = None, mono = None))]
    fn release(&self, name: &str, now: Option<f64>, mono: Option<f64>) -> PyResult<bool> {
        let now = instant(now, mono)?;
        Ok(self.state.lend(|state| state.book_mut().release(name, now)))
    }

    /// Ends the reservations whose lease is over, each at what it held.
    #[pyo3(signature = (*, now = None, mono = None))]
    fn expire(&self, now: Option<f64>, mono: Option<f64>) -> PyResult<Vec<Closed>> {
        let now = instant(now, mono)?;
        let expired = self.state.lend(|state| state.book_mut().expire(now));
        let closed = |row: reservations::Expired| Closed {
            id: row.id.to_string(),
            debt_usd_nanos: 0,
            usd_nanos: row.amounts.usd_nanos,
            alerts: alerts(row.alerts),
        };
        Ok(expired.into_iter().map(closed).collect())
    }

    /// Adds what was spent at a moment of the past, in milliseconds since 1970; whether the policy has such a scope.
    #[pyo3(signature = (policy, scope, usd_nanos, at_ms, *, now = None, mono = None))]
    fn charge(
        &self,
        policy: &Policy,
        scope: &str,
        usd_nanos: i64,
        at_ms: i64,
        now: Option<f64>,
        mono: Option<f64>,
    ) -> PyResult<bool> {
        let now = instant(now, mono)?;
        let Some(claim) = policy.inner.claim_of(scope) else { return Ok(false) };
        self.state.lend(|state| state.book_mut().charge(&claim, usd_nanos, at_ms, now));
        Ok(true)
    }

    /// Takes over a reservation that was made before this process: nothing is refused.
    #[pyo3(signature = (policy, name, scopes, usd_nanos, lease_ms, *, now = None, mono = None))]
    #[allow(clippy::too_many_arguments, reason = "each is one column of the row that it comes from")]
    fn restore(
        &self,
        policy: &Policy,
        name: &str,
        scopes: Vec<String>,
        usd_nanos: i64,
        lease_ms: i64,
        now: Option<f64>,
        mono: Option<f64>,
    ) -> PyResult<()> {
        let now = instant(now, mono)?;
        let claims: Vec<_> = scopes.iter().filter_map(|scope| policy.inner.claim_of(scope)).collect();
        let amounts = Amounts { usd_nanos, ..Amounts::default() };
        self.state.lend(|state| state.book_mut().restore(&name.into(), &claims, amounts, lease_ms, now));
        Ok(())
    }

    /// What is spent and what is held of a budget's scope, in nano-USD; none if the policy has no such scope.
    #[pyo3(signature = (policy, scope, *, now = None, mono = None))]
    fn standing(
        &self,
        policy: &Policy,
        scope: &str,
        now: Option<f64>,
        mono: Option<f64>,
    ) -> PyResult<Option<(i64, i64)>> {
        let now = instant(now, mono)?;
        let Some(claim) = policy.inner.claim_of(scope) else { return Ok(None) };
        let standing = self.state.lend(|state| state.book().standing(&claim, now));
        Ok(Some((standing.spent, standing.held)))
    }

    /// How many reservations are open.
    #[getter]
    fn open_count(&self) -> usize {
        self.state.lend(|state| state.book().open_count())
    }

    fn __repr__(&self) -> String {
        format!("Reservations({} open)", self.open_count())
    }
}
