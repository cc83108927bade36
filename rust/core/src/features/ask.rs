//! The caller's ask: what the last user turn with text wants, borrowed and bounded.

use crate::wire::{Part, Request, Role, Turn};
use memchr::{memchr_iter, memmem, memrchr_iter};

/// How much of the beginning of an ask is looked at, in bytes.
pub const HEAD_BYTES: usize = 4096;
/// How much of the end of a longer ask is looked at, in bytes.
pub const TAIL_BYTES: usize = 2048;
/// How far a cut may move to fall on white space, in bytes.
const CUT_SLACK_BYTES: usize = 64;

/// Blocks that harnesses (Claude Code, Codex, Cline, Cursor) put into user turns beside what the user wrote.
const NOISE_TAGS: [&str; 12] = [
    "system-reminder",
    "command-message",
    "command-name",
    "local-command-stdout",
    "local-command-stderr",
    "environment_details",
    "environment_context",
    "user_instructions",
    "ide_opened_file",
    "ide_selection",
    "additional_data",
    "task-notification",
];

/// Whose text an [`Ask`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskSource {
    /// The last user turn that has text of its own.
    User,
    /// The last system text, because no user turn has any.
    System,
    /// The last assistant turn with text, because there is nothing else.
    Assistant,
    /// There is no text at all.
    Nothing,
}

/// What the caller asks for: pieces of the request's own text, in order, without tool results and harness noise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask<'r> {
    pieces: Vec<&'r str>,
    gap: Option<usize>,
    text_bytes: u64,
    source: AskSource,
}

impl<'r> Ask<'r> {
    /// The ask of a bare text.
    pub fn of_text(text: &'r str) -> Self {
        bounded(&[text], AskSource::User).unwrap_or_else(Self::nothing)
    }

    /// The pieces to look at: together at most [`HEAD_BYTES`] + [`TAIL_BYTES`].
    pub fn pieces(&self) -> &[&'r str] {
        &self.pieces
    }

    /// The index of the first piece that stands behind what was left out, when something was.
    pub const fn gap(&self) -> Option<usize> {
        self.gap
    }

    /// Bytes of the whole turn's text, noise and what was left out included.
    pub const fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Whose text it is.
    pub const fn source(&self) -> AskSource {
        self.source
    }

    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    const fn nothing() -> Self {
        Self { pieces: Vec::new(), gap: None, text_bytes: 0, source: AskSource::Nothing }
    }
}

/// The caller's ask: the text of the last user turn that has any once noise is taken out. Without such a turn, the last
/// system text; then the last assistant turn.
///
/// Time: the turns behind the ask, plus the length of noise blocks inside the bounds; never the length of the ask.
pub fn ask<'r>(request: &'r Request<'_>) -> Ask<'r> {
    let of_role = |role: Role, source: AskSource| {
        request.turns.iter().rev().filter(|turn| turn.role == role).find_map(|turn| bounded(&texts(turn), source))
    };
    of_role(Role::User, AskSource::User)
        .or_else(|| request.system.iter().rev().find_map(|text| bounded(&[text.as_ref()], AskSource::System)))
        .or_else(|| of_role(Role::Assistant, AskSource::Assistant))
        .unwrap_or_else(Ask::nothing)
}

fn texts<'r>(turn: &'r Turn<'_>) -> Vec<&'r str> {
    turn.parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.as_ref()),
            _ => None,
        })
        .collect()
}

