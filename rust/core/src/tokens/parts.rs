//! What a request is made of, and what those parts cost together in a frame.

use super::count::{Method, TokenCount};
use super::family::Family;
use super::frame::{Frame, Span};
use super::hosted::hosted;
use super::picture::{ImageFacts, image_tokens};
use super::said::referenced;
use crate::wire::{
    Dialect, Document, Image, ImageSource, Part, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice,
};

use super::image::dimensions_of_base64;

/// What may be done with the tools on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The model chooses.
    #[default]
    Auto,
    /// One must be called.
    Any,
    /// A named one must be called.
    Named,
}

/// The parts of a request, counted; no text.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each says one thing about a request")]
pub struct Shape {
    /// System texts.
    pub system_texts: u64,
    /// Messages, system texts and results of tools not among them.
    pub messages: u64,
    /// Messages of the model's that call no tool.
    pub answers: u64,
    /// Messages that hold nothing but results of tools.
    pub result_only_messages: u64,
    /// Messages that hold results of tools.
    pub result_turns: u64,
    /// System texts that stand among the messages of a dialect that has a place for them elsewhere.
    pub late_systems: u64,
    /// Messages that were joined to one of the same role before them.
    pub joined: u64,
    /// Whether the conversation begins with an answer of the model's.
    pub opens_with_answer: bool,
    /// Names that messages are signed with.
    pub names: u64,
    /// Whether the last message is the beginning of the answer.
    pub is_prefill: bool,
    /// Functions on offer.
    pub tool_count: u64,
    /// Whether some functions are deferred: loaded only when the model searches for them.
    pub has_deferred: bool,
    /// Tools that the provider runs or knows itself.
    pub hosted_tools: u64,
    /// What those put into the prompt.
    pub hosted: Span,
    /// Whether one of them comes with the instructions that functions come with.
    pub hosted_bring_tools: bool,
    /// What may be done with them.
    pub choice: Choice,
    /// Calls of tools in the conversation.
    pub calls: u64,
    /// Blocks of earlier thinking.
    pub thoughts: u64,
    /// Messages with several calls.
    pub parallel_turns: u64,
    /// Results of tools in the conversation.
    pub results: u64,
    /// Whether the last message holds results: the model is in the middle of its tools, and its thinking is kept.
    pub is_tool_loop: bool,
    /// Whether the answer must keep to a JSON schema.
    pub has_schema: bool,
    /// Whether thinking is asked for.
    pub thinks: bool,
    /// Whether with a budget.
    pub has_thinking_budget: bool,
    /// Whether the request names what only the provider holds (an earlier answer, a stored prompt, a cached prefix).
    pub has_state: bool,
    /// Pictures.
    pub images: Vec<ImageFacts>,
    /// Files that are text.
    pub text_documents: u64,
    /// Whether files or search results may be cited.
    pub has_citations: bool,
    /// Files other than text.
    pub documents: u64,
    /// Their bytes of base64, URL or id.
    pub document_bytes: u64,
    /// Bytes of sound and film, as base64.
    pub media_bytes: u64,
}

