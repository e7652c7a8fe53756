//! A place in a trace, and the W3C header `traceparent` that carries it.
//!
//! A request that nobody traced before gets a trace id that follows from its call id, so that who knows one finds
//! the other. It does not know spans.

use std::sync::atomic::{AtomicU64, Ordering};
use yizhan_domain::CallId;

/// A place in a trace: trace, own span, the span above, and whether it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    flags: u8,
}

const SAMPLED: u8 = 1;

impl TraceContext {
    /// The place of a request that begins: below the span that the request's `traceparent` names, else in a
    /// trace of its own. Whether it is recorded is the caller's decision where there is one, else that of
    /// `sampling`, a share from 0 to 1 that is the same for all services of one trace.
    pub fn begin(call: &CallId, time_ms: i64, traceparent: Option<&str>, sampling: f64) -> Self {
        match traceparent.and_then(Self::parse) {
            Some(parent) => Self { span: span_id(call.as_str()), parent: Some(parent.span), ..parent },
            None => Self::own(call.as_str(), time_ms, sampling),
        }
    }

    fn own(call: &str, time_ms: i64, sampling: f64) -> Self {
        let (trace, span) = (trace_id(call, time_ms), span_id(call));
        let flags = if is_sampled(&trace, sampling) { SAMPLED } else { 0 };
        Self { trace, span, parent: None, flags }
    }

    /// A new place below this one.
    pub fn child(&self) -> Self {
        // Together with a span that is random already, a counter makes ids that nobody else makes.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let own = u64::from_be_bytes(self.span);
        let span = mix(own ^ mix(NEXT.fetch_add(1, Ordering::Relaxed))).max(1).to_be_bytes();
        Self { span, parent: Some(self.span), ..*self }
    }

    /// Is it recorded?
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The trace's id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        hex(&self.trace)
    }

    /// The header for a request to somebody else: their spans become children of this one.
    pub fn traceparent(&self) -> String {
        let mut header = String::with_capacity(55);
        header.push_str("00-");
        push_hex(&mut header, &self.trace);
        header.push('-');
        push_hex(&mut header, &self.span);
        header.push('-');
        push_hex(&mut header, &[self.flags]);
        header
    }

    pub(super) fn trace(&self) -> [u8; 16] {
        self.trace
    }

    pub(super) fn span(&self) -> [u8; 8] {
        self.span
    }

    pub(super) fn parent(&self) -> Option<[u8; 8]> {
        self.parent
    }

    /// Is `header` a `traceparent`?
    pub(super) fn is_valid(header: &str) -> bool {
        Self::parse(header).is_some()
    }

    /// A `traceparent` of any version, read as the first: what later ones add behind is left.
    fn parse(header: &str) -> Option<Self> {
        let header = header.trim();
        let mut parts = header.splitn(5, '-');
        let [version] = bytes::<1>(parts.next()?)?;
        let (trace, span) = (bytes::<16>(parts.next()?)?, bytes::<8>(parts.next()?)?);
        let [flags] = bytes::<1>(parts.next()?)?;
        let is_longer = parts.next().is_some();
        let is_wrong = version == 0xff || (version == 0 && is_longer) || trace == [0; 16] || span == [0; 8];
        // Of the flags, those that the first two versions define are passed on.
        (!is_wrong).then_some(Self { trace, span, parent: None, flags: flags & 0b11 })
    }
}

fn span_id(call: &str) -> [u8; 8] {
    mix(hash(call)).max(1).to_be_bytes()
}

/// The second, then the call's 96 random bits. The last 56 bits must be random: they decide about sampling.
fn trace_id(call: &str, time_ms: i64) -> [u8; 16] {
    let random = call.strip_prefix("call-").and_then(bytes::<12>).unwrap_or_else(|| {
        let (first, second) = (hash(call), mix(hash(call) ^ 0x5851_f42d_4c95_7f2d));
        let mut random = [0; 12];
        random[..8].copy_from_slice(&mix(first).to_be_bytes());
        random[8..].copy_from_slice(&second.to_be_bytes()[..4]);
        random
    });
    let seconds = u32::try_from(time_ms.max(0) / 1000).unwrap_or(u32::MAX).max(1);
    let mut trace = [0; 16];
    trace[..4].copy_from_slice(&seconds.to_be_bytes());
    trace[4..].copy_from_slice(&random);
    trace
}

/// OpenTelemetry's consistent sampling by the trace id's last 56 bits.
fn is_sampled(trace: &[u8; 16], sampling: f64) -> bool {
    let random = trace[9..].iter().fold(0u64, |random, byte| random << 8 | u64::from(*byte));
    let all = 1u64 << 56;
    let rejected = all - (sampling.clamp(0.0, 1.0) * all as f64) as u64;
    random >= rejected
}

/// FNV-1a: enough to spread ids that are random already.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// SplitMix64's last step.
fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
    }
}

/// Lower-case hexadecimal digits, as W3C has it, and no other number of them.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let is_right = digits.len() == 2 * N && digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.get(..2 * N).filter(|_| is_right)?.as_bytes().chunks_exact(2)) {
        let digit = |c: u8| if c.is_ascii_digit() { c - b'0' } else { c - b'a' + 10 };
        *byte = digit(pair[0]) << 4 | digit(pair[1]);
    }
    Some(bytes)
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
