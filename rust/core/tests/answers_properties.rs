//! Answers and streams on every split, every prefix and hostile bytes.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod streams;

use proptest::prelude::*;
use streams::{Part, Script, pieces, script};
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
