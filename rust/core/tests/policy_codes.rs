//! Every code of a finding is raised by a policy that a person might write, at the place that is to blame.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::{findings, policy, text};
use turnout_core::catalog::Catalog;
use turnout_core::engine::Engine;
use turnout_core::policy::diagnostics::{CODES, Severity};
use turnout_core::policy::expr::Tri;

const END: &str = "otherwise: { from: [small] }\n";

/// The same of budgets and limits.
fn cases_of_budgets() -> Vec<(String, &'static str, &'static str)> {
    let rule = |when: &str| text(&format!("rules:\n  - name: r\n    when: {when}\n    from: mid\n{END}"));
    let with = |rest: &str| text(&format!("{rest}\n{END}"));
    let test = |said: &str| with(&format!("tests:\n  - {said}"));
    vec![
        (with("budgets:\n  - { name: a-b, limit: $1/day }"), "bad-value", "a-b"),
        (with("budgets:\n  - { name: a, limit: $1/year }"), "bad-value", "$1/year"),
        (with("budgets:\n  - { name: a, limit: 5/day }"), "bad-value", "5/day"),
        (with("budgets:\n  - { name: a, limit: $9000001/day }"), "out-of-range", "$9000001/day"),
        (with("budgets:\n  - { name: a, limit: $0/day }"), "out-of-range", "$0/day"),
        (with("budgets:\n  - { name: a, limit: $1/30s }"), "out-of-range", "$1/30s"),
        (with("budgets:\n  - { name: a }"), "missing-key", "{ name"),
        (
            with("budgets:\n  - { name: a, limit: $1/day }\n  - { name: a, limit: $1/week }"),
            "duplicate-name",
            "name: a, limit: $1/week",
        ),
        (with("budgets:\n  - { name: a, limit: $1/day, per: team }"), "bad-value", "team }"),
        (with("budgets:\n  - { name: a, limit: $1/day, per: model }"), "bad-value", "model }"),
        (with("budgets:\n  - { name: a, limit: $1/day, zone: Europe/Atlantis }"), "unknown-name", "Europe/Atlantis"),
        (with("budgets:\n  - { name: a, limit: $1/24h, zone: '+02:00' }"), "bad-value", "'+02:00'"),
        (with("budgets:\n  - { name: a, limit: $1/day, on_exceed: panic }"), "bad-value", "panic"),
        (with("budgets:\n  - { name: a, limit: $1/day, alert_at: [0%] }"), "out-of-range", "0%"),
        (with("budgets:\n  - { name: a, limit: $1/day, models: [nobody] }"), "unknown-name", "nobody"),
        (rule("budget.teem.used > 5%"), "unknown-fact", "budget.teem"),
        (with("limits:\n  - { requests: 600 }"), "bad-value", "600 }"),
        (with("limits:\n  - { requests: 1.5/min }"), "bad-value", "1.5/min"),
        (with("limits:\n  - { tokens: 0/min }"), "out-of-range", "0/min"),
        (with("limits:\n  - { per: key }"), "missing-key", "{ per"),
        (with("limits:\n  - { per: [key, key], requests: 1/s }"), "duplicate-name", "key], requests"),
        (with("limits:\n  - { concurrent: 0 }"), "bad-value", "0 }"),
        (test("{ name: t, given: { budget: { x: { used: 5% } } }, expect: refused }"), "unknown-name", "x: { used"),
    ]
}

