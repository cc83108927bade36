//! Requests on hostile bytes, through splices, and to the other dialect and back.

#![allow(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};
use turnout_core::wire::{
    CODES, Dialect, ImageSource, Part, Request, Target, ThinkingSetting, ToolChoice, detect, parse_request,
    prompt_body, refusal, write_body,
};

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z_]{0,8}"
}

/// Text that both dialects take: with a visible character at both ends, and anything between.
fn text() -> impl Strategy<Value = String> {
    ("[a-zé\"\\\\]", any::<String>(), "[a-z.]").prop_map(|(first, middle, last)| format!("{first}{middle}{last}"))
}

fn image() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[A-Za-z0-9+/]{4,20}".prop_map(|data| format!("data:image/png;base64,{data}")),
        word().prop_map(|name| format!("https://example.com/{name}.png"))
    ]
    .prop_map(|url| json!({"type": "image_url", "image_url": {"url": url}}))
}

fn user_content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![2 => text().prop_map(|text| json!({"type": "text", "text": text})), 1 => image()];
    prop_oneof![text().prop_map(Value::from), prop::collection::vec(part, 1..4).prop_map(Value::from)]
}

/// One round of an agent: a question, calls with results, an answer.
fn round() -> impl Strategy<Value = Vec<Value>> {
    let call = (word(), word(), text(), prop::option::of(text()));
    (user_content(), prop::collection::vec(call, 0..3), prop::option::of(text())).prop_map(|(question, calls, said)| {
        let mut messages = vec![json!({"role": "user", "content": question})];
        if !calls.is_empty() {
            let asked: Vec<Value> = calls
                .iter()
                .enumerate()
                .map(|(index, (name, key, value, _))| {
                    let arguments = json!({ key.as_str(): value }).to_string();
                    json!({"id": format!("call_{index}"), "type": "function", "function": {"name": name, "arguments": arguments}})
                })
                .collect();
            messages.push(json!({"role": "assistant", "content": said, "tool_calls": asked}));
            for (index, (_, _, _, result)) in calls.iter().enumerate() {
                messages.push(json!({"role": "tool", "tool_call_id": format!("call_{index}"), "content": result.clone().unwrap_or_default()}));
            }
        } else if let Some(said) = said {
            messages.push(json!({"role": "assistant", "content": said}));
        }
        messages
    })
}

/// An `OpenAI` request that the other dialect can say in full.
fn openai() -> impl Strategy<Value = Value> {
    let tool = (word(), text()).prop_map(|(name, description)| {
        json!({"type": "function", "function": {"name": name, "description": description,
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}})
    });
    let choice = prop_oneof![
        Just(json!("auto")),
        Just(json!("none")),
        Just(json!("required")),
        word().prop_map(|name| json!({"type": "function", "function": {"name": name}}))
    ];
    (
        prop::collection::vec(text(), 0..3),
        prop::collection::vec(round(), 1..4),
        prop::collection::vec(tool, 0..3),
        choice,
        prop::option::of(16_u64..200_000),
        any::<bool>(),
        prop::option::of(word()),
    )
        .prop_map(|(system, rounds, tools, choice, max_tokens, stream, user)| {
            let mut messages: Vec<Value> =
                system.iter().map(|text| json!({"role": "system", "content": text})).collect();
            messages.extend(rounds.into_iter().flatten());
            messages.push(json!({"role": "user", "content": "and now?"}));
            let mut body = json!({"model": "some", "messages": messages, "stream": stream, "temperature": 0.5});
            if !tools.is_empty() {
                body["tools"] = tools.into();
                body["tool_choice"] = choice;
            }
            if let Some(max_tokens) = max_tokens {
                body["max_tokens"] = max_tokens.into();
            }
            if let Some(user) = user {
                body["user"] = user.into();
            }
            body
        })
}

