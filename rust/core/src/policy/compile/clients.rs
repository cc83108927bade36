//! `clients`: what the `model` of their requests means.

use super::block::{Block, items, text, word};
use crate::policy::clients::{AUTO, Alias, Clients, Target};
use crate::policy::diagnostics::{Findings, suggestion};
use crate::policy::grammar;
use crate::policy::model::Policy;
use crate::policy::source::Node;

/// Reads `clients` into a policy whose rules, pools and models are known.
pub(super) fn clients(node: &Node, policy: &Policy, findings: &mut Findings) -> Clients {
    let Some(block) = Block::open(node, "`clients`", &[grammar::CLIENTS], findings) else { return Clients::default() };
    let mut clients = Clients::default();
    if let Some(node) = block.get("models") {
        clients.models = word(node, "`models`", &grammar::NAMED_MODELS, findings).unwrap_or_default();
    }
    if let Some(node) = block.get("others") {
        clients.others_are_auto = word(node, "`others`", &grammar::OTHERS, findings).unwrap_or_default();
    }
    let Some(node) = block.get("aliases") else { return clients };
    for item in items(node, "`aliases`", false, findings) {
        let Some(block) = Block::open(item, "an alias", &[grammar::ALIAS], findings) else { continue };
        let name = block.need("name", "an alias", findings).and_then(|node| {
            let name = text(node, "`name`", findings)?;
            if name.is_empty() || name.matches('*').count() > 1 {
                let hint = "such as `gpt-4o`, or `claude-*`";
                findings.error_hint(node.pos, "bad-value", "a `name` of clients holds at most one `*`", hint);
            }
            if let Some(known) = clients.aliases.iter().find(|known| known.name == name) {
                let message = format!("`{}` has a meaning already", known.name);
                findings.error(node.pos, "duplicate-name", message);
            }
            Some(name)
        });
        let means = block.need("means", "an alias", findings).and_then(|node| means(node, policy, findings));
        if let (Some(name), Some(means)) = (name, means) {
            clients.aliases.push(Alias { name: name.to_owned(), means });
        }
    }
    clients
}

fn means(node: &Node, policy: &Policy, findings: &mut Findings) -> Option<Target> {
    let name = text(node, "`means`", findings)?;
    let target = policy.own_name(name);
    if target.is_none() {
        let names = policy.names();
        let known = [AUTO].into_iter().chain(names.iter().map(|(name, _)| name.as_str()));
        let hint = suggestion(name, known.collect::<Vec<_>>())
            .unwrap_or_else(|| "`auto`, or a rule, pool or model of this policy".to_owned());
        let message = format!("an alias means `{name}`, which this policy does not define");
        findings.error_hint(node.pos, "unknown-name", message, hint);
    }
    target
}
