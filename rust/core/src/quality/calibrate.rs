//! From a score to a probability: the closest rising curve, held back where rows are few.

/// Points of a curve.
const MOST_KNOTS: usize = 48;
/// Rows behind a point at least.
const LEAST_ROWS: usize = 20;
/// Rows' worth of the mean that every point is drawn toward.
const PRIOR_ROWS: f64 = 10.0;

/// A rising curve through points, straight between them, level outside.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Calibration {
    /// Scores with the share of good answers, both rising.
    pub knots: Vec<(f32, f32)>,
}

impl Calibration {
    /// The same probability for every score.
    pub fn constant(share: f32) -> Self {
        Self { knots: vec![(0.0, share)] }
    }

    /// The probability of a score.
    pub fn at(&self, score: f64) -> f64 {
        let next = self.knots.partition_point(|(at, _)| f64::from(*at) < score);
        let right = self.knots.get(next);
        let left = next.checked_sub(1).and_then(|at| self.knots.get(at));
        match (left, right) {
            (Some((x0, y0)), Some((x1, y1))) => {
                let [x0, y0, x1, y1] = [*x0, *y0, *x1, *y1].map(f64::from);
                y0 + (y1 - y0) * (score - x0) / (x1 - x0).max(1e-12)
            }
            (Some((_, y)), None) | (None, Some((_, y))) => f64::from(*y),
            (None, None) => 0.5,
        }
    }

    /// The curve of scores and grades by pooling neighbours that fall.
    pub fn fitted(pairs: &[(f64, f64)]) -> Self {
        let mut pairs = pairs.to_vec();
        pairs.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let count = pairs.len() as f64;
        let mean = pairs.iter().map(|pair| pair.1).sum::<f64>() / count.max(1.0);
        let size = (pairs.len() / MOST_KNOTS).max(LEAST_ROWS);
        // Pools of (sum of scores, sum of grades, rows).
        let mut pools: Vec<(f64, f64, f64)> = Vec::new();
        for chunk in pairs.chunks(size) {
            let mut pool =
                chunk.iter().fold((0.0, 0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1, sum.2 + 1.0));
            while let Some(last) = pools.last().copied() {
                // A short last chunk joins its neighbour too.
                if last.1 * pool.2 < pool.1 * last.2 && pool.2 >= LEAST_ROWS as f64 {
                    break;
                }
                pools.pop();
                pool = (pool.0 + last.0, pool.1 + last.1, pool.2 + last.2);
            }
            pools.push(pool);
        }
        let knots = pools
            .into_iter()
            .map(|(scores, grades, rows)| {
                let share = (grades + PRIOR_ROWS * mean) / (rows + PRIOR_ROWS);
                (super::numbers::single(scores / rows), super::numbers::single(share))
            })
            .collect::<Vec<_>>();
        if knots.is_empty() { Self::constant(0.5) } else { Self { knots: rising(knots) } }
    }

    /// The lowest and the highest probability that comes out.
    pub fn range(&self) -> (f64, f64) {
        let end = |knot: Option<&(f32, f32)>| knot.map_or(0.5, |(_, share)| f64::from(*share));
        (end(self.knots.first()), end(self.knots.last()))
    }
}

/// Drawing toward the mean can let small pools fall behind their neighbours: level them.
fn rising(mut knots: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    let mut most = f32::MIN;
    for knot in &mut knots {
        most = most.max(knot.1);
        knot.1 = most;
    }
    knots.dedup_by(|next, kept| next.0 <= kept.0);
    knots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_and_meets_the_shares() {
        let pairs: Vec<(f64, f64)> = (0..1_000)
            .map(|at| {
                let score = f64::from(at) / 1_000.0;
                (score, if (at * 7_919) % 1_000 < at { 1.0 } else { 0.0 })
            })
            .collect();
        let curve = Calibration::fitted(&pairs);
        for (score, share) in [(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)] {
            assert!((curve.at(score) - share).abs() < 0.12, "{score}: {}", curve.at(score));
        }
        assert!(curve.knots.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        assert!(curve.at(-9.0) <= curve.at(9.0));
        let (low, high) = curve.range();
        assert!(low >= 0.0 && high <= 1.0 && low < high);
    }

    #[test]
    fn few_rows_and_none() {
        assert!((Calibration::fitted(&[]).at(0.3) - 0.5).abs() < 1e-9);
        let few = Calibration::fitted(&[(0.1, 0.0), (0.9, 1.0)]);
        assert!((few.at(0.0) - 0.5).abs() < 1e-9 && (few.at(1.0) - 0.5).abs() < 1e-9);
    }
}
