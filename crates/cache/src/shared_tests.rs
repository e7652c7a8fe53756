use super::*;
use crate::contract::{MOST_BYTES, Tested};

async fn tested() -> Tested {
    Tested { store: std::sync::Arc::new(MemoryShared::new(MOST_BYTES)), keep: Box::new(()) }
}

crate::shared_contract_tests!(tested().await);
