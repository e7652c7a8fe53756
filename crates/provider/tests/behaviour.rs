//! How a provider behaves on the wire: when events come, when connections close, what bad replies become.

#![allow(clippy::unwrap_used, reason = "tests say what broke by panicking")]

mod support;

use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use support::{Step, Upstream, chunk, last_chunk, reply, serve, stream_head, upstream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use yizhan_domain::{Error, ErrorCode, FinishReason, Message, ModelName, Role};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, EmbedKind};
use yizhan_provider::{Provider, ProviderConfig, Secret};

const KEY: &str = "sk-very-secret";

fn provider(base: &str, more: Value) -> Result<Provider, Error> {
    let mut config = json!({
        "name": "p", "vendor": "openai-compatible", "base_url": base, "models": [{"name": "m"}],
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let config: ProviderConfig = serde_json::from_value(config).unwrap();
    Provider::new(config, Some(Secret::new(KEY)))
}

fn chat(upstream: &Upstream, more: Value) -> Arc<dyn ChatModel> {
    provider(&upstream.base(), more).unwrap().chat(&ModelName::new("m")).unwrap()
}

fn question(streamed: bool) -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, "?")], streamed, ..ChatRequest::default() }
}

fn delta(text: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
}

fn ending() -> String {
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    format!("data: {last}\n\ndata: [DONE]\n\n")
}

