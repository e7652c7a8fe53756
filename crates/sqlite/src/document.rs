//! Documents in the database: submission, lists, deletion.
//!
//! It does not know transactions: it works inside the caller's.

use crate::fault::Fault;
use crate::{attribute, base, chunk, file, outbox};
use rusqlite::{Connection, OptionalExtension, Row, params};
use yizhan_domain::{BaseId, DocumentId, Error, FileId, TenantId};
use yizhan_store::{ContentHash, Document, DocumentState, NewDocument, Page, Submitted, document_cursor};

/// States by their number in the database.
pub(crate) const STATES: [DocumentState; 4] =
    [DocumentState::Queued, DocumentState::Processing, DocumentState::Ready, DocumentState::Failed];

/// The columns that [`from_row`] reads.
const SELECT: &str = "SELECT d.id, b.id, f.id, d.source, d.name, d.hash, d.attributes, d.state, d.reason, d.attempts,
    d.chunks, d.pages, f.bytes, d.created_ms, d.updated_ms
    FROM document d JOIN base b ON b.number = d.base JOIN file f ON f.number = d.file";

pub(crate) fn submit(db: &Connection, now_ms: i64, base: &BaseId, new: NewDocument) -> Result<Submitted, Fault> {
    let (base, file) = parents(db, base, &new)?;
    let attributes = serde_json::to_string(&new.attributes)?;
    let mut statement = db.prepare_cached("SELECT id, hash, state FROM document WHERE base = ? AND source = ?")?;
    let known = statement
        .query_row(params![base, new.source], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?, row.get::<_, u8>(2)?))
        })
        .optional()?;
    let (id, unchanged) = match known {
        None => (insert(db, now_ms, base, file, &new, &attributes)?, false),
        Some((id, hash, state)) if hash == new.hash.0 && state != DocumentState::Failed as u8 => {
            let sql = "UPDATE document SET name = ?1 WHERE id = ?2 AND name != ?1";
            if db.prepare_cached(sql)?.execute(params![new.name, id])? > 0 {
                outbox::record_renamed(db, DocumentId(id))?;
            }
            let sql = "UPDATE document SET attributes = ? WHERE id = ?";
            db.prepare_cached(sql)?.execute(params![attributes, id])?;
            (id, true)
        }
        Some((id, ..)) => {
            requeue(db, now_ms, id, file, &new, &attributes)?;
            (id, false)
        }
    };
    attribute::replace(db, base, id, &new.attributes)?;
    let document = find(db, DocumentId(id))?.ok_or_else(|| Error::not_found("document", id))?;
    Ok(Submitted { document, unchanged })
}

