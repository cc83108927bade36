//! The counter against the plain way.

use proptest::prelude::*;

use super::reference;
use super::{Edges, Generation, count};

const EDGES: [Edges; 3] = [
    Edges { opens_word: true, trims_end: false },
    Edges { opens_word: false, trims_end: false },
    Edges { opens_word: false, trims_end: true },
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,14}",
        " [A-Z][a-z]{0,9}",
        "[A-Z]{1,8}",
        "[A-Za-z0-9+/]{1,80}",
        "[0-9]{1,7}",
        "[ \t\r\n\u{3000}]{1,6}",
        " ",
        "[!-/:-@]{1,5}",
        "(-{1,90}|={1,90}|\\.{1,300}| {1,40}|\n{1,60})",
        "[é-öА-яא-תء-ي]{1,6}",
        "[一-龥ぁ-ん가-힣ก-ฮ]{1,6}",
        "[\u{300}-\u{36f}'’ſ\u{a0}\u{2003}ªǅ\u{1F600}-\u{1F64F}]{1,4}",
        "[\u{fe0f}\u{711}\u{730}²½٣३१\u{20e3}\u{94d}ⓐⒶⅣẞİΣϴ\u{1c89}\u{a7cb}\u{e000}\u{fdd0}\u{0}\u{1}\u{e4d}\u{e32}“”]{1,3}",
        "'(s|T|re|VE|m|LL|d|ll|ve|t)",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn counts_as_the_plain_way_does(text in texts()) {
        for generation in [Generation::From3, Generation::From47] {
            for edges in EDGES {
                prop_assert_eq!(
                    count(generation, &text, edges),
                    Some(reference::count(generation, &text, edges)),
                    "{:?} {:?}", generation, edges
                );
            }
        }
    }
}

#[test]
fn windows_change_no_count() {
    // Lines beyond a window, of kinds that normalization copies and does not, cut at their ends.
    let line = "It's “said” to be\r\n cafe\u{301}s, 漢字 and ''' x\n'Twas 12345 नमस्ते\n\n\n-----\n";
    let lines = 300_000 / line.len();
    for generation in [Generation::From3, Generation::From47] {
        let count = |times: usize| count(generation, &line.repeat(times), generation.edges()).unwrap();
        // What each further line costs is what the second did.
        let (two, three) = (count(2), count(3));
        assert_eq!(count(lines), two + (three - two) * (lines as u64 - 2));
        assert_eq!(two, reference::count(generation, &line.repeat(2), generation.edges()));
    }
}

#[test]
fn long_runs_cost_what_the_plain_way_says() {
    for generation in [Generation::From3, Generation::From47] {
        for byte in ["a", "A", "-", ".", " ", "\n", "=|", "é", "漢", "😀", "\u{301}", "7", "'"] {
            for times in [1, 63, 64, 65, 500, 2_000] {
                let text = format!("x {} y", byte.repeat(times));
                let expected = reference::count(generation, &text, generation.edges());
                assert_eq!(count(generation, &text, generation.edges()), Some(expected), "{byte:?} x {times}");
            }
        }
        // So long that the longest piece is taken out beforehand.
        for times in [17_000, 40_001] {
            let text = format!("x{}y", ".".repeat(times));
            let expected = reference::count(generation, &text, generation.edges());
            assert_eq!(count(generation, &text, generation.edges()), Some(expected), "{times}");
        }
    }
}
