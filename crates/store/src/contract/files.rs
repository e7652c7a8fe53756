//! Files.

use super::{Subject, new_document, new_file};
use crate::{Base, ContentHash, Page};
use serde_json::json;
use yizhan_domain::{ErrorCode, FileId, Sequence, TenantId};

pub async fn a_file_is_its_tenants(s: &Subject) {
    let file = s.file("a.pdf", "content").await;
    assert_eq!((file.name.as_str(), file.bytes, file.purpose.as_str()), ("a.pdf", 7, "assistants"));
    assert_eq!(file.created_ms, s.time.clock().now_ms());
    let stranger = TenantId::from("stranger");
    assert_eq!(s.documents.file(&s.tenant(), &file.id).await.unwrap().as_ref(), Some(&file));
    assert_eq!(s.documents.file(&stranger, &file.id).await.unwrap(), None);
    assert_eq!(s.documents.files(&stranger, Page { after: None, limit: 9 }).await.unwrap(), []);
    assert_eq!(s.documents.delete_file(&stranger, &file.id).await.unwrap_err().code(), ErrorCode::NotFound);
}

pub async fn files_in_pages_newest_first(s: &Subject) {
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.insert(0, s.file("same name", &number.to_string()).await.id);
    }
    let page = async |after: Option<&FileId>, limit| {
        let after = after.map(|id| id.as_str().to_owned());
        let files = s.documents.files(&s.tenant(), Page { after, limit }).await.unwrap();
        files.into_iter().map(|file| file.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, ids[..2]);
    assert_eq!(page(Some(&ids[1]), 2).await, ids[2..4]);
    assert_eq!(page(Some(&ids[3]), 2).await, ids[4..]);
    assert_eq!(page(Some(&ids[4]), 2).await, []);
    assert_eq!(page(None, 0).await, []);
    let unknown = Page { after: Some("file-0".into()), limit: 2 };
    let error = s.documents.files(&s.tenant(), unknown).await.unwrap_err();
    assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some("after")));
}

pub async fn deleting_a_file_takes_its_documents(s: &Subject) {
    let (one, two) = (s.base("one").await, s.base("two").await);
    let file = s.file("a.pdf", "content").await;
    let document = s.documents.submit(&one.id, new_document(&file, json!({}))).await.unwrap().document;
    s.documents.submit(&two.id, new_document(&file, json!({}))).await.unwrap();
    let other = s.submit(&two, "b.pdf", "other").await;
    s.documents.delete_file(&s.tenant(), &file.id).await.unwrap();
    assert_eq!(orphans(s).await, [file.hash]);
    assert_eq!(s.documents.document(document.id).await.unwrap(), None);
    assert_eq!(s.documents.document_of_file(&two.id, &file.id).await.unwrap(), None);
    assert_eq!(s.documents.documents(&two.id, Page { after: None, limit: 9 }).await.unwrap(), [other]);
    let again = s.documents.delete_file(&s.tenant(), &file.id).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::NotFound);
}

pub async fn bytes_stay_while_another_file_has_them(s: &Subject) {
    let mine = s.file("a.pdf", "content").await;
    let theirs = new_file(&"stranger".into(), "b.pdf", "content");
    let theirs = s.documents.create_file(theirs).await.unwrap();
    s.documents.delete_file(&s.tenant(), &mine.id).await.unwrap();
    assert_eq!(orphans(s).await, []);
    s.documents.delete_file(&theirs.tenant, &theirs.id).await.unwrap();
    assert_eq!(orphans(s).await, [theirs.hash]);
}

pub async fn an_orphan_is_listed_until_it_is_removed_or_wanted_again(s: &Subject) {
    let (one, two) = (s.file("a.pdf", "1").await, s.file("b.pdf", "2").await);
    for file in [&two, &one] {
        s.documents.delete_file(&s.tenant(), &file.id).await.unwrap();
    }
    assert_eq!(orphans(s).await, [one.hash.clone(), two.hash.clone()]);
    assert_eq!(s.documents.orphans(1).await.unwrap(), std::slice::from_ref(&one.hash));
    s.file("c.pdf", "2").await;
    assert_eq!(orphans(s).await, std::slice::from_ref(&one.hash));
    for _ in 0..2 {
        s.documents.orphan_removed(&one.hash).await.unwrap();
    }
    assert_eq!(orphans(s).await, []);
}

