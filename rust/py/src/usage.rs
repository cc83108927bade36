//! What a provider reports of a call's usage, as Python sees it.

use pyo3::prelude::*;
use turnout_core::usage::{self as core, EXTRACTORS, Extractor};
use turnout_core::wire;

use crate::convert::request_bytes;
use crate::errors::raise;
use crate::money::{Money, Usage};

/// What an answer says about what it used, and by which terms it is priced.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct UsageReport {
    /// The extractor that read it.
    extractor: &'static str,
    usage: Option<Usage>,
    reported_cost: Option<Money>,
    service_tier: Option<String>,
    speed: Option<String>,
    region: Option<String>,
    problem: Option<&'static str>,
    field: Option<&'static str>,
    message: Option<String>,
}

impl UsageReport {
    fn of(report: core::UsageReport) -> Self {
        let finding = report.finding;
        Self {
            extractor: report.extractor,
            usage: report.usage.map(|inner| Usage { inner }),
            reported_cost: report.reported_cost_usd_picos.map(|picos| Money { picos }),
            service_tier: report.service_tier,
            speed: report.speed,
            region: report.region,
            problem: finding.map(|finding| finding.problem.name()),
            field: finding.map(|finding| finding.field),
            message: finding.map(|finding| finding.to_string()),
        }
    }
}

#[pymethods]
impl UsageReport {
    fn __repr__(&self) -> String {
        let problem = self.problem.map_or_else(|| "None".to_owned(), |problem| format!("'{problem}'"));
        let usage = self.usage.as_ref().map_or_else(|| "None".to_owned(), Usage::__repr__);
        format!("UsageReport(extractor='{}', usage={usage}, problem={problem})", self.extractor)
    }
}

/// Reads the usage of an answer in the words of its provider or dialect.
#[pyfunction]
#[pyo3(signature = (provider, answer, /))]
pub fn read_usage(py: Python<'_>, provider: &str, answer: &Bound<'_, PyAny>) -> PyResult<UsageReport> {
    let Some(extractor) = Extractor::find(provider) else {
        let names: Vec<String> = EXTRACTORS.iter().map(|extractor| format!("`{}`", extractor.name)).collect();
        let message = format!("how `{provider}` reports usage is not known");
        let hint = format!("name the dialect that it speaks; known are {}", names.join(", "));
        return Err(raise(py, "CatalogError", "unknown-extractor", &message, Some(&hint)));
    };
    if answer.is_instance_of::<pyo3::types::PyString>() {
        let kind = answer.get_type().name()?;
        return Err(pyo3::exceptions::PyTypeError::new_err(format!("an answer is a dict or bytes, not {kind}")));
    }
    Ok(UsageReport::of(wire::read_usage(extractor, &request_bytes(answer)?)))
}
