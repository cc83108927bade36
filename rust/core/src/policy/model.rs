//! A policy as the engine uses it: names resolved, expressions compiled, facts of models filled in.

use super::clients::Clients;
use std::sync::Arc;

use super::budgets::{Budget, Limit};
use super::diagnostics::Pos;
use super::expr::{Program, Tri};
use super::facts::{FactId, Type};
use super::fleet::Fleet;
use crate::catalog::{Auth, Model, ThinkingRoute};
use crate::quality::Evidence;
use crate::quirks::Quirks;
use crate::shared_str::SharedStr;
use crate::tokens::Family;
use crate::wire::Dialect;

/// A checked policy. Immutable; shared by threads.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The name in the file.
    pub name: SharedStr,
    /// blake3 of the canonical form, hex.
    pub hash: SharedStr,
    /// The models, in the order of the file.
    pub models: Vec<PolicyModel>,
    /// All deployments of all models, in the order of the file.
    pub deployments: Vec<Deployment>,
    /// Named lists of models.
    pub pools: Vec<Pool>,
    /// Facts that the policy defines.
    pub facts: Vec<NamedFact>,
    /// Hard filters for all rules.
    pub require: Vec<Require>,
    /// Rules in order; the last is `otherwise`, which has no condition.
    pub rules: Vec<Rule>,
    /// What an unknown condition means.
    pub unknown: UnknownMode,
    /// What a good answer is.
    pub accept: Vec<Accept>,
    /// What to do with one that is not.
    pub escalate: Escalate,
    /// Bounds on the whole call.
    pub run: Run,
    /// Experiments, at most one in a rule.
    pub experiments: Vec<Experiment>,
    /// What may be spent.
    pub budgets: Vec<Budget>,
    /// How fast.
    pub limits: Vec<Limit>,
    /// Tests in the file.
    pub tests: Vec<PolicyTest>,
    /// Keys of `meta` that expressions read.
    pub meta_keys: Vec<String>,
    /// What decisions show of the policy's own names; the order of facts in the file is no part of the hash.
    pub shown: Shown,
    /// Whether a condition or a preference of it looks at what the prompt says, so that every ask is classified.
    pub classifies: bool,
    /// The highest rank of any model.
    pub ranks: u32,
    /// The strongest model that a rule can choose, by index: what its savings are measured against. None without a rule.
    pub strongest: Option<usize>,
    /// The deployments of each model, as a choice needs them; in the order of `models`.
    pub fleets: Vec<Arc<Fleet>>,
    /// What the names mean that clients ask for.
    pub clients: Clients,
    /// The name that this is the meaning of ([`Policy::narrowed`]); none for a whole policy.
    pub named: Option<SharedStr>,
}

/// A rule as decisions show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLabel {
    /// Its name.
    pub name: SharedStr,
    /// Its condition; none for `otherwise`.
    pub when: Option<SharedStr>,
}

/// What decisions show of the policy's own names, made once and shared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The rules, in their order.
    pub rules: Arc<[RuleLabel]>,
    /// The facts of each budget, in the order of the budgets.
    pub budgets: Vec<BudgetLabel>,
    /// The facts that the policy defines, by name, each with its index.
    pub facts: Vec<(usize, SharedStr)>,
    /// The keys of `meta` as facts, by name, each with its index.
    pub meta: Vec<(usize, SharedStr)>,
}

/// The facts of a budget as decisions show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetLabel {
    /// How much of it is used.
    pub used: SharedStr,
    /// How much of it is left.
    pub left: SharedStr,
}

impl Policy {
    /// The model of that name in the policy, by index.
    pub fn model_index(&self, alias: &str) -> Option<usize> {
        self.models.iter().position(|model| model.alias == alias)
    }
}

