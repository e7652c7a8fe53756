//! Setting, giving, listing and removing secrets, and changing the master key.
//!
//! It does not know ciphers or files. The master key is read anew for each act, and forgotten after it.

use crate::{KeyPlace, MasterKey};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_store::{SealedSecret, SecretStore};
use zeroize::Zeroizing;

/// Longest name, in bytes.
const MOST_NAME: usize = 64;
/// Longest value, in bytes.
const MOST_VALUE: usize = 8192;
/// A shorter value shows none of its characters: the rest could be guessed.
const LEAST_TO_SHOW: usize = 20;

/// What may be told of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    /// Its name.
    pub name: String,
    /// When it was last set, milliseconds since 1970.
    pub changed_ms: i64,
    /// Its last four characters; none when it is short or cannot be opened.
    pub ending: Option<String>,
    /// Why it cannot be opened, if it cannot.
    pub fault: Option<Error>,
}

/// The secrets of one store.
pub struct Vault {
    store: Arc<dyn SecretStore>,
    place: KeyPlace,
    /// Changes come one after another: none sees half of another's.
    turn: tokio::sync::Mutex<()>,
    changed: watch::Sender<u64>,
    /// Secrets that are needed, and by whom.
    needed: Mutex<BTreeMap<String, String>>,
}

impl Vault {
    /// Over a store, with the master key in its place. Reads nothing yet.
    pub fn new(store: Arc<dyn SecretStore>, place: KeyPlace) -> Self {
        let (changed, _) = watch::channel(0);
        Self { store, place, turn: tokio::sync::Mutex::default(), changed, needed: Mutex::default() }
    }

