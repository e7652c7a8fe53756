//! The metadata that every BERT file carries.

use crate::gguf::GgufWriter;

/// The shape of an encoder.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) layers: usize,
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) inner: usize,
    pub(super) positions: usize,
    pub(super) types: usize,
    pub(super) epsilon: f32,
    /// llama.cpp's number: 1 is the mean of all tokens, 2 the first token.
    pub(super) pooling: u32,
}

/// llama.cpp's kinds of tokens.
pub(super) const NORMAL: i32 = 1;
pub(super) const UNKNOWN: i32 = 2;
pub(super) const CONTROL: i32 = 3;
pub(super) const UNUSED: i32 = 5;

pub(super) fn write_shape(file: &mut GgufWriter<'_>, shape: &Shape) {
    file.text("general.architecture", "bert");
    file.text("general.name", &shape.name);
    for (key, value) in [
        ("bert.block_count", shape.layers),
        ("bert.context_length", shape.positions),
        ("bert.embedding_length", shape.width),
        ("bert.feed_forward_length", shape.inner),
        ("bert.attention.head_count", shape.heads),
        ("tokenizer.ggml.token_type_count", shape.types),
    ] {
        file.integer(key, value as u32);
    }
    file.float("bert.attention.layer_norm_epsilon", shape.epsilon);
    file.boolean("bert.attention.causal", false);
    file.integer("bert.pooling_type", shape.pooling);
}

pub(super) fn write_special(file: &mut GgufWriter<'_>, numbers: &[(&str, u32)]) {
    for (name, number) in numbers {
        file.integer(&format!("tokenizer.ggml.{name}_token_id"), *number);
    }
}
