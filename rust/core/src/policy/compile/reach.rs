//! How a deployment is reached: its address, and where its key comes from. A key itself never stands in a policy.

use super::block::{shown, text};
use crate::policy::diagnostics::Findings;
use crate::policy::model::KeyRef;
use crate::policy::source::Node;

/// A URL that a key may be sent to: https, or http to this machine or a private name.
pub(super) fn url(node: &Node, findings: &mut Findings) -> Option<String> {
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
pub(super) fn key_ref(node: &Node, findings: &mut Findings) -> Option<KeyRef> {
    let text = text(node, "`key`", findings)?;
    if text == "none" {
        return Some(KeyRef::None);
    }
    let name = text.strip_prefix("env:").unwrap_or_default();
    let is_variable = !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if is_variable {
        return Some(KeyRef::Env([name.to_owned()].into()));
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
