//! Whatever is done to the files without the key shows, and opening the log wipes no evidence.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use yizhan_audit::{AuditLog, Entries, Key, Kind, Options, Payload, Record, verify};
use yizhan_domain::CallId;

const RECORDS: u64 = 24;

type Files = BTreeMap<String, Vec<u8>>;

/// A log of several segments, closed in good order, and its key.
fn original() -> &'static (Files, Vec<u8>) {
    static LOG: OnceLock<(Files, Vec<u8>)> = OnceLock::new();
    LOG.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (audit, key) = (folder.path().join("audit"), folder.path().join("key"));
        for run in 0..3 {
            let log = AuditLog::open(&audit, Options { segment_bytes: 1200, ..Options::new(&key) }).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for number in 0..RECORDS / 3 {
                runtime.block_on(log.append(record(run * 100 + number))).unwrap();
            }
        }
        let files: Files = std::fs::read_dir(&audit)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .filter(|(name, _)| name != "lock")
            .collect();
        assert!(files.len() > 6, "{:?}", files.keys());
        (files, std::fs::read(key).unwrap())
    })
}

fn record(number: u64) -> Record {
    let mut record = Record::new(CallId::new(format!("call-{number}")), 1_700_000_000_000, Kind::Chat);
    record.user_agent = Some("客户端/1.0".to_owned());
    record.payload = number.is_multiple_of(5).then(|| Payload { request: "问".into(), ..Payload::default() });
    record
}

/// Puts files into a fresh folder. Returns its place with the options that open it.
fn lay_out(files: &Files, key: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("audit")).unwrap();
    std::fs::write(folder.path().join("key"), key).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join("audit").join(name), bytes).unwrap();
    }
    folder
}

/// Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Attack {
    Change { file: usize, at: usize, by: u8 },
    InsertByte { file: usize, at: usize, byte: u8 },
    Truncate { file: usize, at: usize },
    RemoveLines { file: usize, line: usize, count: usize },
    CopyLine { from: usize, line: usize, to: usize, at: usize },
    SwapLines { file: usize, a: usize, b: usize },
    RemoveFile { file: usize },
    SwapFiles { a: usize, b: usize },
    CutAfter { file: usize, line: usize },
    Join { file: usize },
    RemoveAll,
}

