//! Tenants, projects, users, keys and usage over HTTP: what works, who may, and what stays hidden.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use support::http::{Reply, Running};
use support::{KEY, Scripted};
use yizhan_domain::{Money, Result};
use yizhan_server::Settings;
use yizhan_server::backend::UsageBackend;
use yizhan_store::{Dimension, UsageCounts, UsageGroup, UsageQuery};

const TENANTS: &str = "/admin/v1/tenants";

struct House {
    backend: Arc<Scripted>,
    server: Running,
    asked: Arc<Asked>,
}

/// Remembers what was asked, and answers one group.
#[derive(Default)]
struct Asked(Mutex<Vec<UsageQuery>>);

#[async_trait]
impl UsageBackend for Asked {
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>> {
        self.0.lock().unwrap().push(query.clone());
        let counts = UsageCounts { calls: 3, charge: Money(500_000_000), ..UsageCounts::default() };
        Ok(vec![UsageGroup { start_ms: None, values: query.by.iter().map(|_| "x".to_owned()).collect(), counts }])
    }
}

impl House {
    async fn new() -> Self {
        let (backend, asked) = (Scripted::new(), Arc::new(Asked::default()));
        let state = backend.state(Settings::default()).await.with_usage(asked.clone());
        Self { server: Running::with(state).await, backend, asked }
    }

    async fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.call_as(key, method, path, body).await
    }

    /// The reply's status and its error's code.
    async fn refused(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, String) {
        let reply = self.call(key, method, path, &body).await;
        assert!(reply.status >= 400, "{method} {path}: {}", reply.body);
        (reply.status, reply.code())
    }

    async fn done(&self, key: &str, method: &str, path: &str, body: Value) -> Value {
        let reply = self.call(key, method, path, &body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.body);
        reply.json()
    }

    /// A tenant, and a key of it with these scopes.
    async fn tenant(&self, id: &str, scopes: &[&str]) -> (Value, String) {
        if self.call(KEY, "GET", &format!("{TENANTS}/{id}"), &Value::Null).await.status == 404 {
            self.done(KEY, "POST", TENANTS, json!({"id": id})).await;
        }
        self.key(KEY, id, json!({"name": "of the test", "scopes": scopes})).await
    }

    /// A key, and its secret.
    async fn key(&self, by: &str, tenant: &str, body: Value) -> (Value, String) {
        let mut key = self.done(by, "POST", &format!("{TENANTS}/{tenant}/keys"), body).await;
        let Some(Value::String(secret)) = key.as_object_mut().unwrap().remove("secret") else { panic!("no secret") };
        (key, secret)
    }

    async fn status(&self, key: &str) -> u16 {
        self.call(key, "GET", "/v1/models", &Value::Null).await.status
    }
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

fn path(tenant: &str, kind: &str, id: &Value) -> String {
    format!("{TENANTS}/{tenant}/{kind}/{}", id.as_str().unwrap())
}

#[tokio::test]
async fn a_tenant_is_made_changed_and_ended() {
    let house = House::new().await;
    let limits = json!({"requests_per_second": 50.0});
    let made = house.done(KEY, "POST", TENANTS, json!({"id": "clinic", "name": "Clinic", "limits": limits})).await;
    assert_eq!((&made["id"], &made["object"], &made["limits"]), (&json!("clinic"), &json!("tenant"), &limits));
    assert_eq!(house.refused(KEY, "POST", TENANTS, json!({"id": "clinic"})).await, (409, "conflict".into()));
    assert_eq!(house.refused(KEY, "POST", TENANTS, json!({"id": "a b"})).await, (400, "invalid_request".into()));
    let one = format!("{TENANTS}/clinic");
    let changed = house.done(KEY, "PATCH", &one, json!({"name": "Klinik", "limits": {"burst": 100}})).await;
    assert_eq!(changed["limits"], json!({"requests_per_second": 50.0, "burst": 100}));
    assert_eq!(house.done(KEY, "GET", &one, Value::Null).await, changed);
    let wrong = json!({"limits": {"requests_per_secnd": 1}});
    assert_eq!(house.refused(KEY, "PATCH", &one, wrong).await, (400, "invalid_request".into()));
    assert_eq!(house.done(KEY, "GET", &one, Value::Null).await, changed, "a failed change changes nothing");
    let list = house.done(KEY, "GET", &format!("{TENANTS}?order=asc"), Value::Null).await;
    assert_eq!(ids(&list), ["default", "clinic"]);
    let (_, secret) = house.key(KEY, "clinic", json!({"name": "web", "role": "application"})).await;
    assert_eq!(house.status(&secret).await, 200);
    house.done(KEY, "PATCH", &one, json!({"disabled": true})).await;
    assert_eq!(house.status(&secret).await, 401, "a disabled tenant's keys are refused at once");
    house.done(KEY, "PATCH", &one, json!({"disabled": false})).await;
    assert_eq!(house.status(&secret).await, 200);
    let gone = house.done(KEY, "DELETE", &one, Value::Null).await;
    assert_eq!(gone, json!({"id": "clinic", "object": "tenant.deleted", "deleted": true}));
    assert_eq!(house.status(&secret).await, 401);
    assert_eq!(house.refused(KEY, "DELETE", &format!("{TENANTS}/default"), Value::Null).await.0, 409);
}

