//! The beginnings of a request, as hashes and shares of its size: what prompt caches are keyed by.
//!
//! Promises: one pass over the texts; two requests agree on a hash where they agree on everything before it (tools, system,
//! turns, in the order of a prompt), wherever their marks for the cache stand. Refuses: to hold any text.
//!
//! A test breaks it with two requests that differ early and agree on a later hash, or with a mark that changes one.

use crate::hash::{hash64, mix64};
use crate::wire::{Document, Image, ImageSource, Part, Request, Role, Tool};

/// What a picture weighs beside text, in bytes: some 1,000 tokens, whatever the length of its base64.
const IMAGE_BYTES: u64 = 4_000;
/// At most what a file weighs: base64 is far longer than the text in it.
const FILE_BYTES: u64 = 40_000;

/// Every prefix of a request that ends with a tool, a system text or a part of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prefixes {
    hashes: Vec<u64>,
    /// The weight up to the end of each, in bytes of text; ascending.
    weights: Vec<u64>,
    /// How many pieces stand before the turns.
    head: usize,
}

impl Prefixes {
    /// The prefixes of a request.
    pub fn of(request: &Request<'_>) -> Self {
        let mut found = Self::default();
        for tool in &request.tools {
            found.tool(tool);
        }
        for text in &request.system {
            found.piece(1, &[text.as_bytes()], count(text.len()));
        }
        found.head = found.hashes.len();
        for turn in &request.turns {
            // The same text may be said by either.
            let text_kind = if turn.role == Role::User { 4 } else { 5 };
            for part in &turn.parts {
                found.part(part, text_kind);
            }
        }
        found
    }

    /// The hashes of the first `pieces` prefixes, ascending.
    pub fn hashes(&self, pieces: usize) -> &[u64] {
        self.hashes.get(..pieces.min(self.hashes.len())).unwrap_or_default()
    }

    /// How many pieces there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// How many pieces stand before the turns: tools and system texts.
    pub fn head(&self) -> usize {
        self.head
    }

    /// The size of the first `pieces`, in bytes of text.
    pub fn size(&self, pieces: usize) -> u64 {
        pieces.checked_sub(1).and_then(|last| self.weights.get(last)).copied().unwrap_or(0)
    }

    fn tool(&mut self, tool: &Tool<'_>) {
        if tool.is_function {
            let texts: [&[u8]; 3] = [tool.name.as_bytes(), tool.description.as_bytes(), tool.schema];
            self.piece(2, &texts, texts.iter().map(|text| count(text.len())).sum());
        } else {
            self.piece(3, &[tool.raw], count(tool.raw.len()));
        }
    }

    fn part(&mut self, part: &Part<'_>, text_kind: u64) {
        match part {
            Part::Text(text) => self.piece(text_kind, &[text.as_bytes()], count(text.len())),
            Part::Image(image) => self.piece(6, &image_bytes(image), IMAGE_BYTES),
            Part::Document(Document { media_type, data, .. }) => {
                self.piece(7, &[media_type.as_bytes(), data.as_bytes()], count(data.len()).min(FILE_BYTES));
            }
            Part::ToolCall { id, name, arguments } => {
                let weight = count(name.len() + arguments.len());
                self.piece(8, &[id.as_bytes(), name.as_bytes(), arguments.as_bytes()], weight);
            }
            Part::ToolResult { id, text, images, .. } => {
                let weight = count(images.len()).saturating_mul(IMAGE_BYTES).saturating_add(count(text.len()));
                let mut texts = vec![id.as_bytes(), text.as_bytes()];
                texts.extend(images.iter().flat_map(image_bytes));
                self.piece(9, &texts, weight);
            }
            // Providers drop most of earlier thinking, and its signature is no text.
            Part::Thinking { text, raw } => self.piece(10, &[raw], count(text.len())),
            Part::Other { raw, .. } => self.piece(11, &[raw], count(raw.len()).min(FILE_BYTES)),
        }
    }

