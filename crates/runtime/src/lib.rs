//! Local models behind the traits of `yizhan-model`: each runs in a worker process of this same binary.
//!
//! Entry points: [`Runtime`] on the side of the program, [`worker_main`] on the side of the worker. A request's way:
//! `parent::models` → `parent::link` (frames, two threads) ⇢ pipes ⇢ `worker` → `chat` or `embed` → `native` or
//! `yizhan_encoder`.
//!
//! This crate is the only home of native inference. It does not know where model files come from, who asks, or what
//! an answer is for. A native fault or an out-of-memory kill ends one worker: an error for the calls in
//! flight, a fresh worker for the next.

mod chat;
mod embed;
mod native;
mod parent;
mod protocol;
mod worker;

pub use parent::{EmbedPrefixes, LoadedModel, Options, Runtime};
pub use worker::worker_main;
