//! The structure of an ask: one pass, integers only.

use super::ask::Ask;
use super::fold::{Folded, SEED, fold, mix};
use super::lexicon::{Kind, Lexicon, Meaning, phrase2, phrase3};
use super::programming::ProgrammingLanguage;
use super::signal::Signal;

/// How many words at the start and at the end of an ask count as its opening and its closing.
const ZONE_WORDS: u32 = 16;
/// How many cue hits are kept; more tell nothing new.
const HIT_LIMIT: usize = 512;
/// The longest cue in a script without spaces, in characters.
const DENSE_CUE_CHARS: usize = 5;
/// Letters after which a word is no longer tested for stems.
const STEM_CHARS: u32 = 14;

/// Where the cues of one signal stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits {
    /// Hits in the first 16 words.
    pub opening: u32,
    /// Hits in the last 16 words of an ask of more than 32.
    pub closing: u32,
    /// Hits between.
    pub middle: u32,
}

impl Hits {
    /// Hits anywhere.
    pub const fn total(self) -> u32 {
        self.opening.saturating_add(self.closing).saturating_add(self.middle)
    }
}

/// What one pass over the bounded ask finds. Counts are of what was looked at, not of what was left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// Characters.
    pub chars: u32,
    /// Words outside code; two characters of a script without spaces count as one.
    pub words: u32,
    /// Lines that are not empty.
    pub lines: u32,
    /// Question marks outside code.
    pub question_marks: u32,
    /// Code fences (an open and a closed one count as two).
    pub code_fences: u32,
    /// Pieces of inline code.
    pub inline_code: u32,
    /// Characters inside code fences.
    pub code_chars: u32,
    /// Lines outside fences that read as code.
    pub code_lines: u32,
    /// Whether code is there.
    pub has_code: bool,
    /// Whether JSON is there.
    pub has_json: bool,
    /// Whether a table is there (two lines or more with pipes or tabs).
    pub has_table: bool,
    /// Whether mathematics is there (LaTeX, symbols, equations).
    pub has_math: bool,
    /// Lines that begin as list items.
    pub list_items: u32,
    /// Lettered options in order (`A. ... B. ... C. ...`).
    pub options: u32,
    /// URLs.
    pub urls: u32,
    /// Numbers outside code.
    pub numbers: u32,
    /// Marked blanks and masks (`____`, `[MASK]`).
    pub blanks: u32,
    /// Quoted passages of ten words or more.
    pub long_quotes: u32,
    /// Cues of a constraint.
    pub constraint_cues: u32,
    /// Cues of an answer in steps.
    pub step_cues: u32,
    /// Cues of a short answer.
    pub brevity_cues: u32,
    /// Worked examples (`Input: ... Output: ...` pairs).
    pub few_shot_examples: u32,
    /// How many things are asked: questions, list items and `also` clauses, at least 1 unless the ask is empty.
    pub parts: u32,
    /// The programming language named or fenced first, a fence before a name.
    pub programming_language: Option<ProgrammingLanguage>,
    signals: Vec<Hits>,
}

impl Features {
    /// Where the cues of `signal` stand.
    pub fn hits(&self, signal: Signal) -> Hits {
        self.signals.get(signal.index()).copied().unwrap_or_default()
    }
}

/// Measures the ask in one pass. Time: linear in at most `HEAD_BYTES + TAIL_BYTES`.
pub fn structure(ask: &Ask<'_>) -> Features {
    let mut scan = Scan::new();
    for (index, piece) in ask.pieces().iter().enumerate() {
        if Some(index) == ask.gap() {
            scan.in_fence = false;
        }
        scan.read(piece);
        scan.step(Folded::Newline, '\n');
    }
    scan.into_features()
}

/// What is known of the current line.
#[derive(Default)]
struct Line {
    chars: u32,
    code_marks: u32,
    pipes: u32,
    last: u32,
    begins_item: bool,
    digits_first: bool,
}

#[allow(clippy::struct_excessive_bools, reason = "a scanner's state, not an interface")]
struct Scan {
    lexicon: &'static Lexicon,
    features: Features,
    hits: Vec<(u32, Signal)>,
    word: u64,
    word_chars: u32,
    word_start: char,
    before_word: char,
    previous: u64,
    before_previous: u64,
    dense: [u64; DENSE_CUE_CHARS],
    dense_run: usize,
    dense_total: u32,
    in_number: bool,
    backticks: u32,
    in_fence: bool,
    in_inline: bool,
    fence_name: bool,
    last: char,
    line: Line,
    braces: u32,
    keys: u32,
    table_lines: u32,
    latex: u32,
    symbols: u32,
    operators: u32,
    underscores: u32,
    quote_from: Option<u32>,
    colon_slash: bool,
    example_marks: u32,
    fence_language: Option<ProgrammingLanguage>,
    named_language: Option<ProgrammingLanguage>,
}

