//! One thinking setting, compiled for a model: what it takes, or the nearest, and a word where they differ.
//!
//! Promises: an effort that the row lists, a budget within its bounds, nothing at all for a model that does not think; a
//! note if and only if the model gets something else than what was asked. Refuses nothing: what is not known is left out,
//! and said. A test breaks it with a row and a wish whose setting the row does not list, or that changes without a note.

use crate::catalog::{Effort, Model, Reasoning, ThinkingMode, ThinkingRoute};
use crate::policy::ThinkingLevel;
use crate::thinking_format::ThinkingFormat;
use crate::wire::{Dialect, Thinking, ThinkingSetting};

/// Budgets for the efforts, for models that take a budget only: the providers' own suggestions for light, usual and
/// hard work, and the most that a non-streamed call may spend.
const BUDGETS: [(Effort, u64); 6] = [
    (Effort::Minimal, 1_024),
    (Effort::Low, 2_048),
    (Effort::Medium, 8_192),
    (Effort::High, 16_384),
    (Effort::XHigh, 24_576),
    (Effort::Max, MAX_BUDGET_TOKENS),
];

const MAX_BUDGET_TOKENS: u64 = 32_000;

/// The least budget where the row names none: Anthropic's, the largest of the least budgets that are documented.
const MIN_BUDGET_TOKENS: u64 = 1_024;

/// How much thinking is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// None.
    Off,
    /// Thinking, as much as the model sees fit.
    On,
    /// This much; an effort of `none` is [`Asked::Off`].
    Effort(Effort),
    /// As much as the model can.
    Most,
    /// At most so many tokens.
    Budget(u64),
    /// Between calls of tools only.
    BetweenTools,
}

impl From<ThinkingLevel> for Asked {
    fn from(level: ThinkingLevel) -> Self {
        match level {
            ThinkingLevel::Off => Self::Off,
            ThinkingLevel::Low => Self::Effort(Effort::Low),
            ThinkingLevel::Medium => Self::Effort(Effort::Medium),
            ThinkingLevel::High => Self::Effort(Effort::High),
            ThinkingLevel::Max => Self::Most,
            ThinkingLevel::Budget(tokens) => Self::Budget(tokens),
        }
    }
}

impl Asked {
    /// A named level: `off`, `low`, `medium`, `high` or `max`.
    pub fn from_name(name: &str) -> Option<Self> {
        ThinkingLevel::NAMED.iter().find(|(known, _)| *known == name).map(|(_, level)| Self::from(*level))
    }

    /// What a client asks for; none when it says nothing. A word that no provider documents counts as on.
    pub fn by_client(said: &Thinking<'_>) -> Option<Self> {
        Some(match said {
            Thinking::Unsaid => return None,
            Thinking::Off => Self::Off,
            Thinking::Adaptive => Self::On,
            Thinking::Budget(tokens) => Self::Budget(*tokens),
            Thinking::Effort(word) if word == "between_tools" => Self::BetweenTools,
            Thinking::Effort(word) => match Effort::from_name(word) {
                Some(Effort::None) => Self::Off,
                Some(effort) => Self::Effort(effort),
                None => Self::On,
            },
        })
    }

    fn words(self) -> String {
        match self {
            Self::Off => "`off`".to_owned(),
            Self::On => "`on`".to_owned(),
            Self::Most => "`max`".to_owned(),
            Self::Effort(effort) => format!("`{effort}`"),
            Self::Budget(tokens) => format!("a budget of {tokens} tokens"),
            Self::BetweenTools => "`between_tools`".to_owned(),
        }
    }
}

/// A setting for one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledThinking {
    /// The setting.
    pub setting: ThinkingSetting<'static>,
    /// How the upstream spells it.
    pub format: ThinkingFormat,
    /// The least thinking budget that the model takes, in tokens.
    pub min_budget_tokens: u64,
    /// What was asked, what the model gets, and why, where the two differ.
    pub note: Option<String>,
    /// Whether the setting is left out because the catalogue does not know how the model takes it.
    pub is_unknown: bool,
}

