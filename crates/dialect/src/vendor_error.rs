//! What vendors say when something went wrong, in their many forms.
//!
//! It does not know what an error means here: `provider` maps it to the one table.

use serde_json::Value;

/// A vendor's error as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorError {
    /// Its sentence; may be empty.
    pub message: String,
    /// `type`: a class such as `invalid_request_error`; may be empty.
    pub kind: String,
    /// `code`: a word or a number in decimal; may be empty.
    pub code: String,
    /// The field that it is about.
    pub parameter: Option<String>,
}

impl VendorError {
    /// The error that a body or an event's data holds; none when it is not JSON or holds none. Forms that are known:
    /// `{"error": {…}}` (OpenAI, Anthropic, DeepSeek, Zhipu), `{"error": "…"}` (Ollama),
    /// `{"object": "error", …}` (vLLM), `{"code", "message"}` (DashScope, SiliconFlow),
    /// `{"detail": …}` (FastAPI), `{"message": …}`, and a bare JSON string.
    pub fn read(body: &[u8]) -> Option<Self> {
        match serde_json::from_slice(body).ok()? {
            Value::String(message) => Some(Self { message, ..Self::default() }),
            Value::Object(mut fields) => match fields.shift_remove("error") {
                Some(Value::Object(inner)) => Some(Self::of(&inner)),
                Some(Value::String(message)) => Some(Self { message, ..Self::of(&fields) }),
                _ if ["message", "detail", "errors"].iter().any(|key| fields.get(*key).is_some_and(is_something)) => {
                    Some(Self::of(&fields))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn of(fields: &serde_json::Map<String, Value>) -> Self {
        let word = |key: &str| fields.get(key).map(as_text).unwrap_or_default();
        let message = ["message", "detail", "errors", "msg"].into_iter().map(word).find(|text| !text.is_empty());
        let parameter = Some(word("param")).filter(|name| !name.is_empty());
        Self { message: message.unwrap_or_default(), kind: word("type"), code: word("code"), parameter }
    }

    /// Is this one of its words, in `code` or `type`?
    pub fn is(&self, word: &str) -> bool {
        self.code == word || self.kind == word
    }
}

fn is_something(value: &Value) -> bool {
    !value.is_null()
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Why an answer could not be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerFault {
    /// The vendor said so, in place of an answer or in the middle of it.
    Vendor(VendorError),
    /// What came is not an answer; the text says how.
    Malformed(String),
}

impl From<serde_json::Error> for AnswerFault {
    fn from(error: serde_json::Error) -> Self {
        AnswerFault::Malformed(format!("it is not the JSON of an answer: {error}"))
    }
}

#[cfg(test)]
#[path = "vendor_error_tests.rs"]
mod tests;
