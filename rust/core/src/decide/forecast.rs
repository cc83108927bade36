//! How long the answer will be: quantiles fitted on recorded calls, bounded by what was asked for.
//!
//! An answer's length is a product of factors: what all answers take, times one for the shape of the call, one for its task,
//! one for the class of its bound, and a power of its input. Thinking is added, and known apart, as some models bill it
//! apart. A request for several answers gets so many times one answer. Factors are kept as octaves in 1/256 and everything
//! is in integers, so that platforms agree; the figures are in `forecast_table`.
//!
//! Promises: `p50 <= p90 <= bound` times the answers; more thinking is never less output, and `high` never less than what a
//! model does unasked; no classification of its own; a few dozen additions. [`FORECAST_ERROR`] is what was measured on calls that the table did not see.
//! Refuses: to know your traffic. The recordings are of short asks; a long essay of a strong model is above its p90.
//! A test breaks it by a forecast above its bound, or by one that falls when the thinking level rises.

use super::facts::RequestFacts;
use super::forecast_table::{HALF, NINE_OF_TEN};
use crate::catalog::{Effort, Model, Reasoning, ThinkingMode};
use crate::classify::Task;
use crate::json::Value;
use crate::policy::ThinkingLevel;
use crate::tokens::TokenCount;
use crate::usage::Usage;
use crate::wire::{Request, ToolChoice};

pub use super::forecast_table::FORECAST_ERROR;

/// What is expected of a call's output: of all its answers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Half of such outputs are not longer, thinking included.
    pub p50_tokens: u64,
    /// Nine of ten are not longer, thinking included.
    pub p90_tokens: u64,
    /// How much of the p50 is thinking.
    pub p50_thinking_tokens: u64,
    /// How much of the p90 is thinking.
    pub p90_thinking_tokens: u64,
    /// Web searches by the provider that are likely: one where any are on offer.
    pub p50_web_searches: u64,
    /// The most web searches.
    pub p90_web_searches: u64,
}

impl Forecast {
    /// The use of a call with this input and the middle output.
    pub(super) fn likely(&self, input: Usage) -> Usage {
        used(input, self.p50_tokens, self.p50_thinking_tokens, self.p50_web_searches)
    }

    /// The use of a call with this input and the long output.
    pub(super) fn long(&self, input: Usage) -> Usage {
        used(input, self.p90_tokens, self.p90_thinking_tokens, self.p90_web_searches)
    }
}

fn used(input: Usage, output_tokens: u64, thinking_tokens: u64, web_searches: u64) -> Usage {
    let output_text = output_tokens.saturating_sub(thinking_tokens);
    Usage { output_text, reasoning: thinking_tokens, web_searches, ..input }
}

/// How good the forecast is on calls that it was not fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForecastError {
    /// Calls measured.
    pub calls: u32,
    /// Of a thousand answers, those not longer than the p50.
    pub p50_covers_per_mille: u16,
    /// Of a thousand answers, those not longer than the p90.
    pub p90_covers_per_mille: u16,
    /// The same where no call of the same code base was fitted on.
    pub p90_covers_elsewhere_per_mille: u16,
    /// Half of the answers are within this factor of the p50, either way, in thousandths.
    pub median_factor_per_mille: u32,
}

/// What the answer is to be, as far as the form of the call says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Plain,
    /// JSON, with or without a schema.
    Schema,
    /// Text or tool calls.
    Tools,
    /// A tool call.
    Forced,
    /// What follows tools' results: more calls or the end.
    AfterTool,
}

/// What the forecast looks at in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The form.
    pub shape: Shape,
    /// The task ([`Task::Other`] where the classifier abstains); none where the ask was not read.
    pub task: Option<Task>,
    /// How many answers are asked for, at least 1.
    pub choices: u64,
    /// The most web searches that the provider may run.
    pub web_searches: u64,
}

impl Ask {
    /// What the forecast looks at; the ask is classified only if `reads_prompt`.
    pub fn of(facts: &RequestFacts<'_>, reads_prompt: bool) -> Self {
        let task = reads_prompt.then(|| facts.task().unwrap_or(Task::Other));
        let request = facts.request();
        Self { shape: facts.shape(), task, choices: request.choices.max(1), web_searches: facts.web_searches() }
    }

