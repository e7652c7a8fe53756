//! Contents.

use super::Subject;
use crate::ContentHash;
use yizhan_domain::ErrorCode;

pub async fn a_content_comes_back(s: &Subject) {
    for bytes in [Vec::new(), b"yizhan".to_vec(), vec![0xff; 300_000]] {
        let hash = s.blobs.put(bytes.clone()).await.unwrap();
        assert_eq!(hash, s.blobs.put(bytes.clone()).await.unwrap());
        assert_eq!(s.blobs.get(&hash).await.unwrap(), bytes);
    }
    let hash = s.blobs.put(b"abc".to_vec()).await.unwrap();
    assert_eq!(hash.0, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

pub async fn a_content_that_is_not_there(s: &Subject) {
    for hash in ["0".repeat(64), "../../etc/passwd".to_owned(), String::new()] {
        let error = s.blobs.get(&ContentHash(hash)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound);
    }
}

pub async fn removing_a_content(s: &Subject) {
    let hash = s.blobs.put(b"yizhan".to_vec()).await.unwrap();
    let other = s.blobs.put(b"other".to_vec()).await.unwrap();
    for _ in 0..2 {
        s.blobs.remove(&hash).await.unwrap();
        assert_eq!(s.blobs.get(&hash).await.unwrap_err().code(), ErrorCode::NotFound);
    }
    s.blobs.get(&other).await.unwrap();
}
