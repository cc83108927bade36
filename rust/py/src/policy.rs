//! Policies.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::Arc;
use turnout_core::control::reservations::Zone;
use turnout_core::engine::Engine;
use turnout_core::outcome::TABLE;
use turnout_core::policy::diagnostics::{CODES, Finding, Pos};
use turnout_core::policy::expr::Tri;
use turnout_core::policy::facts::{Cost, FACTS, Scope, Type};
use turnout_core::policy::source::{Row, RowKind};
use turnout_core::policy::{self, Accept, KeyRef};
use turnout_core::shared_str::SharedStr;

use crate::catalog::{Catalog, Shared};
use crate::convert::moment;
use crate::errors::raise;
use crate::offer::offer;
use crate::reservations::Claim;

/// A checked policy.
#[pyclass(frozen, module = "turnout")]
pub struct Policy {
    pub inner: Arc<policy::Policy>,
    /// What its models were looked up in.
    pub catalog: Shared,
}

#[pymethods]
impl Policy {
    #[getter]
    fn name(&self) -> &str {
        &self.inner.name
    }

    #[getter]
    fn hash(&self) -> &str {
        &self.inner.hash
    }

    /// Names of the models, in the order of the file.
    #[getter]
    fn models<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.models.iter().map(|model| model.alias.as_str()))
    }

    /// Names of the rules, in order; the last is `otherwise`.
    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.rules.iter().map(|rule| rule.name.as_str()))
    }

    /// Names of the tests in the file.
    #[getter]
    fn tests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.tests.iter().map(|test| test.name.as_str()))
    }

    /// For each deployment, the environment variables that may hold its key; empty when it needs none.
    #[getter]
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for deployment in &self.inner.deployments {
            let names = match &deployment.key {
                KeyRef::None => &[][..],
                KeyRef::Env(names) => names,
            };
            dict.set_item(deployment.id.as_str(), PyTuple::new(py, names)?)?;
        }
        Ok(dict)
    }

    /// For each deployment, who sells its model.
    #[getter]
    fn providers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for deployment in &self.inner.deployments {
            let provider = self.inner.models.get(deployment.model).map(|model| model.facts.provider.as_str());
            dict.set_item(deployment.id.as_str(), provider)?;
        }
        Ok(dict)
    }

    /// The checks of the host program that its rules name, by their whole names (`check.NAME`).
    #[getter]
    fn host_checks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let of_rules = self.inner.rules.iter().filter_map(|rule| rule.accept.as_ref()).flatten();
        let mut names: Vec<&str> = self
            .inner
            .accept
            .iter()
            .chain(of_rules)
            .filter(|check| matches!(check, Accept::Host(_)))
            .map(Accept::name)
            .collect();
        names.sort_unstable();
        names.dedup();
        PyTuple::new(py, names)
    }

    /// The deployments to which the file gives an address, a key or a region of their own.
    #[getter]
    fn own_reach<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let own = self.inner.deployments.iter().filter(|deployment| deployment.has_own_reach);
        PyTuple::new(py, own.map(|deployment| deployment.id.as_str()).collect::<Vec<_>>())
    }

    /// What may be spent, in the order of the file.
    #[getter]
    fn budgets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let row = |budget: &policy::Budget| {
            let row = Budget {
                name: budget.name.to_string(),
                per: budget.per.clone(),
                limit_usd_nanos: budget.limit_usd_nanos,
                window: budget.period.word(),
                longest_ms: budget.period.longest_ms(),
                zone: budget.zone.name().to_owned(),
                on_exceed: budget.on_exceed.name(),
                is_enforced: budget.is_enforced,
            };
            Py::new(py, row)
        };
        PyTuple::new(py, self.inner.budgets.iter().map(row).collect::<PyResult<Vec<_>>>()?)
    }

    /// The claim of a budget's scope by its name, for what was spent under it before; none if no budget has such scopes.
    fn claim(&self, scope: &str) -> Option<Claim> {
        self.inner.claim_of(scope).map(Claim::of)
    }

    /// Whether calls reserve anything: whether it has budgets or limits.
    #[getter]
    fn reserves(&self) -> bool {
        self.inner.reserves()
    }

    /// The catalogue that its models were looked up in.
    #[getter]
    fn catalog(&self) -> Catalog {
        Catalog { inner: self.catalog.clone() }
    }

    /// The names that a client may ask for, each with the models that it may choose.
    fn names(&self) -> Vec<(String, Vec<String>)> {
        let alias = |model: usize| Some(self.inner.models.get(model)?.alias.to_string());
        let row = |(name, models): (SharedStr, Vec<usize>)| {
            (name.to_string(), models.into_iter().filter_map(alias).collect())
        };
        self.inner.names().into_iter().map(row).collect()
    }

    /// What each model can do and costs, by its name.
    #[pyo3(signature = (now = None))]
    fn offers<'py>(&self, py: Python<'py>, now: Option<f64>) -> PyResult<Bound<'py, PyDict>> {
        let (now_ms, _) = moment(now, Some(0))?;
        let offers = PyDict::new(py);
        for model in &self.inner.models {
            offers.set_item(model.alias.as_str(), offer(py, model, now_ms)?)?;
        }
        Ok(offers)
    }

    /// Runs the tests in the file; empty when all hold.
    fn run_tests(&self, py: Python<'_>) -> Vec<TestFailure> {
        let policy = Arc::clone(&self.inner);
        let failures = py.detach(|| Engine::new(policy, self.catalog.hash(), Vec::new()).run_tests());
        failures
            .into_iter()
            .map(|failure| TestFailure {
                name: failure.name,
                file: failure.pos.file,
                line: failure.pos.line,
                column: failure.pos.column,
                held: if failure.held == Tri::False { "false" } else { "unknown" },
                expected: failure.expected,
                saw: failure.saw,
            })
            .collect()
    }

    fn __repr__(&self) -> String {
        format!("Policy('{}', {} models, {} rules)", self.inner.name, self.inner.models.len(), self.inner.rules.len())
    }
}

