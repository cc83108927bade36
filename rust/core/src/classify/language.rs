//! The natural language of an ask: its script first, then a small fitted table of character n-grams.

use crate::features::Ask;
use memchr::memmem;
use std::sync::OnceLock;

/// Fitted by `scripts/fit_classify.py` on the test sentences of lingua (Apache-2.0); deflated, its source inside.
const TABLE: &[u8] = include_bytes!("../../data/classify/language.bin");
/// Inflated, the table is smaller than this.
const TABLE_LIMIT_BYTES: usize = 1 << 20;

/// Letters of the deciding script that are read; more do not change the result.
const SAMPLE_LETTERS: u32 = 192;
/// Characters that are looked at to find the script.
const SCRIPT_CHARS: usize = 256;
/// Text outside code that is kept ready, in bytes: what is looked at is less.
const PROSE_BYTES: usize = 2048;
/// And in how many pieces.
const PROSE_PIECES: usize = 32;
/// Fewer letters than this in a script of many languages are a guess.
const CLEAR_LETTERS: u32 = 10;
/// After so many letters a clear lead ends the reading.
const CHECK_LETTERS: u32 = 64;
const EARLY_LEAD: i64 = 1000;
/// A lead of fewer thousandths of a table step a gram than this is a toss-up (chosen on the rows kept apart in the fit).
const CLEAR_LEAD: i64 = 200;

/// A natural language, by its ISO 639-1 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(u8);

/// Every language, in the order of the table: the groups of one script first, then those that have a script of their own.
const CODES: [&str; 75] = [
    "af", "az", "bs", "ca", "cs", "cy", "da", "de", "en", "eo", "es", "et", "eu", "fi", "fr", "ga", "hr", "hu", "id",
    "is", "it", "la", "lg", "lt", "lv", "mi", "ms", "nb", "nl", "nn", "pl", "pt", "ro", "sk", "sl", "sn", "so", "sq",
    "st", "sv", "sw", "tl", "tn", "tr", "ts", "vi", "xh", "yo", "zu", "be", "bg", "kk", "mk", "mn", "ru", "sr", "uk",
    "ar", "fa", "ur", "hi", "mr", "bn", "el", "gu", "he", "hy", "ja", "ka", "ko", "pa", "ta", "te", "th", "zh",
];

impl Language {
    /// How many languages are known.
    pub const COUNT: usize = CODES.len();

    /// Every language, in the order of its number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u8..).take(Self::COUNT).map(Self)
    }

    /// Its ISO 639-1 code.
    pub fn code(self) -> &'static str {
        CODES.get(usize::from(self.0)).copied().unwrap_or("und")
    }

    /// The language of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|language| language.code() == code)
    }
}

/// What the letters say about the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanguageScore {
    /// The most likely language; `None` when there are no letters of a known script.
    pub language: Option<Language>,
    /// How clear it is, 0 to 1,000,000.
    pub score: u32,
    /// Whether the letters are too few or too undecided to rely on.
    pub abstained: bool,
}

impl LanguageScore {
    const NOTHING: Self = Self { language: None, score: 0, abstained: true };
}

/// The scripts that several languages share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shared {
    Latin = 0,
    Cyrillic = 1,
    Arabic = 2,
    Devanagari = 3,
}

const SHARED: [Shared; 4] = [Shared::Latin, Shared::Cyrillic, Shared::Arabic, Shared::Devanagari];

/// Buckets and languages of each group, in the order of the table; the groups' languages follow each other in `CODES`.
const SHAPES: [(usize, usize, u8); 4] = [(4096, 49, 0), (2048, 8, 49), (512, 3, 57), (512, 2, 60)];

/// The widest group, rounded up to whole vector registers.
const LANES: usize = 64;

/// Scripts with one language each (Han and kana are told apart by their mixture).
const OWN: [(std::ops::RangeInclusive<u32>, &str); 14] = [
    (0x980..=0x9FF, "bn"),
    (0x370..=0x3FF, "el"),
    (0x1F00..=0x1FFF, "el"),
    (0xA80..=0xAFF, "gu"),
    (0x590..=0x5FF, "he"),
    (0x530..=0x58F, "hy"),
    (0x3040..=0x30FF, "ja"),
    (0x10A0..=0x10FF, "ka"),
    (0xAC00..=0xD7A3, "ko"),
    (0xA00..=0xA7F, "pa"),
    (0xB80..=0xBFF, "ta"),
    (0xC00..=0xC7F, "te"),
    (0xE00..=0xE7F, "th"),
    (0x3400..=0x9FFF, "zh"),
];
const KANA: usize = 6;
const HANGUL: usize = 8;
const HAN: usize = 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Shared(Shared),
    Own(usize),
    None,
}

