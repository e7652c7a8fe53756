//! Files.

use super::{Subject, new_document, new_file};
use crate::Page;
use serde_json::json;
use yizhan_domain::{ErrorCode, FileId, TenantId};

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
    assert_eq!(s.documents.delete_file(&s.tenant(), &file.id).await.unwrap(), Some(file.hash.clone()));
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
    assert_eq!(s.documents.delete_file(&s.tenant(), &mine.id).await.unwrap(), None);
    assert_eq!(s.documents.delete_file(&theirs.tenant, &theirs.id).await.unwrap(), Some(theirs.hash));
}
