//! Error texts made fit for logs and clients: one line, short, without anything that looks like a key.

/// The longest message, in characters.
pub(in crate::wire) const MAX_MESSAGE_CHARS: usize = 300;

/// Beginnings of the keys of well-known providers and clouds, and of JSON web tokens.
const KEY_PREFIXES: &[&str] = &[
    "sk-",
    "sk_",
    "pk-",
    "pk_",
    "rk_",
    "AIza",
    "AKIA",
    "ASIA",
    "gsk_",
    "xai-",
    "hf_",
    "r8_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "nvapi-",
    "pplx-",
    "csk-",
    "fw_",
    "tgp_",
    "pa-",
    "co-",
    "eyJ",
    "ya29.",
    "vck_",
];

/// Words whose next word is a credential.
const CREDENTIAL_CUES: &[&str] =
    &["bearer", "basic", "key", "apikey", "api_key", "api-key", "x-api-key", "token", "authorization"];

/// One line of at most [`MAX_MESSAGE_CHARS`] characters; what looks like a key becomes `[redacted]`.
pub(in crate::wire) fn clean(text: &str) -> String {
    // Four times the bound is enough text to fill it, whatever is redacted on the way.
    let text: String = text
        .chars()
        .take(4 * MAX_MESSAGE_CHARS)
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let (mut follows_cue, mut is_quoted_key) = (false, false);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let gap_end = tail.find(is_word).unwrap_or(tail.len());
        let (gap, tail) = tail.split_at_checked(gap_end).unwrap_or((tail, ""));
        if !word.is_empty() && (is_quoted_key || looks_like_key(word) || (follows_cue && could_be_credential(word))) {
            out.push_str("[redacted]");
        } else {
            out.push_str(word);
        }
        out.push_str(gap);
        if !word.is_empty() {
            let is_cue = CREDENTIAL_CUES.iter().any(|cue| word.eq_ignore_ascii_case(cue));
            // "Incorrect API key provided: ..." quotes whatever was sent.
            is_quoted_key = word.eq_ignore_ascii_case("provided") && gap.contains(':');
            follows_cue = is_cue && gap.chars().all(|c| matches!(c, ' ' | ':' | '=' | '"' | '\'' | '`'));
        }
        rest = tail;
    }
    let cleaned = out.trim();
    match cleaned.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => cleaned.get(..end).unwrap_or_default().to_owned(),
        None => cleaned.to_owned(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '*' | '.' | '+' | '/' | '\u{2022}')
}

fn looks_like_key(word: &str) -> bool {
    let is_masked = word.contains("**") || word.contains("\u{2022}\u{2022}");
    let has_prefix = KEY_PREFIXES.iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= 6 && (prefix.starts_with("sk") || rest.contains(|c: char| c.is_ascii_digit() || c == '*'))
        })
    });
    // No word and no model name has a part of twenty letters and digits mixed; hashes, UUID-like keys and tokens have.
    let has_long_part = word.split(|c: char| !c.is_alphanumeric()).any(|part| {
        part.len() >= 20 && part.contains(|c: char| c.is_ascii_digit()) && part.contains(char::is_alphabetic)
    });
    is_masked || has_prefix || has_long_part || is_uuid(word)
}

/// After `Bearer` or `key=`: anything of some length that is not a plain word or a model name.
fn could_be_credential(word: &str) -> bool {
    word.len() >= 12 && word.contains(|c: char| c.is_ascii_digit()) || word.len() >= 32
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_survive() {
        for (text, secret) in [
            ("Incorrect API key provided: sk-proj-abc123DEF456.", "abc123"),
            ("Incorrect API key provided: sk-12345***********6789", "6789"),
            ("Incorrect API key provided: test-key. You can", "test-key"),
            ("bad key AIzaSyA1234567890abcdefg", "AIza"),
            ("header Authorization: Bearer abcdef123456", "abcdef"),
            ("?api_key=0123456789abcdef&x=1", "0123"),
            ("token 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "1b9d"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.x", "eyJ"),
            ("hash 9f86d081884c7d659a2feaa0c55ad015", "9f86"),
        ] {
            let cleaned = clean(text);
            assert!(!cleaned.contains(secret) && cleaned.contains("[redacted]"), "{cleaned}");
        }
    }

    #[test]
    fn ordinary_words_survive() {
        for text in [
            "The model `claude-sonnet-4-5-20250929` does not exist",
            "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8 is overloaded",
            "prompt is too long: 200001 tokens > 200000 maximum",
            "Invalid API key",
            "your API key has no access to gpt-4",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn one_short_line() {
        assert_eq!(clean(" a\nb\u{1b}[31m\u{2028}c "), "a b [31m c");
        assert_eq!(clean(&"\u{e9}x ".repeat(4_000)).chars().count(), MAX_MESSAGE_CHARS);
    }
}
