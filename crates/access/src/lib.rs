//! Who calls, what they may do, and how much: a key or token becomes a [`Principal`], and with that a
//! call gets a [`Permit`].
//!
//! Begin at [`Access`]. A `Principal` is a proof: [`Access::identify`] makes one from a key or a token,
//! and [`Principal::local`] for the operator's own command line, so that code which takes one cannot run
//! for a stranger. A `Permit` holds a request, tokens and money of everyone who pays for a call until it is
//! settled; [`Limiter`] is the seam to where limits are held, [`MemoryLimiter`] the one in this process.
//! This crate does not know HTTP beyond the text of headers, prices, or where keys are kept.

mod access;
mod calendar;
pub mod contract;
mod declare;
mod glob;
mod jwt;
mod limiter;
mod limits;
mod manage;
mod memory;
mod network;
mod oidc;
mod permit;
mod principal;
mod role;
mod secret;
mod standing;
mod subjects;

pub use access::{Access, Credentials};
pub use calendar::{Period, UtcOffset};
pub use declare::{DeclaredKey, DeclaredMember, DeclaredTenant};
pub use limiter::{Claim, Hold, Limit, Limiter, Rate, Refusal, Spent, Subject, Used, Verdict};
pub use limits::{Bound, LimitSettings, Limits, OnFailure, Unlimited};
pub use manage::KeyRequest;
pub use memory::MemoryLimiter;
pub use oidc::{Fetch, IssuerSettings, Oidc, discover};
pub use permit::{Ask, OUTPUT_SLICE, Permit};
pub use principal::Principal;
pub use role::{Role, Scope};
pub use standing::{Level, Standing};
