//! Files' rows in the database; their bytes are in the blob store.
//!
//! It does not know transactions: it works inside the caller's.

use crate::document;
use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, Row, params};
use yizhan_domain::{Error, FileId, TenantId};
use yizhan_store::{ContentHash, File, NewFile, Page, unknown_cursor};

const COLUMNS: &str = "id, tenant, name, hash, bytes, purpose, created_ms";

pub(crate) fn create(db: &Connection, now_ms: i64, new: NewFile) -> Result<File, Fault> {
    let NewFile { tenant, name, hash, bytes, purpose } = new;
    let file = File { id: FileId::random(), tenant, name, hash, bytes, purpose, created_ms: now_ms };
    let sql = format!("INSERT INTO file ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)");
    db.prepare_cached(&sql)?.execute(params![
        file.id.as_str(),
        file.tenant.as_str(),
        file.name,
        file.hash.0,
        file.bytes,
        file.purpose,
        now_ms
    ])?;
    orphan_removed(db, &file.hash)?;
    Ok(file)
}

pub(crate) fn find(db: &Connection, tenant: &TenantId, id: &FileId) -> Result<Option<File>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM file WHERE id = ? AND tenant = ?");
    Ok(db.prepare_cached(&sql)?.query_row([id.as_str(), tenant.as_str()], from_row).optional()?)
}

pub(crate) fn list(db: &Connection, tenant: &TenantId, page: &Page) -> Result<Vec<File>, Fault> {
    let before = match &page.after {
        None => i64::MAX,
        Some(id) => number(db, tenant, &FileId::new(id.as_str()))?.ok_or_else(|| unknown_cursor(id))?,
    };
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let sql = format!("SELECT {COLUMNS} FROM file WHERE tenant = ? AND number < ? ORDER BY number DESC LIMIT ?");
    let mut statement = db.prepare_cached(&sql)?;
    let files = statement.query_map(params![tenant.as_str(), before, limit], from_row)?;
    Ok(files.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn delete(db: &Connection, tenant: &TenantId, id: &FileId) -> Result<(), Fault> {
    let number = number(db, tenant, id)?.ok_or_else(|| Error::not_found("file", id))?;
    document::delete_of_file(db, number)?;
    document::clear_chunks_of_file(db, number)?;
    forget(db, number)
}

/// Forgets a file to which no document refers.
pub(crate) fn forget_unused(db: &Connection, number: i64) -> Result<(), Fault> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM document WHERE file = ?1 UNION ALL SELECT 1 FROM document WHERE replaced = ?1",
    )?;
    if statement.exists([number])? { Ok(()) } else { forget(db, number) }
}

/// Forgets a file, and notes its content when no other file has it.
fn forget(db: &Connection, number: i64) -> Result<(), Fault> {
    let mut statement = db.prepare_cached("DELETE FROM file WHERE number = ? RETURNING hash")?;
    let hash: Option<String> = statement.query_row([number], |row| row.get(0)).optional()?;
    let sql = "INSERT OR IGNORE INTO orphan SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM file WHERE hash = ?1)";
    if let Some(hash) = hash {
        db.prepare_cached(sql)?.execute([hash])?;
    }
    Ok(())
}

pub(crate) fn orphans(db: &Connection, limit: usize) -> Result<Vec<ContentHash>, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached("SELECT hash FROM orphan ORDER BY hash LIMIT ?")?;
    let hashes = statement.query_map([limit], |row| row.get(0).map(ContentHash))?;
    Ok(hashes.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn orphan_removed(db: &Connection, hash: &ContentHash) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM orphan WHERE hash = ?")?.execute([&hash.0])?;
    Ok(())
}

/// A file's number inside the database, if it is the tenant's.
pub(crate) fn number(db: &Connection, tenant: &TenantId, id: &FileId) -> Result<Option<i64>, Fault> {
    let mut statement = db.prepare_cached("SELECT number FROM file WHERE id = ? AND tenant = ?")?;
    Ok(statement.query_row([id.as_str(), tenant.as_str()], |row| row.get(0)).optional()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<File> {
    Ok(File {
        id: FileId::new(row.get::<_, String>(0)?),
        tenant: TenantId::new(row.get::<_, String>(1)?),
        name: row.get(2)?,
        hash: ContentHash(row.get(3)?),
        bytes: row.get(4)?,
        purpose: row.get(5)?,
        created_ms: row.get(6)?,
    })
}