impl Shape {
    /// The shape of a request. Of pictures only the header is read.
    pub fn of(request: &Request<'_>) -> Self {
        let mut shape = Self {
            system_texts: request.system.len() as u64,
            messages: request.turns.len() as u64,
            choice: match request.tool_choice {
                ToolChoice::Auto | ToolChoice::None => Choice::Auto,
                ToolChoice::Any => Choice::Any,
                ToolChoice::Named(_) => Choice::Named,
            },
            has_schema: matches!(request.response_format, ResponseFormat::JsonSchema { .. }),
            thinks: !matches!(request.thinking, Thinking::Unsaid | Thinking::Off),
            // Who translates another dialect for Claude makes a budget of an effort.
            has_thinking_budget: match request.thinking {
                Thinking::Unsaid | Thinking::Off => false,
                Thinking::Budget(_) => true,
                Thinking::Effort(_) | Thinking::Adaptive => request.dialect != Dialect::AnthropicMessages,
            },
            opens_with_answer: request.turns.first().is_some_and(|turn| turn.role == Role::Assistant),
            has_state: names_state(request),
            ..Self::default()
        };
        shape.tool_count = offered(request).count() as u64;
        for tool in &request.tools {
            if tool.is_function {
                shape.has_deferred |= is_deferred(tool);
                continue;
            }
            let row = hosted(tool.raw);
            let tokens = row.first_turn.filter(|_| request.turns.len() == 1).unwrap_or(row.tokens);
            shape.hosted_tools += 1;
            shape.hosted.low = shape.hosted.low.saturating_add(tokens.low);
            shape.hosted.likely = shape.hosted.likely.saturating_add(tokens.likely);
            shape.hosted.high = shape.hosted.high.saturating_add(tokens.high);
            shape.hosted_bring_tools |= row.brings_tools;
        }
        for turn in &request.turns {
            let (calls, results) = (shape.calls, shape.results);
            for part in &turn.parts {
                shape.add(part);
            }
            let (calls, results) = (shape.calls - calls, shape.results - results);
            shape.parallel_turns += u64::from(calls > 1);
            shape.answers += u64::from(turn.role == Role::Assistant && calls == 0);
            shape.is_tool_loop = results > 0;
            shape.result_turns += u64::from(results > 0);
            let holds_results_alone = results > 0 && results == turn.parts.len() as u64;
            shape.result_only_messages += u64::from(turn.role == Role::User && holds_results_alone);
        }
        shape.is_prefill = request
            .turns
            .last()
            .is_some_and(|turn| turn.role == Role::Assistant && matches!(turn.parts.last(), Some(Part::Text(_))));
        shape
    }

    /// Requests alike in what a provider adds to them, as a number: what overheads are learned by.
    pub fn key(&self) -> u16 {
        let tools = match self.choice {
            _ if self.tool_count == 0 => 0,
            Choice::Auto => 1,
            Choice::Any => 2,
            Choice::Named => 3,
        };
        let flags = [
            self.system_texts > 0,
            self.results > 0,
            !self.images.is_empty(),
            self.documents > 0,
            self.hosted_tools > 0,
            self.has_schema,
            self.thinks,
            self.has_state,
        ];
        flags.iter().fold(tools, |key, flag| key << 1 | u16::from(*flag))
    }

    fn add(&mut self, part: &Part<'_>) {
        match part {
            Part::Thinking { .. } => self.thoughts += 1,
            Part::Image(image) => self.images.push(facts(image)),
            Part::Document(document) if is_text(document) => {
                self.text_documents += 1;
                self.has_citations |= cites(document.raw);
            }
            Part::Document(document) => {
                self.has_citations |= cites(document.raw);
                self.documents += 1;
                self.document_bytes = self.document_bytes.saturating_add(document.data.len() as u64);
            }
            Part::ToolCall { .. } => self.calls += 1,
            Part::ToolResult { images, .. } => {
                self.results += 1;
                self.images.extend(images.iter().map(facts));
            }
            Part::Other { kind, raw } if is_media(kind) => {
                self.media_bytes = self.media_bytes.saturating_add(raw.len() as u64);
            }
            Part::Other { raw, .. } => self.has_citations |= cites(raw),
            Part::Text(_) => {}
        }
    }

    /// Whether there is nothing that a frame could stand around.
    pub fn is_empty(&self) -> bool {
        self.messages == 0 && self.system_texts == 0 && self.tool_count == 0 && self.hosted_tools == 0
    }

    /// Whether the vocabulary and the frame say all of it within a few tokens: no picture, file, sound, hosted tool or state.
    pub fn is_countable(&self) -> bool {
        self.images.is_empty()
            && self.documents == 0
            && self.media_bytes == 0
            && self.hosted_tools == 0
            && !self.has_state
    }

    /// Whether it is texts alone.
    pub fn is_plain_text(&self) -> bool {
        self.is_countable()
            && self.calls == 0
            && self.results == 0
            && self.tool_count == 0
            && self.text_documents == 0
            && !self.has_schema
            && !self.thinks
    }
}

/// Fields of the other dialects that name what only the provider holds.
const STATE_FIELDS: [&[u8]; 3] = [b"\"cachedContent\"", b"\"mcp_servers\"", b"\"container\""];

