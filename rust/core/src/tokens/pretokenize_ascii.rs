//! The same pieces as [`super::pretokenize`] where ASCII decides alone: eight bytes are looked at as one number, so that the
//! length of a run costs no branch per byte. `None` wherever anything else could have a say; then the long way is right.

/// Everything else: signs and controls.
const OTHER: u8 = 0;
const UPPER: u8 = 1;
const LOWER: u8 = 2;
const DIGIT: u8 = 3;
const SPACE: u8 = 4;
const NEWLINE: u8 = 5;
/// No ASCII, or the end of the text.
const BEYOND: u8 = 6;

static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut rest: &mut [u8] = &mut classes;
    let mut byte = 0_u8;
    while let Some((class, behind)) = rest.split_first_mut() {
        *class = match byte {
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' => LOWER,
            b'0'..=b'9' => DIGIT,
            b' ' | b'\t' | 0x0B | 0x0C => SPACE,
            b'\r' | b'\n' => NEWLINE,
            0x80..=0xFF => BEYOND,
            _ => OTHER,
        };
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    classes
};

#[inline]
fn class(bytes: &[u8], at: usize) -> u8 {
    match bytes.get(at) {
        Some(byte) => CLASSES.get(usize::from(*byte)).copied().unwrap_or(BEYOND),
        None => BEYOND,
    }
}

const HIGH: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;

/// The high bit of each byte that is a letter.
#[inline]
const fn letters(word: u64) -> u64 {
    let folded = (word | (0x20 * ONES)) & !HIGH;
    (folded + (0x80 - 0x61) * ONES) & !(folded + (0x80 - 0x7B) * ONES) & HIGH & !word
}

/// The high bit of each byte that is a capital.
#[inline]
const fn capitals(word: u64) -> u64 {
    letters(word) & !(word << 2)
}

/// The high bit of each byte that is a small letter.
#[inline]
const fn smalls(word: u64) -> u64 {
    letters(word) & word << 2
}

/// The high bit of each byte that is a space.
#[inline]
const fn spaces(word: u64) -> u64 {
    let other = word ^ (0x20 * ONES);
    !(((other & !HIGH) + !HIGH) | other) & HIGH
}

/// The end of the run of bytes from `at` on that `marks` marks.
#[inline]
fn run(bytes: &[u8], mut at: usize, marks: impl Fn(u64) -> u64) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let others = !marks(u64::from_le_bytes(*chunk)) & HIGH;
        if others != 0 {
            return at + (others.trailing_zeros() >> 3) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| marks(u64::from(*byte)) & 0x80 != 0) {
        at += 1;
    }
    at
}

/// The end of the piece of `o200k_base` that begins at a byte; none when ASCII alone does not tell.
#[inline]
pub(super) fn o200k(bytes: &[u8], at: usize) -> Option<usize> {
    let first = class(bytes, at);
    match first {
        UPPER | LOWER => cased(bytes, at, first),
        SPACE | OTHER => {
            let second = class(bytes, at + 1);
            match second {
                UPPER | LOWER => cased(bytes, at + 1, second),
                _ if first == OTHER => signs::<true>(bytes, at + 1),
                OTHER if bytes.get(at) == Some(&b' ') => signs::<true>(bytes, at + 2),
                _ => white(bytes, at, second),
            }
        }
        DIGIT => number(bytes, at + 1),
        NEWLINE => newlines(bytes, at),
        _ => None,
    }
}

/// The end of the piece of `cl100k_base` that begins at a byte; none when ASCII alone does not tell.
#[inline]
pub(super) fn cl100k(bytes: &[u8], at: usize) -> Option<usize> {
    let first = class(bytes, at);
    match first {
        UPPER | LOWER => word(bytes, at),
        SPACE | OTHER => {
            // Contractions come before all else here.
            if bytes.get(at) == Some(&b'\'') {
                return None;
            }
            match class(bytes, at + 1) {
                UPPER | LOWER => word(bytes, at + 1),
                _ if first == OTHER => signs::<false>(bytes, at + 1),
                OTHER if bytes.get(at) == Some(&b' ') => signs::<false>(bytes, at + 2),
                second => white(bytes, at, second),
            }
        }
        DIGIT => number(bytes, at + 1),
        NEWLINE => newlines(bytes, at),
        _ => None,
    }
}

/// Capitals, then small letters, then no contraction.
#[inline]
fn cased(bytes: &[u8], at: usize, first: u8) -> Option<usize> {
    let at = if first == UPPER { run(bytes, at + 1, capitals) } else { at };
    let end = run(bytes, at, smalls);
    // A letter or mark beyond ASCII may go on with the word; an apostrophe may bind a suffix to it.
    match bytes.get(end) {
        Some(0x80.. | b'\'') => None,
        _ => Some(end),
    }
}

/// Letters of any case.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let end = run(bytes, at, letters);
    match bytes.get(end) {
        Some(0x80..) => None,
        _ => Some(end),
    }
}

/// More signs, then newlines and, in `o200k_base`, slashes.
#[inline]
fn signs<const WITH_SLASH: bool>(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match class(bytes, at) {
            OTHER => at += 1,
            BEYOND if at < bytes.len() => return None,
            NEWLINE => break,
            _ => return Some(at),
        }
    }
    while matches!(bytes.get(at), Some(b'\r' | b'\n')) || WITH_SLASH && bytes.get(at) == Some(&b'/') {
        at += 1;
    }
    Some(at)
}

/// Up to two more digits.
#[inline]
fn number(bytes: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..2 {
        match class(bytes, at) {
            DIGIT => at += 1,
            BEYOND if at < bytes.len() => return None,
            _ => break,
        }
    }
    Some(at)
}

/// Spaces: all but the last, which the next piece begins with, unless there is one alone.
#[inline]
fn white(bytes: &[u8], at: usize, second: u8) -> Option<usize> {
    let end = if bytes.get(at) == Some(&b' ') && second == SPACE { run(bytes, at + 1, spaces) } else { at + 1 };
    match class(bytes, end) {
        UPPER | LOWER | DIGIT | OTHER => Some(if end - at > 1 { end - 1 } else { end }),
        _ => None,
    }
}

/// White space that begins with a newline: up to the last newline in it.
#[inline]
fn newlines(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut end, mut last) = (at + 1, at + 1);
    loop {
        match class(bytes, end) {
            SPACE => end = run(bytes, end, spaces).max(end + 1),
            NEWLINE => {
                end += 1;
                last = end;
            }
            BEYOND => return None,
            _ => return Some(last),
        }
    }
}
