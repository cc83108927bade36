//! The canonical form of a character: what case, accents and typing habits do not change.

/// What a character is to the scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Belongs to a word, in its canonical form.
    Word(u32),
    /// A digit.
    Digit(u32),
    /// A character of a script written without spaces (Han, kana, Thai, Lao, Khmer, Burmese).
    Dense(u32),
    /// White space, a line break excepted.
    Space,
    /// A line break.
    Newline,
    /// Punctuation and symbols, as ASCII where there is an equal.
    Other(u32),
    /// Carries nothing (combining accents, Arabic vowel signs, zero-width characters).
    Nothing,
}

/// Latin letters with accents, from U+00C0 to U+017F, as the ASCII letter they are built on (`.`: none).
const LATIN: &[u8; 192] = b"aaaaaaaceeeeiiiidnooooo.ouuuuyts\
aaaaaaaceeeeiiiidnooooo.ouuuuyty\
aaaaaaccccccccddddeeeeeeeeeegggg\
gggghhhhiiiiiiiiiiiijjkkklllllll\
lllnnnnnnnnnoooooooorrrrrrssssss\
ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// The canonical form of one character.
pub(crate) fn fold(ch: char) -> Folded {
    let code = ch as u32;
    match code {
        0x00..=0x7F => fold_ascii(code),
        0xC0..=0x17F => {
            let letter = LATIN.get((code - 0xC0) as usize).copied().unwrap_or(b'.');
            if letter == b'.' { Folded::Other(code) } else { Folded::Word(u32::from(letter)) }
        }
        // Cyrillic: capitals, and the letters that are often written without their marks.
        0x410..=0x42F => Folded::Word(code + 0x20),
        0x400 | 0x401 | 0x450 | 0x451 => Folded::Word(0x435),
        0x402..=0x40F => Folded::Word(code + 0x50),
        0x430..=0x45F => Folded::Word(code),
        // Arabic: vowel signs and the lengthener go, the forms of alef, yeh and teh become one.
        0x640 | 0x64B..=0x65F | 0x670 | 0x300..=0x36F | 0xAD | 0x200B..=0x200F | 0x2060 | 0xFEFF | 0xFE00..=0xFE0F => {
            Folded::Nothing
        }
        0x622 | 0x623 | 0x625 | 0x671 => Folded::Word(0x627),
        0x649 | 0x6CC => Folded::Word(0x64A),
        0x629 => Folded::Word(0x647),
        0x6A9 => Folded::Word(0x643),
        // Indic signs are part of their word although some of them are not alphabetic; the danda ends a sentence.
        0x964 | 0x965 => Folded::Other(u32::from(b'.')),
        0x966..=0x96F => Folded::Digit(code),
        0x900..=0xDFF => Folded::Word(code),
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1780..=0x17FF => Folded::Dense(code),
        0x3041..=0x3096 | 0x309D..=0x30FA | 0x30FC..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF => Folded::Dense(code),
        0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF => Folded::Dense(code),
        0xAC00..=0xD7A3 => Folded::Word(code),
        0x3000 => Folded::Space,
        0x3001 => Folded::Other(u32::from(b',')),
        0x3002 => Folded::Other(u32::from(b'.')),
        0x61F | 0x37E => Folded::Other(u32::from(b'?')),
        0x60C => Folded::Other(u32::from(b',')),
        0x2018 | 0x2019 => Folded::Other(u32::from(b'\'')),
        0x201C | 0x201D => Folded::Other(u32::from(b'"')),
        0x85 | 0x2028 | 0x2029 => Folded::Newline,
        0xFF01..=0xFF5E => fold_ascii(code - 0xFEE0),
        _ => fold_rare(ch),
    }
}

fn fold_ascii(code: u32) -> Folded {
    match code {
        0x41..=0x5A => Folded::Word(code + 0x20),
        0x61..=0x7A => Folded::Word(code),
        0x30..=0x39 => Folded::Digit(code),
        0x0A => Folded::Newline,
        0x09 | 0x0B..=0x0D | 0x20 => Folded::Space,
        0x00..=0x1F | 0x7F => Folded::Space,
        _ => Folded::Other(code),
    }
}

fn fold_rare(ch: char) -> Folded {
    if ch.is_whitespace() {
        return Folded::Space;
    }
    if ch.is_alphabetic() {
        // The final sigma has no capital of its own.
        let lower = if ch == 'ς' { 'σ' } else { ch.to_lowercase().next().unwrap_or(ch) };
        return Folded::Word(lower as u32);
    }
    if ch.is_numeric() { Folded::Digit(ch as u32) } else { Folded::Other(ch as u32) }
}

/// The hash of nothing.
pub(crate) const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// Takes one more value into a running hash (the multiply-rotate step of `FxHash`: one multiplication a character).
pub(crate) const fn mix(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(0x517C_C1B7_2722_0A95)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_fold() {
        for (a, b) in [('É', 'e'), ('ğ', 'g'), ('İ', 'i'), ('ı', 'i'), ('Ł', 'l'), ('Я', 'я'), ('Ё', 'е'), ('Є', 'є')]
        {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        for (a, b) in [('Ñ', 'n'), ('ż', 'z'), ('Ź', 'z'), ('ř', 'r'), ('Ů', 'u'), ('ő', 'o'), ('Ć', 'c'), ('ș', 'ș')]
        {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        assert_eq!(fold('？'), Folded::Other(u32::from(b'?')));
        assert_eq!(fold('×'), Folded::Other(0xD7));
    }

    #[test]
    fn every_latin_letter_folds_like_its_capital() {
        for code in 0xC0..=0x17F_u32 {
            let ch = char::from_u32(code).unwrap();
            let mut upper = ch.to_uppercase();
            if upper.len() == 1 {
                assert_eq!(fold(ch), fold(upper.next().unwrap()), "{ch}");
            }
        }
    }
}
