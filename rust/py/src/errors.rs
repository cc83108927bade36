//! The one mapping from errors of the core to the exceptions of `turnout.errors`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use turnout_core::catalog::{CatalogError, CostError, PriceError};
use turnout_core::wire::WireError;

/// The exceptions are Python classes in a leaf that imports nothing of ours; it is imported once.
fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    MODULE
        .get_or_try_init(py, || PyModule::import(py, "turnout.errors").map(Bound::unbind))
        .map(|module| module.bind(py))
}

/// An exception of `turnout.errors` by its name.
pub fn raise(py: Python<'_>, name: &str, code: &str, message: &str, hint: Option<&str>) -> PyErr {
    raise_with(py, name, code, message, hint, |_| Ok(()))
}

/// The same, with further keyword arguments.
pub fn raise_with<'py>(
    py: Python<'py>,
    name: &str,
    code: &str,
    message: &str,
    hint: Option<&str>,
    fill: impl FnOnce(&Bound<'py, PyDict>) -> PyResult<()>,
) -> PyErr {
    let build = || {
        let keywords = PyDict::new(py);
        keywords.set_item("hint", hint)?;
        fill(&keywords)?;
        module(py)?.getattr(name)?.call((code, message), Some(&keywords))
    };
    match build() {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// A request that cannot be read or written.
pub fn of_wire(py: Python<'_>, error: &WireError) -> PyErr {
    let hint = (!error.hint.is_empty()).then_some(error.hint);
    raise_with(py, "RequestError", error.code, &error.message, hint, |keywords| {
        keywords.set_item("offset", error.offset)
    })
}

/// A model that is not known.
pub fn of_catalog(py: Python<'_>, error: &CatalogError) -> PyErr {
    raise(py, "CatalogError", error.code, &error.message, error.hint.as_deref())
}

/// Terms or a day of which no price is known.
pub fn of_price(py: Python<'_>, error: &PriceError, model: &str) -> PyErr {
    raise(py, "MoneyError", error.code(), &format!("`{model}`: {error}"), None)
}

/// A price that is not known.
pub fn of_cost(py: Python<'_>, error: CostError, model: &str) -> PyErr {
    let message = match error {
        CostError::Overflow(class) => format!("the cost of this usage on `{model}` does not fit with {class}"),
        error => format!("`{model}` has no usable price for {}", error.class()),
    };
    raise(py, "MoneyError", error.code(), &message, None)
}
