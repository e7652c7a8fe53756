use super::*;
use proptest::prelude::*;

fn sample() -> Vec<Record> {
    vec![
        Record::Open { dimensions: 384 },
        Record::Put { document: 7, first: 0, chunks: vec![1, 2, 3] },
        Record::Commit { sequence: 9, rows: 3 },
        Record::Put { document: 7, first: 3, chunks: vec![] },
        Record::Commit { sequence: 12, rows: 3 },
    ]
}

fn bytes_of(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(Record::encode).collect()
}

#[test]
fn what_was_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut log = Log::create(&path, 384).unwrap();
    sample().iter().skip(1).for_each(|record| log.append(record).unwrap());
    log.append(&Record::Put { document: 1, first: 3, chunks: vec![4] }).unwrap();
    log.sync().unwrap();
    let (reopened, records) = Log::open(&path).unwrap();
    assert_eq!(records, sample(), "without the record that was never committed");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), reopened.length());
}

proptest! {
    #[test]
    fn a_torn_log_keeps_its_whole_commits(cut in 0usize..400) {
        let bytes = bytes_of(&sample());
        let cut = cut.min(bytes.len());
        let (records, end) = committed(&bytes[..cut]);
        prop_assert!(end as usize <= cut);
        prop_assert_eq!(&records[..], &sample()[..records.len()]);
        let ends_well = records.last().is_none_or(|last| matches!(last, Record::Commit { .. }));
        prop_assert!(ends_well);
    }

    #[test]
    fn a_flipped_bit_is_seen(position in 0usize..150, bit in 0u8..8) {
        let mut bytes = bytes_of(&sample());
        let position = position % bytes.len();
        bytes[position] ^= 1 << bit;
        let (records, _) = committed(&bytes);
        prop_assert!(records.len() < sample().len());
        prop_assert_eq!(&records[..], &sample()[..records.len()]);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        committed(&bytes);
    }
}
