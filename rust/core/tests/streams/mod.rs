//! Streams of every dialect, written from one script.
#![allow(dead_code, reason = "each test uses a part")]

use proptest::prelude::*;
use turnout_core::outcome::OutcomeKind;
use turnout_core::wire::Dialect;

/// Cuts bytes at the given places.
pub fn pieces<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// One part of an answer.
#[derive(Debug, Clone)]
pub enum Part {
    Text(String),
    Thinking(String),
    Tool(String, Vec<String>),
}

pub fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => "\\PC{1,12}".prop_map(Part::Text),
        1 => "[a-z\u{e9}\u{1f600}\"\\\\ ]{1,8}".prop_map(Part::Thinking),
        1 => ("[a-z_]{1,8}", prop::collection::vec("[a-z\u{e9}\"]{1,6}", 0..4)).prop_map(|(name, values)| Part::Tool(name, values)),
    ]
}

#[derive(Debug, Clone)]
pub struct Script {
    pub parts: Vec<Part>,
    pub line_end: &'static str,
    pub has_byte_order_mark: bool,
    pub has_comments: bool,
    pub splits_data: bool,
}

pub fn script() -> impl Strategy<Value = Script> {
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
    pub fn tool_arguments(values: &[String]) -> String {
        serde_json::to_string(&serde_json::json!({ "values": values })).unwrap()
    }

    pub fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
            .collect()
    }

    pub fn has_tools(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Tool(..)))
    }

    /// The expected ending of the whole stream.
    pub fn outcome(&self) -> OutcomeKind {
        if self.text().is_empty() && !self.has_tools() { OutcomeKind::Incomplete } else { OutcomeKind::Complete }
    }

    #[allow(clippy::too_many_lines, reason = "one script in three dialects")]
    pub fn payloads(&self, dialect: Dialect) -> Vec<serde_json::Value> {
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
    pub fn bytes(&self, dialect: Dialect) -> (Vec<u8>, usize) {
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
