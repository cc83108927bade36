//! What the marked stream asks about a character: its kind, and whether normalization may touch it.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// An ideograph, Hangul syllable or anything above the basic plane: it stands alone.
pub(super) const LETTER_ALONE: u8 = 0;
/// A letter without case, or a mark that is one by the property `Alphabetic` and has no combining class.
pub(super) const CASELESS: u8 = 1;
/// A capital that has a small form.
pub(super) const UPPER: u8 = 2;
/// A small letter.
pub(super) const LOWER: u8 = 3;
// 4: of a word, but neither letter nor mark, and without case.
/// A mark of a word which, without a letter before it, opens a word of its own.
pub(super) const MARK: u8 = 5;
/// ASCII punctuation and symbols, and some others.
pub(super) const PUNCTUATION: u8 = 6;
/// Other punctuation and symbols of the basic plane, format characters, unassigned ones, separating marks.
pub(super) const SIGN: u8 = 7;
/// A decimal digit that is neither ASCII nor Arabic.
pub(super) const NUMBER: u8 = 8;
/// Another number (`No`).
pub(super) const NUMERAL: u8 = 9;
/// A variation selector.
pub(super) const SELECTOR: u8 = 10;
/// An ASCII digit.
pub(super) const DIGIT: u8 = 11;
/// An Arabic digit.
pub(super) const DIGIT_ARABIC: u8 = 12;
/// Space, tab, line feed and the ideographic space.
pub(super) const WHITE: u8 = 13;
/// Behind the text.
pub(super) const END: u8 = 14;

/// Set in a class: has a combining class, and composes with nothing.
pub(super) const COMBINES: u8 = 0x10;
/// May change under normalization form C.
pub(super) const COMPOSES: u8 = 0x20;
/// Left out, or made a space or another character.
pub(super) const FOLDS: u8 = 0x40;
/// A curly quote.
pub(super) const QUOTE: u8 = 0x80;

/// Whether the kind belongs to a word.
#[inline]
pub(super) const fn is_wordy(kind: u8) -> bool {
    matches!(kind, CASELESS..=MARK)
}

const PLANE: usize = 0x1_0000;

/// The tables, by code point.
pub(super) struct Characters {
    /// Classes of the basic plane.
    classes: Vec<u8>,
    /// Above it: where a class begins, and the class.
    runs: Vec<(u32, u8)>,
    /// Characters with their full canonical decomposition: where it begins in `parts`, and its length.
    decompositions: Vec<(char, u32, u8)>,
    parts: Vec<char>,
    /// First, second, composite.
    pairs: Vec<(char, char, char)>,
    /// Combining classes that are not 0.
    combining: Vec<(char, u8)>,
}

struct Reader<'d>(&'d [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn three(&mut self) -> Option<u32> {
        let [a, b, c] = self.bytes()?;
        Some(u32::from_le_bytes([a, b, c, 0]))
    }

    fn char(&mut self) -> Option<char> {
        char::from_u32(self.three()?)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes().map(|[byte]| byte)
    }

    fn count(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }
}

impl Characters {
    /// Unpacks the file (its form is described in `scripts/build_claude_vocab.py`). `None` when it is damaged.
    pub(super) fn unpack(packed: &[u8]) -> Option<Self> {
        let (size, deflated) = packed.split_first_chunk::<4>()?;
        let plain = decompress_to_vec_with_limit(deflated, u32::from_le_bytes(*size) as usize).ok()?;
        let mut reader = Reader(&plain);
        let mut classes = Vec::with_capacity(PLANE);
        let mut runs = Vec::new();
        let mut start = 0_u32;
        for _ in 0..reader.count()? {
            let (length, class) = (reader.three()?, reader.byte()?);
            let end = start.checked_add(length)?;
            classes.resize((end as usize).min(PLANE), class);
            if end as usize > PLANE {
                runs.push((start, class));
            }
            start = end;
        }
        let mut decompositions = Vec::new();
        let mut parts = Vec::new();
        for _ in 0..reader.count()? {
            let (char, length) = (reader.char()?, reader.byte()?);
            decompositions.push((char, u32::try_from(parts.len()).ok()?, length));
            for _ in 0..length {
                parts.push(reader.char()?);
            }
        }
        let count = reader.count()?;
        let pairs =
            (0..count).map(|_| Some((reader.char()?, reader.char()?, reader.char()?))).collect::<Option<_>>()?;
        let count = reader.count()?;
        let combining = (0..count).map(|_| Some((reader.char()?, reader.byte()?))).collect::<Option<_>>()?;
        reader.0.is_empty().then_some(Self { classes, runs, decompositions, parts, pairs, combining })
    }

    /// The class of a code point: its kind and the flags.
    #[inline]
    pub(super) fn class(&self, code: u32) -> u8 {
        match self.classes.get(code as usize) {
            Some(class) => *class,
            None => self.class_above(code),
        }
    }

    fn class_above(&self, code: u32) -> u8 {
        let next = self.runs.partition_point(|(start, _)| *start <= code);
        next.checked_sub(1).and_then(|index| self.runs.get(index)).map_or(LETTER_ALONE, |(_, class)| *class)
    }

    /// The kind of a character.
    #[inline]
    pub(super) fn kind(&self, char: char) -> u8 {
        self.class(u32::from(char)) & 0x0F
    }

    /// The kind of the character at a byte, and where the next one begins. The bytes are UTF-8.
    #[inline]
    pub(super) fn kind_at(&self, bytes: &[u8], at: usize) -> (u8, usize) {
        let Some(first) = bytes.get(at).copied() else { return (END, at) };
        let (class, next) = self.class_at(bytes, at, first);
        (class & 0x0F, next)
    }

    /// The class of the character that begins with `first` at a byte, and where the next one begins.
    #[inline]
    pub(super) fn class_at(&self, bytes: &[u8], at: usize, first: u8) -> (u8, usize) {
        if first < 0x80 {
            return (self.class(u32::from(first)), at + 1);
        }
        let follow = |offset: usize| bytes.get(at + offset).map_or(0, |byte| u32::from(byte & 0x3F));
        let (code, next) = match first {
            0..0xE0 => (u32::from(first & 0x1F) << 6 | follow(1), at + 2),
            0xE0..0xF0 => (u32::from(first & 0x0F) << 12 | follow(1) << 6 | follow(2), at + 3),
            _ => (u32::from(first & 0x07) << 18 | follow(1) << 12 | follow(2) << 6 | follow(3), at + 4),
        };
        (self.class(code), next)
    }

    /// The full canonical decomposition; none when the character is its own (Hangul is arithmetic, and not here).
    pub(super) fn decomposition(&self, char: char) -> Option<&[char]> {
        let index = self.decompositions.binary_search_by_key(&char, |(of, _, _)| *of).ok()?;
        let (_, start, length) = *self.decompositions.get(index)?;
        self.parts.get(start as usize..start as usize + usize::from(length))
    }

    /// What two characters compose to.
    pub(super) fn composition(&self, first: char, second: char) -> Option<char> {
        let index = self.pairs.binary_search_by_key(&(first, second), |(first, second, _)| (*first, *second)).ok()?;
        self.pairs.get(index).map(|(_, _, composite)| *composite)
    }

    /// The canonical combining class.
    pub(super) fn combining(&self, char: char) -> u8 {
        let found = self.combining.binary_search_by_key(&char, |(of, _)| *of).ok();
        found.and_then(|index| self.combining.get(index)).map_or(0, |(_, class)| *class)
    }
}