/// What both dialects say alike, without what is bound to the bytes it was read from.
fn normal(request: &Request<'_>) -> String {
    let tools: Vec<_> = request
        .tools
        .iter()
        .map(|tool| (&tool.name, &tool.description, String::from_utf8_lossy(tool.schema), tool.is_function))
        .collect();
    format!(
        "{:?} {:?} {tools:?} {:?} {:?} {:?} {:?} {:?}",
        request.system,
        request.turns,
        request.tool_choice,
        request.max_tokens,
        request.stream,
        request.sampling,
        (&request.end_user, &request.thinking, request.choices)
    )
}

fn target(dialect: Dialect, request: &Request<'_>) -> Target<'static> {
    Target { stream: request.stream, ..Target::new(dialect, "other-model") }
}

fn anthropic_rules_hold(body: &Value) {
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[0]["role"], "user");
    for pair in messages.windows(2) {
        assert_ne!(pair[0]["role"], pair[1]["role"], "turns alternate");
    }
    for message in messages {
        let blocks = message["content"].as_array().unwrap();
        assert!(!blocks.is_empty());
        let results = blocks.iter().take_while(|block| block["type"] == "tool_result").count();
        assert!(blocks[results..].iter().all(|block| block["type"] != "tool_result"), "results come first");
        assert!(
            blocks.iter().all(|block| block["type"] != "text" || !block["text"].as_str().unwrap().trim().is_empty())
        );
    }
    assert!(body["max_tokens"].is_u64());
}

