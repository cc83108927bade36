//! The scan: a table gives each byte its class, 64 bytes at a time become one bit mask per class, and every count is a
//! population count of a few shifted masks. No branch depends on ASCII text, which is what makes it fast.

use std::ops::AddAssign;

use super::script::{SCRIPTS, Script};

/// How many lengths of words are told apart.
pub const WORD_LENGTHS: usize = 12;

/// How many fields a scan has, one per length and script.
pub const FIELDS: usize = 34 + WORD_LENGTHS + 2 * SCRIPTS;

/// What one pass over a text counts. A word is a run of ASCII letters; runs are as long as they can be; all counts are in
/// bytes or runs unless they say characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextScan {
    /// Bytes of UTF-8.
    pub bytes: u64,
    /// Characters (Unicode scalar values).
    pub chars: u64,
    /// Lower-case ASCII vowels (`aeiou`).
    pub vowels: u64,
    /// Other lower-case ASCII letters.
    pub consonants: u64,
    /// Of the vowels, those that stand more often in other languages than in English, German or code: `a`, `i`.
    pub foreign_vowels: u64,
    /// Of the consonants, those: `b`, `j`, `k`, `l`, `n`, `q`, `v`, `z`.
    pub foreign_consonants: u64,
    /// Upper-case ASCII letters.
    pub upper: u64,
    /// ASCII digits.
    pub digits: u64,
    /// Spaces and tabs.
    pub spaces: u64,
    /// Line feeds and carriage returns.
    pub newlines: u64,
    /// All other ASCII: punctuation, symbols, control characters.
    pub punctuation: u64,
    /// Bytes outside ASCII.
    pub non_ascii: u64,
    /// Words that have at least 1, 2, 3, ... letters.
    pub words: [u64; WORD_LENGTHS],
    /// Words right behind a space or tab.
    pub words_after_space: u64,
    /// Words right behind punctuation.
    pub words_after_punctuation: u64,
    /// Words that start with an upper-case letter.
    pub words_capital: u64,
    /// Upper-case letters right behind a lower-case one (`fooBar`).
    pub humps: u64,
    /// Upper-case letters right behind another (`HTTP`).
    pub upper_pairs: u64,
    /// Places where three consonants stand in a row.
    pub consonant_triples: u64,
    /// Places where five characters stand in a row that are each a consonant, a digit or an upper-case letter (keys, hashes).
    pub hard_fives: u64,
    /// Runs of digits.
    pub digit_runs: u64,
    /// Runs of at least four digits.
    pub digit_runs_long: u64,
    /// Runs of digits right behind a space or tab.
    pub digits_after_space: u64,
    /// Places where a letter and a digit touch.
    pub alphanumeric_joins: u64,
    /// Runs of spaces and tabs.
    pub space_runs: u64,
    /// Runs of at least two.
    pub space_runs_long: u64,
    /// Spaces and tabs that stand before punctuation.
    pub spaces_before_punctuation: u64,
    /// Runs of newlines.
    pub newline_runs: u64,
    /// Runs of newlines right behind punctuation.
    pub newlines_after_punctuation: u64,
    /// Runs of punctuation.
    pub punctuation_runs: u64,
    /// Runs of at least two.
    pub punctuation_runs_2: u64,
    /// Runs of at least three.
    pub punctuation_runs_3: u64,
    /// Punctuation that equals the byte before it.
    pub punctuation_repeats: u64,
    /// Runs of text outside ASCII.
    pub non_ascii_runs: u64,
    /// Words right behind text outside ASCII (`größe` holds one).
    pub words_after_non_ascii: u64,
    /// Characters outside ASCII, by [`Script`].
    pub scripts: [u64; SCRIPTS],
    /// Characters that begin a run outside ASCII, by their [`Script`].
    pub script_runs: [u64; SCRIPTS],
}

/// Scans one text.
pub fn scan(text: &str) -> TextScan {
    let mut scan = TextScan::default();
    scan.add(text);
    scan
}

