//! TLS of the server: which files, and what happens when they change.
//!
//! It does not know handshakes or certificates: `server` does.

use crate::cli::TlsFlags;
use crate::config::Config;
use crate::watch::Gauges;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use yizhan_domain::Error;
use yizhan_server::{Acceptor, TlsFiles};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The files that the configuration names.
pub(crate) fn configured(config: &Config) -> Option<TlsFiles> {
    let tls = config.server.tls.clone()?;
    Some(TlsFiles { cert: tls.cert, key: tls.key, client_ca: tls.client_ca })
}

/// The files of a server: those that were typed, with the configured authorities of callers, or the configured ones.
pub(crate) fn files(config: &Config, flags: &TlsFlags) -> Option<TlsFiles> {
    let configured = configured(config);
    match (&flags.tls_cert, &flags.tls_key) {
        (Some(cert), Some(key)) => {
            let client_ca = configured.and_then(|files| files.client_ca);
            Some(TlsFiles { cert: cert.clone(), key: key.clone(), client_ca })
        }
        _ => configured,
    }
}

/// Uses changed files from their next handshake on; never ends. Bad ones are not used.
pub(crate) async fn watch(acceptor: Arc<Acceptor>, gauges: Arc<Gauges>) {
    gauges.tls(acceptor.validity().until_ms, true);
    let mut seen = stamps(acceptor.files());
    let mut every = tokio::time::interval(LOOK);
    loop {
        every.tick().await;
        let now = stamps(acceptor.files());
        if now == seen {
            continue;
        }
        seen = now;
        let reloading = Arc::clone(&acceptor);
        let reloaded = tokio::task::spawn_blocking(move || reloading.reload()).await;
        match reloaded.unwrap_or_else(|cause| Err(Error::internal(cause.to_string()))) {
            Ok(validity) => {
                tracing::info!("the changed TLS certificate counts from now on");
                gauges.tls(validity.until_ms, true);
            }
            Err(error) => {
                tracing::error!(%error, "the changed TLS files are not used; the last good ones stay");
                gauges.tls(acceptor.validity().until_ms, false);
            }
        }
    }
}

/// When the files were last changed, and their lengths: an exchanged link shows by either.
fn stamps(files: &TlsFiles) -> Vec<Option<(SystemTime, u64)>> {
    let stamp = |path: &Path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.paths().map(stamp).collect()
}
