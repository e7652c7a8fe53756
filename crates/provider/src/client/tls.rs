//! TLS, with the public authorities or a company's own.
//!
//! Certificates are always checked; there is no switch.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use yizhan_domain::{Error, ErrorCode, Result};

pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector> {
    let roots = match ca_file {
        Some(path) => own_roots(path)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::internal(format!("TLS cannot be set up: {cause}.")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn own_roots(path: &Path) -> Result<RootCertStore> {
    let wrong = |cause: String| {
        let message = format!("The certificates in '{}' cannot be used: {cause}.", path.display());
        Error::new(ErrorCode::InvalidConfig, message)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|cause| wrong(cause.to_string()))? {
        let certificate = certificate.map_err(|cause| wrong(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| wrong(cause.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("the file holds none".to_owned()));
    }
    Ok(roots)
}
