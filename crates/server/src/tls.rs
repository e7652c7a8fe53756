//! TLS before HTTP: the handshake, and certificates that change while the server runs.
//!
//! It does not know HTTP, nor when files are looked at: whoever assembles the program calls [`Acceptor::reload`].

mod files;
mod validity;

use rustls::ServerConfig;
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use yizhan_domain::Result;

pub use files::TlsFiles;
pub use validity::Validity;

/// Takes connections with the certificate that counts at present.
pub struct Acceptor {
    files: TlsFiles,
    patience: Duration,
    present: RwLock<Present>,
}

#[derive(Clone)]
struct Present {
    config: Arc<ServerConfig>,
    validity: Validity,
}

impl Acceptor {
    /// From its files; a handshake may take so long. `InvalidConfig` when one cannot be read or used.
    pub fn open(files: TlsFiles, patience: Duration) -> Result<Self> {
        let (config, validity) = files.load()?;
        Ok(Self { files, patience, present: RwLock::new(Present { config, validity }) })
    }

    /// Reads the files again, for the handshakes from now on. With an error the present certificate stays.
    /// Blocks for some milliseconds.
    pub fn reload(&self) -> Result<Validity> {
        let (config, validity) = self.files.load()?;
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Present { config, validity };
        Ok(validity)
    }

    /// The files.
    pub fn files(&self) -> &TlsFiles {
        &self.files
    }

    /// From when until when the present certificate holds.
    pub fn validity(&self) -> Validity {
        self.present().validity
    }

    /// The handshake on a new connection. `TimedOut` when the other end is slower than its patience.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let accepted = TlsAcceptor::from(self.present().config).accept(stream);
        match tokio::time::timeout(self.patience, accepted).await {
            Ok(accepted) => accepted,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")),
        }
    }

    fn present(&self) -> Present {
        self.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("files", &self.files).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
