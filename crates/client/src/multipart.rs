//! A form with one file in it, read while it is sent.
//!
//! It does not know what the form is for.

use std::io::{Cursor, Read};

/// A text that no file has by chance.
const BOUNDARY: &str = "yizhan-6d1f0c7e5b3a49d28e90a4b7c1f2d385";

/// Its `Content-Type`.
pub(crate) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// The form's body and its length: `purpose`, then `file` with its name and `length` bytes.
pub(crate) fn form(purpose: &str, name: &str, length: u64, file: impl Read) -> (u64, impl Read) {
    let name: String = name.chars().map(|c| if c == '"' || c == '\\' || c.is_control() { '_' } else { c }).collect();
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n\
         --{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let total = head.len() as u64 + length + tail.len() as u64;
    (total, Cursor::new(head).chain(file.take(length)).chain(Cursor::new(tail)))
}

#[cfg(test)]
#[path = "multipart_tests.rs"]
mod tests;
