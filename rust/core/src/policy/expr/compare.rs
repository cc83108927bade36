//! Comparisons and `in`: both sides of one kind, words that the fact knows, thresholds that it can pass.

use super::ExprError;
use super::ast::{CmpOp, Expr, ExprKind, Literal};
use super::check::{Checked, Checker, same_kind};
use super::program::Op;
use super::thresholds::literal_number;
use crate::classify::Language;
use crate::policy::diagnostics::suggestion;
use crate::policy::facts::{Type, fact};

impl Checker<'_> {
    pub(super) fn compare(&mut self, op: CmpOp, left: &Expr, right: &Expr) -> Checked {
        let (a, left_type) = self.expr(left);
        let (b, right_type) = self.expr(right);
        if !self.unify(left, left_type, right, right_type) {
            return (0, None);
        }
        let is_ordering = !matches!(op, CmpOp::Eq | CmpOp::Ne);
        let ty = if left_type == Some(Type::Meta) { right_type } else { left_type };
        if is_ordering && matches!(ty, Some(Type::Bool | Type::Text | Type::Enum(_))) {
            return self.fail(
                ExprError::new(
                    left.span.to(right.span),
                    "type-mismatch",
                    format!("`{}` needs an order, and {} has none", op.text(), ty.map_or("it", Type::name)),
                )
                .hint("use `==`, `!=` or `in`"),
            );
        }
        self.words(left, right);
        self.words(right, left);
        self.threshold(left, op, right);
        self.threshold(right, op.flipped(), left);
        (self.push(Op::Compare(op, a, b)), Some(Type::Bool))
    }

    /// Whether two operands can be compared; reports it when they cannot.
    pub(super) fn unify(
        &mut self,
        left: &Expr,
        left_type: Option<Type>,
        right: &Expr,
        right_type: Option<Type>,
    ) -> bool {
        let (Some(a), Some(b)) = (left_type, right_type) else { return false };
        let span = left.span.to(right.span);
        if a == Type::Prompt || b == Type::Prompt {
            self.errors.push(
                ExprError::new(span, "type-mismatch", "the prompt cannot be compared")
                    .hint("use a function, such as contains(prompt, \"refund\")"),
            );
            return false;
        }
        if a == Type::Meta && b == Type::Meta {
            self.errors.push(ExprError::new(
                span,
                "type-mismatch",
                "two values of the caller's cannot be compared with each other",
            ));
            return false;
        }
        let meta_fits = |ty: Type| matches!(ty, Type::Bool | Type::Number | Type::Text | Type::Enum(_));
        if same_kind(a, b) || (a == Type::Meta && meta_fits(b)) || (b == Type::Meta && meta_fits(a)) {
            return true;
        }
        let mut error =
            ExprError::new(span, "type-mismatch", format!("{} cannot be compared with {}", a.name(), b.name()));
        let is_number = |expr: &Expr| matches!(expr.kind, ExprKind::Literal(Literal::Number(_)));
        if (a == Type::Money && is_number(right)) || (b == Type::Money && is_number(left)) {
            error = error.hint("money is written with a dollar sign, such as $0.05");
        } else if (a == Type::Duration && is_number(right)) || (b == Type::Duration && is_number(left)) {
            error = error.hint("durations have a unit, such as 1200ms or 2s");
        } else if let Some(hint) = quotes_hint(a, right).or_else(|| quotes_hint(b, left)) {
            error = error.hint(hint);
        }
        self.errors.push(error);
        false
    }

    /// Checks a literal word against the words that the other side can be.
    fn words(&mut self, subject: &Expr, literal: &Expr) {
        let (ExprKind::Name(name), ExprKind::Literal(Literal::Text(word))) = (&subject.kind, &literal.kind) else {
            return;
        };
        let known: Vec<String> = match name.as_str() {
            "model" | "model.name" => self.names.models.clone(),
            "rule" => self.names.rules.clone(),
            "deployment.name" => self.names.deployments.clone(),
            "language" => Language::all().map(|language| language.code().to_owned()).collect(),
            _ => match fact(name).map(|row| row.ty) {
                Some(Type::Enum(words)) => words.iter().map(|word| (*word).to_owned()).collect(),
                _ => return,
            },
        };
        if known.iter().any(|known| known == word) {
            return;
        }
        let hint = suggestion(word, known.iter().map(String::as_str));
        self.errors.push(
            ExprError::new(literal.span, "unknown-enum-value", format!("`{name}` is never \"{word}\""))
                .maybe_hint(hint),
        );
    }

    pub(super) fn is_in(&mut self, item: &Expr, set: &Expr) -> Checked {
        match &set.kind {
            ExprKind::List(options) => {
                let (node, ty) = self.expr(item);
                if options.is_empty() {
                    return self.fail(ExprError::new(set.span, "bad-expression", "an empty list holds nothing"));
                }
                let mut nodes = Vec::with_capacity(options.len());
                for option in options {
                    let (option_node, option_type) = self.expr(option);
                    self.unify(item, ty, option, option_type);
                    self.words(item, option);
                    nodes.push(option_node);
                }
                (self.push(Op::OneOf(node, nodes.into())), Some(Type::Bool))
            }
            ExprKind::Range(low, high, zone) => {
                let (node, ty) = self.expr(item);
                let (low_node, low_type) = self.expr(low);
                let (high_node, high_type) = self.expr(high);
                if !(self.unify(item, ty, low, low_type) & self.unify(item, ty, high, high_type)) {
                    return (0, None);
                }
                if matches!(low_type, Some(Type::Text | Type::Bool | Type::Enum(_))) {
                    return self.fail(ExprError::new(
                        set.span,
                        "type-mismatch",
                        "a range needs numbers, times or dates",
                    ));
                }
                if zone.is_some() && ty != Some(Type::Time) {
                    return self.fail(ExprError::new(set.span, "type-mismatch", "only times of day have a zone"));
                }
                let bounds = (literal_number(low), literal_number(high));
                let wraps = ty == Some(Type::Time) && matches!(bounds, (Some(low), Some(high)) if low > high);
                if let (Some(low), Some(high)) = bounds
                    && (low == high || (low > high && !wraps))
                {
                    return self.fail(
                        ExprError::new(set.span, "bad-expression", "the range is empty")
                            .hint("a range holds its first value and not its last, from low to high"),
                    );
                }
                self.range_of_thresholds(item, bounds, set.span);
                (self.push(Op::InRange { item: node, low: low_node, high: high_node, wraps }), Some(Type::Bool))
            }
            _ => self.fail(
                ExprError::new(set.span, "type-mismatch", "`in` needs a list or a range")
                    .hint("write `in [\"a\", \"b\"]` or `in 1..5`"),
            ),
        }
    }
}

/// What was probably meant where a text is compared with a bare word, or a number with a text.
fn quotes_hint(ty: Type, other: &Expr) -> Option<String> {
    match (ty, &other.kind) {
        (Type::Text | Type::Enum(_), ExprKind::Name(name)) => Some(format!("text stands in quotes: \"{name}\"")),
        (
            Type::Number | Type::Duration | Type::Money | Type::Time | Type::Date,
            ExprKind::Literal(Literal::Text(text)),
        ) => Some(format!("only text stands in quotes: {text}")),
        _ => None,
    }
}
