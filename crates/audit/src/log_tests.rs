use super::*;
use crate::{Entries, Filter, Format, Payload, export, verify};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

fn record(number: u64) -> Record {
    let mut record = Record::new(CallId::new(format!("call-{number}")), 1_700_000_000_000 + number as i64, Kind::Chat);
    record.tenant = Some("clinic".into());
    record.status = 200;
    record
}

fn options(folder: &Path) -> Options {
    Options::new(folder.join("key"))
}

async fn fill(log: &AuditLog, numbers: std::ops::Range<u64>) {
    for number in numbers {
        log.append(record(number)).await.unwrap();
    }
}

fn calls(folder: &Path, key: &Key, from: u64) -> Vec<String> {
    let mut entries = Entries::open(folder, key, from).unwrap();
    std::iter::from_fn(|| entries.next().unwrap()).map(|stored| stored.record.call.to_string()).collect()
}

#[tokio::test]
async fn what_was_appended_is_read_back_and_verifies_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let log = AuditLog::open(&audit, options(folder.path())).unwrap();
    let first = log.append(record(1)).await.unwrap();
    assert_eq!((first.sequence, log.checkpoint()), (1, Some(first)));
    let other = AuditLog::open(&audit, options(folder.path())).map(|_| ()).unwrap_err();
    assert_eq!(other.code(), ErrorCode::Conflict);
    drop(log);
    let log = AuditLog::open(&audit, options(folder.path())).unwrap();
    assert_eq!(*log.opened(), Opened::default());
    let second = log.append(record(2)).await.unwrap();
    assert_eq!(calls(&audit, log.key(), 1), ["call-1", "call-2"]);
    assert_eq!(calls(&audit, log.key(), 2), ["call-2"]);
    let report = verify(&audit, log.key(), Some(first)).unwrap();
    assert!(report.intact, "{report:?}");
    assert_eq!((report.records, report.last), (2, Some(second)));
}

#[tokio::test]
async fn records_that_wait_together_are_numbered_without_gaps_and_observed_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut with = options(folder.path());
    let see = seen.clone();
    with.observer = Some(Box::new(move |place, record| see.lock().unwrap().push((place.sequence, record.time_ms))));
    let log = AuditLog::open(&folder.path().join("audit"), with).unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move { log.append(record(number)).await.unwrap().sequence })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    let seen = seen.lock().unwrap();
    assert_eq!(seen.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn room_for_the_next_records_is_no_damage_and_goes_when_the_log_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let segment = crate::segment::path(&audit, 1);
    let log = AuditLog::open(&audit, options(folder.path())).unwrap();
    let mut entries = Entries::open(&audit, log.key(), 1).unwrap();
    let mut length = 0;
    for number in 0..400 {
        fill(&log, number..number + 1).await;
        // A reader that follows sees each, and so does a verification.
        assert_eq!(entries.next().unwrap().unwrap().sequence, number + 1);
        assert_eq!(entries.next().unwrap(), None);
        length = length.max(std::fs::metadata(&segment).unwrap().len());
    }
    let report = verify(&audit, log.key(), None).unwrap();
    assert!(report.intact && !report.torn && report.records == 400, "{report:?}");
    let text = std::fs::read(&segment).unwrap();
    assert_eq!((text.len() as u64, text.last()), (length, Some(&0)), "there is room");

    // As a process that was killed leaves it.
    let killed = tempfile::tempdir().unwrap();
    let copy = killed.path().join("audit");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(folder.path().join("key"), killed.path().join("key")).unwrap();
    for name in ["00000001.jsonl", "head.json"] {
        std::fs::copy(audit.join(name), copy.join(name)).unwrap();
    }
    let again = AuditLog::open(&copy, options(killed.path())).unwrap();
    assert_eq!(*again.opened(), Opened::default());
    again.append(record(400)).await.unwrap();
    assert_eq!(verify(&copy, again.key(), None).unwrap().records, 401);

    drop(log);
    assert_eq!(std::fs::read(&segment).unwrap().last(), Some(&b'\n'));
}

static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000);

