//! What a provider adds around the text of a request: per request, message, tool, call and picture. The figures are rows of data
//! ([`super::frame_rows`]), chosen by family, model and dialect; a model that no row names takes its family's.

use super::family::Family;
use super::frame_rows::{ROWS, UNKNOWN};
use super::picture::ImageRule;
use super::schema::Rendering;

/// The least, likely and most tokens; negative where a provider leaves something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// At least.
    pub low: i64,
    /// Likely.
    pub likely: i64,
    /// At most.
    pub high: i64,
}

/// A span.
pub(super) const fn span(low: i64, likely: i64, high: i64) -> Span {
    Span { low, likely, high }
}

/// A figure that is certain.
pub(super) const fn always(tokens: i64) -> Span {
    span(tokens, tokens, tokens)
}

/// What stands around the text of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each says one thing that a provider does or does not")]
pub struct Frame {
    /// Per request.
    pub request: Span,
    /// Per message.
    pub message: Span,
    /// Per message of the model's without calls, beyond that.
    pub assistant: Span,
    /// Per system text (beyond its own tokens).
    pub system: Span,
    /// Per system text that stands among the messages, beyond that.
    pub late_system: Span,
    /// When the conversation begins with an answer of the model's.
    pub opening: Span,
    /// Per message that is joined to one of the same role before it.
    pub joined: Span,
    /// Per name that a message is signed with, beyond its tokens; none where names are not counted.
    pub name: Option<Span>,
    /// Whether earlier thinking that stands in the text of answers, in `<think>`, is dropped.
    pub drops_think_tags: bool,
    /// Whether newlines at the end of the system text are dropped.
    pub trims_system: bool,
    /// Whether the beginning of an answer is no message of its own.
    pub frees_prefill: bool,
    /// Once, when tools are on offer and the model may choose.
    pub tools_auto: Span,
    /// Once, when one of the tools must be called.
    pub tools_any: Span,
    /// Once, when a named tool must be called.
    pub tools_named: Span,
    /// Whether the name in the choice is written out.
    pub names_choice: bool,
    /// Once, when some of the tools are deferred: loaded only when the model searches for them.
    pub deferred: Span,
    /// Once, when tools are on offer and no system text is there to hold them.
    pub tools_without_system: Span,
    /// Per tool, beyond its text.
    pub tool: Span,
    /// How tools and the schema of an answer are written.
    pub rendering: Rendering,
    /// Tokens of the tools as written, in thousandths of what this family counts of that text.
    pub tools_permille: Span,
    /// The same for names, descriptions and schemas as they came, for the estimate.
    pub raw_tools_permille: Span,
    /// Per call of a tool in the conversation, beyond its name and arguments.
    pub call: Span,
    /// The same on top, when no tools are on offer.
    pub call_alone: Span,
    /// Per block of earlier thinking, beyond its text.
    pub thought: Span,
    /// Per argument of a call, where arguments are written one by one; none where they are one JSON text.
    pub argument: Option<Span>,
    /// Per turn that calls several tools at once.
    pub parallel: Span,
    /// Per result of a tool, beyond its text.
    pub result: Span,
    /// Whether a result repeats the name of its tool.
    pub result_repeats_name: bool,
    /// Per turn that holds results.
    pub result_turn: Span,
    /// Whether each result of a tool is a message of its own.
    pub results_are_messages: bool,
    /// For a schema of the answer, beyond its text.
    pub schema: Span,
    /// Whether that schema is written with a line for each member.
    pub is_schema_indented: bool,
    /// Tokens of that schema as written, in thousandths.
    pub schema_permille: Span,
    /// When thinking is asked for with a budget.
    pub thinking: Span,
    /// When it is left to the model, or asked for with an effort, and no tools are on offer.
    pub adaptive: Span,
    /// Thousandths of earlier thinking that is kept.
    pub thinking_permille: Span,
    /// Per file that is text, beyond its text.
    pub text_document: Span,
    /// Once, when files or search results may be cited.
    pub citations: Span,
    /// Per file that is not text; its pages cost the same each.
    pub page: Span,
    /// Pictures.
    pub image: ImageRule,
}

/// One row of the table.
pub(super) struct Row {
    /// The family it is for.
    pub family: Family,
    /// Beginnings of model names (after [`canonical`]) that it is for, whole names where they end with `$`; empty: all of the family.
    pub models: &'static [&'static str],
    /// Whether only for requests of OpenAI's Responses (`Some(true)`) or only for others.
    pub is_responses: Option<bool>,
    /// The figures.
    pub frame: Frame,
}

