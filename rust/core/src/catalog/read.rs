//! From one JSON object to one row.

use super::error::CatalogError;
use super::fields::Fields;
use super::model::{Caps, Dialect, Dispute, DisputeKind, Effort, Modality, Model, Reasoning, Status, ThinkingMode};
use super::provider::{Auth, Provider, StreamUsage, ThinkingRoute};
use super::read_price;
use crate::calendar::Day;
use crate::json::Value;
use crate::quirks::Quirks;
use crate::thinking_format::ThinkingFormat;

const MODEL_KEYS: &[&str] = &[
    "provider",
    "id",
    "aliases",
    "moving",
    "alias_of",
    "name",
    "lab",
    "status",
    "access",
    "release",
    "retires_on",
    "not_retired_before",
    "replaced_by",
    "context",
    "max_input",
    "max_output",
    "prices",
    "price_factor",
    "input",
    "output",
    "caps",
    "reasoning",
    "prompt_cache_min_tokens",
    "tokenizer",
    "dialect",
    "disputed",
    "dispute",
    "sources",
];

const CAP_KEYS: &[&str] = &[
    "tools",
    "parallel_tools",
    "forced_tool_use",
    "strict_tools",
    "structured",
    "vision",
    "pdf",
    "audio_in",
    "prompt_cache",
    "prefill",
    "sampling",
    "system",
    "reasoning",
    "computer_use",
];

const REASONING_KEYS: &[&str] =
    &["modes", "efforts", "always_on", "can_disable", "default_effort", "budget_min", "budget_max", "format"];

const PROVIDER_KEYS: &[&str] = &[
    "id",
    "aliases",
    "base_url",
    "dialect",
    "auth",
    "env",
    "settings_env",
    "max_tokens_field",
    "stream_usage",
    "thinking_format",
    "thinking_efforts",
    "echoes_reasoning",
    "store",
    "developer_role",
    "text_lists",
    "refuses",
    "renames",
    "extra_body",
    "local",
    "notes",
];

const THINKING_FORMATS: &str = "a form of a thinking setting";

const DIALECTS: &str = "a dialect that this version knows";

/// Reads one model.
pub(super) fn model(value: &Value<'_>) -> Result<Model, CatalogError> {
    let provider = value.get("provider").and_then(Value::as_str).unwrap_or("?");
    let id = value.get("id").and_then(Value::as_str).unwrap_or("?");
    let row = format!("`{provider}/{id}`");
    let fields = Fields::new(&row, value, MODEL_KEYS)?;
    let status = fields.word("status", "active, deprecated or retired", Status::from_name)?;
    Ok(Model {
        provider: fields.required("provider")?,
        id: fields.required("id")?,
        aliases: fields.strings("aliases")?,
        is_moving: fields.bool("moving")?.unwrap_or(false),
        alias_of: fields.string("alias_of")?,
        name: fields.string("name")?,
        lab: fields.string("lab")?,
        status: status.unwrap_or(Status::Active),
        access: fields.string("access")?,
        release: date(&row, &fields, "release")?,
        retires_on: date(&row, &fields, "retires_on")?,
        not_retired_before: date(&row, &fields, "not_retired_before")?,
        replaced_by: fields.string("replaced_by")?,
        context: fields.u64("context")?,
        max_input: fields.u64("max_input")?,
        max_output: fields.u64("max_output")?,
        prices: read_price::periods(&row, &fields)?,
        inputs: fields.list("input", "an array of modalities", Modality::from_name)?,
        outputs: fields.list("output", "an array of modalities", Modality::from_name)?,
        caps: fields
            .value("caps")
            .map(|value| caps(&row, value).map_err(|error| error.at("caps")))
            .transpose()?
            .unwrap_or_default(),
        reasoning: fields
            .value("reasoning")
            .map(|value| reasoning(&row, value).map_err(|error| error.at("reasoning")))
            .transpose()?,
        prompt_cache_min_tokens: fields.u64("prompt_cache_min_tokens")?,
        tokenizer_family: fields.string("tokenizer")?,
        dialect: fields.word("dialect", DIALECTS, Dialect::from_name)?,
        disputed: fields.word("disputed", "fresh or stale", DisputeKind::from_name)?,
        dispute: fields.value("dispute").map(|value| dispute(&row, value)).transpose()?.unwrap_or_default(),
        sources: fields.strings("sources")?,
    })
}

/// Reads one provider.
pub(super) fn provider(value: &Value<'_>) -> Result<Provider, CatalogError> {
    let row = format!("`{}`", value.get("id").and_then(Value::as_str).unwrap_or("?"));
    let fields = Fields::new(&row, value, PROVIDER_KEYS)?;
    let missing = |key: &str| CatalogError::bad_row(&row, format_args!("`{key}` is missing"));
    Ok(Provider {
        id: fields.required("id")?,
        aliases: fields.strings("aliases")?,
        base_url: fields.string("base_url")?,
        dialect: fields.word("dialect", DIALECTS, Dialect::from_name)?.ok_or_else(|| missing("dialect"))?,
        auth: fields.word("auth", "an auth scheme", Auth::from_name)?.ok_or_else(|| missing("auth"))?,
        env: fields.strings("env")?,
        settings_env: fields.strings("settings_env")?,
        max_tokens_field: fields.required("max_tokens_field")?,
        stream_usage: fields
            .word("stream_usage", "always or on_request", StreamUsage::from_name)?
            .unwrap_or(StreamUsage::OnRequest),
        thinking: ThinkingRoute {
            format: fields.word("thinking_format", THINKING_FORMATS, ThinkingFormat::from_name)?,
            efforts: fields.list("thinking_efforts", "an array of efforts", Effort::from_name)?,
            echoes_reasoning: fields.bool("echoes_reasoning")?.unwrap_or(false),
        },
        quirks: quirks(&row, &fields)?,
        is_local: fields.bool("local")?.unwrap_or(false),
        notes: fields.string("notes")?,
    })
}

