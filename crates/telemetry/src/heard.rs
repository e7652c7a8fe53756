//! The HTTP status that somebody answered: told where a reply comes in and found by whoever asked, without passing
//! through what lies between.
//!
//! It does not know requests or HTTP.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// The status of the last reply to some work. Cheap to clone; all clones are the same. It outlives work that is dropped.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<AtomicU16>);

tokio::task_local! {
    static HEARD: Heard;
}

impl Heard {
    /// The work, whose replies are told here.
    pub async fn along<T>(&self, work: impl Future<Output = T>) -> T {
        HEARD.scope(self.clone(), work).await
    }

    /// A reply came to the work that is done now. Nothing happens where nobody listens.
    pub fn tell(status: u16) {
        // An error means just that.
        let _ = HEARD.try_with(|heard| heard.0.store(status, Relaxed));
    }

    /// The status, if a reply came.
    pub fn status(&self) -> Option<u16> {
        match self.0.load(Relaxed) {
            0 => None,
            status => Some(status),
        }
    }
}

#[cfg(test)]
#[path = "heard_tests.rs"]
mod tests;
