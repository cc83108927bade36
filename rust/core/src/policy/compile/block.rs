//! Reading one block of keys: strict keys, duplicates refused, every value of the kind its key takes.

use crate::policy::diagnostics::{Findings, Pos, did_you_mean, suggestion};
use crate::policy::expr::{self, Names, Program};
use crate::policy::facts::{Scope, Type};
use crate::policy::grammar::KeyRow;
use crate::policy::source::{Key, Node, NodeValue};

/// A block whose keys were checked against what the language knows.
pub struct Block<'n> {
    /// Where it stands.
    pub pos: Pos,
    members: Vec<(&'n Key, &'n Node)>,
    /// Keys that misspelt ones were probably meant to be: not reported as missing too.
    meant: Vec<String>,
    rows: &'n [&'n [KeyRow]],
}

impl<'n> Block<'n> {
    /// Opens `node` as a block with these keys; reports anything else. None when it is no block at all.
    pub fn open(node: &'n Node, what: &str, rows: &'n [&'n [KeyRow]], findings: &mut Findings) -> Option<Self> {
        let keys: Vec<&str> = rows.iter().flat_map(|rows| rows.iter()).map(|row| row.name).collect();
        let NodeValue::Map(members) = &node.value else {
            findings.error_hint(
                node.pos,
                "wrong-type",
                format!("{what} must be a block of keys, found {}", node.kind_name()),
                format!("its keys are {}", list(&keys)),
            );
            return None;
        };
        let mut seen: Vec<(&Key, &Node)> = Vec::new();
        let mut meant = Vec::new();
        for (key, value) in members {
            if let Some((first, _)) = seen.iter().find(|(known, _)| known.name == key.name) {
                duplicate(key, first, what, findings);
            } else if keys.contains(&key.name.as_str()) {
                seen.push((key, value));
            } else if !findings.is_full() {
                meant.extend(did_you_mean(&key.name, keys.iter().copied()).map(str::to_owned));
                report_unknown_key(key, what, &keys, findings);
            }
        }
        Some(Self { pos: node.pos, members: seen, meant, rows })
    }

    /// The value of a key; a key with nothing behind it is reported once, and absent.
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.members.iter().find(|(key, _)| key.name == name).map(|(_, node)| *node)
    }

    /// The whole number of a key, within the bounds that its row says.
    pub fn count(&self, name: &str, findings: &mut Findings) -> Option<u64> {
        let node = self.get(name)?;
        let row = self.rows.iter().flat_map(|rows| rows.iter()).find(|row| row.name == name)?;
        let (low, high) = row.bounds()?;
        count(node, &format!("`{name}`"), low, high, findings)
    }

    /// Where a key stands.
    pub fn key_pos(&self, name: &str) -> Pos {
        self.members.iter().find(|(key, _)| key.name == name).map_or(self.pos, |(key, _)| key.pos)
    }

    /// The value of a key that must be there.
    pub fn need(&self, name: &str, what: &str, findings: &mut Findings) -> Option<&'n Node> {
        let node = self.get(name);
        if node.is_none() && !self.meant.iter().any(|meant| meant == name) {
            findings.error_hint(self.pos, "missing-key", format!("{what} needs `{name}`"), example(name));
        }
        node
    }
}

/// What a missing key may look like.
fn example(key: &str) -> &'static str {
    match key {
        "models" => "such as `models: { haiku: anthropic/claude-haiku-5-5 }`",
        "otherwise" => "what to do when no rule matches, such as `otherwise: { from: [haiku] }`",
        "when" => "its condition; what holds for the rest stands under `otherwise`",
        "from" => "the models to choose from, such as `from: [haiku, sonnet]`",
        "keep" => "what a candidate must meet, such as `keep: deployment.region == \"eu\"`",
        "in" => "the rule that it is in, such as `in: otherwise`",
        "by" => "whose calls belong together: `session`, `user`, or a value of `meta`, such as `meta.team`",
        "arms" => "models of the rule with their shares, such as `arms: { sonnet: 90%, opus: 10% }`",
        "name" => "such as `name: mine`",
        "use" => "its name in the catalogue, such as `use: anthropic/claude-haiku-5-5`",
        "input" | "output" => "both in dollars per million tokens, such as `{ input: $0.10, output: $0.40 }`",
        "given" => "such as `given: { prompt: \"hi there\" }`",
        "expect" => "such as `expect: model == \"haiku\"`",
        _ => "",
    }
}

fn duplicate(key: &Key, first: &Key, what: &str, findings: &mut Findings) {
    let message = format!("`{}` stands twice in {what}: also on line {}", key.name, first.pos.line);
    findings.error(key.pos, "duplicate-key", message);
}

