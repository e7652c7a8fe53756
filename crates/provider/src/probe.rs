//! One look at a provider: can it be reached, and does it take the key?
//!
//! It asks for the list of models, which costs nothing, and does not look at what is in it.

use crate::Provider;
use http::StatusCode;
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Result};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It gave its list.
    Accepted,
    /// It answered, but has no list of models; whether it takes the key is not known.
    NoList,
}

impl Provider {
    /// Asks for its models. `ProviderFailed` or `Timeout` when it cannot be reached, the provider's own code and
    /// sentence when it refuses.
    pub async fn probe(&self) -> Result<Probed> {
        let shared = self.shared();
        let uri = shared.client.route(&format!("{}/models", shared.base))?;
        let asked = tokio::time::timeout(PATIENCE, shared.client.get_whole(&uri)).await;
        let asked = asked.map_err(|_| {
            let message = format!("The provider '{}' did not answer within {} s.", shared.name, PATIENCE.as_secs());
            Error::new(ErrorCode::Timeout, message)
        })?;
        match asked {
            Ok(_) => Ok(Probed::Accepted),
            Err(failure) if failure.has_status(&[StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED]) => {
                Ok(Probed::NoList)
            }
            Err(failure) => Err(shared.tell(failure)),
        }
    }
}
