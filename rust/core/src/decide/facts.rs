//! The facts of one request, computed when something asks for them and at most once.

use std::cell::{Cell, OnceCell, RefCell};

use super::budgets::BudgetSeen;
use super::decision::{FactName, FactValue};
use super::forecast::{Shape, most_web_searches};
use super::inputs::{Asked, Inputs, Seen, Sizes, TargetKind, numbers_of};
use super::prefixes::Prefixes;
use super::prompt_cache::{may_cache, sizes};
use super::recorded::Recorded;
use crate::calendar;
use crate::classify::{LanguageScore, Task, TaskScore, difficulty_of, language_of, task_of};
use crate::features::{self, Agent, Features, is_in_tool_loop};
use crate::policy::expr::{TextTest, Tri, Value};
use crate::policy::facts::FactId;
use crate::policy::{GivenValue, MetaValue, Policy, ThinkingLevel};
use crate::tokens::{Family, RequestMeasure, TextFeatures, TokenCount, count_request_exact, measure};
use crate::wire::{Part, Request, ResponseFormat, Role, Target, Thinking, ToolChoice, Turn, refusal};

/// Up to this size an exact count is made inline when an estimate leaves a condition open; above, the safe side is taken.
pub const EXACT_INLINE_BYTES: usize = 16 * 1024;

/// A count as a number of the language, in millionths.
pub fn micro(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

/// The thinking that the client asks for, as a level; none when it says nothing.
pub(super) fn asked_thinking(request: &Request<'_>) -> Option<ThinkingLevel> {
    match &request.thinking {
        Thinking::Unsaid => None,
        Thinking::Off => Some(ThinkingLevel::Off),
        Thinking::Budget(tokens) => Some(ThinkingLevel::Budget(*tokens)),
        Thinking::Adaptive => Some(ThinkingLevel::Medium),
        Thinking::Effort(effort) => Some(match effort.as_ref() {
            "none" => ThinkingLevel::Off,
            "minimal" | "low" => ThinkingLevel::Low,
            "medium" => ThinkingLevel::Medium,
            "high" => ThinkingLevel::High,
            _ => ThinkingLevel::Max,
        }),
    }
}

/// The facts of one request.
pub struct RequestFacts<'r> {
    request: &'r Request<'r>,
    meta: &'r [(String, MetaValue)],
    given: &'r [(FactId, GivenValue)],
    now_ms: i64,
    is_exact: Cell<bool>,
    measure: OnceCell<(RequestMeasure, TextFeatures)>,
    inputs: RefCell<Vec<(Family, TokenCount)>>,
    exact: OnceCell<Option<TokenCount>>,
    features: OnceCell<Features>,
    agent: OnceCell<Agent>,
    task: OnceCell<TaskScore>,
    language: OnceCell<LanguageScore>,
    pieces: OnceCell<Counts>,
    prefixes: OnceCell<Prefixes>,
    sizes: OnceCell<Sizes>,
    unwritable: RefCell<Vec<(TargetKind, Option<String>)>>,
    exact_inputs: RefCell<Vec<(Family, Option<TokenCount>)>>,
    /// Patterns in the order in which they were tried. A policy's patterns do not move.
    matches: RefCell<Vec<(*const TextTest, bool)>>,
    is_code_read: Cell<bool>,
    budgets: OnceCell<Vec<BudgetSeen>>,
    recorded: Option<&'r Recorded<'r>>,
    /// Whether a record did not hold what was asked of it.
    is_lacking: Cell<bool>,
}

/// What is counted by walking the turns once.
struct Counts {
    images: u64,
    documents: u64,
    turns: u64,
}

impl<'r> RequestFacts<'r> {
    /// The facts of `request`; `given` replaces computed ones (tests of policies).
    pub fn new(
        request: &'r Request<'r>,
        meta: &'r [(String, MetaValue)],
        given: &'r [(FactId, GivenValue)],
        now_ms: i64,
    ) -> Self {
        Self {
            request,
            meta,
            given,
            now_ms,
            is_exact: Cell::new(false),
            measure: OnceCell::new(),
            inputs: RefCell::new(Vec::new()),
            exact: OnceCell::new(),
            features: OnceCell::new(),
            agent: OnceCell::new(),
            task: OnceCell::new(),
            language: OnceCell::new(),
            pieces: OnceCell::new(),
            prefixes: OnceCell::new(),
            sizes: OnceCell::new(),
            unwritable: RefCell::new(Vec::new()),
            exact_inputs: RefCell::new(Vec::new()),
            matches: RefCell::new(Vec::new()),
            is_code_read: Cell::new(false),
            budgets: OnceCell::new(),
            recorded: None,
            is_lacking: Cell::new(false),
        }
    }

