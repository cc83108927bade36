//! Finds members of a body by their paths in one pass that builds nothing: the rest of the body is skipped.

use crate::json::{JsonError, Kind, Reader, Value};

/// The bytes of the values at these paths, as far as they are there and not null; a repeated key counts with its last value.
///
/// # Errors
/// When the body is no JSON.
pub(super) fn find<'a>(body: &'a [u8], paths: &[&str]) -> Result<Vec<Option<&'a [u8]>>, JsonError> {
    let mut found = vec![None; paths.len()];
    let mut wanted: Vec<(usize, &str)> = paths.iter().copied().enumerate().collect();
    wanted.retain(|(_, path)| !path.is_empty());
    let mut reader = Reader::new(body);
    walk(&mut reader, &wanted, &mut found)?;
    reader.finish()?;
    Ok(found)
}

fn walk<'a>(
    reader: &mut Reader<'a>,
    wanted: &[(usize, &str)],
    found: &mut [Option<&'a [u8]>],
) -> Result<(), JsonError> {
    if reader.peek()? != Kind::Object {
        return reader.skip().map(drop);
    }
    reader.object(|reader, key| {
        // Most members lie on no path: then this allocates nothing.
        let (mut here, mut deeper) = (Vec::new(), Vec::new());
        for (slot, path) in wanted {
            match path.strip_prefix(key.as_ref()) {
                Some("") => here.push(*slot),
                Some(rest) => deeper.extend(rest.strip_prefix('.').map(|rest| (*slot, rest))),
                None => {}
            }
        }
        if here.is_empty() {
            return if deeper.is_empty() { reader.skip().map(drop) } else { walk(reader, &deeper, found) };
        }
        let is_null = reader.peek()? == Kind::Null;
        let span = reader.skip()?;
        let raw = reader.slice(span);
        for slot in here {
            if let Some(place) = found.get_mut(slot) {
                *place = (!is_null).then_some(raw);
            }
        }
        if deeper.is_empty() { Ok(()) } else { walk(&mut Reader::new(raw), &deeper, found) }
    })
}

/// The numbers that stand in the body itself, as an object; for a provider that has its figures there.
///
/// # Errors
/// When the body is no JSON object.
pub(super) fn own_numbers(body: &[u8]) -> Result<Value<'_>, JsonError> {
    let mut reader = Reader::new(body);
    let mut members = Vec::new();
    reader.object(|reader, key| {
        if reader.peek()? == Kind::Number {
            members.push((key, Value::Number(reader.number()?)));
        } else {
            reader.skip()?;
        }
        Ok::<(), JsonError>(())
    })?;
    reader.finish()?;
    Ok(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_at_any_depth() {
        let body = br#"{"a":{"x":1,"b":{"c":"\u00e9"}},"skip":[{"a":9}],"n":null,"a2":7}"#;
        let found = find(body, &["a.b", "a.b.c", "n", "a2", "missing.x", "skip.a"]).unwrap();
        let texts: Vec<Option<&str>> =
            found.iter().map(|raw| raw.map(|raw| std::str::from_utf8(raw).unwrap())).collect();
        assert_eq!(texts, [Some(r#"{"c":"\u00e9"}"#), Some(r#""\u00e9""#), None, Some("7"), None, None]);
        assert!(find(b"{", &["a"]).is_err());
        assert_eq!(find(b"[1]", &["a"]).unwrap(), [None]);
    }

    #[test]
    fn only_own_numbers_are_kept() {
        let value = own_numbers(br#"{"n":3,"s":"x","o":{"n":4}}"#).unwrap();
        assert_eq!((value.members().len(), value.get("n").and_then(Value::as_u64)), (1, Some(3)));
        assert!(own_numbers(b"[]").is_err());
    }
}
