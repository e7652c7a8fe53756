use super::*;
use crate::answer::tests::answer;
use crate::key::{Partition, canonical_key};
use yizhan_model::ChatRequest;

fn key(number: u32) -> Key {
    let partition = Partition::new("t".into(), number.to_string().into(), "r".into());
    canonical_key(&partition, &ChatRequest::default())
}

const HOUR: Duration = Duration::from_secs(3600);

fn one() -> Arc<Answer> {
    Arc::new(answer(&"x".repeat(1000)))
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_with_its_time() {
    let mut shelf = Shelf::new(1 << 20);
    shelf.put(key(1), one(), Duration::from_secs(10));
    tokio::time::advance(Duration::from_secs(9)).await;
    assert!(shelf.get(&key(1)).is_some());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(shelf.get(&key(1)).is_none());
    assert_eq!((shelf.len(), shelf.bytes()), (0, 0));
    shelf.put(key(1), one(), Duration::MAX);
    assert!(shelf.get(&key(1)).is_some());
}

#[test]
fn never_holds_more_bytes_than_allowed() {
    let limit = 20_000;
    let mut shelf = Shelf::new(limit);
    for number in 0..100 {
        shelf.put(key(number), one(), HOUR);
        shelf.get(&key(number / 2));
        assert!(shelf.bytes() <= limit, "{} bytes", shelf.bytes());
    }
    shelf.put(key(1000), Arc::new(answer(&"x".repeat(limit))), HOUR);
    assert!(shelf.get(&key(1000)).is_none(), "larger than all of the shelf");
    shelf.clear();
    assert_eq!((shelf.len(), shelf.bytes()), (0, 0));
}

#[test]
fn what_recurs_outlives_a_flood_of_what_does_not() {
    let mut shelf = Shelf::new(30_000);
    shelf.put(key(0), one(), HOUR);
    assert!(shelf.get(&key(0)).is_some());
    for number in 1..1000 {
        shelf.put(key(number), one(), HOUR);
    }
    assert!(shelf.get(&key(0)).is_some());
    assert!(shelf.get(&key(1)).is_none());
}

#[test]
fn the_same_key_is_replaced_and_counted_once() {
    let mut shelf = Shelf::new(1 << 20);
    shelf.put(key(1), one(), HOUR);
    let bytes = shelf.bytes();
    shelf.put(key(1), one(), HOUR);
    shelf.get(&key(1));
    shelf.put(key(1), one(), HOUR);
    assert_eq!((shelf.len(), shelf.bytes()), (1, bytes));
}
