//! API keys in the database, as hashes.
//!
//! It does not know transactions: it works inside the caller's.

use crate::fault::{Fault, is_duplicate};
use rusqlite::{Connection, Row, params};
use yizhan_domain::{Error, KeyId, TenantId};
use yizhan_store::{Key, NewKey, key_taken};

const COLUMNS: &str = "id, tenant, name, scopes, created_ms";

pub(crate) fn create(db: &Connection, now_ms: i64, new: NewKey) -> Result<Key, Fault> {
    let NewKey { tenant, name, hash, scopes } = new;
    let key = Key { id: KeyId::random(), tenant, name, scopes, created_ms: now_ms };
    let sql = format!("INSERT INTO key ({COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?)");
    let scopes = serde_json::to_string(&key.scopes)?;
    db.prepare_cached(&sql)?
        .execute(params![key.id.as_str(), key.tenant.as_str(), key.name, scopes, now_ms, hash])
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

pub(crate) fn delete(db: &Connection, id: &KeyId) -> Result<(), Fault> {
    match db.prepare_cached("DELETE FROM key WHERE id = ?")?.execute([id.as_str()])? {
        0 => Err(Error::not_found("key", id).into()),
        _ => Ok(()),
    }
}

fn from_row(row: &Row<'_>) -> Result<Key, Fault> {
    Ok(Key {
        id: KeyId::new(row.get::<_, String>(0)?),
        tenant: TenantId::new(row.get::<_, String>(1)?),
        name: row.get(2)?,
        scopes: serde_json::from_str(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
        created_ms: row.get(4)?,
    })
}
