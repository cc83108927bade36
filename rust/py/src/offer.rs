//! What a gateway lists: the names that clients may ask for, and what the models behind them can do and cost.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use turnout_core::catalog::{Terms, cost};
use turnout_core::money::UsdPicos;
use turnout_core::policy::PolicyModel;
use turnout_core::usage::Usage;

/// Prices are those of small calls: long ones may have others.
const TOKENS: u64 = 1_000;
/// So many of them are what prices are said for.
const PER_MTOK: i64 = 1_000;

/// What a model of a policy can do and costs at a time, as a dict for JSON; what is not known is absent.
pub fn offer<'py>(py: Python<'py>, model: &PolicyModel, now_ms: i64) -> PyResult<Bound<'py, PyDict>> {
    let (facts, caps) = (&model.facts, &model.facts.caps);
    let offer = PyDict::new(py);
    offer.set_item("provider", facts.provider.as_str())?;
    offer.set_item("id", facts.id.as_str())?;
    for (key, tokens) in [("context_tokens", facts.context), ("max_output_tokens", facts.max_output)] {
        if let Some(tokens) = tokens {
            offer.set_item(key, tokens)?;
        }
    }
    offer.set_item("inputs", facts.inputs.iter().map(|input| input.name()).collect::<Vec<_>>())?;
    let can = [
        ("tools", caps.tools),
        ("parallel_tools", caps.parallel_tools),
        ("structured_output", caps.structured),
        ("thinking", caps.reasoning),
        ("prompt_cache", caps.prompt_cache),
    ];
    let can: Vec<&str> = can.into_iter().filter(|(_, can)| *can == Some(true)).map(|(name, _)| name).collect();
    offer.set_item("can", can)?;
    let Ok(quote) = facts.quote(&Terms::at(now_ms)) else { return Ok(offer) };
    let prices = PyDict::new(py);
    let classes = [
        ("input", Usage { input_uncached: TOKENS, ..Usage::default() }),
        ("output", Usage { output_text: TOKENS, ..Usage::default() }),
        ("cache_read", Usage { cache_read: TOKENS, ..Usage::default() }),
    ];
    for (class, usage) in classes {
        if let Ok(price) = cost(&quote, &usage) {
            prices.set_item(class, UsdPicos(price.0.saturating_mul(PER_MTOK)).to_string().trim_start_matches('$'))?;
        }
    }
    offer.set_item("usd_per_million_tokens", prices)?;
    Ok(offer)
}
