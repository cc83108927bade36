//! Ridge regressions that share one matrix, several at a time: conjugate gradients, the columns' lanes side by side.

use super::design::Design;
use super::numbers::single;

/// Regressions that are solved in one go: two models, each once on all rows and once without each of five parts.
pub(super) const LANES: usize = 12;
/// One number of each regression.
pub(super) type Lane = [f32; LANES];

/// Steps at most. Four already order the prompts as well as thirty do (within .003 of area, over nine pairs of models); few rows
/// settle sooner, and their user waits.
const STEPS: usize = 10;
const FEW_STEPS: usize = 6;
const FEW_ROWS: usize = 3_000;
/// The share of the squared gradient that may be left: the order of the scores does not change below (measured).
const LEFT: f64 = 1e-4;

/// Solves `(X'MX + lambda) w = X'My` for every lane, where M is 1 for the rows of that lane and else 0, and the targets of
/// the other rows are 0. Gives a lane a column.
pub(super) fn solve(design: &Design<'_>, masks: &[Lane], targets: &[Lane]) -> Vec<Lane> {
    let columns = design.columns();
    let lambda = design.weighting.lambda;
    let mut residual = vec![[0.0; LANES]; columns];
    let mut squares = vec![lambda; columns];
    for (row, target) in targets.iter().enumerate() {
        design.visit(row, |_, column, value| {
            if let (Some(cell), Some(sum)) = (residual.get_mut(column), squares.get_mut(column)) {
                add(cell, value, target);
                *sum += value * value;
            }
        });
    }
    // Columns that few rows have need another step than common ones: the gradient is divided by each column's own square.
    let inverse: Vec<f32> = squares.iter().map(|sum| 1.0 / sum).collect();
    let mut solution = vec![[0.0; LANES]; columns];
    let mut direction: Vec<Lane> =
        residual.iter().zip(&inverse).map(|(lane, scale)| lane.map(|value| value * scale)).collect();
    let mut size = products(&residual, &direction);
    let goal = size.map(|value| value * LEFT);
    let mut image = vec![[0.0; LANES]; columns];
    for _ in 0..if masks.len() < FEW_ROWS { FEW_STEPS } else { STEPS } {
        if size.iter().zip(goal).all(|(size, goal)| *size <= goal) {
            break;
        }
        apply(design, masks, &direction, &mut image);
        let curvature = products(&direction, &image);
        let step = ratio(&size, &curvature);
        for ((solution, residual), (direction, image)) in
            solution.iter_mut().zip(&mut residual).zip(direction.iter().zip(&image))
        {
            for (((solution, residual), (direction, image)), step) in
                solution.iter_mut().zip(residual).zip(direction.iter().zip(image)).zip(step)
            {
                *solution += step * direction;
                *residual -= step * image;
            }
        }
        let mut next = [0.0_f64; LANES];
        for (lane, scale) in residual.iter().zip(&inverse) {
            for (sum, value) in next.iter_mut().zip(lane) {
                *sum += f64::from(value * value * scale);
            }
        }
        let keep = ratio(&next, &size);
        for ((direction, residual), scale) in direction.iter_mut().zip(&residual).zip(&inverse) {
            for ((direction, residual), keep) in direction.iter_mut().zip(residual).zip(keep) {
                *direction = residual * scale + keep * *direction;
            }
        }
        size = next;
    }
    solution
}

/// `image = X'M X direction + lambda direction`.
fn apply(design: &Design<'_>, masks: &[Lane], direction: &[Lane], image: &mut [Lane]) {
    let lambda = design.weighting.lambda;
    for (image, direction) in image.iter_mut().zip(direction) {
        *image = direction.map(|value| value * lambda);
    }
    let mut entries: Vec<(u32, f32)> = Vec::new();
    for (row, mask) in masks.iter().enumerate() {
        entries.clear();
        design.visit(row, |_, column, value| entries.push((u32::try_from(column).unwrap_or(u32::MAX), value)));
        let mut sum = [0.0; LANES];
        for (column, value) in &entries {
            if let Some(lane) = direction.get(*column as usize) {
                add(&mut sum, *value, lane);
            }
        }
        for (sum, mask) in sum.iter_mut().zip(mask) {
            *sum *= mask;
        }
        for (column, value) in &entries {
            if let Some(lane) = image.get_mut(*column as usize) {
                add(lane, *value, &sum);
            }
        }
    }
}

#[inline]
fn add(sum: &mut Lane, scale: f32, lane: &Lane) {
    for (sum, value) in sum.iter_mut().zip(lane) {
        *sum += scale * value;
    }
}

fn products(one: &[Lane], other: &[Lane]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (one, other) in one.iter().zip(other) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += f64::from(one * other);
        }
    }
    sums
}

/// One by the other; 0 where nothing is left to do.
fn ratio(over: &[f64; LANES], under: &[f64; LANES]) -> Lane {
    let mut ratios = [0.0; LANES];
    for ((ratio, over), under) in ratios.iter_mut().zip(over).zip(under) {
        if *under > f64::MIN_POSITIVE {
            *ratio = single(over / under);
        }
    }
    ratios
}
