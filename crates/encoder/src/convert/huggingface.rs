//! Directories as Hugging Face's libraries write them, or zips (wheels too) of one: `config.json`,
//! `tokenizer.json`, `model.safetensors`, and where they are there `1_Pooling/config.json` and
//! `sentence_bert_config.json`. BERT with WordPiece and XLM-RoBERTa with a unigram vocabulary are known.

use super::bert::{self, Shape};
use super::files::Files;
use super::vocabulary;
use crate::encoder::MAX_TOKENS_KEY;
use crate::gguf::{ElementType, GgufWriter, damaged};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use std::path::Path;
use yizhan_domain::Result;

#[derive(Deserialize)]
struct Config {
    model_type: String,
    #[serde(default, rename = "_name_or_path")]
    name: String,
    num_hidden_layers: usize,
    hidden_size: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    vocab_size: usize,
    layer_norm_eps: f32,
    #[serde(default)]
    pad_token_id: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
}

fn gelu() -> String {
    "gelu".to_owned()
}

#[derive(Default, Deserialize)]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_cls_token: bool,
}

#[derive(Default, Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<u32>,
}

pub(super) fn convert(source: &Path, output: &Path) -> Result<()> {
    let mut files = Files::open(source)?;
    let config: Config = parse(&files.require("config.json")?, "config.json")?;
    let pooling: PoolingConfig = optional(&mut files, "1_Pooling/config.json")?;
    let sentence: SentenceConfig = optional(&mut files, "sentence_bert_config.json")?;
    // RoBERTa counts positions from the padding token's number plus one; the rows before are never used.
    let skipped = match config.model_type.as_str() {
        "bert" => 0,
        "xlm-roberta" | "roberta" => config.pad_token_id + 1,
        other => return Err(damaged(format!("the source's model type '{other}' is not a known sentence encoder"))),
    };
    if config.hidden_act != "gelu" {
        return Err(damaged(format!("the source's activation '{}' is not 'gelu'", config.hidden_act)));
    }
    let shape = Shape {
        name: name_of(&config, source),
        layers: config.num_hidden_layers,
        width: config.hidden_size,
        heads: config.num_attention_heads,
        inner: config.intermediate_size,
        positions: config.max_position_embeddings.saturating_sub(skipped),
        types: config.type_vocab_size,
        epsilon: config.layer_norm_eps,
        pooling: if pooling.pooling_mode_cls_token { 2 } else { 1 },
    };
    let mut file = GgufWriter::default();
    bert::write_shape(&mut file, &shape);
    if let Some(most) = sentence.max_seq_length.filter(|most| (3..shape.positions as u32).contains(most)) {
        file.integer(MAX_TOKENS_KEY, most);
    }
    vocabulary::write(&files.require("tokenizer.json")?, config.vocab_size, &mut file)?;
    let weights = files.require("model.safetensors")?;
    let weights = SafeTensors::deserialize(&weights)
        .map_err(|cause| damaged(format!("the source's model.safetensors cannot be read: {cause}")))?;
    copy_tensors(&Source { weights }, &shape, config.vocab_size, skipped, &mut file)?;
    file.save(output)
}

fn parse<T: for<'de> Deserialize<'de>>(bytes: &[u8], name: &str) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|cause| damaged(format!("the source's {name} cannot be read: {cause}")))
}

fn optional<T: for<'de> Deserialize<'de> + Default>(files: &mut Files, name: &str) -> Result<T> {
    files.read(name)?.map_or_else(|| Ok(T::default()), |bytes| parse(&bytes, name))
}

/// The last part of the name under which the model was published, or of the source's path.
fn name_of(config: &Config, source: &Path) -> String {
    let published = config.name.rsplit('/').next().unwrap_or_default();
    match published {
        "" => source.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        name => name.to_owned(),
    }
}

struct Source<'a> {
    weights: SafeTensors<'a>,
}

