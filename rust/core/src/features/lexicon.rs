//! The table of cue words: read once from its text form, then one look-up a word.
//!
//! Text form: `[signal]` opens a section, `xx: a | b* | c d` lists cues of a language (for the reader's eye only): a
//! word, a stem with `*`, or a phrase of two or three whole words. A cue in a script without spaces matches anywhere.

use super::fold::{Folded, SEED, fold, mix};
use super::programming::ProgrammingLanguage;
use super::signal::Signal;
use std::sync::OnceLock;

/// The cues that ship. Written for this project from the taxonomy; not fitted on any data.
const CUES: &str = include_str!("../../data/classify/cues.txt");

const SLOTS: usize = 16_384;
const FILTER_BITS: usize = 1 << 16;
const FILTER_WORDS: usize = FILTER_BITS / 64;
/// The mark of a programming language in a slot's value.
const LANGUAGE_MARK: u16 = 0x100;

/// How a cue must stand in the text. Part of its hash, so that one table serves all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The whole word.
    Word = 1,
    /// The beginning of a word.
    Stem = 2,
    /// Two or three whole words in a row.
    Phrase = 3,
    /// Anywhere (scripts without spaces).
    Dense = 4,
    /// A word behind a backslash.
    Command = 5,
    /// The name of a programming language behind a code fence.
    Fence = 6,
}

/// What a cue tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Signal(Signal),
    Language(ProgrammingLanguage),
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u32,
    value: u16,
    used: bool,
}

/// The table: an open-addressed hash table behind a filter of two bits a cue.
#[derive(Debug)]
pub(super) struct Lexicon {
    filter: Box<[u64; FILTER_WORDS]>,
    slots: Box<[Slot]>,
}

impl Lexicon {
    /// The shipped table.
    pub(super) fn shipped() -> &'static Self {
        static TABLE: OnceLock<Lexicon> = OnceLock::new();
        TABLE.get_or_init(|| {
            let mut lexicon = Self { filter: Box::new([0; FILTER_WORDS]), slots: vec![Slot::default(); SLOTS].into() };
            for (kind, hash, value) in entries(CUES).filter_map(Result::ok) {
                lexicon.insert(finish(hash, kind), value);
            }
            lexicon
        })
    }

    fn insert(&mut self, hash: u64, value: u16) {
        let (word, bits) = filter_place(hash);
        if let Some(cell) = self.filter.get_mut(word) {
            *cell |= bits;
        }
        let start = slot_of(hash);
        for step in 0..SLOTS {
            let Some(slot) = self.slots.get_mut((start + step) % SLOTS) else { return };
            if slot.used && slot.key == key_of(hash) && slot.value == value {
                return;
            }
            if !slot.used {
                *slot = Slot { key: key_of(hash), value, used: true };
                return;
            }
        }
    }

    /// Whether there may be a cue of this hash: never wrong when it says no.
    #[inline]
    pub(super) fn may_have(&self, hash: u64, kind: Kind) -> bool {
        let (word, bits) = filter_place(finish(hash, kind));
        self.filter.get(word).is_some_and(|cell| cell & bits == bits)
    }

    /// Calls `found` with everything that a cue of this hash tells.
    #[inline]
    pub(super) fn look_up(&self, hash: u64, kind: Kind, found: impl FnMut(Meaning)) {
        if self.may_have(hash, kind) {
            self.look_up_slots(finish(hash, kind), found);
        }
    }

    fn look_up_slots(&self, hash: u64, mut found: impl FnMut(Meaning)) {
        let start = slot_of(hash);
        for step in 0..SLOTS {
            match self.slots.get((start + step) % SLOTS) {
                Some(slot) if slot.used => {
                    if slot.key == key_of(hash) {
                        if let Some(meaning) = meaning_of(slot.value) {
                            found(meaning);
                        }
                    }
                }
                _ => return,
            }
        }
    }
}

fn meaning_of(value: u16) -> Option<Meaning> {
    let index = usize::from(value & 0xFF);
    if value & LANGUAGE_MARK == 0 {
        Signal::ALL.get(index).copied().map(Meaning::Signal)
    } else {
        ProgrammingLanguage::ALL.get(index).copied().map(Meaning::Language)
    }
}

const fn finish(hash: u64, kind: Kind) -> u64 {
    mix(hash, kind as u64)
}