/// What a provider's bodies are written by.
fn quirks(row: &str, fields: &Fields<'_>) -> Result<Quirks, CatalogError> {
    let object = |key: &str| match fields.value(key) {
        None => Ok(None),
        Some(value @ Value::Object(_)) => Ok(Some(value)),
        Some(_) => Err(CatalogError::bad_row(row, format_args!("`{key}` must be an object")).at(key)),
    };
    let renames = object("renames")?.map(Value::members).unwrap_or_default().iter();
    let renames = renames.map(|(from, to)| Some((from.to_string(), to.as_str()?.to_owned())));
    let wrong = || CatalogError::bad_row(row, "`renames` is not an object of names").at("renames");
    Ok(Quirks {
        takes_store: fields.bool("store")?.unwrap_or(false),
        takes_developer: fields.bool("developer_role")?.unwrap_or(false),
        takes_text_lists: fields.bool("text_lists")?.unwrap_or(true),
        tells_usage: fields.word("stream_usage", "always or on_request", StreamUsage::from_name)?
            == Some(StreamUsage::Always),
        refuses: fields.strings("refuses")?,
        renames: renames.collect::<Option<_>>().ok_or_else(wrong)?,
        extra_body: object("extra_body")?
            .map(|value| {
                let mut json = String::new();
                value.write(&mut json);
                json
            })
            .unwrap_or_default(),
    })
}

/// A date as `YYYY-MM-DD`, so that dates compare as texts.
fn date(row: &str, fields: &Fields<'_>, key: &str) -> Result<Option<String>, CatalogError> {
    let date = fields.string(key)?;
    match date {
        Some(text) if Day::parse(&text).is_none() => {
            Err(CatalogError::bad_row(row, format_args!("`{key}` is not a date such as `2026-11-22`")).at(key))
        }
        date => Ok(date),
    }
}

/// What each source says, by field; the values stay as the row writes them.
fn dispute(row: &str, value: &Value<'_>) -> Result<Vec<Dispute>, CatalogError> {
    let wrong =
        || CatalogError::bad_row(row, "`dispute` is not an object of objects of numbers or texts").at("dispute");
    let Value::Object(fields) = value else { return Err(wrong()) };
    let shown = |value: &Value<'_>| match value {
        Value::Number(number) => Ok(number.0.to_owned()),
        Value::String(text) => Ok(text.to_string()),
        _ => Err(wrong()),
    };
    fields
        .iter()
        .map(|(field, said)| {
            let Value::Object(said) = said else { return Err(wrong()) };
            let values = said.iter().map(|(source, value)| Ok((source.to_string(), shown(value)?)));
            Ok(Dispute { field: field.to_string(), values: values.collect::<Result<_, CatalogError>>()? })
        })
        .collect()
}

fn caps(row: &str, value: &Value<'_>) -> Result<Caps, CatalogError> {
    let fields = Fields::new(row, value, CAP_KEYS)?;
    Ok(Caps {
        tools: fields.bool("tools")?,
        parallel_tools: fields.bool("parallel_tools")?,
        forced_tool_use: fields.bool("forced_tool_use")?,
        strict_tools: fields.bool("strict_tools")?,
        structured: fields.bool("structured")?,
        vision: fields.bool("vision")?,
        pdf: fields.bool("pdf")?,
        audio_in: fields.bool("audio_in")?,
        prompt_cache: fields.bool("prompt_cache")?,
        prefill: fields.bool("prefill")?,
        sampling: fields.bool("sampling")?,
        system: fields.bool("system")?,
        reasoning: fields.bool("reasoning")?,
        computer_use: fields.bool("computer_use")?,
    })
}

fn reasoning(row: &str, value: &Value<'_>) -> Result<Reasoning, CatalogError> {
    let fields = Fields::new(row, value, REASONING_KEYS)?;
    Ok(Reasoning {
        modes: fields.list("modes", "an array of thinking modes", ThinkingMode::from_name)?,
        efforts: fields.list("efforts", "an array of efforts", Effort::from_name)?,
        always_on: fields.bool("always_on")?,
        can_disable: fields.bool("can_disable")?,
        default_effort: fields.word("default_effort", "an effort", Effort::from_name)?,
        budget_min: fields.u64("budget_min")?,
        budget_max: fields.u64("budget_max")?,
        format: fields.word("format", THINKING_FORMATS, ThinkingFormat::from_name)?,
    })
}
