//! Leases: claimed, extended, ended.

use super::{LEASE, Subject, processed};
use crate::{DocumentState, NewChunk, Processed};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use yizhan_domain::{DocumentId, ErrorCode, Sequence};

const MOMENT: Duration = Duration::from_millis(1);

pub async fn the_oldest_document_is_claimed_first(s: &Subject) {
    let base = s.base("manual").await;
    let a = s.submit(&base, "a", "a").await;
    let b = s.submit(&base, "b", "b").await;
    // Submitted again, it goes behind the others.
    s.submit(&base, "a", "a2").await;
    let job = s.claim().await;
    assert_eq!((job.document.id, &job.base, job.attempt), (b.id, &base, 1));
    assert_eq!((job.document.state, job.document.attempts), (DocumentState::Processing, 1));
    assert_eq!(s.documents.document(b.id).await.unwrap(), Some(job.document));
    assert_eq!(s.claim().await.document.id, a.id);
}

pub async fn a_document_is_claimed_once_at_a_time(s: &Subject) {
    let base = s.base("manual").await;
    s.submit(&base, "a", "a").await;
    s.claim().await;
    s.time.advance(LEASE - MOMENT);
    assert!(s.documents.claim(None, LEASE).await.unwrap().is_none());
}

pub async fn claims_of_one_base(s: &Subject) {
    let (one, two) = (s.base("one").await, s.base("two").await);
    s.submit(&one, "a", "a").await;
    let b = s.submit(&two, "b", "b").await;
    let job = s.documents.claim(Some(&two.id), LEASE).await.unwrap().unwrap();
    assert_eq!(job.document.id, b.id);
    assert!(s.documents.claim(Some(&two.id), LEASE).await.unwrap().is_none());
    assert!(s.documents.claim(Some(&"vs_none".into()), LEASE).await.unwrap().is_none());
}

pub async fn an_expired_lease_is_claimed_again(s: &Subject) {
    let base = s.base("manual").await;
    s.submit(&base, "a", "a").await;
    let first = s.claim().await;
    s.time.advance(LEASE);
    let second = s.claim().await;
    assert_eq!((second.document.id, second.attempt), (first.document.id, 2));
    assert_ne!(second.lease, first.lease);
    assert!(!s.documents.extend(&first, LEASE).await.unwrap());
    assert!(s.documents.extend(&second, LEASE).await.unwrap());
}

pub async fn a_lease_is_extended(s: &Subject) {
    let base = s.base("manual").await;
    s.submit(&base, "a", "a").await;
    let job = s.claim().await;
    s.time.advance(LEASE / 2);
    assert!(s.documents.extend(&job, LEASE).await.unwrap());
    s.time.advance(LEASE - MOMENT);
    assert!(s.documents.claim(None, LEASE).await.unwrap().is_none());
    s.time.advance(MOMENT);
    assert_eq!(s.claim().await.attempt, 2);
}

pub async fn a_late_completion_counts_while_nobody_else_claimed(s: &Subject) {
    let base = s.base("manual").await;
    s.submit(&base, "a", "a").await;
    let job = s.claim().await;
    s.time.advance(2 * LEASE);
    assert!(s.documents.complete(&job, processed("a", 1)).await.unwrap().is_some());
    assert!(s.documents.claim(None, LEASE).await.unwrap().is_none());
}

pub async fn completion_makes_it_ready(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.submit(&base, "a", "a").await;
    let job = s.claim().await;
    s.documents.fail(&job, "once", Some(Duration::ZERO)).await.unwrap();
    s.time.advance(MOMENT);
    let sequence = s.complete(2).await;
    let ready = s.documents.document(document.id).await.unwrap().unwrap();
    assert_eq!((ready.state, ready.chunks, ready.pages), (DocumentState::Ready, 2, Some(3)));
    assert_eq!((ready.reason, ready.attempts), (None, 2));
    assert_eq!(ready.updated_ms, s.time.clock().now_ms());
    assert_eq!(s.documents.last_sequence(&base.id).await.unwrap(), sequence);
    assert!(s.documents.claim(None, LEASE).await.unwrap().is_none());
}

