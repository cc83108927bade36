//! Where the parts of a checked policy stand in its file.
//!
//! Promises: the n-th rule, filter, wish, fact and test of a policy without errors is the n-th of its file.

use crate::policy::diagnostics::Pos;
use crate::policy::expr::{Program, Span};
use crate::policy::source::{Node, NodeValue};

/// The value of a key.
pub(super) fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.value {
        NodeValue::Map(members) => members.iter().find(|(key, _)| key.name == name).map(|(_, node)| node),
        _ => None,
    }
}

/// Where a key stands; where its block does, when it is not there.
pub(super) fn key_pos(node: &Node, name: &str) -> Pos {
    match &node.value {
        NodeValue::Map(members) => {
            members.iter().find(|(key, _)| key.name == name).map_or(node.pos, |(key, _)| key.pos)
        }
        _ => node.pos,
    }
}

/// The items of a list; a single value is a list of one.
pub(super) fn items(node: Option<&Node>) -> Vec<&Node> {
    match node.map(|node| (node, &node.value)) {
        Some((_, NodeValue::Seq(items))) => items.iter().collect(),
        Some((node, NodeValue::Scalar { .. })) => vec![node],
        _ => Vec::new(),
    }
}

/// The block of a rule; `otherwise` behind the last.
pub(super) fn rule(root: &Node, index: usize) -> Option<&Node> {
    items(member(root, "rules")).get(index).copied().or_else(|| member(root, "otherwise"))
}

/// Where a part of an expression stands.
pub(super) fn pos_of(node: &Node, program: &Program, span: Span) -> Pos {
    node.pos_of(program.source().get(..span.start).map_or(0, |before| before.chars().count()))
}

/// A part of an expression as it was written, on one line.
pub(super) fn written(program: &Program, span: Span) -> String {
    let text = program.source().get(span.start..span.end).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= 80 {
        return text;
    }
    format!("{} ...", text.chars().take(76).collect::<String>())
}
