//! Streams of `OpenAI` Responses.
//!
//! The answer is put together from the items of the stream: `response.completed` may come with an empty `output` although
//! items were streamed (recorded). Sequence numbers are not checked: they are missing or out of order in real streams.

use std::borrow::Cow;

use crate::json::{JsonError, Reader};
use crate::outcome::OutcomeKind;
use crate::usage::{OPENAI_RESPONSES, UsageReader};

use super::openai_responses::{Item, Response};
use super::stream::{Step, StreamEvent};
use super::whole::{Draft, bare_error_in, error_in, integer_or_skip, raw_or_null, string_or_skip};
use crate::wire::Failure;

/// More items than any answer has.
const MAX_ITEMS: usize = 4_096;

/// An item that a stream has opened.
#[derive(Debug, Clone)]
struct OpenItem {
    output_index: Option<u64>,
    id: String,
    /// The place among the tool calls, if it is one of the client's.
    tool: Option<u32>,
    /// Whether content came in deltas; then what the item repeats at its end is not content again.
    has_deltas: bool,
    /// Reasoning came as itself; the summary beside it says it again.
    has_reasoning_text: bool,
    is_done: bool,
}

/// The state of a stream.
#[derive(Debug, Clone)]
pub(in crate::wire) struct ResponsesStream {
    items: Vec<OpenItem>,
    tools: u32,
    usage: UsageReader,
}

/// One event of a stream.
#[derive(Default)]
struct Event<'a> {
    kind: Cow<'a, str>,
    output_index: Option<u64>,
    item_id: Option<Cow<'a, str>>,
    delta: Option<Cow<'a, str>>,
    item: Option<Item<'a>>,
    response: Option<Response<'a>>,
    error: Option<&'a [u8]>,
}

impl<'a> Event<'a> {
    fn read(data: &'a [u8]) -> Result<Self, JsonError> {
        let mut reader = Reader::new(data);
        let mut event = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "type" => event.kind = string_or_skip(reader)?.unwrap_or_default(),
                "output_index" => event.output_index = integer_or_skip(reader)?,
                "item_id" => event.item_id = string_or_skip(reader)?,
                "delta" => event.delta = string_or_skip(reader)?.filter(|text| !text.is_empty()),
                "item" => event.item = Some(Item::read(reader)?),
                "response" => event.response = Some(Response::read(reader)?),
                "error" => event.error = raw_or_null(reader)?,
                _ => drop(reader.skip()?),
            }
            Ok::<(), JsonError>(())
        })?;
        reader.finish()?;
        Ok(event)
    }
}

impl ResponsesStream {
    /// A stream of which nothing has come.
    pub fn new() -> Self {
        Self { items: Vec::new(), tools: 0, usage: UsageReader::new(&OPENAI_RESPONSES) }
    }

    /// Reads one event.
    pub fn read(
        &mut self,
        data: &[u8],
        is_error: bool,
        draft: &mut Draft,
        out: &mut Vec<StreamEvent>,
    ) -> Result<Step, JsonError> {
        let event = match Event::read(data) {
            Ok(event) => event,
            Err(error) => return bare_error_in(data).map(Step::Failed).ok_or(error),
        };
        if let Some(failure) = event.error.and_then(error_in) {
            return Ok(Step::Failed(failure));
        }
        if is_error || event.kind == "error" {
            return Ok(Step::Failed(
                error_in(data)
                    .unwrap_or_else(|| Failure::new(OutcomeKind::ServerError, "an error event without an error")),
            ));
        }
        if let Some(response) = &event.response {
            response.report(data, &mut self.usage, draft);
            if let Some(model) = &response.model
                && draft.model.as_deref() != Some(model.as_ref())
            {
                draft.model = Some(model.clone().into_owned());
            }
            if let Some(failure) = response.failure() {
                return Ok(Step::Failed(failure));
            }
        }
        match event.kind.as_ref() {
            "response.failed" => {
                return Ok(Step::Failed(Failure::new(OutcomeKind::ServerError, "the response failed")));
            }
            kind @ ("response.completed" | "response.incomplete") => {
                return Ok(self.end(kind, event.response, draft, out));
            }
            "response.output_item.added" => return Ok(self.open(&event, out)),
            "response.output_item.done" => return Ok(self.close(&event, draft, out)),
            "response.output_text.delta" => self.say(&event, StreamEvent::Text, out),
            "response.refusal.delta" => self.say(&event, StreamEvent::Refusal, out),
            "response.reasoning_text.delta" => {
                if let Some(item) = self.find(&event) {
                    item.has_reasoning_text = true;
                }
                self.say(&event, StreamEvent::Thinking, out);
            }
            "response.reasoning_summary_text.delta"
                if !self.find(&event).is_some_and(|item| item.has_reasoning_text) =>
            {
                self.say(&event, StreamEvent::Thinking, out);
            }
            "response.function_call_arguments.delta" => {
                let Some(index) = self.find(&event).and_then(|item| item.tool.filter(|_| !item.is_done)) else {
                    return Ok(Step::Failed(Failure::new(
                        OutcomeKind::Truncated,
                        "arguments come for a call that is not open",
                    )));
                };
                self.say(&event, |json| StreamEvent::ToolCallArguments { index, json }, out);
            }
            "keepalive" => out.push(StreamEvent::Ping),
            _ => {}
        }
        Ok(Step::Go)
    }

