//! The table as JSON Schema (draft 2020-12), for editors: completion, descriptions, and a line under what is wrong.
//!
//! It speaks of values as YAML 1.2 reads them: `8000` is a number there, `8k` and `$0.25` are texts. Whatever the compiler
//! accepts is valid by it. It cannot say everything: that names are defined, that expressions have types.

use super::table::{GIVEN, POLICY, given_facts};
use super::{BOUNDS, KeyRow, Shape};
use crate::json::{ObjectWriter, write_string};
use crate::policy::expr::{FUNCTIONS, KEYWORDS};
use crate::policy::facts::{FACTS, Scope};

/// The schema of a policy file, as JSON text.
pub fn json_schema() -> String {
    let mut out = String::new();
    let mut root = ObjectWriter::new(&mut out);
    root.string("$schema", "https://json-schema.org/draft/2020-12/schema")
        .string("title", "Turnout policy")
        .string("description", "A policy of Turnout: which model answers which request, and what follows a failure.");
    block(&mut root, POLICY.iter());
    root.end();
    out
}

const NAME: &str = "^[A-Za-z][A-Za-z0-9._-]{0,63}$";
const FACT_NAME: &str = "^[A-Za-z][A-Za-z0-9_]{0,63}$";
const COUNT: &str = r"^[0-9_]+(\.[0-9_]*)?[kM]?$";
const SHARE: &str = r"^\s*[0-9]+(\.[0-9]*)?\s*%?\s*$";
const FACTOR: &str = r"^\s*[0-9]+(\.[0-9]*)?\s*[x%]?\s*$";
const DURATION: &str = r"^\s*[0-9]+(\.[0-9]*)?\s*(ms|s|m|h|d)$";
const MONEY: &str = r"^\$\s*[0-9]+(\.[0-9]*)?\s*$";
const SPEND: &str = r"^\s*\$\s*[0-9]+(\.[0-9]*)?\s*/\s*(hour|day|week|month|[0-9.]+\s*(ms|s|m|h|d))\s*$";
const RATE: &str =
    r"^\s*(\$\s*)?[0-9_]+(\.[0-9_]*)?[kM]?\s*/\s*(s|second|min|minute|h|hour|d|day|[0-9.]+\s*(ms|s|m|h|d))\s*$";
const MOMENT: &str = r"^\+?[0-9]+-\+?[0-9]+-\+?[0-9]+(T\+?[0-9]+:\+?[0-9]+(:\+?[0-9]+)?Z)?$";

/// Keys that stand for others: what a base says need not be said again, and a property needs no request.
const INSTEAD: [(&str, &[&str]); 2] = [("extends", &["name", "models", "otherwise"]), ("for_any", &["given"])];

fn block<'r>(schema: &mut ObjectWriter<'_>, rows: impl Iterator<Item = &'r KeyRow> + Clone) {
    schema.string("type", "object").raw("additionalProperties", false);
    let others = INSTEAD.iter().find(|(key, _)| rows.clone().any(|row| row.name == *key));
    let spared = others.map_or(&[][..], |(_, spared)| spared);
    let needed: Vec<&str> =
        rows.clone().filter(|row| row.is_needed && !spared.contains(&row.name)).map(|row| row.name).collect();
    if !needed.is_empty() {
        schema.raw("required", words(&needed));
    }
    if let Some((key, spared)) = others {
        schema.array("anyOf", |either| {
            for keys in [spared, &[*key][..]] {
                either.object(|one| {
                    one.raw("required", words(keys));
                });
            }
        });
    }
    if BOUNDS.iter().all(|key| rows.clone().any(|row| row.name == *key)) {
        schema.array("anyOf", |either| {
            for key in BOUNDS {
                either.object(|one| {
                    one.raw("required", words(&[key]));
                });
            }
        });
    }
    schema.object("properties", |properties| {
        for row in rows {
            properties.object(row.name, |property| {
                property.string("description", &described(row));
                shape(property, row.shape);
            });
        }
    });
}

/// What hovers show: what the key says, and for expressions what may stand in one.
fn described(row: &KeyRow) -> String {
    match expression_of(row.shape) {
        Some(scope) => format!("{}\n\n{}", row.doc, grammar(scope)),
        None => row.doc.to_owned(),
    }
}

fn expression_of(shape: Shape) -> Option<Scope> {
    match shape {
        Shape::Expression(scope) => Some(scope),
        Shape::OneOrMany(inner) | Shape::Facts(inner) => expression_of(*inner),
        _ => None,
    }
}

fn grammar(scope: Scope) -> String {
    let facts: Vec<&str> = FACTS.iter().filter(|row| row.scope <= scope).map(|row| row.name).collect();
    let functions: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
    format!(
        "An expression: comparisons (== != < <= > >=), and, or, not; in [\"a\", \"b\"]; in 1k..8k, in 22:00..06:00 UTC; \
         x is known, x ?? default. Numbers take %, k and M, durations ms s m h d, money a $, texts stand in quotes. \
         Functions: {}. Facts: {}, meta.NAME, \
         budget.NAME.used and .left, and those under `facts`.",
        functions.join(", "),
        facts.join(", ")
    )
}

