//! Rows as JSON trees: laying changes over them, and the one text that stands for what they say.
//!
//! Merging works on trees, not on models, so that one strict reader and one set of lints serve every layer.

use std::borrow::Cow;

use crate::json::{Number, Value};

type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The base with the changes laid over it: objects merge key by key; any other value, a list included, replaces the
/// base's; `null` removes.
pub(super) fn merged<'a>(base: Value<'a>, change: &Value<'a>) -> Value<'a> {
    let Value::Object(changes) = change else { return change.clone() };
    let mut members = match base {
        Value::Object(members) => members,
        _ => Members::new(),
    };
    for (key, change) in changes {
        let place = members.iter().position(|(known, _)| known == key);
        match (place, change) {
            (Some(place), Value::Null) => drop(members.remove(place)),
            (None, Value::Null) => {}
            (Some(place), change) => {
                if let Some((_, value)) = members.get_mut(place) {
                    *value = merged(std::mem::replace(value, Value::Null), change);
                }
            }
            (None, change) => members.push((key.clone(), merged(Value::Null, change))),
        }
    }
    Value::Object(members)
}

/// Sets or, with `null`, removes a key of an object.
pub(super) fn set<'a>(row: Value<'a>, key: &'static str, value: Value<'a>) -> Value<'a> {
    merged(row, &Value::Object(vec![(Cow::Borrowed(key), value)]))
}

/// The object without these keys.
pub(super) fn without<'a>(row: &Value<'a>, keys: &[&str]) -> Value<'a> {
    let kept = row.members().iter().filter(|(key, _)| !keys.contains(&key.as_ref()));
    Value::Object(kept.cloned().collect())
}

/// The object with these keys alone.
pub(super) fn with_only<'a>(row: &Value<'a>, keys: &[&str]) -> Value<'a> {
    let kept = row.members().iter().filter(|(key, _)| keys.contains(&key.as_ref()));
    Value::Object(kept.cloned().collect())
}

/// The value as text.
pub(super) fn text(value: &Value<'_>) -> String {
    let mut out = String::new();
    value.write(&mut out);
    out
}

/// The same text for all that say the same: keys sorted, nulls left out, decimals without zeros at their end.
pub(super) fn canonical(value: &Value<'_>) -> String {
    text(&sorted(value))
}

fn sorted<'a>(value: &'a Value<'a>) -> Value<'a> {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| *value != Value::Null);
            let mut members: Members<'_> =
                members.map(|(key, value)| (Cow::Borrowed(key.as_ref()), sorted(value))).collect();
            members.sort_by(|(one, _), (next, _)| one.cmp(next));
            Value::Object(members)
        }
        Value::Number(number) if number.0.contains('.') && !number.0.contains(['e', 'E']) => {
            Value::Number(Number(number.0.trim_end_matches('0').trim_end_matches('.')))
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Value<'_> {
        Value::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn lays_changes_over_a_base() {
        for (base, change, result) in [
            (r#"{"a":1,"b":{"c":1,"d":2}}"#, r#"{"b":{"d":3,"e":4}}"#, r#"{"a":1,"b":{"c":1,"d":3,"e":4}}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[3]}"#, r#"{"a":[3]}"#),
            (r#"{"a":1,"b":2}"#, r#"{"a":null,"c":null}"#, r#"{"b":2}"#),
            (r#"{"a":1}"#, r#"{"a":{"b":null,"c":1}}"#, r#"{"a":{"c":1}}"#),
            ("{}", r#"{"a":{"b":{"c":null}}}"#, r#"{"a":{"b":{}}}"#),
        ] {
            assert_eq!(text(&merged(tree(base), &tree(change))), result, "{base} {change}");
        }
    }

    #[test]
    fn one_text_stands_for_all_that_say_the_same() {
        assert_eq!(canonical(&tree(r#"{"b":1.50,"a":[2.0,1e5],"c":null}"#)), r#"{"a":[2,1e5],"b":1.5}"#);
        assert_eq!(canonical(&tree(r#"{"a":100,"b":"1.0"}"#)), r#"{"a":100,"b":"1.0"}"#);
    }
}
