//! From graded outcomes to an artefact.

use super::calibrate::Calibration;
use super::design::{Design, LENGTHS_AT, PARTS, Part, TAGS_AT, Tags, Weighting, lengths_of, slots_of};
use super::error::QualityError;
use super::guess::guesses;
use super::measures::brier;
use super::model::{Category, GRADE_STEPS, Head, ModelFacts, PREDICTED_STEPS, QualityModel, Sample, UNKNOWN_GRADE};
use super::numbers::{quantized, single};
use super::rows::{FOLDS, Outcome, Rows};
use super::solve::{LANES, Lane, solve};
use super::stack::{Mix, Parts, mixes};
use super::text::{FINE, SURFACE};

/// Fewer rows than these tell nothing: a mean grade alone is off by a tenth then.
pub const MIN_ROWS: usize = 20;
/// Judged grades that an artefact keeps, to answer for any pair of models.
const SAMPLE_CELLS: usize = 256 * 1024;
/// Groups of a calibration curve.
const BINS: usize = 10;
/// Regressions of one model: on all rows, and without each part.
const FITS: usize = FOLDS + 1;

/// What a fit is told besides its rows.
#[derive(Debug, Clone, Default)]
pub struct FitOptions {
    /// The day, for the artefact's label; the core has no clock.
    pub date: String,
}

