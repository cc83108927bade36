//! Counts as the reference makes them, and the same for every way of cutting.

use super::*;

#[test]
fn counts_as_tiktoken_does() {
    // Counted with tiktoken 0.14.0, encode_ordinary.
    let (letters, spaces) = ("a".repeat(1000), " ".repeat(1000));
    for (text, o200k, cl100k) in [
        ("", 0, 0),
        ("hello world", 2, 2),
        ("The quick brown fox jumps over the lazy dog.", 10, 10),
        ("fn main() {\n    println!(\"Hello, world!\");\n}\n", 12, 12),
        ("{\"name\": \"Ada\", \"born\": 1815, \"tags\": [\"math\", \"poetry\"]}", 24, 23),
        ("Straße, 東京, Москва, 0x7f, और हिन्दी 😀👩\u{200d}👩\u{200d}👧", 24, 41),
        ("antidisestablishmentarianism", 6, 6),
        (&letters, 125, 125),
        (&spaces, 9, 9),
        ("<|endoftext|>", 7, 7),
        ("I'LL we've ſ'ſ", 8, 10),
        ("\0\u{1}", 2, 2),
    ] {
        assert_eq!(count_exact(Family::O200k, text), Some(o200k), "{text}");
        assert_eq!(count_exact(Family::O200kHarmony, text), Some(o200k), "{text}");
        assert_eq!(count_exact(Family::Cl100k, text), Some(cl100k), "{text}");
    }
    assert_eq!(count_exact(Family::Gemini, "hello"), None);
}

#[test]
fn both_ways_of_merging_agree() {
    let vocabulary = &encoder(Family::O200k).unwrap().vocabulary;
    let mut state = 7_u32;
    for length in 3..200_usize {
        let piece: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + (state >> 29) as u8
        })
        .take(length)
        .collect();
        let mut merger = Merger::default();
        let short = merger.merge_short(vocabulary, &piece);
        assert_eq!(short, merger.merge_long(vocabulary, &piece), "{}", String::from_utf8_lossy(&piece));
        if length <= TINY {
            assert_eq!(short, merge_tiny(vocabulary, &piece), "{}", String::from_utf8_lossy(&piece));
        }
    }
}

#[test]
fn windows_of_long_pieces_change_no_count() {
    let mut state = 11_u32;
    let mut random = |letters: &[u8], length: usize| -> Vec<u8> {
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            letters[(state >> 16) as usize % letters.len()]
        })
        .take(length)
        .collect()
    };
    for family in [Family::O200k, Family::Cl100k] {
        let vocabulary = &encoder(family).unwrap().vocabulary;
        let mut windowed = 0;
        let mut check = |piece: &[u8]| {
            let mut merger = Merger::default();
            let expected = merger.merge_long(vocabulary, piece);
            assert_eq!(merger.count(vocabulary, piece), expected, "{}", String::from_utf8_lossy(piece));
            windowed += usize::from(merger.windowed(vocabulary, piece).is_some());
        };
        for length in 97..400 {
            for letters in ["abcdefghijklmnopqrstuvwxyz", "ab", "etaoin", "=-", " \t", "ABCabc0123+/", "的是不é漢"]
            {
                check(&random(letters.as_bytes(), length));
            }
        }
        for letter in ["a", "A", " ", "\n", "-", "=", "0", "ab", "漢", "е\u{301}", "\u{fffd}"] {
            for times in [97, 128, 129, 1000, 5003] {
                check(letter.repeat(times).as_bytes());
            }
        }
        assert!(windowed > 2_000, "{windowed}");
    }
}

#[test]
fn merging_makes_every_token_out_of_its_bytes() {
    for family in [Family::O200k, Family::Cl100k] {
        let vocabulary = &encoder(family).unwrap().vocabulary;
        let mut merger = Merger::default();
        let made = vocabulary.tokens().filter(|token| token.len() > 1 && merger.merge(vocabulary, token) == 1);
        assert_eq!(made.count() + 256, vocabulary.tokens().count());
    }
}

#[test]
fn cuts_change_no_count() {
    let characters: Vec<char> = "的一是不了在人有我他这中国日本語のはをがカタ한국어अआकखग่กขคa1 ".chars().collect();
    let mut state = 3_u32;
    for family in [Family::O200k, Family::Cl100k] {
        let encoder = encoder(family).unwrap();
        let mut cut = 0;
        for length in 6..120_usize {
            let text: String = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                characters[(state >> 16) as usize % characters.len()]
            })
            .take(length)
            .collect();
            let piece = text.as_bytes();
            let expected = Merger::default().merge(&encoder.vocabulary, piece);
            let mut scratch = Scratch { memo: Memo::new(4), long_memo: LongMemo::new(4), merger: Merger::default() };
            assert_eq!(scratch.long(encoder, piece, 0, piece.len()), expected, "{text}");
            cut += (1..piece.len()).filter(|place| encoder.cuts.is_cut(piece, *place)).count();
        }
        assert!(cut > 1000, "{cut}");
    }
}

#[test]
fn bytes_that_are_apart_are_counted_apart() {
    let characters: Vec<char> = "\0\u{1}\u{3}\u{1b}\u{7f}\u{fffd}\u{fffd}\u{fffd}%?;/=-~^éж漢ab".chars().collect();
    let mut state = 5_u32;
    for family in [Family::O200k, Family::Cl100k] {
        let encoder = encoder(family).unwrap();
        let mut apart = 0;
        for length in 2..150_usize {
            let piece: String = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                characters[(state >> 16) as usize % characters.len()]
            })
            .take(length)
            .collect();
            let bytes = piece.as_bytes();
            let expected = Merger::default().merge(&encoder.vocabulary, bytes);
            let mut scratch = Scratch { memo: Memo::new(4), long_memo: LongMemo::new(4), merger: Merger::default() };
            assert_eq!(scratch.anew(encoder, bytes, 0, bytes.len()), expected, "{piece:?}");
            apart += bytes.windows(2).filter(|pair| encoder.cuts.are_apart(pair)).count();
        }
        assert!(apart > 1000, "{apart}");
    }
}

#[test]
fn what_is_remembered_is_what_is_counted() {
    // Pieces that differ in nothing but a NUL at their end, twice.
    for _ in 0..2 {
        for text in ["a\0", "a\0\0", "\0\0a", "--\0", "--\0\0"] {
            let ids = encode(Family::O200k, text).unwrap().len() as u64;
            assert_eq!(count_exact(Family::O200k, text), Some(ids), "{text:?}");
        }
    }
}