fn script_of(ch: char) -> Script {
    match ch as u32 {
        // No letters: the two signs among the Latin ones, punctuation, symbols, emoji.
        0xD7 | 0xF7 | 0x2000..=0x2BFF | 0x1_F000..=0x1_FAFF => Script::None,
        0x41..=0x5A | 0x61..=0x7A | 0xC0..=0x24F | 0x1E00..=0x1EFF => Script::Shared(Shared::Latin),
        0x400..=0x481 | 0x48A..=0x52F => Script::Shared(Shared::Cyrillic),
        0x64B..=0x65F => Script::Shared(Shared::Arabic),
        0x600..=0x77F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF if ch.is_alphabetic() => Script::Shared(Shared::Arabic),
        0x900..=0x963 | 0x970..=0x97F => Script::Shared(Shared::Devanagari),
        0x4E00..=0x9FFF => Script::Own(HAN),
        0xAC00..=0xD7A3 => Script::Own(HANGUL),
        0x3041..=0x30FF => Script::Own(KANA),
        code if code > 0x24F && ch.is_alphabetic() => {
            OWN.iter().position(|(range, _)| range.contains(&code)).map_or(Script::None, Script::Own)
        }
        _ => Script::None,
    }
}

/// The language of an ask. Text inside code fences is not read. Time: bounded by a few hundred letters.
pub fn language_of(ask: &Ask<'_>) -> LanguageScore {
    let mut shared = [0_u32; SHARED.len()];
    let mut own = [0_u32; OWN.len()];
    let prose = prose(ask);
    for ch in prose.iter().flat_map(|text| text.chars()).take(SCRIPT_CHARS) {
        match script_of(ch) {
            Script::Shared(script) => count(&mut shared, script as usize, 1),
            // A character of these scripts tells as much as several letters.
            Script::Own(index) => count(&mut own, index, if index == HAN || index == KANA { 3 } else { 1 }),
            Script::None => {}
        }
    }
    let (best_own, own_letters) = largest(&own);
    let (best_shared, shared_letters) = largest(&shared);
    if own_letters == 0 && shared_letters == 0 {
        return LanguageScore::NOTHING;
    }
    if own_letters >= shared_letters {
        let [kana, han] = [KANA, HAN].map(|index| own.get(index).copied().unwrap_or(0));
        let is_japanese = (best_own == HAN || best_own == KANA) && kana.saturating_mul(8) >= han;
        let index = if is_japanese { KANA } else { best_own };
        let language = OWN.get(index).and_then(|(_, code)| Language::from_code(code));
        let all = own_letters.saturating_add(shared_letters).max(1);
        let score = u64::from(own_letters).saturating_mul(1_000_000) / u64::from(all);
        return LanguageScore {
            language,
            score: u32::try_from(score).unwrap_or(0),
            abstained: own_letters < 2 || language.is_none(),
        };
    }
    SHARED.get(best_shared).map_or(LanguageScore::NOTHING, |script| by_grams(&prose, *script))
}

fn count(cells: &mut [u32], index: usize, weight: u32) {
    if let Some(cell) = cells.get_mut(index) {
        *cell = cell.saturating_add(weight);
    }
}

/// The index and the value of the largest, the first of equals.
fn largest(cells: &[u32]) -> (usize, u32) {
    cells.iter().enumerate().fold((0, 0), |best, (index, value)| if *value > best.1 { (index, *value) } else { best })
}

/// The first stretches of text outside code fences: as much as can decide, and a little more.
fn prose<'r>(ask: &Ask<'r>) -> Vec<&'r str> {
    let mut found = Vec::new();
    let mut bytes = 0_usize;
    for piece in ask.pieces() {
        let mut rest = *piece;
        let mut is_code = false;
        while !rest.is_empty() && bytes < PROSE_BYTES && found.len() < PROSE_PIECES {
            let fence = memmem::find(rest.as_bytes(), b"```");
            let (text, behind) = fence
                .and_then(|at| rest.split_at_checked(at))
                .map_or((rest, ""), |(text, behind)| (text, behind.get(3..).unwrap_or_default()));
            if !is_code {
                found.push(text);
                bytes = bytes.saturating_add(text.len());
            }
            is_code = !is_code;
            rest = behind;
        }
    }
    found
}

