//! `OpenAI` Chat Completions requests into the normal form, with the spellings of the providers that speak it too.

use std::borrow::Cow;

use super::parse::{no_role, plain_role, top_level};
use super::read::{
    Read, array, base64, blank, boolean, data_url, image, join, object, once, raw, sampling_name, say, since, start,
    string, text, whole,
};
use super::{Dialect, Document, Image, Part, Request, ResponseFormat, Role, Thinking, Tool, ToolChoice, WireError};
use crate::json::{Kind, Reader};

/// Reads a request of this dialect.
pub(super) fn parse(body: &[u8]) -> Read<Request<'_>> {
    // Two closures fill the request: the one for messages has its own part of it.
    let mut request = blank(Dialect::OpenAiChat, body);
    let mut talk = Talk::default();
    let mut settings = Settings::default();
    top_level(body, |reader, key| settings.member(&mut request, reader, key), |reader| talk.message(reader))?;
    request.system = talk.system;
    request.turns = talk.turns;
    request.max_tokens = settings.max_completion_tokens.or(settings.max_tokens);
    // The most specific field wins; providers of the family have one of them each.
    request.thinking = [settings.effort, settings.reasoning, settings.thinking, settings.switch]
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_default();
    Ok(request)
}

/// Fields of which several can say the same thing.
#[derive(Default)]
struct Settings<'a> {
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    effort: Option<Thinking<'a>>,
    reasoning: Option<Thinking<'a>>,
    thinking: Option<Thinking<'a>>,
    switch: Option<Thinking<'a>>,
}

impl<'a> Settings<'a> {
    fn member(&mut self, request: &mut Request<'a>, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "model" => request.model = string(reader, key)?,
            "stream" => request.stream = boolean(reader, key)?.unwrap_or(false),
            "max_tokens" => self.max_tokens = whole(reader, key)?,
            "max_completion_tokens" => self.max_completion_tokens = whole(reader, key)?,
            "n" => request.choices = whole(reader, key)?.unwrap_or(1),
            "user" => request.end_user = string(reader, key)?,
            "tools" => tools(reader, key, &mut request.tools)?,
            "functions" => array(reader, key, |reader| {
                let start = start(reader)?;
                let function = function(reader, key)?;
                request.tools.push(function.tool(since(reader, start), true));
                Ok(())
            })?,
            "tool_choice" | "function_call" => {
                if let Some(choice) = tool_choice(reader, key)? {
                    request.tool_choice = choice;
                }
            }
            "response_format" => request.response_format = response_format(reader, key)?,
            "reasoning_effort" => self.effort = effort(reader)?,
            "reasoning" => self.reasoning = thinking(reader, key)?,
            "thinking" => self.thinking = thinking(reader, key)?,
            "enable_thinking" => {
                self.switch = boolean(reader, key)?.map(|on| if on { Thinking::Adaptive } else { Thinking::Off });
            }
            _ => match sampling_name(key) {
                Some(name) => {
                    if raw(reader)?.is_some() {
                        request.sampling.push(name);
                    }
                }
                None => drop(reader.skip()?),
            },
        }
        Ok(())
    }
}

/// `reasoning_effort`: a word; Fireworks takes a number or a boolean as well.
fn effort<'a>(reader: &mut Reader<'a>) -> Read<Option<Thinking<'a>>> {
    Ok(match reader.peek()? {
        Kind::Bool => Some(if reader.bool()? { Thinking::Adaptive } else { Thinking::Off }),
        Kind::Number => whole(reader, "reasoning_effort")?.map(Thinking::Budget),
        _ => string(reader, "reasoning_effort")?.map(named_effort),
    })
}

