//! Secrets: made, hashed, and read from a header.
//!
//! It does not know who they belong to.

use sha2::{Digest as _, Sha256};
use yizhan_domain::{Error, ErrorCode, Result};

/// Begins every secret that is made here, so that scanners find one that leaked.
const PREFIX: &str = "yz-";

/// Longest secret that is looked at; tokens of an issuer are a few thousand characters.
const MAX_LENGTH: usize = 8192;

/// SHA-256.
pub(crate) type Digest = [u8; 32];

/// A new one: the prefix and 256 random bits in hexadecimal.
pub(crate) fn generate() -> Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|cause| Error::internal(format!("The operating system gives no random numbers: {cause}.")))?;
    Ok(format!("{PREFIX}{}", hex(&bytes)))
}

/// What is kept in place of the secret. A secret has 256 random bits, so that a fast hash is enough:
/// there is no smaller set to guess from. For the same reason looking a hash up in an index tells an
/// observer of its timing nothing: they cannot choose the hash's first bytes.
pub(crate) fn digest(secret: &str) -> Digest {
    Sha256::digest(secret).into()
}

/// The same as text, as it is stored.
pub(crate) fn hash(secret: &str) -> String {
    hex(&digest(secret))
}

/// Is it such a text?
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Can it be sent in a header, as one word?
pub(crate) fn is_presentable(secret: &str) -> bool {
    (1..=MAX_LENGTH).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The secret that a request shows: in `Authorization: Bearer SECRET`, else in `x-api-key: SECRET`.
pub(crate) fn presented<'a>(authorization: Option<&'a str>, api_key: Option<&'a str>) -> Result<&'a str> {
    match api_key.map(str::trim).filter(|_| authorization.is_none()) {
        Some(secret) if is_presentable(secret) => Ok(secret),
        Some(_) => Err(Error::new(ErrorCode::InvalidApiKey, "The API key in the header 'x-api-key' is malformed.")),
        None => of_header(authorization),
    }
}

/// The secret of `Bearer SECRET`.
pub(crate) fn of_header(authorization: Option<&str>) -> Result<&str> {
    const HOW: &str = "Send the header 'Authorization: Bearer YOUR-KEY'.";
    let refused = |what: &str| Error::new(ErrorCode::InvalidApiKey, format!("{what} {HOW}"));
    let header = authorization.map(str::trim).filter(|header| !header.is_empty());
    let header = header.ok_or_else(|| refused("The request has no API key."))?;
    let (scheme, secret) = header.split_once(' ').ok_or_else(|| refused("The API key is malformed."))?;
    let secret = secret.trim_start();
    if scheme.eq_ignore_ascii_case("bearer") && is_presentable(secret) {
        Ok(secret)
    } else {
        Err(refused("The API key is malformed."))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
