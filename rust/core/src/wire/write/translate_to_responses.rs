//! Requests of the other dialects as `OpenAI` Responses bodies.

use std::borrow::Cow;

use super::body::{Notes, says_nothing};
use super::extras::Extras;
use super::thinking::for_openai;
use super::thinking_fields::settle_responses;
use super::translate_to_openai::{document_title, is_strict};
use super::translate_turns::{is_web, not_a_function, untranslatable};
use crate::json::{ArrayWriter, ObjectWriter, Value};
use crate::wire::read::members::quoted;
use crate::wire::read::typed::{Read, text};
use crate::wire::{
    Document, Image, ImageSource, Part, Request, ResponseFormat, Role, Target, Tool, ToolChoice, Turn, WireError,
};

/// The least bound on an answer that the API takes, in tokens.
const MIN_OUTPUT_TOKENS: u64 = 16;

/// Writes the body.
pub(in crate::wire) fn write(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    if request.choices > 1 {
        return Err(WireError::new("choices_untranslatable", "openai-responses gives one answer to a request", 0)
            .hint("ask for one answer (`n`: 1), or send several requests"));
    }
    if says_nothing(request) {
        return Err(WireError::new("messages_empty", "no message holds anything", 0)
            .hint("say something in `messages`: another dialect has no empty message"));
    }
    let thinking = for_openai(request, target, notes).unwrap_or_default();
    let extras = Extras::read(request, target, notes)?;

    let mut out = String::with_capacity(request.body.len() + 1024);
    let mut body = ObjectWriter::new(&mut out);
    body.string("model", target.model);
    if target.stream {
        body.raw("stream", "true");
    }
    if let Some(max_tokens) = target.max_tokens.or(request.max_tokens) {
        if max_tokens < MIN_OUTPUT_TOKENS {
            notes
                .say(format!("the bound on the answer: raised to {MIN_OUTPUT_TOKENS} tokens, the least that is taken"));
        }
        body.raw("max_output_tokens", max_tokens.max(MIN_OUTPUT_TOKENS));
    }
    input(&mut body, request, notes)?;
    tools(&mut body, request, &extras)?;
    for (key, value) in &extras.sampling {
        body.raw(key, value);
    }
    text_member(&mut body, request, &extras, notes);
    if let Some(json) = settle_responses(None, &thinking)? {
        body.raw("reasoning", text(&json));
    }
    // The other dialects keep nothing unless they are asked to; this one does unless it is told not to.
    if target.quirks.takes_store && !extras.carried.iter().any(|(key, _)| *key == "store") {
        body.raw("store", "false");
    }
    for (key, value) in &extras.carried {
        body.raw(key, value);
    }
    if let Some(end_user) = &request.end_user {
        body.string("user", end_user);
    }
    body.end();
    Ok(out.into_bytes())
}

fn input(body: &mut ObjectWriter<'_>, request: &Request<'_>, notes: &mut Notes) -> Read<()> {
    if let [one] = request.system.as_slice() {
        body.string("instructions", one);
    }
    let mut list = ArrayWriter::new(body.key("input"));
    if request.system.len() > 1 {
        list.object(|message| {
            message.string("role", "developer").array("content", |parts| {
                request.system.iter().for_each(|text| text_part(parts.element(), "input_text", text));
            });
        });
    }
    for turn in &request.turns {
        match turn.role {
            Role::User => user(&mut list, turn, notes)?,
            Role::Assistant => assistant(&mut list, turn, notes)?,
        }
    }
    list.end();
    Ok(())
}

fn text_part(out: &mut String, kind: &str, text: &str) {
    let mut part = ObjectWriter::new(out);
    part.string("type", kind).string("text", text);
    part.end();
}

