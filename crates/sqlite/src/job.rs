//! Leases on documents that are to be processed.
//!
//! It does not know transactions: it works inside the caller's, which make a claim or a completion
//! happen whole or not at all.

use crate::fault::Fault;
use crate::{base, chunk, document, outbox};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;
use yizhan_domain::{BaseId, Error, Sequence};
use yizhan_store::{Job, Processed, millis};

pub(crate) fn claim(db: &Connection, now_ms: i64, of: Option<&BaseId>, lease: Duration) -> Result<Option<Job>, Fault> {
    let waiting = match of {
        None => {
            let sql = "SELECT id, base FROM document WHERE state <= 1 AND due_ms <= ? ORDER BY turn LIMIT 1";
            db.prepare_cached(sql)?.query_row([now_ms], |row| Ok((row.get(0)?, row.get(1)?))).optional()?
        }
        Some(id) => {
            let Some(base) = base::number(db, id)? else { return Ok(None) };
            let sql =
                "SELECT id, base FROM document WHERE base = ? AND state <= 1 AND due_ms <= ? ORDER BY turn LIMIT 1";
            db.prepare_cached(sql)?.query_row([base, now_ms], |row| Ok((row.get(0)?, row.get(1)?))).optional()?
        }
    };
    let Some((id, base)): Option<(u64, i64)> = waiting else { return Ok(None) };
    let sql = "UPDATE document SET state = 1, lease = lease + 1, attempts = attempts + 1, due_ms = ?, updated_ms = ?
        WHERE id = ? RETURNING lease, interruptions";
    let (lease, interruptions) = db
        .prepare_cached(sql)?
        .query_row(params![now_ms.saturating_add(millis(lease)), now_ms, id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let document = document::find(db, yizhan_domain::DocumentId(id))?
        .ok_or_else(|| Error::internal(format!("The claimed document {id} is missing.")))?;
    let attempt = document.attempts;
    Ok(Some(Job { document, base: base::by_number(db, base)?, lease, attempt, interruptions }))
}

pub(crate) fn extend(db: &Connection, now_ms: i64, job: &Job, lease: Duration) -> Result<bool, Fault> {
    let sql = "UPDATE document SET due_ms = ? WHERE id = ? AND state = 1 AND lease = ?";
    let until = now_ms.saturating_add(millis(lease));
    Ok(db.prepare_cached(sql)?.execute(params![until, job.document.id.0, job.lease])? == 1)
}

pub(crate) fn complete(
    db: &Connection,
    now_ms: i64,
    job: &Job,
    processed: &Processed,
) -> Result<Option<Sequence>, Fault> {
    let sql = "UPDATE document SET state = 2, reason = NULL, chunks = ?, pages = ?, updated_ms = ?
        WHERE id = ? AND state = 1 AND lease = ?";
    let values = params![processed.chunks.len(), processed.pages, now_ms, job.document.id.0, job.lease];
    if db.prepare_cached(sql)?.execute(values)? == 0 {
        return Ok(None);
    }
    chunk::replace(db, job.document.id, processed)?;
    document::let_go_of_replaced(db, job.document.id)?;
    outbox::record(db, job.document.id).map(Some)
}

pub(crate) fn fail(
    db: &Connection,
    now_ms: i64,
    job: &Job,
    reason: &str,
    retry_after: Option<Duration>,
) -> Result<bool, Fault> {
    let Some(delay) = retry_after else { return fail_for_good(db, now_ms, job, reason) };
    let sql = "UPDATE document SET state = 0, reason = ?, due_ms = ?, updated_ms = ?
        WHERE id = ? AND state = 1 AND lease = ?";
    let due = now_ms.saturating_add(millis(delay));
    Ok(db.prepare_cached(sql)?.execute(params![reason, due, now_ms, job.document.id.0, job.lease])? == 1)
}

fn fail_for_good(db: &Connection, now_ms: i64, job: &Job, reason: &str) -> Result<bool, Fault> {
    let sql = "UPDATE document SET state = 3, reason = ?, updated_ms = ?
        WHERE id = ? AND state = 1 AND lease = ?";
    let held = db.prepare_cached(sql)?.execute(params![reason, now_ms, job.document.id.0, job.lease])? == 1;
    if held {
        document::clear_chunks(db, job.document.id)?;
    }
    Ok(held)
}

pub(crate) fn release_all(db: &Connection, now_ms: i64) -> Result<u64, Fault> {
    let sql = "UPDATE document SET state = 0, due_ms = 0, attempts = attempts - 1, interruptions = interruptions + 1,
        updated_ms = ? WHERE state = 1";
    Ok(db.prepare_cached(sql)?.execute([now_ms])? as u64)
}
