//! The wide part of the catalogue: some two thousand rows that few programs ask for.
//!
//! The bytes are a zlib stream of the curated file's own format, so that one reader serves both. They are inflated at the
//! first name that the curated part does not have; of each row only its names are read then, and the rest when it is asked
//! for. `provider`, `id` and `aliases` therefore stand first in a row.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::error::CatalogError;
use super::index::{Index, Name};
use super::rows::{Origin, Row, Rows, lines};
use crate::json::{JsonError, Reader};

/// Eight times what the rows take inflated: a bound against a stream that is not ours.
const INFLATED_LIMIT_BYTES: usize = 8 << 20;

/// Rows that are read when they are first asked for; copies share them.
#[derive(Debug, Clone)]
pub(super) struct Wide(Arc<Part>);

#[derive(Debug)]
enum Part {
    /// Rows as they ship.
    Packed { packed: &'static [u8], lines: OnceLock<Lines>, rows: OnceLock<Rows> },
    /// Rows that a layer has changed.
    Read(Rows),
}

impl Default for Wide {
    fn default() -> Self {
        Self::of(Rows::default())
    }
}

impl Wide {
    /// Rows that are still packed.
    pub(super) fn packed(packed: &'static [u8]) -> Self {
        Self(Arc::new(Part::Packed { packed, lines: OnceLock::new(), rows: OnceLock::new() }))
    }

    /// Rows that are there.
    pub(super) fn of(rows: Rows) -> Self {
        Self(Arc::new(Part::Read(rows)))
    }

    /// Every row.
    pub(super) fn rows(&self) -> &Rows {
        match &*self.0 {
            Part::Read(rows) => rows,
            // A test reads the bundled bytes. Were they ever broken, no rows refuse every name: nothing is free.
            Part::Packed { rows, .. } => rows.get_or_init(|| {
                let text = self.lines().map(|lines| lines.text.as_slice()).unwrap_or_default();
                Rows::parse(text, Origin::Wide).map(|(rows, _)| rows).unwrap_or_default()
            }),
        }
    }

    /// The rows, unless they are as they ship.
    pub(super) fn changed_rows(&self) -> Option<&Rows> {
        match &*self.0 {
            Part::Read(rows) => Some(rows),
            Part::Packed { .. } => None,
        }
    }

    /// The names of all rows. Reads no row.
    pub(super) fn index(&self) -> &Index {
        match &*self.0 {
            Part::Read(rows) => rows.index(),
            Part::Packed { lines, packed, .. } => &Self::unpacked(lines, packed).index,
        }
    }

    /// The row that has this id or alias at this provider (its own id, not an alias of it).
    pub(super) fn find(&self, provider: &str, name: &str) -> Option<&Row> {
        self.index().find(provider, name).and_then(|place| self.row(place))
    }

    /// The rows that have this name at some provider.
    pub(super) fn find_bare(&self, name: &str) -> impl Iterator<Item = &Row> {
        self.index().find_bare(name).filter_map(|place| self.row(place))
    }

    /// The row at a place of the index.
    fn row(&self, place: usize) -> Option<&Row> {
        match &*self.0 {
            Part::Read(rows) => rows.all().get(place),
            Part::Packed { lines, packed, .. } => Self::unpacked(lines, packed).row(place),
        }
    }

    fn lines(&self) -> Option<&Lines> {
        match &*self.0 {
            Part::Read(_) => None,
            Part::Packed { lines, packed, .. } => Some(Self::unpacked(lines, packed)),
        }
    }

    fn unpacked<'l>(lines: &'l OnceLock<Lines>, packed: &[u8]) -> &'l Lines {
        lines.get_or_init(|| Lines::unpack(packed).unwrap_or_default())
    }
}

/// Inflated rows, of which the names are known.
#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    /// Where each row stands in the text, and the row once it was read; none when it cannot be.
    rows: Vec<(Range<usize>, OnceLock<Option<Row>>)>,
    index: Index,
}

