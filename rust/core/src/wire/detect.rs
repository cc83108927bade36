//! Which dialect a body is in, when nobody said.

use super::Dialect;
use crate::json::{JsonError, Kind, Reader};

/// What ends the look-out: a sign that only one dialect has, or broken JSON (the parser will say where).
enum Stop {
    OpenAi,
    Broken,
}

impl From<JsonError> for Stop {
    fn from(_: JsonError) -> Self {
        Self::Broken
    }
}

/// The dialect of a body: Anthropic Messages when something in it says so and nothing says `OpenAI`, else `OpenAI` Chat.
///
/// The order of keys plays no part. Signs of Anthropic: `system`, `anthropic_version`, `stop_sequences`,
/// `output_config`, `mcp_servers`, a tool with `input_schema`, a content block with `source` or of type `tool_use`,
/// `tool_result` or `redacted_thinking`. Signs of `OpenAI`: `max_completion_tokens`, `response_format`,
/// `reasoning_effort`, `functions`, a message with `tool_calls` or of role `tool`, `function` or `developer`, a tool of
/// type `function`, a content part of type `image_url`.
pub fn detect(body: &[u8]) -> Dialect {
    let mut reader = Reader::new(body);
    let mut is_anthropic = false;
    let end = top_level(&mut reader, &mut is_anthropic);
    match end {
        Ok(()) | Err(Stop::Broken) if is_anthropic => Dialect::AnthropicMessages,
        Ok(()) | Err(Stop::Broken | Stop::OpenAi) => Dialect::OpenAiChat,
    }
}

fn top_level(reader: &mut Reader<'_>, is_anthropic: &mut bool) -> Result<(), Stop> {
    reader.object(|reader, key| {
        match key.as_ref() {
            "system" | "anthropic_version" | "stop_sequences" | "output_config" | "mcp_servers" => *is_anthropic = true,
            "max_completion_tokens" | "response_format" | "reasoning_effort" | "functions" => return Err(Stop::OpenAi),
            "tools" => return each_object(reader, &mut |reader, key| tool(reader, key, is_anthropic)),
            "messages" => return each_object(reader, &mut |reader, key| message(reader, key, is_anthropic)),
            _ => {}
        }
        reader.skip()?;
        Ok(())
    })
}

/// Visits the members of each object in an array; anything else is passed over.
fn each_object<'a>(
    reader: &mut Reader<'a>,
    visit: &mut impl FnMut(&mut Reader<'a>, &str) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if reader.peek()? != Kind::Array {
        reader.skip()?;
        return Ok(());
    }
    reader.array(|reader| {
        if reader.peek()? == Kind::Object {
            reader.object(|reader, key| visit(reader, &key))
        } else {
            reader.skip()?;
            Ok(())
        }
    })
}

fn tool(reader: &mut Reader<'_>, key: &str, is_anthropic: &mut bool) -> Result<(), Stop> {
    match key {
        "input_schema" => *is_anthropic = true,
        "function" => return Err(Stop::OpenAi),
        _ => {}
    }
    reader.skip()?;
    Ok(())
}

fn message(reader: &mut Reader<'_>, key: &str, is_anthropic: &mut bool) -> Result<(), Stop> {
    match key {
        "tool_calls" => return Err(Stop::OpenAi),
        "role" if reader.peek()? == Kind::String => {
            return match reader.string()?.as_ref() {
                "tool" | "function" | "developer" => Err(Stop::OpenAi),
                _ => Ok(()),
            };
        }
        "content" => return each_object(reader, &mut |reader, key| block(reader, key, is_anthropic)),
        _ => {}
    }
    reader.skip()?;
    Ok(())
}

fn block(reader: &mut Reader<'_>, key: &str, is_anthropic: &mut bool) -> Result<(), Stop> {
    match key {
        "source" => *is_anthropic = true,
        "type" if reader.peek()? == Kind::String => {
            match reader.string()?.as_ref() {
                "tool_use" | "tool_result" | "redacted_thinking" => *is_anthropic = true,
                "image_url" => return Err(Stop::OpenAi),
                _ => {}
            }
            return Ok(());
        }
        _ => {}
    }
    reader.skip()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_says_its_dialect() {
        let anthropic = [
            r#"{"system":"x","messages":[]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}"#,
            r#"{"messages":[{"role":"user","content":[{"source":{},"type":"image"}]}]}"#,
            r#"{"messages":[],"tools":[{"name":"f","input_schema":{}}]}"#,
            r#"{"messages":[],"anthropic_version":"x"}"#,
        ];
        for body in anthropic {
            assert_eq!(detect(body.as_bytes()), Dialect::AnthropicMessages, "{body}");
        }
        let openai = [
            r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#,
            r#"{"messages":[{"role":"developer","content":"hi"}]}"#,
            r#"{"messages":[],"tools":[{"type":"function","function":{}}]}"#,
            r#"{"system":"mixed","messages":[{"role":"tool","content":""}]}"#,
            "",
            "[]",
            "{",
            "{\"messages\":3}",
            "nonsense",
        ];
        for body in openai {
            assert_eq!(detect(body.as_bytes()), Dialect::OpenAiChat, "{body}");
        }
    }
}
