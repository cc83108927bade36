//! One thinking setting, compiled for a model: what it takes, or the nearest, and a word where they differ.

use crate::catalog::{Effort, Model, Reasoning, ThinkingMode};
use crate::policy::ThinkingLevel;
use crate::wire::ThinkingSetting;

/// Budgets for the named levels, for models that take a budget only: the providers' own suggestions for light, usual and
/// hard work, and the most that a non-streamed call may spend.
const BUDGETS: [(ThinkingLevel, u64); 4] = [
    (ThinkingLevel::Low, 2_048),
    (ThinkingLevel::Medium, 8_192),
    (ThinkingLevel::High, 16_384),
    (ThinkingLevel::Max, 32_000),
];

/// The setting for a model, and a note when it is not what was asked for.
pub fn compile_thinking(level: ThinkingLevel, model: &Model) -> (ThinkingSetting<'static>, Option<String>) {
    let Some(reasoning) = model.reasoning.as_ref().filter(|_| model.caps.reasoning != Some(false)) else {
        let note =
            (level != ThinkingLevel::Off).then(|| format!("`{}` does not think: `thinking` is left out", model.id));
        return (ThinkingSetting::Unsaid, note);
    };
    match level {
        ThinkingLevel::Off => off(reasoning, model),
        ThinkingLevel::Budget(tokens) => budget(tokens, reasoning, model),
        named => (on(named, reasoning), None),
    }
}

fn takes(reasoning: &Reasoning, mode: ThinkingMode) -> bool {
    reasoning.modes.contains(&mode)
}

fn off(reasoning: &Reasoning, model: &Model) -> (ThinkingSetting<'static>, Option<String>) {
    let stays_on = reasoning.always_on == Some(true) || reasoning.can_disable == Some(false);
    if stays_on {
        let least = if takes(reasoning, ThinkingMode::BetweenTools) {
            ThinkingSetting::BetweenTools
        } else {
            on(ThinkingLevel::Low, reasoning)
        };
        return (least, Some(format!("`{}` always thinks: set to the least it takes", model.id)));
    }
    if takes(reasoning, ThinkingMode::Toggle) {
        return (ThinkingSetting::Toggle(false), None);
    }
    if takes(reasoning, ThinkingMode::Adaptive)
        || takes(reasoning, ThinkingMode::BudgetTokens)
        || reasoning.efforts.contains(&Effort::None)
    {
        return (ThinkingSetting::Off, None);
    }
    match reasoning.efforts.first() {
        Some(least) => {
            let note = format!("`{}` cannot be kept from thinking: set to `{}`", model.id, least.name());
            (ThinkingSetting::Effort(least.name()), Some(note))
        }
        None => (ThinkingSetting::Unsaid, None),
    }
}

fn budget(tokens: u64, reasoning: &Reasoning, model: &Model) -> (ThinkingSetting<'static>, Option<String>) {
    if takes(reasoning, ThinkingMode::BudgetTokens) {
        let fitted = tokens.max(reasoning.budget_min.unwrap_or(1_024)).min(reasoning.budget_max.unwrap_or(u64::MAX));
        let note =
            (fitted != tokens).then(|| format!("`{}` takes a thinking budget of {fitted}, not {tokens}", model.id));
        return (ThinkingSetting::Budget(fitted), note);
    }
    let level = BUDGETS.iter().find(|(_, most)| tokens <= *most).map_or(ThinkingLevel::Max, |(level, _)| *level);
    let setting = on(level, reasoning);
    let note = format!("`{}` takes no thinking budget: {tokens} tokens became {}", model.id, word(setting));
    (setting, Some(note))
}

fn word(setting: ThinkingSetting<'static>) -> String {
    match setting {
        ThinkingSetting::AdaptiveEffort(effort) | ThinkingSetting::Effort(effort) => format!("effort `{effort}`"),
        _ => "its own measure".to_owned(),
    }
}

