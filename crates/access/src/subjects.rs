//! Who is limited when a key is used: its tenant, its project, its user and the key itself.
//!
//! It does not know how limits are held.

use crate::limiter::{Rate, Subject};
use crate::limits::{LimitSettings, Limits};
use crate::principal::Limited;
use serde::Deserialize;
use std::sync::Arc;
use yizhan_domain::{Error, Result, TenantId};

/// One of them, with the limits that the store has of it.
pub(crate) struct Holder<'a> {
    /// `tenant`, `project`, `user` or `key`.
    pub kind: &'static str,
    /// Under which its use is counted, e.g. `project:clinic/web`.
    pub id: String,
    /// Whose tenant.
    pub tenant: &'a TenantId,
    /// What its people call it.
    pub name: &'a str,
    /// Limits of its own; null for none.
    pub limits: &'a serde_json::Value,
}

impl Holder<'_> {
    /// With the configured limits where it has none of its own.
    pub(crate) fn limited(&self, settings: &LimitSettings) -> Result<Limited> {
        let limits = settings.for_kind(self.kind, &read(self.limits)?);
        let label = format!("{} '{}'", self.kind, self.name);
        let tenant: Arc<str> = self.tenant.as_str().into();
        let subject = new_subject(self.id.clone(), tenant.clone(), label.clone(), &limits).map(Arc::new);
        let of_pattern = |(pattern, limits): (&String, &Limits)| {
            // No id has a space, so this is nobody else's.
            let id = format!("{} {pattern}", self.id);
            let subject = new_subject(id, tenant.clone(), format!("{label} for the models '{pattern}'"), limits)?;
            Some((pattern.clone(), Arc::new(subject)))
        };
        Ok(Limited { subject, models: limits.models.iter().filter_map(of_pattern).collect() })
    }
}

/// Limits as the store has them.
pub(crate) fn read(limits: &serde_json::Value) -> Result<Limits> {
    if limits.is_null() {
        return Ok(Limits::default());
    }
    Limits::deserialize(limits)
        .map_err(|cause| Error::internal(format!("Limits in the store are unreadable: {cause}.")))
}

/// Limits as the store keeps them.
pub(crate) fn write(limits: &Limits) -> Result<serde_json::Value> {
    if *limits == Limits::default() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::to_value(limits).map_err(|cause| Error::internal(format!("Limits cannot be written: {cause}.")))
}

/// None where nothing is limited.
fn new_subject(id: String, tenant: Arc<str>, label: String, limits: &Limits) -> Option<Subject> {
    let subject = Subject {
        id: id.into(),
        tenant,
        label,
        requests: limits.rate().map(|rate| Rate::new(rate, limits.burst)),
        tokens_per_minute: limits.tokens(),
        concurrent: limits.concurrent(),
        per_day: limits.day(),
        per_month: limits.month(),
    };
    let Subject { requests, tokens_per_minute, concurrent, per_day, per_month, .. } = &subject;
    let is_limited = requests.is_some()
        || tokens_per_minute.is_some()
        || concurrent.is_some()
        || per_day.is_some()
        || per_month.is_some();
    is_limited.then_some(subject)
}