/// A budget of a policy.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct Budget {
    name: String,
    /// Keys of `meta`.
    per: Vec<String>,
    limit_usd_nanos: i64,
    /// `hour`, `day`, `week`, `month`, or how long it rolls.
    window: String,
    /// The longest that the window lasts.
    longest_ms: i64,
    zone: String,
    /// `refuse`, `step_down` or `warn`.
    on_exceed: &'static str,
    is_enforced: bool,
}

#[pymethods]
impl Budget {
    fn __repr__(&self) -> String {
        format!("Budget('{}')", self.name)
    }
}

/// A test of a policy that does not hold.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct TestFailure {
    name: String,
    /// The index of its file, 0 for the policy's own.
    file: u32,
    line: u32,
    column: u32,
    /// `false` or `unknown`.
    held: &'static str,
    expected: String,
    saw: String,
}

#[pymethods]
impl TestFailure {
    fn __repr__(&self) -> String {
        format!("TestFailure('{}')", self.name)
    }
}

type RawRow = (u32, Option<String>, u32, u32, String, String, bool, u32, u32, Vec<(u32, u32, u32)>);
type RawOutcome = (&'static str, bool, &'static str, &'static str, i64, bool, bool, &'static str);
type RawFinding = (u32, u32, &'static str, String, Option<String>, &'static str, u32);