/// Whether the request names what only its provider holds. Searched at both ends of the bytes, where a body has fields of its own; a
/// text that quotes one widens the bounds for nothing, no more.
fn names_state(request: &Request<'_>) -> bool {
    let near = |part: &[u8]| STATE_FIELDS.iter().any(|field| memchr::memmem::find(part, field).is_some());
    let body = request.body;
    let (head, tail) = (body.get(..body.len().min(4096)), body.get(body.len().saturating_sub(4096)..));
    request.is_stateful || near(head.unwrap_or_default()) || near(tail.unwrap_or_default())
}

/// The functions that are in the prompt: those not deferred, and those that a tool search brought back.
pub(super) fn offered<'r, 'a>(request: &'r Request<'a>) -> impl Iterator<Item = &'r Tool<'a>> {
    let functions = request.tools.iter().filter(|tool| tool.is_function);
    functions.filter(|tool| !is_deferred(tool) || referenced(request.body).any(|name| name == tool.name.as_bytes()))
}

/// Whether a block switches citations on.
fn cites(raw: &[u8]) -> bool {
    const FIELD: &[u8] = b"\"citations\"";
    memchr::memmem::find(raw, FIELD).is_some_and(|at| {
        let rest = raw.get(at + FIELD.len()..).unwrap_or_default();
        let setting = rest.get(..rest.iter().position(|byte| *byte == b'}').unwrap_or(0)).unwrap_or_default();
        memchr::memmem::find(setting, b"\"enabled\"").is_some() && memchr::memmem::find(setting, b"true").is_some()
    })
}

/// Whether a tool is only loaded when the model searches for it.
fn is_deferred(tool: &Tool<'_>) -> bool {
    memchr::memmem::find(tool.raw, b"\"defer_loading\"").is_some_and(|at| {
        let rest = tool.raw.get(at + 15..).unwrap_or_default();
        rest.iter().find(|byte| !matches!(byte, b' ' | b':' | b'\n' | b'\t' | b'\r')) == Some(&b't')
    })
}

/// Whether a file is text, which is counted as such.
pub(super) fn is_text(document: &Document<'_>) -> bool {
    document.media_type.starts_with("text/")
}

/// Whether a kind of part is sound or film.
pub(super) fn is_media(kind: &str) -> bool {
    kind.contains("audio") || kind.contains("video")
}

fn facts(image: &Image<'_>) -> ImageFacts {
    let dimensions = match &image.source {
        ImageSource::Base64 { data, .. } => dimensions_of_base64(data),
        ImageSource::Url(_) => None,
    };
    ImageFacts { dimensions, is_low_detail: image.detail.as_deref() == Some("low") }
}

/// The tokens of the texts of a request, by what they are for.
#[derive(Debug, Clone, Copy)]
pub struct Texts {
    /// System, messages, results of tools, files that are text.
    pub content: TokenCount,
    /// Names and arguments of calls.
    pub calls: TokenCount,
    /// Names of calls alone.
    pub call_names: TokenCount,
    /// Arguments, where the frame writes them one by one.
    pub arguments: u64,
    /// The tools on offer.
    pub tools: TokenCount,
    /// The name in the choice of a tool.
    pub choice: TokenCount,
    /// Names that messages are signed with.
    pub names: TokenCount,
    /// The schema of the answer.
    pub schema: TokenCount,
    /// Earlier thinking.
    pub thinking: TokenCount,
}

/// How much a provider may count as input of what is stored with it.
const STATE: Span = Span { low: 0, likely: 0, high: 1_000_000 };
/// Bytes of base64 for which a file is taken to have one page more. A guess: files hold pictures and fonts.
const PAGE_BYTES: u64 = 80_000;

