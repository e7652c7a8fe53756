//! What can be typed: commands, flags, environment.
//!
//! It does not know what the commands do.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Show calls, tokens and money by whom and what
    Usage(Usage),
    /// Verify, read and export the log of calls
    #[command(subcommand)]
    Audit(Audit),
    /// Measure quality
    #[command(subcommand)]
    Eval(Eval),
    /// Check machine, folders, models and ports, and say what to do
    Doctor(Doctor),
    /// Print shell completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// `yizhan config …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a configuration with every field, explained
    Reference,
    /// Check a configuration; exit status 1 when it is wrong
    Check {
        /// The file [default: what a server would read]
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
}

/// `yizhan tenant …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// Make a tenant
    Create {
        /// 1 to 64 letters, digits, `.`, `_`, `-` or `@`; for ever the same
        id: String,
        /// What people call it
        #[arg(long, default_value = "", value_name = "NAME")]
        name: String,
        #[command(flatten)]
        limits: LimitFlags,
    },
    /// List the tenants
    List,
    /// Show one tenant with its limits
    Show {
        /// Its id
        id: String,
    },
    /// Change limits: `requests_per_second=50 money_per_month=100`; `unlimited` lifts one, `default` takes back
    Limit {
        /// Its id
        id: String,
        /// See `yizhan config reference`, `[limits.tenant]`; `models.PATTERN.LIMIT=N` for certain models
        #[arg(required = true, value_name = "LIMIT=N")]
        limits: Vec<String>,
    },
    /// Refuse its keys, at once
    Disable {
        /// Its id
        id: String,
    },
    /// Take its keys again
    Enable {
        /// Its id
        id: String,
    },
    /// Remove a tenant with its projects, users and keys; documents stay
    Rm {
        /// Its id
        id: String,
    },
}

/// `yizhan project …` and `yizhan user …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Member {
    /// Make one
    Create {
        /// 1 to 64 letters, digits, `.`, `_`, `-` or `@`; for ever the same
        id: String,
        /// What people call it
        #[arg(long, default_value = "", value_name = "NAME")]
        name: String,
        #[command(flatten)]
        of: TenantFlag,
        #[command(flatten)]
        limits: LimitFlags,
    },
    /// List them
    List {
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Show one with its limits
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Change limits: `requests_per_second=5 tokens_per_minute=default`
    Limit {
        /// Its id
        id: String,
        /// See `yizhan config reference`, `[limits.project]` and `[limits.user]`
        #[arg(required = true, value_name = "LIMIT=N")]
        limits: Vec<String>,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Refuse its keys, at once
    Disable {
        /// Its id
        id: String,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Take its keys again
    Enable {
        /// Its id
        id: String,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Remove one with its keys
    Rm {
        /// Its id
        id: String,
        #[command(flatten)]
        of: TenantFlag,
    },
}

/// Whose.
#[derive(Clone, Debug, Args)]
pub(crate) struct TenantFlag {
    /// The tenant
    #[arg(long, default_value = "default", value_name = "TENANT")]
    pub(crate) tenant: String,
}

/// Limits of something new.
#[derive(Clone, Debug, Args)]
pub(crate) struct LimitFlags {
    /// A limit, e.g. `requests_per_second=50` or `money_per_month=100`; see `yizhan config reference`
    #[arg(long = "limit", value_name = "LIMIT=N")]
    pub(crate) limits: Vec<String>,
}

/// `yizhan key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key and print its secret, this once
    Create(NewKey),
    /// List a tenant's keys
    List {
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Change limits: `requests_per_second=5 money_per_day=default`
    Limit {
        /// Its id, or its name if no other key of the tenant has it
        key: String,
        /// See `yizhan config reference`, `[limits.key]`
        #[arg(required = true, value_name = "LIMIT=N")]
        limits: Vec<String>,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Refuse a key, at once
    Disable {
        /// Its id, or its name if no other key of the tenant has it
        key: String,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Take a key again
    Enable {
        /// Its id, or its name if no other key of the tenant has it
        key: String,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// End a key for ever
    Rm {
        /// Its id, or its name if no other key of the tenant has it
        key: String,
        #[command(flatten)]
        of: TenantFlag,
    },
}

/// `yizhan key create`.
#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// What people call it
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) of: TenantFlag,
    /// The project that it works for
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Who holds it
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// What it may do: admin, operator, developer, application, auditor or reviewer
    /// [default: application, unless there is a --scope]
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// One thing more: admin, inference, documents, keys, audit, usage, review or operate; repeatable
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Good for so long, or until then: `90d`, `2027-01-01` [default: for ever]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Only for models of this name, `*` being any text; repeatable [default: all]
    #[arg(long = "model", value_name = "PATTERN")]
    pub(crate) models: Vec<String>,
    /// Only from this network, e.g. `10.0.0.0/8`; repeatable [default: all]
    #[arg(long = "network", value_name = "NETWORK")]
    pub(crate) networks: Vec<String>,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
}

/// `yizhan usage`.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    /// A line for each: tenant, project, user, key, app, model, provider; with commas
    #[arg(long, default_value = "tenant,model", value_name = "WHAT", value_delimiter = ',')]
    pub(crate) by: Vec<String>,
    /// Of so long before now, e.g. `24h` or `7d`
    #[arg(long, default_value = "24h", value_name = "TIME", conflicts_with = "from")]
    pub(crate) last: String,
    /// From then on: `2026-11-22`, `2026-11-22T08:00:00+08:00`
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before then [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// And a line for each: hour, day or month
    #[arg(long, value_name = "PERIOD")]
    pub(crate) period: Option<String>,
    /// Of this tenant only
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Of this model only
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// The largest first: calls, errors, refusals, cache_hits, tokens, prompt_tokens, completion_tokens,
    /// total_ms or charge
    #[arg(long, value_name = "MEASURE")]
    pub(crate) sort: Option<String>,
    /// At most so many lines
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// `yizhan audit …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Is every record there, unchanged and in its place? Exit status 2 when not
    Verify {
        /// A checkpoint of earlier, SEQ:HASH: shows a roll-back of the whole folder too
        #[arg(long, value_name = "SEQ:HASH")]
        against: Option<String>,
    },
    /// Show the newest records
    Tail {
        /// How many
        #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
        count: u64,
        /// Go on with those that come
        #[arg(short, long)]
        follow: bool,
    },
    /// Write records as JSON lines or CSV
    Export {
        /// Into this file instead of standard output
        #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
        /// How they are written
        #[arg(long, value_enum, default_value = "jsonl")]
        format: ExportFormat,
        /// Of this tenant only
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// Not before, milliseconds since 1970
        #[arg(long, value_name = "MS")]
        from_ms: Option<i64>,
        /// Before, milliseconds since 1970
        #[arg(long, value_name = "MS")]
        to_ms: Option<i64>,
        /// With the texts of calls, where they are kept
        #[arg(long)]
        payloads: bool,
    },
}

/// How records are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated, with a head line
    Csv,
}

/// `yizhan serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port; port 0 takes a free one
    #[arg(long, env = "YIZHAN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// Folder of applications, one folder with an `app.yaml` each [default: DATA/apps]
    #[arg(long, env = "YIZHAN_APPS", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) apps: Option<PathBuf>,
    /// The first key, instead of a random one that is printed once
    #[arg(long, env = "YIZHAN_BOOTSTRAP_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) bootstrap_key: Option<String>,
}

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
    /// The address that `serve` would listen on
    #[arg(long, env = "YIZHAN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
}
