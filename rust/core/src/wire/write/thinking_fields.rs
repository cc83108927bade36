//! A thinking setting as members of an `OpenAI` body: one small writer a form.
//!
//! Promises: only members that the form has; the members of a client's body that say thinking in any form give way to
//! them, what else stands inside the same objects stays.

use std::borrow::Cow;

use crate::json::{Kind, Reader, Value};
use crate::thinking_format::ThinkingFormat;
use crate::wire::read::members::{members, quoted, with_member};
use crate::wire::read::typed::Read;

/// One member of a body; all but the last step of its path are objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::wire) struct Field {
    /// Its keys from the top.
    pub path: &'static [&'static str],
    /// Its value as JSON.
    pub json: String,
}

/// What a form has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum Said<'s> {
    /// No thinking.
    Off,
    /// Thinking without a measure.
    On,
    /// An effort alone.
    Effort(&'s str),
    /// Thinking switched on, with an effort.
    OnWithEffort(&'s str),
    /// A budget in tokens.
    Budget(u64),
}

impl<'s> Said<'s> {
    /// Off or on, where a form has a switch and the setting touches it.
    fn switch(self) -> Option<bool> {
        match self {
            Self::Off => Some(false),
            Self::On | Self::OnWithEffort(_) | Self::Budget(_) => Some(true),
            Self::Effort(_) => None,
        }
    }

    fn effort(self) -> Option<&'s str> {
        match self {
            Self::Effort(word) | Self::OnWithEffort(word) => Some(word),
            _ => None,
        }
    }
}

fn field(path: &'static [&'static str], json: impl Into<String>) -> Field {
    Field { path, json: json.into() }
}

const EFFORT: &[&str] = &["reasoning_effort"];

fn effort(said: Said<'_>) -> Option<Field> {
    said.effort().map(|word| field(EFFORT, quoted(word)))
}

/// A boolean switch at a path, with `reasoning_effort` where an effort is said.
fn switched(path: &'static [&'static str], said: Said<'_>, is_inverse: bool) -> Vec<Field> {
    let switch = said.switch().map(|on| field(path, (on != is_inverse).to_string()));
    switch.into_iter().chain(effort(said)).collect()
}