/// What is wrong, the code, and the text at whose place it is found.
fn cases() -> Vec<(String, &'static str, &'static str)> {
    let rule = |when: &str| text(&format!("rules:\n  - name: r\n    when: {when}\n    from: mid\n{END}"));
    let with = |rest: &str| text(&format!("{rest}\n{END}"));
    let model = |said: &str| format!("turnout: 1\nname: t\nmodels:\n  m: {said}\notherwise: {{ from: [m] }}\n");
    let test = |said: &str| with(&format!("tests:\n  - {said}"));
    vec![
        (format!("{}x: &a 1\n", "- ".repeat(40)), "too-large", ""),
        (rule(&format!("tokens in [{}1]", "1, ".repeat(1000))), "too-large", "tokens in"),
        (with("accept: not_empty\naccept: complete"), "duplicate-key", "accept: complete"),
        (with("unkown: skip"), "unknown-key", "unkown"),
        (with("cache: { exact: 10m }"), "unknown-key", "cache"),
        (with("extends: base.yaml"), "bad-extends", "base.yaml"),
        (text(""), "missing-key", "turnout"),
        (rule("tokens > 5").replace("    when: tokens > 5\n", ""), "missing-key", "name: r"),
        (model("{ use: ollama/x, price: { input: $1 }, context: 8k }"), "missing-key", "{ input"),
        (with("tests: nothing"), "wrong-type", "nothing"),
        (with("pools: [small]"), "wrong-type", "[small]"),
        (with("run: { deadline: 40 }"), "bad-value", "40 }"),
        (with("run: { attempts: 21 }"), "bad-value", "21 }"),
        (with("run: { spend: 0.25 }"), "bad-value", "0.25"),
        (with("facts: { not: tokens > 5 }"), "bad-value", "not: tokens"),
        (with("pools: { 1st: [small] }"), "bad-value", "1st"),
        (text("otherwise: { from: [small], prefer: cheap }\n"), "bad-value", "cheap }"),
        (model("{ use: ollama/x, price: free, base_url: 'http://api.example.com/v1' }"), "bad-value", "'http:"),
        (model("{ use: ollama/x, price: free, tools: yes }"), "bad-value", "yes"),
        (with("").replace("turnout: 1", "turnout: 2"), "unsupported-version", "2"),
        (with("facts: { tokens: 5 > 4 }"), "duplicate-name", "tokens: 5"),
        (with("pools: { mid: [small] }"), "duplicate-name", "mid: [small]"),
        (text("otherwise: { from: [small, mid, small] }\n"), "duplicate-name", "small] }"),
        (model("anthropic/claude-haiku-9"), "unknown-model", "anthropic"),
        (model("anthropic/claude-3-7-sonnet-20250219"), "retired-model", "anthropic"),
        (model("anthropic/claude-sonnet-4-5-20250929"), "retiring-model", "anthropic"),
        (model("{ use: antropic/claude, price: free, context: 8k }"), "unknown-provider", "antropic"),
        (text("otherwise: { from: [smal] }\n"), "unknown-name", "smal]"),
        (text("otherwise: { from: [] }\n"), "empty-choice", "[] }"),
        (with("pools: { none: [] }"), "empty-choice", "[] }"),
        (model("ollama/qwen3-8b"), "unknown-price", "ollama"),
        (model("{ use: ollama/x, price: free, key: sk-ant-api03-abcdefgh }"), "secret-in-file", "sk-ant"),
        (model("{ use: ollama/x, price: free, key: 'env:NOT SO' }"), "bad-value", "'env:"),
        (rule("[tokens, 5]"), "quote-expression", "[tokens"),
        (rule("tokens >"), "bad-expression", ""),
        (rule("1 < tokens < 5"), "bad-expression", "< 5"),
        (rule("tokens > 5 && tools > 0"), "bad-expression", "&&"),
        (rule("tokens in 5..5"), "bad-expression", "5..5"),
        (rule("date > 2026-02-30"), "bad-expression", "2026-02-30"),
        (rule("tokenz > 5"), "unknown-fact", "tokenz"),
        (rule("includes(prompt, \"x\")"), "unknown-function", "includes"),
        (rule("model == \"mid\""), "wrong-scope", "model =="),
        (rule("cost.p90 <= $1"), "wrong-scope", "cost"),
        (rule("tokens > $5"), "type-mismatch", "tokens >"),
        (rule("prompt is known"), "type-mismatch", "prompt is"),
        (rule("contains(prompt, [\"a\"])"), "type-mismatch", "[\"a\"]"),
        (rule("tokens"), "type-mismatch", "tokens"),
        (with("facts: { ask: prompt }"), "type-mismatch", "prompt }"),
        (rule("task == \"coding\""), "unknown-enum-value", "\"coding\""),
        (rule("weekday in [\"sat\", \"sunday\"]"), "unknown-enum-value", "\"sunday\""),
        (rule("matches(prompt, \"(?=x)\")"), "bad-regex", "\"(?=x)\""),
        (rule("matches(prompt, \"x*\")"), "matches-everything", "\"x*\""),
        (with("facts:\n  a: b or tools > 1\n  b: a"), "fact-cycle", "b or"),
        (rule("1 > 2"), "unreachable-rule", "when: 1 > 2"),
        (rule("difficulty > 70"), "out-of-range", "70"),
        (rule("1.5 <= difficulty"), "out-of-range", "1.5"),
        (rule("difficulty == 5"), "out-of-range", "5"),
        (rule("difficulty in 2..3"), "out-of-range", "2..3"),
        (with("run: { retry_budget: 20 }"), "out-of-range", "20 }"),
        (test("{ name: a, given: { difficulty: 70 }, expect: model == \"small\" }"), "out-of-range", "70"),
        (test("{ name: a, given: { prompt: hi }, expect: tokens > 1 }"), "test-asserts-nothing", "tokens > 1"),
        (test("{ name: a, given: { cooling: [mid/eu] }, expect: refused }"), "unknown-name", "mid/eu"),
        (test("{ name: a, given: { prompt: hi }, expect: rule == \"r\" }"), "unknown-enum-value", "\"r\""),
        (
            with("rules:\n  - { name: a, when: true, from: mid }\n  - { name: b, when: tools > 1, from: mid }"),
            "unreachable-rule",
            "when: tools",
        ),
    ]
}

