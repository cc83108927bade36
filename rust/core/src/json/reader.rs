//! The pull reader: the caller asks for the kind of value it expects, or skips it.

use std::borrow::Cow;
use std::fmt;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u16 = 128;

/// A half-open range of bytes in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What stands at the reader's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// A digit or a minus sign.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

impl Kind {
    /// The name that error messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a boolean",
            Self::Null => "null",
        }
    }
}

/// Why a text is not the JSON that was expected, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Byte offset into the input.
    pub offset: usize,
    /// Lower-case, no full stop.
    pub message: Cow<'static, str>,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for JsonError {}

/// A number as it was written; converted only when asked, so that large integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a>(pub &'a str);

impl Number<'_> {
    /// The number as an unsigned integer, if it is one (`3` and `3.0` are, `3.5` and `-1` are not).
    pub fn as_u64(self) -> Option<u64> {
        if let Ok(integer) = self.0.parse::<u64>() {
            return Some(integer);
        }
        let float = self.as_f64();
        // 2^53: above it a float no longer names one integer.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range and the fraction are checked"
        )]
        ((0.0..=9_007_199_254_740_992.0).contains(&float) && float.fract() == 0.0).then_some(float as u64)
    }

    /// The number as a signed integer, if it is written as one.
    pub fn as_i64(self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest float.
    pub fn as_f64(self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

/// A pull reader over one JSON text.
///
/// Cost: linear in the bytes consumed. The reader never looks back.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    text: Utf8<'a>,
    at: usize,
    depth: u16,
}

/// The input as text. Checked at the first string: once for all, it costs less than string by string.
#[derive(Debug, Clone, Copy)]
enum Utf8<'a> {
    Unchecked,
    Valid(&'a str),
    Invalid,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`. A UTF-8 byte order mark is skipped.
    pub fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Self { bytes, text: Utf8::Unchecked, at, depth: 0 }
    }

    /// The byte offset of the reader.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// An error at the current position.
    pub fn error(&self, message: impl Into<Cow<'static, str>>) -> JsonError {
        JsonError { offset: self.at, message: message.into() }
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    /// The kind of the next value.
    ///
    /// # Errors
    /// When no value starts here.
    pub fn peek(&mut self) -> Result<Kind, JsonError> {
        self.skip_space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => Err(self.error("expected a JSON value")),
            None => Err(self.error("the text ends where a JSON value should be")),
        }
    }

    fn expect(&mut self, kind: Kind) -> Result<(), JsonError> {
        let found = self.peek()?;
        if found == kind {
            Ok(())
        } else {
            Err(self.error(format!("expected {}, found {}", kind.name(), found.name())))
        }
    }

    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Visits each member of an object. The visitor gets the key and must consume the value (or skip it).
    ///
    /// # Errors
    /// When the text is not a well-formed object, or the visitor fails.
    pub fn object<E: From<JsonError>>(
        &mut self,
        mut visit: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(Kind::Object)?;
        self.enter()?;
        self.skip_space();
        if self.byte() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.skip_space();
            if self.byte() != Some(b':') {
                return Err(self.error("expected `:` after a key").into());
            }
            self.at += 1;
            visit(self, key)?;
            self.skip_space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.error("expected `,` or `}` in an object").into()),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Visits each element of an array. The visitor must consume one value.
    ///
    /// # Errors
    /// When the text is not a well-formed array, or the visitor fails.
    pub fn array<E: From<JsonError>>(&mut self, mut visit: impl FnMut(&mut Self) -> Result<(), E>) -> Result<(), E> {
        self.expect(Kind::Array)?;
        self.enter()?;
        self.skip_space();
        if self.byte() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            visit(self)?;
            self.skip_space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error("expected `,` or `]` in an array").into()),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// The string at this position, borrowed when it holds no escape and is valid UTF-8.
    ///
    /// # Errors
    /// When there is no well-formed string.
    pub fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.expect(Kind::String)?;
        let start = self.at + 1;
        let stop = next_special(self.bytes, start);
        let text = self.text();
        if self.bytes.get(stop) == Some(&b'"') {
            if has_control(self.bytes.get(start..stop).unwrap_or_default()) {
                return Err(self.why_broken(start));
            }
            self.at = stop + 1;
            return Ok(match text {
                Some(text) => Cow::Borrowed(text.get(start..stop).unwrap_or_default()),
                None => String::from_utf8_lossy(self.bytes.get(start..stop).unwrap_or_default()),
            });
        }
        let room = self.room(start, stop);
        let out = if let Some(text) = text {
            let mut out = String::with_capacity(room);
            self.pieces(start, stop, |piece| match piece {
                Piece::Plain(span) => out.push_str(text.get(span.start..span.end).unwrap_or_default()),
                Piece::Escaped(character) => out.push(character),
            })?;
            out
        } else {
            // An escape never yields a continuation byte, so what is invalid stays in its piece.
            let (bytes, mut out) = (self.bytes, Vec::with_capacity(room));
            self.pieces(start, stop, |piece| match piece {
                Piece::Plain(span) => out.extend_from_slice(bytes.get(span.start..span.end).unwrap_or_default()),
                Piece::Escaped(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            })?;
            String::from_utf8_lossy(&out).into_owned()
        };
        Ok(Cow::Owned(out))
    }

    /// About how long a string is whose first special byte is at `stop`: up to a quote that looks like its end. Looks
    /// behind a few such quotes at most.
    fn room(&self, start: usize, stop: usize) -> usize {
        let rest = self.bytes.get(stop..).unwrap_or_default();
        let is_end = |at: &usize| at.checked_sub(1).and_then(|before| rest.get(before)) != Some(&b'\\');
        let end = memchr::memchr_iter(b'"', rest).take(16).find(is_end);
        // What follows a wrong guess is not lost: the text grows.
        stop - start + end.unwrap_or(256).min(rest.len())
    }

    /// The input, when all of it is UTF-8.
    fn text(&mut self) -> Option<&'a str> {
        if matches!(self.text, Utf8::Unchecked) {
            self.text = std::str::from_utf8(self.bytes).map_or(Utf8::Invalid, Utf8::Valid);
        }
        match self.text {
            Utf8::Valid(text) => Some(text),
            _ => None,
        }
    }

    /// Moves past the string whose text begins at `start` and whose first special byte is at `stop`, and hands out its pieces.
    fn pieces(&mut self, start: usize, stop: usize, mut take: impl FnMut(Piece)) -> Result<(), JsonError> {
        let (mut from, mut stop) = (start, stop);
        loop {
            take(Piece::Plain(Span { start: from, end: stop }));
            match self.bytes.get(stop) {
                Some(b'"') if has_control(self.bytes.get(start..stop).unwrap_or_default()) => break,
                Some(b'"') => {
                    self.at = stop + 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    let escape = self.bytes.get(stop..).unwrap_or_default();
                    let Some((character, used)) = unescape_one(escape) else { break };
                    take(Piece::Escaped(character));
                    from = stop + used;
                    stop = next_special(self.bytes, from);
                }
                _ => break,
            }
        }
        Err(self.why_broken(start))
    }

    /// Why a string is not well formed: said of the whole string, not of what is met first.
    #[cold]
    fn why_broken(&mut self, start: usize) -> JsonError {
        let mut end = start;
        loop {
            let rest = self.bytes.get(end..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                return self.error("a string is not closed");
            };
            end += found;
            if self.bytes.get(end) == Some(&b'"') {
                break;
            }
            end += 2;
        }
        if self.bytes.get(start..end).unwrap_or_default().iter().any(|byte| *byte < 0x20) {
            return self.error("a control character stands unescaped in a string");
        }
        self.at = end + 1;
        self.error("a string holds an escape that JSON does not know")
    }

    /// The number at this position.
    ///
    /// # Errors
    /// When there is no well-formed number.
    pub fn number(&mut self) -> Result<Number<'a>, JsonError> {
        self.expect(Kind::Number)?;
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.error("expected a digit")),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        std::str::from_utf8(text).map(Number).map_err(|_| self.error("expected a number"))
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(self.error("expected a digit")) } else { Ok(()) }
    }

    /// The boolean at this position.
    ///
    /// # Errors
    /// When there is none.
    pub fn bool(&mut self) -> Result<bool, JsonError> {
        self.expect(Kind::Bool)?;
        if self.byte() == Some(b't') { self.word(b"true").map(|()| true) } else { self.word(b"false").map(|()| false) }
    }

    /// Consumes `null`.
    ///
    /// # Errors
    /// When something else stands here.
    pub fn null(&mut self) -> Result<(), JsonError> {
        self.expect(Kind::Null)?;
        self.word(b"null")
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if self.bytes.get(self.at..).unwrap_or_default().starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error("expected a JSON value"))
        }
    }

    /// Consumes any value, checking that it is well formed, and returns where it stands.
    ///
    /// # Errors
    /// When the value is not well formed.
    pub fn skip(&mut self) -> Result<Span, JsonError> {
        let kind = self.peek()?;
        let start = self.at;
        match kind {
            Kind::Object => self.object(|reader, _| reader.skip().map(drop))?,
            Kind::Array => self.array(|reader| reader.skip().map(drop))?,
            Kind::String => {
                let start = self.at + 1;
                self.pieces(start, next_special(self.bytes, start), |_| {})?;
            }
            Kind::Number => {
                self.number()?;
            }
            Kind::Bool => {
                self.bool()?;
            }
            Kind::Null => self.null()?,
        }
        Ok(Span { start, end: self.at })
    }

    /// The bytes of a span of this input.
    pub fn slice(&self, span: Span) -> &'a [u8] {
        self.bytes.get(span.start..span.end).unwrap_or_default()
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    /// When something is.
    pub fn finish(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.byte().is_none() { Ok(()) } else { Err(self.error("text after the JSON value")) }
    }
}

/// What a string is made of.
enum Piece {
    /// Bytes as they stand.
    Plain(Span),
    /// What an escape stands for.
    Escaped(char),
}

/// Where the next quote or backslash stands from `from` on; the end when there is none.
#[inline]
fn next_special(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    // Most keys and words of closed sets end within the first words.
    let (words, _) = rest.as_chunks::<8>();
    let mut at = 0;
    for word in words.iter().take(2) {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return from + at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = rest.get(at..).unwrap_or_default();
    from + at + memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())
}

/// The high bit of each quote and backslash; above the lowest of them a borrow may set others.
#[inline]
const fn specials(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let quote = (word ^ (EACH * b'"' as u64)).wrapping_sub(EACH);
    let backslash = (word ^ (EACH * b'\\' as u64)).wrapping_sub(EACH);
    (quote | backslash) & !word & (EACH * 0x80)
}

/// Whether a control character stands among bytes.
#[inline]
fn has_control(bytes: &[u8]) -> bool {
    // Without an exit inside a chunk, so that it is compiled to vector instructions.
    let any = |any: u8, byte: &u8| any | u8::from(*byte < 0x20);
    let (chunks, tail) = bytes.as_chunks::<64>();
    chunks.iter().any(|chunk| chunk.iter().fold(0, any) != 0) || tail.iter().fold(0, any) != 0
}

/// Reads one escape sequence from its backslash on: the character, and how many bytes it took.
#[inline]
fn unescape_one(escape: &[u8]) -> Option<(char, usize)> {
    let simple = match escape.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(escape),
        _ => return None,
    };
    Some((simple, 2))
}

fn unescape_unicode(escape: &[u8]) -> Option<(char, usize)> {
    let first = hex4(escape.get(2..6)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    // A high surrogate counts only with its low half right behind it; anything else is one replacement character.
    if (0xD800..0xDC00).contains(&first) && escape.get(6..8) == Some(b"\\u") {
        let second = hex4(escape.get(8..12)?)?;
        if (0xDC00..0xE000).contains(&second) {
            let joined = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            return char::from_u32(joined).map(|character| (character, 12));
        }
    }
    Some((char::REPLACEMENT_CHARACTER, 6))
}

fn hex4(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_backslashes_and_control_characters_are_found_wherever_they_stand() {
        for byte in 0..=255_u8 {
            for place in 0..100 {
                let mut text = [b'a'; 101];
                text[place] = byte;
                // Behind the first, anything goes.
                text[100] = b'"';
                let first = text.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap();
                assert_eq!(next_special(&text, 0), first, "{byte} {place}");
                assert_eq!(next_special(&text, place), first, "{byte} {place}");
                assert_eq!(has_control(&text), byte < 0x20, "{byte} {place}");
            }
        }
    }
}