    /// Whether the answer says again what it was given.
    fn echoes_input(self) -> bool {
        matches!(self.shape, Shape::Plain | Shape::Schema)
            && matches!(self.task, Some(Task::Translation | Task::Rewriting))
    }
}

/// One quantile of the table, in 1/256 octave.
pub(super) struct Quantile {
    /// A plain call of no known task with 128 tokens of input and no bound.
    pub base: i64,
    /// In the order of [`Shape`].
    pub by_shape: [i64; 5],
    /// In the order of [`Task::ALL`].
    pub by_task: [i64; Task::COUNT],
    /// In place of the task where the ask was not read.
    pub unread: i64,
    /// By class of the bound: at most 16, 64, 256, 1024, more, none. Whoever sets a bound knows what is coming.
    pub by_bound: [i64; 6],
    /// For each doubling of the input.
    pub per_input_octave: i64,
    /// In the order of `Depth`.
    pub thinking_by_level: [i64; 6],
    /// In the order of [`Shape`].
    pub thinking_by_shape: [i64; 5],
}

/// How much a model thinks at a setting.
#[derive(Clone, Copy)]
enum Depth {
    /// As it does when nothing is asked.
    Unasked,
    Low,
    Medium,
    High,
    Max,
    /// Up to so many tokens.
    Budget(u64),
}

/// The forecast for a request, a model, a thinking level, a bound on the answer and an input. Constant time.
pub fn forecast(
    ask: Ask,
    model: &Model,
    thinking: Option<ThinkingLevel>,
    max_tokens: Option<u64>,
    input: &TokenCount,
) -> Forecast {
    let depth = depth(model, thinking);
    let ceiling = max_tokens.or(model.max_output).unwrap_or(u64::MAX);
    // All of an answer, and its thinking, which comes first and counts towards the bound.
    let of = |quantile: &Quantile, echo: u64| {
        let answer = tokens(quantile.answer(ask, max_tokens, input.tokens));
        let answer = if ask.echoes_input() { answer.max(echo) } else { answer };
        let thinking = depth.map_or(0, |depth| quantile.thinking(ask.shape, depth)).min(ceiling);
        (answer.saturating_add(thinking).min(ceiling), thinking)
    };
    // A prior: seven recorded calls translate and none rewrites, all of them short.
    let half = of(&HALF, input.tokens.min(8_000));
    let long = of(&NINE_OF_TEN, input.high.saturating_mul(3).div_ceil(2).min(16_000));
    let all = |tokens: u64| tokens.saturating_mul(ask.choices);
    Forecast {
        p50_tokens: all(half.0),
        p90_tokens: all(long.0.max(half.0)),
        p50_thinking_tokens: all(half.1),
        p90_thinking_tokens: all(long.1.max(half.1)),
        p50_web_searches: ask.web_searches.min(1),
        p90_web_searches: ask.web_searches,
    }
}

/// A prior for a search tool without `max_uses`; no recording says how often such tools search.
const UNBOUNDED_SEARCHES: u64 = 5;

/// The most web searches of the tools that the provider runs, each as far as its `max_uses`.
pub(super) fn most_web_searches(request: &Request<'_>) -> u64 {
    if request.tool_choice == ToolChoice::None {
        return 0;
    }
    let hosted = request.tools.iter().filter(|tool| !tool.is_function);
    hosted.filter_map(|tool| most_searches(tool.raw)).fold(0, u64::saturating_add)
}

/// The most searches of a hosted tool; none when it does not search the web.
fn most_searches(tool: &[u8]) -> Option<u64> {
    let tool = Value::parse(tool).ok()?;
    let searches = tool.get("type").and_then(Value::as_str).is_some_and(|kind| kind.contains("web_search"));
    searches.then(|| tool.get("max_uses").and_then(Value::as_u64).unwrap_or(UNBOUNDED_SEARCHES))
}

