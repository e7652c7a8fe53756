//! What can be typed about what rules hold for a person.
//!
//! It does not know what the commands do.

use super::TenantFlag;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// `yizhan review …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Review {
    /// List what waits for a decision, the oldest first
    List(ReviewList),
    /// Show all of one: who asked, which rule, the conversation, the answer
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Let it go on as it is: one call, which gives the approval back when it fails
    Approve {
        /// Its id
        id: String,
        #[command(flatten)]
        note: NoteFlag,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Let it go on with another text in the place of the last question, or of the answer
    Edit {
        /// Its id
        id: String,
        /// The text
        #[arg(long, value_name = "TEXT", required_unless_present = "file", conflicts_with = "file")]
        text: Option<String>,
        /// A file that has the text; `-` is standard input
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
        #[command(flatten)]
        note: NoteFlag,
        #[command(flatten)]
        of: TenantFlag,
    },
    /// Do not let it go on
    Reject {
        /// Its id
        id: String,
        #[command(flatten)]
        note: NoteFlag,
        #[command(flatten)]
        of: TenantFlag,
    },
}

/// `yizhan review list`.
#[derive(Debug, Args)]
pub(crate) struct ReviewList {
    /// In this state: waiting, approved, edited, rejected, expired or all
    #[arg(long, default_value = "waiting", value_name = "STATE")]
    pub(crate) state: String,
    /// Going this way: input or output
    #[arg(long, value_name = "SIDE")]
    pub(crate) side: Option<String>,
    /// For this model
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// By the key of this id
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Only those after this one
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// At most so many, 1 to 1000
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) of: TenantFlag,
}

/// What the person says about it.
#[derive(Debug, Args)]
pub(crate) struct NoteFlag {
    /// A word to whoever asked
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) note: String,
}
