//! What a scan counts.

use std::ops::AddAssign;

use super::masks::MASKS;
use super::scanner::Scanner;
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
    let mut scanner = Scanner::default();
    scanner.add(text);
    scanner.take()
}

impl TextScan {
    /// Adds a text as a part of its own: no run crosses into it. Time is linear, memory constant; for many texts a
    /// [`Scanner`] is faster.
    pub fn add(&mut self, text: &str) {
        let mut scanner = Scanner::default();
        scanner.add(text);
        *self += &scanner.take();
    }

    /// The number of characters of a script.
    pub fn script(&self, script: Script) -> u64 {
        self.scripts.get(script as usize).copied().unwrap_or(0)
    }

    /// ASCII letters.
    pub fn letters(&self) -> u64 {
        self.vowels + self.consonants + self.upper
    }

    /// Adds the counts of the masks to the fields, in the order in which [`super::masks::masks`] lists them.
    pub(super) fn take(&mut self, counts: &[u64; MASKS]) {
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
        let mut values = [0; FIELDS];
        let (singles, rest) = values.split_at_mut(single.len());
        singles.copy_from_slice(&single);
        let (words, scripts) = rest.split_at_mut(WORD_LENGTHS);
        words.copy_from_slice(&self.words);
        let (scripts, _) = scripts.as_chunks_mut::<2>();
        for ((pair, chars), runs) in scripts.iter_mut().zip(&self.scripts).zip(&self.script_runs) {
            *pair = [*chars, *runs];
        }
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
