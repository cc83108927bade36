//! Answers and streams on every split, every prefix and hostile bytes.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use turnout_core::outcome::OutcomeKind;
use turnout_core::wire::{
    Answer, Dialect, SseItem, SseParser, StreamEnd, StreamEvent, StreamReader, classify_response, parse_answer,
};

const DIALECTS: [Dialect; 3] = Dialect::ALL;

/// Feeds the pieces; also the answer.
fn read<'p>(dialect: Dialect, pieces: impl IntoIterator<Item = &'p [u8]>) -> (Vec<StreamEvent>, StreamEnd, Answer) {
    let (mut reader, mut out) = (StreamReader::new(dialect), Vec::new());
    for piece in pieces {
        reader.feed(piece, &mut out);
    }
    let end = reader.finish(&mut out);
    assert_eq!(reader.finish(&mut Vec::new()), end, "the end is the end");
    let answer = reader.answer();
    (out, end, answer)
}

/// Cuts bytes at the given places.
fn pieces<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// One part of an answer.
#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Thinking(String),
    Tool(String, Vec<String>),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => "\\PC{1,12}".prop_map(Part::Text),
        1 => "[a-z\u{e9}\u{1f600}\"\\\\ ]{1,8}".prop_map(Part::Thinking),
        1 => ("[a-z_]{1,8}", prop::collection::vec("[a-z\u{e9}\"]{1,6}", 0..4)).prop_map(|(name, values)| Part::Tool(name, values)),
    ]
}

#[derive(Debug, Clone)]
struct Script {
    parts: Vec<Part>,
    line_end: &'static str,
    has_byte_order_mark: bool,
    has_comments: bool,
    splits_data: bool,
}

fn script() -> impl Strategy<Value = Script> {
    (
        prop::collection::vec(part(), 1..6),
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(parts, line_end, has_byte_order_mark, has_comments, splits_data)| Script {
            parts,
            line_end,
            has_byte_order_mark,
            has_comments,
            splits_data,
        })
}

impl Script {
    fn tool_arguments(values: &[String]) -> String {
        serde_json::to_string(&serde_json::json!({ "values": values })).unwrap()
    }

    fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
            .collect()
    }

    fn has_tools(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Tool(..)))
    }

    /// The expected ending of the whole stream.
    fn outcome(&self) -> OutcomeKind {
        if self.text().is_empty() && !self.has_tools() { OutcomeKind::Incomplete } else { OutcomeKind::Complete }
    }

    fn payloads(&self, dialect: Dialect) -> Vec<serde_json::Value> {
        use serde_json::json;
        let mut payloads = Vec::new();
        match dialect {
            Dialect::OpenAiChat => {
                let chunk = |delta: serde_json::Value| json!({"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
                payloads.push(chunk(json!({"role": "assistant", "content": ""})));
                let mut tools = 0;
                for part in &self.parts {
                    match part {
                        Part::Text(text) => payloads.push(chunk(json!({ "content": text }))),
                        Part::Thinking(text) => payloads.push(chunk(json!({ "reasoning_content": text }))),
                        Part::Tool(name, values) => {
                            let arguments = Self::tool_arguments(values);
                            payloads.push(chunk(json!({"tool_calls": [{"index": tools, "id": format!("c{tools}"), "function": {"name": name, "arguments": ""}}]})));
                            for piece in arguments.chars() {
                                payloads.push(chunk(json!({"tool_calls": [{"index": tools, "function": {"arguments": piece.to_string()}}]})));
                            }
                            tools += 1;
                        }
                    }
                }
                let finish = if self.has_tools() { "tool_calls" } else { "stop" };
                payloads.push(json!({"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}));
            }
            Dialect::AnthropicMessages => {
                payloads.push(json!({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}}));
                for (index, part) in self.parts.iter().enumerate() {
                    let start = |block: serde_json::Value| json!({"type": "content_block_start", "index": index, "content_block": block});
                    let delta = |delta: serde_json::Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
                    match part {
                        Part::Text(text) => payloads.extend([
                            start(json!({"type": "text", "text": ""})),
                            delta(json!({"type": "text_delta", "text": text})),
                        ]),
                        Part::Thinking(text) => payloads.extend([
                            start(json!({"type": "thinking", "thinking": "", "signature": ""})),
                            delta(json!({"type": "thinking_delta", "thinking": text})),
                            delta(json!({"type": "signature_delta", "signature": "x"})),
                        ]),
                        Part::Tool(name, values) => {
                            payloads.push(start(
                                json!({"type": "tool_use", "id": format!("c{index}"), "name": name, "input": {}}),
                            ));
                            for piece in Self::tool_arguments(values).chars() {
                                payloads.push(delta(
                                    json!({"type": "input_json_delta", "partial_json": piece.to_string()}),
                                ));
                            }
                        }
                    }
                    payloads.push(json!({"type": "content_block_stop", "index": index}));
                    payloads.push(json!({"type": "ping"}));
                }
                let reason = if self.has_tools() { "tool_use" } else { "end_turn" };
                payloads.push(
                    json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}}),
                );
                payloads.push(json!({"type": "message_stop"}));
            }
            Dialect::OpenAiResponses => {
                payloads.push(json!({"type": "response.created", "response": {"model": "m", "status": "in_progress", "output": []}}));
                for (index, part) in self.parts.iter().enumerate() {
                    let event = |kind: &str, rest: serde_json::Value| {
                        let mut event = json!({"type": format!("response.{kind}"), "output_index": index, "item_id": format!("i{index}")});
                        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
                        event
                    };
                    let item = |kind: &str, rest: serde_json::Value| {
                        let mut item = json!({"type": kind, "id": format!("i{index}")});
                        item.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
                        json!({"item": item})
                    };
                    match part {
                        Part::Text(text) => payloads.extend([
                            event("output_item.added", item("message", json!({"content": []}))),
                            event(
                                "content_part.added",
                                json!({"content_index": 0, "part": {"type": "output_text", "text": ""}}),
                            ),
                            event("output_text.delta", json!({"content_index": 0, "delta": text})),
                            event("output_text.done", json!({"content_index": 0, "text": text})),
                            event(
                                "output_item.done",
                                item("message", json!({"content": [{"type": "output_text", "text": text}]})),
                            ),
                        ]),
                        Part::Thinking(text) => payloads.extend([
                            event("output_item.added", item("reasoning", json!({"summary": []}))),
                            event("reasoning_summary_text.delta", json!({"summary_index": 0, "delta": text})),
                            event(
                                "output_item.done",
                                item("reasoning", json!({"summary": [{"type": "summary_text", "text": text}]})),
                            ),
                        ]),
                        Part::Tool(name, values) => {
                            let arguments = Self::tool_arguments(values);
                            let call = |arguments: &str| {
                                item(
                                    "function_call",
                                    json!({"call_id": format!("c{index}"), "name": name, "arguments": arguments}),
                                )
                            };
                            payloads.push(event("output_item.added", call("")));
                            for piece in arguments.chars() {
                                payloads
                                    .push(event("function_call_arguments.delta", json!({"delta": piece.to_string()})));
                            }
                            payloads.push(event("output_item.done", call(&arguments)));
                        }
                    }
                    payloads.push(json!({"type": "keepalive"}));
                }
                payloads.push(
                    json!({"type": "response.completed", "response": {"model": "m", "status": "completed", "output": [],
                    "usage": {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}}}),
                );
            }
        }
        payloads
    }

    /// The bytes, and where the terminal event is complete.
    fn bytes(&self, dialect: Dialect) -> (Vec<u8>, usize) {
        let mut text = String::new();
        if self.has_byte_order_mark {
            text.push('\u{feff}');
        }
        for payload in self.payloads(dialect) {
            if self.has_comments {
                text.push_str(": hello");
                text.push_str(self.line_end);
            }
            if let Some(kind) = payload["type"].as_str() {
                text.push_str("event: ");
                text.push_str(kind);
                text.push_str(self.line_end);
            }
            let json =
                if self.splits_data { serde_json::to_string_pretty(&payload).unwrap() } else { payload.to_string() };
            for line in json.lines() {
                text.push_str("data: ");
                text.push_str(line);
                text.push_str(self.line_end);
            }
            text.push_str(self.line_end);
        }
        // What stands behind the last JSON is line ends only.
        let terminal = text.trim_end().len();
        if dialect == Dialect::OpenAiChat {
            text.push_str("data: [DONE]");
            text.push_str(self.line_end);
            text.push_str(self.line_end);
        }
        (text.into_bytes(), terminal)
    }
}

