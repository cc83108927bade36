//! The plain way, for tests: write the whole marked stream of a text, then tile it as one, with nothing but a set of pieces.

use std::collections::HashSet;
use std::sync::OnceLock;

use miniz_oxide::inflate::decompress_to_vec;

use super::characters::{
    CASELESS, DIGIT, DIGIT_ARABIC, LETTER_ALONE, MARK, NUMBER, NUMERAL, PUNCTUATION, SELECTOR, SIGN, WHITE,
};
use super::tiling::{CLOSE, OPEN};
use super::{Edges, Generation, case, characters, normal};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    /// Marks that nothing before them can carry.
    Stray,
    Digit,
    Punctuation,
    Hard,
    Space,
}

struct Run {
    class: Class,
    chars: Vec<char>,
}

fn kind(char: char) -> u8 {
    characters().unwrap().kind(char)
}

fn class(char: char) -> Class {
    match kind(char) {
        WHITE => Class::Space,
        DIGIT | DIGIT_ARABIC => Class::Digit,
        PUNCTUATION => Class::Punctuation,
        LETTER_ALONE | SIGN | NUMBER | NUMERAL | SELECTOR => Class::Hard,
        CASELESS..=MARK => Class::Word,
        other => panic!("kind {other}"),
    }
}

/// Of what stands in a hard run: signs, numbers, and all else.
fn hard_kind(char: char) -> u8 {
    match kind(char) {
        SIGN => 1,
        NUMBER | NUMERAL => 2,
        _ => 0,
    }
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for char in text.chars() {
        let class = class(char);
        let is_mark = kind(char) == MARK;
        match runs.last_mut() {
            Some(run) if run.class == Class::Stray && is_mark => run.chars.push(char),
            Some(run)
                if run.class == class
                    && (class != Class::Hard
                        || kind(char) == SELECTOR
                        || hard_kind(char) == hard_kind(run.chars[0])) =>
            {
                run.chars.push(char);
            }
            _ => runs.push(Run { class: if is_mark { Class::Stray } else { class }, chars: vec![char] }),
        }
    }
    runs
}

impl Run {
    fn is_number(&self) -> bool {
        let of = |char: &char| match kind(*char) {
            DIGIT | DIGIT_ARABIC | NUMBER => 1,
            NUMERAL => 2,
            _ => 0,
        };
        of(&self.chars[0]) != 0 && self.chars.iter().all(|char| of(char) == of(&self.chars[0]))
    }

    /// Whether a border next to this character of the run is marked.
    fn takes(&self, char: char) -> bool {
        let is_sign = self.class == Class::Punctuation || matches!(kind(char), SIGN | SELECTOR);
        let ends_in_sign =
            [self.chars[0], self.chars[self.chars.len() - 1]].iter().any(|char| matches!(kind(*char), SIGN | SELECTOR));
        is_sign || !ends_in_sign && self.is_number() && kind(char) != DIGIT
    }

    fn takes_left(&self) -> bool {
        matches!(self.class, Class::Digit | Class::Punctuation | Class::Hard) && self.takes(self.chars[0])
    }

    fn takes_right(&self) -> bool {
        matches!(self.class, Class::Digit | Class::Punctuation | Class::Hard)
            && self.takes(self.chars[self.chars.len() - 1])
    }
}

