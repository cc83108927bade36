//! What a request says about how it is to be processed and billed: terms, and marks for the prompt cache.
//!
//! Promises: as it was written, unknown words included; what is of another type than expected counts as unsaid, because
//! the body goes on unchanged and its provider judges it. Refuses: to know what any of it costs.
//!
//! A test breaks it with a mark whose place is not the one after the marked block.

use std::borrow::Cow;

use super::request::Request;

/// How long a prompt cache keeps what a mark asks it to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheTtl {
    /// Five minutes, also when nothing is said.
    #[default]
    FiveMinutes,
    /// One hour.
    OneHour,
}

impl CacheTtl {
    /// In milliseconds.
    pub const fn ms(self) -> i64 {
        match self {
            Self::FiveMinutes => 5 * 60 * 1000,
            Self::OneHour => 60 * 60 * 1000,
        }
    }
}

/// Where a prefix of a request ends. The order of a prompt is tools, system, turns, whatever the order in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixEnd {
    /// After this many tools.
    Tools(usize),
    /// After this many system texts.
    System(usize),
    /// After this many turns, of the last of which the first `parts` parts are meant.
    Turns {
        /// Turns, the last one included.
        turns: usize,
        /// Parts of the last one.
        parts: usize,
    },
    /// At the end of the request.
    All,
}

impl PrefixEnd {
    /// How many pieces of the request the prefix has: each tool, system text and part is one.
    pub fn pieces(self, request: &Request<'_>) -> usize {
        let head = request.tools.len() + request.system.len();
        let parts = |turns: usize| request.turns.iter().take(turns).map(|turn| turn.parts.len()).sum::<usize>();
        match self {
            Self::Tools(tools) => tools,
            Self::System(texts) => request.tools.len() + texts,
            Self::Turns { turns, parts: last } => head + parts(turns.saturating_sub(1)) + last,
            Self::All => head + parts(request.turns.len()),
        }
    }
}

/// A mark that asks the provider to keep a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheMark {
    /// What is to be kept.
    pub end: PrefixEnd,
    /// For how long.
    pub ttl: CacheTtl,
}

/// What a request says about how it is to be processed and billed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Billing<'a> {
    /// `service_tier`.
    pub service_tier: Option<Cow<'a, str>>,
    /// `speed`.
    pub speed: Option<Cow<'a, str>>,
    /// `inference_geo`.
    pub region: Option<Cow<'a, str>>,
    /// Marks for the prompt cache (`cache_control`), in the order of the text.
    pub cache_marks: Vec<CacheMark>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Dialect, parse_request};

    #[test]
    fn terms_and_marks_are_read_where_they_stand() {
        let body = br#"{"model":"m","max_tokens":5,"service_tier":"priority","speed":"fast","inference_geo":"us",
            "messages":[{"role":"user","content":[{"cache_control":{"type":"ephemeral","ttl":"1h"},"type":"text","text":"a"}]},
            {"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":"c"},
            {"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"d","cache_control":{"type":"ephemeral"}}]}]},
            {"role":"user","content":[{"type":"text","text":"e","cache_control":null}]}],
            "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}},{"type":"text","text":"z"}],
            "tools":[{"name":"f","input_schema":{},"cache_control":{"type":"ephemeral"}},{"name":"g","input_schema":{}}],
            "cache_control":{"type":"ephemeral"}}"#;
        let request = parse_request(body, Some(Dialect::AnthropicMessages)).unwrap();
        let billing = &request.billing;
        assert_eq!(
            (billing.service_tier.as_deref(), billing.speed.as_deref(), billing.region.as_deref()),
            (Some("priority"), Some("fast"), Some("us"))
        );
        assert!(request.has_special_fields);
        let mut marks: Vec<(usize, CacheTtl)> =
            billing.cache_marks.iter().map(|mark| (mark.end.pieces(&request), mark.ttl)).collect();
        marks.sort_unstable_by_key(|(pieces, _)| *pieces);
        // Two tools, two system texts, then a, b, c and d, and e in the turn of c.
        let short = CacheTtl::FiveMinutes;
        assert_eq!(marks, [(1, short), (3, short), (5, CacheTtl::OneHour), (8, short), (9, short)]);
    }

    #[test]
    fn what_is_of_another_type_is_unsaid() {
        for (body, dialect) in [
            (r#"{"messages":[{"role":"user","content":"q"}],"service_tier":7}"#, Dialect::OpenAiChat),
            (
                r#"{"messages":[{"role":"user","content":"q"}],"service_tier":[],"speed":{},"inference_geo":1,"cache_control":"x"}"#,
                Dialect::AnthropicMessages,
            ),
        ] {
            let request = parse_request(body.as_bytes(), Some(dialect)).unwrap();
            assert_eq!(request.billing, Billing::default(), "{body}");
        }
        let flex = parse_request(
            br#"{"messages":[{"role":"user","content":"q"}],"service_tier":"flex"}"#,
            Some(Dialect::OpenAiChat),
        )
        .unwrap();
        assert_eq!(flex.billing.service_tier.as_deref(), Some("flex"));
    }
}