fn named_effort(word: Cow<'_, str>) -> Thinking<'_> {
    if word == "none" { Thinking::Off } else { Thinking::Effort(word) }
}

/// `reasoning` (`OpenRouter`) and `thinking` (`DeepSeek`, Z.AI, Moonshot).
fn thinking<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<Thinking<'a>>> {
    if reader.peek()? != Kind::Object {
        reader.skip()?;
        return Ok(None);
    }
    let (mut effort, mut budget, mut is_on) = (None, None, None);
    object(reader, field, |reader, key| {
        match key.as_ref() {
            "effort" => effort = string(reader, "effort")?,
            "max_tokens" | "budget_tokens" => budget = whole(reader, &key)?,
            "enabled" => is_on = boolean(reader, "enabled")?,
            "type" => is_on = string(reader, "type")?.map(|word| word != "disabled"),
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(match (is_on, budget, effort) {
        (Some(false), _, _) => Some(Thinking::Off),
        (_, Some(budget), _) => Some(Thinking::Budget(budget)),
        (_, None, Some(effort)) => Some(named_effort(effort)),
        (Some(true), None, None) => Some(Thinking::Adaptive),
        (None, None, None) => None,
    })
}

fn response_format<'a>(reader: &mut Reader<'a>, field: &str) -> Read<ResponseFormat<'a>> {
    let (mut kind, mut schema) = (None, None);
    object(reader, field, |reader, key| {
        match key.as_ref() {
            "type" => kind = string(reader, "response_format.type")?,
            "json_schema" => object(reader, "response_format.json_schema", |reader, key| {
                if key == "schema" {
                    schema = raw(reader)?;
                } else {
                    reader.skip()?;
                }
                Ok(())
            })?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(match (kind.as_deref(), schema) {
        (Some("json_schema"), Some(schema)) => ResponseFormat::JsonSchema { schema },
        (Some("json_schema" | "json_object"), _) => ResponseFormat::JsonObject,
        _ => ResponseFormat::Text,
    })
}

fn tool_choice<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<ToolChoice<'a>>> {
    match reader.peek()? {
        Kind::String => Ok(Some(choice_word(&reader.string()?))),
        _ => choice_object(reader, field),
    }
}

fn choice_word(word: &str) -> ToolChoice<'static> {
    match word {
        "none" => ToolChoice::None,
        // `any` is Mistral's word.
        "required" | "any" => ToolChoice::Any,
        _ => ToolChoice::Auto,
    }
}

fn choice_object<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<ToolChoice<'a>>> {
    let (mut name, mut word) = (None, None);
    if reader.peek()? == Kind::Null {
        reader.null()?;
        return Ok(None);
    }
    object(reader, field, |reader, key| {
        match key.as_ref() {
            "name" => name = string(reader, "tool_choice.name")?,
            "type" if word.is_none() => word = string(reader, "tool_choice.type")?,
            "function" | "custom" => object(reader, "tool_choice.function", |reader, key| {
                if key == "name" {
                    name = string(reader, "tool_choice.function.name")?;
                } else {
                    reader.skip()?;
                }
                Ok(())
            })?,
            // Which tools are allowed stays in the body; the normal form keeps whether one must be called.
            "allowed_tools" => object(reader, "tool_choice.allowed_tools", |reader, key| {
                if key == "mode" {
                    word = string(reader, "tool_choice.allowed_tools.mode")?;
                } else {
                    reader.skip()?;
                }
                Ok(())
            })?,
            "mode" => word = string(reader, "tool_choice.mode")?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(Some(name.map_or_else(|| word.map_or(ToolChoice::Auto, |word| choice_word(&word)), ToolChoice::Named)))
}

/// What describes a function.
#[derive(Default)]
struct Function<'a> {
    name: Option<Cow<'a, str>>,
    description: Option<Cow<'a, str>>,
    schema: Option<&'a [u8]>,
}

impl<'a> Function<'a> {
    fn member(&mut self, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "name" => once(&mut self.name, string(reader, "tools[].name")?, key, reader),
            "description" => once(&mut self.description, string(reader, "tools[].description")?, key, reader),
            "parameters" => once(&mut self.schema, raw(reader)?, key, reader),
            _ => {
                reader.skip()?;
                Ok(())
            }
        }
    }

    fn tool(self, raw: &'a [u8], is_function: bool) -> Tool<'a> {
        Tool {
            name: self.name.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            schema: self.schema.unwrap_or_default(),
            raw,
            is_function,
        }
    }
}

fn function<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Function<'a>> {
    let mut function = Function::default();
    object(reader, field, |reader, key| function.member(reader, &key))?;
    Ok(function)
}

fn tools<'a>(reader: &mut Reader<'a>, field: &str, tools: &mut Vec<Tool<'a>>) -> Read<()> {
    array(reader, field, |reader| {
        let start = start(reader)?;
        let mut kind = None;
        let mut inner = None;
        // Some clients leave out the `function` level, as the Responses API does.
        let mut flat = Function::default();
        object(reader, "tools[]", |reader, key| match key.as_ref() {
            "type" => once(&mut kind, string(reader, "tools[].type")?, &key, reader),
            "function" | "custom" => {
                let value = function(reader, "tools[].function")?;
                once(&mut inner, Some(value), &key, reader)
            }
            _ => flat.member(reader, &key),
        })?;
        let is_function = matches!(kind.as_deref(), None | Some("function"));
        let mut tool = inner.unwrap_or(flat).tool(since(reader, start), is_function);
        if tool.name.is_empty() {
            tool.name = kind.unwrap_or_default();
        }
        tools.push(tool);
        Ok(())
    })
}

/// The conversation while it is read.
#[derive(Default)]
struct Talk<'a> {
    system: Vec<Cow<'a, str>>,
    turns: Vec<super::Turn<'a>>,
    /// Calls in the old style have no id: they are counted, and a `function` message answers the last one.
    legacy_calls: u32,
}

