//! Where connections come in: the listener, and with TLS a second one on the loopback that speaks plainly with
//! this machine's own command line, which cannot know the names in a certificate.
//!
//! It does not know HTTP, nor what becomes of a connection.

use crate::tls::Acceptor;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use yizhan_domain::{Error, Result};

/// TLS on the listener, and the door beside it.
#[derive(Debug)]
pub struct Tls {
    acceptor: Arc<Acceptor>,
    local: TcpListener,
    address: SocketAddr,
}

impl Tls {
    /// Opens the plain door, on any free port of the loopback.
    pub async fn open(acceptor: Arc<Acceptor>) -> Result<Self> {
        let failed = |cause: io::Error| Error::io("The loopback address 127.0.0.1 cannot be listened on", cause);
        let local = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = local.local_addr().map_err(failed)?;
        Ok(Self { acceptor, local, address })
    }

    /// Where the plain door is.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }
}

/// All doors of a server.
pub(crate) struct Doors {
    main: TcpListener,
    tls: Option<Tls>,
}

impl Doors {
    pub(crate) fn new(main: TcpListener, tls: Option<Tls>) -> Self {
        Self { main, tls }
    }

    /// The next connection at any of them.
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let Some(tls) = &self.tls else { return self.main.accept().await };
        tokio::select! {
            accepted = self.main.accept() => accepted,
            accepted = tls.local.accept() => accepted,
        }
    }

    /// How those who came in are greeted.
    pub(crate) fn greeter(&self) -> Greeter {
        Greeter(self.tls.as_ref().map(|tls| (Arc::clone(&tls.acceptor), tls.address)))
    }
}

/// Makes the handshake where there is one. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Greeter(Option<(Arc<Acceptor>, SocketAddr)>);

/// A connection that may be spoken on.
pub(crate) enum Greeted {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Greeter {
    /// At the main door of a server with TLS: the handshake, for as long as the acceptor's patience lasts.
    pub(crate) async fn greet(&self, stream: TcpStream) -> io::Result<Greeted> {
        match &self.0 {
            // The address at this end tells the doors apart: no two listeners have the same.
            Some((acceptor, local)) if stream.local_addr()? != *local => {
                Ok(Greeted::Tls(Box::new(acceptor.accept(stream).await?)))
            }
            _ => Ok(Greeted::Plain(stream)),
        }
    }
}
