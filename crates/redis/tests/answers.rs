//! The shared answers on Redis keep the contract of all such stores, also on a cluster; nothing of them outlives its
//! time; and a Redis that is away is a miss.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

mod common;

use common::{Server, until};
use std::sync::Arc;
use std::time::Duration;
use yizhan_cache::contract::{MOST_BYTES, Tested};
use yizhan_cache::{Answer, Key, Partition, ReplyCache, Settings, SharedStore, canonical_key, shared_contract_tests};
use yizhan_domain::Usage;
use yizhan_model::{ChatEvent, ChatRequest};
use yizhan_redis::RedisAnswers;

async fn answers(server: &Server) -> RedisAnswers {
    let answers = RedisAnswers::new(&server.settings(), MOST_BYTES).unwrap();
    answers.connect().await.unwrap();
    answers
}

async fn tested(server: Server) -> Tested {
    Tested { store: Arc::new(answers(&server).await), keep: Box::new(server) }
}

mod alone {
    use super::*;
    shared_contract_tests!(tested(Server::start()).await);
}

fn key() -> Key {
    canonical_key(&Partition::new("t".into(), "m".into(), "r".into()), &ChatRequest::default())
}

fn answer(text: &str) -> Answer {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let made_at_ms = u64::try_from(since.as_millis()).unwrap();
    Answer { events: vec![ChatEvent::text(text)], usage: Usage::default(), made_at_ms, served: None, beside: None }
}

fn replica(answers: &RedisAnswers) -> ReplyCache {
    let settings = Settings { enabled: true, ..Settings::default() };
    ReplyCache::new(settings, Some(Arc::new(answers.clone())))
}

#[tokio::test]
async fn one_replica_finds_what_another_kept_and_everything_has_its_time() {
    let server = Server::start();
    let (here, there) = (answers(&server).await, answers(&server).await);
    replica(&here).put(key(), answer("yes"));
    until("it is kept", async || there.get(&key()).await.unwrap().is_some()).await;
    assert_eq!(replica(&there).find(&key()).await.unwrap().events, answer("yes").events);
    for key in server.keys().await {
        let left: i64 = redis::from_redis_value(server.command(&["PTTL", &key]).await).unwrap();
        assert!(left > 0, "{key} has no end");
    }
}

#[tokio::test]
async fn what_another_version_wrote_is_a_miss() {
    let server = Server::start();
    let answers = answers(&server).await;
    let mut bytes = answer("yes").to_bytes();
    bytes[0] += 1;
    for bytes in [bytes, b"\x01{".to_vec(), Vec::new()] {
        answers.put(&key(), bytes, Duration::from_secs(60)).await.unwrap();
        assert!(replica(&answers).find(&key()).await.is_none());
    }
}

#[tokio::test]
async fn a_redis_that_is_away_is_a_miss_at_once_and_back_when_it_is() {
    let mut server = Server::start();
    let answers = answers(&server).await;
    let behind = tokio::spawn({
        let answers = answers.clone();
        async move { answers.run().await }
    });
    answers.put(&key(), answer("yes").to_bytes(), Duration::from_secs(60)).await.unwrap();
    server.kill();
    let replica = replica(&answers);
    assert!(replica.find(&key()).await.is_none());
    assert!(answers.put(&key(), Vec::new(), Duration::from_secs(60)).await.is_err());
    replica.put(key(), answer("still"));
    assert!(replica.find(&key()).await.is_some(), "what is in memory is given all the same");
    server.restart();
    until("it is back", async || answers.put(&key(), Vec::new(), Duration::from_secs(60)).await.is_ok()).await;
    behind.abort();
}
