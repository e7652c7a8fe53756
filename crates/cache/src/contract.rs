//! What every shared store must do, as tests: its crate calls
//! [`shared_contract_tests!`](crate::shared_contract_tests) and each behaviour below becomes one test.
//!
//! It does not know which store it tests. Where a store has a clock of its own, an end is waited for.
#![allow(clippy::unwrap_used, missing_docs, reason = "these are tests; their names say what they hold a store to")]

use crate::key::{Key, Partition, canonical_key};
use crate::shared::SharedStore;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use yizhan_model::ChatRequest;

/// The size of a store under test.
pub const MOST_BYTES: usize = 100_000;

const HOUR: Duration = Duration::from_secs(3600);

/// An empty store of [`MOST_BYTES`].
pub struct Tested {
    pub store: Arc<dyn SharedStore>,
    /// What must outlive it.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Tested {
    async fn get(&self, number: u32) -> Option<Vec<u8>> {
        self.store.get(&key(number)).await.unwrap()
    }

    async fn put(&self, number: u32, bytes: &[u8]) {
        self.store.put(&key(number), bytes.to_vec(), HOUR).await.unwrap();
    }
}

fn key(number: u32) -> Key {
    let partition = Partition::new("t".into(), number.to_string().into(), "r".into());
    canonical_key(&partition, &ChatRequest::default())
}

pub async fn what_is_kept_is_found_under_its_key_alone(s: &Tested) {
    let bytes: Vec<u8> = (0..=255).chain(*b"\r\n$-1\r\n").collect();
    assert_eq!(s.get(1).await, None);
    s.put(1, &bytes).await;
    s.put(2, b"").await;
    assert_eq!((s.get(1).await, s.get(2).await, s.get(3).await), (Some(bytes), Some(Vec::new()), None));
}

pub async fn a_later_answer_takes_the_place_of_an_earlier(s: &Tested) {
    for turn in 0..50u8 {
        s.put(1, &vec![turn; MOST_BYTES / 10]).await;
    }
    s.put(2, b"beside").await;
    assert_eq!(s.get(1).await.unwrap(), vec![49; MOST_BYTES / 10]);
    assert_eq!(s.get(2).await.unwrap(), b"beside");
}

pub async fn an_answer_ends_with_its_time(s: &Tested) {
    s.put(1, b"stays").await;
    s.store.put(&key(2), b"ends".to_vec(), Duration::from_millis(20)).await.unwrap();
    let gone = async {
        while s.get(2).await.is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("it never ended");
    assert_eq!(s.get(1).await.unwrap(), b"stays");
}

pub async fn there_is_never_more_than_it_may_hold_and_the_oldest_goes_first(s: &Tested) {
    const SIZE: usize = MOST_BYTES / 8;
    for number in 0..40 {
        s.put(number, &[7; SIZE]).await;
    }
    let mut held = Vec::new();
    for number in 0..40 {
        held.extend(s.get(number).await.map(|_| number));
    }
    assert!(held.len() * SIZE <= MOST_BYTES && held.len() >= 6, "{held:?}");
    let newest: Vec<u32> = (0..40).rev().take(held.len()).collect();
    assert!(held.iter().rev().eq(&newest), "{held:?} are not the newest");
}

pub async fn what_is_larger_than_all_of_it_is_not_kept_and_pushes_nothing_out(s: &Tested) {
    s.put(1, b"small").await;
    s.put(2, &vec![0; MOST_BYTES + 1]).await;
    assert_eq!((s.get(2).await, s.get(1).await.unwrap().as_slice()), (None, b"small".as_slice()));
}

/// One test for each behaviour, on a new store each: the expression gives a [`Tested`].
#[macro_export]
macro_rules! shared_contract_tests {
    ($tested:expr) => {
        $crate::shared_contract_tests! { @each $tested;
            what_is_kept_is_found_under_its_key_alone, a_later_answer_takes_the_place_of_an_earlier,
            an_answer_ends_with_its_time, there_is_never_more_than_it_may_hold_and_the_oldest_goes_first,
            what_is_larger_than_all_of_it_is_not_kept_and_pushes_nothing_out,
        }
    };
    (@each $tested:expr; $($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            let tested = $tested;
            $crate::contract::$name(&tested).await;
        })*
    };
}