/// Name, data, and whether the blank line came.
type Event = (Vec<u8>, Vec<u8>, bool);

fn sse_items<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> (Vec<Event>, usize, Vec<u8>) {
    let (mut parser, mut events, mut others) = (SseParser::new(), Vec::new(), 0);
    let mut emit = |item: SseItem<'_>| match item {
        SseItem::Event { name, data, is_terminated } => events.push((name.to_vec(), data.to_vec(), is_terminated)),
        SseItem::Comment | SseItem::TooLarge => others += 1,
    };
    for piece in pieces {
        parser.feed(piece, &mut emit);
    }
    parser.finish(&mut emit);
    let stray = parser.stray().to_vec();
    (events, others, stray)
}

/// The event-stream rules, written plainly over the whole text.
fn naive_sse(bytes: &[u8]) -> (Vec<Event>, usize) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let (mut lines, mut line, mut at) = (Vec::new(), Vec::new(), 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\r' | b'\n' => {
                if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
                    at += 1;
                }
                lines.push(std::mem::take(&mut line));
            }
            byte => line.push(byte),
        }
        at += 1;
    }
    if !line.is_empty() {
        lines.push(line);
    }
    let (mut events, mut comments) = (Vec::new(), 0);
    let (mut name, mut data) = (Vec::new(), None::<Vec<u8>>);
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.take() {
                events.push((name.clone(), data, true));
            }
            name.clear();
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match &line[..colon] {
            b"" => comments += 1,
            b"event" => name = value,
            b"data" => match &mut data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend(value);
                }
                None => data = Some(value),
            },
            _ => {}
        }
    }
    if let Some(data) = data {
        events.push((name, data, false));
    }
    (events, comments)
}