fn bounded<'r>(texts: &[&'r str], source: AskSource) -> Option<Ask<'r>> {
    if texts.is_empty() {
        return None;
    }
    let text_bytes = texts.iter().fold(0_u64, |sum, text| sum.saturating_add(text.len() as u64));
    let mut walk = Walk::default();
    let mut pieces = Vec::new();
    let mut gap = None;
    if walk.forward(texts, HEAD_BYTES + TAIL_BYTES, &mut pieces).is_some() {
        pieces.clear();
        let stop = walk.forward(texts, HEAD_BYTES, &mut pieces).unwrap_or((texts.len(), 0));
        let mut tail = Vec::new();
        walk.backward(texts, stop, TAIL_BYTES, &mut tail);
        if !tail.is_empty() {
            gap = Some(pieces.len());
            pieces.extend(tail.into_iter().rev());
        }
    }
    (!pieces.is_empty()).then_some(Ask { pieces, gap, text_bytes, source })
}

/// Walks over texts and steps across noise; remembers which tags have no partner, so that no search is repeated.
#[derive(Default)]
struct Walk {
    unclosed: u16,
    unopened: u16,
}

impl Walk {
    /// Pushes up to `budget` bytes from the start; where it stopped (text, byte) when the texts go on.
    fn forward<'r>(&mut self, texts: &[&'r str], budget: usize, pieces: &mut Vec<&'r str>) -> Option<(usize, usize)> {
        let mut left = budget;
        for (index, text) in texts.iter().enumerate() {
            self.unclosed = 0;
            let mut at = 0;
            while at < text.len() {
                if left == 0 {
                    return Some((index, at));
                }
                let rest = text.get(at..).unwrap_or_default();
                let window = cut_before(rest, left);
                let noise = memchr_iter(b'<', window.as_bytes()).find_map(|open| {
                    self.noise_from(rest.get(open..).unwrap_or_default()).map(|length| (open, length))
                });
                let (keep, skip) = noise.unwrap_or((window.len(), 0));
                if keep == 0 && skip == 0 {
                    // No whole character fits into what is left of the budget.
                    return Some((index, at));
                }
                push(rest.get(..keep).unwrap_or_default(), pieces);
                left = left.saturating_sub(keep);
                at = at.saturating_add(keep).saturating_add(skip);
                if noise.is_none() && at < text.len() {
                    return Some((index, at));
                }
            }
        }
        None
    }

    /// Pushes up to `budget` bytes from the end, last piece first, down to `stop`.
    fn backward<'r>(&mut self, texts: &[&'r str], stop: (usize, usize), budget: usize, pieces: &mut Vec<&'r str>) {
        let mut left = budget;
        for (index, text) in texts.iter().enumerate().rev() {
            if index < stop.0 {
                return;
            }
            self.unopened = 0;
            let floor = if index == stop.0 { stop.1 } else { 0 };
            let mut text = text.get(floor..).unwrap_or_default();
            while !text.is_empty() && left > 0 {
                let window = cut_after(text, left);
                let start = text.len().saturating_sub(window.len());
                let noise = memrchr_iter(b'<', window.as_bytes()).find_map(|close| {
                    let close = start.saturating_add(close);
                    self.noise_until(text, close)
                });
                let Some((open, end)) = noise else {
                    push(window, pieces);
                    if start > 0 {
                        return;
                    }
                    left = left.saturating_sub(window.len());
                    break;
                };
                let piece = text.get(end..).unwrap_or_default();
                push(piece, pieces);
                left = left.saturating_sub(piece.len());
                text = text.get(..open).unwrap_or_default();
            }
        }
    }

    /// The length of the noise block at the start of `text`, when there is one.
    fn noise_from(&mut self, text: &str) -> Option<usize> {
        let inner = text.strip_prefix('<')?;
        let (index, tag) = tag_at(inner)?;
        if self.unclosed & (1 << index) != 0 {
            return None;
        }
        let close = close_tag(tag);
        let found = memmem::find(inner.as_bytes(), close.as_bytes());
        if found.is_none() {
            self.unclosed |= 1 << index;
        }
        found.map(|at| at.saturating_add(close.len()).saturating_add(1))
    }

    /// The noise block of `text` whose closing tag begins at `close`: where it begins and where it ends.
    fn noise_until(&mut self, text: &str, close: usize) -> Option<(usize, usize)> {
        let inner = text.get(close..)?.strip_prefix("</")?;
        let (index, tag) = tag_at(inner)?;
        if self.unopened & (1 << index) != 0 {
            return None;
        }
        let open = format!("<{tag}>");
        let found = memmem::rfind(text.get(..close)?.as_bytes(), open.as_bytes());
        if found.is_none() {
            self.unopened |= 1 << index;
        }
        found.map(|at| (at, close.saturating_add(tag.len()).saturating_add(3)))
    }
}

