//! One thinking setting as the members of a request body, as Python sees it.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple};
use turnout_core::catalog::Catalog;
use turnout_core::plan::{self, Asked};

use crate::errors::of_catalog;

/// The thinking members of a request body, and what differs from what was asked.
#[pyclass(frozen, module = "turnout")]
pub struct ThinkingFields {
    inner: plan::ThinkingFields,
}

#[pymethods]
impl ThinkingFields {
    /// The members as a dict.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (&self.inner.json,))
    }

    /// One sentence for each thing that differs from what was asked.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.inner.notes)
    }

    fn __repr__(&self) -> String {
        format!("ThinkingFields({})", self.inner.json)
    }
}

/// What a thinking setting becomes in a request to a model of the catalogue.
#[pyfunction]
#[pyo3(signature = (model, setting, *, max_tokens = None))]
pub fn thinking_fields(
    py: Python<'_>,
    model: &str,
    setting: &Bound<'_, PyAny>,
    max_tokens: Option<u64>,
) -> PyResult<ThinkingFields> {
    let asked = asked(setting)?;
    let catalog = Catalog::bundled();
    let resolved = catalog.resolve(model).map_err(|error| of_catalog(py, &error))?;
    let provider = catalog.provider(&resolved.model.provider).map_err(|error| of_catalog(py, &error))?;
    plan::thinking_fields(resolved.model, provider, asked, max_tokens)
        .map(|inner| ThinkingFields { inner })
        .map_err(|error| of_catalog(py, &error))
}

fn asked(setting: &Bound<'_, PyAny>) -> PyResult<Asked> {
    if let Ok(word) = setting.cast::<PyString>() {
        let word = word.to_string_lossy();
        return Asked::from_name(&word).ok_or_else(|| {
            PyValueError::new_err(format!("`{word}` is no thinking setting: off, low, medium, high, max or a budget"))
        });
    }
    if setting.cast::<PyBool>().is_ok() {
        return Err(PyTypeError::new_err("a thinking setting is a str or an int, not bool"));
    }
    match setting.extract::<u64>() {
        Ok(0) => Err(PyValueError::new_err("a thinking budget is at least 1 token; `off` is none")),
        Ok(tokens) => Ok(Asked::Budget(tokens)),
        Err(error) if error.is_instance_of::<PyTypeError>(setting.py()) => {
            Err(PyTypeError::new_err("a thinking setting is a str or an int"))
        }
        Err(_) => Err(PyValueError::new_err("a thinking budget is a number of tokens from 1 up")),
    }
}
