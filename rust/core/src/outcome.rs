//! How an attempt ended, and the one table that says what follows from it.
//!
//! Promises: every ending has one stable name and one row; the row is data, so that it can be printed, explained and
//! tested. Whatever retries, cools down, counts against a breaker or settles money reads it here and nowhere else.
//!
//! Refuses: to know providers, statuses or texts (`wire` maps those to a kind) and to know policies (which may override a row).
//!
//! A test breaks it with a kind that has no row or two, or with a name that does not come back.

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutcomeKind {
    /// A whole answer.
    Complete,
    /// An answer that ends before it is finished (token limit, context window, paused turn) or says nothing.
    Incomplete,
    /// A body or stream that stops before the provider said that it is finished.
    Truncated,
    /// The model or a filter declined.
    Refused,
    /// The upstream answered with something that is not an answer.
    BadUpstream,
    /// Too many requests or tokens just now.
    RateLimited,
    /// The quota, credit or spend cap of the key is used up.
    Exhausted,
    /// The provider has no capacity just now.
    Overloaded,
    /// The request does not fit the model's context window.
    Overflow,
    /// The request itself is wrong.
    Rejected,
    /// The key is not accepted.
    Unauthorized,
    /// The model or deployment does not exist there.
    NotFound,
    /// The provider failed.
    ServerError,
    /// No connection within the connect deadline.
    TimeoutConnect,
    /// No first byte or first content within its deadline.
    TimeoutFirstByte,
    /// No further content within the idle deadline.
    TimeoutContent,
    /// The deadline of the whole call passed.
    Deadline,
    /// The client went away.
    Cancelled,
    /// The connection failed before anything was sent.
    Connect,
    /// The connection failed after something may have been sent.
    Transport,
}

impl OutcomeKind {
    /// The stable name used in policies, records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Truncated => "truncated",
            Self::Refused => "refused",
            Self::BadUpstream => "bad_upstream",
            Self::RateLimited => "rate_limited",
            Self::Exhausted => "exhausted",
            Self::Overloaded => "overloaded",
            Self::Overflow => "overflow",
            Self::Rejected => "rejected",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::ServerError => "server_error",
            Self::TimeoutConnect => "timeout_connect",
            Self::TimeoutFirstByte => "timeout_first_byte",
            Self::TimeoutContent => "timeout_content",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::Connect => "connect",
            Self::Transport => "transport",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().map(|row| row.kind).find(|kind| kind.name() == name)
    }

    /// What follows from this kind.
    pub fn row(self) -> &'static OutcomeRow {
        // Total: the test below holds the table to one row a kind.
        TABLE.iter().find(|row| row.kind == self).unwrap_or(&FALLBACK_ROW)
    }

    /// Whether the model answered, in whatever way: `complete`, `incomplete` or `refused`.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Complete | Self::Incomplete | Self::Refused)
    }
}

/// Where to go when the same target is not tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// The same model with another key, then the next deployment.
    SameModelOtherKey,
    /// The next deployment of the plan.
    NextDeployment,
    /// The next deployment at another provider.
    NextProvider,
    /// The next deployment whose context window is larger.
    LargerWindow,
    /// Nowhere: the client gets this outcome.
    Return,
}

impl NextStep {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameModelOtherKey => "same_model_other_key",
            Self::NextDeployment => "next_deployment",
            Self::NextProvider => "next_provider",
            Self::LargerWindow => "larger_window",
            Self::Return => "return",
        }
    }
}

/// What is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cools {
    /// Nothing.
    Nothing,
    /// The key that was used.
    Key,
    /// The deployment that was used.
    Deployment,
    /// The provider as a whole.
    Provider,
}

impl Cools {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Key => "key",
            Self::Deployment => "deployment",
            Self::Provider => "provider",
        }
    }
}

/// What follows from one kind of outcome. It holds before the commit point; after it nothing is ever tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeRow {
    /// The kind.
    pub kind: OutcomeKind,
    /// Whether one more try of the same deployment with the same key makes sense (within the retry budget).
    pub retry_same: bool,
    /// Where to go otherwise.
    pub next: NextStep,
    /// What is left alone for a while.
    pub cools: Cools,
    /// For how long when the provider does not say, in milliseconds.
    pub default_cooldown_ms: i64,
    /// Whether it counts against the deployment's circuit breaker.
    pub counts_as_failure: bool,
    /// Whether the provider may bill for it.
    pub maybe_billed: bool,
    /// One line for people.
    pub meaning: &'static str,
}

