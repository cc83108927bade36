//! Normalization of a window of text: form C, then what Claude leaves out or folds. Most text needs none and is not copied.

use super::characters::{COMBINES, COMPOSES, Characters, FOLDS, QUOTE};

/// The text as the marked stream reads it: itself when nothing changes, else rewritten into `buffer`.
pub(super) fn normalized<'t>(
    text: &'t str,
    characters: &Characters,
    folds_quotes: bool,
    buffer: &'t mut String,
    work: &mut Vec<(u8, char)>,
) -> &'t str {
    let Some(first) = first_change(text, characters, folds_quotes) else { return text };
    buffer.clear();
    let (kept, rest) = text.split_at_checked(first).unwrap_or(("", text));
    buffer.push_str(kept);
    let mut writer = Writer { characters, folds_quotes, out: buffer, has_gap: false };
    let mut left = rest;
    while let Some(first) = left.chars().next() {
        // A character and all that may combine with it.
        let odd = |char: char| characters.class(u32::from(char)) & (COMBINES | COMPOSES) != 0;
        let start = first.len_utf8();
        let follow = left.get(start..).unwrap_or_default();
        let end = start + follow.find(|char: char| !odd(char)).unwrap_or(follow.len());
        let (segment, after) = left.split_at_checked(end).unwrap_or((left, ""));
        left = after;
        if end == start && !odd(first) {
            writer.push(first);
        } else {
            compose(segment, characters, work);
            for (_, char) in work.iter() {
                writer.push(*char);
            }
        }
    }
    buffer
}

/// Where the first segment begins that normalization may change; none when it changes nothing.
fn first_change(text: &str, characters: &Characters, folds_quotes: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let changes = COMPOSES | FOLDS | if folds_quotes { QUOTE } else { 0 };
    let (mut at, mut before) = (0, 0);
    let mut was_combining = false;
    while let Some(first) = bytes.get(at).copied() {
        let (class, next) = characters.class_at(bytes, at, first);
        let is_combining = class & COMBINES != 0;
        // One combining character that composes with nothing is in its place already; of two the order must be looked at.
        if class & changes != 0 || is_combining && was_combining {
            return Some(if class & (COMPOSES | COMBINES) != 0 { before } else { at });
        }
        // The segment begins with the last character that combines with nothing before it.
        if !is_combining {
            before = at;
        }
        was_combining = is_combining;
        at = next;
    }
    None
}

struct Writer<'w> {
    characters: &'w Characters,
    folds_quotes: bool,
    out: &'w mut String,
    /// Whether a private character was left out since the last one written.
    has_gap: bool,
}

impl Writer<'_> {
    fn push(&mut self, char: char) {
        let class = self.characters.class(u32::from(char));
        if class & QUOTE != 0 && self.folds_quotes {
            self.out.push(if matches!(char, '\u{2018}' | '\u{2019}') { '\'' } else { '"' });
        } else if char == '\u{E32}' && !self.has_gap && self.out.ends_with('\u{E4D}') {
            // Thai SARA AM, of which form C leaves the two parts apart.
            self.out.pop();
            self.out.push('\u{E33}');
        } else if class & FOLDS == 0 || char == '\u{E4D}' {
            self.out.push(char);
        } else if matches!(char, '\u{E000}'..='\u{F8FF}') {
            self.has_gap = true;
            return;
        } else if matches!(char, '\u{1}'..='\u{1F}' | '\u{7F}'..='\u{9F}') {
            return;
        } else {
            self.out.push(' ');
        }
        self.has_gap = false;
    }
}

const SYLLABLES: u32 = 0xAC00;
const LEADS: u32 = 0x1100;
const VOWELS: u32 = 0x1161;
const TAILS: u32 = 0x11A7;
const LEAD_COUNT: u32 = 19;
const VOWEL_COUNT: u32 = 21;
const TAIL_COUNT: u32 = 28;
const SYLLABLE_COUNT: u32 = LEAD_COUNT * VOWEL_COUNT * TAIL_COUNT;

/// The place of a code point in a range that begins at `start`; none when it is not there.
fn within(char: char, start: u32, count: u32) -> Option<u32> {
    u32::from(char).checked_sub(start).filter(|place| *place < count)
}

