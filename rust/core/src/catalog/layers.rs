//! Layers: bundled < refreshed < override, each a pure function from the catalogue below to the one above.
//!
//! Promises: a layer changes only what it names; what it says wins over every layer below; what is wrong with it
//! is said at once (of each key of a row the first problem), with the row and the keys that lead to it. A row is merged over the one below by key (`null`
//! removes, a list is replaced whole, so prices never mix two sources) and then read by the strict reader of every row.
//!
//! A row is `provider`, `id` (an alias of a model names the model) and what changes; `like: provider/id` copies another row
//! first, for deployments and private models; `price_factor` is a negotiated factor on every token price, on a model or on a
//! provider, for all of its models whose price the layer does not state itself. A row that states `prices` states all of
//! them: no factor of a layer below applies to it.
//!
//! A refresh never changes where the keys of a provider of the lowest layer go, or which: that is for the user's own file
//! alone, and a refresh that says otherwise is refused (`provider-reach`). What it keeps leaves these facts out, so that those
//! of a newer version hold.
//!
//! A row of the user's own file that breaks a lint which the row below does not break is refused, unless it says
//! `allow: [lint]`: a unit slip in a price costs money, and the user knows what is right. Rows of a refresh are not
//! linted here: [`super::verdict`] lists their findings for the one who accepts them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::CatalogError;
use super::layer_file::{LayerFile, LayerProblem, RowsAre, Section, row_name, write};
use super::layer_row::{
    REACH, check_names, identity, keeps_reach, number, parse, read_model, required, says_the_same, unknown_provider,
    words,
};
use super::lints::lint_model;
use super::merge::{canonical, merged, set, text, with_only, without};
use super::provider::Provider;
use super::read;
use super::read_price::price_factor;
use super::rows::{Origin, Row, Rows, Source};
use super::table::{Catalog, hash};
use super::wide::Wide;
use crate::json::Value;

/// More than anyone reads at once.
const MAX_PROBLEMS: usize = 100;

/// Who stands above the bundled rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// What the last refresh kept.
    Refreshed,
    /// The user's own file.
    Override,
}

impl Catalog {
    /// This catalogue with a layer laid over it; `bytes` are a document (`{"models": [...], "providers": [...]}`) or a file
    /// that [`Catalog::write_refreshed`] wrote. O(rows).
    ///
    /// # Errors
    /// Every problem of the layer, in its order; then nothing of it holds.
    pub fn with_layer(&self, layer: Layer, bytes: &[u8]) -> Result<Self, Vec<LayerProblem>> {
        let file = LayerFile::parse(bytes).map_err(|problem| vec![problem])?;
        let mut build = Build::new(self, layer, file.rows_are);
        for (place, row) in file.providers.iter().enumerate() {
            build.add_provider(place, row);
        }
        build.index_providers();
        for (place, row) in file.models.iter().enumerate() {
            build.add_model(place, row);
        }
        build.apply_factors();
        let as_of = file.as_of.filter(|_| layer == Layer::Refreshed);
        build.finish(as_of.unwrap_or_else(|| self.as_of.clone()))
    }

    /// What the refreshed layer says, as the file that brings it back. Of a catalogue on which no override lies.
    pub fn write_refreshed(&self) -> String {
        let is_ours = |source: &Source| self.base.is_empty() || source.origin == Origin::Refreshed;
        let provider = |source: &Source| match source.base {
            Some(_) => text(&without(&parse(&source.text), &REACH)),
            None => source.text.to_string(),
        };
        let rows_are = if self.base.is_empty() { RowsAre::All } else { RowsAre::Whole };
        let ours = self.provider_sources.iter().filter(|source| source.origin == Origin::Refreshed);
        let providers: Vec<String> = ours.map(provider).collect();
        let providers: Vec<&str> = providers.iter().map(String::as_str).collect();
        let rows = self.rows();
        let models: Vec<&str> = rows.iter().filter(|row| is_ours(&row.source)).map(|row| row.json()).collect();
        write(&self.as_of, rows_are, &providers, &models)
    }
}

/// A row that the layer names.
struct Named {
    row: Row,
    /// Its place in the layer; none when only its provider is named.
    place: Option<usize>,
    /// Whether it belongs to the part that is looked at first.
    is_front: bool,
    /// Lints that it may break.
    allowed: Vec<String>,
}

type Key = (String, String);

