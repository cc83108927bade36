//! From one JSON object to one row.

use super::error::CatalogError;
use super::fields::Fields;
use super::model::{
    Caps, Dialect, Effort, Modality, Model, Price, Rates, Reasoning, Status, ThinkingMode, Tier, Variant,
};
use super::provider::{Auth, Provider, StreamUsage, ThinkingRoute};
use crate::json::Value;
use crate::money::{Ratio, UsdNanos};
use crate::thinking_format::ThinkingFormat;

const MODEL_KEYS: &[&str] = &[
    "provider",
    "id",
    "aliases",
    "name",
    "lab",
    "status",
    "access",
    "release",
    "retires_on",
    "replaced_by",
    "context",
    "max_input",
    "max_output",
    "price",
    "tiers",
    "variants",
    "multipliers",
    "price_from",
    "time_of_day",
    "input",
    "output",
    "caps",
    "reasoning",
    "prompt_cache_min_tokens",
    "tokenizer",
    "dialect",
    "disputed",
    "sources",
];

const RATE_KEYS: &[&str] = &[
    "in",
    "out",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "reasoning",
    "audio_in",
    "audio_out",
    "image_in",
    "batch_in",
    "batch_out",
    // Not rates, but they stand in the same objects.
    "web_search_per_k",
    "above",
    "inclusive",
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
        name: fields.string("name")?,
        lab: fields.string("lab")?,
        status: status.unwrap_or(Status::Active),
        access: fields.string("access")?,
        release: date(&row, &fields, "release")?,
        retires_on: date(&row, &fields, "retires_on")?,
        replaced_by: fields.string("replaced_by")?,
        context: fields.u64("context")?,
        max_input: fields.u64("max_input")?,
        max_output: fields.u64("max_output")?,
        price: price(&row, &fields)?,
        variants: variants(&row, &fields)?,
        multipliers: multipliers(&row, &fields)?,
        price_from: date(&row, &fields, "price_from")?,
        is_priced_by_hour: fields.bool("time_of_day")?.unwrap_or(false),
        inputs: fields.list("input", "an array of modalities", Modality::from_name)?,
        outputs: fields.list("output", "an array of modalities", Modality::from_name)?,
        caps: fields.value("caps").map(|value| caps(&row, value)).transpose()?.unwrap_or_default(),
        reasoning: fields.value("reasoning").map(|value| reasoning(&row, value)).transpose()?,
        prompt_cache_min_tokens: fields.u64("prompt_cache_min_tokens")?,
        tokenizer_family: fields.string("tokenizer")?,
        dialect: fields.word("dialect", DIALECTS, Dialect::from_name)?,
        is_disputed: fields.bool("disputed")?.unwrap_or(false),
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
        is_local: fields.bool("local")?.unwrap_or(false),
        notes: fields.string("notes")?,
    })
}

/// A date as `YYYY-MM-DD`, so that dates compare as texts.
fn date(row: &str, fields: &Fields<'_>, key: &str) -> Result<Option<String>, CatalogError> {
    let date = fields.string(key)?;
    let is_date = |text: &str| {
        text.len() == 10
            && text
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
    };
    match date {
        Some(text) if !is_date(&text) => {
            Err(CatalogError::bad_row(row, format_args!("`{key}` is not a date such as `2026-11-22`")))
        }
        date => Ok(date),
    }
}

fn price(row: &str, fields: &Fields<'_>) -> Result<Option<Price>, CatalogError> {
    let Some(value) = fields.value("price") else {
        return match fields.value("tiers") {
            Some(_) => Err(CatalogError::bad_row(row, "`tiers` without a `price`")),
            None => Ok(None),
        };
    };
    let prices = Fields::new(row, value, RATE_KEYS)?;
    let mut tiers = Vec::new();
    for tier in fields.value("tiers").map(Value::items).unwrap_or_default() {
        let tier = Fields::new(row, tier, RATE_KEYS)?;
        let above = tier.u64("above")?;
        tiers.push(Tier {
            above_tokens: above.ok_or_else(|| CatalogError::bad_row(row, "a tier without `above`"))?,
            inclusive: tier.bool("inclusive")?.unwrap_or(false),
            rates: rates(&tier)?,
        });
    }
    if !tiers.is_sorted_by(|lower, upper| lower.above_tokens < upper.above_tokens) {
        return Err(CatalogError::bad_row(row, "`tiers` do not ascend"));
    }
    let web_search_per_k = prices.usd("web_search_per_k", UsdNanos::parse)?;
    Ok(Some(Price { rates: rates(&prices)?, tiers, web_search_per_k }))
}

fn rates(prices: &Fields<'_>) -> Result<Rates, CatalogError> {
    Ok(Rates {
        input: prices.price("in")?,
        output: prices.price("out")?,
        cache_read: prices.price("cache_read")?,
        cache_write_5m: prices.price("cache_write_5m")?,
        cache_write_1h: prices.price("cache_write_1h")?,
        reasoning: prices.price("reasoning")?,
        audio_in: prices.price("audio_in")?,
        audio_out: prices.price("audio_out")?,
        image_in: prices.price("image_in")?,
        batch_input: prices.price("batch_in")?,
        batch_output: prices.price("batch_out")?,
    })
}

fn variants(row: &str, fields: &Fields<'_>) -> Result<Vec<Variant>, CatalogError> {
    let members = fields.value("variants").map(Value::members).unwrap_or_default();
    members
        .iter()
        .map(|(name, value)| {
            let prices = Fields::new(row, value, RATE_KEYS)?;
            Ok(Variant { name: name.to_string(), rates: rates(&prices)? })
        })
        .collect()
}

fn multipliers(row: &str, fields: &Fields<'_>) -> Result<Vec<(String, Ratio)>, CatalogError> {
    let members = fields.value("multipliers").map(Value::members).unwrap_or_default();
    members
        .iter()
        .map(|(name, value)| {
            let number = value.as_number().map_or("", |number| number.0);
            let ratio = Ratio::parse(number)
                .map_err(|error| CatalogError::bad_row(row, format_args!("multiplier `{name}`: {error}")))?;
            Ok((name.to_string(), ratio))
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