impl Scan {
    fn new() -> Self {
        Self {
            lexicon: Lexicon::shipped(),
            features: Features::default(),
            hits: Vec::with_capacity(64),
            word: SEED,
            word_chars: 0,
            word_start: ' ',
            before_word: ' ',
            previous: SEED,
            before_previous: SEED,
            dense: [0; DENSE_CUE_CHARS],
            dense_run: 0,
            dense_total: 0,
            in_number: false,
            backticks: 0,
            in_fence: false,
            in_inline: false,
            fence_name: false,
            last: '\n',
            line: Line::default(),
            braces: 0,
            keys: 0,
            table_lines: 0,
            latex: 0,
            symbols: 0,
            operators: 0,
            underscores: 0,
            quote_from: None,
            colon_slash: false,
            example_marks: 0,
            fence_language: None,
            named_language: None,
        }
    }

    fn read(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte.is_ascii_alphabetic() {
                at = self.read_ascii_word(bytes, at);
            } else if byte.is_ascii() {
                let ch = char::from(byte);
                self.step(fold(ch), ch);
                at = at.saturating_add(1);
            } else {
                let Some(ch) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
                self.step(fold(ch), ch);
                at = at.saturating_add(ch.len_utf8());
            }
        }
    }

    /// The common case in a loop of its own: ASCII letters up to whatever else comes. The index behind them.
    fn read_ascii_word(&mut self, bytes: &[u8], from: usize) -> usize {
        if self.backticks > 0 {
            self.end_backticks();
        }
        if self.word_chars == 0 {
            self.begin_word(char::from(bytes.get(from).copied().unwrap_or(b' ')));
        }
        let mut at = from;
        let mut hash = self.word;
        let mut chars = self.word_chars;
        let mut last = b' ';
        let stem_until = if self.in_fence { 0 } else { STEM_CHARS };
        while let Some(&byte) = bytes.get(at) {
            if !byte.is_ascii_alphabetic() {
                break;
            }
            last = byte;
            hash = mix(hash, u64::from(byte | 0x20));
            chars = chars.saturating_add(1);
            if chars > 1 && chars <= stem_until && self.lexicon.may_have(hash, Kind::Stem) {
                self.look_up(hash, Kind::Stem);
            }
            at = at.saturating_add(1);
        }
        let read = chars.saturating_sub(self.word_chars);
        self.word = hash;
        self.word_chars = chars;
        self.features.chars = self.features.chars.saturating_add(read);
        self.line.chars = self.line.chars.saturating_add(read);
        self.line.last = u32::from(last | 0x20);
        self.last = char::from(last);
        at
    }

    #[inline]
    fn step(&mut self, folded: Folded, ch: char) {
        self.features.chars = self.features.chars.saturating_add(1);
        if self.backticks > 0 && ch != '`' {
            self.end_backticks();
        }
        match folded {
            Folded::Word(code) => {
                self.letter(code, ch);
                if ch == 'ß' || ch == 'ẞ' {
                    self.letter(u32::from(b's'), ch);
                }
            }
            Folded::Digit(code) => {
                if self.word_chars == 0 {
                    self.begin_word(ch);
                    if !self.in_number && !self.in_fence {
                        self.features.numbers = self.features.numbers.saturating_add(1);
                        self.in_number = true;
                    }
                }
                self.word = mix(self.word, u64::from(code));
                self.word_chars = self.word_chars.saturating_add(1);
                self.line_char(code);
            }
            Folded::Dense(code) => {
                self.end_word(ch);
                self.dense(code);
                self.line_char(code);
            }
            Folded::Nothing => return,
            Folded::Space | Folded::Newline => {
                self.end_word(ch);
                self.in_number = false;
                if folded == Folded::Newline {
                    self.end_line();
                }
            }
            Folded::Other(code) => {
                self.end_word(ch);
                self.dense_run = 0;
                self.mark(code);
                self.line_char(code);
            }
        }
        self.last = ch;
    }

    #[inline]
    fn line_char(&mut self, code: u32) {
        self.line.chars = self.line.chars.saturating_add(1);
        self.line.last = code;
    }

    #[inline]
    fn begin_word(&mut self, ch: char) {
        self.dense_run = 0;
        self.word = SEED;
        self.word_start = ch;
        self.before_word = self.last;
        if self.line.chars == 0 {
            self.line.digits_first = ch.is_ascii_digit();
        }
    }

    #[inline]
    fn letter(&mut self, code: u32, ch: char) {
        if self.word_chars == 0 {
            self.begin_word(ch);
        }
        self.word = mix(self.word, u64::from(code));
        self.word_chars = self.word_chars.saturating_add(1);
        self.line_char(code);
        if self.word_chars > 1 && self.word_chars <= STEM_CHARS && !self.in_fence {
            self.look_up(self.word, Kind::Stem);
        }
    }

    fn look_up(&mut self, hash: u64, kind: Kind) {
        let at = self.position();
        let (hits, named) = (&mut self.hits, &mut self.named_language);
        self.lexicon.look_up(hash, kind, |meaning| match meaning {
            Meaning::Signal(signal) => {
                if hits.len() < HIT_LIMIT && hits.last() != Some(&(at, signal)) {
                    hits.push((at, signal));
                }
            }
            Meaning::Language(language) => *named = named.or(Some(language)),
        });
    }

    const fn position(&self) -> u32 {
        self.features.words.saturating_add(self.dense_total / 2)
    }

    #[inline]
    fn end_word(&mut self, next: char) {
        if self.word_chars == 0 {
            return;
        }
        let chars = self.word_chars;
        self.word_chars = 0;
        if self.in_fence {
            if self.fence_name && self.before_word == '`' {
                let language = &mut self.fence_language;
                self.lexicon.look_up(self.word, Kind::Fence, |meaning| {
                    if let Meaning::Language(found) = meaning {
                        *language = language.or(Some(found));
                    }
                });
            }
            self.fence_name = false;
            return;
        }
        if self.before_word == '\\' {
            let mut latex = 0;
            self.lexicon.look_up(self.word, Kind::Command, |_| latex += 1);
            self.latex = self.latex.saturating_add(latex);
            if latex > 0 {
                if self.hits.len() < HIT_LIMIT {
                    self.hits.push((self.position(), Signal::Latex));
                }
                return;
            }
        }
        self.end_text_word(chars, next);
    }

    fn end_text_word(&mut self, chars: u32, next: char) {
        if chars == 1 && matches!(next, '+' | '#') && matches!(self.word_start, 'c' | 'C') {
            self.word = if next == '#' { CSHARP } else { CPP };
        }
        self.look_up(self.word, Kind::Word);
        if self.previous != SEED {
            self.look_up(phrase2(self.previous, self.word), Kind::Phrase);
            if self.before_previous != SEED {
                self.look_up(phrase3(self.before_previous, self.previous, self.word), Kind::Phrase);
            }
        }
        if chars == 1 && matches!(next, '.' | ')' | ':') {
            self.option();
        }
        if next == ':' && matches!(self.hits.last(), Some((at, Signal::Example)) if *at == self.position()) {
            self.example_marks = self.example_marks.saturating_add(1);
        }
        self.before_previous = self.previous;
        self.previous = self.word;
        self.features.words = self.features.words.saturating_add(1);
    }

    /// Counts `A.`, `B)`, ... as long as they come in order.
    fn option(&mut self) {
        let expected = char::from_u32('a' as u32 + self.features.options.min(25)).unwrap_or('a');
        if self.word_start.to_ascii_lowercase() == expected
            && (self.before_word.is_whitespace() || matches!(self.before_word, '(' | '*' | '['))
        {
            self.features.options = self.features.options.saturating_add(1);
        }
    }

    /// Tests every cue that ends in this character.
    fn dense(&mut self, code: u32) {
        if self.in_fence {
            return;
        }
        self.previous = SEED;
        self.before_previous = SEED;
        // The hash of the last n characters is the hash of the n - 1 before, and this one.
        let mut before = SEED;
        for hash in &mut self.dense {
            (before, *hash) = (*hash, mix(before, u64::from(code)));
        }
        self.dense_run = self.dense_run.saturating_add(1).min(DENSE_CUE_CHARS);
        self.dense_total = self.dense_total.saturating_add(1);
        let hashes = self.dense;
        for hash in hashes.iter().take(self.dense_run) {
            if self.lexicon.may_have(*hash, Kind::Dense) {
                self.look_up(*hash, Kind::Dense);
            }
        }
    }

    /// Takes in punctuation and symbols.
    fn mark(&mut self, code: u32) {
        let Ok(byte) = u8::try_from(code) else {
            let is_math = matches!(code, 0x2200..=0x22FF | 0x2190..=0x21FF | 0x207A..=0x208E);
            self.symbols = self.symbols.saturating_add(u32::from(is_math && !self.in_fence));
            return;
        };
        match byte {
            b'`' => self.backticks = self.backticks.saturating_add(1),
            b'?' if !self.in_fence => {
                self.features.question_marks = self.features.question_marks.saturating_add(1);
            }
            b'/' if self.last == ':' => self.colon_slash = true,
            b'/' if self.last == '/' && self.colon_slash => {
                self.features.urls = self.features.urls.saturating_add(1);
                self.colon_slash = false;
            }
            b'{' | b'}' => {
                self.braces = self.braces.saturating_add(1);
                self.line.code_marks = self.line.code_marks.saturating_add(1);
            }
            b';' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'_' | b'#' | b'&' => {
                self.line.code_marks = self.line.code_marks.saturating_add(1);
                if byte == b'_' {
                    self.underscores = if self.last == '_' { self.underscores.saturating_add(1) } else { 1 };
                    self.features.blanks = self.features.blanks.saturating_add(u32::from(self.underscores == 3));
                }
            }
            b'=' | b'^' | b'+' | b'*' => {
                self.line.code_marks = self.line.code_marks.saturating_add(1);
                let follows = self.line.last;
                let is_operand =
                    (0x30..=0x39).contains(&follows) || (0x61..=0x7A).contains(&follows) || follows == u32::from(b')');
                self.operators = self.operators.saturating_add(u32::from(is_operand && !self.in_fence));
            }
            b':' if self.last == '"' => self.keys = self.keys.saturating_add(1),
            b'|' => self.line.pipes = self.line.pipes.saturating_add(1),
            b'"' => self.quote(),
            _ => {}
        }
        if self.line.chars == 0 && matches!(byte, b'-' | b'*') {
            self.line.begins_item = true;
        }
        if self.line.digits_first && self.line.chars <= 3 && matches!(byte, b'.' | b')') {
            self.line.begins_item = true;
        }
    }

    fn quote(&mut self) {
        let at = self.position();
        match self.quote_from.take() {
            Some(from) if at.saturating_sub(from) >= 10 => {
                self.features.long_quotes = self.features.long_quotes.saturating_add(1);
            }
            Some(_) => {}
            None => self.quote_from = Some(at),
        }
    }

    fn end_backticks(&mut self) {
        let run = self.backticks;
        self.backticks = 0;
        if run >= 3 {
            self.in_fence = !self.in_fence;
            self.fence_name = self.in_fence;
            self.in_inline = false;
            self.features.code_fences = self.features.code_fences.saturating_add(1);
        } else if !self.in_fence {
            self.in_inline = !self.in_inline;
            self.features.inline_code = self.features.inline_code.saturating_add(u32::from(self.in_inline));
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.fence_name = false;
        if line.chars == 0 {
            return;
        }
        self.features.lines = self.features.lines.saturating_add(1);
        if self.in_fence {
            self.features.code_chars = self.features.code_chars.saturating_add(line.chars);
            return;
        }
        let ends_as_code = u8::try_from(line.last).is_ok_and(|byte| b";{}".contains(&byte))
            || (u8::try_from(line.last).is_ok_and(|byte| b":),>".contains(&byte)) && line.code_marks >= 3);
        let is_code = ends_as_code && line.code_marks.saturating_mul(16) >= line.chars;
        self.features.code_lines = self.features.code_lines.saturating_add(u32::from(is_code));
        self.features.list_items = self.features.list_items.saturating_add(u32::from(line.begins_item));
        self.table_lines = self.table_lines.saturating_add(u32::from(line.pipes >= 2));
    }

    fn into_features(mut self) -> Features {
        let words = self.position();
        let mut signals = vec![Hits::default(); Signal::COUNT];
        for (at, signal) in &self.hits {
            let Some(hits) = signals.get_mut(signal.index()) else { continue };
            let zone = if *at < ZONE_WORDS {
                &mut hits.opening
            } else if at.saturating_add(ZONE_WORDS) >= words && words > 2 * ZONE_WORDS {
                &mut hits.closing
            } else {
                &mut hits.middle
            };
            *zone = zone.saturating_add(1);
        }
        let total = |signal: Signal| signals.get(signal.index()).copied().unwrap_or_default().total();
        let features = &mut self.features;
        features.words = words;
        features.constraint_cues = total(Signal::Constraint);
        features.step_cues = total(Signal::Steps);
        features.brevity_cues = total(Signal::Brevity);
        features.few_shot_examples = self.example_marks / 2;
        features.has_code = features.code_fences >= 2 || features.code_chars > 0 || features.code_lines >= 2;
        features.has_json = self.braces >= 2 && self.keys >= 1;
        features.has_table = self.table_lines >= 2;
        features.has_math =
            self.latex > 0 || self.symbols >= 2 || (self.operators >= 2 && features.numbers >= 1 && !features.has_code);
        let asked = features.question_marks.max(features.list_items.min(20));
        let joined = total(Signal::Also).min(8);
        features.parts = if words == 0 { 0 } else { asked.max(1).saturating_add(joined / 2).min(64) };
        features.programming_language = self.fence_language.or(self.named_language);
        features.signals = signals;
        self.features
    }
}

/// `cpp` and `csharp`, as the table has them.
const CPP: u64 = mix(mix(mix(SEED, b'c' as u64), b'p' as u64), b'p' as u64);
const CSHARP: u64 =
    mix(mix(mix(mix(mix(mix(SEED, b'c' as u64), b's' as u64), b'h' as u64), b'a' as u64), b'r' as u64), b'p' as u64);
