use super::FrameStream;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use yizhan_dialect::openai::ChunkWriter;
use yizhan_domain::{Error, ErrorCode, FinishReason, Result, Usage};
use yizhan_model::ChatEvent;

async fn chunks(events: Vec<Result<ChatEvent>>) -> Vec<String> {
    let writer = ChunkWriter::new("c", 0, "m", true);
    FrameStream::new(stream::iter(events).boxed(), writer).map(|frame| frame.data).collect().await
}

fn end() -> Result<ChatEvent> {
    Ok(ChatEvent::End { usage: Usage::default() })
}

fn code(chunk: &str) -> String {
    let value: Value = serde_json::from_str(chunk).unwrap();
    value["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn role_text_end_usage_done() {
    let chunks = chunks(vec![Ok(ChatEvent::text("a")), Ok(ChatEvent::finish(FinishReason::Stop)), end()]).await;
    assert_eq!(chunks.len(), 5);
    assert!(chunks[0].contains("\"role\":\"assistant\"") && chunks[1].contains("\"content\":\"a\""));
    assert!(chunks[2].contains("\"finish_reason\":\"stop\"") && chunks[3].contains("\"total_tokens\":0"));
    assert_eq!(chunks[4], "[DONE]");
}

#[tokio::test]
async fn what_comes_after_the_end_is_not_sent() {
    let chunks = chunks(vec![end(), Ok(ChatEvent::text("late"))]).await;
    assert!(!chunks.concat().contains("late"));
}

#[tokio::test]
async fn an_error_is_the_last_chunk() {
    let error = Error::new(ErrorCode::WorkerFailed, "Gone.");
    let chunks = chunks(vec![Ok(ChatEvent::text("a")), Err(error), end()]).await;
    assert_eq!((chunks.len(), code(&chunks[2]).as_str()), (3, "worker_failed"));
}

#[tokio::test]
async fn a_stream_without_its_end_is_an_error() {
    assert_eq!(code(&chunks(Vec::new()).await[1]), "worker_failed");
}

#[tokio::test]
async fn a_panic_behind_the_stream_is_an_error() {
    let events = stream::poll_fn(|_| panic!("as the test wants"));
    let frames = FrameStream::new(events.boxed(), ChunkWriter::new("c", 0, "m", false));
    let chunks: Vec<String> = frames.map(|frame| frame.data).collect().await;
    assert_eq!(code(&chunks[1]), "internal_error");
}
