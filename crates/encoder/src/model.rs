//! A BERT encoder's weights and their use: token numbers in, one vector per sequence out.
//!
//! It does not know texts or tokenizers, nor how matrices are multiplied: `compute` does.

use crate::compute::{Level, Linear, Precision, Scratch, attention, elementwise};
use crate::gguf::{Gguf, Tensor, damaged};
use std::ops::Range;
use yizhan_domain::Result;

/// Rows whose inner layer is computed at a time, so that it stays in the cache; a multiple of every kernel's rows.
const INNER_ROWS: usize = 72;

/// The sizes of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) inner: usize,
    pub(crate) vocabulary: usize,
    pub(crate) positions: usize,
    epsilon: f32,
    pooling: Pooling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pooling {
    Mean,
    First,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    output_norm: Norm,
}

/// All weights but the table of token embeddings, which stays in the file.
pub(crate) struct Model {
    pub(crate) shape: Shape,
    /// Embedding of each position, that of token type 0 added to it.
    positions: Vec<f32>,
    embedding_norm: Norm,
    layers: Vec<Layer>,
}

/// Sequences laid one after another without padding.
#[derive(Default)]
pub(crate) struct Pack {
    pub(crate) tokens: Vec<u32>,
    /// Where each sequence lies in `tokens`.
    pub(crate) sequences: Vec<Range<usize>>,
}

impl Shape {
    pub(crate) fn read(file: &Gguf<'_>) -> Result<Self> {
        let architecture = file.text("general.architecture").unwrap_or_default();
        if architecture != "bert" {
            return Err(damaged(format!("its architecture '{architecture}' is not 'bert'")));
        }
        let width = file.required("bert.embedding_length", 32..=8192)?;
        let heads = file.required("bert.attention.head_count", 1..=256)?;
        let inner = file.required("bert.feed_forward_length", 32..=65536)?;
        if !width.is_multiple_of(heads) || !width.is_multiple_of(32) || !inner.is_multiple_of(32) {
            return Err(damaged(format!("its sizes {width}, {heads} and {inner} do not fit each other")));
        }
        let epsilon = file.float("bert.attention.layer_norm_epsilon").unwrap_or(1e-12);
        Ok(Self {
            layers: file.required("bert.block_count", 1..=256)?,
            width,
            heads,
            inner,
            vocabulary: file.array("tokenizer.ggml.tokens").map_or(0, |tokens| tokens.count),
            positions: file.required("bert.context_length", 3..=1 << 20)?,
            epsilon: if (0.0..1.0).contains(&epsilon) { epsilon as f32 } else { 1e-12 },
            pooling: match file.integer("bert.pooling_type") {
                None | Some(1) => Pooling::Mean,
                Some(2) => Pooling::First,
                Some(other) => return Err(damaged(format!("its way of pooling {other} is unknown"))),
            },
        })
    }

    /// The table of token embeddings.
    pub(crate) fn token_table<'a>(&self, file: &Gguf<'a>) -> Result<Tensor<'a>> {
        file.tensor("token_embd.weight", self.vocabulary, self.width)
    }
}

impl Model {
    pub(crate) fn read(file: &Gguf<'_>, shape: Shape, precision: Precision) -> Result<Self> {
        let mut positions = file.tensor("position_embd.weight", shape.positions, shape.width)?.to_floats();
        let types = file.required("tokenizer.ggml.token_type_count", 0..=16).unwrap_or(0);
        if types > 0 {
            let mut first = vec![0.0; shape.width];
            file.tensor("token_types.weight", types, shape.width)?.read_row(0, &mut first);
            for row in positions.chunks_exact_mut(shape.width) {
                row.iter_mut().zip(&first).for_each(|(value, more)| *value += more);
            }
        }
        let layers = (0..shape.layers).map(|layer| Layer::read(file, &shape, layer, precision));
        let layers = layers.collect::<Result<_>>()?;
        let embedding_norm = Norm::read(file, "token_embd_norm", shape.width)?;
        Ok(Self { shape, positions, embedding_norm, layers })
    }

