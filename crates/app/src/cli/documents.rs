//! What can be typed about models, documents, questions and their measurement.
//!
//! It does not know what the commands do.

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `yizhan model …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// List the catalogue and what is installed
    List,
    /// Fetch models, verified by SHA-256; goes on where an earlier pull ended
    Pull {
        /// Names from `yizhan model list`
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Base address of a mirror of the model hub
        #[arg(long, env = "HF_ENDPOINT", value_name = "URL")]
        hub: Option<String>,
    },
    /// Show one model
    Show {
        /// Its name
        name: String,
    },
    /// Remove a model's files
    Rm {
        /// Its name
        name: String,
    },
}

/// How documents are cut.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ChunkingKind {
    /// A sliding window of tokens
    Window,
    /// Along headings, lists, tables and code
    Structure,
}

/// `yizhan base …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Base {
    /// Make a knowledge base
    Create {
        /// Letters, digits, `.`, `_` and `-`
        name: String,
        #[command(flatten)]
        settings: BaseSettings,
    },
    /// List the knowledge bases
    List,
    /// Show one knowledge base
    Show {
        /// Its name
        name: String,
        /// List its documents too, with the reasons of failures
        #[arg(long)]
        documents: bool,
    },
    /// Remove a knowledge base with its documents
    Rm {
        /// Its name
        name: String,
    },
}

/// Settings of a new base.
#[derive(Clone, Debug, Args)]
pub(crate) struct BaseSettings {
    /// Embedding model; `none` for full text only
    #[arg(long, default_value = crate::models::DEFAULT_EMBEDDING, value_name = "MODEL")]
    pub(crate) embedding: String,
    /// How documents are cut
    #[arg(long, value_enum, default_value = "window")]
    pub(crate) chunking: ChunkingKind,
    /// Most tokens of a chunk [default: 128 for window, 256 for structure]
    #[arg(long, value_name = "N")]
    pub(crate) chunk_tokens: Option<u32>,
    /// Tokens that a window shares with the one before
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub(crate) overlap: u32,
    /// A file of words, one a line, that segmentation keeps whole
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) dictionary: Option<PathBuf>,
}

/// `yizhan ingest`.
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Files and folders
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// The knowledge base; made with default settings when it does not exist
    #[arg(long, value_name = "NAME")]
    pub(crate) base: String,
    /// An attribute for filters, on every file: `KEY=VALUE`, or `TAG` alone
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    pub(crate) tags: Vec<String>,
}

/// Which index answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Words
    Bm25,
    /// Vectors
    Dense,
    /// Both, fused
    #[default]
    Hybrid,
}

/// `yizhan search`.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to look for
    pub(crate) query: String,
    /// The knowledge base
    #[arg(long, value_name = "NAME")]
    pub(crate) base: String,
    /// Which index answers
    #[arg(long, value_enum, default_value = "hybrid")]
    pub(crate) mode: Mode,
    /// How many passages
    #[arg(long, short = 'k', default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) top: u32,
    /// Only documents with this attribute: `KEY=VALUE`, or `TAG` alone; repeated: all of them
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    pub(crate) tags: Vec<String>,
    /// Let the chat model reorder the best passages (slow)
    #[arg(long)]
    pub(crate) rerank: bool,
}

/// `yizhan ask`.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question
    pub(crate) question: String,
    /// The knowledge base or application
    #[arg(long, value_name = "NAME", alias = "app")]
    pub(crate) base: String,
    /// Folder of applications [default: DATA/apps]
    #[arg(long, env = "YIZHAN_APPS", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) apps: Option<PathBuf>,
}

/// `yizhan eval …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Eval {
    /// How well the right passage is found
    Retrieval(EvalRetrieval),
}

/// Which modes are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalMode {
    /// Words
    Bm25,
    /// Vectors
    Dense,
    /// Both, fused
    Hybrid,
    /// All three
    All,
}

/// `yizhan eval retrieval`.
#[derive(Debug, Args)]
pub(crate) struct EvalRetrieval {
    /// A SQuAD-shaped file: its passages are indexed, its questions asked
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) squad: PathBuf,
    /// Which index answers
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) base_mode: EvalMode,
    /// Ask only the first N questions; all passages are indexed
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) settings: BaseSettings,
}

/// `yizhan doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Ask providers and issuers of tokens too, which are outside
    #[arg(long)]
    pub(crate) online: bool,
    #[command(flatten)]
    pub(crate) tls: super::TlsFlags,
    /// The address that `serve` would listen on
    #[arg(long, env = "YIZHAN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
}
