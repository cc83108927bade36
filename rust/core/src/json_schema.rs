//! Whether a value is of a JSON Schema: the part of the language that providers take for structured answers.
//!
//! Promises: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`, `prefixItems`, `anyOf`,
//! `oneOf`, `allOf`, `not`, `$ref` inside the schema (`#`, `#/...`), and the bounds on numbers, lengths, items and
//! properties; at most [`MAX_STEPS`] steps for any pair. Keywords that it does not know hold (`pattern`, `format`).
//!
//! Refuses: to answer when the steps run out: then the value does not conform, as unsure goes up.
//!
//! A test breaks it with a value that a full validator judges otherwise by those keywords.

use crate::json::Value;

/// How many pairs of a value and a schema are looked at.
pub const MAX_STEPS: u32 = 100_000;

/// How deep schemas may refer to each other over one value.
const MAX_DEPTH: u32 = 64;

/// Whether a value conforms to a schema.
pub fn conforms(value: &Value<'_>, schema: &Value<'_>) -> bool {
    let mut check = Check { root: schema, steps: MAX_STEPS };
    check.holds(value, schema, 0) && check.steps > 0
}

struct Check<'s, 'v> {
    root: &'s Value<'v>,
    steps: u32,
}

impl<'s, 'v> Check<'s, 'v> {
    fn holds(&mut self, value: &Value<'_>, schema: &Value<'_>, depth: u32) -> bool {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || depth > MAX_DEPTH {
            self.steps = 0;
            return false;
        }
        match schema {
            Value::Bool(any) => *any,
            Value::Object(keywords) => {
                keywords.iter().all(|(keyword, said)| self.keyword(value, keyword, said, schema, depth))
            }
            _ => true,
        }
    }

    fn keyword(&mut self, value: &Value<'_>, keyword: &str, said: &Value<'_>, schema: &Value<'_>, depth: u32) -> bool {
        let deeper = depth + 1;
        match keyword {
            "type" => match said {
                Value::String(kind) => is_of(value, kind),
                kinds => kinds.items().iter().filter_map(Value::as_str).any(|kind| is_of(value, kind)),
            },
            "enum" => said.items().iter().any(|one| is_equal(value, one)),
            "const" => is_equal(value, said),
            "anyOf" => said.items().iter().any(|one| self.holds(value, one, deeper)),
            "allOf" => said.items().iter().all(|one| self.holds(value, one, deeper)),
            "oneOf" => said.items().iter().filter(|one| self.holds(value, one, deeper)).count() == 1,
            "not" => !self.holds(value, said, deeper),
            "$ref" => match said.as_str().and_then(|path| self.target(path)) {
                Some(target) => self.holds(value, target, deeper),
                None => true,
            },
            "properties" => value.members().iter().all(|(name, inner)| match said.get(name) {
                Some(schema) => self.holds(inner, schema, deeper),
                None => true,
            }),
            "required" if matches!(value, Value::Object(_)) => {
                said.items().iter().filter_map(Value::as_str).all(|name| member(value, name).is_some())
            }
            "additionalProperties" => {
                let known = schema.get("properties");
                let patterns = schema.get("patternProperties").is_some();
                patterns
                    || value.members().iter().all(|(name, inner)| {
                        known.and_then(|known| known.get(name)).is_some() || self.holds(inner, said, deeper)
                    })
            }
            "items" => {
                let first = schema.get("prefixItems").map_or(0, |prefix| prefix.items().len());
                value.items().iter().skip(first).all(|inner| self.holds(inner, said, deeper))
            }
            "prefixItems" => {
                value.items().iter().zip(said.items()).all(|(inner, schema)| self.holds(inner, schema, deeper))
            }
            _ => is_within(value, keyword, said),
        }
    }

    /// What a reference inside the schema means.
    fn target(&self, path: &str) -> Option<&'s Value<'v>> {
        let steps = path.strip_prefix('#')?;
        steps.split('/').skip(1).try_fold(self.root, |at, step| {
            let step = step.replace("~1", "/").replace("~0", "~");
            at.get(&step).or_else(|| at.items().get(step.parse::<usize>().ok()?))
        })
    }
}

/// A member, also one that is null.
fn member<'m, 'v>(object: &'m Value<'v>, key: &str) -> Option<&'m Value<'v>> {
    object.members().iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

fn is_of(value: &Value<'_>, kind: &str) -> bool {
    match kind {
        "object" => matches!(value, Value::Object(_)),
        "array" => matches!(value, Value::Array(_)),
        "string" => matches!(value, Value::String(_)),
        "boolean" => matches!(value, Value::Bool(_)),
        "null" => matches!(value, Value::Null),
        "number" => matches!(value, Value::Number(_)),
        "integer" => value.as_number().is_some_and(|number| number.as_f64().fract() == 0.0),
        _ => true,
    }
}

/// Equal as JSON: numbers by value, objects in any order.
fn is_equal(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.0 == other.0 || is_same_number(one.as_f64(), other.as_f64()),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(members), Value::Object(others)) => {
            members.len() == others.len()
                && members.iter().all(|(key, one)| member(other, key).is_some_and(|other| is_equal(one, other)))
        }
        (one, other) => one == other,
    }
}

