//! The one error of look-ups and of reading rows.

use std::fmt;

/// Why a name does not resolve, or a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    /// Stable: `unknown-model`, `unknown-provider`, `ambiguous-model`, `bad-row`, `duplicate-name`, `unknown-dialect`,
    /// `provider-reach`.
    pub code: &'static str,
    /// Lower-case, no full stop; names and fields in backticks.
    pub message: String,
    /// What to do about it, such as the closest names.
    pub hint: Option<String>,
    /// Where in a row that cannot be read: keys, and places in lists from 0, outermost first; empty is the row itself.
    pub keys: Vec<String>,
}

impl CatalogError {
    /// An error that is about no row.
    pub(super) fn new(code: &'static str, message: String, hint: Option<String>) -> Self {
        Self { code, message, hint, keys: Vec::new() }
    }

    /// A row of the catalogue that cannot be read.
    pub(super) fn bad_row(row: &str, message: impl fmt::Display) -> Self {
        Self::new("bad-row", format!("row {row}: {message}"), None)
    }

    /// Something of which there can be only one.
    pub(super) fn twice(what: &str) -> Self {
        Self::new("duplicate-name", format!("{what} stands twice in the catalogue"), None)
    }

    /// The same error, found under this key.
    pub(super) fn at(mut self, key: &(impl ToString + ?Sized)) -> Self {
        self.keys.insert(0, key.to_string());
        self
    }
}

impl From<CatalogError> for Vec<CatalogError> {
    fn from(error: CatalogError) -> Self {
        vec![error]
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CatalogError {}
