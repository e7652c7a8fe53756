use super::*;
use crate::table::metric;
use std::sync::atomic::AtomicU64;

fn add(family: &Family<3, AtomicU64>, labels: [&str; 3]) {
    family.get(&labels).fetch_add(1, Ordering::Relaxed);
}

#[test]
fn the_same_labels_are_the_same_number() {
    let family = Family::new(&metric::TOKENS, 10);
    add(&family, ["a", "m", "prompt"]);
    add(&family, ["a", "m", "prompt"]);
    add(&family, ["am", "", "prompt"]);
    let counts: Vec<u64> = family.all().iter().map(|(_, count)| count.load(Ordering::Relaxed)).collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn beyond_the_most_series_open_labels_are_folded_and_nothing_is_lost() {
    let family = Family::new(&metric::TOKENS, 10);
    for tenant in 0..1_000 {
        let tenant = format!("tenant-{tenant}");
        add(&family, [&tenant, "m", "prompt"]);
        add(&family, [&tenant, "m", "completion"]);
    }
    // The closed label `direction` is kept.
    assert_eq!(family.all().len(), 12);
    let total: u64 = family.all().iter().map(|(_, count)| count.load(Ordering::Relaxed)).sum();
    assert_eq!(total, 2_000);
    let folded = family.get(&["other", "other", "prompt"]).load(Ordering::Relaxed);
    assert_eq!(folded, 995);
}

#[test]
fn many_threads_lose_nothing() {
    let family = Family::new(&metric::TOKENS, 100);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1_000).for_each(|turn| add(&family, [&format!("{}", turn % 7), "m", "prompt"])));
        }
    });
    let total: u64 = family.all().iter().map(|(_, count)| count.load(Ordering::Relaxed)).sum();
    assert_eq!((family.all().len(), total), (7, 4_000));
}
