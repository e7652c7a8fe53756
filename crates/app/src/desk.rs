//! Where tenants, keys, secrets, usage and reviews are managed: on a data folder that this process holds, or by the server that
//! does. Both take and give the JSON of `/admin/v1`.
//!
//! It does not know what is typed or how results are printed.

use crate::assembly::Assembly;
use crate::cli::Global;
use crate::config::Config;
use crate::data::data_folder;
use crate::limits::Limits;
use crate::station::{Station, tenant};
use crate::{config, governance, secrets};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use yizhan_access::{Access, Principal};
use yizhan_audit::{Kind, Record};
use yizhan_client::Client;
use yizhan_domain::{CallId, Error, ErrorCode, KeyId, Result, TenantId};
use yizhan_gateway::{Ledger, Reviews};
use yizhan_metering::Meter;
use yizhan_server::admin::{self, time::now_ms};
use yizhan_store::{AccountId, BudgetStore, KeyStore, UsageStore};
use yizhan_vault::{KeyPlace, Vault};

/// All tenants, or a tenant's projects or users.
pub(crate) type Of<'a> = Option<(&'a TenantId, &'a str)>;

/// The place.
pub(crate) enum Desk {
    /// This process.
    Here(Box<Here>),
    /// A server, asked over HTTP. It notes changes itself.
    There(Client),
}

/// The parts of a house that management needs.
pub(crate) struct Here {
    access: Access,
    vault: Arc<Vault>,
    ledger: Ledger,
    meter: Arc<Meter>,
    reviews: Reviews,
    config: Config,
    /// Holds the data folder.
    assembly: Box<Assembly>,
}

impl Here {
    /// With the configured limits: what is left of budgets is known without a server too.
    async fn limited(&self) -> Result<Access> {
        let limits = Limits::open(&self.config, Arc::clone(&self.assembly.store) as Arc<dyn BudgetStore>).await?;
        let keys = Arc::clone(&self.assembly.store) as Arc<dyn KeyStore>;
        Access::new(keys).with_limits(self.config.limits.clone(), limits.limiter())
    }

    /// Writes a change down in the audit log, as the server would.
    async fn note(&self, what: String, change: Option<Value>) -> Result<()> {
        let mut record = self.record(Kind::Admin, what);
        if let Some(change) = change {
            record.extra.insert("change".to_owned(), change);
        }
        self.ledger.keep(record).await
    }

    fn record(&self, kind: Kind, what: String) -> Record {
        let mut record = Record::new(CallId::random(), now_ms(), kind);
        record.tenant = Some(tenant());
        record.key = Some(Principal::local(tenant()).key().clone());
        record.extra.insert("request".to_owned(), what.into());
        record
    }
}

impl Desk {
    /// Takes the data folder, or connects to the server that holds it.
    pub(crate) async fn open(global: &Global) -> Result<Self> {
        let assembly = match Station::open(global).await? {
            Station::There(client) => return Ok(Self::There(client)),
            Station::Here(assembly) => assembly,
        };
        let usage = Arc::clone(&assembly.store) as Arc<dyn UsageStore>;
        let (config, data) = (config::load(global)?, data_folder(global));
        let (ledger, meter) = governance::ledger(&config, &data, usage, |_, _| {}).await?;
        let (vault, reviews) = (secrets::vault(&config, &data, &assembly.store), assembly.reviews(&config));
        let access = Access::new(Arc::clone(&assembly.store) as Arc<dyn KeyStore>);
        Ok(Self::Here(Box::new(Here { access, vault, ledger, meter, reviews, config, assembly })))
    }

    pub(crate) async fn accounts(&self, of: Of<'_>) -> Result<Vec<Value>> {
        match self {
            Self::Here(here) => admin::accounts(&here.access, of).await,
            Self::There(client) => client.accounts(of),
        }
    }

    pub(crate) async fn create_account(&self, of: Of<'_>, body: Value) -> Result<Value> {
        match self {
            Self::Here(here) => {
                let made = admin::create_account(&here.access, of, body.clone()).await?;
                here.note(format!("create {} {}", shown(&made, "object"), shown(&made, "id")), Some(body)).await?;
                Ok(made)
            }
            Self::There(client) => client.create_account(of, &body),
        }
    }

    pub(crate) async fn account(&self, id: &AccountId) -> Result<Value> {
        match self {
            Self::Here(here) => admin::show_account(&here.access, id).await,
            Self::There(client) => client.account(id),
        }
    }

    pub(crate) async fn change_account(&self, id: &AccountId, body: Value) -> Result<Value> {
        match self {
            Self::Here(here) => {
                let changed = admin::change_account(&here.access, id, body.clone()).await?;
                here.note(format!("change {id}"), Some(body)).await?;
                Ok(changed)
            }
            Self::There(client) => client.change_account(id, &body),
        }
    }

    pub(crate) async fn delete_account(&self, id: &AccountId) -> Result<()> {
        match self {
            Self::Here(here) => {
                admin::delete_account(&here.access, id).await?;
                here.note(format!("remove {id}"), None).await
            }
            Self::There(client) => client.delete_account(id),
        }
    }

    pub(crate) async fn keys(&self, tenant: &TenantId) -> Result<Vec<Value>> {
        match self {
            Self::Here(here) => admin::key_objects(&here.access, tenant).await,
            Self::There(client) => client.keys(tenant),
        }
    }

