//! What can be typed about callers, limits, usage, the audit log and the configuration.
//!
//! It does not know what the commands do.

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

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
    /// Show a key and what is left of its limits
    Show {
        /// Its id, or its name if no other key of the tenant has it
        key: String,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Change what a key may do; what is not named stays
    Set(SetKey),
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

/// `yizhan secret …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a secret, sealed: the value is typed unseen, or comes on standard input
    Set {
        /// 1 to 64 letters, digits, `.`, `_` or `-`; `key = { store = "NAME" }` uses it
        name: String,
    },
    /// List the secrets by name; values are never shown
    List,
    /// Forget a secret
    Rm {
        /// Its name
        name: String,
    },
    /// Seal all secrets with a new master key
    Rekey {
        /// With the key in this file, made when it is not there, instead of replacing the present one
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        to: Option<PathBuf>,
    },
}

/// `yizhan key set`.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct SetKey {
    /// Its id, or its name if no other key of the tenant has it
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) of: TenantFlag,
    /// What it may do: admin, operator, developer, application, auditor, reviewer, or none
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// What it may do beside its role, instead of what that was; repeatable
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Good for so long, or until then: `90d`, `2027-01-01`, or never, for ever
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Only for models of this name, `*` being any text; repeatable
    #[arg(long = "model", value_name = "PATTERN")]
    pub(crate) models: Vec<String>,
    /// Only from this network, or any; repeatable
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
