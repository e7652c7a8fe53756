//! Opening the database: settings of a connection, and the schema's migrations.
//!
//! It does not know what the tables mean.

use crate::fault::{Fault, explain};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Result};

/// "YZDB": tells `file` and us that a database is one of Yizhan's.
const APPLICATION_ID: i32 = 0x595a_4442;

/// The migration at index n takes the schema from version n to n + 1. What has been released is
/// never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
];

/// How long one process waits for another's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// The connection that writes. Creates the database where there is none, and brings its schema up
/// to date.
pub(crate) fn open_writer(path: &Path) -> Result<Connection> {
    let mut connection = connect(path)?;
    // What has another application's number must not even be switched to WAL.
    let version = version(&connection).map_err(|fault| at(path, fault))?;
    prepare_file(&connection, version).map_err(|fault| at(path, fault))?;
    migrate(&mut connection).map_err(|fault| at(path, fault))?;
    Ok(connection)
}

/// A connection that cannot write. The database must be there.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| at(path, error.into()))?;
    Ok(connection)
}

/// A connection that cannot write, to a database that is left as it is. None: there is none, or its schema is an
/// older one.
pub(crate) fn open_as_it_is(path: &Path) -> Result<Option<Connection>> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = open_reader(path)?;
    let version = version(&connection).map_err(|fault| at(path, fault))?;
    Ok((version == MIGRATIONS.len()).then_some(connection))
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| at(path, error.into()))?;
    configure(&connection).map_err(|error| at(path, error.into()))?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // FULL: each commit is synced to the disk before it is acknowledged, so that it survives the
    // loss of power and not only the death of the process.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // KiB. Small, as the operating system caches the file anyway.
    connection.pragma_update(None, "cache_size", -2048)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // The log goes back to this size after a large transaction.
    connection.pragma_update(None, "journal_size_limit", 16 << 20)
}

/// The schema's version, 0 for a new database.
fn version(connection: &Connection) -> std::result::Result<usize, Fault> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        let message = "This is another program's database. Choose another data directory.";
        return Err(Error::new(ErrorCode::InvalidConfig, message).into());
    }
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(newer(version).into()),
    }
}

fn newer(version: i64) -> Error {
    let known = MIGRATIONS.len();
    let message = format!(
        "This data directory was written by a newer version of Yizhan (its schema is version {version}, this program \
         knows up to {known}). Install that version, or choose another data directory."
    );
    Error::new(ErrorCode::InvalidConfig, message)
}

/// What is a property of the file rather than of a connection.
fn prepare_file(connection: &Connection, version: usize) -> std::result::Result<(), Fault> {
    if version == 0 {
        // Three chunks with their vectors fit such a page; at 4 KiB it would be one.
        connection.pragma_update(None, "page_size", 8192)?;
    }
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let message = "The file system of the data directory does not permit shared memory. Choose a local disk.";
        return Err(Error::new(ErrorCode::InvalidConfig, message).into());
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> std::result::Result<(), Fault> {
    // Immediate, so that of two processes that start at once only one migrates.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = version(&transaction)?;
    for migration in &MIGRATIONS[from..] {
        transaction.execute_batch(migration)?;
    }
    if from < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    }
    Ok(transaction.commit()?)
}

fn at(path: &Path, fault: Fault) -> Error {
    let error = match fault {
        Fault::Database(error) => explain(&error),
        Fault::User(error) => error,
    };
    error.context(path.display())
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
