//! Python values to the core's: requests to bytes, `meta` to typed values, the clock and the seed when none is given.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use turnout_core::json::write_string;
use turnout_core::policy::MetaValue;
use turnout_core::policy::expr::fixed;
use turnout_core::wire::{Dialect, prompt_body};

use crate::errors::raise;

/// The bytes of a request: the caller's own, which nobody can change, or what was made of a prompt or a dict.
pub enum RequestBody {
    Given(Py<PyBytes>),
    Made(Vec<u8>),
}

impl RequestBody {
    /// The body of a prompt, of a body as a dict, or of a body as it came.
    pub fn of(request: &Bound<'_, PyAny>) -> PyResult<Self> {
        match request.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Given(bytes.clone().unbind())),
            Err(_) => request_bytes(request).map(Self::Made),
        }
    }

    pub fn bytes<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Self::Given(bytes) => bytes.as_bytes(py),
            Self::Made(bytes) => bytes,
        }
    }
}

/// A request as bytes: a prompt, a body as a dict, or a body as it came.
pub fn request_bytes(request: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = request.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(text) = request.cast::<PyString>() {
        return Ok(prompt_body(&repaired(text)?).into_bytes());
    }
    if request.cast::<PyMapping>().is_ok() {
        let mut out = String::with_capacity(1024);
        write_value(&mut out, request, 0)?;
        return Ok(out.into_bytes());
    }
    let kind = request.get_type().name()?;
    Err(PyTypeError::new_err(format!("a request is a str, a dict or bytes, not {kind}")))
}

/// The text of a Python string; lone surrogates become U+FFFD, pairs of them the character that they spell.
pub fn repaired(text: &Bound<'_, PyString>) -> PyResult<String> {
    borrowed(text).map(Cow::into_owned)
}

/// The same without a copy, where nothing needs repair.
pub fn borrowed<'t>(text: &'t Bound<'_, PyString>) -> PyResult<Cow<'t, str>> {
    if let Ok(text) = text.to_str() {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = text.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
    let units: Vec<u16> = bytes
        .cast::<PyBytes>()?
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| pair.iter().rev().fold(0, |unit, byte| (unit << 8) | u16::from(*byte)))
        .collect();
    Ok(Cow::Owned(String::from_utf16_lossy(&units)))
}

/// Deeper than the core reads, so that its own error names the bound.
const MAX_DEPTH: usize = 200;

fn write_value(out: &mut String, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
    let refuse = |message: &str| Err(raise(value.py(), "RequestError", "not_json", message, None));
    if depth > MAX_DEPTH {
        return refuse("the request nests too deep, or holds itself");
    }
    if value.is_none() {
        out.push_str("null");
    } else if let Ok(flag) = value.cast::<PyBool>() {
        out.push_str(if flag.is_true() { "true" } else { "false" });
    } else if let Ok(text) = value.cast::<PyString>() {
        match text.to_str() {
            Ok(text) => write_string(out, text),
            Err(_) => write_string(out, &repaired(text)?),
        }
    } else if value.cast::<PyInt>().is_ok() {
        // The type's own digits: an `IntEnum` shows itself otherwise. Beyond 4300 digits Python refuses.
        let digits = value.py().get_type::<PyInt>().call_method1("__repr__", (value,));
        let Ok(digits) = digits else { return refuse("the request holds a number that is too long") };
        out.push_str(digits.cast::<PyString>()?.to_str()?);
    } else if let Ok(number) = value.cast::<PyFloat>() {
        if !number.value().is_finite() {
            return refuse("the request holds a number that is not finite");
        }
        // Not `repr(value)`: a NumPy float is a float that shows its type.
        let digits = value.py().get_type::<PyFloat>().call_method1("__repr__", (value,))?;
        out.push_str(digits.cast::<PyString>()?.to_str()?);
    } else if let Ok(map) = value.cast::<PyDict>() {
        out.push('{');
        for (index, (key, member)) in map.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let Ok(key) = key.cast::<PyString>() else { return refuse("a key of the request is not a text") };
            write_string(out, &repaired(key)?);
            out.push(':');
            write_value(out, &member, depth + 1)?;
        }
        out.push('}');
    } else if value.cast::<PyMapping>().is_ok() {
        write_value(out, &as_dict(value)?.into_any(), depth)?;
    } else if let Ok(items) = value.cast::<PyList>() {
        write_items(out, items.iter(), depth)?;
    } else if let Ok(items) = value.cast::<PyTuple>() {
        write_items(out, items.iter(), depth)?;
    } else {
        let kind = value.get_type().name()?;
        return refuse(&format!("the request holds a {kind}, which JSON does not have"));
    }
    Ok(())
}

