//! One thinking setting over the whole catalogue: what is written is what the row lists, a note stands where it differs
//! from what was asked, and the shared table holds literally.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::Path;

use serde_json::{Value, json};
use turnout_core::catalog::{Catalog, Effort, Model, Provider, Reasoning, ThinkingMode};
use turnout_core::plan::{Asked, CompiledThinking, compile_asked, thinking_fields};
use turnout_core::thinking_format::ThinkingFormat;
use turnout_core::wire::{Body, Dialect, Target, ThinkingSetting, parse_request, write_body};

const SETTINGS: [Asked; 16] = [
    Asked::Off,
    Asked::On,
    Asked::Most,
    Asked::BetweenTools,
    Asked::Effort(Effort::Minimal),
    Asked::Effort(Effort::Low),
    Asked::Effort(Effort::Medium),
    Asked::Effort(Effort::High),
    Asked::Effort(Effort::XHigh),
    Asked::Effort(Effort::Max),
    Asked::Budget(1),
    Asked::Budget(1_024),
    Asked::Budget(5_000),
    Asked::Budget(16_384),
    Asked::Budget(100_000),
    Asked::Budget(u64::MAX),
];

const BOUNDS: [Option<u64>; 3] = [None, Some(1_024), Some(20_000)];

fn dialect_of(provider: &Provider) -> Dialect {
    Dialect::from_name(provider.dialect.name()).unwrap_or(Dialect::OpenAiChat)
}

/// A request without thinking: a bound, sampling, and tools as `tools` says.
fn request(dialect: Dialect, bound: Option<u64>, tools: &str) -> Vec<u8> {
    let mut body = json!({"messages": [{"role": "user", "content": "hi"}], "temperature": 0.5});
    if let Some(bound) = bound {
        body["max_tokens"] = json!(bound);
    }
    let is_openai = dialect == Dialect::OpenAiChat;
    if tools != "none" {
        let schema = json!({"type": "object"});
        body["tools"] = if is_openai {
            json!([{"type": "function", "function": {"name": "f", "parameters": schema}}])
        } else {
            json!([{"name": "f", "input_schema": schema}])
        };
    }
    if tools == "forced" {
        body["tool_choice"] = if is_openai { json!("required") } else { json!({"type": "any"}) };
    }
    body.to_string().into_bytes()
}

fn write(
    model: &Model,
    provider: &Provider,
    compiled: &CompiledThinking,
    body: &[u8],
    from: Dialect,
) -> Result<Body, &'static str> {
    let target = Target {
        max_tokens_field: &provider.max_tokens_field,
        thinking: compiled.setting,
        thinking_format: compiled.format,
        min_budget_tokens: compiled.min_budget_tokens,
        max_output_tokens: model.max_output,
        accepts_sampling: model.caps.sampling != Some(false),
        accepts_forced_tool_choice: model.takes_forced_tool_choice(),
        accepts_prefill: model.takes_prefill(),
        ..Target::new(dialect_of(provider), &model.id)
    };
    let request = parse_request(body, Some(from)).unwrap();
    write_body(&request, &target).map_err(|error| error.code)
}

/// Every thinking key of any form that a body holds.
fn thinking_members(body: &Value) -> Vec<&str> {
    const KEYS: [&str; 11] = [
        "reasoning_effort",
        "reasoning",
        "reasoning_format",
        "thinking",
        "enable_thinking",
        "thinking_budget",
        "disable_reasoning",
        "prompt_mode",
        "chat_template_kwargs",
        "chat_template_args",
        "extra_body",
    ];
    let mut found: Vec<&str> = KEYS.into_iter().filter(|key| !body[key].is_null()).collect();
    if !body["output_config"]["effort"].is_null() {
        found.push("output_config");
    }
    found
}

fn said_effort(body: &Value) -> Option<&str> {
    [&body["reasoning_effort"], &body["reasoning"]["effort"], &body["output_config"]["effort"]]
        .into_iter()
        .find_map(Value::as_str)
}

fn said_budget(body: &Value) -> Option<u64> {
    [
        &body["thinking"]["budget_tokens"],
        &body["thinking"]["token_budget"],
        &body["thinking_budget"],
        &body["reasoning"]["max_tokens"],
        &body["extra_body"]["google"]["thinking_config"]["thinking_budget"],
    ]
    .into_iter()
    .find_map(Value::as_u64)
}