impl<'a> Source<'a> {
    /// A tensor of this shape, with its type; `model.` names may carry the prefix of a larger model.
    fn matrix(&self, name: &str, [rows, columns]: [usize; 2]) -> Result<(ElementType, &'a [u8])> {
        let prefixes = ["", "bert.", "roberta."];
        let found = prefixes.iter().find_map(|prefix| self.weights.tensor(&format!("{prefix}{name}")).ok());
        let tensor = found.ok_or_else(|| damaged(format!("the source lacks the tensor '{name}'")))?;
        let kind = match tensor.dtype() {
            Dtype::F32 => ElementType::F32,
            Dtype::F16 => ElementType::F16,
            Dtype::BF16 => ElementType::Bf16,
            other => return Err(damaged(format!("the source's tensor '{name}' has the type {other:?}"))),
        };
        let expected: &[usize] = if rows == 1 { &[columns] } else { &[rows, columns] };
        if tensor.shape() != expected && tensor.shape() != [rows, columns] {
            return Err(damaged(format!("the source's tensor '{name}' has the shape {:?}", tensor.shape())));
        }
        Ok((kind, tensor.data()))
    }

    /// The rows from `skipped` on as 32-bit floats.
    fn floats(&self, name: &str, [rows, columns]: [usize; 2], skipped: usize) -> Result<Vec<u8>> {
        let (kind, bytes) = self.matrix(name, [rows + skipped, columns])?;
        let all = crate::gguf::Tensor { kind, rows: rows + skipped, columns, bytes }.to_floats();
        Ok(all.into_iter().skip(skipped * columns).flat_map(f32::to_le_bytes).collect())
    }
}

fn copy_tensors<'a>(
    source: &Source<'a>,
    shape: &Shape,
    vocabulary: usize,
    skipped: usize,
    file: &mut GgufWriter<'a>,
) -> Result<()> {
    let (width, inner) = (shape.width, shape.inner);
    let mut matrix = |from: &str, to: String, size: [usize; 2]| {
        let (kind, bytes) = source.matrix(from, size)?;
        file.tensor(to, size, kind, bytes);
        Ok(())
    };
    matrix("embeddings.word_embeddings.weight", "token_embd.weight".into(), [vocabulary, width])?;
    for layer in 0..shape.layers {
        for (from, to, rows, columns) in [
            ("attention.self.query", "attn_q", width, width),
            ("attention.self.key", "attn_k", width, width),
            ("attention.self.value", "attn_v", width, width),
            ("attention.output.dense", "attn_output", width, width),
            ("intermediate.dense", "ffn_up", inner, width),
            ("output.dense", "ffn_down", width, inner),
        ] {
            let from = format!("encoder.layer.{layer}.{from}.weight");
            matrix(&from, format!("blk.{layer}.{to}.weight"), [rows, columns])?;
        }
    }
    let mut floats = |from: String, to: String, size: [usize; 2], skipped: usize| {
        file.tensor(to, size, ElementType::F32, source.floats(&from, size, skipped)?);
        Ok(())
    };
    let embeddings = |name: &str| format!("embeddings.{name}");
    let positions = [shape.positions, width];
    floats(embeddings("position_embeddings.weight"), "position_embd.weight".into(), positions, skipped)?;
    let types = [shape.types, width];
    floats(embeddings("token_type_embeddings.weight"), "token_types.weight".into(), types, 0)?;
    for part in ["weight", "bias"] {
        floats(embeddings(&format!("LayerNorm.{part}")), format!("token_embd_norm.{part}"), [1, width], 0)?;
    }
    for layer in 0..shape.layers {
        for (from, to, rows) in [
            ("attention.self.query.bias", "attn_q.bias", width),
            ("attention.self.key.bias", "attn_k.bias", width),
            ("attention.self.value.bias", "attn_v.bias", width),
            ("attention.output.dense.bias", "attn_output.bias", width),
            ("attention.output.LayerNorm.weight", "attn_output_norm.weight", width),
            ("attention.output.LayerNorm.bias", "attn_output_norm.bias", width),
            ("intermediate.dense.bias", "ffn_up.bias", inner),
            ("output.dense.bias", "ffn_down.bias", width),
            ("output.LayerNorm.weight", "layer_output_norm.weight", width),
            ("output.LayerNorm.bias", "layer_output_norm.bias", width),
        ] {
            floats(format!("encoder.layer.{layer}.{from}"), format!("blk.{layer}.{to}"), [1, rows], 0)?;
        }
    }
    Ok(())
}