#[tokio::test]
async fn segments_change_with_size_and_day_and_old_ones_are_deleted_by_policy() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let around = Surroundings { sync: File::sync_data, now_ms: || NOW.load(Ordering::SeqCst), gather };
    let with = || Options { segment_bytes: 1000, ..options(folder.path()) };
    let log = AuditLog::open_in(&audit, with(), around).unwrap();
    let mut withheld = record(0);
    withheld.payload = Some(Payload { request: "问".into(), response: "答".into(), ..Payload::default() });
    log.append(withheld.clone()).await.unwrap();
    fill(&log, 1..20).await;
    let by_size = crate::segment::list(&audit, ".jsonl").unwrap().len();
    assert!(by_size > 3, "{by_size}");
    NOW.fetch_add(3 * 86_400_000, Ordering::SeqCst);
    let start = NOW.load(Ordering::SeqCst);
    fill(&log, 20..21).await;
    assert_eq!(crate::segment::list(&audit, ".jsonl").unwrap().len(), by_size + 1);

    // Reading back, with and without payloads.
    let mut entries = Entries::open(&audit, log.key(), 0).unwrap().with_payloads();
    assert_eq!(entries.next().unwrap().unwrap().record, withheld);
    assert_eq!(calls(&audit, log.key(), 15).len(), 7);
    let mut tail = Entries::tail(&audit, log.key(), 2).unwrap();
    assert_eq!(tail.next().unwrap().unwrap().sequence, 20);

    // Payloads go first, then records; the rest still verifies.
    let payloads = Retention { payloads_before_ms: Some(start), policy: "payloads".into(), ..Retention::default() };
    assert!(log.prune(payloads.clone()).await.unwrap().is_some());
    assert_eq!(log.prune(payloads).await.unwrap(), None);
    let report = verify(&audit, log.key(), None).unwrap();
    assert!(report.intact && report.records == 22, "{report:?}");
    let mut entries = Entries::open(&audit, log.key(), 0).unwrap().with_payloads();
    assert_eq!(entries.next().unwrap().unwrap().record.payload, None);

    let records = Retention { records_before_ms: Some(start), policy: "3 days".into(), ..Retention::default() };
    let pruned = log.prune(records).await.unwrap().unwrap();
    // The segment that was under way at the limit is kept whole.
    assert!(pruned.through > 10 && pruned.through < 20, "{pruned:?}");
    let report = verify(&audit, log.key(), None).unwrap();
    assert!(report.intact, "{report:?}");
    assert_eq!((report.pruned, report.records), (Some(pruned.clone()), 23 - pruned.through));
    assert_eq!(calls(&audit, log.key(), 0).len() as u64, 23 - pruned.through);
    drop(log);
    let log = AuditLog::open_in(&audit, with(), around).unwrap();
    log.append(record(30)).await.unwrap();
    assert!(verify(&audit, log.key(), None).unwrap().intact);
    // The marker cannot be taken away or changed.
    let marker = std::fs::read(audit.join("pruned.json")).unwrap();
    std::fs::remove_file(audit.join("pruned.json")).unwrap();
    assert!(!verify(&audit, log.key(), None).unwrap().intact);
    std::fs::write(audit.join("pruned.json"), String::from_utf8(marker).unwrap().replace("3 days", "4 days")).unwrap();
    assert!(!verify(&audit, log.key(), None).unwrap().intact);
}

static BROKEN: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn a_disk_that_fails_fails_the_waiting_and_the_later_until_it_works_again() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let sync = |file: &File| match BROKEN.load(Ordering::SeqCst) {
        true => Err(std::io::Error::other("broken")),
        false => file.sync_data(),
    };
    let mut with = options(folder.path());
    with.retry = Duration::from_secs(3600);
    let log = AuditLog::open_in(&audit, with, Surroundings { sync, now_ms, gather }).unwrap();
    fill(&log, 0..3).await;
    BROKEN.store(true, Ordering::SeqCst);
    let error = log.append(record(3)).await.unwrap_err();
    assert!(error.message().contains("broken") && error.code() == ErrorCode::Io, "{error}");
    // The disk works again, but the time to try has not come.
    BROKEN.store(false, Ordering::SeqCst);
    assert!(log.append(record(4)).await.is_err());
    assert!(log.append_nowait(record(5)).is_err());
    assert!(log.failure().is_some());
    log.0.shared.queue().failed.as_mut().unwrap().retry_at = Instant::now();
    // The gap's own record is 4, so this is 5.
    assert_eq!(log.append(record(6)).await.unwrap().sequence, 5);
    assert!(log.failure().is_none());
    let report = verify(&audit, log.key(), None).unwrap();
    assert!(report.intact && report.records == 5, "{report:?}");
    let mut entries = Entries::open(&audit, log.key(), 4).unwrap();
    let gap = entries.next().unwrap().unwrap().record;
    assert_eq!((gap.kind, gap.extra["lost"].as_u64()), (Kind::Gap, Some(3)));
}

#[tokio::test]
async fn a_full_queue_and_a_huge_record_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut with = options(folder.path());
    with.queue = 0;
    let log = AuditLog::open(&folder.path().join("audit"), with).unwrap();
    assert_eq!(log.append(record(1)).await.unwrap_err().code(), ErrorCode::Overloaded);
    let mut huge = record(1);
    huge.user_agent = Some("x".repeat(2 << 20));
    assert_eq!(log.append_nowait(huge).unwrap_err().code(), ErrorCode::TooLarge);
}

#[tokio::test]
async fn what_nobody_waits_for_is_written_before_the_log_closes() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let log = AuditLog::open(&audit, options(folder.path())).unwrap();
    for number in 0..50 {
        log.append_nowait(record(number)).unwrap();
    }
    let key = log.key().clone();
    drop(log);
    assert_eq!(calls(&audit, &key, 1).len(), 50);
}

#[tokio::test]
async fn a_reader_follows_a_log_that_grows_over_segments() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let with = Options { segment_bytes: 700, ..options(folder.path()) };
    let log = AuditLog::open(&audit, with).unwrap();
    let mut entries = Entries::open(&audit, log.key(), 1).unwrap();
    for number in 0..30 {
        assert_eq!(entries.next().unwrap(), None);
        fill(&log, number..number + 1).await;
        assert_eq!(entries.next().unwrap().unwrap().sequence, number + 1);
    }
}

