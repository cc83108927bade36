//! Characters to tokens.

use super::ast::{CmpOp, Literal, Span};
use super::{ExprError, UNCLOSED};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name or a keyword.
    Word(String),
    /// A literal.
    Literal(Literal),
    /// A comparison.
    Compare(CmpOp),
    /// `(`, `)`, `[`, `]`, `,`, `..`, `??`
    Sign(&'static str),
    /// The end of the text.
    End,
}

impl Token {
    /// For messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Literal(Literal::Text(text)) => format!("\"{text}\""),
            Self::Literal(_) => "a value".to_owned(),
            Self::Compare(op) => format!("`{}`", op.text()),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Splits an expression into tokens; the last is always [`Token::End`].
pub fn lex(text: &str) -> Result<Vec<(Token, Span)>, ExprError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((token, Span { start, end: lexer.at }));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|character| !keep(character)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn token(&mut self) -> Result<Token, ExprError> {
        const SIGNS: [(&str, Token); 13] = [
            ("==", Token::Compare(CmpOp::Eq)),
            ("!=", Token::Compare(CmpOp::Ne)),
            ("<=", Token::Compare(CmpOp::Le)),
            (">=", Token::Compare(CmpOp::Ge)),
            ("??", Token::Sign("??")),
            ("..", Token::Sign("..")),
            ("<", Token::Compare(CmpOp::Lt)),
            (">", Token::Compare(CmpOp::Gt)),
            ("(", Token::Sign("(")),
            (")", Token::Sign(")")),
            ("[", Token::Sign("[")),
            ("]", Token::Sign("]")),
            (",", Token::Sign(",")),
        ];
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        for (sign, token) in SIGNS {
            if rest.starts_with(sign) {
                self.at += sign.len();
                return Ok(token);
            }
        }
        match first {
            '"' | '\'' => self.string(first),
            '$' => self.money(),
            '0'..='9' => self.number(),
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Word(self.name())),
            _ => Err(self.stray(first)),
        }
    }

    fn stray(&self, first: char) -> ExprError {
        let span = Span { start: self.at, end: self.at + first.len_utf8() };
        let error = ExprError::new(span, "bad-expression", format!("`{first}` has no meaning here"));
        let rest = self.rest();
        if rest.starts_with("&&") {
            error.hint("write `and`")
        } else if rest.starts_with("||") {
            error.hint("write `or`")
        } else if first == '!' {
            error.hint("write `not`")
        } else if first == '=' {
            error.hint("write `==`")
        } else if matches!(first, '-' | '+' | '*' | '/') {
            error.hint("no fact is negative, and the language has no arithmetic")
        } else {
            error
        }
    }

    /// A name with its dots; a dot counts only with a letter behind it (`1..5` and `a..b` stay ranges).
    fn name(&mut self) -> String {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let mut name = self.take_while(is_part).to_owned();
        loop {
            let mut ahead = self.rest().chars();
            if ahead.next() != Some('.') || !ahead.next().is_some_and(|next| next.is_ascii_alphabetic() || next == '_')
            {
                return name;
            }
            self.at += 1;
            name.push('.');
            name.push_str(self.take_while(is_part));
        }
    }

    fn string(&mut self, quote: char) -> Result<Token, ExprError> {
        let start = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, escaped @ ('\\' | '"' | '\''))) => text.push(escaped),
                    // Anything else stays as it is, so that regexes need no doubled backslashes.
                    Some((_, other)) => {
                        text.push('\\');
                        text.push(other);
                    }
                    None => break,
                },
                _ if character == quote => {
                    self.at += at + quote.len_utf8();
                    return Ok(Token::Literal(Literal::Text(text)));
                }
                _ => text.push(character),
            }
        }
        let span = Span { start, end: self.text.len() };
        Err(ExprError::new(span, "bad-expression", UNCLOSED).hint(format!("end it with {quote}")))
    }

    fn money(&mut self) -> Result<Token, ExprError> {
        let start = self.at;
        self.at += 1;
        let digits = self.decimal();
        let span = Span { start, end: self.at };
        fixed(digits, 12).map(|picos| Token::Literal(Literal::Money(picos))).ok_or_else(|| {
            ExprError::new(span, "bad-expression", format!("`${digits}` is not an amount of money"))
                .hint("write dollars with at most 12 decimals, below $9,000,000, such as $0.05")
        })
    }

    /// Digits with at most one decimal point; a second dot belongs to a range.
    fn decimal(&mut self) -> &'t str {
        let rest = self.rest();
        let start = self.at;
        self.take_while(|character| character.is_ascii_digit());
        let mut ahead = self.rest().chars();
        if ahead.next() == Some('.') && ahead.next().is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|character| character.is_ascii_digit());
        }
        rest.get(..self.at - start).unwrap_or_default()
    }

    fn number(&mut self) -> Result<Token, ExprError> {
        let start = self.at;
        if let Some(date) = self.date() {
            return date;
        }
        let digits = self.decimal();
        if self.rest().starts_with(':') {
            return self.time(start, digits);
        }
        let unit = if self.rest().starts_with('%') {
            self.at += 1;
            "%"
        } else {
            self.take_while(|character| character.is_ascii_alphanumeric())
        };
        let span = Span { start, end: self.at };
        let refused = || {
            let error = ExprError::new(span, "bad-expression", format!("`{digits}{unit}` cannot be kept exactly"));
            match unit {
                "ms" => error.hint("write whole milliseconds, such as 1200ms"),
                "s" | "m" | "h" | "d" => error.hint("durations have at most three decimals"),
                _ => {
                    error.hint("numbers have at most six decimals (percentages four) and stay below 9 million million")
                }
            }
        };
        let scaled = |decimals, factor: i64| fixed(digits, decimals).and_then(|value| value.checked_mul(factor));
        let literal = match unit {
            "" => scaled(6, 1).map(Literal::Number),
            "%" => scaled(4, 1).map(Literal::Number),
            "k" => scaled(6, 1000).map(Literal::Number),
            "M" => scaled(6, 1_000_000).map(Literal::Number),
            "ms" => scaled(0, 1).map(Literal::Duration),
            "s" => scaled(3, 1).map(Literal::Duration),
            "m" => scaled(3, 60).map(Literal::Duration),
            "h" => scaled(3, 3600).map(Literal::Duration),
            "d" => scaled(3, 86_400).map(Literal::Duration),
            _ => {
                return Err(ExprError::new(span, "bad-expression", format!("`{unit}` is not a unit"))
                    .hint("units are %, k and M for counts, ms, s, m, h and d for times; money is written $0.05"));
            }
        };
        literal.map(Token::Literal).ok_or_else(refused)
    }

    fn time(&mut self, start: usize, hours: &str) -> Result<Token, ExprError> {
        self.at += 1;
        let minutes = self.take_while(|character| character.is_ascii_digit());
        let span = Span { start, end: self.at };
        let parsed = hours.parse::<i64>().ok().zip(minutes.parse::<i64>().ok());
        match parsed {
            // 24:00 is the end of the day, for ranges.
            Some((hours, minutes_of))
                if minutes.len() == 2 && minutes_of < 60 && (hours < 24 || (hours == 24 && minutes_of == 0)) =>
            {
                Ok(Token::Literal(Literal::Time(hours * 60 + minutes_of)))
            }
            _ => Err(ExprError::new(span, "bad-expression", format!("`{hours}:{minutes}` is not a time of day"))
                .hint("write 00:00 to 24:00, with two digits for the minutes")),
        }
    }

    /// `2026-11-22`, if something of that shape stands here.
    fn date(&mut self) -> Option<Result<Token, ExprError>> {
        let text = self.rest().get(..10)?;
        let mut fields = text.split('-');
        let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
        let all_digits = [year, month, day].iter().all(|field| field.bytes().all(|byte| byte.is_ascii_digit()));
        if !all_digits || (year.len(), month.len(), day.len()) != (4, 2, 2) || fields.next().is_some() {
            return None;
        }
        let start = self.at;
        self.at += 10;
        let days = crate::calendar::days_from_civil(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        Some(days.map(|days| Token::Literal(Literal::Date(days))).ok_or_else(|| {
            let span = Span { start, end: self.at };
            ExprError::new(span, "bad-expression", format!("there is no day `{text}`")).hint("dates are year-month-day")
        }))
    }
}

