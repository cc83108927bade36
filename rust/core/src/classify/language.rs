//! The natural language of an ask: its script first, then a small fitted table of character n-grams.

use crate::features::Ask;
use std::sync::OnceLock;

/// Fitted by `scripts/fit_classify.py` on the test sentences of lingua (Apache-2.0); deflated, its source inside.
const TABLE: &[u8] = include_bytes!("../../data/classify/language.bin");
/// Inflated, the table is smaller than this.
const TABLE_LIMIT_BYTES: usize = 1 << 20;

/// Letters of the deciding script that are read; more do not change the result.
const SAMPLE_LETTERS: u32 = 192;
/// Characters that are looked at to find the script.
const SCRIPT_CHARS: usize = 512;
/// Fewer letters than this in a script of many languages are a guess.
const CLEAR_LETTERS: u32 = 10;
/// A lead of fewer thousandths of a table step a gram than this is a toss-up (chosen on the rows kept apart in the fit).
const CLEAR_LEAD: i64 = 90;

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
const SHAPES: [(usize, usize, u8); 4] = [(4096, 49, 0), (1024, 8, 49), (512, 3, 57), (512, 2, 60)];

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
const HAN: usize = 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Shared(Shared),
    Own(usize),
    None,
}

fn script_of(ch: char) -> Script {
    match ch as u32 {
        0x41..=0x5A | 0x61..=0x7A => Script::Shared(Shared::Latin),
        0x00..=0x7F => Script::None,
        0x80..=0x24F | 0x1E00..=0x1EFF if ch.is_alphabetic() => Script::Shared(Shared::Latin),
        0x400..=0x52F if ch.is_alphabetic() => Script::Shared(Shared::Cyrillic),
        0x64B..=0x65F => Script::Shared(Shared::Arabic),
        0x600..=0x77F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF if ch.is_alphabetic() => Script::Shared(Shared::Arabic),
        0x900..=0x963 | 0x970..=0x97F => Script::Shared(Shared::Devanagari),
        code if ch.is_alphabetic() => {
            OWN.iter().position(|(range, _)| range.contains(&code)).map_or(Script::None, Script::Own)
        }
        _ => Script::None,
    }
}

/// The language of an ask. Text inside code fences is not read. Time: bounded by a few hundred letters.
pub fn language_of(ask: &Ask<'_>) -> LanguageScore {
    let mut shared = [0_u32; SHARED.len()];
    let mut own = [0_u32; OWN.len()];
    for ch in prose(ask).take(SCRIPT_CHARS) {
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
    SHARED.get(best_shared).map_or(LanguageScore::NOTHING, |script| by_grams(ask, *script))
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

/// The characters outside code fences, a space between pieces.
fn prose<'a>(ask: &'a Ask<'_>) -> impl Iterator<Item = char> + 'a {
    ask.pieces().iter().flat_map(|piece| piece.split("```").step_by(2)).flat_map(|text| text.chars().chain([' ']))
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
    // Weights are at most 7 and there are at most about a thousand grams, so that a lane cannot overflow.
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

fn by_grams(ask: &Ask<'_>, script: Shared) -> LanguageScore {
    let first_row: usize = SHAPES.iter().take(script as usize).map(|(buckets, _, _)| buckets).sum();
    let Some((buckets, languages, first_language)) = SHAPES.get(script as usize).copied() else {
        return LanguageScore::NOTHING;
    };
    let rows = Table::shipped().rows.get(first_row..first_row.saturating_add(buckets)).unwrap_or_default();
    let mut sum = Sum { rows, buckets: buckets as u64, lanes: [0; LANES], grams: 0 };
    let mut letters = 0;
    let mut word: [u16; 24] = [0; 24];
    let mut length = 0_usize;
    let mut is_foreign = false;
    for ch in prose(ask) {
        let found = script_of(ch);
        if found == Script::None {
            if length > 0 && !is_foreign {
                add_word(&mut sum, word.get(..length).unwrap_or_default());
                letters += u32::try_from(length).unwrap_or(0);
                if letters >= SAMPLE_LETTERS {
                    length = 0;
                    break;
                }
            }
            length = 0;
            is_foreign = false;
            continue;
        }
        is_foreign |= found != Script::Shared(script);
        if let Some(cell) = word.get_mut(length) {
            *cell = lower(ch);
            length += 1;
        }
    }
    if length > 0 && !is_foreign {
        add_word(&mut sum, word.get(..length).unwrap_or_default());
        letters += u32::try_from(length).unwrap_or(0);
    }
    decide(&sum, languages, first_language, letters)
}

#[allow(clippy::cast_possible_truncation, reason = "the table was fitted on the lower 16 bits")]
fn lower(ch: char) -> u16 {
    if ch.is_ascii() { u16::from(ch.to_ascii_lowercase() as u8) } else { ch.to_lowercase().next().unwrap_or(ch) as u16 }
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

fn decide(sum: &Sum<'_>, languages: usize, first_language: u8, letters: u32) -> LanguageScore {
    if letters == 0 {
        return LanguageScore::NOTHING;
    }
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
    let lead = best.1.saturating_sub(second).saturating_mul(1000) / sum.grams.max(1);
    // Half is a toss-up; few letters weigh less.
    let weighed = lead.saturating_mul(i64::from(letters)) / i64::from(letters.saturating_add(20));
    let score = 1_000_000_i64.saturating_mul(weighed.saturating_add(CLEAR_LEAD))
        / weighed.saturating_add(2 * CLEAR_LEAD).max(1);
    LanguageScore {
        language: Some(Language(first_language.saturating_add(best.0))),
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