    pub(crate) async fn key(&self, tenant: &TenantId, key: &KeyId) -> Result<Value> {
        match self {
            Self::Here(here) => admin::show_key(&here.limited().await?, tenant, key, now_ms()).await,
            Self::There(client) => client.key(tenant, key),
        }
    }

    pub(crate) async fn issue_key(&self, tenant: &TenantId, body: Value) -> Result<Value> {
        match self {
            Self::Here(here) => {
                let by = Principal::local(tenant.clone());
                let made = admin::issue_key(&here.access, &by, tenant, body.clone(), now_ms()).await?;
                here.note(format!("create key {} of {tenant}", shown(&made, "id")), Some(body)).await?;
                Ok(made)
            }
            Self::There(client) => client.issue_key(tenant, &body),
        }
    }

    pub(crate) async fn change_key(&self, tenant: &TenantId, key: &KeyId, body: Value) -> Result<Value> {
        match self {
            Self::Here(here) => {
                let by = Principal::local(tenant.clone());
                let changed = admin::change_key(&here.access, &by, tenant, key, body.clone(), now_ms()).await?;
                here.note(format!("change key {key} of {tenant}"), Some(body)).await?;
                Ok(changed)
            }
            Self::There(client) => client.change_key(tenant, key, &body),
        }
    }

    pub(crate) async fn revoke_key(&self, tenant: &TenantId, key: &KeyId) -> Result<()> {
        match self {
            Self::Here(here) => {
                admin::revoke_key(&here.access, &Principal::local(tenant.clone()), tenant, key).await?;
                here.note(format!("remove key {key} of {tenant}"), None).await
            }
            Self::There(client) => client.revoke_key(tenant, key),
        }
    }

    /// What rules hold in a tenant; the fields are those of its route.
    pub(crate) async fn reviews(&self, tenant: &TenantId, fields: &[(String, String)]) -> Result<(Vec<Value>, bool)> {
        match self {
            Self::Here(here) => {
                here.access.account(&AccountId::Tenant(tenant.clone())).await?;
                admin::review_objects(&here.reviews, tenant, fields).await
            }
            Self::There(client) => client.reviews(tenant, fields),
        }
    }

    pub(crate) async fn review(&self, tenant: &TenantId, id: &str) -> Result<Value> {
        match self {
            Self::Here(here) => admin::show_review(&here.reviews, tenant, id).await,
            Self::There(client) => client.review(tenant, id),
        }
    }

    pub(crate) async fn decide_review(&self, tenant: &TenantId, id: &str, verdict: &str, body: Value) -> Result<Value> {
        match self {
            Self::Here(here) => {
                let by = Principal::local(tenant.clone());
                let decided = admin::decide_review(&here.reviews, &by, tenant, id, verdict, body).await?;
                let mut record = here.record(Kind::Review, format!("{verdict} review {id} of {tenant}"));
                record.tenant = Some(tenant.clone());
                record.extra.insert("review".to_owned(), id.into());
                record.extra.insert("decision".to_owned(), verdict.into());
                here.ledger.keep(record).await?;
                Ok(decided)
            }
            Self::There(client) => client.decide_review(tenant, id, verdict, &body),
        }
    }

    /// All secrets, without their values.
    pub(crate) async fn secrets(&self) -> Result<Vec<Value>> {
        match self {
            Self::Here(here) => admin::secret_objects(&here.vault).await,
            Self::There(client) => client.secrets(),
        }
    }

    pub(crate) async fn set_secret(&self, name: &str, body: Value) -> Result<Value> {
        match self {
            Self::Here(here) => {
                let set = admin::set_secret(&here.vault, name, body).await?;
                here.note(format!("set secret {name}"), None).await?;
                Ok(set)
            }
            Self::There(client) => client.set_secret(name, &body),
        }
    }

    pub(crate) async fn remove_secret(&self, name: &str) -> Result<()> {
        match self {
            Self::Here(here) => {
                here.vault.remove(name).await?;
                here.note(format!("remove secret {name}"), None).await
            }
            Self::There(client) => client.remove_secret(name),
        }
    }

    /// Seals all secrets with another master key: a new one, or that of a file. Returns how many.
    pub(crate) async fn rekey(&self, to: Option<PathBuf>) -> Result<Value> {
        match (self, to) {
            (Self::Here(here), to) => {
                let count = match to {
                    Some(file) => here.vault.rekey_to(KeyPlace::file(file)).await?,
                    None => here.vault.rekey().await?,
                };
                here.note("change the master key".to_owned(), None).await?;
                Ok(count.into())
            }
            (Self::There(client), None) => Ok(client.change_master_key()?["resealed"].take()),
            (Self::There(_), Some(_)) => {
                let message = "A server is running on this data folder, and would go on with the old master key: stop \
                               it, repeat the command, and start it with the new one.";
                Err(Error::new(ErrorCode::Conflict, message))
            }
        }
    }

    /// What was used; the fields are those of `/admin/v1/usage`.
    pub(crate) async fn usage(&self, fields: Vec<(String, String)>) -> Result<Value> {
        match self {
            Self::Here(here) => {
                let query = admin::usage_query(fields, now_ms())?;
                Ok(admin::usage_object(&query, &here.meter.usage(&query).await?))
            }
            Self::There(client) => client.usage(&fields),
        }
    }
}

fn shown<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}
