use super::*;
use futures_util::FutureExt;
use std::future::Future;
use std::pin::Pin;

type Entering<'a> = Pin<Box<dyn Future<Output = Result<Slot>> + 'a>>;

fn queue(least: u32, most: u32) -> Queue {
    Queue::new(QueueSettings { least, most, waiting: 50, patience_ms: 1_000 })
}

/// Asks, and looks once whether the place is there.
fn ask<'a>(queue: &'a Queue, tenant: &'a TenantId, cost: u64) -> (Option<Result<Slot>>, Entering<'a>) {
    let mut entering: Entering<'a> = Box::pin(queue.enter(tenant, cost));
    (entering.as_mut().now_or_never(), entering)
}

fn go(queue: &Queue, tenant: &TenantId) -> Slot {
    queue.enter(tenant, 1).now_or_never().expect("a free place").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_loud_tenant_waits_for_itself() {
    let (loud, quiet) = (TenantId::new("loud"), TenantId::new("quiet"));
    let queue = queue(1, 1);
    let mut slot = Some(go(&queue, &loud));
    let mut waiting: Vec<_> = (0..20).map(|_| ("loud", ask(&queue, &loud, 10).1)).collect();
    waiting.push(("quiet", ask(&queue, &quiet, 10).1));
    waiting.push(("quiet", ask(&queue, &quiet, 10).1));
    let mut order = Vec::new();
    while !waiting.is_empty() {
        drop(slot.take());
        let mut index = 0;
        while index < waiting.len() {
            if let Some(gone) = waiting[index].1.as_mut().now_or_never() {
                slot = Some(gone.unwrap());
                order.push(waiting.remove(index).0);
            } else {
                index += 1;
            }
        }
    }
    let places: Vec<_> = order.iter().enumerate().filter(|(_, who)| **who == "quiet").map(|(at, _)| at).collect();
    assert!(places[0] <= 1 && places[1] <= 3, "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn costs_count_not_calls() {
    let (large, small) = (TenantId::new("large"), TenantId::new("small"));
    let queue = queue(1, 1);
    let first = go(&queue, &TenantId::new("other"));
    let (_, mut l1) = ask(&queue, &large, 100);
    let (_, mut l2) = ask(&queue, &large, 100);
    let smalls: Vec<_> = (0..9).map(|_| ask(&queue, &small, 10).1).collect();
    drop(first);
    drop(l1.as_mut().now_or_never().expect("both began at once; it came first").unwrap());
    for mut small in smalls {
        drop(small.as_mut().now_or_never().expect("ten small ones weigh as one large one").unwrap());
    }
    drop(l2.as_mut().now_or_never().unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_takes_no_place() {
    let tenant = TenantId::new("t");
    let queue = queue(1, 1);
    let slot = go(&queue, &tenant);
    let (_, gone) = ask(&queue, &tenant, 1);
    let (_, mut stays) = ask(&queue, &tenant, 1);
    drop(gone);
    drop(slot);
    let slot = stays.as_mut().now_or_never().unwrap().unwrap();
    assert_eq!(queue.state(), (1, 0, 1));
    drop(slot);
    assert_eq!(queue.state().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_arrives_too_late_is_given_on() {
    let tenant = TenantId::new("t");
    let queue = queue(1, 1);
    let slot = go(&queue, &tenant);
    let (_, waits) = ask(&queue, &tenant, 1);
    drop(slot);
    // The place lies in the channel when its caller goes away.
    drop(waits);
    assert_eq!(queue.state().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_and_a_long_wait_are_refused() {
    let (tenant, other) = (TenantId::new("t"), TenantId::new("o"));
    let queue = queue(1, 1);
    let _slot = go(&queue, &tenant);
    let waiting: Vec<_> = (0..50).map(|_| ask(&queue, &tenant, 1).1).collect();
    let refused = ask(&queue, &tenant, 1).0.unwrap().err().unwrap();
    assert_eq!(refused.code(), ErrorCode::Overloaded);
    assert!(ask(&queue, &other, 1).0.is_none(), "another tenant may still wait");
    for entering in waiting {
        assert!(entering.await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_grows_when_it_is_reached_and_shrinks_when_it_is_too_much() {
    let tenant = TenantId::new("t");
    let queue = queue(2, 10);
    for _ in 0..200 {
        let limit = queue.state().2;
        let mut slots: Vec<_> = (0..limit).map(|_| go(&queue, &tenant)).collect();
        slots.iter_mut().for_each(|slot| slot.judge(Verdict::Good));
    }
    assert_eq!(queue.state().2, 10);
    for _ in 0..100 {
        go(&queue, &tenant).judge(Verdict::Overloaded);
    }
    assert_eq!(queue.state().2, 2);
}
