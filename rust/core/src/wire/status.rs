//! Error answers: status, headers and body of a provider become one [`Failure`].
//!
//! Promises: any status and any bytes give a failure, never a panic; the message is one short line without anything that looks
//! like a key; a wait is between zero and a day. Refuses: to decide what follows (the outcome table does that).

use crate::json::Value;
use crate::outcome::OutcomeKind;

use super::Dialect;
use super::error_body::{ErrorFacts, is_html};
use super::redact::clean;
use super::retry_after;

/// Why an attempt did not give an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of outcome.
    pub kind: OutcomeKind,
    /// The HTTP status, also when it was named only inside a body or a stream.
    pub status: Option<u16>,
    /// The provider's own code or type.
    pub code: Option<String>,
    /// The provider's message: one line, at most 300 characters, keys removed.
    pub message: String,
    /// How long the provider asks to be left alone, in milliseconds, 0 to a day.
    pub retry_after_ms: Option<i64>,
    /// `x-should-retry`: it goes before the outcome table's `retry_same`.
    pub should_retry: Option<bool>,
    /// Of an overflow: tokens that the request has, as far as the provider says.
    pub requested_tokens: Option<u64>,
    /// Of an overflow: tokens that the model takes, as far as the provider says.
    pub limit_tokens: Option<u64>,
}

impl Failure {
    /// A failure that no provider described.
    pub fn new(kind: OutcomeKind, message: &str) -> Self {
        Self {
            kind,
            status: None,
            code: None,
            message: clean(message),
            retry_after_ms: None,
            should_retry: None,
            requested_tokens: None,
            limit_tokens: None,
        }
    }

    /// Whether one more try of the same target makes sense: what the provider says, else the outcome table.
    pub fn retry_same(&self) -> bool {
        self.should_retry.unwrap_or_else(|| self.kind.row().retry_same)
    }

    fn of_facts(facts: &ErrorFacts, kind: OutcomeKind, status: Option<u16>) -> Self {
        let (requested_tokens, limit_tokens) =
            if kind == OutcomeKind::Overflow { facts.token_counts() } else { (None, None) };
        // A router's own message says only that the provider failed.
        let message = match (facts.message.as_str(), facts.upstream.as_str()) {
            ("", upstream) => upstream.to_owned(),
            (message, upstream) if facts.is_relayed && !upstream.is_empty() => format!("{message}: {upstream}"),
            (message, _) => message.to_owned(),
        };
        Self {
            status,
            code: facts.code.as_deref().map(clean).filter(|code| !code.is_empty()),
            retry_after_ms: facts.retry_after_ms,
            requested_tokens,
            limit_tokens,
            ..Self::new(kind, &message)
        }
    }

    /// The failure that an error object inside a 200 answer or stream describes.
    pub(super) fn of_error_value(value: &Value<'_>) -> Self {
        let facts = ErrorFacts::of_value(value);
        let status = facts.status.or_else(|| facts.status_of_names());
        let kind = facts.kind(status.unwrap_or(0), false, false, facts.retry_after_ms.is_some());
        Self::of_facts(&facts, kind, status)
    }
}

/// What a non-2xx answer means. `now_ms` (Unix time) is used when a date comes without a `Date` header. Linear in the body.
pub fn classify_response(
    dialect: Dialect,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    now_ms: i64,
) -> Failure {
    let facts = ErrorFacts::of_body(body);
    let should_retry = match retry_after::header(headers, "x-should-retry") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    let wait = retry_after::from_headers(headers, now_ms).or(facts.retry_after_ms);
    let wait = if status == 429 { wait.or_else(|| retry_after::from_resets(dialect, headers, now_ms)) } else { wait };
    let kind = facts.kind(status, is_html(body), should_retry == Some(false), wait.is_some());
    let mut failure = Failure::of_facts(&facts, kind, Some(status));
    failure.retry_after_ms = wait;
    failure.should_retry = should_retry;
    if failure.message.is_empty() {
        failure.message = format!("status {status} without a message");
    }
    failure
}