/// Keys that POLICY has and this version does not: worth a better hint than a guess at a misspelling.
const NOT_YET: [&str; 2] = ["cache", "measure"];

fn report_unknown_key(key: &Key, what: &str, keys: &[&str], findings: &mut Findings) {
    let hint = if keys.contains(&"now") && ["time", "date", "weekday"].contains(&key.name.as_str()) {
        "set the clock with `now`, such as now: 2026-01-05T22:30Z".to_owned()
    } else if NOT_YET.contains(&key.name.as_str()) {
        "this version of Turnout does not have it; a key is accepted once it works".to_owned()
    } else {
        suggestion(&key.name, keys.iter().copied()).unwrap_or_else(|| format!("the keys are {}", list(keys)))
    };
    findings.error_hint(key.pos, "unknown-key", format!("{what} has no key `{}`", key.name), hint);
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Every member of a block whose keys are the user's own names.
pub fn named_members<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Vec<(&'n Key, &'n Node)> {
    let NodeValue::Map(members) = &node.value else {
        findings.error(node.pos, "wrong-type", format!("{what} must be a block of names, found {}", node.kind_name()));
        return Vec::new();
    };
    let mut seen: Vec<(&Key, &Node)> = Vec::new();
    for (key, value) in members {
        if let Some((first, _)) = seen.iter().find(|(known, _)| known.name == key.name) {
            duplicate(key, first, what, findings);
        } else if is_name(&key.name) {
            seen.push((key, value));
        } else {
            findings.error_hint(
                key.pos,
                "bad-value",
                format!("`{}` is not a name", key.name),
                "a name starts with a letter and holds letters, digits, `-` and `_`",
            );
        }
    }
    seen
}

/// Whether a text can name a model, pool, fact, rule or deployment.
pub fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.len() <= 64
        && text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.'))
}

/// The text of a scalar that people write without quotes, where a ` #` may have been meant as a part of it.
pub fn prose<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Option<&'n str> {
    let NodeValue::Scalar { text, is_cut, .. } = &node.value else {
        findings.error(node.pos, "wrong-type", format!("{what} must be a text, found {}", node.kind_name()));
        return None;
    };
    if *is_cut {
        findings.error_hint(
            node.pos,
            "quote-expression",
            format!("YAML takes what follows ` #` for a comment, and leaves {what} as `{}`", shortened(text)),
            "put the text in quotes, or a space behind the `#` of a comment",
        );
        return None;
    }
    Some(text)
}

/// The text of a scalar.
pub fn text<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Option<&'n str> {
    match node.text() {
        Some(text) if !node.is_null() => Some(text),
        _ => {
            findings.error(node.pos, "wrong-type", format!("{what} must be a text, found {}", node.kind_name()));
            None
        }
    }
}

/// The items of a list; a single value counts as a list of one where `allows_one`.
pub fn items<'n>(node: &'n Node, what: &str, allows_one: bool, findings: &mut Findings) -> Vec<&'n Node> {
    match &node.value {
        NodeValue::Seq(items) => items.iter().collect(),
        NodeValue::Scalar { .. } if allows_one && !node.is_null() => vec![node],
        _ => {
            let message = format!("{what} must be a list, found {}", node.kind_name());
            findings.error_hint(node.pos, "wrong-type", message, "start each entry with `- `, or write [a, b]");
            Vec::new()
        }
    }
}

/// A whole number within bounds.
fn count(node: &Node, what: &str, low: u64, high: u64, findings: &mut Findings) -> Option<u64> {
    let value = node.text().and_then(|text| {
        let text = text.replace('_', "");
        // `1.5k` is as good a number as 1500.
        let (digits, decimals) = match text.strip_suffix(['k', 'M']) {
            Some(digits) => (digits, if text.ends_with('k') { 3 } else { 6 }),
            None => (text.as_str(), 0),
        };
        u64::try_from(expr::fixed(digits, decimals)?).ok()
    });
    match value {
        Some(value) if (low..=high).contains(&value) => Some(value),
        _ => {
            findings.error_hint(
                node.pos,
                "bad-value",
                format!("{what} must be a whole number from {low} to {high}, found {}", shown(node)),
                if high >= 10_000 { "such as 8000, 8k or 2M" } else { "" },
            );
            None
        }
    }
}

/// A number in millionths, written as `0.2`, `20%` or (where `suffix` is `x`) `2.5x`.
pub fn millionths(node: &Node, what: &str, suffix: &str, findings: &mut Findings) -> Option<i64> {
    let value = node.text().and_then(|text| match text.strip_suffix('%') {
        Some(digits) => expr::fixed(digits.trim(), 4),
        None => expr::fixed(text.strip_suffix(suffix).filter(|_| !suffix.is_empty()).unwrap_or(text).trim(), 6),
    });
    if value.is_none() {
        let example = if suffix == "x" { "2.5x" } else { "20%" };
        findings.error_hint(
            node.pos,
            "bad-value",
            format!("{what} must be a number, found {}", shown(node)),
            format!("such as {example}"),
        );
    }
    value
}

