//! The prior: what to believe of a model before any of its answers was graded.

use super::{Evidence, Quality};

/// One whole, in millionths.
const ONE: i64 = 1_000_000;

/// The quality of the model of rank `rank` (from 1, the weakest) where `ranks` is the highest, for a request whose difficulty
/// lies in `difficulty` (both ends, in millionths).
///
/// A trivial request is answered well by every model; the hardest one by `rank` of `ranks + 1` of them. Between the two it
/// falls along a straight line, for nothing is known that would bend it. Hand-set: only its order means something.
pub fn prior(rank: u32, ranks: u32, difficulty: (i64, i64)) -> Quality {
    let ranks = i64::from(ranks.max(1));
    let rank = i64::from(rank).clamp(1, ranks);
    let at = |difficulty: i64| ONE - difficulty.clamp(0, ONE) * (ranks + 1 - rank) / (ranks + 1);
    let (easy, hard) = difficulty;
    Quality { low: at(hard), high: at(easy), evidence: Evidence::Prior }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_stronger_model_is_no_worse_and_a_harder_request_no_better(
            ranks in 1..40_u32, rank in 1..40_u32, easy in 0..=ONE, harder in 0..=ONE,
        ) {
            let (easy, hard) = (easy.min(harder), easy.max(harder));
            let weak = prior(rank, ranks, (easy, hard));
            let strong = prior(rank + 1, ranks, (easy, hard));
            prop_assert!(0 < weak.low && weak.low <= weak.high && weak.high <= ONE);
            prop_assert!(weak.low <= strong.low && weak.high <= strong.high);
            prop_assert_eq!(prior(rank, ranks, (hard, hard)).low, weak.low);
            prop_assert_eq!(prior(rank, ranks, (easy, easy)).high, weak.high);
        }
    }

    #[test]
    fn it_falls_from_one_to_the_share_of_the_rank() {
        let at = |rank: u32, difficulty: i64| prior(rank, 3, (difficulty, difficulty)).low;
        assert_eq!([at(1, 0), at(2, 0), at(3, 0)], [ONE; 3]);
        assert_eq!([at(1, ONE), at(2, ONE), at(3, ONE)], [250_000, 500_000, 750_000]);
        assert_eq!(at(2, 400_000), 800_000);
    }

    #[test]
    fn what_is_beyond_its_bounds_is_taken_as_the_bound() {
        assert_eq!(prior(0, 0, (0, 0)), prior(1, 1, (0, 0)));
        assert_eq!(prior(9, 3, (ONE, ONE)), prior(3, 3, (ONE, ONE)));
        assert_eq!(prior(1, u32::MAX, (-5, i64::MAX)).high, ONE);
        assert_eq!(prior(1, u32::MAX, (-5, i64::MAX)).low, 1);
    }
}