/// The inflated table: one row of lanes a bucket.
struct Table {
    rows: Vec<[i8; LANES]>,
}

impl Table {
    fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Table> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            let bytes =
                miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(TABLE, TABLE_LIMIT_BYTES).unwrap_or_default();
            let start = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at.saturating_add(1));
            let mut values = bytes.get(start..).unwrap_or_default().iter();
            let mut rows = Vec::new();
            for (buckets, languages, _) in SHAPES {
                for _ in 0..buckets {
                    let mut row = [0_i8; LANES];
                    for (lane, value) in row.iter_mut().zip(values.by_ref().take(languages)) {
                        *lane = i8::from_le_bytes([*value]);
                    }
                    rows.push(row);
                }
            }
            Self { rows }
        })
    }
}

/// Adds up the rows of the n-grams.
struct Sum<'t> {
    rows: &'t [[i8; LANES]],
    buckets: u64,
    // Weights are at most 15 and there are at most about a thousand grams, so that a lane cannot overflow.
    lanes: [i16; LANES],
    grams: i64,
}

impl Sum<'_> {
    #[inline]
    fn add(&mut self, packed: u64, order: u64) {
        let gram = if order == 4 { packed } else { packed & ((1 << (16 * order)) - 1) };
        let hash = (gram ^ order.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0x517C_C1B7_2722_0A95);
        let bucket = usize::try_from(((hash >> 32) * self.buckets) >> 32).unwrap_or(0);
        if let Some(row) = self.rows.get(bucket) {
            for (lane, weight) in self.lanes.iter_mut().zip(row) {
                *lane = lane.wrapping_add(i16::from(*weight));
            }
            self.grams += 1;
        }
    }
}

fn by_grams(prose: &[&str], script: Shared) -> LanguageScore {
    let first_row: usize = SHAPES.iter().take(script as usize).map(|(buckets, _, _)| buckets).sum();
    let Some((buckets, languages, first_language)) = SHAPES.get(script as usize).copied() else {
        return LanguageScore::NOTHING;
    };
    let rows = Table::shipped().rows.get(first_row..first_row.saturating_add(buckets)).unwrap_or_default();
    let mut reader = Reader {
        sum: Sum { rows, buckets: buckets as u64, lanes: [0; LANES], grams: 0 },
        languages,
        script: Script::Shared(script),
        word: [0; WORD_LETTERS],
        length: 0,
        is_foreign: false,
        letters: 0,
        next_check: CHECK_LETTERS,
    };
    for text in prose {
        for ch in text.chars() {
            let found = script_of(ch);
            if found == Script::None {
                if reader.length > 0 && reader.end_word() {
                    return decide(&reader.sum, languages, first_language, reader.letters);
                }
            } else {
                reader.letter(ch, found);
            }
        }
        reader.end_word();
    }
    decide(&reader.sum, languages, first_language, reader.letters)
}

/// Letters of a word that are read.
const WORD_LETTERS: usize = 24;

/// Cuts the text into words of the deciding script.
struct Reader<'t> {
    sum: Sum<'t>,
    languages: usize,
    script: Script,
    word: [u16; WORD_LETTERS],
    length: usize,
    is_foreign: bool,
    letters: u32,
    next_check: u32,
}