pub async fn a_superseded_completion_changes_nothing(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.submit(&base, "a", "a").await;
    let first = s.claim().await;
    s.time.advance(LEASE);
    let second = s.claim().await;
    let before = s.documents.document(document.id).await.unwrap();
    assert_eq!(s.documents.complete(&first, processed("a", 5)).await.unwrap(), None);
    assert_eq!(s.documents.document(document.id).await.unwrap(), before);
    assert_eq!(s.documents.changes(&base.id, Sequence(0), 9).await.unwrap(), []);
    assert!(s.documents.complete(&second, processed("a", 1)).await.unwrap().is_some());
    // A lease ends with the completion: doing it twice does nothing.
    assert_eq!(s.documents.complete(&second, processed("a", 2)).await.unwrap(), None);
    assert_eq!(s.documents.document(document.id).await.unwrap().unwrap().chunks, 1);
}

pub async fn a_resubmitted_document_is_not_completed_by_the_old_job(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.submit(&base, "a", "old").await;
    let old = s.claim().await;
    s.submit(&base, "a", "new").await;
    assert_eq!(s.documents.complete(&old, processed("old", 1)).await.unwrap(), None);
    assert!(!s.documents.extend(&old, LEASE).await.unwrap());
    let new = s.claim().await;
    assert_eq!((new.document.id, new.attempt), (document.id, 1));
    assert_ne!(new.lease, old.lease);
    assert_eq!(s.documents.complete(&old, processed("old", 1)).await.unwrap(), None);
    assert!(s.documents.complete(&new, processed("new", 2)).await.unwrap().is_some());
    let chunks = s.documents.changes(&base.id, Sequence(0), 9).await.unwrap().remove(0).chunks;
    assert!(chunks.len() == 2 && chunks[0].0.text.starts_with("new"));
}

pub async fn a_deleted_document_is_not_completed(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.submit(&base, "a", "a").await;
    let job = s.claim().await;
    s.documents.delete_document(document.id).await.unwrap();
    assert_eq!(s.documents.complete(&job, processed("a", 1)).await.unwrap(), None);
    assert!(!s.documents.extend(&job, LEASE).await.unwrap());
    assert!(!s.documents.fail(&job, "late", None).await.unwrap());
    assert_eq!(s.documents.changes(&base.id, Sequence(0), 9).await.unwrap(), []);
}

pub async fn a_failure_is_tried_again_after_its_delay(s: &Subject) {
    let base = s.base("manual").await;
    let old = s.ready(&base, "a", 2).await;
    s.submit(&base, "a", "new").await;
    let job = s.claim().await;
    assert!(s.documents.fail(&job, "The parser died.", Some(Duration::from_secs(10))).await.unwrap());
    let document = s.documents.document(old.id).await.unwrap().unwrap();
    assert_eq!((document.state, document.reason.as_deref()), (DocumentState::Queued, Some("The parser died.")));
    assert_eq!(document.chunks, 2);
    assert!(!s.documents.extend(&job, LEASE).await.unwrap());
    s.time.advance(Duration::from_millis(9_999));
    assert!(s.documents.claim(None, LEASE).await.unwrap().is_none());
    s.time.advance(MOMENT);
    assert_eq!(s.claim().await.attempt, 2);
}

pub async fn a_failure_for_good_takes_the_chunks(s: &Subject) {
    let base = s.base("manual").await;
    let old = s.ready(&base, "a", 2).await;
    let seen = s.documents.last_sequence(&base.id).await.unwrap();
    s.submit(&base, "a", "new").await;
    let job = s.claim().await;
    assert!(s.documents.fail(&job, "It is encrypted.", None).await.unwrap());
    let document = s.documents.document(old.id).await.unwrap().unwrap();
    assert_eq!((document.state, document.reason.as_deref()), (DocumentState::Failed, Some("It is encrypted.")));
    assert_eq!((document.chunks, document.pages), (0, None));
    let change = s.documents.changes(&base.id, seen, 9).await.unwrap().remove(0);
    assert_eq!((change.document, change.chunks.len()), (old.id, 0));
    s.time.advance(1000 * LEASE);
    assert!(s.documents.claim(None, LEASE).await.unwrap().is_none());
    // Deleting it later needs no second mark.
    s.documents.delete_document(old.id).await.unwrap();
    assert_eq!(s.documents.last_sequence(&base.id).await.unwrap(), change.sequence);
}

