use super::*;
use crate::connection::open_writer;
use yizhan_domain::ErrorCode;

fn database() -> (Connection, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let db = open_writer(&directory.path().join("yizhan.db")).unwrap();
    db.execute_batch(
        "INSERT INTO base (id, tenant, name, settings, created_ms) VALUES ('vs_1', 't', 'a', '{}', 0);
         INSERT INTO file (id, tenant, name, hash, bytes, purpose, created_ms) VALUES ('file-1', 't', 'a', '', 0, '', 0);",
    )
    .unwrap();
    (db, directory)
}

fn document_that_goes(db: &Connection, source: usize) -> DocumentId {
    db.execute(
        "INSERT INTO document (base, file, source, name, hash, attributes, state, turn, created_ms, updated_ms)
         VALUES (1, 1, ?, '', '', '{}', 2, 0, 0, 0)",
        [source],
    )
    .unwrap();
    let id = DocumentId(db.last_insert_rowid().cast_unsigned());
    record(db, id).unwrap();
    record_gone(db, id).unwrap();
    id
}

#[test]
fn the_oldest_deletions_are_forgotten_and_an_index_from_before_must_start_anew() {
    let (db, _directory) = database();
    let base = BaseId::from("vs_1");
    let gone: Vec<DocumentId> = (0..10).map(|source| document_that_goes(&db, source)).collect();
    let marks = changes(&db, &base, Sequence(0), 100).unwrap();
    forget_old(&db, gone[9], 4).unwrap();

    let kept = changes(&db, &base, Sequence(0), 100).unwrap();
    assert_eq!(kept, marks[6..]);
    let error = changes(&db, &base, marks[3].sequence, 100).unwrap_err();
    assert_eq!(yizhan_domain::Error::from(error).code(), ErrorCode::Conflict);
    // One that has seen the last forgotten deletion misses nothing.
    assert_eq!(changes(&db, &base, marks[5].sequence, 100).unwrap(), marks[6..]);
    assert_eq!(last(&db, &base).unwrap(), marks[9].sequence);
}
