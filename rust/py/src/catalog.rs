//! The catalogue as Python sees it: layers, look-ups, rows.

use std::ops::Deref;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use turnout_core::calendar::Day;
use turnout_core::catalog::{self, ChangeKind};
use turnout_core::money::NanosPerMtok;

use crate::errors::{of_catalog, raise};
use crate::money::{Money, Usage, cost_at, terms};

/// A catalogue that policies, engines and look-ups share. The one that ships is never copied.
#[derive(Clone)]
pub enum Shared {
    /// What ships.
    Bundled,
    /// With layers above it.
    Layered(Arc<catalog::Catalog>),
}

impl Deref for Shared {
    type Target = catalog::Catalog;

    fn deref(&self) -> &catalog::Catalog {
        match self {
            Self::Bundled => catalog::Catalog::bundled(),
            Self::Layered(catalog) => catalog,
        }
    }
}

/// Models, providers and prices.
#[pyclass(frozen, module = "turnout")]
pub struct Catalog {
    pub inner: Shared,
}

impl Catalog {
    fn layered(inner: catalog::Catalog) -> Self {
        Self { inner: Shared::Layered(Arc::new(inner)) }
    }
}

#[pymethods]
impl Catalog {
    /// What ships with this version.
    #[staticmethod]
    fn bundled() -> Self {
        Self { inner: Shared::Bundled }
    }

    /// The day that the facts were gathered, `YYYY-MM-DD`.
    #[getter]
    fn as_of(&self) -> &str {
        self.inner.as_of()
    }

    /// What tells this catalogue from every other; a decision keeps it.
    #[getter]
    fn hash(&self) -> &str {
        self.inner.hash()
    }

    /// Ids of the providers, in order.
    #[getter]
    fn providers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.providers().iter().map(|provider| provider.id.as_str()).collect::<Vec<_>>())
    }

    /// The catalogue with a refresh laid over it.
    fn with_refreshed(&self, py: Python<'_>, content: &[u8]) -> PyResult<Self> {
        let layered = py.detach(|| self.inner.with_layer(catalog::Layer::Refreshed, content));
        layered.map(Self::layered).map_err(|problems| {
            let first = problems.first();
            let more = problems.len().saturating_sub(1);
            let message = first.map_or("it cannot be read", |problem| problem.message.as_str());
            let rest = if more == 0 { String::new() } else { format!(", and {more} more such") };
            let code = first.map_or("bad-file", |problem| problem.code);
            let hint = first.and_then(|problem| problem.hint.as_deref());
            raise(py, "CatalogError", code, &format!("{message}{rest}"), hint)
        })
    }

    /// The catalogue with the user's own rows laid over it, or all that is wrong with them.
    fn with_override(&self, py: Python<'_>, document: &str) -> (Option<Self>, Vec<RawProblem>) {
        match py.detach(|| self.inner.with_layer(catalog::Layer::Override, document.as_bytes())) {
            Ok(layered) => (Some(Self::layered(layered)), Vec::new()),
            Err(problems) => (None, problems.into_iter().map(raw).collect()),
        }
    }

    /// What the refresh changed, as the file that brings it back.
    fn refreshed_file(&self) -> String {
        self.inner.write_refreshed()
    }

    /// Everything that a row says and that cannot be so.
    fn lint(&self) -> Vec<CatalogFinding> {
        catalog::lint(&self.inner).into_iter().map(CatalogFinding::from).collect()
    }

    /// What holds on the day and has to be looked at again, of the curated models.
    fn notices(&self, today: &str) -> PyResult<Vec<CatalogFinding>> {
        let findings = catalog::notices(&self.inner, day(today)?).into_iter();
        Ok(findings.map(CatalogFinding::from).collect())
    }

    /// Finds a model by `provider/id`, or by an id or alias that one provider has. A retired one is found too.
    fn resolve(&self, py: Python<'_>, name: &str) -> PyResult<Model> {
        let found = self.inner.resolve(name).map_err(|error| of_catalog(py, &error))?;
        let row = self.inner.row(&found.provider.id, &found.model.id).ok_or_else(|| {
            raise(py, "CatalogError", "unknown-model", &format!("`{name}` has no row in the catalogue"), None)
        })?;
        Ok(Model::of(row))
    }

    /// What a user of the name should know of the model's end; none when it has none in sight.
    #[pyo3(signature = (name, today = None))]
    fn note(&self, py: Python<'_>, name: &str, today: Option<&str>) -> PyResult<Option<String>> {
        let found = self.inner.resolve(name).map_err(|error| of_catalog(py, &error))?;
        Ok(self.inner.note(name, found.model, today))
    }

    /// The models that fit, by provider and id; with `wide` those that nobody looked at one by one too. Prices are those of
    /// `today` (`YYYY-MM-DD`), else the newest that are known to have begun.
    #[pyo3(signature = (text = "", *, provider = None, lab = None, can = None, min_context = None, max_in = None,
        max_out = None, status = None, wide = false, today = None))]
    #[allow(clippy::too_many_arguments, reason = "one keyword for each thing to ask for")]
    fn models(
        &self,
        py: Python<'_>,
        text: &str,
        provider: Option<String>,
        lab: Option<String>,
        can: Option<Vec<String>>,
        min_context: Option<u64>,
        max_in: Option<&str>,
        max_out: Option<&str>,
        status: Option<&str>,
        wide: bool,
        today: Option<&str>,
    ) -> PyResult<Vec<Model>> {
        if let Some(provider) = &provider {
            self.inner.provider(provider).map_err(|error| of_catalog(py, &error))?;
        }
        let abilities = can.unwrap_or_default().iter().map(|name| ability(py, name)).collect::<PyResult<_>>()?;
        let status = status.map(|name| {
            catalog::Status::from_name(name)
                .ok_or_else(|| PyValueError::new_err("`status` must be `active`, `deprecated` or `retired`"))
        });
        let query = catalog::Query {
            provider,
            lab,
            text: Some(text.to_owned()),
            abilities,
            min_context_tokens: min_context,
            today: today.map(day).transpose()?,
            max_input_price: max_in.map(|text| price(py, "max_in", text)).transpose()?,
            max_output_price: max_out.map(|text| price(py, "max_out", text)).transpose()?,
            status: status.transpose()?,
        };
        let rows = self.inner.search(&query).into_iter();
        Ok(rows.filter(|row| wide || row.origin() != catalog::Origin::Wide).map(Model::of).collect())
    }

    /// What differs in another catalogue at the prices of `today` (`YYYY-MM-DD`; else the day of its facts), and what of it
    /// a person must agree to.
    #[pyo3(signature = (other, today = None))]
    fn diff(&self, py: Python<'_>, other: &Self, today: Option<&str>) -> PyResult<CatalogDiff> {
        let today = day(today.unwrap_or(other.inner.as_of()))?;
        Ok(py.detach(|| CatalogDiff {
            changes: catalog::diff(&self.inner, &other.inner, today),
            reasons: catalog::verdict(&self.inner, &other.inner, today),
        }))
    }

    fn __repr__(&self) -> String {
        let hash = self.inner.hash();
        format!("Catalog(as_of='{}', hash='{}')", self.inner.as_of(), hash.get(..12).unwrap_or(hash))
    }
}

