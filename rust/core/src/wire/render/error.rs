//! Failures in a client's own dialect: the body of an error answer, and the event that ends a stream that failed.

use super::envelope::frame;
use crate::json::ObjectWriter;
use crate::outcome::OutcomeKind;
use crate::wire::Dialect;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What an outcome is called: the status, `OpenAI`'s type, Anthropic's type. The client's own mistakes are its own; what
/// went wrong behind us is ours, with a status that says whether to come again.
const fn names(kind: OutcomeKind) -> (u16, &'static str, &'static str) {
    use OutcomeKind as K;
    match kind {
        K::Overflow | K::Rejected | K::Refused => (400, "invalid_request_error", "invalid_request_error"),
        K::NotFound => (404, "invalid_request_error", "not_found_error"),
        K::RateLimited | K::Exhausted => (429, "rate_limit_error", "rate_limit_error"),
        K::Overloaded => (503, "server_error", "overloaded_error"),
        K::TimeoutConnect | K::TimeoutFirstByte | K::TimeoutContent | K::Deadline => {
            (504, "server_error", "timeout_error")
        }
        _ => (502, "server_error", "api_error"),
    }
}

/// `OpenAI`'s code: its own where it has one, else the outcome's name.
const fn code(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Overflow => "context_length_exceeded",
        OutcomeKind::RateLimited => "rate_limit_exceeded",
        OutcomeKind::Exhausted => "insufficient_quota",
        OutcomeKind::NotFound => "model_not_found",
        OutcomeKind::Truncated => "upstream_truncated",
        other => other.name(),
    }
}

/// The JSON of an error.
fn json(dialect: Dialect, kind: OutcomeKind, message: &str) -> String {
    let (_, openai, anthropic) = names(kind);
    let mut out = String::new();
    let mut body = ObjectWriter::new(&mut out);
    match dialect {
        Dialect::AnthropicMessages => body.string("type", "error").object("error", |error| {
            error.string("type", anthropic).string("message", message).object("details", |details| {
                details.string("code", code(kind));
            });
        }),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => body.object("error", |error| {
            error.string("message", message).string("type", openai).raw("param", "null").string("code", code(kind));
        }),
    };
    body.end();
    out
}

/// The answer to a client whose request failed. `message` must be fit for it: without keys and text of other tenants.
pub fn render_error(dialect: Dialect, kind: OutcomeKind, message: &str) -> ErrorAnswer {
    let status = match (dialect, kind) {
        (Dialect::AnthropicMessages, OutcomeKind::Overloaded) => 529,
        _ => names(kind).0,
    };
    ErrorAnswer { status, body: json(dialect, kind, message).into_bytes() }
}

/// Writes the event that ends a stream that failed; no terminal marker follows it.
pub(in crate::wire) fn error_event(out: &mut Vec<u8>, dialect: Dialect, kind: OutcomeKind, message: &str) {
    match dialect {
        Dialect::OpenAiChat => frame(out, "", json(dialect, kind, message).as_bytes()),
        Dialect::AnthropicMessages => frame(out, "error", json(dialect, kind, message).as_bytes()),
        Dialect::OpenAiResponses => {
            let mut data = String::new();
            let mut event = ObjectWriter::new(&mut data);
            event.string("type", "error").string("code", code(kind)).string("message", message).raw("param", "null");
            event.end();
            frame(out, "error", data.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::TABLE;
    use crate::wire::classify_response;

    #[test]
    fn every_error_is_read_back_as_what_it_is() {
        use OutcomeKind as K;
        for row in TABLE.iter().filter(|row| !row.kind.is_answer()) {
            for dialect in Dialect::ALL {
                let answer = render_error(dialect, row.kind, "it failed");
                let seen = classify_response(dialect, answer.status, &[], &answer.body, 0);
                assert_eq!(seen.message, "it failed", "{}", row.kind.name());
                if matches!(row.kind, K::Overflow | K::Rejected | K::NotFound | K::RateLimited | K::Overloaded) {
                    if row.kind != K::Overflow || dialect != Dialect::AnthropicMessages {
                        assert_eq!(seen.kind, row.kind, "{dialect:?}");
                    }
                } else {
                    assert!(!seen.kind.is_answer() && answer.status >= 429, "{}", row.kind.name());
                }
            }
        }
    }
}
