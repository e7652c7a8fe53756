//! The fields of a request that its response repeats.
//!
//! It does not check them: the reader of the request does.

use serde_json::{Map, Value, json};
use yizhan_domain::Fields;

/// Fields that are repeated as they came, and what stands for them if they did not.
const REPEATED: [(&str, &str); 12] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("reasoning", r#"{"effort": null, "summary": null}"#),
    ("temperature", "null"),
    ("text", r#"{"format": {"type": "text"}}"#),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "null"),
];

/// Fields that are repeated only if they came.
const OPTIONAL: [&str; 4] = ["prompt_cache_key", "safety_identifier", "service_tier", "user"];

/// What a response repeats of its request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Echo {
    fields: Fields,
}

impl Echo {
    /// From the request's body.
    pub(super) fn of(body: &Map<String, Value>) -> Self {
        let given = |key: &str| body.get(key).filter(|value| !value.is_null()).cloned();
        let mut fields = Fields::new();
        for (key, default) in REPEATED {
            let value = given(key).unwrap_or_else(|| serde_json::from_str(default).unwrap_or_default());
            fields.insert(key.to_owned(), value);
        }
        if let Some(Value::Object(text)) = fields.get_mut("text") {
            text.entry("format").or_insert_with(|| json!({"type": "text"}));
        }
        if let Some(Value::Array(tools)) = fields.get_mut("tools") {
            tools.iter_mut().filter_map(Value::as_object_mut).for_each(complete_tool);
        }
        fields.extend(OPTIONAL.iter().filter_map(|key| Some(((*key).to_owned(), given(key)?))));
        Self { fields }
    }

    /// Shall reasoning be told as a summary? Clients that ask for one look nowhere else.
    pub(super) fn wants_summary(&self) -> bool {
        let reasoning = &self.fields.get("reasoning");
        let given = |key| reasoning.is_some_and(|reasoning| !reasoning[key].is_null());
        given("summary") || given("generate_summary")
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }
}

/// OpenAI's clients expect these two in the reply.
fn complete_tool(tool: &mut Fields) {
    for key in ["parameters", "strict"] {
        tool.entry(key).or_insert(Value::Null);
    }
}