/// A duration in milliseconds, written as `40s`.
pub fn duration_ms(node: &Node, what: &str, findings: &mut Findings) -> Option<i64> {
    let value = node.text().and_then(duration);
    if value.is_none() {
        findings.error_hint(
            node.pos,
            "bad-value",
            format!("{what} must be a duration, found {}", shown(node)),
            "such as 1200ms, 40s or 5m",
        );
    }
    value
}

/// A text such as `40s`, in milliseconds.
pub fn duration(text: &str) -> Option<i64> {
    let start = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (digits, unit) = text.split_at_checked(start)?;
    let (decimals, factor) = match unit {
        "ms" => (0, 1),
        "s" => (3, 1),
        "m" => (3, 60),
        "h" => (3, 3600),
        "d" => (3, 86_400),
        _ => return None,
    };
    expr::fixed(digits.trim(), decimals)?.checked_mul(factor).filter(|value| *value > 0)
}

/// An amount of money in pico-USD, written as `$0.25`.
pub fn money_picos(node: &Node, what: &str, findings: &mut Findings) -> Option<i64> {
    let value = node.text().and_then(|text| expr::fixed(text.strip_prefix('$')?.trim(), 12));
    if value.is_none() {
        findings.error_hint(
            node.pos,
            "bad-value",
            format!("{what} must be an amount of money, found {}", shown(node)),
            "in dollars, such as $0.25",
        );
    }
    value
}

/// One of a closed set of words.
pub fn word<T: Copy>(node: &Node, what: &str, words: &[(&'static str, T)], findings: &mut Findings) -> Option<T> {
    let found = node.text().and_then(|text| words.iter().find(|(name, _)| *name == text)).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let hint = suggestion(node.text().unwrap_or_default(), names.iter().copied())
            .unwrap_or_else(|| format!("one of {}", list(&names)));
        findings.error_hint(node.pos, "bad-value", format!("{what} cannot be {}", shown(node)), hint);
    }
    found
}

/// The boolean of a scalar.
pub fn boolean(node: &Node, what: &str, findings: &mut Findings) -> Option<bool> {
    let value = node.as_bool();
    if value.is_none() {
        findings.error_hint(
            node.pos,
            "bad-value",
            format!("{what} must be true or false, found {}", shown(node)),
            "YAML's yes and no are texts here",
        );
    }
    value
}

/// A value as messages show it.
pub fn shown(node: &Node) -> String {
    match node.text() {
        Some(text) if !node.is_null() => format!("`{}`", shortened(text)),
        _ => node.kind_name().to_owned(),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Compiles the expression of a scalar; every error is reported at its place in the file.
pub fn expression(
    node: &Node,
    what: &str,
    scope: Scope,
    wanted: Option<Type>,
    names: &mut Names,
    findings: &mut Findings,
) -> Option<(Program, Type)> {
    let NodeValue::Scalar { text, is_cut, .. } = &node.value else {
        findings.error_hint(
            node.pos,
            "quote-expression",
            format!("{what} must be an expression, found {}", node.kind_name()),
            "an expression is one text; one that starts with `[` or `{`, or holds `: `, must stand in quotes",
        );
        return None;
    };
    if node.is_null() {
        findings.error_hint(node.pos, "bad-expression", format!("{what} is empty"), "such as `tokens > 1000`");
        return None;
    }
    let result =
        expr::parse(text).map_err(|error| vec![error]).and_then(|tree| expr::check(&tree, text, scope, wanted, names));
    let errors = match result {
        Ok(compiled) => return Some(compiled),
        Err(errors) => errors,
    };
    // Only inside a string can a `#` be a part of an expression: elsewhere it is an ordinary comment.
    if *is_cut && errors.iter().any(|error| error.message == expr::UNCLOSED) {
        findings.error_hint(
            node.pos,
            "quote-expression",
            format!("YAML takes what follows ` #` for a comment, and leaves {what} as `{text}`"),
            "put the whole expression in single quotes, or the comment on a line of its own",
        );
        return None;
    }
    for error in errors {
        let pos = node.pos_of(text.get(..error.span.start).map_or(0, |before| before.chars().count()));
        match error.hint {
            Some(hint) => findings.error_hint(pos, error.code, format!("{what}: {}", error.message), hint),
            None => findings.error(pos, error.code, format!("{what}: {}", error.message)),
        }
    }
    None
}