/// Writes what is said between results of tools, if anything is.
fn flush(list: &mut ArrayWriter<'_>, parts: &mut Vec<&Part<'_>>, notes: &mut Notes) -> Read<()> {
    if parts.is_empty() {
        return Ok(());
    }
    let mut message = ObjectWriter::new(list.element());
    message.string("role", "user");
    if let [Part::Text(text)] = parts.as_slice() {
        message.string("content", text);
    } else {
        let mut content = ArrayWriter::new(message.key("content"));
        for part in parts.iter() {
            input_part(content.element(), part, notes)?;
        }
        content.end();
    }
    message.end();
    parts.clear();
    Ok(())
}

fn user(list: &mut ArrayWriter<'_>, turn: &Turn<'_>, notes: &mut Notes) -> Read<()> {
    let mut parts = Vec::new();
    for part in &turn.parts {
        let Part::ToolResult { id, text, is_error, images } = part else {
            parts.push(part);
            continue;
        };
        flush(list, &mut parts, notes)?;
        if id.is_empty() {
            return Err(WireError::new("tool_call_id_missing", "a tool call or its result has no id", 0)
                .hint("openai-responses pairs results with calls by id"));
        }
        if *is_error {
            notes.say("`tool_result.is_error`: openai-responses has no such field");
        }
        let mut item = ObjectWriter::new(list.element());
        item.string("type", "function_call_output").string("call_id", id);
        if images.is_empty() {
            item.string("output", text);
        } else {
            let mut output = ArrayWriter::new(item.key("output"));
            if !text.is_empty() {
                text_part(output.element(), "input_text", text);
            }
            for image in images {
                write_image(output.element(), image)?;
            }
            output.end();
        }
        item.end();
    }
    flush(list, &mut parts, notes)
}

fn input_part(out: &mut String, part: &Part<'_>, notes: &mut Notes) -> Read<()> {
    match part {
        Part::Text(text) => text_part(out, "input_text", text),
        Part::Image(image) => write_image(out, image)?,
        Part::Document(document) => write_document(out, document, notes)?,
        Part::Other { kind, .. } => return Err(untranslatable(kind)),
        Part::Thinking { .. } => return Err(untranslatable("thinking")),
        Part::ToolCall { .. } | Part::ToolResult { .. } => return Err(untranslatable("tool_use")),
    }
    Ok(())
}

fn write_image(out: &mut String, image: &Image<'_>) -> Read<()> {
    let url = match &image.source {
        ImageSource::Base64 { media_type, data } => Cow::Owned(format!("data:{media_type};base64,{data}")),
        ImageSource::Url(url) if is_web(url) => Cow::Borrowed(url.as_ref()),
        ImageSource::Url(_) => {
            return Err(WireError::new("image_untranslatable", "a picture is neither base64 nor at an http(s) URL", 0)
                .hint("an uploaded file stays with its provider: send its bytes"));
        }
    };
    let mut part = ObjectWriter::new(out);
    part.string("type", "input_image").string("image_url", &url);
    if let Some(detail) = &image.detail {
        part.string("detail", detail);
    }
    part.end();
    Ok(())
}

fn write_document(out: &mut String, document: &Document<'_>, notes: &mut Notes) -> Read<()> {
    if document.media_type.starts_with("text/") {
        notes.say("`document`: a text document became text");
        text_part(out, "input_text", &document.data);
        return Ok(());
    }
    if document.media_type != "application/pdf" {
        return Err(WireError::new("document_untranslatable", "a document is neither text nor a PDF", 0)
            .hint("an uploaded file stays with its provider: send its bytes"));
    }
    let title = document_title(document);
    let mut part = ObjectWriter::new(out);
    part.string("type", "input_file");
    if is_web(&document.data) {
        part.string("file_url", &document.data);
    } else {
        part.string("filename", title.as_deref().unwrap_or("document.pdf"));
        part.string("file_data", &format!("data:application/pdf;base64,{}", document.data));
    }
    part.end();
    Ok(())
}

