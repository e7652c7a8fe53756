//! The management of tenants, projects, users, keys and secrets, and the view of usage: `/admin/v1` and `/v1/limits`.
//!
//! What is asked and answered stands in [`acts`] and [`usage_query`], which the command line uses on a data
//! folder that no server holds, so that both take and give the same. The handlers add who may do it. Changes
//! are noted for the audit by `notes`, not here.

pub mod time;

mod accounts;
mod acts;
mod fields;
mod keys;
mod review_acts;
mod reviews;
mod secrets;
mod usage;
mod usage_query;
mod wire;

pub(crate) use accounts::{Project, User, change, create, delete, get, list};
pub(crate) use accounts::{change_tenant, create_tenant, delete_tenant, get_tenant, tenants};
pub use acts::{
    accounts, change_account, change_key, create_account, delete_account, issue_key, key_objects, revoke_key,
    show_account, show_key,
};
pub(crate) use keys::{change as change_key_of, get as key, issue, list as keys, revoke};
pub use review_acts::{decide_review, review_objects, show_review};
pub(crate) use reviews::{approve, edit, list as reviews, of_caller as review_of_caller, reject, show as review};
pub use secrets::{change_master_key, secret_objects, set_secret};
pub(crate) use secrets::{list as secrets, rekey, remove as remove_secret, set as set_secret_of};
pub(crate) use usage::{limits, usage};
pub use usage_query::{read as usage_query, write as usage_object};

use crate::state::AppState;
use yizhan_access::{Principal, Scope};
use yizhan_domain::{Error, Result, TenantId};
use yizhan_store::AccountId;

/// The tenant of a path, for someone who may manage it.
async fn managed(state: &AppState, principal: &Principal, tenant: &str) -> Result<TenantId> {
    of_path(state, principal, tenant, Scope::Keys).await
}

/// The tenant of a path: the caller's own with the scope, another only for the installation's administrator. To
/// everyone else another tenant looks as if there were none.
async fn of_path(state: &AppState, principal: &Principal, tenant: &str, scope: Scope) -> Result<TenantId> {
    principal.require(scope)?;
    let id = TenantId::from(tenant);
    if principal.tenant() != &id && principal.require_installation(Scope::Admin).is_err() {
        return Err(Error::not_found("tenant", tenant));
    }
    state.access.account(&AccountId::Tenant(id.clone())).await?;
    Ok(id)
}