    /// The item that an event is about: by its place, else by its id.
    fn find(&mut self, event: &Event<'_>) -> Option<&mut OpenItem> {
        let id = event.item_id.as_deref().or_else(|| event.item.as_ref()?.id.as_deref()).filter(|id| !id.is_empty());
        self.items.iter_mut().rev().find(|item| match (event.output_index, id) {
            (Some(index), _) if item.output_index.is_some() => item.output_index == Some(index),
            (_, Some(id)) => item.id == id,
            _ => false,
        })
    }

    fn say(&mut self, event: &Event<'_>, wrap: impl FnOnce(String) -> StreamEvent, out: &mut Vec<StreamEvent>) {
        if let Some(item) = self.find(event) {
            item.has_deltas = true;
        }
        out.extend(event.delta.as_deref().map(|text| wrap(text.to_owned())));
    }

    fn open(&mut self, event: &Event<'_>, out: &mut Vec<StreamEvent>) -> Step {
        let Some(item) = &event.item else { return Step::Go };
        if self.find(event).is_some() {
            // The same start twice; the first one counts.
            return Step::Go;
        }
        if self.items.len() >= MAX_ITEMS {
            return Step::Failed(Failure::new(OutcomeKind::BadUpstream, "more items than any answer has"));
        }
        let mut open = OpenItem {
            output_index: event.output_index,
            id: item.id.as_deref().unwrap_or_default().to_owned(),
            tool: None,
            has_deltas: false,
            has_reasoning_text: false,
            is_done: false,
        };
        if item.is_call() {
            let index = self.tools;
            self.tools += 1;
            open.tool = Some(index);
            out.push(StreamEvent::ToolCallStart {
                index,
                id: item.call_id.as_deref().or(item.id.as_deref()).unwrap_or_default().to_owned(),
                name: item.name.as_deref().unwrap_or_default().to_owned(),
            });
        }
        self.items.push(open);
        Step::Go
    }

    /// The end of an item: what it holds is content unless deltas said it already.
    fn close(&mut self, event: &Event<'_>, draft: &mut Draft, out: &mut Vec<StreamEvent>) -> Step {
        let Some(item) = &event.item else { return Step::Go };
        if let Step::Failed(failure) = self.open(event, out) {
            return Step::Failed(failure);
        }
        let Some(open) = self.find(event) else { return Step::Go };
        if std::mem::replace(&mut open.is_done, true) {
            return Step::Go;
        }
        let (tool, has_deltas) = (open.tool, open.has_deltas);
        match item.kind.as_ref() {
            "message" if !has_deltas => {
                for piece in item.content.iter().filter(|piece| !piece.text.is_empty()) {
                    let text = piece.text.clone().into_owned();
                    out.push(if piece.is_refusal { StreamEvent::Refusal(text) } else { StreamEvent::Text(text) });
                }
            }
            "reasoning" if !has_deltas => {
                let text = item.thinking();
                out.extend((!text.is_empty()).then_some(StreamEvent::Thinking(text)));
            }
            "message" | "reasoning" => {}
            _ if item.is_call() => {
                let json = item.arguments.as_deref().filter(|json| !has_deltas && !json.is_empty());
                if let (Some(index), Some(json)) = (tool, json) {
                    out.push(StreamEvent::ToolCallArguments { index, json: json.to_owned() });
                }
            }
            kind => draft.other(kind),
        }
        Step::Go
    }