/// `thinking {type}`, and what goes with it.
fn typed(said: Said<'_>, rest: Option<Field>) -> Vec<Field> {
    let kind = |on| if on { r#""enabled""# } else { r#""disabled""# };
    said.switch().map(|on| field(&["thinking", "type"], kind(on))).into_iter().chain(rest).collect()
}

/// The members for a form, in the order in which they are written.
pub(in crate::wire) fn fields(format: ThinkingFormat, said: Said<'_>) -> Vec<Field> {
    match format {
        ThinkingFormat::Anthropic | ThinkingFormat::ReasoningEffort => match said {
            Said::Off => vec![field(EFFORT, quoted("none"))],
            said => effort(said).into_iter().collect(),
        },
        ThinkingFormat::ThinkingType => typed(said, effort(said)),
        ThinkingFormat::TokenBudget => typed(said, budget(said, &["thinking", "token_budget"])),
        ThinkingFormat::EnableThinking => {
            let on = said.switch().unwrap_or(true);
            let switch = field(&["enable_thinking"], on.to_string());
            std::iter::once(switch).chain(budget(said, &["thinking_budget"])).collect()
        }
        ThinkingFormat::Reasoning => vec![match said {
            Said::Off => field(&["reasoning", "enabled"], "false"),
            Said::On => field(&["reasoning", "enabled"], "true"),
            Said::Effort(word) | Said::OnWithEffort(word) => field(&["reasoning", "effort"], quoted(word)),
            Said::Budget(tokens) => field(&["reasoning", "max_tokens"], tokens.to_string()),
        }],
        ThinkingFormat::ReasoningEnabled => switched(&["reasoning", "enabled"], said, false),
        ThinkingFormat::GoogleThinkingConfig => {
            const BUDGET: &[&str] = &["extra_body", "google", "thinking_config", "thinking_budget"];
            match said {
                Said::Off => vec![field(BUDGET, "0")],
                Said::Budget(tokens) => vec![field(BUDGET, tokens.to_string())],
                said => effort(said).into_iter().collect(),
            }
        }
        ThinkingFormat::EffortDefault => match said {
            Said::Off => vec![field(EFFORT, quoted("none"))],
            _ => vec![field(EFFORT, quoted("default")), field(&[REASONING_FORMAT], quoted("parsed"))],
        },
        ThinkingFormat::DisableReasoning => switched(&["disable_reasoning"], said, true),
        ThinkingFormat::ChatTemplateKwargs => switched(&["chat_template_kwargs", "enable_thinking"], said, false),
        ThinkingFormat::ChatTemplateArgs => switched(&["chat_template_args", "enable_thinking"], said, false),
        ThinkingFormat::PromptMode => match said {
            Said::Off => Vec::new(),
            _ => vec![field(&["prompt_mode"], quoted("reasoning"))],
        },
    }
}

/// The members for a Responses body, which has one form.
pub(in crate::wire) fn responses_fields(said: Said<'_>) -> Vec<Field> {
    let effort = if said == Said::Off { Some("none") } else { said.effort() };
    effort.map(|word| field(&["reasoning", "effort"], quoted(word))).into_iter().collect()
}

/// What stands at `reasoning` in a Responses body once the setting is written; `old` is the client's value.
pub(in crate::wire) fn settle_responses(old: Option<&[u8]>, fields: &[Field]) -> Read<Option<Vec<u8>>> {
    let old = old.filter(|old| is_object(old)).unwrap_or(b"{}");
    let effort = fields.first().map(|field| field.json.as_str());
    with_member(old, "effort", effort)
}

fn budget(said: Said<'_>, path: &'static [&'static str]) -> Option<Field> {
    match said {
        Said::Budget(tokens) => Some(field(path, tokens.to_string())),
        _ => None,
    }
}

/// Where the reasoning stands in an answer: the client's own wish wins, and so does its `include_reasoning`, which
/// excludes this one.
const REASONING_FORMAT: &str = "reasoning_format";

/// A top-level key that says thinking in some form: the paths inside that do (none: the key itself), and whether what else
/// stands there means something without them.
struct Owned {
    key: &'static str,
    inside: &'static [&'static [&'static str]],
    stands_alone: bool,
}

const fn owned(key: &'static str) -> Owned {
    Owned { key, inside: &[], stands_alone: false }
}

const OWNED: &[Owned] = &[
    owned("reasoning_effort"),
    Owned { key: "reasoning", inside: &[&["effort"], &["max_tokens"], &["enabled"]], stands_alone: false },
    Owned { key: "thinking", inside: &[&["type"], &["budget_tokens"], &["token_budget"]], stands_alone: false },
    owned("enable_thinking"),
    owned("thinking_budget"),
    owned("disable_reasoning"),
    owned("prompt_mode"),
    Owned { key: "chat_template_kwargs", inside: &[&["enable_thinking"]], stands_alone: true },
    Owned { key: "chat_template_args", inside: &[&["enable_thinking"]], stands_alone: true },
    Owned {
        key: "extra_body",
        inside: &[&["google", "thinking_config", "thinking_budget"], &["google", "thinking_config", "thinking_level"]],
        stands_alone: true,
    },
];

/// Whether a top-level key says thinking in some form.
pub(in crate::wire) fn is_thinking_key(key: &str) -> bool {
    OWNED.iter().any(|owned| owned.key == key)
}

/// What stands at a thinking key once the setting is written: its JSON, or nothing. `old` is the client's value.
///
/// Errors are those of reading JSON.
fn settled(owned: &Owned, old: Option<&[u8]>, fields: &[Field]) -> Read<Option<Vec<u8>>> {
    let ours: Vec<&Field> = fields.iter().filter(|field| field.path.first() == Some(&owned.key)).collect();
    if owned.inside.is_empty() {
        return Ok(ours.first().map(|field| field.json.clone().into_bytes()));
    }
    let is_kept = owned.stands_alone || !ours.is_empty();
    let mut object = Cow::Borrowed(old.filter(|old| is_kept && is_object(old)).unwrap_or(b"{}"));
    let taken = owned.inside.iter().map(|path| (*path, None));
    let put = ours.iter().map(|field| (field.path.get(1..).unwrap_or_default(), Some(field.json.as_str())));
    for (path, value) in taken.chain(put) {
        object = Cow::Owned(with_path(&object, path, value)?.unwrap_or_else(|| b"{}".to_vec()));
    }
    Ok((object.as_ref() != b"{}").then(|| object.into_owned()))
}

fn is_object(json: &[u8]) -> bool {
    matches!(Reader::new(json).peek(), Ok(Kind::Object))
}

/// An object with the member at a path set (or taken out); nothing when none is left.
fn with_path(object: &[u8], path: &[&str], value: Option<&str>) -> Read<Option<Vec<u8>>> {
    let [key, rest @ ..] = path else { return Ok(Some(object.to_vec())) };
    if rest.is_empty() {
        return with_member(object, key, value);
    }
    let inner = members(object)?.into_iter().find(|member| member.key == *key && is_object(member.value));
    let Some(inner) = inner.map(|member| member.value).or(value.is_some().then_some(b"{}")) else {
        return Ok(Some(object.to_vec()));
    };
    let inner = with_path(inner, rest, value)?.map(|json| String::from_utf8_lossy(&json).into_owned());
    with_member(object, key, inner.as_deref())
}

/// A member of the upstream body.
#[derive(Debug)]
pub(in crate::wire) struct Settled {
    /// Its key.
    pub key: &'static str,
    /// Its JSON.
    pub json: Vec<u8>,
}

/// The members that say thinking in the upstream body, and the client's keys that say something else now. `old` holds the
/// client's members at thinking keys and at those that `reasoning_format` gives way to.
pub(in crate::wire) fn settle(old: &[(&str, &[u8])], fields: &[Field]) -> Read<(Vec<Settled>, Vec<&'static str>)> {
    let (mut out, mut replaced) = (Vec::new(), Vec::new());
    for owned in OWNED {
        let before = old.iter().find(|(key, _)| *key == owned.key).map(|(_, value)| *value);
        let after = settled(owned, before, fields)?;
        if before.is_some_and(|before| before != b"null" && !is_same(before, after.as_deref())) {
            replaced.push(owned.key);
        }
        out.extend(after.map(|json| Settled { key: owned.key, json }));
    }
    let is_free = !old.iter().any(|(key, _)| gives_way_to(key));
    if let Some(field) = fields.iter().find(|field| is_free && field.path == [REASONING_FORMAT]) {
        out.push(Settled { key: REASONING_FORMAT, json: field.json.clone().into_bytes() });
    }
    Ok((out, replaced))
}

/// Whether `reasoning_format` is left out because of this key of the client's.
pub(in crate::wire) fn gives_way_to(key: &str) -> bool {
    key == REASONING_FORMAT || key == "include_reasoning"
}

/// Whether two values say the same.
pub(in crate::wire) fn is_same(before: &[u8], after: Option<&[u8]>) -> bool {
    let Some(after) = after else { return false };
    match (Value::parse(before), Value::parse(after)) {
        (Ok(before), Ok(after)) => before == after,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: ThinkingFormat, said: Said<'_>, old: &[(&str, &[u8])]) -> (String, Vec<&'static str>) {
        let (settled, replaced) = settle(old, &fields(format, said)).unwrap();
        let members: Vec<String> =
            settled.iter().map(|it| format!("{}:{}", it.key, String::from_utf8_lossy(&it.json))).collect();
        (members.join(" "), replaced)
    }

    #[test]
    fn what_stands_beside_the_setting_stays() {
        let old: &[(&str, &[u8])] =
            &[("extra_body", br#"{"a":1,"google":{"thinking_config":{"thinking_budget":9,"include_thoughts":true}}}"#)];
        assert_eq!(
            text(ThinkingFormat::GoogleThinkingConfig, Said::Budget(5), old).0,
            r#"extra_body:{"a":1,"google":{"thinking_config":{"include_thoughts":true,"thinking_budget":5}}}"#
        );
        assert_eq!(
            text(ThinkingFormat::ReasoningEffort, Said::Effort("low"), old),
            (
                r#"reasoning_effort:"low" extra_body:{"a":1,"google":{"thinking_config":{"include_thoughts":true}}}"#
                    .to_owned(),
                vec!["extra_body"]
            )
        );
        let old: &[(&str, &[u8])] = &[("reasoning", br#"{"max_tokens":9,"exclude":true}"#)];
        assert_eq!(
            text(ThinkingFormat::Reasoning, Said::Effort("high"), old).0,
            r#"reasoning:{"exclude":true,"effort":"high"}"#
        );
        // Alone it means nothing to an upstream of another form.
        assert_eq!(text(ThinkingFormat::ThinkingType, Said::Off, old).0, r#"thinking:{"type":"disabled"}"#);
    }

    #[test]
    fn what_the_client_said_alike_is_not_called_replaced() {
        let old: &[(&str, &[u8])] = &[("reasoning_effort", br#""low""#)];
        assert!(text(ThinkingFormat::ReasoningEffort, Said::Effort("low"), old).1.is_empty());
        assert_eq!(text(ThinkingFormat::ReasoningEffort, Said::Effort("high"), old).1, ["reasoning_effort"]);
    }

    #[test]
    fn the_place_of_the_reasoning_is_the_clients_choice() {
        let old: &[(&str, &[u8])] = &[("include_reasoning", b"false")];
        assert_eq!(text(ThinkingFormat::EffortDefault, Said::On, old).0, r#"reasoning_effort:"default""#);
        assert!(text(ThinkingFormat::EffortDefault, Said::On, &[]).0.contains(r#"reasoning_format:"parsed""#));
    }
}
