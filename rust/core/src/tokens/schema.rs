//! How providers write tools and schemas into the prompt.
//!
//! Promises: any bytes give a text; what is not JSON is taken as it stands. Time is linear in the schema but for `$ref`, which is
//! followed at most [`DEEPEST`] levels and [`LONGEST`] bytes.

use std::fmt::Write as _;

use crate::json::{Value, write_string};
use crate::wire::Tool;

/// Levels that are rendered; what is nested deeper is `any`.
const DEEPEST: usize = 24;
/// Bytes of TypeScript after which `$ref` is not followed any more (a schema may name itself twice on every level).
const LONGEST: usize = 1 << 18;

/// How a provider writes tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendering {
    /// OpenAI: a TypeScript namespace, descriptions and titles as comments.
    TypeScript,
    /// Claude and most open models: JSON of description, name and parameters with `", "` and `": "`.
    Json,
}

/// The tools as the provider writes them.
pub(super) fn tools(tools: &[Tool<'_>], rendering: Rendering) -> String {
    let mut out = String::new();
    match rendering {
        Rendering::TypeScript => {
            out.push_str("# Tools\n\n## functions\n\nnamespace functions {\n\n");
            for tool in tools.iter().filter(|tool| tool.is_function) {
                if !tool.description.is_empty() {
                    comment(&mut out, &tool.description);
                }
                let _ = write!(out, "type {} = (", tool.name);
                match Value::parse(tool.schema) {
                    Ok(schema) if has_members(&schema, "properties") => {
                        out.push_str("_: ");
                        if let Some(title) = schema.get("title").and_then(Value::as_str) {
                            comment(&mut out, title);
                        }
                        object(&mut out, &schema, &schema, 0);
                    }
                    _ => {}
                }
                out.push_str(") => any;\n\n");
            }
            out.push_str("} // namespace functions");
        }
        Rendering::Json => {
            for tool in tools.iter().filter(|tool| tool.is_function) {
                out.push('{');
                if !tool.description.is_empty() {
                    out.push_str("\"description\": ");
                    write_string(&mut out, &tool.description);
                    out.push_str(", ");
                }
                out.push_str("\"name\": ");
                write_string(&mut out, &tool.name);
                out.push_str(", \"parameters\": ");
                match Value::parse(tool.schema) {
                    Ok(schema) => json(&mut out, &schema, &[], ", ", ": "),
                    Err(_) if tool.schema.is_empty() => out.push_str("{}"),
                    Err(_) => out.push_str(&String::from_utf8_lossy(tool.schema)),
                }
                out.push('}');
            }
        }
    }
    out
}

/// The schema of an answer as the provider writes it: OpenAI leaves out what it enforces anyway.
pub(super) fn answer(schema: &[u8], rendering: Rendering) -> String {
    let mut out = String::new();
    match Value::parse(schema) {
        Ok(value) => match rendering {
            Rendering::TypeScript => {
                json(&mut out, &value, &["additionalProperties", "required", "strict", "$schema"], ",", ":");
            }
            Rendering::Json => json(&mut out, &value, &[], ", ", ": "),
        },
        Err(_) => out.push_str(&String::from_utf8_lossy(schema)),
    }
    out
}

/// The same with a line for each member, indented by two spaces, as Claude gets it.
pub(super) fn indented(schema: &[u8]) -> String {
    let mut out = String::new();
    match Value::parse(schema) {
        Ok(value) => write_indented(&mut out, &value, 0),
        Err(_) => out.push_str(&String::from_utf8_lossy(schema)),
    }
    out
}

fn write_indented(out: &mut String, value: &Value<'_>, depth: usize) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                line(out, depth + 1);
                write_indented(out, item, depth + 1);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            for (index, (key, member)) in members.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                line(out, depth + 1);
                write_string(out, key);
                out.push_str(": ");
                write_indented(out, member, depth + 1);
            }
            line(out, depth);
            out.push('}');
        }
        plain => plain.write(out),
    }
}

/// Keys and values of the arguments of a call, as texts of their own; what is not an object is one text.
pub(super) fn arguments(arguments: &str, mut each: impl FnMut(&str)) -> u64 {
    let Ok(Value::Object(members)) = Value::parse(arguments.as_bytes()) else {
        each(arguments);
        return 1;
    };
    let mut text = String::new();
    for (key, value) in &members {
        each(key);
        if let Some(plain) = value.as_str() {
            each(plain);
        } else {
            text.clear();
            json(&mut text, value, &[], ", ", ": ");
            each(&text);
        }
    }
    members.len() as u64
}

