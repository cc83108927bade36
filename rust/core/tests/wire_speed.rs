//! How fast requests are read and written: `cargo test --release --test wire_speed -- --ignored --nocapture`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a measurement needs the clock")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use turnout_core::wire::{Dialect, Target, parse_request, write_body};

/// An agent's conversation of about `size` bytes: code in tool results, short thoughts, a dozen tools.
fn agent_turns(dialect: Dialect, size: usize) -> String {
    let code =
        "    def visit(self, node: Node, depth: int = 0) -> None:\\n        if depth > self.limit:\\n            \
                raise ValueError(f\\\"too deep: {depth}\\\")\\n        self.seen.add(node.name)\\n\\n"
            .repeat(8);
    let mut tools = String::new();
    for index in 0..12 {
        let separator = if index == 0 { "" } else { "," };
        let schema = r#"{"type":"object","properties":{"path":{"type":"string","description":"where"},"limit":{"type":"integer"}},"required":["path"]}"#;
        let described = "Reads a file from the workspace and returns its lines with numbers.";
        match dialect {
            Dialect::OpenAiChat => write!(tools, r#"{separator}{{"type":"function","function":{{"name":"tool_{index}","description":"{described}","parameters":{schema}}}}}"#),
            Dialect::OpenAiResponses => write!(tools, r#"{separator}{{"type":"function","name":"tool_{index}","description":"{described}","parameters":{schema}}}"#),
            Dialect::AnthropicMessages => write!(tools, r#"{separator}{{"name":"tool_{index}","description":"{described}","input_schema":{schema}}}"#),
        }
        .unwrap();
    }
    let mut turns = String::from(r#"{"role":"user","content":"Fix the failing test in the visitor module."}"#);
    let mut call = 0;
    while turns.len() + tools.len() < size {
        call += 1;
        match dialect {
            Dialect::OpenAiChat => write!(turns, r#",{{"role":"assistant","content":"I will read the file.","tool_calls":[{{"id":"call_{call}","type":"function","function":{{"name":"tool_1","arguments":"{{\"path\":\"src/visit.py\",\"limit\":200}}"}}}}]}},{{"role":"tool","tool_call_id":"call_{call}","content":"{code}"}}"#),
            Dialect::OpenAiResponses => write!(turns, r#",{{"role":"assistant","content":[{{"type":"output_text","text":"I will read the file."}}]}},{{"type":"function_call","call_id":"call_{call}","name":"tool_1","arguments":"{{\"path\":\"src/visit.py\",\"limit\":200}}"}},{{"type":"function_call_output","call_id":"call_{call}","output":"{code}"}}"#),
            Dialect::AnthropicMessages => write!(turns, r#",{{"role":"assistant","content":[{{"type":"text","text":"I will read the file."}},{{"type":"tool_use","id":"call_{call}","name":"tool_1","input":{{"path":"src/visit.py","limit":200}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"call_{call}","content":"{code}"}}]}}"#),
        }
        .unwrap();
    }
    let (bound, talk) = match dialect {
        Dialect::OpenAiResponses => ("max_output_tokens", "input"),
        _ => ("max_tokens", "messages"),
    };
    format!(r#"{{"model":"some-model","{bound}":4096,"stream":true,"tools":[{tools}],"{talk}":[{turns}]}}"#)
}

/// The best of several rounds, in megabytes a second.
fn speed(bytes: usize, mut run: impl FnMut()) -> f64 {
    // Short rounds, many of them: the best one ran undisturbed even on a busy machine.
    let rounds = (1_000_000 / bytes).max(1);
    let best = (0..150)
        .map(|_| {
            let begin = Instant::now();
            for _ in 0..rounds {
                run();
            }
            begin.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    (bytes * rounds) as f64 / best / 1e6
}

#[test]
#[ignore = "measures; not a check"]
fn speed_of_reading_and_writing() {
    for dialect in Dialect::ALL {
        for size in [10_000, 100_000] {
            let body = agent_turns(dialect, size);
            let body = body.as_bytes();
            let known = speed(body.len(), || drop(black_box(parse_request(black_box(body), Some(dialect)).unwrap())));
            let found = speed(body.len(), || drop(black_box(parse_request(black_box(body), None).unwrap())));
            let request = parse_request(body, Some(dialect)).unwrap();
            let to = |dialect| {
                speed(body.len(), || drop(black_box(write_body(&request, &Target::new(dialect, "m")).unwrap())))
            };
            println!(
                "{} {:>6} bytes: read {known:.0} MB/s, dialect found {found:.0}; written for Chat {:.0}, Anthropic {:.0}, Responses {:.0}",
                dialect.name(),
                body.len(),
                to(Dialect::OpenAiChat),
                to(Dialect::AnthropicMessages),
                to(Dialect::OpenAiResponses)
            );
        }
    }
}
