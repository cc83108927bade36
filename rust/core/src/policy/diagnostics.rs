//! Findings: what is wrong with a policy, where, and what to write instead.

use std::fmt;

use crate::edit_distance::edit_distance;

/// A place in the files of a policy. Lines and columns count from 1; a column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Pos {
    /// 0 for the policy's own file, 1 for the one that it extends, and so on.
    pub file: u32,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl Pos {
    /// A place in the policy's own file.
    pub const fn new(line: u32, column: u32) -> Self {
        Self { file: 0, line, column }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy does not load.
    Error,
    /// The policy loads; a person should look.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it starts.
    pub pos: Pos,
    /// Stable, one of [`CODES`].
    pub code: &'static str,
    /// Lower-case, no full stop, the user's text in backticks.
    pub message: String,
    /// What to do, when that can be said.
    pub hint: Option<String>,
    /// Whether it keeps the policy from loading.
    pub severity: Severity,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.pos.line, self.pos.column, self.code, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

/// Every code that a policy can be refused or warned with, and what it means.
pub const CODES: &[(&str, &str)] = &[
    ("malformed-yaml", "the file is not YAML, or uses a part of YAML that policies do not (anchors, aliases, tags)"),
    ("too-large", "the file or one of its expressions is beyond its size or depth bound"),
    ("duplicate-key", "a key stands twice in one block"),
    ("unknown-key", "a key that this version of the language does not have"),
    ("bad-extends", "the policy file that `extends` names cannot be read, or must not be"),
    ("missing-key", "a key that the block cannot do without"),
    ("wrong-type", "a value of another kind than the key takes"),
    ("bad-value", "a value of the right kind that makes no sense here"),
    ("unsupported-version", "the language version is not one that this release reads"),
    ("duplicate-name", "two models, pools, facts, rules or tests of the same name"),
    ("unknown-model", "the catalogue does not have this model and the policy does not say its facts"),
    ("retired-model", "the provider has retired this model"),
    ("retiring-model", "the provider retires this model within 30 days of the clock"),
    ("unknown-provider", "no provider of that name, or none that can be called"),
    ("unknown-name", "a model, pool or rule that the policy does not define"),
    ("empty-choice", "a rule from which nothing can be chosen"),
    ("unknown-price", "money is asked about, but the model has no known price"),
    ("secret-in-file", "a key stands in the file itself"),
    ("quote-expression", "YAML cuts or misreads the expression unless it is quoted"),
    ("bad-expression", "an expression that cannot be read"),
    ("unknown-fact", "an expression names a fact that does not exist"),
    ("unknown-function", "an expression calls a function that does not exist"),
    ("wrong-scope", "a fact that has no value where the expression stands"),
    ("type-mismatch", "an expression compares or combines values of different kinds"),
    ("unknown-enum-value", "a value that the fact never takes"),
    ("bad-regex", "a pattern that cannot be compiled, or is too large"),
    ("matches-everything", "a pattern that matches every text"),
    ("fact-cycle", "facts that are defined by each other"),
    ("unreachable-rule", "a rule that can never be reached"),
    ("out-of-range", "a threshold that the value can never reach or never leave"),
    ("never-true", "a condition, or a part of one, that no request meets"),
    ("always-true", "a condition, or a part of one, that every request meets"),
    ("redundant-condition", "a part of a condition that changes nothing beside the rest"),
    ("shadowed-rule", "a rule whose every request the rules above it take"),
    ("unknown-value", "a provider or a region that no model of the policy has"),
    ("rejects-all", "a filter that no candidate meets"),
    ("nothing-eligible", "a rule that refuses requests it takes: no model of its choice can take them"),
    ("unfit-model", "a model of a choice that can take none of the requests of its rule"),
    ("idle-want", "a wish that no candidate can meet, or that every candidate always meets"),
    ("floor-on-prior", "`quality` is compared with a number while nothing but a prior is known of it"),
    ("idle-arm", "an arm of an experiment whose model takes none of the requests of its rule"),
    ("unused-definition", "a fact, model or pool that nothing uses"),
    ("costly-pattern", "a pattern that is large once compiled"),
    ("test-asserts-nothing", "a test whose expectation holds whatever the policy does"),
    ("failing-test", "a test in the file does not hold"),
];

/// How many findings are reported of one file: nobody reads more, and each is text in memory.
const MAX_FINDINGS: usize = 1000;

/// Collects findings; the policy is refused when one of them is an error.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
}

impl Findings {
    /// Adds an error.
    pub fn error(&mut self, pos: Pos, code: &'static str, message: impl Into<String>) {
        self.push(pos, code, message.into(), None, Severity::Error);
    }

    /// Adds an error with a hint.
    pub fn error_hint(&mut self, pos: Pos, code: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.push(pos, code, message.into(), Some(hint.into()), Severity::Error);
    }

    /// Adds a warning with a hint.
    pub fn warning(&mut self, pos: Pos, code: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.push(pos, code, message.into(), Some(hint.into()), Severity::Warning);
    }

    fn push(&mut self, pos: Pos, code: &'static str, message: String, hint: Option<String>, severity: Severity) {
        let hint = hint.filter(|hint| !hint.is_empty());
        self.add(Finding { pos, code, message, hint, severity });
    }

    /// Adds a finding made elsewhere.
    pub fn add(&mut self, finding: Finding) {
        if !self.is_full() {
            self.found.push(finding);
        }
    }

    /// Whether there are so many findings, errors among them, that no more are taken.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MAX_FINDINGS && self.has_errors()
    }

    /// Whether the policy must be refused.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// All findings, in the order of the files; of more than a thousand, a thousand.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.found.sort_by(|a, b| (a.pos, a.code, &a.message).cmp(&(b.pos, b.code, &b.message)));
        self.found.dedup();
        self.found.truncate(MAX_FINDINGS);
        self.found
    }
}

/// The known name closest to `given`, if one is close enough to be what was meant.
///
/// Close enough: at most one edit per three characters, and at least one edit allowed.
pub fn did_you_mean<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let given_folded = given.to_lowercase();
    let allowed = (given_folded.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let folded = name.to_lowercase();
        // A longer name that starts with what was written is as good as one edit (`lang` for `language`, `coding` does not).
        let starts =
            given_folded.len() >= 3 && (folded.starts_with(&given_folded) || given_folded.starts_with(&folded));
        let distance = if starts && folded.len() >= 3 { 1 } else { edit_distance(&given_folded, &folded) };
        let stem = common_prefix(&given_folded, &folded) >= 3 && distance <= allowed + 1;
        if (distance <= allowed || stem) && best.is_none_or(|(known_distance, _)| distance < known_distance) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// The hint `did you mean ...?`, or the list of what is known when it is short, or nothing.
pub fn suggestion<'n>(given: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> Option<String> {
    if let Some(name) = did_you_mean(given, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    (!all.is_empty() && all.len() <= 20).then(|| format!("known here: {}", all.join(", ")))
}

fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_probably_meant() {
        let tasks = ["code", "math", "translation", "language"];
        assert_eq!(did_you_mean("coding", tasks), Some("code"));
        assert_eq!(did_you_mean("maths", tasks), Some("math"));
        assert_eq!(did_you_mean("lang", tasks), Some("language"));
        assert_eq!(did_you_mean("transaltion", tasks), Some("translation"));
        assert_eq!(did_you_mean("zebra", tasks), None);
        assert_eq!(suggestion("zebra", ["a", "b"]).unwrap(), "known here: `a`, `b`");
    }

    #[test]
    fn codes_are_unique() {
        let mut names: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