/// Policies that load, and that a person should look at.
fn doubtful() -> Vec<(String, &'static str, &'static str)> {
    let rules = |rules: &str| text(&format!("{rules}\notherwise: {{ from: [small, mid, top] }}\n"));
    let rule = |when: &str| rules(&format!("rules:\n  - {{ name: r, when: '{when}', from: [mid, top] }}"));
    vec![
        (rule("tokens > 1000 and tokens < 500"), "never-true", "tokens > 1000"),
        (rule("task == \"code\" and (tools > 0 or images > 0) and task == \"math\""), "never-true", "task == \"code\""),
        (rule("stream or time in 22:00..06:00 UTC and time in 09:00..17:00 UTC"), "never-true", "time in 22"),
        (rule("stream or images >= 0"), "always-true", "images >= 0"),
        (
            rule("weekday in [\"mon\", \"tue\"] or weekday not in [\"mon\", \"sat\"] or weekday == \"mon\""),
            "redundant-condition",
            "weekday == \"mon\"",
        ),
        (rule("tokens > 1000 and tokens > 500"), "redundant-condition", "tokens > 500"),
        (rule("(tokens ?? 0) > 500"), "redundant-condition", "(tokens"),
        (
            rules(
                "rules:\n  - { name: a, when: difficulty >= 0.5, from: mid }\n  - { name: b, when: difficulty >= 0.7 and stream, from: top }",
            ),
            "shadowed-rule",
            "when: difficulty >= 0.7",
        ),
        (
            rules(
                "rules:\n  - { name: a, when: tools > 2, from: mid }\n  - { name: b, when: tools <= 2 and stream, from: mid }\n  - { name: c, when: stream and not schema, from: top }",
            ),
            "shadowed-rule",
            "when: stream and",
        ),
        (rules("require:\n  - { keep: 'model.provider == \"vlm\"' }"), "unknown-value", "\"vlm\""),
        (rules("require:\n  - { when: meta.a ?? false, keep: 'model.context >= 2M' }"), "rejects-all", "keep"),
        (
            rules("rules:\n  - { name: r, when: images > 0 and tools == 0, from: small }"),
            "nothing-eligible",
            "from: small",
        ),
        (rules("rules:\n  - { name: r, when: tokens > 2M, from: [mid, top] }"), "nothing-eligible", "from: [mid"),
        (
            rules(
                "require:\n  - { when: meta.a ?? false, keep: 'model == \"small\"' }\nrules:\n  - { name: r, when: difficulty > 0.5, from: [mid, top] }",
            ),
            "nothing-eligible",
            "from: [mid",
        ),
        (rules("rules:\n  - { name: r, when: images > 0, from: [mid], else: [small] }"), "unfit-model", "small]"),
        (rules("rules:\n  - { name: r, when: tokens > 500k, from: [mid, top] }"), "unfit-model", "mid, top]"),
        (
            rules("rules:\n  - { name: r, when: stream, from: [mid, top], want: [model.rank >= 2] }"),
            "idle-want",
            "model.rank",
        ),
        (
            rules(
                "rules:\n  - { name: r, when: difficulty < 0.5, from: [mid, top], want: [difficulty > 0.6 or model.rank > 3] }",
            ),
            "idle-want",
            "difficulty > 0.6",
        ),
        (
            rules("rules:\n  - { name: r, when: stream, from: [mid, top], want: [quality >= 0.9] }"),
            "floor-on-prior",
            "quality",
        ),
        (
            rules(
                "require: [{ name: q, keep: model != \"top\" }]\nexperiments: [{ name: e, in: otherwise, by: user, arms: { small: 90%, top: 10% } }]",
            ),
            "idle-arm",
            "top: 10%",
        ),
        (rules("facts: { a: tools > 1 }"), "unused-definition", "a: tools"),
        (rules("pools: { all: [small, mid, top], few: [small, mid] }"), "unused-definition", "few"),
        (text(END).replace("[small]", "[small, mid]"), "unused-definition", "top: {"),
        (rule("matches(prompt, \"(?s).+\")"), "matches-everything", "matches("),
        (rule("matches(prompt, \"[a-z]{2000}[0-9]{2000}\")"), "costly-pattern", "matches("),
        (
            rules(
                "tests:\n  - { name: a, given: { prompt: hi }, expect: 'rule == \"otherwise\" or not (rule == \"otherwise\")' }",
            ),
            "test-asserts-nothing",
            "'rule",
        ),
        (
            rules(
                "tests:\n  - { name: a, given: { prompt: hi }, expect: 'model in [\"small\", \"mid\", \"top\"] or refused' }",
            ),
            "test-asserts-nothing",
            "'model",
        ),
        (rules("description: made with sk-a1b2c3d4e5f6a7b8c9d0e1f2"), "secret-in-file", "sk-a1"),
        (
            rules(
                "tests:\n  - { name: a, given: { prompt: 'my key is sk-a1b2c3d4e5f6a7b8c9d0e1f2' }, expect: not refused }",
            ),
            "secret-in-file",
            "sk-a1",
        ),
    ]
}

