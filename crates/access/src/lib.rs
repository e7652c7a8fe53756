//! Who calls, and what they may do: an API key becomes a [`Principal`].
//!
//! Begin at [`Access`]. A `Principal` is a proof: [`Access::authenticate`] makes one from a key, and
//! [`Principal::local`] for the operator's own command line, so that code which takes one cannot run
//! for a stranger. This crate does not know HTTP beyond the text of
//! the `Authorization` header, or where keys are kept.

mod access;
mod permit;
mod principal;
mod secret;

pub use access::Access;
pub use permit::Permit;
pub use principal::{Principal, Scope};
