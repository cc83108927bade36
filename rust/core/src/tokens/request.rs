//! Tokens of a whole request: its texts are scanned once, its parts counted once; each family then prices the same facts.

use std::borrow::Cow;

use super::count::{Method, TokenCount};
use super::estimate::{TextFeatures, estimate, estimate_by};
use super::exact::count_exact;
use super::family::Family;
use super::frame::{Frame, ImageRule, Span, frame};
use super::image::{Dimensions, dimensions_of_base64};
use crate::text::{Scanner, TextScan};
use crate::wire::{Document, Image, ImageSource, Part, Request, ResponseFormat, Role, ToolChoice};

/// A picture, as far as its price needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its size, when its header says it (never of a URL).
    pub dimensions: Option<Dimensions>,
    /// Whether the client asked for OpenAI's low detail.
    pub is_low_detail: bool,
}

/// What a request holds, measured once and independent of any family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestMeasure {
    /// All texts that the model reads as text: system, messages, names and arguments of calls, results of tools.
    pub text: TextScan,
    /// Of these, the system texts.
    pub system: TextScan,
    /// Earlier thinking sent back; providers drop most of it.
    pub thinking: TextScan,
    /// Tools on offer and the JSON schema of the answer: names, descriptions, schemas.
    pub tools: TextScan,
    /// System texts.
    pub system_texts: u64,
    /// Messages, system texts and results of tools not among them.
    pub messages: u64,
    /// Calls of tools in the conversation.
    pub tool_calls: u64,
    /// Results of tools in the conversation.
    pub tool_results: u64,
    /// Messages that hold nothing but results of tools.
    pub result_only_messages: u64,
    /// Tools on offer.
    pub tool_count: u64,
    /// Whether one of them must be called.
    pub is_tool_forced: bool,
    /// Pictures.
    pub images: Vec<ImageFacts>,
    /// Files other than text.
    pub documents: u64,
    /// Their bytes of base64, URL or id.
    pub document_bytes: u64,
}

/// Measures a request. One pass over its texts; of pictures only the header is read.
pub fn measure(request: &Request<'_>) -> RequestMeasure {
    let mut found = RequestMeasure::default();
    // One after the other, for a scanner is far larger than what it gives.
    let mut scanner = Scanner::default();
    for text in &request.system {
        scanner.add(text);
        found.system_texts += 1;
    }
    found.system = scanner.take();
    let mut thoughts: Vec<&str> = Vec::new();
    for turn in &request.turns {
        found.messages += 1;
        let is_result = |part: &Part<'_>| matches!(part, Part::ToolResult { .. });
        if turn.role == Role::User && !turn.parts.is_empty() && turn.parts.iter().all(is_result) {
            found.result_only_messages += 1;
        }
        for part in &turn.parts {
            if let Part::Thinking { text, .. } = part {
                thoughts.push(text);
            } else {
                found.add_part(part, &mut scanner);
            }
        }
    }
    found.text = scanner.take();
    found.text += &found.system;
    for text in thoughts {
        scanner.add(text);
    }
    found.thinking = scanner.take();
    for tool in &request.tools {
        found.tool_count += 1;
        if tool.name.is_empty() && tool.schema.is_empty() {
            scanner.add(&String::from_utf8_lossy(tool.raw));
        } else {
            scanner.add(&tool.name);
            scanner.add(&tool.description);
            scanner.add(&String::from_utf8_lossy(tool.schema));
        }
    }
    found.is_tool_forced = matches!(request.tool_choice, ToolChoice::Any | ToolChoice::Named(_));
    if let ResponseFormat::JsonSchema { schema } = request.response_format {
        scanner.add(&String::from_utf8_lossy(schema));
    }
    found.tools = scanner.take();
    found
}

impl RequestMeasure {
    fn add_part(&mut self, part: &Part<'_>, scanner: &mut Scanner) {
        match part {
            Part::Text(text) => scanner.add(text),
            Part::Image(image) => self.images.push(facts(image)),
            Part::Document(document) => self.add_document(document, scanner),
            Part::ToolCall { name, arguments, .. } => {
                self.tool_calls += 1;
                scanner.add(name);
                scanner.add(arguments);
            }
            Part::ToolResult { text, images, .. } => {
                self.tool_results += 1;
                scanner.add(text);
                self.images.extend(images.iter().map(facts));
            }
            // Scanned apart, after all else.
            Part::Thinking { .. } => {}
            Part::Other { raw, .. } => scanner.add(&String::from_utf8_lossy(raw)),
        }
    }

