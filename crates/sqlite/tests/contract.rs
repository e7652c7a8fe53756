//! The SQLite driver keeps the store's contract.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use yizhan_sqlite::{FileBlobs, Sqlite};
use yizhan_store::contract::Subject;
use yizhan_store::{ManualClock, contract_tests};

fn sqlite() -> Subject {
    let directory = tempfile::tempdir().unwrap();
    let time = ManualClock::at(1_700_000_000_000);
    let store = Sqlite::open_with_clock(directory.path(), time.clock()).unwrap();
    let blobs = FileBlobs::open(directory.path()).unwrap();
    Subject::new(store, blobs, time, directory)
}

contract_tests!(sqlite());
