//! Tenants, projects, users, and what the configuration declares of them.

use super::Subject;
use super::keys::{full_terms, new_key};
use crate::{Account, AccountId, AccountTerms, Declaration, Declared, KeyTerms, NewKey};
use serde_json::json;
use yizhan_domain::{ErrorCode, TenantId};

fn tenant(id: &str) -> AccountId {
    AccountId::Tenant(id.into())
}

fn project(tenant: &str, id: &str) -> AccountId {
    AccountId::Project(tenant.into(), id.into())
}

fn user(tenant: &str, id: &str) -> AccountId {
    AccountId::User(tenant.into(), id.into())
}

fn named(name: &str) -> AccountTerms {
    AccountTerms { name: name.to_owned(), ..AccountTerms::default() }
}

fn key_of(tenant: &str, hash: &str, project: Option<&str>, user: Option<&str>) -> NewKey {
    let terms = KeyTerms { project: project.map(Into::into), user: user.map(Into::into), ..KeyTerms::default() };
    NewKey { terms, ..new_key(tenant, hash) }
}

async fn has_key(s: &Subject, hash: &str) -> bool {
    s.keys.key_by_hash(hash).await.unwrap().is_some()
}

pub async fn the_default_tenant_is_there(s: &Subject) {
    assert_eq!(s.keys.tenants().await.unwrap(), [Account::default_tenant()]);
    let id = AccountId::Tenant(TenantId::default_tenant());
    assert_eq!(s.keys.account(&id).await.unwrap(), Some(Account::default_tenant()));
    assert_eq!(s.keys.delete_account(&id).await.unwrap_err().code(), ErrorCode::Conflict);
    assert_eq!(s.keys.change_account(&id, named("我们")).await.unwrap().terms.name, "我们");
}

pub async fn accounts_are_kept_and_changed(s: &Subject) {
    let terms = AccountTerms { name: "诊所".to_owned(), disabled: false, limits: json!({"burst": 3}) };
    let clinic = s.keys.create_account(tenant("clinic"), terms.clone()).await.unwrap();
    assert_eq!((&clinic.terms, clinic.declared), (&terms, false));
    assert_eq!(clinic.created_ms, s.time.clock().now_ms());
    let web = s.keys.create_account(project("clinic", "web"), named("Web")).await.unwrap();
    let li = s.keys.create_account(user("clinic", "web"), named("Li")).await.unwrap();
    s.keys.create_account(tenant("bank"), named("Bank")).await.unwrap();
    assert_eq!(s.keys.members(&"clinic".into()).await.unwrap(), [web.clone(), li]);
    assert_eq!(s.keys.members(&"bank".into()).await.unwrap(), []);
    assert_eq!(s.keys.tenants().await.unwrap().len(), 3);
    let off = AccountTerms { disabled: true, ..web.terms.clone() };
    let changed = s.keys.change_account(&web.id, off.clone()).await.unwrap();
    assert_eq!(changed, Account { terms: off, ..web.clone() });
    assert_eq!(s.keys.account(&web.id).await.unwrap(), Some(changed));
    assert_eq!(s.keys.account(&project("bank", "web")).await.unwrap(), None);
    let unknown = s.keys.change_account(&project("bank", "web"), named("")).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::NotFound);
}

pub async fn ids_are_taken_once_in_each_tenant(s: &Subject) {
    for id in ["clinic", "bank"] {
        s.keys.create_account(tenant(id), named("")).await.unwrap();
        s.keys.create_account(project(id, "web"), named("")).await.unwrap();
    }
    for taken in [tenant("clinic"), project("bank", "web")] {
        assert_eq!(s.keys.create_account(taken, named("")).await.unwrap_err().code(), ErrorCode::Conflict);
    }
    let orphan = s.keys.create_account(user("nobody", "li"), named("")).await.unwrap_err();
    assert_eq!(orphan.code(), ErrorCode::NotFound);
}

pub async fn deleting_an_account_takes_what_belongs_to_it(s: &Subject) {
    for id in ["clinic", "bank"] {
        s.keys.create_account(tenant(id), named("")).await.unwrap();
        s.keys.create_account(project(id, "web"), named("")).await.unwrap();
        s.keys.create_account(user(id, "li"), named("")).await.unwrap();
        for (what, project, user) in [("p", Some("web"), None), ("u", None, Some("li")), ("t", None, None)] {
            s.keys.create_key(key_of(id, &format!("{id} {what}"), project, user)).await.unwrap();
        }
    }
    s.keys.delete_account(&project("clinic", "web")).await.unwrap();
    assert!(!has_key(s, "clinic p").await && has_key(s, "clinic u").await);
    s.keys.delete_account(&user("clinic", "li")).await.unwrap();
    assert!(!has_key(s, "clinic u").await && has_key(s, "clinic t").await);
    s.keys.delete_account(&tenant("bank")).await.unwrap();
    assert_eq!(s.keys.keys(&"bank".into()).await.unwrap(), []);
    assert_eq!(s.keys.members(&"bank".into()).await.unwrap(), []);
    assert!(has_key(s, "clinic t").await);
    let again = s.keys.delete_account(&tenant("bank")).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::NotFound);
}

