//! Answers, errors and streams of providers.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use turnout_core::usage::UsageProblem;
use turnout_core::wire;

use crate::convert::dialect as dialect_of;
use crate::money::{Money, Usage};
use crate::plan::Body;
use crate::state::outcome_of;

/// A tool call that the model made.
#[pyclass(frozen, get_all, module = "turnout")]
#[derive(Clone)]
pub struct ToolCall {
    id: String,
    name: String,
    arguments: String,
}

#[pymethods]
impl ToolCall {
    fn __repr__(&self) -> String {
        format!("ToolCall(name='{}')", self.name)
    }
}

/// Why an attempt gave no answer.
#[pyclass(frozen, get_all, module = "turnout")]
#[derive(Clone)]
pub struct Failure {
    outcome: &'static str,
    status: Option<u16>,
    code: Option<String>,
    message: String,
    retry_after_ms: Option<i64>,
    /// What the provider says of one more try (`x-should-retry`); none when it says nothing.
    should_retry: Option<bool>,
}

impl Failure {
    fn of(failure: &wire::Failure) -> Self {
        Self {
            outcome: failure.kind.name(),
            status: failure.status,
            code: failure.code.clone(),
            message: failure.message.clone(),
            retry_after_ms: failure.retry_after_ms,
            should_retry: failure.should_retry,
        }
    }
}

#[pymethods]
impl Failure {
    fn __repr__(&self) -> String {
        format!("Failure(outcome='{}')", self.outcome)
    }
}

/// What came back.
#[pyclass(frozen, module = "turnout")]
#[derive(Clone)]
pub struct Answer {
    pub inner: wire::Answer,
}

#[pymethods]
impl Answer {
    #[getter]
    fn outcome(&self) -> &'static str {
        self.inner.outcome.name()
    }

    #[getter]
    fn text(&self) -> &str {
        &self.inner.text
    }

    #[getter]
    fn thinking(&self) -> &str {
        &self.inner.thinking
    }

    #[getter]
    fn refusal(&self) -> Option<&str> {
        self.inner.refusal.as_deref()
    }

    #[getter]
    fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(
            py,
            self.inner.tool_calls.iter().map(|call| ToolCall {
                id: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            }),
        )
    }

    #[getter]
    fn finish_reason(&self) -> Option<&str> {
        self.inner.finish_reason.as_deref()
    }

    #[getter]
    fn model(&self) -> Option<&str> {
        self.inner.model.as_deref()
    }

    #[getter]
    fn usage(&self) -> Option<Usage> {
        self.inner.usage.map(|inner| Usage { inner })
    }

    /// What is wrong with the usage that was reported: a name of the table of usage problems.
    #[getter]
    fn usage_problem(&self) -> Option<&'static str> {
        self.inner.usage_problem.map(UsageProblem::name)
    }

    /// What the provider says that it cost; also where its tokens cannot be read.
    #[getter]
    fn reported_cost(&self) -> Option<Money> {
        self.inner.reported_cost_usd_picos.map(|picos| Money { picos })
    }

    /// The service tier that it says it was served at.
    #[getter]
    fn service_tier(&self) -> Option<&str> {
        self.inner.served.service_tier.as_deref()
    }

    /// The speed that it says it was served at.
    #[getter]
    fn speed(&self) -> Option<&str> {
        self.inner.served.speed.as_deref()
    }

    /// The region that it says it was served in.
    #[getter]
    fn region(&self) -> Option<&str> {
        self.inner.served.region.as_deref()
    }

    #[getter]
    fn message(&self) -> Option<&str> {
        self.inner.message.as_deref()
    }

    #[getter]
    fn failure(&self) -> Option<Failure> {
        self.inner.failure.as_ref().map(Failure::of)
    }

    fn __repr__(&self) -> String {
        format!("Answer(outcome='{}', {} characters)", self.inner.outcome.name(), self.inner.text.chars().count())
    }
}

/// Reads a 2xx answer that is not a stream.
#[pyfunction]
pub fn parse_answer(py: Python<'_>, dialect: &str, body: &[u8]) -> PyResult<Answer> {
    Ok(Answer { inner: wire::parse_answer(dialect_of(py, dialect)?, body) })
}

