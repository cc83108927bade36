//! What a thinking setting becomes in a body of either dialect.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::body::Notes;
use crate::wire::{Dialect, Part, Request, Role, Target, Thinking, ThinkingSetting, ToolChoice};

/// The least budget that Anthropic takes.
const MIN_BUDGET_TOKENS: u64 = 1024;

/// The thinking fields of an Anthropic body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::wire) struct AnthropicThinking<'s> {
    /// The value of `thinking.type`, and the budget of `enabled`.
    pub kind: Option<(&'static str, Option<u64>)>,
    /// The value of `output_config.effort`.
    pub effort: Option<Cow<'s, str>>,
}

impl AnthropicThinking<'_> {
    /// Whether the model is told to think, which forbids sampling parameters and forced tool calls.
    pub(in crate::wire) fn is_on(&self) -> bool {
        self.kind.is_some_and(|(kind, _)| kind != "disabled")
    }

    /// The value of `thinking`; `display` is the client's, as it was written.
    pub(in crate::wire) fn json(&self, display: Option<&str>) -> Option<String> {
        let (kind, budget) = self.kind?;
        let mut out = format!(r#"{{"type":"{kind}""#);
        if let Some(budget) = budget {
            // Writing to a String cannot fail.
            let _ = write!(out, r#","budget_tokens":{budget}"#);
        }
        if let Some(display) = display.filter(|_| self.is_on()) {
            let _ = write!(out, r#","display":{display}"#);
        }
        out.push('}');
        Some(out)
    }
}

/// The thinking fields of an `OpenAI` body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::wire) struct OpenAiThinking<'s> {
    /// The value of `reasoning_effort`.
    pub effort: Option<Cow<'s, str>>,
    /// The value of `thinking.type`.
    pub toggle: Option<&'static str>,
}

/// The setting with the request's own wish filled in, for a body in another dialect.
fn crossing<'s>(request: &'s Request<'_>, target: &Target<'s>, notes: &mut Notes) -> ThinkingSetting<'s> {
    if target.thinking != ThinkingSetting::AsRequested {
        return target.thinking;
    }
    match &request.thinking {
        Thinking::Unsaid => ThinkingSetting::Unsaid,
        Thinking::Off => {
            notes.say("thinking: the wish for none is left to the model's default, as no form of it suits every model");
            ThinkingSetting::Unsaid
        }
        Thinking::Effort(effort) if effort == "between_tools" => ThinkingSetting::BetweenTools,
        Thinking::Effort(effort) => ThinkingSetting::AdaptiveEffort(effort),
        Thinking::Budget(budget) => ThinkingSetting::Budget(*budget),
        Thinking::Adaptive => ThinkingSetting::Adaptive,
    }
}

/// The setting in Anthropic's words; nothing when the request's own fields stay as they are.
pub(in crate::wire) fn for_anthropic<'s>(
    request: &'s Request<'_>,
    target: &Target<'s>,
    max_tokens: u64,
    notes: &mut Notes,
) -> Option<AnthropicThinking<'s>> {
    let is_same = request.dialect == Dialect::AnthropicMessages;
    let setting = if is_same { target.thinking } else { crossing(request, target, notes) };
    let mut fields = AnthropicThinking::default();
    match setting {
        ThinkingSetting::AsRequested => return None,
        ThinkingSetting::Unsaid => {}
        ThinkingSetting::Off | ThinkingSetting::Toggle(false) => fields.kind = Some(("disabled", None)),
        ThinkingSetting::Budget(wanted) => fields.kind = budget(wanted, max_tokens, notes),
        ThinkingSetting::Adaptive | ThinkingSetting::Toggle(true) => fields.kind = Some(("adaptive", None)),
        ThinkingSetting::AdaptiveEffort(effort) => {
            fields.kind = Some(("adaptive", None));
            fields.effort = Some(anthropic_effort(effort));
        }
        ThinkingSetting::Effort(effort) => fields.effort = Some(anthropic_effort(effort)),
        ThinkingSetting::BetweenTools => fields.kind = Some(("between_tools", None)),
    }
    if fields.is_on() && matches!(request.tool_choice, ToolChoice::Any | ToolChoice::Named(_)) {
        notes.say("thinking: left out, because `tool_choice` forces a tool call");
        fields.kind = None;
    }
    if matches!(fields.kind, Some(("enabled", _))) && is_in_tool_loop_without_thinking(request, is_same) {
        notes.say("thinking: left out until the next question, because the turn that called the tools holds none");
        fields.kind = None;
    }
    Some(fields)
}