/// Numbers of the base and of the file, which must be the same tenant's.
fn parents(db: &Connection, id: &BaseId, new: &NewDocument) -> Result<(i64, i64), Fault> {
    let sql = "SELECT number, tenant FROM base WHERE id = ?";
    let base = db
        .prepare_cached(sql)?
        .query_row([id.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let (base, tenant) = base.ok_or_else(|| base::missing(id))?;
    let file = file::number(db, &TenantId::new(tenant), &new.file)?;
    Ok((base, file.ok_or_else(|| Error::not_found("file", &new.file))?))
}

fn insert(
    db: &Connection,
    now_ms: i64,
    base: i64,
    file: i64,
    new: &NewDocument,
    attributes: &str,
) -> Result<u64, Fault> {
    let sql = "INSERT INTO document (base, file, source, name, hash, attributes, state, turn, created_ms, updated_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?8)";
    let turn = next_turn(db)?;
    db.prepare_cached(sql)?.execute(params![base, file, new.source, new.name, new.hash.0, attributes, turn, now_ms])?;
    Ok(db.last_insert_rowid().cast_unsigned())
}

/// Queues the new content. The old chunks stay, with the file that they were cut from; a lease that is out is
/// held no longer.
fn requeue(db: &Connection, now_ms: i64, id: u64, file: i64, new: &NewDocument, attributes: &str) -> Result<(), Fault> {
    let before: i64 = db.prepare_cached("SELECT file FROM document WHERE id = ?")?.query_row([id], |row| row.get(0))?;
    let sql = "UPDATE document SET file = ?1, name = ?2, hash = ?3, attributes = ?4, turn = ?5, updated_ms = ?6,
        state = 0, due_ms = 0, attempts = 0, interruptions = 0, reason = NULL, pages = NULL,
        replaced = nullif(coalesce(replaced, iif(chunks > 0, file, NULL)), ?1) WHERE id = ?7";
    let turn = next_turn(db)?;
    db.prepare_cached(sql)?.execute(params![file, new.name, new.hash.0, attributes, turn, now_ms, id])?;
    file::forget_unused(db, before)
}

/// The chunks are gone that were cut from a replaced file: it is needed no longer.
pub(crate) fn let_go_of_replaced(db: &Connection, id: DocumentId) -> Result<(), Fault> {
    let mut statement = db.prepare_cached("SELECT replaced FROM document WHERE id = ? AND replaced IS NOT NULL")?;
    let Some(replaced) = statement.query_row([id.0], |row| row.get(0)).optional()? else { return Ok(()) };
    db.prepare_cached("UPDATE document SET replaced = NULL WHERE id = ?")?.execute([id.0])?;
    file::forget_unused(db, replaced)
}

/// The chunks of a document go, wherever they were cut from.
pub(crate) fn clear_chunks(db: &Connection, id: DocumentId) -> Result<(), Fault> {
    db.prepare_cached("UPDATE document SET chunks = 0 WHERE id = ?")?.execute([id.0])?;
    chunk::remove(db, id)?;
    let_go_of_replaced(db, id)?;
    outbox::record_gone(db, id)
}

/// Documents that have new content waiting lose the chunks that were cut from this file.
pub(crate) fn clear_chunks_of_file(db: &Connection, file: i64) -> Result<(), Fault> {
    ids(db, "SELECT id FROM document WHERE replaced = ? ORDER BY id", file)?
        .into_iter()
        .try_for_each(|id| clear_chunks(db, id))
}

fn ids(db: &Connection, sql: &str, value: i64) -> Result<Vec<DocumentId>, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    let ids = statement.query_map([value], |row| row.get(0).map(DocumentId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// A place behind everything that waits.
fn next_turn(db: &Connection) -> Result<i64, Fault> {
    let sql = "SELECT coalesce(max(turn), 0) + 1 FROM document WHERE state <= 1";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

pub(crate) fn find(db: &Connection, id: DocumentId) -> Result<Option<Document>, Fault> {
    let Ok(number) = i64::try_from(id.0) else { return Ok(None) };
    first(db, "WHERE d.id = ?", params![number])
}

pub(crate) fn of_file(db: &Connection, base: &BaseId, file: &FileId) -> Result<Option<Document>, Fault> {
    first(db, "WHERE b.id = ? AND f.id = ? ORDER BY d.id", params![base.as_str(), file.as_str()])
}

fn first(db: &Connection, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Option<Document>, Fault> {
    let mut statement = db.prepare_cached(&format!("{SELECT} {condition}"))?;
    let mut rows = statement.query(values)?;
    rows.next()?.map(from_row).transpose()
}

pub(crate) fn list(db: &Connection, id: &BaseId, page: &Page) -> Result<Vec<Document>, Fault> {
    let after = document_cursor(page.after.as_deref())?;
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let Some(base) = base::number(db, id)? else { return Ok(Vec::new()) };
    let sql = format!("{SELECT} WHERE d.base = ? AND d.id > ? ORDER BY d.id LIMIT ?");
    db.prepare_cached(&sql)?.query_and_then(params![base, after, limit], from_row)?.collect()
}

pub(crate) fn delete(db: &Connection, id: DocumentId) -> Result<(), Fault> {
    if find(db, id)?.is_none() {
        return Err(Error::not_found("document", id).into());
    }
    outbox::record_gone(db, id)?;
    let mut statement = db.prepare_cached("DELETE FROM document WHERE id = ? RETURNING replaced")?;
    let replaced: Option<i64> = statement.query_row([id.0], |row| row.get(0))?;
    replaced.map_or(Ok(()), |file| file::forget_unused(db, file))
}

/// Deletes every document made from a file.
pub(crate) fn delete_of_file(db: &Connection, file: i64) -> Result<(), Fault> {
    ids(db, "SELECT id FROM document WHERE file = ? ORDER BY id", file)?.into_iter().try_for_each(|id| delete(db, id))
}

pub(crate) fn from_row(row: &Row<'_>) -> Result<Document, Fault> {
    let state: usize = row.get(7)?;
    Ok(Document {
        id: DocumentId(row.get(0)?),
        base: BaseId::new(row.get::<_, String>(1)?),
        file: FileId::new(row.get::<_, String>(2)?),
        source: row.get(3)?,
        name: row.get(4)?,
        hash: ContentHash(row.get(5)?),
        attributes: serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)?,
        state: *STATES.get(state).ok_or_else(|| Error::internal(format!("Unknown document state {state}.")))?,
        reason: row.get(8)?,
        attempts: row.get(9)?,
        chunks: row.get(10)?,
        pages: row.get(11)?,
        bytes: row.get(12)?,
        created_ms: row.get(13)?,
        updated_ms: row.get(14)?,
    })
}
