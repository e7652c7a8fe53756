//! What can go wrong inside the driver, and the sentence that a user reads about it.
//!
//! It does not know which operation failed: the caller adds that.

use rusqlite::ErrorCode as Sqlite;
use yizhan_domain::{Error, ErrorCode};

/// Inside the driver: the database's error, or one that already is for the user.
#[derive(Debug)]
pub(crate) enum Fault {
    Database(rusqlite::Error),
    User(Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Database(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::User(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Fault::User(Error::internal(format!("A value of the database is not the JSON that was written: {error}")))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::User(error) => error,
            Fault::Database(error) => explain(&error),
        }
    }
}

/// The database's error with what to do about it.
pub(crate) fn explain(error: &rusqlite::Error) -> Error {
    let advice = match error.sqlite_error_code() {
        Some(Sqlite::DiskFull) => "Free some space on the disk of the data directory and try again.",
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => {
            "Another process holds the database; end it, or try again later."
        }
        Some(Sqlite::ReadOnly | Sqlite::PermissionDenied | Sqlite::CannotOpen) => {
            "Check that the data directory exists and that this user may write there."
        }
        Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => {
            "yizhan.db is damaged or not a database; restore the data directory from a backup."
        }
        Some(Sqlite::SystemIoFailure) => "Check the disk of the data directory.",
        _ => return Error::new(ErrorCode::Io, format!("The database failed: {error}.")),
    };
    Error::new(ErrorCode::Io, format!("The database failed: {error}. {advice}"))
}

/// Did a write violate a UNIQUE constraint?
pub(crate) fn is_duplicate(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(cause, _)
        if cause.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}
