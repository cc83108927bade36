//! The catalogue: rows, and the sorted names by which they are found.

use std::sync::OnceLock;

use super::error::CatalogError;
use super::model::{Model, Status};
use super::provider::Provider;
use super::rows::{Origin, Row, Rows, Source, lines, tree};
use super::wide::Wide;
use super::{read, suggest};
use crate::shared_str::SharedStr;

/// More successors than any line of models has: a bound against rows that name each other.
const MAX_SUCCESSORS: usize = 8;
/// More than a person reads; the rest is counted.
const SHOWN_CHOICES: usize = 6;

const MODELS: &[u8] = include_bytes!("../../data/catalog/models.jsonl");
const PROVIDERS: &[u8] = include_bytes!("../../data/catalog/providers.jsonl");
pub(super) const WIDE: &[u8] = include_bytes!("../../data/catalog/wide.bin");

/// Models and providers, and their names.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The rows that are looked at first.
    pub(super) front: Rows,
    /// The rows that are looked at when the first ones do not have a name.
    pub(super) wide: Wide,
    /// Sorted by id.
    providers: Vec<Provider>,
    /// Where each of `providers` comes from.
    pub(super) provider_sources: Vec<Source>,
    /// Every name of a provider, sorted, with its place in `providers`.
    provider_names: Vec<(Box<str>, usize)>,
    pub(super) as_of: String,
    /// The hash of the lowest layer.
    pub(super) base: String,
    pub(super) hash: SharedStr,
}

/// A name, found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved<'c> {
    /// The model; it may be retired, see [`Resolved::status`] and [`Catalog::note`].
    pub model: &'c Model,
    /// Who sells it.
    pub provider: &'c Provider,
    /// Whether the name is not the model's own id.
    pub is_alias: bool,
    /// The highest layer that says something of the model.
    pub origin: Origin,
}

impl<'c> Resolved<'c> {
    /// Where the model is in its life.
    pub fn status(&self) -> Status {
        self.model.status
    }

    /// `provider/id` of what its row names to use instead; [`Catalog::replacement`] follows it to a living model.
    pub fn replaced_by(&self) -> Option<&'c str> {
        self.model.replaced_by.as_deref()
    }
}