/// Checks the rows of a policy file, and of those that it extends, the nearest first. The policy is none when a finding is
/// an error; a finding ends with the index of its file, 0 for the policy's own. `zones` are the time zones that budgets may name: from
/// which instant on each is how far ahead of UTC, in milliseconds.
#[pyfunction]
#[pyo3(signature = (rows, today, catalog = None, bases = Vec::new(), zones = Vec::new()))]
pub fn compile_policy(
    py: Python<'_>,
    rows: Vec<RawRow>,
    today: i64,
    catalog: Option<&Catalog>,
    bases: Vec<Vec<RawRow>>,
    zones: Vec<(String, Vec<(i64, i64)>)>,
) -> PyResult<(Option<Policy>, Vec<RawFinding>)> {
    let catalog = catalog.map_or(Shared::Bundled, |catalog| catalog.inner.clone());
    let read = |(rows, file): (Vec<RawRow>, u32)| {
        rows.into_iter().map(|row| row_of(py, row, file)).collect::<PyResult<Vec<Row>>>()
    };
    let rows = read((rows, 0))?;
    let bases = bases.into_iter().zip(1..).map(read).collect::<PyResult<Vec<_>>>()?;
    let zones: Vec<Zone> = zones.iter().filter_map(|(name, table)| Zone::of_table(name, table)).collect();
    let compiled = py.detach(|| policy::compile_with_zones(&rows, &bases, &zones, &catalog, today));
    Ok(match compiled {
        Ok((policy, findings)) => (Some(Policy { inner: Arc::new(policy), catalog }), raw(findings)),
        Err(findings) => (None, raw(findings)),
    })
}

fn row_of(py: Python<'_>, row: RawRow, file: u32) -> PyResult<Row> {
    let (depth, key, key_line, key_column, kind, text, is_cut, line, column, pieces) = row;
    let kind = RowKind::from_name(&kind)
        .ok_or_else(|| raise(py, "PolicyError", "malformed-yaml", &format!("`{kind}` is no kind of row"), None))?;
    let key = key.map(|name| (name, Pos { file, line: key_line, column: key_column }));
    let pieces = pieces.into_iter().map(|(start, line, column)| (start, Pos { file, line, column })).collect();
    Ok(Row { depth, key, kind, text, is_cut, pos: Pos { file, line, column }, pieces })
}

fn raw(findings: Vec<Finding>) -> Vec<RawFinding> {
    findings
        .into_iter()
        .map(|finding| {
            let Finding { pos, code, message, hint, severity } = finding;
            (pos.line, pos.column, code, message, hint, severity.name(), pos.file)
        })
        .collect()
}

/// Every code that a policy can be refused or warned with, and what it means.
#[pyfunction]
pub fn codes(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (code, meaning) in CODES {
        dict.set_item(code, meaning)?;
    }
    Ok(dict)
}

/// The JSON Schema of policy files.
#[pyfunction]
pub fn policy_schema() -> String {
    policy::json_schema()
}

/// The outcome table: kind, retried, next, cools, cooldown in milliseconds, counts as failure, maybe billed, meaning.
#[pyfunction]
pub fn outcomes() -> Vec<RawOutcome> {
    TABLE
        .iter()
        .map(|row| {
            (
                row.kind.name(),
                row.retry_same,
                row.next.name(),
                row.cools.name(),
                row.default_cooldown_ms,
                row.counts_as_failure,
                row.maybe_billed,
                row.meaning,
            )
        })
        .collect()
}

type FactTuple = (&'static str, &'static str, Vec<&'static str>, &'static str, &'static str, &'static str);

/// The table of facts: name, type, words of a closed set, where it has a value, cost to know, meaning.
#[pyfunction]
pub fn facts() -> Vec<FactTuple> {
    FACTS
        .iter()
        .map(|row| {
            let words = if let Type::Enum(words) = row.ty { words.to_vec() } else { Vec::new() };
            let scope = match row.scope {
                Scope::Request => "request",
                Scope::Candidate => "candidate",
                Scope::Decision => "decision",
            };
            let cost = match row.cost {
                Cost::Free => "free",
                Cost::Scan => "scan",
                Cost::Classify => "classify",
            };
            (row.name, row.ty.name(), words, scope, cost, row.doc)
        })
        .collect()
}