/// Puts a segment into `work` in normalization form C: decomposed, ordered, composed.
fn compose(segment: &str, characters: &Characters, work: &mut Vec<(u8, char)>) {
    work.clear();
    for char in segment.chars() {
        if let Some(place) = within(char, SYLLABLES, SYLLABLE_COUNT) {
            let tail = place % TAIL_COUNT;
            let parts =
                [LEADS + place / (VOWEL_COUNT * TAIL_COUNT), VOWELS + place / TAIL_COUNT % VOWEL_COUNT, TAILS + tail];
            let used = if tail == 0 { 2 } else { 3 };
            work.extend(parts.into_iter().take(used).filter_map(char::from_u32).map(|part| (0, part)));
        } else if let Some(parts) = characters.decomposition(char) {
            work.extend(parts.iter().map(|part| (characters.combining(*part), *part)));
        } else {
            work.push((characters.combining(char), char));
        }
    }
    // Combining characters by class, each run on its own; the sort is stable.
    work.chunk_by_mut(|first, second| first.0 != 0 && second.0 != 0)
        .for_each(|run| run.sort_by_key(|(class, _)| *class));
    // `kept` characters are done; `base` is the last starter among them, `last` the class of what follows it.
    let (mut kept, mut base, mut last) = (0_usize, None::<usize>, 0_u8);
    for index in 0..work.len() {
        let Some((class, char)) = work.get(index).copied() else { break };
        let starter = base.and_then(|place| work.get(place)).map(|(_, char)| *char);
        let is_next = base.is_some_and(|place| place + 1 == kept);
        // Blocked when something of the same or a higher class, or another starter, stands between.
        if (is_next || last != 0 && last < class)
            && let Some(composite) = starter.and_then(|starter| pair(starter, char, characters))
        {
            if let Some(slot) = base.and_then(|place| work.get_mut(place)) {
                slot.1 = composite;
            }
            continue;
        }
        if class == 0 {
            base = Some(kept);
        }
        last = class;
        if let Some(slot) = work.get_mut(kept) {
            *slot = (class, char);
        }
        kept += 1;
    }
    work.truncate(kept);
}

fn pair(first: char, second: char, characters: &Characters) -> Option<char> {
    if let (Some(lead), Some(vowel)) = (within(first, LEADS, LEAD_COUNT), within(second, VOWELS, VOWEL_COUNT)) {
        return char::from_u32(SYLLABLES + (lead * VOWEL_COUNT + vowel) * TAIL_COUNT);
    }
    if let (Some(place), Some(tail)) = (within(first, SYLLABLES, SYLLABLE_COUNT), within(second, TAILS, TAIL_COUNT))
        && place % TAIL_COUNT == 0
        && tail > 0
    {
        return char::from_u32(SYLLABLES + place + tail);
    }
    characters.composition(first, second)
}

#[cfg(test)]
mod tests {
    use super::super::characters;
    use super::*;

    fn normal(text: &str, folds_quotes: bool) -> String {
        let (mut buffer, mut work) = (String::new(), Vec::new());
        normalized(text, characters().unwrap(), folds_quotes, &mut buffer, &mut work).to_owned()
    }

    #[test]
    fn composes_orders_and_folds() {
        for (text, normalized) in [
            ("plain, with\ttab\n", "plain, with\ttab\n"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
            ("a\u{323}\u{302}", "\u{1ead}"),
            ("\u{1100}\u{1161}\u{11a8}", "\u{ac01}"),
            ("\u{ac00}\u{11a8}", "\u{ac01}"),
            ("\u{212b}\u{958}", "\u{c5}\u{915}\u{93c}"),
            ("e\u{1}\u{301}", "e\u{301}"),
            ("a\r\nb\0c\u{a0}d\u{2003}e\u{85}", "a\nb c d e"),
            ("\u{e4d}\u{e32} \u{e4d}\u{1}\u{e32} \u{e4d}\u{e000}\u{e32}", "\u{e33} \u{e33} \u{e4d}\u{e32}"),
            ("x\u{f8ff}y", "xy"),
            ("नमस्ते", "नमस्ते"),
        ] {
            assert_eq!(normal(text, false), normalized, "{text:?}");
        }
        assert_eq!(normal("\u{201c}it\u{2019}s\u{201d}", true), "\"it's\"");
        assert_eq!(normal("\u{201c}it\u{2019}s\u{201d}", false), "\u{201c}it\u{2019}s\u{201d}");
    }
}
