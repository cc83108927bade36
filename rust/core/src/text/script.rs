//! Which script a character is of, coarsely: by its block of 64 code points, which two bytes of UTF-8 already tell.

/// A group of scripts that tokenizers treat alike. Every character outside ASCII is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Script {
    /// Latin letters with marks, IPA, combining marks (U+00C0..036F, U+2C60..2C7F, U+A720..A7FF, U+AB30..AB6F).
    LatinExtended,
    /// Latin Extended Additional (U+1E00..1EFF): Vietnamese, Yoruba, transliteration.
    LatinAdditional,
    /// Greek and Coptic.
    Greek,
    /// Cyrillic.
    Cyrillic,
    /// Armenian and Georgian.
    Caucasian,
    /// Hebrew.
    Hebrew,
    /// Arabic with its supplements.
    Arabic,
    /// Devanagari.
    Devanagari,
    /// Bengali to Sinhala: the other scripts of India and Sri Lanka.
    Indic,
    /// Thai.
    Thai,
    /// Lao, Khmer, Myanmar, Tibetan.
    SoutheastAsian,
    /// Ethiopic.
    Ethiopic,
    /// Han ideographs and radicals.
    Han,
    /// Hiragana, katakana, bopomofo.
    Kana,
    /// Hangul.
    Hangul,
    /// Punctuation and forms of East Asia (U+3000..303F, U+FF00..FFEF).
    CjkPunctuation,
    /// Latin-1 signs and general punctuation (U+0080..00BF, U+2000..203F): quotes, dashes, degree, no-break space.
    Punctuation,
    /// Arrows, mathematics, box drawing, dingbats, braille (U+2040..2BFF).
    Symbol,
    /// Pictures beyond the basic plane (U+1F000..1FBFF).
    Emoji,
    /// Everything else: no tokenizer is known to have learned it, so a byte may cost a token.
    Other,
}

/// How many scripts there are.
pub const SCRIPTS: usize = 20;

impl Script {
    /// All scripts, in the order of their numbers.
    pub const ALL: [Self; SCRIPTS] = [
        Self::LatinExtended,
        Self::LatinAdditional,
        Self::Greek,
        Self::Cyrillic,
        Self::Caucasian,
        Self::Hebrew,
        Self::Arabic,
        Self::Devanagari,
        Self::Indic,
        Self::Thai,
        Self::SoutheastAsian,
        Self::Ethiopic,
        Self::Han,
        Self::Kana,
        Self::Hangul,
        Self::CjkPunctuation,
        Self::Punctuation,
        Self::Symbol,
        Self::Emoji,
        Self::Other,
    ];

    /// A short name, for reports and fits.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LatinExtended => "latin-extended",
            Self::LatinAdditional => "latin-additional",
            Self::Greek => "greek",
            Self::Cyrillic => "cyrillic",
            Self::Caucasian => "caucasian",
            Self::Hebrew => "hebrew",
            Self::Arabic => "arabic",
            Self::Devanagari => "devanagari",
            Self::Indic => "indic",
            Self::Thai => "thai",
            Self::SoutheastAsian => "southeast-asian",
            Self::Ethiopic => "ethiopic",
            Self::Han => "han",
            Self::Kana => "kana",
            Self::Hangul => "hangul",
            Self::CjkPunctuation => "cjk-punctuation",
            Self::Punctuation => "general-punctuation",
            Self::Symbol => "symbol",
            Self::Emoji => "emoji",
            Self::Other => "other",
        }
    }

    /// The script of a character outside ASCII (ASCII itself answers `Other`).
    pub fn of(char: char) -> Self {
        let mut buffer = [0; 4];
        let text = char.encode_utf8(&mut buffer).as_bytes();
        let at = |index: usize| text.get(index).copied().unwrap_or(0);
        if text.len() < 2 { Self::Other } else { Self::of_utf8(at(0), at(1), at(2)) }
    }

    /// The script of a character by the first three bytes of its UTF-8 form (two are enough below U+10000).
    #[inline]
    pub(super) fn of_utf8(first: u8, second: u8, third: u8) -> Self {
        let block = match first {
            0xC0..0xE0 => u32::from(first & 0x1F),
            0xE0..0xF0 => u32::from(first & 0x0F) << 6 | u32::from(second & 0x3F),
            _ => {
                let block = u32::from(first & 0x07) << 12 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F);
                return match block << 6 {
                    0x1_F000..0x1_FC00 => Self::Emoji,
                    0x1_B000..0x1_B180 => Self::Kana,
                    0x2_0000..0x3_FFC0 => Self::Han,
                    _ => Self::Other,
                };
            }
        };
        BLOCKS.get(block as usize).copied().unwrap_or(Self::Other)
    }
}

