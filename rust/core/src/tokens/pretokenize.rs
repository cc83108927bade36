//! Cutting text into pieces as the published regular expressions of `o200k_base` and `cl100k_base` do, by hand: one look
//! ahead instead of a regex engine. Each function names the alternative that it stands for. What begins and ends in ASCII
//! goes the short way of [`super::pretokenize_ascii`], which says when it does not know.

use std::sync::OnceLock;

use super::pretokenize_ascii;
use super::unicode_ranges::CLASS_STARTS;

/// Which published pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `o200k_base`
    O200k,
    /// `cl100k_base`
    Cl100k,
}

/// Everything that is neither letter, mark, number nor white space.
const OTHER: u8 = 0;
/// `\p{Lu}`, `\p{Lt}`
const UPPER: u8 = 1;
/// `\p{Ll}`
const LOWER: u8 = 2;
/// `\p{Lm}`, `\p{Lo}`: letters without case.
const LETTER: u8 = 3;
/// `\p{M}`
const MARK: u8 = 4;
/// `\p{N}`
const NUMBER: u8 = 5;
/// `\s` but carriage return and line feed.
const SPACE: u8 = 6;
/// `\r`, `\n`
const NEWLINE: u8 = 7;
/// Behind the text.
const END: u8 = 8;

/// The classes of the first planes, one byte per character; those above are asked of the ranges.
const TABLE: usize = 0x2_0000;

fn table() -> &'static [u8] {
    static CLASSES: OnceLock<Vec<u8>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let mut table = Vec::with_capacity(TABLE);
        let mut class = OTHER;
        for start in CLASS_STARTS {
            table.resize((start as usize >> 3).min(TABLE), class);
            class = (start & 7) as u8;
        }
        table.resize(TABLE, class);
        table
    })
}

fn class_of_high(code: u32) -> u8 {
    let next = CLASS_STARTS.partition_point(|start| start >> 3 <= code);
    next.checked_sub(1).and_then(|index| CLASS_STARTS.get(index)).map_or(OTHER, |start| (start & 7) as u8)
}

/// Cuts one text.
pub(super) struct Pieces<'t> {
    bytes: &'t [u8],
    at: usize,
    pattern: Pattern,
    classes: &'static [u8],
}

