//! Whether an answer is a good one, by the plan's checks.

use crate::classify::language_of;
use crate::features::{Ask, ask};
use crate::json::Value;
use crate::json_schema::conforms;
use crate::outcome::OutcomeKind;
use crate::policy::Accept;
use crate::wire::{Answer, Request, ResponseFormat};

/// The first check that an answer fails; none when it is accepted. `wants_json` says whether the request asked for JSON;
/// `request` is there for the checks that compare with it, which hold where it is not.
pub fn unmet(accept: &[Accept], answer: &Answer, wants_json: bool, request: Option<&Request<'_>>) -> Option<Accept> {
    let is_text = answer.tool_calls.is_empty() && answer.outcome != OutcomeKind::Refused;
    let fails = |check: &&Accept| match check {
        Accept::Complete => answer.outcome == OutcomeKind::Incomplete,
        Accept::NotEmpty => answer.is_empty() && answer.outcome != OutcomeKind::Refused,
        Accept::NotRefused => answer.outcome == OutcomeKind::Refused,
        Accept::ValidJson => {
            wants_json && answer.tool_calls.is_empty() && Value::parse(answer.text.trim().as_bytes()).is_err()
        }
        Accept::SchemaValid => is_text && request.is_some_and(|request| breaks_schema(answer, request)),
        Accept::LanguageMatches => is_text && request.is_some_and(|request| is_other_language(answer, request)),
        // Its program is asked by the caller, once ours hold.
        Accept::Host(_) => false,
    };
    accept.iter().find(fails).cloned()
}

/// Whether a check compares with the request.
pub fn compares(accept: &[Accept]) -> bool {
    accept.iter().any(|check| matches!(check, Accept::SchemaValid | Accept::LanguageMatches))
}

fn breaks_schema(answer: &Answer, request: &Request<'_>) -> bool {
    let ResponseFormat::JsonSchema { schema } = request.response_format else { return false };
    // A schema that is none is the client's mistake, and no reason to ask a dearer model.
    let Ok(schema) = Value::parse(schema) else { return false };
    Value::parse(answer.text.trim().as_bytes()).map_or(true, |value| !conforms(&value, &schema))
}

/// Whether both texts say clearly which language they are in, and it is not the same. Code and JSON abstain.
fn is_other_language(answer: &Answer, request: &Request<'_>) -> bool {
    let (asked, said) = (language_of(&ask(request)), language_of(&Ask::of_text(&answer.text)));
    !asked.abstained && !said.abstained && asked.language != said.language
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Dialect, parse_answer, parse_request};

    fn failed(checks: &[Accept], request: &str, text: &str) -> Option<Accept> {
        let request = parse_request(request.as_bytes(), Some(Dialect::OpenAiChat)).unwrap();
        let mut content = String::new();
        crate::json::write_string(&mut content, text);
        let body = format!(r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"stop"}}]}}"#);
        let answer = parse_answer(Dialect::OpenAiChat, body.as_bytes());
        unmet(checks, &answer, request.response_format != ResponseFormat::Text, Some(&request))
    }

    #[test]
    fn an_answer_is_held_to_the_schema_of_its_request() {
        let asked = r#"{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":
            {"name":"n","schema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}}}"#;
        let checks = [Accept::ValidJson, Accept::SchemaValid];
        assert_eq!(failed(&checks, asked, r#"{"a":1}"#), None);
        assert_eq!(failed(&checks, asked, r#"{"a":"1"}"#), Some(Accept::SchemaValid));
        assert_eq!(failed(&checks, asked, r#"{"b":1}"#), Some(Accept::SchemaValid));
        assert_eq!(failed(&checks, asked, "no"), Some(Accept::ValidJson));
        let free = r#"{"messages":[{"role":"user","content":"x"}]}"#;
        assert_eq!(failed(&checks, free, "no"), None);
    }

    #[test]
    fn an_answer_in_another_language_is_found_where_both_are_clear() {
        let german = r#"{"messages":[{"role":"user","content":"Bitte erkl\u00e4re mir ausf\u00fchrlich, warum der Himmel am Abend rot wird und am Mittag blau ist."}]}"#;
        let checks = [Accept::LanguageMatches];
        let english =
            "The sky is red in the evening because the light of the sun has to travel a longer way through the air.";
        let same = "Der Himmel wird am Abend rot, weil das Licht der Sonne einen l\u{e4}ngeren Weg durch die Luft nehmen muss.";
        assert_eq!(failed(&checks, german, english), Some(Accept::LanguageMatches));
        assert_eq!(failed(&checks, german, same), None);
        assert_eq!(failed(&checks, german, "42"), None);
    }
}
