//! `OpenAI` Chat Completions requests into the normal form, with the spellings of the providers that speak it too.

use std::borrow::Cow;

use super::openai_turns::Talk;
use super::parse::top_level;
use super::typed::{
    Read, array, blank, boolean, is_special, object, once, raw, sampling_name, since, start, string, whole, word,
};
use crate::json::{Kind, Reader, Value};
use crate::wire::{Dialect, Request, ResponseFormat, Thinking, Tool, ToolChoice};

/// Reads a request of this dialect.
pub(in crate::wire) fn parse(body: &[u8]) -> Read<Request<'_>> {
    // Two closures fill the request: the one for messages has its own part of it.
    let mut request = blank(Dialect::OpenAiChat, body);
    let mut talk = Talk::default();
    let mut settings = Settings::default();
    top_level(body, |reader, key| settings.member(&mut request, reader, key), |reader| talk.message(reader))?;
    request.system = talk.system;
    request.turns = talk.turns;
    request.max_tokens = settings.max_completion_tokens.or(settings.max_tokens);
    request.thinking = settings.thinking();
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
    budget: Option<Thinking<'a>>,
    template: Option<Thinking<'a>>,
    switch: Option<Thinking<'a>>,
}

impl<'a> Settings<'a> {
    /// A switch that is off wins, then the most specific field; providers of the family have one or two of them each.
    fn thinking(self) -> Thinking<'a> {
        let said = [self.effort, self.reasoning, self.thinking, self.budget, self.template, self.switch];
        if said.contains(&Some(Thinking::Off)) {
            return Thinking::Off;
        }
        // `thinking: enabled` beside a measure only says that there is one.
        let mut said = said.into_iter().flatten();
        let first = said.next().unwrap_or_default();
        if first == Thinking::Adaptive { said.find(|next| *next != first).unwrap_or(first) } else { first }
    }

    fn member(&mut self, request: &mut Request<'a>, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "model" => request.model = string(reader, key)?,
            "stream" => request.stream = boolean(reader, key)?.unwrap_or(false),
            "stream_options" => object(reader, key, |reader, key| {
                if key == "include_usage" {
                    request.wants_usage = boolean(reader, "stream_options.include_usage")?.unwrap_or(false);
                } else {
                    reader.skip()?;
                }
                Ok(())
            })?,
            "max_tokens" => self.max_tokens = whole(reader, key)?,
            "max_completion_tokens" => self.max_completion_tokens = whole(reader, key)?,
            "n" => request.choices = whole(reader, key)?.unwrap_or(1),
            "user" => request.end_user = string(reader, key)?,
            "service_tier" => request.billing.service_tier = word(reader)?,
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
            "thinking_budget" => self.budget = whole(reader, key)?.map(Thinking::Budget),
            "enable_thinking" => self.switch = boolean(reader, key)?.map(switched),
            "disable_reasoning" => self.switch = boolean(reader, key)?.map(|off| switched(!off)),
            "chat_template_kwargs" | "chat_template_args" | "extra_body" => {
                if let Some(json) = raw(reader)? {
                    self.template = nested(&Value::parse(json)?);
                }
            }
            _ => {
                if let Some(name) = sampling_name(key) {
                    if raw(reader)?.is_some() {
                        request.sampling.push(name);
                    }
                } else {
                    request.has_special_fields |= is_special(key);
                    reader.skip()?;
                }
            }
        }
        Ok(())
    }
}

fn switched<'a>(on: bool) -> Thinking<'a> {
    if on { Thinking::Adaptive } else { Thinking::Off }
}

/// The switch of a chat template, or Gemini's budget; -1 leaves it to the model.
fn nested<'a>(value: &Value<'_>) -> Option<Thinking<'a>> {
    if let Some(on) = value.get("enable_thinking").and_then(Value::as_bool) {
        return Some(switched(on));
    }
    let config = value.get("google")?.get("thinking_config")?;
    if let Some(level) = config.get("thinking_level").and_then(Value::as_str) {
        return Some(Thinking::Effort(Cow::Owned(level.to_ascii_lowercase())));
    }
    Some(match config.get("thinking_budget")?.as_u64() {
        Some(0) => Thinking::Off,
        Some(tokens) => Thinking::Budget(tokens),
        None => Thinking::Adaptive,
    })
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
pub(in crate::wire) fn thinking<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<Thinking<'a>>> {
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

pub(in crate::wire) fn tool_choice<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<ToolChoice<'a>>> {
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
    strict: Option<bool>,
}

impl<'a> Function<'a> {
    fn member(&mut self, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "name" => once(&mut self.name, string(reader, "tools[].name")?, key, reader),
            "description" => once(&mut self.description, string(reader, "tools[].description")?, key, reader),
            "parameters" => once(&mut self.schema, raw(reader)?, key, reader),
            "strict" if reader.peek()? == Kind::Bool => once(&mut self.strict, Some(reader.bool()?), key, reader),
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
            strict: self.strict,
        }
    }
}

fn function<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Function<'a>> {
    let mut function = Function::default();
    object(reader, field, |reader, key| function.member(reader, &key))?;
    Ok(function)
}

pub(in crate::wire) fn tools<'a>(reader: &mut Reader<'a>, field: &str, tools: &mut Vec<Tool<'a>>) -> Read<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Part;

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
