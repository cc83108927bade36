//! A policy laid over the one that it extends: two trees in, one out, every node with the place that it came from.
//!
//! Promises: what the extending file says wins; what it does not say stays as it is in the base. `models`, `pools` and
//! `facts` go by key, `rules`, `require`, `tests`, `experiments`, `budgets` and `limits` by name: a known name is replaced in its place, so that ranks
//! and the order of rules stay; new ones stand behind, and new rules in front, since the first that matches wins. Every
//! other block is taken whole.
//!
//! Refuses nothing: what is wrong in either file (a key or a name that stands twice, a list where a block belongs) is in
//! the result, for the compiler to report.
//!
//! A test breaks it with a part of a base that is lost without being named, or a mistake that the merge hides.

use super::diagnostics::Pos;
use super::source::{Key, Node, NodeValue};

/// Where names go that the base does not have.
#[derive(Clone, Copy)]
enum New {
    InFront,
    Behind,
}

/// Lays `own` over `base`.
pub(super) fn extend(own: Node, base: Node) -> Node {
    let pos = own.pos;
    match (own.value, base.value) {
        (NodeValue::Map(own), NodeValue::Map(base)) => {
            Node { pos, value: NodeValue::Map(by_key(own, base, |key, own, base| block(&key.name, own, base))) }
        }
        // Whichever is no block is reported.
        (NodeValue::Map(_), value) => Node { pos: base.pos, value },
        (value, _) => Node { pos, value },
    }
}

fn block(name: &str, own: Node, base: Node) -> Node {
    let pos = own.pos;
    match (name, own.value, base.value) {
        ("models" | "pools" | "facts", NodeValue::Map(own), NodeValue::Map(base)) => {
            Node { pos, value: NodeValue::Map(by_key(own, base, |_, own, _| own)) }
        }
        ("rules", NodeValue::Seq(own), NodeValue::Seq(base)) => list(pos, own, base, New::InFront),
        ("require" | "tests" | "experiments" | "budgets" | "limits", NodeValue::Seq(own), NodeValue::Seq(base)) => {
            list(pos, own, base, New::Behind)
        }
        ("models" | "pools" | "facts", NodeValue::Map(_), value)
        | ("rules" | "require" | "tests" | "experiments" | "budgets" | "limits", NodeValue::Seq(_), value) => {
            Node { pos: base.pos, value }
        }
        (_, value, _) => Node { pos, value },
    }
}

/// The members of both. A key that stands twice in the own file stays twice.
fn by_key(own: Vec<(Key, Node)>, base: Vec<(Key, Node)>, both: impl Fn(&Key, Node, Node) -> Node) -> Vec<(Key, Node)> {
    let mut left: Vec<Option<(Key, Node)>> = own.into_iter().map(Some).collect();
    let mut merged: Vec<(Key, Node)> = Vec::with_capacity(base.len());
    for (base_key, base_node) in base {
        let same = left.iter_mut().find(|row| row.as_ref().is_some_and(|(key, _)| key.name == base_key.name));
        merged.push(match same.and_then(Option::take) {
            Some((key, node)) => {
                let node = both(&key, node, base_node);
                (key, node)
            }
            None => (base_key, base_node),
        });
    }
    merged.extend(left.into_iter().flatten());
    merged
}

/// The items of both. A name that stands twice in one file stays twice.
fn list(pos: Pos, own: Vec<Node>, base: Vec<Node>, new: New) -> Node {
    let mut left: Vec<Option<Node>> = own.into_iter().map(Some).collect();
    let mut merged: Vec<Node> = Vec::with_capacity(base.len());
    for item in base {
        let same = name_of(&item)
            .and_then(|name| left.iter_mut().find(|row| row.as_ref().and_then(name_of).is_some_and(|own| own == name)));
        merged.push(same.and_then(Option::take).unwrap_or(item));
    }
    let left = left.into_iter().flatten();
    let items = match new {
        New::InFront => left.chain(merged).collect(),
        New::Behind => merged.into_iter().chain(left).collect(),
    };
    Node { pos, value: NodeValue::Seq(items) }
}

fn name_of(item: &Node) -> Option<&str> {
    match &item.value {
        NodeValue::Map(members) => members.iter().find(|(key, _)| key.name == "name").and_then(|(_, node)| node.text()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::source::canonical;
    use super::*;

    fn text(text: &str) -> Node {
        let value = NodeValue::Scalar { text: text.to_owned(), is_plain: true, is_cut: false, pieces: Vec::new() };
        Node { pos: Pos::default(), value }
    }

    fn map(file: u32, members: Vec<(&str, Node)>) -> Node {
        let pos = Pos { file, line: 1, column: 1 };
        let members = members.into_iter().map(|(name, node)| (Key { name: name.to_owned(), pos }, node)).collect();
        Node { pos, value: NodeValue::Map(members) }
    }

    fn seq(items: Vec<Node>) -> Node {
        Node { pos: Pos::default(), value: NodeValue::Seq(items) }
    }

    fn named(name: &str, said: &str) -> Node {
        map(0, vec![("name", text(name)), ("x", text(said))])
    }

    #[test]
    fn a_known_name_keeps_its_place_and_new_ones_have_theirs() {
        for (block, order) in [("rules", ["c", "a", "b"]), ("require", ["a", "b", "c"]), ("tests", ["a", "b", "c"])] {
            let base = map(1, vec![(block, seq(vec![named("a", "base"), named("b", "base")]))]);
            let own = map(0, vec![(block, seq(vec![named("c", "own"), named("b", "own")]))]);
            let said = |name: &str| named(name, if name == "a" { "base" } else { "own" });
            let expected = map(0, vec![(block, seq(order.into_iter().map(said).collect()))]);
            assert_eq!(canonical(&extend(own, base)), canonical(&expected), "{block}");
        }
    }

    #[test]
    fn keys_of_definitions_go_one_by_one_and_other_blocks_whole() {
        let models = |members| map(0, vec![("models", map(0, members))]);
        let merged = extend(
            models(vec![("new", text("own")), ("b", text("own"))]),
            models(vec![("a", text("base")), ("b", text("base"))]),
        );
        let expected = models(vec![("a", text("base")), ("b", text("own")), ("new", text("own"))]);
        assert_eq!(canonical(&merged), canonical(&expected));
        let run = |members| map(0, vec![("run", map(0, members))]);
        let own = run(vec![("deadline", text("1s"))]);
        assert_eq!(canonical(&extend(own.clone(), run(vec![("spend", text("$1"))]))), canonical(&own));
    }

    #[test]
    fn mistakes_of_either_file_stay_to_be_reported() {
        let twice = map(0, vec![("run", text("1")), ("run", text("2"))]);
        let NodeValue::Map(members) = extend(twice, map(1, vec![("run", text("3"))])).value else { unreachable!() };
        assert_eq!(members.len(), 2);
        let own = map(0, vec![("rules", seq(vec![named("a", "1"), named("a", "2")]))]);
        let base = map(1, vec![("rules", seq(vec![named("a", "3")]))]);
        let NodeValue::Map(members) = extend(own, base).value else { unreachable!() };
        assert!(matches!(&members.first().unwrap().1.value, NodeValue::Seq(items) if items.len() == 2));
        let base = map(1, vec![("rules", text("nothing"))]);
        let NodeValue::Map(members) = extend(map(0, vec![("rules", seq(Vec::new()))]), base).value else {
            unreachable!()
        };
        assert_eq!(members.first().unwrap().1.text(), Some("nothing"));
    }
}
