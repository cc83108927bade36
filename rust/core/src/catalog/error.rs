//! The one error of look-ups and of reading rows.

use std::fmt;

/// Why a name does not resolve, or a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    /// Stable: `unknown-model`, `unknown-provider`, `ambiguous-model`, `bad-row`, `duplicate-name`, `unknown-dialect`.
    pub code: &'static str,
    /// Lower-case, no full stop; names and fields in backticks.
    pub message: String,
    /// What to do about it, such as the closest names.
    pub hint: Option<String>,
}

impl CatalogError {
    /// A row of the catalogue that cannot be read.
    pub(super) fn bad_row(row: &str, message: impl fmt::Display) -> Self {
        Self { code: "bad-row", message: format!("row {row}: {message}"), hint: None }
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
