//! Decisions for many requests: the GIL is held to read Python values and to hand out results, not to decide.

use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMapping, PyString};
use turnout_core::policy::MetaValue;
use turnout_core::wire::Dialect;

use crate::convert::{RequestBody, meta as meta_of};
use crate::decision::{Asked, Decision};
use crate::engine::{Engine, refusal};
use crate::errors::of_wire;
use crate::state::State;

/// Requests are read, then decided, in pieces of at most so many rows or bytes: other threads wait for a piece at most.
const CHUNK_ROWS: usize = 256;
const CHUNK_BYTES: usize = 1 << 20;

/// What all rows share.
pub struct Batch<'b> {
    pub engine: &'b Engine,
    pub state: &'b State,
    pub now_ms: i64,
    /// Row `i` has this seed and `i`.
    pub seed: u64,
    pub dialect: Option<Dialect>,
    pub refused_ok: bool,
}

/// The body of a row and its `meta`.
type Row<'r> = (&'r [u8], &'r [(String, MetaValue)]);

/// `meta` of each row: one for all, or a list of as many.
enum Metas<'py> {
    Shared(Vec<(String, MetaValue)>),
    Each(Vec<Bound<'py, PyAny>>),
}

impl<'py> Metas<'py> {
    fn of(meta: Option<&Bound<'py, PyAny>>, rows: usize) -> PyResult<Self> {
        match meta {
            Some(list) if list.cast::<PyMapping>().is_err() => {
                let each = list.try_iter()?.collect::<PyResult<Vec<_>>>()?;
                if each.len() == rows {
                    return Ok(Self::Each(each));
                }
                Err(PyValueError::new_err(format!("`meta` has {} rows, and there are {rows} requests", each.len())))
            }
            shared => Ok(Self::Shared(meta_of(shared)?)),
        }
    }

    fn row(&self, index: usize) -> PyResult<Vec<(String, MetaValue)>> {
        match self {
            Self::Shared(meta) => Ok(meta.clone()),
            Self::Each(each) => meta_of(each.get(index).filter(|meta| !meta.is_none())),
        }
    }
}

/// Decides for each request, in order.
pub fn decide_batch<'py>(
    py: Python<'py>,
    batch: &Batch<'_>,
    requests: &Bound<'py, PyAny>,
    meta: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    // Each of these is iterable, and none of them by requests.
    if requests.cast::<PyString>().is_ok() || requests.cast::<PyBytes>().is_ok() || requests.cast::<PyMapping>().is_ok()
    {
        return Err(PyTypeError::new_err("a batch is a list of requests, not one request"));
    }
    let requests = requests.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let metas = Metas::of(meta, requests.len())?;
    let results = PyList::empty(py);
    let mut at = 0;
    while at < requests.len() {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for (index, request) in requests.iter().enumerate().skip(at) {
            let row = RequestBody::of(request).and_then(|body| Ok((body, metas.row(index)?)));
            bytes += row.as_ref().map_or(0, |(body, _)| body.bytes(py).len());
            rows.push(row);
            if rows.len() >= CHUNK_ROWS || bytes >= CHUNK_BYTES {
                break;
            }
        }
        let first = at;
        at += rows.len();
        let read = rows.iter().map(|row: &PyResult<_>| row.as_ref().ok());
        let read = read.map(|row| row.map(|(body, meta): &(RequestBody, Vec<_>)| (body.bytes(py), meta.as_slice())));
        let read: Vec<Option<Row<'_>>> = read.collect();
        let decided = py.detach(|| {
            let seeded = |(index, row): (usize, Option<Row<'_>>)| {
                let seed = batch.seed.wrapping_add((first + index) as u64);
                let decide = |(body, meta): Row<'_>| {
                    batch.engine.decided(body, false, meta, batch.state, batch.dialect, batch.now_ms, seed)
                };
                row.map(decide)
            };
            read.into_iter().enumerate().map(seeded).collect::<Vec<_>>()
        });
        for (row, decided) in rows.into_iter().zip(decided) {
            let decided = match (row, decided) {
                (Ok((body, _)), Some(Ok((inner, dialect, wants_json)))) => {
                    handed_out(py, inner, batch.engine.asked(Some(body), dialect, wants_json), batch.refused_ok)
                }
                (_, Some(Err(error))) => Err(of_wire(py, &error)),
                (Err(error), _) => Err(error),
                (Ok(_), None) => continue,
            };
            match decided {
                Ok(decision) => results.append(Py::new(py, decision)?)?,
                // What is no error of the row ends the batch: an interrupt, for one.
                Err(error) if error.is_instance_of::<PyException>(py) => results.append(error.into_value(py))?,
                Err(error) => return Err(error),
            }
        }
        py.check_signals()?;
    }
    Ok(results)
}

fn handed_out(
    py: Python<'_>,
    inner: turnout_core::decide::Decision,
    asked: Asked,
    refused_ok: bool,
) -> PyResult<Decision> {
    if inner.chosen().is_none() && !refused_ok {
        return Err(refusal(py, &inner));
    }
    Ok(Decision::new(inner, asked))
}
