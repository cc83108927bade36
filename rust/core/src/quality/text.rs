//! A text as counts of hashed words and characters.

use crate::features::{Ask, Folded, SEED, fold, mix};

use super::numbers::{ln, log_counts, single};

/// Buckets of each of the two blocks: words and pairs of them, then characters in threes and fours. 2^12 lose nothing against
/// 2^17 on nine pairs of models, and stay in the first cache.
pub(super) const BLOCK: usize = 1 << 12;
/// Buckets of both blocks.
pub(super) const FINE: usize = 2 * BLOCK;
/// How many buckets share one where a category has weights of its own: 2^9 are enough there (they were better by .002).
const FOLD: usize = 8;
/// Buckets of both blocks in a category's own weights.
pub(super) const COARSE: usize = FINE / FOLD;
/// Lengths: characters, digits, words.
pub(super) const SURFACE: usize = 3;

/// What is read of a longer text: as good as 6 kB on nine pairs of models.
const HEAD_BYTES: usize = 1536;
const TAIL_BYTES: usize = 512;

/// One block of a text: its buckets with their counts, and what makes its length one.
#[derive(Debug, Clone, Default, PartialEq)]
struct Block {
    counts: Vec<(u16, u8)>,
    scale: f32,
}

impl Block {
    /// The logarithms of the counts, scaled to unit length.
    #[inline]
    fn each(&self, mut visit: impl FnMut(usize, f32)) {
        let logs = log_counts();
        for (bucket, count) in &self.counts {
            let log = logs.get(usize::from(*count)).copied().unwrap_or(0.0);
            visit(usize::from(*bucket), log * self.scale);
        }
    }

    fn of(counts: Vec<(u16, u8)>) -> Self {
        let logs = log_counts();
        let squares: f32 =
            counts.iter().filter_map(|(_, count)| logs.get(usize::from(*count))).map(|log| log * log).sum();
        Self { scale: if squares > 0.0 { 1.0 / squares.sqrt() } else { 0.0 }, counts }
    }
}

/// A text as hashed counts. It holds no text, and the same for any case, white space and punctuation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextVector {
    fine: [Block; 2],
    coarse: [Block; 2],
    lengths: [f32; SURFACE],
    key: u64,
}

impl TextVector {
    /// The counts of a bare text. Time: bounded, about 2 kB are read.
    pub fn of_text(text: &str) -> Self {
        Self::of_ask(&Ask::of_text(text))
    }

    /// The counts of a request's ask.
    pub fn of_ask(ask: &Ask<'_>) -> Self {
        let mut reader = Reader::new();
        let mut left = HEAD_BYTES;
        let mut pieces = ask.pieces().iter();
        let mut rest = "";
        for piece in pieces.by_ref() {
            let (head, behind) = split_before(piece, left);
            reader.read(head);
            left -= head.len();
            if !behind.is_empty() {
                rest = behind;
                break;
            }
        }
        // The last pieces, from behind, then in their order.
        let mut tail: Vec<&str> = Vec::new();
        let mut left = TAIL_BYTES;
        for piece in pieces.rev().copied().chain([rest]) {
            let end = last_bytes(piece, left);
            if !end.is_empty() {
                left -= end.len();
                tail.push(end);
            }
            if left == 0 || end.len() < piece.len() {
                break;
            }
        }
        for piece in tail.into_iter().rev() {
            reader.read(piece);
        }
        reader.finish()
    }

    /// Whether there is no word to go by.
    pub fn is_empty(&self) -> bool {
        self.fine.iter().all(|block| block.counts.is_empty())
    }

    /// A number that tells texts apart, for breaking ties.
    pub const fn key(&self) -> u64 {
        self.key
    }

    /// Every bucket below [`FINE`] with its value.
    #[inline]
    pub(super) fn fine(&self, mut visit: impl FnMut(usize, f32)) {
        self.fine.iter().for_each(|block| block.each(&mut visit));
    }

