//! The expression language of policies.
//!
//! Promises: typed and total. Every expression that checks has a value for every request (true, false or unknown; Kleene
//! logic), in time linear in the expression and the text it looks at; no loops, no user functions, no code.
//!
//! Refuses, with the place and a hint: unknown facts, functions and enumerated values, comparisons of different kinds,
//! patterns that do not compile or match everything, and anything beyond [`MAX_BYTES`], [`MAX_DEPTH`] or [`MAX_NODES`].
//!
//! A test breaks it with an expression whose value differs from a naive evaluation of its tree, with two equal
//! expressions of different value, or with a text that makes it panic.

mod ast;
mod check;
mod compare;
mod functions;
mod lex;
mod parse;
mod program;
mod thresholds;

pub use ast::{CmpOp, Expr, ExprKind, Literal, Span};
pub use check::{Names, Wording, check, wording};
pub(in crate::policy) use functions::FUNCTIONS;
pub use lex::fixed;
pub use parse::parse;
pub use program::{Environment, Program, TextTest, Tri, Value};
pub(in crate::policy) use program::{Op, compare};

/// The longest expression, in bytes.
pub const MAX_BYTES: usize = 8192;
/// How deep parentheses, lists and negations may nest.
pub const MAX_DEPTH: u32 = 32;
/// How many operands and operators one expression may have.
pub const MAX_NODES: usize = 1024;

/// Words that cannot name a fact.
pub const KEYWORDS: [&str; 7] = ["true", "false", "and", "or", "not", "in", "is"];

/// The message for a string without its end.
pub(crate) const UNCLOSED: &str = "a string is not closed";

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// The bytes of the expression that are to blame.
    pub span: Span,
    /// One of [`super::diagnostics::CODES`].
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl ExprError {
    fn new(span: Span, code: &'static str, message: impl Into<String>) -> Self {
        Self { span, code, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}
