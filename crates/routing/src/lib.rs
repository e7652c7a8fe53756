//! Which model answers a call, and what happens when it does not: routes, retries, fallback,
//! circuit breakers, hedging.
//!
//! Begin at [`Route::generate`]. A route stands where one model would, and tells through a
//! [`Trail`] what it tried. This crate does not know providers, wire formats, prices, callers or
//! where its settings come from.

mod attempt;
mod breaker;
mod order;
mod retry;
mod route;
mod trail;

pub use breaker::{BreakerSettings, BreakerState};
pub use order::Strategy;
pub use retry::RetrySettings;
pub use route::{Route, RouteSettings, Target, TargetState};
pub use trail::{Attempt, Outcome, Trail};