pub async fn a_failure_without_the_lease_changes_nothing(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.submit(&base, "a", "a").await;
    let first = s.claim().await;
    s.time.advance(LEASE);
    s.claim().await;
    let before = s.documents.document(document.id).await.unwrap();
    assert!(!s.documents.fail(&first, "late", None).await.unwrap());
    assert!(!s.documents.fail(&first, "late", Some(Duration::ZERO)).await.unwrap());
    assert_eq!(s.documents.document(document.id).await.unwrap(), before);
}

pub async fn leases_are_released(s: &Subject) {
    let base = s.base("manual").await;
    s.ready(&base, "ready", 1).await;
    for name in ["a", "b", "c"] {
        s.submit(&base, name, name).await;
    }
    let (a, _) = (s.claim().await, s.claim().await);
    assert_eq!(s.documents.release_leases().await.unwrap(), 2);
    assert_eq!(s.documents.complete(&a, processed("a", 1)).await.unwrap(), None);
    let again = s.claim().await;
    assert_eq!((again.document.id, again.attempt), (a.document.id, 1));
    assert_ne!(again.lease, a.lease);
    assert_eq!(s.documents.release_leases().await.unwrap(), 1);
    assert_eq!(s.documents.release_leases().await.unwrap(), 0);
}

pub async fn what_ended_with_its_process_is_no_attempt(s: &Subject) {
    let base = s.base("manual").await;
    s.submit(&base, "a", "a").await;
    for interruptions in 0..4 {
        let job = s.claim().await;
        assert_eq!((job.attempt, job.interruptions), (1, interruptions));
        assert_eq!(s.documents.release_leases().await.unwrap(), 1);
    }
    assert!(s.documents.fail(&s.claim().await, "The parser died.", Some(Duration::ZERO)).await.unwrap());
    let job = s.claim().await;
    assert_eq!((job.attempt, job.interruptions, job.document.attempts), (2, 4, 2));
    // Another content begins anew.
    s.submit(&base, "a", "other").await;
    let job = s.claim().await;
    assert_eq!((job.attempt, job.interruptions), (1, 0));
}

pub async fn a_section_that_is_missing_changes_nothing(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.submit(&base, "a", "a").await;
    let job = s.claim().await;
    let good = processed("a", 2);
    let lost = NewChunk { section: Some(2), ..good.chunks[0].clone() };
    let bad = Processed { chunks: vec![good.chunks[1].clone(), lost], ..good.clone() };
    let error = s.documents.complete(&job, bad).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert_eq!(s.documents.document(document.id).await.unwrap().unwrap(), job.document);
    assert_eq!(s.documents.changes(&base.id, Sequence(0), 9).await.unwrap(), []);
    assert!(s.documents.complete(&job, good).await.unwrap().is_some());
}

pub async fn many_workers_never_share_a_document(s: &Subject) {
    const DOCUMENTS: usize = 40;
    let base = s.base("manual").await;
    for number in 0..DOCUMENTS {
        s.submit(&base, &number.to_string(), "same").await;
    }
    let workers: Vec<_> = (0..8).map(|_| worker(Arc::clone(&s.documents))).collect();
    let claimed: Vec<DocumentId> = futures_util::future::join_all(workers).await.concat();
    assert_eq!(claimed.len(), DOCUMENTS);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), DOCUMENTS);
    assert_eq!(s.documents.base_stats(&base.id).await.unwrap().chunks as usize, DOCUMENTS);
}

async fn worker(store: Arc<dyn crate::DocumentStore>) -> Vec<DocumentId> {
    let mut claimed = Vec::new();
    while let Some(job) = store.claim(None, LEASE).await.unwrap() {
        claimed.push(job.document.id);
        assert!(store.complete(&job, processed("a", 1)).await.unwrap().is_some());
    }
    claimed
}
