//! Types: a tree to a program, or everything that is wrong with it. Names, conditions and `??` are here.

use super::ExprError;
use super::ast::{Expr, ExprKind, Literal, Span};
use super::lex::{Token, lex};
use super::program::{Op, Program};
use crate::policy::facts::{FACTS, FactId, Scope, Type, fact};

/// The names that a policy adds to the language.
#[derive(Debug, Default)]
pub struct Names {
    /// Keys of `meta` that expressions read, in the order of their first use; grows while expressions are checked.
    pub meta: Vec<String>,
    /// Facts that the policy defines: name and type, by index.
    pub facts: Vec<(String, Type)>,
    /// Budgets that the policy defines, by index.
    pub budgets: Vec<String>,
    /// What `model` can be.
    pub models: Vec<String>,
    /// What `rule` can be.
    pub rules: Vec<String>,
    /// What `deployment.name` can be.
    pub deployments: Vec<String>,
    /// What the patterns of all expressions so far come to.
    pub pattern_bytes: usize,
}

/// Checks a tree and compiles it to a program of the wanted type (none: any type).
///
/// # Errors
/// Everything that is wrong with the expression, in the order of the text.
pub fn check(
    expr: &Expr,
    text: &str,
    scope: Scope,
    wanted: Option<Type>,
    names: &mut Names,
) -> Result<(Program, Type), Vec<ExprError>> {
    let mut checker =
        Checker { scope, names, nodes: Vec::new(), spans: Vec::new(), reads: Vec::new(), errors: Vec::new() };
    let (_, ty) = checker.expr(expr);
    if let (Some(wanted), Some(ty)) = (wanted, ty)
        && !(same_kind(wanted, ty) || (wanted == Type::Bool && ty == Type::Meta))
    {
        checker.errors.push(
            ExprError::new(expr.span, "type-mismatch", format!("expected {}, found {}", wanted.name(), ty.name()))
                .maybe_hint(
                    (wanted == Type::Bool).then(|| "compare it with something, such as `tokens > 1000`".into()),
                ),
        );
    }
    let Checker { nodes, spans, mut reads, mut errors, .. } = checker;
    if errors.is_empty() {
        reads.sort_unstable();
        reads.dedup();
        return Ok((Program { nodes, spans, reads, source: text.into() }, ty.unwrap_or(Type::Bool)));
    }
    errors.sort_by_key(|error| error.span.start);
    Err(errors)
}

pub(super) fn same_kind(a: Type, b: Type) -> bool {
    a == b || matches!((a, b), (Type::Text | Type::Enum(_), Type::Text | Type::Enum(_)))
}

/// An expression under way to its program; comparisons and functions are checked by rooms of their own.
pub(super) struct Checker<'n> {
    scope: Scope,
    pub(super) names: &'n mut Names,
    pub(super) nodes: Vec<Op>,
    spans: Vec<Span>,
    reads: Vec<FactId>,
    pub(super) errors: Vec<ExprError>,
}

/// A node's index, and its type unless an error was reported for it already.
pub(super) type Checked = (u32, Option<Type>);

