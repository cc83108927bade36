//! The estimate of a whole request: its texts are scanned once, its parts counted once; each family then prices the same facts.

use super::count::TokenCount;
use super::estimate::{estimate, estimate_by};
use super::estimator::{TextFeatures, class_of};
use super::family::Family;
use super::frame::frame;
use super::parts::{Shape, Texts, is_media, is_text, offered, total};
use super::precise::is_responses;
use crate::text::{Scanner, TextScan};
use crate::wire::{Part, Request, ResponseFormat};

/// What a request holds, measured once and independent of any family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestMeasure {
    /// All texts that the model reads as text: system, messages, names and arguments of calls, results of tools.
    pub text: TextScan,
    /// The same, those of a class together; short texts are one.
    classes: Vec<(usize, TextScan)>,
    /// Earlier thinking sent back; providers drop most of it.
    pub thinking: TextScan,
    /// Tools on offer: names, descriptions, schemas.
    pub tools: TextScan,
    /// The schema of the answer.
    pub schema: TextScan,
    /// The parts.
    pub shape: Shape,
    /// Whether it came in OpenAI's Responses.
    pub is_responses: bool,
}

/// Measures a request. One pass over its texts; of pictures only the header is read.
pub fn measure(request: &Request<'_>) -> RequestMeasure {
    let mut found =
        RequestMeasure { shape: Shape::of(request), is_responses: is_responses(request), ..RequestMeasure::default() };
    // One after the other, for a scanner is far larger than what it gives.
    let mut scanner = Scanner::default();
    let mut texts = Grouped::default();
    for text in &request.system {
        texts.add(text);
    }
    let mut thoughts: Vec<&str> = Vec::new();
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        match part {
            Part::Text(text) | Part::ToolResult { text, .. } => texts.add(text),
            Part::Document(document) if is_text(document) => texts.add(&document.data),
            Part::ToolCall { name, arguments, .. } => {
                texts.add(name);
                texts.add(arguments);
            }
            // Scanned apart, after all else.
            Part::Thinking { text, .. } => thoughts.push(text),
            Part::Other { kind, raw } if !is_media(kind) => texts.add(&String::from_utf8_lossy(raw)),
            Part::Image(_) | Part::Document(_) | Part::Other { .. } => {}
        }
    }
    (found.text, found.classes) = texts.done();
    for text in thoughts {
        scanner.add(text);
    }
    found.thinking = scanner.take();
    for tool in offered(request) {
        scanner.add(&tool.name);
        scanner.add(&tool.description);
        scanner.add(&String::from_utf8_lossy(tool.schema));
    }
    found.tools = scanner.take();
    if let ResponseFormat::JsonSchema { schema } = request.response_format {
        scanner.add(&String::from_utf8_lossy(schema));
        found.schema = scanner.take();
    }
    found
}

/// From so many bytes on a text is classed by itself: to class it costs less than to scan it, and a request is often prose around
/// code or JSON, whose tokens are estimated better apart.
const CLASSED_BYTES: usize = 512;

/// Texts, grouped by their class as they come.
#[derive(Default)]
struct Grouped {
    short: Scanner,
    long: Scanner,
    classes: Vec<(usize, TextScan)>,
}

impl Grouped {
    fn add(&mut self, text: &str) {
        if text.len() < CLASSED_BYTES {
            self.short.add(text);
            return;
        }
        self.long.add(text);
        let scan = self.long.take();
        self.put(scan);
    }

    fn put(&mut self, scan: TextScan) {
        if scan.bytes == 0 {
            return;
        }
        let class = class_of(&scan);
        match self.classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, sum)) => *sum += &scan,
            None => self.classes.push((class, scan)),
        }
    }

    /// The sum of all, and those of each class.
    fn done(mut self) -> (TextScan, Vec<(usize, TextScan)>) {
        let rest = self.short.take();
        self.put(rest);
        let mut sum = TextScan::default();
        self.classes.iter().for_each(|(_, scan)| sum += scan);
        (sum, self.classes)
    }
}