    fn end(
        &mut self,
        kind: &str,
        response: Option<Response<'_>>,
        draft: &mut Draft,
        out: &mut Vec<StreamEvent>,
    ) -> Step {
        let response = response.unwrap_or_default();
        let word = if kind == "response.completed" { "completed" } else { "incomplete" };
        draft.finish_reason = response.finish_reason().or_else(|| Some(word.to_owned()));
        // An item that was opened and not closed has lost something: F71, F75.
        if word == "completed" && self.items.iter().any(|item| item.tool.is_some() && !item.is_done) {
            let ends_whole = response.output.as_ref().is_some_and(|items| !items.is_empty());
            if !ends_whole {
                return Step::Failed(Failure::new(OutcomeKind::Truncated, "a tool call is not closed"));
            }
        }
        // Some servers send no events of items at all, only the whole at the end.
        if self.items.is_empty() {
            for item in response.output.unwrap_or_default() {
                let event = Event { output_index: None, item: Some(item), ..Event::default() };
                if let Step::Failed(failure) = self.close_whole(event, draft, out) {
                    return Step::Failed(failure);
                }
            }
        }
        Step::Over
    }

    fn close_whole(&mut self, event: Event<'_>, draft: &mut Draft, out: &mut Vec<StreamEvent>) -> Step {
        let place = u64::try_from(self.items.len()).ok();
        self.close(&Event { output_index: place, ..event }, draft, out)
    }
}

#[cfg(test)]
mod tests {
    use crate::outcome::OutcomeKind as K;
    use crate::wire::{Answer, Dialect, StreamEnd, StreamEvent, StreamReader, parse_answer};

    fn whole(body: &str) -> Answer {
        parse_answer(Dialect::OpenAiResponses, body.as_bytes())
    }

    fn stream(events: &[&str]) -> (Vec<StreamEvent>, StreamEnd, Answer) {
        let text: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let (mut reader, mut out) = (StreamReader::new(Dialect::OpenAiResponses), Vec::new());
        reader.feed(text.concat().as_bytes(), &mut out);
        let end = reader.finish(&mut out);
        (out, end, reader.answer())
    }

    const OUTPUT: &str = r#"[{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"t"}]},
        {"type":"web_search_call","id":"ws","status":"completed","action":{"type":"search","query":"x"}},
        {"type":"message","id":"msg","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[]}]},
        {"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":"{\"x\":1}"}]"#;

