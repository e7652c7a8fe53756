use super::*;

fn nowhere() -> Link {
    Link::new("redis://:secret@127.0.0.1:1", Duration::from_millis(100)).unwrap()
}

#[tokio::test]
async fn nothing_to_send_is_no_reason_to_give_up_the_connection() {
    assert_eq!(nowhere().send(&[]).await.unwrap().map(|values| values.len()), Some(0));
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent_and_nobody_waits() {
    assert!(nowhere().send(&[&redis::cmd("PING")]).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_wrong_is_said_without_the_password() {
    let error = nowhere().connect().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert!(error.message().contains("127.0.0.1:1") && !error.message().contains("secret"), "{error}");
}
