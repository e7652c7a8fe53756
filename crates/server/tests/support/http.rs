//! A bare HTTP client over a socket, for requests that no proper client would send.

use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use yizhan_server::{AppState, Settings, serve};

use super::{KEY, Scripted};

/// A running server. Dropping it ends it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<yizhan_domain::Result<()>>,
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// From all that came; status 0 is nothing.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Running {
    pub(crate) async fn start(backend: &Arc<Scripted>, settings: Settings) -> Self {
        Self::with(backend.state(settings).await).await
    }

    pub(crate) async fn with(state: AppState) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let task = tokio::spawn(serve(listener, state, shutdown));
        Self { address, stop: Some(stop), task }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes as they are and reads to the end of the connection.
    pub(crate) async fn raw(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect().await;
        // A server that refuses early may close before all is written.
        let _ = stream.write_all(request.as_ref()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Reply::read(&bytes)
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.call_as(KEY, method, path, body).await
    }

    pub(crate) async fn call_as(&self, key: &str, method: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.raw(request(key, method, path, "", body.as_ref())).await
    }
}

/// A request's bytes; the connection ends after the reply.
pub(crate) fn request(key: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n{headers}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Reads until the text has come.
pub(crate) async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if text.contains(wanted) {
            return text;
        }
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the connection ended before '{wanted}' came: {text}");
        seen.extend_from_slice(&buffer[..read]);
    }
}

/// Soon, for what would otherwise be waited for.
pub(crate) fn impatient() -> Settings {
    let soon = Duration::from_millis(50);
    Settings { head_timeout: soon, idle_timeout: soon, ..Settings::default() }
}

/// Is it an error in the form of the route's API?
pub(crate) fn assert_shaped(reply: &Reply, path: &str) {
    assert!((400..500).contains(&reply.status), "{path}: {} {}", reply.head, reply.body);
    assert!(reply.head.contains("content-type: application/json"), "{path}: {}", reply.head);
    let body = reply.json();
    let error = &body["error"];
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.ends_with('.') && message.len() < 4100, "{path}: {body}");
    assert!(error["type"].is_string(), "{path}: {body}");
    assert!(reply.body.len() < 16_000, "{path}: {} bytes", reply.body.len());
    match path.starts_with("/v1/messages") {
        true => assert_eq!(body["type"], "error", "{path}: {body}"),
        false => assert!(error["code"].is_string() && error.get("param").is_some(), "{path}: {body}"),
    }
}

pub(crate) async fn assert_alive(server: &Running, after: &str) {
    let reply = server.raw("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(reply.status, 200, "after {after}");
}
