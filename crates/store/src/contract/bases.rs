//! Knowledge bases.

use super::{Subject, processed};
use crate::{BaseSettings, BaseStats, Chunking, DocumentState, Page};
use yizhan_domain::{BaseId, ErrorCode, ModelName, Sequence, TenantId};

pub async fn a_base_is_found_by_name_and_by_id(s: &Subject) {
    let settings = BaseSettings {
        embedding: Some(ModelName::new("e5")),
        chunking: Chunking::Structure { tokens: 300 },
        dictionary: vec!["驿站".into()],
    };
    let base = s.documents.create_base(&s.tenant(), "手册-1.0_a", settings.clone()).await.unwrap();
    assert_eq!((base.name.as_str(), &base.settings), ("手册-1.0_a", &settings));
    assert_eq!((&base.tenant, base.created_ms), (&s.tenant(), s.time.clock().now_ms()));
    let other = s.base("other").await;
    for name_or_id in [base.name.as_str(), base.id.as_str()] {
        assert_eq!(s.documents.base(&s.tenant(), name_or_id).await.unwrap().as_ref(), Some(&base));
        assert_eq!(s.documents.base(&"stranger".into(), name_or_id).await.unwrap(), None);
    }
    assert_eq!(s.documents.bases(&s.tenant()).await.unwrap(), [base.clone(), other]);
    assert_eq!(s.documents.bases(&"stranger".into()).await.unwrap(), []);
    // A base that is named like another's id does not hide it.
    s.base(base.id.as_str()).await;
    assert_eq!(s.documents.base(&s.tenant(), base.id.as_str()).await.unwrap(), Some(base));
}

pub async fn names_are_taken_once_for_each_tenant(s: &Subject) {
    let base = s.base("manual").await;
    let again = s.documents.create_base(&s.tenant(), "manual", BaseSettings::default()).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::Conflict);
    let stranger = TenantId::from("stranger");
    let theirs = s.documents.create_base(&stranger, "manual", BaseSettings::default()).await.unwrap();
    assert_ne!(theirs.id, base.id);
}

pub async fn names_are_validated(s: &Subject) {
    let (longest, too_long) = ("名".repeat(64), "n".repeat(65));
    s.base(&longest).await;
    for name in ["", " ", "a b", "a/b", "..", ".", "a\n", "a'b", too_long.as_str()] {
        let error = s.documents.create_base(&s.tenant(), name, BaseSettings::default()).await.unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some("name")), "{name:?}");
    }
}

pub async fn a_base_is_renamed(s: &Subject) {
    let base = s.base("old").await;
    s.base("taken").await;
    let renamed = s.documents.rename_base(&base.id, "new").await.unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.id), ("new", &base.id));
    assert_eq!(s.documents.base(&s.tenant(), "old").await.unwrap(), None);
    assert_eq!(s.documents.base(&s.tenant(), "new").await.unwrap(), Some(renamed.clone()));
    assert_eq!(s.documents.rename_base(&base.id, "new").await.unwrap(), renamed);
    let code = async |id: &BaseId, name: &str| s.documents.rename_base(id, name).await.unwrap_err().code();
    assert_eq!(code(&base.id, "taken").await, ErrorCode::Conflict);
    assert_eq!(code(&base.id, "a b").await, ErrorCode::InvalidRequest);
    assert_eq!(code(&BaseId::random(), "free").await, ErrorCode::NotFound);
}

pub async fn deleting_a_base_takes_everything_with_it(s: &Subject) {
    let (base, other) = (s.base("doomed").await, s.base("other").await);
    let document = s.ready(&base, "a", 2).await;
    let kept = s.ready(&other, "b", 1).await;
    s.submit(&base, "c", "c").await;
    let chunks = s.documents.changes(&base.id, Sequence(0), 10).await.unwrap().remove(0).chunks;
    let job = s.claim().await;
    for _ in 0..2 {
        s.documents.delete_base(&base.id).await.unwrap();
    }
    assert_eq!(s.documents.base(&s.tenant(), "doomed").await.unwrap(), None);
    assert_eq!(s.documents.document(document.id).await.unwrap(), None);
    assert_eq!(s.documents.chunks(&[chunks[0].0.id]).await.unwrap(), []);
    assert_eq!(s.documents.section_of(chunks[0].0.id).await.unwrap(), None);
    assert_eq!(s.documents.complete(&job, processed("c", 1)).await.unwrap(), None);
    assert_eq!(s.documents.changes(&base.id, Sequence(0), 10).await.unwrap(), []);
    assert_eq!(s.documents.last_sequence(&base.id).await.unwrap(), Sequence(0));
    assert_eq!(s.documents.documents(&base.id, Page { after: None, limit: 9 }).await.unwrap(), []);
    assert_eq!(s.documents.base_stats(&base.id).await.unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(s.documents.document(kept.id).await.unwrap(), Some(kept));
    // The files are the tenant's own and stay.
    assert_eq!(s.documents.files(&s.tenant(), Page { after: None, limit: 9 }).await.unwrap().len(), 3);
    assert_ne!(s.base("doomed").await.id, base.id);
}

pub async fn counts_of_a_base(s: &Subject) {
    let base = s.base("manual").await;
    assert_eq!(s.documents.base_stats(&base.id).await.unwrap(), BaseStats::default());
    s.ready(&base, "two", 2).await;
    s.ready(&base, "three", 3).await;
    s.submit(&base, "later", "later").await;
    let stats = s.documents.base_stats(&base.id).await.unwrap();
    assert_eq!((stats.documents, stats.chunks, stats.bytes), (3, 5, 13));
    let states = [(DocumentState::Queued, 1), (DocumentState::Ready, 2)];
    assert_eq!(stats.states, states.into_iter().collect());
    // What can be found still counts while its successor waits.
    s.submit(&base, "two", "other").await;
    assert_eq!(s.documents.base_stats(&base.id).await.unwrap().chunks, 5);
}
