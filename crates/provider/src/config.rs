//! How providers stand in the configuration: `[[providers]]` of `yizhan.toml`.
//!
//! It does not read files or the environment, and resolves no key.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Fields, ModelName, Result};

/// Whose servers these are: which paths, headers and words they use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VendorName {
    /// OpenAI.
    #[serde(rename = "openai")]
    OpenAi,
    /// DeepSeek.
    #[serde(rename = "deepseek")]
    DeepSeek,
    /// Alibaba's DashScope (Model Studio), home of Qwen.
    #[serde(rename = "dashscope")]
    DashScope,
    /// Moonshot, home of Kimi.
    Moonshot,
    /// Zhipu, home of GLM.
    Zhipu,
    /// SiliconFlow.
    #[serde(rename = "siliconflow")]
    SiliconFlow,
    /// A vLLM server.
    #[serde(rename = "vllm")]
    VLlm,
    /// An Ollama server.
    Ollama,
    /// Any other server with OpenAI's `/chat/completions`.
    #[serde(rename = "openai-compatible")]
    Compatible,
    /// Anthropic, or a server that copies its `/v1/messages`.
    Anthropic,
}

/// Where a provider's key comes from; resolved by the program's assembly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeySource {
    /// The environment variable of this name.
    Env(String),
    /// The first line of this file.
    File(PathBuf),
    /// The key of this name in the store, encrypted there.
    Store(String),
}

/// One configured endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its name here, for routes, logs and errors.
    pub name: String,
    /// Whose servers these are.
    pub vendor: VendorName,
    /// Where requests go, version included (`https://api.deepseek.com/v1`). Each vendor with servers of its own has a
    /// default; vLLM and `openai-compatible` have none. No request goes to another host.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Where its key comes from. May be left out for servers of one's own.
    #[serde(default)]
    pub key: Option<KeySource>,
    /// Its models.
    #[serde(default)]
    pub models: Vec<ModelConfig>,
    /// Headers of every request, beside those that the protocol needs. For keys use `key`.
    #[serde(default)]
    pub headers: Headers,
    /// How long to wait.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// A PEM file with certificates of the authorities to trust instead of the public ones, for a company's own servers.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// Headers by name. Values are not printed: some are secrets after all.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Headers(pub BTreeMap<String, String>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a model is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Conversations.
    #[default]
    Chat,
    /// Texts to vectors.
    Embedding,
    /// Scores of passages.
    Rerank,
}

/// What a chat model can do beyond text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Calls of tools.
    Tools,
    /// Images in messages.
    Images,
    /// `response_format` with a schema or `json_object`.
    Json,
}

/// One model of a provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Its name here.
    pub name: ModelName,
    /// Its name there; the same by default.
    #[serde(default)]
    pub upstream: Option<String>,
    /// `chat` (the default), `embedding` or `rerank`.
    #[serde(default)]
    pub kind: ModelKind,
    /// Prompt and answer together may have this many tokens; of an embedding model or a reranker, one text.
    #[serde(default = "default_context_length")]
    pub context_length: u32,
    /// Most tokens of one answer. Anthropic's models are told it when the caller sets no limit; 4,096 by default.
    #[serde(default)]
    pub max_output: Option<u32>,
    /// Length of its vectors; embedding models must name it.
    #[serde(default)]
    pub dimensions: Option<usize>,
    /// Ask for vectors of that length, for models that can shorten theirs.
    #[serde(default)]
    pub send_dimensions: bool,
    /// Put before questions that are embedded.
    #[serde(default)]
    pub query_prefix: String,
    /// Put before passages that are embedded.
    #[serde(default)]
    pub passage_prefix: String,
    /// Most texts of one request for embeddings or scores; the vendor's own limit by default.
    #[serde(default)]
    pub batch: Option<usize>,
    /// Its name in the price list; the name there by default.
    #[serde(default)]
    pub price: Option<String>,
    /// What it can do (`tools`, `images`, `json`). A request that needs more is refused here. Left out: the
    /// provider decides.
    #[serde(default)]
    pub capabilities: Option<BTreeSet<Capability>>,
    /// Estimated token counts are multiplied by this: below 1 where the estimate is known to be too high.
    #[serde(default = "one")]
    pub token_factor: f32,
    /// Fields of every chat request, unless the caller sets them.
    #[serde(default)]
    pub body: Fields,
}

fn default_context_length() -> u32 {
    32_768
}

fn one() -> f32 {
    1.0
}

impl ModelConfig {
    /// Its name at the provider.
    pub fn upstream(&self) -> &str {
        self.upstream.as_deref().unwrap_or(self.name.as_str())
    }

    /// Its name in the price list.
    pub fn price(&self) -> &str {
        self.price.as_deref().unwrap_or(self.upstream())
    }

    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: &str| {
            Err(Error::new(ErrorCode::InvalidConfig, format!("The model '{}' {what}.", self.name.as_str())))
        };
        if self.name.as_str().is_empty() {
            return wrong("has an empty 'name'");
        }
        if self.kind == ModelKind::Embedding && self.dimensions.unwrap_or(0) == 0 {
            return wrong("needs 'dimensions', the length of its vectors");
        }
        if !(0.05..=20.0).contains(&self.token_factor) {
            return wrong("needs a 'token_factor' between 0.05 and 20");
        }
        if self.context_length == 0 || self.batch == Some(0) || self.max_output == Some(0) {
            return wrong("has a limit of 0; leave it out for the default");
        }
        Ok(())
    }
}

/// How long to wait, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: f64,
    /// For the first byte of a stream's body.
    pub first_byte: f64,
    /// Between two pieces of a stream.
    pub idle: f64,
    /// For the whole answer.
    pub total: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: 5.0, first_byte: 120.0, idle: 60.0, total: 600.0 }
    }
}

/// A day: longer is as good as for ever, and overflows no clock.
const LONGEST_WAIT: f64 = 86_400.0;

impl Timeouts {
    pub(crate) fn check(&self) -> Result<()> {
        let all = [self.connect, self.first_byte, self.idle, self.total];
        if all.into_iter().all(|seconds| seconds > 0.0 && seconds <= LONGEST_WAIT) {
            return Ok(());
        }
        let message = format!("'timeouts' must be between 0 and {LONGEST_WAIT} seconds each.");
        Err(Error::new(ErrorCode::InvalidConfig, message))
    }
}

/// Seconds that were checked before.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(600))
}
