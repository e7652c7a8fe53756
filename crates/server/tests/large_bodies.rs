//! Bodies of a hundred megabytes: refused, and not held in memory. Alone in its process, as it measures that.

mod support;

use support::http::{Running, assert_alive, impatient, read_until};
use support::{KEY, Scripted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CHAT: &str = "/v1/chat/completions";
const MEGABYTE: usize = 1 << 20;

/// Bytes that this process holds in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

#[tokio::test]
async fn a_body_of_100_megabytes_is_refused_in_bounded_memory() {
    let server = Running::start(&Scripted::new(), impatient()).await;
    let size = 100 * MEGABYTE;
    let before = resident();
    for path in [CHAT, "/v1/messages", "/v1/embeddings", "/v1/rerank"] {
        // Announced, and nothing of it sent.
        let mut stream = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n");
        stream.write_all(format!("{head}content-length: {size}\r\n\r\n").as_bytes()).await.unwrap();
        assert!(read_until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 413"), "{path}");
        // Not announced.
        let mut stream = server.connect().await;
        stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
        let chunk = format!("{:x}\r\n{}\r\n", MEGABYTE, " ".repeat(MEGABYTE));
        let (mut reading, mut writing) = stream.split();
        let writing = async { while writing.write_all(chunk.as_bytes()).await.is_ok() {} };
        let mut answer = vec![0; 12];
        tokio::select! {
            () = writing => {}
            read = reading.read_exact(&mut answer) => if read.is_ok() {
                assert_eq!(answer, b"HTTP/1.1 413", "{path}");
            },
        }
        assert_alive(&server, path).await;
    }
    assert!(resident().saturating_sub(before) < 128 * MEGABYTE, "{before} → {}", resident());
}