    fn add_document(&mut self, document: &Document<'_>, scanner: &mut Scanner) {
        if document.media_type.starts_with("text/") {
            scanner.add(&document.data);
        } else {
            self.documents += 1;
            self.document_bytes = self.document_bytes.saturating_add(document.data.len() as u64);
        }
    }

    /// The input tokens for a family: the estimate of the texts and the family's frame.
    pub fn input(&self, family: Family) -> TokenCount {
        self.input_by(&self.text_features(), family)
    }

    /// What every family weighs of the texts that the model reads as text.
    pub fn text_features(&self) -> TextFeatures {
        TextFeatures::of(&self.text)
    }

    /// [`RequestMeasure::input`] by its own [`RequestMeasure::text_features`], for who asks for several families.
    pub fn input_by(&self, features: &TextFeatures, family: Family) -> TokenCount {
        let text = estimate_by(&self.text, features, family);
        if self.has_nothing() { text } else { text.plus(self.around(family, &frame(family))) }
    }

    /// Whether a family's own vocabulary and frame say all of it: only texts, no tools, pictures, files or thinking.
    pub fn is_plain_text(&self) -> bool {
        self.images.is_empty()
            && self.documents == 0
            && self.tool_calls == 0
            && self.tool_results == 0
            && self.tools.bytes == 0
            && self.tool_count == 0
            && self.thinking.bytes == 0
    }

    fn has_nothing(&self) -> bool {
        self.messages == 0 && self.system_texts == 0 && self.tool_count == 0
    }

    /// All but the texts: frame, tools, pictures, files, thinking.
    fn around(&self, family: Family, frame: &Frame) -> TokenCount {
        let mut sum = Sum::default();
        sum.add(frame.request, 1);
        let messages = if frame.results_are_messages {
            (self.messages - self.result_only_messages).saturating_add(self.tool_results)
        } else {
            self.messages
        };
        sum.add(frame.message, messages);
        sum.add(frame.system, self.system_texts);
        sum.add(frame.tool_call, self.tool_calls);
        sum.add(frame.tool_result, self.tool_results);
        if self.tool_count > 0 {
            sum.add(if self.is_tool_forced { frame.tools_forced } else { frame.tools_auto }, 1);
            sum.add(frame.tool, self.tool_count);
        }
        let tools = estimate(&self.tools, family);
        sum.low = sum.low.saturating_add(tools.low.saturating_mul(frame.tools_permille.low) / 1000);
        sum.likely = sum.likely.saturating_add(tools.tokens.saturating_mul(frame.tools_permille.likely) / 1000);
        sum.high = sum.high.saturating_add(tools.high.saturating_mul(frame.tools_permille.high).div_ceil(1000));
        // Thinking of earlier turns is dropped unless a call of a tool is still open.
        let thinking = estimate(&self.thinking, family);
        sum.likely = sum.likely.saturating_add(if self.tool_results > 0 { thinking.tokens } else { 0 });
        sum.high = sum.high.saturating_add(thinking.high);
        for image in &self.images {
            sum.add(image_tokens(frame.image, image), 1);
        }
        // Assumed, not measured: a token per 25 bytes of base64, at most one per byte and 5,000 per file.
        sum.likely = sum.likely.saturating_add(self.document_bytes / 25);
        sum.high = sum.high.saturating_add(self.document_bytes).saturating_add(self.documents.saturating_mul(5000));
        let tokens = sum.likely.clamp(sum.low, sum.high.max(sum.low));
        let method = if family == Family::Unknown { Method::Unknown } else { Method::Estimated };
        TokenCount { tokens, low: sum.low, high: sum.high.max(tokens), method }
    }
}

#[derive(Default)]
struct Sum {
    low: u64,
    likely: u64,
    high: u64,
}