#[tokio::test]
async fn projects_and_users_are_apart() {
    let house = House::new().await;
    let (_, manager) = house.tenant("clinic", &["admin"]).await;
    for kind in ["projects", "users"] {
        let all = format!("{TENANTS}/clinic/{kind}");
        let made = house.done(&manager, "POST", &all, json!({"id": "web", "name": kind})).await;
        assert_eq!((&made["tenant"], &made["object"]), (&json!("clinic"), &json!(kind.trim_end_matches('s'))));
        assert_eq!(ids(&house.done(&manager, "GET", &all, Value::Null).await), ["web"]);
        let one = format!("{all}/web");
        let changed = house.done(&manager, "PATCH", &one, json!({"limits": {"tokens_per_minute": 9}})).await;
        assert_eq!((&changed["name"], &changed["limits"]["tokens_per_minute"]), (&json!(kind), &json!(9)));
    }
    let body = json!({"name": "of both", "role": "application", "project": "web", "user": "web"});
    let (_, secret) = house.key(&manager, "clinic", body).await;
    house.done(&manager, "DELETE", &format!("{TENANTS}/clinic/users/web"), Value::Null).await;
    assert_eq!(house.status(&secret).await, 401, "a key ends with its user");
    let gone = house.refused(&manager, "GET", &format!("{TENANTS}/clinic/users/web"), Value::Null).await;
    assert_eq!(gone, (404, "not_found".into()));
    house.done(&manager, "GET", &format!("{TENANTS}/clinic/projects/web"), Value::Null).await;
    let of_nobody = json!({"name": "a", "role": "application", "user": "web"});
    let refused = house.refused(&manager, "POST", &format!("{TENANTS}/clinic/keys"), of_nobody).await;
    assert_eq!(refused, (404, "not_found".into()));
}

#[tokio::test]
async fn a_secret_is_shown_once_and_works() {
    let house = House::new().await;
    let (_, manager) = house.tenant("clinic", &["admin"]).await;
    let keys = format!("{TENANTS}/clinic/keys");
    let body = json!({"name": "web", "role": "application", "models": ["qwen*"]}).to_string();
    let reply = house.server.call_as(&manager, "POST", &keys, body).await;
    assert!(reply.head.contains("cache-control: no-store"), "{}", reply.head);
    let issued = reply.json();
    let secret = issued["secret"].as_str().unwrap();
    assert_eq!(house.status(secret).await, 200);
    let listed = house.call(&manager, "GET", &keys, &Value::Null).await;
    assert!(!listed.body.contains(secret) && !listed.body.contains("hash"), "{}", listed.body);
    let found = listed.json()["data"][0].clone();
    assert_eq!((&found["id"], &found["scopes"]), (&issued["id"], &json!(["inference"])));
    assert!(found["used_ms"].is_i64(), "{found}");
    let changed = house.call(&manager, "PATCH", &path("clinic", "keys", &issued["id"]), &json!({"models": []})).await;
    assert!(changed.status == 200 && !changed.body.contains(secret), "{}", changed.body);
}

