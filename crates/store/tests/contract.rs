//! The store in memory keeps the contract that it is the measure of.

use yizhan_store::contract::Subject;
use yizhan_store::{ManualClock, MemoryStore, contract_tests};

fn memory() -> Subject {
    let time = ManualClock::at(1_700_000_000_000);
    let store = MemoryStore::with_clock(time.clock());
    Subject::new(store.clone(), store, time, ())
}

contract_tests!(memory());
