//! Types: a tree to a program, or everything that is wrong with it.

use regex::RegexBuilder;

use super::ExprError;
use super::ast::{CmpOp, Expr, ExprKind, Literal, Span};
use super::lex::lex;
use super::program::{Op, Program, TextTest};
use crate::classify::Language;
use crate::policy::diagnostics::suggestion;
use crate::policy::facts::{FACTS, FactId, Scope, Type, fact};

/// The names that a policy adds to the language.
#[derive(Debug, Default)]
pub struct Names {
    /// Keys of `meta` that expressions read, in the order of their first use; grows while expressions are checked.
    pub meta: Vec<String>,
    /// Facts that the policy defines: name and type, by index.
    pub facts: Vec<(String, Type)>,
    /// What `model` can be.
    pub models: Vec<String>,
    /// What `rule` can be.
    pub rules: Vec<String>,
    /// What `deployment.name` can be.
    pub deployments: Vec<String>,
}

/// The functions: name, and what the second argument is.
const FUNCTIONS: [(&str, &str); 5] = [
    ("any_word", "a list of words"),
    ("contains", "a text"),
    ("matches", "a regular expression"),
    ("starts_with", "a text"),
    ("ends_with", "a text"),
];

/// The largest compiled pattern, in bytes: what a text of 64 kB passes in a few milliseconds.
const PATTERN_BYTES: usize = 1 << 20;

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
    let mut checker = Checker { scope, names, nodes: Vec::new(), reads: Vec::new(), errors: Vec::new() };
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
    let Checker { nodes, mut reads, mut errors, .. } = checker;
    if errors.is_empty() {
        reads.sort_unstable();
        reads.dedup();
        return Ok((Program { nodes, reads, source: text.to_owned() }, ty.unwrap_or(Type::Bool)));
    }
    errors.sort_by_key(|error| error.span.start);
    Err(errors)
}

fn same_kind(a: Type, b: Type) -> bool {
    a == b || matches!((a, b), (Type::Text | Type::Enum(_), Type::Text | Type::Enum(_)))
}

struct Checker<'n> {
    scope: Scope,
    names: &'n mut Names,
    nodes: Vec<Op>,
    reads: Vec<FactId>,
    errors: Vec<ExprError>,
}

/// A node's index, and its type unless an error was reported for it already.
type Checked = (u32, Option<Type>);

