//! Documents: submitted, listed, deleted.

use super::{Subject, new_document, new_file};
use crate::{BaseSettings, DocumentState, NewDocument, Page};
use serde_json::json;
use std::time::Duration;
use yizhan_domain::{BaseId, DocumentId, ErrorCode, FileId, Sequence};

pub async fn a_new_document_is_queued(s: &Subject) {
    let base = s.base("manual").await;
    let file = s.file("a.pdf", "content").await;
    let new = NewDocument { source: "/docs/a.pdf".into(), ..new_document(&file, json!({"tag": "zh", "year": 2024})) };
    let submitted = s.documents.submit(&base.id, new.clone()).await.unwrap();
    assert!(!submitted.unchanged);
    let document = submitted.document;
    assert_eq!((&document.base, &document.file, &document.hash), (&base.id, &file.id, &file.hash));
    assert_eq!((&document.source, &document.name, &document.attributes), (&new.source, &new.name, &new.attributes));
    assert_eq!((document.state, document.attempts, document.chunks), (DocumentState::Queued, 0, 0));
    assert_eq!((document.reason.clone(), document.pages, document.bytes), (None, None, 7));
    let now = s.time.clock().now_ms();
    assert_eq!((document.created_ms, document.updated_ms), (now, now));
    assert_eq!(s.documents.document(document.id).await.unwrap(), Some(document));
}

pub async fn the_same_content_again_changes_name_and_attributes_only(s: &Subject) {
    let base = s.base("manual").await;
    let file = s.file("a.pdf", "content").await;
    let first = s.documents.submit(&base.id, new_document(&file, json!({"v": 1, "old": true}))).await.unwrap();
    for state in [DocumentState::Queued, DocumentState::Processing, DocumentState::Ready] {
        s.time.advance(Duration::from_secs(1));
        let new = NewDocument { name: format!("{state:?}"), ..new_document(&file, json!({"v": 2})) };
        let again = s.documents.submit(&base.id, new).await.unwrap();
        assert!(again.unchanged);
        assert_eq!((again.document.id, again.document.state), (first.document.id, state));
        assert_eq!(json!(again.document.attributes), json!({"v": 2}));
        assert_eq!(again.document.name, format!("{state:?}"));
        match state {
            DocumentState::Queued => drop(s.claim().await),
            DocumentState::Processing => {
                s.time.advance(super::LEASE);
                s.complete(1).await;
            }
            _ => (),
        }
    }
    assert!(s.documents.claim(None, super::LEASE).await.unwrap().is_none());
    // A chunk is called as its document now is, and whoever follows learns of it.
    let last = s.documents.last_sequence(&base.id).await.unwrap();
    let before = s.documents.changes(&base.id, Sequence(0), 9).await.unwrap();
    assert_eq!((before.len(), before[0].sequence, &*before[0].chunks[0].0.name), (1, last, "Ready"));
    let renamed = |attributes| NewDocument { name: "Ready".into(), ..new_document(&file, attributes) };
    s.documents.submit(&base.id, renamed(json!({"v": 3}))).await.unwrap();
    assert_eq!(s.documents.last_sequence(&base.id).await.unwrap(), last, "its attributes are no part of what is found");
    let new = NewDocument { name: "again".into(), ..new_document(&file, json!({"v": 3})) };
    s.documents.submit(&base.id, new).await.unwrap();
    let after = s.documents.changes(&base.id, last, 9).await.unwrap();
    assert_eq!((after.len(), &*after[0].chunks[0].0.name), (1, "again"));
}

pub async fn new_content_is_queued_and_the_old_chunks_stay(s: &Subject) {
    let base = s.base("manual").await;
    let old = s.ready(&base, "a.pdf", 2).await;
    let sequence = s.documents.last_sequence(&base.id).await.unwrap();
    s.time.advance(Duration::from_secs(5));
    let new = s.submit_with(&base, "a.pdf", "new content", json!({"v": 2})).await;
    assert_eq!((new.id, new.state, new.attempts, new.pages), (old.id, DocumentState::Queued, 0, None));
    assert_eq!((new.chunks, new.bytes, new.created_ms), (2, 11, old.created_ms));
    assert_eq!(new.updated_ms, old.updated_ms + 5000);
    assert_ne!((&new.file, &new.hash), (&old.file, &old.hash));
    assert_eq!(s.documents.last_sequence(&base.id).await.unwrap(), sequence);
    let before = s.documents.changes(&base.id, Sequence(0), 9).await.unwrap().remove(0).chunks;
    assert_eq!(before.len(), 2);
    s.complete(1).await;
    let after = s.documents.changes(&base.id, Sequence(0), 9).await.unwrap();
    assert_eq!((after.len(), after[0].chunks.len()), (1, 1));
    assert!(after[0].chunks[0].0.id > before[1].0.id);
    assert_eq!(s.documents.chunks(&[before[0].0.id]).await.unwrap(), []);
}

