//! `turnout._core`: converts, maps errors, and calls the core. No decision is made here.
#![allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::wrong_self_convention,
    reason = "pyo3 hands over `&self` and owned arguments"
)]

mod answer;
mod batch;
mod catalog;
mod client;
mod convert;
mod decision;
mod engine;
mod errors;
mod measure;
mod money;
mod offer;
mod plan;
mod policy;
mod quality;
mod reservations;
mod state;
mod thinking;
mod usage;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<answer::Answer>()?;
    module.add_class::<answer::Failure>()?;
    module.add_class::<answer::StreamEnd>()?;
    module.add_class::<answer::StreamEvent>()?;
    module.add_class::<answer::StreamReader>()?;
    module.add_class::<answer::StreamTranslator>()?;
    module.add_class::<answer::ToolCall>()?;
    module.add_class::<catalog::Catalog>()?;
    module.add_class::<catalog::CatalogDiff>()?;
    module.add_class::<catalog::CatalogFinding>()?;
    module.add_class::<catalog::Model>()?;
    module.add_class::<decision::Candidate>()?;
    module.add_class::<decision::Decision>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<measure::Classification>()?;
    module.add_class::<measure::TokenCount>()?;
    module.add_class::<money::ExpectedCost>()?;
    module.add_class::<money::Money>()?;
    module.add_class::<money::Usage>()?;
    module.add_class::<plan::Attempt>()?;
    module.add_class::<plan::Body>()?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<plan::Settlement>()?;
    module.add_class::<plan::Step>()?;
    module.add_class::<policy::Budget>()?;
    module.add_class::<policy::Policy>()?;
    module.add_class::<policy::TestFailure>()?;
    module.add_class::<reservations::BudgetAlert>()?;
    module.add_class::<reservations::Claim>()?;
    module.add_class::<reservations::Closed>()?;
    module.add_class::<reservations::Denied>()?;
    module.add_class::<reservations::Hold>()?;
    module.add_class::<reservations::Reservations>()?;
    module.add_class::<quality::QualityArtefact>()?;
    module.add_class::<state::State>()?;
    module.add_class::<thinking::ThinkingFields>()?;
    module.add_class::<usage::UsageReport>()?;
    module.add_function(wrap_pyfunction!(answer::classify_response, module)?)?;
    module.add_function(wrap_pyfunction!(answer::parse_answer, module)?)?;
    module.add_function(wrap_pyfunction!(answer::render_answer, module)?)?;
    module.add_function(wrap_pyfunction!(answer::render_error, module)?)?;
    module.add_function(wrap_pyfunction!(measure::classify, module)?)?;
    module.add_function(wrap_pyfunction!(measure::count_tokens, module)?)?;
    module.add_function(wrap_pyfunction!(measure::tokenizer_family, module)?)?;
    module.add_function(wrap_pyfunction!(money::cost, module)?)?;
    module.add_function(wrap_pyfunction!(money::cost_at_price, module)?)?;
    module.add_function(wrap_pyfunction!(policy::codes, module)?)?;
    module.add_function(wrap_pyfunction!(policy::compile_policy, module)?)?;
    module.add_function(wrap_pyfunction!(policy::facts, module)?)?;
    module.add_function(wrap_pyfunction!(policy::outcomes, module)?)?;
    module.add_function(wrap_pyfunction!(policy::policy_schema, module)?)?;
    module.add_function(wrap_pyfunction!(quality::fit_quality, module)?)?;
    module.add_function(wrap_pyfunction!(thinking::thinking_fields, module)?)?;
    module.add_function(wrap_pyfunction!(usage::read_usage, module)?)?;
    Ok(())
}
