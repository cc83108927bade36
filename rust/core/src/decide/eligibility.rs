//! Hard filters: a candidate passes all of them, or is rejected with the first that it fails.

use std::fmt::Write as _;

use super::candidate::Candidate;
use super::environment::RequestEnv;
use super::facts::RequestFacts;
use crate::calendar;
use crate::catalog::{Model, Status};
use crate::money::UsdPicos;
use crate::policy::expr::{Program, Tri};
use crate::policy::facts::FactId;
use crate::policy::{OnExceed, Policy, Prefer, Require, Rule};
use crate::wire::{Dialect, ToolChoice};

/// Every reason of the engine's own, and what it says. A filter of `require` is `require:NAME`.
pub const REASONS: &[(&str, &str)] = &[
    ("no-key", "no key for it is present"),
    ("retired", "the provider has retired the model"),
    ("window", "the request does not fit its window"),
    ("no-tools", "it is not known to take tools"),
    ("no-forced-tool", "it does not take a forced tool choice"),
    ("no-images", "it is not known to take pictures"),
    ("no-documents", "it is not known to take files"),
    ("no-schema", "it is not known to keep to a JSON schema"),
    ("no-choices", "its dialect gives one answer only"),
    ("provider-tools", "the request names tools that only another provider runs"),
    ("untranslatable", "the request holds what cannot be said in its dialect, or what the model refuses"),
    ("over-budget", "what it may cost at most is more than a budget of `on_exceed: step_down` has left"),
    ("unknown-price", "money is asked about, and its price is not known"),
];

/// The window of a local model whose policy says none: what Ollama opens unless told otherwise.
const UNKNOWN_WINDOW_TOKENS: u64 = 4096;

/// Why a candidate is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    /// The code.
    pub code: String,
    /// One line for people.
    pub reason: String,
    /// Whether the request was near an edge, and the safe side was taken.
    pub is_edge: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "every caller returns it as it is")]
fn reject(code: &str, reason: impl Into<String>) -> Option<Rejection> {
    Some(Rejection { code: code.to_owned(), reason: reason.into(), is_edge: false })
}

/// Whether the day has come on which the provider ends the model: a process may run longer than a model lives.
fn has_ended(model: &Model, now_ms: i64) -> bool {
    model.status == Status::Deprecated
        && model.retires_on.as_deref().and_then(calendar::parse_instant).is_some_and(|ends_ms| ends_ms <= now_ms)
}

/// What a request and a rule ask of every candidate.
#[allow(clippy::struct_excessive_bools, reason = "each is one independent need")]
pub(super) struct Needs {
    tools: bool,
    forced_tool: bool,
    images: bool,
    documents: bool,
    schema: bool,
    provider_tools: bool,
    /// Whether the rule asks about money: where it is not known, a candidate must neither win nor be tried unbounded.
    money: bool,
    long_cost: bool,
}

impl Needs {
    /// Those of a request and a rule.
    pub fn of(facts: &RequestFacts<'_>, policy: &Policy, rule: &Rule) -> Self {
        let request = facts.request();
        let filters = rule.require.iter().chain(&policy.require);
        let programs = || rule.want.iter().chain(filters.clone().map(|filter| &filter.keep));
        let spends_bounded = rule.run.unwrap_or(policy.run).spend_usd_picos.is_some();
        Self {
            tools: facts.tools() > 0,
            forced_tool: matches!(request.tool_choice, ToolChoice::Any | ToolChoice::Named(_)),
            images: facts.images() > 0,
            documents: facts.documents() > 0,
            schema: facts.wants_schema(),
            provider_tools: request.tools.iter().any(|tool| !tool.is_function),
            money: rule.prefer == Prefer::Cheapest || spends_bounded || programs().any(reads_money),
            long_cost: programs().any(|program| program.reads().contains(&FactId::CostP90)),
        }
    }