    /// The facts of the request that a record was made for.
    pub(super) fn of_record(recorded: &'r Recorded<'r>) -> Self {
        Self {
            recorded: Some(recorded),
            ..Self::new(&recorded.request, &recorded.meta, &recorded.given, recorded.now_ms)
        }
    }

    /// The record that stands for the request, if one does.
    pub(super) fn recorded(&self) -> Option<&'r Recorded<'r>> {
        self.recorded
    }

    /// Whether the record did not hold all that was asked of it.
    pub(super) fn is_lacking(&self) -> bool {
        self.is_lacking.get()
    }

    /// What a record says of it; what it does not say makes the decision worthless.
    fn said<T>(&self, found: Option<T>) -> Option<T> {
        if found.is_none() {
            self.is_lacking.set(true);
        }
        found
    }

    /// What was read of the request, with what was read beside it, for a record.
    pub(super) fn inputs(
        &self,
        facts: &[(FactName, FactValue)],
        seen: Vec<Seen>,
        has_key: &[bool],
        deployments: usize,
        has_state: bool,
    ) -> Inputs {
        if let Some(recorded) = self.recorded {
            return recorded.inputs.clone();
        }
        let has_key = |index: &usize| has_key.get(*index).copied().unwrap_or(false);
        let shows_code = self.is_at_hand(FactId::Code);
        Inputs {
            named: None,
            asked: Asked::of(self.request, self.shape()),
            tokens: self.inputs.borrow().clone(),
            exact: self.exact_inputs.borrow().clone(),
            matches: self.matches.borrow().iter().map(|(_, is_match)| *is_match).collect(),
            unwritable: self.unwritable.borrow().clone(),
            code: (self.is_code_read.get() && !shows_code).then(|| self.features().has_code),
            sizes: self.sizes.get().copied(),
            seen,
            keyless: (0..deployments).filter(|index| !has_key(index)).collect(),
            has_state,
            held: Vec::new(),
            budgets: self.budgets.get().cloned().unwrap_or_default(),
            numbers: numbers_of(facts),
        }
    }

    /// Computes now what the policy is likely to ask for: tokens in every vocabulary, and the task where it looks at the
    /// prompt.
    pub fn prepare(&self, policy: &Policy) {
        for model in &policy.models {
            self.input_tokens(model.family);
        }
        if policy.classifies {
            self.task();
        }
        if policy.models.iter().any(|model| may_cache(model, self.request)) {
            self.sizes();
        }
    }

    /// The request.
    pub fn request(&self) -> &'r Request<'r> {
        self.request
    }

