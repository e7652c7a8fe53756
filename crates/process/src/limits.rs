//! What a child may use.
//!
//! It does not know which child deserves which limits.

use serde::{Deserialize, Serialize};

/// Limits that the operating system enforces on a child; `None` leaves one out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space in bytes.
    pub memory_bytes: Option<u64>,
    /// Processor time in seconds, over the child's whole life.
    pub cpu_seconds: Option<u64>,
    /// Largest file that it may write, in bytes.
    pub file_bytes: Option<u64>,
}

/// Puts the limits on this very process, and makes it the first victim of the out-of-memory
/// killer. Called by a worker before it touches any input.
pub fn apply_limits(limits: Limits) -> std::io::Result<()> {
    let pairs = [
        (libc::RLIMIT_AS, limits.memory_bytes),
        (libc::RLIMIT_CPU, limits.cpu_seconds),
        (libc::RLIMIT_FSIZE, limits.file_bytes),
        // A crash of untrusted input must not fill the disk.
        (libc::RLIMIT_CORE, Some(0)),
    ];
    for (resource, value) in pairs {
        let Some(value) = value else { continue };
        let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
        // SAFETY: `limit` is a valid rlimit for the duration of the call.
        if unsafe { libc::setrlimit(resource, &limit) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    // Best effort: absent outside Linux and in some containers.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    Ok(())
}
