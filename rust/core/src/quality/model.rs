//! A fitted artefact and what it says about a prompt.

use super::calibrate::Calibration;
use super::error::QualityError;
use super::guess::Guess;
use super::measures::{Curve, curve};
use super::rows::canonical;
use super::text::{COARSE, SURFACE, TextVector};

/// Values of a text are taken in steps of this part before they meet the weights, so that sums are of integers.
const STEPS: f32 = 4096.0;
/// Breaks ties between equal gaps: too small to turn any other order around.
const TIE: f64 = 1e-9;

/// One model of an artefact.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ModelFacts {
    pub name: String,
    /// Rows with a grade.
    pub rows: u64,
    /// Mean grade.
    pub mean: f32,
    /// Brier scores on rows not seen: of the calibrated probability, and of the mean grade.
    pub brier: f32,
    pub brier_constant: f32,
    pub calibration: Calibration,
    /// Ten groups of rows not seen, by their predicted probability: its mean, the mean grade, rows.
    pub reliability: Vec<(f32, f32, u32)>,
}

impl ModelFacts {
    /// Whether the probability beats the mean grade on rows not seen.
    pub fn has_skill(&self) -> bool {
        self.brier < self.brier_constant
    }
}

/// The weights of one way to predict, model by model in every row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Head {
    /// One row a bucket.
    pub text: Vec<i8>,
    pub text_steps: Vec<f32>,
    /// One row a length.
    pub lengths: Vec<f32>,
    /// One row a category.
    pub tags: Vec<f32>,
    /// One row a bucket of each slot.
    pub cross: Vec<i8>,
    pub cross_steps: Vec<f32>,
}

/// Rows not seen: what was predicted and what was true.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sample {
    /// In steps of 1/8192, row by row.
    pub predicted: Vec<i16>,
    /// In steps of 1/250; 255 is not known.
    pub grades: Vec<u8>,
}

pub(super) const PREDICTED_STEPS: f32 = 8192.0;
pub(super) const GRADE_STEPS: f32 = 250.0;
pub(super) const UNKNOWN_GRADE: u8 = u8::MAX;

/// Which rows of weights a category has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Category {
    pub name: String,
    pub rows: u64,
    pub slot: Option<u16>,
}

/// Predicted quality per model, fitted on graded outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityModel {
    pub(super) date: String,
    pub(super) rows: u64,
    /// Rows with a category, and rows without any word.
    pub(super) rows_told: u64,
    pub(super) rows_empty: u64,
    pub(super) sources: Vec<(String, u64)>,
    pub(super) models: Vec<ModelFacts>,
    /// Sorted by their names.
    pub(super) categories: Vec<Category>,
    pub(super) lengths: [(f32, f32); SURFACE],
    pub(super) plain: Head,
    pub(super) told: Option<Head>,
    pub(super) guess: Option<Guess>,
    pub(super) sample: Sample,
    pub(super) hash: String,
}

/// What a prediction goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The caller's category and the text.
    Category,
    /// The text alone: there is no category, or one that the fit did not see.
    Text,
    /// Neither: the mean grades.
    Nothing,
}

/// What an artefact says about one prompt, in the order of [`QualityModel::models`].
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Predicted grades; their differences order prompts.
    pub grades: Vec<f64>,
    /// Calibrated probabilities of a good answer.
    pub probabilities: Vec<f64>,
    /// What they go by.
    pub basis: Basis,
    key: u64,
}

impl Prediction {
    /// How much better one model is than another here; ties are broken by the text, the same way each time.
    pub fn gap(&self, strong: usize, weak: usize) -> f64 {
        let grade = |model: usize| self.grades.get(model).copied().unwrap_or(0.0);
        grade(strong) - grade(weak) + (self.key >> 11) as f64 / (1_u64 << 53) as f64 * TIE
    }
}