/// A model with the facts that the policy works with: the catalogue's, then the file's.
#[derive(Debug, Clone)]
pub struct PolicyModel {
    /// Its name in the policy.
    pub alias: SharedStr,
    /// The facts.
    pub facts: Model,
    /// The family of its vocabulary: `facts.tokenizer_family`.
    pub family: Family,
    /// Who sells it: `facts.provider`, as attempts share it.
    pub provider: SharedStr,
    /// Its name as the upstream knows it: `facts.id`, as attempts share it.
    pub upstream_model: SharedStr,
    /// The dialect it is called in.
    pub dialect: Dialect,
    /// Where it is called, unless a deployment says otherwise.
    pub base_url: String,
    /// How the key goes into the request.
    pub auth: Auth,
    /// The request's field for the output limit.
    pub max_tokens_field: SharedStr,
    /// What else its provider's bodies are written by.
    pub quirks: Arc<Quirks>,
    /// How its provider takes a thinking setting.
    pub thinking: ThinkingRoute,
    /// Place on the ladder: in the first pool that lists it, else in `models`; from 1.
    pub rank: u32,
    /// What its predicted quality stands on.
    pub evidence: Evidence,
    /// How calls are spread over its deployments.
    pub balance: Balance,
    /// Where it stands in the file.
    pub pos: Pos,
}

/// How calls are spread over the deployments of one model, where the rule prefers none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Balance {
    /// By their weights.
    #[default]
    Weighted,
    /// Where the fewest attempts are under way for the weight.
    LeastBusy,
    /// Of two that are drawn by weight, the one that answers sooner just now.
    LowestLatency,
}

impl Balance {
    /// All, with the names of the language.
    pub const ALL: [(&'static str, Self); 3] =
        [("weighted", Self::Weighted), ("least_busy", Self::LeastBusy), ("lowest_latency", Self::LowestLatency)];
}

/// A model at a provider with a key and a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Unique in the policy: the model's name, or `model/name` where the file names deployments.
    pub id: SharedStr,
    /// The name in the file; the model's name where the file names none.
    pub name: String,
    /// Index of the model.
    pub model: usize,
    /// Where the key comes from.
    pub key: KeyRef,
    /// What names the key in the state: the label of `key`.
    pub key_label: SharedStr,
    /// Where it runs.
    pub region: Option<String>,
    /// Where it is called.
    pub base_url: SharedStr,
    /// Share of the traffic among the deployments of one model.
    pub weight: u32,
    /// Whether the file gives it an address, a key or a region of its own: a client for the whole provider, which has
    /// its own, must not carry its calls.
    pub has_own_reach: bool,
}

/// Where a key comes from. The key itself never enters the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// No key is sent.
    None,
    /// The first of these environment variables that is set.
    Env(Arc<[String]>),
}

impl KeyRef {
    /// What names the key in state and records: `env:A|B`, or `none`.
    pub fn label(&self) -> String {
        match self {
            Self::None => crate::control::NO_KEY.to_owned(),
            Self::Env(names) => format!("env:{}", names.join("|")),
        }
    }
}

/// A named list of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The name.
    pub name: String,
    /// Indices of models, from weak to strong.
    pub models: Vec<usize>,
}

/// A fact that the policy defines.
#[derive(Debug, Clone)]
pub struct NamedFact {
    /// The name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// How to compute it.
    pub program: Program,
    /// Whether it, or a fact that it uses, reads the estimate of `tokens`.
    pub reads_tokens: bool,
}

/// A hard filter.
#[derive(Debug, Clone)]
pub struct Require {
    /// Its name, shown as the reason.
    pub name: String,
    /// When it applies; unknown applies.
    pub when: Option<Program>,
    /// What a candidate must meet; unknown rejects.
    pub keep: Program,
}

/// How the survivors are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// Lowest expected cost.
    Cheapest,
    /// Highest predicted quality, then highest rank.
    Best,
    /// Lowest median time to first token seen.
    Fastest,
    /// The order of `from`.
    InOrder,
}

