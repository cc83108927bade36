//! The estimate of a text: how many tokens its scan speaks for in a family, and between what.

use super::count::{Method, TokenCount};
use super::estimator::{ClassFeatures, TextFeatures};
use super::estimator_tree::{BOUNDS, SIZES};
use super::exact::count_exact;
use super::family::Family;
use crate::text::{TextScan, scan};

/// How the count of a family is made from the fitted table.
struct Model {
    /// Its place in the table, or that of the family that stands in for it.
    place: usize,
    /// Thousandths by which low, likely and high are scaled: a family without a vocabulary of its own borrows another's.
    scale: [u64; 3],
    /// The most tokens that a byte can cost, in thousandths: 1000 for byte-level BPE.
    byte_permille: u64,
}

const fn fitted(place: usize) -> Model {
    Model { place, scale: [1000, 1000, 1000], byte_permille: 1000 }
}

/// A family whose vocabulary nobody here has: o200k's figures within wider bounds. Recorded texts put Grok and GLM at 0.98 to 1.02,
/// Nova at 1.07, one of Command at 1.22; of `MiniMax` and Nemotron there are none, so their figures are assumptions.
const fn borrowed(likely: u64) -> Model {
    Model { place: 0, scale: [850, likely, 1350], byte_permille: 1000 }
}

/// Claude marks words and case beside the bytes, so an odd character costs more than its bytes.
const fn marked(place: usize) -> Model {
    Model { byte_permille: 2000, ..fitted(place) }
}

/// The places are those of `FAMILIES` in `scripts/fit_tokens.py`.
const fn model(family: Family) -> Model {
    match family {
        Family::O200k | Family::O200kHarmony => fitted(0),
        Family::Cl100k => fitted(1),
        Family::Claude3To46 => marked(2),
        Family::Claude47On => marked(3),
        Family::Gemini => fitted(4),
        Family::Llama3 => fitted(5),
        Family::MistralTekken => fitted(6),
        Family::DeepSeek => fitted(7),
        Family::Qwen => fitted(8),
        Family::Glm | Family::Kimi | Family::Grok | Family::MiniMax => borrowed(1000),
        Family::Nova | Family::Nemotron => borrowed(1070),
        Family::Cohere | Family::Unknown => borrowed(1100),
    }
}

/// Families whose bounds together stand for a family that nobody knows.
const KNOWN: [Family; 9] = [
    Family::O200k,
    Family::Cl100k,
    Family::Claude3To46,
    Family::Claude47On,
    Family::Gemini,
    Family::Llama3,
    Family::MistralTekken,
    Family::DeepSeek,
    Family::Qwen,
];

/// Estimates the tokens of a scanned text. No text without bytes costs a token. Takes some ninety additions, whatever the length
/// of the text.
pub fn estimate(scan: &TextScan, family: Family) -> TokenCount {
    estimate_by(&TextFeatures::of(scan), family)
}

fn nothing(family: Family) -> TokenCount {
    let method = if family == Family::Unknown { Method::Unknown } else { Method::Estimated };
    TokenCount { tokens: 0, low: 0, high: 0, method }
}

/// The same by the features of scans, which several families weigh. Each class has its own bounds; they add up.
pub(super) fn estimate_by(features: &TextFeatures, family: Family) -> TokenCount {
    features.classes.iter().map(|class| estimate_class(class, family)).fold(nothing(family), TokenCount::plus)
}

fn estimate_class(features: &ClassFeatures, family: Family) -> TokenCount {
    let mut count = with_model(features, &model(family));
    if family == Family::Unknown {
        for known in KNOWN {
            let other = with_model(features, &model(known));
            count.low = count.low.min(other.low);
            count.high = count.high.max(other.high);
        }
        count.method = Method::Unknown;
    }
    count
}

