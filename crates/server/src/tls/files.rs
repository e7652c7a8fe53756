//! From PEM files to what a handshake needs.
//!
//! It does not know connections. Errors name the file and what to do, and never show what is in it.

use super::Validity;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode, Result};

/// Where the server's certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that lead to its authority; PEM.
    pub cert: PathBuf,
    /// Its private key; PEM, unencrypted.
    pub key: PathBuf,
    /// Authorities of callers' certificates; with them, callers without one are refused.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    /// All of them.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.cert, &self.key].into_iter().chain(&self.client_ca).map(PathBuf::as_path)
    }

    /// Reads and checks them, as a server would. `InvalidConfig` when one cannot be read or used, or when the key is
    /// another certificate's.
    pub fn check(&self) -> Result<Validity> {
        self.load().map(|(_, validity)| validity)
    }

    pub(super) fn load(&self) -> Result<(Arc<ServerConfig>, Validity)> {
        let chain = certificates(&self.cert)?;
        let validity = chain.first().and_then(|leaf| Validity::of(leaf));
        let validity = validity.ok_or_else(|| wrong(&self.cert, "its first certificate says not when it holds"))?;
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(|cause| unreadable(&self.key, "private key", &cause))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|cause| Error::internal(format!("TLS cannot be set up: {cause}.")))?;
        let builder = match &self.client_ca {
            Some(path) => builder.with_client_cert_verifier(verifier(path, provider)?),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|cause| match cause {
            rustls::Error::InconsistentKeys(_) => {
                let what = format!("it is not the key of the certificate in {}", self.cert.display());
                wrong(&self.key, what)
            }
            cause => wrong(&self.key, cause),
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((Arc::new(config), validity))
    }
}

fn verifier(path: &Path, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|cause| wrong(path, cause))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|cause| wrong(path, cause))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let certificates = read.map_err(|cause| unreadable(path, "certificate", &cause))?;
    if certificates.is_empty() {
        return Err(unreadable(path, "certificate", &pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn unreadable(path: &Path, what: &str, cause: &pem::Error) -> Error {
    match cause {
        pem::Error::Io(cause) => wrong(path, format!("it cannot be read ({cause})")),
        pem::Error::NoItemsFound => {
            wrong(path, format!("it holds no {what} in PEM, which begins with '-----BEGIN'; an encrypted key is none"))
        }
        cause => wrong(path, format!("it is no PEM ({cause})")),
    }
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidConfig, format!("The TLS file {} cannot be used: {what}.", path.display()))
}