    /// Every bucket below [`COARSE`] with its value.
    #[inline]
    pub(super) fn coarse(&self, mut visit: impl FnMut(usize, f32)) {
        self.coarse.iter().for_each(|block| block.each(&mut visit));
    }

    /// Logarithms of the lengths.
    pub(super) const fn lengths(&self) -> [f32; SURFACE] {
        self.lengths
    }
}

/// At most so many bytes from the front, whole characters, and what follows.
fn split_before(text: &str, limit: usize) -> (&str, &str) {
    let end = (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// At most so many bytes from behind, whole characters.
fn last_bytes(text: &str, limit: usize) -> &str {
    let start = (text.len().saturating_sub(limit)..text.len()).find(|at| text.is_char_boundary(*at));
    start.and_then(|start| text.get(start..)).unwrap_or_default()
}

/// Punctuation, which is read as if it were not there; other signs (`+`, `=`, `$`) are words.
const fn is_punctuation(code: u32) -> bool {
    matches!(
        code,
        0x21..=0x23 | 0x27..=0x2A | 0x2C..=0x2E | 0x3A | 0x3B | 0x3F | 0x5B | 0x5D | 0x5F | 0x60 | 0x7B | 0x7D | 0x7E
            | 0xA1 | 0xAB | 0xB7 | 0xBB | 0xBF | 0x2010..=0x201F | 0x2026 | 0x2039 | 0x203A | 0x3008..=0x3011
    )
}

/// Counts of one text; the buckets seen are listed, so that reading them out is not a walk over all.
struct Reader {
    counts: Box<[u8; FINE]>,
    seen: [Vec<u16>; 2],
    // The last four characters, 16 bits each.
    last: u64,
    // The hashes of the word at hand and of the one before it; 0 is none.
    word: u64,
    word_chars: u32,
    before: u64,
    chars: u32,
    digits: u32,
    words: u32,
}

const THREE: u64 = 0x2545_F491_4F6C_DD1D;
const FOUR: u64 = 0x9E37_79B9_7F4A_7C15;
const SPREAD: u64 = 0xD6E8_FEB8_6659_FD93;
/// How far a hash is shifted to leave a bucket's number.
const SHIFT: u32 = 64 - BLOCK.trailing_zeros();

impl Reader {
    fn new() -> Self {
        Self {
            counts: Box::new([0; FINE]),
            seen: [Vec::with_capacity(256), Vec::with_capacity(1024)],
            last: 0x20,
            word: SEED,
            word_chars: 0,
            before: 0,
            chars: 0,
            digits: 0,
            words: 0,
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a bucket's number has 13 bits")]
    fn count(&mut self, block: usize, hash: u64) {
        let bucket = (hash >> SHIFT) as usize + block * BLOCK;
        if let (Some(count), Some(seen)) = (self.counts.get_mut(bucket), self.seen.get_mut(block)) {
            if *count == 0 {
                seen.push(bucket as u16);
            }
            *count = count.saturating_add(1);
        }
    }

    #[inline]
    fn char(&mut self, code: u32) {
        self.last = (self.last << 16) | u64::from(code & 0xFFFF);
        if self.last > 0xFFFF_FFFF {
            self.count(1, ((self.last & 0xFFFF_FFFF_FFFF) ^ THREE).wrapping_mul(SPREAD));
        }
        if self.last > 0xFFFF_FFFF_FFFF {
            self.count(1, (self.last ^ FOUR).wrapping_mul(SPREAD));
        }
    }

    #[inline]
    fn word_char(&mut self, code: u32) {
        self.word = mix(self.word, u64::from(code));
        self.word_chars += 1;
        self.chars += 1;
        self.char(code);
    }

    #[inline]
    fn end_word(&mut self) {
        if self.word_chars == 0 {
            return;
        }
        let word = self.word;
        self.count(0, word);
        if self.before != 0 {
            self.count(0, mix(mix(self.before, word), FOUR));
        }
        self.before = word;
        self.words += 1;
        self.word = SEED;
        self.word_chars = 0;
        self.char(0x20);
    }

    fn read(&mut self, piece: &str) {
        for ch in piece.chars() {
            match fold(ch) {
                Folded::Word(code) => self.word_char(code),
                Folded::Digit(code) => {
                    self.digits += 1;
                    self.word_char(code);
                }
                Folded::Space | Folded::Newline => self.end_word(),
                Folded::Other(code) if is_punctuation(code) => {}
                Folded::Dense(code) | Folded::Other(code) => {
                    self.end_word();
                    self.word_char(code);
                    self.end_word();
                }
                Folded::Nothing => {}
            }
        }
        self.end_word();
    }

    fn finish(self) -> TextVector {
        let Self { counts, seen, chars, digits, words, .. } = self;
        let of = |bucket: &u16| (*bucket, counts.get(usize::from(*bucket)).copied().unwrap_or(0));
        let key = seen.iter().flatten().map(of).fold(SEED, |key, (bucket, count)| {
            // A sum, so that the order does not matter.
            key.wrapping_add(mix(u64::from(bucket), u64::from(count)).wrapping_mul(SPREAD))
        });
        let fine = seen.map(|seen| seen.iter().map(of).collect::<Vec<_>>());
        let coarse = fine.each_ref().map(|counts| Block::of(folded(counts)));
        let log = |count: u32| single(ln(1.0 + f64::from(count)));
        TextVector { fine: fine.map(Block::of), coarse, lengths: [log(chars), log(digits), log(words)], key }
    }
}

/// The counts of eight buckets as one.
fn folded(counts: &[(u16, u8)]) -> Vec<(u16, u8)> {
    let mut sums = [0_u8; COARSE];
    let mut seen = Vec::with_capacity(counts.len());
    for (bucket, count) in counts {
        let coarse = usize::from(*bucket) / FOLD;
        if let Some(sum) = sums.get_mut(coarse) {
            if *sum == 0 {
                seen.push(coarse);
            }
            *sum = sum.saturating_add(*count);
        }
    }
    seen.into_iter()
        .map(|bucket| (u16::try_from(bucket).unwrap_or(0), sums.get(bucket).copied().unwrap_or(0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_habits_leave_the_counts_as_they_are() {
        let plain = TextVector::of_text("What is the capital of France, and why?");
        for other in [
            "WHAT IS THE CAPITAL OF FRANCE, AND WHY?",
            "  what is\tthe capital\n\nof  france and why",
            "What is the capital of France - and why?!!",
            "“What is the capital of France”, and why...",
        ] {
            assert_eq!(TextVector::of_text(other), plain, "{other}");
        }
        assert_ne!(TextVector::of_text("What is the capital of Finland, and why?"), plain);
        assert_ne!(TextVector::of_text("x + y"), TextVector::of_text("x = y"));
    }

    #[test]
    fn work_is_bounded_and_both_ends_count() {
        let text = |middle: &str| format!("begin {} end", middle.repeat(2_000));
        let long = TextVector::of_text(&text("word "));
        let longer = TextVector::of_text(&text("word word "));
        assert_eq!(long, longer);
        assert_ne!(long, TextVector::of_text(&format!("{} or not", text("word "))));
        assert!(TextVector::of_text("?!").is_empty() && TextVector::of_text("").is_empty());
    }

    #[test]
    fn blocks_have_unit_length() {
        let vector = TextVector::of_text("the cat sat on the mat, the cat did");
        for visit in [(|v, f| v.fine(f)) as fn(&TextVector, &mut dyn FnMut(usize, f32)), |v, f| v.coarse(f)] {
            let mut squares = 0.0;
            visit(&vector, &mut |_, value| squares += value * value);
            assert!((squares - 2.0).abs() < 1e-5, "{squares}");
        }
    }
}
