//! The wide part of the catalogue: some two thousand rows that few programs ask for, inflated at the first name that
//! the curated part does not have.
//!
//! The bytes are a zlib stream of the curated file's own format, so that one reader serves both.

use std::sync::{Arc, OnceLock};

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::error::CatalogError;
use super::rows::{Origin, Rows};

/// Four times what the rows take inflated: a bound against a stream that is not ours.
const INFLATED_LIMIT_BYTES: usize = 8 << 20;

/// Rows that are read when they are first asked for; copies share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Wide(Arc<Lazy>);

#[derive(Debug, Default)]
struct Lazy {
    packed: &'static [u8],
    rows: OnceLock<Rows>,
}

impl Wide {
    /// Rows that are still packed.
    pub(super) fn packed(packed: &'static [u8]) -> Self {
        Self(Arc::new(Lazy { packed, rows: OnceLock::new() }))
    }

    /// Rows that are there.
    pub(super) fn of(rows: Rows) -> Self {
        Self(Arc::new(Lazy { packed: &[], rows: OnceLock::from(rows) }))
    }

    /// The rows.
    pub(super) fn rows(&self) -> &Rows {
        // A test reads the bundled bytes. Were they ever broken, no rows refuse every name: nothing is free.
        self.0.rows.get_or_init(|| unpack(self.0.packed).unwrap_or_default())
    }

    /// The rows, if somebody has asked for them.
    pub(super) fn known_rows(&self) -> Option<&Rows> {
        self.0.rows.get()
    }
}

/// Inflates and reads packed rows; no bytes are no rows.
pub(super) fn unpack(packed: &[u8]) -> Result<Rows, CatalogError> {
    if packed.is_empty() {
        return Ok(Rows::default());
    }
    let bytes = decompress_to_vec_zlib_with_limit(packed, INFLATED_LIMIT_BYTES)
        .map_err(|error| CatalogError::bad_row("`header`", format_args!("the packed rows do not inflate: {error}")))?;
    Rows::parse(&bytes, Origin::Wide).map(|(rows, _)| rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_packed_part() {
        assert!(unpack(b"").unwrap().all().is_empty());
        let error = unpack(b"rows").unwrap_err();
        assert_eq!(error.code, "bad-row");
        assert!(error.message.contains("do not inflate"), "{error}");
    }

    #[test]
    fn the_bundled_part_is_read() {
        let rows = unpack(super::super::table::WIDE).unwrap();
        assert!(rows.all().len() > 1900, "{}", rows.all().len());
    }
}
