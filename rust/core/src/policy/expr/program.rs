//! The compiled form: flat nodes over interned facts, evaluated in Kleene's three-valued logic.

use regex::Regex;

use super::ast::{CmpOp, Span};
use crate::policy::facts::FactId;
use crate::shared_str::SharedStr;

/// True, false or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tri {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It cannot be known.
    Unknown,
}

impl From<bool> for Tri {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

impl std::ops::Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// A value at run time. Numbers of every kind are intervals, both ends included, so that an estimate keeps its doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'v> {
    /// Not known.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// Between the two, ends included; equal when exact. In the unit of the static type.
    Num(i64, i64),
    /// A text.
    Text(&'v str),
}

impl Value<'_> {
    fn as_tri(self) -> Tri {
        match self {
            Self::Bool(value) => value.into(),
            _ => Tri::Unknown,
        }
    }
}

/// A test of a text against a pattern.
#[derive(Debug, Clone)]
pub struct TextTest {
    /// The text: the prompt or a text fact.
    pub fact: FactId,
    /// The pattern; linear-time by construction.
    pub pattern: Regex,
}

/// Where a program reads its facts.
pub trait Environment {
    /// The value of a fact.
    fn fact(&self, fact: FactId) -> Value<'_>;

    /// Whether a text matches.
    fn matches(&self, test: &TextTest) -> Tri {
        match self.fact(test.fact) {
            Value::Text(text) => test.pattern.is_match(text).into(),
            _ => Tri::Unknown,
        }
    }
}

/// One node; operands come before it.
#[derive(Debug, Clone)]
pub(in crate::policy) enum Op {
    Bool(bool),
    Num(i64),
    Text(Box<str>),
    Fact(FactId),
    Not(u32),
    And(Box<[u32]>),
    Or(Box<[u32]>),
    Compare(CmpOp, u32, u32),
    OneOf(u32, Box<[u32]>),
    InRange { item: u32, low: u32, high: u32, wraps: bool },
    IsKnown(u32),
    Coalesce(u32, u32),
    Matches(Box<TextTest>),
}

/// A checked expression, ready to run.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) nodes: Vec<Op>,
    /// Where each node was written.
    pub(super) spans: Vec<Span>,
    pub(super) reads: Vec<FactId>,
    pub(super) source: SharedStr,
}

impl Program {
    /// The expression as it was written.
    pub fn source(&self) -> &SharedStr {
        &self.source
    }

    /// The facts that it may read, sorted, each once.
    pub fn reads(&self) -> &[FactId] {
        &self.reads
    }

    /// The nodes; operands come before what uses them.
    pub(in crate::policy) fn nodes(&self) -> &[Op] {
        &self.nodes
    }

    /// Where a node was written.
    pub(in crate::policy) fn span(&self, node: usize) -> Span {
        self.spans.get(node).copied().unwrap_or_default()
    }