impl Prefer {
    /// All, with the names of the language.
    pub const ALL: [(&'static str, Self); 4] =
        [("cheapest", Self::Cheapest), ("best", Self::Best), ("fastest", Self::Fastest), ("in_order", Self::InOrder)];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, prefer)| *prefer == self).map_or("", |(name, _)| name)
    }
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name; `otherwise` for the last.
    pub name: SharedStr,
    /// When it matches; none always.
    pub when: Option<Program>,
    /// Indices of models to choose from.
    pub from: Vec<usize>,
    /// Indices of models tried after all of `from` failed.
    pub or_else: Vec<usize>,
    /// How the survivors are ranked.
    pub prefer: Prefer,
    /// Soft conditions, given up from the right.
    pub want: Vec<Program>,
    /// Hard filters of this rule.
    pub require: Vec<Require>,
    /// Parameters to set on the request.
    pub set: SetParams,
    /// Whether and how sessions stay with a deployment: what the rule says, else what the file does.
    pub sticky: Option<Sticky>,
    /// What a good answer is, when the rule says it.
    pub accept: Option<Vec<Accept>>,
    /// What to do with one that is not, when the rule says it.
    pub escalate: Option<Escalate>,
    /// Bounds, when the rule says them.
    pub run: Option<Run>,
    /// Where it stands in the file.
    pub pos: Pos,
}

/// Whose calls stay with the deployment that answered the last one.
#[derive(Debug, Clone)]
pub struct Sticky {
    /// The key of `meta` whose value names the session.
    pub by: String,
    /// For how long after an answer, in milliseconds; none for as long as the provider's prompt cache lives.
    pub for_ms: Option<i64>,
    /// When a session leaves for a candidate that is preferred; none never. What leaving saves is the fact behind the
    /// policy's own.
    pub leave_if: Option<Program>,
}

/// What leaving can save of the expected cost of staying, in millionths: nothing costs a million times more.
pub const SAVES_RANGE: (i64, i64) = (-1_000_000_000_000, 1_000_000);

/// Models of a rule that share its calls among them, by whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// The name, which decides with the unit who is in which arm.
    pub name: String,
    /// Index of the rule.
    pub rule: usize,
    /// The key of `meta` whose value is the unit.
    pub by: String,
    /// Index of a model and its share in millionths, in the order of the models' names; the shares add up to a million.
    pub arms: Vec<(usize, i64)>,
}

/// How much a model shall think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkingLevel {
    /// Not at all.
    Off,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as it can.
    Max,
    /// At most so many tokens.
    Budget(u64),
}

impl ThinkingLevel {
    /// The named levels.
    pub const NAMED: [(&'static str, Self); 5] =
        [("off", Self::Off), ("low", Self::Low), ("medium", Self::Medium), ("high", Self::High), ("max", Self::Max)];
}

/// Parameters that a rule sets on the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetParams {
    /// How much to think.
    pub thinking: Option<ThinkingLevel>,
    /// The bound on the answer, in tokens; the smaller of this and the client's wins.
    pub max_tokens: Option<u64>,
}

/// A check on an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accept {
    /// It ended by itself, not at a token limit.
    Complete,
    /// It holds text or a tool call.
    NotEmpty,
    /// The model did not refuse.
    NotRefused,
    /// The text is JSON (only where the request asked for JSON).
    ValidJson,
    /// The text is JSON of the schema (only where the request gave one).
    SchemaValid,
    /// The text is in the language of the request (only where both are clear).
    LanguageMatches,
    /// What the host program says of it; the whole name, `check.NAME`.
    Host(SharedStr),
}

impl Accept {
    /// All, with the names of the language.
    pub const ALL: [(&'static str, Self); 6] = [
        ("complete", Self::Complete),
        ("not_empty", Self::NotEmpty),
        ("not_refused", Self::NotRefused),
        ("valid_json", Self::ValidJson),
        ("schema_valid", Self::SchemaValid),
        ("language_matches", Self::LanguageMatches),
    ];

    /// The name in the language.
    pub fn name(&self) -> &str {
        match self {
            Self::Host(name) => name,
            other => Self::ALL.iter().find(|(_, accept)| accept == other).map_or("", |(name, _)| name),
        }
    }
}

/// What to do with an answer that is not accepted: ask a stronger model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Escalate {
    /// How often, 0 never.
    pub at_most: u32,
    /// A stronger model may cost at most this many times what the chosen one was expected to cost, in millionths.
    pub cost_within_millionths: Option<i64>,
}

