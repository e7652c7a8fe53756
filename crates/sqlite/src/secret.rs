//! Sealed secrets in the database.
//!
//! It does not know what is in them, nor transactions: it works inside the caller's.

use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, Row, params};
use yizhan_domain::Error;
use yizhan_store::SealedSecret;

pub(crate) fn put(db: &Connection, now: i64, name: &str, key: &str, sealed: &[u8]) -> Result<SealedSecret, Fault> {
    let sql = "INSERT INTO secret (name, key, sealed, changed_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE \
               SET key = excluded.key, sealed = excluded.sealed, changed_ms = excluded.changed_ms \
               RETURNING name, key, sealed, changed_ms";
    Ok(db.prepare_cached(sql)?.query_row(params![name, key, sealed, now], read)?)
}

pub(crate) fn find(db: &Connection, name: &str) -> Result<Option<SealedSecret>, Fault> {
    let sql = "SELECT name, key, sealed, changed_ms FROM secret WHERE name = ?";
    Ok(db.prepare_cached(sql)?.query_row([name], read).optional()?)
}

pub(crate) fn list(db: &Connection) -> Result<Vec<SealedSecret>, Fault> {
    let mut statement = db.prepare_cached("SELECT name, key, sealed, changed_ms FROM secret ORDER BY name")?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn reseal(db: &Connection, secrets: &[SealedSecret]) -> Result<(), Fault> {
    let mut statement = db.prepare_cached("UPDATE secret SET key = ?, sealed = ? WHERE name = ?")?;
    for secret in secrets {
        found(statement.execute(params![secret.key, secret.sealed, secret.name])?, &secret.name)?;
    }
    Ok(())
}

pub(crate) fn delete(db: &Connection, name: &str) -> Result<(), Fault> {
    found(db.prepare_cached("DELETE FROM secret WHERE name = ?")?.execute([name])?, name)
}

fn found(rows: usize, name: &str) -> Result<(), Fault> {
    if rows == 0 { Err(Error::not_found("secret", name).into()) } else { Ok(()) }
}

fn read(row: &Row<'_>) -> rusqlite::Result<SealedSecret> {
    Ok(SealedSecret { name: row.get(0)?, key: row.get(1)?, sealed: row.get(2)?, changed_ms: row.get(3)? })
}
