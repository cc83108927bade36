//! `OpenAI` Responses requests into the normal form.

use super::openai_chat::{thinking, tools};
use super::parse::{each_member, messages};
use super::responses_items::Talk;
use super::typed::{Read, blank, boolean, is_special, object, present, raw, sampling_name, say, string, whole, word};
use crate::json::{Kind, Reader};
use crate::wire::{Dialect, Part, Request, ResponseFormat, Role, ToolChoice, WireError};

/// Reads a request of this dialect.
pub(in crate::wire) fn parse(body: &[u8]) -> Read<Request<'_>> {
    let mut request = blank(Dialect::OpenAiResponses, body);
    let mut talk = Talk::default();
    let mut instructions = None;
    let mut count = None;
    each_member(body, |reader, key| match key {
        "input" => {
            count = input(reader, &mut talk)?;
            Ok(())
        }
        "instructions" => {
            instructions = string(reader, key)?.filter(|text| !text.is_empty());
            Ok(())
        }
        _ => member(&mut request, reader, key),
    })?;
    match count {
        // What came before stands with the provider, or in its stored prompt.
        None if request.is_stateful => {}
        None => {
            return Err(WireError::new("messages_missing", "the body has no `input`", 0)
                .hint("a Responses request holds its conversation in `input`"));
        }
        Some(0) if !request.is_stateful => return Err(WireError::new("messages_empty", "`input` is empty", 0)),
        Some(_) => {}
    }
    request.is_stateful |= talk.has_references;
    request.system = instructions.into_iter().chain(talk.system).collect();
    request.turns = talk.turns;
    Ok(request)
}

/// The conversation: a text is a question, a list holds items. Gives their number, nothing when it is null.
fn input<'a>(reader: &mut Reader<'a>, talk: &mut Talk<'a>) -> Read<Option<usize>> {
    match reader.peek()? {
        Kind::String => {
            let text = reader.string()?;
            let count = usize::from(!text.is_empty());
            say(&mut talk.turns, Role::User, Part::Text(text));
            Ok(Some(count))
        }
        Kind::Null => {
            reader.null()?;
            Ok(None)
        }
        Kind::Array => messages(reader, "input", &mut |reader| talk.item(reader)).map(Some),
        found => Err(WireError::wrong_type("input", "a string or an array", found, reader.offset())),
    }
}

