//! The fitted figures of the forecast. Written by `scripts/fit_forecast.py`, which says how; not to be edited.
//!
//! Sources: the token recordings only (requests and reported usage of public test suites of client libraries);
//! 6,045 calls in 1,530 groups. No text of them is here.
//!
//! Tasks with fewer than 40 calls, so that their figures are near to what all tasks say:
//! `reasoning` 5, `translation` 7, `classification` 7, `rewriting` 0, `planning` 16.
//! Recorded thinking by level; `max` is a prior over `high`, and `high` is no less than `medium` and `unasked` by rule:
//! `unasked` 1186, `low` 51, `medium` 83, `high` 51, `budget` 55.

use super::forecast::{ForecastError, Quantile};

/// What the folds say of this table: five, no group of calls in two of them.
pub const FORECAST_ERROR: ForecastError = ForecastError {
    calls: 6_045,
    p50_covers_per_mille: 503,
    p90_covers_per_mille: 894,
    p90_covers_elsewhere_per_mille: 885,
    median_factor_per_mille: 2222,
};

/// The length that half of the answers do not exceed.
pub(super) const HALF: Quantile = Quantile {
    base: 1168,
    by_shape: [100, -73, 25, 0, -166],
    by_task: [230, 31, 0, 56, 39, 0, 0, 148, 84, 309, 0, -275, 28, 114, 289, 0],
    unread: 30,
    by_bound: [-726, -467, 28, 215, 199, 0],
    per_input_octave: 54,
    thinking_by_level: [1756, 832, 1580, 1756, 2140, 1568],
    thinking_by_shape: [0, 148, -40, 0, -84],
};

/// The length that nine of ten answers do not exceed.
pub(super) const NINE_OF_TEN: Quantile = Quantile {
    base: 1839,
    by_shape: [328, -235, 0, 6, -130],
    by_task: [13, 0, 0, 77, 0, 0, 0, 0, 0, 33, 0, -465, -122, 47, 0, 0],
    unread: -31,
    by_bound: [-745, -427, 0, 0, 28, 0],
    per_input_octave: 48,
    thinking_by_level: [2333, 2445, 2454, 2454, 2838, 2267],
    thinking_by_shape: [138, 0, -45, 99, -118],
};
