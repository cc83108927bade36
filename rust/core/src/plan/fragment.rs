//! What a thinking setting becomes in a body, for those who write the body themselves.
//!
//! Promises: the members that [`crate::wire::write_body`] writes for the same setting, and every note. Refuses a provider
//! whose dialect this version does not write. A test breaks it with a setting whose members differ from a whole body's.

use super::thinking::{Asked, compile_asked};
use crate::catalog::{CatalogError, Model, Provider};
use crate::decide::DEFAULT_MAX_TOKENS;
use crate::json::{Reader, write_string};
use crate::wire::{Dialect, Target, parse_request, write_body};

/// The thinking members of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinkingFields {
    /// One JSON object: the members to put into a body, with its bound on the answer where the dialect requires one or the
    /// caller gives it.
    pub json: String,
    /// What differs from what was asked, one sentence each.
    pub notes: Vec<String>,
}

/// The thinking members for a model, with the caller's bound on the answer in tokens, if there is one.
///
/// # Errors
/// `unknown-dialect` when this version does not write the provider's dialect.
pub fn thinking_fields(
    model: &Model,
    provider: &Provider,
    asked: Asked,
    max_tokens: Option<u64>,
) -> Result<ThinkingFields, CatalogError> {
    let refuse = |message: String| CatalogError {
        code: "unknown-dialect",
        message,
        hint: Some("this version writes openai-chat, openai-responses and anthropic-messages".to_owned()),
        keys: Vec::new(),
    };
    let spoken = provider.dialect.name();
    let dialect =
        Dialect::from_name(spoken).ok_or_else(|| refuse(format!("provider `{}` speaks {spoken}", provider.id)))?;
    let compiled = compile_asked(Some(asked), model, &provider.thinking, dialect);
    let target = Target {
        max_tokens,
        default_max_tokens: model.max_output.unwrap_or(DEFAULT_MAX_TOKENS).min(DEFAULT_MAX_TOKENS),
        max_tokens_field: &provider.max_tokens_field,
        thinking: compiled.setting,
        thinking_format: compiled.format,
        min_budget_tokens: compiled.min_budget_tokens,
        max_output_tokens: model.max_output,
        ..Target::new(dialect, &model.id)
    };
    let request = br#"{"messages":[{"role":"user","content":"?"}]}"#;
    let body = parse_request(request, Some(dialect)).and_then(|request| write_body(&request, &target));
    let body = body.map_err(|error| refuse(error.message.into_owned()))?;
    let mut notes: Vec<String> = compiled.note.into_iter().collect();
    notes.extend(body.dropped);
    let json = without_prompt(&body.bytes).map_err(|error| refuse(error.message.into_owned()))?;
    Ok(ThinkingFields { json, notes })
}

/// The members of a body but the model and the messages.
fn without_prompt(body: &[u8]) -> Result<String, crate::json::JsonError> {
    let mut out = String::from("{");
    Reader::new(body).object(|reader, key| {
        let span = reader.skip()?;
        if key != "model" && key != "messages" {
            if out.len() > 1 {
                out.push(',');
            }
            write_string(&mut out, &key);
            out.push(':');
            out.push_str(&String::from_utf8_lossy(reader.slice(span)));
        }
        Ok::<(), crate::json::JsonError>(())
    })?;
    out.push('}');
    Ok(out)
}