pub async fn a_failed_document_is_queued_again(s: &Subject) {
    let base = s.base("manual").await;
    let file = s.file("a.pdf", "content").await;
    s.documents.submit(&base.id, new_document(&file, json!({}))).await.unwrap();
    let job = s.claim().await;
    s.documents.fail(&job, "It is encrypted.", None).await.unwrap();
    let again = s.documents.submit(&base.id, new_document(&file, json!({}))).await.unwrap();
    assert!(!again.unchanged);
    assert_eq!((again.document.state, again.document.attempts), (DocumentState::Queued, 0));
    assert_eq!((again.document.id, again.document.reason), (job.document.id, None));
    assert_eq!(s.claim().await.attempt, 1);
}

pub async fn documents_in_pages(s: &Subject) {
    let base = s.base("manual").await;
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(s.submit(&base, &number.to_string(), "same content").await);
    }
    let list = async |after: Option<String>, limit| s.documents.documents(&base.id, Page { after, limit }).await;
    assert_eq!(list(None, 2).await.unwrap(), all[..2]);
    assert_eq!(list(Some(all[1].id.to_string()), 2).await.unwrap(), all[2..4]);
    assert_eq!(list(Some(all[3].id.to_string()), 9).await.unwrap(), all[4..]);
    assert_eq!(list(Some(all[4].id.to_string()), 9).await.unwrap(), []);
    s.documents.delete_document(all[1].id).await.unwrap();
    assert_eq!(list(Some(all[1].id.to_string()), 1).await.unwrap(), all[2..3]);
    for after in ["x", "-1", ""] {
        let error = list(Some(after.into()), 2).await.unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some("after")), "{after}");
    }
}

pub async fn a_document_is_found_by_its_file(s: &Subject) {
    let (base, other) = (s.base("manual").await, s.base("other").await);
    let document = s.submit(&base, "a.pdf", "content").await;
    let found = async |base: &BaseId, file: &FileId| s.documents.document_of_file(base, file).await.unwrap();
    assert_eq!(found(&base.id, &document.file).await.as_ref(), Some(&document));
    assert_eq!(found(&other.id, &document.file).await, None);
    assert_eq!(found(&base.id, &FileId::random()).await, None);
    assert_eq!(s.documents.document(DocumentId(u64::MAX)).await.unwrap(), None);
}

pub async fn deleting_a_document(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.ready(&base, "a.pdf", 2).await;
    let other = s.ready(&base, "b.pdf", 1).await;
    let chunks = s.documents.changes(&base.id, Sequence(0), 1).await.unwrap().remove(0).chunks;
    s.documents.delete_document(document.id).await.unwrap();
    assert_eq!(s.documents.document(document.id).await.unwrap(), None);
    assert_eq!(s.documents.chunks(&[chunks[0].0.id, chunks[1].0.id]).await.unwrap(), []);
    assert_eq!(s.documents.section_of(chunks[0].0.id).await.unwrap(), None);
    assert_eq!(s.documents.documents(&base.id, Page { after: None, limit: 9 }).await.unwrap(), [other]);
    let again = s.documents.delete_document(document.id).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::NotFound);
    // The file stays.
    assert!(s.documents.file(&s.tenant(), &document.file).await.unwrap().is_some());
}

pub async fn a_document_needs_its_base_and_its_tenants_file(s: &Subject) {
    let base = s.base("manual").await;
    let file = s.file("a.pdf", "content").await;
    let nowhere = s.documents.submit(&BaseId::random(), new_document(&file, json!({}))).await.unwrap_err();
    assert_eq!(nowhere.code(), ErrorCode::NotFound);
    let theirs = s.documents.create_file(new_file(&"stranger".into(), "b.pdf", "b")).await.unwrap();
    let error = s.documents.submit(&base.id, new_document(&theirs, json!({}))).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    let unknown = NewDocument { file: FileId::random(), ..new_document(&file, json!({})) };
    assert_eq!(s.documents.submit(&base.id, unknown).await.unwrap_err().code(), ErrorCode::NotFound);
}

pub async fn numbers_are_never_used_twice(s: &Subject) {
    let base = s.base("manual").await;
    let first = s.ready(&base, "a.pdf", 3).await;
    let change = s.documents.changes(&base.id, Sequence(0), 9).await.unwrap().remove(0);
    s.documents.delete_document(first.id).await.unwrap();
    s.documents.delete_base(&base.id).await.unwrap();
    let base = s.documents.create_base(&s.tenant(), "manual", BaseSettings::default()).await.unwrap();
    let second = s.ready(&base, "a.pdf", 1).await;
    let again = s.documents.changes(&base.id, Sequence(0), 9).await.unwrap().remove(0);
    assert!(second.id > first.id);
    // One went to the deletion.
    assert!(again.sequence.0 > change.sequence.0 + 1);
    assert!(again.chunks[0].0.id > change.chunks[2].0.id);
}
