//! What is asked of the book, and what it answers.

use std::sync::Arc;

use super::period::Period;
use super::zone::Zone;
use crate::shared_str::SharedStr;

/// A moment, on two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Milliseconds since 1970: names windows. One before an earlier one counts as that.
    pub wall_ms: i64,
    /// Milliseconds of a clock that nobody sets: fills buckets and ends leases. Likewise.
    pub mono_ms: i64,
}

/// What a scope counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nano-USD.
    UsdNanos,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// Input and output tokens.
    Tokens,
    /// Attempts.
    Requests,
}

/// What one attempt takes of each unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Nano-USD.
    pub usd_nanos: i64,
    /// Input tokens.
    pub input_tokens: i64,
    /// Output tokens, thinking included.
    pub output_tokens: i64,
}

impl Amounts {
    /// How much of a unit that is; never negative. An attempt is one request.
    pub fn of(&self, unit: Unit) -> i64 {
        let amount = match unit {
            Unit::UsdNanos => self.usd_nanos,
            Unit::InputTokens => self.input_tokens,
            Unit::OutputTokens => self.output_tokens,
            Unit::Tokens => self.input_tokens.max(0).saturating_add(self.output_tokens.max(0)),
            Unit::Requests => 1,
        };
        amount.max(0)
    }
}

/// How a scope counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// At most `limit` within a window.
    Window(Period, Zone),
    /// At most `limit` at once, which come back evenly over so many milliseconds: for requests, GCRA.
    Bucket(i64),
    /// At most `limit` at the same time.
    Permits,
}

/// A scope that an attempt counts in, with its limit as the policy has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Names the scope; one name has one measure and one unit.
    pub scope: SharedStr,
    /// How it counts.
    pub measure: Measure,
    /// What it counts.
    pub unit: Unit,
    /// The most.
    pub limit: i64,
    /// Whether the limit holds; one that does not is counted and reported only.
    pub is_enforced: bool,
    /// Shares of the limit, in millionths and ascending, that are told once when they are spent.
    pub alert_at: Arc<[i64]>,
}

/// Why a scope has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The amount alone is above the limit: waiting does not help.
    TooLarge,
    /// The limit is used up.
    Spent,
    /// What is left is held by others, who may need less of it.
    Held,
    /// As many run as may.
    Busy,
    /// More scopes count than are kept.
    Full,
}

impl Why {
    /// The name in errors and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Spent => "spent",
            Self::Held => "held",
            Self::Busy => "busy",
            Self::Full => "full",
        }
    }
}

/// A scope without room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Which.
    pub scope: SharedStr,
    /// Why.
    pub why: Why,
    /// When there is room again if nothing else happens, in milliseconds from now; none if never.
    pub retry_after_ms: Option<i64>,
}

/// Scopes without room: nothing was reserved anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// All of them, in the order of the claims; never empty.
    pub denied: Vec<Denied>,
}

impl Refusal {
    /// When all of them have room if nothing else happens, in milliseconds from now; none if never.
    pub fn retry_after_ms(&self) -> Option<i64> {
        self.denied.iter().map(|denied| denied.retry_after_ms).try_fold(0, |most, ms| Some(ms?.max(most)))
    }
}

/// A reservation that was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reserved {
    /// Whether it was there before: the same one was asked for again.
    pub is_repeated: bool,
    /// Scopes whose limits do not hold, and would have refused.
    pub would_deny: Vec<Denied>,
}

/// A share of a limit that is spent, told for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Which scope.
    pub scope: SharedStr,
    /// The share, in millionths.
    pub share_millionths: i64,
    /// What is spent of the limit.
    pub spent: i64,
    /// The limit.
    pub limit: i64,
}

/// A reservation that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// What it took above what it held, in nano-USD.
    pub debt_usd_nanos: i64,
    /// What there is to tell.
    pub alerts: Vec<Alert>,
}

/// A reservation whose holder did not come back: settled at what it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Its id.
    pub id: SharedStr,
    /// What it held.
    pub amounts: Amounts,
    /// What there is to tell.
    pub alerts: Vec<Alert>,
}
