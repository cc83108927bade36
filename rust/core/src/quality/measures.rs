//! How well an order of prompts sends the right ones to the stronger model.

/// What an order of prompts is worth for one pair of models.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Rows that were judged.
    pub rows: usize,
    /// Mean grade of the stronger model.
    pub strong: f64,
    /// Mean grade of the weaker one.
    pub weak: f64,
    /// Area under the share of the advantage that is kept, by the share of calls to the stronger model: 0.5 is chance.
    /// Not a number when the two are equally good on the whole.
    pub apgr: f64,
    /// Its standard error.
    pub apgr_error: f64,
    /// The share of calls at which half of the advantage is kept.
    pub cpt50: f64,
    /// The same for four fifths.
    pub cpt80: f64,
    /// At 10 % to 90 % of calls: the share of the advantage that is kept, and its standard error.
    pub kept: Vec<(f64, f64)>,
}

/// Rows as (score, strong grade, weak grade), the highest score sent first; equal scores share their places.
///
/// Time: n log n.
pub fn curve(rows: &[(f64, f64, f64)]) -> Curve {
    let mut rows = rows.to_vec();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    let count = rows.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64, f64)) -> f64| rows.iter().map(of).sum::<f64>() / count;
    let (strong, weak) = (mean(|row| row.1), mean(|row| row.2));
    let gaps = levelled(&rows);
    let total: f64 = gaps.iter().sum();
    let mut curve = Curve {
        rows: rows.len(),
        strong,
        weak,
        apgr: f64::NAN,
        apgr_error: f64::NAN,
        cpt50: f64::NAN,
        cpt80: f64::NAN,
        kept: Vec::new(),
    };
    if total.abs() < 1e-9 {
        return curve;
    }
    // A row in place k (from 0) counts for all shares beyond it; half a step for the one that it stands in.
    let after = |place: usize| 1.0 - (place as f64 + 0.5) / count;
    let ratio = |weight: &dyn Fn(usize) -> f64| {
        let value = gaps.iter().enumerate().map(|(place, gap)| gap * weight(place)).sum::<f64>() / total;
        // The variance of a ratio of sums, by its linear part.
        let squares: f64 = rows
            .iter()
            .enumerate()
            .map(|(place, row)| {
                let part = (row.1 - row.2) * (weight(place) - value);
                part * part
            })
            .sum();
        (value, squares.sqrt() / total.abs())
    };
    (curve.apgr, curve.apgr_error) = ratio(&after);
    curve.kept = (1..10)
        .map(|tenth| {
            let most = f64::from(tenth) / 10.0 * count;
            ratio(&|place| (most - place as f64).clamp(0.0, 1.0))
        })
        .collect();
    let mut sum = 0.0;
    for (place, gap) in gaps.iter().enumerate() {
        sum += gap;
        let share = (place + 1) as f64 / count;
        for (goal, cell) in [(0.5, &mut curve.cpt50), (0.8, &mut curve.cpt80)] {
            if cell.is_nan() && sum / total >= goal {
                *cell = share;
            }
        }
    }
    curve
}

/// The gaps in order, those of equal scores replaced by their mean.
fn levelled(rows: &[(f64, f64, f64)]) -> Vec<f64> {
    rows.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq())
        .flat_map(|group| {
            let mean = group.iter().map(|row| row.1 - row.2).sum::<f64>() / group.len() as f64;
            std::iter::repeat_n(mean, group.len())
        })
        .collect()
}

/// The Brier score: the mean square of what a probability misses.
pub(super) fn brier(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, count) =
        pairs.fold((0.0, 0.0), |(sum, count), (share, grade)| (sum + (share - grade) * (share - grade), count + 1.0));
    if count > 0.0 { sum / count } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_that_of_the_definition() {
        // Four rows, the gains first: the kept advantage after each is 1/2, 1, 1, 1.
        let rows = [(4.0, 1.0, 0.0), (3.0, 1.0, 0.0), (2.0, 1.0, 1.0), (1.0, 0.0, 0.0)];
        let found = curve(&rows);
        let trapezoids = (0.25 + 0.75 + 1.0 + 1.0) / 4.0;
        assert!((found.apgr - trapezoids).abs() < 1e-12, "{found:?}");
        assert_eq!((found.cpt50, found.cpt80), (0.25, 0.5));
        assert_eq!((found.strong, found.weak), (0.75, 0.25));
        assert!((found.kept[4].0 - 1.0).abs() < 1e-12 && (found.kept[0].0 - 0.2).abs() < 1e-12);
        let reversed: Vec<_> = rows.iter().map(|row| (-row.0, row.1, row.2)).collect();
        assert!((curve(&reversed).apgr + found.apgr - 1.0).abs() < 1e-12);
    }

    #[test]
    fn equal_scores_are_chance_and_equal_models_have_no_area() {
        let rows: Vec<_> = (0..10).map(|at| (1.0, f64::from(u8::from(at < 7)), 0.0)).collect();
        assert!((curve(&rows).apgr - 0.5).abs() < 1e-12);
        assert!(curve(&[(1.0, 1.0, 1.0)]).apgr.is_nan() && curve(&[]).apgr.is_nan());
    }
}