fn shape(schema: &mut ObjectWriter<'_>, of: Shape) {
    match of {
        Shape::Version => {
            schema.raw("enum", "[1,\"1\"]");
        }
        Shape::Text | Shape::Expression(_) => {
            schema.raw("type", r#"["string","number","boolean"]"#);
        }
        Shape::Prose => {
            schema.raw("type", r#"["string","number","boolean","null"]"#);
        }
        // `true` is a name that YAML reads as something else.
        Shape::Name => {
            schema.raw("type", r#"["string","boolean"]"#).string("pattern", NAME);
        }
        Shape::Url => text(schema, "^https?://[^@ #?]+$"),
        Shape::KeyRef => text(schema, "^(none|env:[A-Za-z_][A-Za-z0-9_]*)$"),
        Shape::HostCheck => text(schema, r"^check\.[A-Za-z][A-Za-z0-9._-]{0,63}$"),
        Shape::Moment => text(schema, MOMENT),
        Shape::Duration => text(schema, DURATION),
        Shape::Money => text(schema, MONEY),
        Shape::Spend => text(schema, SPEND),
        Shape::Rate => text(schema, RATE),
        Shape::Bool => {
            schema.string("type", "boolean");
        }
        Shape::Count(low, high) => {
            schema.raw("type", r#"["integer","string"]"#).raw("minimum", low).raw("maximum", high);
            schema.string("pattern", COUNT);
        }
        Shape::Share => {
            schema.raw("type", r#"["number","string"]"#).raw("minimum", 0).raw("maximum", 1);
            schema.string("pattern", SHARE);
        }
        Shape::Factor => {
            schema.raw("type", r#"["number","string"]"#).raw("minimum", 0).string("pattern", FACTOR);
        }
        Shape::Words(of) => {
            schema.raw("enum", words(&of()));
        }
        Shape::Unknown => {
            schema.raw("enum", words(&["unknown"]));
        }
        Shape::OneOf(shapes) => {
            schema.raw("anyOf", array(shapes.iter().map(|each| object(*each))));
        }
        Shape::OneOrMany(inner) => one_or_many(schema, *inner, 0),
        Shape::Models => one_or_many(schema, Shape::Text, 1),
        Shape::List(inner) => list(schema, *inner, 0),
        Shape::Some(inner) => list(schema, *inner, 1),
        Shape::Named(inner) => {
            schema.string("type", "object").raw("propertyNames", format!("{{\"pattern\":{}}}", quoted(NAME)));
            schema.raw("additionalProperties", object(*inner));
        }
        Shape::Facts(inner) => {
            let taken: Vec<&str> =
                KEYWORDS.iter().copied().chain(FACTS.iter().map(|row| row.name)).chain(["meta"]).collect();
            let names = format!("{{\"pattern\":{},\"not\":{{\"enum\":{}}}}}", quoted(FACT_NAME), words(&taken));
            schema.string("type", "object").raw("propertyNames", names);
            schema.raw("additionalProperties", object(*inner));
        }
        Shape::Block(keys) => block(schema, keys.iter().flat_map(|rows| rows.iter())),
        Shape::Given => {
            let facts = given_facts();
            block(schema, GIVEN.iter().chain(&facts));
        }
    }
}

fn text(schema: &mut ObjectWriter<'_>, pattern: &str) {
    schema.string("type", "string").string("pattern", pattern);
}

fn list(schema: &mut ObjectWriter<'_>, inner: Shape, least: u8) {
    schema.string("type", "array");
    if least > 0 {
        schema.raw("minItems", least);
    }
    schema.raw("items", object(inner));
}

fn one_or_many(schema: &mut ObjectWriter<'_>, inner: Shape, least: u8) {
    let mut many = String::new();
    let mut writer = ObjectWriter::new(&mut many);
    list(&mut writer, inner, least);
    writer.end();
    schema.raw("anyOf", array([object(inner), many].into_iter()));
}

fn object(of: Shape) -> String {
    let mut out = String::new();
    let mut writer = ObjectWriter::new(&mut out);
    shape(&mut writer, of);
    writer.end();
    out
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn words(of: &[&str]) -> String {
    array(of.iter().map(|word| quoted(word)))
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every block of the schema refuses what it does not know, and every key says what it is.
    fn examine(schema: &serde_json::Value, seen: &mut usize) {
        if let Some(properties) = schema.get("properties").and_then(|value| value.as_object()) {
            assert_eq!(schema["additionalProperties"], serde_json::json!(false));
            for (name, property) in properties {
                *seen += 1;
                assert!(property["description"].as_str().unwrap().len() > 10, "{name}");
                examine(property, seen);
            }
        }
        for key in ["items", "additionalProperties"] {
            schema.get(key).into_iter().for_each(|inner| examine(inner, seen));
        }
        for inner in schema.get("anyOf").and_then(|value| value.as_array()).into_iter().flatten() {
            examine(inner, seen);
        }
    }

    #[test]
    fn every_key_is_described_and_every_block_is_closed() {
        let schema: serde_json::Value = serde_json::from_str(&json_schema()).unwrap();
        let mut seen = 0;
        examine(&schema, &mut seen);
        assert!(seen > 100, "{seen}");
    }
}