impl Lines {
    fn unpack(packed: &[u8]) -> Result<Self, CatalogError> {
        let text = decompress_to_vec_zlib_with_limit(packed, INFLATED_LIMIT_BYTES).map_err(|error| {
            CatalogError::bad_row("`header`", format_args!("the packed rows do not inflate: {error}"))
        })?;
        let mut found = Vec::new();
        let mut rows = Vec::new();
        for line in lines(&text).skip(1) {
            let start = line.as_ptr().addr().saturating_sub(text.as_ptr().addr());
            found.extend(names(line, rows.len())?);
            rows.push((start..start.saturating_add(line.len()), OnceLock::new()));
        }
        Ok(Self { index: Index::new(found)?, rows, text })
    }

    fn row(&self, place: usize) -> Option<&Row> {
        let (span, row) = self.rows.get(place)?;
        row.get_or_init(|| Row::parse(self.text.get(span.clone())?, Origin::Wide).ok()).as_ref()
    }
}

/// The end of a row's names.
enum Stop {
    /// A key that is not one of a name: all names have been read.
    Names,
    Broken(JsonError),
}

impl From<JsonError> for Stop {
    fn from(error: JsonError) -> Self {
        Self::Broken(error)
    }
}

/// The names of a row, and no further.
fn names(line: &[u8], place: usize) -> Result<Vec<Name>, CatalogError> {
    let (mut provider, mut names) = (String::new(), Vec::new());
    let read = Reader::new(line).object(|reader, key| {
        match key.as_ref() {
            "provider" => provider = reader.string()?.into_owned(),
            "id" => names.push(reader.string()?.into_owned()),
            "aliases" => reader.array(|reader| {
                names.push(reader.string()?.into_owned());
                Ok::<(), JsonError>(())
            })?,
            _ => return Err(Stop::Names),
        }
        Ok(())
    });
    match read {
        Err(Stop::Broken(error)) => Err(CatalogError::bad_row("`header`", error)),
        Ok(()) | Err(Stop::Names) => {
            let name = |name: String| Name { provider: provider.as_str().into(), text: name.into(), place };
            Ok(names.into_iter().map(name).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLED: &[u8] = super::super::table::WIDE;

    #[test]
    fn refuses_what_is_not_a_packed_part() {
        assert!(Lines::unpack(b"rows").unwrap_err().message.contains("do not inflate"));
        let broken = miniz_oxide::deflate::compress_to_vec_zlib(b"{}\n{\"provider\":\"p\",\"id\":7}", 6);
        assert_eq!(Lines::unpack(&broken).unwrap_err().code, "bad-row");
        let wide = Wide::packed(b"rows");
        assert!(wide.rows().all().is_empty() && wide.find("p", "m").is_none());
    }

    #[test]
    fn a_row_is_read_when_it_is_asked_for() {
        let wide = Wide::packed(BUNDLED);
        let read = |wide: &Wide| wide.lines().unwrap().rows.iter().filter(|(_, row)| row.get().is_some()).count();
        let name = wide.index().names().first().unwrap().clone();
        assert_eq!(read(&wide), 0);
        let row = wide.find(&name.provider, &name.text).unwrap();
        assert_eq!((row.model.provider.as_str(), read(&wide)), (&*name.provider, 1));
    }

    #[test]
    fn names_and_rows_of_the_bundled_part_agree() {
        let text = Lines::unpack(BUNDLED).unwrap().text;
        let rows = Rows::parse(&text, Origin::Wide).unwrap().0;
        assert!(rows.all().len() > 1900, "{}", rows.all().len());
        let wide = Wide::packed(BUNDLED);
        assert_eq!(wide.index().names().len(), rows.index().names().len());
        for (ours, theirs) in wide.index().names().iter().zip(rows.index().names()) {
            assert_eq!((&ours.provider, &ours.text), (&theirs.provider, &theirs.text));
            assert_eq!(wide.find(&ours.provider, &ours.text).unwrap().json(), rows.all()[theirs.place].json());
        }
    }
}
