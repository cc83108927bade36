//! A fast 64-bit hash for telling texts apart, the same on every platform.
//!
//! Promises: no allocation, several bytes a cycle, every input bit reaches every output bit. Refuses: secrets and proofs. It
//! has no key, and who chooses the texts can find two of one hash; use blake3 where that matters.
//!
//! A test breaks it with two texts that differ in one bit and hash alike, or a bit of the hash that hardly ever changes.

/// Odd constants with evenly mixed bits: the fractional parts of the golden ratio and of the square roots of 3, 5 and 7.
const ODD: [u64; 4] = [0x9e37_79b9_7f4a_7c15, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1];

/// The same of 11; not one of the above, or a word of one round could undo a word of the round before.
const SPREAD: u64 = 0x510e_527f_ade6_82d1;

/// Bytes that are taken in at once: four words, so that the multiplications of one round do not wait for each other.
const BLOCK: usize = 32;

/// The hash of some bytes.
pub(crate) fn hash64(bytes: &[u8]) -> u64 {
    let mut lanes = ODD;
    let mut blocks = bytes.chunks_exact(BLOCK);
    for block in &mut blocks {
        take(&mut lanes, block);
    }
    let mut last = [0_u8; BLOCK];
    for (to, from) in last.iter_mut().zip(blocks.remainder()) {
        *to = *from;
    }
    take(&mut lanes, &last);
    // The length tells a text from the same one with zeros behind it.
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    lanes.iter().fold(length, |hash, lane| mix64(hash, *lane))
}

/// One hash out of two; the order matters.
pub(crate) fn mix64(first: u64, second: u64) -> u64 {
    let [golden, three, ..] = ODD;
    let mut hash = first.rotate_left(25).wrapping_mul(golden) ^ second;
    hash = (hash ^ (hash >> 32)).wrapping_mul(three);
    hash = (hash ^ (hash >> 29)).wrapping_mul(golden);
    hash ^ (hash >> 32)
}

fn take(lanes: &mut [u64; 4], block: &[u8]) {
    for ((lane, bytes), odd) in lanes.iter_mut().zip(block.chunks_exact(8)).zip(ODD) {
        let word = bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        // Multiplied before and after: else the high bit of one word would meet a low bit of the next one alone.
        *lane = lane.wrapping_add(word.wrapping_mul(SPREAD)).rotate_left(31).wrapping_mul(odd);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn one_bit_more_or_less_gives_another_hash_with_half_its_bits_turned() {
        let mut seen = BTreeSet::new();
        let mut turned = 0;
        let mut pairs = 0;
        for length in [0, 1, 7, 8, 31, 32, 33, 100] {
            let text = vec![0_u8; length];
            let plain = hash64(&text);
            assert!(seen.insert(plain), "{length}");
            for bit in 0..length * 8 {
                let mut other = text.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                let hash = hash64(&other);
                assert!(seen.insert(hash), "{length} {bit}");
                turned += (hash ^ plain).count_ones();
                pairs += 1;
            }
        }
        let mean = f64::from(turned) / f64::from(pairs);
        assert!((30.0..34.0).contains(&mean), "{mean}");
    }

    #[test]
    fn the_order_of_two_matters() {
        assert_ne!(mix64(1, 2), mix64(2, 1));
        assert_ne!(mix64(0, 0), mix64(0, 1));
    }
}
