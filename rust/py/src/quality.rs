//! Predicted quality: fits, artefacts and what they say.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use turnout_core::quality::{self, Basis, FitOptions, Outcome, QualityError, TextVector};

use crate::convert::repaired;
use crate::errors::raise;

fn of_quality(py: Python<'_>, error: &QualityError) -> PyErr {
    raise(py, "QualityError", error.code, &error.message, error.hint.as_deref())
}

/// One row: prompt, category, group, source, grades.
type Row<'py> = (
    Bound<'py, PyString>,
    Option<Bound<'py, PyString>>,
    Option<Bound<'py, PyString>>,
    Option<Bound<'py, PyString>>,
    Vec<(Bound<'py, PyString>, f64)>,
);
/// What is scored: prompt, category.
type Asked<'py> = (Bound<'py, PyString>, Option<Bound<'py, PyString>>);

fn optional(text: Option<&Bound<'_, PyString>>) -> PyResult<Option<String>> {
    text.map(repaired).transpose()
}

struct OwnedRow {
    prompt: String,
    category: Option<String>,
    group: Option<String>,
    source: Option<String>,
    scores: Vec<(String, f64)>,
}

/// A fitted artefact.
#[pyclass(frozen, module = "turnout._core")]
pub struct QualityArtefact {
    inner: quality::QualityModel,
}

/// Fits an artefact on graded outcomes.
#[pyfunction]
pub fn fit_quality(py: Python<'_>, rows: Vec<Row<'_>>, date: String) -> PyResult<QualityArtefact> {
    let mut owned = Vec::with_capacity(rows.len());
    for (prompt, category, group, source, scores) in &rows {
        owned.push(OwnedRow {
            prompt: repaired(prompt)?,
            category: optional(category.as_ref())?,
            group: optional(group.as_ref())?,
            source: optional(source.as_ref())?,
            scores: scores.iter().map(|(name, score)| Ok((repaired(name)?, *score))).collect::<PyResult<_>>()?,
        });
    }
    drop(rows);
    let fitted = py.detach(|| {
        let outcomes: Vec<Outcome<'_>> = owned
            .iter()
            .map(|row| Outcome {
                prompt: &row.prompt,
                category: row.category.as_deref(),
                group: row.group.as_deref(),
                source: row.source.as_deref(),
                scores: row.scores.iter().map(|(name, score)| (name.as_str(), *score)).collect(),
            })
            .collect();
        quality::fit(&outcomes, &FitOptions { date })
    });
    fitted.map(|inner| QualityArtefact { inner }).map_err(|error| of_quality(py, &error))
}

fn asked(rows: &[Asked<'_>]) -> PyResult<Vec<(String, Option<String>)>> {
    rows.iter().map(|(prompt, category)| Ok((repaired(prompt)?, optional(category.as_ref())?))).collect()
}

#[pymethods]
impl QualityArtefact {
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let read = quality::QualityModel::from_bytes(data);
        read.map(|inner| Self { inner }).map_err(|error| of_quality(py, &error))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.to_bytes())
    }

    #[getter]
    fn models(&self) -> Vec<String> {
        self.inner.models().map(ToOwned::to_owned).collect()
    }

    #[getter]
    fn categories(&self) -> Vec<String> {
        self.inner.categories().map(ToOwned::to_owned).collect()
    }

    #[getter]
    fn sources(&self) -> Vec<(String, u64)> {
        self.inner.sources().to_vec()
    }

    #[getter]
    fn rows(&self) -> u64 {
        self.inner.rows()
    }

    #[getter]
    fn date(&self) -> &str {
        self.inner.date()
    }

    #[getter]
    fn hash(&self) -> &str {
        self.inner.hash()
    }

    /// Whether a model's probability beats its mean grade, and the lowest and highest that can come out.
    fn range(&self, py: Python<'_>, model: &str) -> PyResult<(bool, f64, f64)> {
        let model = self.inner.model(model).map_err(|error| of_quality(py, &error))?;
        let (low, high) = self.inner.range(model);
        Ok((self.inner.has_skill(model), low, high))
    }

    /// For each row a score that is higher where the strong model gains more.
    fn scores(&self, py: Python<'_>, rows: Vec<Asked<'_>>, strong: &str, weak: &str) -> PyResult<Vec<f64>> {
        let rows = asked(&rows)?;
        let scores = py.detach(|| {
            let route = self.inner.route(strong, weak)?;
            Ok(rows
                .iter()
                .map(|(prompt, category)| {
                    route.score(&self.inner.predict(&TextVector::of_text(prompt), category.as_deref()))
                })
                .collect())
        });
        scores.map_err(|error| of_quality(py, &error))
    }

    /// For each row the probability of a good answer of each model, and what it goes by.
    fn predict(&self, py: Python<'_>, rows: Vec<Asked<'_>>) -> PyResult<Vec<(Vec<f64>, &'static str)>> {
        let rows = asked(&rows)?;
        Ok(py.detach(|| {
            rows.iter()
                .map(|(prompt, category)| {
                    let found = self.inner.predict(&TextVector::of_text(prompt), category.as_deref());
                    let basis = match found.basis {
                        Basis::Category => "category",
                        Basis::Text => "text",
                        Basis::Nothing => "nothing",
                    };
                    (found.probabilities, basis)
                })
                .collect()
        }))
    }

    /// The least score that goes to the strong model when that share of prompts is to go there.
    fn threshold(&self, py: Python<'_>, strong: &str, weak: &str, share: f64) -> PyResult<f64> {
        let found = self.inner.route(strong, weak).and_then(|route| route.threshold(share));
        found.map_err(|error| of_quality(py, &error))
    }

    /// Sentence, text, JSON and picture of the report on a pair.
    #[pyo3(signature = (strong, weak))]
    fn report(
        &self,
        py: Python<'_>,
        strong: Option<&str>,
        weak: Option<&str>,
    ) -> PyResult<(String, String, String, String)> {
        let report = self.inner.report(strong, weak).map_err(|error| of_quality(py, &error))?;
        Ok((report.sentence(), report.to_text(), report.to_json(), report.to_svg()))
    }
}
