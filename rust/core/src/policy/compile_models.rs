//! `models` and `pools`: the catalogue's facts, then what the file says differently.

use super::block::{Block, count, is_name, items, money_picos, named_members, shown, text, word};
use super::compile::flag;
use super::diagnostics::{Findings, Pos, suggestion};
use super::model::{Deployment, KeyRef, PolicyModel, Pool};
use super::source::{Key, Node, NodeValue};
use crate::catalog::{Auth, Catalog, Model, Price, Provider, Status};
use crate::money::NanosPerMtok;
use crate::wire::Dialect;

const MODEL_KEYS: [&str; 13] = [
    "use",
    "deployments",
    "key",
    "region",
    "base_url",
    "price",
    "context",
    "max_output",
    "dialect",
    "tools",
    "images",
    "documents",
    "schema",
];
const DEPLOYMENT_KEYS: [&str; 5] = ["name", "key", "region", "base_url", "weight"];
const DIALECTS: [(&str, Dialect); 2] =
    [("openai-chat", Dialect::OpenAiChat), ("anthropic-messages", Dialect::AnthropicMessages)];

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
        NodeValue::Map(_) => Some(Block::open(node, &what, &MODEL_KEYS, findings)?),
        _ => None,
    };
    let use_node = match &block {
        Some(block) => block.need("use", &what, findings)?,
        None => node,
    };
    let full_name = text(use_node, &format!("the catalogue name of {what}"), findings)?;
    let stated = Stated::read(block.as_ref(), findings);
    let (mut facts, provider) = resolve(full_name, use_node.pos, &stated, catalog, today, findings)?;
    stated.apply(&mut facts);
    let dialect = dialect(&stated, provider, use_node.pos, findings)?;
    let base_url = base_url(&stated, provider, &what, use_node.pos, findings)?;
    let default_key = match &stated.key {
        Some(key) => key.clone(),
        None if provider.auth == Auth::None || provider.env.is_empty() => KeyRef::None,
        None => KeyRef::Env(provider.env.clone()),
    };
    if facts.price.is_none() && stated.has_price {
        return None;
    }
    if facts.price.is_none() {
        findings.error_hint(
            use_node.pos,
            "unknown-price",
            format!("the price of `{full_name}` is not known"),
            "say it: `price: { input: $0.10, output: $0.40 }` per million tokens, or `price: free`",
        );
        return None;
    }
    let default = Deployment {
        id: key.name.clone(),
        name: key.name.clone(),
        model: index,
        key: default_key,
        region: stated.region.clone(),
        base_url: base_url.clone(),
        weight: 1,
    };
    let own = match block.as_ref().and_then(|block| block.get("deployments")) {
        Some(list) => deployments(list, &default, findings),
        None => vec![default],
    };
    let model = PolicyModel {
        alias: key.name.clone(),
        facts,
        dialect,
        base_url,
        auth: provider.auth,
        max_tokens_field: provider.max_tokens_field.clone(),
        rank: 0,
        pos: key.pos,
    };
    Some((model, own))
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
            context: block.get("context").and_then(|node| count(node, "`context`", 1, 1_000_000_000, findings)),
            max_output: block
                .get("max_output")
                .and_then(|node| count(node, "`max_output`", 1, 1_000_000_000, findings)),
            dialect: block.get("dialect").and_then(|node| word(node, "`dialect`", &DIALECTS, findings)),
            tools: flag(block, "tools", findings),
            images: flag(block, "images", findings),
            documents: flag(block, "documents", findings),
            schema: flag(block, "schema", findings),
        }
    }

    fn apply(&self, facts: &mut Model) {
        if let Some(price) = &self.price {
            facts.price = Some(price.clone());
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
    let ends = model.retires_on.as_deref().and_then(super::calendar::parse_instant).map(super::calendar::day_of);
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

/// A URL that a key may be sent to: https, or http to this machine or a private name.
fn url(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = text(node, "`base_url`", findings)?;
    let open = text.strip_prefix("http://");
    if let Some(host) = open.filter(|rest| !is_near(rest)) {
        findings.error_hint(
            node.pos,
            "bad-value",
            format!(
                "`base_url` would send keys and prompts to `{}` unencrypted",
                host.split('/').next().unwrap_or(host)
            ),
            "write https://; http is for this machine and private networks",
        );
        return None;
    }
    let host = text.strip_prefix("https://").or(open);
    match host {
        Some(host) if !host.is_empty() && !host.contains(['@', ' ', '#', '?']) => {
            Some(text.trim_end_matches('/').to_owned())
        }
        _ => {
            findings.error_hint(
                node.pos,
                "bad-value",
                format!("`base_url` cannot be {}", shown(node)),
                "an address such as https://api.example.com/v1, without user, query or fragment",
            );
            None
        }
    }
}

/// Whether an address is this machine, a private network, or a name without a public domain.
fn is_near(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.starts_with('[') {
        return authority.starts_with("[::1]") || authority.starts_with("[fc") || authority.starts_with("[fd");
    }
    let host = authority.split(':').next().unwrap_or_default();
    if let Ok(address) = host.parse::<core::net::Ipv4Addr>() {
        return address.is_loopback() || address.is_private() || address.is_link_local();
    }
    // An empty or broken address is reported as such, not as a public one.
    let ends = [".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test"];
    !host.contains('.') || host.contains('@') || ends.iter().any(|end| host.ends_with(end))
}

/// `env:NAME` or `none`; a key itself never stands in a policy.
fn key_ref(node: &Node, findings: &mut Findings) -> Option<KeyRef> {
    let text = text(node, "`key`", findings)?;
    if text == "none" {
        return Some(KeyRef::None);
    }
    let name = text.strip_prefix("env:").unwrap_or_default();
    let is_variable = !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if is_variable {
        return Some(KeyRef::Env(vec![name.to_owned()]));
    }
    if text.contains('_') && text.chars().all(|character| character.is_ascii_uppercase() || character == '_') {
        let hint = format!("write `key: env:{text}`");
        findings.error_hint(node.pos, "bad-value", format!("`key` cannot be `{text}`"), hint);
        return None;
    }
    // The text may be a key: it is not repeated in the message.
    findings.error_hint(
        node.pos,
        if text.starts_with("env:") { "bad-value" } else { "secret-in-file" },
        "`key` must name an environment variable, not hold a key",
        "write `key: env:NAME`, or `key: none`",
    );
    None
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
    let block = Block::open(node, "`price`", &["input", "output", "cache_read", "cache_write"], findings)?;
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
    price.rates.cache_read = read;
    price.rates.cache_write_5m = write;
    Some(price)
}

fn deployments(node: &Node, default: &Deployment, findings: &mut Findings) -> Vec<Deployment> {
    let mut found: Vec<Deployment> = Vec::new();
    if matches!(&node.value, NodeValue::Seq(listed) if listed.is_empty()) {
        findings.error(node.pos, "empty-choice", "`deployments` lists none");
    }
    for item in items(node, "`deployments`", false, findings) {
        let Some(block) = Block::open(item, "a deployment", &DEPLOYMENT_KEYS, findings) else { continue };
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
        let weight = block.get("weight").and_then(|node| count(node, "`weight`", 0, 1000, findings)).unwrap_or(1);
        found.push(Deployment {
            id: format!("{}/{name}", default.name),
            name: name.to_owned(),
            model: default.model,
            key: block.get("key").and_then(|node| key_ref(node, findings)).unwrap_or_else(|| default.key.clone()),
            region: block
                .get("region")
                .and_then(|node| text(node, "`region`", findings))
                .map(str::to_owned)
                .or_else(|| default.region.clone()),
            base_url: block
                .get("base_url")
                .and_then(|node| url(node, findings))
                .unwrap_or_else(|| default.base_url.clone()),
            weight: u32::try_from(weight).unwrap_or(1),
        });
    }
    found
}

/// Reads `pools`.
pub(super) fn pools(node: &Node, models: &Defined, findings: &mut Findings) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for (key, value) in named_members(node, "`pools`", findings) {
        if models.models.iter().any(|model| model.alias == key.name) {
            findings.error(key.pos, "duplicate-name", format!("`{}` is a model already", key.name));
            continue;
        }
        let members = model_list(value, &format!("pool `{}`", key.name), models, &pools, findings);
        pools.push(Pool { name: key.name.clone(), models: members });
    }
    pools
}

/// A list of models: names of models, or of pools, which stand for their members.
pub(super) fn model_list(
    node: &Node,
    what: &str,
    Defined { models, broken, .. }: &Defined,
    pools: &[Pool],
    findings: &mut Findings,
) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    if matches!(&node.value, NodeValue::Seq(listed) if listed.is_empty()) {
        findings.error(node.pos, "empty-choice", format!("{what} names no model"));
    }
    for item in items(node, what, true, findings) {
        let Some(name) = text(item, &format!("a member of {what}"), findings) else { continue };
        let members = match pools.iter().find(|pool| pool.name == name) {
            Some(pool) => pool.models.clone(),
            None => {
                if let Some(index) = models.iter().position(|model| model.alias == name) {
                    vec![index]
                } else if models.is_empty() || broken.iter().any(|broken| broken == name) {
                    // Reported where the models are.
                    continue;
                } else {
                    let known = models
                        .iter()
                        .map(|model| model.alias.as_str())
                        .chain(pools.iter().map(|pool| pool.name.as_str()));
                    let hint = suggestion(name, known.collect::<Vec<_>>())
                        .unwrap_or_else(|| "a model or pool that this policy defines".to_owned());
                    findings.error_hint(
                        item.pos,
                        "unknown-name",
                        format!("{what} names `{name}`, which is not defined"),
                        hint,
                    );
                    continue;
                }
            }
        };
        for member in members {
            if found.contains(&member) {
                let twice = models.get(member).map_or(name, |model| model.alias.as_str());
                findings.error(item.pos, "duplicate-name", format!("{what} names model `{twice}` twice"));
            } else {
                found.push(member);
            }
        }
    }
    found
}
