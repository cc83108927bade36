//! Which category a text suggests, for requests that come without one: naive Bayes over the hashed text.
//!
//! With categories known while fitting and none while scoring, going by the suggested ones is worth .015 of area over the text
//! alone. A ridge for each category reads them a little better (.01 to .05 of accuracy) and takes fifty times as long to fit.

use super::numbers::{exp, ln, single};
use super::rows::{FOLDS, Rows};
use super::text::{FINE, TextVector};

/// What every bucket of a category is taken to hold before any row is seen, in shares of an even spread.
const EVEN: f64 = 0.5;
/// How sharply a text decides; naive Bayes itself is far too sure of words that come together.
const SHARPNESS: f64 = 3.0;
/// Shares below this are left out.
const LEAST: f32 = 0.01;

/// Categories with the share that each of them has in a text.
pub(super) type Shares = Vec<(u32, f32)>;

/// Weights of every bucket for each category, and where each category starts from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guess {
    /// Which categories are told apart, by their numbers.
    pub tags: Vec<u32>,
    pub start: Vec<f32>,
    /// Bucket by bucket, one weight a category.
    pub weights: Vec<i8>,
    pub scale: f32,
}

impl Guess {
    /// The categories that a text suggests, with their shares.
    pub fn of(&self, text: &TextVector) -> Shares {
        let width = self.tags.len();
        let mut sums = vec![0.0_f32; width];
        text.fine(|bucket, value| {
            if let Some(row) = self.weights.get(bucket * width..).and_then(|rest| rest.get(..width)) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += value * f32::from(*weight);
                }
            }
        });
        for (sum, start) in sums.iter_mut().zip(&self.start) {
            *sum = *sum * self.scale + start;
        }
        let most = sums.iter().copied().fold(f32::MIN, f32::max);
        for sum in &mut sums {
            *sum = single(exp(f64::from(*sum - most)));
        }
        let all: f32 = sums.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        self.tags.iter().zip(sums).map(|(tag, sum)| (*tag, sum / all)).filter(|(_, share)| *share >= LEAST).collect()
    }
}

/// How often each category has each bucket.
#[derive(Debug, Clone)]
struct Counts {
    /// Category by category.
    buckets: Vec<f64>,
    rows: Vec<f64>,
}

impl Counts {
    fn new(width: usize) -> Self {
        Self { buckets: vec![0.0; width * FINE], rows: vec![0.0; width] }
    }

    fn take(&mut self, place: usize, text: &TextVector) {
        if let Some(row) = self.rows.get_mut(place) {
            *row += 1.0;
        }
        if let Some(buckets) = self.buckets.get_mut(place * FINE..).and_then(|rest| rest.get_mut(..FINE)) {
            text.fine(|bucket, value| {
                if let Some(cell) = buckets.get_mut(bucket) {
                    *cell += f64::from(value);
                }
            });
        }
    }

    fn without(&self, other: &Self) -> Self {
        let less = |all: &[f64], part: &[f64]| all.iter().zip(part).map(|(all, part)| (all - part).max(0.0)).collect();
        Self { buckets: less(&self.buckets, &other.buckets), rows: less(&self.rows, &other.rows) }
    }

    fn guess(&self, tags: &[u32]) -> Guess {
        let width = tags.len();
        let mut common = vec![0.1; FINE];
        for counts in self.buckets.chunks_exact(FINE) {
            for (sum, count) in common.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        let all: f64 = common.iter().sum();
        let mut logs = vec![0.0_f64; width * FINE];
        let even = EVEN * FINE as f64;
        for (place, counts) in self.buckets.chunks_exact(FINE).enumerate() {
            let size = counts.iter().sum::<f64>() + even;
            // Where the category has nothing the common share cancels out, so that most logarithms are one.
            let nothing = SHARPNESS * ln(even / size);
            for ((cells, count), common) in logs.chunks_exact_mut(width).zip(counts).zip(&common) {
                if let Some(cell) = cells.get_mut(place) {
                    let share = common / all;
                    *cell = if *count > 0.0 { SHARPNESS * ln((count / share + even) / size) } else { nothing };
                }
            }
        }
        let rows: f64 = self.rows.iter().sum::<f64>().max(1.0);
        let start = self.rows.iter().map(|count| single(ln(count / rows + 1e-3))).collect();
        let (weights, scale) = super::numbers::quantized(&logs);
        Guess { tags: tags.to_vec(), start, weights, scale }
    }
}

/// The guess by all rows, and each row's suggested categories by the rows of other parts. None without two categories.
pub(super) fn guesses(rows: &Rows, slots: &[Option<u16>], slot_count: usize) -> Option<(Guess, Vec<Shares>)> {
    if slot_count < 2 {
        return None;
    }
    let mut tags = vec![0; slot_count];
    for (tag, slot) in (0_u32..).zip(slots) {
        if let Some(cell) = slot.and_then(|slot| tags.get_mut(usize::from(slot))) {
            *cell = tag;
        }
    }
    let place = |row: usize| {
        let tag = rows.tags.get(row).copied().flatten()?;
        slots.get(tag as usize).copied().flatten().map(usize::from)
    };
    let fold = |row: usize| rows.folds.get(row).map_or(0, |fold| usize::from(*fold));
    let mut all = Counts::new(slot_count);
    for (row, text) in rows.texts.iter().enumerate() {
        if let Some(place) = place(row) {
            all.take(place, text);
        }
    }
    let mut guessed = vec![Vec::new(); rows.len()];
    for part in 0..FOLDS {
        let mut counts = Counts::new(slot_count);
        let mine = || rows.texts.iter().enumerate().filter(|(row, _)| fold(*row) == part);
        for (row, text) in mine() {
            if let Some(place) = place(row) {
                counts.take(place, text);
            }
        }
        let guess = all.without(&counts).guess(&tags);
        for (row, text) in mine() {
            if let Some(cell) = guessed.get_mut(row) {
                *cell = guess.of(text);
            }
        }
    }
    Some((all.guess(&tags), guessed))
}
