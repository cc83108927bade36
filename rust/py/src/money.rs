//! Money and usage as Python sees them.

use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use turnout_core::catalog::{self, Model, PricePeriod, Terms};
use turnout_core::money::UsdPicos;
use turnout_core::usage;

use crate::catalog::Catalog;
use crate::errors::{of_catalog, of_cost, of_price, raise};

/// An exact amount in US dollars, kept in pico-dollars.
#[pyclass(frozen, module = "turnout")]
#[derive(Clone, Copy)]
pub struct Money {
    pub picos: i64,
}

#[pymethods]
impl Money {
    #[new]
    fn new(py: Python<'_>, usd: &str) -> PyResult<Self> {
        UsdPicos::parse(usd)
            .map(|amount| Self { picos: amount.0 })
            .map_err(|error| raise(py, "MoneyError", error.code(), &error.to_string(), None))
    }

    #[getter]
    fn usd_picos(&self) -> i64 {
        self.picos
    }

    /// The amount as a `Decimal`, exactly.
    #[getter]
    fn usd<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let decimal = py.import("decimal")?.getattr("Decimal")?;
        decimal.call1((self.picos,))?.call_method1("scaleb", (-12,))
    }

    fn __str__(&self) -> String {
        UsdPicos(self.picos).to_string()
    }

    fn __repr__(&self) -> String {
        format!("Money({})", UsdPicos(self.picos))
    }

    fn __hash__(&self) -> i64 {
        self.picos
    }

    fn __richcmp__(&self, other: &Self, op: CompareOp) -> bool {
        op.matches(self.picos.cmp(&other.picos))
    }

    fn __add__(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        let sum = self.picos.checked_add(other.picos);
        sum.map(|picos| Self { picos }).ok_or_else(|| raise(py, "MoneyError", "overflow", "the sum does not fit", None))
    }
}

/// What a call is expected to cost.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct ExpectedCost {
    p50: Money,
    p90: Money,
}

impl ExpectedCost {
    pub fn of(p50: Option<i64>, p90: Option<i64>) -> Option<Self> {
        Some(Self { p50: Money { picos: p50? }, p90: Money { picos: p90? } })
    }
}

#[pymethods]
impl ExpectedCost {
    fn __repr__(&self) -> String {
        format!("ExpectedCost(p50={}, p90={})", UsdPicos(self.p50.picos), UsdPicos(self.p90.picos))
    }
}

/// Tokens of a call in classes that never overlap.
#[pyclass(frozen, module = "turnout")]
#[derive(Clone, Copy)]
pub struct Usage {
    pub inner: usage::Usage,
}

