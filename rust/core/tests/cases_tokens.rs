//! The shared cases of `tests/cases/tokens`: what tiktoken and ctok counted.

use std::fs;
use std::path::Path;

use serde_json::Value;
use turnout_core::tokens::{Edges, Family, count_exact, count_exact_within, encode};

#[test]
fn counts_are_those_that_were_recorded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/tokens/counts.json");
    let cases: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() > 50);
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        for family in [Family::O200k, Family::Cl100k, Family::Claude3To46, Family::Claude47On] {
            assert_eq!(count_exact(family, text), case[family.name()].as_u64(), "{family:?} {text:?}");
        }
        for family in [Family::O200k, Family::Cl100k] {
            assert_eq!(encode(family, text).map(|ids| ids.len() as u64), case[family.name()].as_u64(), "{text:?}");
        }
        let opus_47 = Edges { opens_word: true, trims_end: false };
        let count = count_exact_within(Family::Claude47On, text, opus_47);
        assert_eq!(count, case["claude-4.7"].as_u64(), "Opus 4.7 {text:?}");
    }
}

#[test]
fn white_space_at_the_end_is_free_where_it_is_trimmed() {
    let edges = |trims_end| Edges { opens_word: false, trims_end };
    let count = |text, trims_end| count_exact_within(Family::Claude47On, text, edges(trims_end)).unwrap();
    // Recorded of Opus 5: a text costs the same with one space, or a space and a newline, at its end.
    for text in ["end function ", "(\"US\",\"New York\") \n"] {
        assert_eq!(count(text, true), count(text, false) - 1);
        assert_eq!(count(text, true), count(text.trim_end(), true));
    }
    assert_eq!(count(" \n", true), 0);
    assert_eq!(count("a\u{a0}", true), count("a\u{a0}", false));
}
