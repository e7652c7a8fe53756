use super::{Frame, response};
use futures_util::{StreamExt, stream};
use std::time::Duration;

#[tokio::test]
async fn each_frame_is_one_event() {
    let texts = stream::iter([Frame::from("a".to_owned()), Frame { name: Some("end"), data: "b".to_owned() }]);
    let response = response(texts, Duration::from_secs(60));
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(body, "data: a\n\nevent: end\ndata: b\n\n");
}

#[tokio::test]
async fn silence_is_broken_by_comments() {
    let texts = stream::iter([Frame::from("a".to_owned())]).chain(stream::pending()).boxed();
    let mut frames = response(texts, Duration::from_millis(5)).into_body().into_data_stream();
    assert_eq!(frames.next().await.unwrap().unwrap(), "data: a\n\n");
    for _ in 0..3 {
        assert_eq!(frames.next().await.unwrap().unwrap(), ": keep-alive\n\n");
    }
}