struct Build<'c> {
    below: &'c Catalog,
    layer: Layer,
    rows_are: RowsAre,
    providers: BTreeMap<String, (Provider, Source)>,
    /// Every name of a provider, with its id.
    provider_names: BTreeMap<String, String>,
    /// The factor of each provider for which the layer states one; none removes it.
    factors: BTreeMap<String, Option<String>>,
    named: BTreeMap<Key, Named>,
    problems: Vec<LayerProblem>,
}

impl<'c> Build<'c> {
    fn new(below: &'c Catalog, layer: Layer, rows_are: RowsAre) -> Self {
        let sources = below.providers().iter().zip(&below.provider_sources);
        let with_source =
            |(provider, source): (&Provider, &Source)| (provider.id.clone(), (provider.clone(), source.clone()));
        let mut build = Self {
            below,
            layer,
            rows_are,
            providers: sources.map(with_source).collect(),
            provider_names: BTreeMap::new(),
            factors: BTreeMap::new(),
            named: BTreeMap::new(),
            problems: Vec::new(),
        };
        build.index_providers();
        build
    }

    fn index_providers(&mut self) {
        let all = self.providers.values().map(|(provider, _)| provider);
        let names = all.flat_map(|provider| {
            std::iter::once(&provider.id).chain(&provider.aliases).map(|name| (name.clone(), provider.id.clone()))
        });
        self.provider_names = names.collect();
    }

    fn refuse(&mut self, section: Section, place: Option<usize>, error: CatalogError) {
        if self.problems.len() < MAX_PROBLEMS {
            let CatalogError { code, message, hint, keys } = error;
            self.problems.push(LayerProblem { code, section, row: place, keys, message, hint });
        }
    }

    fn origin(&self) -> Origin {
        match self.layer {
            Layer::Refreshed => Origin::Refreshed,
            Layer::Override => Origin::Override,
        }
    }

    /// The source of a row of this layer, over the one below.
    fn source(&self, text: String, below: Option<&Source>) -> Source {
        let base = below.filter(|_| self.rows_are != RowsAre::All).and_then(|source| source.base.clone());
        Source { text: text.into(), base, origin: self.origin() }
    }

    fn add_provider(&mut self, place: usize, row: &Value<'_>) {
        if let Err(error) = self.try_provider(row) {
            self.refuse(Section::Providers, Some(place), error);
        }
    }

    fn try_provider(&mut self, row: &Value<'_>) -> Result<(), CatalogError> {
        let called = format!("`{}`", row_name(row));
        let id = required(row, "id", &called)?;
        let id = self.provider_names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        if let Some(factor) = row.members().iter().find(|(key, _)| key == "price_factor").map(|(_, factor)| factor) {
            let known = match factor {
                Value::Null => None,
                factor => {
                    price_factor(&called, factor)?;
                    factor.as_number().map(|number| number.0.to_owned())
                }
            };
            self.factors.insert(id.clone(), known);
        }
        let below = self.providers.get(&id).map(|(_, source)| source.clone());
        let base = match &below {
            Some(source) if self.rows_are == RowsAre::Changes => parse(&source.text),
            Some(source) if source.base.is_some() => with_only(&parse(&source.text), &REACH),
            _ => Value::Object(Vec::new()),
        };
        let own = identity(&[("id", &id)]);
        let tree = merged(merged(merged(own.clone(), &base), &without(row, &["id", "price_factor"])), &own);
        let provider = read::provider(&tree)?;
        if below.as_ref().is_some_and(|source| says_the_same(&source.text, &tree)) {
            return Ok(());
        }
        let lowest = below.as_ref().and_then(|source| source.base.clone());
        if let Some(known) = lowest.as_deref().filter(|_| self.layer == Layer::Refreshed) {
            keeps_reach(&called, &parse(known), &tree)?;
        }
        let source = Source { text: text(&tree).into(), base: lowest, origin: self.origin() };
        self.providers.insert(id, (provider, source));
        Ok(())
    }

    fn add_model(&mut self, place: usize, row: &Value<'_>) {
        for error in self.try_model(place, row).err().unwrap_or_default() {
            self.refuse(Section::Models, Some(place), error);
        }
    }

