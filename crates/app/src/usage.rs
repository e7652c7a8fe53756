//! The server's seam to usage, answered by the meter.
//!
//! It does not know who asks.

use async_trait::async_trait;
use std::sync::Arc;
use yizhan_domain::Result;
use yizhan_metering::Meter;
use yizhan_server::backend::UsageBackend;
use yizhan_store::{UsageGroup, UsageQuery};

/// The meter that counts the server's calls.
pub(crate) struct Metered(pub(crate) Arc<Meter>);

#[async_trait]
impl UsageBackend for Metered {
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>> {
        self.0.usage(query).await
    }
}
