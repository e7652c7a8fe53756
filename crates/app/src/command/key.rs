//! `yizhan key …`.
//!
//! It does not know how keys are made or kept.

use super::tenant::{limits, read_limits, state, text};
use crate::cli::{Global, Key, NewKey, TenantFlag};
use crate::desk::Desk;
use crate::{output, table};
use serde_json::{Value, json};
use std::process::ExitCode;
use yizhan_domain::{Error, ErrorCode, KeyId, Result, TenantId};
use yizhan_server::admin::time::{self, Toward};

pub(super) async fn run(global: &Global, command: Key) -> Result<ExitCode> {
    match command {
        Key::Create(new) => create(global, new).await?,
        Key::List { of } => {
            let keys = Desk::open(global).await?.keys(&tenant(of)).await?;
            list(&keys, global.json);
        }
        Key::Limit { key, limits, of } => change(global, of, &key, json!({"limits": read_limits(&limits)?})).await?,
        Key::Disable { key, of } => change(global, of, &key, json!({"disabled": true})).await?,
        Key::Enable { key, of } => change(global, of, &key, json!({"disabled": false})).await?,
        Key::Rm { key, of } => {
            let (desk, tenant) = (Desk::open(global).await?, tenant(of));
            let id = find(&desk, &tenant, &key).await?;
            desk.revoke_key(&tenant, &id).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tenant(of: TenantFlag) -> TenantId {
    TenantId::new(of.tenant)
}

async fn create(global: &Global, new: NewKey) -> Result<()> {
    let expires = new.expires.as_deref().map(|text| time::read("--expires", text, time::now_ms(), Toward::Future));
    let role = new.role.or_else(|| new.scopes.is_empty().then(|| "application".to_owned()));
    let body = json!({
        "name": new.name,
        "role": role,
        "scopes": new.scopes,
        "project": new.project,
        "user": new.user,
        "expires_ms": expires.transpose()?,
        "models": new.models,
        "networks": new.networks,
        "limits": read_limits(&new.limits.limits)?,
    });
    let made = Desk::open(global).await?.issue_key(&tenant(new.of), body).await?;
    if global.json {
        output::json(&made);
    } else {
        output::note(format!("The key {}, shown only this once:", text(&made, "id")));
        output::line(text(&made, "secret"));
    }
    Ok(())
}

async fn change(global: &Global, of: TenantFlag, key: &str, body: Value) -> Result<()> {
    let (desk, tenant) = (Desk::open(global).await?, tenant(of));
    let id = find(&desk, &tenant, key).await?;
    let changed = desk.change_key(&tenant, &id, body).await?;
    if global.json {
        output::json(&changed);
    } else {
        list(&[changed], false);
    }
    Ok(())
}

/// A key by its id, or by its name where no other has it.
async fn find(desk: &Desk, tenant: &TenantId, wanted: &str) -> Result<KeyId> {
    let keys = desk.keys(tenant).await?;
    let by =
        |field: &str| keys.iter().filter(|key| key[field] == wanted).map(|key| text(key, "id")).collect::<Vec<_>>();
    match (by("id").as_slice(), by("name").as_slice()) {
        ([id], _) | ([], [id]) => Ok(KeyId::new(id.as_str())),
        ([], []) => {
            let how = format!("`yizhan key list --tenant {tenant}` shows them.");
            Err(Error::new(ErrorCode::NotFound, format!("The tenant '{tenant}' has no key '{wanted}': {how}")))
        }
        (_, ids) => {
            let message = format!("{} keys are named '{wanted}': name one by its id: {}.", ids.len(), ids.join(", "));
            Err(Error::invalid("KEY", message))
        }
    }
}

fn list(keys: &[Value], as_json: bool) {
    if as_json {
        return output::json(&keys);
    }
    if keys.is_empty() {
        return output::line("No keys yet: `yizhan key create NAME` makes one.");
    }
    let rows: Vec<table::Row> = keys.iter().map(row).collect();
    table::print(&["ID", "NAME", "MAY", "OF", "STATE", "EXPIRES", "USED", "ONLY", "LIMITS"], &rows, usize::MAX);
}

fn row(key: &Value) -> table::Row {
    let words = |name: &str| -> Vec<String> {
        key[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let at = |name: &str| key[name].as_i64().map_or("never".to_owned(), |at| time::write(at, 0));
    let may = key["role"].as_str().map_or_else(|| words("scopes").join(","), str::to_owned);
    let of: Vec<String> = [text(key, "project"), text(key, "user")].into_iter().filter(|id| !id.is_empty()).collect();
    let only = [words("models"), words("networks")].concat().join(",");
    vec![
        text(key, "id"),
        text(key, "name"),
        may,
        of.join("/"),
        state(key),
        at("expires_ms"),
        at("used_ms"),
        only,
        limits(key),
    ]
}