/// Fits an artefact. Time: linear in the rows and the models.
///
/// # Errors
/// `too-few-outcomes` below [`MIN_ROWS`], `bad-outcome` for a row that is none.
pub fn fit(outcomes: &[Outcome<'_>], options: &FitOptions) -> Result<QualityModel, QualityError> {
    if outcomes.len() < MIN_ROWS {
        return Err(QualityError::new(
            "too-few-outcomes",
            format!("{} outcomes are too few to fit", outcomes.len()),
            Some("20 are the least, 50 are worth something, 500 are good"),
        ));
    }
    let rows = Rows::new(outcomes)?;
    let (slots, slot_count) = slots_of(&rows);
    let lengths = lengths_of(&rows);
    let weighting = WEIGHTING;
    let (guess, guessed) = guesses(&rows, &slots, slot_count).unzip();
    let design = |tags| Design { rows: &rows, tags, weighting, lengths };
    let plain_tags = guessed.as_ref().map_or(Tags::Without, |guessed| Tags::Guessed(guessed));
    let means = Means::of(&rows);
    let plain = fit_head(&design(plain_tags), &means);
    let told = (slot_count >= 2).then(|| fit_head(&design(Tags::Told { slots: &slots, slot_count }), &means));
    let predicted = judged(&rows, &plain, told.as_ref());
    let count_told = rows.tags.iter().flatten().count() as u64;
    let categories = rows.categories.iter().zip(slots).enumerate().map(|(tag, (name, slot))| Category {
        name: name.clone(),
        rows: rows.tags.iter().flatten().filter(|each| **each as usize == tag).count() as u64,
        slot,
    });
    let model = QualityModel {
        date: options.date.clone(),
        rows: rows.len() as u64,
        rows_told: count_told,
        rows_empty: rows.texts.iter().filter(|text| text.is_empty()).count() as u64,
        sources: rows.sources.clone(),
        models: (0..rows.models.len()).map(|model| facts(&rows, &means, &predicted, model)).collect(),
        categories: categories.collect(),
        lengths,
        plain: plain.head,
        told: told.map(|told| told.head),
        guess,
        sample: sample(&rows, &predicted),
        hash: String::new(),
    };
    Ok(model.sealed())
}

/// Fixed for any number of rows, because small fits that tune themselves lose more than they win. Ridges of 5 to 30, text at .4 to
/// 1 and categories at 1 to 2 were all within .004 of area at 50, 150, 500 and all rows of nine pairs of models.
const WEIGHTING: Weighting = Weighting { lambda: 15.0, tag: 1.5, text: 1.0, cross: 0.7, surface: 0.17 };

/// Mean grades: of all rows, and of those outside of each part.
#[derive(Debug)]
struct Means {
    all: Vec<f32>,
    without: Vec<Vec<f32>>,
}

impl Means {
    fn of(rows: &Rows) -> Self {
        let mean = |model: usize, keep: &dyn Fn(u8) -> bool| {
            let grades = (0..rows.len())
                .zip(&rows.folds)
                .filter(|(_, fold)| keep(**fold))
                .filter_map(|(row, _)| rows.scores_of(row).get(model).copied())
                .filter(|grade| !grade.is_nan());
            let (sum, count) =
                grades.fold((0.0_f64, 0.0_f64), |(sum, count), grade| (sum + f64::from(grade), count + 1.0));
            single(if count > 0.0 { sum / count } else { 0.5 })
        };
        let models = || 0..rows.models.len();
        let all = models().map(|model| mean(model, &|_| true)).collect();
        let without = (0..FOLDS)
            .map(|part| models().map(|model| mean(model, &|fold| usize::from(fold) != part)).collect())
            .collect();
        Self { all, without }
    }
}

/// A head, and what it predicts for rows that it did not see: row by row, one number a model.
struct Fitted {
    head: Head,
    unseen: Vec<f64>,
}

fn fit_head(design: &Design<'_>, means: &Means) -> Fitted {
    let rows = design.rows;
    let width = rows.models.len();
    let columns = design.columns();
    let mut weights = vec![0.0_f32; columns * width];
    let mut parts = Parts::new(rows.len(), width);
    for first in (0..width).step_by(LANES / FITS) {
        let batch: Vec<usize> = (first..width).take(LANES / FITS).collect();
        let (masks, targets) = lanes(rows, means, &batch);
        let solution = solve(design, &masks, &targets);
        for (row, lane) in weights.chunks_exact_mut(width).zip(&solution) {
            for (fits, model) in lane.chunks_exact(FITS).zip(&batch) {
                if let (Some(cell), Some(weight)) = (row.get_mut(*model), fits.first()) {
                    *cell = *weight;
                }
            }
        }
        for (row, fold) in rows.folds.iter().enumerate() {
            let mut sums = [[0.0_f32; LANES / FITS]; PARTS];
            design.visit(row, |part, column, value| {
                let (Some(lane), Some(sums)) = (solution.get(column), sums.get_mut(part as usize)) else { return };
                for (sum, fits) in sums.iter_mut().zip(lane.chunks_exact(FITS)) {
                    *sum += value * fits.get(usize::from(*fold) + 1).copied().unwrap_or(0.0);
                }
            });
            for (part, sums) in sums.iter().enumerate() {
                for (model, value) in batch.iter().zip(sums) {
                    parts.add(row, part, *model, *value);
                }
            }
        }
    }
    let unseen_means = |row: usize| {
        let fold = rows.folds.get(row).map_or(0, |fold| usize::from(*fold));
        means.without.get(fold).map(Vec::as_slice).unwrap_or_default()
    };
    let errors: Vec<f32> = (0..rows.len())
        .flat_map(|row| rows.scores_of(row).iter().zip(unseen_means(row)).map(|(grade, mean)| grade - mean))
        .collect();
    let (mix, without) = mixes(&parts, &errors, &rows.folds);
    let unseen = parts
        .rows()
        .enumerate()
        .flat_map(|(row, parts)| {
            let fold = rows.folds.get(row).map_or(0, |fold| usize::from(*fold));
            let moved = without.get(fold).map(|mix| mix.apply(parts)).unwrap_or_default();
            moved.into_iter().zip(unseen_means(row)).map(|(value, mean)| value + f64::from(*mean))
        })
        .collect();
    Fitted { head: head(design, &weights, &mix), unseen }
}

/// Which rows count in each regression of a batch, and their grades less the mean.
fn lanes(rows: &Rows, means: &Means, batch: &[usize]) -> (Vec<Lane>, Vec<Lane>) {
    let mut masks = vec![[0.0; LANES]; rows.len()];
    let mut targets = masks.clone();
    for (row, (mask, target)) in masks.iter_mut().zip(&mut targets).enumerate() {
        let fold = rows.folds.get(row).map_or(0, |fold| usize::from(*fold));
        for (place, model) in batch.iter().enumerate() {
            let Some(grade) = rows.scores_of(row).get(*model).filter(|grade| !grade.is_nan()) else { continue };
            for fit in (0..FITS).filter(|fit| *fit != fold + 1) {
                let side = if fit == 0 { Some(&means.all) } else { means.without.get(fit - 1) };
                let mean = side.and_then(|means| means.get(*model)).copied().unwrap_or(0.0);
                let lane = place * FITS + fit;
                if let (Some(mask), Some(target)) = (mask.get_mut(lane), target.get_mut(lane)) {
                    *mask = 1.0;
                    *target = grade - mean;
                }
            }
        }
    }
    (masks, targets)
}

/// The weights as they are kept: mixed, freed of the weighting, in steps.
fn head(design: &Design<'_>, weights: &[f32], mix: &Mix) -> Head {
    let width = design.rows.models.len();
    let weigh = design.weighting;
    let mixed = |from: usize, to: usize, part: Part, scale: f32| {
        let mix = mix.part(part as usize);
        let mut mixed = Vec::with_capacity((to - from) * width);
        for row in weights.get(from * width..to * width).unwrap_or_default().chunks_exact(width) {
            let start = mixed.len();
            mixed.resize(start + width, 0.0_f64);
            for (weight, shares) in row.iter().zip(mix.chunks_exact(width)) {
                for (cell, share) in mixed.iter_mut().skip(start).zip(shares) {
                    *cell += f64::from(*weight * scale) * share;
                }
            }
        }
        mixed
    };
    let cross_at = design.cross_at();
    let tags = mixed(TAGS_AT, cross_at, Part::Tag, weigh.tag);
    let (text, text_steps) = stepped(&mixed(0, FINE, Part::Text, weigh.text), width);
    let (cross, cross_steps) = stepped(&mixed(cross_at, design.columns(), Part::Cross, weigh.cross), width);
    Head {
        text,
        text_steps,
        lengths: mixed(LENGTHS_AT, LENGTHS_AT + SURFACE, Part::Text, weigh.surface).into_iter().map(single).collect(),
        tags: tags.into_iter().map(single).collect(),
        cross,
        cross_steps,
    }
}

/// Each model's weights in steps of its own.
fn stepped(weights: &[f64], width: usize) -> (Vec<i8>, Vec<f32>) {
    let mut steps = Vec::with_capacity(width);
    let mut cells = vec![0; weights.len()];
    for model in 0..width {
        let own: Vec<f64> = weights.iter().skip(model).step_by(width).copied().collect();
        let (own, step) = quantized(&own);
        steps.push(step);
        for (cell, value) in cells.iter_mut().skip(model).step_by(width).zip(own) {
            *cell = value;
        }
    }
    (cells, steps)
}

/// What is predicted for each row by fits that did not see it.
fn judged(rows: &Rows, plain: &Fitted, told: Option<&Fitted>) -> Vec<f64> {
    let width = rows.models.len();
    let mut predicted = plain.unseen.clone();
    if let Some(told) = told {
        for ((cells, values), tag) in
            predicted.chunks_exact_mut(width).zip(told.unseen.chunks_exact(width)).zip(&rows.tags)
        {
            if tag.is_some() {
                cells.copy_from_slice(values);
            }
        }
    }
    predicted
}

/// Calibrates one model, and judges that by rows which neither the fit nor the curve saw.
fn facts(rows: &Rows, means: &Means, predicted: &[f64], model: usize) -> ModelFacts {
    let width = rows.models.len();
    let pairs: Vec<(f64, f64, u8)> = predicted
        .iter()
        .skip(model)
        .step_by(width)
        .enumerate()
        .filter_map(|(row, score)| {
            let grade = rows.scores_of(row).get(model).copied().filter(|grade| !grade.is_nan())?;
            Some((*score, f64::from(grade), rows.folds.get(row).copied()?))
        })
        .collect();
    let of = |keep: &dyn Fn(u8) -> bool| {
        pairs.iter().filter(|pair| keep(pair.2)).map(|pair| (pair.0, pair.1)).collect::<Vec<_>>()
    };
    let mean = means.all.get(model).copied().unwrap_or(0.5);
    let mut shares: Vec<(f64, f64)> = Vec::with_capacity(pairs.len());
    let mut constants: Vec<(f64, f64)> = Vec::with_capacity(pairs.len());
    for part in 0..FOLDS {
        let curve = Calibration::fitted(&of(&|fold| usize::from(fold) != part));
        let constant = means.without.get(part).and_then(|means| means.get(model)).copied().unwrap_or(mean);
        for (score, grade) in of(&|fold| usize::from(fold) == part) {
            shares.push((curve.at(score), grade));
            constants.push((f64::from(constant), grade));
        }
    }
    let mut facts = ModelFacts {
        name: rows.models.get(model).cloned().unwrap_or_default(),
        rows: pairs.len() as u64,
        mean,
        brier: single(brier(shares.iter().copied())),
        brier_constant: single(brier(constants.into_iter())),
        calibration: Calibration::constant(mean),
        reliability: Vec::new(),
    };
    if facts.has_skill() {
        facts.calibration = Calibration::fitted(&of(&|_| true));
    }
    facts.reliability = reliability(shares);
    facts
}

fn reliability(mut shares: Vec<(f64, f64)>) -> Vec<(f32, f32, u32)> {
    shares.sort_by(|one, other| one.0.total_cmp(&other.0));
    shares
        .chunks(shares.len().div_ceil(BINS).max(1))
        .map(|bin| {
            let count = bin.len() as f64;
            let mean = |of: fn(&(f64, f64)) -> f64| single(bin.iter().map(of).sum::<f64>() / count);
            (mean(|pair| pair.0), mean(|pair| pair.1), u32::try_from(bin.len()).unwrap_or(u32::MAX))
        })
        .collect()
}

/// The judged rows that are kept: all of them, or evenly spread ones where they are too many.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range before")]
fn sample(rows: &Rows, predicted: &[f64]) -> Sample {
    let width = rows.models.len();
    let every = (rows.len() * width).div_ceil(SAMPLE_CELLS).max(1);
    let mut sample = Sample::default();
    for (row, values) in predicted.chunks_exact(width).enumerate().step_by(every) {
        sample.predicted.extend(
            values.iter().map(|value| (single(*value) * PREDICTED_STEPS).round().clamp(-32_767.0, 32_767.0) as i16),
        );
        sample.grades.extend(rows.scores_of(row).iter().map(|grade| {
            if grade.is_nan() { UNKNOWN_GRADE } else { (grade * GRADE_STEPS).round().clamp(0.0, 250.0) as u8 }
        }));
    }
    sample
}
