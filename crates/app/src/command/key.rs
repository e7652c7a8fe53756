//! `yizhan key …`.
//!
//! It does not know how keys are made or kept.

use super::tenant::{limits, read_limits, state, text};
use crate::cli::{Global, Key, NewKey, SetKey, TenantFlag};
use crate::desk::Desk;
use crate::{output, table};
use serde_json::{Map, Value, json};
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
        Key::Show { key, of } => show(global, of, &key).await?,
        Key::Set(set) => {
            let body = changes(&set)?;
            change(global, set.of, &set.key, body).await?;
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

/// What is named, as the server takes it.
fn changes(set: &SetKey) -> Result<Value> {
    let mut body = Map::new();
    let word = |text: &str, none: &str| if text == none { Value::Null } else { text.into() };
    if let Some(role) = &set.role {
        body.insert("role".to_owned(), word(role, "none"));
    }
    if let Some(expires) = set.expires.as_deref() {
        let until = match expires {
            "never" => Value::Null,
            text => time::read("--expires", text, time::now_ms(), Toward::Future)?.into(),
        };
        body.insert("expires_ms".to_owned(), until);
    }
    for (name, texts, all) in
        [("scopes", &set.scopes, ""), ("models", &set.models, "*"), ("networks", &set.networks, "any")]
    {
        if !texts.is_empty() {
            let is_all = texts.iter().any(|text| text == all);
            body.insert(name.to_owned(), if is_all { json!([]) } else { json!(texts) });
        }
    }
    if !set.limits.limits.is_empty() {
        body.insert("limits".to_owned(), read_limits(&set.limits.limits)?);
    }
    if body.is_empty() {
        let message = "Say what changes: --role, --scope, --model, --network, --expires or --limit.";
        return Err(Error::invalid("KEY", message));
    }
    Ok(body.into())
}

async fn show(global: &Global, of: TenantFlag, key: &str) -> Result<()> {
    let (desk, tenant) = (Desk::open(global).await?, tenant(of));
    let id = find(&desk, &tenant, key).await?;
    let shown = desk.key(&tenant, &id).await?;
    if global.json {
        output::json(&shown);
        return Ok(());
    }
    list(std::slice::from_ref(&shown), false);
    let rows = left(&shown);
    if !rows.is_empty() {
        output::line("");
        table::print(&["LIMIT OF", "", "LIMIT", "ALLOWS", "LEFT", "RESETS"], &rows, usize::MAX);
    }
    Ok(())
}

/// A row for each limit that holds for a key.
fn left(key: &Value) -> Vec<table::Row> {
    const NAMES: [&str; 5] =
        ["requests_per_second", "tokens_per_minute", "concurrent_requests", "money_per_day", "money_per_month"];
    let mut rows = Vec::new();
    for holder in key["used"].as_array().into_iter().flatten() {
        let models = holder["models"].as_str().map(|models| format!(" for {models}")).unwrap_or_default();
        for (name, limit) in NAMES.iter().filter_map(|name| Some((name, holder.get(name)?))) {
            let resets = limit["resets_at_ms"].as_i64().map(|at| time::write(at, 0)).unwrap_or_default();
            let number = |field: &str| limit[field].to_string();
            let whose = format!("{}{models}", text(holder, "id"));
            rows.push(vec![
                text(holder, "of"),
                whose,
                (*name).to_owned(),
                number("limit"),
                number("remaining"),
                resets,
            ]);
        }
    }
    rows
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