/// Counts texts of a family without a vocabulary by what o200k counts of them, times the ratio of the two estimates: what the
/// estimate misses of one vocabulary it misses of the other.
pub(super) fn by_proxy(scan: &TextScan, o200k: u64, family: Family) -> TokenCount {
    if scan.bytes == 0 {
        return nothing(family);
    }
    let features = TextFeatures::of(scan);
    let own = estimate_by(&features, family);
    let other = estimate_by(&features, Family::O200k).tokens.max(1);
    let product = u128::from(own.tokens) * u128::from(o200k) / u128::from(other);
    let tokens = u64::try_from(product).unwrap_or(u64::MAX).max(1);
    TokenCount { tokens, low: own.low.min(tokens), high: own.high.max(tokens), method: own.method }
}

/// Counts a text: exactly when the family's vocabulary is here and the text has at most `exact_up_to_bytes`, else by o200k's
/// vocabulary up to that length, else estimated.
pub fn count_text(family: Family, text: &str, exact_up_to_bytes: usize) -> TokenCount {
    if text.len() <= exact_up_to_bytes {
        if let Some(tokens) = count_exact(family, text) {
            return TokenCount::exact(tokens);
        }
        if let Some(o200k) = count_exact(Family::O200k, text) {
            return by_proxy(&scan(text), o200k, family);
        }
    }
    estimate(&scan(text), family)
}

/// Tokens to either side that a bound leaves beside its share: what a short text is off by.
const SLACK: u64 = 2;

fn with_model(features: &ClassFeatures, model: &Model) -> TokenCount {
    let [scale_low, scale_likely, scale_high] = model.scale;
    let likely = features.likely(model.place).max(1);
    let size = SIZES.iter().rposition(|from| *from <= likely).unwrap_or(0);
    let [low, high] = BOUNDS
        .get(model.place)
        .and_then(|classes| classes.get(features.class))
        .and_then(|sizes| sizes.get(size))
        .map_or([0, u16::MAX], |pair| *pair);
    let share = |permille: u16, scale: u64| likely.saturating_mul(u64::from(permille)).saturating_mul(scale);
    let tokens = (likely.saturating_mul(scale_likely).saturating_add(500) / 1000).max(1);
    let ceiling = features.bytes.saturating_mul(model.byte_permille) / 1000;
    let high = share(high, scale_high).div_ceil(1_000_000).saturating_add(SLACK).min(ceiling.max(1));
    let tokens = tokens.min(high);
    let low = (share(low, scale_low) / 1_000_000).saturating_sub(SLACK).min(tokens);
    TokenCount { tokens, low, high, method: Method::Estimated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_costs_nothing() {
        for family in Family::ALL {
            let count = estimate(&TextScan::default(), family);
            assert_eq!((count.low, count.tokens, count.high), (0, 0, 0));
        }
    }

    #[test]
    fn bounds_hold_the_published_counts_of_small_texts() {
        // Counted with tiktoken 0.14 (o200k_base, cl100k_base).
        for (text, counts) in [
            ("The quick brown fox jumps over the lazy dog.", [10, 10]),
            ("fn main() {\n    println!(\"Hello, world!\");\n}\n", [12, 12]),
            ("{\"name\": \"Ada\", \"born\": 1815, \"tags\": [\"math\", \"poetry\"]}", [24, 23]),
        ] {
            let scan = scan(text);
            for (family, exact) in [Family::O200k, Family::Cl100k].into_iter().zip(counts) {
                let count = estimate(&scan, family);
                assert!(count.low <= exact && exact <= count.high, "{text} {family:?} {count:?}");
            }
        }
    }

    #[test]
    fn the_unknown_family_spans_the_known() {
        let scan = scan("Straße, 東京, Москва, 0x7f, और हिन्दी");
        let unknown = estimate(&scan, Family::Unknown);
        assert_eq!(unknown.method, Method::Unknown);
        for family in KNOWN {
            let known = estimate(&scan, family);
            assert!(unknown.low <= known.low && known.high <= unknown.high);
        }
    }

    #[test]
    fn no_sum_overflows() {
        let mut scan = scan("a");
        scan.bytes = u64::MAX;
        scan.vowels = u64::MAX;
        for family in Family::ALL {
            let count = estimate(&scan, family);
            assert!(count.low <= count.tokens && count.tokens <= count.high);
        }
    }
}
