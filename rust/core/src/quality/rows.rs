//! Graded outcomes, brought into the order that a fit needs.

use super::error::QualityError;
use super::text::TextVector;
use crate::hash::hash64;

/// Models in one artefact.
const MAX_MODELS: usize = 64;
/// Parts into which rows are dealt, so that each row is judged by a fit that did not see it.
pub(super) const FOLDS: usize = 5;

/// What became of one prompt.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// The prompt, or another text of the request that tells what was asked.
    pub prompt: &'a str,
    /// What the caller calls this kind of request, if anything.
    pub category: Option<&'a str>,
    /// Rows of one group (paraphrases, one conversation) are never on both sides of a fit and its judgement. Without one,
    /// rows of the same words are one group.
    pub group: Option<&'a str>,
    /// Where the row comes from; the artefact lists it.
    pub source: Option<&'a str>,
    /// Models with their grades, 0 (useless) to 1 (as good as it can be).
    pub scores: Vec<(&'a str, f64)>,
}

/// The rows of a fit.
#[derive(Debug)]
pub(super) struct Rows {
    pub models: Vec<String>,
    pub sources: Vec<(String, u64)>,
    pub categories: Vec<String>,
    pub texts: Vec<TextVector>,
    /// The number of each row's category.
    pub tags: Vec<Option<u32>>,
    /// Which part each row is dealt to.
    pub folds: Vec<u8>,
    /// Row by row, one grade a model; NaN is not known.
    pub scores: Vec<f32>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The grades of one row.
    pub fn scores_of(&self, row: usize) -> &[f32] {
        let width = self.models.len();
        self.scores.get(row.saturating_mul(width)..).and_then(|scores| scores.get(..width)).unwrap_or_default()
    }

    /// Takes rows in.
    ///
    /// # Errors
    /// `bad-outcome` for a row without grades, with one outside of 0 to 1, or a model too many.
    pub fn new(outcomes: &[Outcome<'_>]) -> Result<Self, QualityError> {
        let models = names(outcomes)?;
        let mut rows = Self {
            scores: vec![f32::NAN; outcomes.len().saturating_mul(models.len())],
            models,
            sources: Vec::new(),
            categories: categories(outcomes),
            texts: Vec::with_capacity(outcomes.len()),
            tags: Vec::with_capacity(outcomes.len()),
            folds: Vec::new(),
        };
        let mut groups = Vec::with_capacity(outcomes.len());
        let width = rows.models.len();
        for (outcome, scores) in outcomes.iter().zip(rows.scores.chunks_exact_mut(width)) {
            for (name, score) in &outcome.scores {
                if let Some(cell) = place(&rows.models, name).and_then(|at| scores.get_mut(at)) {
                    *cell = super::numbers::single(*score);
                }
            }
            let text = TextVector::of_text(outcome.prompt);
            groups.push(outcome.group.map_or(text.key(), |group| hash64(group.as_bytes())));
            rows.tags.push(
                outcome
                    .category
                    .map(canonical)
                    .and_then(|name| rows.categories.binary_search(&name).ok())
                    .and_then(|at| u32::try_from(at).ok()),
            );
            rows.texts.push(text);
            let source = outcome.source.unwrap_or("unnamed");
            match rows.sources.iter_mut().find(|(name, _)| name == source) {
                Some((_, count)) => *count += 1,
                None => rows.sources.push((source.to_owned(), 1)),
            }
        }
        rows.folds = deal(&groups);
        Ok(rows)
    }
}

/// A category as it is compared: without outer white space, in small letters; an empty one is none.
pub(super) fn canonical(category: &str) -> String {
    category.trim().to_lowercase()
}

/// Where a name stands.
pub(super) fn place(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|known| known == name)
}

/// Every model, in the order of their names, once the grades are seen to be grades.
fn names(outcomes: &[Outcome<'_>]) -> Result<Vec<String>, QualityError> {
    let bad = |row: usize, what: String| {
        QualityError::new(
            "bad-outcome",
            format!("row {}: {what}", row + 1),
            Some("a row is `{prompt, category?, models: {name: score}}`, with scores from 0 to 1"),
        )
    };
    let mut models: Vec<String> = Vec::new();
    for (row, outcome) in outcomes.iter().enumerate() {
        if outcome.scores.is_empty() {
            return Err(bad(row, "no model has a score".to_owned()));
        }
        for (name, score) in &outcome.scores {
            if !(0.0..=1.0).contains(score) {
                return Err(bad(row, format!("the score of `{name}` is {score}, not between 0 and 1")));
            }
            if place(&models, name).is_none() {
                if models.len() == MAX_MODELS {
                    return Err(bad(row, format!("`{name}` is one model more than the {MAX_MODELS} of an artefact")));
                }
                models.push((*name).to_owned());
            }
        }
    }
    models.sort_unstable();
    Ok(models)
}

fn categories(outcomes: &[Outcome<'_>]) -> Vec<String> {
    let mut names: Vec<String> =
        outcomes.iter().filter_map(|outcome| outcome.category).map(canonical).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Deals groups to parts of the same number of groups, in an order that has nothing to do with the rows'.
fn deal(groups: &[u64]) -> Vec<u8> {
    let mut unique: Vec<u64> = groups.to_vec();
    unique.sort_unstable();
    unique.dedup();
    groups
        .iter()
        .map(|group| unique.binary_search(group).map_or(0, |at| u8::try_from(at % FOLDS).unwrap_or(0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome<'a>(prompt: &'a str, scores: &[(&'a str, f64)]) -> Outcome<'a> {
        Outcome { prompt, category: None, group: None, source: None, scores: scores.to_vec() }
    }

    #[test]
    fn rows_of_the_same_words_are_judged_together() {
        let prompts = ["one", "two", "three", "four", "five", "six", "ONE!", " two"];
        let outcomes: Vec<_> = prompts.iter().map(|prompt| outcome(prompt, &[("a", 1.0)])).collect();
        let rows = Rows::new(&outcomes).unwrap();
        assert_eq!(rows.folds[0], rows.folds[6]);
        assert_eq!(rows.folds[1], rows.folds[7]);
        for fold in 0..5 {
            assert!(rows.folds.contains(&fold), "{fold}");
        }
    }

    #[test]
    fn what_is_no_grade_is_refused_with_its_row() {
        for (scores, says) in [(vec![], "row 2: no model"), (vec![("a", 1.5)], "1.5"), (vec![("a", f64::NAN)], "NaN")] {
            let error = Rows::new(&[outcome("x", &[("a", 1.0)]), outcome("y", &scores)]).unwrap_err();
            assert_eq!(error.code, "bad-outcome");
            assert!(error.message.contains(says), "{error}");
        }
    }

    #[test]
    fn missing_scores_and_categories_are_known_to_be_missing() {
        let mut second = outcome("y", &[("b", 0.5)]);
        second.category = Some(" Law ");
        let rows = Rows::new(&[outcome("x", &[("a", 1.0)]), second]).unwrap();
        assert_eq!(rows.models, ["a", "b"]);
        assert!(rows.scores_of(0)[1].is_nan() && rows.scores_of(1)[0].is_nan());
        assert!((rows.scores_of(1)[1] - 0.5).abs() < 1e-9);
        assert_eq!(rows.tags, [None, Some(0)]);
        assert_eq!(rows.categories, ["law"]);
    }
}