#[pymethods]
impl Usage {
    #[new]
    #[pyo3(signature = (*, input_uncached = 0, cache_read = 0, cache_write_5m = 0, cache_write_1h = 0, cache_write_other = 0,
        output_text = 0, reasoning = 0, audio_in = 0, audio_out = 0, image_in = 0, web_searches = 0))]
    #[allow(clippy::too_many_arguments, reason = "one keyword for each class of tokens")]
    fn new(
        input_uncached: u64,
        cache_read: u64,
        cache_write_5m: u64,
        cache_write_1h: u64,
        cache_write_other: u64,
        output_text: u64,
        reasoning: u64,
        audio_in: u64,
        audio_out: u64,
        image_in: u64,
        web_searches: u64,
    ) -> Self {
        Self {
            inner: usage::Usage {
                input_uncached,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                cache_write_other,
                output_text,
                reasoning,
                audio_in,
                audio_out,
                image_in,
                web_searches,
                ..usage::Usage::default()
            },
        }
    }

    #[getter]
    fn input_uncached(&self) -> u64 {
        self.inner.input_uncached
    }

    #[getter]
    fn cache_read(&self) -> u64 {
        self.inner.cache_read
    }

    #[getter]
    fn cache_write_5m(&self) -> u64 {
        self.inner.cache_write_5m
    }

    #[getter]
    fn cache_write_1h(&self) -> u64 {
        self.inner.cache_write_1h
    }

    #[getter]
    fn cache_write_other(&self) -> u64 {
        self.inner.cache_write_other
    }

    #[getter]
    fn output_text(&self) -> u64 {
        self.inner.output_text
    }

    #[getter]
    fn reasoning(&self) -> u64 {
        self.inner.reasoning
    }

    #[getter]
    fn audio_in(&self) -> u64 {
        self.inner.audio_in
    }

    #[getter]
    fn audio_out(&self) -> u64 {
        self.inner.audio_out
    }

    #[getter]
    fn image_in(&self) -> u64 {
        self.inner.image_in
    }

    #[getter]
    fn web_searches(&self) -> u64 {
        self.inner.web_searches
    }

    #[getter]
    fn input_total(&self) -> u64 {
        self.inner.input_total()
    }

    #[getter]
    fn output_total(&self) -> u64 {
        self.inner.output_total()
    }

    /// What the provider itself says the call cost.
    #[getter]
    fn reported_cost(&self) -> Option<Money> {
        self.inner.reported_cost_usd_picos.map(|picos| Money { picos })
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let usage = &self.inner;
        for (name, count) in [
            ("input_uncached", usage.input_uncached),
            ("cache_read", usage.cache_read),
            ("cache_write_5m", usage.cache_write_5m),
            ("cache_write_1h", usage.cache_write_1h),
            ("cache_write_other", usage.cache_write_other),
            ("output_text", usage.output_text),
            ("reasoning", usage.reasoning),
            ("audio_in", usage.audio_in),
            ("audio_out", usage.audio_out),
            ("image_in", usage.image_in),
            ("web_searches", usage.web_searches),
        ] {
            dict.set_item(name, count)?;
        }
        Ok(dict)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.inner == other.inner
    }

    fn __hash__(&self) -> u64 {
        self.inner.input_total() ^ self.inner.output_total().rotate_left(32)
    }

    pub(crate) fn __repr__(&self) -> String {
        format!("Usage(input_total={}, output_total={})", self.inner.input_total(), self.inner.output_total())
    }
}

/// What a usage cost at a price.
pub fn cost_at(py: Python<'_>, facts: &Model, terms: &Terms<'_>, usage: &usage::Usage, model: &str) -> PyResult<Money> {
    let quote = facts.quote(terms).map_err(|error| of_price(py, &error, model))?;
    catalog::cost(&quote, usage).map(|amount| Money { picos: amount.0 }).map_err(|error| of_cost(py, error, model))
}

/// The terms of a call.
pub fn terms<'a>(
    at_ms: Option<i64>,
    batch: bool,
    service_tier: Option<&'a str>,
    speed: Option<&'a str>,
    region: Option<&'a str>,
) -> Terms<'a> {
    Terms { at_ms, service_tier, speed, region, batch, ..Terms::default() }
}

/// What a usage costs on a model of a catalogue.
#[pyfunction]
#[pyo3(signature = (catalog, model, usage, at_ms = None, batch = false, service_tier = None, speed = None, region = None))]
#[allow(clippy::too_many_arguments, reason = "one argument for each term of the call")]
pub fn cost(
    py: Python<'_>,
    catalog: &Catalog,
    model: &str,
    usage: &Usage,
    at_ms: Option<i64>,
    batch: bool,
    service_tier: Option<&str>,
    speed: Option<&str>,
    region: Option<&str>,
) -> PyResult<Money> {
    let resolved = catalog.inner.resolve(model).map_err(|error| of_catalog(py, &error))?;
    cost_at(py, resolved.model, &terms(at_ms, batch, service_tier, speed, region), &usage.inner, model)
}

/// What a usage costs at a price that the call states itself: the JSON of one period of a catalogue row.
#[pyfunction]
#[pyo3(signature = (model, price, usage, at_ms = None, batch = false, service_tier = None, speed = None, region = None))]
#[allow(clippy::too_many_arguments, reason = "one argument for each term of the call")]
pub fn cost_at_price(
    py: Python<'_>,
    model: &str,
    price: &str,
    usage: &Usage,
    at_ms: Option<i64>,
    batch: bool,
    service_tier: Option<&str>,
    speed: Option<&str>,
    region: Option<&str>,
) -> PyResult<Money> {
    let period = PricePeriod::parse(model, price.as_bytes())
        .map_err(|error| raise(py, "MoneyError", "bad-price", &error.message, error.hint.as_deref()))?;
    let facts = Model { prices: vec![period], ..Model::unlisted("", model) };
    cost_at(py, &facts, &terms(at_ms, batch, service_tier, speed, region), &usage.inner, model)
}
