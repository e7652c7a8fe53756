//! HTTP: routes, extractors, server-sent events, and the shapes of OpenAI's and Anthropic's APIs.
//!
//! The only home of axum. It knows neither engines nor indexes nor SQL: what answers stands behind
//! the two traits of [`backend`], and the store's traits.
//!
//! A request's way: [`serve`] takes the connection, `middleware` names the request and catches
//! panics, `routes` finds the handler, the extractors `auth` and `body` say who calls and what is
//! asked, the handler translates with `dialect` and asks a backend or the store. Every failure on
//! the way is a [`yizhan_domain::Error`] and leaves as OpenAI's error body through `error`.

pub mod admin;
pub mod backend;

mod auth;
mod batches;
mod body;
mod chat;
mod cors;
mod doors;
mod embeddings;
mod error;
mod files;
mod filter;
mod health;
mod judge;
mod keeping;
mod lane;
mod middleware;
mod models;
mod notes;
mod openapi;
mod pace;
mod page;
mod params;
mod patience;
mod refusal;
mod routes;
mod search;
mod serve;
mod sse;
mod state;
mod store_files;
mod stores;
mod stream;
mod tls;
mod trace;
mod upload;

pub use doors::Tls;
pub use serve::serve;
pub use state::{AppState, Settings};
pub use tls::{Acceptor, TlsFiles, Validity};
