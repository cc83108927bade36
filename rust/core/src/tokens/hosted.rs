//! What the tools that a provider runs or knows itself put into the prompt: rows by kind of tool.
//!
//! Source: the median of recorded requests that offered one (Anthropic, OpenAI, Google), of which nearly all made use of it; `bash` and
//! `text_editor` as Anthropic publishes them. What a search finds is not known before: those spans are wide on purpose.

use super::frame::{Span, span};
use crate::json::{JsonError, Reader};

/// What one kind of tool costs.
pub(super) struct Hosted {
    /// The beginning of its `type`.
    kind: &'static str,
    /// Its tokens.
    pub tokens: Span,
    /// The same where a conversation begins, if that differs: the tool is used before the answer, and the prompt read twice.
    pub first_turn: Option<Span>,
    /// Whether it comes with the instructions that functions come with.
    pub brings_tools: bool,
}

const fn row(kind: &'static str, tokens: Span, brings_tools: bool) -> Hosted {
    Hosted { kind, tokens, first_turn: None, brings_tools }
}

/// A kind that is in no row.
const OTHER: Hosted = row("", span(0, 300, 100_000), false);

static ROWS: &[Hosted] = &[
    // Anthropic, whose kinds carry a date.
    row("memory_", span(900, 1069, 1300), true),
    row("computer_20", span(1000, 1324, 1700), true),
    row("bash_", span(200, 245, 500), true),
    row("text_editor_", span(500, 700, 1000), true),
    Hosted { first_turn: Some(span(150, 1520, 6000)), ..row("tool_search_tool_", span(150, 248, 6000), true) },
    row("code_execution_", span(300, 4600, 30_000), false),
    row("web_search_20", span(0, 12_000, 500_000), false),
    row("advisor_", span(300, 2300, 6000), false),
    // OpenAI.
    row("web_search_preview", span(0, 300, 10_000), false),
    row("web_search", span(0, 17_000, 150_000), false),
    row("file_search", span(0, 1100, 50_000), false),
    row("image_generation", span(0, 2000, 6000), false),
    row("code_interpreter", span(0, 1500, 15_000), false),
    row("tool_search", span(-50, 40, 1000), false),
    row("mcp", span(0, 3000, 100_000), false),
    // Google counts none of them as part of the prompt.
    row("googleSearch", span(0, 0, 2000), false),
    row("google_search", span(0, 0, 2000), false),
    row("codeExecution", span(0, 0, 2000), false),
    row("fileSearch", span(0, 0, 2000), false),
    row("urlContext", span(0, 0, 100_000), false),
];

/// The row of a tool, by its entry as it was written.
pub(super) fn hosted(raw: &[u8]) -> &'static Hosted {
    let mut found = None;
    let read: Result<(), JsonError> = Reader::new(raw).object(|reader, key| {
        if key == "type" {
            let kind = reader.string()?;
            found = ROWS.iter().find(|row| kind.starts_with(row.kind));
            return Ok(());
        }
        reader.skip().map(drop)
    });
    read.ok().and(found).unwrap_or(&OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_row_by_the_type_alone() {
        for (raw, likely, brings_tools) in [
            (r#"{"name": "web_search", "type": "web_search_20250305"}"#, 12_000, false),
            (r#"{"type": "web_search"}"#, 17_000, false),
            (r#"{"type": "computer_20250124", "display": {"type": "mcp"}}"#, 1324, true),
            (r#"{"type": "tool_search_tool_bm25_20251119"}"#, 248, true),
            (r#"{"type": "brand_new"}"#, 300, false),
            (r#"{"type": 7}"#, 300, false),
            ("", 300, false),
        ] {
            let found = hosted(raw.as_bytes());
            assert_eq!((found.tokens.likely, found.brings_tools), (likely, brings_tools), "{raw}");
        }
    }

    #[test]
    fn no_row_hides_one_behind_it() {
        for (index, row) in ROWS.iter().enumerate() {
            let Span { low, likely, high } = row.tokens;
            assert!(low <= likely && likely <= high, "{}", row.kind);
            assert!(!ROWS[..index].iter().any(|before| row.kind.starts_with(before.kind)), "{}", row.kind);
        }
    }
}