/// The setting for a model at its provider. Cost: linear in the row's lists.
pub fn compile_asked(asked: Option<Asked>, model: &Model, route: &ThinkingRoute, dialect: Dialect) -> CompiledThinking {
    let row = model.reasoning.as_ref();
    let format = match (dialect, row.and_then(|row| row.format).or(route.format)) {
        (Dialect::AnthropicMessages, _) => Some(ThinkingFormat::Anthropic),
        // A model of Anthropic's behind an endpoint that speaks the other dialect.
        (Dialect::OpenAiChat, Some(ThinkingFormat::Anthropic)) => Some(ThinkingFormat::ReasoningEffort),
        (Dialect::OpenAiChat, format) => format,
        // It has one form, `reasoning {effort}`.
        (Dialect::OpenAiResponses, format) => format.map(|_| ThinkingFormat::ReasoningEffort),
    };
    let min_budget_tokens = row.and_then(|row| row.budget_min).unwrap_or(MIN_BUDGET_TOKENS);
    let shown_format = format.unwrap_or_default();
    let compiled = |setting, note, is_unknown| CompiledThinking {
        setting,
        format: shown_format,
        min_budget_tokens,
        note,
        is_unknown,
    };
    let Some(asked) = asked else { return compiled(ThinkingSetting::AsRequested, None, false) };
    let says = |given: &str, why: &str| {
        Some(format!("thinking: `{}` was asked for {} and gets {given}: {why}", model.id, asked.words()))
    };
    let is_known_to_think = model.caps.reasoning == Some(true) || model.reasoning.is_some();
    if model.caps.reasoning == Some(false) {
        let note = if asked == Asked::Off { None } else { says("no setting", "it does not think") };
        return compiled(ThinkingSetting::Unsaid, note, false);
    }
    if !is_known_to_think {
        return compiled(ThinkingSetting::Unsaid, says("no setting", "it is not known to think"), true);
    }
    let Some(format) = format else {
        let why = "the catalogue does not know how its provider takes one";
        return compiled(ThinkingSetting::Unsaid, says("no setting", why), true);
    };
    let abilities = Abilities::of(model, row.cloned().unwrap_or_default(), route, format);
    let (setting, why) = match asked {
        Asked::Off => abilities.off(),
        Asked::On => abilities.on(),
        Asked::Most => abilities.most(),
        Asked::Effort(effort) => abilities.effort(effort),
        Asked::Budget(tokens) => abilities.budget(tokens),
        Asked::BetweenTools => abilities.between_tools(),
    };
    compiled(setting, why.and_then(|why| says(&given(setting), why)), why == Some(UNLISTED))
}

fn given(setting: ThinkingSetting<'static>) -> String {
    match setting {
        ThinkingSetting::AdaptiveEffort(effort) | ThinkingSetting::Effort(effort) => format!("`{effort}`"),
        ThinkingSetting::Budget(tokens) => format!("a budget of {tokens} tokens"),
        ThinkingSetting::Adaptive => "`on`".to_owned(),
        ThinkingSetting::BetweenTools => "`between_tools`".to_owned(),
        ThinkingSetting::Off => "`off`".to_owned(),
        ThinkingSetting::AsRequested | ThinkingSetting::Unsaid => "no setting".to_owned(),
    }
}

const UNLISTED: &str = "the catalogue does not list what it takes";
const ALWAYS: &str = "it always thinks, and this is the least";
const NEAREST: &str = "the nearest effort that it takes";
const SWITCH: &str = "it takes on or off and no measure";
const ADAPTIVE: &str = "it measures its thinking itself";
const BOUNDS: &str = "the nearest budget that it takes";
const NO_BUDGET: &str = "it takes no thinking budget";
const NO_SWITCH: &str = "it takes a measure only";
const NOT_BETWEEN: &str = "it does not think between calls of tools only";

/// A setting, and why it is not what was asked.
type Fitted = (ThinkingSetting<'static>, Option<&'static str>);