/// The tokens of a request: its texts and the frame around them.
pub(super) fn total(shape: &Shape, texts: &Texts, frame: &Frame, tools_permille: Span, family: Family) -> TokenCount {
    let mut sum = Sum::default();
    sum.count(texts.content);
    if !shape.is_empty() {
        sum.add(frame.request, 1);
    }
    let messages = if frame.results_are_messages {
        (shape.messages - shape.result_only_messages).saturating_add(shape.results)
    } else {
        shape.messages - u64::from(shape.is_prefill && frame.frees_prefill)
    };
    sum.add(frame.message, messages);
    sum.add(frame.assistant, shape.answers);
    sum.add(frame.system, shape.system_texts);
    sum.add(frame.late_system, shape.late_systems);
    sum.add(frame.joined, shape.joined);
    if shape.opens_with_answer {
        sum.add(frame.opening, 1);
    }
    if let Some(name) = frame.name {
        sum.count(texts.names);
        sum.add(name, shape.names);
    }
    if shape.has_deferred {
        sum.add(frame.deferred, 1);
    }
    if shape.tool_count > 0 || shape.hosted_bring_tools {
        sum.add(
            match shape.choice {
                Choice::Auto => frame.tools_auto,
                Choice::Any => frame.tools_any,
                Choice::Named => frame.tools_named,
            },
            1,
        );
        if shape.system_texts == 0 {
            sum.add(frame.tools_without_system, 1);
        }
        if shape.choice == Choice::Named && frame.names_choice {
            sum.count(texts.choice);
        }
        sum.add(frame.tool, shape.tool_count);
        sum.share(texts.tools, tools_permille);
    }
    sum.count(texts.calls);
    sum.add(frame.call, shape.calls);
    if let Some(argument) = frame.argument {
        sum.add(argument, texts.arguments);
    }
    if shape.tool_count == 0 {
        sum.add(frame.call_alone, shape.calls);
    }
    sum.add(frame.thought, shape.thoughts);
    sum.add(frame.parallel, shape.parallel_turns);
    sum.add(frame.result, shape.results);
    sum.add(frame.result_turn, shape.result_turns);
    if frame.result_repeats_name && shape.results > 0 {
        sum.count(texts.call_names);
    }
    if shape.has_schema {
        sum.add(frame.schema, 1);
        sum.share(texts.schema, frame.schema_permille);
    }
    if shape.has_thinking_budget {
        sum.add(frame.thinking, 1);
    } else if shape.thinks && shape.tool_count == 0 {
        sum.add(frame.adaptive, 1);
    }
    let kept = frame.thinking_permille;
    sum.share(texts.thinking, if shape.is_tool_loop { Span { likely: kept.high.min(1000), ..kept } } else { kept });
    for image in &shape.images {
        sum.add(image_tokens(frame.image, image), 1);
    }
    sum.add(frame.text_document, shape.text_documents);
    if shape.has_citations {
        sum.add(frame.citations, 1);
    }
    if shape.documents > 0 {
        sum.add(frame.page, shape.documents.saturating_add(shape.document_bytes / PAGE_BYTES));
    }
    // Sound is recorded at 32 tokens a second on Gemini: some 700 bytes of base64 of MP3 a token, fewer the other way.
    let media = i64::try_from(shape.media_bytes).unwrap_or(i64::MAX);
    sum.add(
        Span { low: 0, likely: media / 700, high: (media / 20).saturating_add(if media > 0 { 2000 } else { 0 }) },
        1,
    );
    sum.add(shape.hosted, 1);
    if shape.has_state {
        sum.add(STATE, 1);
    }
    let is_unknown = family == Family::Unknown || shape.has_state;
    sum.done(if is_unknown { Method::Unknown } else { Method::Estimated })
}

#[derive(Default)]
struct Sum {
    low: i64,
    likely: i64,
    high: i64,
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

impl Sum {
    fn add(&mut self, span: Span, times: u64) {
        let times = signed(times);
        self.low = self.low.saturating_add(span.low.saturating_mul(times));
        self.likely = self.likely.saturating_add(span.likely.saturating_mul(times));
        self.high = self.high.saturating_add(span.high.saturating_mul(times));
    }

    fn count(&mut self, count: TokenCount) {
        self.add(Span { low: signed(count.low), likely: signed(count.tokens), high: signed(count.high) }, 1);
    }

    fn share(&mut self, count: TokenCount, permille: Span) {
        self.low = self.low.saturating_add(signed(count.low).saturating_mul(permille.low) / 1000);
        self.likely =
            self.likely.saturating_add(signed(count.tokens).saturating_mul(permille.likely).saturating_add(500) / 1000);
        self.high =
            self.high.saturating_add(signed(count.high).saturating_mul(permille.high).saturating_add(999) / 1000);
    }

    fn done(self, method: Method) -> TokenCount {
        let whole = |tokens: i64| u64::try_from(tokens).unwrap_or(0);
        let high = whole(self.high);
        let low = whole(self.low).min(high);
        TokenCount { tokens: whole(self.likely).clamp(low, high), low, high, method }
    }
}