/// The frame of a model for requests of a dialect: the first row that fits.
pub fn frame(family: Family, model: &str, is_responses: bool) -> &'static Frame {
    let model = canonical(model);
    ROWS.iter()
        .find(|row| {
            row.family == family
                && row.is_responses.is_none_or(|only| only == is_responses)
                && (row.models.is_empty() || row.models.iter().any(|name| names(&model, name)))
        })
        .map_or(&UNKNOWN, |row| &row.frame)
}

/// Whether a row's name is the beginning of a model's; one that ends with `$` is the whole of it.
fn names(model: &str, name: &str) -> bool {
    name.strip_suffix('$').map_or_else(|| model.starts_with(name), |whole| model == whole)
}

/// A model's name without provider and region, in lower case, with `-` for `.`, `_` and `@`: `us.anthropic.claude-3-5-sonnet-20240620-v1:0`
/// and `anthropic/claude-3.5-sonnet` both begin with `claude-3-5-sonnet`.
pub(super) fn canonical(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model);
    let mut out: String = name
        .chars()
        .map(|char| match char {
            '.' | '_' | '@' => '-',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    for vendor in VENDORS {
        if let Some(at) = out.find(vendor)
            && let Some(start) = at.checked_add(vendor.len())
            && (at == 0 || out.get(..at).is_some_and(|before| before.ends_with('-')))
            && let Some(rest) = out.get(start..)
        {
            out = rest.to_owned();
            break;
        }
    }
    out
}

/// Names of vendors that stand before a model's at Bedrock, Databricks and others.
const VENDORS: [&str; 14] = [
    "anthropic-",
    "amazon-",
    "cohere-",
    "deepseek-ai-",
    "databricks-",
    "meta-",
    "mistralai-",
    "mistral-",
    "moonshotai-",
    "moonshot-",
    "openai-",
    "qwen-",
    "writer-",
    "zai-org-",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_provider_and_region() {
        for (name, expected) in [
            ("us.anthropic.claude-3-5-sonnet-20240620-v1:0", "claude-3-5-sonnet-20240620-v1:0"),
            ("anthropic/claude-3.5-sonnet", "claude-3-5-sonnet"),
            ("claude-3-7-sonnet@20250219", "claude-3-7-sonnet-20250219"),
            ("databricks-claude-3-7-sonnet", "claude-3-7-sonnet"),
            ("openai.gpt-oss-120b-1:0", "gpt-oss-120b-1:0"),
            ("models/gemini-3.5-flash", "gemini-3-5-flash"),
            ("mistral-large-latest", "large-latest"),
            ("", ""),
        ] {
            assert_eq!(canonical(name), expected);
        }
    }

    #[test]
    fn every_family_has_a_row_for_any_model() {
        for family in Family::ALL {
            for is_responses in [false, true] {
                let found = frame(family, "no such model", is_responses);
                assert!(family == Family::Unknown || *found != UNKNOWN, "{family:?}");
            }
        }
    }

    #[test]
    fn no_row_is_hidden_by_an_earlier_one() {
        for (index, row) in ROWS.iter().enumerate() {
            let names: &[&str] = if row.models.is_empty() { &["a model of the family"] } else { row.models };
            for name in names {
                let found = frame(row.family, name.trim_end_matches('$'), row.is_responses.unwrap_or(false));
                assert!(std::ptr::eq(found, &raw const row.frame), "row {index} of {:?}, {name}", row.family);
            }
        }
    }

    #[test]
    fn spans_are_in_order() {
        for row in ROWS {
            let Frame {
                request,
                message,
                system,
                tools_auto,
                tools_any,
                tools_named,
                tools_without_system,
                tool,
                tools_permille,
                raw_tools_permille,
                call,
                parallel,
                result,
                result_turn,
                schema,
                schema_permille,
                thinking,
                thinking_permille,
                page,
                late_system,
                opening,
                joined,
                deferred,
                adaptive,
                text_document,
                citations,
                ..
            } = row.frame;
            for Span { low, likely, high } in [
                late_system,
                opening,
                joined,
                deferred,
                adaptive,
                text_document,
                citations,
                request,
                message,
                system,
                tools_auto,
                tools_any,
                tools_named,
                tools_without_system,
                tool,
                tools_permille,
                raw_tools_permille,
                call,
                parallel,
                result,
                result_turn,
                schema,
                schema_permille,
                thinking,
                thinking_permille,
                page,
            ] {
                assert!(low <= likely && likely <= high, "{:?} {:?}", row.family, row.models);
            }
        }
    }
}
