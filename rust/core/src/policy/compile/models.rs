//! `models` and `pools`: the catalogue's facts, then what the file says differently.

use std::sync::Arc;

use super::block::{Block, is_name, items, money_picos, named_members, shown, text, word};
use super::reach::{key_ref, url};
use super::settings::flag;
use crate::catalog::{Auth, Catalog, Model, Price, PricePeriod, Provider, Status};
use crate::money::NanosPerMtok;
use crate::policy::diagnostics::{Findings, Pos};
use crate::policy::grammar;
use crate::policy::model::{Balance, Deployment, KeyRef, PolicyModel};
use crate::policy::source::{Key, Node, NodeValue};
use crate::quality::Evidence;
use crate::shared_str::SharedStr;
use crate::tokens::Family;
use crate::wire::Dialect;

/// How many days before its end a model is warned of.
const RETIRING_DAYS: i64 = 30;

/// Reads `models`; the deployments come flattened, in the order of the file.
pub(super) fn models(node: &Node, catalog: &Catalog, today: i64, findings: &mut Findings) -> Defined {
    let mut read = Defined::default();
    let members = named_members(node, "`models`", findings);
    if members.is_empty() && matches!(&node.value, NodeValue::Map(_)) {
        findings.error(node.pos, "empty-choice", "`models` names no model");
    }
    for (key, value) in members {
        match model(key, value, read.models.len(), catalog, today, findings) {
            Some((model, own)) => {
                read.models.push(model);
                read.deployments.extend(own);
            }
            None => read.broken.push(key.name.clone()),
        }
    }
    read
}

/// What `models` says.
#[derive(Default)]
pub(super) struct Defined {
    pub models: Vec<PolicyModel>,
    pub deployments: Vec<Deployment>,
    /// Names of models that were refused: their uses are not reported too.
    pub broken: Vec<String>,
}

fn model(
    key: &Key,
    node: &Node,
    index: usize,
    catalog: &Catalog,
    today: i64,
    findings: &mut Findings,
) -> Option<(PolicyModel, Vec<Deployment>)> {
    let what = format!("model `{}`", key.name);
    let block = match &node.value {
        NodeValue::Map(_) => Some(Block::open(node, &what, &[grammar::MODEL], findings)?),
        _ => None,
    };
    let use_node = match &block {
        Some(block) => block.need("use", &what, findings)?,
        None => node,
    };
    let full_name = text(use_node, &format!("the catalogue name of {what}"), findings)?;
    let stated = Stated::read(block.as_ref(), findings);
    let found = facts_of(full_name, use_node.pos, &what, &stated, catalog, today, findings);
    let key_of = |provider: &Provider| match &stated.key {
        Some(key) => key.clone(),
        None if provider.auth == Auth::None || provider.env.is_empty() => KeyRef::None,
        None => KeyRef::Env(provider.env.clone().into()),
    };
    let key_ref = found.as_ref().map_or(KeyRef::None, |found| key_of(found.provider));
    let default = Deployment {
        id: key.name.as_str().into(),
        name: key.name.clone(),
        model: index,
        key_label: key_ref.label().into(),
        key: key_ref,
        region: stated.region.clone(),
        base_url: found.as_ref().map(|found| found.base_url.as_str().into()).unwrap_or_default(),
        weight: 1,
        has_own_reach: stated.base_url.is_some() || stated.key.is_some() || stated.region.is_some(),
    };
    // Deployments of a model that is refused are read too, so that all findings are shown at once.
    let own = match block.as_ref().and_then(|block| block.get("deployments")) {
        Some(list) => deployments(list, &default, findings),
        None => vec![default],
    };
    let Found { facts, provider, dialect, base_url } = found?;
    let model = PolicyModel {
        alias: key.name.as_str().into(),
        provider: facts.provider.as_str().into(),
        upstream_model: facts.id.as_str().into(),
        family: facts.tokenizer_family.as_deref().map_or(Family::Unknown, Family::from_catalog),
        facts,
        dialect,
        base_url,
        auth: provider.auth,
        max_tokens_field: provider.max_tokens_field.as_str().into(),
        quirks: Arc::new(provider.quirks.clone()),
        thinking: provider.thinking.clone(),
        rank: 0,
        evidence: Evidence::Prior,
        balance: stated.balance,
        pos: key.pos,
    };
    Some((model, own))
}

/// A model of the catalogue, with what the file says differently.
struct Found<'c> {
    facts: Model,
    provider: &'c Provider,
    dialect: Dialect,
    base_url: String,
}

