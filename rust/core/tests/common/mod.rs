//! Policies for tests: rows from a small subset of YAML, so that the core needs no YAML library.
//!
//! The subset: blocks by indentation, `- ` lists, `[a, b]` and `{ k: v }` on one line, plain and quoted scalars, comments on
//! lines of their own. What is beyond it makes the test panic.
#![allow(
    dead_code,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; each test file uses a part of it"
)]

use turnout_core::catalog::Catalog;
use turnout_core::decide::{DecideInputs, Decision, RequestFacts, decide};
use turnout_core::policy::diagnostics::{Finding, Pos};
use turnout_core::policy::source::{Row, RowKind};
use turnout_core::policy::{MetaValue, Policy, compile};
use turnout_core::wire::{Request, parse_request, prompt_body};

/// 2026-01-05T12:00Z, the clock of policy tests.
pub const NOW_MS: i64 = 1_767_614_400_000;
/// The day that policies are compiled on: 2026-11-22.
pub const TODAY: i64 = 20_779;

/// Models of which the first is free and small; everything about them is said, so that the catalogue's changes break nothing.
pub const MODELS: &str = "\
models:
  small: { use: ollama/test-small, price: free, context: 8k, tools: false, images: false, documents: false, schema: false }
  mid: { use: vllm/test-mid, base_url: 'http://127.0.0.1:1/v1', price: { input: $1, output: $4 }, context: 100k, max_output: 8k, tools: true, images: true, documents: true, schema: true }
  top: { use: vllm/test-top, base_url: 'http://127.0.0.1:2/v1', price: { input: $5, output: $20 }, context: 1M, max_output: 64k, tools: true, images: true, documents: true, schema: true }
";

/// A policy of [`MODELS`] with what is said of the rest.
pub fn text(rest: &str) -> String {
    format!("turnout: 1\nname: t\n{MODELS}{rest}")
}

/// The rows of a policy file.
pub fn rows(text: &str) -> Vec<Row> {
    let lines: Vec<(usize, usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.len() - line.trim_start().len(), line.trim()))
        .filter(|(_, _, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let mut reader = Reader { lines, at: 0, rows: Vec::new() };
    reader.block(0, None, 0);
    assert_eq!(reader.at, reader.lines.len(), "line {:?} is outside the subset", reader.lines.get(reader.at));
    reader.rows
}

struct Reader<'t> {
    lines: Vec<(usize, usize, &'t str)>,
    at: usize,
    rows: Vec<Row>,
}

type Keyed = Option<(String, Pos)>;

impl Reader<'_> {
    fn push(&mut self, depth: u32, key: Keyed, kind: RowKind, text: &str, pos: Pos, pieces: Vec<(u32, Pos)>) {
        self.rows.push(Row { depth, key, kind, text: text.to_owned(), is_cut: false, pos, pieces });
    }

    /// The block whose lines are indented by `indent` or more.
    fn block(&mut self, depth: u32, key: Keyed, indent: usize) {
        let Some((line, own, text)) = self.lines.get(self.at).copied().filter(|(_, own, _)| *own >= indent) else {
            self.push(depth, key, RowKind::Plain, "", Pos::new(1, 1), Vec::new());
            return;
        };
        let pos = place(line, own);
        let is_list = text == "-" || text.starts_with("- ");
        self.push(depth, key, if is_list { RowKind::Seq } else { RowKind::Map }, "", pos, Vec::new());
        while let Some((line, next, text)) = self.lines.get(self.at).copied() {
            if next < own {
                return;
            }
            assert_eq!(next, own, "line {line} is indented oddly");
            if is_list {
                let rest = text.strip_prefix('-').unwrap().trim_start();
                let inner = own + text.len() - rest.len();
                if is_key(rest) {
                    self.lines[self.at] = (line, inner, rest);
                    self.block(depth + 1, None, inner);
                } else {
                    self.at += 1;
                    self.value(depth + 1, None, rest, line, inner);
                }
            } else {
                let colon = colon(text).unwrap_or_else(|| panic!("line {line} has no key"));
                let name = text[..colon].trim_matches('"').to_owned();
                let key = Some((name, place(line, own)));
                let rest = text[colon + 1..].trim_start();
                self.at += 1;
                if rest.is_empty() {
                    let deeper = self
                        .lines
                        .get(self.at)
                        .is_some_and(|(_, next, text)| *next > own || (*next == own && text.starts_with("- ")));
                    if deeper {
                        let indent = self.lines[self.at].1;
                        self.block(depth + 1, key, indent);
                    } else {
                        self.push(depth + 1, key, RowKind::Plain, "", place(line, own + colon + 1), Vec::new());
                    }
                } else {
                    self.value(depth + 1, key, rest, line, own + text.len() - rest.len());
                }
            }
        }
    }

    /// A value on one line.
    fn value(&mut self, depth: u32, key: Keyed, text: &str, line: usize, column: usize) {
        let pos = place(line, column);
        let bytes = text.as_bytes();
        match bytes[0] {
            open @ (b'[' | b'{') => {
                let close = if open == b'[' { ']' } else { '}' };
                let inner = text[1..].trim_end().strip_suffix(close).unwrap_or_else(|| panic!("line {line}: {text}"));
                self.push(depth, key, if open == b'[' { RowKind::Seq } else { RowKind::Map }, "", pos, Vec::new());
                for (start, item) in split(inner) {
                    let column = column + 1 + start;
                    if open == b'[' {
                        self.value(depth + 1, None, item, line, column);
                    } else {
                        let colon = colon(item).unwrap_or_else(|| panic!("line {line}: {item}"));
                        let key = Some((item[..colon].trim_matches('"').to_owned(), place(line, column)));
                        let rest = item[colon + 1..].trim_start();
                        if rest.is_empty() {
                            self.push(depth + 1, key, RowKind::Plain, "", place(line, column), Vec::new());
                        } else {
                            self.value(depth + 1, key, rest, line, column + item.len() - rest.len());
                        }
                    }
                }
            }
            quote @ (b'\'' | b'"') if bytes.len() > 1 && bytes[bytes.len() - 1] == quote => {
                let inner = &text[1..text.len() - 1];
                let plain = if quote == b'\'' { inner.replace("''", "'") } else { inner.replace("\\\"", "\"") };
                let start = place(line, column + 1);
                self.push(depth, key, RowKind::Quoted, &plain, pos, vec![(0, start)]);
            }
            _ => self.push(depth, key, RowKind::Plain, text, pos, Vec::new()),
        }
    }
}

