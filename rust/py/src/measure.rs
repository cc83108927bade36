//! Token counts and classifications.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use turnout_core::catalog::Catalog;
use turnout_core::classify::{self as classifier, Language};
use turnout_core::tokens::{self, Family};
use turnout_core::wire::parse_request;

use crate::convert::{borrowed, dialect as dialect_of, repaired, request_bytes};
use crate::errors::{of_catalog, of_wire};
use crate::state::State;

/// A count of tokens with its bounds.
#[pyclass(frozen, module = "turnout")]
pub struct TokenCount {
    inner: tokens::TokenCount,
    /// The likely count before what was learned was added.
    pub uncorrected: u64,
    /// The shape of the request, 0 of a text.
    pub shape: u16,
}

impl TokenCount {
    fn of_text(inner: tokens::TokenCount) -> Self {
        Self { inner, uncorrected: inner.tokens, shape: 0 }
    }
}

#[pymethods]
impl TokenCount {
    #[getter]
    fn tokens(&self) -> u64 {
        self.inner.tokens
    }

    #[getter]
    fn low(&self) -> u64 {
        self.inner.low
    }

    #[getter]
    fn high(&self) -> u64 {
        self.inner.high
    }

    #[getter]
    fn method(&self) -> &'static str {
        self.inner.method.name()
    }

    fn __repr__(&self) -> String {
        let tokens::TokenCount { tokens, low, high, method } = self.inner;
        format!("TokenCount(tokens={tokens}, low={low}, high={high}, method='{}')", method.name())
    }
}

/// Up to so many bytes a text is counted without letting other threads in, which would take longer.
const INLINE_BYTES: usize = 8192;

/// The family of a model: what the catalogue says of it; with `guess`, of a model that it does not know, what the name says.
fn family_of(py: Python<'_>, model: &str, guess: bool) -> PyResult<Family> {
    match Catalog::bundled().resolve(model) {
        Ok(resolved) => match resolved.model.tokenizer_family.as_deref().map(Family::from_catalog) {
            None | Some(Family::Unknown) => Ok(Family::of_model_name(model)),
            Some(family) => Ok(family),
        },
        Err(_) if guess => Ok(Family::of_model_name(model)),
        Err(error) => Err(of_catalog(py, &error)),
    }
}

/// The name of the tokenizer family that counts for a model are made with; `unknown` when nothing says it.
#[pyfunction]
pub fn tokenizer_family(py: Python<'_>, model: &str) -> PyResult<&'static str> {
    family_of(py, model, true).map(Family::name)
}

/// Input tokens of a text or a whole request for a model of the catalogue.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "one keyword for each thing that may be said")]
#[pyo3(signature = (model, request_or_text, *, dialect = None, guess = false, state = None, exact = true))]
pub fn count_tokens(
    py: Python<'_>,
    model: &str,
    request_or_text: &Bound<'_, PyAny>,
    dialect: Option<&str>,
    guess: bool,
    state: Option<&State>,
    exact: bool,
) -> PyResult<TokenCount> {
    let family = family_of(py, model, guess)?;
    if let Ok(text) = request_or_text.cast::<PyString>() {
        let text = borrowed(text)?;
        let count = || tokens::count_text(family, &text, if exact { usize::MAX } else { 0 });
        // Below about 100 microseconds of work the GIL is kept.
        let inner = if text.len() > INLINE_BYTES || !tokens::is_warm(family) { py.detach(count) } else { count() };
        return Ok(TokenCount::of_text(inner));
    }
    let body = request_bytes(request_or_text)?;
    let dialect = dialect.map(|name| dialect_of(py, name)).transpose()?;
    let counted = py.detach(|| {
        let request = parse_request(&body, dialect)?;
        let count = if exact {
            tokens::count_request(&request, family, model)
        } else {
            let measure = tokens::measure(&request);
            measure.input_for(&measure.text_features(), family, model)
        };
        Ok((count, tokens::Shape::of(&request).key()))
    });
    let (inner, shape) = counted.map_err(|error| of_wire(py, &error))?;
    let correction = state.and_then(|state| state.lend(|state| state.overheads().correction(model, shape)));
    let corrected = correction.map_or(inner, |correction| inner.corrected(correction.likely));
    Ok(TokenCount { inner: corrected, uncorrected: inner.tokens, shape })
}

/// What an ask is.
#[pyclass(frozen, module = "turnout")]
pub struct Classification {
    inner: classifier::Classification,
}

fn share(millionths: u32) -> f64 {
    f64::from(millionths) / 1_000_000.0
}

#[pymethods]
impl Classification {
    /// The task; none when the classifier abstains.
    #[getter]
    fn task(&self) -> Option<&'static str> {
        (!self.inner.task.abstained).then(|| self.inner.task.task.name())
    }

    #[getter]
    fn task_score(&self) -> f64 {
        share(self.inner.task.score)
    }

    /// The natural language as an ISO 639 code; none when the classifier abstains.
    #[getter]
    fn language(&self) -> Option<&'static str> {
        if self.inner.language.abstained { None } else { self.inner.language.language.map(Language::code) }
    }

    #[getter]
    fn language_score(&self) -> f64 {
        share(self.inner.language.score)
    }

    #[getter]
    fn difficulty(&self) -> f64 {
        share(self.inner.difficulty)
    }

    #[getter]
    fn has_code(&self) -> bool {
        self.inner.has_code()
    }

    /// Score points of every task, best first.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (task, points) in self.inner.task.scores {
            dict.set_item(task.name(), points)?;
        }
        Ok(dict)
    }

    fn __repr__(&self) -> String {
        let quoted = |name: Option<&str>| name.map_or_else(|| "None".to_owned(), |name| format!("'{name}'"));
        format!(
            "Classification(task={}, language={}, difficulty={:.2}, has_code={})",
            quoted(self.task()),
            quoted(self.language()),
            self.difficulty(),
            if self.has_code() { "True" } else { "False" }
        )
    }
}

/// Classifies a text or a request.
#[pyfunction]
#[pyo3(signature = (text_or_request, *, dialect = None))]
pub fn classify(py: Python<'_>, text_or_request: &Bound<'_, PyAny>, dialect: Option<&str>) -> PyResult<Classification> {
    if let Ok(text) = text_or_request.cast::<PyString>() {
        return Ok(Classification { inner: classifier::classify_text(&repaired(text)?) });
    }
    let body = request_bytes(text_or_request)?;
    let dialect = dialect.map(|name| dialect_of(py, name)).transpose()?;
    let request = parse_request(&body, dialect).map_err(|error| of_wire(py, &error))?;
    Ok(Classification { inner: classifier::classify(&request) })
}