impl Quantile {
    fn answer(&self, ask: Ask, max_tokens: Option<u64>, input_tokens: u64) -> i64 {
        let bound = match max_tokens {
            Some(..=16) => 0,
            Some(..=64) => 1,
            Some(..=256) => 2,
            Some(..=1024) => 3,
            Some(_) => 4,
            None => 5,
        };
        let task = ask.task.map_or(self.unread, |task| at(&self.by_task, task as usize));
        // In octaves above 128 tokens.
        let input = (self.per_input_octave * (octaves(input_tokens) - (7 << 8))) >> 8;
        self.base + at(&self.by_shape, ask.shape as usize) + task + at(&self.by_bound, bound) + input
    }

    fn thinking(&self, shape: Shape, depth: Depth) -> u64 {
        let (level, budget) = match depth {
            Depth::Unasked => (0, u64::MAX),
            Depth::Low => (1, u64::MAX),
            Depth::Medium => (2, u64::MAX),
            Depth::High => (3, u64::MAX),
            Depth::Max => (4, u64::MAX),
            Depth::Budget(tokens) => (5, tokens),
        };
        let octaves = at(&self.thinking_by_level, level) + at(&self.thinking_by_shape, shape as usize);
        // One more than the thinking was fitted, as a model may not think.
        (tokens(octaves) - 1).min(budget)
    }
}

fn at(figures: &[i64], place: usize) -> i64 {
    figures.get(place).copied().unwrap_or_default()
}

/// log2 in 1/256, straight between powers of two.
fn octaves(tokens: u64) -> i64 {
    let tokens = tokens.clamp(1, 1 << 40);
    let whole = tokens.ilog2();
    (i64::from(whole) << 8) + i64::try_from((tokens << 8) >> whole).unwrap_or(256) - 256
}

/// The inverse of [`octaves`], at least 1 and at most 2^40.
fn tokens(octaves: i64) -> u64 {
    let octaves = u64::try_from(octaves).unwrap_or(0).min(40 << 8);
    ((256 + (octaves & 255)) << (octaves >> 8)) >> 8
}

/// How much the model will think; none: not at all. Follows what `plan` makes of the setting.
fn depth(model: &Model, thinking: Option<ThinkingLevel>) -> Option<Depth> {
    if model.caps.reasoning == Some(false) {
        return None;
    }
    let Some(reasoning) = model.reasoning.as_ref() else {
        // No setting reaches such a model.
        return thinks_unasked(model).then_some(Depth::Unasked);
    };
    match thinking {
        None => thinks_unasked(model).then_some(Depth::Unasked),
        Some(ThinkingLevel::Off) => stays_on(model, reasoning).then_some(Depth::Low),
        Some(ThinkingLevel::Low) => Some(Depth::Low),
        Some(ThinkingLevel::Medium) => Some(Depth::Medium),
        Some(ThinkingLevel::High) => Some(Depth::High),
        Some(ThinkingLevel::Max) => Some(Depth::Max),
        Some(ThinkingLevel::Budget(tokens)) => Some(Depth::Budget(tokens)),
    }
}

/// Whether `off` does not keep a model from thinking: it cannot be kept from it, or its row lists what it takes and no way
/// to say off is there. Google's switch is a budget of nothing, which only models of budgets take.
fn stays_on(model: &Model, reasoning: &Reasoning) -> bool {
    if reasoning.always_on == Some(true) || reasoning.can_disable == Some(false) {
        return true;
    }
    let lists = |mode: ThinkingMode| reasoning.modes.contains(&mode);
    let is_google = model.lab.as_deref() == Some("google");
    let has_budgets = lists(ThinkingMode::BudgetTokens);
    let has_budget_off = has_budgets && (!is_google || reasoning.budget_min == Some(0));
    let has_switch = (lists(ThinkingMode::Toggle) || lists(ThinkingMode::Adaptive)) && (!is_google || has_budgets);
    let says_nothing = reasoning.modes.is_empty() && reasoning.efforts.is_empty();
    !(has_budget_off || has_switch || reasoning.efforts.contains(&Effort::None) || (says_nothing && !is_google))
}

