//! What one call holds in this process.
//!
//! It does not know whether it is allowed: what it is made of was taken already.

use super::Shared;
use super::slot::{Taken, Want};
use crate::Standing;
use crate::limiter::{Hold, Refusal, Subject};
use async_trait::async_trait;
use std::sync::Arc;
use yizhan_domain::{Money, Result};

pub(super) struct MemoryHold {
    shared: Arc<Shared>,
    subjects: Vec<Arc<Subject>>,
    /// What was taken, by when; the first has the request.
    parts: Vec<Taken>,
    standing: Standing,
}

impl MemoryHold {
    pub(super) fn new(shared: Arc<Shared>, subjects: Vec<Arc<Subject>>, taken: Taken, standing: Standing) -> Self {
        Self { shared, subjects, parts: vec![taken], standing }
    }
}

#[async_trait]
impl Hold for MemoryHold {
    async fn top_up(&mut self, tokens: u64, money: Money) -> Result<Option<Refusal>> {
        match self.shared.take(&self.subjects, Want { requests: 0, tokens, money }).await? {
            Ok((taken, standing)) => {
                self.standing = standing;
                match self.parts.last_mut() {
                    Some(last) if last.is_same_time(&taken) => last.merge(&taken),
                    _ => self.parts.push(taken),
                }
                Ok(None)
            }
            Err(refusal) => Ok(Some(refusal)),
        }
    }

    fn standing(&self) -> Standing {
        self.standing
    }

    fn settle(self: Box<Self>, tokens: u64, money: Money) {
        let now = self.shared.clock.now_ms();
        self.shared.state().settle(&self.subjects, &self.parts, tokens, money, now);
    }
}