#[test]
fn what_is_doubtful_is_one_finding_where_it_stands() {
    for (source, code, at) in doubtful() {
        let found = findings(&source);
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [code], "{found:#?}\n{source}");
        let line = source.lines().nth(usize::try_from(found[0].pos.line).unwrap() - 1).unwrap();
        let rest: String = line.chars().skip(usize::try_from(found[0].pos.column).unwrap() - 1).collect();
        assert!(rest.starts_with(at), "{code} is not at `{at}` but at `{rest}`");
        let is_error = code == "test-asserts-nothing" || (code == "secret-in-file" && source.contains("description"));
        assert_eq!(found[0].severity == Severity::Error, is_error, "{found:?}");
    }
}

#[test]
fn what_people_write_on_purpose_is_not_doubtful() {
    let rules = |rules: &str| text(&format!("{rules}\notherwise: {{ from: [small, mid, top] }}\n"));
    for source in [
        rules("rules:\n  - { name: r, when: 'meta.a is known and meta.a == \"x\"', from: mid }"),
        rules(
            "rules:\n  - { name: a, when: difficulty >= 0.7, from: top }\n  - { name: b, when: difficulty >= 0.5, from: mid }",
        ),
        rules(
            "rules:\n  - { name: a, when: tokens < 10, from: mid }\n  - { name: b, when: tokens >= 10 and stream, from: top }",
        ),
        // An estimate may leave both open: the third is not shadowed.
        rules(
            "rules:\n  - { name: a, when: tokens < 10, from: mid }\n  - { name: b, when: tokens >= 10, from: mid }\n  - { name: c, when: stream, from: top }",
        ),
        rules("rules:\n  - { name: r, when: time in 22:00..06:00 UTC and time in 05:00..09:00 UTC, from: mid }"),
        rules("rules:\n  - { name: r, when: 'task == \"code\" or task is unknown', from: mid }"),
        rules("rules:\n  - { name: r, when: images == 0, from: small }"),
        rules("pools: { all: [small, mid, top] }\nrules:\n  - { name: r, when: images > 0, from: all }"),
        rules("require:\n  - { keep: 'model.provider in [\"vllm\", \"ollama\"]' }"),
        rules(
            "rules:\n  - { name: r, when: stream, from: [mid, top], want: [cost.p90 <= $0.01, model.rank >= 3, ttft.p95 <= 2s] }",
        ),
        rules("tests:\n  - { name: a, given: { prompt: hi }, expect: not refused }"),
    ] {
        let found = findings(&source);
        assert!(found.is_empty(), "{found:#?}\n{source}");
    }
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    for (source, code, at) in cases().into_iter().chain(cases_of_budgets()) {
        if source.starts_with('-') {
            continue;
        }
        let found = findings(&source);
        let of_code: Vec<_> = found.iter().filter(|finding| finding.code == code).collect();
        assert!(!of_code.is_empty(), "no {code} in\n{source}\n{found:?}");
        let lines: Vec<&str> = source.lines().collect();
        let is_at = |finding: &&&turnout_core::policy::diagnostics::Finding| {
            let line = lines[usize::try_from(finding.pos.line).unwrap() - 1];
            line.chars().skip(usize::try_from(finding.pos.column).unwrap() - 1).collect::<String>().starts_with(at)
        };
        assert!(of_code.iter().any(|finding| is_at(&finding)), "{code} is not at `{at}`: {of_code:?}\n{source}");
    }
}

