//! JSON Web Tokens (RFC 7519) in their compact form (RFC 7515): taken apart, and their signature checked
//! with a key of a JSON Web Key Set (RFC 7517, 7518, 8037).
//!
//! It does not know issuers or what claims mean. Only signatures with public keys are taken: neither
//! `none` nor a shared secret, and the kind of signature must fit the kind of key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature as ring;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A token that was taken apart. Nothing in it is to be believed before [`Token::is_signed_by`].
pub(crate) struct Token<'a> {
    pub algorithm: Algorithm,
    /// Which key of the set signed it.
    pub key_id: Option<String>,
    pub claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Kinds of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(clippy::upper_case_acronyms, reason = "these are their names in the standard")]
pub(crate) enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    /// Extensions that must be understood; none is.
    crit: Option<Value>,
}

/// One public key of a set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PublicKey {
    pub id: Option<String>,
    /// The one algorithm that it is for, if the set says.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl<'a> Token<'a> {
    /// None when it is no token of this form.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let claims = serde_json::from_slice(&decode(claims)?).ok()?;
        let (algorithm, key_id) = (header.alg, header.kid);
        header.crit.is_none().then_some(())?;
        Some(Self { algorithm, key_id, claims, signed, signature: decode(signature)? })
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let (message, signature) = (self.signed.as_bytes(), self.signature.as_slice());
        let plain = |algorithm: &'static dyn ring::VerificationAlgorithm, key: &[u8]| {
            ring::UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        if key.algorithm.as_deref().is_some_and(|only| only != format!("{:?}", self.algorithm)) {
            return false;
        }
        match (self.algorithm, &key.material) {
            (Algorithm::ES256, Material::P256(point)) => plain(&ring::ECDSA_P256_SHA256_FIXED, point),
            (Algorithm::ES384, Material::P384(point)) => plain(&ring::ECDSA_P384_SHA384_FIXED, point),
            (Algorithm::EdDSA, Material::Ed25519(point)) => plain(&ring::ED25519, point),
            (algorithm, Material::Rsa { n, e }) => rsa(algorithm).is_some_and(|parameters| {
                ring::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }),
            _ => false,
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static ring::RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&ring::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&ring::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&ring::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&ring::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&ring::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&ring::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => None,
    }
}

/// The keys of a set that are for signatures and of a known kind. None when it is no set.
pub(crate) fn key_set(json: &[u8]) -> Option<Vec<PublicKey>> {
    let set: Value = serde_json::from_slice(json).ok()?;
    Some(set.get("keys")?.as_array()?.iter().filter_map(public_key).collect())
}

fn public_key(key: &Value) -> Option<PublicKey> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let bytes = |name: &str| text(name).and_then(decode);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let point = |size: usize| {
        let (x, y) = (bytes("x")?, bytes("y")?);
        (x.len() == size && y.len() == size).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    };
    let material = match (text("kty")?, text("crv")) {
        ("RSA", _) => Material::Rsa { n: number(bytes("n")?), e: number(bytes("e")?) },
        ("EC", Some("P-256")) => Material::P256(point(32)?),
        ("EC", Some("P-384")) => Material::P384(point(48)?),
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
        _ => return None,
    };
    Some(PublicKey { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), material })
}

/// Without leading zeros.
fn number(mut bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
