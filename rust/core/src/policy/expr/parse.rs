//! Tokens to a tree: a Pratt parser with spans.
//!
//! From loose to tight: `or`, `and`, `not`, comparison (`==` ... `in`, `is known`), `..`, `??`, operands.

use super::ast::{Expr, ExprKind, Literal, Span};
use super::lex::{Token, lex};
use super::{ExprError, MAX_BYTES, MAX_DEPTH, MAX_NODES};

/// Parses one expression.
///
/// # Errors
/// When the text is not one expression, or is beyond its bounds.
pub fn parse(text: &str) -> Result<Expr, ExprError> {
    let whole = Span { start: 0, end: text.len() };
    if text.len() > MAX_BYTES {
        return Err(ExprError::new(whole, "too-large", format!("the expression is longer than {MAX_BYTES} bytes")));
    }
    if text.trim().is_empty() {
        return Err(ExprError::new(whole, "bad-expression", "the expression is empty"));
    }
    let tokens = lex(text)?;
    if tokens.len() > MAX_NODES {
        return Err(ExprError::new(whole, "too-large", format!("the expression has more than {MAX_NODES} parts")));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let expr = parser.or()?;
    let (token, span) = parser.peek();
    if token == Token::End {
        return Ok(expr);
    }
    Err(parser.unexpected(&token, span, "the end of the expression"))
}

/// Words that people write for a unit.
fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 15] = [
        "k", "m", "M", "ms", "s", "h", "d", "thousand", "million", "percent", "seconds", "minutes", "hours", "days",
        "K",
    ];
    UNITS.contains(&word)
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn peek(&self) -> (Token, Span) {
        self.tokens.get(self.at).cloned().unwrap_or((Token::End, Span::default()))
    }

    fn take(&mut self) -> (Token, Span) {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((Token::Word(found), _)) if found == word)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((Token::Sign(other), _)) if *other == sign);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, token: &Token, span: Span, wanted: &str) -> ExprError {
        let error = ExprError::new(span, "bad-expression", format!("expected {wanted}, found {}", token.describe()));
        if *token == Token::End && self.depth > 0 {
            return error
                .hint("close it, or put the whole expression in single quotes: YAML splits a [list] at every comma");
        }
        match (token, self.at.checked_sub(1).and_then(|before| self.tokens.get(before))) {
            (Token::Word(word), _) if word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or") => {
                error.hint(format!("write `{}`", word.to_lowercase()))
            }
            (Token::Word(word), Some((Token::Literal(Literal::Number(_)), _))) if is_unit(word) => {
                error.hint("a unit stands right behind its number: 8k, 1M, 1200ms, 2s, 95%")
            }
            (Token::Word(_) | Token::Literal(_), Some((Token::Word(_) | Token::Literal(_), _))) => {
                error.hint("join two conditions with `and` or `or`; text stands in quotes")
            }
            _ => error,
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, ExprError>) -> Result<T, ExprError> {
        if self.depth >= MAX_DEPTH {
            let (_, span) = self.peek();
            return Err(ExprError::new(span, "too-large", format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn or(&mut self) -> Result<Expr, ExprError> {
        self.joined("or", Self::and, ExprKind::Or)
    }

    fn and(&mut self) -> Result<Expr, ExprError> {
        self.joined("and", Self::not, ExprKind::And)
    }

    fn joined(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Result<Expr, ExprError>,
        join: fn(Vec<Expr>) -> ExprKind,
    ) -> Result<Expr, ExprError> {
        let first = operand(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.eat_word(word) {
            operands.push(operand(self)?);
        }
        let span = operands
            .iter()
            .fold(operands.first().map_or_else(Span::default, |one| one.span), |all, one| all.to(one.span));
        Ok(Expr { span, kind: join(operands) })
    }

    fn not(&mut self) -> Result<Expr, ExprError> {
        let (_, span) = self.peek();
        if !self.eat_word("not") {
            return self.comparison();
        }
        let operand = self.deeper(Self::not)?;
        Ok(Expr { span: span.to(operand.span), kind: ExprKind::Not(Box::new(operand)) })
    }

    fn comparison(&mut self) -> Result<Expr, ExprError> {
        let left = self.range()?;
        let (token, span) = self.peek();
        let (end, kind) = match token {
            Token::Compare(op) => {
                self.at += 1;
                let right = self.range()?;
                (right.span, ExprKind::Compare(op, Box::new(left.clone()), Box::new(right)))
            }
            Token::Word(word) if word == "in" || word == "not" => {
                self.at += 1;
                let is_negated = word == "not";
                if is_negated && !self.eat_word("in") {
                    let (token, span) = self.peek();
                    return Err(self.unexpected(&token, span, "`in` after `not`"));
                }
                let right = self.range()?;
                (right.span, ExprKind::In(Box::new(left.clone()), Box::new(right), is_negated))
            }
            Token::Word(word) if word == "is" => {
                self.at += 1;
                let is_negated = self.eat_word("not");
                let (word, end) = self.take();
                let is_negated = match word {
                    Token::Word(word) if word == "known" => is_negated,
                    Token::Word(word) if word == "unknown" => !is_negated,
                    other => {
                        return Err(self
                            .unexpected(&other, end, "`known` or `unknown` after `is`")
                            .hint("compare with `==`"));
                    }
                };
                (end, ExprKind::IsKnown(Box::new(left.clone()), is_negated))
            }
            _ => return Ok(left),
        };
        if let (Token::Compare(op), again) = self.peek() {
            return Err(ExprError::new(again, "bad-expression", format!("`{}` cannot be chained", op.text()))
                .hint("write `a < b and b < c`, or `b in a..c`"));
        }
        Ok(Expr { span: left.span.to(span).to(end), kind })
    }

    fn range(&mut self) -> Result<Expr, ExprError> {
        let low = self.coalesce()?;
        if !self.eat_sign("..") {
            return Ok(low);
        }
        let high = self.coalesce()?;
        let zone = self.zone()?;
        let (_, end) = self.tokens.get(self.at.saturating_sub(1)).cloned().unwrap_or((Token::End, high.span));
        Ok(Expr { span: low.span.to(end), kind: ExprKind::Range(Box::new(low), Box::new(high), zone) })
    }

    /// `UTC` behind a range of times.
    fn zone(&mut self) -> Result<Option<i64>, ExprError> {
        let (token, span) = self.peek();
        let Token::Word(word) = token else { return Ok(None) };
        if ["and", "or", "not", "in", "is"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) {
            return Ok(None);
        }
        self.at += 1;
        if word == "UTC" {
            return Ok(Some(0));
        }
        Err(ExprError::new(span, "bad-expression", format!("`{word}` is not a time zone"))
            .hint("write times in UTC, such as 22:00..06:00 UTC"))
    }

    fn coalesce(&mut self) -> Result<Expr, ExprError> {
        let first = self.operand()?;
        if !self.eat_sign("??") {
            return Ok(first);
        }
        let second = self.deeper(Self::coalesce)?;
        Ok(Expr { span: first.span.to(second.span), kind: ExprKind::Coalesce(Box::new(first), Box::new(second)) })
    }

    fn operand(&mut self) -> Result<Expr, ExprError> {
        let (token, span) = self.take();
        match token {
            Token::Literal(literal) => Ok(Expr { span, kind: ExprKind::Literal(literal) }),
            Token::Sign("(") => self.deeper(|parser| {
                let inner = parser.or()?;
                let end = parser.close(")")?;
                Ok(Expr { span: span.to(end), kind: inner.kind })
            }),
            Token::Sign("[") => self.deeper(|parser| {
                let (items, end) = parser.items("]")?;
                Ok(Expr { span: span.to(end), kind: ExprKind::List(items) })
            }),
            Token::Word(word) => match word.as_str() {
                "true" | "false" => Ok(Expr { span, kind: ExprKind::Literal(Literal::Bool(word == "true")) }),
                "and" | "or" | "not" | "in" | "is" => {
                    Err(ExprError::new(span, "bad-expression", format!("expected a value, found `{word}`")))
                }
                _ if self.eat_sign("(") => self.deeper(|parser| {
                    let (arguments, end) = parser.items(")")?;
                    Ok(Expr { span: span.to(end), kind: ExprKind::Call(word, arguments) })
                }),
                _ => Ok(Expr { span, kind: ExprKind::Name(word) }),
            },
            other => Err(self.unexpected(&other, span, "a value")),
        }
    }

    fn items(&mut self, close: &'static str) -> Result<(Vec<Expr>, Span), ExprError> {
        let mut items = Vec::new();
        let (_, span) = self.peek();
        if self.eat_sign(close) {
            return Ok((items, span));
        }
        loop {
            items.push(self.or()?);
            let (_, span) = self.peek();
            if self.eat_sign(close) {
                return Ok((items, span));
            }
            if !self.eat_sign(",") {
                let (token, span) = self.peek();
                return Err(self.unexpected(&token, span, &format!("`,` or `{close}`")));
            }
        }
    }

    fn close(&mut self, sign: &'static str) -> Result<Span, ExprError> {
        let (token, span) = self.peek();
        if self.eat_sign(sign) { Ok(span) } else { Err(self.unexpected(&token, span, &format!("`{sign}`"))) }
    }
}
