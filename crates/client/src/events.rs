//! Server-sent events, read line by line.
//!
//! It does not know what the events say.

use std::io::{BufRead, BufReader, Read};
use yizhan_domain::{Error, Result};

/// Longest event that is taken.
const MAX_EVENT: usize = 16 << 20;

/// The `data` of one event after another; comments and other fields are passed over.
pub(crate) struct Events<R> {
    input: BufReader<R>,
}

impl<R: Read> Events<R> {
    /// Of a reply's body.
    pub(crate) fn new(input: R) -> Self {
        Self { input: BufReader::new(input) }
    }

    /// The next event's data; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<String>> {
        let mut data: Option<String> = None;
        loop {
            let Some(line) = self.line()? else { return Ok(data) };
            if line.is_empty() {
                match data {
                    Some(data) => return Ok(Some(data)),
                    None => continue,
                }
            }
            let Some(value) = line.strip_prefix("data:") else { continue };
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut data {
                Some(data) if data.len() + value.len() > MAX_EVENT => return Err(too_long()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => data = Some(value.to_owned()),
            }
        }
    }

    fn line(&mut self) -> Result<Option<String>> {
        let mut bytes = Vec::new();
        let broken = |error| Error::io("The answer broke off; ask again", error);
        let read = self.input.by_ref().take(MAX_EVENT as u64 + 1).read_until(b'\n', &mut bytes).map_err(broken)?;
        if read == 0 {
            return Ok(None);
        }
        if read > MAX_EVENT {
            return Err(too_long());
        }
        while bytes.last().is_some_and(|byte| *byte == b'\n' || *byte == b'\r') {
            bytes.pop();
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn too_long() -> Error {
    Error::io("The answer cannot be read", format!("an event of more than {MAX_EVENT} bytes"))
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
