use super::*;
use tokio::io::AsyncWriteExt;

const BARE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What arrives at the other end when `bytes` are written at that turn through a pipe of so many bytes.
async fn arrives(bytes: &[u8], turn: Turn, room: usize) -> String {
    let (near, mut far) = tokio::io::duplex(room);
    let mut stream = Refusing::new(near, turn);
    let mut text = String::new();
    let writing = async {
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let reading = tokio::io::AsyncReadExt::read_to_string(&mut far, &mut text);
    let ((), read) = tokio::join!(writing, reading);
    read.unwrap();
    text
}

#[tokio::test]
async fn a_bare_refusal_gets_a_body_however_slowly_it_goes_out() {
    for room in [1, 7, 4096] {
        let text = arrives(BARE, Turn::default(), room).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 431 ") && head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "request_too_large");
    }
}

#[tokio::test]
async fn everything_else_passes_as_it_is() {
    let ok = &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..];
    let other = &b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"[..];
    let cut = &BARE[..20];
    for bytes in [ok, other, cut, &b"HTTP"[..]] {
        assert_eq!(arrives(bytes, Turn::default(), 5).await.as_bytes(), bytes);
    }
}

#[tokio::test]
async fn a_reply_may_say_the_same_words() {
    let turn = Turn::default();
    let replying = turn.begin();
    assert_eq!(arrives(BARE, turn.clone(), 5).await.as_bytes(), BARE, "a part of a reply");
    drop(replying);
    assert_eq!(arrives(BARE, turn, 5).await.as_bytes(), BARE, "the last part, not written yet");
}

#[tokio::test]
async fn only_a_flush_after_the_whole_reply_ends_it() {
    let turn = Turn::default();
    let (near, _far) = tokio::io::duplex(1000);
    let mut stream = Refusing::new(near, turn.clone());
    let replying = turn.begin();
    stream.flush().await.unwrap();
    drop(replying);
    assert!(!turn.is_between());
    stream.flush().await.unwrap();
    assert!(turn.is_between());
    assert_ne!(arrives(BARE, turn, 5).await.as_bytes(), BARE);
}
