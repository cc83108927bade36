//! Error objects as providers write them: one reader for all their shapes, and the texts by which they are told apart.
//!
//! The texts were collected from recorded errors (2023 to 2026) and from the providers' documentation. They are matched against
//! the provider's own message, never against the rest of a body, which may echo the client's prompt.

use std::borrow::Cow;

use crate::json::Value;
use crate::outcome::OutcomeKind;

use super::retry_after;

/// An error object is short. Larger ones are not read: the tree's check for repeated keys is quadratic, and what makes them
/// large is an echo of the request.
const MAX_ERROR_BYTES: usize = 32 << 10;

/// The tree of an error object of bounded size.
pub(in crate::wire) fn parse_error(raw: &[u8]) -> Option<Value<'_>> {
    if raw.len() > MAX_ERROR_BYTES { None } else { Value::parse(raw).ok() }
}

/// What an error object says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::wire) struct ErrorFacts {
    /// `code`, else `type`, else `status`.
    pub code: Option<String>,
    /// `type`, else `status` (`RESOURCE_EXHAUSTED`).
    pub class: Option<String>,
    /// The provider's text, raw.
    pub message: String,
    /// The text of the provider behind a router.
    pub upstream: String,
    /// An HTTP status named in the body.
    pub status: Option<u16>,
    /// A wait named in the body, in milliseconds.
    pub retry_after_ms: Option<i64>,
    /// Tokens that the request has.
    pub requested_tokens: Option<u64>,
    /// Tokens that the model takes.
    pub limit_tokens: Option<u64>,
    /// Whether a moderation named its reasons.
    pub is_moderated: bool,
    /// Whether a router passes on what the provider behind it said (about the router's key, not ours).
    pub is_relayed: bool,
}

/// Whether bytes look like a page for people.
pub(in crate::wire) fn is_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

impl ErrorFacts {
    /// Reads an error body; what is no JSON becomes the message.
    pub fn of_body(body: &[u8]) -> Self {
        if is_html(body) {
            return Self { message: "an HTML page instead of JSON".to_owned(), ..Self::default() };
        }
        match parse_error(body) {
            Some(value) => Self::of_value(&value),
            // A proxy's plain text; beyond the bound it may hold anything.
            None if body.len() <= MAX_ERROR_BYTES => {
                Self { message: String::from_utf8_lossy(body).into_owned(), ..Self::default() }
            }
            None => Self::default(),
        }
    }

    /// Reads an error object in any of the known shapes.
    pub fn of_value(value: &Value<'_>) -> Self {
        // Some Google endpoints wrap the error in an array; Cloudflare writes a list of errors.
        let value = value.items().first().unwrap_or(value);
        let value = value.get("errors").and_then(|errors| errors.items().first()).unwrap_or(value);
        let mut facts = Self::default();
        match value.get("error") {
            Some(inner @ Value::Object(_)) => facts.read(inner),
            Some(Value::String(text)) => {
                facts.read(value);
                facts.message = text.to_string();
            }
            _ => facts.read(value),
        }
        facts
    }