/// What a model takes over its provider's form.
#[allow(clippy::struct_excessive_bools, reason = "each is one independent fact about the model")]
struct Abilities {
    row: Reasoning,
    format: ThinkingFormat,
    /// Ascending, without `none`.
    efforts: Vec<Effort>,
    takes_none: bool,
    takes_budget: bool,
    takes_switch: bool,
    always_on: bool,
    /// Whether the row lists nothing of what it takes.
    is_silent: bool,
}

impl Abilities {
    fn of(model: &Model, row: Reasoning, route: &ThinkingRoute, format: ThinkingFormat) -> Self {
        let lists = |mode: ThinkingMode| row.modes.contains(&mode);
        let is_anthropic = format == ThinkingFormat::Anthropic;
        // Modes that say nothing of a provider's own form leave what the provider documents.
        let is_bare = !row.modes.iter().any(|mode| matches!(mode, ThinkingMode::Toggle | ThinkingMode::BudgetTokens));
        let listed = if row.efforts.is_empty() && is_bare { &route.efforts } else { &row.efforts };
        let says_nothing = row.modes.is_empty() && row.efforts.is_empty();
        // Google's switch is a budget of nothing, which models that take efforts refuse.
        let has_switch = match format {
            ThinkingFormat::GoogleThinkingConfig => lists(ThinkingMode::BudgetTokens) && lists(ThinkingMode::Toggle),
            _ => lists(ThinkingMode::Toggle) || (says_nothing && !is_anthropic),
        };
        Self {
            efforts: listed.iter().copied().filter(|effort| *effort != Effort::None && format.says_efforts()).collect(),
            takes_none: listed.contains(&Effort::None) && format.says_efforts(),
            takes_budget: format.says_budgets()
                && (lists(ThinkingMode::BudgetTokens) || (says_nothing && !is_anthropic && format.says_on())),
            takes_switch: (format.says_on() || format.says_off()) && has_switch,
            always_on: model.always_thinks() || row.can_disable == Some(false),
            is_silent: says_nothing && format == ThinkingFormat::GoogleThinkingConfig,
            row,
            format,
        }
    }

    fn lists(&self, mode: ThinkingMode) -> bool {
        self.row.modes.contains(&mode)
    }

    fn is_adaptive(&self) -> bool {
        self.format == ThinkingFormat::Anthropic
            && (self.lists(ThinkingMode::Adaptive) || self.lists(ThinkingMode::Toggle))
    }