impl TextScan {
    /// Adds a text as a part of its own: no run crosses into it. Time is linear, memory constant.
    pub fn add(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut counts = [0_u64; MASKS];
        // 0xFF stands in no UTF-8 text, so the first byte repeats nothing.
        let mut carry = Carry { last_byte: 0xFF, ..Carry::default() };
        let (blocks, tail) = bytes.as_chunks::<64>();
        let mut start = 0;
        for block in blocks {
            let following = (bytes.get(start + 64).copied().unwrap_or(0), bytes.get(start + 65).copied().unwrap_or(0));
            self.block(block, u64::MAX, following, &mut carry, &mut counts);
            start += 64;
        }
        if !tail.is_empty() {
            let mut block = [0; 64];
            block.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
            self.block(&block, u64::MAX >> (64 - tail.len()), (0, 0), &mut carry, &mut counts);
        }
        self.bytes += bytes.len() as u64;
        self.take(&counts);
    }

    /// The number of characters of a script.
    pub fn script(&self, script: Script) -> u64 {
        self.scripts.get(script as usize).copied().unwrap_or(0)
    }

    /// ASCII letters.
    pub fn letters(&self) -> u64 {
        self.vowels + self.consonants + self.upper
    }

    /// Counts 64 bytes, of which those in `valid` exist; `following` are the two bytes behind them.
    #[inline]
    fn block(
        &mut self,
        block: &[u8; 64],
        valid: u64,
        following: (u8, u8),
        carry: &mut Carry,
        counts: &mut [u64; MASKS],
    ) {
        let [vowel, consonant, upper, digit, space, newline, non_ascii, marked] = class_masks(block);
        let lead = marked & non_ascii;
        let lower = vowel | consonant;
        let letter = lower | upper;
        let punctuation = !(letter | digit | space | newline | non_ascii) & valid;
        let repeat = repeats(block, carry.last_byte);
        let last = carry.classes;
        let behind = |mask: u64, bit: u64| mask << 1 | u64::from(last & bit != 0);
        let (after_letter, after_digit) = (behind(letter, LETTERS), behind(digit, DIGIT));
        let (after_space, after_newline) = (behind(space, SPACE), behind(newline, NEWLINE));
        let (after_punctuation, after_non_ascii) = (behind(punctuation, PUNCTUATION), behind(non_ascii, NON_ASCII));
        let after_upper = behind(upper, UPPER);
        let after_lower = behind(lower, LOWER);

        let mut masks = [0_u64; MASKS];
        let mut word = letter & !after_letter;
        let mut slots = masks.iter_mut();
        let mut put = |mask: u64| {
            if let Some(slot) = slots.next() {
                *slot = mask;
            }
        };
        let first = word;
        for length in 1..=WORD_LENGTHS as u64 {
            put(word);
            word = (word << 1 | u64::from(carry.letters == length)) & letter;
        }
        let digit_first = digit & !after_digit;
        let digit_2 = (digit_first << 1 | u64::from(carry.digits == 1)) & digit;
        let digit_3 = (digit_2 << 1 | u64::from(carry.digits == 2)) & digit;
        let digit_4 = (digit_3 << 1 | u64::from(carry.digits == 3)) & digit;
        let space_first = space & !after_space;
        let space_2 = (space_first << 1 | u64::from(carry.spaces == 1)) & space;
        let newline_first = newline & !after_newline;
        let punctuation_first = punctuation & !after_punctuation;
        let punctuation_2 = (punctuation_first << 1 | u64::from(carry.punctuation == 1)) & punctuation;
        let punctuation_3 = (punctuation_2 << 1 | u64::from(carry.punctuation == 2)) & punctuation;
        let non_ascii_first = non_ascii & !after_non_ascii;
        let consonant_2 = consonant & (consonant << 1 | carry.consonants >> 1 & 1);
        let consonant_3 = consonant_2 & (consonant << 2 | carry.consonants & 3);
        let hard = consonant | digit | upper;
        let hard_2 = hard & (hard << 1 | carry.hard >> 3);
        let hard_4 = hard_2 & (hard << 2 | carry.hard >> 2 & 3) & (hard << 3 | carry.hard >> 1 & 7);
        let hard_5 = hard_4 & (hard << 4 | carry.hard & 15);

        for mask in [
            vowel,
            consonant,
            upper,
            digit,
            space,
            newline,
            punctuation,
            non_ascii,
            lead,
            marked & vowel,
            marked & consonant,
            first & after_space,
            first & after_punctuation,
            first & upper,
            upper & after_lower,
            upper & after_upper,
            consonant_3,
            hard_5,
            digit_first,
            digit_4,
            digit_first & after_space,
            (digit & after_letter) | (letter & after_digit),
            space_first,
            space_2,
            punctuation & after_space,
            newline_first,
            newline_first & after_punctuation,
            punctuation_first,
            punctuation_2,
            punctuation_3,
            punctuation & repeat,
            non_ascii_first,
            first & after_non_ascii,
        ] {
            put(mask);
        }
        for (count, mask) in counts.iter_mut().zip(masks) {
            *count += u64::from(mask.count_ones());
        }
        if lead != 0 {
            self.count_scripts(block, lead, non_ascii_first, following);
        }

        carry.letters = run_on(letter, carry.letters);
        carry.digits = run_on(digit, carry.digits);
        carry.spaces = run_on(space, carry.spaces);
        carry.punctuation = run_on(punctuation, carry.punctuation);
        carry.consonants = consonant >> 62;
        carry.hard = hard >> 60;
        carry.last_byte = block[63];
        carry.classes = last_classes([letter, digit, space, newline, punctuation, non_ascii, upper, lower]);
    }

