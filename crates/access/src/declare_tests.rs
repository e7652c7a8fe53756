use super::*;
use crate::Limits;
use std::sync::Arc;
use yizhan_store::MemoryStore;

const FILE: &str = r#"
[[tenants]]
id = "clinic"
name = "诊所"
limits = { money_per_month = 500, tokens_per_minute = "unlimited" }

[[tenants.projects]]
id = "web"
limits = { requests_per_second = 20 }

[[tenants.users]]
id = "li"

[[tenants.keys]]
name = "front desk"
env = "CLINIC_KEY"
role = "application"
project = "web"
models = ["qwen*"]
networks = ["10.0.0.0/8"]

[[tenants.keys]]
name = "auditor"
sha256 = "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
scopes = ["audit"]
user = "li"
"#;

#[derive(Deserialize)]
struct File {
    tenants: Vec<DeclaredTenant>,
}

fn tenants() -> Vec<DeclaredTenant> {
    toml::from_str::<File>(FILE).unwrap().tenants
}

fn resolved() -> Vec<DeclaredTenant> {
    let mut tenants = tenants();
    tenants[0].resolve(|name| (name == "CLINIC_KEY").then(|| "yz-front-desk-0123456789".to_owned())).unwrap();
    tenants
}

#[tokio::test]
async fn what_the_file_says_is_so_and_what_it_says_no_more_is_gone() {
    let access = Access::new(Arc::new(MemoryStore::new()));
    assert_eq!(access.reconcile(&resolved()).await.unwrap().created, 5);
    let auditor = access.authenticate(Some("Bearer abc")).await.unwrap();
    assert_eq!((auditor.tenant().as_str(), auditor.scopes()), ("clinic", &[Scope::Audit][..]));
    assert_eq!(auditor.user().map(|user| user.as_str()), Some("li"));
    let peer = "10.0.0.1".parse().ok();
    let front = crate::Credentials { api_key: Some("yz-front-desk-0123456789"), peer, ..Default::default() };
    let front_desk = access.identify(&front).await.unwrap();
    assert_eq!((front_desk.role(), front_desk.may_use(&"gpt".into())), (Some(Role::Application), false));

    // What is declared is changed in the file alone.
    let error = access.revoke(auditor.tenant(), auditor.key()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    let error = access.delete_account(&AccountId::Tenant("clinic".into())).await.unwrap_err();
    assert!(error.message().contains("configuration"), "{error}");

    let mut fewer = resolved();
    fewer[0].keys.pop();
    assert_eq!(access.reconcile(&fewer).await.unwrap().withdrawn, 1);
    assert!(access.authenticate(Some("Bearer abc")).await.is_err());
    access.identify(&front).await.unwrap();
    access.reconcile(&[]).await.unwrap();
    assert!(access.identify(&front).await.is_err());
}

#[tokio::test]
async fn a_declaration_that_makes_no_sense_changes_nothing() {
    let access = Access::new(Arc::new(MemoryStore::new()));
    type Edit = fn(&mut DeclaredTenant);
    let edits: [(Edit, &str); 8] = [
        (|tenant| tenant.id = "a/b".into(), "cannot be a tenant's id"),
        (|tenant| tenant.projects.clear(), "project 'web', which is not declared"),
        (|tenant| tenant.users.push(tenant.users[0].clone()), "two declarations of the user 'li'"),
        (|tenant| tenant.keys[1].scopes.clear(), "role"),
        (|tenant| tenant.keys[1].sha256 = Some("abc".into()), "64 hexadecimal digits"),
        (|tenant| tenant.keys[1].sha256 = tenant.keys[0].sha256.clone(), "same secret"),
        (|tenant| tenant.keys[0].networks[0] = "home".into(), "'home' is no network"),
        (|tenant| tenant.limits.burst = Some(0), "burst"),
    ];
    for (edit, why) in edits {
        let mut tenants = resolved();
        edit(&mut tenants[0]);
        let error = access.reconcile(&tenants).await.unwrap_err();
        assert_eq!(DeclaredTenant::check_all(&tenants), Err(error.clone()));
        assert_eq!(error.code(), ErrorCode::InvalidConfig, "{error}");
        assert!(error.message().contains(why) && error.message().contains("The tenant '"), "{error}");
        assert_eq!(access.tenants().await.unwrap().len(), 1);
    }
    assert!(access.reconcile(&[resolved(), resolved()].concat()).await.is_err());
    let id = AccountId::Tenant("clinic".into());
    access.create_account(id, "by command", &Limits::default()).await.unwrap();
    assert_eq!(access.reconcile(&resolved()).await.unwrap_err().code(), ErrorCode::Conflict);
}

#[test]
fn secrets_come_from_variables() {
    for (value, why) in [(None, "CLINIC_KEY is not set"), (Some("two words"), "is no key")] {
        let error = tenants()[0].resolve(|_| value.map(str::to_owned)).unwrap_err();
        assert!(error.code() == ErrorCode::InvalidConfig && error.message().contains(why), "{error}");
    }
    let mut both = tenants();
    both[0].keys[0].sha256 = Some("0".repeat(64));
    assert!(both[0].resolve(|_| Some("secret".to_owned())).is_err());
    assert!(!format!("{:?}", resolved()).contains("yz-front-desk"));
}

#[test]
fn unknown_fields_are_refused() {
    for line in ["id = \"a\"\nsecret = \"x\"", "id = \"a\"\n[[keys]]\nname = \"k\"\nrole = \"king\""] {
        assert!(toml::from_str::<DeclaredTenant>(line).is_err(), "{line}");
    }
}
