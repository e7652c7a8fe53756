//! The accept loop: connections with time limits, and a shutdown that lets work end.
//!
//! Hyper is driven directly, as axum's own loop has no limit on how slowly a client may speak.

use crate::auth::Peer;
use crate::lane::{Converse, Lane};
use crate::routes;
use crate::state::{AppState, Settings};
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_service::Service;
use yizhan_domain::Result;

/// Serves until `shutdown` comes; then takes no more connections and gives requests under way
/// [`Settings::shutdown_grace`] to end.
///
/// Connections run on [`Settings::lanes`] threads of their own; the caller's runtime only accepts them.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: impl Future<Output = ()>) -> Result<()> {
    let settings = state.settings.clone();
    let (stop, stopped) = watch::channel(false);
    let converse = conversation(routes::router(Arc::new(state)), settings.clone(), stopped);
    let lanes =
        (0..settings.lanes.max(1)).map(|number| Lane::start(number, Arc::clone(&converse), settings.shutdown_grace));
    let lanes = lanes.collect::<Result<Vec<_>>>()?;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => {
                let shared_out = accepted.and_then(|(stream, peer)| Lane::share_out(&lanes, stream, peer));
                if let Err(error) = shared_out {
                    rest_after(&error).await;
                }
            }
        }
    }
    drop(listener);
    // Fails only when no connection is left to hear it.
    let _ = stop.send(true);
    Lane::finish(lanes).await;
    Ok(())
}

/// What is done with each connection.
fn conversation(router: axum::Router, settings: Settings, stopped: watch::Receiver<bool>) -> Converse {
    Arc::new(move |stream, peer| {
        // Without it the kernel would hold small pieces of a stream back.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY: {error}");
        }
        let service = WithPeer { router: router.clone(), peer: Peer(peer) };
        Box::pin(converse(stream, service, settings.clone(), stopped.clone()))
    })
}

/// The router, and who is at the other end of its connection.
#[derive(Clone)]
struct WithPeer {
    router: axum::Router,
    peer: Peer,
}

impl Service<Request<Incoming>> for WithPeer {
    type Response = Response;
    type Error = Infallible;
    type Future = <axum::Router as Service<Request<Incoming>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        <axum::Router as Service<Request<Incoming>>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}

/// One connection, to its end.
async fn converse<S>(stream: S, service: WithPeer, settings: Settings, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(crate::patience::Patient::new(stream, settings.idle_timeout));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.head_timeout);
    let connection = builder.serve_connection(io, TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        // In this order, so that no dice are thrown at every piece.
        biased;
        ended = connection.as_mut() => Some(ended),
        () = told(&mut stopped) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}

async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// A connection that failed before it began is nothing; without file handles, accepting again at
/// once would spin.
async fn rest_after(error: &std::io::Error) {
    let harmless = [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::ConnectionRefused];
    if !harmless.contains(&error.kind()) {
        tracing::error!("cannot accept connections: {error}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