    fn read(&mut self, object: &Value<'_>) {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        self.message = match text("message").or_else(|| text("detail")).or_else(|| text("error")) {
            Some(message) => message.to_owned(),
            // FastAPI servers answer with a list of `{loc, msg, type}`.
            None => object
                .get("detail")
                .and_then(|detail| detail.items().first())
                .and_then(|first| first.get("msg"))
                .or_else(|| object.as_str().is_some().then_some(object))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        };
        self.class = text("type").or_else(|| text("status")).filter(|name| *name != "error").map(str::to_owned);
        self.code = match object.get("code") {
            Some(Value::String(code)) => Some(code.to_string()),
            Some(Value::Number(code)) => Some(code.0.to_owned()),
            _ => None,
        };
        self.status = ["status_code", "raw_status_code", "code", "status"]
            .iter()
            .filter_map(|name| match object.get(name)? {
                Value::Number(number) => number.as_u64(),
                Value::String(digits) => digits.parse().ok(),
                _ => None,
            })
            .find(|status| (400..600).contains(status))
            .and_then(|status| u16::try_from(status).ok());
        if self.code.is_none() {
            self.code.clone_from(&self.class);
        }
        let metadata = object.get("metadata");
        if let Some(raw) = metadata.and_then(|metadata| metadata.get("raw")).and_then(Value::as_str) {
            // Often JSON inside a string; its own message is what matters.
            let inner = parse_error(raw.as_bytes()).filter(|inner| matches!(inner, Value::Object(_)));
            let inner = inner.map(|inner| Self::of_value(&inner).message).filter(|message| !message.is_empty());
            self.upstream = inner.unwrap_or_else(|| raw.to_owned());
        }
        self.is_relayed = metadata.is_some_and(|metadata| metadata.get("provider_name").is_some());
        self.is_moderated = metadata.is_some_and(|metadata| metadata.get("reasons").is_some());
        if let Some(inner) = object.get("innererror").and_then(|inner| inner.get("code")).and_then(Value::as_str) {
            self.upstream.push_str(inner);
        }
        self.requested_tokens = object.get("n_prompt_tokens").and_then(Value::as_u64);
        self.limit_tokens = object.get("n_ctx").and_then(Value::as_u64);
        for detail in object.get("details").map(Value::items).unwrap_or_default() {
            if let Some(reason) = detail.get("reason").and_then(Value::as_str) {
                self.upstream.push_str(reason);
            }
            let delay = detail.get("retryDelay").and_then(Value::as_str).and_then(retry_after::duration_ms);
            self.retry_after_ms = self.retry_after_ms.or(delay);
        }
        if self.retry_after_ms.is_none() {
            self.retry_after_ms = retry_after::from_prose(&self.message);
        }
    }

    /// The status that the names of an error stand for, when there is no number.
    pub fn status_of_names(&self) -> Option<u16> {
        [&self.class, &self.code].into_iter().flatten().find_map(|name| {
            Some(match name.to_ascii_lowercase().as_str() {
                "invalid_request_error"
                | "invalid_argument"
                | "badrequesterror"
                | "bad_request"
                | "failed_precondition" => 400,
                "authentication_error" | "invalid_api_key" | "unauthenticated" => 401,
                "billing_error" => 402,
                "permission_error" | "permission_denied" => 403,
                "not_found_error" | "model_not_found" | "not_found" => 404,
                "request_too_large" => 413,
                "rate_limit_error"
                | "rate_limit_exceeded"
                | "rate_limited"
                | "insufficient_quota"
                | "tokens"
                | "requests"
                | "resource_exhausted"
                | "too_many_requests"
                | "ratelimitreached" => 429,
                "api_error" | "server_error" | "internal_server_error" | "internal" => 500,
                "service_unavailable" | "unavailable" | "service_unavailable_error" => 503,
                "timeout_error" | "deadline_exceeded" => 504,
                "overloaded_error" | "engine_overloaded" | "engine_overloaded_error" => 529,
                _ => return None,
            })
        })
    }

    /// The kind of outcome, from a status (0 when there is none at all) and these facts.
    pub fn kind(&self, status: u16, is_html: bool, says_no_retry: bool, has_wait: bool) -> OutcomeKind {
        use OutcomeKind as K;
        let text = self.searchable();
        let has = |texts: &[&str]| texts.iter().any(|known| text.contains(known));
        if is_html && matches!(status, 400 | 401 | 403) {
            // A proxy or a firewall spoke, not the provider's API: it says nothing about the key or the request.
            return K::BadUpstream;
        }
        match status {
            413 if has(&["rate_limit_exceeded"]) => K::RateLimited,
            413 => K::Overflow,
            // "Too many tokens, please wait" is a rate limit.
            400 | 422 | 500 if has(OVERFLOW) => K::Overflow,
            400 | 402 | 403 if has(EXHAUSTED) => K::Exhausted,
            429 if has(EXHAUSTED_FOR_SURE) || (!has_wait && (says_no_retry || has(EXHAUSTED))) => K::Exhausted,
            429 if has(OVERLOADED) => K::Overloaded,
            400 if has(&["tool_use_failed"]) => K::BadUpstream,
            400 | 403 | 422 if self.is_moderated || has(REFUSED) => K::Refused,
            400 | 422 if has(UNAUTHORIZED) => K::Unauthorized,
            400 | 422 if has(NOT_FOUND) || (text.contains("model") && text.contains("does not exist")) => K::NotFound,
            // llama.cpp and some proxies answer 500 to a request that is wrong.
            500 if self.class.as_deref() == Some("invalid_request_error") => K::Rejected,
            402 => K::Exhausted,
            // The key is fine, only not for this model.
            403 if has(NOT_FOUND) || has(MODEL_DENIED) => K::NotFound,
            401 | 403 if self.is_relayed => K::BadUpstream,
            401 | 403 | 407 => K::Unauthorized,
            404 | 410 => K::NotFound,
            429 => K::RateLimited,
            498 | 503 | 529 => K::Overloaded,
            408 | 409 | 425 | 499 => K::ServerError,
            400..500 => K::Rejected,
            100..400 => K::BadUpstream,
            _ if has(OVERLOADED) => K::Overloaded,
            _ => K::ServerError,
        }
    }

    /// Code, class and texts in lower case.
    fn searchable(&self) -> String {
        let mut text = String::new();
        for part in [self.code.as_deref(), self.class.as_deref(), Some(&self.message), Some(&self.upstream)] {
            text.push_str(part.unwrap_or_default());
            text.push(' ');
        }
        text.make_ascii_lowercase();
        text
    }

    /// How many tokens the request has and the model takes, as far as the message says so.
    pub fn token_counts(&self) -> (Option<u64>, Option<u64>) {
        let text = if self.upstream.is_empty() {
            Cow::Borrowed(&self.message)
        } else {
            Cow::Owned(format!("{} {}", self.message, self.upstream))
        };
        let numbers = numbers_of(&text);
        let lower = text.to_ascii_lowercase();
        let limit = self.limit_tokens.or_else(|| {
            LIMIT_CUES.iter().find_map(|cue| {
                let after = lower.find(cue)? + cue.len();
                // The number must follow closely: "maximum number of tokens allowed (1048576)".
                numbers.iter().find(|(at, _)| (after..after + 40).contains(at)).map(|(_, number)| *number)
            })
        });
        let requested = self.requested_tokens.or_else(|| {
            let largest = numbers.iter().map(|(_, number)| *number).max()?;
            limit.is_none_or(|limit| largest > limit).then_some(largest)
        });
        // A single number with no limit beside it may mean anything ("exceeded by 12 tokens").
        (requested.filter(|_| limit.is_some() || self.requested_tokens.is_some()), limit)
    }
}