/// What a non-2xx answer means.
#[pyfunction]
pub fn classify_response(
    py: Python<'_>,
    dialect: &str,
    status: u16,
    headers: Vec<(String, String)>,
    body: &[u8],
    now_ms: i64,
) -> PyResult<Failure> {
    let failure = wire::classify_response(dialect_of(py, dialect)?, status, &headers, body, now_ms);
    Ok(Failure::of(&failure))
}

/// One event of a stream in normal form.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct StreamEvent {
    /// `text`, `thinking`, `tool_call`, `tool_arguments`, `refusal`, `ping` or `error`.
    kind: &'static str,
    text: String,
    index: Option<u32>,
    id: Option<String>,
    name: Option<String>,
}

impl StreamEvent {
    fn of(event: wire::StreamEvent) -> Self {
        let plain = |kind, text| Self { kind, text, index: None, id: None, name: None };
        match event {
            wire::StreamEvent::Text(text) => plain("text", text),
            wire::StreamEvent::Thinking(text) => plain("thinking", text),
            wire::StreamEvent::Refusal(text) => plain("refusal", text),
            wire::StreamEvent::Ping => plain("ping", String::new()),
            wire::StreamEvent::Error { message, .. } => plain("error", message),
            wire::StreamEvent::ToolCallStart { index, id, name } => {
                Self { index: Some(index), id: Some(id), name: Some(name), ..plain("tool_call", String::new()) }
            }
            wire::StreamEvent::ToolCallArguments { index, json } => {
                Self { index: Some(index), ..plain("tool_arguments", json) }
            }
        }
    }
}

#[pymethods]
impl StreamEvent {
    #[getter]
    fn is_content(&self) -> bool {
        matches!(self.kind, "text" | "thinking" | "tool_call" | "tool_arguments" | "refusal")
    }

    fn __repr__(&self) -> String {
        format!("StreamEvent(kind='{}', {} characters)", self.kind, self.text.chars().count())
    }
}

/// How a stream ended.
#[pyclass(frozen, get_all, module = "turnout")]
pub struct StreamEnd {
    outcome: &'static str,
    usage: Option<Usage>,
    finish_reason: Option<String>,
    model: Option<String>,
    message: Option<String>,
    failure: Option<Failure>,
}

impl StreamEnd {
    fn of(end: wire::StreamEnd) -> Self {
        Self {
            outcome: end.outcome.name(),
            usage: end.usage.map(|inner| Usage { inner }),
            finish_reason: end.finish_reason,
            model: end.model,
            message: end.message,
            failure: end.failure.as_ref().map(Failure::of),
        }
    }
}

#[pymethods]
impl StreamEnd {
    fn __repr__(&self) -> String {
        format!("StreamEnd(outcome='{}')", self.outcome)
    }
}

/// Reads a stream: bytes as they come in, events out. One call for each network read.
#[pyclass(frozen, module = "turnout")]
pub struct StreamReader {
    inner: Mutex<wire::StreamReader>,
}