impl QualityModel {
    /// The names of the models, sorted.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &str> {
        self.models.iter().map(|model| model.name.as_str())
    }

    /// The categories that the fit saw, sorted.
    pub fn categories(&self) -> impl ExactSizeIterator<Item = &str> {
        self.categories.iter().map(|category| category.name.as_str())
    }

    /// The sources of the rows, and how many came from each.
    pub fn sources(&self) -> &[(String, u64)] {
        &self.sources
    }

    /// How many rows were fitted.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The day of the fit, as its caller gave it.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// The hash of the artefact's bytes.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The number of a model.
    ///
    /// # Errors
    /// `unknown-quality-model` with the nearest name.
    pub fn model(&self, name: &str) -> Result<usize, QualityError> {
        self.models.iter().position(|model| model.name == name).ok_or_else(|| {
            let names = self.models().collect::<Vec<_>>().join("`, `");
            QualityError::new(
                "unknown-quality-model",
                format!("the artefact knows no model `{name}`"),
                Some(&format!("it knows `{names}`")),
            )
        })
    }

    /// Whether the probability of that model beats its mean grade on rows not seen.
    pub fn has_skill(&self, model: usize) -> bool {
        self.models.get(model).is_some_and(ModelFacts::has_skill)
    }

    /// The lowest and the highest probability that can come out for that model.
    pub fn range(&self, model: usize) -> (f64, f64) {
        self.models.get(model).map_or((0.0, 1.0), |model| model.calibration.range())
    }

    /// What is to be expected of each model on a prompt. Time: bounded, some microseconds; linear in the models.
    pub fn predict(&self, text: &TextVector, category: Option<&str>) -> Prediction {
        let category = category
            .map(canonical)
            .and_then(|name| self.categories.binary_search_by(|known| known.name.as_str().cmp(&name)).ok());
        let width = self.models.len();
        let mut grades: Vec<f64> = self.models.iter().map(|model| f64::from(model.mean)).collect();
        let basis = match (&self.told, category) {
            (Some(head), Some(tag)) => {
                self.add_text(head, text, &mut grades);
                add_row(&head.tags, tag * width, 1.0, &mut grades);
                if let Some(slot) = self.categories.get(tag).and_then(|category| category.slot) {
                    let start = usize::from(slot) * COARSE * width;
                    let weights = head.cross.get(start..).and_then(|rest| rest.get(..COARSE * width));
                    let mut sums = vec![0_i32; width];
                    text.coarse(|bucket, value| add_steps(weights.unwrap_or_default(), bucket, value, &mut sums));
                    settle(&sums, &head.cross_steps, &mut grades);
                }
                Basis::Category
            }
            _ if text.is_empty() => Basis::Nothing,
            _ => {
                self.add_text(&self.plain, text, &mut grades);
                if let Some(guess) = &self.guess {
                    for (tag, share) in guess.of(text) {
                        add_row(&self.plain.tags, tag as usize * width, f64::from(share), &mut grades);
                    }
                }
                Basis::Text
            }
        };
        let probabilities =
            self.models.iter().zip(&grades).map(|(model, grade)| model.calibration.at(*grade)).collect();
        Prediction { grades, probabilities, basis, key: text.key() }
    }

    fn add_text(&self, head: &Head, text: &TextVector, grades: &mut [f64]) {
        let width = self.models.len();
        let mut sums = vec![0_i32; width];
        text.fine(|bucket, value| add_steps(&head.text, bucket, value, &mut sums));
        settle(&sums, &head.text_steps, grades);
        for (index, (length, (mean, deviation))) in text.lengths().into_iter().zip(self.lengths).enumerate() {
            add_row(&head.lengths, index * width, f64::from((length - mean) / deviation), grades);
        }
    }

    /// The order that the artefact gives to a pair of models.
    ///
    /// # Errors
    /// `unknown-quality-model`.
    pub fn route(&self, strong: &str, weak: &str) -> Result<Route, QualityError> {
        let (strong, weak) = (self.model(strong)?, self.model(weak)?);
        let width = self.models.len().max(1);
        let mut judged: Vec<(f64, f64, f64)> = self
            .sample
            .predicted
            .chunks_exact(width)
            .zip(self.sample.grades.chunks_exact(width))
            .filter_map(|(predicted, grades)| {
                let predicted = |model: usize| predicted.get(model).map(|steps| f32::from(*steps) / PREDICTED_STEPS);
                let grade = |model: usize| {
                    grades
                        .get(model)
                        .filter(|steps| **steps != UNKNOWN_GRADE)
                        .map(|steps| f32::from(*steps) / GRADE_STEPS)
                };
                let gap = f64::from(predicted(strong)? - predicted(weak)?);
                Some((gap, f64::from(grade(strong)?), f64::from(grade(weak)?)))
            })
            .collect();
        judged.sort_by(|one, other| other.0.total_cmp(&one.0));
        Ok(Route { strong, weak, judged })
    }
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "a value of a text is at most 1")]
fn add_steps(weights: &[i8], bucket: usize, value: f32, sums: &mut [i32]) {
    let steps = (value * STEPS) as i32;
    let width = sums.len();
    if let Some(row) = weights.get(bucket * width..).and_then(|rest| rest.get(..width)) {
        for (sum, weight) in sums.iter_mut().zip(row) {
            *sum += steps * i32::from(*weight);
        }
    }
}

fn settle(sums: &[i32], steps: &[f32], grades: &mut [f64]) {
    for ((grade, sum), step) in grades.iter_mut().zip(sums).zip(steps) {
        *grade += f64::from(*sum) * f64::from(*step) / f64::from(STEPS);
    }
}

fn add_row(weights: &[f32], at: usize, scale: f64, grades: &mut [f64]) {
    for (grade, weight) in grades.iter_mut().zip(weights.get(at..).unwrap_or_default()) {
        *grade += scale * f64::from(*weight);
    }
}

/// The order that an artefact gives to a pair of models, and the rows not seen that tell what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    strong: usize,
    weak: usize,
    /// (gap, strong grade, weak grade), the largest gap first.
    judged: Vec<(f64, f64, f64)>,
}

impl Route {
    /// The score of a prompt; higher: send it to the stronger model.
    pub fn score(&self, prediction: &Prediction) -> f64 {
        prediction.gap(self.strong, self.weak)
    }

    /// The least score that goes to the stronger model when that share of prompts is to go there.
    ///
    /// # Errors
    /// `bad-share` outside of 0 to 1.
    pub fn threshold(&self, share: f64) -> Result<f64, QualityError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(QualityError::new(
                "bad-share",
                format!("a share of {share} is not between 0 and 1"),
                Some("0.3 sends three of ten prompts to the stronger model"),
            ));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of rows")]
        let count = (share * self.judged.len() as f64).round() as usize;
        let at = |place: usize| self.judged.get(place).map(|row| row.0);
        Ok(match (count.checked_sub(1).and_then(at), at(count)) {
            (Some(last), Some(next)) => f64::midpoint(last, next),
            (None, Some(_)) => f64::INFINITY,
            (_, None) => f64::NEG_INFINITY,
        })
    }

    /// The share of judged prompts that score higher.
    pub fn share_above(&self, score: f64) -> f64 {
        self.judged.partition_point(|row| row.0 > score) as f64 / self.judged.len().max(1) as f64
    }

    /// What the order is worth on rows not seen.
    pub fn curve(&self) -> Curve {
        curve(&self.judged)
    }
}
