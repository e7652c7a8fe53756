use super::{Reply, take};
use yizhan_domain::{ErrorCode, FinishReason};

#[test]
fn pieces_citations_reason_and_usage_are_read() {
    let (mut reply, mut text) = (Reply::default(), String::new());
    let mut show = |piece: &str| text.push_str(piece);
    for data in [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"你好"},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{"annotations":[{"type":"file_citation","index":1,"file_id":"file-1",
            "filename":"a.pdf","page":3,"quote":"q","boxes":[[1,2,3,4.5]]}]},"finish_reason":"stop"}],"usage":null}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,
            "prompt_tokens_details":{"cached_tokens":1}}}"#,
    ] {
        take(data, &mut reply, &mut show).unwrap();
    }
    assert_eq!(text, "你好");
    assert_eq!(reply.reason, Some(FinishReason::Stop));
    assert_eq!(reply.citations[0].page, Some(3));
    assert_eq!(reply.citations[0].boxes[0].0, [1.0, 2.0, 3.0, 4.5]);
    assert_eq!(reply.usage.unwrap().cached_tokens, 1);
}

#[test]
fn an_error_in_the_stream_is_an_error() {
    let data = r#"{"error":{"message":"Gone.","type":"server_error","param":null,"code":"worker_failed"}}"#;
    let error = take(data, &mut Reply::default(), &mut |_| {}).unwrap_err();
    assert_eq!((error.code(), error.message()), (ErrorCode::WorkerFailed, "Gone."));
}
