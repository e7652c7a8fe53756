//! What can be typed: commands, flags, environment.
//!
//! It does not know what the commands do.

mod documents;
mod governance;
mod review;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use documents::*;
pub(crate) use governance::*;
pub(crate) use review::*;

/// From a folder of documents to cited answers, in one program.
#[derive(Debug, Parser)]
#[command(name = "yizhan", version, about, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command, accepted before and after it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Folder of the database, files and indexes [default: the user's data folder]
    #[arg(long, global = true, env = "YIZHAN_DATA", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// Configuration: providers, routes, tenants, limits, rules [default: DATA/yizhan.toml, if it is there]
    #[arg(long, global = true, env = "YIZHAN_CONFIG", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Folder of models, shared by all data folders [default: the user's cache folder]
    #[arg(long, global = true, env = "YIZHAN_CACHE", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Chat model that answers [default: the first installed one of the catalogue]
    #[arg(long, global = true, env = "YIZHAN_CHAT_MODEL", value_name = "MODEL")]
    pub(crate) chat_model: Option<String>,
    /// Processor threads of each model [default: all for embedding, all but one for chat]
    #[arg(long, global = true, env = "YIZHAN_THREADS", value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// What is logged to standard error, e.g. `info` or `yizhan_knowledge=debug`
    #[arg(long, global = true, env = "YIZHAN_LOG", default_value = "warn", value_name = "FILTER")]
    pub(crate) log: String,
    /// How log lines are written: for people, or one JSON object a line
    #[arg(long, global = true, env = "YIZHAN_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the HTTP API until Ctrl-C
    Serve(Serve),
    /// List, pull, inspect and remove models
    #[command(subcommand)]
    Model(Model),
    /// Create, list, inspect and remove knowledge bases
    #[command(subcommand)]
    Base(Base),
    /// Add files and folders to a knowledge base
    Ingest(Ingest),
    /// Find passages in a knowledge base
    Search(Search),
    /// Ask a question and get a cited answer
    Ask(Ask),
    /// Print the configuration's reference, or check a configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make, list, limit, disable and remove tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Make, list, limit, disable and remove a tenant's projects
    #[command(subcommand)]
    Project(Member),
    /// Make, list, limit, disable and remove a tenant's users
    #[command(subcommand)]
    User(Member),
    /// Make, list, change, disable and remove API keys
    #[command(subcommand)]
    Key(Key),
    /// Decide on what rules hold until a person has looked at it
    #[command(subcommand)]
    Review(Review),
    /// Keep providers' keys sealed in the data folder
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Show calls, tokens and money by whom and what
    Usage(Usage),
    /// Verify, read and export the log of calls
    #[command(subcommand)]
    Audit(Audit),
    /// Measure quality
    #[command(subcommand)]
    Eval(Eval),
    /// Check machine, configuration, folders, models, certificate, keys, logs and services, and say what to do
    Doctor(Doctor),
    /// Print shell completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// The server's certificate.
#[derive(Debug, Args)]
pub(crate) struct TlsFlags {
    /// Speak HTTPS with this certificate and those that lead to its authority, in PEM [default: `[server.tls]`]
    #[arg(long, env = "YIZHAN_TLS_CERT", requires = "tls_key", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, env = "YIZHAN_TLS_KEY", requires = "tls_cert", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tls_key: Option<PathBuf>,
}

/// `yizhan serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port; port 0 takes a free one
    #[arg(long, env = "YIZHAN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) tls: TlsFlags,
    /// Folder of applications, one folder with an `app.yaml` each [default: DATA/apps]
    #[arg(long, env = "YIZHAN_APPS", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) apps: Option<PathBuf>,
    /// The first key, instead of a random one that is printed once
    #[arg(long, env = "YIZHAN_BOOTSTRAP_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) bootstrap_key: Option<String>,
}