/// One message while it is read; the role may come last.
#[derive(Default)]
struct Message<'a> {
    role: Option<Cow<'a, str>>,
    content: Option<Vec<Part<'a>>>,
    calls: Option<Vec<Part<'a>>>,
    legacy_call: Option<(Cow<'a, str>, Cow<'a, str>)>,
    tool_call_id: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    reasoning_content: Option<Part<'a>>,
    reasoning: Option<Part<'a>>,
}

impl<'a> Talk<'a> {
    fn message(&mut self, reader: &mut Reader<'a>) -> Read<()> {
        let start = start(reader)?;
        let mut message = Message::default();
        object(reader, "messages[]", |reader, key| message.member(reader, &key))?;
        let role = message.role.take().ok_or_else(|| no_role(start))?;
        match role.as_ref() {
            "system" | "developer" => {
                for part in message.content.unwrap_or_default() {
                    match part {
                        Part::Text(text) if text.is_empty() => {}
                        Part::Text(text) => self.system.push(text),
                        other => say(&mut self.turns, Role::User, other),
                    }
                }
            }
            "tool" => {
                let id = message.tool_call_id.take().unwrap_or_default();
                self.result(id, message.content.unwrap_or_default());
            }
            "function" => {
                let id = Cow::Owned(legacy_id(self.legacy_calls));
                self.result(id, message.content.unwrap_or_default());
            }
            role => {
                let role = plain_role(role).ok_or_else(|| {
                    WireError::new("unknown_role", "a message's `role` is not one of this dialect", start)
                        .hint("roles are system, developer, user, assistant, tool and function")
                })?;
                self.turn(role, message);
            }
        }
        Ok(())
    }

    fn turn(&mut self, role: Role, message: Message<'a>) {
        let reasoning = message.reasoning_content.or(message.reasoning);
        let refusal = message.refusal.map(Part::Text);
        let mut parts: Vec<Part<'a>> = Vec::new();
        parts.extend(reasoning);
        parts.extend(message.content.unwrap_or_default());
        parts.extend(refusal);
        parts.extend(message.calls.unwrap_or_default());
        if let Some((name, arguments)) = message.legacy_call {
            self.legacy_calls = self.legacy_calls.saturating_add(1);
            parts.push(Part::ToolCall { id: Cow::Owned(legacy_id(self.legacy_calls)), name, arguments });
        }
        for part in parts {
            say(&mut self.turns, role, part);
        }
    }

    fn result(&mut self, id: Cow<'a, str>, content: Vec<Part<'a>>) {
        let mut texts = Vec::new();
        let mut images: Vec<Image<'a>> = Vec::new();
        let mut others = Vec::new();
        for part in content {
            match part {
                Part::Text(text) => texts.push(text),
                Part::Image(image) => images.push(image),
                other => others.push(other),
            }
        }
        say(&mut self.turns, Role::User, Part::ToolResult { id, text: join(texts), is_error: false, images });
        for other in others {
            say(&mut self.turns, Role::User, other);
        }
    }
}

fn legacy_id(number: u32) -> String {
    format!("function_call_{number}")
}

impl<'a> Message<'a> {
    fn member(&mut self, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "role" => once(&mut self.role, string(reader, "messages[].role")?, key, reader),
            "content" => once(&mut self.content, Some(content(reader)?), key, reader),
            "tool_calls" => {
                let mut calls = Vec::new();
                array(reader, "messages[].tool_calls", |reader| {
                    calls.push(tool_call(reader)?);
                    Ok(())
                })?;
                once(&mut self.calls, Some(calls), key, reader)
            }
            "function_call" => {
                let (mut name, mut arguments) = (None, None);
                object(reader, "messages[].function_call", |reader, key| {
                    called(reader, &key, &mut name, &mut arguments)
                })?;
                let call = name.map(|name| (name, arguments.unwrap_or(Cow::Borrowed("{}"))));
                once(&mut self.legacy_call, call, key, reader)
            }
            "tool_call_id" => once(&mut self.tool_call_id, string(reader, "messages[].tool_call_id")?, key, reader),
            "refusal" => once(&mut self.refusal, string(reader, "messages[].refusal")?, key, reader),
            "reasoning_content" => once(&mut self.reasoning_content, reasoning(reader)?, key, reader),
            "reasoning" => once(&mut self.reasoning, reasoning(reader)?, key, reader),
            _ => {
                reader.skip()?;
                Ok(())
            }
        }
    }
}