/// Reads a decimal as an integer of `decimals` places; none when it has more places, or does not fit.
pub fn fixed(digits: &str, decimals: u32) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Zeros at the end say nothing; other digits beyond the last place would be lost.
    let fraction = fraction.trim_end_matches('0');
    let missing = decimals.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let fraction_value = if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()? };
    let scaled_fraction = fraction_value.checked_mul(10_i64.checked_pow(missing)?)?;
    whole.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(decimals)?)?.checked_add(scaled_fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Literal {
        match &lex(text).unwrap()[0].0 {
            Token::Literal(literal) => literal.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn literals_have_units() {
        for (text, expected) in [
            ("0.7", Literal::Number(700_000)),
            ("95%", Literal::Number(950_000)),
            ("8k", Literal::Number(8_000_000_000)),
            ("2M", Literal::Number(2_000_000_000_000)),
            ("1.5s", Literal::Duration(1500)),
            ("1200ms", Literal::Duration(1200)),
            ("2h", Literal::Duration(7_200_000)),
            ("$0.05", Literal::Money(50_000_000_000)),
            ("22:30", Literal::Time(1350)),
            ("2026-01-05", Literal::Date(20_458)),
            (r#""a\"b\d""#, Literal::Text("a\"b\\d".into())),
        ] {
            assert_eq!(literal(text), expected, "{text}");
        }
    }

    #[test]
    fn ranges_are_not_decimals() {
        let tokens = lex("1..5 22:00..06:00 a.b..c").unwrap();
        let signs = tokens.iter().filter(|(token, _)| *token == Token::Sign("..")).count();
        assert_eq!(signs, 3);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["1x", "25:00", "\"open", "a && b", "a = b", "$", "$1.0000000000001", "-1", "99999999999999999999"]
        {
            assert!(lex(text).is_err(), "{text}");
        }
    }
}
