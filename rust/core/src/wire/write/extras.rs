//! What a body says beside its normal form, for a translation: read by the words of its own dialect, named by what it means.

use super::body::Notes;
use super::shape::{
    ANTHROPIC_BLOCKS, ANTHROPIC_MESSAGES, ANTHROPIC_TOOLS, OPENAI_FUNCTIONS, OPENAI_MESSAGES, OPENAI_TOOLS,
    RESPONSES_ITEMS, RESPONSES_TOOLS, note_unread,
};
use crate::json::Value;
use crate::quirks::OWN_FIELDS;
use crate::wire::read::members::{Member, members};
use crate::wire::read::typed::Read;
use crate::wire::{Dialect, Request, Target, WireError};

/// What the normal form does not hold.
#[derive(Debug, Default)]
pub(in crate::wire) struct Extras {
    /// Texts at which the answer stops.
    pub stop: Vec<String>,
    /// Sampling parameters that the target's dialect has, as they were written.
    pub sampling: Vec<(&'static str, String)>,
    /// Whether at most one tool may be called at a time.
    pub is_serial: bool,
    /// How long an answer is wanted (`low`, `medium`, `high`), as JSON.
    pub verbosity: Option<String>,
    /// The name of the schema of the answer, and whether it is enforced.
    pub format: Option<(String, Option<bool>)>,
    /// Members that both of `OpenAI`'s dialects have under one name, as they were written.
    pub carried: Vec<(&'static str, String)>,
}

impl Extras {
    /// Reads them for a target of another dialect, and says what that dialect has no words for.
    pub(in crate::wire) fn read(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<Self> {
        let mut extras = Self::default();
        for member in members(request.body)? {
            if member.is_null() {
                continue;
            }
            let is_known = match request.dialect {
                Dialect::OpenAiChat => extras.chat(&member, target, notes)?,
                Dialect::AnthropicMessages => extras.anthropic(&member, target, notes)?,
                Dialect::OpenAiResponses => extras.responses(&member, target, notes)?,
            };
            if !is_known {
                extras.other(&member, request, target, notes);
            }
        }
        extras.check_stop(request, target)?;
        Ok(extras)
    }

    /// A member of a Chat body; `false` when it means nothing here.
    fn chat(&mut self, member: &Member<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<bool> {
        match member.key.as_ref() {
            // In the normal form; and `stream_options`, as the other dialects' streams always tell the usage.
            "model"
            | "max_tokens"
            | "max_completion_tokens"
            | "stream"
            | "stream_options"
            | "n"
            | "user"
            | "tool_choice"
            | "function_call"
            | "reasoning_effort"
            | "reasoning"
            | "thinking"
            | "enable_thinking"
            | "thinking_budget"
            | "disable_reasoning" => {}
            "response_format" => self.format = format_of(member.value_at("json_schema").as_ref()),
            "messages" => note_unread(member.value, "messages", &OPENAI_MESSAGES, notes)?,
            "tools" => note_unread(member.value, "tools", &OPENAI_TOOLS, notes)?,
            "functions" => note_unread(member.value, "functions", &OPENAI_FUNCTIONS, notes)?,
            "stop" => self.stop = texts(member)?,
            "parallel_tool_calls" => self.is_serial = member.value == b"false",
            "verbosity" if target.dialect == Dialect::OpenAiResponses => {
                self.verbosity = Some(member.text().into_owned());
            }
            "web_search_options" => return Err(provider_tools(member, "a search")),
            "modalities" | "audio" if memchr::memmem::find(member.bytes, b"audio").is_some() => {
                let message = format!("{} does not answer in audio", target.dialect.name());
                return Err(WireError::new("block_untranslatable", message, member.offset));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A member of an Anthropic body.
    fn anthropic(&mut self, member: &Member<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<bool> {
        match member.key.as_ref() {
            // In the normal form; and the API's version, which is not the model's business.
            "model" | "max_tokens" | "stream" | "output_format" | "output_config" | "anthropic_version"
            | "anthropic_beta" => {}
            "messages" => note_unread(member.value, "messages", &ANTHROPIC_MESSAGES, notes)?,
            "system" => note_unread(member.value, "system", &ANTHROPIC_BLOCKS, notes)?,
            "tools" => note_unread(member.value, "tools", &ANTHROPIC_TOOLS, notes)?,
            "thinking" => {
                if Value::parse(member.value).is_ok_and(|thinking| thinking.get("display").is_some()) {
                    notes.no_counterpart("thinking.display", target.dialect);
                }
            }
            "metadata" => {
                for inner in members(member.value)? {
                    if inner.key != "user_id" {
                        notes.no_counterpart("metadata", target.dialect);
                    }
                }
            }
            "tool_choice" => self.is_serial = member.value_at("disable_parallel_tool_use") == Some(Value::Bool(true)),
            "stop_sequences" => self.stop = texts(member)?,
            "mcp_servers" | "container" if !matches!(member.value, b"[]" | b"{}") => {
                return Err(provider_tools(member, "tools"));
            }
            "inference_geo" => {
                let message = format!(
                    "`inference_geo` binds the request to a region, which {} cannot promise",
                    target.dialect.name()
                );
                return Err(WireError::new("region_untranslatable", message, member.offset));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A member of a Responses body.
    fn responses(&mut self, member: &Member<'_>, target: &Target<'_>, notes: &mut Notes) -> Read<bool> {
        match member.key.as_ref() {
            // In the normal form; and what was checked before: what is not null and true of it cannot be translated.
            "model"
            | "max_output_tokens"
            | "stream"
            | "stream_options"
            | "user"
            | "instructions"
            | "tool_choice"
            | "previous_response_id"
            | "conversation"
            | "prompt"
            | "background" => {}
            "input" => note_unread(member.value, "input", &RESPONSES_ITEMS, notes)?,
            "tools" => note_unread(member.value, "tools", &RESPONSES_TOOLS, notes)?,
            "parallel_tool_calls" => self.is_serial = member.value == b"false",
            "reasoning" => {
                for inner in members(member.value)? {
                    if inner.key != "effort" && !inner.is_null() {
                        notes.no_counterpart(&format!("reasoning.{}", inner.key), target.dialect);
                    }
                }
            }
            "text" => {
                for inner in members(member.value)? {
                    match inner.key.as_ref() {
                        "format" => self.format = format_of(Value::parse(inner.value).ok().as_ref()),
                        "verbosity" if target.dialect == Dialect::OpenAiChat && !inner.is_null() => {
                            self.verbosity = Some(inner.text().into_owned());
                        }
                        key if !inner.is_null() => notes.no_counterpart(&format!("text.{key}"), target.dialect),
                        _ => {}
                    }
                }
            }
            // The default of the other dialects: nothing is cut, and an input that is too long is an error.
            "truncation" => return Ok(member.value == br#""disabled""#),
            "include" => return Ok(member.value == b"[]"),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is a sampling parameter, shared, or without counterpart.
    fn other(&mut self, member: &Member<'_>, request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) {
        let has = |name: &str| match target.dialect {
            Dialect::AnthropicMessages => matches!(name, "temperature" | "top_p" | "top_k"),
            Dialect::OpenAiChat | Dialect::OpenAiResponses => matches!(name, "temperature" | "top_p"),
        };
        let key = member.key.as_ref();
        if let Some(name) = request.sampling.iter().find(|name| **name == key && has(name)) {
            if target.accepts_sampling {
                self.sampling.push((name, member.text().into_owned()));
            } else {
                notes.no_sampling(name);
            }
            return;
        }
        // The other upstreams keep nothing anyway.
        let keeps_nothing = key == "store" && member.value == b"false";
        if keeps_nothing && (target.dialect == Dialect::AnthropicMessages || !target.quirks.takes_store) {
            return;
        }
        let is_openai = |dialect| matches!(dialect, Dialect::OpenAiChat | Dialect::OpenAiResponses);
        let shared = OWN_FIELDS.into_iter().find(|shared| *shared == key);
        match shared.filter(|_| is_openai(request.dialect) && is_openai(target.dialect)) {
            Some(key) if target.quirks.refuses(key) => notes.refused(key),
            Some(key) => self.carried.push((key, member.text().into_owned())),
            None => notes.no_counterpart(key, target.dialect),
        }
    }

    fn check_stop(&self, request: &Request<'_>, target: &Target<'_>) -> Read<()> {
        let count = self.stop.len();
        let message = match target.dialect {
            Dialect::OpenAiChat if count > 4 => format!("openai-chat takes 4 stop sequences, not {count}"),
            Dialect::OpenAiResponses if count > 0 => "openai-responses has no stop sequences".to_owned(),
            // It refuses those without a visible character.
            Dialect::AnthropicMessages if self.stop.iter().any(|stop| stop.trim().is_empty()) => {
                "anthropic-messages does not stop at white space alone".to_owned()
            }
            _ => return Ok(()),
        };
        let keys = ["stop", "stop_sequences"];
        let at = members(request.body)?.into_iter().find(|member| keys.contains(&member.key.as_ref()));
        Err(WireError::new("stop_untranslatable", message, at.map_or(0, |member| member.offset)))
    }
}

fn provider_tools(member: &Member<'_>, what: &str) -> WireError {
    let message = format!("`{}` asks for {what} that the provider runs", member.key);
    WireError::new("tool_untranslatable", message, member.offset)
}

fn texts(member: &Member<'_>) -> Read<Vec<String>> {
    let value = Value::parse(member.value)?;
    let one = value.as_str().into_iter();
    Ok(one.chain(value.items().iter().filter_map(Value::as_str)).map(str::to_owned).collect())
}

/// The name and the strictness of a schema.
fn format_of(schema: Option<&Value<'_>>) -> Option<(String, Option<bool>)> {
    let schema = schema?;
    let name = schema.get("name").and_then(Value::as_str)?;
    Some((name.to_owned(), schema.get("strict").and_then(Value::as_bool)))
}
