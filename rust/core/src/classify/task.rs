//! The task of an ask, by scored cues.

use crate::features::{Agent, Features, Signal};

/// What kind of work an ask wants. The taxonomy is closed; names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// Write, change, explain or debug code, queries, markup or configuration.
    Code,
    /// Calculate, solve or prove.
    Math,
    /// Infer: logic puzzles, multiple choice about knowledge or common sense, arguments.
    Reasoning,
    /// Take facts, fields or names out of a given text.
    Extraction,
    /// Shorten a given text to its point.
    Summarization,
    /// Put a text into another natural language.
    Translation,
    /// Assign a label: sentiment, topic, entailment, yes or no about a given text.
    Classification,
    /// Answer or explain from general knowledge.
    OpenQa,
    /// Answer from a text that is given with the question.
    ClosedQa,
    /// Write something new: stories, poems, essays, letters, posts, slogans.
    CreativeWriting,
    /// Say a given text in other words: correct, polish, change its tone.
    Rewriting,
    /// Talk: greetings, thanks, feelings, small talk.
    Chat,
    /// Do something that takes one tool call or a few: look up the weather, book, remind.
    ToolUse,
    /// Go on with work in a workspace: a step of an agent's loop.
    Agentic,
    /// Lay out steps in time: itineraries, schedules, strategies.
    Planning,
    /// Nothing of the above is told by the ask.
    Other,
}

impl Task {
    /// Every task, in the order of its number.
    pub const ALL: [Self; 16] = [
        Self::Code,
        Self::Math,
        Self::Reasoning,
        Self::Extraction,
        Self::Summarization,
        Self::Translation,
        Self::Classification,
        Self::OpenQa,
        Self::ClosedQa,
        Self::CreativeWriting,
        Self::Rewriting,
        Self::Chat,
        Self::ToolUse,
        Self::Agentic,
        Self::Planning,
        Self::Other,
    ];

    /// The names, in the order of [`Task::ALL`].
    pub const NAMES: &[&str] = &[
        "code",
        "math",
        "reasoning",
        "extraction",
        "summarization",
        "translation",
        "classification",
        "open_qa",
        "closed_qa",
        "creative_writing",
        "rewriting",
        "chat",
        "tool_use",
        "agentic",
        "planning",
        "other",
    ];

    /// How many tasks there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The stable name used in policies and records.
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// The task of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// What the cues say about the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskScore {
    /// The task with the highest score; [`Task::Other`] when no cue was found.
    pub task: Task,
    /// How clear it is, 0 to 1,000,000: the share of the best score in the two best and a constant.
    pub score: u32,
    /// How far the best is ahead of the second, in score points.
    pub margin: i32,
    /// Whether the cues are too few or too close to rely on.
    pub abstained: bool,
    /// Every task with its score points, best first (equal points in the order of [`Task::ALL`]).
    pub scores: [(Task, i32); Task::COUNT],
}

use Signal as S;
use Task as T;

/// Points of a task for one cue in the opening. Set by hand from the taxonomy, adjusted on the table of prompts in
/// `tests/classify_properties.rs` and looked at against the public exam and template sets; not fitted.
const WEIGHTS: &[(Signal, &[(Task, i32)])] = &[
    (S::Translate, &[(T::Translation, 14)]),
    (S::TargetLanguage, &[(T::Translation, 8)]),
    (S::Summarize, &[(T::Summarization, 11)]),
    (S::Rewrite, &[(T::Rewriting, 10)]),
    (S::Extract, &[(T::Extraction, 9)]),
    (S::Classify, &[(T::Classification, 10)]),
    (S::CodeVerb, &[(T::Code, 9)]),
    (S::CodeNoun, &[(T::Code, 7)]),
    (S::CodeHint, &[(T::Code, 2)]),
    (S::MathVerb, &[(T::Math, 7)]),
    (S::MathNoun, &[(T::Math, 5)]),
    (S::Latex, &[(T::Math, 4)]),
    (S::Quantity, &[(T::Math, 5), (T::OpenQa, 2)]),
    (S::Reason, &[(T::Reasoning, 6)]),
    (S::Puzzle, &[(T::Reasoning, 8)]),
    (S::Choose, &[(T::Reasoning, 7)]),
    (S::WriteVerb, &[(T::CreativeWriting, 4), (T::Code, 1)]),
    (S::CreativeNoun, &[(T::CreativeWriting, 6)]),
    (S::MessageNoun, &[(T::CreativeWriting, 4)]),
    (S::Roleplay, &[(T::CreativeWriting, 4), (T::Chat, 1)]),
    (S::Plan, &[(T::Planning, 9)]),
    (S::QuestionWord, &[(T::OpenQa, 5)]),
    (S::Explain, &[(T::OpenQa, 6)]),
    (S::Passage, &[(T::ClosedQa, 7)]),
    (
        S::TextNoun,
        &[(T::ClosedQa, 2), (T::Summarization, 1), (T::Rewriting, 2), (T::Extraction, 1), (T::Classification, 1)],
    ),
    (S::Greeting, &[(T::Chat, 8)]),
    (S::SmallTalk, &[(T::Chat, 8)]),
    (S::ToolVerb, &[(T::ToolUse, 8)]),
    (S::AgentVerb, &[(T::Agentic, 6), (T::Code, 3)]),
    (S::Steps, &[(T::Math, 1), (T::OpenQa, 1)]),
];