/// Bounds on the whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// From the request to the last byte, waits and fallbacks included.
    pub deadline_ms: i64,
    /// How long the first content may take in one attempt.
    pub ttft_ms: Option<i64>,
    /// How many upstream calls at most, retries, fallbacks and escalations included.
    pub attempts: u32,
    /// What the call may cost at most, in pico-USD.
    pub spend_usd_picos: Option<i64>,
    /// Extra attempts as a share of first attempts over the whole process, in millionths.
    pub retry_budget_millionths: i64,
    /// The longest pause between two pieces of content of one stream; signs of life do not count.
    pub idle_ms: i64,
    /// What becomes of an upstream whose client has gone.
    pub on_disconnect: OnDisconnect,
    /// Whether a late attempt gets a second one beside it.
    pub hedge: Option<Hedge>,
}

/// What becomes of an upstream whose client has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDisconnect {
    /// It is closed at once; what was seen is counted, the rest is estimated.
    #[default]
    Cancel,
    /// It is read to its end, within the call's deadline, so that its usage is known.
    Drain,
}

impl OnDisconnect {
    /// The name in policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Drain => "drain",
        }
    }
}

/// A second attempt beside one that is late, before any content has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hedge {
    /// When an attempt is late.
    pub after: HedgeAfter,
    /// Hedges for each thousand calls of the process, at most.
    pub share_permille: u32,
    /// A hedge may cost at most this many times what the attempt beside it is expected to cost, in millionths.
    pub cost_within_millionths: Option<i64>,
}

/// When an attempt is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HedgeAfter {
    /// Later than this share of the deployment's own attempts, in percent; never while too few are known.
    Percentile(u32),
    /// After so many milliseconds.
    Ms(i64),
}

impl Default for Run {
    /// Ten minutes is what vendor SDKs allow one attempt; one in five is gRPC's and Envoy's usual retry budget.
    fn default() -> Self {
        Self {
            deadline_ms: 600_000,
            ttft_ms: None,
            attempts: 3,
            spend_usd_picos: None,
            retry_budget_millionths: 200_000,
            // Models that think in silence pause for seconds; half a minute of nothing but pings is a stall.
            idle_ms: 30_000,
            on_disconnect: OnDisconnect::Cancel,
            hedge: None,
        }
    }
}

/// What an unknown condition means for the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownMode {
    /// An unknown rule above the first true one wins if it would choose a stronger model.
    #[default]
    Strongest,
    /// An unknown rule does not match.
    Skip,
}

/// What a test gives to the engine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Given {
    /// The ask.
    pub prompt: Option<String>,
    /// What the caller passes.
    pub meta: Vec<(String, MetaValue)>,
    /// The clock, in milliseconds since 1970.
    pub now_ms: Option<i64>,
    /// Facts given as they are, instead of computed ones.
    pub facts: Vec<(FactId, GivenValue)>,
    /// Deployments (by id or model) that are cooling down.
    pub cooling: Vec<String>,
    /// The deployment (by id or model) that holds the session.
    pub held: Option<String>,
    /// Models whose key is missing.
    pub without_key: Vec<String>,
}

/// A fact given by a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenValue {
    /// A boolean.
    Bool(bool),
    /// A number in the unit of the fact's type.
    Num(i64),
    /// A text.
    Text(String),
    /// Not known.
    Unknown,
}

/// A value that the caller passes in `meta`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaValue {
    /// A text.
    Text(String),
    /// A number in millionths.
    Number(i64),
    /// A boolean.
    Bool(bool),
}

/// A test in the file.
#[derive(Debug, Clone)]
pub struct PolicyTest {
    /// The name.
    pub name: String,
    /// Whether it must hold for any prompt: it then runs over a generated corpus.
    pub is_for_any_prompt: bool,
    /// What is given.
    pub given: Given,
    /// What must hold for the decision.
    pub expect: Program,
    /// Where it stands.
    pub pos: Pos,
    /// Where its expectation stands.
    pub expect_pos: Pos,
}

/// What a failed test saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// The name of the test.
    pub name: String,
    /// Where its expectation stands.
    pub pos: Pos,
    /// False, or unknown.
    pub held: Tri,
    /// The expectation as written.
    pub expected: String,
    /// What was decided instead, in one line.
    pub saw: String,
}
