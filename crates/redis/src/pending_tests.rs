use super::*;
use std::time::Duration;

fn settlement(tenant: &str, lives: bool) -> Settlement {
    let now = Instant::now();
    let until = if lives { now + Duration::from_secs(60) } else { now };
    Settlement { tenant: tenant.into(), command: Cmd::new(), until }
}

#[test]
fn they_wait_by_tenant_and_only_so_many() {
    let pending = Pending::new(3);
    for tenant in ["a", "b", "a", "c"] {
        pending.push(settlement(tenant, true));
    }
    assert_eq!((pending.count(), pending.dropped.get()), (3, 1));
    assert_eq!((pending.take_of("a").len(), pending.take_of("a").len()), (2, 0));
    assert_eq!((pending.take().len(), pending.count()), (1, 0));
}

#[test]
fn what_is_too_late_is_dropped_and_counted() {
    let pending = Pending::new(10);
    pending.put_back(vec![settlement("a", false), settlement("a", true)]);
    pending.give_up_late();
    assert_eq!((pending.count(), pending.dropped.get()), (1, 1));
    pending.give_up_late();
    assert_eq!((pending.take().len(), pending.dropped.get()), (1, 1));
}