#[tokio::test]
async fn exports_keep_to_the_filter() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let log = AuditLog::open(&audit, options(folder.path())).unwrap();
    fill(&log, 0..10).await;
    let mut other = record(10);
    (other.tenant, other.user_agent) = (Some("bank".into()), Some("=1+2,\"x\"".into()));
    log.append(other).await.unwrap();
    let mut output = Vec::new();
    let filter = Filter { from_ms: Some(1_700_000_000_003), to_sequence: Some(8), ..Filter::default() };
    assert_eq!(export(&audit, log.key(), &filter, Format::Jsonl, true, &mut output).unwrap(), 5);
    assert_eq!(String::from_utf8(output).unwrap().lines().count(), 5);
    let mut output = Vec::new();
    let filter = Filter { tenant: Some("bank".into()), limit: Some(3), ..Filter::default() };
    assert_eq!(export(&audit, log.key(), &filter, Format::Csv, false, &mut output).unwrap(), 1);
    let output = String::from_utf8(output).unwrap();
    assert!(output.starts_with("sequence,call,") && output.contains(",\"'=1+2,\"\"x\"\"\","), "{output}");
}

#[tokio::test]
async fn an_observer_that_panics_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut with = options(folder.path());
    with.observer = Some(Box::new(|_, _| panic!("on purpose")));
    let log = AuditLog::open(&folder.path().join("audit"), with).unwrap();
    fill(&log, 0..3).await;
    assert_eq!(log.checkpoint().unwrap().sequence, 3);
}

static SYNCS: AtomicUsize = AtomicUsize::new(0);
static DISK: Mutex<()> = Mutex::new(());

/// A caller who comes with its next record.
fn come(log: &AuditLog, number: u64) -> oneshot::Receiver<Result<Checkpoint>> {
    let (reply, answer) = oneshot::channel();
    log.push(record(number).into(), Some(reply)).unwrap();
    answer
}

fn numbers(answers: Vec<oneshot::Receiver<Result<Checkpoint>>>) -> Vec<u64> {
    answers.into_iter().map(|answer| answer.blocking_recv().unwrap().unwrap().sequence).collect()
}

/// Returns when the writer waits until so many have come; it must not have synced more often than `syncs` until then.
fn waits_for(log: &AuditLog, callers: usize, syncs: usize) {
    while log.0.shared.queue().wanted != callers {
        assert!(SYNCS.load(Ordering::SeqCst) <= syncs, "the writer did not wait for {callers} callers");
        std::thread::yield_now();
    }
}

#[test]
fn callers_that_come_back_share_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    // A sync takes as long as the test holds the disk, and groups are never in a hurry.
    let sync = |_: &File| {
        SYNCS.fetch_add(1, Ordering::SeqCst);
        drop(DISK.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    };
    let around = Surroundings { sync, now_ms, gather: |_| Duration::from_secs(3600) };
    let log = AuditLog::open_in(&audit, options(folder.path()), around).unwrap();
    SYNCS.store(0, Ordering::SeqCst);

    // One comes, and two more while the disk is busy with the first.
    let disk = DISK.lock().unwrap();
    let first = come(&log, 1);
    while SYNCS.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    let others = vec![come(&log, 2), come(&log, 3)];
    drop(disk);
    assert_eq!(numbers(vec![first]), [1]);
    // The first comes back: the two have waited for it.
    waits_for(&log, 3, 1);
    let answers = others.into_iter().chain([come(&log, 4)]).collect();
    assert_eq!((numbers(answers), SYNCS.load(Ordering::SeqCst)), (vec![2, 3, 4], 2));
    // From now on all three share each sync.
    for round in 1..=10 {
        let mut answers = vec![come(&log, 5)];
        waits_for(&log, 3, 1 + round);
        answers.extend([come(&log, 6), come(&log, 7)]);
        assert_eq!(numbers(answers).len(), 3);
        assert_eq!(SYNCS.load(Ordering::SeqCst), 2 + round);
    }

    // Who does not come back holds nobody up for longer than that, and not at all when the log is closed.
    let last = come(&log, 8);
    waits_for(&log, 3, 12);
    let key = log.key().clone();
    drop(log);
    assert_eq!((numbers(vec![last]), SYNCS.load(Ordering::SeqCst)), (vec![35], 13));
    assert_eq!(verify(&audit, &key, None).unwrap().records, 35);
}

#[test]
fn a_group_waits_as_long_as_a_sync_takes_and_never_for_long() {
    let micros = Duration::from_micros;
    assert_eq!([micros(90), micros(90_000)].map(gather), [micros(90), LONGEST_GATHER]);
}

#[tokio::test]
async fn a_lone_caller_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let around = Surroundings { sync: |_| Ok(()), now_ms, gather: |_| Duration::from_secs(3600) };
    let log = AuditLog::open_in(&folder.path().join("audit"), options(folder.path()), around).unwrap();
    fill(&log, 0..5).await;
    assert_eq!(log.checkpoint().unwrap().sequence, 5);
}