impl Checker<'_> {
    pub(super) fn push(&mut self, op: Op) -> u32 {
        self.nodes.push(op);
        u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn fail(&mut self, error: ExprError) -> Checked {
        self.errors.push(error);
        (0, None)
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Checked {
        let checked = self.kind(expr);
        // What the parts did not claim was written here.
        self.spans.resize(self.nodes.len(), expr.span);
        checked
    }

    fn kind(&mut self, expr: &Expr) -> Checked {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Call(name, arguments) => self.call(name, arguments, expr.span),
            ExprKind::Not(operand) => {
                let node = self.boolean(operand);
                (self.push(Op::Not(node)), Some(Type::Bool))
            }
            ExprKind::And(operands) => {
                let nodes = operands.iter().map(|operand| self.boolean(operand)).collect();
                (self.push(Op::And(nodes)), Some(Type::Bool))
            }
            ExprKind::Or(operands) => {
                let nodes = operands.iter().map(|operand| self.boolean(operand)).collect();
                (self.push(Op::Or(nodes)), Some(Type::Bool))
            }
            ExprKind::Compare(op, left, right) => self.compare(*op, left, right),
            ExprKind::In(item, set, is_negated) => {
                let (node, ty) = self.is_in(item, set);
                if *is_negated { (self.push(Op::Not(node)), ty) } else { (node, ty) }
            }
            ExprKind::IsKnown(operand, is_negated) => {
                let (node, ty) = self.expr(operand);
                if ty == Some(Type::Prompt) {
                    return self.fail(
                        ExprError::new(operand.span, "type-mismatch", "the prompt is always known")
                            .hint("look into it with a function, such as contains(prompt, \"refund\")"),
                    );
                }
                let known = self.push(Op::IsKnown(node));
                (if *is_negated { self.push(Op::Not(known)) } else { known }, Some(Type::Bool))
            }
            ExprKind::Coalesce(first, second) => {
                let (a, ty) = self.expr(first);
                let (b, other) = self.expr(second);
                if ty == Some(Type::Meta) && other == Some(Type::Meta) {
                    // Any kind behind any kind: what comes out is again the caller's.
                    return (self.push(Op::Coalesce(a, b)), Some(Type::Meta));
                }
                self.unify(first, ty, second, other);
                let joined = if ty == Some(Type::Meta) { other } else { ty };
                (self.push(Op::Coalesce(a, b)), joined)
            }
            ExprKind::List(_) => {
                self.fail(ExprError::new(expr.span, "type-mismatch", "a list stands only behind `in` or in a function"))
            }
            ExprKind::Range(..) => {
                self.fail(ExprError::new(expr.span, "type-mismatch", "a range stands only behind `in`"))
            }
        }
    }

    fn boolean(&mut self, expr: &Expr) -> u32 {
        let (node, ty) = self.expr(expr);
        if let Some(ty) = ty.filter(|ty| !matches!(ty, Type::Bool | Type::Meta)) {
            self.errors.push(
                ExprError::new(expr.span, "type-mismatch", format!("expected a condition, found {}", ty.name()))
                    .hint("compare it with something"),
            );
        }
        node
    }

    fn literal(&mut self, literal: &Literal) -> Checked {
        let (op, ty) = match literal {
            Literal::Bool(value) => (Op::Bool(*value), Type::Bool),
            Literal::Number(value) => (Op::Num(*value), Type::Number),
            Literal::Duration(value) => (Op::Num(*value), Type::Duration),
            Literal::Money(value) => (Op::Num(*value), Type::Money),
            Literal::Time(value) => (Op::Num(*value), Type::Time),
            Literal::Date(value) => (Op::Num(*value), Type::Date),
            Literal::Text(text) => (Op::Text(text.as_str().into()), Type::Text),
        };
        (self.push(op), Some(ty))
    }

    fn name(&mut self, name: &str, span: Span) -> Checked {
        if let Some(key) = name.strip_prefix("meta.") {
            let known = self.names.meta.iter().position(|known| known == key);
            let Ok(index) = u16::try_from(known.unwrap_or(self.names.meta.len())) else {
                return self.fail(ExprError::new(span, "too-large", "the policy reads more keys of `meta` than 65536"));
            };
            if known.is_none() {
                self.names.meta.push(key.to_owned());
            }
            return self.fact(FactId::Meta(index), Type::Meta);
        }
        if let Some(rest) = name.strip_prefix("budget.") {
            return self.budget(rest, span);
        }
        if let Some(index) = self.names.facts.iter().position(|(known, _)| known == name) {
            let ty = self.names.facts.get(index).map_or(Type::Bool, |(_, ty)| *ty);
            return self.fact(FactId::Named(u16::try_from(index).unwrap_or(u16::MAX)), ty);
        }
        let Some(row) = fact(name) else {
            let known: Vec<&str> = FACTS
                .iter()
                .map(|row| row.name)
                .chain(self.names.facts.iter().map(|(name, _)| name.as_str()))
                .collect();
            let hint = if name == "meta" {
                Some("name what the caller passes, such as `meta.team`".to_owned())
            } else if is_announced(name) {
                Some("this version of Turnout does not have it; a fact is accepted once it works".to_owned())
            } else {
                crate::policy::diagnostics::did_you_mean(name, known)
                    .map(|name| format!("did you mean `{name}`?"))
                    .or_else(|| {
                        Some(format!("text stands in quotes: \"{name}\"; the facts are in `turnout explain --facts`"))
                    })
            };
            return self
                .fail(ExprError::new(span, "unknown-fact", format!("there is no fact `{name}`")).maybe_hint(hint));
        };
        if row.scope > self.scope {
            let place = match row.scope {
                Scope::Decision => "only in `expect` of a test",
                _ => "only where there is a candidate: in `keep`, `want` and `expect`",
            };
            return self.fail(ExprError::new(span, "wrong-scope", format!("`{name}` has no value here")).hint(place));
        }
        self.fact(row.id, row.ty)
    }

    /// `budget.NAME.used`, a share, or `budget.NAME.left`, an amount of money.
    fn budget(&mut self, rest: &str, span: Span) -> Checked {
        let (name, what) = rest.split_once('.').unwrap_or((rest, ""));
        let known = self.names.budgets.iter().position(|known| known == name).and_then(|at| u16::try_from(at).ok());
        let Some(index) = known else {
            let names = self.names.budgets.iter().map(String::as_str);
            let hint = crate::policy::diagnostics::did_you_mean(name, names).map_or_else(
                || "budgets stand under `budgets`, each with its `name`".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            return self.fail(ExprError::new(span, "unknown-fact", format!("there is no budget `{name}`")).hint(hint));
        };
        match what {
            "used" => self.fact(FactId::BudgetUsed(index), Type::Number),
            "left" => self.fact(FactId::BudgetLeft(index), Type::Money),
            _ => {
                let message = format!("a budget has no `{what}`");
                let hint = format!("`budget.{name}.used` is a share, such as 95%; `budget.{name}.left` is money");
                self.fail(ExprError::new(span, "unknown-fact", message).hint(hint))
            }
        }
    }

    fn fact(&mut self, id: FactId, ty: Type) -> Checked {
        self.reads.push(id);
        (self.push(Op::Fact(id)), Some(ty))
    }
}

/// Whether the design of the language has a fact that this version does not.
fn is_announced(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    matches!(family, "key" | "domain" | "secrets" | "jailbreak")
        || matches!(name, "deployment.errors" | "deployment.busy")
}

/// An expression without its layout: two that are equal differ in spaces only.
#[derive(Debug, Clone, PartialEq)]
pub struct Wording(Vec<Token>);

/// The wording of an expression; none when it has no tokens.
pub fn wording(text: &str) -> Option<Wording> {
    let tokens = lex(text).ok()?;
    Some(Wording(tokens.into_iter().map(|(token, _)| token).collect()))
}