    /// One vector of length 1 for each sequence, written to `out` in order.
    pub(crate) fn run(&self, tokens: Tensor<'_>, pack: &Pack, scratch: &mut Scratch, out: &mut [f32]) {
        let width = self.shape.width;
        let count = pack.tokens.len();
        scratch.state.resize(count * width, 0.0);
        scratch.context.resize(count * width, 0.0);
        scratch.result.resize(count * width, 0.0);
        self.embed(tokens, pack, scratch);
        for layer in &self.layers {
            self.attend(layer, pack, scratch);
            self.feed_forward(layer, scratch);
        }
        for (sequence, out) in pack.sequences.iter().zip(out.chunks_exact_mut(width)) {
            self.pool(&scratch.state[sequence.start * width..sequence.end * width], out);
        }
    }

    fn attend(&self, layer: &Layer, pack: &Pack, scratch: &mut Scratch) {
        let Shape { width, heads, epsilon, .. } = self.shape;
        let Scratch { state, wide, context, result, kernel } = scratch;
        wide.resize(state.len() * 3, 0.0);
        layer.query_key_value.apply(state, wide, kernel);
        attention(wide, &pack.sequences, width, heads, context, kernel);
        layer.attention_output.apply(context, result, kernel);
        layer.attention_norm.add(kernel.level, state, result, epsilon);
    }

    fn feed_forward(&self, layer: &Layer, scratch: &mut Scratch) {
        let Shape { width, inner, epsilon, .. } = self.shape;
        let Scratch { state, wide, result, kernel, .. } = scratch;
        wide.resize(INNER_ROWS * inner, 0.0);
        for (state, result) in state.chunks_mut(INNER_ROWS * width).zip(result.chunks_mut(INNER_ROWS * width)) {
            let wide = &mut wide[..state.len() / width * inner];
            layer.up.apply(state, wide, kernel);
            elementwise::gelu(kernel.level, wide);
            layer.down.apply(wide, result, kernel);
            layer.output_norm.add(kernel.level, state, result, epsilon);
        }
    }

    fn embed(&self, tokens: Tensor<'_>, pack: &Pack, scratch: &mut Scratch) {
        let width = self.shape.width;
        let Scratch { state, result, kernel, .. } = scratch;
        for sequence in &pack.sequences {
            let rows = sequence.start * width..sequence.end * width;
            result[rows.clone()].copy_from_slice(&self.positions[..rows.len()]);
            for (row, &token) in state[rows].chunks_exact_mut(width).zip(&pack.tokens[sequence.clone()]) {
                tokens.read_row(token as usize, row);
            }
        }
        self.embedding_norm.add(kernel.level, state, result, self.shape.epsilon);
    }

    fn pool(&self, rows: &[f32], out: &mut [f32]) {
        let width = self.shape.width;
        match self.shape.pooling {
            Pooling::First => out.copy_from_slice(&rows[..width]),
            Pooling::Mean => {
                out.fill(0.0);
                for row in rows.chunks_exact(width) {
                    out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
            }
        }
        // The mean's divisor falls away here.
        let length = out.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt().max(1e-12);
        out.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

impl Norm {
    /// Adds to each row of the state and normalises it.
    fn add(&self, level: Level, state: &mut [f32], more: &[f32], epsilon: f32) {
        elementwise::add_norm(level, state, more, &self.weight, &self.bias, epsilon);
    }

    fn read(file: &Gguf<'_>, name: &str, width: usize) -> Result<Self> {
        let read = |part: &str| Ok(file.tensor(&format!("{name}.{part}"), 1, width)?.to_floats());
        Ok(Self { weight: read("weight")?, bias: read("bias")? })
    }
}

impl Layer {
    fn read(file: &Gguf<'_>, shape: &Shape, layer: usize, precision: Precision) -> Result<Self> {
        let (width, inner) = (shape.width, shape.inner);
        let linear = |names: &[&str], outputs: usize, inputs: usize| {
            let mut parts = Vec::new();
            let mut bias = Vec::new();
            for name in names {
                parts.push(file.tensor(&format!("blk.{layer}.{name}.weight"), outputs, inputs)?);
                bias.extend(file.tensor(&format!("blk.{layer}.{name}.bias"), 1, outputs)?.to_floats());
            }
            Ok(Linear::new(&parts, bias, precision))
        };
        let norm = |name: &str| Norm::read(file, &format!("blk.{layer}.{name}"), width);
        Ok(Self {
            query_key_value: linear(&["attn_q", "attn_k", "attn_v"], width, width)?,
            attention_output: linear(&["attn_output"], width, width)?,
            attention_norm: norm("attn_output_norm")?,
            up: linear(&["ffn_up"], inner, width)?,
            down: linear(&["ffn_down"], width, inner)?,
            output_norm: norm("layer_output_norm")?,
        })
    }
}
