//! The hidden subcommand `worker KIND LIMITS`: this binary as a child of itself.
//!
//! It does not know what the workers do.

use std::ffi::OsString;
use std::process::ExitCode;

/// Acts as a worker when the arguments say so. Looked at before anything else, so that a worker
/// starts fast and carries nothing of the rest.
pub(crate) fn run_if_asked(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let arguments: Vec<OsString> = arguments.skip(1).take(3).collect();
    if arguments.first()? != yizhan_process::WORKER_COMMAND {
        return None;
    }
    let kind = arguments.get(1).and_then(|text| text.to_str()).unwrap_or_default();
    let limits = arguments.get(2).and_then(|text| text.to_str()).unwrap_or("{}");
    let code = match kind {
        "parse" => yizhan_document::worker_main(limits),
        "chat" | "embed" => yizhan_runtime::worker_main(kind, limits),
        _ => 64,
    };
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
