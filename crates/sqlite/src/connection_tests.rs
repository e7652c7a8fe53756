use super::*;

#[test]
fn a_new_database_has_the_newest_schema_and_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    drop(open_writer(&path).unwrap());
    let again = open_writer(&path).unwrap();
    assert_eq!(version(&again).unwrap(), MIGRATIONS.len());
    let mode: String = again.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    open_writer(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let error = open_writer(&path).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    assert!(error.message().contains("written by a newer version"), "{error}");
    assert!(error.message().contains("yizhan.db"), "{error}");
}

#[test]
fn another_programs_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE something (x)").unwrap();
    let error = open_writer(&path).unwrap_err();
    assert!(error.message().contains("another program"), "{error}");
}

#[test]
fn what_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    std::fs::write(&path, "This is a letter, and a rather long one, not a database.".repeat(50)).unwrap();
    let error = open_writer(&path).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert!(error.message().contains("damaged or not a database"), "{error}");
}

#[test]
fn a_reader_cannot_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    let _writer = open_writer(&path).unwrap();
    let reader = open_reader(&path).unwrap();
    assert!(reader.execute("DELETE FROM base", []).is_err());
}

#[test]
fn keys_of_the_first_version_stay_and_have_their_tenants() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(MIGRATIONS[0]).unwrap();
    let insert = "INSERT INTO key (id, tenant, name, hash, scopes, created_ms) VALUES (?, ?, 'a', ?, '[\"admin\"]', 5)";
    for (id, tenant) in [("key-1", "default"), ("key-2", "clinic"), ("key-3", "clinic")] {
        old.execute(insert, [id, tenant, id]).unwrap();
    }
    old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let new = open_writer(&path).unwrap();
    let tenants = crate::account::tenants(&new).unwrap();
    let ids: Vec<&str> = tenants.iter().map(|tenant| tenant.id.own()).collect();
    assert_eq!(ids, ["default", "clinic"]);
    let key = crate::key::by_hash(&new, "key-2").unwrap().unwrap();
    assert_eq!((key.scopes, key.terms, key.declared), (vec!["admin".to_owned()], Default::default(), false));
}

#[test]
fn data_of_the_first_version_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    let first = Connection::open(&path).unwrap();
    first.execute_batch(MIGRATIONS[0]).unwrap();
    first.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    let rows = "INSERT INTO base VALUES (1, 'vs_1', 't', 'manual', '{}', 0, 0);
        INSERT INTO file VALUES (1, 'file-1', 't', 'a.pdf', 'hash', 1, 'assistants', 0);
        INSERT INTO document (base, file, source, name, hash, attributes, state, turn, created_ms, updated_ms)
        VALUES (1, 1, 'a', 'a.pdf', 'hash', '{}', 2, 1, 0, 0);";
    first.execute_batch(rows).unwrap();
    drop(first);
    let opened = open_writer(&path).unwrap();
    assert_eq!(version(&opened).unwrap(), MIGRATIONS.len());
    let sql = "SELECT name, replaced, interruptions FROM document";
    let kept: (String, Option<i64>, u32) =
        opened.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(kept, ("a.pdf".to_owned(), None, 0));
}

#[test]
fn an_approval_from_before_it_was_counted_lets_one_call_pass() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("yizhan.db");
    let old = Connection::open(&path).unwrap();
    MIGRATIONS[..6].iter().for_each(|step| old.execute_batch(step).unwrap());
    let row = "INSERT INTO review (id, tenant, key, call, side, model, rules, message, digest, text, held, complete,
        state, created_ms, expires_ms, decided_by, decided_ms, note)
        VALUES ('rev-1', 'bank', 'key-1', 'call-1', 'input', 'm', '[\"r\"]', 'wait', 'd', 'x', '{}', 1,
        'approved', 1, 100, 'key-r', 2, 'fine')";
    old.execute_batch(row).unwrap();
    old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 6).unwrap();
    drop(old);
    let new = open_writer(&path).unwrap();
    let (bank, id) = ("bank".into(), "rev-1".into());
    let kept = crate::review::find(&new, 50, &bank, &id).unwrap().unwrap();
    assert_eq!((kept.used, kept.decided.unwrap().note.as_str(), kept.over), (None, "fine", false));
    let begin = |call: &str| crate::review::begin_use(&new, 50, &bank, &id, &call.into());
    begin("call-2").unwrap();
    assert!(begin("call-3").is_err());
}
