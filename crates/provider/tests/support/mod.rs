//! A tiny upstream: it records requests and answers with exactly the bytes that a test gives it.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The first line and the headers, in small letters.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the upstream does with a connection's next request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Waits until the test says so.
    Pause,
    /// Closes the connection.
    Close,
}

pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<Received>>>,
    pub(crate) connections: Arc<AtomicUsize>,
    /// A message for each connection that the other side closed.
    pub(crate) closed: mpsc::UnboundedReceiver<()>,
    /// Lets a paused answer go on.
    pub(crate) go_on: mpsc::UnboundedSender<()>,
}

impl Upstream {
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Starts an upstream that answers every request by the same steps.
pub(crate) async fn upstream(steps: Vec<Step>) -> Upstream {
    serve(steps, |socket| async move { Some(socket) }).await
}

/// The same, behind whatever `wrap` makes of a connection.
pub(crate) async fn serve<S, F>(
    steps: Vec<Step>,
    wrap: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> Upstream
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Option<S>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (closed_sender, closed) = mpsc::unbounded_channel();
    let (go_on, go_on_receiver) = mpsc::unbounded_channel();
    let go_on_receiver = Arc::new(tokio::sync::Mutex::new(go_on_receiver));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let connections = Arc::new(AtomicUsize::new(0));
    let (seen, count) = (Arc::clone(&requests), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            socket.set_nodelay(true).unwrap();
            let (steps, seen, closed) = (steps.clone(), Arc::clone(&seen), closed_sender.clone());
            let (socket, go_on) = (wrap(socket), Arc::clone(&go_on_receiver));
            tokio::spawn(async move {
                if let Some(socket) = socket.await {
                    answer_all(socket, steps, seen, go_on).await;
                    let _ = closed.send(());
                }
            });
        }
    });
    Upstream { address, requests, connections, closed, go_on }
}

async fn answer_all<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    steps: Vec<Step>,
    seen: Arc<Mutex<Vec<Received>>>,
    go_on: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>>,
) {
    while let Some(request) = read_request(&mut socket).await {
        seen.lock().unwrap().push(request);
        for step in &steps {
            match step {
                Step::Write(bytes) => {
                    if socket.write_all(bytes).await.is_err() || socket.flush().await.is_err() {
                        return;
                    }
                }
                Step::Close => {
                    let _ = socket.shutdown().await;
                    return;
                }
                Step::Pause => {
                    let mut go_on = go_on.lock().await;
                    let mut nothing = [0];
                    tokio::select! {
                        _ = go_on.recv() => {}
                        // The other side went away.
                        _ = socket.read(&mut nothing) => return,
                    }
                }
            }
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(socket: &mut S) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let (first, rest) = head.split_once("\r\n")?;
    let lines = rest.lines().filter_map(|line| line.split_once(": "));
    let lines = lines.map(|(name, value)| format!("{}: {value}\n", name.to_ascii_lowercase()));
    let head = format!("{first}\n{}", lines.collect::<String>());
    let request = Received { head, body: bytes[end..].to_vec() };
    let length: usize = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut request = request;
    while request.body.len() < length {
        if socket.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}

/// A whole HTTP reply.
pub(crate) fn reply(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The head of a streamed reply.
pub(crate) fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec()
}

/// A piece of a streamed reply.
pub(crate) fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

/// The end of a streamed reply.
pub(crate) fn last_chunk() -> Vec<u8> {
    b"0\r\n\r\n".to_vec()
}
