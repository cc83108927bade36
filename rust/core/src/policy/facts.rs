//! The one table of facts: everything that a policy can ask, with its type, unit, source and cost.

use crate::classify::Task;

/// A fact that an expression can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactId {
    /// Input tokens, an interval.
    Tokens,
    /// The client's bound on the answer.
    MaxTokens,
    /// Messages in the conversation.
    Turns,
    /// Tools on offer.
    Tools,
    /// Pictures.
    Images,
    /// Files.
    Documents,
    /// Whether a stream is wanted.
    Stream,
    /// Whether the answer must be JSON.
    Schema,
    /// Whether the last turn is a tool's result.
    ToolLoop,
    /// The model that the client named.
    Requested,
    /// The caller's ask, for text functions.
    Prompt,
    /// What is asked for.
    Task,
    /// The natural language of the ask.
    Language,
    /// How hard the ask is, 0 to 1.
    Difficulty,
    /// Whether the ask holds code.
    Code,
    /// The time of day, UTC.
    Time,
    /// The day of the week, UTC.
    Weekday,
    /// The day, UTC.
    Date,
    /// The candidate's name in the policy.
    Model,
    /// Who sells it.
    ModelProvider,
    /// Its window.
    ModelContext,
    /// The longest answer it gives.
    ModelMaxOutput,
    /// Its place on the ladder, from 1.
    ModelRank,
    /// The deployment's name.
    DeploymentName,
    /// The deployment's region.
    DeploymentRegion,
    /// How good its answer is likely to be.
    Quality,
    /// Whether its prompt cache holds a beginning of the request.
    Warm,
    /// Expected cost.
    CostP50,
    /// Expected cost, nine times of ten not exceeded.
    CostP90,
    /// Time to first token, median of what was seen.
    TtftP50,
    /// Time to first token, 95th percentile of what was seen.
    TtftP95,
    /// The rule that matched.
    Rule,
    /// Whether nothing could be chosen.
    Refused,
    /// The share of a budget that is used, by its index in the policy.
    BudgetUsed(u16),
    /// What a budget has left, by its index in the policy.
    BudgetLeft(u16),
    /// A value the caller passed in `meta`, by its index in the policy.
    Meta(u16),
    /// A fact that the policy defines, by its index.
    Named(u16),
}

/// What kind of value a fact or an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// true or false
    Bool,
    /// A count, a share or a score; fixed-point in millionths.
    Number,
    /// Milliseconds.
    Duration,
    /// Pico-USD.
    Money,
    /// Minutes of the day.
    Time,
    /// Days since 1970-01-01.
    Date,
    /// Any text.
    Text,
    /// One of a closed set of words.
    Enum(&'static [&'static str]),
    /// Text that only functions may look at.
    Prompt,
    /// What the caller passed: a text, a number or a boolean, known only at run time.
    Meta,
}

impl Type {
    /// The name that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Duration => "a duration",
            Self::Money => "an amount of money",
            Self::Time => "a time of day",
            Self::Date => "a date",
            Self::Text | Self::Enum(_) => "a text",
            Self::Prompt => "the prompt",
            Self::Meta => "a value of the caller's",
        }
    }
}

/// Where in a policy a fact has a value. Each scope includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `when` and `facts`: the request, the caller, the moment.
    Request,
    /// `keep` and `want`: also the candidate.
    Candidate,
    /// `expect`: also what was decided.
    Decision,
}

/// What a fact costs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Known once the request is parsed.
    Free,
    /// One pass over all texts of the request.
    Scan,
    /// Cue work over at most 6 kB of the ask.
    Classify,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct FactRow {
    /// The name in expressions.
    pub name: &'static str,
    /// The fact.
    pub id: FactId,
    /// Its type.
    pub ty: Type,
    /// Where it has a value.
    pub scope: Scope,
    /// Smallest and largest value in the unit of the type, where there are such.
    pub range: Option<(i64, i64)>,
    /// What it costs to know.
    pub cost: Cost,
    /// What it says, with its unit and source.
    pub doc: &'static str,
}

const fn row(name: &'static str, id: FactId, ty: Type, scope: Scope, cost: Cost, doc: &'static str) -> FactRow {
    FactRow { name, id, ty, scope, range: None, cost, doc }
}

