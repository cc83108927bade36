//! One part of the catalogue: rows, and the sorted names by which they are found.

use std::sync::Arc;

use super::error::CatalogError;
use super::fields::named;
use super::index::{Index, Name};
use super::model::Model;
use super::{merge, read};
use crate::json::Value;

/// The layout of the files that this version reads.
pub(super) const FORMAT: u64 = 1;

named! {
    /// The layer that a row comes from; a later one stands above an earlier one.
    pub enum Origin {
        /// Ships with this version, looked at by people.
        Bundled = "bundled",
        /// Ships with this version, gathered by machine.
        Wide = "wide",
        /// From the file of the last refresh.
        Refreshed = "refreshed",
        /// From the user's own file.
        Override = "override",
    }
}

/// The text that a row was read from, and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// One JSON object, every layer merged.
    pub(super) text: Arc<str>,
    /// What the lowest layer says; none when the row is not in it.
    pub(super) base: Option<Arc<str>>,
    /// The highest layer that says something of it.
    pub(super) origin: Origin,
}

impl Source {
    /// The text of a line of the lowest layer.
    pub(super) fn base(line: &[u8], origin: Origin) -> Self {
        // What was read as JSON is UTF-8 outside its strings, and within them what is not stands for U+FFFD.
        let text: Arc<str> = String::from_utf8_lossy(line).into();
        Self { base: Some(Arc::clone(&text)), text, origin }
    }

    /// What the row says, in the one text for it, when that is not what the lowest layer says.
    pub(super) fn change(&self) -> Option<String> {
        if self.base.as_ref().is_some_and(|base| Arc::ptr_eq(base, &self.text)) {
            return None;
        }
        let canonical = |text: &str| Value::parse(text.as_bytes()).as_ref().map(merge::canonical).unwrap_or_default();
        let now = canonical(&self.text);
        self.base.as_deref().is_none_or(|base| canonical(base) != now).then_some(now)
    }
}

/// One model with where it comes from.
#[derive(Debug, Clone)]
pub struct Row {
    pub(super) model: Model,
    pub(super) source: Source,
}

impl Row {
    /// Reads one line of a catalogue file.
    pub(super) fn parse(line: &[u8], origin: Origin) -> Result<Self, CatalogError> {
        let model = read::model(&tree(line)?)?;
        Ok(Self { model, source: Source::base(line, origin) })
    }

    /// What it says.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The highest layer that says something of it.
    pub fn origin(&self) -> Origin {
        self.source.origin
    }

    /// The row as one JSON object, every layer merged.
    pub fn json(&self) -> &str {
        &self.source.text
    }

    /// By this the rows are sorted, and no two have the same.
    pub(super) fn key(&self) -> (&str, &str) {
        (&self.model.provider, &self.model.id)
    }
}

/// Rows sorted by provider and id, with their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    all: Vec<Row>,
    index: Index,
}

impl Rows {
    /// Reads a header line and a model a line; also gives the header's `as_of`.
    pub(super) fn parse(bytes: &[u8], origin: Origin) -> Result<(Self, String), CatalogError> {
        let mut lines = lines(bytes);
        let header = tree(lines.next().unwrap_or(b"{}"))?;
        if header.get("format").and_then(Value::as_u64) != Some(FORMAT) {
            return Err(CatalogError::bad_row("`header`", format_args!("`format` is not {FORMAT}")));
        }
        let rows = lines.map(|line| Row::parse(line, origin)).collect::<Result<Vec<_>, _>>()?;
        let count = header.get("models").and_then(Value::as_u64);
        if count.is_some_and(|count| usize::try_from(count) != Ok(rows.len())) {
            return Err(CatalogError::bad_row("`header`", "`models` is not the number of rows that follow"));
        }
        let as_of = header.get("as_of").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok((Self::new(rows)?, as_of))
    }

    /// Sorts rows and their names.
    ///
    /// # Errors
    /// `duplicate-name` when a provider has a name twice.
    pub(super) fn new(mut rows: Vec<Row>) -> Result<Self, CatalogError> {
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        let mut names = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let name = |name: &str| Name { provider: row.model.provider.as_str().into(), text: name.into(), place };
            names.extend(row.model.names().map(name));
        }
        Ok(Self { index: Index::new(names)?, all: rows })
    }

    /// Every row, by provider and id.
    pub(super) fn all(&self) -> &[Row] {
        &self.all
    }

    /// Their names.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The row that has this id or alias at this provider (its own id, not an alias of it).
    pub(super) fn find(&self, provider: &str, name: &str) -> Option<&Row> {
        self.index.find(provider, name).and_then(|place| self.all.get(place))
    }

    /// The rows that have this name at some provider.
    pub(super) fn find_bare(&self, name: &str) -> impl Iterator<Item = &Row> {
        self.index.find_bare(name).filter_map(|place| self.all.get(place))
    }
}

/// The lines that are not blank.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace))
}

/// One line as a tree.
pub(super) fn tree(line: &[u8]) -> Result<Value<'_>, CatalogError> {
    Value::parse(line).map_err(|error| {
        let start: String = String::from_utf8_lossy(line).chars().take(60).collect();
        CatalogError::bad_row(&format!("`{start}`"), error)
    })
}
