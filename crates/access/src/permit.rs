//! Capacity that a call holds while it runs.
//!
//! It does not know rates, tokens or money yet: it counts calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One call's share of the capacity. Settles when dropped, also when the client went away.
#[derive(Debug)]
#[must_use = "the call holds nothing once its permit is dropped"]
pub struct Permit(Arc<AtomicUsize>);

impl Permit {
    pub(crate) fn take(active: &Arc<AtomicUsize>) -> Self {
        active.fetch_add(1, Ordering::Relaxed);
        Self(active.clone())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