    /// The first filter that the candidate fails; none when it is eligible.
    pub fn rejection(
        &self,
        env: &RequestEnv<'_>,
        rule: &Rule,
        candidate: &Candidate,
        has_key: bool,
    ) -> Option<Rejection> {
        let model = env.policy.models.get(candidate.model)?;
        let request = env.facts.request();
        let facts = &model.facts;
        if !has_key {
            let deployment = env.policy.deployments.get(candidate.deployment)?;
            let name = deployment.key_label.replace("env:", "").replace('|', " or ");
            return reject("no-key", format!("{name} is not set"));
        }
        if facts.status == Status::Retired || has_ended(facts, env.facts.now_ms()) {
            let day = facts.retires_on.as_deref().unwrap_or("an unknown day");
            return reject("retired", format!("retired on {day}"));
        }
        if self.tools && facts.caps.tools != Some(true) {
            return reject("no-tools", "the request offers tools");
        }
        if self.forced_tool && !facts.takes_forced_tool_choice() {
            return reject("no-forced-tool", "the request forces a tool call");
        }
        if self.images && facts.caps.vision != Some(true) {
            return reject("no-images", "the request holds pictures");
        }
        if self.documents && facts.caps.pdf != Some(true) {
            return reject("no-documents", "the request holds files");
        }
        if self.schema && facts.caps.structured != Some(true) {
            return reject("no-schema", "the request asks for JSON of a schema");
        }
        if request.choices > 1 && model.dialect != Dialect::OpenAiChat {
            return reject("no-choices", format!("the request asks for {} answers", request.choices));
        }
        if self.provider_tools && model.dialect != request.dialect {
            return reject("provider-tools", "the request names a tool that its own provider runs");
        }
        let kind = (model.dialect, facts.takes_prefill(), facts.takes_forced_tool_choice());
        if let Some(reason) = env.facts.unwritable(kind) {
            return reject("untranslatable", reason);
        }
        if let Some(rejection) = window(env, candidate) {
            return Some(rejection);
        }
        if let Some(reason) = candidate.cost_unknown.as_ref().filter(|_| self.is_money_missing(env.policy, candidate)) {
            return reject("unknown-price", reason);
        }
        if let Some(rejection) = over_budget(env, candidate) {
            return Some(rejection);
        }
        env.policy.require.iter().chain(&rule.require).find_map(|filter| unmet(env, filter, candidate))
    }

    fn is_money_missing(&self, policy: &Policy, candidate: &Candidate) -> bool {
        if policy.needs_price(candidate.model) && candidate.upper.is_none_or(|upper| upper.usd_nanos.is_none()) {
            return true;
        }
        (self.money && candidate.cost_p50_usd_picos.is_none())
            || (self.long_cost && candidate.cost_p90_usd_picos.is_none())
    }
}

/// A budget that steps down takes out what does not fit into it.
fn over_budget(env: &RequestEnv<'_>, candidate: &Candidate) -> Option<Rejection> {
    let most = candidate.upper?.usd_nanos?;
    env.policy.budgets.iter().zip(0_u16..).find_map(|(budget, index)| {
        let steps_down = budget.holds() && budget.on_exceed == OnExceed::StepDown && budget.covers(candidate.model);
        let left = env.facts.budget(index).filter(|_| steps_down)?.left_usd_nanos;
        let dollars = |nanos: i64| UsdPicos(nanos.saturating_mul(1_000)).to_string();
        let reason =
            || format!("it may cost {}, and `{}` has {} left", dollars(most), budget.name, dollars(left.max(0)));
        if most > left { reject("over-budget", reason()) } else { None }
    })
}

fn reads_money(program: &Program) -> bool {
    program.reads().iter().any(|fact| matches!(fact, FactId::CostP50 | FactId::CostP90))
}

/// An unknown `when` applies, an unknown `keep` rejects.
fn unmet(env: &RequestEnv<'_>, filter: &Require, candidate: &Candidate) -> Option<Rejection> {
    let doubted = match &filter.when {
        None => None,
        Some(when) => match env.holds(when) {
            Tri::False => return None,
            Tri::True => None,
            Tri::Unknown => Some(when.source()),
        },
    };
    let held = match env.holds_for(&filter.keep, candidate) {
        Tri::True => return None,
        Tri::False => "does not hold",
        Tri::Unknown => "is not known to hold",
    };
    let mut reason = format!("`{}` {held}", filter.keep.source());
    if let Some(when) = doubted {
        // Who is rejected for what nobody said should see that it was not said.
        let _ = write!(reason, "; `{when}` is not known, and in doubt the filter applies");
    }
    reject(&format!("require:{}", filter.name), reason)
}

/// Input and output must fit; an estimate that leaves it open is counted exactly if it can be, else doubt excludes.
fn window(env: &RequestEnv<'_>, candidate: &Candidate) -> Option<Rejection> {
    let model = env.policy.models.get(candidate.model)?;
    let window = model.facts.context.unwrap_or(UNKNOWN_WINDOW_TOKENS);
    // Each of several answers has the window to itself.
    let of_one = || candidate.output.p50_tokens / env.facts.request().choices.max(1);
    let answer = candidate.max_tokens.unwrap_or_else(of_one);
    let fits =
        |input: u64| input.saturating_add(answer) <= window && model.facts.max_input.is_none_or(|most| input <= most);
    if fits(candidate.input.high) {
        return None;
    }
    let is_open = fits(candidate.input.low);
    let exact = if is_open { env.facts.exact_input_tokens(model.family) } else { None };
    let input = exact.unwrap_or(candidate.input);
    if exact.is_some_and(|exact| fits(exact.high)) {
        return None;
    }
    let reason = format!("{} tokens in and {answer} out do not fit {window}", input.high);
    Some(Rejection { code: "window".to_owned(), reason, is_edge: is_open && exact.is_none() })
}