fn attack() -> impl Strategy<Value = Attack> {
    use Attack::*;
    let n = || any::<usize>();
    prop_oneof![
        6 => (n(), n(), 1u8..).prop_map(|(file, at, by)| Change { file, at, by }),
        3 => (n(), n(), any::<u8>()).prop_map(|(file, at, byte)| InsertByte { file, at, byte }),
        3 => (n(), n()).prop_map(|(file, at)| Truncate { file, at }),
        3 => (n(), n(), 1usize..4).prop_map(|(file, line, count)| RemoveLines { file, line, count }),
        3 => (n(), n(), n(), n()).prop_map(|(from, line, to, at)| CopyLine { from, line, to, at }),
        2 => (n(), n(), n()).prop_map(|(file, a, b)| SwapLines { file, a, b }),
        2 => n().prop_map(|file| RemoveFile { file }),
        2 => (n(), n()).prop_map(|(a, b)| SwapFiles { a, b }),
        2 => (n(), n()).prop_map(|(file, line)| CutAfter { file, line }),
        1 => n().prop_map(|file| Join { file }),
        1 => Just(RemoveAll),
    ]
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Does it. None when it came to nothing, or only touched bytes of a payload file that no record points to.
fn apply(attack: &Attack, before: &Files) -> Option<Files> {
    let mut files = before.clone();
    let names: Vec<String> = files.keys().cloned().collect();
    let name = |at: &usize| names[at % names.len()].clone();
    let segments: Vec<String> = names.iter().filter(|name| name.ends_with(".jsonl")).cloned().collect();
    let segment = |at: &usize| segments[at % segments.len()].clone();
    match attack {
        Attack::Change { file, at, by } => {
            let bytes = files.get_mut(&name(file)).unwrap();
            let at = at % bytes.len();
            if name(file).ends_with(".payload") && bytes[at] == b'\n' {
                return None;
            }
            bytes[at] ^= by;
        }
        Attack::InsertByte { file, at, byte } => {
            let bytes = files.get_mut(&name(file)).unwrap();
            let at = at % (bytes.len() + 1);
            if name(file).ends_with(".payload") && (at + 1 >= bytes.len() || bytes.get(at) == Some(byte)) {
                return None;
            }
            // Room for the next record, as an open log has it.
            if name(file).ends_with(".jsonl") && at == bytes.len() && *byte == 0 {
                return None;
            }
            bytes.insert(at, *byte);
        }
        Attack::Truncate { file, at } => {
            let bytes = files.get_mut(&name(file)).unwrap();
            let at = at % bytes.len();
            if name(file).ends_with(".payload") && at + 1 == bytes.len() {
                return None;
            }
            bytes.truncate(at);
        }
        Attack::RemoveLines { file, line, count } => {
            let bytes = files.get_mut(&segment(file)).unwrap();
            let mut all = lines(bytes);
            let from = line % all.len();
            all.drain(from..(from + count).min(all.len()));
            *bytes = all.concat();
        }
        Attack::CopyLine { from, line, to, at } => {
            let source = lines(&files[&segment(from)]);
            let copied = source[line % source.len()].clone();
            let bytes = files.get_mut(&segment(to)).unwrap();
            let mut all = lines(bytes);
            all.insert(at % (all.len() + 1), copied);
            *bytes = all.concat();
        }
        Attack::SwapLines { file, a, b } => {
            let bytes = files.get_mut(&segment(file)).unwrap();
            let mut all = lines(bytes);
            let count = all.len();
            all.swap(a % count, b % count);
            *bytes = all.concat();
        }
        Attack::RemoveFile { file } => {
            files.remove(&name(file));
        }
        Attack::SwapFiles { a, b } => {
            let (a, b) = (name(a), name(b));
            let (first, second) = (files[&a].clone(), files[&b].clone());
            files.insert(a, second);
            files.insert(b, first);
        }
        Attack::CutAfter { file, line } => {
            // Everything behind a line, in this segment and the later ones.
            let cut = segment(file);
            let all = lines(&files[&cut]);
            let keep = all[..line % all.len()].concat();
            files.retain(|name, _| !name.ends_with(".jsonl") || *name <= cut);
            files.insert(cut, keep);
        }
        Attack::Join { file } => {
            let (first, second) = (segment(file), segment(&(file + 1)));
            let moved = files.remove(&second).unwrap();
            files.entry(first).or_default().extend(moved);
        }
        Attack::RemoveAll => files.clear(),
    }
    (files != *before).then_some(files)
}

/// What reading from the beginning gives, and whether it came to the end.
fn read(audit: &Path, key: &Key) -> (u64, bool) {
    let Ok(mut entries) = Entries::open(audit, key, 1) else { return (0, false) };
    let mut count = 0;
    loop {
        match entries.next() {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (count, true),
            Err(_) => return (count, false),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn every_attack_shows_before_and_after_the_log_goes_on(attack in attack()) {
        let (files, key) = original();
        let Some(changed) = apply(&attack, files) else { return Ok(()) };
        let folder = lay_out(&changed, key);
        let (audit, key) = (folder.path().join("audit"), folder.path().join("key"));
        let report = verify(&audit, &Key::load(&key).unwrap(), None).unwrap();
        // What is only put behind the end, and is no line, is taken for a torn write and cut off.
        let harmless = report.intact && report.torn && report.records == RECORDS;
        prop_assert!(!report.intact || harmless, "{attack:?}: {report:?}");
        prop_assert_eq!(report.intact, report.first_bad.is_none());
        let (count, _) = read(&audit, &Key::load(&key).unwrap());
        prop_assert!(count <= RECORDS);

        // The log is opened, refused or not, and goes on: it still shows.
        for continue_damaged in [false, true] {
            match AuditLog::open(&audit, Options { continue_damaged, ..Options::new(&key) }) {
                Ok(log) => log.append_nowait(record(7)).unwrap(),
                Err(_) => prop_assert!(!harmless),
            }
        }
        let after = verify(&audit, &Key::load(&key).unwrap(), None).unwrap();
        prop_assert_eq!(after.intact, harmless, "{:?}: {:?}", attack, after);
    }
}

#[test]
fn the_original_is_intact() {
    let (files, key) = original();
    let folder = lay_out(files, key);
    let (audit, key) = (folder.path().join("audit"), Key::load(&folder.path().join("key")).unwrap());
    let report = verify(&audit, &key, None).unwrap();
    assert!(report.intact && !report.torn && report.records == RECORDS, "{report:?}");
    assert_eq!(read(&audit, &key), (RECORDS, true));
}

#[test]
fn an_old_copy_of_the_whole_shows_against_a_checkpoint_alone() {
    let (files, key) = original();
    let folder = lay_out(files, key);
    let (audit, key) = (folder.path().join("audit"), folder.path().join("key"));
    let log = AuditLog::open(&audit, Options::new(&key)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let later = runtime.block_on(log.append(record(1))).unwrap();
    drop(log);
    let key = Key::load(&key).unwrap();
    assert!(verify(&audit, &key, Some(later)).unwrap().intact);
    let parsed = later.to_string().parse().unwrap();
    assert_eq!(later, parsed);
    for (name, bytes) in files {
        std::fs::write(audit.join(name), bytes).unwrap();
    }
    assert!(verify(&audit, &key, None).unwrap().intact, "this cannot be told from the files alone");
    let report = verify(&audit, &key, Some(later)).unwrap();
    assert!(report.first_bad.unwrap().reason.contains("set back"));
}

#[test]
fn a_log_under_another_key_and_a_missing_key_are_refused() {
    let (files, key) = original();
    let other = tempfile::tempdir().unwrap();
    drop(AuditLog::open(&other.path().join("audit"), Options::new(other.path().join("key"))).unwrap());
    let folder = lay_out(files, &std::fs::read(other.path().join("key")).unwrap());
    let (audit, path) = (folder.path().join("audit"), folder.path().join("key"));
    assert!(!verify(&audit, &Key::load(&path).unwrap(), None).unwrap().intact);
    assert!(AuditLog::open(&audit, Options::new(&path)).is_err());
    // No new key is made for a log that has one.
    std::fs::remove_file(&path).unwrap();
    assert!(AuditLog::open(&audit, Options::new(&path)).is_err());
    assert!(!path.exists());
    std::fs::write(&path, "yizhan-audit-key-1\nABC\n").unwrap();
    assert!(Key::load(&path).is_err());
    std::fs::write(&path, key).unwrap();
    assert!(verify(&audit, &Key::load(&path).unwrap(), None).unwrap().intact);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_key_and_log() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (audit, key) = (folder.path().join("audit"), folder.path().join("keys/audit"));
    drop(AuditLog::open(&audit, Options::new(&key)).unwrap());
    for path in [key, audit.join("00000001.jsonl"), audit.join("head.json")] {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
}