impl Sum {
    fn add(&mut self, span: Span, times: u64) {
        self.low = self.low.saturating_add(span.low.saturating_mul(times));
        self.likely = self.likely.saturating_add(span.likely.saturating_mul(times));
        self.high = self.high.saturating_add(span.high.saturating_mul(times));
    }
}

fn facts(image: &Image<'_>) -> ImageFacts {
    let dimensions = match &image.source {
        ImageSource::Base64 { data, .. } => dimensions_of_base64(data),
        ImageSource::Url(_) => None,
    };
    ImageFacts { dimensions, is_low_detail: image.detail.as_deref() == Some("low") }
}

/// Tokens of one picture.
fn image_tokens(rule: ImageRule, image: &ImageFacts) -> Span {
    let size = image.dimensions;
    match rule {
        ImageRule::ClaudePatches { most } => match size {
            // Older models shrink more, newer keep more: a tenth to either side.
            Some(size) => {
                let tokens = shrunk_patches(size, 28, most) + 3;
                Span {
                    low: tokens.min(shrunk_patches(size, 28, 1568) + 3) * 9 / 10,
                    likely: tokens,
                    high: tokens * 11 / 10 + 1,
                }
            }
            None => Span { low: 4, likely: 1200, high: most * 11 / 10 },
        },
        ImageRule::OpenAiTiles if image.is_low_detail => Span { low: 20, likely: 85, high: 2833 },
        ImageRule::OpenAiTiles => match size {
            Some(size) => {
                let (tiles, patches) = (openai_tiles(size), shrunk_patches(size, 32, 1536));
                Span {
                    low: tiles.min(patches),
                    likely: tiles,
                    // `gpt-4o-mini` prices a tile at 5,667 and a picture at 2,833 more.
                    high: (2833 + (tiles - 85) / 170 * 5667).max(patches * 246 / 100 + 2),
                }
            }
            None => Span { low: 1, likely: 765, high: 48_169 },
        },
        ImageRule::Gemini => Span { low: 258, likely: if size.is_some() { 258 } else { 1085 }, high: 3354 },
        ImageRule::Patches => match size {
            Some(size) => {
                let tokens = shrunk_patches(size, 28, 4096);
                Span { low: 3, likely: tokens + 3, high: (tokens * 2).max(4099) }
            }
            None => Span { low: 16, likely: 1000, high: 8192 },
        },
    }
}

/// Patches of `patch_pixels` pixels that cover a picture; if those are more than `most`, the whole patches of the picture
/// shrunk to an area of `most` (1800 x 1200 gives 48 x 32 of 1568, as recorded).
fn shrunk_patches(size: Dimensions, patch_pixels: u64, most: u64) -> u64 {
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let all = width.div_ceil(patch_pixels).saturating_mul(height.div_ceil(patch_pixels));
    if all <= most {
        return all;
    }
    // Shrunk by the factor s = sqrt(most / area), each side counts floor(side * s / patch) = floor(sqrt(most * side / other)).
    let along = |side: u64, other: u64| (most.saturating_mul(side) / other.max(1)).isqrt().clamp(1, most);
    along(width, height).saturating_mul(along(height, width)).min(most)
}

/// `gpt-4o`: fit into 2048 x 2048, then the shorter side to 768, then 85 and 170 per tile of 512.
fn openai_tiles(size: Dimensions) -> u64 {
    let (mut width, mut height) = (u64::from(size.width), u64::from(size.height));
    let longest = width.max(height);
    if longest > 2048 {
        (width, height) = ((width * 2048 / longest).max(1), (height * 2048 / longest).max(1));
    }
    let shortest = width.min(height);
    if shortest > 768 {
        (width, height) = (width * 768 / shortest, height * 768 / shortest);
    }
    85 + 170 * width.div_ceil(512) * height.div_ceil(512)
}

