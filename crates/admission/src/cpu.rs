//! How busy the processors that this process may use are: the cgroup's share of its quota, or the
//! machine's where there is no cgroup.
//!
//! It does not know what to do about it. Formats: the kernel's documents cgroup-v2 (`cpu.stat`,
//! `cpu.max`) and proc (`/proc/stat`).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Measures between two calls of [`CpuMeter::measure`].
pub struct CpuMeter {
    source: Source,
    last: Option<(Instant, Duration)>,
    smoothed: Option<f64>,
}

enum Source {
    Cgroup { folder: PathBuf, cores: f64 },
    Machine { cores: f64 },
}

/// Weight of the newest measurement: at five a second, nine tenths of a jump show within a second.
const NEWEST: f64 = 0.4;

/// `/proc/stat` counts in hundredths of a second on every Linux that Rust supports.
const TICKS: u64 = 100;

impl CpuMeter {
    /// Of this process's surroundings.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let cgroup = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let source = match cgroup_folder(&cgroup, Path::new("/sys/fs/cgroup")) {
            Some(folder) => Source::Cgroup { cores: quota(&folder).unwrap_or(cores).min(cores), folder },
            None => Source::Machine { cores },
        };
        Self { source, last: None, smoothed: None }
    }

    /// How busy it was since the last call, smoothed, 0–1; 0 at the first.
    pub fn measure(&mut self) -> f64 {
        let now = Instant::now();
        let (used, cores) = match &self.source {
            Source::Cgroup { folder, cores } => {
                (read(&folder.join("cpu.stat")).and_then(|text| used_by_cgroup(&text)), *cores)
            }
            Source::Machine { cores } => {
                (read(Path::new("/proc/stat")).and_then(|text| used_by_machine(&text)), *cores)
            }
        };
        let Some(used) = used else { return 0.0 };
        let last = self.last.replace((now, used));
        let Some((then, before)) = last else { return 0.0 };
        let wall = now.duration_since(then).as_secs_f64() * cores;
        if wall <= 0.0 {
            return self.smoothed.unwrap_or(0.0);
        }
        let busy = (used.saturating_sub(before).as_secs_f64() / wall).clamp(0.0, 1.0);
        let smoothed = self.smoothed.map_or(busy, |old| old + NEWEST * (busy - old));
        self.smoothed = Some(smoothed);
        smoothed
    }
}

impl Default for CpuMeter {
    fn default() -> Self {
        Self::new()
    }
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The folder of the cgroup (version 2) that this process is in, if its processor time is counted there.
fn cgroup_folder(of_process: &str, root: &Path) -> Option<PathBuf> {
    let path = of_process.lines().find_map(|line| line.strip_prefix("0::"))?;
    // Inside a container the path is often "/" or outside of what is mounted.
    let own = root.join(path.trim_start_matches('/'));
    // The root cgroup counts the whole machine, but only has `cpu.max` when it is a container's.
    [own, root.to_owned()]
        .into_iter()
        .find(|folder| folder.join("cpu.stat").is_file() && folder.join("cpu.max").is_file())
}

/// Cores' worth of time that the cgroup may use; none without a limit.
fn quota(folder: &Path) -> Option<f64> {
    quota_of(&read(&folder.join("cpu.max"))?)
}

fn quota_of(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let (quota, period) = (words.next()?.parse::<f64>().ok()?, words.next()?.parse::<f64>().ok()?);
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

fn used_by_cgroup(stat: &str) -> Option<Duration> {
    let microseconds = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    microseconds.trim().parse().ok().map(Duration::from_micros)
}

/// All but idle and waiting for disks; guests' time is in user time already.
fn used_by_machine(stat: &str) -> Option<Duration> {
    let first = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = first.split_whitespace().map_while(|word| word.parse().ok()).take(8).collect();
    let [user, nice, system, _idle, _wait, irq, soft, steal] = fields[..] else { return None };
    let ticks = user + nice + system + irq + soft + steal;
    Some(Duration::from_millis(ticks.saturating_mul(1000 / TICKS)))
}

#[cfg(test)]
#[path = "cpu_tests.rs"]
mod tests;