fn comment(out: &mut String, text: &str) {
    out.push_str("// ");
    out.push_str(text);
    out.push('\n');
}

fn has_members(schema: &Value<'_>, key: &str) -> bool {
    matches!(schema.get(key), Some(Value::Object(members)) if !members.is_empty())
}

fn object(out: &mut String, schema: &Value<'_>, root: &Value<'_>, depth: usize) {
    out.push_str("{\n");
    let required = |name: &str| match schema.get("required") {
        Some(Value::Array(names)) => names.iter().any(|known| known.as_str() == Some(name)),
        _ => false,
    };
    if let Some(Value::Object(members)) = schema.get("properties") {
        for (name, member) in members {
            let text = |key: &str| member.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let description = text("description");
            if let Some(title) = text("title") {
                comment(out, title);
                if description.is_some() {
                    out.push_str("//\n");
                }
            }
            if let Some(description) = description {
                comment(out, description);
            }
            // Recorded: a bound costs some seven tokens, a default of null six more than it does behind the member.
            for bound in ["minimum", "maximum"] {
                if let Some(value) = member.get(bound) {
                    let _ = write!(out, "// {bound}: ");
                    value.write(out);
                    out.push('\n');
                }
            }
            if let Some(Value::Null) = member.get("default") {
                comment(out, "default: null");
            }
            out.push_str(name);
            out.push_str(if required(name) { ": " } else { "?: " });
            kind(out, member, root, depth + 1);
            out.push(',');
            match member.get("default") {
                Some(Value::String(text)) => {
                    let _ = write!(out, " // default: {text}");
                }
                Some(value) => {
                    out.push_str(" // default: ");
                    value.write(out);
                }
                None => {}
            }
            out.push('\n');
        }
    }
    out.push('}');
}

fn alternatives<'v>(
    out: &mut String,
    each: impl Iterator<Item = &'v Value<'v>>,
    write: impl Fn(&mut String, &Value<'v>),
) {
    for (index, value) in each.enumerate() {
        if index > 0 {
            out.push_str(" | ");
        }
        write(out, value);
    }
}

fn kind(out: &mut String, schema: &Value<'_>, root: &Value<'_>, depth: usize) {
    if depth > DEEPEST {
        out.push_str("any");
        return;
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = name.trim_start_matches(['#', '/']).split('/').try_fold(root, |at, key| at.get(key));
        match target {
            Some(target) if out.len() < LONGEST && depth < DEEPEST / 2 => kind(out, target, root, depth + 1),
            _ => out.push_str("any"),
        }
        return;
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(options)) = schema.get(key) {
            alternatives(out, options.iter(), |out, option| kind(out, option, root, depth + 1));
            return;
        }
    }
    if let Some(Value::Array(parts)) = schema.get("allOf")
        && let [only] = parts.as_slice()
    {
        return kind(out, only, root, depth + 1);
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        alternatives(out, values.iter(), |out, value| value.write(out));
        return;
    }
    if let Some(value) = schema.get("const") {
        value.write(out);
        return;
    }
    match schema.get("type") {
        Some(Value::Array(kinds)) => {
            alternatives(out, kinds.iter(), |out, one| {
                named_kind(out, one.as_str().unwrap_or("any"), schema, root, depth);
            });
        }
        Some(Value::String(one)) => named_kind(out, one, schema, root, depth),
        _ if has_members(schema, "properties") => object(out, schema, root, depth),
        _ => out.push_str("any"),
    }
}

fn named_kind(out: &mut String, name: &str, schema: &Value<'_>, root: &Value<'_>, depth: usize) {
    match name.to_ascii_lowercase().as_str() {
        "integer" | "number" => out.push_str("number"),
        known @ ("string" | "boolean" | "null") => out.push_str(known),
        "array" => {
            match schema.get("items") {
                Some(items) => kind(out, items, root, depth + 1),
                None => out.push_str("any"),
            }
            out.push_str("[]");
        }
        "object" if has_members(schema, "properties") => object(out, schema, root, depth),
        "object" => out.push_str("object"),
        _ => out.push_str("any"),
    }
}

