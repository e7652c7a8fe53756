//! HTTP: routes, extractors, server-sent events, and the shapes of OpenAI's API.
//!
//! The only home of axum. It knows neither engines nor indexes nor SQL: what answers stands behind
//! the two traits of [`backend`], and the store's traits.

pub mod backend;
