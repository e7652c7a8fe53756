//! Streams over a socket: each event at once, errors, and clients that go away.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use serde_json::{Value, json};
use std::sync::Arc;
use support::http::{Running, read_until, request};
use support::{KEY, Scripted, end};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use yizhan_domain::{Error, ErrorCode, Fields, ToolCall, ToolCallPiece};
use yizhan_model::ChatEvent;
use yizhan_server::Settings;

async fn running() -> (Arc<Scripted>, Running) {
    let backend = Scripted::new();
    let server = Running::start(&backend, Settings::default()).await;
    (backend, server)
}

fn body(stream: bool) -> Vec<u8> {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    json!({"model": "scripted-chat", "messages": messages, "stream": stream}).to_string().into_bytes()
}

async fn ask(server: &Running, stream: bool) -> TcpStream {
    let mut connection = server.connect().await;
    let bytes = request(KEY, "POST", "/v1/chat/completions", "", &body(stream));
    connection.write_all(&bytes).await.unwrap();
    connection
}

fn text(delta: &str) -> ChatEvent {
    ChatEvent::text(delta)
}

#[tokio::test]
async fn each_event_arrives_before_the_next_exists() {
    let (backend, server) = running().await;
    let answer = backend.chat.live();
    let mut connection = ask(&server, true).await;
    let head = read_until(&mut connection, "\"role\":\"assistant\"").await.to_lowercase();
    assert!(head.contains("content-type: text/event-stream") && head.contains("x-request-id: req-"));
    for word in ["one", "二", "three"] {
        answer.send(Ok(text(word))).unwrap();
        read_until(&mut connection, word).await;
    }
    end().into_iter().for_each(|event| answer.send(Ok(event)).unwrap());
    read_until(&mut connection, "data: [DONE]\n\n").await;
}

#[tokio::test]
async fn an_error_before_the_first_token_has_its_status() {
    let (_backend, server) = running().await;
    let many = "word ".repeat(2000);
    for stream in [false, true] {
        let body = json!({
            "model": "scripted-chat", "messages": [{"role": "user", "content": many}], "stream": stream,
        });
        let reply = server.call("POST", "/v1/chat/completions", body.to_string()).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "context_length_exceeded"));
    }
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_stream() {
    let (backend, server) = running().await;
    let gone = || Err(Error::new(ErrorCode::WorkerFailed, "The worker died."));
    backend.chat.script(vec![Ok(text("half")), gone()]);
    let reply = server.call("POST", "/v1/chat/completions", body(true)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("half") && reply.body.contains("\"code\":\"worker_failed\""));
    assert!(!reply.body.contains("[DONE]"));
    backend.chat.script(vec![Ok(text("half")), gone()]);
    let reply = server.call("POST", "/v1/chat/completions", body(false)).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "worker_failed"));
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_ends_the_work() {
    let (backend, server) = running().await;
    let answer = backend.chat.live();
    let mut connection = ask(&server, true).await;
    answer.send(Ok(text("first"))).unwrap();
    read_until(&mut connection, "first").await;
    drop(connection);
    answer.closed().await;
    // The connection is on another thread, which counts a moment later.
    while backend.chat.open_streams() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_whole_answer_ends_the_work() {
    let (backend, server) = running().await;
    let answer = backend.chat.live();
    let connection = ask(&server, false).await;
    while backend.chat.open_streams() == 0 {
        tokio::task::yield_now().await;
    }
    drop(connection);
    answer.closed().await;
}

#[tokio::test]
async fn tool_calls_whole_and_streamed() {
    let (backend, server) = running().await;
    let script = || {
        let call = ToolCall { id: "call_1".into(), name: "look".into(), arguments: "{}".into(), extra: Fields::new() };
        let call = ChatEvent::ToolCall { choice: 0, piece: ToolCallPiece::whole(0, call) };
        [call].into_iter().chain(end()).map(Ok).collect()
    };
    backend.chat.script(script());
    let whole: Value = server.call("POST", "/v1/chat/completions", body(false)).await.json();
    let message = &whole["choices"][0]["message"];
    assert_eq!((message["content"].clone(), message["tool_calls"][0]["id"].clone()), (Value::Null, json!("call_1")));
    backend.chat.script(script());
    let streamed = server.call("POST", "/v1/chat/completions", body(true)).await.body;
    assert!(streamed.contains("\"tool_calls\":[{\"index\":0,"), "{streamed}");
}
