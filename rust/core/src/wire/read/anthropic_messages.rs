//! Anthropic Messages requests into the normal form.

use std::borrow::Cow;

use super::anthropic_turns::Talk;
use super::parse::top_level;
use super::typed::{
    Read, array, blank, boolean, cache_control, is_special, object, once, raw, sampling_name, since, start, string,
    whole, word,
};
use crate::json::{Kind, Reader};
use crate::wire::{CacheMark, CacheTtl, Dialect, PrefixEnd, Request, ResponseFormat, Thinking, Tool, ToolChoice};

/// Reads a request of this dialect.
pub(in crate::wire) fn parse(body: &[u8]) -> Read<Request<'_>> {
    // Two closures fill the request: the one for messages has its own part of it.
    let mut request = blank(Dialect::AnthropicMessages, body);
    let mut settings = Settings::default();
    let mut talk = Talk::default();
    top_level(body, |reader, key| settings.member(&mut request, reader, key), |reader| talk.message(reader))?;
    request.turns = talk.turns;
    request.system.append(&mut talk.system);
    request.billing.cache_marks.append(&mut talk.cache_marks);
    request.response_format = settings.format.unwrap_or_default();
    request.thinking = match (settings.thinking, settings.effort) {
        (None | Some(Thinking::Adaptive), Some(effort)) => Thinking::Effort(effort),
        (thinking, _) => thinking.unwrap_or_default(),
    };
    Ok(request)
}

/// Fields that stand in more than one place.
#[derive(Default)]
struct Settings<'a> {
    thinking: Option<Thinking<'a>>,
    effort: Option<Cow<'a, str>>,
    format: Option<ResponseFormat<'a>>,
}

impl<'a> Settings<'a> {
    fn member(&mut self, request: &mut Request<'a>, reader: &mut Reader<'a>, key: &str) -> Read<()> {
        match key {
            "model" => request.model = string(reader, key)?,
            "system" => system(reader, request)?,
            "max_tokens" => request.max_tokens = whole(reader, key)?,
            "stream" => request.stream = boolean(reader, key)?.unwrap_or(false),
            "tools" => array(reader, key, |reader| {
                let (tool, cached) = tool(reader)?;
                request.tools.push(tool);
                let end = PrefixEnd::Tools(request.tools.len());
                request.billing.cache_marks.extend(cached.map(|ttl| CacheMark { end, ttl }));
                Ok(())
            })?,
            "tool_choice" => request.tool_choice = tool_choice(reader, key)?,
            "thinking" => self.thinking = thinking(reader, key)?,
            "output_config" => self.output_config(reader, key)?,
            // The name of `output_config.format` while it was in beta.
            "output_format" => self.format = output_format(reader, key)?,
            "metadata" => object(reader, key, |reader, key| {
                if key == "user_id" {
                    request.end_user = string(reader, "metadata.user_id")?;
                } else {
                    reader.skip()?;
                }
                Ok(())
            })?,
            "service_tier" => request.billing.service_tier = word(reader)?,
            "speed" => request.billing.speed = word(reader)?,
            "inference_geo" => {
                request.has_special_fields = true;
                request.billing.region = word(reader)?;
            }
            "cache_control" => {
                let cached = cache_control(reader)?;
                request.billing.cache_marks.extend(cached.map(|ttl| CacheMark { end: PrefixEnd::All, ttl }));
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

    fn output_config(&mut self, reader: &mut Reader<'a>, field: &str) -> Read<()> {
        object(reader, field, |reader, key| {
            match key.as_ref() {
                "effort" => self.effort = string(reader, "output_config.effort")?,
                "format" => self.format = output_format(reader, "output_config.format")?,
                _ => drop(reader.skip()?),
            }
            Ok(())
        })
    }
}

fn system<'a>(reader: &mut Reader<'a>, request: &mut Request<'a>) -> Read<()> {
    let texts = &mut request.system;
    let mut add = |text: Cow<'a, str>| {
        if !text.is_empty() {
            texts.push(text);
        }
        texts.len()
    };
    if reader.peek()? == Kind::String {
        add(reader.string()?);
        return Ok(());
    }
    array(reader, "system", |reader| {
        let mut cached = None;
        object(reader, "system[]", |reader, key| {
            match key.as_ref() {
                "text" => drop(add(string(reader, "system[].text")?.unwrap_or_default())),
                "cache_control" => cached = cache_control(reader)?,
                _ => drop(reader.skip()?),
            }
            Ok(())
        })?;
        let end = PrefixEnd::System(add(Cow::Borrowed("")));
        request.billing.cache_marks.extend(cached.map(|ttl| CacheMark { end, ttl }));
        Ok(())
    })
}

fn tool<'a>(reader: &mut Reader<'a>) -> Read<(Tool<'a>, Option<CacheTtl>)> {
    let start = start(reader)?;
    let (mut kind, mut name, mut description, mut schema, mut cached) = (None, None, None, None, None);
    let mut strict = None;
    object(reader, "tools[]", |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "tools[].type")?, &key, reader),
        "name" => once(&mut name, string(reader, "tools[].name")?, &key, reader),
        "description" => once(&mut description, string(reader, "tools[].description")?, &key, reader),
        "input_schema" => once(&mut schema, raw(reader)?, &key, reader),
        "strict" if reader.peek()? == Kind::Bool => once(&mut strict, Some(reader.bool()?), &key, reader),
        "cache_control" => {
            cached = cache_control(reader)?;
            Ok(())
        }
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    let is_function = matches!(kind.as_deref(), None | Some("custom"));
    let tool = Tool {
        name: name.or(kind).unwrap_or_default(),
        description: description.unwrap_or_default(),
        schema: schema.unwrap_or_default(),
        raw: since(reader, start),
        is_function,
        strict,
    };
    Ok((tool, cached))
}

