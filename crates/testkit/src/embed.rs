//! An embedding model without weights: texts that share characters are near each other.

use async_trait::async_trait;
use std::ops::Range;
use yizhan_domain::{ModelName, Result};
use yizhan_model::{EmbedKind, EmbedModel, Embeddings};

/// Counts each text's characters and neighbouring pairs into buckets by a fixed hash, and scales to
/// length 1. The same text always has the same vector; queries and passages are not told apart. A
/// token is a run of text between white space.
pub struct ScriptedEmbed {
    name: ModelName,
    dimensions: usize,
}

impl ScriptedEmbed {
    /// A model of this name with vectors of this length, at least 1.
    pub fn new(name: &str, dimensions: usize) -> Self {
        Self { name: ModelName::new(name), dimensions: dimensions.max(1) }
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0f32; self.dimensions];
        let mut previous = 0u32;
        for letter in text.chars().flat_map(char::to_lowercase).map(u32::from) {
            for feature in [u64::from(letter), u64::from(previous) << 32 | u64::from(letter)] {
                let hash = feature.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                vector[(hash % self.dimensions as u64) as usize] += 1.0;
            }
            previous = letter;
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        match length > 0.0 {
            true => vector.iter_mut().for_each(|value| *value /= length),
            // No text at all: still a unit vector.
            false => vector[0] = 1.0,
        }
        vector
    }
}

#[async_trait]
impl EmbedModel for ScriptedEmbed {
    fn name(&self) -> &ModelName {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn max_tokens(&self) -> usize {
        512
    }

    async fn embed(&self, _: EmbedKind, texts: Vec<String>) -> Result<Embeddings> {
        let tokens: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
        let values = texts.iter().flat_map(|text| self.vector(text)).collect();
        Ok(Embeddings { dimensions: self.dimensions, values, tokens: tokens as u32 })
    }

    async fn token_ranges(&self, texts: Vec<String>) -> Result<Vec<Vec<Range<u32>>>> {
        Ok(texts.iter().map(|text| ranges(text)).collect())
    }
}

fn ranges(text: &str) -> Vec<Range<u32>> {
    let word = |word: &str| {
        let start = (word.as_ptr() as usize - text.as_ptr() as usize) as u32;
        start..start + word.len() as u32
    };
    text.split_whitespace().map(word).collect()
}