impl Checker<'_> {
    fn push(&mut self, op: Op) -> u32 {
        self.nodes.push(op);
        u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX)
    }

    fn fail(&mut self, error: ExprError) -> Checked {
        self.errors.push(error);
        (0, None)
    }

    fn expr(&mut self, expr: &Expr) -> Checked {
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

    fn fact(&mut self, id: FactId, ty: Type) -> Checked {
        self.reads.push(id);
        (self.push(Op::Fact(id)), Some(ty))
    }

    fn compare(&mut self, op: CmpOp, left: &Expr, right: &Expr) -> Checked {
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
        self.threshold(right, flipped(op), left);
        (self.push(Op::Compare(op, a, b)), Some(Type::Bool))
    }

    /// Whether two operands can be compared; reports it when they cannot.
    fn unify(&mut self, left: &Expr, left_type: Option<Type>, right: &Expr, right_type: Option<Type>) -> bool {
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

    /// Reports a threshold that the fact can never reach or never leave.
    fn threshold(&mut self, subject: &Expr, op: CmpOp, literal: &Expr) {
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
    fn range_of_thresholds(&mut self, subject: &Expr, bounds: (Option<i64>, Option<i64>), span: Span) {
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

    fn is_in(&mut self, item: &Expr, set: &Expr) -> Checked {
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

    fn call(&mut self, name: &str, arguments: &[Expr], span: Span) -> Checked {
        let Some((_, wanted)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let hint = suggestion(name, FUNCTIONS.iter().map(|(name, _)| *name));
            return self.fail(
                ExprError::new(span, "unknown-function", format!("there is no function `{name}`")).maybe_hint(hint),
            );
        };
        let [subject, pattern] = arguments else {
            return self.fail(
                ExprError::new(span, "bad-expression", format!("`{name}` takes a text and {wanted}"))
                    .hint(format!("{name}(prompt, ...)")),
            );
        };
        let (_, ty) = self.expr(subject);
        let fact = match self.nodes.last() {
            Some(Op::Fact(fact)) => *fact,
            _ if ty.is_none() => return (0, None),
            _ => {
                return self.fail(
                    ExprError::new(subject.span, "type-mismatch", format!("`{name}` looks at a fact"))
                        .hint("`prompt`, a text fact, or a value of `meta`"),
                );
            }
        };
        if !matches!(ty, Some(Type::Prompt | Type::Text | Type::Enum(_) | Type::Meta)) {
            let found = ty.map_or("nothing", Type::name);
            return self.fail(ExprError::new(
                subject.span,
                "type-mismatch",
                format!("`{name}` looks at a text, not at {found}"),
            ));
        }
        match self.pattern(name, pattern) {
            Some(pattern) => (self.push(Op::Matches(Box::new(TextTest { fact, pattern }))), Some(Type::Bool)),
            None => (0, None),
        }
    }

    /// Every text function is a pattern: linear in the text, whatever the pattern.
    fn pattern(&mut self, function: &str, argument: &Expr) -> Option<regex::Regex> {
        let text_of = |expr: &Expr| match &expr.kind {
            ExprKind::Literal(Literal::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let source = match (function, &argument.kind) {
            ("any_word", ExprKind::List(words)) if !words.is_empty() => words
                .iter()
                .map(text_of)
                .collect::<Option<Vec<_>>>()
                .map(|words| words.iter().map(|word| whole_word(word)).collect::<Vec<_>>().join("|")),
            ("any_word", _) => text_of(argument).map(|word| whole_word(&word)),
            ("contains", _) => text_of(argument).map(|text| regex::escape(&text)),
            ("starts_with", _) => text_of(argument).map(|text| format!(r"\A{}", regex::escape(&text))),
            ("ends_with", _) => text_of(argument).map(|text| format!(r"{}\z", regex::escape(&text))),
            _ => text_of(argument),
        };
        let Some(source) = source else {
            let wanted = FUNCTIONS.iter().find(|(name, _)| *name == function).map_or("a text", |(_, wanted)| *wanted);
            let hint = match (function, &argument.kind) {
                ("contains", ExprKind::List(_)) => {
                    "for a list use any_word(prompt, [\"refund\", \"invoice\"])".to_owned()
                }
                (_, ExprKind::Name(name)) => format!("text stands in quotes: \"{name}\""),
                ("any_word", _) => {
                    "such as any_word(prompt, [\"refund\", \"invoice\"]); no word may be empty".to_owned()
                }
                _ => format!("such as {function}(prompt, \"refund\"); it may not be empty"),
            };
            let message = format!("`{function}` looks for {wanted} in quotes");
            self.fail(ExprError::new(argument.span, "type-mismatch", message).hint(hint));
            return None;
        };
        let is_user_pattern = function == "matches";
        let compiled = RegexBuilder::new(&source).case_insensitive(!is_user_pattern).size_limit(PATTERN_BYTES).build();
        match compiled {
            Ok(pattern) if pattern.is_match("") => {
                self.fail(ExprError::new(
                    argument.span,
                    "matches-everything",
                    "the pattern matches the empty text, and so says nothing about a text",
                ));
                None
            }
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.fail(
                    ExprError::new(argument.span, "bad-regex", format!("the pattern does not compile: {reason}"))
                        .hint("look-around and back-references do not exist here: every pattern runs in linear time"),
                );
                None
            }
        }
    }
}

/// A pattern for the word as a whole; scripts without spaces have no word boundaries to ask for.
fn whole_word(word: &str) -> String {
    let bounded = |character: Option<char>| {
        character
            .is_some_and(|character| character.is_alphanumeric() && !(0x2E80..0xD7FF).contains(&u32::from(character)))
    };
    let left = if bounded(word.chars().next()) { r"\b" } else { "" };
    let right = if bounded(word.chars().next_back()) { r"\b" } else { "" };
    format!("{left}{}{right}", regex::escape(word))
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

/// The same comparison with its sides exchanged.
fn flipped(op: CmpOp) -> CmpOp {
    match op {
        CmpOp::Lt => CmpOp::Gt,
        CmpOp::Le => CmpOp::Ge,
        CmpOp::Gt => CmpOp::Lt,
        CmpOp::Ge => CmpOp::Le,
        same => same,
    }
}

/// Whether two expressions are the same but for their layout.
pub fn is_same(one: &str, other: &str) -> bool {
    let tokens = |text: &str| lex(text).map(|tokens| tokens.into_iter().map(|(token, _)| token).collect::<Vec<_>>());
    matches!((tokens(one), tokens(other)), (Ok(one), Ok(other)) if one == other)
}

fn literal_number(expr: &Expr) -> Option<i64> {
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
