//! The catalogue: rows, and the sorted names by which they are found.

use std::sync::OnceLock;

use super::error::CatalogError;
use super::model::{Model, Status};
use super::provider::Provider;
use super::{read, suggest};
use crate::json::Value;

/// The layout of the files that this version reads.
const FORMAT: u64 = 1;
/// More successors than any line of models has: a bound against rows that name each other.
const MAX_SUCCESSORS: usize = 8;

const MODELS: &[u8] = include_bytes!("../../data/catalog/models.jsonl");
const PROVIDERS: &[u8] = include_bytes!("../../data/catalog/providers.jsonl");

/// Models and providers, and their names.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Sorted by provider and id.
    models: Vec<Model>,
    /// Sorted by id.
    providers: Vec<Provider>,
    /// Every name of a provider, sorted, with its place in `providers`.
    provider_names: Vec<(Box<str>, usize)>,
    /// Every id and alias under its provider, sorted, with its place in `models`.
    qualified: Vec<(usize, Box<str>, usize)>,
    /// Every id and alias alone, sorted, with its place in `models`; several models may share one.
    bare: Vec<(Box<str>, usize)>,
    as_of: String,
    hash: String,
}

/// A name, found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved<'c> {
    /// The model; it may be retired, see its `status` and `replaced_by`.
    pub model: &'c Model,
    /// Who sells it.
    pub provider: &'c Provider,
    /// Whether the name is not the model's own id.
    pub is_alias: bool,
}

