//! Functions: every one is a pattern that runs in linear time.

use regex::{Regex, RegexBuilder};

use super::ExprError;
use super::ast::{Expr, ExprKind, Literal, Span};
use super::check::{Checked, Checker};
use super::program::{Op, TextTest};
use crate::policy::diagnostics::suggestion;
use crate::policy::facts::Type;

/// The functions: name, and what the second argument is.
pub(in crate::policy) const FUNCTIONS: [(&str, &str); 5] = [
    ("any_word", "a list of words"),
    ("contains", "a text"),
    ("matches", "a regular expression"),
    ("starts_with", "a text"),
    ("ends_with", "a text"),
];

/// The largest compiled pattern, in bytes: what a text of 64 kB passes in a few milliseconds.
const PATTERN_BYTES: usize = 1 << 20;

/// What the patterns of a whole policy may come to, in bytes as [`charged`] counts them.
const PATTERNS_BYTES: usize = 16 << 20;
/// What a pattern beyond the largest step counts: compiling one takes ten milliseconds or more, so there are two at most.
const LARGE_CHARGE: usize = 8 << 20;

/// Compiles a pattern at the smallest of a few bounds that it fits in, and says what it counts: the library does not tell.
fn charged(source: &str, ignores_case: bool) -> (Result<Regex, regex::Error>, usize) {
    let build = |bytes| RegexBuilder::new(source).case_insensitive(ignores_case).size_limit(bytes).build();
    for bytes in [1 << 12, 1 << 14, 1 << 16, 1 << 18] {
        match build(bytes) {
            Err(regex::Error::CompiledTooBig(_)) => {}
            done => return (done, bytes),
        }
    }
    (build(PATTERN_BYTES), LARGE_CHARGE)
}

impl Checker<'_> {
    pub(super) fn call(&mut self, name: &str, arguments: &[Expr], span: Span) -> Checked {
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
    fn pattern(&mut self, function: &str, argument: &Expr) -> Option<Regex> {
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
        if self.names.pattern_bytes >= PATTERNS_BYTES {
            self.fail(
                ExprError::new(argument.span, "too-large", "the patterns of this policy are too large together")
                    .hint("count less (`{1,20}`), and give a pattern that is used twice a name under `facts`"),
            );
            return None;
        }
        let (compiled, bytes) = charged(&source, !is_user_pattern);
        self.names.pattern_bytes = self.names.pattern_bytes.saturating_add(bytes);
        match compiled {
            Ok(pattern) if pattern.is_match("") => {
                let message = "the pattern matches the empty text, and so says nothing about a text";
                self.fail(
                    ExprError::new(argument.span, "matches-everything", message)
                        .hint("ask for one character at least: `+` instead of `*`, `{1,9}` instead of `{0,9}`"),
                );
                None
            }
            Ok(pattern) => Some(pattern),
            Err(regex::Error::CompiledTooBig(_)) => {
                let message = format!("the pattern is larger than {} kB once compiled", PATTERN_BYTES / 1024);
                self.fail(
                    ExprError::new(argument.span, "bad-regex", message)
                        .hint("count less (`{1,20}`), or name the characters (`[a-z0-9]` instead of `\\w`)"),
                );
                None
            }
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
