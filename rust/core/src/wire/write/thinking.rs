//! What a thinking setting becomes in a body of either dialect.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::body::Notes;
use super::thinking_fields::{Field, Said, fields, responses_fields};
use crate::thinking_format::ThinkingFormat;
use crate::wire::{Dialect, Part, Request, Role, Target, Thinking, ThinkingSetting, ToolChoice};

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
        if let Some(display) = display.filter(|_| matches!(kind, "adaptive" | "enabled")) {
            let _ = write!(out, r#","display":{display}"#);
        }
        out.push('}');
        Some(out)
    }
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
        ThinkingSetting::Off => fields.kind = Some(("disabled", None)),
        ThinkingSetting::Budget(wanted) => {
            fields.kind = budget(wanted, target, max_tokens, notes).map(|tokens| ("enabled", Some(tokens)));
        }
        ThinkingSetting::Adaptive => fields.kind = Some(("adaptive", None)),
        ThinkingSetting::AdaptiveEffort(effort) => {
            fields.kind = Some(("adaptive", None));
            fields.effort = Some(anthropic_effort(effort));
        }
        ThinkingSetting::Effort(effort) => fields.effort = Some(anthropic_effort(effort)),
        ThinkingSetting::BetweenTools => fields.kind = Some(("between_tools", None)),
    }
    if fields.is_on() && matches!(request.tool_choice, ToolChoice::Any | ToolChoice::Named(_)) {
        notes.say("thinking: left out, because `tool_choice` forces a tool call");
        fields = off(&fields);
    }
    if fields.is_on() && request.is_prefill() {
        notes.say("thinking: left out, because the last turn is the beginning of the answer");
        fields = off(&fields);
    }
    if matches!(fields.kind, Some(("enabled", _))) && is_in_tool_loop_without_thinking(request, is_same) {
        notes.say("thinking: left out until the next question, because the turn that called the tools holds none");
        fields.kind = None;
    }
    Some(fields)
}

/// No thinking in place of what was to be. Models that take `adaptive` may think unasked, so they are told not to, without
/// the effort: some refuse to be switched off above `high`.
fn off<'s>(fields: &AnthropicThinking<'s>) -> AnthropicThinking<'s> {
    match fields.kind {
        Some(("adaptive", _)) => AnthropicThinking { kind: Some(("disabled", None)), effort: None },
        _ => AnthropicThinking { kind: None, effort: fields.effort.clone() },
    }
}

/// Anthropic has no `minimal`.
fn anthropic_effort(effort: &str) -> Cow<'_, str> {
    if effort == "minimal" { Cow::Borrowed("low") } else { Cow::Borrowed(effort) }
}

/// A budget that the API takes: not below the model's least, and below the bound on the answer, which it is part of.
fn budget(wanted: u64, target: &Target<'_>, max_tokens: u64, notes: &mut Notes) -> Option<u64> {
    let least = target.min_budget_tokens;
    let wanted = wanted.max(least);
    if wanted < max_tokens {
        return Some(wanted);
    }
    // Half for the answer itself.
    let cut = (max_tokens / 2).max(least);
    if cut >= max_tokens {
        notes.say("thinking: left out, because the bound on the answer leaves no room for a budget");
        return None;
    }
    notes.say(format!("thinking: the budget is cut from {wanted} to {cut} tokens, below the bound on the answer"));
    Some(cut)
}

/// What is left for the answer beside a budget when nobody bounds it.
const ANSWER_TOKENS: u64 = 4_096;

