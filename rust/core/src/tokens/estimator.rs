//! The estimator's arithmetic: the class of a text by a tree of questions about its scan, and the class's weighted sum of the scan's
//! fields, in whole numbers, so that every platform agrees.

use super::estimator_tree::{CLASSES, FEATURES, FIELDS_WEIGHED, FOREIGN_PERMILLE, NODES};
use crate::text::{FIELDS, Script, TextScan};

/// What a question is about, in thousandths.
pub(super) enum Share {
    /// A field of the scan, of the bytes.
    Field(usize),
    /// Characters of East Asia, of the bytes.
    East,
}

/// Where an answer leads.
pub(super) enum Next {
    /// To another question.
    Node(usize),
    /// To a class.
    Class(usize),
}

/// A question.
pub(super) struct Node {
    /// Asked about.
    pub share: Share,
    /// At most so much leads to `then`.
    pub most: u64,
    /// When it is.
    pub then: Next,
    /// When it is more.
    pub otherwise: Next,
}

/// Coefficients by family, class and feature: little-endian numbers of 16 bits, in parts of a token.
static COEFFICIENTS: &[u8] = include_bytes!("../../data/tokens/estimator.bin");

/// Parts of a token that coefficients count, times the thousandths that features are in.
const UNITS: u64 = 16_384 * 1000;

/// The class of a text, below [`CLASSES`].
pub(super) fn class_of(scan: &TextScan) -> usize {
    class_in(scan, &scan.values())
}

fn class_in(scan: &TextScan, fields: &[u64; FIELDS]) -> usize {
    let permille =
        |part: u64, whole: u64| u64::try_from(u128::from(part) * 1000 / u128::from(whole.max(1))).unwrap_or(u64::MAX);
    let mut at = 0;
    // A tree has no cycle: it is left after as many steps as it has nodes.
    for _ in 0..NODES.len() {
        let Some(node) = NODES.get(at) else { return 0 };
        let share = match node.share {
            Share::Field(place) => permille(fields.get(place).copied().unwrap_or(0), scan.bytes),
            Share::East => {
                let scripts = [Script::Han, Script::Kana, Script::Hangul, Script::CjkPunctuation];
                permille(
                    scripts.iter().fold(0, |sum: u64, script| sum.saturating_add(scan.script(*script))),
                    scan.bytes,
                )
            }
        };
        match if share <= node.most { &node.then } else { &node.otherwise } {
            Next::Class(class) => return (*class).min(CLASSES - 1),
            Next::Node(next) => at = *next,
        }
    }
    0
}

fn lower(scan: &TextScan) -> u64 {
    scan.vowels.saturating_add(scan.consonants)
}

fn foreign(scan: &TextScan) -> u64 {
    scan.foreign_vowels.saturating_add(scan.foreign_consonants)
}

/// Up to this feature no sum can overflow: a coefficient has 16 bits, and there are fewer than 128 of them.
const SMALL_FEATURE: u64 = 1 << 31;

/// What every family weighs of texts, those of a class together.
#[derive(Debug, Clone, Default)]
pub struct TextFeatures {
    /// A class each.
    pub(super) classes: Vec<ClassFeatures>,
}

impl TextFeatures {
    /// Those of one scan.
    pub fn of(scan: &TextScan) -> Self {
        Self::of_all([scan])
    }

    /// Those of several scans, each of texts of one class.
    pub fn of_all<'s>(scans: impl IntoIterator<Item = &'s TextScan>) -> Self {
        Self { classes: scans.into_iter().filter(|scan| scan.bytes > 0).map(ClassFeatures::of).collect() }
    }
}

/// What every family weighs of texts of one class.
#[derive(Debug, Clone)]
pub(super) struct ClassFeatures {
    /// The class.
    pub(super) class: usize,
    /// Bytes of the texts.
    pub(super) bytes: u64,
    all: [u64; FEATURES],
    /// The same, when all are small (texts up to two megabytes), for vector instructions.
    small: Option<[u32; FEATURES]>,
}

