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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::model::{Dialect, Effort, ThinkingMode};
    use crate::catalog::provider::Auth;
    use crate::money::{NanosPerMtok, Ratio, UsdNanos};

    #[test]
    fn the_bundled_bytes_are_read() {
        let catalog = Catalog::parse(MODELS, PROVIDERS).unwrap();
        assert!(catalog.models().len() > 200, "{}", catalog.models().len());
        assert_eq!(catalog.providers().len(), 55);
        assert_eq!(catalog.hash(), Catalog::bundled().hash());
        assert_eq!(catalog.hash().len(), 64);
        assert_eq!(catalog.as_of(), "2026-11-22");
    }

    #[test]
    fn finds_a_model_by_each_of_its_names() {
        let catalog = Catalog::bundled();
        for name in [
            "anthropic/claude-haiku-4-5-20251001",
            "anthropic/claude-haiku-4-5",
            "claude-haiku-4-5-20251001",
            "claude-haiku-4-5",
        ] {
            let found = catalog.resolve(name).unwrap();
            assert_eq!(found.model.id, "claude-haiku-4-5-20251001", "{name}");
            assert_eq!(found.provider.id, "anthropic", "{name}");
            assert_eq!(found.is_alias, name.ends_with("4-5"), "{name}");
        }
        assert_eq!(catalog.resolve("bedrock/global.anthropic.claude-haiku-5-5").unwrap().provider.id, "amazon-bedrock");
        assert_eq!(catalog.resolve("groq/openai/gpt-oss-120b").unwrap().provider.id, "groq");
        assert_eq!(catalog.resolve("ollama/qwen3:8b").unwrap().model.id, "qwen3-8b");
    }

    #[test]
    fn reads_every_fact_of_a_row() {
        let model = Catalog::bundled().resolve("anthropic/claude-haiku-5-5").unwrap().model;
        assert_eq!(model.full_name(), "anthropic/claude-haiku-5-5");
        assert_eq!(
            (model.context, model.max_input, model.max_output),
            (Some(1_000_000), Some(1_000_000), Some(128_000))
        );
        let price = model.price.as_ref().unwrap();
        assert_eq!(price.rates.input, Some(NanosPerMtok(100_000_000)));
        assert_eq!(price.rates.batch_output, Some(NanosPerMtok(250_000_000)));
        assert_eq!(price.web_search_per_k, Some(UsdNanos(10_000_000_000)));
        assert_eq!(price.tiers.len(), 1);
        assert_eq!(price.tiers[0].rates.cache_write_1h, Some(NanosPerMtok(1_000_000_000)));
        assert_eq!(price.tiers[0].rates.batch_input, None);
        assert_eq!(model.multipliers, [("us".to_owned(), Ratio::new(11, 10).unwrap())]);
        assert_eq!(model.caps.forced_tool_use, Some(true));
        assert_eq!(model.caps.sampling, Some(false));
        assert_eq!(model.caps.audio_in, None);
        let reasoning = model.reasoning.as_ref().unwrap();
        assert_eq!(reasoning.modes, [ThinkingMode::Adaptive]);
        assert_eq!(reasoning.efforts, [Effort::Low, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max]);
        assert_eq!((reasoning.can_disable, reasoning.default_effort), (Some(true), Some(Effort::Medium)));
        assert_eq!(model.prompt_cache_min_tokens, Some(512));
        assert_eq!(model.tokenizer_family.as_deref(), Some("claude-4.7-on"));
        assert!(!model.is_disputed);
        assert!(!model.sources.is_empty());
    }

    #[test]
    fn retired_models_resolve_and_name_their_successor() {
        let catalog = Catalog::bundled();
        for name in ["claude-3-7-sonnet-20250219", "claude-3-7-sonnet-20250219-thinking", "claude-3-7-sonnet-latest"] {
            let model = catalog.resolve(name).unwrap().model;
            assert_eq!(model.status, Status::Retired, "{name}");
            assert_eq!(model.retires_on.as_deref(), Some("2026-02-19"));
            assert_eq!(model.replaced_by.as_deref(), Some("anthropic/claude-sonnet-5-5"), "{name}");
            assert_eq!(catalog.replacement(model).unwrap().id, "claude-sonnet-5-5");
            assert!(model.price.is_some(), "old logs can be priced");
        }
        for (old, new) in [
            ("claude-3-5-haiku-latest", "claude-haiku-5-5"),
            ("claude-3-opus-20240229", "claude-opus-5-5"),
            ("claude-sonnet-4-5", "claude-sonnet-5-5"),
            ("claude-instant-1.2", "claude-haiku-5-5"),
        ] {
            assert_eq!(catalog.replacement(catalog.resolve(old).unwrap().model).unwrap().id, new, "{old}");
        }
        assert_eq!(catalog.replacement(catalog.resolve("claude-opus-5-5").unwrap().model), None);
    }

    #[test]
    fn refuses_a_name_that_none_or_two_have() {
        let catalog = Catalog::bundled();
        let error = catalog.resolve("openai/gpt-oss-120b").unwrap_err();
        assert_eq!(error.code, "ambiguous-model");
        assert_eq!(
            error.to_string(),
            "`openai/gpt-oss-120b` is a model of 2 providers (write `groq/openai/gpt-oss-120b` or `together/openai/gpt-oss-120b`)"
        );
        for (name, hint) in [
            ("anthropic/claude-haiku-5.5", "`claude-haiku-5-5`"),
            ("claude-haiku-55", "`claude-haiku-5-5`"),
            ("Claude-Opus-5-5", "`claude-opus-5-5`"),
            ("antropic/claude-opus-5-5", "`anthropic/claude-opus-5-5`"),
            ("ollama/never-heard-of-it", "state its `context` and `price` in the policy"),
        ] {
            let error = catalog.resolve(name).unwrap_err();
            assert_eq!(error.code, "unknown-model", "{name}");
            assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{name}: {error}");
        }
        for name in
            ["", "/", "anthropic/", "/claude-haiku-5-5", "anthropic", "zzzzzzzzzzzzzzz", "\u{0}", "anthropic//x"]
        {
            assert_eq!(catalog.resolve(name).unwrap_err().code, "unknown-model", "{name:?}");
        }
    }

    #[test]
    fn finds_providers_and_how_to_call_them() {
        let catalog = Catalog::bundled();
        let anthropic = catalog.provider("anthropic").unwrap();
        assert_eq!((anthropic.auth, anthropic.dialect), (Auth::XApiKey, Dialect::AnthropicMessages));
        assert_eq!(anthropic.env, ["ANTHROPIC_API_KEY"]);
        let openai = catalog.provider("openai").unwrap();
        assert_eq!((openai.auth, openai.dialect), (Auth::Bearer, Dialect::OpenAiChat));
        assert_eq!(openai.max_tokens_field, "max_completion_tokens");
        assert_eq!(catalog.provider("azure").unwrap().auth, Auth::ApiKeyHeader);
        assert!(catalog.provider("azure").unwrap().has_placeholders());
        for local in ["ollama", "vllm", "lmstudio", "llamacpp", "llama.cpp"] {
            let provider = catalog.provider(local).unwrap();
            assert!(provider.is_local, "{local}");
            assert_eq!((provider.auth, provider.dialect), (Auth::None, Dialect::OpenAiChat), "{local}");
            assert!(provider.base_url.as_deref().unwrap().starts_with("http://127.0.0.1:"), "{local}");
        }
        let error = catalog.provider("antropic").unwrap_err();
        assert_eq!(error.to_string(), "provider `antropic` is not in the catalogue (did you mean `anthropic`?)");
        assert_eq!(
            catalog.split_name("ollama/llama9:1t").map(|(p, id)| (p.id.as_str(), id)),
            Some(("ollama", "llama9:1t"))
        );
        assert_eq!(catalog.split_name("nobody/llama"), None);
        assert_eq!(catalog.split_name("ollama/"), None);
    }

    fn one_model(model: &str) -> Result<Catalog, CatalogError> {
        let models = format!("{{\"format\":1}}\n{model}\n");
        let provider = r#"{"id":"p","dialect":"openai-chat","auth":"bearer","max_tokens_field":"max_tokens"}"#;
        Catalog::parse(models.as_bytes(), provider.as_bytes())
    }

    #[test]
    fn a_bad_row_is_named_with_its_field() {
        for (row, message) in [
            (
                r#"{"provider":"p","id":"m","price":{"in":-1,"out":1}}"#,
                "row `p/m`: `in`: `-1` is negative, and an amount cannot be",
            ),
            (
                r#"{"provider":"p","id":"m","price":{"in":1e-3}}"#,
                "row `p/m`: `in`: `1e-3` has an exponent, write the digits out",
            ),
            (r#"{"provider":"p","id":"m","price":{"in":"1"}}"#, "row `p/m`: `in` is not a number"),
            (r#"{"provider":"p","id":"m","price":{"inn":1}}"#, "row `p/m`: unknown key `inn`"),
            (r#"{"provider":"p","id":"m","price":{"in":99999999999}}"#, "row `p/m`: `in`: an amount is too large"),
            (
                r#"{"provider":"p","id":"m","price":{"in":0.0000000001}}"#,
                "row `p/m`: `in`: `0.0000000001` has more than 9 decimals",
            ),
            (r#"{"provider":"p","id":"m","context":-5}"#, "row `p/m`: `context` is not a whole number"),
            (r#"{"provider":"p","id":"m","contex":5}"#, "row `p/m`: unknown key `contex`"),
            (
                r#"{"provider":"p","id":"m","status":"gone"}"#,
                "row `p/m`: `status` is not active, deprecated or retired",
            ),
            (
                r#"{"provider":"p","id":"m","retires_on":"soon"}"#,
                "row `p/m`: `retires_on` is not a date such as `2026-11-22`",
            ),
            (r#"{"provider":"p","id":"m","tiers":[{"above":5}]}"#, "row `p/m`: `tiers` without a `price`"),
            (r#"{"provider":"p","id":"m","price":{},"tiers":[{"in":5}]}"#, "row `p/m`: a tier without `above`"),
            (
                r#"{"provider":"p","id":"m","price":{},"tiers":[{"above":5},{"above":5}]}"#,
                "row `p/m`: `tiers` do not ascend",
            ),
            (r#"{"provider":"p","id":"m","caps":{"fly":true}}"#, "row `p/m`: unknown key `fly`"),
            (
                r#"{"provider":"p","id":"m","multipliers":{"us":"x"}}"#,
                "row `p/m`: multiplier `us`: an amount has no digits",
            ),
            (r#"{"provider":"q","id":"m"}"#, "row `q/m`: its provider is not in the catalogue"),
            (r#"{"provider":"p"}"#, "row `p/?`: `id` is missing"),
            (r#"[1]"#, "row `?/?`: expected an object"),
        ] {
            let error = one_model(row).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), ("bad-row", message));
        }
        assert_eq!(one_model("{").unwrap_err().code, "bad-row");
        assert_eq!(one_model(r#"{"provider":"p","id":"m","aliases":["m"]}"#).unwrap_err().code, "duplicate-name");
        let twice = "{\"provider\":\"p\",\"id\":\"m\"}\n{\"provider\":\"p\",\"id\":\"n\",\"aliases\":[\"m\"]}";
        assert_eq!(one_model(twice).unwrap_err().message, "model `m` stands twice in the catalogue");
        assert_eq!(Catalog::parse(b"", b"").unwrap_err().message, "row `header`: `format` is not 1");
        let short = Catalog::parse(b"{\"format\":1,\"models\":2}", b"").unwrap_err();
        assert_eq!(short.message, "row `header`: `models` is not the number of rows that follow");
    }

    #[test]
    fn an_absent_price_is_unknown_and_a_zero_price_is_free() {
        let unknown = one_model(r#"{"provider":"p","id":"m"}"#).unwrap();
        assert_eq!(unknown.resolve("m").unwrap().model.price, None);
        let null = one_model(r#"{"provider":"p","id":"m","price":{"in":null,"out":0}}"#).unwrap();
        let rates = null.resolve("p/m").unwrap().model.price.clone().unwrap().rates;
        assert_eq!((rates.input, rates.output), (None, Some(NanosPerMtok::FREE)));
    }

    #[test]
    fn successors_that_name_each_other_end() {
        let rows = concat!(
            r#"{"provider":"p","id":"a","status":"retired","replaced_by":"p/b"}"#,
            "\n",
            r#"{"provider":"p","id":"b","status":"retired","replaced_by":"p/a"}"#
        );
        let catalog = one_model(rows).unwrap();
        assert_eq!(catalog.replacement(catalog.resolve("a").unwrap().model), None);
    }
}
