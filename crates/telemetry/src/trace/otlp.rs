//! OTLP's traces in their JSON form: protobuf's JSON mapping with camelCase names, 64-bit numbers as texts,
//! enumerations as numbers, and, other than in protobuf, ids in hexadecimal.
//!
//! It does not know what spans are about.

use super::context::{TraceContext, hex};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Attribute {
    key: Cow<'static, str>,
    value: AnyValue,
}

/// Makes an attribute.
pub(super) fn attribute(key: impl Into<Cow<'static, str>>, value: impl Into<AnyValue>) -> Attribute {
    Attribute { key: key.into(), value: value.into() }
}

/// OTLP's value of any kind, as far as it is used here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) enum AnyValue {
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "boolValue")]
    Truth(bool),
    #[serde(rename = "intValue", serialize_with = "as_text")]
    Number(u64),
    #[serde(rename = "doubleValue")]
    Float(f64),
    #[serde(rename = "arrayValue")]
    List(List),
}

/// OTLP's list of values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct List {
    values: Vec<AnyValue>,
}

impl From<Vec<AnyValue>> for AnyValue {
    fn from(values: Vec<AnyValue>) -> Self {
        Self::List(List { values })
    }
}

impl From<String> for AnyValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for AnyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for AnyValue {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<u64> for AnyValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<f64> for AnyValue {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

/// What a span is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanKind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

impl Serialize for SpanKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Nothing to say.
    Unset,
    /// An error, with its code's word.
    Error(String),
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unset => json!({}).serialize(serializer),
            Self::Error(message) => json!({"code": 2, "message": message}).serialize(serializer),
        }
    }
}

/// Something at a moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(serialize_with = "as_text")]
    pub(super) time_unix_nano: u64,
    pub(super) name: &'static str,
    pub(super) attributes: Vec<Attribute>,
}

/// A span.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span {
    #[serde(serialize_with = "as_hex")]
    pub(super) trace_id: [u8; 16],
    #[serde(serialize_with = "as_hex")]
    pub(super) span_id: [u8; 8],
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_hex_too")]
    pub(super) parent_span_id: Option<[u8; 8]>,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: SpanKind,
    #[serde(serialize_with = "as_text")]
    pub(super) start_time_unix_nano: u64,
    #[serde(serialize_with = "as_text")]
    pub(super) end_time_unix_nano: u64,
    pub(super) attributes: Vec<Attribute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<Event>,
    pub(super) status: Status,
}

impl Span {
    /// A span at that place, from one moment to another, without attributes.
    pub(super) fn new(
        place: TraceContext,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        (begin_ns, end_ns): (u64, u64),
    ) -> Self {
        Self {
            trace_id: place.trace(),
            span_id: place.span(),
            parent_span_id: place.parent(),
            name: name.into(),
            kind,
            start_time_unix_nano: begin_ns,
            end_time_unix_nano: end_ns.max(begin_ns),
            attributes: Vec::new(),
            events: Vec::new(),
            status: Status::Unset,
        }
    }
}

fn as_hex<S: Serializer, const N: usize>(id: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(id))
}

fn as_hex_too<S: Serializer>(id: &Option<[u8; 8]>, serializer: S) -> Result<S::Ok, S::Error> {
    id.map(|id| hex(&id)).serialize(serializer)
}

fn as_text<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// The body of a request to the collector.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct Resource<'a> {
    attributes: &'a [Attribute],
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Value,
    spans: &'a [&'a Span],
}

/// Spans of one resource as a request's body.
pub(super) fn export(resource: &[Attribute], version: &str, spans: &[&Span]) -> Vec<u8> {
    let scope_spans = [ScopeSpans { scope: json!({"name": "yizhan", "version": version}), spans }];
    let body = Export { resource_spans: [ResourceSpans { resource: Resource { attributes: resource }, scope_spans }] };
    // All keys are texts: writing them as JSON cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[cfg(test)]
#[path = "otlp_tests.rs"]
mod tests;