/// The setting for low, medium, high or max.
fn on(level: ThinkingLevel, reasoning: &Reasoning) -> ThinkingSetting<'static> {
    let effort = nearest(level, &reasoning.efforts).map(Effort::name);
    if takes(reasoning, ThinkingMode::Adaptive) {
        return effort.map_or(ThinkingSetting::Adaptive, ThinkingSetting::AdaptiveEffort);
    }
    if let Some(effort) = effort {
        return ThinkingSetting::Effort(effort);
    }
    if takes(reasoning, ThinkingMode::BudgetTokens) {
        let tokens = BUDGETS.iter().find(|(known, _)| *known == level).map_or(8_192, |(_, tokens)| *tokens);
        let most = reasoning.budget_max.unwrap_or(u64::MAX);
        return ThinkingSetting::Budget(tokens.min(most).max(reasoning.budget_min.unwrap_or(1_024)));
    }
    if takes(reasoning, ThinkingMode::Toggle) {
        return ThinkingSetting::Toggle(true);
    }
    ThinkingSetting::Unsaid
}

/// The effort that the model knows nearest to the level; between two, the stronger.
fn nearest(level: ThinkingLevel, efforts: &[Effort]) -> Option<Effort> {
    let wanted = match level {
        ThinkingLevel::Low => Effort::Low,
        ThinkingLevel::Medium => Effort::Medium,
        ThinkingLevel::High => Effort::High,
        _ => Effort::Max,
    };
    let place = |effort: Effort| Effort::ALL.iter().position(|known| *known == effort).unwrap_or(0);
    efforts
        .iter()
        .copied()
        .filter(|effort| *effort != Effort::None)
        .min_by_key(|effort| (place(*effort).abs_diff(place(wanted)), usize::MAX - place(*effort)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn compiled(level: ThinkingLevel, name: &str) -> (ThinkingSetting<'static>, bool) {
        let (setting, note) = compile_thinking(level, Catalog::bundled().resolve(name).unwrap().model);
        (setting, note.is_some())
    }

    #[test]
    fn each_generation_of_claude_gets_the_form_it_takes() {
        use ThinkingLevel::{Budget, High, Low, Max, Off};
        for (level, name, expected) in [
            (High, "claude-sonnet-4-5-20250929", (ThinkingSetting::Budget(16_384), false)),
            (High, "claude-opus-4-8", (ThinkingSetting::AdaptiveEffort("high"), false)),
            (Max, "claude-sonnet-5-5", (ThinkingSetting::AdaptiveEffort("max"), false)),
            (Off, "claude-sonnet-5-5", (ThinkingSetting::BetweenTools, true)),
            (Off, "claude-opus-5-5", (ThinkingSetting::AdaptiveEffort("low"), true)),
            (Off, "claude-haiku-5-5", (ThinkingSetting::Off, false)),
            (Budget(5_000), "claude-haiku-5-5", (ThinkingSetting::AdaptiveEffort("medium"), true)),
            (Budget(500), "claude-haiku-4-5", (ThinkingSetting::Budget(1_024), true)),
            (Low, "claude-3-haiku-20240307", (ThinkingSetting::Unsaid, true)),
        ] {
            assert_eq!(compiled(level, name), expected, "{level:?} on {name}");
        }
    }

    #[test]
    fn every_model_gets_a_form_that_it_lists() {
        let mut checked = 0;
        for model in Catalog::bundled().models() {
            for (_, level) in ThinkingLevel::NAMED {
                let (setting, _) = compile_thinking(level, model);
                let reasoning = model.reasoning.clone().unwrap_or_default();
                let fits = match setting {
                    ThinkingSetting::Budget(_) => takes(&reasoning, ThinkingMode::BudgetTokens),
                    ThinkingSetting::AdaptiveEffort(word) | ThinkingSetting::Effort(word) => {
                        reasoning.efforts.iter().any(|effort| effort.name() == word)
                    }
                    ThinkingSetting::BetweenTools => takes(&reasoning, ThinkingMode::BetweenTools),
                    ThinkingSetting::Toggle(_) => takes(&reasoning, ThinkingMode::Toggle),
                    _ => true,
                };
                assert!(fits, "{} {level:?} {setting:?}", model.full_name());
                checked += 1;
            }
        }
        assert!(checked > 900, "{checked}");
    }
}
