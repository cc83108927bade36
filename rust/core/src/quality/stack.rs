//! Weighs the parts of all models' predictions anew, by what they were worth on rows not seen.
//!
//! A ridge treats every part and every model with one doubt. What the out-of-fold predictions of all models say together about
//! one model's grade tells how far to trust each part, and how far a model follows the others. The weights start at "as
//! predicted" and are moved only as far as the rows insist (a normal prior), so that few rows leave them alone. Over nine pairs
//! of models this was worth .007 of area with categories and .007 without.

use super::design::PARTS;
use super::rows::FOLDS;

/// How far a weight may be expected to move: the deviation of the prior (`.1` to `.5` were tried; flat between `.2` and `.35`).
const SPREAD: f64 = 0.25;

/// Out-of-fold predictions in their parts.
#[derive(Debug)]
pub(super) struct Parts {
    models: usize,
    /// Row by row: part by part, one number a model.
    values: Vec<f32>,
}

impl Parts {
    pub fn new(rows: usize, models: usize) -> Self {
        Self { models, values: vec![0.0; rows.saturating_mul(models).saturating_mul(PARTS)] }
    }

    const fn width(&self) -> usize {
        self.models.saturating_mul(PARTS)
    }

    /// Adds to one part of one row.
    pub fn add(&mut self, row: usize, part: usize, model: usize, value: f32) {
        let at = row * self.width() + part * self.models + model;
        if let Some(cell) = self.values.get_mut(at) {
            *cell += value;
        }
    }

    /// The parts of each row.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width().max(1))
    }
}

/// Weights of every (part, model) in the prediction of each model: `weights[(part * models + from) * models + to]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mix {
    models: usize,
    weights: Vec<f64>,
}

impl Mix {
    /// As predicted.
    pub fn plain(models: usize) -> Self {
        let mut weights = vec![0.0; models.saturating_mul(models).saturating_mul(PARTS)];
        for part in 0..PARTS {
            for model in 0..models {
                if let Some(cell) = weights.get_mut((part * models + model) * models + model) {
                    *cell = 1.0;
                }
            }
        }
        Self { models, weights }
    }

    /// What the parts of one row say about each model.
    pub fn apply(&self, parts: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.models];
        for (value, weights) in parts.iter().zip(self.weights.chunks_exact(self.models.max(1))) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += f64::from(*value) * weight;
            }
        }
        sums
    }

    /// The weights of one part: from each model (outer) to each (inner).
    pub fn part(&self, part: usize) -> &[f64] {
        let size = self.models.saturating_mul(self.models);
        self.weights.get(part * size..).and_then(|rest| rest.get(..size)).unwrap_or_default()
    }
}

/// The weights by all rows, and those by all but each part of the rows. `errors` holds, row by row and model by model, the
/// grade less its mean; not a number where it is not known.
pub(super) fn mixes(parts: &Parts, errors: &[f32], folds: &[u8]) -> (Mix, Vec<Mix>) {
    let models = parts.models;
    let width = parts.width();
    let plain = Mix::plain(models);
    let mut sums = vec![Sums::new(width, models); FOLDS];
    for ((row, error), fold) in parts.rows().zip(errors.chunks_exact(models.max(1))).zip(folds) {
        let predicted = plain.apply(row);
        if let Some(sums) = sums.get_mut(usize::from(*fold)) {
            sums.take(row, error, &predicted);
        }
    }
    let all = sums.iter().fold(Sums::new(width, models), |all, each| all.with(each, 1.0));
    let without = sums.iter().map(|each| all.clone().with(each, -1.0).mix(models)).collect();
    (all.mix(models), without)
}

/// The normal equations.
#[derive(Debug, Clone)]
struct Sums {
    squares: Vec<f64>,
    products: Vec<f64>,
    error: f64,
    errors: f64,
}

impl Sums {
    fn new(width: usize, models: usize) -> Self {
        Self { squares: vec![0.0; width * width], products: vec![0.0; width * models], error: 0.0, errors: 0.0 }
    }

    fn take(&mut self, row: &[f32], error: &[f32], predicted: &[f64]) {
        let left: Vec<f64> = error
            .iter()
            .zip(predicted)
            // A grade that is not known says nothing against the prediction.
            .map(|(error, predicted)| if error.is_nan() { 0.0 } else { f64::from(*error) - predicted })
            .collect();
        self.error += left.iter().map(|left| left * left).sum::<f64>();
        self.errors += error.iter().filter(|error| !error.is_nan()).count() as f64;
        let width = row.len();
        for ((value, squares), products) in row
            .iter()
            .zip(self.squares.chunks_exact_mut(width.max(1)))
            .zip(self.products.chunks_exact_mut(left.len().max(1)))
        {
            let value = f64::from(*value);
            if value == 0.0 {
                continue;
            }
            for (square, other) in squares.iter_mut().zip(row) {
                *square += value * f64::from(*other);
            }
            for (product, left) in products.iter_mut().zip(&left) {
                *product += value * left;
            }
        }
    }

