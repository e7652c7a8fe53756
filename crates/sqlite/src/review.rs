//! What rules hold for a person, in the database.
//!
//! It does not know transactions: it works inside the caller's.

use crate::fault::Fault;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use std::time::Duration;
use yizhan_domain::{CallId, Error, KeyId, ModelName, ProjectId, ReviewId, TenantId, UserId};
use yizhan_store::{
    Backlog, Decided, Decision, NewReview, Page, REVIEW_PREVIEW, Review, ReviewFilter, ReviewSide, ReviewState, Use,
    Verdict, millis, no_review, unknown_cursor,
};

const BRIEF: &str = "id, tenant, project, user, key, call, side, model, rules, message, digest, complete, \
                     CASE WHEN state = 'waiting' AND expires_ms <= ?1 THEN 'expired' ELSE state END AS shown, \
                     created_ms, expires_ms, decided_by, decided_user, decided_ms, note, used_by, used_ms, used_up";

/// All columns, with the time as the first parameter; for a list the texts' beginnings alone.
fn columns(is_list: bool) -> String {
    match is_list {
        true => format!("{BRIEF}, 'null', substr(text, 1, {REVIEW_PREVIEW}), substr(edited, 1, {REVIEW_PREVIEW})"),
        false => format!("{BRIEF}, held, text, edited"),
    }
}

pub(crate) fn hold(
    db: &Connection,
    now_ms: i64,
    item: &NewReview,
    wait: Duration,
    most_waiting: u64,
) -> Result<Option<ReviewId>, Fault> {
    let (tenant, project) = (item.tenant.as_str(), item.project.as_ref().map(|id| id.as_str()));
    if !item.digest.is_empty() {
        let sql = "SELECT id FROM review WHERE state = 'waiting' AND tenant = ? AND expires_ms > ? AND digest = ? \
                   AND key = ? AND project IS ?";
        let same = params![tenant, now_ms, item.digest, item.key.as_str(), project];
        let mut statement = db.prepare_cached(sql)?;
        if let Some(id) = statement.query_row(same, |row| row.get::<_, String>(0)).optional()? {
            return Ok(Some(ReviewId::new(id)));
        }
    }
    let sql = "SELECT count(*) FROM review WHERE state = 'waiting' AND tenant = ? AND expires_ms > ?";
    let waiting: u64 = db.prepare_cached(sql)?.query_row(params![tenant, now_ms], |row| row.get(0))?;
    if waiting >= most_waiting {
        return Ok(None);
    }
    let id = ReviewId::random();
    let sql = "INSERT INTO review (id, tenant, project, user, key, call, side, model, rules, message, digest, text, \
               held, complete, state, created_ms, expires_ms) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        id.as_str(),
        tenant,
        project,
        item.user.as_ref().map(|id| id.as_str()),
        item.key.as_str(),
        item.call.as_str(),
        item.side.as_str(),
        item.model.as_str(),
        serde_json::to_string(&item.rules)?,
        item.message,
        item.digest,
        item.text,
        serde_json::to_string(&item.held)?,
        item.complete,
        now_ms,
        now_ms + millis(wait),
    ])?;
    Ok(Some(id))
}

pub(crate) fn find(db: &Connection, now_ms: i64, tenant: &TenantId, id: &ReviewId) -> Result<Option<Review>, Fault> {
    let sql = format!("SELECT {} FROM review WHERE tenant = ?2 AND id = ?3", columns(false));
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![now_ms, tenant.as_str(), id.as_str()])?;
    rows.next()?.map(|row| from_row(row, now_ms)).transpose()
}

pub(crate) fn list(
    db: &Connection,
    now_ms: i64,
    tenant: &TenantId,
    filter: &ReviewFilter,
    page: &Page,
) -> Result<Vec<Review>, Fault> {
    let (order, beyond) = if filter.oldest_first { ("ASC", ">") } else { ("DESC", "<") };
    let mut conditions = "tenant = ?".to_owned();
    let mut parameters = vec![Sql::Integer(now_ms), Sql::Text(tenant.as_str().to_owned())];
    if let Some(after) = &page.after {
        conditions.push_str(&format!(" AND number {beyond} ?"));
        parameters.push(Sql::Integer(number(db, tenant, after)?.ok_or_else(|| unknown_cursor(after))?));
    }
    let wanted = [
        ("shown", filter.state.map(ReviewState::as_str)),
        ("side", filter.side.map(ReviewSide::as_str)),
        ("model", filter.model.as_ref().map(|name| name.as_str())),
        ("key", filter.key.as_ref().map(|id| id.as_str())),
    ];
    for (column, wanted) in wanted {
        if let Some(wanted) = wanted {
            conditions.push_str(&format!(" AND {column} = ?"));
            parameters.push(Sql::Text(wanted.to_owned()));
        }
    }
    parameters.push(Sql::Integer(i64::try_from(page.limit).unwrap_or(i64::MAX)));
    let columns = columns(true);
    let sql = format!("SELECT {columns} FROM review WHERE {conditions} ORDER BY number {order} LIMIT ?");
    let mut statement = db.prepare_cached(&sql)?;
    statement.query_and_then(params_from_iter(parameters), |row| from_row(row, now_ms))?.collect()
}

fn number(db: &Connection, tenant: &TenantId, id: &str) -> Result<Option<i64>, Fault> {
    let mut statement = db.prepare_cached("SELECT number FROM review WHERE tenant = ? AND id = ?")?;
    Ok(statement.query_row([tenant.as_str(), id], |row| row.get(0)).optional()?)
}

