//! The tokens of a whole request as exactly as they can be known: its texts counted with the family's vocabulary, or with o200k's and
//! the ratio that the two estimates have; tools and schemas as the provider writes them; the rest from the model's frame.

use super::count::{Method, TokenCount};
use super::estimate::by_proxy;
use super::exact::count_exact;
use super::family::Family;
use super::frame::{Frame, frame};
use super::parts::{Shape, Texts, is_media, is_text, offered, total};
use super::said::{Said, said};
use super::schema::{answer, arguments, indented, tools};
use crate::text::Scanner;
use crate::wire::{Dialect, Part, Request, ResponseFormat, Role, ToolChoice};

/// The input tokens of a request for a model. Linear in the request; reads every text.
///
/// [`Method::Exact`] where the request is texts alone and the family's vocabulary is here; the bounds leave room for what a provider
/// rarely adds to its frame.
pub fn count_request(request: &Request<'_>, family: Family, model: &str) -> TokenCount {
    let mut shape = Shape::of(request);
    let frame = frame(family, model, is_responses(request));
    let said = said(request).unwrap_or_default();
    note(&mut shape, &said, request, frame);
    let texts = texts(request, &said, family, frame);
    let mut count = total(&shape, &texts, frame, frame.tools_permille, family);
    if shape.is_plain_text() && texts.content.method == Method::Exact {
        count.method = Method::Exact;
    }
    count
}

/// The same, only where every part of the request is counted within a few tokens: no picture, file, hosted tool or state, and a
/// vocabulary that is here.
pub fn count_request_exact(request: &Request<'_>, family: Family, model: &str) -> Option<TokenCount> {
    // The cheap questions first: none of them reads a text.
    if !family.is_exact() || !Shape::of(request).is_countable() {
        return None;
    }
    let count = count_request(request, family, model);
    // Who asks wants an edge resolved: what a provider rarely adds is left to the bounds of an estimate.
    Some(if count.method == Method::Exact { TokenCount::exact(count.tokens) } else { count })
}

/// Puts into the shape what the normal form joined: OpenAI and the open models count messages as they came, Claude joins them too but
/// marks the seam and system texts among them.
fn note(shape: &mut Shape, said: &Said<'_>, request: &Request<'_>, frame: &Frame) {
    if said.messages == 0 {
        return;
    }
    if frame.results_are_messages {
        if request.dialect == Dialect::OpenAiChat {
            shape.messages = said.messages.saturating_add(shape.result_only_messages);
            shape.system_texts = said.systems;
        }
        shape.names = said.names.len() as u64;
    } else if request.dialect == Dialect::AnthropicMessages {
        shape.joined = said.messages.saturating_sub(shape.messages);
        shape.late_systems = said.systems;
    }
}

/// Whether the request came in OpenAI's Responses, whose frame differs from Chat's.
pub(super) fn is_responses(request: &Request<'_>) -> bool {
    request.dialect == Dialect::OpenAiResponses
}

fn texts(request: &Request<'_>, said: &Said<'_>, family: Family, frame: &Frame) -> Texts {
    let mut content = Tally::new(family);
    let mut calls = Tally::new(family);
    let mut names = Tally::new(family);
    let mut thinking = Tally::new(family);
    let mut argument_count = 0_u64;
    let last = request.system.len().saturating_sub(1);
    for (index, text) in request.system.iter().enumerate() {
        content.add(if frame.trims_system && index == last { text.trim_end_matches('\n') } else { text });
    }
    let parts = request.turns.iter().flat_map(|turn| turn.parts.iter().map(|part| (turn.role, part)));
    for (role, part) in parts {
        match part {
            Part::Text(text) if frame.drops_think_tags && role == Role::Assistant => content.add(after_think(text)),
            Part::Text(text) | Part::ToolResult { text, .. } => content.add(text),
            Part::Document(document) if is_text(document) => content.add(&document.data),
            Part::ToolCall { name, arguments: given, .. } => {
                names.add(name);
                if frame.argument.is_some() {
                    argument_count = argument_count.saturating_add(arguments(given, |text| calls.add(text)));
                } else {
                    calls.add(given);
                }
            }
            Part::Thinking { text, .. } => thinking.add(text),
            Part::Other { kind, raw } if !is_media(kind) => content.add(&String::from_utf8_lossy(raw)),
            Part::Image(_) | Part::Document(_) | Part::Other { .. } => {}
        }
    }
    let one = |text: &str| {
        let mut tally = Tally::new(family);
        tally.add(text);
        tally.done()
    };
    let call_names = names.done();
    let offered: Vec<_> = offered(request).cloned().collect();
    let mut signed = Tally::new(family);
    said.names.iter().for_each(|name| signed.add(name));
    let none = TokenCount::exact(0);
    Texts {
        content: content.done(),
        calls: calls.done().plus(call_names),
        call_names,
        arguments: argument_count,
        tools: if offered.is_empty() { none } else { one(&tools(&offered, frame.rendering)) },
        choice: if let ToolChoice::Named(name) = &request.tool_choice { one(name) } else { none },
        names: signed.done(),
        schema: match request.response_format {
            ResponseFormat::JsonSchema { schema } if frame.is_schema_indented => one(&indented(schema)),
            ResponseFormat::JsonSchema { schema } => one(&answer(schema, frame.rendering)),
            _ => none,
        },
        thinking: thinking.done(),
    }
}

/// What an answer says after the thinking that stands in its text.
fn after_think(text: &str) -> &str {
    if !text.trim_start().starts_with("<think>") {
        return text;
    }
    text.split_once("</think>").map_or(text, |(_, said)| said.trim_start())
}

/// Texts of one purpose, counted as they come.
struct Tally {
    family: Family,
    exact: u64,
    /// For a family without a vocabulary, the shape of the texts that o200k counted.
    scanner: Option<Box<Scanner>>,
}

impl Tally {
    fn new(family: Family) -> Self {
        Self { family, exact: 0, scanner: (!family.is_exact()).then(Box::default) }
    }

    fn add(&mut self, text: &str) {
        let counting = if let Some(scanner) = &mut self.scanner {
            scanner.add(text);
            Family::O200k
        } else {
            self.family
        };
        self.exact = self.exact.saturating_add(count_exact(counting, text).unwrap_or(0));
    }

    fn done(self) -> TokenCount {
        match self.scanner {
            None => TokenCount::exact(self.exact),
            Some(mut scanner) => by_proxy(&scanner.take(), self.exact, self.family),
        }
    }
}
