//! API keys.

use super::Subject;
use crate::{KeyTerms, NewKey};
use serde_json::json;
use yizhan_domain::{ErrorCode, KeyId, TenantId};

pub(super) fn new_key(tenant: &str, hash: &str) -> NewKey {
    let scopes = vec!["admin".to_owned(), "inference".to_owned()];
    let tenant = TenantId::from(tenant);
    NewKey { tenant, name: format!("key {hash}"), hash: hash.to_owned(), scopes, terms: KeyTerms::default() }
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

/// Terms with something in every place.
pub(super) fn full_terms() -> KeyTerms {
    KeyTerms {
        project: Some("web".into()),
        user: Some("li".into()),
        role: Some("developer".to_owned()),
        expires_ms: Some(1_800_000_000_000),
        models: vec!["qwen*".to_owned(), "模型".to_owned()],
        networks: vec!["10.0.0.0/8".to_owned()],
        limits: json!({"tokens_per_minute": 5000}),
        disabled: true,
    }
}

pub async fn a_keys_terms_come_back_and_can_be_changed(s: &Subject) {
    let new = NewKey { terms: full_terms(), ..new_key("clinic", "a") };
    let key = s.keys.create_key(new.clone()).await.unwrap();
    assert_eq!((&key.terms, key.declared, key.used_ms), (&new.terms, false, None));
    assert_eq!(s.keys.key_by_hash("a").await.unwrap().as_ref(), Some(&key));
    let changed = s.keys.change_key(&key.id, vec!["audit".to_owned()], KeyTerms::default()).await.unwrap();
    assert_eq!((&changed.scopes[..], &changed.terms), (&["audit".to_owned()][..], &KeyTerms::default()));
    assert_eq!(s.keys.keys(&"clinic".into()).await.unwrap(), [changed]);
    let unknown = s.keys.change_key(&"key-0".into(), Vec::new(), KeyTerms::default()).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::NotFound);
}

pub async fn uses_are_noted_and_never_go_back(s: &Subject) {
    let key = s.keys.create_key(new_key("clinic", "a")).await.unwrap();
    for (at, noted) in [(5000, 5000), (4000, 5000), (6000, 6000)] {
        s.keys.note_uses(vec![(KeyId::from("key-0"), 9000), (key.id.clone(), at)]).await.unwrap();
        assert_eq!(s.keys.key_by_hash("a").await.unwrap().unwrap().used_ms, Some(noted));
    }
}