fn whole() -> Vec<u8> {
    let body = json!({"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    reply(200, "content-type: application/json\r\n", &body.to_string())
}

/// Asks, and gives what came before the end or the error, and the error.
async fn ask(model: &dyn ChatModel, streamed: bool) -> (Vec<ChatEvent>, Option<Error>) {
    let mut events = Vec::new();
    match model.generate(&question(streamed)).await {
        Err(error) => return (events, Some(error)),
        Ok(mut stream) => {
            while let Some(event) = stream.next().await {
                match event {
                    Ok(event) => events.push(event),
                    Err(error) => {
                        assert!(stream.next().await.is_none(), "an error is the last item");
                        return (events, Some(error));
                    }
                }
            }
        }
    }
    (events, None)
}

async fn refused(upstream: &Upstream, streamed: bool) -> Error {
    let (_, error) = ask(&*chat(upstream, json!({})), streamed).await;
    error.expect("an error")
}

#[tokio::test]
async fn events_come_before_the_answer_is_whole() {
    let steps = vec![
        Step::Write(stream_head()),
        Step::Write(chunk(&delta("一"))),
        Step::Pause,
        Step::Write(chunk(&ending())),
        Step::Write(last_chunk()),
    ];
    let upstream = upstream(steps).await;
    let mut stream = chat(&upstream, json!({})).generate(&question(true)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), ChatEvent::text("一"));
    upstream.go_on.send(()).unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), ChatEvent::finish(FinishReason::Stop));
    assert!(matches!(stream.next().await, Some(Ok(ChatEvent::End { .. }))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn events_of_one_piece_come_without_waiting_in_between() {
    let piece = format!("{}{}{}", delta("一"), delta("二"), delta("三"));
    let steps = vec![Step::Write(stream_head()), Step::Write(chunk(&piece)), Step::Pause];
    let upstream = upstream(steps).await;
    let mut stream = chat(&upstream, json!({})).generate(&question(true)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), ChatEvent::text("一"));
    for text in ["二", "三"] {
        let event = stream.next().now_or_never().expect("it is there already");
        assert_eq!(event.unwrap().unwrap(), ChatEvent::text(text));
    }
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let steps = vec![Step::Write(stream_head()), Step::Write(chunk(&delta("一"))), Step::Pause];
    let mut upstream = upstream(steps).await;
    let model = chat(&upstream, json!({}));
    let mut stream = model.generate(&question(true)).await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert!(upstream.closed.try_recv().is_err(), "it is open as long as someone listens");
    drop(stream);
    let closed = tokio::time::timeout(Duration::from_secs(20), upstream.closed.recv()).await;
    closed.expect("the upstream sees the close").unwrap();
}

#[tokio::test]
async fn giving_up_before_the_reply_begins_closes_the_connection() {
    let mut upstream = upstream(vec![Step::Pause]).await;
    let model = chat(&upstream, json!({}));
    let request = question(true);
    let mut asking = Box::pin(model.generate(&request));
    while upstream.received().is_empty() {
        assert!(asking.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(asking);
    let closed = tokio::time::timeout(Duration::from_secs(20), upstream.closed.recv()).await;
    closed.expect("the upstream sees the close").unwrap();
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let mut end = chunk(&ending());
    end.extend(last_chunk());
    let streaming = upstream(vec![Step::Write(stream_head()), Step::Write(end)]).await;
    let unary = upstream(vec![Step::Write(whole())]).await;
    for (upstream, streamed) in [(streaming, true), (unary, false)] {
        let model = chat(&upstream, json!({}));
        for _ in 0..20 {
            let (events, error) = ask(&*model, streamed).await;
            assert!(error.is_none() && matches!(events.last(), Some(ChatEvent::End { .. })), "{error:?} {events:?}");
        }
        // The next call may come before the last one's connection is back.
        assert!(upstream.connections() <= 3, "streamed: {streamed}: {}", upstream.connections());
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    let mut upstream = upstream(vec![Step::Write(whole()), Step::Close]).await;
    let model = chat(&upstream, json!({}));
    for calls in 1..=3 {
        let (_, error) = ask(&*model, false).await;
        assert_eq!(error, None, "call {calls}");
        upstream.closed.recv().await.unwrap();
        assert_eq!(upstream.connections(), calls);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_a_while() {
    let mut upstream = upstream(vec![Step::Write(whole())]).await;
    let model = chat(&upstream, json!({}));
    assert_eq!(ask(&*model, false).await.1, None);
    assert!(upstream.closed.recv().now_or_never().is_none(), "it is kept at first");
    // With the clock stopped, waiting lets time pass at once.
    tokio::time::pause();
    upstream.closed.recv().await.unwrap();
    tokio::time::resume();
    assert_eq!(ask(&*model, false).await.1, None);
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn each_thread_keeps_connections_of_its_own() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (here, there) = (runtime(), runtime());
    let served = tokio::runtime::Runtime::new().unwrap();
    let upstream = served.block_on(upstream(vec![Step::Write(whole())]));
    let model = chat(&upstream, json!({}));
    let ask_twice = |runtime: &tokio::runtime::Runtime| {
        runtime.block_on(async {
            assert_eq!(ask(&*model, false).await.1, None);
            assert_eq!(ask(&*model, true).await.1, None);
        });
    };
    ask_twice(&here);
    std::thread::scope(|scope| scope.spawn(|| ask_twice(&there)).join()).unwrap();
    // The runtime that the other connection belongs to is gone: nobody may stumble over it.
    drop(there);
    ask_twice(&here);
    assert_eq!(upstream.connections(), 2);
}

#[tokio::test]
async fn silence_ends_by_its_time_out() {
    let before = upstream(vec![Step::Pause]).await;
    let between = upstream(vec![Step::Write(stream_head()), Step::Write(chunk(&delta("一"))), Step::Pause]).await;
    let never = upstream(vec![Step::Write(stream_head()), Step::Pause]).await;
    for (upstream, streamed, limits, (events_before, said)) in [
        (&before, true, json!({"first_byte": 0.03}), (0, "sent nothing for 0.03 s")),
        (&before, false, json!({"total": 0.03}), (0, "not done after 0.03 s")),
        (&never, true, json!({"first_byte": 0.03}), (0, "sent nothing for 0.03 s")),
        (&between, true, json!({"idle": 0.03}), (1, "sent nothing for 0.03 s")),
        (&between, true, json!({"total": 0.2}), (1, "not done after 0.2 s")),
    ] {
        let model = chat(upstream, json!({"timeouts": limits}));
        let (events, error) = ask(&*model, streamed).await;
        let error = error.unwrap_or_else(|| panic!("{limits}"));
        assert_eq!(error.code(), ErrorCode::Timeout, "{limits}: {error}");
        assert!(error.message().contains(said), "{limits}: {error}");
        assert!(events.len() <= events_before, "{limits}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_after_what_came() {
    let cut = upstream(vec![Step::Write(stream_head()), Step::Write(chunk(&delta("一"))), Step::Close]).await;
    let (events, error) = ask(&*chat(&cut, json!({})), true).await;
    assert_eq!(events, [ChatEvent::text("一")]);
    assert_eq!(error.unwrap().code(), ErrorCode::ProviderFailed);

    let short = vec![Step::Write(stream_head()), Step::Write(chunk(&delta("一"))), Step::Write(last_chunk())];
    let (events, error) = ask(&*chat(&upstream(short).await, json!({})), true).await;
    assert_eq!(events, [ChatEvent::text("一")]);
    assert!(error.unwrap().message().contains("in the middle of the answer"));
}

#[tokio::test]
async fn a_named_error_event_is_an_error() {
    let text = "event: error\ndata: overloaded, come back\n\n";
    let steps = vec![Step::Write(stream_head()), Step::Write(chunk(text)), Step::Write(last_chunk())];
    assert!(refused(&upstream(steps).await, true).await.message().contains("overloaded, come back"));
}

#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    let html = "content-type: text/html\r\n";
    let json = "content-type: application/json\r\n";
    let stream = "content-type: text/event-stream\r\n";
    for (bytes, streamed, word) in [
        (reply(200, html, "<html>Log in</html>"), true, "web page"),
        (reply(200, html, "<html>Log in</html>"), false, "web page"),
        (reply(200, json, ""), false, "empty"),
        (reply(200, stream, ""), true, "before it began"),
        (reply(200, json, "{}"), false, "no answer"),
        (reply(200, json, r#"{"choices":[]}"#), false, "no answer"),
        (reply(200, json, r#"{"choices":7}"#), false, "unreadable"),
        (reply(200, stream, "data: {\"choices\": [\n\n"), true, "unreadable"),
        (reply(302, "location: http://127.0.0.1:1/\r\n", ""), false, "redirects"),
        (reply(500, html, "<html>"), false, "answered 500"),
        (b"nonsense".to_vec(), false, "cannot be reached"),
    ] {
        let upstream = upstream(vec![Step::Write(bytes.clone()), Step::Close]).await;
        let error = refused(&upstream, streamed).await;
        let what = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(error.code(), ErrorCode::ProviderFailed, "{what}: {error}");
        assert!(error.message().contains(word), "{what}: {error}");
    }
}

#[tokio::test]
async fn an_endless_line_is_refused() {
    let piece = "data: ".to_owned() + &"x".repeat(1 << 20);
    let mut steps = vec![Step::Write(stream_head())];
    steps.extend((0..6).map(|_| Step::Write(chunk(&piece))));
    steps.push(Step::Pause);
    let error = refused(&upstream(steps).await, true).await;
    assert!(error.message().contains("longer than"), "{error}");
}

#[tokio::test]
async fn a_reply_beyond_all_measure_is_refused_unread() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000000\r\n\r\n{";
    let mut upstream = upstream(vec![Step::Write(head.to_vec()), Step::Pause]).await;
    let error = refused(&upstream, false).await;
    assert!(error.message().contains("longer than"), "{error}");
    upstream.closed.recv().await.expect("nobody waits for the rest");
}

#[tokio::test]
async fn nobody_listening_is_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let model = provider(&base, json!({})).unwrap().chat(&ModelName::new("m")).unwrap();
    let (_, error) = ask(&*model, false).await;
    assert!(error.unwrap().message().contains("cannot be reached"));
}

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    let echo = json!({"error": {"message": format!("bad key {KEY}"), "type": "auth"}}).to_string();
    let upstream = upstream(vec![Step::Write(reply(401, "content-type: application/json\r\n", &echo))]).await;
    let made = provider(&upstream.base(), json!({"headers": {"x-more": KEY}})).unwrap();
    let (_, error) = ask(&*made.chat(&ModelName::new("m")).unwrap(), false).await;
    assert_eq!(upstream.received()[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(upstream.received()[0].header("x-more"), Some(KEY));
    // Not every server that repeats the key says 401.
    let bad = support::upstream(vec![Step::Write(reply(400, "content-type: application/json\r\n", &echo))]).await;
    let (_, repeated) = ask(&*chat(&bad, json!({})), false).await;
    let repeated = repeated.unwrap();
    assert!(repeated.message().contains("bad key …"), "{repeated}");
    let config: ProviderConfig = serde_json::from_value(json!({
        "name": "p", "vendor": "openai", "headers": {"x-more": KEY},
    }))
    .unwrap();
    let shown = format!("{made:?} {error:?} {:?} {} {config:?}", Secret::new(KEY), Secret::new(KEY));
    assert!(!shown.contains(KEY), "{shown}");
}

#[tokio::test]
async fn what_the_model_cannot_do_is_refused_before_it_is_sent() {
    let upstream = upstream(vec![Step::Write(whole())]).await;
    let model = chat(&upstream, json!({"models": [{"name": "m", "capabilities": ["images"]}]}));
    let mut request = question(false);
    request.tools = vec![json!({"type": "function", "function": {"name": "f"}})];
    let error = model.generate(&request).await.err().unwrap();
    assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some("tools")));
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn texts_are_embedded_in_the_vendors_batches() {
    let row = |index: usize| json!({"index": index, "embedding": [1.0, 0.0]});
    let body = json!({"data": [row(0), row(1)], "usage": {"prompt_tokens": 4}}).to_string();
    let upstream = upstream(vec![Step::Write(reply(200, "", &body))]).await;
    let models = json!([{"name": "e", "kind": "embedding", "dimensions": 2, "batch": 2, "query_prefix": "q: ",
        "context_length": 6}]);
    let made = provider(&upstream.base(), json!({"models": models})).unwrap();
    let model = made.embed(&ModelName::new("e")).unwrap();
    let texts = ["a", "b", "c", "一二三四五六七八"].map(str::to_owned).to_vec();
    let vectors = model.embed(EmbedKind::Query, texts).await.unwrap();
    assert_eq!((vectors.rows().len(), vectors.tokens), (4, 8));
    let sent: Vec<Value> = upstream.received().iter().map(|request| request.json()["input"].clone()).collect();
    assert_eq!(sent, [json!(["q: a", "q: b"]), json!(["q: c", "q: 一二三四"])], "cut to what the model takes");
    let wrong = json!([{"name": "e", "kind": "embedding", "dimensions": 3}]);
    let made = provider(&upstream.base(), json!({"models": wrong})).unwrap();
    let failed = made.embed(&ModelName::new("e")).unwrap().embed(EmbedKind::Plain, vec!["a".into(), "b".into()]).await;
    assert!(failed.unwrap_err().message().contains("'dimensions' says 3"));
}

#[tokio::test]
async fn tls_is_checked_against_the_authorities_that_are_trusted() {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let upstream = serve(vec![Step::Write(whole())], move |socket| {
        let acceptor = acceptor.clone();
        async move { acceptor.accept(socket).await.ok() }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, own.cert.pem()).unwrap();
    let base = format!("https://localhost:{}", upstream.address.port());
    let ask_with = async |more: Value| {
        let model = provider(&base, more).unwrap().chat(&ModelName::new("m")).unwrap();
        ask(&*model, false).await
    };
    let (events, error) = ask_with(json!({"ca_file": file})).await;
    assert!(error.is_none() && events.contains(&ChatEvent::text("ok")), "{error:?}");
    let (_, error) = ask_with(json!({})).await;
    assert_eq!(error.expect("nobody vouches for it").code(), ErrorCode::ProviderFailed);
    assert_eq!(upstream.received().len(), 1, "nothing is sent to a stranger");
}
