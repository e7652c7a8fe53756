//! An evaluation's figures, for programs and for people.
//!
//! It does not print: it makes text.

use crate::bootstrap::{Interval, interval, quantile};
use crate::{Metric, Ranking};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// One way of searching, over all questions.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    name: String,
    metrics: Vec<(Metric, Interval)>,
    questions: usize,
    /// Milliseconds a question: the mean with its interval, the median, the 99th percentile.
    time: Option<(Interval, f64, f64)>,
}

impl Mode {
    /// The figures of one way of searching: a ranking for each question, and how long each took where that was measured.
    pub fn new(name: impl Into<String>, metrics: &[Metric], rankings: &[Ranking], times: &[Duration]) -> Self {
        let score = |metric: Metric| {
            let scores: Vec<f64> = rankings.iter().map(|ranking| metric.of(ranking)).collect();
            (metric, interval(&scores))
        };
        let metrics = metrics.iter().copied().map(score).collect();
        let mut milliseconds: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        milliseconds.sort_unstable_by(f64::total_cmp);
        let time = (!milliseconds.is_empty())
            .then(|| (interval(&milliseconds), quantile(&milliseconds, 0.5), quantile(&milliseconds, 0.99)));
        Self { name: name.into(), metrics, questions: rankings.len(), time }
    }

    /// The figure of a metric.
    pub fn figure(&self, metric: Metric) -> Option<Interval> {
        self.metrics.iter().find(|(known, _)| *known == metric).map(|(_, interval)| *interval)
    }
}

/// An evaluation of one or several ways of searching the same passages.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How many passages were searched.
    pub passages: usize,
    /// How many questions were asked.
    pub questions: usize,
    /// The ways of searching, in the order in which they are shown.
    pub modes: Vec<Mode>,
}

impl Report {
    /// For programs:
    /// `{"passages":N,"questions":N,"modes":{"bm25":{"hit@1":{"value":x,"low":x,"high":x},…,"milliseconds":{…}},…}}`.
    /// `milliseconds` is the time a query: its mean with interval, and `p50` and `p99`.
    pub fn to_json(&self) -> Value {
        let modes: Map<String, Value> = self.modes.iter().map(|mode| (mode.name.clone(), mode_json(mode))).collect();
        json!({ "passages": self.passages, "questions": self.questions, "modes": modes })
    }

    /// For people: one line a metric and mode, aligned also where names are Chinese.
    pub fn to_table(&self) -> String {
        let mut rows = vec![["mode", "metric", "value", "95 % interval", "n"].map(str::to_owned)];
        for mode in &self.modes {
            for (metric, figure) in &mode.metrics {
                let between = format!("{:.4} – {:.4}", figure.low, figure.high);
                let value = format!("{:.4}", figure.value);
                rows.push([mode.name.clone(), metric.to_string(), value, between, mode.questions.to_string()]);
            }
            if let Some((mean, _, p99)) = &mode.time {
                let between = format!("{:.2} – {:.2}, p99 {p99:.2}", mean.low, mean.high);
                let value = format!("{:.2}", mean.value);
                rows.push([mode.name.clone(), "ms/query".into(), value, between, mode.questions.to_string()]);
            }
        }
        let mut table = format!("{} passages, {} questions\n", self.passages, self.questions);
        let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        let widths: [usize; 5] = std::array::from_fn(width);
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                // Writing to a String cannot fail.
                let _ = write!(line, "{cell}{}", " ".repeat(width - cell.width() + 2));
            }
            table.push_str(line.trim_end());
            table.push('\n');
        }
        table
    }
}

fn mode_json(mode: &Mode) -> Value {
    let mut fields: Map<String, Value> =
        mode.metrics.iter().map(|(metric, figure)| (metric.to_string(), json!(figure))).collect();
    if let Some((mean, p50, p99)) = &mode.time {
        let Interval { value, low, high } = mean;
        let time = json!({ "value": value, "low": low, "high": high, "p50": p50, "p99": p99 });
        fields.insert("milliseconds".to_owned(), time);
    }
    Value::Object(fields)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