    /// The value of a condition that reads no fact; none when it reads one.
    pub fn constant(&self) -> Option<Tri> {
        struct Nothing;
        impl Environment for Nothing {
            fn fact(&self, _: FactId) -> Value<'_> {
                Value::Unknown
            }
        }
        self.reads.is_empty().then(|| self.holds(&Nothing))
    }

    /// Whether the expression holds.
    pub fn holds(&self, environment: &impl Environment) -> Tri {
        self.value(environment).as_tri()
    }

    /// The value of the expression.
    pub fn value<'v>(&'v self, environment: &'v impl Environment) -> Value<'v> {
        match u32::try_from(self.nodes.len()) {
            Ok(count) if count > 0 => self.run(count - 1, environment),
            _ => Value::Unknown,
        }
    }

    fn run<'v>(&'v self, node: u32, environment: &'v impl Environment) -> Value<'v> {
        let tri = |tri: Tri| match tri {
            Tri::True => Value::Bool(true),
            Tri::False => Value::Bool(false),
            Tri::Unknown => Value::Unknown,
        };
        let Some(op) = usize::try_from(node).ok().and_then(|node| self.nodes.get(node)) else { return Value::Unknown };
        match op {
            Op::Bool(value) => Value::Bool(*value),
            Op::Num(value) => Value::Num(*value, *value),
            Op::Text(text) => Value::Text(text),
            Op::Fact(fact) => environment.fact(*fact),
            Op::Not(operand) => tri(!self.run(*operand, environment).as_tri()),
            Op::And(operands) => tri(self.fold(operands, Tri::False, environment)),
            Op::Or(operands) => tri(self.fold(operands, Tri::True, environment)),
            Op::Compare(op, left, right) => {
                tri(compare(*op, self.run(*left, environment), self.run(*right, environment)))
            }
            Op::OneOf(item, options) => {
                let item = self.run(*item, environment);
                let mut result = Tri::False;
                for option in options {
                    match compare(CmpOp::Eq, item, self.run(*option, environment)) {
                        Tri::True => return Value::Bool(true),
                        Tri::Unknown => result = Tri::Unknown,
                        Tri::False => {}
                    }
                }
                tri(result)
            }
            Op::InRange { item, low, high, wraps } => {
                let item = self.run(*item, environment);
                let from = compare(CmpOp::Ge, item, self.run(*low, environment));
                let below = compare(CmpOp::Lt, item, self.run(*high, environment));
                tri(if *wraps { or(from, below) } else { !or(!from, !below) })
            }
            Op::IsKnown(operand) => Value::Bool(self.run(*operand, environment) != Value::Unknown),
            Op::Coalesce(first, second) => match self.run(*first, environment) {
                Value::Unknown => self.run(*second, environment),
                known => known,
            },
            Op::Matches(test) => tri(environment.matches(test)),
        }
    }

    /// `and` stops at the first false, `or` at the first true; unknown only if nothing decides.
    fn fold(&self, operands: &[u32], decisive: Tri, environment: &impl Environment) -> Tri {
        let mut result = !decisive;
        for operand in operands {
            let value = self.run(*operand, environment).as_tri();
            if value == decisive {
                return decisive;
            }
            if value == Tri::Unknown {
                result = Tri::Unknown;
            }
        }
        result
    }
}

fn or(a: Tri, b: Tri) -> Tri {
    match (a, b) {
        (Tri::True, _) | (_, Tri::True) => Tri::True,
        (Tri::False, Tri::False) => Tri::False,
        _ => Tri::Unknown,
    }
}

/// Compares two values; intervals that overlap leave the answer unknown.
pub(in crate::policy) fn compare(op: CmpOp, left: Value<'_>, right: Value<'_>) -> Tri {
    match (left, right) {
        (Value::Num(a, b), Value::Num(c, d)) => match op {
            CmpOp::Lt => {
                if b < c {
                    Tri::True
                } else if a >= d {
                    Tri::False
                } else {
                    Tri::Unknown
                }
            }
            CmpOp::Ge => !compare(CmpOp::Lt, left, right),
            CmpOp::Gt => compare(CmpOp::Lt, right, left),
            CmpOp::Le => !compare(CmpOp::Lt, right, left),
            CmpOp::Eq => {
                if b < c || d < a {
                    Tri::False
                } else if a == b && c == d {
                    Tri::True
                } else {
                    Tri::Unknown
                }
            }
            CmpOp::Ne => !compare(CmpOp::Eq, left, right),
        },
        (Value::Text(a), Value::Text(b)) => match op {
            CmpOp::Eq => (a == b).into(),
            CmpOp::Ne => (a != b).into(),
            _ => Tri::Unknown,
        },
        (Value::Bool(a), Value::Bool(b)) => match op {
            CmpOp::Eq => (a == b).into(),
            CmpOp::Ne => (a != b).into(),
            _ => Tri::Unknown,
        },
        // The caller passed another kind than the policy compares with: that is doubt, not inequality.
        _ => Tri::Unknown,
    }
}
