//! The walk along a text: part by part, each counted on its own.

use super::characters::{Characters, DIGIT, LETTER_ALONE, MARK, WHITE, is_wordy};
use super::chunk::chunk;
use super::normal::normalized;
use super::tiling::{CLOSE, OPEN};
use super::{Edges, Model, case};
use crate::tokens::memo::{Key, Memo};

/// A window is cut at the first place after so many bytes where nothing reaches across.
const WINDOW: usize = 1 << 16;

/// Tags of keys: a word, and chunks by their markers.
const WORD: u8 = 1;
const CHUNK: u8 = 2;

/// Room that is kept from call to call.
#[derive(Default)]
pub(super) struct Buffers {
    text: String,
    work: Vec<(u8, char)>,
    marked: Vec<u8>,
}

/// What stands before the next part.
#[derive(Clone, Copy)]
struct Before {
    /// The frame, and it opens a word.
    is_open_frame: bool,
    /// A space, or a frame that opens a word.
    is_space: bool,
    /// A single space of which it is not known whether it is a token; and whether what stands before it is closed.
    lone_space: Option<bool>,
    /// Whether the last part was closed.
    is_closed: bool,
}

/// One count.
pub(super) struct Stream<'a> {
    model: &'a Model,
    characters: &'a Characters,
    memo: &'a mut Memo,
    buffers: &'a mut Buffers,
    total: u64,
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        model: &'a Model,
        characters: &'a Characters,
        memo: &'a mut Memo,
        buffers: &'a mut Buffers,
    ) -> Self {
        Self { model, characters, memo, buffers, total: 0 }
    }

    /// The tokens of a text that is not empty.
    pub(super) fn count(mut self, text: &str, edges: Edges) -> u64 {
        let mut before =
            Before { is_open_frame: edges.opens_word, is_space: edges.opens_word, lone_space: None, is_closed: false };
        let mut takes_space = edges.opens_word && text.starts_with(' ');
        let mut left = text;
        let mut buffer = std::mem::take(&mut self.buffers.text);
        let mut work = std::mem::take(&mut self.buffers.work);
        while !left.is_empty() {
            let (window, rest) = left.split_at_checked(cut(left)).unwrap_or((left, ""));
            left = rest;
            let normal = normalized(window, self.characters, self.model.folds_quotes, &mut buffer, &mut work);
            let mut bytes = normal.as_bytes();
            if left.is_empty() {
                bytes = self.without_tail(bytes);
            }
            // The frame's open word takes in one space.
            if takes_space && bytes.first() == Some(&b' ') && bytes.get(1) != Some(&b' ') {
                bytes = bytes.get(1..).unwrap_or_default();
            }
            takes_space = false;
            before = self.walk(bytes, before);
        }
        // A space at the end is a token, and so is the frame's marker when nothing took it.
        self.total += u64::from(before.lone_space.is_some()) + u64::from(before.is_open_frame);
        // Room beyond a window is given back.
        buffer.shrink_to(WINDOW * 2);
        self.buffers.marked.shrink_to(WINDOW);
        self.buffers.text = buffer;
        self.buffers.work = work;
        self.total
    }

    /// The text without the newlines at its end. With the two that the frame adds they are one run, of which the frame pays
    /// one token.
    fn without_tail<'t>(&mut self, bytes: &'t [u8]) -> &'t [u8] {
        let newlines = bytes.iter().rev().take_while(|byte| **byte == b'\n').count();
        if newlines > 0 {
            self.total += self.model.vocabulary.white(b'\n', newlines as u64 + 2).saturating_sub(1);
        }
        bytes.get(..bytes.len() - newlines).unwrap_or_default()
    }

    fn walk(&mut self, bytes: &[u8], mut before: Before) -> Before {
        let mut at = 0;
        while at < bytes.len() {
            let (kind, next) = self.characters.kind_at(bytes, at);
            at = match kind {
                WHITE => self.white(bytes, at, &mut before),
                kind if is_wordy(kind) => self.word(bytes, at, next, kind, &mut before),
                DIGIT => self.digits(bytes, next, &mut before),
                LETTER_ALONE => self.alone(bytes, at, next, &mut before),
                _ => self.chunk(bytes, at, &mut before),
            };
        }
        before
    }

    /// The part that follows is known: whether it begins with the marker of an open word, and whether it is closed.
    #[inline]
    fn settle(&mut self, before: &mut Before, opens: bool, closes: bool) {
        if let Some(was_closed) = before.lone_space {
            self.total += u64::from(!(was_closed && opens));
        }
        *before = Before { is_open_frame: false, is_space: false, lone_space: None, is_closed: closes };
    }

    fn white(&mut self, bytes: &[u8], start: usize, before: &mut Before) -> usize {
        let mut at = start;
        let is_lone = bytes.get(at) == Some(&b' ') && self.characters.kind_at(bytes, at + 1).0 != WHITE;
        // The frame's marker becomes the space that the text begins with.
        self.total += u64::from(before.is_open_frame && bytes.get(at) != Some(&b' '));
        let mut last = b' ';
        if is_lone {
            at += 1;
        } else {
            while let (WHITE, next) = self.characters.kind_at(bytes, at) {
                last = bytes.get(at).copied().unwrap_or(b' ');
                if last < 0x80 {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let run = rest.iter().take_while(|byte| **byte == last).count();
                    self.total += self.model.vocabulary.white(last, run as u64);
                    at += run;
                } else {
                    let char = bytes.get(at..next).unwrap_or_default();
                    self.total += self.model.vocabulary.tiles(char);
                    at = next;
                }
            }
        }
        *before = Before {
            is_open_frame: false,
            is_space: last == b' ',
            lone_space: is_lone.then_some(before.is_closed),
            is_closed: false,
        };
        at
    }

    fn digits(&mut self, bytes: &[u8], mut at: usize, before: &mut Before) -> usize {
        self.total += u64::from(before.is_open_frame);
        self.settle(before, false, false);
        let rest = bytes.get(at..).unwrap_or_default();
        let more = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        at += more;
        // All numbers of one, two and three digits are pieces, and no longer ones.
        self.total += (more as u64 + 1).div_ceil(3);
        at
    }

    fn alone(&mut self, bytes: &[u8], start: usize, mut end: usize, before: &mut Before) -> usize {
        self.total += u64::from(before.is_open_frame);
        self.settle(before, false, false);
        let mut at = start;
        loop {
            self.total += self.model.vocabulary.alone(bytes.get(at..end).unwrap_or_default());
            at = end;
            match self.characters.kind_at(bytes, at) {
                (LETTER_ALONE, next) if next > at => end = next,
                _ => return at,
            }
        }
    }

    fn word(&mut self, bytes: &[u8], start: usize, next: usize, kind: u8, before: &mut Before) -> usize {
        self.settle(before, true, true);
        let mut at = next;
        loop {
            let (kind, next) = self.characters.kind_at(bytes, at);
            if !is_wordy(kind) {
                break;
            }
            at = next;
        }
        let key = Key::new(bytes, start, at - start, WORD);
        let known = key.and_then(|key| self.memo.get(key));
        self.total += known.unwrap_or_else(|| {
            // A word that a mark opens is left as it is.
            let cost = self.tile_word(bytes.get(start..at).unwrap_or_default(), kind == MARK);
            if let Some(key) = key {
                self.memo.put(key, cost);
            }
            cost
        });
        at
    }

    fn tile_word(&mut self, word: &[u8], is_literal: bool) -> u64 {
        let Ok(word) = std::str::from_utf8(word) else { return 0 };
        let marked = &mut self.buffers.marked;
        marked.clear();
        case::mark_word(word, self.characters, self.model.marks_capitals, is_literal, marked);
        self.model.vocabulary.tiles(marked)
    }

    fn chunk(&mut self, bytes: &[u8], start: usize, before: &mut Before) -> usize {
        let found = chunk(bytes, start, self.characters);
        // A single space after it is marked on it.
        let is_seam = bytes.get(found.end) == Some(&b' ') && bytes.get(found.end + 1) != Some(&b' ');
        let closes = found.is_contraction || found.takes_right && is_seam;
        let opens = before.is_space && found.takes_left;
        // The frame's marker stands before what takes none; before an apostrophe that opens a word it is a space.
        let is_framed = before.is_open_frame && !opens && !found.opens_word;
        self.total += u64::from(before.is_open_frame && found.opens_word);
        self.settle(before, opens, closes);
        let tag = CHUNK + u8::from(opens || is_framed) + 2 * u8::from(closes);
        let key = Key::new(bytes, start, found.end - start, tag);
        let known = key.and_then(|key| self.memo.get(key));
        self.total += known.unwrap_or_else(|| {
            let cost = self.tile_chunk(bytes.get(start..found.end).unwrap_or_default(), opens || is_framed, closes);
            if let Some(key) = key {
                self.memo.put(key, cost);
            }
            cost
        });
        found.end
    }

    fn tile_chunk(&mut self, chunk: &[u8], opens: bool, closes: bool) -> u64 {
        let marked = &mut self.buffers.marked;
        marked.clear();
        if opens {
            marked.push(OPEN);
        }
        marked.extend_from_slice(chunk);
        if closes {
            marked.push(CLOSE);
        }
        self.model.vocabulary.tiles(marked)
    }
}

/// Where the first window of a text ends: behind a newline that something visible of ASCII follows, or at its end.
fn cut(text: &str) -> usize {
    let bytes = text.as_bytes();
    let from = bytes.get(WINDOW..).unwrap_or_default();
    let place = from.windows(2).position(|pair| matches!(pair, [b'\n', second] if second.is_ascii_graphic()));
    place.map_or(bytes.len(), |place| WINDOW + place + 1)
}