    fn piece(&mut self, kind: u64, texts: &[&[u8]], weight: u64) {
        let before = self.hashes.last().copied().unwrap_or(0);
        let hash = texts.iter().fold(mix64(before, kind), |hash, text| mix64(hash, hash64(text)));
        self.hashes.push(hash);
        self.weights.push(self.weights.last().copied().unwrap_or(0).saturating_add(weight));
    }
}

/// The share of `tokens` that falls on the first `upto` of `whole` bytes, rounded down.
pub fn share(upto: u64, whole: u64, tokens: u64) -> u64 {
    let share = u128::from(tokens) * u128::from(upto) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(tokens).min(tokens)
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn image_bytes<'i>(image: &'i Image<'_>) -> [&'i [u8]; 2] {
    match &image.source {
        ImageSource::Base64 { media_type, data } => [media_type.as_bytes(), data.as_bytes()],
        ImageSource::Url(url) => [b"", url.as_bytes()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::parse_request;

    fn prefixes(body: &str) -> Prefixes {
        Prefixes::of(&parse_request(body.as_bytes(), None).unwrap())
    }

    fn common(one: &str, other: &str) -> usize {
        let (one, other) = (prefixes(one), prefixes(other));
        one.hashes(usize::MAX).iter().zip(other.hashes(usize::MAX)).take_while(|(one, other)| one == other).count()
    }

    #[test]
    fn a_conversation_that_goes_on_keeps_its_beginning() {
        let first = r#"{"max_tokens":9,"system":"s","messages":[{"role":"user","content":"a"}]}"#;
        let second = r#"{"max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},
            {"role":"user","content":"c"}],"system":[{"type":"text","text":"s"}]}"#;
        assert_eq!((prefixes(first).len(), prefixes(first).head(), prefixes(second).len()), (2, 1, 4));
        assert_eq!(common(first, second), 2);
        assert_eq!(common(first, &second.replace("\"s\"", "\"t\"")), 0);
        assert_eq!(common(second, &second.replace("\"b\"", "\"d\"")), 2);
        // Said by the user, it is another conversation.
        assert_eq!(common(second, &second.replace("assistant", "user")), 2);
        let marked = second.replace(r#""text":"s""#, r#""text":"s","cache_control":{"type":"ephemeral"}"#);
        assert_eq!(common(second, &marked), 4);
    }

    #[test]
    fn shares_are_by_size_and_add_up() {
        let prefixes = prefixes(
            r#"{"messages":[{"role":"system","content":"12345"},{"role":"user","content":"123456789012345"}]}"#,
        );
        let of = |pieces: usize, tokens: u64| share(prefixes.size(pieces), prefixes.size(prefixes.len()), tokens);
        assert_eq!([0, 1, 2].map(|pieces| of(pieces, 1_001)), [0, 250, 1_001]);
        assert_eq!(of(2, u64::MAX), u64::MAX);
        assert_eq!(of(1, 0), 0);
        assert_eq!(share(Prefixes::default().size(1), 0, 10), 0);
    }

    #[test]
    fn every_kind_of_part_counts() {
        let body = r#"{"max_tokens":1,"tools":[{"name":"f","description":"d","input_schema":{"a":1}},{"type":"bash_20250124","name":"bash"}],
            "messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},
            {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"REVG"}}]},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"tool_use","id":"t","name":"f","input":{"b":2}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"ok"},{"type":"odd","x":1}]}]}"#;
        for (from, to, kept) in [
            ("\"d\"", "\"e\"", 0),
            ("\"a\":1", "\"a\":2", 0),
            ("bash_2025", "bash_2026", 1),
            ("QUJD", "QUJE", 2),
            ("REVG", "REVH", 3),
            ("sig", "gis", 4),
            ("\"b\":2", "\"b\":3", 5),
            ("\"ok\"", "\"no\"", 6),
            ("\"x\":1", "\"x\":2", 7),
        ] {
            assert!(body.contains(from), "{from}");
            assert_eq!(common(body, &body.replacen(from, to, 1)), kept, "{from}");
        }
    }
}
