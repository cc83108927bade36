//! The tree of an expression as it was written.

/// A half-open range of bytes in the expression's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl Span {
    /// The smallest span that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CmpOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CmpOp {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// The same comparison with its sides exchanged.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            same => same,
        }
    }
}

/// A literal. Numbers are fixed-point, so that every platform computes the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `true`, `false`
    Bool(bool),
    /// `0.7`, `95%`, `8k`, `2M`: in millionths.
    Number(i64),
    /// `1200ms`, `2s`, `5m`: in milliseconds.
    Duration(i64),
    /// `$0.05`: in pico-USD.
    Money(i64),
    /// `22:00`: in minutes of the day.
    Time(i64),
    /// `2026-11-22`: in days since 1970-01-01.
    Date(i64),
    /// `"eu"`
    Text(String),
}

/// A node of the tree with the place it was written at.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// A fact's name, dots included.
    Name(String),
    /// A function call.
    Call(String, Vec<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `a..b`, with the offset of its zone in minutes when times carry one.
    Range(Box<Expr>, Box<Expr>, Option<i64>),
    /// `not a`
    Not(Box<Expr>),
    /// `a and b and c`
    And(Vec<Expr>),
    /// `a or b or c`
    Or(Vec<Expr>),
    /// `a < b`
    Compare(CmpOp, Box<Expr>, Box<Expr>),
    /// `a in b`; `true` when negated.
    In(Box<Expr>, Box<Expr>, bool),
    /// `a is known`; `true` when negated (`is unknown`).
    IsKnown(Box<Expr>, bool),
    /// `a ?? b`
    Coalesce(Box<Expr>, Box<Expr>),
}
