//! Requests of the other dialects as Anthropic Messages bodies.

use std::borrow::Cow;

use super::body::Notes;
use super::extras::Extras;
use super::thinking::{AnthropicThinking, anthropic_max_tokens, for_anthropic};
use super::translate_turns::{Conversation, not_a_function};
use crate::json::{ArrayWriter, ObjectWriter, Value};
use crate::wire::read::members::members;
use crate::wire::read::typed::{Read, text};
use crate::wire::{Request, ResponseFormat, Target, Tool, ToolChoice, WireError};

/// What `json_object` becomes: Anthropic constrains to a schema only.
const JSON_OBJECT: &str = "Answer with one JSON object and nothing else: no other text, no code fence.";

/// Writes the body.
pub(in crate::wire) fn write(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    if request.choices > 1 {
        return Err(WireError::new("choices_untranslatable", "anthropic-messages gives one answer to a request", 0)
            .hint("ask for one answer (`n`: 1), or send several requests"));
    }
    let max_tokens = anthropic_max_tokens(request, target);
    let thinking = for_anthropic(request, target, max_tokens, notes).unwrap_or_default();
    let mut extras = Extras::read(request, target, notes)?;
    sampling(&mut extras, &thinking, notes);

    let mut out = String::with_capacity(request.body.len() + 1024);
    let mut body = ObjectWriter::new(&mut out);
    body.string("model", target.model).raw("max_tokens", max_tokens);
    if target.stream {
        body.raw("stream", "true");
    }
    system(&mut body, request, notes);
    body.key("messages").push_str(&Conversation::json(request, notes)?);
    tools(&mut body, request, &extras)?;
    for (key, value) in &extras.sampling {
        body.raw(key, value);
    }
    if !extras.stop.is_empty() {
        body.array("stop_sequences", |list| {
            for stop in &extras.stop {
                list.string(stop);
            }
        });
    }
    if let Some(json) = thinking.json(None) {
        body.raw("thinking", json);
    }
    output_config(&mut body, request, &thinking);
    if let Some(end_user) = &request.end_user {
        body.object("metadata", |metadata| {
            metadata.string("user_id", end_user);
        });
    }
    body.end();
    Ok(out.into_bytes())
}

/// The sampling parameters that go into the body: none while the model thinks, a temperature up to 1, and one of the two.
fn sampling(extras: &mut Extras, thinking: &AnthropicThinking<'_>, notes: &mut Notes) {
    if thinking.is_on() {
        for (name, _) in std::mem::take(&mut extras.sampling) {
            notes.no_sampling_with_thinking(name);
        }
    }
    for (name, json) in &mut extras.sampling {
        let number = Value::parse(json.as_bytes()).ok().and_then(|value| value.as_number());
        if *name == "temperature" && number.is_some_and(|number| number.as_f64() > 1.0) {
            notes.say("`temperature`: cut to 1, the most that anthropic-messages takes");
            "1".clone_into(json);
        }
    }
    // Claude models from 4.1 on refuse both at once (reported in cloud-apim/otoroshi-llm-extension#140, among others).
    if extras.sampling.iter().any(|(key, _)| *key == "temperature") {
        let before = extras.sampling.len();
        extras.sampling.retain(|(key, _)| *key != "top_p");
        if extras.sampling.len() < before {
            notes.say("`top_p`: not taken together with `temperature`");
        }
    }
}

fn text_block(list: &mut ArrayWriter<'_>, text: &str) {
    list.object(|block| {
        block.string("type", "text").string("text", text);
    });
}

fn system(body: &mut ObjectWriter<'_>, request: &Request<'_>, notes: &mut Notes) {
    let json_object = (request.response_format == ResponseFormat::JsonObject).then_some(JSON_OBJECT);
    if json_object.is_some() {
        notes.say("`response_format`: `json_object` became a line of the system prompt");
    }
    // Empty blocks are refused.
    let mut texts =
        request.system.iter().map(Cow::as_ref).chain(json_object).filter(|text| !text.trim().is_empty()).peekable();
    if texts.peek().is_some() {
        body.array("system", |list| texts.for_each(|text| text_block(list, text)));
    }
}

fn tools(body: &mut ObjectWriter<'_>, request: &Request<'_>, extras: &Extras) -> Read<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    not_a_function(&request.tools)?;
    body.array("tools", |list| request.tools.iter().for_each(|tool| write_tool(list, tool)));
    let (kind, name) = match &request.tool_choice {
        ToolChoice::Auto if extras.is_serial => ("auto", None),
        ToolChoice::Auto => return Ok(()),
        ToolChoice::None => ("none", None),
        ToolChoice::Any => ("any", None),
        ToolChoice::Named(name) => ("tool", Some(name)),
    };
    body.object("tool_choice", |choice| {
        choice.string("type", kind);
        if let Some(name) = name {
            choice.string("name", name);
        }
        if extras.is_serial && kind != "none" {
            choice.raw("disable_parallel_tool_use", "true");
        }
    });
    Ok(())
}

fn write_tool(list: &mut ArrayWriter<'_>, tool: &Tool<'_>) {
    list.object(|entry| {
        entry.string("name", &tool.name);
        if !tool.description.is_empty() {
            entry.string("description", &tool.description);
        }
        entry.raw("input_schema", schema(tool.schema));
    });
}

/// A schema with the `type` that Anthropic requires.
fn schema(schema: &[u8]) -> Cow<'_, str> {
    let Ok(members) = members(schema) else { return Cow::Borrowed(r#"{"type":"object"}"#) };
    if members.iter().any(|member| member.key == "type") {
        return text(schema);
    }
    let mut out = String::from(r#"{"type":"object""#);
    for member in members {
        out.push(',');
        out.push_str(&text(member.bytes));
    }
    out.push('}');
    Cow::Owned(out)
}

fn output_config(body: &mut ObjectWriter<'_>, request: &Request<'_>, thinking: &AnthropicThinking<'_>) {
    let schema = match request.response_format {
        ResponseFormat::JsonSchema { schema } => Some(schema),
        ResponseFormat::Text | ResponseFormat::JsonObject => None,
    };
    if schema.is_none() && thinking.effort.is_none() {
        return;
    }
    body.object("output_config", |config| {
        if let Some(effort) = &thinking.effort {
            config.string("effort", effort);
        }
        if let Some(schema) = schema {
            config.object("format", |format| {
                format.string("type", "json_schema").raw("schema", text(schema));
            });
        }
    });
}
