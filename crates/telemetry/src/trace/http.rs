//! The span of a request over HTTP, named after OpenTelemetry's conventions for servers.
//!
//! It does not know what is answered.

use super::otlp::{Attribute, Span, SpanKind, Status, attribute};
use super::traced::Traced;
use std::time::Instant;

/// A request that is being answered. Its span ends when this is dropped.
pub struct HttpSpan {
    traced: Traced,
    began: Instant,
    name: String,
    status: Option<u16>,
    attributes: Vec<Attribute>,
}

/// What is known of a request when it comes. Empty texts stand for none.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpFacts<'a> {
    /// The method.
    pub method: &'a str,
    /// The path that was asked for, without the query.
    pub path: &'a str,
    /// The request's id.
    pub request: &'a str,
    /// Did it come over TLS?
    pub is_tls: bool,
    /// The caller's network address.
    pub client: &'a str,
    /// What the caller's program calls itself.
    pub user_agent: &'a str,
}

impl HttpSpan {
    /// Of a request that began then; none where it is not recorded.
    pub fn begin(traced: &Traced, began: Instant, facts: &HttpFacts<'_>) -> Option<Self> {
        traced.is_recorded().then(|| Self {
            traced: traced.clone(),
            began,
            name: facts.method.to_owned(),
            status: None,
            attributes: attributes(facts),
        })
    }

    /// The request has a place in the table of routes: this path.
    pub fn routed(&mut self, route: &str) {
        self.name = format!("{} {route}", self.name);
        self.attributes.push(attribute("http.route", route));
    }

    /// The reply's status is known, and the error's code where it was refused before it became a call.
    pub fn answered(&mut self, status: u16, refused: &str) {
        self.status = Some(status);
        if !refused.is_empty() {
            self.attributes.push(attribute("yizhan.refused", refused));
        }
    }
}

fn attributes(facts: &HttpFacts<'_>) -> Vec<Attribute> {
    let texts = [
        ("http.request.method", facts.method),
        ("url.path", facts.path),
        ("url.scheme", if facts.is_tls { "https" } else { "http" }),
        ("client.address", facts.client),
        ("user_agent.original", facts.user_agent),
        ("yizhan.request", facts.request),
    ];
    texts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| attribute(name, value)).collect()
}

impl Drop for HttpSpan {
    fn drop(&mut self) {
        let times = (self.traced.time_ns(self.began), self.traced.time_ns(Instant::now()));
        let name = std::mem::take(&mut self.name);
        let mut span = Span::new(self.traced.context(), name, SpanKind::Server, times);
        span.attributes = std::mem::take(&mut self.attributes);
        match self.status {
            Some(status) => {
                span.attributes.push(attribute("http.response.status_code", u64::from(status)));
                if status >= 500 {
                    span.attributes.push(attribute("error.type", status.to_string()));
                    span.status = Status::Error(String::new());
                }
            }
            None if std::thread::panicking() => {
                span.attributes.push(attribute("error.type", "panic"));
                span.status = Status::Error(String::new());
            }
            // Dropped before there was a reply: nobody waited for it any more.
            None => span.attributes.push(attribute("error.type", "cancelled")),
        }
        self.traced.add([span]);
    }
}