/// JSON with the given separators, without members of the given names (names of properties stay).
fn json(out: &mut String, value: &Value<'_>, without: &[&str], comma: &str, colon: &str) {
    write_json(out, value, &Style { without, comma, colon }, false);
}

struct Style<'s> {
    without: &'s [&'s str],
    comma: &'s str,
    colon: &'s str,
}

fn write_json(out: &mut String, value: &Value<'_>, style: &Style<'_>, holds_names: bool) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(style.comma);
                }
                write_json(out, item, style, false);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            let mut is_first = true;
            for (key, member) in members {
                if !holds_names && style.without.contains(&key.as_ref()) {
                    continue;
                }
                if !is_first {
                    out.push_str(style.comma);
                }
                is_first = false;
                write_string(out, key);
                out.push_str(style.colon);
                write_json(out, member, style, !holds_names && key == "properties");
            }
            out.push('}');
        }
        plain => plain.write(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(schema: &'static str) -> Tool<'static> {
        Tool {
            name: "get".into(),
            description: "Gets it.".into(),
            schema: schema.as_bytes(),
            raw: b"",
            is_function: true,
            strict: None,
        }
    }

    fn typescript(schema: &'static str) -> String {
        let text = tools(&[tool(schema)], Rendering::TypeScript);
        let body = text.strip_prefix("# Tools\n\n## functions\n\nnamespace functions {\n\n// Gets it.\n").unwrap();
        body.strip_suffix("\n\n} // namespace functions").unwrap().to_owned()
    }

    #[test]
    fn writes_typescript() {
        assert_eq!(typescript("{}"), "type get = () => any;");
        assert_eq!(
            typescript(
                r#"{"properties":{"city":{"type":"string","title":"City","description":"Where"},"n":{"type":["integer","null"],"default":3},
                "unit":{"enum":["c","f"]},"at":{"$ref":"\u0023/$defs/At"},"tags":{"type":"array","items":{"type":"string"}}},
                "required":["city"],"$defs":{"At":{"type":"object","properties":{"x":{"type":"number"}}}}}"#
            ),
            "type get = (_: {\n// City\n//\n// Where\ncity: string,\nn?: number | null, // default: 3\nunit?: \"c\" | \"f\",\n\
             at?: {\nx?: number,\n},\ntags?: string[],\n}) => any;"
        );
    }

    #[test]
    fn ends_on_schemas_that_name_themselves() {
        let schema = r##"{"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"},"d":{"$ref":"#"}}}"##;
        assert!(typescript(schema).len() < 4 * LONGEST);
        let deep = format!("{}{}{}", "{\"items\":".repeat(60), "{}", "}".repeat(60));
        let deep = format!("{{\"properties\":{{\"a\":{{\"type\":\"array\",\"items\":{deep}}}}}}}");
        let mut tool = tool("{}");
        tool.schema = deep.as_bytes();
        assert!(tools(&[tool], Rendering::TypeScript).contains("any"));
    }

    #[test]
    fn writes_json_with_spaces() {
        let schema = r#"{"type":"object","properties":{"required":{"type":"string"}},"required":["required"]}"#;
        assert_eq!(
            tools(&[tool(schema)], Rendering::Json),
            r#"{"description": "Gets it.", "name": "get", "parameters": {"type": "object", "properties": {"required": {"type": "string"}}, "required": ["required"]}}"#
        );
        assert_eq!(
            answer(schema.as_bytes(), Rendering::TypeScript),
            r#"{"type":"object","properties":{"required":{"type":"string"}}}"#
        );
        assert_eq!(answer(b"{oops", Rendering::Json), "{oops");
        assert_eq!(
            indented(br#"{"type":"object","required":["a"],"properties":{},"enum":[]}"#),
            "{\n  \"type\": \"object\",\n  \"required\": [\n    \"a\"\n  ],\n  \"properties\": {},\n  \"enum\": []\n}"
        );
        assert_eq!(indented(b"{oops"), "{oops");
    }

    #[test]
    fn takes_arguments_apart() {
        let mut seen = Vec::new();
        assert_eq!(arguments(r#"{"city":"Oslo","days":[1,2]}"#, |text| seen.push(text.to_owned())), 2);
        assert_eq!(seen, ["city", "Oslo", "days", "[1, 2]"]);
        assert_eq!(arguments("not json", |_| {}), 1);
        assert_eq!(arguments("{}", |_| {}), 0);
    }
}
