//! What a decision is made of, on a chat request of 1 kB and agent requests of 10 and 100 kB, and what the catalogue
//! takes to read, search and price: `make bench`.

#![allow(clippy::expect_used, reason = "a benchmark without its input has nothing to say")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use turnout_core::catalog::{Catalog, Terms, cost};
use turnout_core::tokens::Family;
use turnout_core::usage::Usage;
use turnout_core::wire::parse_request;
use turnout_core::{classify, features, tokens};

const MODELS: &[u8] = include_bytes!("../rust/core/data/catalog/models.jsonl");
const PROVIDERS: &[u8] = include_bytes!("../rust/core/data/catalog/providers.jsonl");
const SIZES_BYTES: [usize; 3] = [1_000, 10_000, 100_000];

/// An OpenAI Chat request of about `size_bytes`: one question, then tool calls and their results, mostly code.
fn agent_request(size_bytes: usize) -> String {
    let mut body = String::from(
        r#"{"model":"auto","max_tokens":2048,"messages":[{"role":"system","content":"You are a careful engineer."},{"role":"user","content":"The nightly job fails with a deadlock since Tuesday. Find out why, fix it, and explain the fix in two sentences."}"#,
    );
    let mut call = 0;
    while body.len() < size_bytes {
        call += 1;
        let _ = write!(
            body,
            r#",{{"role":"assistant","content":null,"tool_calls":[{{"id":"call_{call}","type":"function","function":{{"name":"read_file","arguments":"{{\"path\":\"src/jobs/nightly_{call}.py\"}}"}}}}]}},{{"role":"tool","tool_call_id":"call_{call}","content":"def acquire(self, name: str, timeout_ms: int = {call}) -> Lease:\n    with self.mutex:\n        held = self.leases.get(name)\n        if held is not None and not held.is_expired(self.clock()):\n            raise Busy(f\"{{name}} is held by {{held.owner}}\")\n"}}"#,
        );
    }
    body.push_str("]}");
    body
}

fn core(criterion: &mut Criterion) {
    for size_bytes in SIZES_BYTES {
        let body = agent_request(size_bytes);
        let request = parse_request(body.as_bytes(), None).expect("the request is well formed");
        let text = body.as_str();
        let mut group = criterion.benchmark_group(format!("{} kB", size_bytes / 1_000));
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("parse", |b| b.iter(|| parse_request(black_box(body.as_bytes()), None)));
        group.bench_function("measure tokens", |b| b.iter(|| tokens::measure(black_box(&request))));
        group.bench_function("features", |b| b.iter(|| features::structure(&features::ask(black_box(&request)))));
        group.bench_function("classify", |b| b.iter(|| classify::classify(black_box(&request))));
        tokens::warm(Family::O200k);
        group.bench_function(BenchmarkId::new("count exactly", "o200k_base"), |b| {
            b.iter(|| tokens::count_exact(Family::O200k, black_box(text)));
        });
        group.finish();
    }
}

fn catalogue(criterion: &mut Criterion) {
    let catalog = Catalog::bundled();
    let now_ms = 1_795_000_000_000;
    let usage =
        Usage { input_uncached: 1_200, cache_read: 30_000, output_text: 400, reasoning: 900, ..Usage::default() };
    let mut group = criterion.benchmark_group("catalogue");
    group.bench_function("parse the curated part", |b| b.iter(|| Catalog::parse(black_box(MODELS), PROVIDERS)));
    group.bench_function("look up", |b| b.iter(|| catalog.resolve(black_box("anthropic/claude-haiku-5-5"))));
    for (name, terms) in [
        ("anthropic/claude-haiku-5-5", Terms { batch: true, region: Some("us"), ..Terms::at(now_ms) }),
        ("deepseek/deepseek-v4-pro", Terms::at(now_ms)),
    ] {
        let model = catalog.resolve(name).expect("the model is bundled").model;
        group.bench_function(BenchmarkId::new("quote and cost", name), |b| {
            b.iter(|| model.quote(black_box(&terms)).map(|quote| cost(&quote, black_box(&usage))));
        });
    }
    group.finish();
}

criterion_group!(benches, core, catalogue);
criterion_main!(benches);
