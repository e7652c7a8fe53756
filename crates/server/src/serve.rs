//! The accept loop: connections with time limits, and a shutdown that lets work end.
//!
//! Hyper is driven directly, as axum's own loop has no limit on how slowly a client may speak.

use crate::auth::Peer;
use crate::doors::{Doors, Greeted, Greeter};
use crate::keeping::Keeping;
use crate::lane::{Converse, Lane};
use crate::pace::Paced;
use crate::patience::Patient;
use crate::refusal::{Refusing, Replying, Turn};
use crate::state::{AppState, Settings};
use crate::{cors, middleware, notes, routes};
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_service::Service as _;
use yizhan_domain::Result;

/// Serves until `shutdown` comes; then takes no more connections and gives requests under way
/// [`Settings::shutdown_grace`] to end.
///
/// Connections run on [`Settings::lanes`] threads of their own; the caller's runtime only accepts them.
pub async fn serve(listener: TcpListener, mut state: AppState, shutdown: impl Future<Output = ()>) -> Result<()> {
    let settings = state.settings.clone();
    let doors = Doors::new(listener, state.tls.take());
    let (stop, stopped) = watch::channel(false);
    let converse = conversation(Arc::new(state), doors.greeter(), stopped);
    let lanes =
        (0..settings.lanes.max(1)).map(|number| Lane::start(number, Arc::clone(&converse), settings.shutdown_grace));
    let lanes = lanes.collect::<Result<Vec<_>>>()?;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = doors.accept() => {
                let shared_out = accepted.and_then(|(stream, peer)| Lane::share_out(&lanes, stream, peer));
                if let Err(error) = shared_out {
                    rest_after(&error).await;
                }
            }
        }
    }
    drop(doors);
    // Fails only when no connection is left to hear it.
    let _ = stop.send(true);
    Lane::finish(lanes).await;
    Ok(())
}

/// What is done with each connection.
fn conversation(state: Arc<AppState>, greeter: Greeter, stopped: watch::Receiver<bool>) -> Converse {
    let (router, settings) = (routes::router(Arc::clone(&state)), state.settings.clone());
    Arc::new(move |stream, peer| {
        // Without it the kernel would hold small pieces of a stream back.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY: {error}");
        }
        let turn = Turn::default();
        let service = Entrance {
            state: Arc::clone(&state),
            router: router.clone(),
            peer: Peer { address: peer, is_tls: false },
            turn,
        };
        Box::pin(welcome(greeter.clone(), stream, service, settings.clone(), stopped.clone()))
    })
}

/// What a connection's requests go through, from the outside in; and who is at its other end.
#[derive(Clone)]
struct Entrance {
    state: Arc<AppState>,
    router: axum::Router,
    peer: Peer,
    turn: Turn,
}

impl Service<Request<Incoming>> for Entrance {
    type Response = Response<Keeping<Replying>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Self { state, mut router, peer, turn } = self.clone();
        let replying = turn.begin();
        let Settings { idle_timeout, body_rate, .. } = state.settings;
        let mut request = request.map(|body| Body::new(Paced::new(body, idle_timeout, body_rate)));
        request.extensions_mut().insert(peer);
        // One future for all of it: as layers of the router each would be a box of its own.
        Box::pin(async move {
            let inside =
                async |request: Request<Body>| router.call(request).await.unwrap_or_else(|never| match never {});
            let noted = async |request: Request<Body>| notes::around(&state, request, inside).await;
            let shared = async |request: Request<Body>| cors::around(&state, request, noted).await;
            Ok(replying.with(middleware::around(request, shared).await))
        })
    }
}

/// One connection, from the handshake to its end.
async fn welcome(
    greeter: Greeter,
    stream: TcpStream,
    service: Entrance,
    settings: Settings,
    mut stopped: watch::Receiver<bool>,
) {
    let greeted = tokio::select! {
        greeted = greeter.greet(stream) => greeted,
        () = told(&mut stopped) => return,
    };
    match greeted {
        Ok(Greeted::Plain(stream)) => converse(stream, service, settings, stopped).await,
        Ok(Greeted::Tls(stream)) => {
            let service = Entrance { peer: Peer { is_tls: true, ..service.peer }, ..service };
            converse(stream, service, settings, stopped).await
        }
        Err(error) => tracing::debug!("a connection without a handshake: {error}"),
    }
}

/// One connection over which HTTP can be spoken, to its end.
async fn converse<S>(stream: S, service: Entrance, settings: Settings, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let patient = Patient::new(stream, settings.idle_timeout);
    let io = TokioIo::new(Refusing::new(patient, service.turn.clone()));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.head_timeout);
    let connection = builder.serve_connection(io, service);
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
