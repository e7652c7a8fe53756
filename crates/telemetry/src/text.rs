//! The text formats that Prometheus reads: its own (0.0.4) and OpenMetrics (1.0.0).
//!
//! It does not know which metrics there are.

use crate::histogram::{BOUNDS_MS, Snapshot};
use crate::table::{Kind, Row};
use std::fmt::Write;
use yizhan_domain::Money;

/// An exposition format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own.
    #[default]
    Prometheus,
    /// OpenMetrics.
    OpenMetrics,
}

impl Format {
    /// What a request's `Accept` header asks for: OpenMetrics when it is named and not refused (`q=0`), else
    /// Prometheus' own format, which everybody reads.
    pub fn accepted(accept: Option<&str>) -> Self {
        let wanted = |part: &str| {
            let mut words = part.split(';').map(str::trim);
            let is_named = words.next().is_some_and(|word| word.eq_ignore_ascii_case("application/openmetrics-text"));
            is_named && !words.any(|word| word.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0f32)))
        };
        if accept.is_some_and(|accept| accept.split(',').any(wanted)) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The reply's content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A number of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Count(u64),
    Float(f64),
    Money(Money),
}

/// Writes one family after the other. Writing to a text never fails.
pub(crate) struct Writer {
    format: Format,
    text: String,
}

impl Writer {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, text: String::with_capacity(16 << 10) }
    }

    /// What a metric is, before its series.
    pub(crate) fn head(&mut self, row: &Row) {
        let name = match (self.format, row.kind) {
            // OpenMetrics names the family, Prometheus the samples.
            (Format::OpenMetrics, Kind::Counter) => row.name.strip_suffix("_total").unwrap_or(row.name),
            _ => row.name,
        };
        let _ = writeln!(self.text, "# HELP {name} {}", row.help().replace('\\', "\\\\"));
        let _ = writeln!(self.text, "# TYPE {name} {}", row.kind.as_str());
    }

    /// One series.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], number: Number) {
        self.text.push_str(name);
        self.labels(labels, None);
        self.number(number);
    }

    /// One series of a histogram, in seconds.
    pub(crate) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], seen: &Snapshot) {
        let mut total = 0;
        for (index, count) in seen.cumulative.iter().enumerate() {
            total = *count;
            let _ = write!(self.text, "{name}_bucket");
            match BOUNDS_MS.get(index) {
                Some(bound) => self.labels(labels, Some(&format!("{:?}", f64::from(*bound) / 1000.0))),
                None => self.labels(labels, Some("+Inf")),
            }
            self.number(Number::Count(total));
        }
        let _ = write!(self.text, "{name}_sum");
        self.labels(labels, None);
        self.number(Number::Float(seen.sum_ms as f64 / 1000.0));
        let _ = write!(self.text, "{name}_count");
        self.labels(labels, None);
        self.number(Number::Count(total));
    }

    pub(crate) fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn labels(&mut self, labels: &[(&str, &str)], bound: Option<&str>) {
        // To Prometheus an empty label and a missing one are the same.
        let given = labels.iter().copied().filter(|(_, value)| !value.is_empty());
        let mut mark = '{';
        for (name, value) in given.chain(bound.map(|bound| ("le", bound))) {
            self.text.push(mark);
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.escape(value);
            self.text.push('"');
            mark = ',';
        }
        if mark == ',' {
            self.text.push('}');
        }
    }

    fn escape(&mut self, value: &str) {
        if !value.contains(['\\', '"', '\n']) {
            return self.text.push_str(value);
        }
        for c in value.chars() {
            match c {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                c => self.text.push(c),
            }
        }
    }

    fn number(&mut self, number: Number) {
        let text = &mut self.text;
        let _ = match number {
            Number::Count(count) => writeln!(text, " {count}"),
            Number::Money(money) => writeln!(text, " {money}"),
            Number::Float(float) if float.is_nan() => writeln!(text, " NaN"),
            Number::Float(float) if float.is_infinite() => {
                writeln!(text, " {}Inf", if float > 0.0 { '+' } else { '-' })
            }
            Number::Float(float) => writeln!(text, " {float}"),
        };
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
