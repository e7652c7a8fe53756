//! How good retrieval is: data sets, metrics over ranked lists, and how sure one may be of them.
//!
//! [`RetrievalSet`] reads passages and questions; the caller searches, and keeps a [`Ranking`] for each question;
//! [`Report`] turns them into figures with intervals, as JSON and as a table. This crate knows no index, no model and no
//! clock: ranked lists and durations come in, figures go out.

mod bootstrap;
mod codebase;
mod dataset;
mod metric;
mod report;
mod squad;

pub use bootstrap::{Interval, RESAMPLES, interval};
pub use dataset::{Passage, Question, RetrievalSet};
pub use metric::{Metric, Ranking};
pub use report::{Mode, Report};
