//! The HTTP client of one provider: HTTP/1.1 over TCP or TLS, connections kept open and used again.
//!
//! It does not know models or JSON. It speaks to one host, follows no redirects and knows no proxies.

mod connect;
mod pool;
mod tls;

use crate::config::seconds;
use crate::failure::{Failure, Outcome, What};
use crate::{Headers, Secret, Timeouts, vendor::Vendor};
use bytes::Bytes;
use connect::Connector;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
pub(crate) use pool::Flow;
use pool::Pool;
use std::path::Path;
use std::time::{Duration, Instant};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_telemetry::Heard;

/// Most bytes of a body that is read whole.
const MOST_BYTES: usize = 32 << 20;

/// Most bytes of an error's body that are looked at.
const MOST_ERROR_BYTES: usize = 64 << 10;

/// Headers that the client writes itself.
const OWN_HEADERS: [&str; 6] = ["host", "content-length", "content-type", "transfer-encoding", "connection", "accept"];

/// A client for one host.
pub(crate) struct Client {
    pool: Pool,
    base: Uri,
    headers: HeaderMap,
    timeouts: Timeouts,
}

impl Client {
    pub(crate) fn new(
        base_url: &str,
        vendor: &dyn Vendor,
        key: Option<&Secret>,
        extra: &Headers,
        timeouts: Timeouts,
        ca_file: Option<&Path>,
    ) -> Result<Self> {
        let base = read_base(base_url)?;
        let tls = if base.scheme_str() == Some("https") { Some(tls::connector(ca_file)?) } else { None };
        let pool = Pool::new(Connector::new(&base, tls, seconds(timeouts.connect))?);
        let mut headers = write_headers(vendor, key, extra)?;
        headers.insert(HOST, host_header(&base)?);
        Ok(Self { pool, base, headers, timeouts })
    }

    /// The host and port that requests go to.
    pub(crate) fn authority(&self) -> &str {
        self.base.authority().map_or("", |authority| authority.as_str())
    }

    /// The address of a route, checked to be of the same host.
    pub(crate) fn route(&self, url: &str) -> Result<Uri> {
        let uri: Uri = url.parse().map_err(|_| wrong_config(format!("'{url}' is not an address.")))?;
        if uri.authority() != self.base.authority() {
            return Err(Error::internal(format!("'{url}' is not of the provider's host.")));
        }
        Ok(uri)
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Sends a request; returns when the reply's head is there and says that all is well.
    pub(crate) async fn post(&self, uri: &Uri, body: Bytes, is_stream: bool) -> Outcome<Response<Flow>> {
        self.send(Method::POST, uri, body, is_stream).await
    }

    async fn send(&self, method: Method, uri: &Uri, body: Bytes, is_stream: bool) -> Outcome<Response<Flow>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
        *request.headers_mut() = self.headers.clone();
        let accept = if is_stream { "text/event-stream" } else { "application/json" };
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        crate::trace::tell(request.headers_mut());
        let Timeouts { first_byte, total, .. } = self.timeouts;
        let (wait, late) =
            if is_stream { (first_byte, What::Silent(first_byte)) } else { (total, What::TooSlow(total)) };
        let reply = match tokio::time::timeout(seconds(wait), self.pool.request(request)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => return Err(Failure::unreachable(&*error)),
            Err(_) => return Err(late.into()),
        };
        Heard::tell(reply.status().as_u16());
        if reply.status().is_success() {
            return Ok(reply);
        }
        let (head, body) = reply.into_parts();
        // An error's text is worth a short wait, and its beginning is enough.
        let text = tokio::time::timeout(Duration::from_secs(5), read_some(body, MOST_ERROR_BYTES)).await;
        Err(Failure::refused(head.status, &head.headers, &text.unwrap_or_default()))
    }

    /// Sends a request and reads the whole reply.
    pub(crate) async fn post_whole(&self, uri: &Uri, body: Bytes) -> Outcome<Bytes> {
        let begun = Instant::now();
        let reply = self.post(uri, body, false).await?;
        self.read_whole(reply.into_body(), begun).await
    }

    /// Reads a whole document.
    pub(crate) async fn get_whole(&self, uri: &Uri) -> Outcome<Bytes> {
        let begun = Instant::now();
        let reply = self.send(Method::GET, uri, Bytes::new(), false).await?;
        self.read_whole(reply.into_body(), begun).await
    }

    /// Reads a body to its end, within the time of the whole answer.
    pub(crate) async fn read_whole(&self, body: Flow, begun: Instant) -> Outcome<Bytes> {
        let left = seconds(self.timeouts.total).saturating_sub(begun.elapsed());
        match tokio::time::timeout(left, collect(body)).await {
            Ok(read) => read,
            Err(_) => Err(What::TooSlow(self.timeouts.total).into()),
        }
    }
}

fn read_base(url: &str) -> Result<Uri> {
    let how = "write it as 'https://HOST/PATH' or 'http://HOST:PORT/PATH', without a question mark or a password";
    let wrong = || wrong_config(format!("The base URL '{}' is malformed; {how}.", without_password(url)));
    let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| wrong())?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if !is_web || authority.is_empty() || authority.contains('@') || uri.query().is_some() {
        return Err(wrong());
    }
    Ok(uri)
}

fn host_header(base: &Uri) -> Result<HeaderValue> {
    let authority = base.authority().map_or("", |authority| authority.as_str());
    // Servers know themselves without the usual port.
    let usual = if base.scheme_str() == Some("https") { ":443" } else { ":80" };
    HeaderValue::from_str(authority.strip_suffix(usual).unwrap_or(authority))
        .map_err(|_| wrong_config(format!("The base URL '{base}' has a host that cannot be sent.")))
}

fn without_password(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

fn wrong_config(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidConfig, message)
}

fn write_headers(vendor: &dyn Vendor, key: Option<&Secret>, extra: &Headers) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("yizhan/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in vendor.headers() {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for (name, value) in &extra.0 {
        let header = HeaderName::try_from(name.as_str()).ok().filter(|name| !OWN_HEADERS.contains(&name.as_str()));
        let header = header.ok_or_else(|| wrong_config(format!("'{name}' cannot be a header of its own.")))?;
        let mut value = HeaderValue::try_from(value.as_str())
            .map_err(|_| wrong_config(format!("The header '{name}' has a value that cannot be sent.")))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    if let Some(key) = key {
        let (name, value) = vendor.key_header(key);
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| wrong_config("The key has characters that no key has; look at where it comes from."))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// The whole body. One that came in one piece is not copied.
async fn collect(mut body: Flow) -> Outcome<Bytes> {
    let too_long = || Failure::from(What::Malformed(format!("the reply is longer than {MOST_BYTES} bytes")));
    if body.size_hint().lower() > MOST_BYTES as u64 {
        return Err(too_long());
    }
    let mut first = Bytes::new();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::unreachable(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
        if rest.len() > MOST_BYTES {
            return Err(too_long());
        }
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}

/// The beginning of a body, as far as it can be had.
async fn read_some(mut body: Flow, most: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            let room = most - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
            if read.len() == most {
                break;
            }
        }
    }
    read
}
