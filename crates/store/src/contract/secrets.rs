//! Sealed secrets.

use super::Subject;
use crate::SealedSecret;
use std::time::Duration;
use yizhan_domain::ErrorCode;

pub async fn a_secret_comes_back_as_it_was_sealed(s: &Subject) {
    let kept = s.secrets.put_secret("openai", "key-1", vec![0, 255, 7]).await.unwrap();
    assert_eq!((kept.name.as_str(), kept.key.as_str(), &kept.sealed[..]), ("openai", "key-1", &[0, 255, 7][..]));
    assert_eq!(kept.changed_ms, s.time.clock().now_ms());
    assert_eq!(s.secrets.secret("openai").await.unwrap(), Some(kept));
    assert_eq!(s.secrets.secret("nobody").await.unwrap(), None);
}

pub async fn the_last_value_of_a_secret_counts(s: &Subject) {
    s.secrets.put_secret("openai", "key-1", vec![1]).await.unwrap();
    s.time.advance(Duration::from_secs(5));
    let last = s.secrets.put_secret("openai", "key-2", vec![2]).await.unwrap();
    assert_eq!(last.changed_ms, s.time.clock().now_ms());
    assert_eq!(s.secrets.secrets().await.unwrap(), [last]);
}

pub async fn secrets_are_listed_by_name(s: &Subject) {
    for name in ["zhipu", "Qwen", "moonshot"] {
        s.secrets.put_secret(name, "key-1", vec![1]).await.unwrap();
    }
    let names: Vec<String> = s.secrets.secrets().await.unwrap().into_iter().map(|secret| secret.name).collect();
    assert_eq!(names, ["Qwen", "moonshot", "zhipu"]);
}

pub async fn deleting_a_secret(s: &Subject) {
    s.secrets.put_secret("openai", "key-1", vec![1]).await.unwrap();
    s.secrets.delete_secret("openai").await.unwrap();
    assert_eq!(s.secrets.secret("openai").await.unwrap(), None);
    assert_eq!(s.secrets.delete_secret("openai").await.unwrap_err().code(), ErrorCode::NotFound);
}

pub async fn secrets_are_resealed_all_or_none(s: &Subject) {
    let one = s.secrets.put_secret("one", "key-1", vec![1]).await.unwrap();
    let two = s.secrets.put_secret("two", "key-1", vec![2]).await.unwrap();
    s.time.advance(Duration::from_secs(5));
    let sealed = |secret: &SealedSecret| SealedSecret { key: "key-2".to_owned(), sealed: vec![9], ..secret.clone() };
    let gone = SealedSecret { name: "gone".to_owned(), ..sealed(&one) };
    let refused = s.secrets.reseal_secrets(vec![sealed(&one), gone]).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotFound);
    assert_eq!(s.secrets.secrets().await.unwrap(), [one.clone(), two.clone()], "none was resealed");
    s.secrets.reseal_secrets(vec![sealed(&one), sealed(&two)]).await.unwrap();
    assert_eq!(s.secrets.secrets().await.unwrap(), [sealed(&one), sealed(&two)], "when they were set stays");
}
