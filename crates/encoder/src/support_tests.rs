//! Tiny models with weights from a fixed sequence, for tests without downloads.

use crate::gguf::{ElementType, GgufWriter};
use crate::tokenizer::LOWERCASE_KEY;

pub(crate) const WIDTH: usize = 64;
const INNER: usize = 128;
const LAYERS: usize = 2;
pub(crate) const POSITIONS: usize = 40;

/// Numbers around 0 that are the same on every machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The sum of two is near 0 more often than far from it, as weights are.
        ((self.0 >> 40) as f32 + ((self.0 >> 16) & 0xff_ffff) as f32) / (1 << 24) as f32 - 1.0
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// The pieces of the unigram model, with their scores.
const PIECES: [(&str, f32); 22] = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("\u{2581}", -4.0),
    ("驿", -9.0),
    ("站", -8.0),
    ("驿站", -9.5),
    ("是", -5.0),
    ("。", -3.0),
    ("，", -3.0),
    (",", -3.0),
    ("A", -7.0),
    ("1", -7.0),
    ("12", -8.0),
    ("\u{2581}the", -3.5),
    ("\u{2581}sta", -7.0),
    ("\u{2581}station", -9.0),
    ("tion", -6.0),
    ("s", -5.0),
    ("é", -9.0),
    ("!", -4.0),
];

const WORDS: [&str; 20] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "station", "##s", "sta", "##tion", "驿", "站", "。", ",", "!", "cafe",
    "##1", "1", "a", "'", "-",
];

/// A model with a unigram vocabulary, as the bytes of a file.
pub(crate) fn unigram_model(kind: ElementType) -> Vec<u8> {
    let mut file = GgufWriter::default();
    file.text("tokenizer.ggml.model", "t5");
    file.texts("tokenizer.ggml.tokens", PIECES.iter().map(|(piece, _)| piece.as_bytes()));
    file.floats("tokenizer.ggml.scores", PIECES.iter().map(|(_, score)| *score));
    file.integers("tokenizer.ggml.token_type", (0..PIECES.len()).map(|index| if index < 4 { 3 } else { 1 }));
    for (name, number) in [("bos", 0), ("eos", 2), ("unknown", 3)] {
        file.integer(&format!("tokenizer.ggml.{name}_token_id"), number);
    }
    write_model(file, PIECES.len(), kind)
}

/// A model with a WordPiece vocabulary, as the bytes of a file.
pub(crate) fn wordpiece_model() -> Vec<u8> {
    let mut file = GgufWriter::default();
    file.text("tokenizer.ggml.model", "bert");
    let marked = WORDS.map(|word| match word.strip_prefix("##") {
        Some(rest) => rest.to_owned(),
        None if word.starts_with('[') => word.to_owned(),
        None => format!("\u{2581}{word}"),
    });
    file.texts("tokenizer.ggml.tokens", marked.iter().map(String::as_bytes));
    file.boolean(LOWERCASE_KEY, true);
    for (name, number) in [("cls", 2), ("seperator", 3), ("unknown", 1)] {
        file.integer(&format!("tokenizer.ggml.{name}_token_id"), number);
    }
    write_model(file, WORDS.len(), ElementType::F32)
}

fn write_model(mut file: GgufWriter<'_>, vocabulary: usize, kind: ElementType) -> Vec<u8> {
    file.text("general.architecture", "bert");
    file.text("general.name", "tiny-e5-test");
    for (key, value) in [
        ("bert.block_count", LAYERS),
        ("bert.context_length", POSITIONS),
        ("bert.embedding_length", WIDTH),
        ("bert.feed_forward_length", INNER),
        ("bert.attention.head_count", 4),
        ("bert.pooling_type", 1),
        ("tokenizer.ggml.token_type_count", 1),
    ] {
        file.integer(key, value as u32);
    }
    file.float("bert.attention.layer_norm_epsilon", 1e-12);
    let mut numbers = Numbers(7);
    let mut tensor = |name: String, size: [usize; 2], kind: ElementType, around: f32, spread: f32| {
        let values = numbers.take(size[0] * size[1]);
        let values: Vec<f32> = values.into_iter().map(|value| around + spread * value).collect();
        file.tensor(name, size, kind, encode(kind, &values));
    };
    tensor("token_embd.weight".into(), [vocabulary, WIDTH], kind, 0.0, 1.0);
    tensor("position_embd.weight".into(), [POSITIONS, WIDTH], ElementType::F32, 0.0, 0.2);
    tensor("token_types.weight".into(), [1, WIDTH], ElementType::F32, 0.0, 0.2);
    let norms = ["token_embd_norm".to_owned()].into_iter();
    let norms = norms.chain(
        (0..LAYERS)
            .flat_map(|layer| ["attn_output_norm", "layer_output_norm"].map(|name| format!("blk.{layer}.{name}"))),
    );
    for norm in norms {
        tensor(format!("{norm}.weight"), [1, WIDTH], ElementType::F32, 1.0, 0.2);
        tensor(format!("{norm}.bias"), [1, WIDTH], ElementType::F32, 0.0, 0.2);
    }
    for layer in 0..LAYERS {
        for (name, rows, columns) in [
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, WIDTH),
            ("attn_v", WIDTH, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ] {
            tensor(format!("blk.{layer}.{name}.weight"), [rows, columns], kind, 0.0, 0.3);
            tensor(format!("blk.{layer}.{name}.bias"), [1, rows], ElementType::F32, 0.0, 0.1);
        }
    }
    let mut bytes = Vec::new();
    file.write_to(&mut bytes).unwrap();
    bytes
}

/// Values as a file holds them, for the kinds that tests write.
pub(crate) fn encode(kind: ElementType, values: &[f32]) -> Vec<u8> {
    match kind {
        ElementType::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ElementType::F16 => values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
        ElementType::Q4_0 => values.chunks_exact(32).flat_map(encode_4_bits).collect(),
        other => panic!("tests write no {other:?}"),
    }
}

fn encode_4_bits(values: &[f32]) -> Vec<u8> {
    let largest = values.iter().fold(0f32, |a, b| a.max(b.abs()));
    let scale = half::f16::from_f32(largest / 7.0);
    let nibble = |value: f32| ((value / scale.to_f32()).round() + 8.0) as u8 & 15;
    let bytes = (0..16).map(|place| nibble(values[place]) | nibble(values[place + 16]) << 4);
    scale.to_le_bytes().into_iter().chain(bytes).collect()
}
