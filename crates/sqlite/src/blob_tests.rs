use super::*;

fn open() -> (FileBlobs, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (FileBlobs::open(directory.path()).unwrap(), directory)
}

#[tokio::test]
async fn a_content_stands_under_its_hash_and_leaves_nothing_beside_it() {
    let (blobs, directory) = open();
    let hash = blobs.put(b"yizhan".to_vec()).await.unwrap();
    let path = path_of(&directory.path().join("blobs"), &hash).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"yizhan");
    assert_eq!(fs::read_dir(directory.path().join("blobs/tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_content_is_an_error_and_is_repaired_by_putting_it_again() {
    let (blobs, directory) = open();
    let hash = blobs.put(b"yizhan".to_vec()).await.unwrap();
    fs::write(path_of(&directory.path().join("blobs"), &hash).unwrap(), b"yizhaN").unwrap();
    let error = blobs.get(&hash).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert!(error.message().contains("damaged"), "{error}");
    blobs.put(b"yizhan".to_vec()).await.unwrap();
    assert_eq!(blobs.get(&hash).await.unwrap(), b"yizhan");
}

#[tokio::test]
async fn what_is_no_hash_leads_nowhere() {
    let (blobs, directory) = open();
    fs::write(directory.path().join("secret"), b"secret").unwrap();
    for text in ["", "../secret", "../../secret", "a/../../../secret", &"A".repeat(64), &"驿".repeat(22)] {
        let hash = ContentHash(text.to_owned());
        assert_eq!(blobs.get(&hash).await.unwrap_err().code(), ErrorCode::NotFound, "{text}");
        blobs.remove(&hash).await.unwrap();
    }
    assert!(directory.path().join("secret").exists());
}

#[test]
fn orphans_go_at_the_next_start_and_work_in_progress_stays() {
    let (blobs, directory) = open();
    drop(blobs);
    let [old, young] = ["1-0", "2-0"].map(|name| directory.path().join("blobs/tmp").join(name));
    fs::write(&young, b"half").unwrap();
    let two_hours_ago = SystemTime::now() - 2 * ORPHAN_AGE;
    File::create(&old).unwrap().set_modified(two_hours_ago).unwrap();
    FileBlobs::open(directory.path()).unwrap();
    assert!(!old.exists() && young.exists());
}