/// Anthropic has no `minimal`.
fn anthropic_effort(effort: &str) -> Cow<'_, str> {
    if effort == "minimal" { Cow::Borrowed("low") } else { Cow::Borrowed(effort) }
}

/// A budget that the API takes: at least 1024 tokens and below the bound on the answer, which it is part of.
fn budget(wanted: u64, max_tokens: u64, notes: &mut Notes) -> Option<(&'static str, Option<u64>)> {
    let wanted = wanted.max(MIN_BUDGET_TOKENS);
    if wanted < max_tokens {
        return Some(("enabled", Some(wanted)));
    }
    if max_tokens <= MIN_BUDGET_TOKENS {
        notes.say("thinking: left out, because the bound on the answer leaves no room for a budget");
        return None;
    }
    notes.say("thinking: the budget is cut to fit below the bound on the answer");
    // Half for the answer itself.
    Some(("enabled", Some((max_tokens / 2).max(MIN_BUDGET_TOKENS))))
}

/// With a budget, Anthropic wants the assistant's turn of a tool loop to begin with its thinking.
fn is_in_tool_loop_without_thinking(request: &Request<'_>, is_same: bool) -> bool {
    let mut last = request.turns.iter().rev();
    let (Some(results), Some(calls)) = (last.next(), last.next()) else { return false };
    let answers_tools = results.role == Role::User
        && calls.role == Role::Assistant
        && results.parts.iter().any(|part| matches!(part, Part::ToolResult { .. }));
    answers_tools && !(is_same && matches!(calls.parts.first(), Some(Part::Thinking { .. })))
}

/// The setting in `OpenAI`'s words; nothing when the request's own fields stay as they are.
pub(in crate::wire) fn for_openai<'s>(
    request: &'s Request<'_>,
    target: &Target<'s>,
    notes: &mut Notes,
) -> Option<OpenAiThinking<'s>> {
    let is_same = request.dialect == Dialect::OpenAiChat;
    let setting = if is_same { target.thinking } else { crossing(request, target, notes) };
    let effort = |word: &'s str| OpenAiThinking { effort: Some(Cow::Borrowed(word)), toggle: None };
    Some(match setting {
        ThinkingSetting::AsRequested => return None,
        ThinkingSetting::Unsaid => OpenAiThinking::default(),
        ThinkingSetting::Adaptive => {
            notes.say("thinking: adaptive is the model's default here");
            OpenAiThinking::default()
        }
        ThinkingSetting::Off => effort("none"),
        ThinkingSetting::Budget(tokens) => {
            let word = effort_of_budget(tokens);
            notes.say(format!("thinking: the budget of {tokens} tokens became the effort `{word}`"));
            effort(word)
        }
        ThinkingSetting::AdaptiveEffort(word) | ThinkingSetting::Effort(word) => effort(word),
        ThinkingSetting::BetweenTools => {
            notes.say("thinking: `between_tools` became the effort `low`");
            effort("low")
        }
        ThinkingSetting::Toggle(on) => {
            OpenAiThinking { effort: None, toggle: Some(if on { "enabled" } else { "disabled" }) }
        }
    })
}

/// The effort of about a budget's size. No vendor publishes such a table: twice and eight times the least budget are our
/// steps, for requests whose caller did not compile an effort.
fn effort_of_budget(tokens: u64) -> &'static str {
    match tokens {
        0..=2048 => "low",
        2049..=8192 => "medium",
        _ => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_fits_below_the_bound() {
        let mut notes = Notes::default();
        assert_eq!(budget(10, 4096, &mut notes), Some(("enabled", Some(1024))));
        assert_eq!(budget(4095, 4096, &mut notes), Some(("enabled", Some(4095))));
        assert_eq!(budget(4096, 4096, &mut notes), Some(("enabled", Some(2048))));
        assert_eq!(budget(4096, 1025, &mut notes), Some(("enabled", Some(1024))));
        assert_eq!(budget(4096, 1024, &mut notes), None);
    }
}
