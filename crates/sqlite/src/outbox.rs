//! The outbox: which documents changed, in order, so that indexes can follow.
//!
//! It does not know who follows. A document has one row, its last change. The row of a document
//! whose chunks are gone stays, so that an index that has them learns of it; beyond
//! [`KEPT_DELETIONS`] for a base the oldest are forgotten, and an index older than that is told to
//! start anew.

use crate::fault::Fault;
use crate::{base, chunk};
use rusqlite::{Connection, OptionalExtension, params};
use yizhan_domain::{BaseId, DocumentId, Sequence};
use yizhan_store::{DocumentChange, too_far_behind};

/// Deletions kept for each base, about 20 bytes each.
const KEPT_DELETIONS: i64 = 100_000;

/// Looking for deletions to forget costs a walk over those kept, so it is done only so often.
const FORGET_EVERY: i64 = 1024;

/// The document has new chunks.
pub(crate) fn record(db: &Connection, id: DocumentId) -> Result<Sequence, Fault> {
    let sequence = append(db, id, false)?;
    Ok(Sequence(sequence.cast_unsigned()))
}

/// The document's chunks are called otherwise, if it has any that somebody may have seen.
pub(crate) fn record_renamed(db: &Connection, id: DocumentId) -> Result<(), Fault> {
    if has_chunks(db, id)? { append(db, id, false).map(drop) } else { Ok(()) }
}

/// The document's chunks are gone, if it had any that an index may have seen.
pub(crate) fn record_gone(db: &Connection, id: DocumentId) -> Result<(), Fault> {
    if !has_chunks(db, id)? {
        return Ok(());
    }
    let sequence = append(db, id, true)?;
    if sequence % FORGET_EVERY == 0 { forget_old(db, id, KEPT_DELETIONS) } else { Ok(()) }
}

fn has_chunks(db: &Connection, id: DocumentId) -> Result<bool, Fault> {
    Ok(db.prepare_cached("SELECT 1 FROM outbox WHERE document = ? AND gone = 0")?.exists([id.0])?)
}

fn append(db: &Connection, id: DocumentId, gone: bool) -> Result<i64, Fault> {
    db.prepare_cached("DELETE FROM outbox WHERE document = ?")?.execute([id.0])?;
    let sql = "INSERT INTO outbox (base, document, gone) SELECT base, id, ?2 FROM document WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![id.0, gone])?;
    Ok(db.last_insert_rowid())
}

fn forget_old(db: &Connection, id: DocumentId, kept: i64) -> Result<(), Fault> {
    let base: i64 = db.query_row("SELECT base FROM outbox WHERE document = ?", [id.0], |row| row.get(0))?;
    let sql = "SELECT sequence FROM outbox WHERE base = ? AND gone = 1 ORDER BY sequence DESC LIMIT 1 OFFSET ?";
    let last: Option<i64> = db.query_row(sql, [base, kept], |row| row.get(0)).optional()?;
    if let Some(last) = last {
        db.execute("DELETE FROM outbox WHERE base = ? AND gone = 1 AND sequence <= ?", [base, last])?;
        db.execute("UPDATE base SET forgotten = ? WHERE number = ?", [last, base])?;
    }
    Ok(())
}

pub(crate) fn last(db: &Connection, id: &BaseId) -> Result<Sequence, Fault> {
    let Some(base) = base::number(db, id)? else { return Ok(Sequence(0)) };
    let sql = "SELECT coalesce(max(sequence), 0) FROM outbox WHERE base = ?";
    Ok(Sequence(db.prepare_cached(sql)?.query_row([base], |row| row.get(0))?))
}

pub(crate) fn changes(
    db: &Connection,
    id: &BaseId,
    after: Sequence,
    limit: usize,
) -> Result<Vec<DocumentChange>, Fault> {
    let Some(base) = base::number(db, id)? else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached("SELECT forgotten FROM base WHERE number = ?")?;
    let forgotten: u64 = statement.query_row([base], |row| row.get(0))?;
    if after.0 > 0 && after.0 < forgotten {
        return Err(too_far_behind(after).into());
    }
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let sql = "SELECT sequence, document, gone FROM outbox WHERE base = ? AND sequence > ? ORDER BY sequence";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([base, after])?;
    let (mut changes, mut weight) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (document, gone) = (DocumentId(row.get(1)?), row.get::<_, bool>(2)?);
        let chunks = if gone { Vec::new() } else { chunk::of_document(db, document)? };
        // A deletion counts too, so that a long row of them also comes in parts.
        weight += chunks.len().max(1);
        changes.push(DocumentChange { sequence: Sequence(row.get(0)?), document, chunks });
        if weight >= limit {
            break;
        }
    }
    Ok(changes)
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