fn declaration() -> Declaration {
    Declaration {
        accounts: vec![
            (tenant("clinic"), named("Clinic")),
            (project("clinic", "web"), named("Web")),
            (user("clinic", "li"), named("Li")),
        ],
        keys: vec![key_of("clinic", "a", Some("web"), None), key_of("clinic", "b", None, Some("li"))],
    }
}

pub async fn a_declaration_is_made_true(s: &Subject) {
    assert_eq!(s.keys.declare(declaration()).await.unwrap(), Declared { created: 5, ..Declared::default() });
    assert_eq!(s.keys.declare(declaration()).await.unwrap(), Declared::default());
    let first = s.keys.key_by_hash("a").await.unwrap().unwrap();
    assert!(first.declared && s.keys.account(&tenant("clinic")).await.unwrap().unwrap().declared);

    let mut other = declaration();
    other.accounts[1].1.name = "Shop".to_owned();
    other.accounts.pop();
    other.keys.pop();
    other.keys[0].terms = full_terms();
    let done = s.keys.declare(other).await.unwrap();
    assert_eq!(done, Declared { created: 0, changed: 2, withdrawn: 2 });
    let changed = s.keys.key_by_hash("a").await.unwrap().unwrap();
    assert_eq!((&changed.id, &changed.terms), (&first.id, &full_terms()));
    assert!(!has_key(s, "b").await);
    let members = s.keys.members(&"clinic".into()).await.unwrap();
    assert_eq!(members.iter().map(|member| member.terms.name.as_str()).collect::<Vec<_>>(), ["Shop"]);

    let done = s.keys.declare(Declaration::default()).await.unwrap();
    assert_eq!(done, Declared { withdrawn: 3, ..Declared::default() });
    assert_eq!(s.keys.tenants().await.unwrap(), [Account::default_tenant()]);
}

pub async fn a_declaration_leaves_alone_what_was_made_by_command(s: &Subject) {
    let bank = s.keys.create_account(tenant("bank"), named("Bank")).await.unwrap();
    let key = s.keys.create_key(new_key("bank", "mine")).await.unwrap();
    s.keys.declare(declaration()).await.unwrap();
    s.keys.declare(Declaration::default()).await.unwrap();
    assert_eq!(s.keys.account(&tenant("bank")).await.unwrap(), Some(bank));
    assert_eq!(s.keys.key_by_hash("mine").await.unwrap(), Some(key));
}

pub async fn a_declaration_that_clashes_changes_nothing(s: &Subject) {
    s.keys.create_account(tenant("bank"), named("Bank")).await.unwrap();
    s.keys.create_key(new_key("bank", "mine")).await.unwrap();
    let mut account = declaration();
    account.accounts.push((tenant("bank"), named("Ours now")));
    let mut key = declaration();
    key.keys.push(new_key("clinic", "mine"));
    for clash in [account, key] {
        assert_eq!(s.keys.declare(clash).await.unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(s.keys.account(&tenant("clinic")).await.unwrap(), None);
        assert!(!has_key(s, "a").await);
    }
}

pub async fn what_is_needed_still_is_disabled_when_withdrawn(s: &Subject) {
    s.keys.declare(declaration()).await.unwrap();
    s.keys.create_key(key_of("clinic", "mine", Some("web"), None)).await.unwrap();
    let done = s.keys.declare(Declaration::default()).await.unwrap();
    assert_eq!(done.withdrawn, 5);
    assert!(has_key(s, "mine").await);
    for id in [tenant("clinic"), project("clinic", "web")] {
        assert!(s.keys.account(&id).await.unwrap().unwrap().terms.disabled, "{id}");
    }
    assert_eq!(s.keys.account(&user("clinic", "li")).await.unwrap(), None);
    assert_eq!(s.keys.declare(Declaration::default()).await.unwrap(), Declared::default());
    s.keys.declare(declaration()).await.unwrap();
    assert!(!s.keys.account(&tenant("clinic")).await.unwrap().unwrap().terms.disabled);
}

pub async fn the_default_tenant_can_be_declared(s: &Subject) {
    let declared = Declaration { accounts: vec![(tenant("default"), named("Us"))], keys: Vec::new() };
    assert_eq!(s.keys.declare(declared).await.unwrap().changed, 1);
    assert_eq!(s.keys.tenants().await.unwrap()[0].terms.name, "Us");
    assert_eq!(s.keys.declare(Declaration::default()).await.unwrap().withdrawn, 1);
    assert_eq!(s.keys.tenants().await.unwrap(), [Account::default_tenant()]);
}