pub async fn a_replaced_file_stays_while_its_chunks_are_cited(s: &Subject) {
    let base = s.base("manual").await;
    let old = s.ready(&base, "a.pdf", 2).await;
    let new = s.submit(&base, "a.pdf", "new").await;
    assert!(is_there(s, &old.file).await && is_there(s, &new.file).await);
    assert_eq!(file_of_chunks(s, &base).await, old.file);
    s.complete(1).await;
    assert_eq!(file_of_chunks(s, &base).await, new.file);
    assert!(!is_there(s, &old.file).await && is_there(s, &new.file).await);
    assert_eq!(orphans(s).await, [old.hash]);
}

pub async fn a_file_that_was_replaced_before_it_was_read_goes_at_once(s: &Subject) {
    let base = s.base("manual").await;
    let old = s.ready(&base, "a.pdf", 2).await;
    let skipped = s.submit(&base, "a.pdf", "skipped").await;
    let last = s.submit(&base, "a.pdf", "last").await;
    assert!(is_there(s, &old.file).await && !is_there(s, &skipped.file).await);
    assert_eq!(orphans(s).await, [skipped.hash]);
    // Back to the first content by its own file: that one is replaced no longer.
    let file = s.documents.file(&s.tenant(), &old.file).await.unwrap().unwrap();
    s.documents.submit(&base.id, new_document(&file, json!({}))).await.unwrap();
    assert!(!is_there(s, &last.file).await);
    s.complete(1).await;
    assert!(is_there(s, &old.file).await);
    assert_eq!(file_of_chunks(s, &base).await, old.file);
}

pub async fn a_replaced_file_that_another_document_has_stays(s: &Subject) {
    let (base, other) = (s.base("manual").await, s.base("other").await);
    let old = s.ready(&base, "a.pdf", 1).await;
    let file = s.documents.file(&s.tenant(), &old.file).await.unwrap().unwrap();
    s.documents.submit(&other.id, new_document(&file, json!({}))).await.unwrap();
    s.complete(1).await;
    s.submit(&base, "a.pdf", "new").await;
    s.complete(1).await;
    assert!(is_there(s, &old.file).await);
    // The other one replaces it too, and now nobody has it.
    s.submit(&other, "a.pdf", "newer").await;
    s.complete(1).await;
    assert!(!is_there(s, &old.file).await);
    assert_eq!(orphans(s).await, [old.hash]);
}

pub async fn a_replaced_file_goes_with_the_chunks_however_they_go(s: &Subject) {
    for way in ["failure", "document", "base", "file"] {
        let base = s.base(way).await;
        let old = s.ready(&base, "a.pdf", 2).await;
        let seen = s.documents.last_sequence(&base.id).await.unwrap();
        let new = s.submit(&base, "a.pdf", &format!("new for {way}")).await;
        match way {
            "failure" => assert!(s.documents.fail(&s.claim().await, "It is encrypted.", None).await.unwrap()),
            "document" => s.documents.delete_document(new.id).await.unwrap(),
            "base" => s.documents.delete_base(&base.id).await.unwrap(),
            _ => {
                s.documents.delete_file(&s.tenant(), &old.file).await.unwrap();
                let changes = s.documents.changes(&base.id, seen, 9).await.unwrap();
                assert_eq!((changes.len(), changes[0].chunks.len()), (1, 0));
                // The new content still comes.
                assert_eq!(s.documents.document(new.id).await.unwrap().unwrap().chunks, 0);
                s.complete(1).await;
                assert_eq!(file_of_chunks(s, &base).await, new.file);
            }
        }
        assert!(!is_there(s, &old.file).await, "{way}");
        assert!(is_there(s, &new.file).await, "{way}");
        assert_eq!(orphans(s).await, std::slice::from_ref(&old.hash), "{way}");
        s.documents.orphan_removed(&old.hash).await.unwrap();
    }
}

async fn orphans(s: &Subject) -> Vec<ContentHash> {
    s.documents.orphans(9).await.unwrap()
}

async fn is_there(s: &Subject, file: &FileId) -> bool {
    s.documents.file(&s.tenant(), file).await.unwrap().is_some()
}

/// The file that the base's first chunk is cited from, seen in both ways that chunks are read.
async fn file_of_chunks(s: &Subject, base: &Base) -> FileId {
    let chunk = s.documents.changes(&base.id, Sequence(0), 9).await.unwrap().remove(0).chunks.remove(0).0;
    assert_eq!(s.documents.chunks(&[chunk.id]).await.unwrap(), std::slice::from_ref(&chunk));
    chunk.file
}
