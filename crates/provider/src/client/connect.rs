//! Connections to the one host that a client may speak to.
//!
//! It does not know HTTP.

use http::Uri;
use hyper::rt::ReadBufCursor;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use yizhan_domain::{Error, ErrorCode, Result};

/// Opens connections to one host.
pub(super) struct Connector {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    patience: Duration,
}

impl Connector {
    pub(super) fn new(base: &Uri, tls: Option<TlsConnector>, patience: Duration) -> Result<Self> {
        let wrong = |what: &str| Error::new(ErrorCode::InvalidConfig, format!("The base URL '{base}' {what}."));
        let authority = base.authority().ok_or_else(|| wrong("has no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let name = ServerName::try_from(host.clone()).map_err(|_| wrong("has a host that is no name"));
        let tls = tls.map(|tls| name.map(|name| (tls, name))).transpose()?;
        Ok(Self { host, port, tls, patience })
    }

    /// A connection to that host, ready for HTTP.
    pub(super) async fn open(&self) -> io::Result<Socket> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        tokio::time::timeout(self.patience, self.connect()).await.map_err(late)?
    }

    async fn connect(&self) -> io::Result<Socket> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // A request is written in one go: waiting to fill a packet would only delay it.
        socket.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Socket::Plain(TokioIo::new(socket)),
            Some((tls, name)) => Socket::Tls(TokioIo::new(Box::new(tls.connect(name.clone(), socket).await?))),
        })
    }
}

/// A connection. TLS keeps its buffers behind a box, so that plain ones stay small.
pub(super) enum Socket {
    Plain(TokioIo<TcpStream>),
    Tls(TokioIo<Box<TlsStream<TcpStream>>>),
}

impl hyper::rt::Read for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Socket::Tls(socket) => Pin::new(socket).poll_read(cx, buffer),
        }
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Socket::Tls(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Socket::Tls(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Tls(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Tls(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Socket::Tls(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
        }
    }
}