proptest! {
    #[test]
    fn to_the_other_dialect_and_back_is_the_same(body in openai()) {
        let text = body.to_string();
        let first = parse_request(text.as_bytes(), Some(Dialect::OpenAiChat)).unwrap();
        let there = Target { default_max_tokens: 777, ..target(Dialect::AnthropicMessages, &first) };
        let written = write_body(&first, &there).unwrap();
        prop_assert!(written.dropped.is_empty(), "{:?}", written.dropped);
        anthropic_rules_hold(&serde_json::from_slice(&written.bytes).unwrap());
        let mut second = parse_request(&written.bytes, Some(Dialect::AnthropicMessages)).unwrap();
        if first.max_tokens.is_none() {
            prop_assert_eq!(second.max_tokens.take(), Some(777));
        }
        prop_assert_eq!(normal(&second), normal(&first));
        let back = write_body(&second, &target(Dialect::OpenAiChat, &second)).unwrap();
        prop_assert!(back.dropped.is_empty(), "{:?}", back.dropped);
        let third = parse_request(&back.bytes, Some(Dialect::OpenAiChat)).unwrap();
        prop_assert_eq!(normal(&third), normal(&first));
        // The body alone says its dialect whenever it holds anything that only one of them has.
        if !first.tools.is_empty() {
            prop_assert_eq!(detect(&written.bytes), Dialect::AnthropicMessages);
            prop_assert_eq!(detect(&back.bytes), Dialect::OpenAiChat);
        }
    }

    #[test]
    fn through_every_dialect_and_back_is_the_same(body in openai(), path in prop::collection::vec(prop::sample::select(Dialect::ALL.to_vec()), 1..5)) {
        let mut text = body.to_string().into_bytes();
        let first = body.to_string();
        let first = parse_request(first.as_bytes(), Some(Dialect::OpenAiChat)).unwrap();
        let mut from = Dialect::OpenAiChat;
        let mut was_bounded = false;
        for to in path.into_iter().chain([Dialect::OpenAiResponses, Dialect::OpenAiChat]) {
            let request = parse_request(&text, Some(from)).unwrap();
            let there = Target { default_max_tokens: 777, ..target(to, &request) };
            let written = write_body(&request, &there).unwrap();
            prop_assert!(written.dropped.is_empty(), "{:?}", written.dropped);
            prop_assert_eq!(refusal(&request, &there), None);
            was_bounded |= to == Dialect::AnthropicMessages && first.max_tokens.is_none();
            if to == Dialect::OpenAiResponses {
                prop_assert_eq!(detect(&written.bytes), to);
            }
            (text, from) = (written.bytes, to);
        }
        let mut last = parse_request(&text, Some(from)).unwrap();
        if was_bounded {
            prop_assert_eq!(last.max_tokens.take(), Some(777));
        }
        prop_assert_eq!(normal(&last), normal(&first));
    }

    #[test]
    fn a_responses_splice_keeps_reasoning_byte_for_byte(sealed in "[A-Za-z0-9+/=]{8,60}", summary in text(), other in text()) {
        let item = format!(r#"{{ "type":"reasoning", "id":"rs_1","summary":[{{"type":"summary_text","text":{}}}],"encrypted_content": "{sealed}" }}"#, json!(summary));
        let body = format!(r#"{{"model":"m","input":[{{"role":"user","content":{}}},{item},{{"role":"user","content":"x"}}]}}"#, json!(other));
        let request = parse_request(body.as_bytes(), None).unwrap();
        prop_assert_eq!(request.dialect, Dialect::OpenAiResponses);
        let written = write_body(&request, &Target::new(Dialect::OpenAiResponses, "n")).unwrap();
        prop_assert!(String::from_utf8(written.bytes).unwrap().contains(&item));
        for to in [Dialect::OpenAiChat, Dialect::AnthropicMessages] {
            let there = write_body(&request, &Target::new(to, "n")).unwrap();
            prop_assert!(!String::from_utf8(there.bytes).unwrap().contains(&sealed));
            prop_assert!(there.dropped.iter().any(|note| note.starts_with("thinking: reasoning of another")));
        }
    }

    #[test]
    fn a_splice_keeps_what_it_does_not_own(
        body in openai(),
        extra in prop::collection::btree_map("x_[a-z]{1,6}", text(), 0..4),
        stream in any::<bool>(),
        max_tokens in prop::option::of(1_u64..9_999),
    ) {
        let mut body = body;
        for (key, value) in &extra {
            body[key] = json!({"deep": [value, null, 1.50], "n": 12_345_678_901_234_567_890_u64});
        }
        let spaced = serde_json::to_string_pretty(&body).unwrap();
        let request = parse_request(spaced.as_bytes(), Some(Dialect::OpenAiChat)).unwrap();
        let target = Target { stream, max_tokens, ..Target::new(Dialect::OpenAiChat, "other-model") };
        let written = write_body(&request, &target).unwrap();
        let out: Value = serde_json::from_slice(&written.bytes).unwrap();
        let text = String::from_utf8(written.bytes.clone()).unwrap();
        for key in body.as_object().unwrap().keys() {
            if !["model", "stream", "max_tokens"].contains(&key.as_str()) {
                prop_assert_eq!(&out[key], &body[key]);
            }
        }
        // Byte for byte, white space inside a value included.
        let messages = spaced.split_once("\"messages\": ").unwrap().1;
        let messages = &messages[..messages.find("\n  ]").unwrap() + 4];
        prop_assert!(text.contains(messages));
        prop_assert_eq!(&out["model"], "other-model");
        prop_assert_eq!(out["stream"].as_bool().unwrap_or(false), stream);
        prop_assert_eq!(out["stream_options"]["include_usage"].as_bool().unwrap_or(false), stream);
        prop_assert_eq!(out["max_completion_tokens"].as_u64(), max_tokens.or(request.max_tokens));
        prop_assert!(out.get("max_tokens").is_none());
        // Once more with the same target changes nothing.
        let again = parse_request(&written.bytes, Some(Dialect::OpenAiChat)).unwrap();
        prop_assert_eq!(normal(&again).replace("other-model", ""), normal(&Request {
            stream, max_tokens: max_tokens.or(request.max_tokens), ..request.clone()
        }));
        let twice: Value = serde_json::from_slice(&write_body(&again, &target).unwrap().bytes).unwrap();
        prop_assert_eq!(twice, out);
    }

    #[test]
    fn an_anthropic_splice_keeps_blocks_byte_for_byte(thought in text(), signature in "[A-Za-z0-9+/]{8,40}", budget in 0_u64..9_000, max_tokens in 1_u64..9_000) {
        let thinking = format!("{{ \"type\": \"thinking\",\"thinking\":{}, \"signature\":\"{signature}\"}}", json!(thought));
        let body = format!(r#"{{"model":"m","max_tokens":{max_tokens},"temperature":1,"messages":[{{"role":"user","content":"q"}},
            {{"role":"assistant","content":[{thinking},{{"type":"tool_use","id":"a","name":"f","input":{{}}}}]}},
            {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"a","content":"r"}}]}}],"output_config":{{"effort":"low","x":1}}}}"#);
        let request = parse_request(body.as_bytes(), Some(Dialect::AnthropicMessages)).unwrap();
        let target = Target { thinking: ThinkingSetting::Budget(budget), ..Target::new(Dialect::AnthropicMessages, "n") };
        let written = write_body(&request, &target).unwrap();
        let text = String::from_utf8(written.bytes).unwrap();
        prop_assert!(text.contains(&thinking));
        let out: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&out["output_config"], &json!({"x": 1}));
        if let Some(budget) = out["thinking"]["budget_tokens"].as_u64() {
            prop_assert!((1024..max_tokens).contains(&budget));
            prop_assert!(out.get("temperature").is_none());
        } else {
            prop_assert!(max_tokens <= 1024);
        }
        // To the other dialect no word of it goes.
        let there = write_body(&request, &Target::new(Dialect::OpenAiChat, "n")).unwrap();
        prop_assert!(!String::from_utf8(there.bytes).unwrap().contains(&signature));
        prop_assert!(there.dropped.iter().any(|note| note.starts_with("thinking: reasoning of another")));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes)?;
    }

    #[test]
    fn a_damaged_body_is_read_or_refused(body in openai(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), cross in any::<bool>()) {
        let mut bytes = body.to_string().into_bytes();
        if cross {
            let request = parse_request(&bytes, Some(Dialect::OpenAiChat)).unwrap();
            let to = if byte % 2 == 0 { Dialect::AnthropicMessages } else { Dialect::OpenAiResponses };
            bytes = write_body(&request, &Target::new(to, "m")).unwrap().bytes;
        }
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if cut {
            prop_assert_eq!(parse_request(&bytes, None).unwrap_err().code, "json_syntax");
        }
        check(&bytes)?;
    }

    #[test]
    fn a_field_of_any_kind_is_read_or_refused(key in prop::sample::select(FIELDS.to_vec()), value in prop::sample::select(VALUES.to_vec()), nested in any::<bool>()) {
        let body = if nested {
            format!(r#"{{"messages":[{{"role":"user","content":[{{"type":"text","text":"x","{key}":{value}}}],"{key}":{value}}}]}}"#)
        } else {
            format!(r#"{{"{key}":{value},"messages":[{{"role":"user","content":"x"}}]}}"#)
        };
        check(body.as_bytes())?;
    }

    #[test]
    fn a_prompt_survives(prompt in any::<String>()) {
        let body = prompt_body(&prompt);
        let request = parse_request(body.as_bytes(), None).unwrap();
        prop_assert_eq!(request.dialect, Dialect::OpenAiChat);
        let said: Vec<_> = request.turns.iter().flat_map(|turn| &turn.parts).collect();
        if prompt.is_empty() {
            prop_assert!(said.is_empty());
        } else {
            let expected = Part::Text(prompt.into());
            prop_assert_eq!(said, [&expected]);
        }
    }
}

#[test]
fn a_conversation_that_says_nothing_has_no_words_in_another_dialect() {
    let body = br#"{"max_tokens":5,"messages":[{"role":"user"}]}"#;
    let request = parse_request(body, Some(Dialect::AnthropicMessages)).unwrap();
    let target = Target::new(Dialect::OpenAiChat, "m");
    assert_eq!(write_body(&request, &target).unwrap_err().code, "messages_empty");
    assert_eq!(refusal(&request, &target).unwrap().code, "messages_empty");
    assert!(write_body(&request, &Target::new(Dialect::AnthropicMessages, "m")).is_ok());
}

const FIELDS: [&str; 24] = [
    "model",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "user",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "system",
    "output_config",
    "metadata",
    "stop",
    "stop_sequences",
    "tool_calls",
    "refusal",
    "source",
    "content",
    "temperature",
];

const VALUES: [&str; 16] = [
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[null]",
    "[{}]",
    "[[]]",
    r#"{"type":"tool","name":"x"}"#,
    r#"[{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"url","url":"u"}}]}]"#,
    r#"{"content":[{"type":"document","source":{"content":[]}}]}"#,
    r#"[{"function":{"name":"f","arguments":3}}]"#,
];

/// Reads, writes to both dialects, and reads again; only known codes may come.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let _ = detect(bytes);
    for dialect in [None, Some(Dialect::ALL[0]), Some(Dialect::ALL[1])] {
        let request = match parse_request(bytes, dialect) {
            Ok(request) => request,
            Err(error) => {
                prop_assert!(CODES.contains(&error.code));
                prop_assert!(error.offset <= bytes.len());
                continue;
            }
        };
        for dialect in Dialect::ALL {
            match write_body(&request, &Target::new(dialect, "m")) {
                Ok(body) => {
                    let parsed = parse_request(&body.bytes, Some(dialect));
                    prop_assert!(parsed.is_ok(), "{:?} {}", parsed, String::from_utf8_lossy(&body.bytes));
                }
                Err(error) => prop_assert!(CODES.contains(&error.code)),
            }
        }
    }
    Ok(())
}

