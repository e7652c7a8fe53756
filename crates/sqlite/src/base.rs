//! Knowledge bases in the database.
//!
//! It does not know transactions: it works inside the caller's.

use crate::document::STATES;
use crate::fault::{Fault, is_duplicate};
use crate::file;
use rusqlite::{Connection, OptionalExtension, Row, params};
use yizhan_domain::{BaseId, Error, TenantId};
use yizhan_store::{Base, BaseSettings, BaseStats, check_base_name, name_taken};

const COLUMNS: &str = "id, tenant, name, settings, created_ms";

pub(crate) fn create(
    db: &Connection,
    now_ms: i64,
    tenant: &TenantId,
    name: &str,
    settings: BaseSettings,
) -> Result<Base, Fault> {
    check_base_name(name)?;
    let base =
        Base { id: BaseId::random(), tenant: tenant.clone(), name: name.to_owned(), settings, created_ms: now_ms };
    let settings = serde_json::to_string(&base.settings)?;
    let sql = "INSERT INTO base (id, tenant, name, settings, created_ms) VALUES (?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?
        .execute(params![base.id.as_str(), tenant.as_str(), name, settings, now_ms])
        .map_err(|error| taken_or(error, name))?;
    Ok(base)
}

pub(crate) fn find(db: &Connection, tenant: &TenantId, name_or_id: &str) -> Result<Option<Base>, Fault> {
    // An id before a name that looks like one.
    let sql = format!("SELECT {COLUMNS} FROM base WHERE tenant = ?1 AND (id = ?2 OR name = ?2) ORDER BY id <> ?2");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.as_str(), name_or_id])?;
    rows.next()?.map(from_row).transpose()
}

pub(crate) fn list(db: &Connection, tenant: &TenantId) -> Result<Vec<Base>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM base WHERE tenant = ? ORDER BY number");
    db.prepare_cached(&sql)?.query_and_then([tenant.as_str()], from_row)?.collect()
}

pub(crate) fn rename(db: &Connection, id: &BaseId, name: &str) -> Result<Base, Fault> {
    check_base_name(name)?;
    let changed = db
        .prepare_cached("UPDATE base SET name = ? WHERE id = ?")?
        .execute(params![name, id.as_str()])
        .map_err(|error| taken_or(error, name))?;
    if changed == 0 {
        return Err(missing(id).into());
    }
    by_number(db, number(db, id)?.ok_or_else(|| missing(id))?)
}

pub(crate) fn delete(db: &Connection, id: &BaseId) -> Result<(), Fault> {
    let Some(base) = number(db, id)? else { return Ok(()) };
    let mut statement = db.prepare_cached("SELECT replaced FROM document WHERE base = ? AND replaced IS NOT NULL")?;
    let replaced: Vec<i64> = statement.query_map([base], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    db.prepare_cached("DELETE FROM base WHERE number = ?")?.execute([base])?;
    replaced.into_iter().try_for_each(|file| file::forget_unused(db, file))
}

pub(crate) fn stats(db: &Connection, id: &BaseId) -> Result<BaseStats, Fault> {
    let base = number(db, id)?.ok_or_else(|| missing(id))?;
    let sql = "SELECT d.state, count(*), sum(d.chunks), sum(f.bytes) FROM document d JOIN file f ON f.number = d.file
               WHERE d.base = ? GROUP BY d.state";
    let mut stats = BaseStats::default();
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([base])?;
    while let Some(row) = rows.next()? {
        let (state, documents): (usize, u64) = (row.get(0)?, row.get(1)?);
        let state = STATES.get(state).ok_or_else(|| Error::internal(format!("Unknown document state {state}.")))?;
        stats.documents += documents;
        stats.chunks += row.get::<_, u64>(2)?;
        stats.bytes += row.get::<_, u64>(3)?;
        stats.states.insert(*state, documents);
    }
    Ok(stats)
}

/// A base's number inside the database.
pub(crate) fn number(db: &Connection, id: &BaseId) -> Result<Option<i64>, Fault> {
    let mut statement = db.prepare_cached("SELECT number FROM base WHERE id = ?")?;
    Ok(statement.query_row([id.as_str()], |row| row.get(0)).optional()?)
}

pub(crate) fn by_number(db: &Connection, number: i64) -> Result<Base, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM base WHERE number = ?");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([number])?;
    match rows.next()? {
        Some(row) => from_row(row),
        None => Err(Error::internal(format!("The base number {number} is missing.")).into()),
    }
}

pub(crate) fn missing(id: &BaseId) -> Error {
    Error::not_found("knowledge base", id)
}

fn taken_or(error: rusqlite::Error, name: &str) -> Fault {
    if is_duplicate(&error) { name_taken(name).into() } else { error.into() }
}

fn from_row(row: &Row<'_>) -> Result<Base, Fault> {
    Ok(Base {
        id: BaseId::new(row.get::<_, String>(0)?),
        tenant: TenantId::new(row.get::<_, String>(1)?),
        name: row.get(2)?,
        settings: serde_json::from_str(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
        created_ms: row.get(4)?,
    })
}
