//! A word as it stands in the marked stream: in lower case behind a marker of its case, when the whole word has one.

use super::characters::{CASELESS, Characters, LOWER, MARK, UPPER};
use super::tiling::{CAPITALS, CLOSE, OPEN, SHIFT};

/// The shortest word in capitals that gets the marker.
const CAPITALS_FROM: usize = 4;

/// Which markers a word takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// As it is written.
    Literal,
    /// A capital, then none.
    Shift,
    /// Nothing but capitals.
    Capitals,
}

/// Appends the marked form of a word to `out`. With `is_literal` case is left as it is.
pub(super) fn mark_word(
    word: &str,
    characters: &Characters,
    marks_capitals: bool,
    is_literal: bool,
    out: &mut Vec<u8>,
) {
    let case = if is_literal { Case::Literal } else { case_of(word, characters, marks_capitals) };
    match case {
        Case::Literal => {}
        Case::Shift => out.push(SHIFT),
        Case::Capitals => out.push(CAPITALS),
    }
    out.push(OPEN);
    if case == Case::Literal {
        out.extend_from_slice(word.as_bytes());
    } else if word.is_ascii() {
        out.extend(word.bytes().map(|byte| byte.to_ascii_lowercase()));
    } else {
        let mut utf8 = [0; 4];
        for char in word.chars().map(lower) {
            out.extend_from_slice(char.encode_utf8(&mut utf8).as_bytes());
        }
    }
    out.push(CLOSE);
}

/// The small form of a capital. `ϴ` has none here, and `İ` keeps its shape (both measured).
fn lower(char: char) -> char {
    if matches!(char, 'ϴ' | 'İ') {
        return char;
    }
    let mut small = char.to_lowercase();
    small.next().unwrap_or(char)
}

fn case_of(word: &str, characters: &Characters, marks_capitals: bool) -> Case {
    let mut chars = word.chars();
    let Some(first) = chars.next() else { return Case::Literal };
    let first_kind = characters.kind(first);
    let (mut length, mut has_other_capital, mut has_other_i) = (1, false, false);
    let mut blocks_capitals = matches!(first_kind, LOWER | CASELESS | MARK);
    let mut has_capital = first_kind == UPPER;
    for char in chars {
        length += 1;
        match (char, characters.kind(char)) {
            ('ẞ', _) => return Case::Literal,
            // Seen through after a capital, and no part of a word in capitals.
            ('İ', _) => has_other_i = true,
            (_, UPPER) => (has_other_capital, has_capital) = (true, true),
            (_, LOWER | CASELESS | MARK) => blocks_capitals = true,
            _ => {}
        }
    }
    if matches!(first, 'ẞ' | 'İ') {
        return Case::Literal;
    }
    if marks_capitals && !has_other_i && has_capital && !blocks_capitals && length >= CAPITALS_FROM {
        return Case::Capitals;
    }
    if first_kind == UPPER && !has_other_capital { Case::Shift } else { Case::Literal }
}

#[cfg(test)]
mod tests {
    use super::super::characters;
    use super::*;

    fn marked(word: &str, marks_capitals: bool) -> String {
        let mut out = Vec::new();
        mark_word(word, characters().unwrap(), marks_capitals, false, &mut out);
        out.iter()
            .map(|byte| match *byte {
                OPEN => "(".into(),
                CLOSE => ")".into(),
                SHIFT => "^".into(),
                CAPITALS => "#".into(),
                other => format!("{other:02x}"),
            })
            .collect::<String>()
            .replace("61", "a")
            .replace("62", "b")
            .replace("41", "A")
            .replace("42", "B")
    }

    #[test]
    fn marks_the_case_of_whole_words_only() {
        for (word, older, newer) in [
            ("ab", "(ab)", "(ab)"),
            ("Ab", "^(ab)", "^(ab)"),
            ("A", "^(a)", "^(a)"),
            ("AB", "(AB)", "(AB)"),
            ("ABBA", "#(abba)", "(ABBA)"),
            ("ABbA", "(ABbA)", "(ABbA)"),
            ("aB", "(aB)", "(aB)"),
            // A letter without case stops the marker of capitals, not that of the first letter.
            ("ABBAヲ", "(ABBAe383b2)", "(ABBAe383b2)"),
            ("Aヲ", "^(ae383b2)", "^(ae383b2)"),
            ("Éa", "^(c3a9a)", "^(c3a9a)"),
            ("Aİb", "^(ac4b0b)", "^(ac4b0b)"),
            ("İb", "(c4b0b)", "(c4b0b)"),
            ("Aẞ", "(Ae1ba9e)", "(Ae1ba9e)"),
        ] {
            assert_eq!(marked(word, true), older, "{word}");
            assert_eq!(marked(word, false), newer, "{word}");
        }
    }
}
