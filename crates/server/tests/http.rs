//! The server over a socket: what it refuses and how, limits, and shutdown.

mod support;

use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use support::http::{Running, read_until, request};
use support::{KEY, Scripted};
use tokio::io::AsyncWriteExt;
use yizhan_access::{Access, Scope};
use yizhan_server::Settings;

const CHAT: &str = "/v1/chat/completions";

async fn running() -> (Arc<Scripted>, Running) {
    let backend = Scripted::new();
    let server = Running::start(&backend, Settings::default()).await;
    (backend, server)
}

fn question(text: &str) -> String {
    json!({"model": "scripted-chat", "messages": [{"role": "user", "content": text}]}).to_string()
}

#[tokio::test]
async fn what_the_gateway_does_not_see_is_noted() {
    let (backend, server) = running().await;
    let noted = || std::mem::take(&mut *backend.notes.lock().unwrap());
    server.call("POST", CHAT, question("hello")).await;
    server.call("GET", "/v1/models", "").await;
    server.call("GET", "/nowhere", "").await;
    assert!(noted().is_empty(), "the gateway notes calls itself; reading is not noted");
    server.call("POST", CHAT, "{").await;
    server.call_as("sk-wrong", "POST", CHAT, question("hello")).await;
    server.call_as("sk-wrong", "GET", "/v1/models", "").await;
    server.call("POST", "/v1/vector_stores", json!({"name": "shop"}).to_string()).await;
    let notes: Vec<_> = noted().into_iter().map(|note| (note.status, note.principal.is_some(), note.path)).collect();
    let expected =
        [(400, true, CHAT), (401, false, CHAT), (401, false, "/v1/models"), (200, true, "/v1/vector_stores")];
    assert_eq!(notes, expected.map(|(status, is_known, path)| (status, is_known, path.to_owned())));
}

#[tokio::test]
async fn refusals_have_openais_shape() {
    let (_backend, server) = running().await;
    let deep = format!("{{\"model\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let cases: [(&str, &str, &[u8], u16, &str); 12] = [
        ("GET", "/nothing/here", b"", 404, "not_found"),
        ("PUT", "/v1/models", b"", 405, "method_not_allowed"),
        ("GET", CHAT, b"", 405, "method_not_allowed"),
        ("POST", CHAT, b"", 400, "invalid_request"),
        ("POST", CHAT, b"{\"model\": ", 400, "invalid_request"),
        ("POST", CHAT, b"[1]", 400, "invalid_request"),
        ("POST", CHAT, b"\xff\xfe{}", 400, "invalid_request"),
        ("POST", CHAT, deep.as_bytes(), 400, "invalid_request"),
        ("GET", "/v1/models/no-such", b"", 404, "model_not_found"),
        ("GET", "/v1/files/file-none", b"", 404, "not_found"),
        ("GET", "/v1/vector_stores/none", b"", 404, "not_found"),
        ("GET", "/v1/files?limit=0", b"", 400, "invalid_request"),
    ];
    for (method, path, body, status, code) in cases {
        let reply = server.call(method, path, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{method} {path}");
        let error = &reply.json()["error"];
        assert!(error["message"].as_str().is_some_and(|message| message.ends_with('.')), "{error}");
        assert!(error["type"].is_string() && error.get("param").is_some());
    }
}

#[tokio::test]
async fn malformed_json_is_located() {
    let (_backend, server) = running().await;
    let reply = server.call("POST", CHAT, "{\"model\": \"m\",\n  oops}").await;
    assert!(reply.body.contains("line 2 column 3"), "{}", reply.body);
}

#[tokio::test]
async fn a_key_is_needed_and_its_scope_counts() {
    let backend = Scripted::new();
    let access = Arc::new(Access::new(Arc::new(backend.store.clone())));
    let (asking, editing) =
        (backend.key(&access, Scope::Inference).await, backend.key(&access, Scope::Documents).await);
    let server = Running::with(backend.state_with(access, Settings::default())).await;
    let reply = server.raw("GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!((reply.status, reply.code().as_str()), (401, "invalid_api_key"));
    assert!(reply.head.contains("www-authenticate: bearer"));
    assert_eq!(server.call_as("wrong", "POST", CHAT, question("Hi")).await.status, 401);
    assert_eq!(server.call_as(&asking, "POST", CHAT, question("Hi")).await.status, 200);
    assert_eq!(server.call_as(&editing, "POST", CHAT, question("Hi")).await.code(), "permission_denied");
    assert_eq!(server.call_as(&asking, "POST", "/v1/vector_stores", "{}").await.code(), "permission_denied");
    assert_eq!(server.call_as(&editing, "POST", "/v1/vector_stores", "{}").await.status, 200);
    assert_eq!(server.call_as(&asking, "GET", "/v1/vector_stores", "").await.status, 200);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(server.call_as("", "GET", path, "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn too_large_a_body_is_refused_whether_announced_or_not() {
    let backend = Scripted::new();
    let server = Running::start(&backend, Settings { body_bytes: 1000, ..Settings::default() }).await;
    let reply = server.call("POST", CHAT, "x".repeat(3000)).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "request_too_large"));
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {KEY}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let chunk = format!("{:x}\r\n{}\r\n", 600, "x".repeat(600));
    let reply = server.raw(format!("{head}{chunk}{chunk}0\r\n\r\n")).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "request_too_large"));
}