/// Whether a model thinks when nothing is asked: what the catalogue says of it, else the habit of its lab. In the
/// recordings hardly any such call thought at the labs named here (but a fifth at Anthropic's adaptive models, and four in
/// ten at GPT-5.6), and most did elsewhere (Gemini 2.5 Flash 76 %, GPT-5 84 %, `DeepSeek` 93 %, Grok 4.3 all).
fn thinks_unasked(model: &Model) -> bool {
    if let Some(reasoning) = &model.reasoning {
        if reasoning.always_on == Some(true) {
            return true;
        }
        if let Some(effort) = reasoning.default_effort {
            return effort != Effort::None;
        }
    }
    let takes_none = model.reasoning.as_ref().is_some_and(|reasoning| reasoning.efforts.contains(&Effort::None));
    model.caps.reasoning == Some(true)
        && match model.lab.as_deref() {
            Some("anthropic" | "amazon" | "mistral" | "cohere") => false,
            Some("openai") => !takes_none,
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    const PLAIN: Ask = Ask { shape: Shape::Plain, task: Some(Task::Other), choices: 1, web_searches: 0 };
    const SHAPES: [Shape; 5] = [Shape::Plain, Shape::Schema, Shape::Tools, Shape::Forced, Shape::AfterTool];

    fn thinker() -> Model {
        let mut model = Model::unlisted("lab", "thinker");
        model.caps.reasoning = Some(true);
        model.reasoning = Some(Reasoning::default());
        model
    }

    #[test]
    fn octaves_and_tokens_are_inverse() {
        for tokens_seen in [1, 2, 3, 7, 100, 255, 1_000, 4_095, 65_536] {
            let back = tokens(octaves(tokens_seen));
            assert!(back.abs_diff(tokens_seen) <= tokens_seen / 200, "{tokens_seen} {back}");
        }
        assert_eq!((tokens(-5), octaves(0), tokens(i64::MAX)), (1, 0, 1 << 40));
        assert_eq!(tokens(octaves(u64::MAX)), 1 << 40);
    }

    #[test]
    fn a_forecast_is_ordered_and_below_its_bound() {
        let tasks = Task::ALL.into_iter().map(Some).chain([None]);
        let asks = tasks.flat_map(|task| SHAPES.map(|shape| Ask { shape, task, ..PLAIN }));
        for ask in asks {
            for input in [0, 1, 128, 9_000, u64::MAX] {
                for bound in [None, Some(0), Some(1), Some(16), Some(200), Some(1_000), Some(64_000)] {
                    let found = forecast(ask, &thinker(), None, bound, &TokenCount::exact(input));
                    assert!(found.p50_tokens <= found.p90_tokens, "{ask:?} {input} {bound:?}");
                    assert!(found.p90_tokens <= bound.unwrap_or(u64::MAX), "{ask:?} {input} {bound:?}");
                }
            }
        }
    }

    #[test]
    fn more_thinking_is_never_less_output() {
        use ThinkingLevel::{High, Low, Max, Medium, Off};
        for shape in SHAPES {
            let of = |level| {
                let found = forecast(Ask { shape, ..PLAIN }, &thinker(), level, None, &TokenCount::exact(100));
                (found.p50_tokens, found.p90_tokens)
            };
            let found = [Off, Low, Medium, High, Max].map(|level| of(Some(level)));
            let unasked = of(None);
            assert!(
                found[0].0 < unasked.0 && unasked.0 <= found[3].0 && unasked.1 <= found[3].1,
                "{unasked:?} {found:?}"
            );
            assert!(found.is_sorted_by(|less, more| less.0 <= more.0 && less.1 <= more.1), "{found:?}");
            assert!(found[0].0 < found[2].0 && found[3].1 < found[4].1, "{found:?}");
        }
    }

    #[test]
    fn several_answers_are_so_many_times_one_and_so_is_their_bound() {
        for (level, bound) in
            [(None, None), (Some(ThinkingLevel::High), Some(300)), (Some(ThinkingLevel::Off), Some(5))]
        {
            let of = |choices| forecast(Ask { choices, ..PLAIN }, &thinker(), level, bound, &TokenCount::exact(100));
            let (one, eight) = (of(1), of(8));
            assert_eq!((eight.p50_tokens, eight.p90_tokens), (8 * one.p50_tokens, 8 * one.p90_tokens));
            assert_eq!(eight.p90_thinking_tokens, 8 * one.p90_thinking_tokens);
            assert!(eight.p90_tokens <= 8 * bound.unwrap_or(u64::MAX / 8));
            assert!(one.p50_thinking_tokens <= one.p50_tokens && one.p90_thinking_tokens <= one.p90_tokens);
        }
    }

    #[test]
    fn thinking_is_known_apart() {
        let of = |level| forecast(PLAIN, &thinker(), Some(level), None, &TokenCount::exact(100));
        let (off, high) = (of(ThinkingLevel::Off), of(ThinkingLevel::High));
        assert_eq!((off.p50_thinking_tokens, off.p90_thinking_tokens), (0, 0));
        assert_eq!(high.p50_tokens - high.p50_thinking_tokens, off.p50_tokens);
        assert_eq!(high.p90_tokens - high.p90_thinking_tokens, off.p90_tokens);
        let usage = high.long(Usage { input_uncached: 7, ..Usage::default() });
        assert_eq!(
            (usage.input_uncached, usage.output_text, usage.reasoning),
            (7, off.p90_tokens, high.p90_thinking_tokens)
        );
    }

    #[test]
    fn off_reaches_only_what_its_row_lets_be_off() {
        let thinks = |lab: &str, reasoning: Option<Reasoning>| {
            let mut model = thinker();
            (model.lab, model.reasoning) = (Some(lab.to_owned()), reasoning);
            forecast(PLAIN, &model, Some(ThinkingLevel::Off), None, &TokenCount::exact(100)).p50_thinking_tokens > 0
        };
        let row = |modes: &[ThinkingMode], efforts: &[Effort], budget_min| {
            let (modes, efforts) = (modes.to_vec(), efforts.to_vec());
            Some(Reasoning { modes, efforts, budget_min, ..Reasoning::default() })
        };
        let (budgets, efforts) = (&[ThinkingMode::BudgetTokens][..], &[ThinkingMode::Effort][..]);
        assert!(thinks("google", None) && thinks("google", row(&[], &[], None)));
        assert!(
            thinks("google", row(efforts, &[Effort::Minimal], None)) && thinks("google", row(budgets, &[], Some(128)))
        );
        assert!(
            !thinks("google", row(budgets, &[], Some(0))) && thinks("google", row(&[ThinkingMode::Toggle], &[], None))
        );
        assert!(
            thinks("openai", row(efforts, &[Effort::Low], None))
                && !thinks("openai", row(efforts, &[Effort::None], None))
        );
        assert!(!thinks("anthropic", row(budgets, &[], Some(1_024))) && !thinks("lab", row(&[], &[], None)));
    }

    #[test]
    fn a_budget_bounds_the_thinking() {
        let of = |level| forecast(PLAIN, &thinker(), Some(level), None, &TokenCount::exact(100));
        let (none, small) = (of(ThinkingLevel::Off), of(ThinkingLevel::Budget(10)));
        assert_eq!(small.p50_tokens, none.p50_tokens + 10);
        assert_eq!(small.p90_tokens, none.p90_tokens + 10);
        assert!(of(ThinkingLevel::Budget(100_000)).p90_tokens < 10_000, "a budget is seldom used up");
    }

    #[test]
    fn what_thinks_unasked_follows_the_catalogue_and_the_lab() {
        let of = |lab: &str, efforts: &[Effort], default_effort| {
            let mut model = thinker();
            model.lab = Some(lab.to_owned());
            model.reasoning = Some(Reasoning { efforts: efforts.to_vec(), default_effort, ..Reasoning::default() });
            thinks_unasked(&model)
        };
        assert!(of("google", &[], None) && of("openai", &[Effort::Low], None));
        assert!(!of("anthropic", &[], None) && !of("openai", &[Effort::None, Effort::Low], None));
        assert!(of("anthropic", &[], Some(Effort::High)) && !of("google", &[], Some(Effort::None)));
        assert!(!thinks_unasked(&Model::unlisted("lab", "unknown")));
    }

    #[test]
    fn a_translation_is_about_as_long_as_its_text() {
        let of = |task| forecast(Ask { task: Some(task), ..PLAIN }, &thinker(), None, None, &TokenCount::exact(5_000));
        assert!(of(Task::Translation).p50_tokens >= 5_000 && of(Task::Rewriting).p90_tokens >= 7_500);
        assert!(of(Task::Summarization).p50_tokens < 2_500);
    }
}
