//! Newtypes for names and numbers that must not be mixed up.
//!
//! They do not know where the things that they name are kept.

use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;

macro_rules! text_id {
    ($( $(#[doc = $doc:literal])* $name:ident $(, prefix $prefix:literal)?; )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self { Self(text.into()) }
            $(
                /// A fresh random one: the prefix and 96 random bits in hexadecimal.
                pub fn random() -> Self { Self(random_id($prefix)) }
            )?
            /// As text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self { Self(text.to_owned()) }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self { Self(text) }
        }
    )*};
}

macro_rules! number_id {
    ($( $(#[doc = $doc:literal])* $name:ident; )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
    )*};
}

text_id! {
    /// Who pays and who may see: a tenant. One-machine installations have `default` alone.
    TenantId, prefix "tenant-";
    /// A knowledge base; OpenAI's vector store id, `vs_…`.
    BaseId, prefix "vs_";
    /// An uploaded or ingested file, `file-…`; what a citation points to.
    FileId, prefix "file-";
    /// An API key's public id, `key-…` (never the secret).
    KeyId, prefix "key-";
    /// A part of a tenant's work with limits and a bill of its own.
    ProjectId, prefix "proj-";
    /// A person or service of a tenant.
    UserId, prefix "user-";
    /// One call, `call-…`: what audit record, log line, trace and reply have in common.
    CallId, prefix "call-";
    /// Something that a rule holds until a person has looked at it, `rev-…`.
    ReviewId, prefix "rev-";
    /// The name that a caller puts into `model`.
    ModelName;
}

number_id! {
    /// One file inside one knowledge base. Never reused.
    DocumentId;
    /// One chunk of a document. Never reused: a re-ingested document gets new ones.
    ChunkId;
    /// A position in the outbox of changes; 0 is before the first.
    Sequence;
}

impl TenantId {
    /// The tenant of an installation that has only one.
    pub fn default_tenant() -> Self {
        Self::new("default")
    }
}

/// Random bytes that a thread has asked for and not given out yet: a call to the system for each would cost more than
/// all else that an identifier needs.
struct Spare {
    bytes: [u8; 768],
    used: usize,
}

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare { bytes: [0; 768], used: 768 }) };
}

fn random_bytes() -> [u8; 12] {
    let fresh = SPARE.with_borrow_mut(|spare| {
        if spare.used == spare.bytes.len() {
            getrandom::fill(&mut spare.bytes).ok()?;
            spare.used = 0;
        }
        let end = spare.used + 12;
        let given = spare.bytes.get_mut(spare.used..end)?;
        let mut bytes = [0; 12];
        bytes.copy_from_slice(given);
        given.fill(0);
        spare.used = end;
        Some(bytes)
    });
    // The operating system's generator fails only where nothing else would work either.
    fresh.unwrap_or_else(|| {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&now.to_le_bytes()[..12]);
        bytes
    })
}

/// The prefix and 96 random bits in hexadecimal.
pub fn random_id(prefix: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = random_bytes();
    let mut id = String::with_capacity(prefix.len() + 2 * bytes.len());
    id.push_str(prefix);
    for byte in bytes {
        id.push(char::from(DIGITS[usize::from(byte >> 4)]));
        id.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    id
}
