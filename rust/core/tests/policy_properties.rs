//! Policies: nothing panics on rows of any shape, and layout does not change the hash.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod common;

use common::{TODAY, findings, policy, rows, text};
use proptest::prelude::*;
use turnout_core::catalog::Catalog;
use turnout_core::policy::compile;
use turnout_core::policy::diagnostics::{CODES, Pos, Severity};
use turnout_core::policy::source::{Row, RowKind};

const WORDS: [&str; 66] = [
    "turnout",
    "name",
    "models",
    "pools",
    "facts",
    "require",
    "rules",
    "otherwise",
    "accept",
    "escalate",
    "run",
    "sticky",
    "experiments",
    "by",
    "in",
    "arms",
    "leave_if",
    "for",
    "for_any",
    "prompt",
    "session",
    "off",
    "saves > 30%",
    "tests",
    "unknown",
    "from",
    "when",
    "keep",
    "want",
    "prefer",
    "set",
    "else",
    "use",
    "price",
    "context",
    "key",
    "deployments",
    "given",
    "expect",
    "cooling",
    "meta",
    "now",
    "thinking",
    "deadline",
    "spend",
    "attempts",
    "weight",
    "small",
    "mid",
    "1",
    "true",
    "",
    "~",
    "free",
    "40s",
    "$0.25",
    "20%",
    "tokens > 5",
    "model == \"small\"",
    "anthropic/claude-haiku-5-5",
    "env:KEY",
    "cheapest",
    "high",
    "task in [\"code\"]",
    "é\u{0}",
    "99999999999999999999",
];

fn any_row() -> impl Strategy<Value = Row> {
    let word = || prop_oneof![8 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,8}"];
    let kind = prop::sample::select(vec![RowKind::Map, RowKind::Seq, RowKind::Plain, RowKind::Quoted]);
    let pieces = prop::collection::vec((0..9_u32, 0..9_u32, any::<u32>()), 0..3);
    (0..6_u32, prop::option::of(word()), kind, word(), any::<bool>(), any::<u32>(), pieces).prop_map(
        |(depth, key, kind, text, is_cut, column, pieces)| Row {
            depth,
            key: key.map(|key| (key, Pos::new(1, column))),
            kind,
            text,
            is_cut,
            pos: Pos::new(1, column),
            pieces: pieces.into_iter().map(|(start, line, column)| (start, Pos::new(line, column))).collect(),
        },
    )
}

/// A whole policy with many of the language's keys.
const WHOLE: &str = "\
description: one of everything
pools: { ladder: [small, mid, top] }
facts:
  hard: difficulty >= 0.7 or meta.hard
require:
  - { name: eu, when: 'meta.residency == \"eu\"', keep: 'model.provider == \"vllm\"' }
unknown: skip
rules:
  - name: hard
    when: hard
    from: [mid, top]
    prefer: cheapest
    want: [cost.p90 <= $0.50, model.rank >= 3]
    set: { thinking: high, max_tokens: 8000 }
    require:
      - { keep: model.context >= 8k }
    run: { deadline: 10s }
otherwise: { from: ladder, prefer: best, else: [] }
accept: [complete, not_empty]
escalate: { at_most: 1, cost_within: 2.5x }
run: { deadline: 40s, spend: $0.25, ttft: 6s, attempts: 3, retry_budget: 20% }
tests:
  - name: a
    given: { prompt: hi, meta: { hard: false, residency: us }, difficulty: 0.1 }
    expect: 'rule == \"otherwise\"'
";

fn whole() -> String {
    text(&WHOLE.replace(", else: []", ""))
}

/// The rows of a block's members, in another order.
fn shuffled(rows: &[Row], seed: &mut u64) -> Vec<Row> {
    let Some((head, rest)) = rows.split_first() else { return Vec::new() };
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for row in rest {
        if row.depth == head.depth + 1 {
            groups.push(Vec::new());
        }
        groups.last_mut().unwrap().push(row.clone());
    }
    let mut groups: Vec<Vec<Row>> = groups.iter().map(|group| shuffled(group, seed)).collect();
    // The order of models and pools is meaning, that of lists too.
    let is_ranked = head.depth == 1 && head.key.as_ref().is_some_and(|(key, _)| key == "models" || key == "pools");
    if head.kind == RowKind::Map && !is_ranked {
        for index in (1..groups.len()).rev() {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            groups.swap(index, usize::try_from(*seed >> 33).unwrap() % (index + 1));
        }
    }
    std::iter::once(head.clone()).chain(groups.into_iter().flatten()).collect()
}

proptest! {
    #[test]
    fn rows_of_any_shape_are_refused_in_order(rows in prop::collection::vec(any_row(), 0..40)) {
        if let Err(found) = compile(&rows, Catalog::bundled(), TODAY) {
            prop_assert!(found.iter().any(|one| one.severity == Severity::Error));
            prop_assert!(found.is_sorted_by_key(|one| one.pos));
            for one in &found {
                prop_assert!(CODES.iter().any(|(code, _)| *code == one.code), "{}", one.code);
                prop_assert!(!one.message.is_empty() && one.hint.as_deref() != Some(""));
            }
        }
    }

    #[test]
    fn a_damaged_policy_never_panics(at in 0..200_usize, other in any_row(), drops in any::<bool>()) {
        let mut rows = rows(&whole());
        let at = at % rows.len();
        if drops {
            rows.remove(at);
        } else {
            let row = &mut rows[at];
            row.kind = other.kind;
            row.text = other.text;
            row.is_cut = other.is_cut;
            row.pieces = other.pieces;
        }
        let _ = compile(&rows, Catalog::bundled(), TODAY);
    }

    #[test]
    fn key_order_does_not_change_the_hash(seed in any::<u64>()) {
        let rows = rows(&whole());
        let moved = shuffled(&rows, &mut seed.clone());
        let hash = |rows: &[Row]| compile(rows, Catalog::bundled(), TODAY).unwrap().0.hash;
        prop_assert_eq!(hash(&rows), hash(&moved));
    }

    #[test]
    fn any_other_value_changes_the_hash(at in 0..200_usize) {
        let mut rows = rows(&whole());
        let base = compile(&rows, Catalog::bundled(), TODAY).unwrap().0.hash;
        let scalars: Vec<usize> =
            (0..rows.len()).filter(|row| matches!(rows[*row].kind, RowKind::Plain | RowKind::Quoted)).collect();
        rows[scalars[at % scalars.len()]].text.push('1');
        if let Ok((policy, _)) = compile(&rows, Catalog::bundled(), TODAY) {
            prop_assert_ne!(policy.hash, base);
        }
    }
}

#[test]
fn the_whole_policy_compiles_and_its_tests_hold() {
    let policy = policy(&whole());
    assert!(findings(&whole()).is_empty());
    assert_eq!(policy.rules.len(), 2);
    assert!(turnout_core::engine::Engine::new(policy.into(), "", Vec::new()).run_tests().is_empty());
}
