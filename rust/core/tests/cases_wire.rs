//! The shared cases of `tests/cases/wire`.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use turnout_core::json::{JsonError, Reader};
use turnout_core::quirks::{PLAIN, Quirks};
use turnout_core::thinking_format::ThinkingFormat;
use turnout_core::wire::{
    CODES, Dialect, ImageSource, Part, Request, ResponseFormat, Role, Target, Thinking, ThinkingSetting, ToolChoice,
    parse_request, write_body,
};

/// The bytes of `body` in each case of a file, as they stand there.
fn bodies(file: &[u8]) -> Vec<Option<&[u8]>> {
    let mut reader = Reader::new(file);
    let mut found = Vec::new();
    reader
        .array(|reader| {
            let mut body = None;
            reader.object(|reader, key| {
                let span = reader.skip()?;
                if key == "body" {
                    body = Some(reader.slice(span));
                }
                Ok::<(), JsonError>(())
            })?;
            found.push(body);
            Ok::<(), JsonError>(())
        })
        .unwrap();
    found
}

fn part(part: &Part<'_>) -> String {
    match part {
        Part::Text(text) => format!("text:{text}"),
        Part::Image(image) => match &image.source {
            ImageSource::Base64 { media_type, .. } => format!("image:{media_type}"),
            ImageSource::Url(url) => format!("image:{url}"),
        },
        Part::Document(document) => format!("document:{}:{}", document.media_type, document.data),
        Part::ToolCall { id, name, arguments } => format!("call:{id}:{name}:{arguments}"),
        Part::ToolResult { id, text, is_error, images } => {
            let word = if *is_error { "failed" } else { "result" };
            let pictures = if images.is_empty() { String::new() } else { format!(" ({} image)", images.len()) };
            format!("{word}:{id}:{text}{pictures}")
        }
        Part::Thinking { text, .. } => format!("thinking:{text}"),
        Part::Other { kind, .. } => format!("other:{kind}"),
    }
}

fn summary(request: &Request<'_>) -> Value {
    let turns: Vec<Vec<String>> = request
        .turns
        .iter()
        .map(|turn| {
            let role = match turn.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            std::iter::once(role.to_owned()).chain(turn.parts.iter().map(part)).collect()
        })
        .collect();
    let tools: Vec<String> = request
        .tools
        .iter()
        .map(|tool| if tool.is_function { tool.name.to_string() } else { format!("{} (not a function)", tool.name) })
        .collect();
    let tool_choice = match &request.tool_choice {
        ToolChoice::Auto => "auto".to_owned(),
        ToolChoice::None => "none".to_owned(),
        ToolChoice::Any => "any".to_owned(),
        ToolChoice::Named(name) => format!("named:{name}"),
    };
    let response_format = match request.response_format {
        ResponseFormat::Text => "text".to_owned(),
        ResponseFormat::JsonObject => "json_object".to_owned(),
        ResponseFormat::JsonSchema { schema } => format!("json_schema:{}", String::from_utf8_lossy(schema)),
    };
    let thinking = match &request.thinking {
        Thinking::Unsaid => "unsaid".to_owned(),
        Thinking::Off => "off".to_owned(),
        Thinking::Adaptive => "adaptive".to_owned(),
        Thinking::Effort(word) => format!("effort:{word}"),
        Thinking::Budget(tokens) => format!("budget:{tokens}"),
    };
    json!({
        "dialect": request.dialect.name(), "model": request.model, "system": request.system, "turns": turns,
        "tools": tools, "tool_choice": tool_choice, "max_tokens": request.max_tokens, "stream": request.stream,
        "response_format": response_format, "thinking": thinking, "choices": request.choices,
        "sampling": request.sampling, "end_user": request.end_user,
    })
}

fn thinking(word: &str) -> ThinkingSetting<'_> {
    match word.split_once(':') {
        Some(("effort", word)) => ThinkingSetting::Effort(word),
        Some(("adaptive_effort", word)) => ThinkingSetting::AdaptiveEffort(word),
        Some(("budget", tokens)) => ThinkingSetting::Budget(tokens.parse().unwrap()),
        _ => match word {
            "unsaid" => ThinkingSetting::Unsaid,
            "off" => ThinkingSetting::Off,
            "adaptive" | "on" => ThinkingSetting::Adaptive,
            "between_tools" => ThinkingSetting::BetweenTools,
            other => panic!("unknown thinking `{other}`"),
        },
    }
}