#[allow(clippy::float_cmp, reason = "the same number in two spellings is the same float")]
fn is_same_number(one: f64, other: f64) -> bool {
    one == other
}

/// Bounds; a keyword for another kind of value holds.
fn is_within(value: &Value<'_>, keyword: &str, said: &Value<'_>) -> bool {
    let Some(bound) = said.as_number() else { return true };
    let bound = bound.as_f64();
    let count = |count: usize| count as f64;
    match (keyword, value) {
        ("minimum", Value::Number(number)) => number.as_f64() >= bound,
        ("maximum", Value::Number(number)) => number.as_f64() <= bound,
        ("exclusiveMinimum", Value::Number(number)) => number.as_f64() > bound,
        ("exclusiveMaximum", Value::Number(number)) => number.as_f64() < bound,
        ("minLength", Value::String(text)) => count(text.chars().count()) >= bound,
        ("maxLength", Value::String(text)) => count(text.chars().count()) <= bound,
        ("minItems", Value::Array(items)) => count(items.len()) >= bound,
        ("maxItems", Value::Array(items)) => count(items.len()) <= bound,
        ("minProperties", Value::Object(members)) => count(members.len()) >= bound,
        ("maxProperties", Value::Object(members)) => count(members.len()) <= bound,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, schema: &str) -> bool {
        conforms(&Value::parse(value.as_bytes()).unwrap(), &Value::parse(schema.as_bytes()).unwrap())
    }

    #[test]
    fn each_keyword_holds_and_breaks() {
        for (schema, good, bad) in [
            (r#"{"type":"integer"}"#, "3.0", "3.5"),
            (r#"{"type":["string","null"]}"#, "null", "1"),
            (r#"{"enum":[1,"a",{"x":[1]}]}"#, r#"{"x":[1.0]}"#, r#"{"x":[2]}"#),
            (r#"{"const":1}"#, "1.0", "2"),
            (r#"{"required":["a"]}"#, r#"{"a":null}"#, "{}"),
            (r#"{"properties":{"a":{"type":"string"}},"additionalProperties":false}"#, r#"{"a":"x"}"#, r#"{"b":1}"#),
            (r#"{"properties":{"a":{"type":"string"}}}"#, r#"{"b":1}"#, r#"{"a":1}"#),
            (r#"{"additionalProperties":{"type":"number"}}"#, r#"{"b":1}"#, r#"{"b":"1"}"#),
            (r#"{"items":{"type":"number"}}"#, "[1,2]", r#"[1,"2"]"#),
            (r#"{"prefixItems":[{"type":"string"}],"items":{"type":"number"}}"#, r#"["a",2]"#, r#"["a","b"]"#),
            (r#"{"anyOf":[{"type":"string"},{"minimum":5,"type":"number"}]}"#, "6", "4"),
            (r#"{"oneOf":[{"minimum":5},{"maximum":7}]}"#, "9", "6"),
            (r#"{"allOf":[{"minimum":5},{"maximum":7}]}"#, "6", "9"),
            (r#"{"not":{"type":"string"}}"#, "1", r#""a""#),
            (r#"{"exclusiveMinimum":5,"exclusiveMaximum":7}"#, "6", "7"),
            (r#"{"minLength":2,"maxLength":3}"#, r#""\u00e9a""#, r#""a""#),
            (r#"{"minItems":1,"maxItems":2}"#, "[1]", "[1,2,3]"),
            (r#"{"minProperties":1}"#, r#"{"a":1}"#, "{}"),
            (r##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"number"}}}"##, "1", r#""a""#),
            (
                r##"{"type":"object","properties":{"next":{"$ref":"#"}},"required":["v"]}"##,
                r#"{"v":1,"next":{"v":2}}"#,
                r#"{"v":1,"next":{}}"#,
            ),
            ("false", "", "1"),
        ] {
            assert!(good.is_empty() || check(good, schema), "{schema} {good}");
            assert!(!check(bad, schema), "{schema} {bad}");
        }
        assert!(check("1", "true") && check("1", "{}") && check("1", r#"{"minLength":9,"format":"email"}"#));
    }

    #[test]
    fn work_is_bounded() {
        assert!(!check("1", r##"{"$ref":"#"}"##));
        assert!(!check("1", r##"{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}"##));
        let wide = format!("[{}1]", "1,".repeat(200_000));
        assert!(!check(&wide, r#"{"items":{"type":"number"}}"#));
    }
}
