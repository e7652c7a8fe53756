//! The way to a collector of traces: one host, JSON, no retries.
//!
//! It does not know what traces look like, and opens connections to that host alone.

use crate::client::Client;
use crate::{Headers, Timeouts, VendorName, vendor};
use bytes::Bytes;
use http::Uri;
use std::path::Path;
use std::time::Duration;
use yizhan_domain::Result;

/// Where OTLP over HTTP takes traces, below the collector's address.
const PATH: &str = "/v1/traces";

/// A collector that takes OTLP over HTTP.
pub struct Collector {
    client: Client,
    uri: Uri,
}

impl Collector {
    /// At this address, to which `/v1/traces` is added unless it ends so; with these headers in every request, and
    /// so many seconds for each. `InvalidConfig` when that cannot be an address. Opens no connection.
    pub fn new(endpoint: &str, headers: &Headers, seconds: f64, ca_file: Option<&Path>) -> Result<Self> {
        let timeouts = Timeouts { connect: seconds, first_byte: seconds, idle: seconds, total: seconds };
        timeouts.check()?;
        let base = endpoint.trim_end_matches('/');
        let base = base.strip_suffix(PATH).unwrap_or(base);
        let client = Client::new(base, vendor::of(VendorName::Compatible), None, headers, timeouts, ca_file)?;
        let uri = client.route(&format!("{base}{PATH}"))?;
        Ok(Self { client, uri })
    }

    /// The one host that requests go to.
    pub fn authority(&self) -> &str {
        self.client.authority()
    }

    /// Posts JSON. Returns the status and how long to wait where it asks for that; an error when no answer came.
    pub async fn post(&self, body: Vec<u8>) -> Result<(u16, Option<Duration>)> {
        match self.client.post_whole(&self.uri, Bytes::from(body)).await {
            Ok(_) => Ok((200, None)),
            Err(failure) => match failure.refusal() {
                Some(refusal) => Ok(refusal),
                None => Err(failure.tell("collector of traces", vendor::of(VendorName::Compatible))),
            },
        }
    }
}