/// Any mapping as a dict.
fn as_dict<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(value.py());
    dict.update(value.cast::<PyMapping>()?)?;
    Ok(dict)
}

fn write_items<'py>(out: &mut String, items: impl Iterator<Item = Bound<'py, PyAny>>, depth: usize) -> PyResult<()> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(out, &item, depth + 1)?;
    }
    out.push(']');
    Ok(())
}

/// A dialect by its name.
pub fn dialect(py: Python<'_>, name: &str) -> PyResult<Dialect> {
    Dialect::from_name(name).ok_or_else(|| {
        let message = format!("`{name}` is not a dialect");
        raise(
            py,
            "RequestError",
            "unknown_dialect",
            &message,
            Some("`openai-chat`, `openai-responses` or `anthropic-messages`"),
        )
    })
}

/// `meta` as typed values; texts, numbers and booleans only.
pub fn meta(values: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(String, MetaValue)>> {
    let Some(values) = values else { return Ok(Vec::new()) };
    as_dict(values)
        .map_err(|_| PyTypeError::new_err("`meta` must be a mapping"))?
        .iter()
        .filter(|(_, value)| !value.is_none())
        .map(|(key, value)| {
            let name = key.cast::<PyString>().map_err(|_| PyTypeError::new_err("a key of `meta` must be a str"))?;
            let name = repaired(name)?;
            let value = if let Ok(flag) = value.cast::<PyBool>() {
                MetaValue::Bool(flag.is_true())
            } else if let Ok(text) = value.cast::<PyString>() {
                MetaValue::Text(repaired(text)?)
            } else {
                MetaValue::Number(millionths(&name, &value)?)
            };
            Ok((name, value))
        })
        .collect()
}

/// A number by its decimal text, so that 0.1 is a tenth; six decimals are kept.
fn millionths(name: &str, value: &Bound<'_, PyAny>) -> PyResult<i64> {
    let refuse = || PyTypeError::new_err(format!("`meta[\"{name}\"]` must be a str, a number or a bool"));
    let number: f64 = value.extract().map_err(|_| refuse())?;
    if !number.is_finite() || number.abs() > 9.0e12 {
        return Err(refuse());
    }
    let text = format!("{:.6}", number.abs());
    let magnitude = fixed(&text, 6).ok_or_else(refuse)?;
    Ok(if number < 0.0 { -magnitude } else { magnitude })
}

/// Milliseconds since 1970 and a seed: as given, else the clock's.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the binding reads the clock for callers that give none"
)]
pub fn moment(now: Option<f64>, seed: Option<u64>) -> PyResult<(i64, u64)> {
    if now.is_some_and(|seconds| !seconds.is_finite() || seconds.abs() > 1.0e12) {
        return Err(PyValueError::new_err("`now` must be a number of seconds since 1970"));
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = match now {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "casting saturates, and a clock has no fraction of a millisecond"
        )]
        Some(seconds) => (seconds * 1000.0).round() as i64,
        None => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
    };
    // Spreads calls over equal deployments; splitmix64 of the nanosecond, since neighbouring instants must not fall together.
    let seed = seed.unwrap_or_else(|| {
        let mut bits =
            u64::from(since.subsec_nanos()).wrapping_add(since.as_secs()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits ^ (bits >> 31)
    });
    Ok((now_ms, seed))
}