    /// Counts the scripts of the characters whose first bytes are marked in `leads`.
    #[inline]
    fn count_scripts(&mut self, block: &[u8; 64], leads: u64, run_starts: u64, following: (u8, u8)) {
        let byte = |at: u32| match at {
            64 => following.0,
            65 => following.1,
            _ => block.get(at as usize).copied().unwrap_or(0),
        };
        let mut left = leads;
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            let script = Script::of_utf8(byte(at), byte(at + 1), byte(at + 2)) as usize;
            if let (Some(chars), Some(runs)) = (self.scripts.get_mut(script), self.script_runs.get_mut(script)) {
                *chars += 1;
                *runs += run_starts >> at & 1;
            }
        }
    }

    /// Adds the counts of the masks to the fields, in the order in which [`TextScan::block`] lists them.
    fn take(&mut self, counts: &[u64; MASKS]) {
        let mut counts = counts.iter().copied();
        let mut next = || counts.next().unwrap_or(0);
        for length in &mut self.words {
            *length += next();
        }
        for field in [
            &mut self.vowels,
            &mut self.consonants,
            &mut self.upper,
            &mut self.digits,
            &mut self.spaces,
            &mut self.newlines,
            &mut self.punctuation,
        ] {
            let count = next();
            *field += count;
            self.chars += count;
        }
        self.non_ascii += next();
        self.chars += next();
        for field in [
            &mut self.foreign_vowels,
            &mut self.foreign_consonants,
            &mut self.words_after_space,
            &mut self.words_after_punctuation,
            &mut self.words_capital,
            &mut self.humps,
            &mut self.upper_pairs,
            &mut self.consonant_triples,
            &mut self.hard_fives,
            &mut self.digit_runs,
            &mut self.digit_runs_long,
            &mut self.digits_after_space,
            &mut self.alphanumeric_joins,
            &mut self.space_runs,
            &mut self.space_runs_long,
            &mut self.spaces_before_punctuation,
            &mut self.newline_runs,
            &mut self.newlines_after_punctuation,
            &mut self.punctuation_runs,
            &mut self.punctuation_runs_2,
            &mut self.punctuation_runs_3,
            &mut self.punctuation_repeats,
            &mut self.non_ascii_runs,
            &mut self.words_after_non_ascii,
        ] {
            *field += next();
        }
    }

    /// Every field, in the order of [`field_names`].
    pub fn values(&self) -> [u64; FIELDS] {
        let single = [
            self.bytes,
            self.chars,
            self.vowels,
            self.consonants,
            self.foreign_vowels,
            self.foreign_consonants,
            self.upper,
            self.digits,
            self.spaces,
            self.newlines,
            self.punctuation,
            self.non_ascii,
            self.words_after_space,
            self.words_after_punctuation,
            self.words_capital,
            self.humps,
            self.upper_pairs,
            self.consonant_triples,
            self.hard_fives,
            self.digit_runs,
            self.digit_runs_long,
            self.digits_after_space,
            self.alphanumeric_joins,
            self.space_runs,
            self.space_runs_long,
            self.spaces_before_punctuation,
            self.newline_runs,
            self.newlines_after_punctuation,
            self.punctuation_runs,
            self.punctuation_runs_2,
            self.punctuation_runs_3,
            self.punctuation_repeats,
            self.non_ascii_runs,
            self.words_after_non_ascii,
        ];
        let scripts = self.scripts.iter().zip(&self.script_runs).flat_map(|(chars, runs)| [*chars, *runs]);
        let mut values = [0; FIELDS];
        let counts = single.into_iter().chain(self.words).chain(scripts);
        values.iter_mut().zip(counts).for_each(|(value, count)| *value = count);
        values
    }
}