pub(crate) fn decide(
    db: &Connection,
    now_ms: i64,
    tenant: &TenantId,
    id: &ReviewId,
    decision: Decision,
    good_for: Duration,
) -> Result<Review, Fault> {
    let found = find(db, now_ms, tenant, id)?.ok_or_else(|| no_review(id))?;
    if let Some(error) = found.undecidable() {
        return Err(error.into());
    }
    let Decision { verdict, by, user, note } = decision;
    let state = verdict.state();
    let edited = if let Verdict::Edit(text) = verdict { Some(text) } else { None };
    let expires_ms = now_ms + millis(good_for);
    let sql = "UPDATE review SET state = ?, expires_ms = ?, decided_by = ?, decided_user = ?, decided_ms = ?, \
               note = ?, edited = ? WHERE id = ?";
    let who = user.as_ref().map(|id| id.as_str());
    let row = params![state.as_str(), expires_ms, by.as_str(), who, now_ms, note, edited, id.as_str()];
    db.prepare_cached(sql)?.execute(row)?;
    find(db, now_ms, tenant, id)?.ok_or_else(|| no_review(id).into())
}

pub(crate) fn begin_use(
    db: &Connection,
    now_ms: i64,
    tenant: &TenantId,
    id: &ReviewId,
    call: &CallId,
) -> Result<Review, Fault> {
    let mut found = find(db, now_ms, tenant, id)?.ok_or_else(|| no_review(id))?;
    if let Some(error) = found.unusable() {
        return Err(error.into());
    }
    let sql = "UPDATE review SET used_by = ?, used_ms = ?, used_up = 0 WHERE id = ?";
    db.prepare_cached(sql)?.execute(params![call.as_str(), now_ms, id.as_str()])?;
    found.used = Some(Use { call: call.clone(), at_ms: now_ms, is_done: false });
    Ok(found)
}

pub(crate) fn end_use(
    db: &Connection,
    now_ms: i64,
    tenant: &TenantId,
    id: &ReviewId,
    call: &CallId,
    is_done: bool,
) -> Result<(), Fault> {
    let (used_by, used_ms) = if is_done { (Some(call.as_str()), Some(now_ms)) } else { (None, None) };
    let sql = "UPDATE review SET used_by = ?, used_ms = ?, used_up = ? \
               WHERE tenant = ? AND id = ? AND used_by = ? AND used_up = 0";
    let row = params![used_by, used_ms, is_done, tenant.as_str(), id.as_str(), call.as_str()];
    db.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

pub(crate) fn free_uses(db: &Connection) -> Result<(), Fault> {
    let sql = "UPDATE review SET used_by = NULL, used_ms = NULL WHERE used_by IS NOT NULL AND used_up = 0";
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}

pub(crate) fn backlog(db: &Connection, now_ms: i64) -> Result<Backlog, Fault> {
    let sql = "SELECT count(*), min(created_ms) FROM review WHERE state = 'waiting' AND expires_ms > ?";
    let read = |row: &Row<'_>| Ok(Backlog { waiting: row.get(0)?, oldest_ms: row.get(1)? });
    Ok(db.prepare_cached(sql)?.query_row([now_ms], read)?)
}

pub(crate) fn tidy(db: &Connection, now_ms: i64, keep: Duration) -> Result<u64, Fault> {
    let expire = "UPDATE review SET state = 'expired', text = '', held = 'null' \
                  WHERE state = 'waiting' AND expires_ms <= ?";
    db.prepare_cached(expire)?.execute([now_ms])?;
    let forget = "DELETE FROM review WHERE created_ms < ? AND expires_ms <= ?";
    Ok(db.prepare_cached(forget)?.execute([now_ms - millis(keep), now_ms])? as u64)
}

/// Removes everything of a tenant that goes.
pub(crate) fn delete_of_tenant(db: &Connection, tenant: &str) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM review WHERE tenant = ?")?.execute([tenant])?;
    Ok(())
}

fn from_row(row: &Row<'_>, now_ms: i64) -> Result<Review, Fault> {
    let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let maybe = |column| row.get::<_, Option<String>>(column);
    let (side, state) = (text(6)?, text(12)?);
    let unknown = |word: &str| Error::internal(format!("The database has a review of the unknown kind '{word}'."));
    let expires_ms = row.get(14)?;
    let decided = match maybe(15)? {
        None => None,
        Some(by) => Some(Decided {
            by: KeyId::new(by),
            user: maybe(16)?.map(UserId::new),
            at_ms: row.get::<_, Option<i64>>(17)?.unwrap_or_default(),
            note: maybe(18)?.unwrap_or_default(),
            edited: maybe(24)?,
        }),
    };
    let used = match maybe(19)? {
        None => None,
        Some(call) => Some(Use { call: CallId::new(call), at_ms: row.get(20)?, is_done: row.get(21)? }),
    };
    Ok(Review {
        id: ReviewId::new(text(0)?),
        item: NewReview {
            tenant: TenantId::new(text(1)?),
            project: maybe(2)?.map(ProjectId::new),
            user: maybe(3)?.map(UserId::new),
            key: KeyId::new(text(4)?),
            call: CallId::new(text(5)?),
            side: ReviewSide::parse(side).ok_or_else(|| unknown(side))?,
            model: ModelName::new(text(7)?),
            rules: serde_json::from_str(text(8)?)?,
            message: row.get(9)?,
            digest: row.get(10)?,
            complete: row.get(11)?,
            held: serde_json::from_str(text(22)?)?,
            text: row.get(23)?,
        },
        state: ReviewState::parse(state).ok_or_else(|| unknown(state))?,
        created_ms: row.get(13)?,
        expires_ms,
        over: expires_ms <= now_ms,
        decided,
        used,
    })
}