/// `YYYY-MM-DD`.
fn day(text: &str) -> PyResult<Day> {
    Day::parse(text).ok_or_else(|| PyValueError::new_err(format!("`{text}` is not a day such as `2026-11-22`")))
}

fn ability(py: Python<'_>, name: &str) -> PyResult<catalog::Ability> {
    catalog::Ability::from_name(name).ok_or_else(|| {
        let names: Vec<String> = catalog::Ability::ALL.iter().map(|each| format!("`{each}`")).collect();
        let hint = format!("ask for {}", names.join(", "));
        raise(
            py,
            "CatalogError",
            "unknown-ability",
            &format!("`{name}` is no ability that models are told by"),
            Some(&hint),
        )
    })
}

fn price(py: Python<'_>, name: &str, text: &str) -> PyResult<NanosPerMtok> {
    NanosPerMtok::parse(text).map_err(|error| {
        raise(py, "MoneyError", "bad-price", &format!("`{name}`: {error}"), Some("write such as `0.5`"))
    })
}

/// What differs between two catalogues, and what of it a person must agree to.
#[pyclass(frozen, module = "turnout")]
pub struct CatalogDiff {
    changes: Vec<catalog::Change>,
    reasons: Vec<catalog::Reason>,
}

impl CatalogDiff {
    fn names(&self, kind: ChangeKind) -> impl Iterator<Item = &str> {
        self.changes.iter().filter(move |change| change.kind == kind).map(|change| change.model.as_str())
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &str, Option<&str>, Option<&str>)> {
        let changed = self.changes.iter().filter(|change| change.kind == ChangeKind::Changed);
        changed.flat_map(|change| {
            change.fields.iter().map(|field| {
                (change.model.as_str(), field.field.as_str(), field.before.as_deref(), field.after.as_deref())
            })
        })
    }
}

