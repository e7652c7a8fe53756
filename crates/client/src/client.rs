//! The connection: requests, replies, errors.
//!
//! It does not know what the routes are for.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::Read;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body, SendBody};
use yizhan_domain::{Error, ErrorCode, Result};

/// Most bytes of a reply that is not a stream.
const MAX_REPLY: u64 = 256 << 20;
/// A server that does not take the connection in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server and the key for it. Cheap to clone; connections are reused.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    key: String,
}

/// Something that can be put into `model`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Model {
    /// Its name.
    pub id: String,
    /// `chat`, `embedding`, `base` or `app`.
    pub kind: String,
    /// Who made it.
    pub owned_by: String,
}

/// A list as the server sends it.
#[derive(Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) has_more: bool,
    #[serde(default)]
    pub(crate) last_id: Option<String>,
}

impl Client {
    /// For the server at `url`, e.g. `http://127.0.0.1:8080`. Nothing is sent yet.
    pub fn new(url: &str, key: &str) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("yizhan/", env!("CARGO_PKG_VERSION")));
        if is_loopback(url) {
            // A proxy of the environment cannot reach this machine's own loopback.
            config = config.proxy(None);
        }
        let url = url.trim_end_matches('/').to_owned();
        Self { agent: config.build().new_agent(), url, key: key.to_owned() }
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that can be put into `model`.
    pub fn models(&self) -> Result<Vec<Model>> {
        Ok(self.get::<List<Model>>("/v1/models")?.data)
    }

    /// Why the server is not ready; empty when it is.
    pub fn not_ready(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Health {
            reasons: Vec<String>,
        }
        let sent = self.agent.get(self.path("/readyz")).call();
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        match response.status().as_u16() {
            200 | 503 => Ok(read::<Health>(response.body_mut())?.reasons),
            _ => Err(failure(&mut response)),
        }
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let sent = self.agent.get(self.path(path)).header("authorization", self.bearer()).call();
        self.finish(sent)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<()> {
        let sent = self.agent.delete(self.path(path)).header("authorization", self.bearer()).call();
        self.finish::<Value>(sent).map(drop)
    }

    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let sent = self.agent.post(self.path(path)).header("authorization", self.bearer()).send_json(body);
        self.finish(sent)
    }

    pub(crate) fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let sent = self.agent.patch(self.path(path)).header("authorization", self.bearer()).send_json(body);
        self.finish(sent)
    }

    pub(crate) fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let sent = self.agent.put(self.path(path)).header("authorization", self.bearer()).send_json(body);
        self.finish(sent)
    }

    /// Sends a body of known length that is read while it is sent.
    pub(crate) fn post_stream<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &str,
        length: u64,
        body: &mut dyn Read,
    ) -> Result<T> {
        let request = self.agent.post(self.path(path)).header("authorization", self.bearer());
        let request = request.header("content-type", content_type).header("content-length", length.to_string());
        self.finish(request.send(SendBody::from_reader(body)))
    }

    /// Sends a request whose reply is read while it comes.
    pub(crate) fn post_for_stream(&self, path: &str, body: &Value) -> Result<impl Read + 'static> {
        let sent = self.agent.post(self.path(path)).header("authorization", self.bearer()).send_json(body);
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(failure(&mut response));
        }
        Ok(response.into_body().into_with_config().limit(u64::MAX).reader())
    }

    fn finish<T: DeserializeOwned>(&self, sent: std::result::Result<Response<Body>, ureq::Error>) -> Result<T> {
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(failure(&mut response));
        }
        read(response.body_mut())
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        Error::io(format!("The server at {} cannot be reached", self.url), error)
    }
}

fn read<T: DeserializeOwned>(body: &mut Body) -> Result<T> {
    let read = body.with_config().limit(MAX_REPLY).read_json();
    read.map_err(|error| Error::io("The server's reply cannot be read; is it another version?", error))
}

/// The server's error, in its own words where it gave some.
fn failure(response: &mut Response<Body>) -> Error {
    #[derive(Deserialize)]
    struct Reply {
        error: Parts,
    }
    let status = response.status().as_u16();
    match response.body_mut().with_config().limit(1 << 20).read_json::<Reply>() {
        Ok(reply) => reply.error.into_error(),
        Err(_) => Error::new(code_of(status), format!("The server answered with status {status} and no reason.")),
    }
}

/// An error on the wire.
#[derive(Deserialize)]
pub(crate) struct Parts {
    message: String,
    code: Option<String>,
    param: Option<String>,
}

impl Parts {
    pub(crate) fn into_error(self) -> Error {
        let code = self.code.as_deref().and_then(ErrorCode::parse).unwrap_or(ErrorCode::Internal);
        let error = Error::new(code, self.message);
        match self.param {
            Some(parameter) => error.at(parameter),
            None => error,
        }
    }
}

fn code_of(status: u16) -> ErrorCode {
    ErrorCode::ALL.iter().copied().find(|code| code.status() == status).unwrap_or(ErrorCode::Internal)
}

fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|start| host.starts_with(start))
}

/// One segment of a path, encoded so that any name fits.
pub(crate) fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && name != "." && name != "..") {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