fn event_stream_bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        &b"data"[..],
        b"event",
        b"id",
        b"retry",
        b":",
        b": ",
        b" ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\xEF\xBB\xBF",
        b"\xC3",
        b"\xA9",
        b"x",
        b"{}",
        b"null",
        b"[DONE]",
        b"data: ",
        b"data: {\"error\":\"x\"}\n\n",
    ]);
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn events_follow_the_plain_rules_for_every_split(
        bytes in event_stream_bytes(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let (events, comments, _) = sse_items([&bytes[..]]);
        prop_assert_eq!((&events, comments), (&naive_sse(&bytes).0, naive_sse(&bytes).1));
        prop_assert_eq!(sse_items(bytes.chunks(1)), sse_items([&bytes[..]]));
        prop_assert_eq!(sse_items(pieces(&bytes, &cuts)), sse_items([&bytes[..]]));
    }

    #[test]
    fn a_whole_stream_is_read_whole(script in script()) {
        for dialect in DIALECTS {
            let (bytes, _) = script.bytes(dialect);
            let (_, end, answer) = read(dialect, [&bytes[..]]);
            prop_assert_eq!(end.outcome, script.outcome(), "{:?}", end.message);
            prop_assert_eq!(&answer.text, &script.text());
            let tools: Vec<_> = answer.tool_calls.iter().map(|call| (call.name.clone(), call.arguments.clone())).collect();
            let wanted: Vec<_> = script.parts.iter().filter_map(|part| match part {
                Part::Tool(name, values) => Some((name.clone(), Script::tool_arguments(values))),
                _ => None,
            }).collect();
            prop_assert_eq!(tools, wanted);
        }
    }

    #[test]
    fn every_split_gives_the_same(script in script(), cuts in prop::collection::vec(any::<usize>(), 0..8)) {
        for dialect in DIALECTS {
            let (bytes, _) = script.bytes(dialect);
            let whole = read(dialect, [&bytes[..]]);
            prop_assert_eq!(&read(dialect, bytes.chunks(1)), &whole);
            prop_assert_eq!(&read(dialect, pieces(&bytes, &cuts)), &whole);
        }
    }

    #[test]
    fn any_bytes_give_some_end(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..256),
            event_stream_bytes(),
            prop::collection::vec(prop::sample::select(br#"{}[]",:\u0-1e9dtaconchoielsmgrfu "#.to_vec()), 0..64),
        ],
        status in any::<u16>(),
        now_ms in any::<i64>(),
        header in "[ -~]{0,40}",
    ) {
        for dialect in DIALECTS {
            let (_, end, _) = read(dialect, [&bytes[..]]);
            prop_assert_eq!(&read(dialect, bytes.chunks(1)).1, &end);
            prop_assert_ne!(end.outcome, OutcomeKind::Complete);
            prop_assert_ne!(parse_answer(dialect, &bytes).outcome, OutcomeKind::Complete);
            let headers = [("retry-after".to_owned(), header.clone()), ("date".to_owned(), header.clone())];
            let failure = classify_response(dialect, status, &headers, &bytes, now_ms);
            prop_assert!(!failure.kind.is_answer() || failure.kind == OutcomeKind::Refused);
            prop_assert!(failure.message.chars().count() <= 300 && !failure.message.contains(char::is_control));
            prop_assert!(failure.retry_after_ms.is_none_or(|wait_ms| (0..=86_400_000).contains(&wait_ms)));
        }
    }

    #[test]
    fn damaged_streams_do_not_panic(script in script(), place in any::<usize>(), byte in any::<u8>()) {
        for dialect in DIALECTS {
            let (mut bytes, _) = script.bytes(dialect);
            let place = place % bytes.len();
            bytes[place] = byte;
            let whole = read(dialect, [&bytes[..]]);
            prop_assert_eq!(&read(dialect, bytes.chunks(3)), &whole);
        }
    }

    #[test]
    fn usage_classes_are_disjoint_and_keep_the_totals(
        prompt in 0_u64..2_000_000, cached in 0_u64..2_000_000, written in 0_u64..1_000_000, audio in 0_u64..1_000,
        completion in 0_u64..100_000, reasoning in 0_u64..100_000,
    ) {
        let (cached, reasoning) = (cached.min(prompt), reasoning.min(completion));
        let body = serde_json::json!({
            "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio},
                "completion_tokens_details": {"reasoning_tokens": reasoning},
            },
        });
        let usage = parse_answer(Dialect::OpenAiChat, body.to_string().as_bytes()).usage.unwrap();
        prop_assert_eq!((usage.input_total(), usage.output_total()), (prompt, completion));
        prop_assert_eq!((usage.cache_read, usage.reasoning), (cached, reasoning));
        let body = serde_json::json!({
            "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn",
            "usage": {
                "input_tokens": prompt, "cache_read_input_tokens": cached, "cache_creation_input_tokens": written,
                "output_tokens": completion, "output_tokens_details": {"thinking_tokens": reasoning},
            },
        });
        let usage = parse_answer(Dialect::AnthropicMessages, body.to_string().as_bytes()).usage.unwrap();
        prop_assert_eq!((usage.input_total(), usage.output_total()), (prompt + cached + written, completion));
    }

    #[test]
    fn no_key_survives_in_a_message(prefix in "[a-z ]{0,20}", key in "sk-(proj-)?[A-Za-z0-9]{16,40}", suffix in "[ .,!][a-z ]{0,20}") {
        let body = serde_json::json!({"error": {"message": format!("{prefix} {key}{suffix}"), "code": key}});
        let failure = classify_response(Dialect::OpenAiChat, 401, &[], body.to_string().as_bytes(), 0);
        prop_assert!(!format!("{failure:?}").contains(&key), "{failure:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_stream_is_never_complete(script in script()) {
        for dialect in DIALECTS {
            let (bytes, terminal) = script.bytes(dialect);
            for end in 0..terminal {
                let (_, seen, answer) = read(dialect, [&bytes[..end]]);
                prop_assert_eq!(seen.outcome, OutcomeKind::Truncated, "cut at {} of {}: {:?}", end, terminal, seen.message);
                prop_assert!(script.text().starts_with(&answer.text));
            }
            prop_assert_eq!(read(dialect, [&bytes[..terminal]]).1.outcome, script.outcome());
        }
    }
}