impl ClassFeatures {
    /// Those of a scan, in thousandths: the fields, and the excess of foreign letters over each share.
    fn of(scan: &TextScan) -> Self {
        let fields = scan.values();
        let mut all = [0; FEATURES];
        let excess = FOREIGN_PERMILLE
            .map(|permille| foreign(scan).saturating_mul(1000).saturating_sub(lower(scan).saturating_mul(permille)));
        let weighed = FIELDS_WEIGHED.iter().map(|place| fields.get(*place).copied().unwrap_or(0).saturating_mul(1000));
        all.iter_mut().zip(weighed.chain(excess)).for_each(|(feature, value)| *feature = value);
        let is_small = all.iter().fold(0, |largest, feature| largest.max(*feature)) <= SMALL_FEATURE;
        let small = is_small.then(|| all.map(|feature| u32::try_from(feature).unwrap_or(u32::MAX)));
        Self { class: class_in(scan, &fields), bytes: scan.bytes, all, small }
    }

    /// The likely tokens for the family at a place of the table, not rounded up from nothing.
    pub(super) fn likely(&self, family: usize) -> u64 {
        let start = (family * CLASSES + self.class) * FEATURES * 2;
        let bytes = COEFFICIENTS.get(start..start + FEATURES * 2).unwrap_or_default();
        let (coefficients, _) = bytes.as_chunks::<2>();
        let weight = |pair: &[u8; 2]| u64::from(u16::from_le_bytes(*pair));
        let sum = match &self.small {
            Some(small) => small
                .iter()
                .zip(coefficients)
                .map(|(feature, pair)| u64::from(*feature).wrapping_mul(weight(pair)))
                .fold(0, u64::wrapping_add),
            None => self
                .all
                .iter()
                .zip(coefficients)
                .fold(0, |sum: u64, (feature, pair)| sum.saturating_add(feature.saturating_mul(weight(pair)))),
        };
        sum.saturating_add(UNITS / 2) / UNITS
    }
}

const _: () = assert!(FIELDS_WEIGHED.len() + FOREIGN_PERMILLE.len() == FEATURES && FEATURES < 128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{field_names, scan};
    use crate::tokens::estimator_tree::{BOUNDS, NAMES};

    #[test]
    fn the_table_names_the_fields_of_the_scan() {
        assert_eq!(field_names(), NAMES);
        assert_eq!(COEFFICIENTS.len(), BOUNDS.len() * CLASSES * FEATURES * 2);
    }

    #[test]
    fn the_tree_is_a_tree() {
        let mut nodes = vec![0; NODES.len()];
        let mut classes = vec![0; CLASSES];
        for node in &NODES {
            for next in [&node.then, &node.otherwise] {
                match next {
                    Next::Node(at) => nodes[*at] += 1,
                    Next::Class(class) => classes[*class] += 1,
                }
            }
        }
        assert_eq!(nodes[0], 0);
        assert!(nodes.iter().skip(1).chain(&classes).all(|parents| *parents == 1));
    }

    #[test]
    fn bounds_hold_the_likely_count_and_narrow_with_size() {
        for sizes in BOUNDS.iter().flatten() {
            assert!(sizes.iter().all(|[low, high]| *low <= 1000 && *high >= 1000), "{sizes:?}");
            for pair in sizes.windows(2) {
                assert!(pair[0][0] <= pair[1][0] && pair[0][1] >= pair[1][1], "{sizes:?}");
            }
        }
    }

    #[test]
    fn small_sums_are_the_saturating_ones() {
        let text = "Straße, 東京, Москва, 0x7f, und\n{\"a\": [1, 2]} और हिन्दी ".repeat(50);
        let features = ClassFeatures::of(&scan(&text));
        let large = ClassFeatures { small: None, ..features.clone() };
        for family in 0..BOUNDS.len() {
            assert_eq!(features.likely(family), large.likely(family));
            assert!(features.likely(family) > 100);
        }
    }
}
