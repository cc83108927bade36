//! The rows of the table.

use super::{BUDGET, GIVEN_BUDGET, KeyRow, LIMIT, Shape};
use crate::policy::clients::NamedModels;
use crate::policy::facts::{FACTS, FactId, FactRow, Scope, Type};
use crate::policy::model::{Accept, Balance, OnDisconnect, Prefer, ThinkingLevel, UnknownMode};
use crate::wire::Dialect;

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> KeyRow {
    KeyRow { name, shape, is_needed: false, doc }
}

const fn needed(name: &'static str, shape: Shape, doc: &'static str) -> KeyRow {
    KeyRow { name, shape, is_needed: true, doc }
}

fn first<T: Copy>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(name, _)| *name).collect()
}

/// How the name of a check of the host program begins.
pub(in crate::policy) const HOST_CHECK: &str = "check.";
/// What `unknown` may say.
pub(in crate::policy) const UNKNOWN: [(&str, UnknownMode); 2] =
    [("strongest", UnknownMode::Strongest), ("skip", UnknownMode::Skip)];
/// What `on_disconnect` may say.
pub(in crate::policy) const ON_DISCONNECT: [(&str, OnDisconnect); 2] =
    [("cancel", OnDisconnect::Cancel), ("drain", OnDisconnect::Drain)];
/// What `models` of `clients` may say.
pub(in crate::policy) const NAMED_MODELS: [(&str, NamedModels); 3] =
    [("honour", NamedModels::Honour), ("auto", NamedModels::Auto), ("refuse", NamedModels::Refuse)];
