//! API keys in the database, as hashes.
//!
//! It does not know transactions: it works inside the caller's.

use crate::fault::{Fault, is_duplicate};
use rusqlite::{Connection, Row, params};
use yizhan_domain::{Error, KeyId, TenantId};
use yizhan_store::{Key, KeyTerms, NewKey, key_taken};

const COLUMNS: &str = "id, tenant, name, scopes, terms, declared, created_ms, used_ms";

pub(crate) fn create(db: &Connection, now_ms: i64, new: NewKey, declared: bool) -> Result<Key, Fault> {
    let NewKey { tenant, name, hash, scopes, terms } = new;
    let key = Key { id: KeyId::random(), tenant, name, scopes, terms, declared, created_ms: now_ms, used_ms: None };
    let sql = format!("INSERT INTO key ({COLUMNS}, project, user, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    db.prepare_cached(&sql)?
        .execute(params![
            key.id.as_str(),
            key.tenant.as_str(),
            key.name,
            serde_json::to_string(&key.scopes)?,
            serde_json::to_string(&key.terms)?,
            declared,
            now_ms,
            key.used_ms,
            project(&key.terms),
            user(&key.terms),
            hash
        ])
        .map_err(|error| if is_duplicate(&error) { key_taken().into() } else { Fault::from(error) })?;
    Ok(key)
}

pub(crate) fn by_hash(db: &Connection, hash: &str) -> Result<Option<Key>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM key WHERE hash = ?");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([hash])?;
    rows.next()?.map(from_row).transpose()
}

pub(crate) fn list(db: &Connection, tenant: &TenantId) -> Result<Vec<Key>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM key WHERE tenant = ? ORDER BY number");
    db.prepare_cached(&sql)?.query_and_then([tenant.as_str()], from_row)?.collect()
}

/// Every key with its hash.
pub(crate) fn all(db: &Connection) -> Result<Vec<(String, Key)>, Fault> {
    let sql = format!("SELECT {COLUMNS}, hash FROM key ORDER BY number");
    db.prepare_cached(&sql)?.query_and_then([], |row| Ok((row.get(8)?, from_row(row)?)))?.collect()
}

/// Gives the key other scopes and terms, and another name where one is given.
pub(crate) fn change(
    db: &Connection,
    id: &KeyId,
    name: Option<&str>,
    scopes: &[String],
    terms: &KeyTerms,
) -> Result<Key, Fault> {
    let sql = format!(
        "UPDATE key SET name = coalesce(?, name), scopes = ?, terms = ?, project = ?, user = ? WHERE id = ? \
         RETURNING {COLUMNS}"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let (scopes, written) = (serde_json::to_string(scopes)?, serde_json::to_string(terms)?);
    let mut rows = statement.query(params![name, scopes, written, project(terms), user(terms), id.as_str()])?;
    match rows.next()? {
        Some(row) => from_row(row),
        None => Err(Error::not_found("key", id).into()),
    }
}

pub(crate) fn note_uses(db: &Connection, uses: &[(KeyId, i64)]) -> Result<(), Fault> {
    let mut statement = db.prepare_cached("UPDATE key SET used_ms = max(coalesce(used_ms, ?1), ?1) WHERE id = ?2")?;
    for (id, at) in uses {
        statement.execute(params![at, id.as_str()])?;
    }
    Ok(())
}

pub(crate) fn delete(db: &Connection, id: &KeyId) -> Result<(), Fault> {
    match db.prepare_cached("DELETE FROM key WHERE id = ?")?.execute([id.as_str()])? {
        0 => Err(Error::not_found("key", id).into()),
        _ => Ok(()),
    }
}

fn project(terms: &KeyTerms) -> Option<&str> {
    terms.project.as_ref().map(|project| project.as_str())
}

fn user(terms: &KeyTerms) -> Option<&str> {
    terms.user.as_ref().map(|user| user.as_str())
}

fn from_row(row: &Row<'_>) -> Result<Key, Fault> {
    let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(Key {
        id: KeyId::new(row.get::<_, String>(0)?),
        tenant: TenantId::new(row.get::<_, String>(1)?),
        name: row.get(2)?,
        scopes: serde_json::from_str(text(3)?)?,
        terms: serde_json::from_str(text(4)?)?,
        declared: row.get(5)?,
        created_ms: row.get(6)?,
        used_ms: row.get(7)?,
    })
}