    fn try_model(&mut self, place: usize, row: &Value<'_>) -> Result<(), Vec<CatalogError>> {
        let called = format!("`{}`", row_name(row));
        let (provider, id) = (required(row, "provider", &called)?, required(row, "id", &called)?);
        let Some(provider) = self.provider_names.get(provider).cloned() else {
            let mut error = self.below.provider(provider).err().unwrap_or_else(|| unknown_provider(provider));
            error.message = format!("row {called}: {}", error.message);
            return Err(vec![error.at("provider")]);
        };
        let allowed = words(row, "allow", &called)?;
        let below = self.below.front.find(&provider, id).map(|row| (row, true));
        let below = below.or_else(|| self.below.wide.find(&provider, id).map(|row| (row, false)));
        let like = row.get("like");
        let (below, is_front) = match below {
            // A copy is a row of its own: that its id is another row's alias is found out when names are sorted.
            Some((row, is_front)) if like.is_none() || row.model.id == id => (Some(row), is_front),
            // What the user adds is looked at first; what a refresh adds must not make a bare name ambiguous.
            _ => (None, self.layer == Layer::Override),
        };
        let own_id = below.map_or_else(|| id.to_owned(), |row| row.model.id.clone());
        let key = (provider.clone(), own_id.clone());
        if self.named.contains_key(&key) {
            return Err(vec![CatalogError::twice(&format!("row {called}"))]);
        }
        let like = like.map(|like| self.like(like, &provider, &called)).transpose()?;
        let base = match (&like, below) {
            (Some(like), _) => parse(like),
            (None, Some(row)) if self.rows_are == RowsAre::Changes => parse(row.json()),
            _ => Value::Object(Vec::new()),
        };
        let change = without(row, &["provider", "id", "like", "allow"]);
        let states = |key: &str| change.members().iter().any(|(known, _)| known == key);
        let base = if states("prices") { set(base, "price_factor", Value::Null) } else { base };
        let factor = self.factors.get(&provider).filter(|_| !states("prices") && !states("price_factor"));
        let own = identity(&[("provider", &provider), ("id", &own_id)]);
        let mut tree = merged(merged(merged(own.clone(), &base), &change), &own);
        if let Some(factor) = factor {
            tree = set(tree, "price_factor", number(factor.as_deref()));
        }
        let model = read_model(&tree)?;
        check_names(&model, &called)?;
        let row = match below {
            Some(row) if self.rows_are != RowsAre::All && says_the_same(row.json(), &tree) => row.clone(),
            below => Row { model, source: self.source(text(&tree), below.map(|row| &row.source)) },
        };
        self.named.insert(key, Named { row, place: Some(place), is_front, allowed });
        Ok(())
    }

    /// The text of the row that another is to be like, without what is its own: names, dialect, and another provider's
    /// discount.
    fn like(&self, like: &Value<'_>, provider: &str, called: &str) -> Result<Arc<str>, CatalogError> {
        let wrong = || CatalogError::bad_row(called, "`like` is not a `provider/id`").at("like");
        let name = like.as_str().ok_or_else(wrong)?;
        let key = name.split_once('/').map(|(owner, id)| (owner.to_owned(), id.to_owned()));
        let earlier = key.and_then(|key| self.named.get(&key)).map(|named| &named.row);
        let row = if let Some(row) = earlier {
            row
        } else {
            let found = self.below.resolve(name).map_err(|error| error.at("like"))?;
            self.below.row(&found.model.provider, &found.model.id).ok_or_else(wrong)?
        };
        let is_same = row.model.provider == provider;
        let own: &[&str] = &["aliases", "dialect", "price_factor"];
        let own = if is_same { own.get(..1).unwrap_or(own) } else { own };
        Ok(text(&without(&parse(row.json()), own)).into())
    }

    /// Lays the factors of providers over the rows that the layer does not name.
    fn apply_factors(&mut self) {
        if self.factors.is_empty() || self.rows_are == RowsAre::All {
            return;
        }
        let below = self.below;
        let parts = [(&below.front, true), (below.wide.rows(), false)];
        for (row, is_front) in parts.iter().flat_map(|(rows, is_front)| rows.all().iter().map(|row| (row, *is_front))) {
            let Some(factor) = self.factors.get(&row.model.provider) else { continue };
            let key = (row.model.provider.clone(), row.model.id.clone());
            if self.named.contains_key(&key) || row.model.prices.is_empty() {
                continue;
            }
            let tree = set(parse(row.json()), "price_factor", number(factor.as_deref()));
            match read::model(&tree) {
                Ok(_) if says_the_same(row.json(), &tree) => {}
                Ok(model) => {
                    let row = Row { model, source: self.source(text(&tree), Some(&row.source)) };
                    self.named.insert(key, Named { row, place: None, is_front, allowed: Vec::new() });
                }
                Err(error) => {
                    self.refuse(Section::Providers, None, error);
                    return;
                }
            }
        }
    }

