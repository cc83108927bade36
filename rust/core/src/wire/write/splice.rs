//! Upstream bodies in the request's own dialect: the client's bytes with a few members rewritten.

use super::body::Notes;
use super::thinking::{anthropic_max_tokens, for_anthropic, for_openai};
use super::thinking_fields::{gives_way_to, is_same, is_thinking_key, settle, settle_responses};
use super::unsigned;
use crate::json::{Reader, Value};
use crate::wire::read::members::{Member, Splice, members, quoted, with_member};
use crate::wire::read::typed::{Read, sampling_name};
use crate::wire::{Request, Target};

const REPLACED: &str = "replaced by the setting for this model";

/// Writes an `OpenAI` Chat body.
pub(in crate::wire) fn openai(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    let thinking = for_openai(request, target, notes);
    let mut out = Splice::new(request.body.len() + 256);
    out.put("model", quoted(target.model));
    let (mut stream_options, mut said) = (None, Vec::new());
    for member in members(request.body)? {
        match member.key.as_ref() {
            "model" | "stream" | "max_tokens" | "max_completion_tokens" => {}
            "stream_options" => stream_options = Some(member.value),
            key if target.quirks.refuses(key) => note_refused(&member, notes),
            "messages" if !target.quirks.takes_developer => match as_system(member.value)? {
                Some(messages) => out.put("messages", messages),
                None => out.keep(&member),
            },
            key if thinking.is_some() && is_thinking_key(key) => said.push(member),
            key if !target.accepts_sampling && sampling_name(key).is_some() => {
                if !member.is_null() {
                    notes.no_sampling(key);
                }
            }
            key => {
                match target.quirks.name_of(key) {
                    name if name == key => out.keep(&member),
                    name => out.put(name, member.value),
                }
                if gives_way_to(&member.key) {
                    said.push(member);
                }
            }
        }
    }
    if target.stream {
        out.put("stream", "true");
        if !target.quirks.tells_usage {
            // Without it the stream ends without its usage, and a request without usage has no price.
            let options = with_member(stream_options.unwrap_or(b"{}"), "include_usage", Some("true"))?;
            out.put("stream_options", options.unwrap_or_default());
        }
    }
    if let Some(max_tokens) = target.max_tokens.or(request.max_tokens) {
        out.put(target.max_tokens_field, max_tokens.to_string());
    }
    for member in unsaid(request, target)? {
        out.keep(&member);
    }
    if let Some(fields) = thinking {
        let said: Vec<(&str, &[u8])> = said.iter().map(|member| (member.key.as_ref(), member.value)).collect();
        let (settled, replaced) = settle(&said, &fields)?;
        for key in replaced {
            notes.say(format!("`{key}`: {REPLACED}"));
        }
        for member in settled {
            out.put(member.key, member.json);
        }
    }
    Ok(out.end())
}

/// The members that the upstream's row adds and the request does not say.
pub(in crate::wire) fn unsaid<'t>(request: &Request<'_>, target: &Target<'t>) -> Read<Vec<Member<'t>>> {
    if target.quirks.extra_body.is_empty() {
        return Ok(Vec::new());
    }
    let said = members(request.body)?;
    let mut extra = members(target.quirks.extra_body.as_bytes())?;
    extra.retain(|member| !said.iter().any(|known| known.key == member.key));
    Ok(extra)
}

/// A body without what the upstream refuses, and with its own names.
pub(in crate::wire) fn as_taken(body: Vec<u8>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    if target.quirks.refuses.is_empty() && target.quirks.renames.is_empty() {
        return Ok(body);
    }
    let mut out = Splice::new(body.len());
    for member in members(&body)? {
        match member.key.as_ref() {
            key if target.quirks.refuses(key) => note_refused(&member, notes),
            key => out.put(target.quirks.name_of(key), member.value),
        }
    }
    Ok(out.end())
}

/// Says that a member is left out, where that changes anything: an upstream that knows nothing of `store` keeps nothing.
fn note_refused(member: &Member<'_>, notes: &mut Notes) {
    let keeps_nothing = member.key == "store" && member.value == b"false";
    if !keeps_nothing && !member.is_null() {
        notes.refused(&member.key);
    }
}

