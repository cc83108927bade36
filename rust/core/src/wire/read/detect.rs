//! Which dialect a body is in, when nobody said.

use crate::json::{JsonError, Kind, Reader};
use crate::wire::Dialect;

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

/// Signs of a dialect.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one independent sign")]
struct Signs {
    strong: bool,
    /// `thinking` in Anthropic's words, which some `OpenAI` clients send as well.
    thinking: bool,
    /// A message of role `system`, which is rare with Anthropic.
    system_message: bool,
    /// A field that only Responses has.
    responses: bool,
    /// `messages`, which Responses has not.
    messages: bool,
}

/// The dialect of a body: `OpenAI` Responses when it has `input`, or no `messages` and `previous_response_id`,
/// `max_output_tokens`, `conversation` or `prompt`; Anthropic Messages when something in it says so and nothing says `OpenAI`, else `OpenAI` Chat.
///
/// The order of keys plays no part. Signs of Anthropic: `system`, `anthropic_version`, `stop_sequences`,
/// `output_config`, `output_format`, `context_management`, `mcp_servers`, a tool with `input_schema` or of a dated type (`web_search_20250305`), a `tool_choice`
/// of type `auto`, `any`, `none` or `tool`, a content block with `source` or of type `tool_use`, `tool_result` or
/// `redacted_thinking`; and, unless a message has the role `system`, `thinking` that is adaptive or has a budget. Signs of `OpenAI`: `max_completion_tokens`, `response_format`,
/// `reasoning_effort`, `functions`, a message with `tool_calls` or of role `tool`, `function` or `developer`, a tool of
/// type `function`, a content part of type `image_url`.
pub fn detect(body: &[u8]) -> Dialect {
    let mut signs = Signs::default();
    match top_level(&mut Reader::new(body), &mut signs) {
        Ok(()) | Err(Stop::Broken) if signs.responses && !signs.messages => Dialect::OpenAiResponses,
        Ok(()) | Err(Stop::Broken) if signs.strong || (signs.thinking && !signs.system_message) => {
            Dialect::AnthropicMessages
        }
        Ok(()) | Err(Stop::Broken | Stop::OpenAi) => Dialect::OpenAiChat,
    }
}

fn top_level(reader: &mut Reader<'_>, signs: &mut Signs) -> Result<(), Stop> {
    reader.object(|reader, key| {
        match key.as_ref() {
            "system" | "anthropic_version" | "stop_sequences" | "output_config" | "output_format" | "mcp_servers"
            | "context_management" => signs.strong = true,
            "thinking" if reader.peek()? == Kind::Object => {
                return reader.object(|reader, key| thinking(reader, &key, signs));
            }
            "max_completion_tokens" | "response_format" | "reasoning_effort" | "functions" => return Err(Stop::OpenAi),
            "input" | "previous_response_id" | "conversation" | "prompt" | "max_output_tokens" => {
                signs.responses = true;
            }
            "tool_choice" if reader.peek()? == Kind::Object => {
                return reader.object(|reader, key| tool_choice(reader, &key, signs));
            }
            "tools" => return each_object(reader, &mut |reader, key| tool(reader, key, signs)),
            "messages" => {
                signs.messages = true;
                return each_object(reader, &mut |reader, key| message(reader, key, signs));
            }
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

fn thinking(reader: &mut Reader<'_>, key: &str, signs: &mut Signs) -> Result<(), Stop> {
    if key == "type" && reader.peek()? == Kind::String {
        signs.thinking |= matches!(reader.string()?.as_ref(), "adaptive" | "between_tools");
    } else {
        signs.thinking |= key == "budget_tokens";
        reader.skip()?;
    }
    Ok(())
}

fn tool_choice(reader: &mut Reader<'_>, key: &str, signs: &mut Signs) -> Result<(), Stop> {
    if key == "type" && reader.peek()? == Kind::String {
        if let "auto" | "any" | "none" | "tool" = reader.string()?.as_ref() {
            signs.strong = true;
        }
    } else {
        reader.skip()?;
    }
    Ok(())
}

/// Whether a tool's type ends in a date, as those of Anthropic's own tools do.
fn is_dated(kind: &str) -> bool {
    kind.rsplit_once('_').is_some_and(|(_, date)| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
}

fn tool(reader: &mut Reader<'_>, key: &str, signs: &mut Signs) -> Result<(), Stop> {
    match key {
        "input_schema" => signs.strong = true,
        "function" => return Err(Stop::OpenAi),
        "type" if reader.peek()? == Kind::String => {
            if is_dated(&reader.string()?) {
                signs.strong = true;
            }
            return Ok(());
        }
        _ => {}
    }
    reader.skip()?;
    Ok(())
}

fn message(reader: &mut Reader<'_>, key: &str, signs: &mut Signs) -> Result<(), Stop> {
    match key {
        "tool_calls" => return Err(Stop::OpenAi),
        "role" if reader.peek()? == Kind::String => {
            return match reader.string()?.as_ref() {
                "tool" | "function" | "developer" => Err(Stop::OpenAi),
                "system" => {
                    signs.system_message = true;
                    Ok(())
                }
                _ => Ok(()),
            };
        }
        "content" => return each_object(reader, &mut |reader, key| block(reader, key, signs)),
        _ => {}
    }
    reader.skip()?;
    Ok(())
}

fn block(reader: &mut Reader<'_>, key: &str, signs: &mut Signs) -> Result<(), Stop> {
    match key {
        "source" => signs.strong = true,
        "type" if reader.peek()? == Kind::String => {
            match reader.string()?.as_ref() {
                "tool_use" | "tool_result" | "redacted_thinking" => signs.strong = true,
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
            r#"{"messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled","budget_tokens":1024}}"#,
            r#"{"messages":[],"tool_choice":{"name":"f","type":"tool"}}"#,
            r#"{"messages":[],"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
        ];
        for body in anthropic {
            assert_eq!(detect(body.as_bytes()), Dialect::AnthropicMessages, "{body}");
        }
        let responses = [
            r#"{"model":"m","input":"hi"}"#,
            r#"{"reasoning":{"effort":"low"},"input":[{"role":"user","content":"hi"}],"instructions":"x"}"#,
            r#"{"previous_response_id":"resp_1"}"#,
            r#"{"prompt":{"id":"pmpt_1"},"max_output_tokens":5}"#,
            r#"{"tools":[{"type":"web_search"}],"input":"hi"}"#,
        ];
        for body in responses {
            assert_eq!(detect(body.as_bytes()), Dialect::OpenAiResponses, "{body}");
        }
        let openai = [
            r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#,
            r#"{"messages":[{"role":"developer","content":"hi"}]}"#,
            r#"{"messages":[],"tools":[{"type":"function","function":{}}]}"#,
            r#"{"messages":[{"role":"system","content":"x"}],"thinking":{"type":"enabled","budget_tokens":1024}}"#,
            r#"{"messages":[],"thinking":{"type":"enabled"}}"#,
            r#"{"messages":[],"tool_choice":{"type":"function","function":{"name":"f"}}}"#,
            r#"{"messages":[],"input":"hi"}"#,
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