/// Never used while each kind has its row; the most cautious one.
const FALLBACK_ROW: OutcomeRow = OutcomeRow {
    kind: OutcomeKind::ServerError,
    retry_same: false,
    next: NextStep::Return,
    cools: Cools::Nothing,
    default_cooldown_ms: 0,
    counts_as_failure: true,
    maybe_billed: true,
    meaning: "unknown",
};

/// A rate limit without any hint: long enough for a per-second window, short against a per-minute one.
const RATE_LIMIT_COOLDOWN_MS: i64 = 5_000;
/// What only a person can mend (a key, a quota) is probed again after this long; also the ceiling of every cooldown.
const ACCOUNT_COOLDOWN_MS: i64 = 600_000;
/// RELIABILITY F34: a model that is not there is left alone for five minutes.
const NOT_FOUND_COOLDOWN_MS: i64 = 300_000;

/// The table: one row a kind, in the order of [`OutcomeKind`].
#[rustfmt::skip]
pub const TABLE: &[OutcomeRow] = {
    use Cools::{Deployment, Key, Nothing, Provider};
    use NextStep::{LargerWindow, NextDeployment, NextProvider, Return, SameModelOtherKey};
    use OutcomeKind as K;
    &[
        //  kind                 same   next               cools       cooldown                fails  billed
        row(K::Complete,         false, Return,            Nothing,    0,                      false, true,  "a whole answer"),
        row(K::Incomplete,       false, Return,            Nothing,    0,                      false, true,  "an answer that ends before it is finished, or is empty"),
        row(K::Truncated,        true,  NextDeployment,    Nothing,    0,                      true,  true,  "the answer stopped without its end"),
        row(K::Refused,          false, Return,            Nothing,    0,                      false, true,  "the model or a filter declined"),
        row(K::BadUpstream,      true,  NextDeployment,    Nothing,    0,                      true,  true,  "the upstream sent something that is not an answer"),
        row(K::RateLimited,      true,  SameModelOtherKey, Deployment, RATE_LIMIT_COOLDOWN_MS, false, false, "too many requests or tokens just now"),
        row(K::Exhausted,        false, SameModelOtherKey, Key,        ACCOUNT_COOLDOWN_MS,    false, false, "the key's quota, credit or spend cap is used up"),
        row(K::Overloaded,       true,  NextProvider,      Provider,   RATE_LIMIT_COOLDOWN_MS, true,  false, "the provider has no capacity just now"),
        row(K::Overflow,         false, LargerWindow,      Nothing,    0,                      false, false, "the request does not fit the model's context window"),
        row(K::Rejected,         false, Return,            Nothing,    0,                      false, false, "the request itself is wrong"),
        row(K::Unauthorized,     false, SameModelOtherKey, Key,        ACCOUNT_COOLDOWN_MS,    false, false, "the key is not accepted"),
        row(K::NotFound,         false, NextDeployment,    Deployment, NOT_FOUND_COOLDOWN_MS,  false, false, "the model does not exist there"),
        row(K::ServerError,      true,  NextDeployment,    Nothing,    0,                      true,  true,  "the provider failed"),
        row(K::TimeoutConnect,   false, NextDeployment,    Nothing,    0,                      true,  false, "no connection in time"),
        row(K::TimeoutFirstByte, false, NextDeployment,    Nothing,    0,                      true,  true,  "no first content in time"),
        row(K::TimeoutContent,   false, NextDeployment,    Nothing,    0,                      true,  true,  "the stream stalled"),
        row(K::Deadline,         false, Return,            Nothing,    0,                      false, true,  "the deadline of the whole call passed"),
        row(K::Cancelled,        false, Return,            Nothing,    0,                      false, true,  "the client went away"),
        row(K::Connect,          true,  NextDeployment,    Nothing,    0,                      true,  false, "no connection; nothing was sent"),
        row(K::Transport,        true,  NextDeployment,    Nothing,    0,                      true,  true,  "the connection broke; something may have been sent"),
    ]
};

