//! API keys.

use super::Subject;
use crate::NewKey;
use yizhan_domain::{ErrorCode, TenantId};

fn new_key(tenant: &str, hash: &str) -> NewKey {
    let scopes = vec!["admin".to_owned(), "inference".to_owned()];
    NewKey { tenant: TenantId::from(tenant), name: format!("key {hash}"), hash: hash.to_owned(), scopes }
}

pub async fn a_key_is_found_by_its_hash(s: &Subject) {
    let key = s.keys.create_key(new_key("clinic", "a")).await.unwrap();
    assert_eq!(key.created_ms, s.time.clock().now_ms());
    assert_eq!((key.tenant.as_str(), key.name.as_str()), ("clinic", "key a"));
    assert_eq!(key.scopes, ["admin", "inference"]);
    assert_eq!(s.keys.key_by_hash("a").await.unwrap(), Some(key));
    assert_eq!(s.keys.key_by_hash("b").await.unwrap(), None);
}

pub async fn a_hash_is_kept_once(s: &Subject) {
    s.keys.create_key(new_key("clinic", "a")).await.unwrap();
    let error = s.keys.create_key(new_key("bank", "a")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
}

pub async fn keys_of_a_tenant(s: &Subject) {
    let first = s.keys.create_key(new_key("clinic", "a")).await.unwrap();
    s.keys.create_key(new_key("bank", "b")).await.unwrap();
    let second = s.keys.create_key(new_key("clinic", "c")).await.unwrap();
    assert_eq!(s.keys.keys(&"clinic".into()).await.unwrap(), [first, second]);
    assert_eq!(s.keys.keys(&"nobody".into()).await.unwrap(), []);
}

pub async fn deleting_a_key(s: &Subject) {
    let key = s.keys.create_key(new_key("clinic", "a")).await.unwrap();
    s.keys.delete_key(&key.id).await.unwrap();
    assert_eq!(s.keys.key_by_hash("a").await.unwrap(), None);
    assert_eq!(s.keys.delete_key(&key.id).await.unwrap_err().code(), ErrorCode::NotFound);
}