#[tokio::test]
async fn uploads_have_a_limit_and_need_a_file() {
    let backend = Scripted::new();
    let server = Running::start(&backend, Settings { file_bytes: 1000, ..Settings::default() }).await;
    let form = |name: &str, bytes: &str| {
        format!(
            "--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"a.txt\"\r\n\r\n{bytes}\r\n--b--\r\n"
        )
    };
    let send = async |body: String| {
        let headers = "content-type: multipart/form-data; boundary=b\r\n";
        server.raw(request(KEY, "POST", "/v1/files", headers, body.as_bytes())).await
    };
    assert_eq!(send(form("file", "hello")).await.json()["bytes"], 5);
    assert_eq!(send(form("file", &"x".repeat(1001))).await.status, 413);
    assert_eq!(send(form("file", "")).await.json()["error"]["param"], "file");
    assert_eq!(send(form("other", "hello")).await.json()["error"]["param"], "file");
    assert_eq!(send("--b\r\nbroken".into()).await.status, 400);
    assert_eq!(server.call("POST", "/v1/files", "no form").await.status, 400);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_with_the_requests_id() {
    let (_backend, server) = running().await;
    let body = json!({"model": "scripted-chat", "messages": [
        {"role": "system", "content": "x"}, {"role": "user", "content": "panic"},
    ]});
    let own = "x-request-id: trace-7\r\n";
    let reply = server.raw(request(KEY, "POST", CHAT, own, body.to_string().as_bytes())).await;
    assert_eq!((reply.status, reply.code().as_str()), (500, "internal_error"));
    assert!(reply.head.contains("x-request-id: trace-7") && reply.body.contains("trace-7"));
    assert_eq!(server.call("POST", CHAT, question("Hi")).await.status, 200);
}

#[tokio::test]
async fn every_reply_has_an_id() {
    let (_backend, server) = running().await;
    let first = server.call("GET", "/healthz", "").await;
    assert!(first.head.contains("x-request-id: req-"));
    let hostile = request(KEY, "GET", "/healthz", &format!("x-request-id: {}\r\n", "y".repeat(500)), b"");
    assert!(server.raw(hostile).await.head.contains("x-request-id: req-"));
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let backend = Scripted::new();
    let settings = Settings { head_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Running::start(&backend, settings).await;
    // Ends only when the server closes the connection.
    let reply = server.raw("GET /healthz HTTP/1.1\r\nhost: x\r\n").await;
    assert_ne!(reply.status, 200);
}

#[tokio::test]
async fn a_body_that_stalls_is_not_waited_for() {
    let backend = Scripted::new();
    let settings = Settings { idle_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Running::start(&backend, settings).await;
    let mut bytes = request(KEY, "POST", CHAT, "", question("Hi").as_bytes());
    bytes.truncate(bytes.len() - 5);
    let reply = server.raw(bytes).await;
    assert_eq!((reply.status, reply.code().as_str()), (408, "request_timeout"));
}

#[tokio::test]
async fn cors_is_off_unless_configured() {
    let (_backend, server) = running().await;
    let origin = "origin: https://app.example\r\n";
    let preflight = format!("{origin}access-control-request-method: POST\r\n");
    let reply = server.raw(request(KEY, "GET", "/v1/models", origin, b"")).await;
    assert!(!reply.head.contains("access-control"));
    let settings = Settings { cors_origins: vec!["https://app.example".into()], ..Settings::default() };
    let server = Running::start(&Scripted::new(), settings).await;
    let reply = server.raw(request(KEY, "OPTIONS", CHAT, &preflight, b"")).await;
    assert_eq!(reply.status, 204);
    assert!(reply.head.contains("access-control-allow-origin: https://app.example"));
    let other = server.raw(request(KEY, "GET", "/v1/models", "origin: https://evil.example\r\n", b"")).await;
    assert!(!other.head.contains("access-control"));
}

#[tokio::test]
async fn every_route_of_the_description_answers() {
    let (_backend, server) = running().await;
    let description: Value = server.call("GET", "/openapi.json", "").await.json();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace('{', "no-").replace('}', "");
            let reply = server.call(&method.to_uppercase(), &path, "").await;
            assert_ne!(reply.status, 405, "{method} {path}");
            assert!(!reply.body.contains("There is no route"), "{method} {path}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn shutdown_lets_a_stream_end_and_takes_no_more() {
    let (backend, mut server) = running().await;
    let answer = backend.chat.live();
    let mut body: Value = serde_json::from_str(&question("Hi")).unwrap();
    body["stream"] = json!(true);
    let mut stream = server.connect().await;
    stream.write_all(&request(KEY, "POST", CHAT, "", body.to_string().as_bytes())).await.unwrap();
    read_until(&mut stream, "\"role\":\"assistant\"").await;
    server.stop.take().unwrap().send(()).unwrap();
    // The listener is gone once connecting fails; the stream goes on.
    while tokio::net::TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    answer.send(Ok(yizhan_model::ChatEvent::text("still here"))).unwrap();
    read_until(&mut stream, "still here").await;
    support::end().into_iter().for_each(|event| answer.send(Ok(event)).unwrap());
    read_until(&mut stream, "[DONE]").await;
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_cuts_what_does_not_end() {
    let backend = Scripted::new();
    let settings = Settings { shutdown_grace: Duration::from_millis(50), ..Settings::default() };
    let mut server = Running::start(&backend, settings).await;
    let answer = backend.chat.live();
    let mut stream = server.connect().await;
    stream.write_all(&request(KEY, "POST", CHAT, "", question("Hi").as_bytes())).await.unwrap();
    while backend.chat.open_streams() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop.take().unwrap().send(()).unwrap();
    server.task.await.unwrap().unwrap();
    answer.closed().await;
}
