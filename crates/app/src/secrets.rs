//! The vault of this installation, and the keys of providers and collectors that are in it.
//!
//! It does not know how secrets are sealed, nor what is typed.

use crate::config::Config;
use crate::data::variable;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_provider::{KeySource, Secret};
use yizhan_sqlite::Sqlite;
use yizhan_store::SecretStore;
use yizhan_vault::{KeyPlace, Vault};

/// The variable that may hold the master key itself.
pub(crate) const KEY_VARIABLE: &str = "YIZHAN_SECRET_KEY";

/// Where the master key is.
pub(crate) fn key_place(config: &Config, data: &Path) -> KeyPlace {
    match variable(KEY_VARIABLE).filter(|key| !key.is_empty()) {
        Some(key) => KeyPlace::given(KEY_VARIABLE, key),
        None => KeyPlace::file(config.secrets.key.clone().unwrap_or_else(|| data.join("secret.key"))),
    }
}

/// The vault over a store. What the configuration needs stays in it.
pub(crate) fn vault(config: &Config, data: &Path, store: &Arc<Sqlite>) -> Arc<Vault> {
    let vault = Vault::new(Arc::clone(store) as Arc<dyn SecretStore>, key_place(config, data));
    vault.need(needed(config));
    Arc::new(vault)
}

/// The secrets that a configuration names, and what for.
pub(crate) fn needed(config: &Config) -> BTreeMap<String, String> {
    let named = |provider: &yizhan_provider::ProviderConfig| match &provider.key {
        Some(KeySource::Store(name)) => Some((name.clone(), format!("providers.{}.key", provider.name))),
        _ => None,
    };
    let headers = config.telemetry.stored().map(|name| (name.to_owned(), "telemetry.headers".to_owned()));
    config.providers.iter().filter_map(named).chain(headers).collect()
}

/// Keys of the store.
#[derive(Debug, Default)]
pub(crate) struct StoredKeys(HashMap<String, Secret>);

impl StoredKeys {
    /// Those that a configuration names. `InvalidConfig` when one is not there or cannot be opened.
    pub(crate) async fn read(config: &Config, vault: &Vault) -> Result<Self> {
        let mut keys = HashMap::new();
        for (name, by) in needed(config) {
            let value = vault.get(&name).await.map_err(|error| {
                let error = Error::new(ErrorCode::InvalidConfig, error.message());
                error.context(by)
            })?;
            keys.insert(name, Secret::new(value.as_str()));
        }
        Ok(Self(keys))
    }

    /// Anything in their place, for a check without a data folder.
    pub(crate) fn assumed(config: &Config) -> Self {
        Self(needed(config).into_keys().map(|name| (name, Secret::new("assumed"))).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Result<Secret> {
        self.0.get(name).cloned().ok_or_else(|| Error::internal(format!("The secret '{name}' was not read.")))
    }
}
