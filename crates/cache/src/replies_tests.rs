use super::*;
use crate::answer::tests::answer;
use crate::key::{Partition, canonical_key};
use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, stream};
use yizhan_domain::{Error, ErrorCode, FinishReason, Result, Usage};
use yizhan_model::{ChatEvent, ChatRequest};

fn settings() -> Settings {
    Settings { enabled: true, share_seconds: 10, ttl_seconds: 60, ..Settings::default() }
}

fn key() -> Key {
    canonical_key(&Partition::new("t".into(), "m".into(), "r".into()), &ChatRequest::default())
}

async fn first(cache: &ReplyCache) -> Pending {
    match cache.enter(key()).await {
        Entered::Miss(pending) => pending,
        Entered::Hit(_) => panic!("nothing was kept"),
    }
}

async fn answered(pending: Pending) {
    let end = ChatEvent::End { usage: Usage::default() };
    let events = [ChatEvent::text("yes"), ChatEvent::finish(FinishReason::Stop), end].map(Ok);
    let _: Vec<_> = pending.record(Box::pin(stream::iter(events))).collect().await;
    assert!(pending.commit());
}

#[tokio::test(start_paused = true)]
async fn the_second_waits_for_the_first() {
    let cache = ReplyCache::new(settings(), None);
    let pending = first(&cache).await;
    let mut second = Box::pin(cache.enter(key()));
    assert!(second.as_mut().now_or_never().is_none(), "it waits");
    answered(pending).await;
    assert!(matches!(second.await, Entered::Hit(_)));
    assert!(cache.inner.flights.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_the_first_gives_up_one_of_those_who_wait_takes_over() {
    let cache = ReplyCache::new(settings(), None);
    let pending = first(&cache).await;
    let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(cache.enter(key()))).collect();
    for one in &mut waiting {
        assert!(one.as_mut().now_or_never().is_none());
    }
    drop(pending);
    let next = waiting.remove(0).await;
    let Entered::Miss(next) = next else { panic!("nothing was kept") };
    assert!(next.is_shared());
    for one in &mut waiting {
        assert!(one.as_mut().now_or_never().is_none(), "the others wait for the next");
    }
    // One of those goes away, which harms nobody.
    waiting.pop();
    answered(next).await;
    for one in waiting {
        assert!(matches!(one.await, Entered::Hit(_)));
    }
    assert!(cache.inner.flights.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let cache = ReplyCache::new(settings(), None);
    let _pending = first(&cache).await;
    let begin = Instant::now();
    let Entered::Miss(second) = cache.enter(key()).await else { panic!("nothing was kept") };
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
    assert!(!second.is_shared());
    drop(second);
    assert_eq!(cache.inner.flights.lock().len(), 1, "the first still makes it");
}

#[tokio::test]
async fn without_sharing_nobody_waits() {
    let cache = ReplyCache::new(Settings { share_seconds: 0, ..settings() }, None);
    let (one, two) = (first(&cache).await, first(&cache).await);
    assert!(!one.is_shared() && !two.is_shared());
}

#[derive(Default)]
struct Double {
    held: Mutex<HashMap<Key, Vec<u8>>>,
    broken: bool,
}

#[async_trait]
impl SharedStore for Double {
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        match self.broken {
            true => Err(Error::new(ErrorCode::Io, "down")),
            false => Ok(self.held.lock().get(key).cloned()),
        }
    }

    async fn put(&self, key: &Key, bytes: Vec<u8>, _lives: Duration) -> Result<()> {
        self.held.lock().insert(*key, bytes);
        Ok(())
    }
}

#[tokio::test]
async fn another_process_finds_what_this_one_kept() {
    let shared = Arc::new(Double::default());
    let here = ReplyCache::new(settings(), Some(shared.clone()));
    here.put(key(), answer("yes"));
    while shared.held.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let there = ReplyCache::new(settings(), Some(shared.clone()));
    assert!(there.get(&key()).is_none());
    assert_eq!(there.find(&key()).await.unwrap().events, answer("yes").events);
    assert!(there.get(&key()).is_some(), "it is in memory from now on");

    let old = Answer { made_at_ms: now_ms() - 61_000, ..answer("old") };
    shared.held.lock().insert(key(), old.to_bytes());
    let third = ReplyCache::new(settings(), Some(shared));
    assert!(third.find(&key()).await.is_none(), "its time is over");
}

#[tokio::test]
async fn a_broken_store_is_a_miss() {
    let cache = ReplyCache::new(settings(), Some(Arc::new(Double { broken: true, ..Double::default() })));
    assert!(cache.find(&key()).await.is_none());
    cache.put(key(), answer("yes"));
    assert!(cache.find(&key()).await.is_some());
}

#[tokio::test]
async fn what_rests_on_this_process_alone_is_not_shared() {
    let shared = Arc::new(Double::default());
    let cache = ReplyCache::new(settings(), Some(shared.clone()));
    cache.unshared().put(key(), answer("yes"));
    tokio::task::yield_now().await;
    assert!(shared.held.lock().is_empty());
    assert!(cache.get(&key()).is_some(), "it is kept here all the same");
    let other = ReplyCache::new(settings(), Some(shared.clone()));
    shared.held.lock().insert(key(), answer("yes").to_bytes());
    assert!(other.unshared().find(&key()).await.is_none());
}