impl Catalog {
    /// The catalogue that ships with this version. Read on first use, then kept; its wide part when a name is not found
    /// in the curated one, or all rows are asked for.
    pub fn bundled() -> &'static Self {
        static BUNDLED: OnceLock<Catalog> = OnceLock::new();
        // A test reads the bundled bytes. Were they ever broken, an empty catalogue refuses every name: nothing is free.
        BUNDLED.get_or_init(|| {
            let mut catalog = Self::parse(MODELS, PROVIDERS).unwrap_or_default();
            catalog.wide = Wide::packed(WIDE);
            catalog.base = hash([MODELS, PROVIDERS, WIDE]);
            catalog.hash = catalog.base.as_str().into();
            catalog
        })
    }

    /// Reads a catalogue: `models` is a header line and a model a line, `providers` a provider a line.
    ///
    /// # Errors
    /// The first row that cannot be read, names a provider that is not there, or shares a name with another row.
    pub fn parse(models: &[u8], providers: &[u8]) -> Result<Self, CatalogError> {
        let (front, as_of) = Rows::parse(models, Origin::Bundled)?;
        let hash = hash([models, providers]);
        let provider = |line| Ok((read::provider(&tree(line)?)?, Source::base(line, Origin::Bundled)));
        let providers = lines(providers).map(provider).collect::<Result<_, CatalogError>>()?;
        Self::of(front, Wide::default(), providers, as_of, hash)
    }

    /// A catalogue of these parts.
    pub(super) fn of(
        front: Rows,
        wide: Wide,
        mut providers: Vec<(Provider, Source)>,
        as_of: String,
        hash: String,
    ) -> Result<Self, CatalogError> {
        providers.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        let (providers, provider_sources): (Vec<Provider>, Vec<Source>) = providers.into_iter().unzip();
        let mut provider_names: Vec<(Box<str>, usize)> = Vec::new();
        for (place, provider) in providers.iter().enumerate() {
            let names = std::iter::once(&provider.id).chain(&provider.aliases);
            provider_names.extend(names.map(|name| (name.as_str().into(), place)));
        }
        provider_names.sort_unstable();
        if let Some((twice, _)) = provider_names.iter().zip(provider_names.iter().skip(1)).find(|(a, b)| a.0 == b.0) {
            return Err(CatalogError::twice(&format!("provider `{}`", twice.0)));
        }
        let catalog = Self {
            front,
            wide,
            providers,
            provider_sources,
            provider_names,
            base: hash.clone(),
            as_of,
            hash: hash.into(),
        };
        let is_orphan = |row: &&Row| !catalog.providers.iter().any(|provider| provider.id == row.model.provider);
        match catalog.front.all().iter().find(is_orphan) {
            Some(row) => {
                let name = format!("`{}`", row.model.full_name());
                Err(CatalogError::bad_row(&name, "its provider is not in the catalogue"))
            }
            None => Ok(catalog),
        }
    }

    /// Finds a model by `provider/id`, or by an id or alias alone when one model has it.
    ///
    /// The curated rows are looked at first: a bare name that one of them has is that model, however many hosts of the
    /// wide part sell one of that name. A retired model is found; [`Catalog::note`] says so. A provider's own name comes
    /// first: `openai/x` is OpenAI's `x` before it is anyone's model called `openai/x`, and in the wide part it is nobody else's. O(log n), and a name that is
    /// found allocates nothing, but for the one look-up that first needs the wide part (some milliseconds).
    ///
    /// # Errors
    /// `unknown-model` with the closest names, or `ambiguous-model` with the names to choose from.
    pub fn resolve(&self, name: &str) -> Result<Resolved<'_>, CatalogError> {
        self.qualified(name).or_else(|| self.bare(name)).ok_or_else(|| self.unresolved(name))
    }

    fn qualified(&self, name: &str) -> Option<Resolved<'_>> {
        let (provider, id) = self.split_name(name)?;
        let row = self.row(&provider.id, id)?;
        Some(resolved(row, provider, id))
    }

    /// The row that has this id or alias at this provider.
    pub fn row(&self, provider: &str, id: &str) -> Option<&Row> {
        self.front.find(provider, id).or_else(|| self.wide.find(provider, id))
    }

    fn bare(&self, name: &str) -> Option<Resolved<'_>> {
        let mut found = self.front.find_bare(name);
        let row = match found.next() {
            Some(row) => found.next().is_none().then_some(row)?,
            // `anthropic/claude-haiku-5.5` is a slip, though some gateway sells a model of that name: never another
            // provider than the one that the name begins with.
            None if self.split_name(name).is_some() => return None,
            None => {
                let mut found = self.wide.find_bare(name);
                let row = found.next()?;
                found.next().is_none().then_some(row)?
            }
        };
        let provider = self.providers.get(self.provider_place(&row.model.provider)?)?;
        Some(resolved(row, provider, name))
    }

    fn provider_place(&self, name: &str) -> Option<usize> {
        let found = self.provider_names.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.provider_names.get(found).map(|(_, place)| *place)
    }

    fn unresolved(&self, name: &str) -> CatalogError {
        let shown: String = name.chars().take(96).collect();
        let parts = [self.front.index(), self.wide.index()];
        let names = || parts.iter().flat_map(|index| index.names());
        let choices: Vec<String> =
            names().filter(|known| *known.text == *name).map(|known| format!("`{}/{name}`", known.provider)).collect();
        let advice = (!choices.is_empty()).then(|| {
            let first = choices.get(..SHOWN_CHOICES).unwrap_or(&choices).join(" or ");
            match choices.len().saturating_sub(SHOWN_CHOICES) {
                0 => format!("write {first}"),
                rest => format!("write {first}, or one of {rest} more"),
            }
        });
        let split = self.split_name(name);
        if choices.len() > 1 && (split.is_none() || self.front.find_bare(name).next().is_some()) {
            let message = format!("`{shown}` is a model of {} providers", choices.len());
            return CatalogError::new("ambiguous-model", message, advice);
        }
        if let Some((provider, id)) = split {
            let own = names().filter(|known| *known.provider == provider.id).map(|known| &*known.text);
            let hint = suggest::hint(id, own).or(advice).or_else(|| {
                let advice = "a local model needs no row: state its `context` and `price` in the policy";
                provider.is_local.then(|| advice.to_owned())
            });
            let message = format!("`{shown}` is not in the catalogue, though its provider is");
            return CatalogError::new("unknown-model", message, hint);
        }
        let full: Vec<String> = names().map(|known| format!("{}/{}", known.provider, known.text)).collect();
        let all = full.iter().map(String::as_str).chain(names().map(|known| &*known.text));
        CatalogError::new("unknown-model", format!("`{shown}` is not in the catalogue"), suggest::hint(name, all))
    }

    /// The known provider that a name begins with, and the rest of the name: for a model that the catalogue does not
    /// list (any local one) but whose facts the policy states.
    pub fn split_name<'n>(&self, name: &'n str) -> Option<(&Provider, &'n str)> {
        let (provider, id) = name.split_once('/')?;
        let provider = self.providers.get(self.provider_place(provider)?)?;
        (!id.is_empty()).then_some((provider, id))
    }

    /// Finds a provider by its id or another of its names.
    ///
    /// # Errors
    /// `unknown-provider` with the closest names.
    pub fn provider(&self, name: &str) -> Result<&Provider, CatalogError> {
        self.provider_place(name).and_then(|place| self.providers.get(place)).ok_or_else(|| {
            let shown: String = name.chars().take(96).collect();
            let message = format!("provider `{shown}` is not in the catalogue");
            let hint = suggest::hint(name, self.provider_names.iter().map(|(known, _)| &**known));
            CatalogError::new("unknown-provider", message, hint)
        })
    }

    /// The model to use instead of one that is retired or about to be: the first successor that is not retired.
    pub fn replacement(&self, model: &Model) -> Option<&Model> {
        let mut next = self.resolve(model.replaced_by.as_deref()?).ok()?.model;
        for _ in 0..MAX_SUCCESSORS {
            if next.status != Status::Retired {
                return Some(next);
            }
            next = self.resolve(next.replaced_by.as_deref()?).ok()?.model;
        }
        None
    }

    /// What a user of the model should know of its end, in one sentence, such as "`claude-3-7-sonnet` was retired on
    /// 2026-02-19: use `anthropic/claude-sonnet-5-5`"; nothing of a model that has no end in sight.
    ///
    /// `name` is how the user called the model, `today` is `YYYY-MM-DD`; without it, what is not yet marked as retired
    /// is still to come.
    pub fn note(&self, name: &str, model: &Model, today: Option<&str>) -> Option<String> {
        let is_gone = model.status == Status::Retired || today.is_some_and(|day| model.is_retired_on(day));
        let what = match (&model.retires_on, is_gone) {
            (Some(day), true) => format!("was retired on {day}"),
            (Some(day), false) => format!("retires on {day}"),
            (None, true) => "is retired".to_owned(),
            (None, false) if model.status == Status::Deprecated => "is deprecated".to_owned(),
            (None, false) => return None,
        };
        let advice = self.replacement(model).map(|next| format!(": use `{}`", next.full_name()));
        Some(format!("`{name}` {what}{}", advice.unwrap_or_default()))
    }

    /// The models that are looked at first, by provider and id: the curated ones, and those of the user's own file.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &Model> {
        self.front.all().iter().map(Row::model)
    }

    /// Every row, by provider and id. Reads the wide part.
    pub fn rows(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.front.all().iter().chain(self.wide.rows().all()).collect();
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        rows
    }

    /// Every provider, by id.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The day that the facts were gathered, `YYYY-MM-DD`.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// The blake3 hash, in hex, of the bytes that this catalogue was read from and of what its layers change in them: a
    /// layer that says nothing new changes no hash.
    pub fn hash(&self) -> &SharedStr {
        &self.hash
    }
}

fn resolved<'c>(row: &'c Row, provider: &'c Provider, name: &str) -> Resolved<'c> {
    Resolved { model: &row.model, provider, is_alias: row.model.id != name, origin: row.source.origin }
}

/// The hash of files; their lengths keep a line that moves from one to the next from giving the same hash.
pub(super) fn hash<const N: usize>(files: [&[u8]; N]) -> String {
    let mut hasher = blake3::Hasher::new();
    for bytes in files {
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().to_hex().to_string()
}