#[pymethods]
impl CatalogDiff {
    /// Models that are only in the other catalogue.
    #[getter]
    fn added<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.names(ChangeKind::Added).collect::<Vec<_>>())
    }

    /// Models that are not in the other catalogue.
    #[getter]
    fn removed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.names(ChangeKind::Removed).collect::<Vec<_>>())
    }

    /// Model, field, before and after of every fact that differs; an absent value is unknown.
    #[getter]
    fn changed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.fields().collect::<Vec<_>>())
    }

    /// What a person must agree to before the other catalogue replaces this one: code, model, message.
    #[getter]
    fn alarms<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let alarms = self.reasons.iter().map(|reason| (reason.code, reason.model.as_deref(), reason.message.as_str()));
        PyTuple::new(py, alarms.collect::<Vec<_>>())
    }

    fn __bool__(&self) -> bool {
        !self.changes.is_empty()
    }

    fn __repr__(&self) -> String {
        let count = |kind| self.names(kind).count();
        let (added, removed) = (count(ChangeKind::Added), count(ChangeKind::Removed));
        format!("CatalogDiff(added={added}, removed={removed}, changed={})", count(ChangeKind::Changed))
    }
}

/// Section, place of the row in it, keys that lead to the value, code, message, hint.
type RawProblem = (&'static str, Option<usize>, Vec<String>, &'static str, String, Option<String>);

fn raw(problem: catalog::LayerProblem) -> RawProblem {
    let catalog::LayerProblem { code, section, row, keys, message, hint } = problem;
    (section.key(), row, keys, code, message, hint)
}

/// Something that a row says and that cannot be so.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct CatalogFinding {
    code: &'static str,
    /// `provider/id`.
    model: String,
    message: String,
}

impl From<catalog::Finding> for CatalogFinding {
    fn from(finding: catalog::Finding) -> Self {
        let catalog::Finding { code, model, message } = finding;
        Self { code, model, message }
    }
}

/// A model as its provider sells it. What is not known is `None`.
#[pyclass(frozen, module = "turnout")]
pub struct Model {
    inner: catalog::Model,
    json: Box<str>,
    layer: &'static str,
}

impl Model {
    fn of(row: &catalog::Row) -> Self {
        Self { inner: row.model().clone(), json: row.json().into(), layer: row.origin().name() }
    }
}

#[pymethods]
impl Model {
    #[getter]
    fn provider(&self) -> &str {
        &self.inner.provider
    }

    #[getter]
    fn id(&self) -> &str {
        &self.inner.id
    }

    /// `provider/id`.
    #[getter]
    fn full_name(&self) -> String {
        self.inner.full_name()
    }

    #[getter]
    fn aliases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.inner.aliases)
    }

    /// As people write it.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }

    #[getter]
    fn lab(&self) -> Option<&str> {
        self.inner.lab.as_deref()
    }

    #[getter]
    fn status(&self) -> &'static str {
        self.inner.status.name()
    }

    #[getter]
    fn release(&self) -> Option<&str> {
        self.inner.release.as_deref()
    }

    #[getter]
    fn retires_on(&self) -> Option<&str> {
        self.inner.retires_on.as_deref()
    }

    #[getter]
    fn replaced_by(&self) -> Option<&str> {
        self.inner.replaced_by.as_deref()
    }

    #[getter]
    fn context(&self) -> Option<u64> {
        self.inner.context
    }

    #[getter]
    fn max_input(&self) -> Option<u64> {
        self.inner.max_input
    }

    #[getter]
    fn max_output(&self) -> Option<u64> {
        self.inner.max_output
    }

    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.inputs.iter().map(|modality| modality.name()))
    }

    #[getter]
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.outputs.iter().map(|modality| modality.name()))
    }

    /// Whether sources differ on its price: `fresh`, `stale`, or none when they agree.
    #[getter]
    fn disputed(&self) -> Option<&'static str> {
        self.inner.disputed.map(catalog::DisputeKind::name)
    }

    #[getter]
    fn tokenizer(&self) -> Option<&str> {
        self.inner.tokenizer_family.as_deref()
    }

    #[getter]
    fn sources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.inner.sources)
    }

    /// The highest layer that says something of it: `bundled`, `wide`, `refreshed` or `override`.
    #[getter]
    fn layer(&self) -> &'static str {
        self.layer
    }

    /// What a usage costs on the model, as this catalogue has it.
    #[pyo3(signature = (usage, at_ms = None, batch = false, service_tier = None, speed = None, region = None))]
    #[allow(clippy::too_many_arguments, reason = "one argument for each term of the call")]
    fn cost(
        &self,
        py: Python<'_>,
        usage: &Usage,
        at_ms: Option<i64>,
        batch: bool,
        service_tier: Option<&str>,
        speed: Option<&str>,
        region: Option<&str>,
    ) -> PyResult<Money> {
        let terms = terms(at_ms, batch, service_tier, speed, region);
        cost_at(py, &self.inner, &terms, &usage.inner, &self.inner.full_name())
    }

    /// The row, every layer merged, as one JSON object.
    fn to_json(&self) -> &str {
        &self.json
    }

    /// The same as a dict: prices, tiers, windows, abilities, thinking, dates and sources with the keys of a row.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (&*self.json,))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.json == other.json
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.json.hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("Model('{}')", self.inner.full_name())
    }
}
