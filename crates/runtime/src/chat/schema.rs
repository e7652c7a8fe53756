//! JSON Schema → a GBNF grammar that lets exactly such JSON through.
//!
//! It does not know models. Covered: objects (properties in their order, `required`), arrays, strings
//! with `enum`, numbers, booleans, null, `const`, `anyOf`/`oneOf`, and references within the schema.
//! Anything else that narrows values is refused, so that an answer never claims a shape it has not.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use yizhan_domain::{Error, Result};

/// White space is bounded: models otherwise like to fill an answer with it.
const BASE: &str = r#"ws ::= "" | " " | "\n" [ \t]{0,20}
string ::= "\"" char* "\"" ws
char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt/] | "u" [0-9a-fA-F]{4})
integer ::= "-"? ("0" | [1-9] [0-9]{0,15}) ws
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})? ws
boolean ::= ("true" | "false") ws
null ::= "null" ws
value ::= object | array | string | number | boolean | null
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array ::= "[" ws (value ("," ws value)*)? "]" ws
"#;

/// Keywords that say nothing about which values are allowed.
const NOTES: &[&str] =
    &["title", "description", "default", "examples", "$schema", "$id", "$defs", "definitions", "strict"];

/// Any JSON object.
pub(crate) fn any_object() -> String {
    format!("root ::= object\n{BASE}")
}

/// JSON that fits the schema. OpenAI's wrapper `{"name": …, "schema": …}` is unwrapped.
pub(crate) fn grammar(schema: &Value) -> Result<String> {
    let schema = if schema.get("name").is_some() { schema.get("schema").unwrap_or(schema) } else { schema };
    let mut writer = Writer { root: schema, rules: BTreeMap::new(), next: 0 };
    let root = writer.rule(schema, 0)?;
    let mut text = format!("root ::= ws {root}\n{BASE}");
    for (name, body) in &writer.rules {
        writeln!(text, "{name} ::= {body}").map_err(|error| Error::internal(error.to_string()))?;
    }
    Ok(text)
}

struct Writer<'a> {
    root: &'a Value,
    rules: BTreeMap<String, String>,
    next: usize,
}

