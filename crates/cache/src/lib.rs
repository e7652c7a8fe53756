//! Answers that were given before, given again.
//!
//! [`Cache::look_up`] is the whole of it for a caller: a [`Hit`], or a [`Pending`] that watches the answer on
//! its way and keeps it when it ended well. Below it: `key` says which requests are the same, `replies`
//! holds answers within limits of size and age and lets equal calls wait for the first, `near` finds questions
//! that are nearly the same, and `facts` says whether two such questions may have different answers.
//!
//! It does not know HTTP, rules, prices, where documents are, or what a route is beyond its name. What it
//! holds are events as a model sent them: whoever gives them out applies today's rules to them.

mod answer;
mod cache;
pub mod contract;
mod facts;
mod fitness;
mod key;
mod lexicon;
mod near;
mod number;
mod pending;
mod replay;
mod replies;
mod settings;
mod shared;
mod shelf;
mod words;

pub use answer::Answer;
pub use cache::{Cache, Found, Hit, LookedUp, Statistics};
pub use facts::{Difference, Facts};
pub use fitness::{Unfit, Wish, unfit};
pub use key::{Digest, Key, Partition, canonical_key};
pub use near::{Near, Nearest, Question};
pub use pending::Pending;
pub use replay::Pace;
pub use replies::{Entered, ReplyCache};
pub use settings::{Semantic, Settings, Shared, Temperature};
pub use shared::{MemoryShared, SharedStore};
