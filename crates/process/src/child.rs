//! Starting a child and holding both ends of its pipes.
//!
//! It does not know what is said over them.

use crate::{Limits, WORKER_COMMAND, read_frame, write_frame};
use serde::{Serialize, de::DeserializeOwned};
use std::ffi::OsString;
use std::io::{BufReader, BufWriter, Result};
use std::path::PathBuf;
use std::process::{Child as OsChild, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// The binary that is started as a worker.
#[derive(Clone, Debug)]
pub struct Program {
    executable: PathBuf,
    environment: Vec<(OsString, OsString)>,
    /// Of this process's environment the child gets nothing.
    bare: bool,
}

impl Program {
    /// This very binary.
    pub fn current() -> Result<Self> {
        // The link stays right when the file was replaced by an upgrade while running.
        let link = PathBuf::from("/proc/self/exe");
        let executable = if link.exists() { link } else { std::env::current_exe()? };
        Ok(Self { executable, environment: Vec::new(), bare: false })
    }

    /// Another binary that understands the worker subcommand.
    pub fn at(executable: impl Into<PathBuf>) -> Self {
        Self { executable: executable.into(), environment: Vec::new(), bare: false }
    }

    /// With one more environment variable.
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// With no environment but what it is given from now on: a child that reads what strangers wrote must not hold the
    /// keys that this process was started with.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self.environment.clear();
        self
    }

    /// Starts `worker KIND` under the limits, which travel as one JSON argument and which the
    /// child puts on itself by [`crate::apply_limits`].
    pub fn spawn(&self, kind: &str, limits: Limits) -> Result<Child> {
        let mut command = Command::new(&self.executable);
        if self.bare {
            command.env_clear();
        }
        let mut child = command
            .arg(WORKER_COMMAND)
            .arg(kind)
            .arg(serde_json::to_string(&limits)?)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("child without pipes"));
        };
        Ok(Child {
            process: Killer(Arc::new(Mutex::new(child))),
            writer: ChildWriter { input: BufWriter::new(input) },
            reader: ChildReader { output: BufReader::with_capacity(64 << 10, output) },
        })
    }
}

/// A running child. Dropping it kills the process and reaps it.
pub struct Child {
    process: Killer,
    /// Frames to it.
    pub writer: ChildWriter,
    /// Frames from it.
    pub reader: ChildReader,
}

/// Kills and reaps when the last owner goes.
pub struct Killer(Arc<Mutex<OsChild>>);

impl Child {
    /// The operating system's number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The two pipe ends for two threads, and the handle that ends the process.
    pub fn split(self) -> (ChildWriter, ChildReader, Killer) {
        (self.writer, self.reader, self.process)
    }

    /// Ends the process now.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Waits for its end and says how it ended, e.g. by which signal.
    pub fn wait(&self) -> Result<ExitStatus> {
        self.process.wait()
    }

    /// A handle that can end the process from another thread while this one reads.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.process.0))
    }
}

impl Killer {
    /// Ends the process now. The reader then sees the end of its input.
    pub fn kill(&self) {
        kill(&self.0);
    }

    /// The operating system's number of the process.
    pub fn id(&self) -> u32 {
        lock(&self.0).id()
    }

    /// Waits for its end and says how it ended.
    pub fn wait(&self) -> Result<ExitStatus> {
        lock(&self.0).wait()
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            kill(&self.0);
        }
    }
}

fn lock(process: &Mutex<OsChild>) -> std::sync::MutexGuard<'_, OsChild> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill(process: &Mutex<OsChild>) {
    let mut process = lock(process);
    // Both fail only when the process is gone already.
    let _ = process.kill();
    let _ = process.wait();
}

/// The pipe to a child.
pub struct ChildWriter {
    input: BufWriter<ChildStdin>,
}

impl ChildWriter {
    /// Sends one frame. Fails once the child is gone.
    pub fn send(&mut self, head: &impl Serialize, body: &[u8]) -> Result<()> {
        write_frame(&mut self.input, head, body)
    }
}

/// The pipe from a child.
pub struct ChildReader {
    output: BufReader<ChildStdout>,
}

impl ChildReader {
    /// Waits for the next frame; `None` when the child has ended.
    pub fn receive<H: DeserializeOwned>(&mut self) -> Result<Option<(H, Vec<u8>)>> {
        read_frame(&mut self.output)
    }
}
