//! The worker that answers conversations.
//!
//! It does not know the parent's side of the pipes.

mod answer;
mod mailbox;
mod output;
mod prompt;
mod sampling;
mod scheduler;
mod schema;
mod slots;
mod template;
mod text;
mod worker;

pub(crate) use worker::run;