/// What `others` may say: whether they leave the choice to the policy.
pub(in crate::policy) const OTHERS: [(&str, bool); 2] = [("refuse", false), ("auto", true)];
/// The percentiles that `after` may say.
pub(in crate::policy) const HEDGE_AFTER: [(&str, u32); 4] = [("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)];
/// What `dialect` may say.
pub(in crate::policy) const DIALECTS: [(&str, Dialect); 3] = [
    ("openai-chat", Dialect::OpenAiChat),
    ("anthropic-messages", Dialect::AnthropicMessages),
    ("openai-responses", Dialect::OpenAiResponses),
];

/// The whole file.
pub(in crate::policy) const POLICY: &[KeyRow] = &[
    needed("turnout", Shape::Version, "The version of the language: `1`."),
    key(
        "extends",
        Shape::Text,
        "Another policy file that this one is laid over, beside it or in a folder below: `base.yaml`.",
    ),
    needed("name", Shape::Text, "The policy's name, as decisions and the ledger show it."),
    key("description", Shape::Text, "A text for people."),
    needed(
        "models",
        Shape::Named(&Shape::OneOf(&[Shape::Text, Shape::Block(&[MODEL])])),
        "A name of your own for each model: its name in the catalogue, such as `haiku: anthropic/claude-haiku-5-5`, or a \
         block that says what differs. Prices, windows and abilities come from the catalogue.",
    ),
    key(
        "pools",
        Shape::Named(&Shape::Models),
        "Named lists of models, from weak to strong: the order is the order of escalation, and gives each model its rank. \
         A pool may stand wherever a list of models does.",
    ),
    key(
        "facts",
        Shape::Facts(&Shape::Expression(Scope::Request)),
        "Named expressions, for conditions that are used more than once. Each may use those above it, and is computed \
         only when something asks for it.",
    ),
    key(
        "require",
        Shape::List(&Shape::Block(&[FILTER])),
        "Hard filters on every candidate, whatever the rules say. Doubt excludes: an unknown `when` applies, an unknown \
         `keep` rejects.",
    ),
    key(
        "unknown",
        Shape::Words(|| first(&UNKNOWN)),
        "What an unknown condition means for the rules. `strongest`, the default: it wins where it stands above the first \
         true rule and would choose a stronger model. `skip`: it does not match.",
    ),
    key(
        "rules",
        Shape::List(&Shape::Block(&[RULE, CHOICE])),
        "The first whose condition holds decides; the order is the priority.",
    ),
    needed("otherwise", Shape::Block(&[CHOICE]), "What to do when no rule matches."),
    ACCEPT,
    ESCALATION,
    key(
        "run",
        Shape::Block(&[RUN, RUN_OF_PROCESS]),
        "Bounds of the whole call: retries, fallbacks and waits included.",
    ),
    key("sticky", Shape::Block(&[STICKY]), STICKS),
    key(
        "experiments",
        Shape::List(&Shape::Block(&[EXPERIMENT])),
        "Models of a rule that share its calls by whose they are, at most one experiment in a rule.",
    ),
    key(
        "budgets",
        Shape::List(&Shape::Block(&[BUDGET])),
        "What may be spent in a window, reserved before each attempt: `{ name: team, per: meta.team, limit: $500/month }`.",
    ),
    key(
        "limits",
        Shape::List(&Shape::Block(&[LIMIT])),
        "How fast, and how many at once: `{ per: key, requests: 600/min, concurrent: 50 }`.",
    ),
    key(
        "clients",
        Shape::Block(&[CLIENTS]),
        "What the `model` of a request means that comes through `turnout serve`: `{ others: auto }`.",
    ),
    key(
        "tests",
        Shape::List(&Shape::Block(&[TEST])),
        "What must hold. A policy whose tests fail does not load; `turnout test` runs them.",
    ),
];

const STICKS: &str =
    "Whose calls stay with the deployment that answered the last one: `{ by: session, leave_if: saves > 30% }`.";

const ACCEPT: KeyRow = key(
    "accept",
    Shape::OneOrMany(&Shape::OneOf(&[Shape::Words(|| Accept::ALL.map(|(name, _)| name).to_vec()), Shape::HostCheck])),
    "What a good answer is; a poor one goes to the next stronger model, as far as `escalate` allows. `valid_json` looks \
     only where the request asks for JSON, `schema_valid` where it gives a schema; `check.NAME` asks the host program. \
     Default: `[not_empty]`.",
);
const ESCALATION: KeyRow =
    key("escalate", Shape::Block(&[ESCALATE]), "How far a poor answer climbs: `{ at_most: 1, cost_within: 2.5x }`.");

/// A model in a block.
pub(in crate::policy) const MODEL: &[KeyRow] = &[
    needed("use", Shape::Text, "Its name in the catalogue, such as `anthropic/claude-haiku-5-5`."),
    key(
        "deployments",
        Shape::Some(&Shape::Block(&[DEPLOYMENT])),
        "Several keys or regions of the same model; calls are spread over them, and one takes over for another.",
    ),
    key(
        "balance",
        Shape::Words(|| first(&Balance::ALL)),
        "How calls are spread over its deployments, where `prefer` sees no difference. `weighted`, the default: by their \
         weights. `least_busy`: where the fewest calls are under way for the weight. `lowest_latency`: of two that are drawn \
         by weight, the one that answers sooner just now. A deployment that cools, or that the provider says has too little \
         left of its limits, goes last.",
    ),
    KEY,
    REGION,
    BASE_URL,
    key(
        "price",
        Shape::OneOf(&[Shape::Words(|| vec!["free"]), Shape::Block(&[PRICE])]),
        "`free`, or dollars per million tokens: `{ input: $0.10, output: $0.40 }`. A model that the catalogue does not \
         know needs it: an unknown price is never taken for zero.",
    ),
    key("context", Shape::Count(1, 1_000_000_000), "Its window in tokens, prompt and answer together, such as `32k`."),
    key("max_output", Shape::Count(1, 1_000_000_000), "Its longest answer in tokens, such as `8k`."),
    key("dialect", Shape::Words(|| first(&DIALECTS)), "How it is spoken to, where that differs from its provider."),
    key("tools", Shape::Bool, "Whether it takes tools."),
    key("images", Shape::Bool, "Whether it takes pictures."),
    key("documents", Shape::Bool, "Whether it takes files."),
    key("schema", Shape::Bool, "Whether it keeps to a JSON schema."),
];
const KEY: KeyRow = key(
    "key",
    Shape::KeyRef,
    "The environment variable that holds the key, as `env:NAME`, or `none`. A key itself never stands in a policy. \
     Default: the provider's own variable.",
);
const REGION: KeyRow =
    key("region", Shape::Text, "Where it runs, such as `eu`; filters read it as `deployment.region`, prices go by it.");
const BASE_URL: KeyRow = key(
    "base_url",
    Shape::Url,
    "Its address, such as `https://api.example.com/v1`; `http` only to this machine and private networks.",
);

/// A deployment.
pub(in crate::policy) const DEPLOYMENT: &[KeyRow] = &[
    needed("name", Shape::Name, "Its name; `MODEL/NAME` names it in tests, decisions and the ledger."),
    KEY,
    REGION,
    BASE_URL,
    key("weight", Shape::Count(0, 1000), "Its share of the calls beside the others' weights. Default: 1."),
];

/// Prices.
pub(in crate::policy) const PRICE: &[KeyRow] = &[
    needed("input", Shape::Money, "Dollars per million input tokens, such as `$0.10`."),
    needed("output", Shape::Money, "Dollars per million output tokens, such as `$0.40`."),
    key("cache_read", Shape::Money, "Dollars per million input tokens that come from the provider's prompt cache."),
    key("cache_write", Shape::Money, "Dollars per million input tokens that are written to it."),
];

/// A filter of `require`.
pub(in crate::policy) const FILTER: &[KeyRow] = &[
    key("name", Shape::Text, "Its name, as reasons show it: `require:NAME`."),
    key("when", Shape::Expression(Scope::Request), "When it applies. Left out: always. Unknown: it applies."),
    needed("keep", Shape::Expression(Scope::Candidate), "What a candidate must meet. Unknown: the candidate is out."),
];

/// What a rule says whose calls stay nowhere.
pub(in crate::policy) const NOT_STICKY: &str = "off";
const STICKS_HERE: &str =
    "The same for the calls of this rule, whole; `off`: they stay nowhere. Left out: as at the top.";

/// What only a rule has.
pub(in crate::policy) const RULE: &[KeyRow] = &[
    needed("name", Shape::Name, "Its name, as decisions, tests and the ledger show it."),
    needed("when", Shape::Expression(Scope::Request), "Its condition."),
];

/// What a rule and `otherwise` share.
pub(in crate::policy) const CHOICE: &[KeyRow] = &[
    needed("from", Shape::Models, "The models or pools to choose from."),
    key(
        "prefer",
        Shape::Words(|| first(&Prefer::ALL)),
        "What ranks them: `cheapest` by expected cost, `best` by predicted quality, `fastest` by time to first token, or `in_order`, \
         the default.",
    ),
    key(
        "want",
        Shape::OneOrMany(&Shape::Expression(Scope::Candidate)),
        "Wishes; given up from the right where no candidate meets them all, and the decision says so.",
    ),
    key("require", Shape::List(&Shape::Block(&[FILTER])), "Hard filters of this choice."),
    key("set", Shape::Block(&[SET]), "Parameters to set on the request."),
    key("else", Shape::Models, "Tried only after failure of all of `from`."),
    key("sticky", Shape::OneOf(&[Shape::Words(|| vec![NOT_STICKY]), Shape::Block(&[STICKY])]), STICKS_HERE),
    ACCEPT,
    ESCALATION,
    key("run", Shape::Block(&[RUN]), "Bounds of the call; what is not said is inherited from the top."),
];

/// `set`.
pub(in crate::policy) const SET: &[KeyRow] = &[
    key(
        "thinking",
        Shape::OneOf(&[Shape::Words(|| first(&ThinkingLevel::NAMED)), Shape::Count(1, 1_000_000)]),
        "How much to think before the answer: a level, or a number of tokens.",
    ),
    key("max_tokens", Shape::Count(1, 10_000_000), "The longest answer in tokens."),
];

/// `escalate`.
pub(in crate::policy) const ESCALATE: &[KeyRow] = &[
    key("at_most", Shape::Count(0, 5), "How many stronger models may be asked after a poor answer. Default: 1."),
    key("cost_within", Shape::Factor, "What each of them may cost, as a multiple of the first choice: `2.5x`."),
];

/// `run`, everywhere.
pub(in crate::policy) const RUN: &[KeyRow] = &[
    key("deadline", Shape::Duration, "The whole call, retries, fallbacks and waits included: `40s`."),
    key("spend", Shape::Money, "What the whole call may cost: `$0.25`."),
    key("ttft", Shape::Duration, "The first content of one streamed attempt: `6s`."),
    key("attempts", Shape::Count(1, 20), "How many attempts the call may make."),
    key(
        "idle",
        Shape::Duration,
        "The longest pause between pieces of content of a stream; pings do not count. Default: 30s.",
    ),
    key(
        "on_disconnect",
        Shape::Words(|| first(&ON_DISCONNECT)),
        "What becomes of the upstream when the client of a stream has gone. `cancel`, the default: it is closed at once, \
         and what was not seen is estimated. `drain`: it is read to its end, within the deadline, so that its usage is known.",
    ),
    key(
        "hedge",
        Shape::Block(&[HEDGE]),
        "A second attempt elsewhere beside one that is late, before any content: `{ after: p95, share: 3% }`. The first to \
         answer wins, the other one is cancelled and paid for.",
    ),
];

/// `hedge`.
pub(in crate::policy) const HEDGE: &[KeyRow] = &[
    needed(
        "after",
        Shape::OneOf(&[Shape::Words(|| first(&HEDGE_AFTER)), Shape::Duration]),
        "When an attempt is late: later than this share of its deployment's own, or such as `800ms`.",
    ),
    key("share", Shape::Share, "Hedges as a share of the process's calls, at most. Default: `3%`."),
    key("cost_within", Shape::Factor, "What a hedge may cost, as a multiple of the attempt beside it: `1.5x`."),
];

/// `run`, at the top only: what belongs to the process.
pub(in crate::policy) const RUN_OF_PROCESS: &[KeyRow] = &[key(
    "retry_budget",
    Shape::Share,
    "Retries, and fallbacks to targets that are not healthy, as a share of the process's calls: `20%`.",
)];

/// `sticky`.
pub(in crate::policy) const STICKY: &[KeyRow] = &[
    needed("by", Shape::Text, "What names a session: `session`, `user`, or a value of `meta`, such as `meta.thread`."),
    key(
        "for",
        Shape::OneOf(&[Shape::Words(|| vec!["cache_ttl"]), Shape::Duration]),
        "How long after an answer: `cache_ttl`, the default, as long as the provider's prompt cache lives, or such as \
         `10m`, at most a day.",
    ),
    key(
        "leave_if",
        Shape::Expression(Scope::Request),
        "When a session leaves for what is preferred otherwise: `saves > 30%`, the share of the expected cost. Left out: \
         never.",
    ),
];

/// The names that clients use.
pub(in crate::policy) const CLIENTS: &[KeyRow] = &[
    key(
        "aliases",
        Shape::List(&Shape::Block(&[ALIAS])),
        "Names of the clients' own and what they mean: `{ name: \"gpt-4*\", means: auto }`. The first that fits counts.",
    ),
    key(
        "models",
        Shape::Words(|| first(&NAMED_MODELS)),
        "What becomes of a request that names a model or a pool of this policy: `honour`, the default, and it answers; \
         `auto`, and the policy chooses; or `refuse`.",
    ),
    key(
        "others",
        Shape::Words(|| first(&OTHERS)),
        "What becomes of a name that means nothing: `refuse`, the default, or `auto`, and the policy chooses.",
    ),
];

/// A name of the clients' own.
pub(in crate::policy) const ALIAS: &[KeyRow] = &[
    needed("name", Shape::Text, "The name as clients write it; one `*` stands for any characters."),
    needed("means", Shape::Text, "`auto`, or a rule, pool or model of this policy."),
];

/// An experiment.
pub(in crate::policy) const EXPERIMENT: &[KeyRow] = &[
    needed("name", Shape::Name, "Its name, as decisions and the ledger show it; another name draws the arms anew."),
    needed("in", Shape::Text, "The rule that it is in, or `otherwise`."),
    needed(
        "by",
        Shape::Text,
        "Whose calls share an arm: `session`, `user`, or a value of `meta`, such as `meta.team`.",
    ),
    needed(
        "arms",
        Shape::Named(&Shape::Share),
        "Models of the rule's `from` with their shares, which add up to 100%: `{ sonnet: 90%, opus: 10% }`.",
    ),
];

/// What `for_any` may say.
pub(in crate::policy) const FOR_ANY: [(&str, bool); 1] = [("prompt", true)];

/// A test.
pub(in crate::policy) const TEST: &[KeyRow] = &[
    needed("name", Shape::Text, "What it shows, in words."),
    key(
        "for_any",
        Shape::Words(|| first(&FOR_ANY)),
        "`prompt`: the test must hold for each of some hundred generated requests, and gives no prompt itself.",
    ),
    key("given", Shape::Given, "The request, the caller and the moment: `{ prompt: \"hi there\" }`."),
    needed("expect", Shape::Expression(Scope::Decision), "What must hold of the decision."),
];

/// `given`, beside the facts of a request.
pub(in crate::policy) const GIVEN: &[KeyRow] = &[
    key("prompt", Shape::Prose, "What the user asks."),
    key("meta", Shape::Named(&Shape::Prose), "What the caller passes: `{ team: search }` is `meta.team`."),
    key("now", Shape::Moment, "The clock, in UTC. Default: `2026-01-05T12:00Z`."),
    key("cooling", Shape::OneOrMany(&Shape::Text), "Models or deployments that cool down."),
    key("held", Shape::Text, "The model or deployment that the session of `sticky` is with."),
    key(
        "budget",
        Shape::Named(&Shape::Block(&[GIVEN_BUDGET])),
        "What budgets have used or left: `{ team: { used: 97% } }`. Default: nothing is used.",
    ),
    key("without_key", Shape::OneOrMany(&Shape::Text), "Models or deployments whose key is missing."),
];

/// The facts of a request that a test may set, instead of what would be computed.
pub(in crate::policy) fn given_facts() -> Vec<KeyRow> {
    let is_settable =
        |row: &&FactRow| !matches!(row.id, FactId::Prompt | FactId::Time | FactId::Weekday | FactId::Date);
    let of_request = FACTS.iter().filter(|row| row.scope == Scope::Request);
    of_request.filter(is_settable).map(|row| key(row.name, fact_shape(row), row.doc)).collect()
}

fn fact_shape(row: &FactRow) -> Shape {
    match row.ty {
        Type::Bool => Shape::OneOf(&[Shape::Bool, Shape::Unknown]),
        Type::Number if row.range.is_some() => Shape::OneOf(&[Shape::Share, Shape::Unknown]),
        Type::Number => Shape::OneOf(&[Shape::Count(0, 1_000_000_000), Shape::Unknown]),
        Type::Enum(_) if row.id == FactId::Task => Shape::OneOf(&[Shape::Words(tasks), Shape::Unknown]),
        _ => Shape::Text,
    }
}

fn tasks() -> Vec<&'static str> {
    crate::classify::Task::NAMES.to_vec()
}