fn facts_of<'c>(
    full_name: &str,
    pos: Pos,
    what: &str,
    stated: &Stated,
    catalog: &'c Catalog,
    today: i64,
    findings: &mut Findings,
) -> Option<Found<'c>> {
    let (mut facts, provider) = resolve(full_name, pos, stated, catalog, today, findings)?;
    stated.apply(&mut facts);
    let dialect = dialect(stated, provider, pos, findings)?;
    let base_url = base_url(stated, provider, what, pos, findings)?;
    if facts.prices.is_empty() && stated.has_price {
        return None;
    }
    if facts.prices.is_empty() {
        findings.error_hint(
            pos,
            "unknown-price",
            format!("the price of `{full_name}` is not known"),
            "say it: `price: { input: $0.10, output: $0.40 }` per million tokens, or `price: free`",
        );
        return None;
    }
    Some(Found { facts, provider, dialect, base_url })
}

/// What the file says of a model.
#[derive(Default)]
struct Stated {
    key: Option<KeyRef>,
    region: Option<String>,
    base_url: Option<String>,
    price: Option<Price>,
    /// Whether the file says a price, be it a usable one or not.
    has_price: bool,
    context: Option<u64>,
    max_output: Option<u64>,
    dialect: Option<Dialect>,
    tools: Option<bool>,
    images: Option<bool>,
    documents: Option<bool>,
    schema: Option<bool>,
    balance: Balance,
}

impl Stated {
    fn read(block: Option<&Block<'_>>, findings: &mut Findings) -> Self {
        let Some(block) = block else { return Self::default() };
        Self {
            key: block.get("key").and_then(|node| key_ref(node, findings)),
            region: block.get("region").and_then(|node| text(node, "`region`", findings)).map(str::to_owned),
            base_url: block.get("base_url").and_then(|node| url(node, findings)),
            price: block.get("price").and_then(|node| price(node, findings)),
            has_price: block.get("price").is_some(),
            context: block.count("context", findings),
            max_output: block.count("max_output", findings),
            dialect: block.get("dialect").and_then(|node| word(node, "`dialect`", &grammar::DIALECTS, findings)),
            tools: flag(block, "tools", findings),
            images: flag(block, "images", findings),
            documents: flag(block, "documents", findings),
            schema: flag(block, "schema", findings),
            balance: block
                .get("balance")
                .and_then(|node| word(node, "`balance`", &Balance::ALL, findings))
                .unwrap_or_default(),
        }
    }

    fn apply(&self, facts: &mut Model) {
        if let Some(price) = &self.price {
            facts.prices = vec![PricePeriod::always(price.clone())];
        }
        facts.context = self.context.or(facts.context);
        facts.max_output = self.max_output.or(facts.max_output);
        facts.caps.tools = self.tools.or(facts.caps.tools);
        facts.caps.vision = self.images.or(facts.caps.vision);
        facts.caps.pdf = self.documents.or(facts.caps.pdf);
        facts.caps.structured = self.schema.or(facts.caps.structured);
    }
}

fn resolve<'c>(
    full_name: &str,
    pos: Pos,
    stated: &Stated,
    catalog: &'c Catalog,
    today: i64,
    findings: &mut Findings,
) -> Option<(Model, &'c Provider)> {
    match catalog.resolve(full_name) {
        Ok(resolved) => {
            let model = resolved.model.clone();
            lifecycle(&model, full_name, pos, today, findings);
            provider(&model.provider, pos, catalog, findings).map(|provider| (model, provider))
        }
        Err(error) => {
            let Some((provider_id, id)) = full_name.split_once('/') else {
                findings.error_hint(pos, "unknown-model", error.message, error.hint.unwrap_or_default());
                return None;
            };
            let provider = provider(provider_id, pos, catalog, findings)?;
            // A model that no catalogue knows needs its price said, and, unless it runs on the user's machine, its window.
            if !stated.has_price || (stated.context.is_none() && !provider.is_local) {
                let missing = if provider.is_local { "`price:`" } else { "`price:` and `context:`" };
                let hint = match error.hint {
                    Some(hint) if !provider.is_local => format!("{hint} Else say its {missing} here"),
                    Some(hint) => hint,
                    None => format!("say its {missing} here"),
                };
                findings.error_hint(pos, "unknown-model", error.message, hint);
                return None;
            }
            Some((Model::unlisted(&provider.id, id), provider))
        }
    }
}

fn provider<'c>(id: &str, pos: Pos, catalog: &'c Catalog, findings: &mut Findings) -> Option<&'c Provider> {
    match catalog.provider(id) {
        Ok(provider) => Some(provider),
        Err(error) => {
            findings.error_hint(pos, "unknown-provider", error.message, error.hint.unwrap_or_default());
            None
        }
    }
}

fn lifecycle(model: &Model, full_name: &str, pos: Pos, today: i64, findings: &mut Findings) {
    let ends = model.retires_on.as_deref().and_then(crate::calendar::parse_instant).map(crate::calendar::day_of);
    let replacement = model.replaced_by.as_ref().map(|name| format!("use `{name}`"));
    let on = model.retires_on.as_deref().unwrap_or("an unknown day");
    if model.status == Status::Retired || ends.is_some_and(|day| day <= today && model.status == Status::Deprecated) {
        findings.error_hint(
            pos,
            "retired-model",
            format!("`{full_name}` was retired on {on}: requests fail"),
            replacement.unwrap_or_else(|| "choose an active model".to_owned()),
        );
    } else if model.status == Status::Deprecated && ends.is_some_and(|day| day - today <= RETIRING_DAYS) {
        findings.warning(
            pos,
            "retiring-model",
            format!("`{full_name}` is retired on {on}"),
            replacement.unwrap_or_else(|| "choose a successor".to_owned()),
        );
    }
}