    fn with(&self, effort: Effort) -> ThinkingSetting<'static> {
        if self.is_adaptive() || self.takes_switch {
            ThinkingSetting::AdaptiveEffort(effort.name())
        } else {
            ThinkingSetting::Effort(effort.name())
        }
    }

    /// The least that a model takes which cannot be kept from thinking.
    fn least(&self) -> Option<ThinkingSetting<'static>> {
        if self.lists(ThinkingMode::BetweenTools) && self.format == ThinkingFormat::Anthropic {
            return Some(ThinkingSetting::BetweenTools);
        }
        if self.takes_budget && !self.is_adaptive() {
            return Some(ThinkingSetting::Budget(self.row.budget_min.unwrap_or(MIN_BUDGET_TOKENS)));
        }
        let effort = self.efforts.first().map(|effort| self.with(*effort));
        effort.or(self.is_adaptive().then_some(ThinkingSetting::Adaptive))
    }

    fn off(&self) -> Fitted {
        let is_free_budget = match self.format {
            ThinkingFormat::GoogleThinkingConfig => self.takes_budget && self.row.budget_min == Some(0),
            _ => self.takes_budget,
        };
        let has_off =
            self.takes_none || (self.format.says_off() && (self.is_adaptive() || is_free_budget || self.takes_switch));
        if !self.always_on && has_off {
            return (ThinkingSetting::Off, None);
        }
        if self.is_silent && !self.always_on {
            return (ThinkingSetting::Unsaid, Some(UNLISTED));
        }
        match self.least() {
            Some(least) => (least, Some(ALWAYS)),
            None if self.always_on => (ThinkingSetting::Unsaid, Some("it always thinks")),
            None => (ThinkingSetting::Unsaid, Some(UNLISTED)),
        }
    }

    fn on(&self) -> Fitted {
        if self.is_adaptive() || (self.takes_switch && self.format.says_on()) {
            return (ThinkingSetting::Adaptive, None);
        }
        let usual = self.row.default_effort.unwrap_or(Effort::Medium);
        let (setting, why) = self.effort(usual);
        (setting, if setting == ThinkingSetting::Unsaid { why } else { Some(NO_SWITCH) })
    }

    fn effort(&self, wanted: Effort) -> Fitted {
        let uses_budgets = self.takes_budget && !self.is_adaptive();
        if !uses_budgets && let Some(nearest) = nearest(wanted, &self.efforts) {
            return (self.with(nearest), (nearest != wanted).then_some(NEAREST));
        }
        if self.is_adaptive() {
            let why = if self.lists(ThinkingMode::Adaptive) { ADAPTIVE } else { SWITCH };
            return (ThinkingSetting::Adaptive, Some(why));
        }
        if self.takes_budget {
            let tokens = BUDGETS.iter().find(|(known, _)| *known == wanted).map_or(MIN_BUDGET_TOKENS, |(_, it)| *it);
            let fitted = self.within(tokens);
            return (ThinkingSetting::Budget(fitted), (fitted != tokens).then_some(BOUNDS));
        }
        if self.takes_switch && self.format.says_on() {
            return (ThinkingSetting::Adaptive, Some(SWITCH));
        }
        let why = if self.always_on { "it always thinks, and takes no measure" } else { UNLISTED };
        (ThinkingSetting::Unsaid, Some(why))
    }

    /// As much as the model can: its strongest effort, or the largest budget that a call should spend.
    fn most(&self) -> Fitted {
        let uses_budgets = self.takes_budget && !self.is_adaptive();
        match self.efforts.last() {
            Some(strongest) if !uses_budgets => (self.with(*strongest), None),
            _ if uses_budgets => (ThinkingSetting::Budget(self.within(MAX_BUDGET_TOKENS)), None),
            _ => match self.effort(Effort::Max) {
                (ThinkingSetting::Adaptive, _) => (ThinkingSetting::Adaptive, None),
                other => other,
            },
        }
    }

    fn budget(&self, tokens: u64) -> Fitted {
        if self.takes_budget {
            let fitted = self.within(tokens);
            return (ThinkingSetting::Budget(fitted), (fitted != tokens).then_some(BOUNDS));
        }
        let effort = BUDGETS.iter().find(|(_, most)| tokens <= *most).map_or(Effort::Max, |(effort, _)| *effort);
        match self.effort(effort) {
            (ThinkingSetting::Unsaid, why) => (ThinkingSetting::Unsaid, why),
            (setting, _) => (setting, Some(NO_BUDGET)),
        }
    }

    fn between_tools(&self) -> Fitted {
        if self.lists(ThinkingMode::BetweenTools) && self.format == ThinkingFormat::Anthropic {
            return (ThinkingSetting::BetweenTools, None);
        }
        match self.effort(Effort::Low) {
            (ThinkingSetting::Unsaid, why) => (ThinkingSetting::Unsaid, why),
            (setting, _) => (setting, Some(NOT_BETWEEN)),
        }
    }

    fn within(&self, tokens: u64) -> u64 {
        let least = self.row.budget_min.unwrap_or(MIN_BUDGET_TOKENS);
        // A budget of nothing is off, and who asks for a budget does not ask for that.
        tokens.min(self.row.budget_max.unwrap_or(u64::MAX)).max(least).max(1)
    }
}

/// The effort nearest to the wanted one; between two, the stronger.
fn nearest(wanted: Effort, efforts: &[Effort]) -> Option<Effort> {
    let place = |effort: Effort| Effort::ALL.iter().position(|known| *known == effort).unwrap_or(0);
    efforts.iter().copied().min_by_key(|effort| (place(*effort).abs_diff(place(wanted)), usize::MAX - place(*effort)))
}