/// The bound on the answer in an Anthropic body, which requires one. Where nobody gives it, a thinking budget raises it as
/// far as the model goes.
pub(in crate::wire) fn anthropic_max_tokens(request: &Request<'_>, target: &Target<'_>) -> u64 {
    if let Some(given) = target.max_tokens.or(request.max_tokens) {
        return given;
    }
    let budget = match (target.thinking, &request.thinking) {
        (ThinkingSetting::Budget(tokens), _) => tokens,
        (ThinkingSetting::AsRequested, Thinking::Budget(tokens)) => *tokens,
        _ => 0,
    };
    let needed = if budget > 0 { budget.saturating_add(ANSWER_TOKENS) } else { 0 };
    let most = target.max_output_tokens.unwrap_or(u64::MAX).max(target.default_max_tokens);
    needed.min(most).max(target.default_max_tokens)
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

/// The setting as members of an `OpenAI` body; nothing when the request's own fields stay as they are.
pub(in crate::wire) fn for_openai(request: &Request<'_>, target: &Target<'_>, notes: &mut Notes) -> Option<Vec<Field>> {
    let is_same = request.dialect == target.dialect;
    let setting = if is_same { target.thinking } else { crossing(request, target, notes) };
    let format = target.thinking_format;
    let said = match setting {
        ThinkingSetting::AsRequested => return None,
        ThinkingSetting::Unsaid => return Some(Vec::new()),
        ThinkingSetting::Off => Said::Off,
        ThinkingSetting::Adaptive => {
            if target.dialect == Dialect::OpenAiResponses || !format.says_on() {
                notes.say("thinking: adaptive is the model's default here");
            }
            Said::On
        }
        ThinkingSetting::Budget(tokens) if says_budgets(target) => {
            let tokens = match target.max_tokens.or(request.max_tokens) {
                Some(max_tokens) => budget(tokens, target, max_tokens, notes),
                None => Some(tokens.max(target.min_budget_tokens)),
            };
            let Some(tokens) = tokens else { return Some(Vec::new()) };
            Said::Budget(tokens)
        }
        ThinkingSetting::Budget(tokens) => {
            let word = effort_of_budget(tokens);
            notes.say(format!("thinking: the budget of {tokens} tokens became the effort `{word}`"));
            Said::OnWithEffort(word)
        }
        ThinkingSetting::AdaptiveEffort(word) => Said::OnWithEffort(word),
        ThinkingSetting::Effort(word) => Said::Effort(word),
        ThinkingSetting::BetweenTools => {
            notes.say("thinking: `between_tools` became the effort `low`");
            Said::OnWithEffort("low")
        }
    };
    if target.dialect == Dialect::OpenAiResponses {
        return Some(responses_fields(said));
    }
    Some(fields(format, said))
}

/// Whether the target's body has a field for a budget of tokens.
fn says_budgets(target: &Target<'_>) -> bool {
    let format = target.thinking_format;
    target.dialect == Dialect::OpenAiChat && format.says_budgets() && format != ThinkingFormat::Anthropic
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
        let target = Target::new(Dialect::AnthropicMessages, "m");
        assert_eq!(budget(10, &target, 4096, &mut notes), Some(1024));
        assert_eq!(budget(4095, &target, 4096, &mut notes), Some(4095));
        assert_eq!(budget(4096, &target, 4096, &mut notes), Some(2048));
        assert_eq!(budget(4096, &target, 1025, &mut notes), Some(1024));
        assert_eq!(budget(4096, &target, 1024, &mut notes), None);
        let least = Target { min_budget_tokens: 0, ..target };
        assert_eq!(budget(4096, &least, 100, &mut notes), Some(50));
    }

    #[test]
    fn a_bound_that_nobody_gave_makes_room_for_the_budget() {
        let body = br#"{"max_tokens":null,"system":"s","messages":[{"role":"user","content":"hi"}]}"#;
        let request = crate::wire::parse_request(body, Some(Dialect::AnthropicMessages)).unwrap();
        let target =
            Target { thinking: ThinkingSetting::Budget(8_000), ..Target::new(Dialect::AnthropicMessages, "m") };
        assert_eq!(anthropic_max_tokens(&request, &target), 12_096);
        assert_eq!(anthropic_max_tokens(&request, &Target { max_output_tokens: Some(9_000), ..target }), 9_000);
        assert_eq!(anthropic_max_tokens(&request, &Target { max_tokens: Some(50), ..target }), 50);
    }
}