impl<'t> Pieces<'t> {
    pub(super) fn new(text: &'t str, pattern: Pattern) -> Self {
        Self { bytes: text.as_bytes(), at: 0, pattern, classes: table() }
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The class of the character at a byte, and where the next one begins.
    #[inline]
    fn class(&self, at: usize) -> (u8, usize) {
        let Some(first) = self.bytes.get(at).copied() else { return (END, at) };
        if first < 0x80 {
            return (self.classes.get(usize::from(first)).copied().unwrap_or(OTHER), at + 1);
        }
        let follow = |offset: usize| u32::from(self.byte(at + offset) & 0x3F);
        let (code, next) = match first {
            0..0xE0 => (u32::from(first & 0x1F) << 6 | follow(1), at + 2),
            0xE0..0xF0 => (u32::from(first & 0x0F) << 12 | follow(1) << 6 | follow(2), at + 3),
            _ => (u32::from(first & 0x07) << 18 | follow(1) << 12 | follow(2) << 6 | follow(3), at + 4),
        };
        (self.classes.get(code as usize).copied().unwrap_or_else(|| class_of_high(code)), next)
    }

    /// The end of the run of characters whose class is in the set.
    #[inline]
    fn run(&self, mut at: usize, set: u16) -> usize {
        loop {
            let (class, next) = self.class(at);
            if set >> class & 1 == 0 {
                return at;
            }
            at = next;
        }
    }

    /// The end of the piece that begins at a byte of the text. It is never empty; should a rule ever fail, one byte at least
    /// goes by.
    #[inline]
    pub(super) fn end_from(&self, at: usize) -> usize {
        let short = match self.pattern {
            Pattern::O200k => pretokenize_ascii::o200k(self.bytes, at),
            Pattern::Cl100k => pretokenize_ascii::cl100k(self.bytes, at),
        };
        short.unwrap_or_else(|| self.end_of_piece(at).clamp(at + 1, self.bytes.len()))
    }

    #[inline(never)]
    fn end_of_piece(&self, at: usize) -> usize {
        match self.pattern {
            Pattern::O200k => self.o200k(at),
            Pattern::Cl100k => self.cl100k(at),
        }
    }

    fn o200k(&self, at: usize) -> usize {
        let (class, next) = self.class(at);
        let word = match class {
            UPPER | LOWER | LETTER => {
                let (cased, upper) = self.cased_word(at);
                cased.or(upper)
            }
            // A mark may stand before a word or be one; it is tried as the optional first character before.
            MARK => self.cased_word(next).0.or_else(|| self.cased_word(at).0),
            OTHER | SPACE => {
                let (cased, upper) = self.cased_word(next);
                cased.or(upper)
            }
            NUMBER => return self.number(next),
            _ => None,
        };
        if let Some(end) = word {
            return self.contraction(end).unwrap_or(end);
        }
        if let Some(end) = self.punctuation(at, class, next, true) {
            return end;
        }
        let spaces = self.run(at, set(&[SPACE, NEWLINE]));
        // `\s*[\r\n]+`, then `\s+(?!\S)`, then `\s+`.
        self.last_newline(at, spaces).unwrap_or_else(|| self.all_but_last(at, spaces))
    }

    fn cl100k(&self, at: usize) -> usize {
        let letters = set(&[UPPER, LOWER, LETTER]);
        let (class, next) = self.class(at);
        if let Some(end) = self.contraction(at) {
            return end;
        }
        match class {
            UPPER | LOWER | LETTER => return self.run(next, letters),
            NUMBER => return self.number(next),
            OTHER | MARK | SPACE => {
                let end = self.run(next, letters);
                if end > next {
                    return end;
                }
            }
            _ => {}
        }
        if let Some(end) = self.punctuation(at, class, next, false) {
            return end;
        }
        let spaces = self.run(at, set(&[SPACE, NEWLINE]));
        // `\s++$`, then `\s*[\r\n]`, then `\s+(?!\S)`, then `\s`.
        if spaces == self.bytes.len() {
            return spaces;
        }
        self.last_newline(at, spaces).unwrap_or_else(|| self.all_but_last(at, spaces))
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` (the first) and `[\p{Lu}...]+[\p{Ll}...]*` (the second,
    /// asked for only when the first does not match). When no lower-case letter ends the first run, the engine gives
    /// characters back until the last one that is in both sets: it ends the match.
    #[inline]
    fn cased_word(&self, start: usize) -> (Option<usize>, Option<usize>) {
        let mut at = start;
        let mut last_shared = None;
        loop {
            let (class, next) = self.class(at);
            match class {
                UPPER => at = next,
                LETTER | MARK => {
                    at = next;
                    last_shared = Some(next);
                }
                LOWER => return (Some(self.run(next, set(&[LOWER, LETTER, MARK]))), None),
                _ => return (last_shared, (at > start).then_some(at)),
            }
        }
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`; by the case folding of Unicode, U+017F is an `s`.
    #[inline]
    fn contraction(&self, at: usize) -> Option<usize> {
        if self.byte(at) != b'\'' {
            return None;
        }
        match (self.byte(at + 1) | 0x20, self.byte(at + 2) | 0x20) {
            (b's' | b't' | b'm' | b'd', _) => self.bytes.get(at + 1)?.is_ascii_alphabetic().then_some(at + 2),
            (b'r' | b'v', b'e') | (b'l', b'l') => Some(at + 3),
            _ => (self.byte(at + 1) == 0xC5 && self.byte(at + 2) == 0xBF).then_some(at + 3),
        }
    }

    /// `\p{N}{1,3}`, of which the first is behind us.
    #[inline]
    fn number(&self, mut at: usize) -> usize {
        for _ in 0..2 {
            let (class, next) = self.class(at);
            if class != NUMBER {
                break;
            }
            at = next;
        }
        at
    }

    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`, with slashes in the last set for `o200k_base`.
    #[inline]
    fn punctuation(&self, at: usize, class: u8, next: usize, with_slash: bool) -> Option<usize> {
        let others = set(&[OTHER, MARK]);
        let start = if self.byte(at) == b' ' { next } else { at };
        if start == at && others >> class & 1 == 0 {
            return None;
        }
        let mut end = self.run(start, others);
        if end == start {
            return None;
        }
        while matches!(self.bytes.get(end), Some(b'\r' | b'\n')) || with_slash && self.bytes.get(end) == Some(&b'/') {
            end += 1;
        }
        Some(end)
    }

    /// The end of the last newline of a run of white space.
    fn last_newline(&self, start: usize, end: usize) -> Option<usize> {
        let run = self.bytes.get(start..end)?;
        run.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map(|index| start + index + 1)
    }

    /// A run of white space without its last character, unless the text ends there or there is only one.
    fn all_but_last(&self, start: usize, end: usize) -> usize {
        if end == self.bytes.len() {
            return end;
        }
        let mut last = end.saturating_sub(1);
        while last > start && self.byte(last) & 0xC0 == 0x80 {
            last -= 1;
        }
        if last > start { last } else { end }
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t [u8];

    #[inline]
    fn next(&mut self) -> Option<&'t [u8]> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        self.at = self.end_from(start);
        self.bytes.get(start..self.at)
    }
}

const fn set(classes: &[u8]) -> u16 {
    let mut bits = 0;
    let mut left = classes;
    while let [class, rest @ ..] = left {
        bits |= 1 << *class;
        left = rest;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_never_differs() {
        // Every text of up to five of these, and then runs that cross the words in which bytes are looked at.
        let parts = ["a", "B", "7", " ", "'", "s", "-", "/", "\n", "\t", "é", "\u{a0}"];
        let mut checked = 0;
        let mut check = |text: &str| {
            for pattern in [Pattern::O200k, Pattern::Cl100k] {
                let pieces = Pieces::new(text, pattern);
                for (at, _) in text.char_indices() {
                    let short = match pattern {
                        Pattern::O200k => pretokenize_ascii::o200k(text.as_bytes(), at),
                        Pattern::Cl100k => pretokenize_ascii::cl100k(text.as_bytes(), at),
                    };
                    if let Some(end) = short {
                        assert_eq!(end, pieces.end_of_piece(at), "{pattern:?} {text:?} at {at}");
                        checked += 1;
                    }
                }
            }
        };
        for number in 0..12_usize.pow(5) {
            let text: String = (0..5).map(|place| parts[number / 12_usize.pow(place) % 12]).collect();
            check(&text);
            if number % 97 == 0 {
                for times in [3, 7, 8, 9, 17] {
                    check(
                        &(0..5).map(|place| parts[number / 12_usize.pow(place) % 12].repeat(times)).collect::<String>(),
                    );
                }
            }
        }
        assert!(checked > 1_000_000);
    }

    fn cut(text: &str, pattern: Pattern) -> Vec<&str> {
        Pieces::new(text, pattern).map(|piece| std::str::from_utf8(piece).unwrap()).collect()
    }

    #[test]
    fn cuts_as_the_published_patterns() {
        for (text, o200k, cl100k) in [
            ("I'm HTTPServer's", vec!["I'm", " HTTPServer's"], vec!["I", "'m", " HTTPServer", "'s"]),
            ("fooBar 12345", vec!["foo", "Bar", " ", "123", "45"], vec!["fooBar", " ", "123", "45"]),
            ("a  \n\n  b", vec!["a", "  \n\n", " ", " b"], vec!["a", "  \n\n", " ", " b"]),
            ("x();//\n\ty", vec!["x", "();//\n", "\ty"], vec!["x", "();//\n", "\ty"]),
            ("\n/\n/ ", vec!["\n", "/\n/", " "], vec!["\n", "/\n", "/", " "]),
            ("a \n ", vec!["a", " \n", " "], vec!["a", " \n "]),
            ("e\u{301}t\u{301}A", vec!["e\u{301}t\u{301}", "A"], vec!["e", "\u{301}t", "\u{301}A"]),
            ("漢字かな", vec!["漢字かな"], vec!["漢字かな"]),
            ("漢A", vec!["漢", "A"], vec!["漢A"]),
            ("'ſ", vec!["'ſ"], vec!["'ſ"]),
            ("\u{a0}\u{a0}b", vec!["\u{a0}", "\u{a0}b"], vec!["\u{a0}", "\u{a0}b"]),
        ] {
            assert_eq!(cut(text, Pattern::O200k), o200k, "{text}");
            assert_eq!(cut(text, Pattern::Cl100k), cl100k, "{text}");
        }
    }
}