/// Whole numbers from 64 up with their byte offsets, thousands separated by commas or underscores; parts of names are skipped.
fn numbers_of(text: &str) -> Vec<(usize, u64)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() && found.len() < 16 {
        if !bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let start = at;
        let mut number = Some(0_u64);
        while let Some(byte) = bytes.get(at) {
            let next_is_digit = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            match byte {
                b'0'..=b'9' => {
                    number = number.and_then(|n| n.checked_mul(10)?.checked_add(u64::from(byte - b'0')));
                }
                b',' | b'_' if next_is_digit => {}
                _ => break,
            }
            at += 1;
        }
        let in_name = before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
            || bytes.get(at).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'-');
        if let Some(number) = number.filter(|number| *number >= 64 && !in_name) {
            found.push((start, number));
        }
    }
    found
}

/// What stands before the number that is the limit, the surest first.
const LIMIT_CUES: &[&str] = &[
    "tokens > ",
    "maximum context length is",
    "maximum context length of",
    "maximum prompt length is",
    "maximum number of tokens allowed",
    "context size",
    "context window of",
    "context length of",
    "context length is",
    "> ",
    "maximum of",
    "limit of",
    "limit is",
];

/// The request is larger than the model's window.
const OVERFLOW: &[&str] = &[
    "context_length_exceeded",
    "context_window_exceeded",
    "exceed_context_size",
    "too_many_prompt_tokens",
    "too_many_tokens",
    "prompt_too_long",
    "request_too_large",
    "prompt is too long",
    "prompt too long",
    "maximum context length",
    "context length exceeded",
    "exceeds the maximum number of tokens",
    "exceeds the maximum allowed number of",
    "input tokens exceed",
    "exceed context limit",
    "exceeds the context",
    "exceeds the available context",
    "exceed the context",
    "exceeds the model's context",
    "context window",
    "maximum prompt length",
    "input is too long",
    "input length exceeds",
    "reduce the length of the messages",
    "reduce your prompt",
    "exceeds the limit of this model",
    "must have less than",
    "too large for model with",
];

/// Money is the reason, whatever else the answer says.
const EXHAUSTED_FOR_SURE: &[&str] = &[
    "insufficient_quota",
    "insufficient_credits",
    "insufficient_balance",
    "insufficient balance",
    "insufficient credits",
    "billing_hard_limit_reached",
    "billing hard limit",
    "enforced_spend_limit_reached",
    "spend limit",
    "spending limit",
    "spend cap",
    "billing_error",
    "credit balance is too low",
    "exceeded_current_quota",
    "out of credits",
    "credits exhausted",
    "usage_limit_reached",
];

/// Money is the reason unless a wait is named (Google's rate limits speak of quotas too).
const EXHAUSTED: &[&str] = &[
    "insufficient_quota",
    "insufficient_credits",
    "insufficient_balance",
    "insufficient balance",
    "insufficient credits",
    "billing_hard_limit_reached",
    "billing hard limit",
    "enforced_spend_limit_reached",
    "spend limit",
    "spending limit",
    "spend cap",
    "billing_error",
    "credit balance is too low",
    "exceeded_current_quota",
    "out of credits",
    "credits exhausted",
    "usage_limit_reached",
    "exceeded your current quota",
    "quota exhausted",
    "usage limit",
    "requires more credits",
    "payment required",
];

const OVERLOADED: &[&str] =
    &["overloaded", "at capacity", "no capacity", "insufficient_system_resource", "out of capacity"];

const REFUSED: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "content management policy",
    "content filtering policy",
    "violates usage guidelines",
    "data_inspection_failed",
    "content exists risk",
    "prohibited_content",
];

const UNAUTHORIZED: &[&str] = &[
    "api_key_invalid",
    "invalid_api_key",
    "incorrect api key",
    "api key not valid",
    "invalid api key",
    "api key expired",
];

const NOT_FOUND: &[&str] = &[
    "model_not_found",
    "deploymentnotfound",
    "model not found",
    "not a valid model",
    "unknown model",
    "invalid model name",
    "unknown_model",
    "model_not_supported",
    "model_decommissioned",
    "supported api model names are",
];

const MODEL_DENIED: &[&str] =
    &["not allowed to sample from this model", "access to this model", "access to the model", "have access to model"];