/// Every fact, in the order of the documentation.
pub const FACTS: &[FactRow] = &[
    row(
        "tokens",
        FactId::Tokens,
        Type::Number,
        Scope::Request,
        Cost::Scan,
        "input tokens of the whole request, in the o200k vocabulary; an interval while it is an estimate",
    ),
    row(
        "max_tokens",
        FactId::MaxTokens,
        Type::Number,
        Scope::Request,
        Cost::Free,
        "the client's bound on the answer, in tokens; unknown when it set none",
    ),
    row("turns", FactId::Turns, Type::Number, Scope::Request, Cost::Free, "messages in the conversation"),
    row("tools", FactId::Tools, Type::Number, Scope::Request, Cost::Free, "tools on offer"),
    row("images", FactId::Images, Type::Number, Scope::Request, Cost::Free, "pictures in the conversation"),
    row("documents", FactId::Documents, Type::Number, Scope::Request, Cost::Free, "files in the conversation"),
    row("stream", FactId::Stream, Type::Bool, Scope::Request, Cost::Free, "whether the client wants a stream"),
    row("schema", FactId::Schema, Type::Bool, Scope::Request, Cost::Free, "whether the answer must be JSON"),
    row(
        "tool_loop",
        FactId::ToolLoop,
        Type::Bool,
        Scope::Request,
        Cost::Free,
        "whether the last turn is a tool's result",
    ),
    row(
        "requested",
        FactId::Requested,
        Type::Text,
        Scope::Request,
        Cost::Free,
        "the model that the client named; unknown when it named none",
    ),
    row(
        "prompt",
        FactId::Prompt,
        Type::Prompt,
        Scope::Request,
        Cost::Free,
        "the caller's ask (the last words of the user), for text functions",
    ),
    row(
        "task",
        FactId::Task,
        Type::Enum(Task::NAMES),
        Scope::Request,
        Cost::Classify,
        "what is asked for; unknown when the classifier abstains",
    ),
    row(
        "language",
        FactId::Language,
        Type::Text,
        Scope::Request,
        Cost::Classify,
        "natural language of the ask as an ISO 639 code; unknown when the classifier abstains",
    ),
    FactRow {
        range: Some((0, 1_000_000)),
        ..row(
            "difficulty",
            FactId::Difficulty,
            Type::Number,
            Scope::Request,
            Cost::Classify,
            "how hard the ask is, 0 to 1",
        )
    },
    row("code", FactId::Code, Type::Bool, Scope::Request, Cost::Classify, "whether the ask holds code"),
    row("time", FactId::Time, Type::Time, Scope::Request, Cost::Free, "the time of day, UTC"),
    row(
        "weekday",
        FactId::Weekday,
        Type::Enum(&crate::calendar::WEEKDAYS),
        Scope::Request,
        Cost::Free,
        "the day of the week, UTC",
    ),
    row("date", FactId::Date, Type::Date, Scope::Request, Cost::Free, "the day, UTC"),
    row("model", FactId::Model, Type::Text, Scope::Candidate, Cost::Free, "the candidate's name in this policy"),
    row("model.name", FactId::Model, Type::Text, Scope::Candidate, Cost::Free, "the same as `model`"),
    row(
        "model.provider",
        FactId::ModelProvider,
        Type::Text,
        Scope::Candidate,
        Cost::Free,
        "who sells the candidate, as in the catalogue",
    ),
    row(
        "model.context",
        FactId::ModelContext,
        Type::Number,
        Scope::Candidate,
        Cost::Free,
        "the candidate's window, in tokens",
    ),
    row(
        "model.max_output",
        FactId::ModelMaxOutput,
        Type::Number,
        Scope::Candidate,
        Cost::Free,
        "the longest answer of the candidate, in tokens",
    ),
    row(
        "model.rank",
        FactId::ModelRank,
        Type::Number,
        Scope::Candidate,
        Cost::Free,
        "the candidate's place in the first pool that lists it, else in `models`; the weakest is 1",
    ),
    row("deployment.name", FactId::DeploymentName, Type::Text, Scope::Candidate, Cost::Free, "the deployment's name"),
    row(
        "deployment.region",
        FactId::DeploymentRegion,
        Type::Text,
        Scope::Candidate,
        Cost::Free,
        "the deployment's region; unknown when the policy names none",
    ),
    FactRow {
        range: Some((0, 1_000_000)),
        ..row(
            "quality",
            FactId::Quality,
            Type::Number,
            Scope::Candidate,
            Cost::Classify,
            "the share of such requests that the candidate is likely to answer well, 0 to 1; a prior of rank and \
             difficulty, as no answers were graded",
        )
    },
    row(
        "warm",
        FactId::Warm,
        Type::Bool,
        Scope::Candidate,
        Cost::Scan,
        "whether the deployment's prompt cache is believed to hold a beginning of the request",
    ),
    row("cost.p50", FactId::CostP50, Type::Money, Scope::Candidate, Cost::Scan, "expected cost of the call"),
    row(
        "cost.p90",
        FactId::CostP90,
        Type::Money,
        Scope::Candidate,
        Cost::Scan,
        "cost of the call that nine of ten do not exceed",
    ),
    row(
        "ttft.p50",
        FactId::TtftP50,
        Type::Duration,
        Scope::Candidate,
        Cost::Free,
        "time to first token of the deployment, median of what this process saw; unknown before that",
    ),
    row(
        "ttft.p95",
        FactId::TtftP95,
        Type::Duration,
        Scope::Candidate,
        Cost::Free,
        "time to first token of the deployment, 95th percentile of what this process saw; unknown before that",
    ),
    row("rule", FactId::Rule, Type::Text, Scope::Decision, Cost::Free, "the rule that matched"),
    row("refused", FactId::Refused, Type::Bool, Scope::Decision, Cost::Free, "whether no candidate was eligible"),
];

/// The row of a name.
pub fn fact(name: &str) -> Option<&'static FactRow> {
    FACTS.iter().find(|row| row.name == name)
}

/// The name of a fact of the table.
pub fn fact_name(id: FactId) -> Option<&'static str> {
    FACTS.iter().find(|row| row.id == id).map(|row| row.name)
}