    fn finish(mut self, as_of: String) -> Result<Catalog, Vec<LayerProblem>> {
        let front = self.part(&self.below.front, true);
        // Rows of the wide part stay packed until someone asks, if this layer leaves them alone.
        let is_wide_touched = self.rows_are == RowsAre::All || self.named.values().any(|named| !named.is_front);
        let wide = if is_wide_touched {
            self.part(self.below.wide.rows(), false).map(Wide::of)
        } else {
            Ok(self.below.wide.clone())
        };
        let found = self.shared_name().map_or(Ok(()), Err).and_then(|()| Ok((front?, wide?)));
        let made = found.and_then(|(front, wide)| {
            let providers = self.providers.values().cloned().collect();
            Catalog::of(front, wide, providers, as_of, String::new())
        });
        let mut catalog = match made {
            Ok(catalog) => catalog,
            Err(error) => {
                // A name that stands twice follows from a row that could not be read, or is the one thing wrong.
                if self.problems.is_empty() {
                    let place = self.named.values().find(|named| error.message.contains(&named.row.model.full_name()));
                    self.refuse(Section::Models, place.and_then(|named| named.place), error);
                }
                return Err(self.problems);
            }
        };
        catalog.base = if self.rows_are == RowsAre::All { String::new() } else { self.below.base.clone() };
        catalog.hash = content_hash(&catalog).into();
        if self.layer == Layer::Override && self.problems.is_empty() {
            self.problems = self.broken_lints(&catalog);
        }
        if self.problems.is_empty() { Ok(catalog) } else { Err(self.problems) }
    }

    /// One part of the new catalogue.
    fn part(&self, below: &Rows, is_front: bool) -> Result<Rows, CatalogError> {
        let mut rows: BTreeMap<(&str, &str), &Row> = BTreeMap::new();
        if self.rows_are != RowsAre::All {
            rows.extend(below.all().iter().map(|row| (row.key(), row)));
        }
        let ours = self.named.values().filter(|named| named.is_front == is_front);
        rows.extend(ours.map(|named| (named.row.key(), &named.row)));
        Rows::new(rows.into_values().cloned().collect())
    }

    /// A name of a row of the layer that a row of the other part has as well: one of them could not be found.
    fn shared_name(&self) -> Option<CatalogError> {
        let is_other = |row: &&Row, other: &Row| row.key() != other.key();
        for named in self.named.values() {
            let model = &named.row.model;
            for name in model.names() {
                let other = if named.is_front {
                    self.below.wide.find(&model.provider, name)
                } else {
                    self.below.front.find(&model.provider, name)
                };
                if self.rows_are != RowsAre::All && other.is_some_and(|row| is_other(&row, &named.row)) {
                    return Some(CatalogError::twice(&format!("model `{}/{name}`", model.provider)));
                }
            }
        }
        None
    }

    fn broken_lints(&self, catalog: &Catalog) -> Vec<LayerProblem> {
        let mut problems = Vec::new();
        for (key, named) in &self.named {
            if named.row.source.origin != Origin::Override {
                continue;
            }
            let below = self.below.row(&key.0, &key.1);
            let before = below.map(|row| lint_model(self.below, &row.model)).unwrap_or_default();
            for finding in lint_model(catalog, &named.row.model) {
                let is_known = before.iter().any(|known| known.code == finding.code);
                if is_known || named.allowed.iter().any(|allowed| allowed == finding.code) {
                    continue;
                }
                problems.push(LayerProblem {
                    code: "broken-lint",
                    section: Section::Models,
                    row: named.place,
                    keys: Vec::new(),
                    message: format!("row `{}`: {} (`{}`)", finding.model, finding.message, finding.code),
                    hint: Some(format!("if the row is right, write `allow: [{}]` in it", finding.code)),
                });
            }
        }
        problems.sort_by_key(|problem| problem.row);
        problems.truncate(MAX_PROBLEMS);
        problems
    }
}

/// The base's hash while nothing differs from it; else one of it and of every row that does.
fn content_hash(catalog: &Catalog) -> String {
    let said = |source: &Source| {
        if catalog.base.is_empty() { Some(canonical(&parse(&source.text))) } else { source.change() }
    };
    let mut changes: Vec<String> = catalog.provider_sources.iter().filter_map(said).collect();
    // Rows that are still packed are as they were.
    let wide = catalog.wide.changed_rows().map(Rows::all).unwrap_or_default();
    changes.extend(catalog.front.all().iter().chain(wide).filter_map(|row| row.source.change()));
    if changes.is_empty() {
        return catalog.base.clone();
    }
    changes.sort_unstable();
    hash([catalog.base.as_bytes(), changes.join("\n").as_bytes()])
}
