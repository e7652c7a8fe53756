//! One line of the log: a JSON object whose last member authenticates everything before it.
//!
//! ```text
//! {"seq":12,"record":{…},"hash":"<64 hex>"}
//! ```
//!
//! The hash is HMAC-SHA-256 over the previous line's hash (32 bytes) and the exact bytes of this line
//! before `,"hash":`. It does not know what the members mean.

use crate::hash::Hash;
use crate::key::Mac;

const BEFORE: &[u8] = b",\"hash\":\"";
const AFTER: &[u8] = b"\"}";
/// Bytes that sealing adds, the line's end included.
const SEAL: usize = BEFORE.len() + 64 + AFTER.len();

/// Seals what stands in `text` from `start` on, an object without its closing brace, and ends the line.
pub(crate) fn seal(text: &mut Vec<u8>, start: usize, mac: &Mac, previous: &Hash) -> Hash {
    let hash = mac.of(&[&previous.0, &text[start..]]);
    text.extend_from_slice(BEFORE);
    text.extend_from_slice(&hash.hex());
    text.extend_from_slice(AFTER);
    text.push(b'\n');
    hash
}

/// The sealed part of a line (without its end) and its hash, if it is the one that follows `previous`.
pub(crate) fn open<'a>(line: &'a [u8], mac: &Mac, previous: &Hash) -> Option<(&'a [u8], Hash)> {
    let (body, written) = split(line)?;
    let hash = mac.of(&[&previous.0, body]);
    (hash == written).then_some((body, hash))
}

/// The sealed part of a line and the hash that it claims.
pub(crate) fn split(line: &[u8]) -> Option<(&[u8], Hash)> {
    let (body, seal) = line.split_at(line.len().checked_sub(SEAL)?);
    let hex = seal.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    Some((body, Hash::from_hex(hex)?))
}

/// The number of a record's line, and what follows `"record":`; none for other lines.
pub(crate) fn record_number(body: &[u8]) -> Option<(u64, &[u8])> {
    let rest = body.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().position(|byte| *byte == b',')?;
    let number = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    Some((number, rest[digits..].strip_prefix(b",\"record\":")?))
}
