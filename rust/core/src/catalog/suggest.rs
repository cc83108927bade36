//! "Did you mean": the closest known names. Only errors pay for it.

use crate::edit_distance::edit_distance;

/// How many names a hint shows.
const SHOWN: usize = 3;

/// The closest of `known` to `wanted`, best first; none when nothing is near.
pub(super) fn closest<'k>(wanted: &str, known: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
    let wanted = fold(wanted);
    let limit = (wanted.len() / 3).max(2);
    let mut near: Vec<(usize, &str)> = known
        .filter_map(|name| {
            let candidate = fold(name);
            (candidate.len().abs_diff(wanted.len()) <= limit)
                .then(|| (edit_distance(&wanted, &candidate), name))
                .filter(|(distance, _)| *distance <= limit)
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

/// `did you mean ...?`, when something is near.
pub(super) fn hint<'k>(wanted: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let names: Vec<String> = closest(wanted, known).into_iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
}

/// Letters in lower case and one separator: what people mix up costs nothing.
fn fold(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '.' | '_' | ' ' | ':' | '@') { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_nearest_first_and_nothing_far() {
        let known = ["claude-haiku-5-5", "claude-opus-5-5", "claude-opus-5", "gpt-6-sol"];
        assert_eq!(
            closest("claude-opus-5.5", known.into_iter()),
            ["claude-opus-5-5", "claude-opus-5", "claude-haiku-5-5"]
        );
        assert_eq!(closest("CLAUDE_HAIKU_5_5", known.into_iter()).first(), Some(&"claude-haiku-5-5"));
        assert!(closest("llama", known.into_iter()).is_empty());
        assert!(closest("", known.into_iter()).is_empty());
        assert_eq!(hint("gpt6-sol", known.into_iter()).as_deref(), Some("did you mean `gpt-6-sol`?"));
        assert_eq!(hint(&"x".repeat(100_000), known.into_iter()), None);
    }
}
