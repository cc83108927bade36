//! Thresholds outside of what a fact can be.

use super::ExprError;
use super::ast::{CmpOp, Expr, ExprKind, Literal, Span};
use super::check::Checker;
use crate::policy::facts::fact;

impl Checker<'_> {
    /// Reports a threshold that the fact can never reach or never leave.
    pub(super) fn threshold(&mut self, subject: &Expr, op: CmpOp, literal: &Expr) {
        let (ExprKind::Name(name), ExprKind::Literal(Literal::Number(value))) = (&subject.kind, &literal.kind) else {
            return;
        };
        let Some((low, high)) = fact(name).and_then(|row| row.range) else { return };
        let (low_holds, high_holds) = match op {
            CmpOp::Lt => (low < *value, high < *value),
            CmpOp::Le => (low <= *value, high <= *value),
            CmpOp::Gt => (low > *value, high > *value),
            CmpOp::Ge => (low >= *value, high >= *value),
            CmpOp::Eq | CmpOp::Ne if (low..=high).contains(value) => return,
            CmpOp::Eq => (false, false),
            CmpOp::Ne => (true, true),
        };
        if low_holds == high_holds {
            self.out_of_range(name, low_holds, literal.span);
        }
    }

    /// The same for a range of numbers.
    pub(super) fn range_of_thresholds(&mut self, subject: &Expr, bounds: (Option<i64>, Option<i64>), span: Span) {
        let (ExprKind::Name(name), (Some(from), Some(to))) = (&subject.kind, bounds) else { return };
        let Some((low, high)) = fact(name).and_then(|row| row.range) else { return };
        if from > high || to <= low || (from <= low && to > high) {
            self.out_of_range(name, from <= low && to > high, span);
        }
    }

    fn out_of_range(&mut self, name: &str, holds: bool, span: Span) {
        let what = if holds { "always" } else { "never" };
        self.errors.push(
            ExprError::new(span, "out-of-range", format!("`{name}` is between 0 and 1: this {what} holds"))
                .hint("write a share, such as 0.7 or 70%"),
        );
    }
}

/// The number of a literal, in the unit of its kind.
pub(super) fn literal_number(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Literal(
            Literal::Number(value)
            | Literal::Duration(value)
            | Literal::Money(value)
            | Literal::Time(value)
            | Literal::Date(value),
        ) => Some(*value),
        _ => None,
    }
}