/// `messages` with the role `developer` written as `system`; nothing when none has it.
fn as_system(messages: &[u8]) -> Read<Option<Vec<u8>>> {
    // The word is rare: most bodies are not looked at twice.
    if memchr::memmem::find(messages, b"\"developer\"").is_none() {
        return Ok(None);
    }
    let mut out = vec![b'['];
    Reader::new(messages).array(|reader| {
        let span = reader.skip()?;
        let message = reader.slice(span);
        if out.len() > 1 {
            out.push(b',');
        }
        let is_developer = |member: &Member<'_>| member.key == "role" && member.value == b"\"developer\"";
        if members(message)?.iter().any(is_developer) {
            out.extend(with_member(message, "role", Some("\"system\""))?.unwrap_or_default());
        } else {
            out.extend_from_slice(message);
        }
        Read::Ok(())
    })?;
    out.push(b']');
    Ok(Some(out))
}

/// Writes an Anthropic Messages body.
pub(in crate::wire) fn anthropic(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    let max_tokens = anthropic_max_tokens(request, target);
    let thinking = for_anthropic(request, target, max_tokens, notes);
    let thinks = thinking.as_ref().is_some_and(super::thinking::AnthropicThinking::is_on);
    let mut out = Splice::new(request.body.len() + 256);
    out.put("model", quoted(target.model));
    out.put("max_tokens", max_tokens.to_string());
    let (mut old, mut output_config) = (None, None);
    for member in members(request.body)? {
        match member.key.as_ref() {
            "model" | "stream" | "max_tokens" => {}
            "messages" => match unsigned::messages(request, member.value, notes)? {
                Some(messages) => out.put("messages", messages),
                None => out.keep(&member),
            },
            "thinking" if thinking.is_some() => old = Some(member),
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
        let json = thinking.json(old.as_ref().and_then(display_of).as_deref());
        if old.is_some_and(|old| !old.is_null() && !is_same(old.value, json.as_deref().map(str::as_bytes))) {
            notes.say(format!("`thinking`: {REPLACED}"));
        }
        if let Some(json) = json {
            out.put("thinking", json);
        }
        note_effort(output_config, thinking.effort.as_deref(), notes);
        let effort = thinking.effort.as_deref().map(quoted);
        if let Some(config) = with_member(output_config.unwrap_or(b"{}"), "effort", effort.as_deref())? {
            out.put("output_config", config);
        }
    }
    Ok(out.end())
}

/// Writes a Responses body.
pub(in crate::wire) fn responses(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Vec<u8>> {
    let thinking = for_openai(request, target, notes);
    let mut out = Splice::new(request.body.len() + 256);
    out.put("model", quoted(target.model));
    let mut reasoning = None;
    for member in members(request.body)? {
        match member.key.as_ref() {
            "model" | "stream" | "max_output_tokens" => {}
            "input" => match unsigned::input(request, member.value, notes)? {
                Some(input) => out.put("input", input),
                None => out.keep(&member),
            },
            // Refused without a stream.
            "stream_options" if !target.stream => {}
            key if target.quirks.refuses(key) => note_refused(&member, notes),
            "reasoning" if thinking.is_some() => reasoning = Some(member.value),
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
    }
    if let Some(max_tokens) = target.max_tokens.or(request.max_tokens) {
        out.put("max_output_tokens", max_tokens.to_string());
    }
    if let Some(fields) = thinking {
        let effort = |json: &[u8]| Value::parse(json).ok()?.get("effort")?.as_str().map(str::to_owned);
        let settled = settle_responses(reasoning, &fields)?;
        if reasoning.and_then(effort).is_some_and(|was| settled.as_deref().and_then(effort) != Some(was)) {
            notes.say(format!("`reasoning.effort`: {REPLACED}"));
        }
        if let Some(json) = settled {
            out.put("reasoning", json);
        }
    }
    Ok(out.end())
}

/// What the client wants to see of the thinking, kept when the rest is replaced.
fn display_of(member: &Member<'_>) -> Option<String> {
    let thinking = Value::parse(member.value).ok()?;
    thinking.get("display").and_then(Value::as_str).map(quoted)
}

/// Says that the client's effort is another one now, or none.
fn note_effort(output_config: Option<&[u8]>, now: Option<&str>, notes: &mut Notes) {
    let Some(Ok(config)) = output_config.map(Value::parse) else { return };
    if config.get("effort").and_then(Value::as_str).is_some_and(|was| now != Some(was)) {
        notes.say(format!("`output_config.effort`: {REPLACED}"));
    }
}
