//! The policy as it stands in its file: a tree with positions, before anything in it has a meaning.
//!
//! The loader turns YAML into flat rows (depth, key, kind, text, position), so that the core needs no YAML; the tree is
//! built from them here.

use super::diagnostics::{Finding, Pos, Severity};

/// What a row or a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A block of keys.
    Map,
    /// A list.
    Seq,
    /// A scalar written without quotes.
    Plain,
    /// A scalar in quotes or a block scalar: always a string.
    Quoted,
}

impl RowKind {
    /// The kind of that name (`map`, `seq`, `plain`, `quoted`).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "map" => Some(Self::Map),
            "seq" => Some(Self::Seq),
            "plain" => Some(Self::Plain),
            "quoted" => Some(Self::Quoted),
            _ => None,
        }
    }
}

/// One value of the file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How many blocks enclose it; the root has depth 0.
    pub depth: u32,
    /// The key it stands under, with the key's position; none in a list.
    pub key: Option<(String, Pos)>,
    /// What it is.
    pub kind: RowKind,
    /// The text of a scalar.
    pub text: String,
    /// Whether YAML took the rest of the line for a comment.
    pub is_cut: bool,
    /// Where the value starts.
    pub pos: Pos,
    /// Where the pieces of a scalar's text stand when it is not all on one line just as it is: character of the text,
    /// place in the file; in order.
    pub pieces: Vec<(u32, Pos)>,
}

/// A key with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Where it starts.
    pub pos: Pos,
}

/// A value with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it starts.
    pub pos: Pos,
    /// What it holds.
    pub value: NodeValue,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeValue {
    /// A scalar; `is_plain` when it was written without quotes.
    Scalar {
        /// Its text.
        text: String,
        /// Whether it was written without quotes.
        is_plain: bool,
        /// Whether YAML took the rest of the line for a comment.
        is_cut: bool,
        /// Where the pieces of the text stand, as in [`Row::pieces`].
        pieces: Vec<(u32, Pos)>,
    },
    /// A list.
    Seq(Vec<Node>),
    /// A block of keys, in the order of the file.
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// The name of the kind, for messages.
    pub fn kind_name(&self) -> &'static str {
        match &self.value {
            NodeValue::Scalar { text, is_plain: true, .. } if is_null(text) => "nothing",
            NodeValue::Scalar { .. } => "a value",
            NodeValue::Seq(_) => "a list",
            NodeValue::Map(_) => "a block of keys",
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Where a character of a scalar's text stands in the file.
    pub fn pos_of(&self, character: usize) -> Pos {
        let wanted = u32::try_from(character).unwrap_or(u32::MAX);
        let pieces = match &self.value {
            NodeValue::Scalar { pieces, .. } => pieces.as_slice(),
            _ => &[],
        };
        let (start, pos) = pieces.iter().rev().find(|(start, _)| *start <= wanted).copied().unwrap_or((0, self.pos));
        Pos { column: pos.column.saturating_add(wanted - start), ..pos }
    }

    /// Whether this is YAML's null (`key:` with nothing behind it, `~`, `null`).
    pub fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar { text, is_plain: true, .. } if is_null(text))
    }

    /// The boolean, if this is one in YAML 1.2's core schema (`no` and `yes` are strings).
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            NodeValue::Scalar { text, is_plain: true, .. } => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// How deep blocks may nest.
const MAX_DEPTH: usize = 32;
/// How many entries one block or list may have; names are looked up by walking, so this bounds the work.
const MAX_ENTRIES: usize = 4096;

/// Builds the tree of a file from its rows.
///
/// # Errors
/// A finding when the rows do not form one tree, or nest too deep.
pub fn tree(rows: &[Row]) -> Result<Node, Finding> {
    let malformed = |pos: Pos, message: &str| Finding {
        pos,
        code: "malformed-yaml",
        message: message.to_owned(),
        hint: None,
        severity: Severity::Error,
    };
    let Some(root) = rows.first() else {
        return Err(malformed(Pos::new(1, 1), "the file is empty"));
    };
    let mut at = 1;
    let node =
        build(rows, root, &mut at).map_err(|(pos, what)| Finding { code: "too-large", ..malformed(pos, &what) })?;
    match rows.get(at) {
        None => Ok(node),
        Some(extra) => Err(malformed(extra.pos, "a value stands outside the policy's block")),
    }
}