impl Catalog {
    /// The catalogue that ships with this version. Read on first use, then kept.
    pub fn bundled() -> &'static Self {
        static BUNDLED: OnceLock<Catalog> = OnceLock::new();
        // A test reads the bundled bytes. Were they ever broken, an empty catalogue refuses every name: nothing is free.
        BUNDLED.get_or_init(|| Self::parse(MODELS, PROVIDERS).unwrap_or_default())
    }

    /// Reads a catalogue: `models` is a header line and a model a line, `providers` a provider a line.
    ///
    /// # Errors
    /// The first row that cannot be read, names a provider that is not there, or shares a name with another row.
    pub fn parse(models: &[u8], providers: &[u8]) -> Result<Self, CatalogError> {
        let mut catalog = Self { hash: hash(models, providers), ..Self::default() };
        for line in lines(providers) {
            catalog.providers.push(read::provider(&tree(line)?)?);
        }
        let mut rows = lines(models);
        let header = tree(rows.next().unwrap_or(b"{}"))?;
        let count = header.get("models").and_then(Value::as_u64);
        if header.get("format").and_then(Value::as_u64) != Some(FORMAT) {
            return Err(CatalogError::bad_row("`header`", format_args!("`format` is not {FORMAT}")));
        }
        header.get("as_of").and_then(Value::as_str).unwrap_or_default().clone_into(&mut catalog.as_of);
        for line in rows {
            catalog.models.push(read::model(&tree(line)?)?);
        }
        if count.is_some_and(|count| usize::try_from(count) != Ok(catalog.models.len())) {
            return Err(CatalogError::bad_row("`header`", "`models` is not the number of rows that follow"));
        }
        catalog.index()?;
        Ok(catalog)
    }

    fn index(&mut self) -> Result<(), CatalogError> {
        self.providers.sort_by(|a, b| a.id.cmp(&b.id));
        self.models.sort_by(|a, b| (&a.provider, &a.id).cmp(&(&b.provider, &b.id)));
        for (place, provider) in self.providers.iter().enumerate() {
            let names = std::iter::once(&provider.id).chain(&provider.aliases);
            self.provider_names.extend(names.map(|name| (name.as_str().into(), place)));
        }
        self.provider_names.sort_unstable();
        refuse_twice(&self.provider_names, |(a, _), (b, _)| a == b, |(name, _)| format!("provider `{name}`"))?;
        for (place, model) in self.models.iter().enumerate() {
            let provider = self.provider_place(&model.provider).ok_or_else(|| {
                CatalogError::bad_row(&format!("`{}`", model.full_name()), "its provider is not in the catalogue")
            })?;
            for name in std::iter::once(&model.id).chain(&model.aliases) {
                self.qualified.push((provider, name.as_str().into(), place));
                self.bare.push((name.as_str().into(), place));
            }
        }
        self.qualified.sort_unstable();
        self.bare.sort_unstable();
        refuse_twice(&self.qualified, |a, b| (a.0, &a.1) == (b.0, &b.1), |(_, name, _)| format!("model `{name}`"))
    }

    /// Finds a model by `provider/id`, or by an id or alias alone when one model has it.
    ///
    /// A retired model is found; its `status` and `replaced_by` are the caller's to decide on. A provider's own name
    /// comes first: `openai/x` is OpenAI's `x` before it is anyone's model called `openai/x`. O(log n), and a name that
    /// is found allocates nothing.
    ///
    /// # Errors
    /// `unknown-model` with the closest names, or `ambiguous-model` with the names to choose from.
    pub fn resolve(&self, name: &str) -> Result<Resolved<'_>, CatalogError> {
        self.qualified_model(name).or_else(|| self.only_bare_model(name)).ok_or_else(|| self.unresolved(name))
    }

    fn qualified_model(&self, name: &str) -> Option<Resolved<'_>> {
        let (provider, id) = name.split_once('/')?;
        let place = self.provider_place(provider)?;
        let found = self.qualified.binary_search_by(|(owner, known, _)| (*owner, &**known).cmp(&(place, id))).ok()?;
        let (_, _, model) = self.qualified.get(found)?;
        self.resolved(*model, place, id)
    }

    fn only_bare_model(&self, name: &str) -> Option<Resolved<'_>> {
        let mut found = self.bare_models(name);
        let place = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let provider = self.provider_place(&self.models.get(place)?.provider)?;
        self.resolved(place, provider, name)
    }

    fn resolved(&self, model: usize, provider: usize, name: &str) -> Option<Resolved<'_>> {
        let (model, provider) = (self.models.get(model)?, self.providers.get(provider)?);
        Some(Resolved { model, provider, is_alias: model.id != name })
    }

    /// The places of the models that have this name at some provider.
    fn bare_models(&self, name: &str) -> impl Iterator<Item = usize> {
        let start = self.bare.partition_point(|(known, _)| **known < *name);
        let rest = self.bare.get(start..).unwrap_or_default();
        rest.iter().take_while(move |(known, _)| **known == *name).map(|(_, place)| *place)
    }

    fn provider_place(&self, name: &str) -> Option<usize> {
        let found = self.provider_names.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.provider_names.get(found).map(|(_, place)| *place)
    }

    fn unresolved(&self, name: &str) -> CatalogError {
        let shown: String = name.chars().take(96).collect();
        let choices: Vec<String> = self
            .bare_models(name)
            .filter_map(|place| self.models.get(place))
            .map(|model| format!("`{}/{name}`", model.provider))
            .collect();
        if !choices.is_empty() {
            let message = format!("`{shown}` is a model of {} providers", choices.len());
            let hint = Some(format!("write {}", choices.join(" or ")));
            return CatalogError { code: "ambiguous-model", message, hint };
        }
        if let Some((provider, id)) = self.split_name(name) {
            let names = self.models.iter().filter(|model| model.provider == provider.id);
            let names = names.flat_map(|model| std::iter::once(&model.id).chain(&model.aliases));
            let hint = suggest::hint(id, names.map(String::as_str)).or_else(|| {
                let advice = "a local model needs no row: state its `context` and `price` in the policy";
                provider.is_local.then(|| advice.to_owned())
            });
            let message = format!("`{shown}` is not in the catalogue, though its provider is");
            return CatalogError { code: "unknown-model", message, hint };
        }
        let full: Vec<String> = self.models.iter().map(Model::full_name).collect();
        let names = full.iter().map(String::as_str).chain(self.bare.iter().map(|(known, _)| &**known));
        let message = format!("`{shown}` is not in the catalogue");
        CatalogError { code: "unknown-model", message, hint: suggest::hint(name, names) }
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
            CatalogError { code: "unknown-provider", message, hint }
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

    /// Every model, by provider and id.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// Every provider, by id.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The day that the facts were gathered, `YYYY-MM-DD`.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// The blake3 hash of the bytes that this catalogue was read from, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace))
}

fn tree(line: &[u8]) -> Result<Value<'_>, CatalogError> {
    Value::parse(line).map_err(|error| {
        let start: String = String::from_utf8_lossy(line).chars().take(60).collect();
        CatalogError::bad_row(&format!("`{start}`"), error)
    })
}

fn hash(models: &[u8], providers: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    // The length keeps two files from sharing a hash when a line moves from one to the other.
    hasher.update(&u64::try_from(models.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(models);
    hasher.update(providers);
    hasher.finalize().to_hex().to_string()
}

/// Refuses neighbours that are the same name.
fn refuse_twice<T>(
    sorted: &[T],
    is_same: impl Fn(&T, &T) -> bool,
    describe: impl Fn(&T) -> String,
) -> Result<(), CatalogError> {
    let twice = sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| is_same(a, b));
    twice.map_or(Ok(()), |(first, _)| {
        let message = format!("{} stands twice in the catalogue", describe(first));
        Err(CatalogError { code: "duplicate-name", message, hint: None })
    })
}