impl RequestMeasure {
    /// The input tokens for a family: the estimate of the texts and the family's frame.
    pub fn input(&self, family: Family) -> TokenCount {
        self.input_by(&self.text_features(), family)
    }

    /// What every family weighs of the texts that the model reads as text.
    pub fn text_features(&self) -> TextFeatures {
        TextFeatures::of_all(self.classes.iter().map(|(_, scan)| scan))
    }

    /// [`RequestMeasure::input`] by its own [`RequestMeasure::text_features`], for who asks for several families.
    pub fn input_by(&self, features: &TextFeatures, family: Family) -> TokenCount {
        self.input_for(features, family, "")
    }

    /// The same with the frame of a model.
    pub fn input_for(&self, features: &TextFeatures, family: Family, model: &str) -> TokenCount {
        let text = estimate_by(features, family);
        if self.shape.is_empty() {
            return text;
        }
        let nothing = TokenCount::exact(0);
        let texts = Texts {
            content: text,
            // Names and arguments of calls are among the texts.
            calls: nothing,
            call_names: nothing,
            arguments: self.shape.calls,
            tools: estimate(&self.tools, family),
            choice: nothing,
            names: nothing,
            schema: estimate(&self.schema, family),
            thinking: estimate(&self.thinking, family),
        };
        let frame = frame(family, model, self.is_responses);
        total(&self.shape, &texts, frame, frame.raw_tools_permille, family)
    }

    /// Whether a family's own vocabulary and frame say all of it: only texts, no tools, pictures, files or thinking.
    pub fn is_plain_text(&self) -> bool {
        self.shape.is_plain_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Method, count_request};
    use crate::wire::{Billing, Dialect, Role, Thinking, Tool, ToolChoice, Turn};

    #[test]
    fn tools_and_their_results_are_counted_once() {
        let request = Request {
            dialect: Dialect::AnthropicMessages,
            body: b"",
            model: None,
            system: vec!["Be brief.".into()],
            turns: vec![
                Turn { role: Role::User, parts: vec![Part::Text("Weather in Oslo?".into())] },
                Turn {
                    role: Role::Assistant,
                    parts: vec![Part::ToolCall {
                        id: "1".into(),
                        name: "w".into(),
                        arguments: "{\"city\":\"Oslo\"}".into(),
                    }],
                },
                Turn {
                    role: Role::User,
                    parts: vec![Part::ToolResult {
                        id: "1".into(),
                        text: "rain".into(),
                        is_error: false,
                        images: vec![],
                    }],
                },
            ],
            tools: vec![Tool {
                name: "w".into(),
                description: "Weather of a city".into(),
                schema: b"{\"type\":\"object\"}",
                raw: b"",
                is_function: true,
                strict: None,
            }],
            tool_choice: ToolChoice::Any,
            max_tokens: None,
            stream: false,
            response_format: ResponseFormat::Text,
            thinking: Thinking::Unsaid,
            choices: 1,
            sampling: vec![],
            has_special_fields: false,
            is_stateful: false,
            end_user: None,
            wants_usage: false,
            billing: Billing::default(),
        };
        let facts = measure(&request);
        let shape = &facts.shape;
        assert_eq!((shape.messages, shape.system_texts, shape.result_only_messages), (3, 1, 1));
        assert_eq!((shape.calls, shape.results, shape.result_turns, shape.tool_count), (1, 1, 1, 1));
        assert!(!facts.is_plain_text());
        assert_eq!(facts.text.bytes, 9 + 16 + 1 + 15 + 4);
        // Forced tools on Claude 3 to 4.6: 315 to 600 and the frame of three messages at least.
        let count = facts.input(Family::Claude3To46);
        assert!(count.low >= 315 + 12 && count.tokens > 589 && count.high < 1200, "{count:?}");
        assert!(facts.input(Family::Unknown).method == Method::Unknown);
        let precise = count_request(&request, Family::Claude3To46, "claude-sonnet-4-6");
        assert!(
            count.low <= precise.tokens && precise.tokens <= count.high && precise.high < count.high,
            "{precise:?}"
        );
    }
}
