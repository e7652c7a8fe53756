//! What Linux says of this process. Elsewhere nothing is said.
//!
//! It does not know the workers, which are processes of their own.

use crate::samples::Samples;
use crate::table::metric;

/// The kernel counts processor time for programs in hundredths of a second (USER_HZ), whatever its own tick.
const TICKS: f64 = 100.0;

/// Processor time, memory, open files and start of this process. [`Metrics`](crate::Metrics) asks it by itself.
pub fn process_samples(samples: &mut Samples) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    if let Some((cpu, start)) = times(&read("/proc/self/stat")) {
        samples.set(&metric::PROCESS_CPU, [], cpu);
        if let Some(boot) = field(&read("/proc/stat"), "btime") {
            samples.set(&metric::PROCESS_START, [], boot + start);
        }
    }
    if let Some(kib) = field(&read("/proc/self/status"), "VmRSS:") {
        samples.set(&metric::PROCESS_RESIDENT, [], kib * 1024.0);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // One of them is the folder that is being read.
        samples.set(&metric::PROCESS_OPEN_FDS, [], open.count().saturating_sub(1) as f64);
    }
    if let Some(most) = field(&read("/proc/self/limits"), "Max open files") {
        samples.set(&metric::PROCESS_MAX_FDS, [], most);
    }
}

/// The number after `name` at a line's beginning.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Seconds of processor time so far, and from the machine's start to the process's.
fn times(stat: &str) -> Option<(f64, f64)> {
    // The second field, the name, may hold anything, spaces and brackets too.
    let rest = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<f64> = rest.split_whitespace().skip(1).map(|word| word.parse().unwrap_or(0.0)).collect();
    // From the fourth field: user and system time are the 14th and 15th, the start the 22nd.
    Some(((fields.get(10)? + fields.get(11)?) / TICKS, fields.get(18)? / TICKS))
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