impl Reader<'_> {
    #[inline]
    fn letter(&mut self, ch: char, script: Script) {
        self.is_foreign |= script != self.script;
        if let Some(cell) = self.word.get_mut(self.length) {
            *cell = lower(ch);
            self.length += 1;
        }
    }

    /// Takes in the word that ends here; whether enough is known.
    fn end_word(&mut self) -> bool {
        let word = self.word;
        let length = std::mem::take(&mut self.length);
        if std::mem::take(&mut self.is_foreign) || length == 0 {
            return false;
        }
        add_word(&mut self.sum, word.get(..length).unwrap_or_default());
        self.letters = self.letters.saturating_add(u32::try_from(length).unwrap_or(0));
        if self.letters < self.next_check {
            return false;
        }
        self.next_check = self.letters.saturating_add(CHECK_LETTERS);
        self.letters >= SAMPLE_LETTERS || lead(&self.sum, self.languages).1 >= EARLY_LEAD
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the table was fitted on the lower 16 bits")]
fn lower(ch: char) -> u16 {
    match ch as u32 {
        code @ 0x00..=0x7F => (code as u8).to_ascii_lowercase().into(),
        // The small letters of the commonest ranges, so that the slow table of Unicode is not asked.
        code @ (0xDF..=0xFF | 0x430..=0x45F | 0x600..=0x9FF) => code as u16,
        code @ (0xC0..=0xDE | 0x410..=0x42F) => (code + 0x20) as u16,
        _ => ch.to_lowercase().next().unwrap_or(ch) as u16,
    }
}

fn add_word(sum: &mut Sum<'_>, word: &[u16]) {
    let mut packed = 0x20_u64;
    for (index, code) in word.iter().chain(&[0x20]).enumerate() {
        packed = packed << 16 | u64::from(*code);
        if index < word.len() {
            sum.add(packed & 0xFFFF, 1);
        }
        sum.add(packed, 2);
        if index >= 1 {
            sum.add(packed, 3);
        }
        if index >= 2 {
            sum.add(packed, 4);
        }
    }
}

/// The best language of the group, and its lead in thousandths of a table step a gram.
fn lead(sum: &Sum<'_>, languages: usize) -> (u8, i64) {
    let mut best = (0_u8, i64::MIN);
    let mut second = i64::MIN;
    for (index, lane) in (0_u8..).zip(sum.lanes.iter().take(languages)) {
        let value = i64::from(*lane);
        if value > best.1 {
            second = best.1;
            best = (index, value);
        } else if value > second {
            second = value;
        }
    }
    (best.0, best.1.saturating_sub(second).saturating_mul(1000) / sum.grams.max(1))
}

fn decide(sum: &Sum<'_>, languages: usize, first_language: u8, letters: u32) -> LanguageScore {
    if letters == 0 {
        return LanguageScore::NOTHING;
    }
    let (best, lead) = lead(sum, languages);
    // Half is a toss-up; few letters weigh less.
    let weighed = lead.saturating_mul(i64::from(letters)) / i64::from(letters.saturating_add(20));
    let score = 1_000_000_i64.saturating_mul(weighed.saturating_add(CLEAR_LEAD))
        / weighed.saturating_add(2 * CLEAR_LEAD).max(1);
    LanguageScore {
        language: Some(Language(first_language.saturating_add(best))),
        score: u32::try_from(score.clamp(0, 1_000_000)).unwrap_or(0),
        abstained: letters < CLEAR_LETTERS || weighed < CLEAR_LEAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        language_of(&Ask::of_text(text)).language.map_or("none", Language::code)
    }

    #[test]
    fn codes_go_both_ways_and_the_table_is_whole() {
        for language in Language::all() {
            assert_eq!(Language::from_code(language.code()), Some(language));
        }
        assert_eq!(Table::shipped().rows.len(), SHAPES.iter().map(|shape| shape.0).sum::<usize>());
        let last = SHAPES[3];
        assert_eq!(CODES[usize::from(last.2) + last.1 - 1], "mr");
        assert!(Table::shipped().rows.iter().all(|row| row.iter().any(|weight| *weight != 0) || row.len() == LANES));
    }

    #[test]
    fn scripts_and_languages() {
        for (text, expected) in [
            ("Write a short story about a dragon who is afraid of fire.", "en"),
            ("Schreibe eine kurze Geschichte über einen Drachen, der Angst vor Feuer hat.", "de"),
            ("Écris une courte histoire sur un dragon qui a peur du feu.", "fr"),
            ("Напиши короткую историю о драконе, который боится огня.", "ru"),
            ("Напиши коротку історію про дракона, який боїться вогню.", "uk"),
            ("写一个关于害怕火的龙的短篇故事。", "zh"),
            ("火を怖がるドラゴンについての短い物語を書いてください。", "ja"),
            ("불을 무서워하는 용에 대한 짧은 이야기를 써줘.", "ko"),
            ("اكتب قصة قصيرة عن تنين يخاف من النار", "ar"),
            ("आग से डरने वाले ड्रैगन के बारे में एक छोटी कहानी लिखो।", "hi"),
            ("用Python写一个函数", "zh"),
            ("12 + 30 = ?", "none"),
        ] {
            assert_eq!(code(text), expected, "{text}");
        }
        assert!(language_of(&Ask::of_text("ok")).abstained);
        assert_eq!(code("Was macht dieser Code?\n```\nfor every item in the list do nothing at all\n```\n"), "de");
    }
}
