//! 64 bytes at once: one word for each bit of a byte, and the classes of bytes as Boolean functions of these.

/// One bit for each of 64 bytes that is of the class.
pub(super) struct Classes {
    pub(super) vowel: u64,
    pub(super) consonant: u64,
    pub(super) upper: u64,
    pub(super) digit: u64,
    pub(super) space: u64,
    pub(super) newline: u64,
    pub(super) non_ascii: u64,
    /// Begins a character outside ASCII.
    pub(super) lead: u64,
    /// On a lower-case letter: it is foreign (see [`super::TextScan::foreign_vowels`]; the partition that best tells 260 languages of
    /// Latin script from English, German, French and code by counts alone: area under the curve 0.988).
    pub(super) foreign: u64,
}

impl Classes {
    /// The classes as Boolean functions of the bits of a byte: 64 bytes at once, without a table or a branch.
    #[inline]
    pub(super) fn of(planes: &[u64; 8]) -> Self {
        let [b0, b1, b2, b3, b4, b5, b6, b7] = *planes;
        // The lower five bits of a letter are its number in the alphabet, 1 to 26.
        let is_number = (b0 | b1 | b2 | b3 | b4) & !(b4 & b3 & (b2 | b1 & b0));
        let letter = b6 & !b7 & is_number;
        let (upper, lower) = (letter & !b5, letter & b5);
        let odd = b0 & !b1;
        let even = b1 & !b0;
        let a_i = odd & !b2 & !b4;
        let e_u = odd & b2 & !b3;
        let o = !b4 & b3 & b2 & b1 & b0;
        let b_j_z = even & !b2 & (!b4 | b3);
        let k = !b4 & b3 & !b2 & b1 & b0;
        let l_n = !b4 & b3 & b2 & !b0;
        let q_v = b4 & !b3 & (!b2 & odd | b2 & even);
        let vowel = lower & (a_i | e_u | o);
        let low = !(b4 | b6 | b7);
        Self {
            vowel,
            consonant: lower & !vowel,
            upper,
            digit: !(b6 | b7) & b5 & b4 & !(b3 & (b2 | b1)),
            space: low & !b2 & !b1 & (b5 & !b3 & !b0 | !b5 & b3 & b0),
            newline: low & !b5 & b3 & (!b2 & even | b2 & odd),
            non_ascii: b7,
            lead: b7 & b6,
            foreign: lower & (a_i | b_j_z | k | l_n | q_v),
        }
    }
}

/// The bits of 64 bytes, transposed: of each byte the lowest bit, then the next, one word for each.
///
/// Which word, which byte of it and which bit of that are three digits each; three exchanges between words, then one inside
/// each word, turn (word, byte, bit) into (bit, word, byte).
#[inline]
#[allow(clippy::many_single_char_names, reason = "eight words alike")]
pub(super) fn planes(block: &[u8; 64]) -> [u64; 8] {
    let mut words = [0_u64; 8];
    let (rows, _) = block.as_chunks::<8>();
    words.iter_mut().zip(rows).for_each(|(word, row)| *word = u64::from_le_bytes(*row));
    let [a, b, c, d, e, f, g, h] = words;
    let half = |low: u64, high: u64| exchange(low, high, 4, 0x0F0F_0F0F_0F0F_0F0F);
    let ((a, e), (b, f), (c, g), (d, h)) = (half(a, e), half(b, f), half(c, g), half(d, h));
    let quarter = |low: u64, high: u64| exchange(low, high, 2, 0x3333_3333_3333_3333);
    let ((a, c), (b, d), (e, g), (f, h)) = (quarter(a, c), quarter(b, d), quarter(e, g), quarter(f, h));
    let eighth = |low: u64, high: u64| exchange(low, high, 1, 0x5555_5555_5555_5555);
    let ((a, b), (c, d), (e, f), (g, h)) = (eighth(a, b), eighth(c, d), eighth(e, f), eighth(g, h));
    [a, b, c, d, e, f, g, h].map(transpose)
}

/// Exchanges the upper part of each field of `low` with the lower part of the same field of `high`.
#[inline]
const fn exchange(low: u64, high: u64, shift: u32, mask: u64) -> (u64, u64) {
    let moved = ((low >> shift) ^ high) & mask;
    (low ^ (moved << shift), high ^ moved)
}

/// Transposes an 8 x 8 matrix of bits, row `i` in byte `i` (Hacker's Delight, 7-3).
#[inline]
const fn transpose(matrix: u64) -> u64 {
    let mut x = matrix;
    let mut t = (x ^ (x >> 7)) & 0x00AA_00AA_00AA_00AA;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000_CCCC_0000_CCCC;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x0000_0000_F0F0_F0F0;
    x ^ t ^ (t << 28)
}