fn assistant(list: &mut ArrayWriter<'_>, turn: &Turn<'_>, notes: &mut Notes) -> Read<()> {
    let mut texts: Vec<&str> = Vec::new();
    let said = |list: &mut ArrayWriter<'_>, texts: &mut Vec<&str>| {
        if texts.is_empty() {
            return;
        }
        list.object(|message| {
            message.string("role", "assistant").array("content", |parts| {
                texts.drain(..).for_each(|text| text_part(parts.element(), "output_text", text));
            });
        });
    };
    for part in &turn.parts {
        match part {
            Part::Text(text) => texts.push(text.as_ref()),
            Part::ToolCall { id, name, arguments } => {
                said(list, &mut texts);
                if id.is_empty() {
                    return Err(WireError::new("tool_call_id_missing", "a tool call or its result has no id", 0)
                        .hint("openai-responses pairs results with calls by id"));
                }
                list.object(|item| {
                    item.string("type", "function_call")
                        .string("call_id", id)
                        .string("name", name)
                        .string("arguments", arguments);
                });
            }
            Part::Thinking { .. } => {
                notes.say("thinking: reasoning of another provider's model was left out, as it cannot be signed");
            }
            Part::Other { kind, .. } => return Err(untranslatable(kind)),
            Part::Image(_) => return Err(untranslatable("image")),
            Part::Document(_) => return Err(untranslatable("document")),
            Part::ToolResult { .. } => return Err(untranslatable("tool_result")),
        }
    }
    said(list, &mut texts);
    Ok(())
}

fn tools(body: &mut ObjectWriter<'_>, request: &Request<'_>, extras: &Extras) -> Read<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    not_a_function(&request.tools)?;
    body.array("tools", |list| request.tools.iter().for_each(|tool| write_tool(list, tool)));
    match &request.tool_choice {
        ToolChoice::Auto => {}
        ToolChoice::None => {
            body.string("tool_choice", "none");
        }
        ToolChoice::Any => {
            body.string("tool_choice", "required");
        }
        ToolChoice::Named(name) => {
            body.object("tool_choice", |choice| {
                choice.string("type", "function").string("name", name);
            });
        }
    }
    if extras.is_serial {
        body.raw("parallel_tool_calls", "false");
    }
    Ok(())
}

fn write_tool(list: &mut ArrayWriter<'_>, tool: &Tool<'_>) {
    list.object(|entry| {
        entry.string("type", "function").string("name", &tool.name);
        if !tool.description.is_empty() {
            entry.string("description", &tool.description);
        }
        if !tool.schema.is_empty() {
            entry.raw("parameters", text(tool.schema));
        }
        // Unsaid it is strict here and not strict elsewhere.
        entry.raw("strict", tool.strict.unwrap_or(false));
    });
}

fn text_member(body: &mut ObjectWriter<'_>, request: &Request<'_>, extras: &Extras, notes: &mut Notes) {
    let has_format = request.response_format != ResponseFormat::Text;
    if !has_format && extras.verbosity.is_none() {
        return;
    }
    body.object("text", |member| {
        match request.response_format {
            ResponseFormat::Text => {}
            ResponseFormat::JsonObject => {
                member.raw("format", r#"{"type":"json_object"}"#);
            }
            ResponseFormat::JsonSchema { schema } => {
                let named = extras.format.as_ref();
                let enforced = named.and_then(|(_, strict)| *strict);
                let is_strict = enforced
                    .unwrap_or_else(|| named.is_none() && Value::parse(schema).is_ok_and(|schema| is_strict(&schema)));
                if named.is_none() && !is_strict {
                    notes.say(
                        "`output_config.format`: the schema is not one that openai-responses enforces, so it is a wish",
                    );
                }
                member.object("format", |format| {
                    format
                        .string("type", "json_schema")
                        .raw("name", named.map_or_else(|| quoted("answer"), |(name, _)| quoted(name)))
                        .raw("strict", is_strict)
                        .raw("schema", text(schema));
                });
            }
        }
        if let Some(verbosity) = &extras.verbosity {
            member.raw("verbosity", verbosity);
        }
    });
}