/// The marked stream of a text in normal form.
fn stream(text: &str, generation: Generation, edges: Edges) -> Vec<u8> {
    let runs = runs(text);
    let at = |index: usize, steps: isize| index.checked_add_signed(steps).and_then(|index| runs.get(index));
    let is_apostrophe = |run: &Run| run.chars == ['\''] && run.class == Class::Punctuation;
    let is_word = |run: &Run| matches!(run.class, Class::Word | Class::Stray);
    let opens_word = |index: usize| is_apostrophe(&runs[index]) && at(index, 1).is_some_and(is_word);
    let space_before = |index: usize| match at(index, -1) {
        None => edges.opens_word,
        Some(run) => run.class == Class::Space && run.chars.last() == Some(&' '),
    };
    let space_after = |index: usize| {
        at(index, 1)
            .is_some_and(|run| run.class == Class::Space && run.chars[0] == ' ' && run.chars.get(1) != Some(&' '))
    };
    let mut out = Vec::new();
    if edges.opens_word {
        match runs.first() {
            None => out.push(OPEN),
            Some(_) if opens_word(0) => out.push(b' '),
            Some(run) => {
                let joins = is_word(run) || run.takes_left() || run.class == Class::Space && run.chars[0] == ' ';
                if !joins {
                    out.push(OPEN);
                }
            }
        }
    }
    for (index, run) in runs.iter().enumerate() {
        let body: String = run.chars.iter().collect();
        match run.class {
            Class::Word => {
                let is_fused = at(index, -1).is_some_and(|run| run.class == Class::Stray);
                let is_contracted = matches!(body.as_str(), "s" | "t" | "d" | "m" | "ll" | "re" | "ve")
                    && at(index, -1).is_some_and(is_apostrophe)
                    && !at(index, -2).is_some_and(|run| {
                        run.takes_right()
                            || matches!(
                                run.chars[run.chars.len() - 1],
                                'Ⓐ'..='ⓩ' | '\u{1C89}' | '\u{1C8A}' | '\u{A7CB}'
                            )
                    });
                let mut marked = Vec::new();
                let marks_capitals = generation == Generation::From3;
                case::mark_word(&body, characters().unwrap(), marks_capitals, is_fused, &mut marked);
                if is_fused || is_contracted {
                    marked.retain(|byte| *byte != OPEN);
                }
                out.extend(marked);
            }
            Class::Stray => {
                out.push(OPEN);
                out.extend(body.bytes());
                if at(index, 1).is_none_or(|run| run.class != Class::Word) {
                    out.push(CLOSE);
                }
            }
            _ => {
                if run.takes_left() && space_before(index) && !opens_word(index) {
                    out.push(OPEN);
                }
                out.extend(body.bytes());
                if run.takes_right() && space_after(index) {
                    out.push(CLOSE);
                }
            }
        }
    }
    // A single space between two markers goes.
    let mut kept = Vec::new();
    for (index, byte) in out.iter().enumerate() {
        let after = out[index + 1..].iter().find(|byte| **byte < 0xFC || **byte == OPEN);
        let is_seam = *byte == b' ' && index > 0 && out[index - 1] == CLOSE && after == Some(&OPEN);
        if !is_seam {
            kept.push(*byte);
        }
    }
    kept
}

fn pieces(generation: Generation) -> &'static HashSet<Vec<u8>> {
    static FROM_3: OnceLock<HashSet<Vec<u8>>> = OnceLock::new();
    static FROM_47: OnceLock<HashSet<Vec<u8>>> = OnceLock::new();
    let load = |packed: &[u8]| {
        let plain = decompress_to_vec(&packed[4..]).unwrap();
        let count = u32::from_le_bytes(*plain.first_chunk().unwrap()) as usize;
        let (lengths, mut bytes) = plain[4..].split_at(count);
        let mut cut = |length: &u8| {
            let (piece, rest) = bytes.split_at(usize::from(*length));
            bytes = rest;
            piece.to_vec()
        };
        lengths.iter().map(&mut cut).collect()
    };
    match generation {
        Generation::From3 => FROM_3.get_or_init(|| load(include_bytes!("../../../data/vocab/claude_3_to_46.bin"))),
        Generation::From47 => FROM_47.get_or_init(|| load(include_bytes!("../../../data/vocab/claude_47_on.bin"))),
    }
}

fn tile(stream: &[u8], generation: Generation) -> u64 {
    let pieces = pieces(generation);
    let mut best = vec![0_u64];
    for end in 1..=stream.len() {
        let costs = (end.saturating_sub(128)..end)
            .filter(|start| end - start == 1 || pieces.contains(&stream[*start..end]))
            .map(|start| best[start] + 1);
        best.push(costs.min().unwrap());
    }
    best[stream.len()]
}

/// The tokens of a text.
pub(super) fn count(generation: Generation, text: &str, edges: Edges) -> u64 {
    let text = if edges.trims_end { text.trim_end_matches(|char: char| char.is_ascii_whitespace()) } else { text };
    if text.is_empty() {
        return 0;
    }
    let (mut buffer, mut work) = (String::new(), Vec::new());
    let folds = generation == Generation::From3;
    let normal = normal::normalized(text, characters().unwrap(), folds, &mut buffer, &mut work);
    let body = normal.trim_end_matches('\n');
    let newlines = normal.len() - body.len();
    let tail = if newlines == 0 { 0 } else { tile(&vec![b'\n'; newlines + 2], generation) - 1 };
    let takes_space = edges.opens_word && text.starts_with(' ') && body.starts_with(' ') && !body.starts_with("  ");
    let body = if takes_space { body.trim_start_matches(' ') } else { body };
    tail + tile(&stream(body, generation, edges), generation)
}
