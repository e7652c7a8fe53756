//! What calls cost and consumed.
//!
//! [`PriceBook`] turns a call's tokens into an explained [`Charge`], and into the amount that a
//! reservation must hold before it. [`Meter`] adds calls up by the hour and hands the hours to a
//! [`UsageStore`](yizhan_store::UsageStore), each call once.
//!
//! All arithmetic is in whole numbers: prices in billionths of the currency for a million tokens, amounts
//! in billionths, each line of a charge rounded half up.
//!
//! It does not know HTTP, budgets, where calls are written down, or what a currency is worth in another.

mod meter;
mod price;

pub use meter::{Call, CallOutcome, Meter};
pub use price::{Charge, ChargeLine, PriceBook, What};
