//! What the `model` of a client's request means: names are looked up, narrow the policy, and never go around its filters.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Call, code, order, policy};
use proptest::prelude::*;
use turnout_core::catalog::Catalog;
use turnout_core::engine::Engine;
use turnout_core::policy::{Policy, Target};

fn three(more: &str) -> Policy {
    policy(&format!(
        "turnout: 1\nname: names\nmodels:\n  haiku: anthropic/claude-haiku-5-5\n  opus: anthropic/claude-opus-5-5\n  luna: openai/gpt-6-luna\npools: {{ small: [haiku, luna] }}\nrequire: [{{ name: no-luna, when: meta.private ?? false, keep: 'model != \"luna\"' }}]\nrules:\n  - {{ name: hard, when: difficulty >= 2%, from: [opus] }}\notherwise: {{ from: [haiku], prefer: cheapest }}\n{more}"
    ))
}

fn chosen(policy: &Policy, name: &str) -> Vec<String> {
    let target = policy.asked_for(Some(name)).unwrap();
    let narrowed = policy.narrowed(&target);
    order(&Call::new(narrowed.as_ref().unwrap_or(policy), "hi").decide())
}

#[test]
fn each_kind_of_name_has_its_meaning() {
    let policy = three("");
    assert_eq!(policy.asked_for(None).unwrap(), Target::Auto);
    assert_eq!(policy.asked_for(Some("auto")).unwrap(), Target::Auto);
    assert_eq!(policy.asked_for(Some("hard")).unwrap(), Target::Rule(0));
    assert_eq!(chosen(&policy, "hard"), ["opus"]);
    assert_eq!(chosen(&policy, "otherwise"), ["haiku"]);
    assert_eq!(chosen(&policy, "small"), ["luna", "haiku"]);
    assert_eq!(chosen(&policy, "luna"), ["luna"]);
    assert_eq!(chosen(&policy, "claude-opus-5-5[1m]"), ["opus"]);
    assert_eq!(chosen(&policy, "openai/gpt-6-luna"), ["luna"]);
    let unknown = policy.asked_for(Some("lune")).unwrap_err();
    assert!(unknown.hint.contains("did you mean `luna`?"), "{}", unknown.hint);
    assert!(!unknown.hint.contains("haiku"), "the list of names is not for everyone");
}

#[test]
fn a_name_does_not_go_around_a_filter() {
    let policy = three("");
    let narrowed = policy.narrowed(&policy.asked_for(Some("luna")).unwrap()).unwrap();
    let mut call = Call::new(&narrowed, "hi");
    call.meta.push(("private".to_owned(), turnout_core::policy::MetaValue::Bool(true)));
    let decision = call.decide();
    assert_eq!(code(&decision, "luna").as_deref(), Some("require:no-luna"));
    assert!(decision.chosen().is_none());
}

#[test]
fn the_policy_says_what_other_names_mean() {
    let policy = three("clients:\n  aliases: [{ name: \"gpt-*\", means: small }]\n  models: refuse\n  others: auto\n");
    assert_eq!(chosen(&policy, "gpt-4o"), ["luna", "haiku"]);
    assert_eq!(policy.asked_for(Some("whatever")).unwrap(), Target::Auto);
    assert!(policy.asked_for(Some("opus")).unwrap_err().message.contains("`opus` cannot be asked for"));
    assert_eq!(policy.asked_for(Some("hard")).unwrap(), Target::Rule(0), "a rule is the policy's own choice");
}

#[test]
fn a_decision_under_a_name_is_made_again_from_its_record() {
    let policy = std::sync::Arc::new(three(""));
    let has_key = vec![true; policy.deployments.len()];
    let engine = Engine::new(std::sync::Arc::clone(&policy), Catalog::bundled().hash(), has_key);
    for name in ["auto", "hard", "small", "luna", "claude-opus-5-5"] {
        let narrowed = engine.narrowed(&policy.asked_for(Some(name)).unwrap());
        let narrowed = narrowed.as_ref().unwrap_or(&engine);
        let decision = Call::new(narrowed.policy(), "hi").decide();
        let (again, ..) = engine.redecide(decision.to_json().as_bytes()).unwrap();
        assert_eq!(again.to_json(), decision.to_json(), "{name}");
    }
}

proptest! {
    #[test]
    fn any_name_is_looked_up_or_refused(name in ".{0,40}", others in any::<bool>()) {
        let policy = three(if others { "clients: { others: auto }\n" } else { "" });
        match policy.asked_for(Some(&name)) {
            Ok(Target::Auto) => prop_assert!(others || name.trim_end_matches("[1m]") == "auto"),
            Ok(target) => prop_assert!(policy.narrowed(&target).is_some()),
            Err(unknown) => prop_assert!(!others && !unknown.message.chars().any(char::is_control)),
        }
    }
}

#[test]
fn what_names_mean_is_part_of_the_policy() {
    assert_ne!(three("").hash, three("clients: { others: auto }\n").hash);
}