    /// What the caller passed under `key`.
    pub fn meta(&self, key: &str) -> Value<'r> {
        match self.meta.iter().find(|(known, _)| known == key).map(|(_, value)| value) {
            Some(MetaValue::Text(text)) => Value::Text(text),
            Some(MetaValue::Number(number)) => Value::Num(*number, *number),
            Some(MetaValue::Bool(flag)) => Value::Bool(*flag),
            None => Value::Unknown,
        }
    }

    /// Input tokens of the request for a family.
    pub fn input_tokens(&self, family: Family) -> TokenCount {
        if let Some(tokens) = self.given_count(FactId::Tokens) {
            return TokenCount::exact(tokens);
        }
        // Several models share a family, and each asks more than once.
        if let Some((_, count)) = self.inputs.borrow().iter().find(|(known, _)| *known == family) {
            return *count;
        }
        if let Some(recorded) = self.recorded {
            let found = recorded.inputs.tokens.iter().find(|(known, _)| *known == family);
            return self.said(found).map_or(TokenCount::exact(0), |(_, count)| *count);
        }
        let (measure, features) = self.measure.get_or_init(|| {
            let measure = measure(self.request);
            let features = measure.text_features();
            (measure, features)
        });
        let count = measure.input_by(features, family);
        self.inputs.borrow_mut().push((family, count));
        count
    }

    /// Input tokens counted exactly, where the vocabulary is known and the request small enough to do it inline.
    pub fn exact_input_tokens(&self, family: Family) -> Option<TokenCount> {
        if self.given(FactId::Tokens).is_some() {
            return None;
        }
        if let Some((_, count)) = self.exact_inputs.borrow().iter().find(|(known, _)| *known == family) {
            return *count;
        }
        if let Some(recorded) = self.recorded {
            let found = recorded.inputs.exact.iter().find(|(known, _)| *known == family);
            return self.said(found).and_then(|(_, count)| *count);
        }
        let is_small = self.request.body.len() <= EXACT_INLINE_BYTES;
        let count = if is_small { count_request_exact(self.request, family, "") } else { None };
        self.exact_inputs.borrow_mut().push((family, count));
        count
    }

    /// Counts exactly, whatever the size, what a decision on these facts asked for and was refused as too large for inline:
    /// for who has the time. Whether anything became known, so that deciding anew may come out otherwise.
    pub fn resolve(&mut self) -> bool {
        if self.recorded.is_some() {
            return false;
        }
        let mut is_news = false;
        for (family, count) in self.exact_inputs.get_mut() {
            if count.is_none() {
                *count = count_request_exact(self.request, *family, "");
                is_news |= count.is_some();
            }
        }
        if is_news {
            self.exact = OnceCell::new();
            self.is_exact.set(false);
        }
        is_news
    }

    /// Whether `tokens` is the exact count now.
    pub fn is_sharp(&self) -> bool {
        self.is_exact.get()
    }

    /// From now on `tokens` is the estimate: where each condition begins, so that its value is the same wherever it stands.
    pub fn blur(&self) {
        self.is_exact.set(false);
    }

    /// From now on `tokens` is counted exactly, if it can be; whether it can.
    pub fn sharpen(&self) -> bool {
        let can = self.exact.get_or_init(|| self.exact_input_tokens(Family::O200k)).is_some();
        self.is_exact.set(can);
        can
    }

    /// From now on `tokens` is what was known of it in the end: what a record shows.
    pub fn settle(&self) {
        self.is_exact.set(self.exact.get().is_some_and(Option::is_some));
    }

    /// Whether the ask was classified.
    pub fn is_classified(&self) -> bool {
        self.task.get().is_some()
    }

    /// The task, unless the classifier abstains. Classifies the ask.
    pub fn task(&self) -> Option<Task> {
        match self.given(FactId::Task) {
            Some(GivenValue::Text(name)) => Task::from_name(name),
            Some(_) => None,
            None if self.recorded.is_some() => self.said(None),
            None => {
                let scored = self.task_score();
                (!scored.abstained).then_some(scored.task)
            }
        }
    }

    /// The beginnings of the request, hashed; none where a record stands for it. Linear in its texts the first time.
    pub(super) fn prefixes(&self) -> Option<&Prefixes> {
        self.recorded.is_none().then(|| self.prefixes.get_or_init(|| Prefixes::of(self.request)))
    }

    /// How long the request is, and its part that is marked for the prompt cache, in bytes of text.
    pub(super) fn sizes(&self) -> Sizes {
        *self.sizes.get_or_init(|| match self.prefixes() {
            Some(prefixes) => sizes(self.request, prefixes),
            None => self.said(self.recorded.and_then(|recorded| recorded.inputs.sizes)).unwrap_or_default(),
        })
    }

    /// The form of the call, as the forecast of its output has it.
    pub(super) fn shape(&self) -> Shape {
        if let Some(recorded) = self.recorded {
            return recorded.inputs.asked.shape;
        }
        let parts = self.request.turns.last().map_or(&[][..], |turn| &turn.parts);
        let follows_result = match self.given(FactId::ToolLoop) {
            Some(GivenValue::Bool(is_loop)) => *is_loop,
            _ => parts.iter().any(|part| matches!(part, Part::ToolResult { .. })),
        };
        let wants_json = match self.given(FactId::Schema) {
            Some(GivenValue::Bool(wants)) => *wants,
            _ => self.request.response_format != ResponseFormat::Text,
        };
        match &self.request.tool_choice {
            _ if follows_result => Shape::AfterTool,
            ToolChoice::Any | ToolChoice::Named(_) if self.tools() > 0 => Shape::Forced,
            ToolChoice::Auto if self.tools() > 0 => Shape::Tools,
            _ if wants_json => Shape::Schema,
            _ => Shape::Plain,
        }
    }

    /// The most web searches that the provider may run for it.
    pub(super) fn web_searches(&self) -> u64 {
        self.recorded.map_or_else(|| most_web_searches(self.request), |recorded| recorded.inputs.asked.web_searches)
    }

    fn features(&self) -> &Features {
        self.features.get_or_init(|| features::structure(&features::ask(self.request)))
    }

    fn agent(&self) -> &Agent {
        self.agent.get_or_init(|| features::agent(self.request))
    }

    fn task_score(&self) -> &TaskScore {
        self.task.get_or_init(|| task_of(self.features(), self.agent()))
    }

    fn counts(&self) -> &Counts {
        self.pieces.get_or_init(|| {
            let mut counts = Counts { images: 0, documents: 0, turns: self.request.turns.len() as u64 };
            for part in self.request.turns.iter().flat_map(|turn| &turn.parts) {
                match part {
                    Part::Image(_) => counts.images += 1,
                    Part::Document(_) => counts.documents += 1,
                    Part::ToolResult { images, .. } => counts.images += images.len() as u64,
                    _ => {}
                }
            }
            counts
        })
    }

    /// Why the request cannot be written for a model, if it cannot; asked once for each kind of target.
    pub fn unwritable(&self, kind: TargetKind) -> Option<String> {
        if let Some((_, reason)) = self.unwritable.borrow().iter().find(|(known, _)| *known == kind) {
            return reason.clone();
        }
        if let Some(recorded) = self.recorded {
            let found = recorded.inputs.unwritable.iter().find(|(known, _)| *known == kind);
            return self.said(found).and_then(|(_, reason)| reason.clone());
        }
        let (dialect, accepts_prefill, accepts_forced_tool_choice) = kind;
        let target = Target { accepts_forced_tool_choice, accepts_prefill, ..Target::new(dialect, "") };
        let reason = refusal(self.request, &target).map(|error| error.message.into_owned());
        self.unwritable.borrow_mut().push((kind, reason.clone()));
        reason
    }

    /// What the budgets of a policy have used and left, read once.
    pub(super) fn budgets(&self, read: impl FnOnce() -> Vec<BudgetSeen>) -> &[BudgetSeen] {
        self.budgets.get_or_init(read)
    }

    /// What is known of a budget; a record without it does not decide.
    pub(super) fn budget(&self, index: u16) -> Option<BudgetSeen> {
        let seen = self.budgets.get().and_then(|seen| seen.get(usize::from(index))).copied();
        if self.recorded.is_some() { self.said(seen) } else { seen }
    }

    /// The clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Pictures in the conversation.
    pub fn images(&self) -> u64 {
        self.given_count(FactId::Images).unwrap_or_else(|| self.counts().images)
    }

    /// Files in the conversation.
    pub fn documents(&self) -> u64 {
        self.given_count(FactId::Documents).unwrap_or_else(|| self.counts().documents)
    }

    /// Tools on offer.
    pub fn tools(&self) -> u64 {
        self.given_count(FactId::Tools).unwrap_or(self.request.tools.len() as u64)
    }

    /// The client's bound on the answer, in tokens.
    pub fn max_tokens(&self) -> Option<u64> {
        self.given_count(FactId::MaxTokens).or(self.request.max_tokens)
    }

    /// Whether the answer must keep to a JSON schema. A test that gives `schema: true` means one.
    pub fn wants_schema(&self) -> bool {
        match self.given(FactId::Schema) {
            Some(GivenValue::Bool(wants)) => *wants,
            _ => matches!(self.request.response_format, ResponseFormat::JsonSchema { .. }),
        }
    }

    /// A count that a test gives: what it says of the request holds for eligibility and cost too.
    fn given_count(&self, id: FactId) -> Option<u64> {
        match self.given(id) {
            Some(GivenValue::Num(millionths)) => u64::try_from(millionths / 1_000_000).ok(),
            _ => None,
        }
    }

    /// What a test gives.
    pub(super) fn given(&self, id: FactId) -> Option<&'r GivenValue> {
        self.given.iter().find(|(known, _)| *known == id).map(|(_, value)| value)
    }

    /// Whether the fact is known without more work than was done already: what a record shows.
    pub fn is_at_hand(&self, id: FactId) -> bool {
        if let Some(recorded) = self.recorded {
            return recorded.shows(id);
        }
        match id {
            FactId::Task | FactId::Difficulty | FactId::Code => self.given(id).is_some() || self.is_classified(),
            FactId::Language => self.given(id).is_some() || self.language.get().is_some(),
            FactId::Prompt => false,
            _ => true,
        }
    }

    /// The value of a fact of the request or the moment.
    pub fn value(&self, id: FactId) -> Value<'_> {
        if id == FactId::Code {
            self.is_code_read.set(true);
        }
        match self.given(id) {
            Some(GivenValue::Bool(flag)) => return Value::Bool(*flag),
            Some(GivenValue::Num(number)) => return Value::Num(*number, *number),
            Some(GivenValue::Text(text)) => return Value::Text(text),
            Some(GivenValue::Unknown) => return Value::Unknown,
            None if self.recorded.is_some_and(|recorded| recorded.must_show(id)) => {
                self.is_lacking.set(true);
                return Value::Unknown;
            }
            None => {}
        }
        let number = |count: u64| Value::Num(micro(count), micro(count));
        match id {
            FactId::Tokens => {
                let exact = if self.is_exact.get() { self.exact.get().copied().flatten() } else { None };
                let count = exact.unwrap_or_else(|| self.input_tokens(Family::O200k));
                Value::Num(micro(count.low), micro(count.high))
            }
            FactId::MaxTokens => self.request.max_tokens.map_or(Value::Unknown, number),
            FactId::Turns => number(self.counts().turns),
            FactId::Tools => number(self.request.tools.len() as u64),
            FactId::Images => number(self.images()),
            FactId::Documents => number(self.documents()),
            FactId::Stream => Value::Bool(self.request.stream),
            FactId::Schema => Value::Bool(self.request.response_format != ResponseFormat::Text),
            FactId::ToolLoop => Value::Bool(is_in_tool_loop(self.request)),
            FactId::Requested => self.request.model.as_deref().map_or(Value::Unknown, Value::Text),
            FactId::Task => self.task().map_or(Value::Unknown, |task| Value::Text(task.name())),
            FactId::Language => {
                let scored = self.language.get_or_init(|| language_of(&features::ask(self.request)));
                match scored.language {
                    Some(language) if !scored.abstained => Value::Text(language.code()),
                    _ => Value::Unknown,
                }
            }
            FactId::Difficulty => {
                let score = i64::from(difficulty_of(self.features(), self.task_score(), self.agent()));
                Value::Num(score, score)
            }
            FactId::Code => Value::Bool(self.features().has_code),
            FactId::Time => {
                let minute = calendar::minute_of_day(self.now_ms);
                Value::Num(minute, minute)
            }
            FactId::Weekday => Value::Text(calendar::weekday(self.now_ms)),
            FactId::Date => {
                let day = calendar::day_of(self.now_ms);
                Value::Num(day, day)
            }
            FactId::BudgetUsed(index) => {
                self.budget(index).map_or(Value::Unknown, |seen| Value::Num(seen.used_millionths, seen.used_millionths))
            }
            FactId::BudgetLeft(index) => self.budget(index).map_or(Value::Unknown, |seen| {
                let left_picos = seen.left_usd_nanos.saturating_mul(1_000);
                Value::Num(left_picos, left_picos)
            }),
            _ => Value::Unknown,
        }
    }

    /// Whether the ask matches a pattern: all text of the last user turn that has any, however long.
    pub fn ask_matches(&self, test: &TextTest) -> Tri {
        let mut matches = self.matches.borrow_mut();
        if let Some((_, is_match)) = matches.iter().find(|(known, _)| std::ptr::eq(*known, test)) {
            return (*is_match).into();
        }
        let is_match = match self.recorded {
            Some(recorded) => self.said(recorded.inputs.matches.get(matches.len()).copied()).unwrap_or(false),
            None => self.ask_is_match(test),
        };
        matches.push((std::ptr::from_ref(test), is_match));
        is_match.into()
    }

    fn ask_is_match(&self, test: &TextTest) -> bool {
        let texts = |turn: &'r Turn<'r>| {
            turn.parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(text.as_ref()),
                _ => None,
            })
        };
        let last = self.request.turns.iter().rev().find(|turn| turn.role == Role::User && texts(turn).next().is_some());
        last.is_some_and(|turn| texts(turn).any(|text| test.pattern.is_match(text)))
    }
}