    #[test]
    fn a_whole_answer() {
        let answer = whole(&format!(
            r#"{{"id":"resp","model":"m","status":"completed","output":{OUTPUT},"service_tier":"flex",
            "usage":{{"input_tokens":10,"input_tokens_details":{{"cached_tokens":4}},"output_tokens":7,
            "output_tokens_details":{{"reasoning_tokens":3}},"total_tokens":17}}}}"#
        ));
        assert_eq!((answer.outcome, answer.text.as_str(), answer.thinking.as_str()), (K::Complete, "a", "t"));
        assert_eq!((answer.tool_calls[0].id.as_str(), answer.tool_calls[0].arguments.as_str()), ("c", r#"{"x":1}"#));
        let usage = answer.usage.unwrap();
        assert_eq!((usage.cache_read, usage.reasoning, usage.input_total(), usage.web_searches), (4, 3, 10, 1));
        assert_eq!(
            (answer.served.service_tier.as_deref(), answer.finish_reason.as_deref()),
            (Some("flex"), Some("completed"))
        );
    }

    #[test]
    fn what_is_not_whole_says_so() {
        for (kind, body) in [
            (
                K::Incomplete,
                r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}"#,
            ),
            (K::Refused, r#"{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}"#),
            (
                K::Refused,
                r#"{"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]}]}"#,
            ),
            (K::RateLimited, r#"{"status":"failed","error":{"code":"rate_limit_exceeded","message":"x"},"output":[]}"#),
            (K::ServerError, r#"{"status":"failed","error":null,"output":[]}"#),
            (K::ServerError, r#"{"status":"cancelled","output":[]}"#),
            (K::Incomplete, r#"{"status":"in_progress","output":[]}"#),
            (K::Incomplete, r#"{"status":"completed","output":[]}"#),
            (K::BadUpstream, r#"{"status":"completed"}"#),
            (
                K::BadUpstream,
                r#"{"status":"completed","output":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"x\":"}]}"#,
            ),
            (K::Unauthorized, r#"{"error":{"code":"invalid_api_key","message":"x"}}"#),
            (K::BadUpstream, "[]"),
        ] {
            assert_eq!(whole(body).outcome, kind, "{body}");
        }
    }

    const CREATED: &str =
        r#"{"type":"response.created","response":{"model":"m","status":"in_progress","output":[],"usage":null}}"#;
    const ADDED: &str =
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg","content":[]}}"#;
    const TEXT: &str = r#"{"type":"response.output_text.delta","output_index":0,"item_id":"msg","delta":"hi"}"#;
    const DONE: &str = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"msg","content":[{"type":"output_text","text":"hi"}]}}"#;
    const COMPLETED: &str = r#"{"type":"response.completed","response":{"model":"m","status":"completed","output":[],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}}"#;

    #[test]
    fn a_whole_stream_and_what_follows_it() {
        let (out, end, answer) = stream(&[CREATED, ADDED, TEXT, DONE, COMPLETED, TEXT, COMPLETED]);
        assert_eq!(out, [StreamEvent::Text("hi".to_owned())]);
        assert_eq!((end.outcome, end.usage.map(|usage| usage.output_total())), (K::Complete, Some(2)));
        assert_eq!((answer.text.as_str(), end.model.as_deref()), ("hi", Some("m")));
    }

    #[test]
    fn items_without_deltas_are_content() {
        let call = r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}"#;
        let (_, end, answer) = stream(&[CREATED, DONE, call, call, COMPLETED]);
        assert_eq!((end.outcome, answer.text.as_str(), answer.tool_calls.len()), (K::Complete, "hi", 1));
        let completed = COMPLETED.replace(r#""output":[]"#, &format!(r#""output":{}"#, OUTPUT.replace('\n', " ")));
        let (_, end, answer) = stream(&[CREATED, &completed]);
        assert_eq!((end.outcome, answer.text.as_str(), answer.tool_calls.len()), (K::Complete, "a", 1));
    }

    #[test]
    fn a_stream_that_ends_otherwise() {
        let cut = r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#;
        let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"x"}}}"#;
        let quota =
            r#"{"type":"error","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"x"}}"#;
        let flat = r#"{"type":"error","code":"rate_limit_exceeded","message":"x","param":null,"sequence_number":1}"#;
        let open = r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":""}}"#;
        let piece = r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{\"x\":"}"#;
        for (kind, events) in [
            (K::Truncated, &[CREATED, ADDED, TEXT, DONE][..]),
            (K::Truncated, &[CREATED, ADDED, TEXT, open, piece]),
            (K::Truncated, &[CREATED, open, piece, COMPLETED]),
            (K::Truncated, &[CREATED, piece]),
            (K::Incomplete, &[CREATED, ADDED, TEXT, cut]),
            (K::ServerError, &[CREATED, ADDED, TEXT, failed]),
            (K::Exhausted, &[CREATED, quota, failed]),
            (K::RateLimited, &[CREATED, flat]),
            (K::BadUpstream, &[CREATED, "{]"]),
            (K::Incomplete, &[CREATED, COMPLETED]),
        ] {
            let (_, end, _) = stream(events);
            assert_eq!(end.outcome, kind, "{events:?} {:?}", end.message);
        }
    }

    #[test]
    fn reasoning_is_said_once() {
        let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}"#;
        let text = r#"{"type":"response.reasoning_text.delta","output_index":0,"delta":"why"}"#;
        let summary = r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"again"}"#;
        let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","content":[{"type":"reasoning_text","text":"why"}]}}"#;
        assert_eq!(stream(&[CREATED, added, text, summary, done, COMPLETED]).2.thinking, "why");
    }
}
