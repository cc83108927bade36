//! The rows of `budgets` and `limits`.

use super::{KeyRow, Shape};
use crate::policy::budgets::OnExceed;

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> KeyRow {
    KeyRow { name, shape, is_needed: false, doc }
}

const fn needed(name: &'static str, shape: Shape, doc: &'static str) -> KeyRow {
    KeyRow { name, shape, is_needed: true, doc }
}

const ENFORCE: KeyRow = key(
    "enforce",
    Shape::Bool,
    "Whether it holds. `false`: it is counted, and what it would have refused is reported. Default: true.",
);
const MODELS: KeyRow = key("models", Shape::Models, "The models or pools whose calls count. Left out: all.");

/// A budget.
pub(in crate::policy) const BUDGET: &[KeyRow] = &[
    needed(
        "name",
        Shape::Name,
        "Its name; conditions read `budget.NAME.used`, a share, and `budget.NAME.left`, money.",
    ),
    needed(
        "limit",
        Shape::Spend,
        "Dollars in a window: `$500/month`, `/week`, `/day` or `/hour` of the calendar, or the last so long: `$20/24h`.",
    ),
    key(
        "per",
        Shape::OneOrMany(&Shape::Text),
        "Whose spend is added up: `key`, `user`, `session`, a value of `meta`, such as `meta.team`, or a list of these. \
         Left out: everyone's.",
    ),
    MODELS,
    key(
        "zone",
        Shape::Text,
        "Where days, weeks and months begin: `UTC`, the default, an offset such as `+02:00`, or such as `Europe/Berlin`.",
    ),
    key(
        "on_exceed",
        Shape::Words(|| OnExceed::ALL.iter().map(|(name, _)| *name).collect()),
        "What happens to a call that may cost more than is left: `refuse`, the default; `step_down`, a model that fits \
         answers it; `warn`, it is made.",
    ),
    key("alert_at", Shape::OneOrMany(&Shape::Share), "Shares that are told once each: `[50%, 80%, 95%]`."),
    ENFORCE,
];

/// What a limit bounds: one of these at least.
pub(in crate::policy) const BOUNDS: [&str; 6] =
    ["requests", "tokens", "input_tokens", "output_tokens", "spend", "concurrent"];

/// A limit.
pub(in crate::policy) const LIMIT: &[KeyRow] = &[
    key("name", Shape::Text, "Its name, as refusals show it. Default: `limit-1`, by its place."),
    key(
        "per",
        Shape::OneOrMany(&Shape::Text),
        "Whose calls are added up: `key`, `user`, `session`, a value of `meta`, `model`, `deployment`, `provider`, or a \
         list of these. Left out: everyone's.",
    ),
    MODELS,
    key("requests", Shape::Rate, "Attempts: `600/min`."),
    key("tokens", Shape::Rate, "Input and output tokens: `2M/min`."),
    key("input_tokens", Shape::Rate, "Input tokens: `1M/min`."),
    key("output_tokens", Shape::Rate, "Output tokens, thinking included: `200k/min`."),
    key("spend", Shape::Rate, "Dollars: `$5/hour`."),
    key("concurrent", Shape::Count(1, 1_000_000), "Attempts under way at once: `50`."),
    ENFORCE,
];

/// What a test says of a budget.
pub(in crate::policy) const GIVEN_BUDGET: &[KeyRow] =
    &[key("used", Shape::Share, "The share that is used: `97%`."), key("left", Shape::Money, "What is left: `$3`.")];