    fn with(mut self, other: &Self, sign: f64) -> Self {
        for (sum, value) in self.squares.iter_mut().zip(&other.squares) {
            *sum += sign * value;
        }
        for (sum, value) in self.products.iter_mut().zip(&other.products) {
            *sum += sign * value;
        }
        self.error += sign * other.error;
        self.errors += sign * other.errors;
        self
    }

    fn mix(self, models: usize) -> Mix {
        let mut mix = Mix::plain(models);
        let noise = (self.error / self.errors.max(1.0)).max(1e-6);
        let ridge = noise / (SPREAD * SPREAD);
        let width = self.products.len() / models.max(1);
        if let Some(moves) = ridge_solve(self.squares, width, ridge, &self.products, models) {
            for (weight, by) in mix.weights.iter_mut().zip(moves) {
                *weight += by;
            }
        }
        mix
    }
}

/// Solves `(A + ridge) X = B` for a symmetric A by Cholesky; B and X are row by row. None when it has no solution.
fn ridge_solve(mut square: Vec<f64>, width: usize, ridge: f64, right: &[f64], columns: usize) -> Option<Vec<f64>> {
    for row in 0..width {
        *square.get_mut(row * width + row)? += ridge;
    }
    for row in 0..width {
        for column in 0..=row {
            let (above, below) = square.split_at_mut(row * width);
            let this = below.get(..column)?;
            let other = if column == row { this } else { above.get(column * width..)?.get(..column)? };
            let inner: f64 = this.iter().zip(other).map(|(one, other)| one * other).sum();
            let left = below.get(column)? - inner;
            let value = if row == column {
                if left <= 0.0 {
                    return None;
                }
                left.sqrt()
            } else {
                left / above.get(column * width + column)?
            };
            *below.get_mut(column)? = value;
        }
    }
    let mut solution = right.to_vec();
    for row in 0..width {
        for from in 0..row {
            let factor = *square.get(row * width + from)?;
            subtract(&mut solution, columns, row, from, factor)?;
        }
        divide(&mut solution, columns, row, *square.get(row * width + row)?)?;
    }
    for row in (0..width).rev() {
        for from in row + 1..width {
            let factor = *square.get(from * width + row)?;
            subtract(&mut solution, columns, row, from, factor)?;
        }
        divide(&mut solution, columns, row, *square.get(row * width + row)?)?;
    }
    Some(solution)
}

fn subtract(solution: &mut [f64], columns: usize, row: usize, from: usize, factor: f64) -> Option<()> {
    for column in 0..columns {
        let known = *solution.get(from * columns + column)?;
        *solution.get_mut(row * columns + column)? -= factor * known;
    }
    Some(())
}

fn divide(solution: &mut [f64], columns: usize, row: usize, by: f64) -> Option<()> {
    for cell in solution.get_mut(row * columns..)?.get_mut(..columns)? {
        *cell /= by;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_it_is_given() {
        let square = vec![4.0, 1.0, 0.5, 1.0, 3.0, 0.2, 0.5, 0.2, 2.0];
        let right = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let solution = ridge_solve(square.clone(), 3, 0.5, &right, 2).unwrap();
        for row in 0..3 {
            for column in 0..2 {
                let sum: f64 = (0..3)
                    .map(|at| (square[row * 3 + at] + if at == row { 0.5 } else { 0.0 }) * solution[at * 2 + column])
                    .sum();
                assert!((sum - right[row * 2 + column]).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn few_rows_leave_the_prediction_alone_and_many_move_it() {
        let of = |rows: usize| {
            let mut parts = Parts::new(rows, 1);
            let mut errors = Vec::new();
            for row in 0..rows {
                let value = if row % 2 == 0 { 0.5 } else { -0.5 };
                parts.add(row, 1, 0, value);
                // The truth is twice the prediction.
                errors.push(2.0 * value);
            }
            let folds: Vec<u8> = (0..5_u8).cycle().take(rows).collect();
            mixes(&parts, &errors, &folds).0.part(1)[0]
        };
        assert!(of(2) < 1.3, "{}", of(2));
        assert!(of(2_000) > 1.9, "{}", of(2_000));
    }
}
