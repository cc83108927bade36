//! The one table of keys: what every block of a policy may hold, and of what kind each value is.
//!
//! Promises: the compiler opens its blocks with these rows and takes its bounds from them, and the JSON Schema that editors
//! use is printed from them, so that neither can know a key that the other does not. A test breaks it with a key that one
//! of them takes and the other refuses.

mod budgets;
mod schema;
mod table;

pub(super) use budgets::{BOUNDS, BUDGET, GIVEN_BUDGET, LIMIT};
pub use schema::json_schema;
pub(super) use table::{
    ALIAS, CHOICE, CLIENTS, DEPLOYMENT, DIALECTS, ESCALATE, EXPERIMENT, FILTER, FOR_ANY, GIVEN, HEDGE, HEDGE_AFTER,
    HOST_CHECK, MODEL, NAMED_MODELS, NOT_STICKY, ON_DISCONNECT, OTHERS, POLICY, PRICE, RULE, RUN, RUN_OF_PROCESS, SET,
    STICKY, TEST, UNKNOWN, given_facts,
};

use super::facts::Scope;

/// A key of a block.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// The key.
    pub name: &'static str,
    /// What may stand behind it.
    pub shape: Shape,
    /// Whether the block cannot do without it.
    pub is_needed: bool,
    /// What it says, with its unit, its default and an example.
    pub doc: &'static str,
}

impl KeyRow {
    /// The least and the largest whole number that the key takes.
    pub fn bounds(&self) -> Option<(u64, u64)> {
        self.shape.bounds()
    }
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// The version of the language.
    Version,
    /// Any single value, read as text.
    Text,
    /// Any single value, or nothing.
    Prose,
    /// A name of the user's own.
    Name,
    /// An address.
    Url,
    /// Where a key is found.
    KeyRef,
    /// A check that the host program registers.
    HostCheck,
    /// A moment, in UTC.
    Moment,
    /// An expression with what has a value there.
    Expression(Scope),
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Count(u64, u64),
    /// A share of 1, such as `20%`.
    Share,
    /// A multiple, such as `2.5x`.
    Factor,
    /// A span of time with its unit.
    Duration,
    /// Dollars.
    Money,
    /// Dollars in a window, such as `$500/month`.
    Spend,
    /// So many in a time, such as `600/min`; dollars too.
    Rate,
    /// One of a closed set of words.
    Words(fn() -> Vec<&'static str>),
    /// The fact of a test that is not known.
    Unknown,
    /// One of several shapes.
    OneOf(&'static [Shape]),
    /// A list; a single value counts as a list of one.
    OneOrMany(&'static Shape),
    /// Models or pools: one, or a list that is not empty.
    Models,
    /// A list.
    List(&'static Shape),
    /// A list that is not empty.
    Some(&'static Shape),
    /// A block whose keys are names of the user's own.
    Named(&'static Shape),
    /// The same, for names that expressions use.
    Facts(&'static Shape),
    /// A block of these keys.
    Block(&'static [&'static [KeyRow]]),
    /// What a test is given: keys of its own, and the facts of a request.
    Given,
}

impl Shape {
    fn bounds(self) -> Option<(u64, u64)> {
        match self {
            Self::Count(low, high) => Some((low, high)),
            Self::OneOf(shapes) => shapes.iter().find_map(|shape| shape.bounds()),
            _ => None,
        }
    }
}