/// What the row and its provider allow, said apart from the code that compiles.
fn check(model: &Model, provider: &Provider, format: ThinkingFormat, asked: Asked, body: &Value) {
    let what = format!("{} {asked:?}: {body}", model.full_name());
    let Some(row) = &model.reasoning else {
        if model.caps.reasoning != Some(true) {
            assert!(thinking_members(body).is_empty(), "{what}");
        }
        return;
    };
    let lists = |mode: ThinkingMode| row.modes.contains(&mode);
    if let Some(effort) = said_effort(body) {
        let listed = if row.efforts.is_empty() { &provider.thinking.efforts } else { &row.efforts };
        let is_listed = listed.iter().any(|known| known.name() == effort);
        let is_own_word = format == ThinkingFormat::EffortDefault && matches!(effort, "default" | "none");
        assert!(is_listed || is_own_word, "{what}");
        assert!(effort != "none" || asked == Asked::Off, "{what}");
    }
    if let Some(budget) = said_budget(body) {
        assert!(lists(ThinkingMode::BudgetTokens), "{what}");
        let is_off = budget == 0 && asked == Asked::Off;
        assert!(is_off || budget >= row.budget_min.unwrap_or(1_024), "{what}");
        assert!(budget <= row.budget_max.unwrap_or(u64::MAX), "{what}");
        let bound = body[provider.max_tokens_field.as_str()].as_u64();
        assert!(bound.is_none_or(|bound| budget < bound), "{what}");
    }
    if format == ThinkingFormat::Anthropic {
        match body["thinking"]["type"].as_str() {
            Some("disabled") => assert!(row.always_on != Some(true), "{what}"),
            Some("adaptive") => assert!(lists(ThinkingMode::Adaptive) || lists(ThinkingMode::Toggle), "{what}"),
            Some("between_tools") => assert!(lists(ThinkingMode::BetweenTools), "{what}"),
            Some("enabled") => assert!(said_budget(body).is_some(), "{what}"),
            Some(other) => panic!("{other}: {what}"),
            None => {}
        }
        let thinks = body["thinking"]["type"].as_str().is_some_and(|kind| kind != "disabled");
        assert!(!thinks || body["temperature"].is_null(), "{what}");
        assert!(!thinks || body["tool_choice"]["type"] != "any", "{what}");
        assert!(body["thinking"]["type"] != "disabled" || body["output_config"]["effort"].is_null(), "{what}");
    }
    if model.caps.sampling == Some(false) {
        assert!(body["temperature"].is_null(), "{what}");
    }
}

/// Whether a setting is what was asked, by the row.
fn is_as_asked(asked: Asked, setting: ThinkingSetting<'_>, model: &Model, provider: &Provider) -> bool {
    use ThinkingSetting as S;
    if model.caps.reasoning == Some(false) {
        return asked == Asked::Off;
    }
    let row = model.reasoning.clone().unwrap_or_default();
    let listed = if row.efforts.is_empty() { &provider.thinking.efforts } else { &row.efforts };
    match (asked, setting) {
        (Asked::Off, S::Off) | (Asked::On | Asked::Most, S::Adaptive) | (Asked::BetweenTools, S::BetweenTools) => true,
        (Asked::Budget(wanted), S::Budget(given)) => wanted == given,
        (Asked::Effort(wanted), S::Effort(given) | S::AdaptiveEffort(given)) => wanted.name() == given,
        (Asked::Effort(wanted), S::Budget(given)) => {
            let tokens = match wanted {
                Effort::Minimal => 1_024,
                Effort::Low => 2_048,
                Effort::Medium => 8_192,
                Effort::High => 16_384,
                Effort::XHigh => 24_576,
                _ => 32_000,
            };
            given == tokens
        }
        (Asked::Most, S::Effort(given) | S::AdaptiveEffort(given)) => {
            listed.last().is_some_and(|last| last.name() == given)
        }
        (Asked::Most, S::Budget(given)) => given == row.budget_max.unwrap_or(u64::MAX).min(32_000),
        _ => false,
    }
}