fn build(rows: &[Row], row: &Row, at: &mut usize) -> Result<Node, (Pos, String)> {
    if usize::try_from(row.depth).unwrap_or(usize::MAX) > MAX_DEPTH {
        return Err((row.pos, format!("blocks nest deeper than {MAX_DEPTH} levels")));
    }
    let mut items = Vec::new();
    let mut members = Vec::new();
    if matches!(row.kind, RowKind::Map | RowKind::Seq) {
        while let Some(child) = rows.get(*at).filter(|child| child.depth == row.depth + 1) {
            *at += 1;
            if items.len() + members.len() >= MAX_ENTRIES {
                return Err((child.pos, format!("more than {MAX_ENTRIES} entries stand in one block")));
            }
            let node = build(rows, child, at)?;
            match &child.key {
                Some((name, pos)) => members.push((Key { name: name.clone(), pos: *pos }, node)),
                None => items.push(node),
            }
        }
    }
    let value = match row.kind {
        RowKind::Map => NodeValue::Map(members),
        RowKind::Seq => NodeValue::Seq(items),
        RowKind::Plain | RowKind::Quoted => NodeValue::Scalar {
            text: row.text.clone(),
            is_plain: row.kind == RowKind::Plain,
            is_cut: row.is_cut && row.kind == RowKind::Plain,
            pieces: row.pieces.clone(),
        },
    };
    Ok(Node { pos: row.pos, value })
}

/// The canonical form of a node: keys sorted, comments and layout gone. Equal policies have equal bytes, however many files
/// they stand in: `extends` is no part of it.
///
/// The order of `rules` and of lists is meaning and is kept; the order of keys in a block is not, except right below
/// `models` and `pools`, whose order gives ranks.
pub fn canonical(node: &Node) -> String {
    let mut out = String::new();
    write_canonical(&mut out, node, false, 0);
    out
}

fn write_canonical(out: &mut String, node: &Node, keeps_order: bool, depth: u32) {
    use crate::json::write_string;
    match &node.value {
        NodeValue::Scalar { text, is_plain, .. } => {
            // `7` and `"7"` differ in kind; `high` and `"high"` do not.
            let is_word = !is_plain || !(node.is_null() || node.as_bool().is_some() || looks_numeric(text));
            out.push_str(if is_word { "s" } else { "p" });
            write_string(out, text);
        }
        NodeValue::Seq(items) => {
            out.push('[');
            for item in items {
                write_canonical(out, item, false, depth + 1);
                out.push(',');
            }
            out.push(']');
        }
        NodeValue::Map(members) => {
            let is_meaning = |member: &&(Key, Node)| depth > 0 || member.0.name != "extends";
            let mut order: Vec<&(Key, Node)> = members.iter().filter(is_meaning).collect();
            if !keeps_order {
                order.sort_by(|a, b| a.0.name.cmp(&b.0.name));
            }
            out.push('{');
            for (key, value) in order {
                write_string(out, &key.name);
                out.push(':');
                let keeps = depth == 0 && matches!(key.name.as_str(), "models" | "pools");
                write_canonical(out, value, keeps, depth + 1);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn looks_numeric(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'))
        && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(depth: u32, key: Option<&str>, kind: RowKind, text: &str) -> Row {
        let pos = Pos::new(1, 1);
        Row {
            depth,
            key: key.map(|key| (key.to_owned(), pos)),
            kind,
            text: text.to_owned(),
            is_cut: false,
            pos,
            pieces: Vec::new(),
        }
    }

    #[test]
    fn rows_become_a_tree() {
        let rows = [
            row(0, None, RowKind::Map, ""),
            row(1, Some("a"), RowKind::Seq, ""),
            row(2, None, RowKind::Plain, "x"),
            row(2, None, RowKind::Map, ""),
            row(3, Some("k"), RowKind::Quoted, "7"),
            row(1, Some("b"), RowKind::Plain, "7"),
        ];
        assert_eq!(canonical(&tree(&rows).unwrap()), r#"{"a":[s"x",{"k":s"7",},],"b":p"7",}"#);
    }

    #[test]
    fn stray_rows_and_depth_are_refused() {
        assert_eq!(tree(&[]).unwrap_err().code, "malformed-yaml");
        let two = [row(0, None, RowKind::Plain, "a"), row(0, None, RowKind::Plain, "b")];
        assert_eq!(tree(&two).unwrap_err().code, "malformed-yaml");
        let deep: Vec<Row> = (0..1000).map(|depth| row(depth, None, RowKind::Seq, "")).collect();
        assert_eq!(tree(&deep).unwrap_err().code, "too-large");
    }

    #[test]
    fn key_order_does_not_change_the_canonical_form() {
        let one = [
            row(0, None, RowKind::Map, ""),
            row(1, Some("a"), RowKind::Plain, "x"),
            row(1, Some("b"), RowKind::Plain, "y"),
        ];
        let two = [
            row(0, None, RowKind::Map, ""),
            row(1, Some("b"), RowKind::Quoted, "y"),
            row(1, Some("a"), RowKind::Plain, "x"),
        ];
        assert_eq!(canonical(&tree(&one).unwrap()), canonical(&tree(&two).unwrap()));
    }
}
