//! The fields of a layer's row that are read before it is merged: what it is called, what it is like, what it may break.

use std::borrow::Cow;

use super::error::CatalogError;
use super::merge;
use super::model::Model;
use super::read;
use crate::json::{Number, Value};

/// Longer than any id: a bound on what a look-up compares.
const MAX_NAME_BYTES: usize = 256;

/// Which key goes to which host, and how.
pub(super) const REACH: [&str; 4] = ["base_url", "auth", "env", "settings_env"];

/// What a row is called, whatever it is merged from: its first keys.
pub(super) fn identity<'a>(names: &[(&'static str, &'a str)]) -> Value<'a> {
    let members = names.iter().map(|(key, name)| (Cow::Borrowed(*key), Value::String(Cow::Borrowed(*name))));
    Value::Object(members.collect())
}

/// A row's own text as a tree; it was written here, or read before.
pub(super) fn parse(text: &str) -> Value<'_> {
    Value::parse(text.as_bytes()).unwrap_or(Value::Null)
}

/// Whether a row says what the text of another says.
pub(super) fn says_the_same(text: &str, tree: &Value<'_>) -> bool {
    merge::canonical(&parse(text)) == merge::canonical(tree)
}

/// A number by its text; none is `null`.
pub(super) fn number(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, |text| Value::Number(Number(text)))
}

/// A name that must be there.
pub(super) fn required<'r>(row: &'r Value<'_>, key: &str, called: &str) -> Result<&'r str, CatalogError> {
    let wrong = |message: &str| CatalogError::bad_row(called, format_args!("`{key}` {message}")).at(key);
    if !matches!(row, Value::Object(_)) {
        return Err(CatalogError::bad_row(called, "expected an object"));
    }
    let text = row.get(key).ok_or_else(|| wrong("is missing"))?.as_str().ok_or_else(|| wrong("is not a string"))?;
    match text.len() {
        0 => Err(wrong("is missing")),
        1..=MAX_NAME_BYTES => Ok(text),
        _ => Err(wrong("is longer than 256 bytes")),
    }
}

/// A list of words, or none.
pub(super) fn words(row: &Value<'_>, key: &str, called: &str) -> Result<Vec<String>, CatalogError> {
    let wrong = || CatalogError::bad_row(called, format_args!("`{key}` is not an array of strings")).at(key);
    match row.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// Refuses aliases that no look-up should compare.
pub(super) fn check_names(model: &Model, called: &str) -> Result<(), CatalogError> {
    if model.aliases.iter().any(|name| name.is_empty() || name.len() > MAX_NAME_BYTES) {
        return Err(CatalogError::bad_row(called, "an alias is empty or longer than 256 bytes").at("aliases"));
    }
    Ok(())
}

/// Reads a merged row.
///
/// # Errors
/// Of each key of the row, the first problem.
pub(super) fn read_model(tree: &Value<'_>) -> Result<Model, Vec<CatalogError>> {
    let error = match read::model(tree) {
        Ok(model) => return Ok(model),
        Err(error) => error,
    };
    // Without the key at fault the reader comes to the next problem; a row has a few dozen keys.
    let mut problems = vec![error];
    let mut rest = tree.clone();
    while let Some(key) = problems.last().and_then(|error| error.keys.first()).filter(|key| rest.get(key).is_some()) {
        rest = merge::without(&rest, &[key]);
        match read::model(&rest) {
            Ok(_) => break,
            Err(error) => problems.push(error),
        }
    }
    Err(problems)
}

/// Refuses another reach than that of the lowest layer.
pub(super) fn keeps_reach(called: &str, lowest: &Value<'_>, row: &Value<'_>) -> Result<(), CatalogError> {
    let said = |row: &Value<'_>, key: &str| row.get(key).map(merge::canonical);
    let Some(key) = REACH.iter().find(|key| said(lowest, key) != said(row, key)) else { return Ok(()) };
    let message = format!("row {called}: a refresh cannot change `{key}`: keys would go elsewhere");
    let hint = "if it is right, write it in your own override file".to_owned();
    Err(CatalogError::new("provider-reach", message, Some(hint)).at(*key))
}

/// A provider that neither the layer nor any below has.
pub(super) fn unknown_provider(name: &str) -> CatalogError {
    CatalogError::new("unknown-provider", format!("provider `{name}` is not in the catalogue"), None)
}
