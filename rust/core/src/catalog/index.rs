//! The names of rows, found by a hash of them.
//!
//! A look-up compares whole names only where their hashes agree, so it reads a few machine words of the sorted hashes and one
//! name. The hash is fixed: no choice of names makes a wrong name found, only a look-up slower.

use super::error::CatalogError;

/// A name of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// The id of its provider.
    pub(super) provider: Box<str>,
    /// An id or an alias.
    pub(super) text: Box<str>,
    /// The place of its row.
    pub(super) place: usize,
}

/// Names, and where their rows are.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// Sorted by provider and name.
    names: Vec<Name>,
    /// The hash of each provider with name, sorted, with its place in `names`.
    qualified: Vec<(u64, usize)>,
    /// The hash of each name alone, sorted, with its place in `names`; several may share one.
    bare: Vec<(u64, usize)>,
}

impl Index {
    /// Sorts names.
    ///
    /// # Errors
    /// `duplicate-name` when a provider has a name twice.
    pub(super) fn new(mut names: Vec<Name>) -> Result<Self, CatalogError> {
        names.sort_unstable();
        let mut neighbours = names.iter().zip(names.iter().skip(1));
        if let Some((twice, _)) =
            neighbours.find(|(one, next)| (&one.provider, &one.text) == (&next.provider, &next.text))
        {
            return Err(CatalogError::twice(&format!("model `{}`", twice.text)));
        }
        let hashed = |hash: &dyn Fn(&Name) -> u64| {
            let mut hashes: Vec<(u64, usize)> = names.iter().enumerate().map(|(at, name)| (hash(name), at)).collect();
            hashes.sort_unstable();
            hashes
        };
        let qualified = hashed(&|name| mixed(mixed(0, &name.provider), &name.text));
        let bare = hashed(&|name| mixed(0, &name.text));
        Ok(Self { names, qualified, bare })
    }

    /// Every name, by provider and name.
    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }

    /// The place of the row that has this name at this provider.
    pub(super) fn find(&self, provider: &str, name: &str) -> Option<usize> {
        let mut found = self.at(&self.qualified, mixed(mixed(0, provider), name));
        found.find(|known| *known.text == *name && *known.provider == *provider).map(|known| known.place)
    }

    /// The places of the rows that have this name at some provider, by provider.
    pub(super) fn find_bare(&self, name: &str) -> impl Iterator<Item = usize> {
        self.at(&self.bare, mixed(0, name)).filter(move |known| *known.text == *name).map(|known| known.place)
    }

    fn at(&self, hashes: &[(u64, usize)], hash: u64) -> impl Iterator<Item = &Name> {
        let start = hashes.partition_point(|(known, _)| *known < hash);
        let rest = hashes.get(start..).unwrap_or_default();
        rest.iter().take_while(move |(known, _)| *known == hash).filter_map(|(_, at)| self.names.get(*at))
    }
}

/// Mixes a text into a hash, eight bytes at a time. The multiplier is the odd number next to 2^64 over the golden ratio.
fn mixed(seed: u64, text: &str) -> u64 {
    let mut hash = seed ^ u64::try_from(text.len()).unwrap_or_default();
    let mut add = |word: u64| hash = (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    add(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(provider: &str, name: &str, place: usize) -> Name {
        Name { provider: provider.into(), text: name.into(), place }
    }

    #[test]
    fn finds_each_name_and_no_other() {
        let index =
            Index::new(vec![name("b", "x", 0), name("a", "x", 1), name("a", "long-enough-for-two-words", 2)]).unwrap();
        assert_eq!((index.find("a", "x"), index.find("b", "x")), (Some(1), Some(0)));
        assert_eq!(index.find("a", "long-enough-for-two-words"), Some(2));
        assert_eq!((index.find("b", "long-enough-for-two-words"), index.find("a", "")), (None, None));
        assert_eq!(index.find_bare("x").collect::<Vec<_>>(), [1, 0], "by provider");
        assert_eq!(index.find_bare("y").count(), 0);
        assert_eq!(Index::new(vec![name("a", "x", 0), name("a", "x", 1)]).unwrap_err().code, "duplicate-name");
    }

    #[test]
    fn names_whose_hashes_agree_are_told_apart() {
        let mut index = Index::new(vec![name("a", "x", 0), name("a", "y", 1)]).unwrap();
        for hashes in [&mut index.qualified, &mut index.bare] {
            for (hash, _) in hashes.iter_mut() {
                *hash = 7;
            }
        }
        let among = |wanted: &str| index.at(&index.bare, 7).filter(|known| *known.text == *wanted).count();
        assert_eq!((among("x"), among("y"), among("z")), (1, 1, 0));
    }
}