#[tokio::test]
async fn a_changed_key_counts_at_once() {
    let house = House::new().await;
    let (_, manager) = house.tenant("clinic", &["admin"]).await;
    let (key, secret) = house.key(&manager, "clinic", json!({"name": "web", "role": "application"})).await;
    let one = path("clinic", "keys", &key["id"]);
    assert_eq!(house.status(&secret).await, 200);
    assert_eq!(house.done(&manager, "PATCH", &one, json!({"disabled": true})).await["disabled"], true);
    assert_eq!(house.status(&secret).await, 401);
    house.done(&manager, "PATCH", &one, json!({"disabled": false})).await;
    assert_eq!(house.status(&secret).await, 200);
    house.done(&manager, "PATCH", &one, json!({"networks": ["10.0.0.0/8"]})).await;
    assert_eq!(house.status(&secret).await, 403, "it is shown from another network");
    assert_eq!(house.refused(&manager, "PATCH", &one, json!({"networks": ["ten"]})).await.0, 400);
    house.done(&manager, "PATCH", &one, json!({"networks": null})).await;
    house.done(&manager, "PATCH", &one, json!({"limits": {"requests_per_second": 0.001, "burst": 1}})).await;
    let unlimited = json!({"limits": {"requests_per_second": "unlimited"}});
    house.done(KEY, "PATCH", &format!("{TENANTS}/clinic"), unlimited).await;
    let standing = house.done(&secret, "GET", "/v1/limits", Value::Null).await;
    assert_eq!((&standing["requests"]["limit"], &standing["key"]), (&json!(1), &key["id"]), "{standing}");
    assert_eq!(house.refused(&manager, "PATCH", &one, json!({"expires_ms": 1})).await.0, 400);
    house.done(&manager, "DELETE", &one, Value::Null).await;
    assert_eq!(house.status(&secret).await, 401);
    assert_eq!(house.refused(&manager, "DELETE", &one, Value::Null).await, (404, "not_found".into()));
}

#[tokio::test]
async fn another_tenant_looks_as_if_there_were_none() {
    let house = House::new().await;
    let (_, manager) = house.tenant("clinic", &["admin"]).await;
    let (other, _) = house.tenant("bank", &["inference"]).await;
    house.done(KEY, "POST", &format!("{TENANTS}/bank/projects"), json!({"id": "web"})).await;
    let key = other["id"].as_str().unwrap();
    for (method, rest, body) in [
        ("GET", String::new(), Value::Null),
        ("GET", "/keys".into(), Value::Null),
        ("POST", "/keys".into(), json!({"name": "mine", "role": "application"})),
        ("PATCH", format!("/keys/{key}"), json!({"disabled": true})),
        ("DELETE", format!("/keys/{key}"), Value::Null),
        ("GET", "/projects".into(), Value::Null),
        ("POST", "/projects".into(), json!({"id": "mine"})),
        ("GET", "/projects/web".into(), Value::Null),
        ("PATCH", "/projects/web".into(), json!({"disabled": true})),
        ("DELETE", "/projects/web".into(), Value::Null),
        ("GET", "/users".into(), Value::Null),
    ] {
        let there = house.call(&manager, method, &format!("{TENANTS}/bank{rest}"), &body).await;
        let nowhere = house.call(&manager, method, &format!("{TENANTS}/none{rest}"), &body).await;
        assert_eq!((there.status, nowhere.status), (404, 404), "{method} {rest}: {}", there.body);
        assert_eq!(there.body.replace("bank", "none"), nowhere.body, "{method} {rest}");
    }
    // Its key, asked for under the own tenant, is not there either.
    let own = format!("{TENANTS}/clinic/keys/{key}");
    assert_eq!(house.refused(&manager, "DELETE", &own, Value::Null).await, (404, "not_found".into()));
    for (method, rest, body) in [
        ("GET", "", Value::Null),
        ("POST", "", json!({"id": "bank"})),
        ("PATCH", "/bank", json!({"disabled": true})),
        ("PATCH", "/clinic", json!({"limits": null})),
        ("DELETE", "/bank", Value::Null),
        ("DELETE", "/none", Value::Null),
    ] {
        let refused = house.refused(&manager, method, &format!("{TENANTS}{rest}"), body).await;
        assert_eq!(refused, (403, "permission_denied".into()), "{method} {rest}");
    }
    assert_eq!(house.done(&manager, "GET", &format!("{TENANTS}/clinic"), Value::Null).await["id"], "clinic");
    assert_eq!(ids(&house.done(KEY, "GET", &format!("{TENANTS}/bank/keys"), Value::Null).await), [key]);
}

