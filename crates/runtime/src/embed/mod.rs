//! The worker that turns texts into vectors.
//!
//! It does not know how an encoder computes; `yizhan_encoder` does.

mod tasks;
mod worker;

pub(crate) use worker::run;
