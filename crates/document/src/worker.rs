//! The child's side: reads requests from standard input, parses, writes replies to standard output.
//!
//! It does not know who asks.

use crate::parse::parse_with;
use crate::parsed::Parsed;
use crate::tools::Tools;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::io::{BufReader, BufWriter, Read, Write, stdin, stdout};
use std::time::{Duration, Instant};
use yizhan_domain::{Error, Result};
use yizhan_process::{Limits, apply_limits, read_frame, write_frame};

/// The name under which the binary offers this worker: `yizhan worker parse`.
pub const WORKER_KIND: &str = "parse";

/// The head of a frame to the child; the body is the file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) tools: Tools,
}

/// The head of a frame from the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// Still at work: it has not hung.
    Progress,
    /// The document, as JSON in the frame's body.
    Parsed,
    /// Why there is none.
    Failed(Error),
}

/// Progress is told at most this often.
const PROGRESS: Duration = Duration::from_secs(1);

/// Runs until the input ends; the exit code says whether it ended cleanly. `limits_json` are the
/// [`Limits`] that the parent passes as the worker's argument.
pub fn worker_main(limits_json: &str) -> i32 {
    let limits: Limits = match serde_json::from_str(limits_json) {
        Ok(limits) => limits,
        Err(error) => {
            tracing::error!(%error, "the limits are not understood");
            return 2;
        }
    };
    if let Err(error) = apply_limits(limits) {
        tracing::error!(%error, "the limits cannot be set");
        return 2;
    }
    let mut input = BufReader::new(stdin().lock());
    let mut output = BufWriter::new(stdout().lock());
    match serve(&mut input, &mut output) {
        Ok(()) => 0,
        Err(error) => {
            tracing::error!(%error, "the pipe to the parent broke");
            1
        }
    }
}

fn serve(input: &mut impl Read, output: &mut impl Write) -> std::io::Result<()> {
    while let Some((request, bytes)) = read_frame::<Request>(input)? {
        let (reply, body) = match answer(&request, &bytes, output) {
            Ok(body) => (Reply::Parsed, body),
            Err(error) => (Reply::Failed(error), Vec::new()),
        };
        write_frame(output, &reply, &body)?;
    }
    Ok(())
}

fn answer(request: &Request, bytes: &[u8], output: &mut impl Write) -> Result<Vec<u8>> {
    let state = RefCell::new((Instant::now(), output));
    let progress = || {
        let (told, output) = &mut *state.borrow_mut();
        if told.elapsed() >= PROGRESS {
            *told = Instant::now();
            // A broken pipe shows when the answer is written.
            let _ = write_frame(output, &Reply::Progress, &[]);
        }
    };
    let parsed: Parsed = parse_with(&request.name, bytes, &request.tools, &progress)?;
    serde_json::to_vec(&parsed).map_err(|error| Error::internal(format!("{}: {error}", request.name)))
}
