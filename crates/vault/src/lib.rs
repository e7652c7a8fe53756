//! Secrets of the installation, such as providers' keys: sealed in the store, opened with a master key that is
//! not in it.
//!
//! Entry points: [`Vault`] sets, gives, lists and removes secrets and changes the master key; [`KeyPlace`] says where
//! that is kept. A secret is sealed by AES-256-GCM with a random nonce and its name as associated data, so that one
//! secret cannot be passed off as another. Whoever has both the store and the master key can open everything: keep the
//! key on another disk, or in a file that a key management service mounts.
//!
//! It does not know what secrets are for, who may set them, HTTP, or SQL. Nothing here prints a secret or logs.

mod file;
mod master;
mod place;
mod vault;

pub use master::MasterKey;
pub use place::KeyPlace;
pub use vault::{SecretInfo, Vault};