fn close_tag(tag: &str) -> String {
    format!("</{tag}>")
}

fn tag_at(inner: &str) -> Option<(usize, &'static str)> {
    NOISE_TAGS
        .iter()
        .enumerate()
        .find(|(_, tag)| inner.strip_prefix(**tag).is_some_and(|rest| rest.starts_with('>')))
        .map(|(index, tag)| (index, *tag))
}

fn push<'r>(piece: &'r str, pieces: &mut Vec<&'r str>) {
    let piece = piece.trim();
    if !piece.is_empty() {
        pieces.push(piece);
    }
}

/// At most the first `limit` bytes, cut at white space when there is some near, else at a character.
fn cut_before(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let bytes = text.as_bytes();
    let near = bytes.get(limit.saturating_sub(CUT_SLACK_BYTES)..limit).unwrap_or_default();
    let mut end = near
        .iter()
        .rposition(u8::is_ascii_whitespace)
        .map_or(limit, |at| limit.saturating_sub(CUT_SLACK_BYTES).saturating_add(at).saturating_add(1));
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// At most the last `limit` bytes, cut at white space when there is some near, else at a character.
fn cut_after(text: &str, limit: usize) -> &str {
    let mut start = text.len().saturating_sub(limit);
    if start == 0 {
        return text;
    }
    let near = text.as_bytes().get(start..start.saturating_add(CUT_SLACK_BYTES)).unwrap_or_default();
    start = near.iter().position(u8::is_ascii_whitespace).map_or(start, |at| start.saturating_add(at));
    while !text.is_char_boundary(start) {
        start = start.saturating_add(1);
    }
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        Ask::of_text(text).pieces().join("|")
    }

    #[test]
    fn takes_noise_out() {
        assert_eq!(joined("<system-reminder>todo list</system-reminder>\nfix the bug"), "fix the bug");
        assert_eq!(joined("a <system-reminder>x</system-reminder> b <command-name>/y</command-name>"), "a|b");
        assert_eq!(joined("<system-reminder>never closed"), "<system-reminder>never closed");
        assert!(Ask::of_text("<system-reminder>only</system-reminder> ").is_empty());
        assert_eq!(Ask::of_text("").source(), AskSource::Nothing);
    }

    #[test]
    fn bounds_a_long_ask() {
        let text = format!("start {} end", "word ".repeat(20_000));
        let ask = Ask::of_text(&text);
        assert_eq!(ask.gap(), Some(1));
        assert_eq!(ask.pieces().len(), 2);
        assert!(ask.pieces()[0].starts_with("start") && ask.pieces()[1].ends_with("end"));
        assert!(ask.pieces()[0].len() <= HEAD_BYTES && ask.pieces()[1].len() <= TAIL_BYTES);
        assert_eq!(ask.text_bytes(), text.len() as u64);
    }

    #[test]
    fn noise_does_not_use_up_the_bounds() {
        let noise = format!("<system-reminder>{}</system-reminder>", "x".repeat(50_000));
        assert_eq!(joined(&format!("{noise}please {noise} help{noise}")), "please|help");
        let long = format!("{noise}{}{noise}the end{noise}", "word ".repeat(3_000));
        let ask = Ask::of_text(&long);
        assert_eq!(ask.pieces().last(), Some(&"the end"));
        assert!(ask.pieces().iter().all(|piece| piece.starts_with("word") || *piece == "the end"));
    }
}
