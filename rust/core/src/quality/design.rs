//! The rows of a fit as one sparse matrix that is never written down: columns and values are read out of the counts.

use super::rows::Rows;
use super::text::{COARSE, FINE, SURFACE};

/// Categories that have text weights of their own: the most frequent ones.
pub(super) const MAX_SLOTS: usize = 64;

/// How much each kind of column weighs against the others before the ridge. Chosen by cross-validation over nine pairs of
/// models in six sources (`benches/quality`); the squares are the variances of a prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weighting {
    /// The ridge: how many rows' worth of doubt stands against each column.
    pub lambda: f32,
    pub tag: f32,
    pub text: f32,
    pub cross: f32,
    pub surface: f32,
}

/// What a column stands for; the parts are weighed anew against each other once their worth is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Tag = 0,
    Text = 1,
    Cross = 2,
}

/// How many parts there are.
pub(super) const PARTS: usize = 3;

/// Which categories a head goes by.
#[derive(Debug)]
pub(super) enum Tags<'r> {
    /// The caller's, which also choose text weights of their own.
    Told { slots: &'r [Option<u16>], slot_count: usize },
    /// Those that the text suggests, with their shares.
    Guessed(&'r [Vec<(u32, f32)>]),
    /// None.
    Without,
}

/// One head's matrix.
#[derive(Debug)]
pub(super) struct Design<'r> {
    pub rows: &'r Rows,
    pub tags: Tags<'r>,
    pub weighting: Weighting,
    /// Mean and deviation of each length.
    pub lengths: [(f32, f32); SURFACE],
}

/// Where the lengths begin.
pub(super) const LENGTHS_AT: usize = FINE;
/// Where the categories begin.
pub(super) const TAGS_AT: usize = FINE + SURFACE;

impl Design<'_> {
    /// Where the categories' own text weights begin.
    pub fn cross_at(&self) -> usize {
        TAGS_AT.saturating_add(self.rows.categories.len())
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        let slots = if let Tags::Told { slot_count, .. } = self.tags { slot_count } else { 0 };
        self.cross_at().saturating_add(slots.saturating_mul(COARSE))
    }

    /// Every column of a row that is not zero, with its value.
    #[inline]
    pub fn visit(&self, row: usize, mut each: impl FnMut(Part, usize, f32)) {
        let Some(text) = self.rows.texts.get(row) else { return };
        let weigh = self.weighting;
        text.fine(|bucket, value| each(Part::Text, bucket, value * weigh.text));
        for (index, (length, (mean, deviation))) in text.lengths().into_iter().zip(self.lengths).enumerate() {
            each(Part::Text, LENGTHS_AT + index, (length - mean) / deviation * weigh.surface);
        }
        match &self.tags {
            Tags::Without => {}
            Tags::Guessed(guesses) => {
                for (tag, share) in guesses.get(row).into_iter().flatten() {
                    each(Part::Tag, TAGS_AT + *tag as usize, share * weigh.tag);
                }
            }
            Tags::Told { slots, .. } => {
                let Some(tag) = self.rows.tags.get(row).copied().flatten() else { return };
                each(Part::Tag, TAGS_AT + tag as usize, weigh.tag);
                if let Some(slot) = slots.get(tag as usize).copied().flatten() {
                    let start = self.cross_at() + usize::from(slot) * COARSE;
                    text.coarse(|bucket, value| each(Part::Cross, start + bucket, value * weigh.cross));
                }
            }
        }
    }
}

/// Mean and deviation of the rows' lengths.
pub(super) fn lengths_of(rows: &Rows) -> [(f32, f32); SURFACE] {
    let count = rows.len().max(1) as f32;
    let mut sums = [(0.0_f32, 0.0_f32); SURFACE];
    for text in &rows.texts {
        for (sum, length) in sums.iter_mut().zip(text.lengths()) {
            *sum = (sum.0 + length, sum.1 + length * length);
        }
    }
    sums.map(|(sum, squares)| {
        let mean = sum / count;
        (mean, (squares / count - mean * mean).max(1e-4).sqrt())
    })
}

/// The slots of the most frequent categories, and how many there are.
pub(super) fn slots_of(rows: &Rows) -> (Vec<Option<u16>>, usize) {
    let mut counts: Vec<(u32, usize)> = vec![(0, 0); rows.categories.len()];
    for (index, cell) in counts.iter_mut().enumerate() {
        cell.1 = index;
    }
    for tag in rows.tags.iter().flatten() {
        if let Some(cell) = counts.get_mut(*tag as usize) {
            cell.0 += 1;
        }
    }
    counts.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut slots = vec![None; counts.len()];
    let kept = counts.iter().take(MAX_SLOTS).filter(|(count, _)| *count > 0);
    let mut used = 0_u16;
    for (_, tag) in kept {
        if let Some(cell) = slots.get_mut(*tag) {
            *cell = Some(used);
            used += 1;
        }
    }
    (slots, usize::from(used))
}
