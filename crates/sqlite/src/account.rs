//! Tenants, projects and users in the database.
//!
//! It does not know transactions: it works inside the caller's.

use crate::fault::{Fault, is_duplicate};
use crate::{key, review};
use rusqlite::{Connection, Row, params};
use yizhan_domain::{Error, TenantId};
use yizhan_store::{
    Account, AccountId, AccountTerms, Declaration, Declared, Step, account_taken, declaration_steps,
    default_tenant_stays,
};

const COLUMNS: &str = "tenant, kind, id, name, disabled, limits, declared, created_ms";

pub(crate) fn create(db: &Connection, now_ms: i64, id: AccountId, terms: AccountTerms) -> Result<Account, Fault> {
    let tenant = AccountId::Tenant(id.tenant().clone());
    if id != tenant && find(db, &tenant)?.is_none() {
        return Err(Error::not_found("tenant", id.tenant()).into());
    }
    insert(db, now_ms, id, terms, false)
}

fn insert(db: &Connection, now_ms: i64, id: AccountId, terms: AccountTerms, declared: bool) -> Result<Account, Fault> {
    let sql = format!("INSERT INTO account ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    let (tenant, limits) = (id.tenant().as_str(), serde_json::to_string(&terms.limits)?);
    db.prepare_cached(&sql)?
        .execute(params![tenant, id.kind(), id.own(), terms.name, terms.disabled, limits, declared, now_ms])
        .map_err(|error| if is_duplicate(&error) { account_taken(&id).into() } else { Fault::from(error) })?;
    Ok(Account { id, terms, declared, created_ms: now_ms })
}

pub(crate) fn find(db: &Connection, id: &AccountId) -> Result<Option<Account>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE tenant = ? AND kind = ? AND id = ?");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([id.tenant().as_str(), id.kind(), id.own()])?;
    rows.next()?.map(from_row).transpose()
}

pub(crate) fn tenants(db: &Connection) -> Result<Vec<Account>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE kind = 'tenant' ORDER BY number");
    db.prepare_cached(&sql)?.query_and_then([], from_row)?.collect()
}

pub(crate) fn members(db: &Connection, tenant: &TenantId) -> Result<Vec<Account>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE tenant = ? AND kind <> 'tenant' ORDER BY number");
    db.prepare_cached(&sql)?.query_and_then([tenant.as_str()], from_row)?.collect()
}

fn all(db: &Connection) -> Result<Vec<Account>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM account ORDER BY number");
    db.prepare_cached(&sql)?.query_and_then([], from_row)?.collect()
}

/// Says something else of an account, and whether it is declared where that is given.
pub(crate) fn change(
    db: &Connection,
    id: &AccountId,
    terms: &AccountTerms,
    declared: Option<bool>,
) -> Result<Account, Fault> {
    let sql = format!(
        "UPDATE account SET name = ?, disabled = ?, limits = ?, declared = coalesce(?, declared) \
         WHERE tenant = ? AND kind = ? AND id = ? RETURNING {COLUMNS}"
    );
    let limits = serde_json::to_string(&terms.limits)?;
    let mut statement = db.prepare_cached(&sql)?;
    let (tenant, kind) = (id.tenant().as_str(), id.kind());
    let mut rows = statement.query(params![terms.name, terms.disabled, limits, declared, tenant, kind, id.own()])?;
    match rows.next()? {
        Some(row) => from_row(row),
        None => Err(Error::not_found(kind, id.own()).into()),
    }
}

pub(crate) fn delete(db: &Connection, id: &AccountId) -> Result<(), Fault> {
    if *id == Account::default_tenant().id {
        return Err(default_tenant_stays().into());
    }
    match remove(db, id)? {
        0 => Err(Error::not_found(id.kind(), id.own()).into()),
        _ => Ok(()),
    }
}

/// Removes an account with what belongs to it; how many accounts went.
fn remove(db: &Connection, id: &AccountId) -> Result<usize, Fault> {
    let tenant = id.tenant().as_str();
    let keys = match id {
        AccountId::Tenant(_) => "DELETE FROM key WHERE tenant = ?1 AND ?2 = ?1",
        AccountId::Project(..) => "DELETE FROM key WHERE tenant = ?1 AND project = ?2",
        AccountId::User(..) => "DELETE FROM key WHERE tenant = ?1 AND user = ?2",
    };
    db.prepare_cached(keys)?.execute([tenant, id.own()])?;
    if let AccountId::Tenant(_) = id {
        review::delete_of_tenant(db, tenant)?;
    }
    let accounts = "DELETE FROM account WHERE tenant = ?1 AND (?2 = 'tenant' OR (kind = ?2 AND id = ?3))";
    Ok(db.prepare_cached(accounts)?.execute([tenant, id.kind(), id.own()])?)
}

pub(crate) fn declare(db: &Connection, now_ms: i64, declaration: Declaration) -> Result<Declared, Fault> {
    let (steps, count) = declaration_steps(&all(db)?, &key::all(db)?, declaration)?;
    steps.into_iter().try_for_each(|step| take(db, now_ms, step))?;
    Ok(count)
}

fn take(db: &Connection, now_ms: i64, step: Step) -> Result<(), Fault> {
    match step {
        Step::Create(id, terms) => insert(db, now_ms, id, terms, true).map(drop),
        Step::Change(id, terms, declared) => change(db, &id, &terms, Some(declared)).map(drop),
        Step::Delete(id) => remove(db, &id).map(drop),
        Step::CreateKey(new) => key::create(db, now_ms, new, true).map(drop),
        Step::ChangeKey(id, new) => key::change(db, &id, Some(&new.name), &new.scopes, &new.terms).map(drop),
        Step::DeleteKey(id) => key::delete(db, &id),
    }
}

fn from_row(row: &Row<'_>) -> Result<Account, Fault> {
    let (tenant, kind, own): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let id = AccountId::of_kind(&kind, TenantId::new(tenant), &own)
        .ok_or_else(|| Error::internal(format!("The database has an account of the unknown kind '{kind}'.")))?;
    let limits = serde_json::from_str(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?;
    let terms = AccountTerms { name: row.get(3)?, disabled: row.get(4)?, limits };
    Ok(Account { id, terms, declared: row.get(6)?, created_ms: row.get(7)? })
}