/// A cell of the filter and the two bits in it that stand for a hash.
const fn filter_place(hash: u64) -> (usize, u64) {
    ((hash >> 54) as usize % FILTER_WORDS, 1 << (hash >> 48 & 63) | 1 << (hash >> 42 & 63))
}

const fn slot_of(hash: u64) -> usize {
    ((hash >> 20) as usize) % SLOTS
}

#[allow(clippy::cast_possible_truncation, reason = "the key is the upper half of the hash on purpose")]
const fn key_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

type Entry = (Kind, u64, u16);

/// The cues of a text form; what cannot be read is an error (a test makes sure that there is none).
fn entries(text: &str) -> impl Iterator<Item = Result<Entry, &str>> {
    let mut section: Option<(u16, Kind)> = None;
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).flat_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = section_of(name);
            return if section.is_some() { Vec::new() } else { vec![Err(line)] };
        }
        let (Some((value, kind)), Some((_, cues))) = (section, line.split_once(':')) else { return vec![Err(line)] };
        cues.split('|')
            .map(|cue| read_cue(cue.trim(), kind).map(|(kind, hash)| (kind, hash, value)).ok_or(cue))
            .collect()
    })
}

fn section_of(name: &str) -> Option<(u16, Kind)> {
    if let Some(signal) = Signal::from_name(name) {
        let kind = if signal == Signal::Latex { Kind::Command } else { Kind::Word };
        return Some((u16::try_from(signal.index()).ok()?, kind));
    }
    let (prefix, kind) = name
        .strip_prefix("language ")
        .map(|rest| (rest, Kind::Word))
        .or_else(|| name.strip_prefix("fence ").map(|rest| (rest, Kind::Fence)))?;
    let index = ProgrammingLanguage::ALL.iter().position(|language| language.name() == prefix)?;
    Some((LANGUAGE_MARK | u16::try_from(index).ok()?, kind))
}

fn read_cue(cue: &str, kind: Kind) -> Option<(Kind, u64)> {
    let (text, kind) = match cue.strip_suffix('*') {
        Some(stem) if kind == Kind::Word => (stem, Kind::Stem),
        _ => (cue, kind),
    };
    let mut words: Vec<u64> = Vec::new();
    let mut hash = SEED;
    let mut dense = false;
    for ch in text.chars() {
        match fold(ch) {
            Folded::Word(code) | Folded::Digit(code) => {
                hash = mix(hash, u64::from(code));
                if ch == 'ß' {
                    hash = mix(hash, u64::from(code));
                }
            }
            Folded::Dense(code) => {
                dense = true;
                hash = mix(hash, u64::from(code));
            }
            Folded::Nothing => {}
            Folded::Space | Folded::Newline | Folded::Other(_) => {
                if hash != SEED {
                    words.push(hash);
                }
                hash = SEED;
            }
        }
    }
    if hash == SEED {
        return None;
    }
    if dense {
        return words.is_empty().then_some((Kind::Dense, hash));
    }
    match (words.as_slice(), kind) {
        ([], kind) => Some((kind, hash)),
        ([first], Kind::Word) => Some((Kind::Phrase, phrase2(*first, hash))),
        ([first, second], Kind::Word) => Some((Kind::Phrase, phrase3(*first, *second, hash))),
        _ => None,
    }
}

/// The hash of two words in a row.
pub(super) const fn phrase2(first: u64, second: u64) -> u64 {
    mix(mix(SEED, first), second)
}

/// The hash of three words in a row.
pub(super) const fn phrase3(first: u64, second: u64, third: u64) -> u64 {
    mix(mix(mix(SEED, first), second), third)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_shipped_cue_can_be_read_and_none_collide() {
        let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
        let mut count = 0;
        let unread: Vec<&str> = entries(CUES).filter_map(Result::err).collect();
        assert!(unread.is_empty(), "{unread:?}");
        for (kind, hash, _) in entries(CUES).filter_map(Result::ok) {
            count += 1;
            let hash = finish(hash, kind);
            let first = seen.entry(key_of(hash)).or_insert(hash);
            assert_eq!(*first, hash, "two cues share a key");
        }
        assert!(count > 1000, "{count} cues");
        assert!(count * 2 < SLOTS, "{count} cues: the table gets full");
    }
}
