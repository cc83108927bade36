//! Keys that stand in the file, wherever they stand: known shapes of providers' keys.

use crate::policy::diagnostics::Findings;
use crate::policy::source::{Node, NodeValue};

/// How keys start that people paste, and how many characters follow at least. From the providers' own documentation.
const SHAPES: [(&str, usize); 22] = [
    ("sk-", 20),
    ("sk_live_", 16),
    ("pk-lf-", 16),
    ("gsk_", 20),
    ("xai-", 20),
    ("pplx-", 20),
    ("fw_", 20),
    ("r8_", 20),
    ("nvapi-", 20),
    ("hf_", 20),
    ("ghp_", 20),
    ("gho_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("AIza", 30),
    ("AKIA", 16),
    ("ASIA", 16),
    ("ya29.", 20),
    ("eyJ", 40),
    ("tgp_v1_", 20),
];

/// Looks at every text of the file. A `key:` that holds a key was reported already.
pub(in crate::policy) fn secrets(root: &Node, findings: &mut Findings) {
    let NodeValue::Map(members) = &root.value else { return look(root, false, findings) };
    for (key, node) in members {
        look(node, key.name == "tests", findings);
    }
}

/// A test may look for a key in a prompt, and then holds one that is no key: that is a warning.
fn look(node: &Node, is_test: bool, findings: &mut Findings) {
    match &node.value {
        NodeValue::Seq(items) => items.iter().for_each(|item| look(item, is_test, findings)),
        NodeValue::Map(members) => {
            for (_, node) in members.iter().filter(|(key, _)| key.name != "key") {
                look(node, is_test, findings);
            }
        }
        NodeValue::Scalar { text, .. } => {
            let Some(start) = key_in(text) else { return };
            let pos = node.pos_of(text.get(..start).map_or(0, |before| before.chars().count()));
            // The key is not repeated in the message.
            if is_test {
                let hint = "if it is a key, revoke it; if it is made up, write x for most of it";
                findings.warning(pos, "secret-in-file", "a test holds what looks like a key", hint);
            } else {
                let hint = "revoke it, and name an environment variable: `key: env:NAME`";
                findings.error_hint(pos, "secret-in-file", "this looks like a key; a policy holds none", hint);
            }
        }
    }
}

/// Where a key starts in a text.
fn key_in(text: &str) -> Option<usize> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return text.find("-----BEGIN ");
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let mut start = 0;
    for word in text.split(|character| !is_part(character)) {
        let is_key = SHAPES.iter().any(|(prefix, least)| {
            word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *least && is_random(rest))
        });
        if is_key {
            return Some(start);
        }
        // What splits words may be longer than a byte.
        start += word.len();
        start += text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    None
}

/// Whether a text is no name: letters and digits, and not one character over and over.
fn is_random(rest: &str) -> bool {
    let kinds: std::collections::BTreeSet<char> = rest.chars().collect();
    kinds.len() >= 8 && rest.chars().any(|character| character.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_names() {
        let key = |prefix: &str| format!("{prefix}{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2");
        for (prefix, _) in SHAPES {
            assert_eq!(key_in(&key(prefix)), Some(0), "{prefix}");
            assert_eq!(key_in(&format!("é Bearer {}", key(prefix))), Some(10), "{prefix}");
        }
        for text in [
            "sk-ant-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-learn is a library of 2007",
            "hf_space",
            "ask-me-anything-about-2026-things",
        ] {
            assert_eq!(key_in(text), None, "{text}");
        }
        assert!(key_in("-----BEGIN RSA PRIVATE KEY-----").is_some());
    }
}
