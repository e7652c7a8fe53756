//! vLLM's own server.

use super::{Vendor, rename};
use serde_json::{Value, json};
use yizhan_domain::Fields;

pub(crate) struct VLlm;

impl Vendor for VLlm {
    /// `reasoning_effort` reaches gpt-oss only; Qwen's and GLM's templates are switched by a word of their own.
    fn adapt_chat(&self, body: &mut Fields) {
        rename(body, "repeat_penalty", "repetition_penalty");
        if body.get("reasoning_effort") == Some(&json!("none")) {
            body.shift_remove("reasoning_effort");
            let arguments = body.entry("chat_template_kwargs").or_insert_with(|| json!({}));
            if let Value::Object(arguments) = arguments {
                arguments.entry("enable_thinking").or_insert(json!(false));
            }
        }
    }

    fn most_texts(&self) -> usize {
        256
    }
}
