//! The one error of this room.

use std::fmt;

/// Why outcomes cannot be fitted, an artefact cannot be read, or a question cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityError {
    /// Stable: `too-few-outcomes`, `bad-outcome`, `bad-artefact`, `unknown-quality-model`, `bad-share`.
    pub code: &'static str,
    /// Lower-case, no full stop; names in backticks; never a prompt.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl QualityError {
    pub(super) fn new(code: &'static str, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self { code, message: message.into(), hint: hint.map(ToOwned::to_owned) }
    }
}

impl fmt::Display for QualityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for QualityError {}
