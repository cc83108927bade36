//! The shared cases of `tests/cases/policy` and `tests/cases/decide`.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use turnout_core::catalog::Catalog;
use turnout_core::control::{ControlEvent, ControlState};
use turnout_core::decide::CandidateStatus;
use turnout_core::engine::Engine;
use turnout_core::outcome::OutcomeKind;
use turnout_core::policy::diagnostics::Pos;
use turnout_core::policy::source::{Row, RowKind};
use turnout_core::policy::{KeyRef, MetaValue, Policy, compile};
use turnout_core::wire::prompt_body;

#[allow(clippy::disallowed_methods, reason = "the test reads its cases; the core reads nothing")]
fn cases(folder: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .flat_map(|path| serde_json::from_slice::<Vec<Value>>(&std::fs::read(path).unwrap()).unwrap())
        .collect()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn rows(case: &Value) -> Option<Vec<Row>> {
    let row = |row: &Value| Row {
        depth: number(&row[0]),
        key: row[1].as_str().map(|key| (key.to_owned(), Pos::new(number(&row[2]), number(&row[3])))),
        kind: RowKind::from_name(row[4].as_str().unwrap()).unwrap(),
        text: row[5].as_str().unwrap().to_owned(),
        is_cut: row[6].as_bool().unwrap(),
        pos: Pos::new(number(&row[7]), number(&row[8])),
        pieces: row[9]
            .as_array()
            .unwrap()
            .iter()
            .map(|piece| (number(&piece[0]), Pos::new(number(&piece[1]), number(&piece[2]))))
            .collect(),
    };
    Some(case["rows"].as_array()?.iter().map(row).collect())
}

#[test]
fn wrong_policies_are_refused_with_these_findings() {
    let mut names = BTreeSet::new();
    let mut read = 0;
    for case in cases("policy") {
        let name = case["name"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "`{name}` stands twice");
        // What is no YAML is the loader's to refuse.
        let Some(rows) = rows(&case) else { continue };
        read += 1;
        let found = match compile(&rows, Catalog::bundled(), common::TODAY) {
            Err(found) => found.iter().map(|one| (one.pos, one.code)).collect::<Vec<_>>(),
            Ok((policy, warnings)) => {
                let failures = Engine::new(policy.into(), "", Vec::new()).run_tests();
                let failing = failures.iter().map(|failure| (failure.pos, "failing-test"));
                warnings.iter().map(|one| (one.pos, one.code)).chain(failing).collect()
            }
        };
        let found: Vec<Value> = found.iter().map(|(pos, code)| json!([pos.line, pos.column, code])).collect();
        assert_eq!(Value::Array(found), case["findings"], "{name}");
    }
    assert!(names.len() >= 60 && read >= 50, "found only {} cases, {read} with rows", names.len());
}

fn meta(values: &Value) -> Vec<(String, MetaValue)> {
    let value = |value: &Value| match value {
        Value::String(text) => MetaValue::Text(text.clone()),
        Value::Bool(flag) => MetaValue::Bool(*flag),
        other => MetaValue::Number(other.as_i64().unwrap() * 1_000_000),
    };
    values.as_object().unwrap().iter().map(|(key, one)| (key.clone(), value(one))).collect()
}

fn keys(policy: &Policy, env: &Value) -> Vec<bool> {
    let is_set = |name: &String| env.as_array().unwrap().iter().any(|set| set.as_str() == Some(name));
    policy
        .deployments
        .iter()
        .map(|row| match &row.key {
            KeyRef::None => true,
            KeyRef::Env(names) => names.iter().any(is_set),
        })
        .collect()
}

fn cooled(policy: &Policy, ids: &Value, now_ms: i64) -> ControlState {
    let mut state = ControlState::default();
    for id in ids.as_array().unwrap() {
        let deployment = id.as_str().unwrap();
        assert!(policy.deployments.iter().any(|row| row.id == deployment), "no deployment {deployment}");
        let (key, provider) = ("-", "-");
        let outcome = OutcomeKind::NotFound;
        state.apply(
            &ControlEvent::AttemptEnded {
                deployment,
                key,
                provider,
                outcome,
                ttft_ms: None,
                total_ms: 0,
                retry_after_ms: None,
            },
            now_ms,
        );
    }
    state
}

#[test]
fn decisions_are_these() {
    let mut count = 0;
    for case in cases("decide") {
        let rows = rows(&case).expect("a policy that is YAML");
        let (policy, _) = compile(&rows, Catalog::bundled(), common::TODAY)
            .unwrap_or_else(|found| panic!("{}: {found:?}", case["name"]));
        for call in case["calls"].as_array().unwrap() {
            let name = call["name"].as_str().unwrap();
            let now_ms = call["now_ms"].as_i64().unwrap();
            let state = cooled(&policy, &call["cooling"], now_ms);
            let body = match &call["request"] {
                Value::String(prompt) => prompt_body(prompt),
                body => body.to_string(),
            };
            let decision = common::Call {
                policy: &policy,
                body,
                meta: meta(&call["meta"]),
                keys: keys(&policy, &call["env"]),
                state: Some(&state),
                now_ms,
                seed: call["seed"].as_u64().unwrap(),
            }
            .decide();
            let rejected: BTreeMap<&str, &str> = decision
                .candidates()
                .iter()
                .filter_map(|row| match &row.status {
                    CandidateStatus::Rejected { code, .. } => Some((row.deployment.as_str(), code.as_str())),
                    _ => None,
                })
                .collect();
            let seen = json!({
                "rule": decision.rule.as_str(), "order": common::order(&decision), "rejected": rejected, "relaxed": decision.relaxed,
            });
            assert_eq!(seen, call["expect"], "{}: {name}\n{}", case["name"], decision.explain());
            count += 1;
        }
    }
    assert!(count >= 30, "found only {count} calls");
}