#[test]
fn every_model_gets_what_its_row_lists() {
    let catalog = Catalog::bundled();
    let (mut models, mut bodies, mut refused) = (0, 0, 0);
    for model in catalog.models() {
        models += 1;
        let provider = catalog.provider(&model.provider).unwrap();
        let upstream = dialect_of(provider);
        for asked in SETTINGS {
            let compiled = compile_asked(Some(asked), model, &provider.thinking, upstream);
            let as_asked = is_as_asked(asked, compiled.setting, model, provider);
            let what = format!("{} {asked:?} {compiled:?}", model.full_name());
            assert_eq!(compiled.note.is_none(), as_asked, "{what}");
            for (bound, tools, from) in BOUNDS.into_iter().flat_map(|bound| {
                ["none", "auto", "forced"].into_iter().flat_map(move |tools| {
                    [Dialect::OpenAiChat, Dialect::AnthropicMessages].into_iter().map(move |from| (bound, tools, from))
                })
            }) {
                let written = match write(model, provider, &compiled, &request(from, bound, tools), from) {
                    Ok(written) => written,
                    Err(code) => {
                        let is_right = tools == "forced" && !model.takes_forced_tool_choice();
                        assert!(is_right && code == "forced_tool_choice_refused", "{code} {what}");
                        refused += 1;
                        continue;
                    }
                };
                bodies += 1;
                let body: Value = serde_json::from_slice(&written.bytes).unwrap();
                check(model, provider, compiled.format, asked, &body);
                if let ThinkingSetting::Budget(compiled) = compiled.setting
                    && said_budget(&body) != Some(compiled)
                {
                    assert!(written.dropped.iter().any(|note| note.starts_with("thinking")), "{what} {body}");
                }
                // What was written is what the same model gets when a client asks for it in these words.
                let request = parse_request(&written.bytes, Some(upstream)).unwrap();
                let again = Asked::by_client(&request.thinking);
                let recompiled = compile_asked(again, model, &provider.thinking, upstream);
                let rewritten = write(model, provider, &recompiled, &written.bytes, upstream).unwrap();
                let rewritten: Value = serde_json::from_slice(&rewritten.bytes).unwrap();
                assert_eq!(rewritten, body, "{what}");
            }
        }
    }
    assert!(models > 200 && bodies > 50_000 && refused > 1_000, "{models} {bodies} {refused}");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the shared cases are files")]
fn the_table_holds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/thinking/compiled.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let catalog = Catalog::bundled();
    let mut formats = std::collections::BTreeSet::new();
    for case in &cases {
        let asked = match &case["set"] {
            Value::Number(tokens) => Asked::Budget(tokens.as_u64().unwrap()),
            word => Asked::from_name(word.as_str().unwrap()).unwrap(),
        };
        let made = &case["made"];
        let model = if made.is_null() {
            catalog.resolve(case["model"].as_str().unwrap()).unwrap().model.clone()
        } else {
            made_model(made)
        };
        let provider = catalog.provider(&model.provider).unwrap();
        let fields = thinking_fields(&model, provider, asked, case["max_tokens"].as_u64()).unwrap();
        let written: Value = serde_json::from_str(&fields.json).unwrap();
        assert_eq!(written, case["fields"], "{case}");
        assert_eq!(json!(fields.notes), case["notes"], "{case}");
        formats.insert(compile_asked(Some(asked), &model, &provider.thinking, dialect_of(provider)).format);
    }
    assert!(cases.len() > 60, "{}", cases.len());
    assert_eq!(formats.len(), ThinkingFormat::ALL.len(), "{formats:?}");
}

fn made_model(made: &Value) -> Model {
    let mut model = Model::unlisted(made["provider"].as_str().unwrap(), "made");
    let words = |key: &str| -> Vec<String> {
        made[key].as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    model.caps.reasoning = Some(true);
    model.reasoning = Some(Reasoning {
        modes: words("modes").iter().map(|word| ThinkingMode::from_name(word).unwrap()).collect(),
        efforts: words("efforts").iter().map(|word| Effort::from_name(word).unwrap()).collect(),
        budget_max: made["budget_max"].as_u64(),
        ..Reasoning::default()
    });
    model
}

#[test]
fn a_provider_that_this_version_does_not_call_is_an_error() {
    let catalog = Catalog::bundled();
    let model = catalog.models().find(|model| model.provider == "amazon-bedrock").unwrap();
    let provider = catalog.provider(&model.provider).unwrap();
    let error = thinking_fields(model, provider, Asked::Most, None).unwrap_err();
    assert_eq!(error.code, "unknown-dialect");
}