#[test]
fn one_mistake_is_one_finding() {
    for (source, code, _) in cases().into_iter().chain(cases_of_budgets()) {
        // These are several by nature, or hide others.
        if source.starts_with('-') || ["missing-key"].contains(&code) {
            continue;
        }
        let found = findings(&source);
        assert_eq!(found.len(), 1, "{code}: {found:#?}\n{source}");
    }
}

#[test]
fn every_code_has_a_case() {
    let mut raised: BTreeSet<&str> = cases().iter().map(|(_, code, _)| *code).collect();
    // A file that is no YAML is the loader's finding, a test that fails the engine's.
    raised.extend(["malformed-yaml", "failing-test"]);
    raised.extend(doubtful().iter().map(|(_, code, _)| *code));
    let known: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(raised, known);
}

#[test]
fn messages_are_lower_case_without_a_full_stop() {
    for (source, _, _) in cases().into_iter().chain(cases_of_budgets()) {
        if source.starts_with('-') {
            continue;
        }
        for finding in findings(&source) {
            let texts = [Some(&finding.message), finding.hint.as_ref()];
            for text in texts.into_iter().flatten() {
                assert!(!text.is_empty() && !text.ends_with('.'), "{finding}");
                assert!(!text.starts_with(|first: char| first.is_uppercase()) || text.starts_with("YAML"), "{finding}");
            }
        }
    }
}

#[test]
fn a_failed_model_is_reported_once_and_not_at_its_uses() {
    let found = findings(
        "turnout: 1\nname: t\nmodels:\n  a: anthropic/claude-haiku-9\n  b: anthropic/claude-haiku-5-5\npools: { p: [a, b] }\n\
         rules:\n  - { name: r, when: tools > 0, from: a }\notherwise: { from: p }\n\
         tests:\n  - { name: t, given: { cooling: a }, expect: 'model == \"a\"' }\n",
    );
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["unknown-model"], "{found:?}");
}

#[test]
fn a_rule_without_a_name_is_read_all_the_same() {
    let found = findings(&text(&format!("rules:\n  - when: tokenz > 5\n    from: smol\n{END}")));
    let codes: Vec<&str> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["missing-key", "unknown-fact", "unknown-name"], "{found:?}");
}

#[test]
fn a_retiring_model_is_a_warning_before_its_day_and_an_error_after() {
    use turnout_core::policy::compile;
    let source = "turnout: 1\nname: t\nmodels: { m: anthropic/claude-sonnet-4-5-20250929 }\notherwise: { from: m }\n";
    let at = |today: i64| compile(&common::rows(source), Catalog::bundled(), today);
    let (_, none) = at(common::TODAY - 60).unwrap();
    assert!(none.is_empty(), "{none:?}");
    let (_, warned) = at(common::TODAY).unwrap();
    assert_eq!((warned[0].code, warned[0].severity), ("retiring-model", Severity::Warning));
    assert_eq!(at(common::TODAY + 60).unwrap_err()[0].code, "retired-model");
}