fn tool_choice<'a>(reader: &mut Reader<'a>, field: &str) -> Read<ToolChoice<'a>> {
    let (mut kind, mut name) = (None, None);
    object(reader, field, |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "tool_choice.type")?, &key, reader),
        "name" => once(&mut name, string(reader, "tool_choice.name")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(match (kind.as_deref(), name) {
        (Some("none"), _) => ToolChoice::None,
        (Some("any"), _) => ToolChoice::Any,
        (Some("tool"), Some(name)) => ToolChoice::Named(name),
        _ => ToolChoice::Auto,
    })
}

fn thinking<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<Thinking<'a>>> {
    let (mut kind, mut budget) = (None, None);
    object(reader, field, |reader, key| match key.as_ref() {
        "type" => once(&mut kind, string(reader, "thinking.type")?, &key, reader),
        "budget_tokens" => once(&mut budget, whole(reader, "thinking.budget_tokens")?, &key, reader),
        _ => {
            reader.skip()?;
            Ok(())
        }
    })?;
    Ok(match (kind.as_deref(), budget) {
        (Some("disabled"), _) => Some(Thinking::Off),
        (Some("between_tools"), _) => Some(Thinking::Effort(Cow::Borrowed("between_tools"))),
        (Some("enabled"), Some(budget)) => Some(Thinking::Budget(budget)),
        (Some(_), _) => Some(Thinking::Adaptive),
        (None, _) => None,
    })
}

fn output_format<'a>(reader: &mut Reader<'a>, field: &str) -> Read<Option<ResponseFormat<'a>>> {
    let mut schema = None;
    object(reader, field, |reader, key| {
        if key == "schema" {
            schema = raw(reader)?;
        } else {
            reader.skip()?;
        }
        Ok(())
    })?;
    Ok(schema.map(|schema| ResponseFormat::JsonSchema { schema }))
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
            r#"{"model":"m","max_tokens":7,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
            "thinking":{"type":"adaptive"},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{"a":1}}},
            "metadata":{"user_id":"u"},"tool_choice":{"type":"tool","name":"f"},"temperature":1,
            "tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search"}],
            "messages":[{"role":"user","content":"q"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"x"},{"type":"tool_use","id":"t","name":"f","input":{"a": 1}}]},
            {"role":"user","content":[{"content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUI="}},
            {"type":"document","source":{"type":"text","media_type":"text/plain","data":"doc"}}],"tool_use_id":"t","is_error":true,"type":"tool_result"},
            {"type":"server_tool_use","id":"z","name":"web_search","input":{}}]}]}"#,
        );
        assert_eq!(request.thinking, Thinking::Effort("max".into()));
        assert_eq!(request.response_format, ResponseFormat::JsonSchema { schema: br#"{"a":1}"# });
        assert_eq!(request.end_user.as_deref(), Some("u"));
        assert_eq!(request.tools.iter().map(|tool| tool.is_function).collect::<Vec<_>>(), [true, false]);
        assert_eq!(request.tool_choice, ToolChoice::Named("f".into()));
        assert_eq!(request.turns.len(), 3);
        assert!(matches!(&request.turns[1].parts[0],
            Part::Thinking { text, raw } if text == "hm" && raw.ends_with(br#""signature":"x"}"#)));
        assert!(matches!(&request.turns[1].parts[1], Part::ToolCall { arguments, .. } if arguments == r#"{"a": 1}"#));
        let parts = &request.turns[2].parts;
        assert!(
            matches!(&parts[0], Part::ToolResult { text, is_error: true, images, .. } if text == "r" && images.len() == 1)
        );
        assert!(matches!(&parts[1], Part::Document(document) if document.data == "doc"));
        assert!(matches!(&parts[2], Part::Other { kind, .. } if kind == "server_tool_use"));
    }
}
