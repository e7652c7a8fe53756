//! The audit log under somebody's hands: a log of three segments is changed at places that the input names. It must
//! never be found intact, and neither reading, exporting nor opening it may panic.
#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use yizhan_audit::{AuditLog, Entries, Filter, Format, Key, Kind, Options, Payload, Record, export, verify};
use yizhan_domain::CallId;

/// One change of one file.
#[derive(Debug, arbitrary::Arbitrary)]
struct Change {
    file: u8,
    at: u16,
    removed: u8,
    put: Vec<u8>,
}

struct Original {
    folder: tempfile::TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
    key: Vec<u8>,
}

static ORIGINAL: LazyLock<Original> = LazyLock::new(|| {
    let folder = yizhan_fuzz::folder();
    let audit = folder.path().join("audit");
    let options = Options { segment_bytes: 600, ..Options::new(folder.path().join("key")) };
    let log = AuditLog::open(&audit, options).expect("a log");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for number in 0..6 {
        let mut record = Record::new(CallId::new(format!("call-{number}")), 1_800_000_000_000, Kind::Chat);
        record.payload = Some(Payload { request: "问".repeat(number), ..Payload::default() });
        runtime.block_on(log.append(record)).expect("a record");
    }
    drop(log);
    let names = std::fs::read_dir(&audit).expect("a folder").map(|entry| entry.expect("a file").path());
    let mut names: Vec<PathBuf> = names.filter(|path| path.file_name().is_some_and(|name| name != "lock")).collect();
    names.sort();
    let files = names.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("bytes"))).collect();
    let key = std::fs::read(folder.path().join("key")).expect("a key");
    Original { folder, files, key }
});

/// What is said not to be found: behind the log's end, a line that was being written when the process died; between
/// payloads, the line ends that no record points to.
fn may_be_missed(is_last: bool, before: &[u8], now: &[u8]) -> bool {
    let same = |(before, now): (&u8, &u8)| before == now || *before == b'\n';
    let is_payload = !before.starts_with(b"{\"seq") && before.starts_with(b"{\"request");
    let but_its_end = before.strip_suffix(b"\n").unwrap_or(before);
    let is_between = is_payload && now.len() >= but_its_end.len() && but_its_end.iter().zip(now).all(same);
    is_between || (is_last && now.starts_with(before))
}

/// The whole log as it was.
fn restore(original: &Original) -> PathBuf {
    let audit = original.folder.path().join("audit");
    let _ = std::fs::remove_dir_all(&audit);
    std::fs::create_dir(&audit).expect("a folder");
    original.files.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).expect("a file"));
    std::fs::write(original.folder.path().join("key"), &original.key).expect("the key");
    audit
}

fn use_it(audit: &Path, key: &Key) {
    let filter = Filter::default();
    let _ = export(audit, key, &filter, Format::Csv, true, &mut std::io::sink());
    let _ = export(audit, key, &filter, Format::Jsonl, true, &mut std::io::sink());
    let _ = Entries::tail(audit, key, 3).map(|mut entries| while let Ok(Some(_)) = entries.next() {});
    let options = Options { continue_damaged: true, ..Options::new(audit.with_file_name("key")) };
    drop(AuditLog::open(audit, options));
    let _ = verify(audit, key, None);
}

fuzz_target!(|changes: Vec<Change>| {
    let original = &*ORIGINAL;
    let audit = restore(original);
    let key = Key::load(&original.folder.path().join("key")).expect("the key");
    for Change { file, at, removed, put } in changes.iter().take(4) {
        let (path, _) = &original.files[usize::from(*file) % original.files.len()];
        let mut bytes = std::fs::read(path).expect("bytes");
        let at = usize::from(*at) % (bytes.len() + 1);
        let end = (at + usize::from(*removed)).min(bytes.len());
        bytes.splice(at..end, put.iter().copied());
        std::fs::write(path, &bytes).expect("a file");
    }
    let last = original.files.iter().rfind(|(path, _)| path.extension().is_some_and(|kind| kind == "jsonl"));
    let is_last = |path: &PathBuf| last.is_some_and(|(last, _)| last == path);
    let must_be_seen = |(path, before): &(PathBuf, Vec<u8>)| {
        let now = std::fs::read(path).expect("bytes");
        now != *before && !may_be_missed(is_last(path), before, &now)
    };
    let is_same = original.files.iter().all(|(path, bytes)| std::fs::read(path).is_ok_and(|now| now == *bytes));
    let report = verify(&audit, &key, None).expect("a report");
    assert!(!is_same || report.intact, "{report:?}");
    if original.files.iter().any(must_be_seen) {
        assert!(!report.intact, "{changes:?} went unseen: {report:?}");
    }
    assert_eq!(report.intact, report.first_bad.is_none());
    use_it(&audit, &key);
});