fn dialect(stated: &Stated, provider: &Provider, pos: Pos, findings: &mut Findings) -> Option<Dialect> {
    let found = stated.dialect.or_else(|| Dialect::from_name(provider.dialect.name()));
    if found.is_none() {
        findings.error_hint(
            pos,
            "unknown-provider",
            format!("provider `{}` speaks {}, which this version does not", provider.id, provider.dialect.name()),
            "if it also has an OpenAI-compatible endpoint, say `dialect: openai-chat` and its `base_url:`",
        );
    }
    found
}

fn base_url(stated: &Stated, provider: &Provider, what: &str, pos: Pos, findings: &mut Findings) -> Option<String> {
    if let Some(url) = &stated.base_url {
        return Some(url.clone());
    }
    match &provider.base_url {
        Some(url) if !provider.has_placeholders() => Some(url.clone()),
        _ => {
            findings.error_hint(
                pos,
                "missing-key",
                format!("{what} needs `base_url`: provider `{}` has no fixed address", provider.id),
                provider.base_url.clone().unwrap_or_else(|| "such as http://127.0.0.1:8000/v1".to_owned()),
            );
            None
        }
    }
}

/// `free`, or prices per million tokens.
fn price(node: &Node, findings: &mut Findings) -> Option<Price> {
    if node.text() == Some("free") {
        return Some(Price::free());
    }
    if node.text().is_some() {
        findings.error_hint(
            node.pos,
            "bad-value",
            format!("`price` cannot be {}", shown(node)),
            "write `free`, or { input: $0.10, output: $0.40 } per million tokens",
        );
        return None;
    }
    let block = Block::open(node, "`price`", &[grammar::PRICE], findings)?;
    let rate = |key: &str, findings: &mut Findings| {
        let picos = money_picos(block.get(key)?, &format!("`{key}`"), findings)?;
        if picos % 1000 == 0 {
            return Some(NanosPerMtok(picos / 1000));
        }
        findings.error(block.key_pos(key), "bad-value", format!("`{key}` has more than nine decimals"));
        None
    };
    let (input, output) = (rate("input", findings), rate("output", findings));
    let (read, write) = (rate("cache_read", findings), rate("cache_write", findings));
    if input.is_none() && block.get("input").is_none() {
        findings.error(block.pos, "missing-key", "`price` needs `input`");
    }
    if output.is_none() && block.get("output").is_none() {
        findings.error(block.pos, "missing-key", "`price` needs `output`");
    }
    let mut price = Price::flat(input?, output?);
    price.base.rates.cache_read = read;
    price.base.rates.cache_write_5m = write;
    Some(price)
}

fn deployments(node: &Node, default: &Deployment, findings: &mut Findings) -> Vec<Deployment> {
    let mut found: Vec<Deployment> = Vec::new();
    if matches!(&node.value, NodeValue::Seq(listed) if listed.is_empty()) {
        findings.error(node.pos, "empty-choice", "`deployments` lists none");
    }
    for item in items(node, "`deployments`", false, findings) {
        let Some(block) = Block::open(item, "a deployment", &[grammar::DEPLOYMENT], findings) else { continue };
        let Some(name) = block.need("name", "a deployment", findings).and_then(|node| text(node, "`name`", findings))
        else {
            continue;
        };
        if !is_name(name) {
            findings.error(block.key_pos("name"), "bad-value", format!("`{name}` is not a name"));
            continue;
        }
        if found.iter().any(|known| known.name == name) {
            findings.error(block.key_pos("name"), "duplicate-name", format!("two deployments are called `{name}`"));
            continue;
        }
        let weight = block.count("weight", findings).unwrap_or(1);
        let key = block.get("key").and_then(|node| key_ref(node, findings)).unwrap_or_else(|| default.key.clone());
        found.push(Deployment {
            id: format!("{}/{name}", default.name).into(),
            name: name.to_owned(),
            model: default.model,
            key_label: key.label().into(),
            key,
            region: block
                .get("region")
                .and_then(|node| text(node, "`region`", findings))
                .map(str::to_owned)
                .or_else(|| default.region.clone()),
            base_url: block
                .get("base_url")
                .and_then(|node| url(node, findings))
                .map_or_else(|| default.base_url.clone(), SharedStr::from),
            weight: u32::try_from(weight).unwrap_or(1),
            has_own_reach: default.has_own_reach
                || ["key", "region", "base_url"].iter().any(|key| block.get(key).is_some()),
        });
    }
    found
}