#[test]
fn deep_and_wide_bodies_end_soon() {
    let deep = format!(r#"{{"messages":{}"#, "[{\"content\":".repeat(100_000));
    assert_eq!(parse_request(deep.as_bytes(), None).unwrap_err().code, "json_syntax");
    let nested = format!(
        r#"{{"messages":[{{"role":"user","content":{}"x"{}}}]}}"#,
        r#"[{"content":"#.repeat(50),
        r#","type":"tool_result","tool_use_id":"a"}]"#.repeat(50)
    );
    assert!(parse_request(nested.as_bytes(), Some(Dialect::AnthropicMessages)).is_ok());
    let mut wide = String::from(r#"{"messages":[{"role":"user","content":"x"}]"#);
    for index in 0..50_000 {
        write!(wide, ",\"k{index}\":0").unwrap();
    }
    wide.push('}');
    let request = parse_request(wide.as_bytes(), None).unwrap();
    assert!(write_body(&request, &Target::new(Dialect::OpenAiChat, "m")).unwrap().bytes.len() > wide.len());
}

#[test]
fn text_without_escapes_is_borrowed() {
    let body = br#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUI="}}]}]}"#;
    let request = parse_request(body, None).unwrap();
    let Part::Image(image) = &request.turns[0].parts[0] else { panic!("no image") };
    assert!(matches!(&image.source, ImageSource::Base64 { data: std::borrow::Cow::Borrowed("QUI="), .. }));
    assert_eq!(request.tool_choice, ToolChoice::Auto);
}

/// A hostile body names very many fields that have no counterpart: notes stay few, and time linear.
#[test]
fn many_unknown_fields_are_noted_in_bounds() {
    let mut body = String::from(r#"{"messages":[{"role":"user","content":"hi"}]"#);
    for index in 0..20_000 {
        use std::fmt::Write as _;
        let _ = write!(body, r#","x{index}":1"#);
    }
    body.push('}');
    let request = parse_request(body.as_bytes(), Some(Dialect::OpenAiChat)).unwrap();
    let written = write_body(&request, &Target::new(Dialect::AnthropicMessages, "m")).unwrap();
    assert_eq!(written.dropped.len(), 65);
    assert!(written.dropped.last().is_some_and(|last| last == "and 19936 more"), "{:?}", written.dropped.last());
}
