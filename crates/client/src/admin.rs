//! Tenants, projects, users, keys, secrets, usage and reviews, as the server tells of them.
//!
//! It does not know their fields: bodies and replies are the JSON of `/admin/v1`.

use crate::client::{Client, List, segment};
use serde_json::Value;
use yizhan_domain::{KeyId, Result, TenantId};
use yizhan_store::AccountId;

/// Items of a list that are asked for at once.
const PAGE: usize = 1000;
const TENANTS: &str = "/admin/v1/tenants";

fn tenant_path(tenant: &TenantId) -> String {
    format!("{TENANTS}/{}", segment(tenant.as_str()))
}

fn account_path(id: &AccountId) -> String {
    match id {
        AccountId::Tenant(tenant) => tenant_path(tenant),
        other => format!("{}/{}s/{}", tenant_path(other.tenant()), other.kind(), segment(other.own())),
    }
}

/// All tenants, or a tenant's accounts of a kind.
fn accounts_path(of: Option<(&TenantId, &str)>) -> String {
    match of {
        None => TENANTS.to_owned(),
        Some((tenant, kind)) => format!("{}/{kind}s", tenant_path(tenant)),
    }
}

fn key_path(tenant: &TenantId, key: &KeyId) -> String {
    format!("{}/keys/{}", tenant_path(tenant), segment(key.as_str()))
}

impl Client {
    /// All tenants, oldest first; or with a tenant its accounts of that kind (`project` or `user`).
    pub fn accounts(&self, of: Option<(&TenantId, &str)>) -> Result<Vec<Value>> {
        self.objects(&accounts_path(of))
    }

    /// Makes a tenant, or with a tenant an account of that kind in it.
    pub fn create_account(&self, of: Option<(&TenantId, &str)>, body: &Value) -> Result<Value> {
        self.post(&accounts_path(of), body)
    }

    /// One account.
    pub fn account(&self, id: &AccountId) -> Result<Value> {
        self.get(&account_path(id))
    }

    /// Changes what the body names.
    pub fn change_account(&self, id: &AccountId, body: &Value) -> Result<Value> {
        self.patch(&account_path(id), body)
    }

    /// Ends an account with its keys.
    pub fn delete_account(&self, id: &AccountId) -> Result<()> {
        self.delete(&account_path(id))
    }

    /// A tenant's keys, oldest first.
    pub fn keys(&self, tenant: &TenantId) -> Result<Vec<Value>> {
        self.objects(&format!("{}/keys", tenant_path(tenant)))
    }

    /// One key, with what is used of its limits.
    pub fn key(&self, tenant: &TenantId, key: &KeyId) -> Result<Value> {
        self.get(&key_path(tenant, key))
    }

    /// Makes a key; the reply's `secret` is shown this once.
    pub fn issue_key(&self, tenant: &TenantId, body: &Value) -> Result<Value> {
        self.post(&format!("{}/keys", tenant_path(tenant)), body)
    }

    /// Changes what the body names.
    pub fn change_key(&self, tenant: &TenantId, key: &KeyId, body: &Value) -> Result<Value> {
        self.patch(&key_path(tenant, key), body)
    }

    /// Ends a key.
    pub fn revoke_key(&self, tenant: &TenantId, key: &KeyId) -> Result<()> {
        self.delete(&key_path(tenant, key))
    }

    /// What was used; the fields are the query's.
    pub fn usage(&self, fields: &[(String, String)]) -> Result<Value> {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        self.get(&format!("/admin/v1/usage?{}", fields.join("&")))
    }

    /// What rules hold in a tenant, and is there more; the fields are the query's.
    pub fn reviews(&self, tenant: &TenantId, fields: &[(String, String)]) -> Result<(Vec<Value>, bool)> {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        let page = self.get::<List<Value>>(&format!("{}/reviews?{}", tenant_path(tenant), fields.join("&")))?;
        Ok((page.data, page.has_more))
    }

    /// All of one item that a rule holds.
    pub fn review(&self, tenant: &TenantId, id: &str) -> Result<Value> {
        self.get(&format!("{}/reviews/{}", tenant_path(tenant), segment(id)))
    }

    /// Decides on it: `approve`, `edit` or `reject`.
    pub fn decide_review(&self, tenant: &TenantId, id: &str, verdict: &str, body: &Value) -> Result<Value> {
        self.post(&format!("{}/reviews/{}/{verdict}", tenant_path(tenant), segment(id)), body)
    }

    /// All secrets, by name, without their values.
    pub fn secrets(&self) -> Result<Vec<Value>> {
        self.objects("/admin/v1/secrets")
    }

    /// Keeps the body's `value`.
    pub fn set_secret(&self, name: &str, body: &Value) -> Result<Value> {
        self.put(&format!("/admin/v1/secrets/{}", segment(name)), body)
    }

    /// Forgets a secret.
    pub fn remove_secret(&self, name: &str) -> Result<()> {
        self.delete(&format!("/admin/v1/secrets/{}", segment(name)))
    }

    /// Seals all secrets with a new master key.
    pub fn change_master_key(&self) -> Result<Value> {
        self.post("/admin/v1/master_key/change", &Value::Object(serde_json::Map::new()))
    }

    fn objects(&self, path: &str) -> Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get::<List<Value>>(&format!("{path}?order=asc&limit={PAGE}{after}"))?;
            items.extend(page.data);
            match page.last_id.filter(|_| page.has_more) {
                Some(last) => after = format!("&after={}", segment(&last)),
                None => return Ok(items),
            }
        }
    }
}
