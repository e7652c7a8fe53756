//! The floor: a proxy of one thread that carries bytes from one connection to another, and looks at none of them.

use crate::arguments::Arguments;
use crate::{Failure, say};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// `floor --upstream ADDRESS`: serves until it is ended.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let upstream: Arc<str> = arguments.text("upstream")?.into();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(format_args!("ready http://{}", listener.local_addr()?));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upstream = Arc::clone(&upstream);
        tokio::spawn(async move {
            let kept = Mutex::new(None);
            let service = service_fn(|request| forward(&upstream, &kept, request));
            // A connection that breaks is the caller's affair.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Each connection has one of its own upstream, which it keeps.
async fn forward(
    upstream: &str,
    kept: &Mutex<Option<SendRequest<Incoming>>>,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, Failure> {
    let mut kept = kept.lock().await;
    if kept.as_mut().is_none_or(|sender| sender.is_closed()) {
        let stream = TcpStream::connect(upstream).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        *kept = Some(sender);
    }
    let sender = kept.as_mut().ok_or("no connection")?;
    sender.ready().await?;
    Ok(sender.send_request(request).await?)
}
