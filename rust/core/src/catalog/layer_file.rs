//! The two forms in which a layer comes, and the one in which it is kept.
//!
//! A document is one JSON object: `{"models": [...], "providers": [...]}`, what a person writes. A file is a header line and
//! then a row a line, providers first: what a refresh keeps. Its header counts the rows and holds the blake3 hash of all
//! that follows it, so that a truncated or edited file is refused, not read in part.

use super::merge::text;
use super::rows::{FORMAT, lines};
use crate::json::{ObjectWriter, Value};

/// Ten times the whole gathered catalogue.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// Ten times the rows of the whole gathered catalogue.
const MAX_ROWS: usize = 20_000;

super::fields::named! {
    /// What the rows of a layer are to those below.
    pub enum RowsAre {
        /// Changes, merged over the row below.
        Changes = "changes",
        /// Rows that stand for themselves: nothing of the row below remains.
        Whole = "whole",
        /// Rows that stand for themselves, and no other model is left.
        All = "all",
    }
}

/// A part of a layer, for saying where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The file as a whole, or its header.
    File,
    /// `providers`.
    Providers,
    /// `models`.
    Models,
}

impl Section {
    /// Its key in a document; empty for the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::File => "",
            Self::Providers => "providers",
            Self::Models => "models",
        }
    }
}

/// Something wrong with a layer, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerProblem {
    /// Stable: `bad-file`, `bad-count`, `bad-checksum`, `bad-row`, `duplicate-name`, `unknown-provider`, `unknown-model`,
    /// `ambiguous-model`, `broken-lint`, `provider-reach`.
    pub code: &'static str,
    /// The part that it is in.
    pub section: Section,
    /// The place of the row in its part, from 0.
    pub row: Option<usize>,
    /// Where in the row: keys, and places in lists from 0, outermost first; empty is the row itself.
    pub keys: Vec<String>,
    /// Lower-case, no full stop; names the row and the field, in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl LayerProblem {
    /// A problem of the file.
    pub(super) fn file(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self { code, section: Section::File, row: None, keys: Vec::new(), message: message.to_string(), hint: None }
    }
}

/// A layer as it was written.
#[derive(Debug)]
pub(super) struct LayerFile<'b> {
    pub(super) as_of: Option<String>,
    pub(super) rows_are: RowsAre,
    pub(super) providers: Vec<Value<'b>>,
    pub(super) models: Vec<Value<'b>>,
}

impl<'b> LayerFile<'b> {
    /// Reads either form.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self, LayerProblem> {
        if bytes.len() > MAX_BYTES {
            return Err(LayerProblem::file("bad-file", format_args!("a layer is longer than {MAX_BYTES} bytes")));
        }
        let (first, rest) = match memchr::memchr(b'\n', bytes) {
            Some(end) => bytes.split_at(end.saturating_add(1)),
            None => (bytes, &b""[..]),
        };
        let layer = match Value::parse(first) {
            Ok(header) if header.get("format").is_some() => Self::rows(&header, rest)?,
            _ => Self::document(bytes)?,
        };
        if layer.providers.len().saturating_add(layer.models.len()) > MAX_ROWS {
            return Err(LayerProblem::file("bad-file", format_args!("a layer has more than {MAX_ROWS} rows")));
        }
        Ok(layer)
    }

    fn document(bytes: &'b [u8]) -> Result<Self, LayerProblem> {
        let bad = |message: &dyn std::fmt::Display| LayerProblem::file("bad-file", message);
        let tree = Value::parse(bytes).map_err(|error| bad(&error))?;
        let Value::Object(members) = tree else {
            return Err(bad(&"expected an object with `models`, `providers` or both"));
        };
        let mut layer = Self { as_of: None, rows_are: RowsAre::Changes, providers: Vec::new(), models: Vec::new() };
        for (key, value) in members {
            match (key.as_ref(), value) {
                ("models", Value::Array(rows)) => layer.models = rows,
                ("providers", Value::Array(rows)) => layer.providers = rows,
                ("models" | "providers", Value::Null) => {}
                ("models" | "providers", _) => return Err(bad(&format_args!("`{key}` is not an array of rows"))),
                _ => return Err(bad(&format_args!("unknown key `{key}`: a layer has `models` and `providers`"))),
            }
        }
        Ok(layer)
    }

    fn rows(header: &Value<'_>, body: &'b [u8]) -> Result<Self, LayerProblem> {
        if header.get("format").and_then(Value::as_u64) != Some(FORMAT) {
            return Err(LayerProblem::file("bad-file", format_args!("the header's `format` is not {FORMAT}")));
        }
        if let Some(sum) = header.get("checksum") {
            let found = blake3::hash(body).to_hex();
            if sum.as_str() != Some(found.as_str()) {
                let message =
                    "the rows are not those that the header's `checksum` was made of: the file is truncated or edited";
                return Err(LayerProblem::file("bad-checksum", message));
            }
        }
        let rows_are = match header.get("rows") {
            None => RowsAre::Changes,
            Some(value) => value.as_str().and_then(RowsAre::from_name).ok_or_else(|| {
                let known: Vec<&str> = RowsAre::ALL.iter().map(|known| known.name()).collect();
                LayerProblem::file("bad-file", format_args!("the header's `rows` is none of {}", known.join(", ")))
            })?,
        };
        let count = |key: &str| match header.get(key) {
            None => Ok(None),
            Some(value) => value.as_u64().and_then(|count| usize::try_from(count).ok()).map(Some).ok_or_else(|| {
                LayerProblem::file("bad-file", format_args!("the header's `{key}` is not a whole number"))
            }),
        };
        let (of_providers, of_models) = (count("provider_rows")?.unwrap_or(0), count("models")?);
        let mut rows = Vec::new();
        for line in lines(body) {
            rows.push(Value::parse(line).map_err(|error| {
                LayerProblem::file("bad-file", format_args!("line {}: {error}", rows.len().saturating_add(2)))
            })?);
        }
        if of_providers > rows.len() || of_models.is_some_and(|models| models != rows.len() - of_providers) {
            let message = format!("{} rows follow the header, which does not say so", rows.len());
            return Err(LayerProblem::file("bad-count", message));
        }
        let models = rows.split_off(of_providers);
        let as_of = header.get("as_of").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { as_of, rows_are, providers: rows, models })
    }
}

/// Writes the file form. The same rows always give the same bytes.
pub(super) fn write(as_of: &str, rows_are: RowsAre, providers: &[&str], models: &[&str]) -> String {
    let body: String = providers.iter().chain(models).flat_map(|row| [row, "\n"]).collect();
    let mut out = String::new();
    let mut header = ObjectWriter::new(&mut out);
    header.raw("format", FORMAT).string("as_of", as_of).string("rows", rows_are.name());
    header.raw("provider_rows", providers.len()).raw("models", models.len());
    header.string("checksum", &blake3::hash(body.as_bytes()).to_hex());
    header.end();
    out.push('\n');
    out.push_str(&body);
    out
}

/// How a row is called in a message.
pub(super) fn row_name(row: &Value<'_>) -> String {
    let part = |key: &str| -> String {
        row.get(key).map_or_else(|| "?".to_owned(), |value| value.as_str().map_or_else(|| text(value), str::to_owned))
    };
    let shown = match row.get("provider") {
        Some(_) => format!("{}/{}", part("provider"), part("id")),
        None => part("id"),
    };
    shown.chars().take(96).collect()
}