/// Ranges of the basic plane: first code point, one past the last, script; both ends are multiples of 64, so a block that
/// two scripts share goes to the one with more text.
const RANGES: [(usize, usize, Script); 36] = [
    (0x0080, 0x00C0, Script::Punctuation),
    (0x00C0, 0x0380, Script::LatinExtended),
    (0x0380, 0x0400, Script::Greek),
    (0x0400, 0x0540, Script::Cyrillic),
    (0x0540, 0x0580, Script::Caucasian),
    (0x0580, 0x0600, Script::Hebrew),
    (0x0600, 0x0700, Script::Arabic),
    (0x0740, 0x0780, Script::Arabic),
    (0x08C0, 0x0900, Script::Arabic),
    (0x0900, 0x0980, Script::Devanagari),
    (0x0980, 0x0E00, Script::Indic),
    (0x0E00, 0x0E80, Script::Thai),
    (0x0E80, 0x1080, Script::SoutheastAsian),
    (0x1080, 0x1100, Script::Caucasian),
    (0x1100, 0x1200, Script::Hangul),
    (0x1200, 0x1380, Script::Ethiopic),
    (0x1780, 0x1800, Script::SoutheastAsian),
    (0x1C80, 0x1CC0, Script::Caucasian),
    (0x1D00, 0x1E00, Script::LatinExtended),
    (0x1E00, 0x1F00, Script::LatinAdditional),
    (0x1F00, 0x2000, Script::Greek),
    (0x2000, 0x2040, Script::Punctuation),
    (0x2040, 0x2C00, Script::Symbol),
    (0x2C40, 0x2C80, Script::LatinExtended),
    (0x2E80, 0x3000, Script::Han),
    (0x3000, 0x3040, Script::CjkPunctuation),
    (0x3040, 0x3140, Script::Kana),
    (0x3140, 0x3180, Script::Hangul),
    (0x3180, 0x3400, Script::CjkPunctuation),
    (0x3400, 0xA000, Script::Han),
    (0xA700, 0xA800, Script::LatinExtended),
    (0xAB40, 0xAB80, Script::LatinExtended),
    (0xAC00, 0xD7C0, Script::Hangul),
    (0xF900, 0xFB00, Script::Han),
    (0xFB40, 0xFE00, Script::Arabic),
    (0xFE00, 0x1_0000, Script::CjkPunctuation),
];

/// The script of each block of 64 code points of the basic plane.
static BLOCKS: [Script; 1024] = blocks();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, so an index out of bounds cannot be built")]
const fn blocks() -> [Script; 1024] {
    let mut table = [Script::Other; 1024];
    let mut range = 0;
    while range < RANGES.len() {
        let (first, end, script) = RANGES[range];
        let mut block = first / 64;
        while block < end / 64 {
            table[block] = script;
            block += 1;
        }
        range += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_scripts() {
        for (char, script) in [
            ('é', Script::LatinExtended),
            ('ế', Script::LatinAdditional),
            ('λ', Script::Greek),
            ('ж', Script::Cyrillic),
            ('ქ', Script::Caucasian),
            ('ש', Script::Hebrew),
            ('ع', Script::Arabic),
            ('न', Script::Devanagari),
            ('த', Script::Indic),
            ('ก', Script::Thai),
            ('မ', Script::SoutheastAsian),
            ('አ', Script::Ethiopic),
            ('漢', Script::Han),
            ('𠀋', Script::Han),
            ('か', Script::Kana),
            ('한', Script::Hangul),
            ('、', Script::CjkPunctuation),
            ('—', Script::Punctuation),
            ('→', Script::Symbol),
            ('😀', Script::Emoji),
            ('𝒳', Script::Other),
            ('ꯁ', Script::Other),
        ] {
            assert_eq!(Script::of(char), script, "{char}");
        }
    }

    #[test]
    fn numbers_follow_the_list() {
        for (number, script) in Script::ALL.iter().enumerate() {
            assert_eq!(*script as usize, number);
        }
    }
}
