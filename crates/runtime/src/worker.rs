//! The worker process: limits first, then the model that the first frame names, then its requests.
//!
//! It does not know which kinds of models compute how; `chat` and `embed` do.

use crate::protocol::{Reply, Request};
use std::fs::File;
use std::io::{BufReader, BufWriter, Stdin};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use yizhan_process::{Limits, apply_limits, read_frame, write_frame};

/// The process of `yizhan worker chat|embed LIMITS`. The exit status comes back: 0 when the parent closed
/// the pipe, 1 when the model could not be loaded (the parent was told why), 2 when called wrongly.
pub fn worker_main(kind: &str, limits_json: &str) -> i32 {
    let Ok(limits) = serde_json::from_str::<Limits>(limits_json) else {
        eprintln!("This command is for yizhan's own use: the limits are not readable.");
        return 2;
    };
    if let Err(error) = apply_limits(limits) {
        eprintln!("The worker cannot put limits on itself: {error}");
        return 2;
    }
    let pipes = match Pipes::take() {
        Ok(pipes) => pipes,
        Err(error) => {
            eprintln!("The worker has no pipes: {error}");
            return 2;
        }
    };
    let Some(Request::Open(settings)) = pipes.receive() else { return 0 };
    let ended = match kind {
        "chat" => crate::chat::run(&settings, &pipes),
        "embed" => crate::embed::run(&settings, &pipes),
        other => {
            eprintln!("There is no worker '{other}'.");
            return 2;
        }
    };
    match ended {
        Ok(()) => 0,
        Err(error) => {
            pipes.send(&Reply::Refused { error }, &[]);
            1
        }
    }
}

/// Processor cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Both ends of the conversation with the parent.
pub(crate) struct Pipes {
    input: Mutex<BufReader<Stdin>>,
    output: Mutex<BufWriter<File>>,
}

impl Pipes {
    /// Takes standard output away from everybody else: what libraries print goes to the log instead.
    fn take() -> std::io::Result<Self> {
        // SAFETY: both descriptors are open in every child of `yizhan_process`; the results are checked.
        let output = unsafe {
            let copy = libc::fcntl(libc::STDOUT_FILENO, libc::F_DUPFD_CLOEXEC, 3);
            if copy < 0 || libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(copy)
        };
        let output = Mutex::new(BufWriter::with_capacity(64 << 10, File::from(output)));
        Ok(Self { input: Mutex::new(BufReader::with_capacity(64 << 10, std::io::stdin())), output })
    }

    /// The next request; none when the parent is gone or no longer makes sense.
    pub(crate) fn receive(&self) -> Option<Request> {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        match read_frame::<Request>(&mut *input) {
            Ok(frame) => frame.map(|(request, _)| request),
            Err(error) => {
                eprintln!("The worker cannot read its parent: {error}");
                None
            }
        }
    }

    /// Sends a reply. Without a parent there is nothing left to do, and the process ends.
    pub(crate) fn send(&self, reply: &Reply, body: &[u8]) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if write_frame(&mut *output, reply, body).is_err() {
            std::process::exit(0);
        }
    }
}
