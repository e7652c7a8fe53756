use super::Patient;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

#[tokio::test]
async fn a_reader_that_stops_ends_the_write() {
    let (near, _far) = duplex(8);
    let error = Patient::new(near, Duration::from_millis(20)).write_all(&[0; 100]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn progress_renews_the_patience() {
    let (near, mut far) = duplex(8);
    let mut near = Patient::new(near, Duration::from_secs(600));
    let reading = async {
        let mut bytes = [0; 8];
        for _ in 0..5 {
            far.read_exact(&mut bytes).await.unwrap();
        }
    };
    let (written, ()) = tokio::join!(near.write_all(&[0; 40]), reading);
    written.unwrap();
    assert!(near.deadline.is_none());
}
