//! The machine's monotonic clock, the same in every process, and the processor time of other processes.

use crate::Failure;

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing for the whole call; an unknown clock leaves it as it is.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Nanoseconds since the machine started.
pub(crate) fn now() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds that a process's threads, ended ones too, have run: what `/proc/PID/stat` says in ticks of 10 ms.
pub(crate) fn processor(process: i32) -> Result<u64, Failure> {
    let mut clock = 0;
    // SAFETY: `clock` is valid for writing for the whole call.
    match unsafe { libc::clock_getcpuclockid(process, &raw mut clock) } {
        0 => Ok(read(clock)),
        _ => Err(format!("process {process} is not there").into()),
    }
}