impl StreamReader {
    fn with<T>(&self, act: impl FnOnce(&mut wire::StreamReader) -> T) -> T {
        // A reader that panicked half-way is still one reader: the lock is taken over.
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl StreamReader {
    #[new]
    fn new(py: Python<'_>, dialect: &str) -> PyResult<Self> {
        Ok(Self { inner: Mutex::new(wire::StreamReader::new(dialect_of(py, dialect)?)) })
    }

    fn feed(&self, data: &[u8]) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        self.with(|reader| reader.feed(data, &mut events));
        events.into_iter().map(StreamEvent::of).collect()
    }

    fn finish(&self) -> (Vec<StreamEvent>, StreamEnd) {
        let mut events = Vec::new();
        let end = StreamEnd::of(self.with(|reader| reader.finish(&mut events)));
        (events.into_iter().map(StreamEvent::of).collect(), end)
    }

    #[getter]
    fn has_content(&self) -> bool {
        self.with(|reader| reader.has_content())
    }

    #[getter]
    fn is_over(&self) -> bool {
        self.with(|reader| reader.is_over())
    }

    fn answer(&self) -> Answer {
        Answer { inner: self.with(|reader| reader.answer()) }
    }
}

/// Translates a stream: upstream bytes in, bytes of the client's dialect out. One call for each network read.
#[pyclass(frozen, module = "turnout")]
pub struct StreamTranslator {
    inner: Mutex<wire::StreamTranslator>,
}

impl StreamTranslator {
    fn with<T>(&self, act: impl FnOnce(&mut wire::StreamTranslator) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl StreamTranslator {
    #[new]
    #[pyo3(signature = (upstream, client, *, answer_id, created_s, model = None, include_usage = false))]
    fn new(
        py: Python<'_>,
        upstream: &str,
        client: &str,
        answer_id: String,
        created_s: i64,
        model: Option<String>,
        include_usage: bool,
    ) -> PyResult<Self> {
        let envelope = wire::Envelope { id: answer_id, created_s, model, include_usage };
        let inner = wire::StreamTranslator::new(dialect_of(py, upstream)?, dialect_of(py, client)?, envelope);
        Ok(Self { inner: Mutex::new(inner) })
    }

    fn feed<'py>(&self, py: Python<'py>, data: &[u8]) -> Bound<'py, PyBytes> {
        let mut out = Vec::with_capacity(data.len() + 256);
        self.with(|translator| translator.feed(data, &mut out));
        PyBytes::new(py, &out)
    }

    /// The end of the connection; `broke` is how it broke, if it did: an outcome and a sentence.
    #[pyo3(signature = (broke = None))]
    fn finish<'py>(
        &self,
        py: Python<'py>,
        broke: Option<(String, String)>,
    ) -> PyResult<(Bound<'py, PyBytes>, StreamEnd)> {
        let mut out = Vec::new();
        let broke = match &broke {
            Some((outcome, message)) => Some((outcome_of(py, outcome)?, message.as_str())),
            None => None,
        };
        let end = self.with(|translator| translator.finish(broke, &mut out));
        Ok((PyBytes::new(py, &out), StreamEnd::of(end)))
    }

    /// The event that ends the stream for the client; nothing when it has ended.
    fn fail<'py>(&self, py: Python<'py>, outcome: &str, message: &str) -> PyResult<Bound<'py, PyBytes>> {
        let kind = outcome_of(py, outcome)?;
        let mut out = Vec::new();
        self.with(|translator| translator.fail(kind, message, &mut out));
        Ok(PyBytes::new(py, &out))
    }

    #[getter]
    fn has_content(&self) -> bool {
        self.with(|translator| translator.has_content())
    }

    /// Whether the last read brought content.
    #[getter]
    fn brought_content(&self) -> bool {
        self.with(|translator| translator.brought_content())
    }

    #[getter]
    fn has_text(&self) -> bool {
        self.with(|translator| translator.has_text())
    }

    #[getter]
    fn is_over(&self) -> bool {
        self.with(|translator| translator.is_over())
    }

    /// What was left out of the translation so far.
    #[getter]
    fn dropped<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.with(|translator| translator.dropped()))
    }

    fn answer(&self) -> Answer {
        Answer { inner: self.with(|translator| translator.answer()) }
    }
}

/// An answer as a body of a dialect, whatever dialect it came in.
#[pyfunction]
#[pyo3(signature = (answer, dialect, *, answer_id, created_s, model = None))]
pub fn render_answer(
    py: Python<'_>,
    answer: &Answer,
    dialect: &str,
    answer_id: String,
    created_s: i64,
    model: Option<String>,
) -> PyResult<Body> {
    let envelope = wire::Envelope { id: answer_id, created_s, model, include_usage: true };
    Ok(Body { inner: wire::render_answer(&answer.inner, dialect_of(py, dialect)?, &envelope) })
}

/// The status and the body that tell a client of a dialect what went wrong.
#[pyfunction]
pub fn render_error<'py>(
    py: Python<'py>,
    dialect: &str,
    outcome: &str,
    message: &str,
) -> PyResult<(u16, Bound<'py, PyBytes>)> {
    let answer = wire::render_error(dialect_of(py, dialect)?, outcome_of(py, outcome)?, message);
    Ok((answer.status, PyBytes::new(py, &answer.body)))
}
