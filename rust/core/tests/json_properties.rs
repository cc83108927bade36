//! The JSON reader against `serde_json`, and on hostile bytes.

use proptest::prelude::*;
use turnout_core::json::{MAX_DEPTH, Reader, Value, write_string};

fn same(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Number(a), serde_json::Value::Number(b)) => Some(a.as_f64()) == b.as_f64(),
        (Value::String(a), serde_json::Value::String(b)) => a == b,
        (Value::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), serde_json::Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key.as_ref()).is_some_and(|other| same(value, other)))
        }
        _ => false,
    }
}

fn json_tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_serde_json_writes(tree in json_tree()) {
        let text = serde_json::to_string(&tree).unwrap();
        let ours = Value::parse(text.as_bytes()).unwrap();
        prop_assert!(same(&ours, &tree), "{text}");
        let mut reader = Reader::new(text.as_bytes());
        let span = reader.skip().unwrap();
        prop_assert_eq!((span.start, span.end), (0, text.len()));
    }

    #[test]
    fn accepts_only_what_serde_json_accepts(bytes in prop::collection::vec(
        prop::sample::select(br#"{}[]",:\u0019e+-.dDfalsetrunlxAF "#.to_vec()), 0..24)) {
        let ours = Value::parse(&bytes);
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert!(same(ours, theirs)),
            (Ok(_), Err(error)) => {
                let text = error.to_string();
                prop_assert!(text.contains("surrogate") || text.contains("hex escape") || text.contains("number out of range"), "{}", text);
            }
            (Err(error), Ok(_)) => prop_assert!(error.message.contains("twice"), "{error}"),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn never_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = Value::parse(&bytes);
        let _ = Reader::new(&bytes).skip();
    }

    #[test]
    fn strings_round_trip(text in any::<String>()) {
        let mut written = String::new();
        write_string(&mut written, &text);
        prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text.clone());
        let read = Value::parse(written.as_bytes()).unwrap();
        prop_assert_eq!(read.as_str(), Some(text.as_str()));
    }
}

#[test]
fn lone_surrogates_and_invalid_utf8_become_replacement_characters() {
    for (text, expected) in [
        (&br#""a\ud800b""#[..], "a\u{fffd}b"),
        (br#""\udc00""#, "\u{fffd}"),
        (br#""\ud800\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
        (b"\"\xff\"", "\u{fffd}"),
        (br#""\ud83d\ude00""#, "\u{1f600}"),
    ] {
        assert_eq!(Value::parse(text).unwrap().as_str(), Some(expected));
    }
}

#[test]
fn a_broken_string_is_told_by_what_is_wrong_with_the_whole() {
    for (text, message, offset) in [
        ("\"\\x\u{1}", "a string is not closed", 0),
        ("\"\\x\u{1}\"", "a control character stands unescaped in a string", 0),
        ("\"0123456789\\x\" ", "a string holds an escape that JSON does not know", 14),
        ("\"\\ud800\\u12\"", "a string holds an escape that JSON does not know", 12),
    ] {
        for found in [Reader::new(text.as_bytes()).skip().map(drop), Reader::new(text.as_bytes()).string().map(drop)] {
            let error = found.unwrap_err();
            assert_eq!((error.message.as_ref(), error.offset), (message, offset), "{text}");
        }
    }
}

#[test]
fn strings_are_read_wherever_their_special_bytes_stand() {
    for length in 0..100 {
        let plain = "ab\u{fc}d".repeat(30).chars().take(length).collect::<String>();
        for (escape, meaning) in [("", ""), ("\\n", "\n"), ("\\\"", "\""), ("\\u00fc", "ü"), ("\\ud83d\\ude42", "🙂")]
        {
            let text = format!("\"{plain}{escape}{plain}{escape}\" ");
            let mut reader = Reader::new(text.as_bytes());
            assert_eq!(reader.string().unwrap(), format!("{plain}{meaning}{plain}{meaning}"));
            assert_eq!(reader.offset(), text.len() - 1);
            // The same beside bytes that are no UTF-8.
            let bytes = [text.as_bytes(), b"\"\xff\""].concat();
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.string().unwrap(), format!("{plain}{meaning}{plain}{meaning}"));
            assert_eq!(reader.string().unwrap(), "\u{fffd}");
        }
    }
}

#[test]
fn depth_is_bounded_without_overflow() {
    let depth = usize::from(MAX_DEPTH);
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(Value::parse(deep(depth).as_bytes()).is_ok());
    let error = Value::parse(deep(depth + 1).as_bytes()).unwrap_err();
    assert!(error.message.contains("deeper"), "{error}");
    assert!(Reader::new("[".repeat(1_000_000).as_bytes()).skip().is_err());
}

#[test]
fn numbers_keep_their_integers() {
    let number = |text: &'static str| Value::parse(text.as_bytes()).unwrap().as_u64();
    assert_eq!(number("18446744073709551615"), Some(u64::MAX));
    assert_eq!(number("3.0"), Some(3));
    assert_eq!(number("1e3"), Some(1000));
    assert_eq!(number("-1"), None);
    assert_eq!(number("3.5"), None);
    assert!(Value::parse(b"01").is_err());
}