fn target(described: &Value) -> Target<'_> {
    let dialect = Dialect::from_name(described["dialect"].as_str().unwrap()).unwrap();
    let mut target = Target::new(dialect, described["model"].as_str().unwrap());
    for (key, value) in described.as_object().unwrap() {
        match key.as_str() {
            "dialect" | "model" => {}
            "max_tokens" => target.max_tokens = value.as_u64(),
            "default_max_tokens" => target.default_max_tokens = value.as_u64().unwrap(),
            "max_tokens_field" => target.max_tokens_field = value.as_str().unwrap(),
            "thinking" => target.thinking = thinking(value.as_str().unwrap()),
            "thinking_format" => {
                target.thinking_format = ThinkingFormat::from_name(value.as_str().unwrap()).unwrap();
            }
            "min_budget_tokens" => target.min_budget_tokens = value.as_u64().unwrap(),
            "echoes_reasoning" => target.echoes_reasoning = value.as_bool().unwrap(),
            "stream" => target.stream = value.as_bool().unwrap(),
            "accepts_sampling" => target.accepts_sampling = value.as_bool().unwrap(),
            "accepts_forced_tool_choice" => target.accepts_forced_tool_choice = value.as_bool().unwrap(),
            "accepts_prefill" => target.accepts_prefill = value.as_bool().unwrap(),
            "quirks" => target.quirks = Box::leak(Box::new(quirks(value))),
            other => panic!("unknown field `{other}` of a target"),
        }
    }
    target
}

/// Those of a server that takes everything, but for what is described.
fn quirks(described: &Value) -> Quirks {
    let mut quirks = PLAIN.clone();
    for (key, value) in described.as_object().unwrap() {
        match key.as_str() {
            "takes_store" => quirks.takes_store = value.as_bool().unwrap(),
            "takes_developer" => quirks.takes_developer = value.as_bool().unwrap(),
            "tells_usage" => quirks.tells_usage = value.as_bool().unwrap(),
            "takes_text_lists" => quirks.takes_text_lists = value.as_bool().unwrap(),
            "refuses" => {
                quirks.refuses = value.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect();
            }
            "renames" => {
                let pairs = value.as_object().unwrap().iter();
                quirks.renames = pairs.map(|(from, to)| (from.clone(), to.as_str().unwrap().to_owned())).collect();
            }
            "extra_body" => quirks.extra_body = value.to_string(),
            other => panic!("unknown quirk `{other}`"),
        }
    }
    quirks
}

/// Runs one case; gives the code of the error that it expects, if any.
fn run(case: &Value, body: Option<&[u8]>) -> Option<&'static str> {
    let name = case["name"].as_str().expect("a name");
    let body = body.or(case["body_text"].as_str().map(str::as_bytes)).expect(name);
    let dialect = case["dialect"].as_str().map(|name| Dialect::from_name(name).unwrap());
    let parsed = parse_request(body, dialect);
    if let Some(code) = case["error"].as_str() {
        let error = parsed.expect_err(name);
        assert_eq!(error.code, code, "{name}: {error}");
        return Some(error.code);
    }
    let request = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
    if let Some(expected) = case["expect"].as_object() {
        let summary = summary(&request);
        assert!(!expected.is_empty(), "{name}");
        for (field, value) in expected {
            assert_eq!(summary.get(field), Some(value), "{name}: {field}");
        }
        return None;
    }
    let written = write_body(&request, &target(&case["target"]));
    if let Some(code) = case["write_error"].as_str() {
        let error = written.expect_err(name);
        assert_eq!(error.code, code, "{name}: {error}");
        return Some(error.code);
    }
    let written = written.unwrap_or_else(|error| panic!("{name}: {error}"));
    let out: Value = serde_json::from_slice(&written.bytes).expect(name);
    assert_eq!(out, case["written"], "{name}");
    assert_eq!(json!(written.dropped), case["dropped"], "{name}");
    None
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the test reads its cases; the core reads nothing")]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/wire");
    let mut names = BTreeSet::new();
    let mut codes = BTreeSet::new();
    // Other files of the folder hold answers.
    for file in ["read_openai_chat", "read_anthropic_messages", "read_openai_responses", "errors", "write"] {
        let text = std::fs::read(folder.join(file).with_extension("json")).unwrap();
        let cases: Vec<Value> = serde_json::from_slice(&text).unwrap();
        for (case, body) in cases.iter().zip(bodies(&text)) {
            assert!(names.insert((file, case["name"].to_string())), "{} stands twice", case["name"]);
            codes.extend(run(case, body));
        }
    }
    assert!(names.len() > 80, "found only {} cases", names.len());
    assert_eq!(codes, CODES.iter().copied().collect(), "every code has a case");
}