    /// Tells of every change that is made through this vault.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// From now on these are needed, each by whom it names: they are not removed.
    pub fn need(&self, secrets: BTreeMap<String, String>) {
        *self.needed.lock().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// Keeps a secret, in the place of one of the same name. The first one makes the master key. `InvalidRequest`
    /// for a name or value that cannot be, `InvalidConfig` when others were sealed with another master key.
    pub async fn set(&self, name: &str, value: &str) -> Result<SecretInfo> {
        check(name, value)?;
        let _turn = self.turn.lock().await;
        let mut others = self.store.secrets().await?;
        others.retain(|other| other.name != name);
        let key = match self.master(&others).await? {
            Some(key) => key,
            None => self.blocking(KeyPlace::create).await?,
        };
        let kept = self.store.put_secret(name, key.id(), key.seal(name, value)?).await?;
        self.tell();
        Ok(info(&kept, Ok(&key)))
    }

    /// A secret's value. `NotFound` when there is none, `InvalidConfig` when the master key does not fit.
    pub async fn get(&self, name: &str) -> Result<Zeroizing<String>> {
        let Some(secret) = self.store.secret(name).await? else {
            let message = format!("There is no secret '{name}': `yizhan secret set {name}` keeps one.");
            return Err(Error::new(ErrorCode::NotFound, message));
        };
        let (name, sealed) = (secret.name.clone(), secret.sealed.clone());
        let key = self.master(&[secret]).await?.ok_or_else(|| self.missing(1))?;
        key.open(&name, &sealed)
    }

    /// What may be told of all secrets, by name. Those that cannot be opened say why.
    pub async fn list(&self) -> Result<Vec<SecretInfo>> {
        let secrets = self.store.secrets().await?;
        let key = self.master(&secrets).await.and_then(|key| key.ok_or_else(|| self.missing(secrets.len())));
        Ok(secrets.iter().map(|secret| info(secret, key.as_ref())).collect())
    }

    /// Forgets a secret; needs no master key. `NotFound` when there is none, `Conflict` when it is needed.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let _turn = self.turn.lock().await;
        let needed = self.needed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(by) = needed {
            let message = format!(
                "The secret '{name}' is needed by {by}: take it out of the configuration first, or set another \
                 value with `yizhan secret set {name}`."
            );
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        self.store.delete_secret(name).await?;
        self.tell();
        Ok(())
    }

    /// Seals everything with a new master key, which takes the place of the old one. Returns how many secrets.
    /// A crash on the way loses nothing: the next act finds whichever key fits.
    pub async fn rekey(&self) -> Result<usize> {
        let _turn = self.turn.lock().await;
        let secrets = self.store.secrets().await?;
        let old = self.master(&secrets).await?;
        let new = self.blocking(KeyPlace::begin).await?;
        let count = self.reseal(secrets, old, &new).await?;
        if let Err(error) = self.blocking(KeyPlace::settle).await {
            // Another process that looked meanwhile has done it.
            let settled = self.blocking(KeyPlace::load).await?;
            if settled.is_none_or(|key| key.id() != new.id()) {
                return Err(error);
            }
        }
        Ok(count)
    }

    /// Seals everything with the master key in another place, where one is made when there is none. The vault
    /// keeps its own place: whoever calls sees to it that the next one is opened with the other.
    pub async fn rekey_to(&self, to: KeyPlace) -> Result<usize> {
        let _turn = self.turn.lock().await;
        let secrets = self.store.secrets().await?;
        let old = self.master(&secrets).await?;
        let new = blocking(move || to.load()?.map_or_else(|| to.create(), Ok)).await?;
        self.reseal(secrets, old, &new).await
    }

    async fn reseal(&self, secrets: Vec<SealedSecret>, old: Option<MasterKey>, new: &MasterKey) -> Result<usize> {
        let Some(old) = old else { return Ok(0) };
        let sealed = |secret: SealedSecret| {
            let value = old.open(&secret.name, &secret.sealed)?;
            let sealed = new.seal(&secret.name, &value)?;
            Ok(SealedSecret { key: new.id().to_owned(), sealed, ..secret })
        };
        let sealed = secrets.into_iter().map(sealed).collect::<Result<Vec<_>>>()?;
        let count = sealed.len();
        self.store.reseal_secrets(sealed).await?;
        Ok(count)
    }

    /// The master key that sealed these. None when there is neither a key nor a secret.
    async fn master(&self, secrets: &[SealedSecret]) -> Result<Option<MasterKey>> {
        let fits = |key: &MasterKey| secrets.iter().all(|secret| secret.key == key.id());
        let found = self.blocking(KeyPlace::load).await?;
        if found.as_ref().is_some_and(fits) || secrets.is_empty() {
            return Ok(found);
        }
        // A change of the key was cut short after the store had taken the new seals.
        if let Some(key) = self.blocking(KeyPlace::pending).await?.filter(fits) {
            self.blocking(KeyPlace::settle).await?;
            return Ok(Some(key));
        }
        match found {
            None => Err(self.missing(secrets.len())),
            Some(found) => Err(self.wrong(&found, secrets)),
        }
    }

    fn missing(&self, count: usize) -> Error {
        let message = format!(
            "The master key that sealed the {count} secrets of the store is not in {}. Put it back there from where \
             you keep a copy, or say where it is with `[secrets] key` or the variable YIZHAN_SECRET_KEY. If it is \
             lost, the secrets are too: `yizhan secret rm` each, then set them again.",
            self.place
        );
        Error::new(ErrorCode::InvalidConfig, message)
    }

    fn wrong(&self, found: &MasterKey, secrets: &[SealedSecret]) -> Error {
        let other = secrets.iter().find(|secret| secret.key != found.id());
        let (name, id) = other.map_or(("", ""), |secret| (&secret.name, &secret.key));
        let message = format!(
            "The master key in {} (id {}) is not the one that sealed the secret '{name}' (id {id}). Put that one \
             there, or say where it is with `[secrets] key` or the variable YIZHAN_SECRET_KEY. If it is lost, the \
             secret is too: `yizhan secret rm {name}`, then set it again.",
            self.place,
            found.id()
        );
        Error::new(ErrorCode::InvalidConfig, message)
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Asks the place, on a thread that may wait for a disk.
    async fn blocking<T: Send + 'static>(&self, ask: fn(&KeyPlace) -> Result<T>) -> Result<T> {
        let place = self.place.clone();
        blocking(move || ask(&place)).await
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("place", &self.place).finish_non_exhaustive()
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|cause| Error::internal(cause.to_string()))?
}

fn info(secret: &SealedSecret, key: std::result::Result<&MasterKey, &Error>) -> SecretInfo {
    let opened = key.map_err(Clone::clone).and_then(|key| key.open(&secret.name, &secret.sealed));
    let (ending, fault) = match opened {
        Ok(value) => (ending(&value), None),
        Err(error) => (None, Some(error)),
    };
    SecretInfo { name: secret.name.clone(), changed_ms: secret.changed_ms, ending, fault }
}

fn ending(value: &str) -> Option<String> {
    let long = value.chars().nth(LEAST_TO_SHOW - 1).is_some();
    let start = value.char_indices().rev().nth(3).map(|(start, _)| start);
    start.filter(|_| long).map(|start| value[start..].to_owned())
}

fn check(name: &str, value: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(fits) {
        let message = "The name of a secret is 1 to 64 letters, digits, '.', '_' or '-'.";
        return Err(Error::invalid("name", message));
    }
    if value.is_empty() || value.len() > MOST_VALUE {
        return Err(Error::invalid("value", format!("The value of a secret is 1 to {MOST_VALUE} bytes long.")));
    }
    if value.chars().any(char::is_control) || value.trim() != value {
        let message = "The value of a secret is one line, without control characters or space around it.";
        return Err(Error::invalid("value", message));
    }
    Ok(())
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
