//! Error answers: status, headers and body of a provider become one [`Failure`].
//!
//! Promises: any status and any bytes give a failure, never a panic; the message is one short line without anything that looks
//! like a key; a wait is between zero and a day. Refuses: to decide what follows (the outcome table does that).

use crate::json::Value;
use crate::outcome::OutcomeKind;

use super::error_body::{ErrorFacts, is_html};
use super::redact::clean;
use super::retry_after;
use crate::wire::Dialect;

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
    pub(in crate::wire) fn of_error_value(value: &Value<'_>) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;
    use OutcomeKind as K;

    fn classify(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        classify_response(Dialect::OpenAiChat, status, &headers, body.as_bytes(), 0)
    }

    #[test]
    fn the_bare_statuses() {
        for (status, kind) in [
            (0, K::ServerError),
            (101, K::BadUpstream),
            (204, K::BadUpstream),
            (302, K::BadUpstream),
            (400, K::Rejected),
            (401, K::Unauthorized),
            (402, K::Exhausted),
            (403, K::Unauthorized),
            (404, K::NotFound),
            (405, K::Rejected),
            (408, K::ServerError),
            (409, K::ServerError),
            (410, K::NotFound),
            (413, K::Overflow),
            (422, K::Rejected),
            (429, K::RateLimited),
            (498, K::Overloaded),
            (500, K::ServerError),
            (502, K::ServerError),
            (503, K::Overloaded),
            (504, K::ServerError),
            (529, K::Overloaded),
            (599, K::ServerError),
            (700, K::ServerError),
            (u16::MAX, K::ServerError),
        ] {
            assert_eq!(classify(status, &[], "").kind, kind, "{status}");
        }
        assert_eq!(classify(500, &[], "").message, "status 500 without a message");
    }

    #[test]
    fn bodies_that_say_more_than_their_status() {
        for (status, kind, body) in [
            (
                429,
                K::Exhausted,
                r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            ),
            (
                429,
                K::Exhausted,
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"enforced_spend_limit_reached"}}"#,
            ),
            (
                429,
                K::Overloaded,
                r#"{"error":{"message":"The engine is currently overloaded","type":"engine_overloaded_error"}}"#,
            ),
            (
                400,
                K::Exhausted,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API"}}"#,
            ),
            (
                400,
                K::Unauthorized,
                r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
            ),
            (
                400,
                K::Unauthorized,
                r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***key"}"#,
            ),
            (400, K::NotFound, r#"{"error":{"message":"foo/bar is not a valid model ID","code":400}}"#),
            (
                400,
                K::BadUpstream,
                r#"{"error":{"message":"Failed to call a function","code":"tool_use_failed","failed_generation":"x"}}"#,
            ),
            (
                400,
                K::Refused,
                r#"{"error":{"code":"content_filter","message":"x","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            ),
            (
                403,
                K::Refused,
                r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],"provider_name":"x"}}}"#,
            ),
            (
                403,
                K::BadUpstream,
                r#"{"error":{"code":403,"message":"Provider returned error","metadata":{"provider_name":"x","raw":"no"}}}"#,
            ),
            (403, K::NotFound, r#"{"error":{"message":"You are not allowed to sample from this model"}}"#),
            (403, K::BadUpstream, "<html><h1>Forbidden</h1>"),
            (500, K::Rejected, r#"{"error":{"code":500,"type":"invalid_request_error","message":"bad input"}}"#),
            (500, K::Overloaded, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
            (
                413,
                K::RateLimited,
                r#"{"error":{"message":"Request too large on tokens per minute","code":"rate_limit_exceeded"}}"#,
            ),
            (422, K::Rejected, r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#),
        ] {
            assert_eq!(classify(status, &[], body).kind, kind, "{body}");
        }
    }

    #[test]
    fn context_overflow_in_every_providers_words() {
        for (body, requested, limit) in [
            (
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}"#,
                Some(213_462),
                Some(200_000),
            ),
            (
                r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","code":"context_length_exceeded"}}"#,
                Some(9_000),
                Some(8_192),
            ),
            (
                r#"{"error":{"code":400,"message":"The input token count (1,200,000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
                Some(1_200_000),
                Some(1_048_576),
            ),
            (
                r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":2009,"n_ctx":512}}"#,
                Some(2_009),
                Some(512),
            ),
            (
                r#"{"id":"x","message":"too many tokens: max tokens must be less than or equal to 4096, the model's context window","error_type":"TOO_MANY_TOKENS"}"#,
                None,
                None,
            ),
            (
                r#"{"error":{"message":"too_many_prompt_tokens","type":"too_many_prompt_tokens","code":400}}"#,
                None,
                None,
            ),
            (r#"{"error":"prompt too long; exceeded max context length by 12 tokens"}"#, None, None),
            (r#"{"message":"Input Tokens Exceeded: input is too long for requested model"}"#, None, None),
            (
                r#"{"error":{"message":"Provider returned error","metadata":{"provider_name":"x","raw":"{\"error\":{\"message\":\"maximum prompt length is 131072 but the request contains 140000 tokens\"}}"}}}"#,
                Some(140_000),
                Some(131_072),
            ),
        ] {
            let failure = classify(400, &[], body);
            assert_eq!(failure.kind, K::Overflow, "{body}");
            assert_eq!((failure.requested_tokens, failure.limit_tokens), (requested, limit), "{body}");
        }
        let throttled = classify(429, &[], r#"{"message":"Too many tokens, please wait before trying again."}"#);
        assert_eq!(throttled.kind, K::RateLimited);
    }

    #[test]
    fn waits_come_from_headers_body_or_prose() {
        let google = r#"{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED",
            "details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}}"#;
        let failure = classify(429, &[], google);
        assert_eq!((failure.kind, failure.retry_after_ms), (K::RateLimited, Some(34_400)));
        let failure = classify(429, &[("Retry-After", "2")], google);
        assert_eq!(failure.retry_after_ms, Some(2_000));
        let openai =
            r#"{"error":{"message":"Rate limit reached. Please try again in 174ms.","code":"rate_limit_exceeded"}}"#;
        assert_eq!(classify(429, &[], openai).retry_after_ms, Some(174));
        assert_eq!(classify(429, &[], "").retry_after_ms, None);
    }

    #[test]
    fn the_provider_may_overrule_the_table() {
        let failure = classify(400, &[("X-Should-Retry", "true")], "");
        assert!(failure.retry_same() && !K::Rejected.row().retry_same);
        let failure = classify(429, &[("x-should-retry", "false")], "{}");
        assert!(failure.kind == K::Exhausted && !failure.retry_same());
        assert!(classify(503, &[], "").retry_same());
    }
}