fn member<'a>(request: &mut Request<'a>, reader: &mut Reader<'a>, key: &str) -> Read<()> {
    match key {
        "model" => request.model = string(reader, key)?,
        "stream" => request.stream = boolean(reader, key)?.unwrap_or(false),
        "max_output_tokens" => request.max_tokens = whole(reader, key)?,
        "user" => request.end_user = string(reader, key)?,
        "service_tier" => request.billing.service_tier = word(reader)?,
        "tools" => tools(reader, key, &mut request.tools)?,
        "tool_choice" => request.tool_choice = tool_choice(reader, key)?,
        "text" => object(reader, key, |reader, key| {
            if key == "format" {
                request.response_format = format(reader)?;
            } else {
                reader.skip()?;
            }
            Ok(())
        })?,
        "reasoning" => request.thinking = thinking(reader, key)?.unwrap_or_default(),
        "previous_response_id" | "conversation" | "prompt" => request.is_stateful |= raw(reader)?.is_some(),
        // The answer is to be fetched later, by its id.
        "background" => request.is_stateful |= boolean(reader, key)?.unwrap_or(false),
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

fn format<'a>(reader: &mut Reader<'a>) -> Read<ResponseFormat<'a>> {
    let (mut kind, mut schema) = (None, None);
    object(reader, "text.format", |reader, key| {
        match key.as_ref() {
            "type" => kind = string(reader, "text.format.type")?,
            "schema" => schema = raw(reader)?,
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

fn tool_choice<'a>(reader: &mut Reader<'a>, field: &str) -> Read<ToolChoice<'a>> {
    if reader.peek()? == Kind::String {
        return Ok(of_word(&reader.string()?));
    }
    if !present(reader, field, Kind::Object)? {
        return Ok(ToolChoice::Auto);
    }
    let (mut kind, mut name, mut mode) = (None, None, None);
    object(reader, field, |reader, key| {
        match key.as_ref() {
            "type" => kind = string(reader, "tool_choice.type")?,
            "name" => name = string(reader, "tool_choice.name")?,
            "mode" => mode = string(reader, "tool_choice.mode")?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    // Which tools are allowed stays in the body; the normal form keeps whether one must be called.
    Ok(match (kind.as_deref(), name) {
        (Some("allowed_tools"), _) => mode.map_or(ToolChoice::Auto, |mode| of_word(&mode)),
        (_, Some(name)) => ToolChoice::Named(name),
        // A tool of the provider's is named by its type.
        (Some(_), None) => ToolChoice::Named(kind.unwrap_or_default()),
        (None, None) => ToolChoice::Auto,
    })
}

fn of_word(word: &str) -> ToolChoice<'static> {
    match word {
        "none" => ToolChoice::None,
        "required" => ToolChoice::Any,
        _ => ToolChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Thinking;

    fn read(body: &str) -> Request<'_> {
        parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn an_agent_turn_becomes_normal() {
        let request = read(
            r#"{"model":"m","stream":true,"max_output_tokens":7,"temperature":0,"instructions":"s",
            "reasoning":{"effort":"high","summary":"auto"},"tool_choice":{"type":"function","name":"f"},"user":"u",
            "text":{"format":{"type":"json_schema","name":"x","schema":{"a":1},"strict":true},"verbosity":"low"},
            "tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"web_search"}],
            "input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:image/png;base64,QUI=","detail":"low"}]},
            {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA=="},
            {"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"x\":1}"},
            {"type":"function_call_output","call_id":"c1","output":"one"},
            {"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[{"type":"output_text","text":"b","annotations":[]}]},
            {"role":"developer","content":"dev"},{"role":"user","content":"go"}]}"#,
        );
        assert_eq!((request.max_tokens, request.stream, request.is_stateful), (Some(7), true, false));
        assert_eq!(
            (request.thinking, request.tool_choice),
            (Thinking::Effort("high".into()), ToolChoice::Named("f".into()))
        );
        assert_eq!(request.response_format, ResponseFormat::JsonSchema { schema: br#"{"a":1}"# });
        assert_eq!((request.system, request.end_user.as_deref()), (vec!["s".into(), "dev".into()], Some("u")));
        let tools: Vec<_> =
            request.tools.iter().map(|tool| (tool.name.as_ref(), tool.is_function, tool.strict)).collect();
        assert_eq!(tools, [("f", true, Some(true)), ("web_search", false, None)]);
        assert_eq!(request.turns.len(), 5);
        let Part::Thinking { text, raw } = &request.turns[1].parts[0] else { panic!("{:?}", request.turns) };
        assert!(text == "hm" && raw.ends_with(br#""encrypted_content":"gAAA=="}"#));
        assert!(matches!(&request.turns[2].parts[0], Part::ToolResult { id, text, .. } if id == "c1" && text == "one"));
        assert_eq!(request.turns[3].parts, [Part::Text("b".into())]);
    }

    #[test]
    fn what_stands_with_the_provider_is_a_mark() {
        for body in [
            r#"{"previous_response_id":"resp_1","input":"go on"}"#,
            r#"{"conversation":{"id":"conv_1"}}"#,
            r#"{"prompt":{"id":"pmpt_1"}}"#,
            r#"{"background":true,"input":"x"}"#,
            r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#,
            r#"{"input":[{"role":"user","content":"x"},{"id":"msg_1"}]}"#,
        ] {
            assert!(read(body).is_stateful, "{body}");
        }
        assert!(!read(r#"{"previous_response_id":null,"background":false,"input":"x","store":true}"#).is_stateful);
        assert_eq!(parse(br#"{"model":"m"}"#).unwrap_err().code, "messages_missing");
        assert_eq!(parse(br#"{"input":[]}"#).unwrap_err().code, "messages_empty");
        assert_eq!(parse(br#"{"input":7}"#).unwrap_err().code, "wrong_type");
    }
}