/// The input tokens of a request counted with the family's vocabulary. `None` when the family has none here, or when the
/// request holds what no vocabulary tells: tools, pictures, files, thinking. The frame is that of the family: on `gpt-5`
/// and the o-series the provider reports one token less, so `low` is one less than `tokens`.
pub fn count_request_exact(request: &Request<'_>, family: Family) -> Option<TokenCount> {
    if !matches!(family, Family::O200k | Family::Cl100k) || !measure_shape(request) {
        return None;
    }
    let frame = frame(family);
    let mut tokens = frame.request.likely;
    let mut message = |texts: &mut dyn Iterator<Item = &Cow<'_, str>>| {
        tokens = tokens.saturating_add(frame.message.likely);
        for text in texts {
            tokens = tokens.saturating_add(count_exact(family, text)?);
        }
        Some(())
    };
    for text in &request.system {
        message(&mut std::iter::once(text))?;
    }
    for turn in &request.turns {
        message(&mut turn.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            _ => None,
        }))?;
    }
    let low = if family == Family::O200k { tokens.saturating_sub(1) } else { tokens };
    Some(TokenCount { tokens, low, high: tokens, method: Method::Exact })
}

/// Whether a request holds texts alone.
fn measure_shape(request: &Request<'_>) -> bool {
    request.tools.is_empty()
        && !matches!(request.response_format, ResponseFormat::JsonSchema { .. })
        && request.turns.iter().flat_map(|turn| &turn.parts).all(|part| matches!(part, Part::Text(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Billing, Dialect, Thinking, Tool, Turn};

    fn sized(width: u32, height: u32) -> ImageFacts {
        ImageFacts { dimensions: Some(Dimensions { width, height }), is_low_detail: false }
    }

    #[test]
    fn pictures_cost_what_was_recorded() {
        let claude =
            |width, height, most| image_tokens(ImageRule::ClaudePatches { most }, &sized(width, height)).likely;
        // Recorded: 1540 with the 1 of a system text; 2799 likewise on Opus 4.7; 60 x 30 costs 9.
        assert_eq!(claude(1800, 1200, 1568), 1539);
        assert_eq!(claude(1800, 1200, 4784), 65 * 43 + 3);
        assert_eq!(claude(60, 30, 1568), 9);
        let openai = |width, height| image_tokens(ImageRule::OpenAiTiles, &sized(width, height));
        assert_eq!([openai(100, 100).likely, openai(640, 480).likely, openai(3008, 2000).likely], [255, 425, 1105]);
        // 488 on gpt-4.1-mini, 39 to 41 on nano.
        assert!(openai(640, 480).high >= 488 && openai(128, 128).low <= 23 && openai(128, 128).high >= 41);
        assert_eq!(image_tokens(ImageRule::Gemini, &sized(640, 480)).likely, 258);
    }

    #[test]
    fn no_picture_breaks_the_order_of_its_bounds() {
        let none = ImageFacts { dimensions: None, is_low_detail: false };
        let sizes = [1, 27, 28, 29, 767, 2049, 65_535, u32::MAX];
        let all = sizes.iter().flat_map(|width| sizes.iter().map(|height| sized(*width, *height))).chain([none]);
        for image in all {
            for rule in
                [ImageRule::ClaudePatches { most: 1568 }, ImageRule::OpenAiTiles, ImageRule::Gemini, ImageRule::Patches]
            {
                let Span { low, likely, high } = image_tokens(rule, &image);
                assert!(low <= likely && likely <= high, "{rule:?} {image:?}: {low} {likely} {high}");
            }
        }
    }

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
            billing: Billing::default(),
        };
        let facts = measure(&request);
        assert_eq!((facts.messages, facts.system_texts, facts.result_only_messages), (3, 1, 1));
        assert_eq!((facts.tool_calls, facts.tool_results, facts.tool_count), (1, 1, 1));
        assert!(facts.is_tool_forced && !facts.is_plain_text());
        assert_eq!(facts.text.bytes, 9 + 16 + 1 + 15 + 4);
        assert_eq!(count_request_exact(&request, Family::O200k), None);
        // Forced tools on Claude 3 to 4.6: 286 to 805 and the frame of three messages at least.
        let count = facts.input(Family::Claude3To46);
        assert!(count.low >= 286 + 12 && count.tokens > 589 && count.high < 1200, "{count:?}");
        assert!(facts.input(Family::Unknown).method == Method::Unknown);
    }
}
