//! Price lists: what a call costs, and why.
//!
//! They do not know who pays or how much is left.

mod book;
mod charge;
mod file;
mod pattern;
mod rate;

pub use book::PriceBook;
pub use charge::{Charge, ChargeLine, What};
