//! Requests of the other dialects as `OpenAI` Chat bodies.

use super::body::{Notes, says_nothing};
use super::extras::Extras;
use super::splice::{as_taken, unsaid};
use super::thinking::for_openai;
use super::thinking_fields::settle;
use super::translate_turns::{is_web, not_a_function, untranslatable, write_text};
use crate::json::{ArrayWriter, ObjectWriter, Value};
use crate::wire::read::members::quoted;
use crate::wire::read::typed::{Read, text};
use crate::wire::{
    Document, Image, ImageSource, Part, Request, ResponseFormat, Role, Target, Tool, ToolChoice, Turn, WireError,
};

/// Writes the body.
pub(in crate::wire) fn write(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    let thinking = for_openai(request, target, notes).unwrap_or_default();
    let extras = Extras::read(request, target, notes)?;

    let mut out = String::with_capacity(request.body.len() + 1024);
    let mut body = ObjectWriter::new(&mut out);
    body.string("model", target.model);
    if target.stream {
        body.raw("stream", "true");
        if !target.quirks.tells_usage {
            body.raw("stream_options", r#"{"include_usage":true}"#);
        }
    }
    if let Some(max_tokens) = target.max_tokens.or(request.max_tokens) {
        body.raw(target.max_tokens_field, max_tokens);
    }
    if says_nothing(request) {
        return Err(WireError::new("messages_empty", "no message holds anything", 0)
            .hint("say something in `messages`: another dialect has no empty message"));
    }
    let mut list = ArrayWriter::new(body.key("messages"));
    if !request.system.is_empty() {
        let texts: Vec<&str> = request.system.iter().map(AsRef::as_ref).collect();
        let mut message = ObjectWriter::new(list.element());
        message.string("role", "system").raw("content", text_content(&texts, target));
        message.end();
    }
    for turn in &request.turns {
        match turn.role {
            Role::User => user(&mut list, turn, target, notes)?,
            Role::Assistant => assistant(&mut list, turn, target, notes)?,
        }
    }
    list.end();
    tools(&mut body, request, &extras)?;
    if !extras.stop.is_empty() {
        body.array("stop", |list| {
            for stop in &extras.stop {
                list.string(stop);
            }
        });
    }
    for (key, value) in extras.sampling.iter().chain(&extras.carried) {
        body.raw(key, value);
    }
    if let Some(verbosity) = &extras.verbosity {
        body.raw("verbosity", verbosity);
    }
    for member in unsaid(request, target)? {
        body.raw(&member.key, member.text());
    }
    for member in settle(&[], &thinking)?.0 {
        body.raw(member.key, text(&member.json));
    }
    match request.response_format {
        ResponseFormat::Text => {}
        ResponseFormat::JsonObject => {
            body.raw("response_format", r#"{"type":"json_object"}"#);
        }
        ResponseFormat::JsonSchema { schema } => response_format(&mut body, schema, extras.format.as_ref(), notes),
    }
    if let Some(end_user) = &request.end_user {
        body.string("user", end_user);
    }
    body.end();
    as_taken(out.into_bytes(), target, notes)
}

/// Texts as the value of `content`: one alone is a string, several are parts unless the upstream wants a string.
fn text_content(texts: &[&str], target: &Target<'_>) -> String {
    if texts.len() < 2 || !target.quirks.takes_text_lists {
        return quoted(&texts.join("\n\n"));
    }
    let mut out = String::new();
    let mut list = ArrayWriter::new(&mut out);
    for text in texts {
        write_text(list.element(), text);
    }
    list.end();
    out
}

/// The texts of parts that are nothing else, or nothing.
fn only_texts<'p>(parts: &[&'p Part<'_>]) -> Option<Vec<&'p str>> {
    parts.iter().map(|part| if let Part::Text(text) = part { Some(text.as_ref()) } else { None }).collect()
}

fn user(list: &mut ArrayWriter<'_>, turn: &Turn<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<()> {
    let mut rest: Vec<&Part<'_>> = Vec::new();
    let mut pictures: Vec<&Image<'_>> = Vec::new();
    for part in &turn.parts {
        let Part::ToolResult { id, text, is_error, images } = part else {
            rest.push(part);
            continue;
        };
        if *is_error {
            notes.say("`tool_result.is_error`: openai-chat has no such field");
        }
        if !images.is_empty() {
            notes.say("`tool_result.content`: pictures were moved into a user message behind the result");
            pictures.extend(images);
        }
        list.object(|message| {
            message.string("role", "tool").string("tool_call_id", id).string("content", text);
        });
    }
    if rest.is_empty() && pictures.is_empty() {
        return Ok(());
    }
    let mut message = ObjectWriter::new(list.element());
    message.string("role", "user");
    if let Some(texts) = only_texts(&rest).filter(|_| pictures.is_empty()) {
        message.raw("content", text_content(&texts, target));
    } else {
        let mut content = ArrayWriter::new(message.key("content"));
        for picture in pictures {
            write_image(content.element(), picture)?;
        }
        for part in rest {
            write_part(content.element(), part, notes)?;
        }
        content.end();
    }
    message.end();
    Ok(())
}

fn write_part(out: &mut String, part: &Part<'_>, notes: &mut Notes) -> Read<()> {
    match part {
        Part::Text(text) => write_text(out, text),
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
        ImageSource::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
        ImageSource::Url(url) if is_web(url) => url.clone().into_owned(),
        ImageSource::Url(_) => {
            return Err(WireError::new("image_untranslatable", "a picture is neither base64 nor at an http(s) URL", 0)
                .hint("an uploaded file stays with its provider: send its bytes"));
        }
    };
    let mut part = ObjectWriter::new(out);
    part.string("type", "image_url").object("image_url", |member| {
        member.string("url", &url);
        if let Some(detail) = &image.detail {
            member.string("detail", detail);
        }
    });
    part.end();
    Ok(())
}

/// The name of a file in whatever words its dialect has for it.
pub(in crate::wire) fn document_title(document: &Document<'_>) -> Option<String> {
    let entry = Value::parse(document.raw).ok()?;
    let inner = entry.get("file").and_then(|file| file.get("filename"));
    let title = inner.or_else(|| entry.get("filename")).or_else(|| entry.get("title"));
    title.and_then(Value::as_str).map(str::to_owned)
}

fn write_document(out: &mut String, document: &Document<'_>, notes: &mut Notes) -> Read<()> {
    if document.media_type.starts_with("text/") {
        notes.say("`document`: a text document became text");
        write_text(out, &document.data);
        return Ok(());
    }
    if document.media_type != "application/pdf" || is_web(&document.data) {
        return Err(WireError::new("document_untranslatable", "a document is neither text nor a PDF in base64", 0)
            .hint(
                "send the document's bytes: openai-chat fetches no URLs, and an uploaded file stays with its provider",
            ));
    }
    let title = document_title(document);
    let title = title.as_deref().unwrap_or("document.pdf");
    let mut part = ObjectWriter::new(out);
    part.string("type", "file").object("file", |file| {
        let data = format!("data:application/pdf;base64,{}", document.data);
        file.string("filename", title).string("file_data", &data);
    });
    part.end();
    Ok(())
}

fn assistant(list: &mut ArrayWriter<'_>, turn: &Turn<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<()> {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    let mut thoughts = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Text(text) => texts.push(text.as_ref()),
            Part::ToolCall { id, name, arguments } => calls.push((id, name, arguments)),
            Part::Thinking { text, .. } => thoughts.push(text.as_ref()),
            Part::Other { kind, .. } => return Err(untranslatable(kind)),
            Part::Image(_) => return Err(untranslatable("image")),
            Part::Document(_) => return Err(untranslatable("document")),
            Part::ToolResult { .. } => return Err(untranslatable("tool_result")),
        }
    }
    // Upstreams that check it want the reasoning behind a call of tools back; elsewhere it is another model's.
    thoughts.retain(|text| !text.is_empty() && target.echoes_reasoning && !calls.is_empty());
    if thoughts.is_empty() && turn.parts.iter().any(|part| matches!(part, Part::Thinking { .. })) {
        notes.say("thinking: reasoning of another provider's model was left out");
    }
    if texts.is_empty() && calls.is_empty() {
        return Ok(());
    }
    let mut message = ObjectWriter::new(list.element());
    message.string("role", "assistant");
    if texts.is_empty() {
        message.raw("content", "null");
    } else {
        message.raw("content", text_content(&texts, target));
    }
    if !thoughts.is_empty() {
        message.string("reasoning_content", &thoughts.join("\n"));
    }
    if !calls.is_empty() {
        message.array("tool_calls", |list| {
            for (id, name, arguments) in calls {
                list.object(|call| {
                    call.string("id", id).string("type", "function").object("function", |function| {
                        function.string("name", name).string("arguments", arguments);
                    });
                });
            }
        });
    }
    message.end();
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
                choice.string("type", "function").object("function", |function| {
                    function.string("name", name);
                });
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
        entry.string("type", "function").object("function", |function| {
            function.string("name", &tool.name);
            if !tool.description.is_empty() {
                function.string("description", &tool.description);
            }
            if !tool.schema.is_empty() {
                function.raw("parameters", text(tool.schema));
            }
            if let Some(strict) = tool.strict {
                function.raw("strict", strict);
            }
        });
    });
}