/// The names of the fields, as fits and reports write them.
pub fn field_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "bytes",
        "chars",
        "vowels",
        "consonants",
        "foreign_vowels",
        "foreign_consonants",
        "upper",
        "digits",
        "spaces",
        "newlines",
        "punctuation",
        "non_ascii",
        "words_after_space",
        "words_after_punctuation",
        "words_capital",
        "humps",
        "upper_pairs",
        "consonant_triples",
        "hard_fives",
        "digit_runs",
        "digit_runs_long",
        "digits_after_space",
        "alphanumeric_joins",
        "space_runs",
        "space_runs_long",
        "spaces_before_punctuation",
        "newline_runs",
        "newlines_after_punctuation",
        "punctuation_runs",
        "punctuation_runs_2",
        "punctuation_runs_3",
        "punctuation_repeats",
        "non_ascii_runs",
        "words_after_non_ascii",
    ]
    .map(str::to_owned)
    .into();
    names.extend((1..=WORD_LENGTHS).map(|length| format!("words_{length}")));
    names.extend(Script::ALL.iter().flat_map(|script| [script.name().to_owned(), format!("{}_runs", script.name())]));
    names
}

impl AddAssign<&TextScan> for TextScan {
    fn add_assign(&mut self, other: &TextScan) {
        let TextScan { words, scripts, script_runs, .. } = other;
        for (to, from) in self.words.iter_mut().zip(words) {
            *to += from;
        }
        for (to, from) in self.scripts.iter_mut().zip(scripts) {
            *to += from;
        }
        for (to, from) in self.script_runs.iter_mut().zip(script_runs) {
            *to += from;
        }
        macro_rules! sum {
            ($($field:ident),*) => { $(self.$field += other.$field;)* };
        }
        sum!(
            bytes,
            chars,
            vowels,
            consonants,
            foreign_vowels,
            foreign_consonants,
            upper,
            digits,
            spaces,
            newlines,
            punctuation,
            non_ascii,
            words_after_space,
            words_after_punctuation,
            words_capital,
            humps,
            upper_pairs,
            consonant_triples,
            hard_fives,
            digit_runs,
            digit_runs_long,
            digits_after_space,
            alphanumeric_joins,
            space_runs,
            space_runs_long,
            spaces_before_punctuation,
            newline_runs,
            newlines_after_punctuation,
            punctuation_runs,
            punctuation_runs_2,
            punctuation_runs_3,
            punctuation_repeats,
            non_ascii_runs,
            words_after_non_ascii
        );
    }
}

