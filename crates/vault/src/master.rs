//! The master key: sealing, opening, and its form as text.
//!
//! It does not know where it is kept.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use yizhan_domain::{Error, ErrorCode, Result};
use zeroize::{Zeroize, Zeroizing};

/// First line of a key file.
const TITLE: &str = "yizhan-secret-key-1";
/// First byte of what is sealed: how.
const AES_256_GCM_1: u8 = 1;
const KEY_LEN: usize = 32;

/// A master key. Its bytes are wiped when it is dropped.
pub struct MasterKey {
    bytes: Zeroizing<[u8; KEY_LEN]>,
    id: String,
}

impl MasterKey {
    /// A new one, from the operating system's random numbers.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        fill(bytes.as_mut())?;
        Ok(Self::of(bytes))
    }

    /// From text: 64 hexadecimal digits, alone or on the line after the title of a key file. None: it is no key.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix(TITLE).unwrap_or(text).trim().as_bytes();
        if digits.len() != 2 * KEY_LEN {
            return None;
        }
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self::of(bytes))
    }

    fn of(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(b"yizhan secret key 1 id");
        context.update(bytes.as_ref());
        let id = hex(&context.finish().as_ref()[..8]);
        Self { bytes, id }
    }

    /// What a key file has in it.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        let mut digits = hex(self.bytes.as_ref());
        let text = Zeroizing::new(format!("{TITLE}\n{digits}\n"));
        digits.zeroize();
        text
    }

    /// Tells keys apart without telling anything about them.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What only this key and this name open.
    pub(crate) fn seal(&self, name: &str, value: &str) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + value.len() + AES_256_GCM.tag_len());
        sealed.push(AES_256_GCM_1);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(value.as_bytes());
        // In the place where the value stands, so that no copy of it is left.
        let begin = 1 + NONCE_LEN;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.cipher()?.seal_in_place_separate_tag(nonce, Aad::from(label(name)), &mut sealed[begin..]);
        sealed.extend_from_slice(tag.map_err(|_| unusable())?.as_ref());
        Ok(sealed)
    }

    /// The value; `InvalidConfig` when this is not what the key sealed under that name.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<String>> {
        self.opened(name, sealed).ok_or_else(|| {
            let message =
                format!("The secret '{name}' was changed in the store or is damaged: set it again with `yizhan secret set {name}`.");
            Error::new(ErrorCode::InvalidConfig, message)
        })
    }

    fn opened(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<String>> {
        let (&AES_256_GCM_1, rest) = sealed.split_first()? else { return None };
        let (nonce, value) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut value = Zeroizing::new(value.to_vec());
        let opened = self.cipher().ok()?.open_in_place(nonce, Aad::from(label(name)), &mut value).ok()?;
        std::str::from_utf8(opened).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    fn cipher(&self) -> Result<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.bytes.as_ref()).map(LessSafeKey::new).map_err(|_| unusable())
    }
}

/// The master key's bytes are not printed.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// What binds a seal to a name.
fn label(name: &str) -> Vec<u8> {
    [b"yizhan secret 1\0", name.as_bytes()].concat()
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| Error::internal("The operating system gives no random numbers."))
}

fn unusable() -> Error {
    Error::internal("The cipher refused a secret.")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "master_tests.rs"]
mod tests;