impl Writer<'_> {
    /// The name of a rule for a schema.
    fn rule(&mut self, schema: &Value, depth: usize) -> Result<String> {
        if depth > 64 {
            return Err(refused("it is nested too deeply"));
        }
        let schema = match schema {
            Value::Bool(true) => return Ok("value".into()),
            Value::Object(schema) => schema,
            _ => return Err(refused("a schema must be an object")),
        };
        if let Some(reference) = schema.get("$ref") {
            return self.reference(reference, depth);
        }
        if let Some(value) = schema.get("const") {
            return self.add(literal(value));
        }
        if let Some(values) = schema.get("enum") {
            let values = values.as_array().filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| refused("'enum' must be a list that is not empty"))?;
            return self.add(values.iter().map(literal).collect::<Vec<_>>().join(" | "));
        }
        if let Some(choices) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
            let choices = choices.as_array().filter(|choices| !choices.is_empty());
            let choices = choices.ok_or_else(|| refused("'anyOf' must be a list that is not empty"))?;
            let names = choices.iter().map(|choice| self.rule(choice, depth + 1)).collect::<Result<Vec<_>>>()?;
            return self.add(names.join(" | "));
        }
        match schema.get("type") {
            Some(Value::String(kind)) => self.typed(kind, schema, depth),
            Some(Value::Array(kinds)) => {
                let kinds = kinds.iter().filter_map(Value::as_str);
                let names = kinds.map(|kind| self.typed(kind, schema, depth)).collect::<Result<Vec<_>>>()?;
                self.add(names.join(" | "))
            }
            _ if schema.contains_key("properties") => self.typed("object", schema, depth),
            _ => {
                check_keywords(schema, &[])?;
                Ok("value".into())
            }
        }
    }

    fn typed(&mut self, kind: &str, schema: &Map<String, Value>, depth: usize) -> Result<String> {
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => self.string(schema),
            "integer" | "number" | "boolean" | "null" => {
                check_keywords(schema, &["properties", "required", "additionalProperties", "items"])?;
                Ok(kind.into())
            }
            other => Err(refused(&format!("the type '{other}' is unknown"))),
        }
    }

    /// Named properties in their order, the optional ones left out at will. Others are not let through
    /// once some are named: a model that may invent keys does.
    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Result<String> {
        check_keywords(schema, &["properties", "required", "additionalProperties", "items"])?;
        let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|p| !p.is_empty()) else {
            return Ok("object".into());
        };
        let is_required = |name: &str| {
            let required = schema.get("required").and_then(Value::as_array);
            required.is_some_and(|list| list.iter().any(|entry| entry == name))
        };
        // `rest`: what may follow after at least one property; `start`: before the first. Built from the end.
        let mut rest = String::new();
        let mut start = String::new();
        for (name, property) in properties.iter().rev() {
            let value = self.rule(property, depth + 1)?;
            let pair = format!("{} ws \":\" ws {value}", literal_text(&Value::String(name.clone()).to_string()));
            let after = self.add(rest.clone())?;
            let first = format!("{pair} {after}");
            if is_required(name) {
                start = first;
                rest = format!("\",\" ws {pair} {after}");
            } else {
                let skipped = self.add(start)?;
                start = format!("{first} | {skipped}");
                rest = format!("\",\" ws {pair} {after} | {after}");
            }
        }
        let body = self.add(start)?;
        self.add(format!("\"{{\" ws {body} \"}}\" ws"))
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: usize) -> Result<String> {
        check_keywords(schema, &["items", "minItems", "maxItems", "properties", "required", "additionalProperties"])?;
        let item = match schema.get("items") {
            Some(items) => self.rule(items, depth + 1)?,
            None => "value".into(),
        };
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let least = bound("minItems").unwrap_or(0);
        let most = bound("maxItems");
        if least > 1000 || most.is_some_and(|most| most > 1000 || most < least) {
            return Err(refused("'minItems' and 'maxItems' must be in order and at most 1000"));
        }
        let more = match most {
            Some(0) => return self.add("\"[\" ws \"]\" ws".into()),
            Some(most) => format!("{{{},{}}}", least.saturating_sub(1), most - 1),
            None => format!("{{{},}}", least.saturating_sub(1)),
        };
        let items = format!("{item} (\",\" ws {item}){more}");
        let optional = if least == 0 { "?" } else { "" };
        self.add(format!("\"[\" ws ({items}){optional} \"]\" ws"))
    }

    fn string(&mut self, schema: &Map<String, Value>) -> Result<String> {
        let allowed = ["minLength", "maxLength", "properties", "required", "additionalProperties", "items"];
        check_keywords(schema, &allowed)?;
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let (least, most) = (bound("minLength").unwrap_or(0), bound("maxLength"));
        if least == 0 && most.is_none() {
            return Ok("string".into());
        }
        if least > 2000 || most.is_some_and(|most| most > 2000 || most < least) {
            return Err(refused("'minLength' and 'maxLength' must be in order and at most 2000"));
        }
        let most = most.map(|most| most.to_string()).unwrap_or_default();
        self.add(format!(r#""\"" char{{{least},{most}}} "\"" ws"#))
    }

    /// A reference's rule is named before its body is written, so that a schema may contain itself.
    fn reference(&mut self, reference: &Value, depth: usize) -> Result<String> {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        let (Some(pointer), Some(target)) = (pointer, target) else {
            return Err(refused(&format!("the reference {reference} does not lead to a part of it")));
        };
        let hex: String = pointer.bytes().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("ref-{hex}");
        if !self.rules.contains_key(&name) {
            self.rules.insert(name.clone(), String::new());
            let body = self.rule(target, depth + 1)?;
            if body == name {
                return Err(refused("a reference leads to itself"));
            }
            self.rules.insert(name.clone(), body);
        }
        Ok(name)
    }

    fn add(&mut self, body: String) -> Result<String> {
        if self.rules.len() >= 5000 {
            return Err(refused("it is too large"));
        }
        self.next += 1;
        let name = format!("r{}", self.next);
        self.rules.insert(name.clone(), if body.is_empty() { "\"\"".into() } else { body });
        Ok(name)
    }
}

fn check_keywords(schema: &Map<String, Value>, allowed: &[&str]) -> Result<()> {
    let known = |key: &str| key == "type" || NOTES.contains(&key) || allowed.contains(&key);
    match schema.keys().find(|key| !known(key)) {
        Some(key) => Err(refused(&format!("the keyword '{key}' is not supported here"))),
        None => Ok(()),
    }
}

fn refused(why: &str) -> Error {
    Error::invalid("response_format", format!("The JSON schema cannot be used: {why}."))
}

/// A rule's body that matches exactly this JSON value.
fn literal(value: &Value) -> String {
    format!("{} ws", literal_text(&value.to_string()))
}

/// A text as a GBNF literal.
fn literal_text(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