/// Masks counted per block: the lengths of words and the list in [`TextScan::block`].
const MASKS: usize = WORD_LENGTHS + 33;

/// Classes of the byte before a block, as bits of [`Carry::classes`].
const LETTERS: u64 = 1;
const DIGIT: u64 = 2;
const SPACE: u64 = 4;
const NEWLINE: u64 = 8;
const PUNCTUATION: u64 = 16;
const NON_ASCII: u64 = 32;
const UPPER: u64 = 64;
const LOWER: u64 = 128;

/// What the runs at the end of one block bring into the next.
#[derive(Default)]
struct Carry {
    /// Length of the run of letters, of digits, ... that is still open; 0 when none is.
    letters: u64,
    digits: u64,
    spaces: u64,
    punctuation: u64,
    /// The last two places, as bits: which were consonants.
    consonants: u64,
    /// The last four places: which were consonants, digits or upper-case.
    hard: u64,
    classes: u64,
    last_byte: u8,
}

/// The length of the run that reaches the end of a block, with what came in when the block is one run.
#[inline]
fn run_on(mask: u64, before: u64) -> u64 {
    if mask == u64::MAX { before.saturating_add(64) } else { u64::from(mask.leading_ones()) }
}

/// The last bits of the masks, the first mask's lowest: the classes of the last byte.
#[inline]
fn last_classes(masks: [u64; 8]) -> u64 {
    masks.iter().rev().fold(0, |bits, mask| bits << 1 | mask >> 63)
}

/// One bit per class: vowel, consonant, upper, digit, space, newline, non-ASCII, and a mark: on a letter that it is foreign
/// (see [`TextScan::foreign_vowels`]; the partition that best tells 260 languages of Latin script from English, German,
/// French and code by counts alone: area under the curve 0.988), outside ASCII that it begins a character.
static CLASSES: [u8; 256] = classes();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler; the index stays below 256"
)]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a' | b'i' => 129,
            b'e' | b'o' | b'u' => 1,
            b'b' | b'j' | b'k' | b'l' | b'n' | b'q' | b'v' | b'z' => 130,
            b'a'..=b'z' => 2,
            b'A'..=b'Z' => 4,
            b'0'..=b'9' => 8,
            b' ' | b'\t' => 16,
            b'\n' | b'\r' => 32,
            0x80..0xC0 => 64,
            0xC0..=0xFF => 192,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// The eight class masks of 64 bytes: eight times a transposed 8 x 8 matrix of bits.
#[inline]
fn class_masks(block: &[u8; 64]) -> [u64; 8] {
    let mut masks = [0_u64; 8];
    let (rows, _) = block.as_chunks::<8>();
    for (row, shift) in rows.iter().zip((0_u32..).step_by(8)) {
        let columns =
            transpose(u64::from_le_bytes(row.map(|byte| CLASSES.get(usize::from(byte)).copied().unwrap_or(0))));
        for (mask, column) in masks.iter_mut().zip(columns.to_le_bytes()) {
            *mask |= u64::from(column) << shift;
        }
    }
    masks
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

/// Which bytes equal the byte before them.
#[inline]
fn repeats(block: &[u8; 64], last: u8) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    let mut mask = 0;
    let mut before = u64::from(last);
    for (word, shift) in words.iter().zip((0_u32..).step_by(8)) {
        let word = u64::from_le_bytes(*word);
        let difference = word ^ (word << 8 | before);
        before = word >> 56;
        // The high bit of each byte that is zero in `difference`, without carries between bytes.
        let low = 0x7F7F_7F7F_7F7F_7F7F_u64;
        let zero = !(((difference & low) + low) | difference | low);
        mask |= ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << shift;
    }
    mask
}