fn response_format(
    body: &mut ObjectWriter<'_>,
    schema: &[u8],
    named: Option<&(String, Option<bool>)>,
    notes: &mut Notes,
) {
    let enforced = named.map(|(_, strict)| strict.unwrap_or(true));
    let is_strict = enforced.unwrap_or_else(|| Value::parse(schema).is_ok_and(|schema| is_strict(&schema)));
    if named.is_none() && !is_strict {
        notes.say("`output_config.format`: the schema is not one that openai-chat enforces, so it is a wish");
    }
    body.object("response_format", |format| {
        format.string("type", "json_schema").object("json_schema", |inner| {
            inner
                .string("name", named.map_or("answer", |(name, _)| name))
                .raw("strict", is_strict)
                .raw("schema", text(schema));
        });
    });
}

/// Whether `OpenAI`'s strict mode takes a schema: objects closed, every property required, no other keywords.
pub(in crate::wire) fn is_strict(schema: &Value<'_>) -> bool {
    const KEYWORDS: [&str; 10] = [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "description",
        "title",
        "anyOf",
    ];
    if !matches!(schema, Value::Object(_)) || schema.members().iter().any(|(key, _)| !KEYWORDS.contains(&key.as_ref()))
    {
        return false;
    }
    let properties = schema.get("properties").map_or(&[][..], Value::members);
    let is_object = schema.get("type").and_then(Value::as_str) == Some("object") || !properties.is_empty();
    let required = schema.get("required").map_or(&[][..], Value::items);
    let is_closed = !is_object
        || (schema.get("additionalProperties").and_then(Value::as_bool) == Some(false)
            && properties.iter().all(|(name, _)| required.iter().any(|item| item.as_str() == Some(name.as_ref()))));
    let alternatives = schema.get("anyOf").map_or(&[][..], Value::items);
    is_closed
        && properties.iter().all(|(_, inner)| is_strict(inner))
        && alternatives.iter().all(is_strict)
        && schema.get("items").is_none_or(is_strict)
}
