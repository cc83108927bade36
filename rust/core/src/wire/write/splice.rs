//! Upstream bodies in the request's own dialect: the client's bytes with a few members rewritten.

use super::body::Notes;
use super::thinking::{for_anthropic, for_openai};
use crate::json::Value;
use crate::wire::read::members::{Member, Splice, members, quoted, with_member};
use crate::wire::read::typed::{Read, sampling_name};
use crate::wire::{Request, Target};

const REPLACED: &str = "replaced by the setting for this model";

/// Writes an `OpenAI` Chat body.
pub(in crate::wire) fn openai(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    let thinking = for_openai(request, target, notes);
    let mut out = Splice::new(request.body.len() + 256);
    out.put("model", quoted(target.model));
    let mut stream_options = None;
    for member in members(request.body)? {
        match member.key.as_ref() {
            "model" | "stream" | "max_tokens" | "max_completion_tokens" => {}
            "stream_options" => stream_options = Some(member.value),
            "reasoning_effort" | "reasoning" | "thinking" | "enable_thinking" | "thinking_budget"
                if thinking.is_some() =>
            {
                if !member.is_null() {
                    notes.say(format!("`{}`: {REPLACED}", member.key));
                }
            }
            key if !target.accepts_sampling && sampling_name(key).is_some() => {
                if !member.is_null() {
                    notes.no_sampling(key);
                }
            }
            _ => out.keep(&member),
        }
    }
    if target.stream {
        out.put("stream", "true");
        if target.accepts_stream_options {
            // Without it the stream ends without its usage, and a request without usage has no price.
            let options = with_member(stream_options.unwrap_or(b"{}"), "include_usage", Some("true"))?;
            out.put("stream_options", options.unwrap_or_default());
        } else if stream_options.is_some() {
            notes.say("`stream_options`: the upstream does not take it");
        }
    }
    if let Some(max_tokens) = target.max_tokens.or(request.max_tokens) {
        out.put(target.max_tokens_field, max_tokens.to_string());
    }
    if let Some(thinking) = thinking {
        if let Some(effort) = &thinking.effort {
            out.put("reasoning_effort", quoted(effort));
        }
        if let Some(toggle) = thinking.toggle {
            out.put("thinking", format!(r#"{{"type":"{toggle}"}}"#));
        }
    }
    Ok(out.end())
}

/// Writes an Anthropic Messages body.
pub(in crate::wire) fn anthropic(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    let max_tokens = target.max_tokens.or(request.max_tokens).unwrap_or(target.default_max_tokens);
    let thinking = for_anthropic(request, target, max_tokens, notes);
    let thinks = thinking.as_ref().is_some_and(super::thinking::AnthropicThinking::is_on);
    let mut out = Splice::new(request.body.len() + 256);
    out.put("model", quoted(target.model));
    out.put("max_tokens", max_tokens.to_string());
    let (mut display, mut output_config) = (None, None);
    for member in members(request.body)? {
        match member.key.as_ref() {
            "model" | "stream" | "max_tokens" => {}
            "thinking" if thinking.is_some() => {
                display = display_of(&member);
                notes.say(format!("`thinking`: {REPLACED}"));
            }
            "output_config" if thinking.is_some() => output_config = Some(member.value),
            key if sampling_name(key).is_some() && (!target.accepts_sampling || thinks) => {
                if member.is_null() {
                } else if thinks {
                    notes.no_sampling_with_thinking(key);
                } else {
                    notes.no_sampling(key);
                }
            }
            _ => out.keep(&member),
        }
    }
    if target.stream {
        out.put("stream", "true");
    }
    if let Some(thinking) = thinking {
        if let Some(json) = thinking.json(display.as_deref()) {
            out.put("thinking", json);
        }
        let effort = thinking.effort.as_deref().map(quoted);
        if let Some(config) = with_member(output_config.unwrap_or(b"{}"), "effort", effort.as_deref())? {
            out.put("output_config", config);
        }
    }
    Ok(out.end())
}

/// What the client wants to see of the thinking, kept when the rest is replaced.
fn display_of(member: &Member<'_>) -> Option<String> {
    let thinking = Value::parse(member.value).ok()?;
    thinking.get("display").and_then(Value::as_str).map(quoted)
}
