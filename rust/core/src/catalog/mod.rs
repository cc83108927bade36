//! What is known of models, providers and prices, and what a call cost.
//!
//! Promises: the bundled rows are read once, exactly; a look-up allocates nothing; what is not known is `None`, never
//! zero, and a cost that needs an unknown price is an error that names the class of tokens. Retired models stay, with
//! what replaces them, so that old logs can be priced and old names are refused or mapped knowingly.
//!
//! Refuses: a row with an unknown key or a value out of range, a name that two models could mean, a name that none has.
//!
//! A test breaks it with a bundled row that a lint of [`lint`] finds wrong, a name that resolves to two models, or a cost
//! that differs from big integers.

mod alarms;
mod cost;
mod diff;
mod error;
mod fields;
mod index;
mod layer_file;
mod layer_row;
mod layers;
mod lints;
mod merge;
mod model;
mod period;
mod price;
mod price_lints;
#[cfg(test)]
mod price_tests;
mod provider;
mod query;
mod quote;
mod read;
mod read_price;
mod rows;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod wide;

pub use alarms::{Reason, verdict};
pub use cost::{CostError, UsageClass, cost, expected_cost};
pub use diff::{Change, ChangeKind, FieldChange, diff};
pub use error::CatalogError;
pub use layer_file::{LayerProblem, Section};
pub use layers::Layer;
pub use lints::{Finding, lint, notices};
pub use model::{Caps, Dialect, Dispute, DisputeKind, Effort, Modality, Model, Reasoning, Status, ThinkingMode};
pub use period::PricePeriod;
pub use price::{Condition, ConditionKey, Fees, Price, Rates, RequestFee, Span, Tier, Variant, Vector, Window};
pub use provider::{Auth, Provider, StreamUsage, ThinkingRoute};
pub use query::{Ability, Query};
pub use quote::{PriceError, Quote, Terms};
pub use rows::{Origin, Row};
pub use table::{Catalog, Resolved};
