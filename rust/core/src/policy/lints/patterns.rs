//! Patterns that match every text, or cost more than a pattern should.

use regex::RegexBuilder;

use super::Site;
use super::places::pos_of;
use crate::policy::diagnostics::Findings;
use crate::policy::expr::Op;

/// A compiled pattern beyond this is slow to load and to run: a quarter of the largest that is taken.
const LARGE_BYTES: usize = 1 << 18;

/// Looks at the patterns of an expression.
pub(super) fn patterns(site: &Site<'_>, findings: &mut Findings) {
    for (place, op) in site.program.nodes().iter().enumerate() {
        let Op::Matches(test) = op else { continue };
        let pattern = test.pattern.as_str();
        let pos = pos_of(site.node, site.program, site.program.span(place));
        if is_anything(pattern) {
            findings.warning(
                pos,
                "matches-everything",
                format!("{}: the pattern matches every text that is not blank", site.what),
                "leave it out, or look for a word",
            );
        } else if pattern.contains('{') && RegexBuilder::new(pattern).size_limit(LARGE_BYTES).build().is_err() {
            findings.warning(
                pos,
                "costly-pattern",
                format!("{}: the compiled pattern is larger than {} kB", site.what, LARGE_BYTES / 1024),
                "count less (`{1,20}`), or name the characters (`[a-z0-9]` instead of `\\w`)",
            );
        }
    }
}

/// Whether a pattern is one character of any kind, or some, wherever it stands.
fn is_anything(pattern: &str) -> bool {
    let pattern = pattern.strip_prefix("(?s)").unwrap_or(pattern);
    let once = pattern.trim_end_matches('?').trim_end_matches('+');
    matches!(once, "." | r"\S" | r"[\s\S]" | r"[\S\s]" | r"[\w\W]" | r"[\W\w]" | r"[\d\D]" | r"[\D\d]")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_what_matches_every_text_is_anything() {
        for pattern in [".", ".+", r"\S", r"\S+", r"[\s\S]", "(?s).+", ".+?", r"[\w\W]+"] {
            assert!(is_anything(pattern), "{pattern}");
            let compiled = regex::Regex::new(pattern).unwrap();
            assert!(["a", "é", "1 2", "-"].iter().all(|text| compiled.is_match(text)), "{pattern}");
        }
        for pattern in ["a", r"\.", "^.$", ".$", "..", r"\w", "[a-z]+", "x."] {
            assert!(!is_anything(pattern), "{pattern}");
        }
    }
}
