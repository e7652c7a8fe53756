//! A look at a Redis that is there, and at one that is not.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use common::Server;
use yizhan_domain::ErrorCode;
use yizhan_redis::{RedisSettings, probe};

#[tokio::test]
async fn what_is_there_is_told_and_what_is_not_too() {
    let mut server = Server::start();
    let settings = RedisSettings::new(format!("redis://:hidden@127.0.0.1:{}", server.port));
    // This one wants no password, and takes offence at one.
    let error = probe(&settings).await.unwrap_err();
    assert!(error.code() == ErrorCode::Io && !error.message().contains("hidden"), "{error}");
    let settings = RedisSettings::new(format!("redis://127.0.0.1:{}", server.port));
    let found = probe(&settings).await.unwrap();
    assert!(
        found.version.split('.').count() >= 2 && found.version.starts_with(|c: char| c.is_ascii_digit()),
        "{found:?}"
    );
    assert!(found.ahead_ms.abs() < 1000, "it has this machine's clock: {found:?}");
    server.kill();
    let error = probe(&settings).await.unwrap_err();
    assert!(error.message().contains(&format!("127.0.0.1:{}", server.port)), "{error}");
}
