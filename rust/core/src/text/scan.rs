//! The scan: 64 bytes at a time are transposed to one word for each of their bits, the class of a byte is a Boolean function
//! of those, and every count is a population count of a few shifted masks. No branch depends on ASCII text, which is what
//! makes it fast.

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
        let mut before = Before { last_byte: [1; 8], ..Before::default() };
        let (blocks, tail) = bytes.as_chunks::<64>();
        let (batches, single) = blocks.as_chunks::<BATCH>();
        let mut start = 0;
        let mut rows = [[0; MASKS]; BATCH];
        let mut sums = Sums::default();
        for batch in batches {
            for (block, row) in batch.iter().zip(&mut rows) {
                self.block(block, u64::MAX, bytes.get(start + 64..), &mut before, row);
                start += 64;
            }
            sums.add(&rows, &mut counts);
        }
        if !batches.is_empty() {
            sums.finish(&mut counts);
        }
        let [row, ..] = &mut rows;
        for block in single {
            self.block(block, u64::MAX, bytes.get(start + 64..), &mut before, row);
            count(row, 1, &mut counts);
            start += 64;
        }
        if !tail.is_empty() {
            let mut block = [0; 64];
            block.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
            self.block(&block, u64::MAX >> (64 - tail.len()), None, &mut before, row);
            count(row, 1, &mut counts);
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

    /// The masks of 64 bytes, of which those in `valid` exist; `following` are the bytes behind them. Counts the scripts itself.
    #[inline]
    fn block(
        &mut self,
        block: &[u8; 64],
        valid: u64,
        following: Option<&[u8]>,
        before: &mut Before,
        row: &mut [u64; MASKS],
    ) {
        let planes = planes(block);
        let Classes { vowel, consonant, upper, digit, space, newline, non_ascii, lead, foreign } = Classes::of(&planes);
        let lower = vowel | consonant;
        let letter = lower | upper;
        let punctuation = !(letter | digit | space | newline | non_ascii) & valid;
        let hard = consonant | digit | upper;
        let repeat = repeats(&planes, &mut before.last_byte);
        // What stands one place, two places, ... before.
        let letter_1 = behind::<1>(letter, before.lower | before.upper);
        let lower_1 = behind::<1>(lower, before.lower);
        let upper_1 = behind::<1>(upper, before.upper);
        let digits = behind_each(digit, before.digit);
        let spaces = behind_each(space, before.space);
        let points = behind_each(punctuation, before.punctuation);
        let consonants = behind_each(consonant, before.consonant);
        let hards = behind_each(hard, before.hard);

        // The first letters of words, the second ones, ...
        let first = letter & !letter_1;
        let mut words = [first; WORD_LENGTHS];
        let mut word = first;
        for (mask, last) in words.iter_mut().zip(&mut before.words) {
            *mask = word;
            word = behind::<1>(word, *last) & letter;
            *last = *mask;
        }
        let digit_first = digit & !digits[0];
        let space_first = space & !spaces[0];
        let newline_first = newline & !behind::<1>(newline, before.newline);
        let punctuation_first = punctuation & !points[0];
        let punctuation_2 = punctuation & points[0] & !points[1];
        let punctuation_3 = punctuation & points[0] & points[1] & !points[2];
        let non_ascii_1 = behind::<1>(non_ascii, before.non_ascii);
        let non_ascii_first = non_ascii & !non_ascii_1;
        if lead != 0 {
            self.count_scripts(block, lead, non_ascii_first, following.unwrap_or_default());
        }
        before.lower = lower;
        before.upper = upper;
        before.digit = digit;
        before.space = space;
        before.newline = newline;
        before.punctuation = punctuation;
        before.non_ascii = non_ascii;
        before.consonant = consonant;
        before.hard = hard;
        let [w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12] = words;
        *row = [
            w1,
            w2,
            w3,
            w4,
            w5,
            w6,
            w7,
            w8,
            w9,
            w10,
            w11,
            w12,
            vowel,
            consonant,
            upper,
            digit,
            space,
            newline,
            punctuation,
            non_ascii,
            lead,
            foreign & vowel,
            foreign & consonant,
            first & spaces[0],
            first & points[0],
            first & upper,
            upper & lower_1,
            upper & upper_1,
            consonant & consonants[0] & consonants[1],
            hard & hards[0] & hards[1] & hards[2] & hards[3],
            digit_first,
            digit & digits[0] & digits[1] & digits[2] & !digits[3],
            digit_first & spaces[0],
            (digit & letter_1) | (letter & digits[0]),
            space_first,
            space & spaces[0] & !spaces[1],
            punctuation & spaces[0],
            newline_first,
            newline_first & points[0],
            punctuation_first,
            punctuation_2,
            punctuation_3,
            punctuation & repeat,
            non_ascii_first,
            first & non_ascii_1,
        ];
    }

    /// Counts the scripts of the characters whose first bytes are marked in `leads`.
    #[inline]
    fn count_scripts(&mut self, block: &[u8; 64], leads: u64, run_starts: u64, following: &[u8]) {
        let byte = |at: u32| {
            let at = at as usize;
            block.get(at).or_else(|| following.get(at.saturating_sub(64))).copied().unwrap_or(0)
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

/// How many blocks are counted together.
const BATCH: usize = 8;

/// Sums of bits, a column for each place of each mask: binary digits of how often it was set, so that most of the counting
/// is done for 64 places at once (a Harley-Seal counter).
struct Sums {
    ones: [u64; MASKS],
    twos: [u64; MASKS],
    fours: [u64; MASKS],
}

impl Default for Sums {
    fn default() -> Self {
        Self { ones: [0; MASKS], twos: [0; MASKS], fours: [0; MASKS] }
    }
}

impl Sums {
    /// Adds the masks of one batch; what comes to eights is counted.
    fn add(&mut self, rows: &[[u64; MASKS]; BATCH], counts: &mut [u64; MASKS]) {
        let [a, b, c, d, e, f, g, h] = rows;
        for at in 0..MASKS {
            let (ones, twos_a) = add_bits(self.ones[at], a[at], b[at]);
            let (ones, twos_b) = add_bits(ones, c[at], d[at]);
            let (twos, fours_a) = add_bits(self.twos[at], twos_a, twos_b);
            let (ones, twos_a) = add_bits(ones, e[at], f[at]);
            let (ones, twos_b) = add_bits(ones, g[at], h[at]);
            let (twos, fours_b) = add_bits(twos, twos_a, twos_b);
            let (fours, eights) = add_bits(self.fours[at], fours_a, fours_b);
            (self.ones[at], self.twos[at], self.fours[at]) = (ones, twos, fours);
            counts[at] += 8 * u64::from(eights.count_ones());
        }
    }

    /// Counts what is left.
    fn finish(&self, counts: &mut [u64; MASKS]) {
        count(&self.ones, 1, counts);
        count(&self.twos, 2, counts);
        count(&self.fours, 4, counts);
    }
}

fn count(masks: &[u64; MASKS], weight: u64, counts: &mut [u64; MASKS]) {
    for (count, mask) in counts.iter_mut().zip(masks) {
        *count += weight * u64::from(mask.count_ones());
    }
}

/// The sum of three bits at each place: its lower and its upper digit.
#[inline]
const fn add_bits(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, a & b | half & c)
}

/// The masks of the block before, of which the last places matter.
#[derive(Default)]
struct Before {
    lower: u64,
    upper: u64,
    digit: u64,
    space: u64,
    newline: u64,
    punctuation: u64,
    non_ascii: u64,
    consonant: u64,
    hard: u64,
    words: [u64; WORD_LENGTHS],
    /// The last byte, a bit each, the lowest first.
    last_byte: [u64; 8],
}

/// Which places have the mask `PLACES` before them.
#[inline]
const fn behind<const PLACES: u32>(mask: u64, before: u64) -> u64 {
    mask << PLACES | before >> (64 - PLACES)
}

/// Which places have the mask one, two, three and four places before them.
#[inline]
const fn behind_each(mask: u64, before: u64) -> [u64; 4] {
    [behind::<1>(mask, before), behind::<2>(mask, before), behind::<3>(mask, before), behind::<4>(mask, before)]
}

/// One bit for each of 64 bytes that is of the class.
struct Classes {
    vowel: u64,
    consonant: u64,
    upper: u64,
    digit: u64,
    space: u64,
    newline: u64,
    non_ascii: u64,
    /// Begins a character outside ASCII.
    lead: u64,
    /// On a lower-case letter: it is foreign (see [`TextScan::foreign_vowels`]; the partition that best tells 260 languages of
    /// Latin script from English, German, French and code by counts alone: area under the curve 0.988).
    foreign: u64,
}

impl Classes {
    /// The classes as Boolean functions of the bits of a byte: 64 bytes at once, without a table or a branch.
    #[inline]
    fn of(planes: &[u64; 8]) -> Self {
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
/// Which word, which byte of it and which bit of that are three digits each; three exchanges of words, then one inside each
/// word, turn (word, byte, bit) into (bit, word, byte).
#[inline]
fn planes(block: &[u8; 64]) -> [u64; 8] {
    let mut words = [0_u64; 8];
    let (rows, _) = block.as_chunks::<8>();
    words.iter_mut().zip(rows).for_each(|(word, row)| *word = transpose(u64::from_le_bytes(*row)));
    let [a, b, c, d, e, f, g, h] = words;
    let half = |low: u64, high: u64| exchange(low, high, 32, 0x0000_0000_FFFF_FFFF);
    let ((a, e), (b, f), (c, g), (d, h)) = (half(a, e), half(b, f), half(c, g), half(d, h));
    let quarter = |low: u64, high: u64| exchange(low, high, 16, 0x0000_FFFF_0000_FFFF);
    let ((a, c), (b, d), (e, g), (f, h)) = (quarter(a, c), quarter(b, d), quarter(e, g), quarter(f, h));
    let eighth = |low: u64, high: u64| exchange(low, high, 8, 0x00FF_00FF_00FF_00FF);
    let ((a, b), (c, d), (e, f), (g, h)) = (eighth(a, b), eighth(c, d), eighth(e, f), eighth(g, h));
    [a, b, c, d, e, f, g, h]
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

/// Which bytes equal the byte before them; `last` is the byte before the block and becomes its last.
#[inline]
fn repeats(planes: &[u64; 8], last: &mut [u64; 8]) -> u64 {
    let mut difference = 0;
    for (plane, last) in planes.iter().zip(last) {
        difference |= plane ^ (plane << 1 | *last);
        *last = plane >> 63;
    }
    !difference
}