fn place(line: usize, column: usize) -> Pos {
    Pos::new(u32::try_from(line).unwrap(), u32::try_from(column + 1).unwrap())
}

fn is_key(text: &str) -> bool {
    !text.starts_with(['[', '{', '"', '\'']) && colon(text).is_some()
}

/// Where the key ends: a colon with a space or nothing behind it, outside quotes.
fn colon(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, ':') if text[at + 1..].is_empty() || text[at + 1..].starts_with(' ') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Items between commas of the outermost level, with where each starts.
fn split(text: &str) -> Vec<(usize, &str)> {
    let (mut depth, mut quote, mut start, mut items) = (0_i32, None, 0, Vec::new());
    for (at, character) in text.char_indices().chain([(text.len(), ',')]) {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 || at == text.len() => {
                let item = &text[start..at];
                if !item.trim().is_empty() {
                    items.push((start + item.len() - item.trim_start().len(), item.trim()));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

/// What compiling a policy gives.
pub fn compiled(text: &str) -> Result<(Policy, Vec<Finding>), Vec<Finding>> {
    compile(&rows(text), Catalog::bundled(), TODAY)
}

/// A policy that must compile.
pub fn policy(text: &str) -> Policy {
    match compiled(text) {
        Ok((policy, _)) => policy,
        Err(findings) => panic!("{}\n{text}", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// The findings of a policy, errors or warnings.
pub fn findings(text: &str) -> Vec<Finding> {
    match compiled(text) {
        Ok((_, warnings)) => warnings,
        Err(findings) => findings,
    }
}

/// One call's circumstances.
#[derive(Clone)]
pub struct Call<'c> {
    pub policy: &'c Policy,
    pub body: String,
    pub meta: Vec<(String, MetaValue)>,
    pub keys: Vec<bool>,
    pub state: Option<&'c turnout_core::control::ControlState>,
    pub now_ms: i64,
    pub seed: u64,
}

impl<'c> Call<'c> {
    pub fn new(policy: &'c Policy, prompt: &str) -> Self {
        Self {
            policy,
            body: prompt_body(prompt),
            meta: Vec::new(),
            keys: vec![true; policy.deployments.len()],
            state: None,
            now_ms: NOW_MS,
            seed: 0,
        }
    }

    pub fn body(policy: &'c Policy, body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::new(policy, "") }
    }

    pub fn decide(&self) -> Decision {
        self.with(|_, decision| decision)
    }

    pub fn with<T>(&self, act: impl FnOnce(&Request<'_>, Decision) -> T) -> T {
        let request = parse_request(self.body.as_bytes(), None).unwrap();
        let facts = RequestFacts::new(&request, &self.meta, &[], self.now_ms);
        let decision = decide(&DecideInputs {
            policy: self.policy,
            catalog_hash: Catalog::bundled().hash(),
            facts: &facts,
            has_key: &self.keys,
            state: self.state,
            now_ms: self.now_ms,
            seed: self.seed,
        });
        act(&request, decision)
    }
}

/// The models in the order of the plan.
pub fn order(decision: &Decision) -> Vec<String> {
    decision.attempts().map(|considered| considered.deployment.to_string()).collect()
}

/// The code with which a deployment was rejected.
pub fn code(decision: &Decision, deployment: &str) -> Option<String> {
    use turnout_core::decide::CandidateStatus;
    decision.candidates().iter().find(|row| row.deployment == deployment).and_then(|row| match &row.status {
        CandidateStatus::Rejected { code, .. } => Some(code.clone()),
        _ => None,
    })
}