#[allow(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "the arguments are the columns of the table above"
)]
const fn row(
    kind: OutcomeKind,
    retry_same: bool,
    next: NextStep,
    cools: Cools,
    default_cooldown_ms: i64,
    counts_as_failure: bool,
    maybe_billed: bool,
    meaning: &'static str,
) -> OutcomeRow {
    OutcomeRow { kind, retry_same, next, cools, default_cooldown_ms, counts_as_failure, maybe_billed, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails to compile when a kind is added, so that the list below is extended too.
    const fn place(kind: OutcomeKind) -> usize {
        match kind {
            OutcomeKind::Complete => 0,
            OutcomeKind::Incomplete => 1,
            OutcomeKind::Truncated => 2,
            OutcomeKind::Refused => 3,
            OutcomeKind::BadUpstream => 4,
            OutcomeKind::RateLimited => 5,
            OutcomeKind::Exhausted => 6,
            OutcomeKind::Overloaded => 7,
            OutcomeKind::Overflow => 8,
            OutcomeKind::Rejected => 9,
            OutcomeKind::Unauthorized => 10,
            OutcomeKind::NotFound => 11,
            OutcomeKind::ServerError => 12,
            OutcomeKind::TimeoutConnect => 13,
            OutcomeKind::TimeoutFirstByte => 14,
            OutcomeKind::TimeoutContent => 15,
            OutcomeKind::Deadline => 16,
            OutcomeKind::Cancelled => 17,
            OutcomeKind::Connect => 18,
            OutcomeKind::Transport => 19,
        }
    }

    #[test]
    fn each_kind_has_one_row_and_its_name_comes_back() {
        assert_eq!(TABLE.len(), 20);
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(place(row.kind), at, "{} stands out of order", row.kind.name());
            assert_eq!(OutcomeKind::from_name(row.kind.name()), Some(row.kind));
            assert_eq!(row.kind.row(), row);
        }
        assert_eq!(OutcomeKind::from_name("ok"), None);
    }

    #[test]
    fn rows_do_not_contradict_themselves() {
        for row in TABLE {
            let name = row.kind.name();
            assert_eq!(row.cools == Cools::Nothing, row.default_cooldown_ms == 0, "{name}");
            assert!((0..=ACCOUNT_COOLDOWN_MS).contains(&row.default_cooldown_ms), "{name}");
            if row.kind.is_answer() {
                assert!(!row.counts_as_failure && row.maybe_billed && row.next == NextStep::Return, "{name}");
            }
            if row.next == NextStep::Return {
                assert!(!row.retry_same, "{name}");
            }
        }
    }

    #[test]
    fn the_rows_that_the_catalogue_of_faults_names() {
        let row = OutcomeKind::row;
        // F01, F05: nothing was sent, so nothing is billed, and the next target is tried at once.
        assert!(!row(OutcomeKind::Connect).maybe_billed && row(OutcomeKind::Transport).maybe_billed);
        // F23: never retried on that key. F24: only one model with one key cools, as limits are per model. F26: another provider, not another key.
        assert!(!row(OutcomeKind::Exhausted).retry_same && row(OutcomeKind::Exhausted).cools == Cools::Key);
        assert_eq!(row(OutcomeKind::RateLimited).cools, Cools::Deployment);
        assert_eq!(row(OutcomeKind::Overloaded).next, NextStep::NextProvider);
        // F30, F31: the client's request is no failure of the provider.
        assert_eq!(row(OutcomeKind::Overflow).next, NextStep::LargerWindow);
        assert!(!row(OutcomeKind::Rejected).counts_as_failure && !row(OutcomeKind::Overflow).counts_as_failure);
        // F32, F34, F59.
        assert_eq!(row(OutcomeKind::Unauthorized).next, NextStep::SameModelOtherKey);
        assert_eq!(row(OutcomeKind::NotFound).default_cooldown_ms, 300_000);
        assert!(row(OutcomeKind::Truncated).counts_as_failure && row(OutcomeKind::Truncated).maybe_billed);
    }
}