/// Reasoning given back as a string beside the content.
fn reasoning<'a>(reader: &mut Reader<'a>) -> Read<Option<Part<'a>>> {
    let start = start(reader)?;
    if reader.peek()? != Kind::String {
        reader.skip()?;
        return Ok(None);
    }
    let text = reader.string()?;
    Ok((!text.is_empty()).then(|| Part::Thinking { text, raw: since(reader, start) }))
}

fn called<'a>(
    reader: &mut Reader<'a>,
    key: &str,
    name: &mut Option<Cow<'a, str>>,
    arguments: &mut Option<Cow<'a, str>>,
) -> Read<()> {
    match key {
        "name" => once(name, string(reader, "function.name")?, key, reader),
        // Ollama's clients send an object here instead of its text.
        "arguments" | "input" => {
            let value = if reader.peek()? == Kind::String {
                Some(reader.string()?).filter(|text| !text.is_empty())
            } else {
                raw(reader)?.map(text)
            };
            once(arguments, value, key, reader)
        }
        _ => {
            reader.skip()?;
            Ok(())
        }
    }
}

fn tool_call<'a>(reader: &mut Reader<'a>) -> Read<Part<'a>> {
    let start = start(reader)?;
    let (mut id, mut kind, mut name, mut arguments) = (None, None, None, None);
    object(reader, "messages[].tool_calls[]", |reader, key| match key.as_ref() {
        "id" => once(&mut id, string(reader, "messages[].tool_calls[].id")?, &key, reader),
        "type" => once(&mut kind, string(reader, "messages[].tool_calls[].type")?, &key, reader),
        "function" => object(reader, "messages[].tool_calls[].function", |reader, key| {
            called(reader, &key, &mut name, &mut arguments)
        }),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(match (name, kind) {
        (None, Some(kind)) if kind != "function" => Part::Other { kind, raw: since(reader, start) },
        (name, _) => Part::ToolCall {
            id: id.unwrap_or_default(),
            name: name.ok_or_else(|| WireError::new("missing_field", "a tool call has no function name", start))?,
            arguments: arguments.unwrap_or(Cow::Borrowed("{}")),
        },
    })
}

fn content<'a>(reader: &mut Reader<'a>) -> Read<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    match reader.peek()? {
        Kind::String => parts.push(Part::Text(reader.string()?)),
        Kind::Array => reader.array(|reader| {
            parts.push(part(reader)?);
            Ok::<(), WireError>(())
        })?,
        Kind::Null => reader.null()?,
        found => return Err(WireError::wrong_type("content", "a string or an array", found, reader.offset())),
    }
    Ok(parts)
}

fn part<'a>(reader: &mut Reader<'a>) -> Read<Part<'a>> {
    let start = start(reader)?;
    if reader.peek()? == Kind::String {
        return Ok(Part::Text(reader.string()?));
    }
    let (mut kind, mut said, mut url, mut file, mut thought) = (None, None, None, None, None);
    object(reader, "content[]", |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "content[].type")?, &key, reader),
        "text" | "refusal" => once(&mut said, string(reader, "content[].text")?, &key, reader),
        "image_url" => once(&mut url, image_url(reader)?, &key, reader),
        "file" => once(&mut file, file_of(reader)?, &key, reader),
        "thinking" => once(&mut thought, thought_of(reader)?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    let raw = since(reader, start);
    let kind = kind.unwrap_or_else(|| Cow::Borrowed(if url.is_some() { "image_url" } else { "text" }));
    Ok(match (kind.as_ref(), said, url, file, thought) {
        ("text" | "refusal", Some(text), ..) => Part::Text(text),
        ("image_url", _, Some(image), ..) => Part::Image(image),
        ("file", _, _, Some((media_type, data)), _) => Part::Document(Document { media_type, data, raw }),
        ("thinking", _, _, _, Some(text)) => Part::Thinking { text, raw },
        ("text" | "image_url" | "file", ..) => {
            let field = if kind == "text" { "text" } else { kind.as_ref() };
            return Err(WireError::new("missing_field", format!("a content part has no `{field}`"), start));
        }
        _ => Part::Other { kind, raw },
    })
}

