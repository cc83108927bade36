//! Exact counts, by whichever way a family's vocabulary is counted.

use super::bpe;
use super::claude::{self, Edges, Generation};
use super::family::Family;

const fn generation(family: Family) -> Option<Generation> {
    match family {
        Family::Claude3To46 => Some(Generation::From3),
        Family::Claude47On => Some(Generation::From47),
        _ => None,
    }
}

/// Unpacks the vocabulary of a family now, so that no later count waits for it. Whether there is one.
pub fn warm(family: Family) -> bool {
    generation(family).map_or_else(|| bpe::warm(family), claude::warm)
}

/// Whether no count of the family waits for its vocabulary: it is unpacked, or there is none.
pub fn is_warm(family: Family) -> bool {
    generation(family).map_or_else(|| bpe::is_warm(family), claude::is_warm)
}

/// The exact number of tokens of a text (its special tokens counted as text), or `None` when the family has no vocabulary
/// here. Time is linear in the text, but n log n in single OpenAI words beyond 96 bytes.
pub fn count_exact(family: Family, text: &str) -> Option<u64> {
    match generation(family) {
        Some(generation) => claude::count(generation, text, generation.edges()),
        None => bpe::count_exact(family, text),
    }
}

/// The same for a text in a frame that its family's other models do not have; the edges matter to Claude alone.
pub fn count_exact_within(family: Family, text: &str, edges: Edges) -> Option<u64> {
    match generation(family) {
        Some(generation) => claude::count(generation, text, edges),
        None => bpe::count_exact(family, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_with_a_vocabulary_are_those_that_say_so() {
        for family in Family::ALL {
            assert_eq!(warm(family), family.is_exact());
            assert_eq!(count_exact(family, "hello").is_some(), family.is_exact());
        }
    }
}
