//! `yizhan tenant …`, `yizhan project …` and `yizhan user …`.
//!
//! It does not know how accounts are kept.

use crate::cli::{Global, Member, Tenant};
use crate::desk::{Desk, Of};
use crate::{output, table};
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use yizhan_domain::{Error, Result, TenantId};
use yizhan_store::AccountId;

/// What is done to an account of any kind.
enum Act {
    Create { id: String, name: String, limits: Vec<String> },
    List,
    Show(String),
    Change(String, Value),
    Rm(String),
}

/// `yizhan tenant …`.
pub(super) async fn run(global: &Global, command: Tenant) -> Result<ExitCode> {
    let act = match command {
        Tenant::Create { id, name, limits } => Act::Create { id, name, limits: limits.limits },
        Tenant::List => Act::List,
        Tenant::Show { id } => Act::Show(id),
        Tenant::Limit { id, limits } => Act::Change(id, json!({"limits": read_limits(&limits)?})),
        Tenant::Disable { id } => Act::Change(id, json!({"disabled": true})),
        Tenant::Enable { id } => Act::Change(id, json!({"disabled": false})),
        Tenant::Rm { id } => Act::Rm(id),
    };
    perform(global, None, act).await
}

/// `yizhan project …` and `yizhan user …`.
pub(super) async fn member(global: &Global, kind: &str, command: Member) -> Result<ExitCode> {
    let (of, act) = match command {
        Member::Create { id, name, of, limits } => (of, Act::Create { id, name, limits: limits.limits }),
        Member::List { of } => (of, Act::List),
        Member::Show { id, of } => (of, Act::Show(id)),
        Member::Limit { id, limits, of } => (of, Act::Change(id, json!({"limits": read_limits(&limits)?}))),
        Member::Disable { id, of } => (of, Act::Change(id, json!({"disabled": true}))),
        Member::Enable { id, of } => (of, Act::Change(id, json!({"disabled": false}))),
        Member::Rm { id, of } => (of, Act::Rm(id)),
    };
    perform(global, Some((&TenantId::new(of.tenant), kind)), act).await
}

async fn perform(global: &Global, of: Of<'_>, act: Act) -> Result<ExitCode> {
    let id = |own: String| match of {
        None => Ok(AccountId::Tenant(TenantId::new(own))),
        Some((tenant, kind)) => {
            AccountId::of_kind(kind, tenant.clone(), &own).ok_or_else(|| Error::not_found(kind, own))
        }
    };
    let desk = Desk::open(global).await?;
    match act {
        Act::Create { id, name, limits } => {
            let body = json!({"id": id, "name": name, "limits": read_limits(&limits)?});
            show(&desk.create_account(of, body).await?, global.json);
        }
        Act::List => list(&desk.accounts(of).await?, global.json),
        Act::Show(own) => show(&desk.account(&id(own)?).await?, global.json),
        Act::Change(own, body) => show(&desk.change_account(&id(own)?, body).await?, global.json),
        Act::Rm(own) => desk.delete_account(&id(own)?).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `requests_per_second=50`, `models.qwen*.tokens_per_minute=1000`, `burst=default`, `burst=unlimited`.
pub(super) fn read_limits(texts: &[String]) -> Result<Value> {
    let mut limits = Map::new();
    for text in texts {
        let wrong =
            |what: &str| Error::invalid("--limit", format!("'{text}' {what}: write e.g. requests_per_second=50."));
        let (name, value) = text.split_once('=').ok_or_else(|| wrong("has no '='"))?;
        let value = match value.trim() {
            "unlimited" => "unlimited".into(),
            "default" => Value::Null,
            number => match serde_json::from_str::<Value>(number) {
                Ok(number) if number.is_number() => number,
                _ => return Err(wrong("has neither a number, 'unlimited' nor 'default'")),
            },
        };
        match name.trim().strip_prefix("models.") {
            None => drop(limits.insert(name.trim().to_owned(), value)),
            Some(rest) => {
                // A model's name may have dots, a limit's has none.
                let (pattern, name) = rest.rsplit_once('.').ok_or_else(|| wrong("names no limit of the models"))?;
                limits.entry("models").or_insert_with(|| json!({}))[pattern][name] = value;
            }
        }
    }
    Ok(limits.into())
}

fn list(accounts: &[Value], as_json: bool) {
    if as_json {
        return output::json(&accounts);
    }
    if accounts.is_empty() {
        return output::line("None yet: `create ID` makes one.");
    }
    let row = |account: &Value| vec![text(account, "id"), text(account, "name"), state(account), limits(account)];
    let rows: Vec<table::Row> = accounts.iter().map(row).collect();
    table::print(&["ID", "NAME", "STATE", "LIMITS"], &rows, usize::MAX);
}

fn show(account: &Value, as_json: bool) {
    if as_json {
        return output::json(account);
    }
    output::line(format!("{} {}: {}", text(account, "object"), text(account, "id"), state(account)));
    for (label, value) in [("name", text(account, "name")), ("limits", limits(account))] {
        if !value.is_empty() {
            output::line(format!("  {:<8}{value}", format!("{label}:")));
        }
    }
}

/// A field that is a text.
pub(super) fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_default().to_owned()
}

/// May it be used, and who may change it?
pub(super) fn state(object: &Value) -> String {
    let is = |name: &str| object[name].as_bool().unwrap_or(false);
    let state = if is("disabled") { "disabled" } else { "enabled" };
    if is("declared") { format!("{state}, declared") } else { state.to_owned() }
}

/// Limits of its own, as they are typed.
pub(super) fn limits(object: &Value) -> String {
    let mut words = Vec::new();
    add_limits(&mut words, "", &object["limits"]);
    words.join(" ")
}

fn add_limits(words: &mut Vec<String>, place: &str, limits: &Value) {
    for (name, value) in limits.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => add_limits(words, &format!("{place}{name}."), value),
            Value::String(word) => words.push(format!("{place}{name}={word}")),
            other => words.push(format!("{place}{name}={other}")),
        }
    }
}

#[cfg(test)]
#[path = "tenant_tests.rs"]
mod tests;