#[tokio::test]
async fn scopes_are_kept_and_nobody_gives_more_than_they_have() {
    let house = House::new().await;
    let (admin, _) = house.tenant("clinic", &["admin"]).await;
    let (_, caller) = house.tenant("clinic", &["inference", "documents", "audit", "usage", "review", "operate"]).await;
    let keys = format!("{TENANTS}/clinic/keys");
    for (method, path) in [("GET", keys.as_str()), ("GET", TENANTS), ("GET", &format!("{TENANTS}/bank/keys"))] {
        let refused = house.refused(&caller, method, path, Value::Null).await;
        assert_eq!(refused, (403, "permission_denied".into()), "{method} {path}");
    }
    let (_, keeper) = house.tenant("clinic", &["keys", "inference"]).await;
    assert_eq!(house.refused(&keeper, "GET", "/admin/v1/usage", Value::Null).await.0, 403);
    house.key(&keeper, "clinic", json!({"name": "web", "role": "application"})).await;
    for body in [
        json!({"name": "king", "role": "admin"}),
        json!({"name": "king", "scopes": ["inference", "admin"]}),
        json!({"name": "reader", "scopes": ["audit"]}),
    ] {
        let refused = house.refused(&keeper, "POST", &keys, body.clone()).await;
        assert_eq!(refused, (403, "permission_denied".into()), "{body}");
    }
    let above = path("clinic", "keys", &admin["id"]);
    assert_eq!(house.refused(&keeper, "PATCH", &above, json!({"disabled": true})).await.0, 403);
    assert_eq!(house.refused(&keeper, "DELETE", &above, Value::Null).await.0, 403);
    // The default tenant's keeper of keys is not the installation's administrator.
    let (_, of_default) = house.key(KEY, "default", json!({"name": "keeper", "scopes": ["keys"]})).await;
    assert_eq!(house.refused(&of_default, "GET", &keys, Value::Null).await, (404, "not_found".into()));
    assert_eq!(house.refused("", "GET", &keys, Value::Null).await, (401, "invalid_api_key".into()));
}

#[tokio::test]
async fn usage_is_the_own_tenants_unless_the_installation_asks() {
    let house = House::new().await;
    let (_, reader) = house.tenant("clinic", &["usage"]).await;
    let only = |house: &House| house.asked.0.lock().unwrap().last().unwrap().only.clone();
    let told = house.done(KEY, "GET", "/admin/v1/usage?by=tenant,model&from=24h", Value::Null).await;
    assert_eq!((&told["data"][0]["calls"], &told["data"][0]["charge"]), (&json!(3), &json!(0.5)));
    assert_eq!((&told["by"], only(&house)), (&json!(["tenant", "model"]), vec![]));
    house.done(KEY, "GET", "/admin/v1/usage?tenant=bank", Value::Null).await;
    assert_eq!(only(&house), [(Dimension::Tenant, vec!["bank".to_owned()])]);
    house.done(&reader, "GET", "/admin/v1/usage?by=tenant", Value::Null).await;
    assert_eq!(only(&house), [(Dimension::Tenant, vec!["clinic".to_owned()])]);
    house.done(&reader, "GET", "/admin/v1/usage?tenant=clinic&model=qwen", Value::Null).await;
    for tenant in ["bank", "none", "clinic,bank"] {
        let refused = house.refused(&reader, "GET", &format!("/admin/v1/usage?tenant={tenant}"), Value::Null).await;
        assert_eq!(refused, (404, "not_found".into()), "{tenant}");
    }
    assert_eq!(house.refused(&reader, "GET", "/admin/v1/usage?by=colour", Value::Null).await.0, 400);
    assert_eq!(house.refused(&reader, "GET", "/admin/v1/usage?teannt=clinic", Value::Null).await.0, 400);
}

#[tokio::test]
async fn changes_are_noted_with_who_made_them() {
    let house = House::new().await;
    let (key, manager) = house.tenant("clinic", &["keys", "inference"]).await;
    house.refused(&manager, "POST", &format!("{TENANTS}/clinic/keys"), json!({"name": "a", "role": "admin"})).await;
    let notes = house.backend.notes.lock().unwrap();
    let last = notes.last().unwrap();
    assert_eq!((last.path.as_str(), last.status), ("/admin/v1/tenants/clinic/keys", 403));
    assert_eq!(last.principal.as_ref().unwrap().key().as_str(), key["id"].as_str().unwrap());
    assert!(notes.iter().any(|note| note.path == TENANTS && note.status == 200));
}