#[test]
fn names_kept_apart_by_layout_and_values_by_kind() {
    let hash = |source: &str| policy(source).hash;
    let base = text(END);
    assert_eq!(hash(&base), hash(&base.replace("name: t", "name: 't'")));
    assert_eq!(hash(&base), hash(&format!("# a comment\n{base}")));
    assert_ne!(hash(&base), hash(&base.replace("name: t", "name: u")));
    assert_ne!(hash(&base), hash(&base.replace("[small]", "[mid]")));
    let flow = "turnout: 1\nname: t\notherwise: { from: [small] }\n";
    let moved = format!("{flow}{}", common::MODELS);
    assert_eq!(hash(&base), hash(&moved));
}

#[test]
fn tests_in_the_file_run_and_say_what_they_saw() {
    let source = text(
        "facts: { hard: difficulty >= 0.6 }\n\
         rules:\n  - { name: hard, when: hard, from: top }\n\
         otherwise: { from: [small, mid], prefer: cheapest }\n\
         tests:\n  \
         - { name: holds, given: { prompt: hi, difficulty: 0.9 }, expect: 'model == \"top\"' }\n  \
         - { name: fails, given: { prompt: hi, difficulty: 0.1 }, expect: 'model == \"top\"' }\n  \
         - { name: open, given: { prompt: hi, without_key: [small, mid], difficulty: 0 }, expect: 'model == \"mid\"' }\n  \
         - { name: refused, given: { prompt: hi, without_key: [small, mid], difficulty: 0 }, expect: 'refused or model == \"mid\"' }\n  \
         - { name: cool, given: { prompt: hi, cooling: small, difficulty: 0 }, expect: 'model == \"mid\" and not refused' }\n  \
         - { name: tools, given: { prompt: hi, tools: 2, difficulty: 0 }, expect: 'model == \"mid\"' }\n  \
         - { name: pictures, given: { prompt: hi, images: 1, difficulty: 0 }, expect: 'model == \"mid\"' }\n  \
         - { name: schema, given: { prompt: hi, schema: true, difficulty: 0 }, expect: 'model == \"mid\"' }\n  \
         - { name: bound, given: { prompt: hi, max_tokens: 7900, tokens: 300, difficulty: 0 }, expect: 'model == \"mid\"' }\n  \
         - { name: short, given: { prompt: hi, difficulty: 0 }, expect: 'model == \"small\" and tokens < 50' }\n  \
         - { name: doubt, given: { prompt: hi, difficulty: unknown }, expect: 'rule == \"hard\"' }\n",
    );
    let policy = policy(&source);
    let count = policy.tests.len();
    let failures = Engine::new(policy.into(), "c", Vec::new()).run_tests();
    let names: Vec<(&str, Tri)> = failures.iter().map(|failure| (failure.name.as_str(), failure.held)).collect();
    assert_eq!(count, 11);
    assert_eq!(names, [("fails", Tri::False), ("open", Tri::Unknown)], "{failures:#?}");
    assert!(failures[0].saw.contains("rule `otherwise`, model `small`"), "{}", failures[0].saw);
    assert!(failures[1].saw.contains("refused: "), "{}", failures[1].saw);
    let line = source.lines().nth(usize::try_from(failures[0].pos.line).unwrap() - 1).unwrap();
    assert!(line.contains("name: fails"));
}

#[test]
fn limits_on_size() {
    let many = |count: usize| {
        let facts: Vec<String> = (0..count).map(|index| format!("  f{index}: tokens > {index}\n")).collect();
        text(&format!("facts:\n{}{END}", facts.concat()))
    };
    // Nothing uses them, and that is all.
    assert!(policy(&many(4096)).facts.len() == 4096);
    assert_eq!(findings(&many(4097))[0].code, "too-large");
}

#[test]
fn facts_over_open_facts_stay_linear() {
    let mut facts = "facts:\n  f0: meta.x\n".to_owned();
    for index in 1..60 {
        use std::fmt::Write as _;
        let before = index - 1;
        writeln!(facts, "  f{index}: f{before} and (f{before} or f{before})").unwrap();
    }
    let policy = policy(&text(&format!("{facts}rules:\n  - {{ name: r, when: f59, from: mid }}\n{END}")));
    let decision = common::Call::new(&policy, "hi").decide();
    assert_eq!(decision.rule, "r", "an open rule of a stronger model wins");
}
