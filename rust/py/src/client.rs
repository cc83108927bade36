//! The request of a client of the gateway: its `model` is looked up in the policy, and narrows what may answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use turnout_core::engine;
use turnout_core::policy::{MetaValue, Target, UnknownName};
use turnout_core::shared_str::SharedStr;
use turnout_core::wire::{Dialect, WireError, parse_request};

use crate::convert::RequestBody;
use crate::decision::{Asked, ClientAsk, Decision};
use crate::engine::{DETACH_BYTES, Engine, decided_on};
use crate::errors::{of_wire, raise};
use crate::plan::wants_json;

/// The engines of what names mean, made when a name is first asked for: as many as the policy has names.
pub type Views = Mutex<HashMap<SharedStr, Arc<engine::Engine>>>;

/// Why a client's request is not decided on.
enum ClientError {
    Wire(WireError),
    Name(UnknownName),
}

impl From<WireError> for ClientError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<UnknownName> for ClientError {
    fn from(error: UnknownName) -> Self {
        Self::Name(error)
    }
}

impl ClientError {
    fn raised(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Wire(error) => of_wire(py, error),
            Self::Name(error) => raise(py, "DecisionError", "unknown-model-name", &error.message, Some(&error.hint)),
        }
    }
}

/// Decides for a client's request; large ones without the GIL.
pub fn decide(
    py: Python<'_>,
    engine: &Engine,
    body: &Bound<'_, PyBytes>,
    mut meta: Vec<(String, MetaValue)>,
    dialect: Dialect,
    (now_ms, seed): (i64, u64),
) -> PyResult<Decision> {
    let bytes = body.as_bytes();
    let is_large = bytes.len() > DETACH_BYTES;
    let mut work = || -> Result<_, ClientError> {
        let request = parse_request(bytes, Some(dialect))?;
        let target = engine.policy.asked_for(request.model.as_deref())?;
        if let Some(user) = request.end_user.as_deref().filter(|_| !meta.iter().any(|(key, _)| key == "user")) {
            meta.push(("user".to_owned(), MetaValue::Text(user.to_owned())));
        }
        let view = view(engine, &target);
        let narrowed = view.as_deref().unwrap_or(&engine.inner);
        let decision = decided_on(narrowed, &request, is_large, true, &meta, &engine.state, now_ms, seed);
        let client = ClientAsk {
            named: engine.policy.name_of(&target),
            stream: request.stream,
            wants_usage: request.wants_usage,
        };
        Ok((decision, narrowed.shared_policy(), wants_json(request.response_format), client))
    };
    let decided = if is_large { py.detach(work) } else { work() };
    let (inner, policy, wants_json, client) = decided.map_err(|error| error.raised(py))?;
    let body = Some(RequestBody::of(body)?);
    Ok(Decision::new(inner, Asked { body, dialect, wants_json, client: Some(client), policy }))
}

/// The engine of what a client's name means; none where that is the policy's own choice.
fn view(engine: &Engine, target: &Target) -> Option<Arc<engine::Engine>> {
    if *target == Target::Auto {
        return None;
    }
    let mut views = engine.views.lock().unwrap_or_else(PoisonError::into_inner);
    let name = engine.policy.name_of(target);
    if let Some(view) = views.get(&name) {
        return Some(Arc::clone(view));
    }
    let view = Arc::new(engine.inner.narrowed(target)?);
    views.insert(name, Arc::clone(&view));
    Some(view)
}