fn image_url<'a>(reader: &mut Reader<'a>) -> Read<Option<Image<'a>>> {
    if reader.peek()? == Kind::String {
        return Ok(Some(image(reader.string()?, None)));
    }
    let (mut url, mut detail) = (None, None);
    object(reader, "content[].image_url", |reader, key| match key.as_ref() {
        "url" => once(&mut url, string(reader, "content[].image_url.url")?, &key, reader),
        "detail" => once(&mut detail, string(reader, "content[].image_url.detail")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(url.map(|url| image(url, detail)))
}

/// A file's media type and data; an id has no media type.
fn file_of<'a>(reader: &mut Reader<'a>) -> Read<Option<(Cow<'a, str>, Cow<'a, str>)>> {
    let (mut data, mut id) = (None, None);
    object(reader, "content[].file", |reader, key| match key.as_ref() {
        "file_data" => once(&mut data, string(reader, "content[].file.file_data")?, &key, reader),
        "file_id" => once(&mut id, string(reader, "content[].file.file_id")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    let Some(data) = data else { return Ok(id.map(|id| (Cow::Borrowed(""), id))) };
    Ok(Some(match data_url(data) {
        Ok((media_type, data)) if media_type.starts_with("text/") => {
            match base64(&data).and_then(|bytes| String::from_utf8(bytes).ok()) {
                Some(text) => (media_type, Cow::Owned(text)),
                None => (Cow::Borrowed("application/octet-stream"), data),
            }
        }
        Ok(pair) => pair,
        // Bare base64 (or a URL, which some of the family take): a PDF is the only file that all of them read.
        Err(data) => (Cow::Borrowed("application/pdf"), data),
    }))
}

/// Mistral's reasoning: a string, or text parts.
fn thought_of<'a>(reader: &mut Reader<'a>) -> Read<Option<Cow<'a, str>>> {
    let texts = match reader.peek()? {
        Kind::String | Kind::Array => content(reader)?,
        _ => {
            reader.skip()?;
            return Ok(None);
        }
    };
    let texts = texts.into_iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    Ok(Some(join(texts.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Request<'_> {
        parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn an_agent_turn_becomes_normal() {
        let request = read(
            r#"{"model":"m","stream":true,"max_tokens":9,"max_completion_tokens":7,"temperature":0,"top_p":null,
            "reasoning_effort":"high","n":2,"user":"u","tool_choice":"required",
            "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],
            "messages":[{"role":"system","content":"s"},{"content":[{"type":"text","text":"a\n"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,QUI=","detail":"low"}}],"role":"user"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":""}},
            {"id":"c2","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"two"}]},
            {"role":"user","content":"go"}]}"#,
        );
        assert_eq!((request.max_tokens, request.choices, request.stream), (Some(7), 2, true));
        assert_eq!(request.sampling, ["temperature"]);
        assert_eq!(request.thinking, Thinking::Effort("high".into()));
        assert_eq!(request.tool_choice, ToolChoice::Any);
        assert_eq!(request.system, ["s"]);
        assert_eq!(request.tools[0].schema, br#"{"type":"object"}"#);
        assert_eq!(request.turns.len(), 3);
        assert_eq!(request.turns[0].parts[0], Part::Text("a\n".into()));
        assert!(matches!(&request.turns[1].parts[0], Part::ToolCall { arguments, .. } if arguments == "{}"));
        assert!(matches!(&request.turns[2].parts[1], Part::ToolResult { id, text, .. } if id == "c2" && text == "two"));
        assert_eq!(request.turns[2].parts.len(), 3);
    }

    #[test]
    fn the_old_function_style_is_read() {
        let request = read(
            r#"{"functions":[{"name":"f","parameters":{}}],"function_call":{"name":"f"},"messages":[{"role":"user","content":"x"},
            {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"r"}]}"#,
        );
        assert_eq!(request.tool_choice, ToolChoice::Named("f".into()));
        assert_eq!(request.tools[0].name, "f");
        let (Part::ToolCall { id: call, .. }, Part::ToolResult { id: answer, .. }) =
            (&request.turns[1].parts[0], &request.turns[2].parts[0])
        else {
            panic!("{:?}", request.turns);
        };
        assert_eq!(call, answer);
    }
}
