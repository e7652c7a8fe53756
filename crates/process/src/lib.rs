//! Child processes of this same binary: starting them under limits, and talking to them in frames.
//!
//! This crate does not know what the children do. `document` parses in one, `runtime` runs
//! models in others. A child reads frames from its standard input and writes frames to its
//! standard output; its standard error is its log. When the parent dies, the input ends and the
//! child exits.

mod child;
mod frame;
mod limits;

pub use child::{Child, ChildReader, ChildWriter, Killer, Program};
pub use frame::{read_frame, write_frame};
pub use limits::{Limits, apply_limits};

/// The hidden subcommand under which the binary acts as a worker: `yizhan worker KIND`.
pub const WORKER_COMMAND: &str = "worker";
