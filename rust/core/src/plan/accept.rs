//! Whether an answer is a good one, by the plan's checks.

use crate::json::Value;
use crate::outcome::OutcomeKind;
use crate::policy::Accept;
use crate::wire::Answer;

/// The first check that an answer fails; none when it is accepted. `wants_json` says whether the request asked for JSON.
pub fn unmet(accept: &[Accept], answer: &Answer, wants_json: bool) -> Option<Accept> {
    accept.iter().copied().find(|check| match check {
        Accept::Complete => answer.outcome == OutcomeKind::Incomplete,
        Accept::NotEmpty => answer.is_empty() && answer.outcome != OutcomeKind::Refused,
        Accept::NotRefused => answer.outcome == OutcomeKind::Refused,
        Accept::ValidJson => {
            wants_json && answer.tool_calls.is_empty() && Value::parse(answer.text.trim().as_bytes()).is_err()
        }
    })
}