/// Quarters of a cue's points by where it stands.
const OPENING_QUARTERS: i32 = 4;
const CLOSING_QUARTERS: i32 = 4;
const MIDDLE_QUARTERS: i32 = 1;
/// A repeated cue counts this often at most, in quarters (once and a half in full).
const REPEAT_QUARTERS: i32 = 6;
/// Below this many points the best task is a guess.
const CLEAR_POINTS: i32 = 16;
/// Less ahead than this, the two best are a toss-up.
const CLEAR_MARGIN: i32 = 6;

/// The task of an ask. `agent` is [`Agent::default`] for a bare text.
pub fn task_of(features: &Features, agent: &Agent) -> TaskScore {
    let mut points = [0_i32; Task::COUNT];
    let mut add = |task: Task, value: i32| {
        if let Some(cell) = points.get_mut(task.index()) {
            *cell = cell.saturating_add(value);
        }
    };
    for (signal, weights) in WEIGHTS {
        let quarters = quarters_of(features, *signal);
        if quarters > 0 {
            for (task, weight) in *weights {
                add(*task, weight.saturating_mul(quarters));
            }
        }
    }
    structure_points(features, &mut add);
    agent_points(features, agent, &mut add);
    ranked(&points)
}

fn quarters_of(features: &Features, signal: Signal) -> i32 {
    let hits = features.hits(signal);
    let quarters = |count: u32, each: i32| i32::try_from(count.min(4)).unwrap_or(4).saturating_mul(each);
    quarters(hits.opening, OPENING_QUARTERS)
        .saturating_add(quarters(hits.closing, CLOSING_QUARTERS))
        .saturating_add(quarters(hits.middle, MIDDLE_QUARTERS))
        .min(REPEAT_QUARTERS)
}

/// Points for what is there besides words. In quarters, like the cues.
fn structure_points(features: &Features, add: &mut impl FnMut(Task, i32)) {
    let has = |signal: Signal| features.hits(signal).total() > 0;
    if features.has_code {
        add(T::Code, 32);
    }
    if features.inline_code > 0 {
        add(T::Code, 8);
    }
    if features.programming_language.is_some() {
        add(T::Code, 12);
    }
    if features.has_math {
        add(T::Math, 20);
    }
    if features.options >= 3 {
        add(T::Reasoning, 36);
    }
    if features.has_json {
        add(T::Extraction, 4);
        add(T::Code, 8);
    }
    // A word problem: several numbers, a question for a number, little else.
    if features.numbers >= 2 && has(S::Quantity) {
        add(T::Math, 16 + if features.numbers >= 3 { 8 } else { 0 });
    }
    if features.question_marks > 0 {
        add(T::OpenQa, 8);
        if features.words > 60 {
            add(T::ClosedQa, 4);
        }
    }
    if features.words > 80 && has(S::Passage) {
        add(T::ClosedQa, 12);
    }
    if features.words <= 8 && has(S::Greeting) {
        add(T::Chat, 12);
    }
    // A verb of production and a work of writing, and no code: new text is wanted.
    if has(S::WriteVerb) && (has(S::CreativeNoun) || has(S::MessageNoun)) && !features.has_code {
        add(T::CreativeWriting, 16);
    } else if features.hits(S::WriteVerb).opening > 0 && features.question_marks == 0 && !has(S::CodeNoun) {
        add(T::CreativeWriting, 6);
    }
    if has(S::Translate) && has(S::TargetLanguage) {
        add(T::Translation, 16);
    }
}

/// Points for the state of the loop.
fn agent_points(features: &Features, agent: &Agent, add: &mut impl FnMut(Task, i32)) {
    if agent.in_tool_loop {
        add(T::Agentic, 120);
    } else if agent.tool_calls > 0 {
        add(T::Agentic, 24);
        add(T::ToolUse, 12);
    }
    if agent.plan_mode {
        add(T::Planning, 24);
        add(T::Agentic, 24);
    }
    if agent.tools_offered > 0 {
        add(T::ToolUse, if features.hits(S::ToolVerb).total() > 0 { 24 } else { 8 });
        // A workspace's set of tools is large; one question with one function is not.
        if agent.tools_offered >= 8 {
            add(T::Agentic, 24);
        }
    }
}

fn ranked(points: &[i32; Task::COUNT]) -> TaskScore {
    let mut scores = [(T::Other, 0_i32); Task::COUNT];
    for (slot, (task, value)) in scores.iter_mut().zip(Task::ALL.into_iter().zip(points)) {
        *slot = (task, *value);
    }
    scores.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let (best, second) = match scores {
        [(task, best), (_, second), ..] => ((task, best), second),
    };
    let margin = best.1.saturating_sub(second);
    let task = if best.1 <= 0 { T::Other } else { best.0 };
    let whole = i64::from(best.1).saturating_add(i64::from(second)).saturating_add(i64::from(CLEAR_POINTS));
    let share = i64::from(best.1).saturating_mul(1_000_000).checked_div(whole).unwrap_or(0);
    TaskScore {
        task,
        score: u32::try_from(share.clamp(0, 1_000_000)).unwrap_or(0),
        margin,
        abstained: best.1 < CLEAR_POINTS || margin < CLEAR_MARGIN,
        scores,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_and_numbers_fit() {
        for (index, task) in Task::ALL.into_iter().enumerate() {
            assert_eq!(task.index(), index);
            assert_eq!(Task::from_name(task.name()), Some(task));
        }
        assert_eq!(Task::from_name("poetry"), None);
    }

    #[test]
    fn no_cue_is_other_and_abstained() {
        let score = task_of(&Features::default(), &Agent::default());
        assert_eq!((score.task, score.score, score.abstained), (Task::Other, 0, true));
    }
}
