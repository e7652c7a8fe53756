//! The server over a socket, under clients that mean it ill or do not know better: each gets an error in the shape of
//! its API or a closed connection, the next request is answered, and memory stays bounded.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use support::http::{Reply, Running, assert_alive, assert_shaped, impatient, read_until, request};
use support::{KEY, Scripted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use yizhan_access::{Access, Scope};
use yizhan_domain::{CallId, KeyId, ModelName, TenantId};
use yizhan_gateway::{ReviewSettings, Reviews};
use yizhan_server::Settings;
use yizhan_store::{MemoryStore, NewReview, ReviewSide, ReviewStore};

const CHAT: &str = "/v1/chat/completions";
const MEGABYTE: usize = 1 << 20;

async fn running() -> Running {
    Running::start(&Scripted::new(), impatient()).await
}

/// Every route that takes a JSON body, as (method, path with names in it).
async fn json_routes(server: &Running) -> Vec<(String, String)> {
    let description = server.call("GET", "/openapi.json", "").await.json();
    let mut routes = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation["requestBody"]["content"]["application/json"].is_object() {
                let tenant = path.replace("{tenant}", "default");
                routes.push((method.to_uppercase(), tenant.replace('{', "no-").replace('}', "")));
            }
        }
    }
    assert!(routes.len() > 15, "{routes:?}");
    routes
}

#[tokio::test]
async fn heads_that_are_no_requests_are_refused() {
    let server = running().await;
    let tls_hello = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 508]].concat();
    let cases: [(&str, &[u8]); 17] = [
        ("NUL bytes", b"\0\0\0\0\r\n\r\n"),
        ("no path", b"GET\r\n\r\n"),
        ("HTTP/0.9", b"GET /\r\n\r\n"),
        ("HTTP/9.9", b"GET / HTTP/9.9\r\n\r\n"),
        ("no colon", b"GET /healthz HTTP/1.1\r\nhost x\r\n\r\n"),
        ("a space in a name", b"GET /healthz HTTP/1.1\r\nho st: x\r\n\r\n"),
        ("a space before the colon", b"GET /healthz HTTP/1.1\r\ntransfer-encoding : chunked\r\n\r\n"),
        ("NUL in a value", b"GET /healthz HTTP/1.1\r\nhost: x\0y\r\n\r\n"),
        ("NUL in the path", b"GET /healthz\0 HTTP/1.1\r\nhost: x\r\n\r\n"),
        ("a folded line", b"GET /healthz HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n"),
        ("TLS", &tls_hello),
        ("no number", b"POST /v1/files HTTP/1.1\r\ncontent-length: ten\r\n\r\n"),
        ("a negative length", b"POST /v1/files HTTP/1.1\r\ncontent-length: -1\r\n\r\n"),
        ("a signed length", b"POST /v1/files HTTP/1.1\r\ncontent-length: +5\r\n\r\nhello"),
        ("two lengths", b"POST /v1/files HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        ("a huge length", b"POST /v1/files HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n"),
        ("unknown coding", b"POST /v1/files HTTP/1.1\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ];
    for (what, bytes) in cases {
        let reply = server.raw(bytes).await;
        assert_eq!(reply.status, 400, "{what}: {}", reply.head);
        assert_shaped(&reply, what);
        assert!(reply.head.contains("connection: close"), "{what}");
        assert_alive(&server, what).await;
    }
}

#[tokio::test]
async fn an_http2_preface_closes_the_connection() {
    let server = running().await;
    let reply = server.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert_ne!(reply.status, 200);
    assert_alive(&server, "a preface").await;
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let server = running().await;
    let many: String = (0..10_000).map(|number| format!("x-{number}: y\r\n")).collect();
    let cases = [
        ("10,000 headers", format!("GET /healthz HTTP/1.1\r\n{many}\r\n"), 431),
        ("1 MB in one header", format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(MEGABYTE)), 431),
        ("1 MB in one name", format!("GET /healthz HTTP/1.1\r\n{}: y\r\n\r\n", "x".repeat(MEGABYTE)), 431),
        ("1 MB without a line's end", "x".repeat(MEGABYTE), 400),
        ("a path of 100 KB", format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000)), 414),
    ];
    for (what, head, status) in cases {
        let reply = server.raw(head).await;
        // A server that closes with bytes unread may be too quick for its own answer.
        if reply.status != 0 {
            assert!(reply.status == status || reply.status == 431, "{what}: {}", reply.head);
            assert_shaped(&reply, what);
        }
        assert_alive(&server, what).await;
    }
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off() {
    let server = running().await;
    let mut stream = server.connect().await;
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let mut bytes = "GET /healthz HTTP/1.1\r\n".bytes().chain("x: y\r\n".bytes().cycle());
    let mut buffer = [0; 256];
    // Each byte comes sooner than any pause would be too long; the head as a whole comes too late.
    let ended = async {
        loop {
            tokio::select! {
                _ = tick.tick() => if stream.write_all(&[bytes.next().unwrap()]).await.is_err() { break },
                read = stream.read(&mut buffer) => if !matches!(read, Ok(1..)) { break },
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the connection is closed");
    assert_alive(&server, "a trickle").await;
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    // The pause that is allowed is much longer than the ones that are made.
    let settings = Settings { idle_timeout: Duration::from_millis(300), body_rate: 1_000_000, ..Settings::default() };
    let server = Running::start(&Scripted::new(), settings).await;
    let form = "content-type: multipart/form-data; boundary=b\r\n";
    let file = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    for (path, headers, begin) in [(CHAT, "", ""), ("/v1/messages", "", ""), ("/v1/files", form, file)] {
        let mut stream = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n{headers}");
        let head = format!("{head}content-length: 1000000\r\n\r\n{begin}");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = stream.split();
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        let trickle = async {
            while writing.write_all(b" ").await.is_ok() {
                tick.tick().await;
            }
            std::future::pending().await
        };
        let mut answer = Vec::new();
        let answered = async {
            // A connection that is reset after the answer has told it all the same.
            let _ = reading.read_to_end(&mut answer).await;
        };
        let ended = async {
            tokio::select! { () = trickle => {}, () = answered => {} }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect(path);
        let reply = Reply::read(&answer);
        assert_eq!(reply.status, 408, "{path}: {}", reply.head);
        assert_shaped(&reply, path);
        assert!(reply.head.contains("connection: close") && reply.body.contains("request_timeout"), "{reply:?}");
        assert_alive(&server, path).await;
    }
}

#[tokio::test]
async fn nobodys_body_is_waited_for_before_it_is_known_whose() {
    // Patient with bodies: whoever waited for one would run into this test's own limit.
    let server = Running::start(&Scripted::new(), Settings::default()).await;
    for path in [CHAT, "/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/v1/embeddings", "/v1/files"] {
        let mut stream = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: wrong\r\ncontent-length: 1000000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let answered = read_until(&mut stream, "\r\n\r\n");
        let head = tokio::time::timeout(Duration::from_secs(20), answered).await.expect(path);
        assert!(head.starts_with("HTTP/1.1 401"), "{path}: {head}");
    }
}

#[tokio::test]
async fn a_file_that_is_announced_too_large_is_refused_at_once() {
    let server = running().await;
    let head = format!(
        "POST /v1/files HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {KEY}\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: 99999999999999\r\n\r\n"
    );
    let reply = server.raw(head).await;
    assert_eq!(reply.status, 413);
    assert_shaped(&reply, "/v1/files");
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let server = running().await;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {KEY}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let long_extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(100_000));
    let trailers = format!("0\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    for chunks in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloworld\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        &long_extension,
        &trailers,
    ] {
        let reply = server.raw(format!("{head}{chunks}")).await;
        let shown: String = chunks.chars().take(30).collect();
        assert_shaped(&reply, &shown);
        assert_alive(&server, &shown).await;
    }
}

#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let server = running().await;
    let inner = "GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n";
    let outer = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n");
    let cases = [
        // Who goes by the length sees one request; who goes by the chunks would see two.
        format!("{outer}content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}", 5 + inner.len()),
        format!("{outer}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{inner}"),
        format!(
            "{outer}transfer-encoding: identity\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{inner}"
        ),
        format!("{outer}transfer-encoding: xchunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{inner}"),
        format!("{outer}transfer-encoding:\x0bchunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{inner}"),
    ];
    for case in cases {
        let reply = server.raw(&case).await;
        let is_alone = !reply.body.contains("HTTP/1.1 2") && !reply.body.contains("HTTP/1.1 4");
        assert!(reply.status >= 400 && is_alone, "{case}\n→ {}\n{}", reply.head, reply.body);
        assert_alive(&server, &case).await;
    }
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row_up_to_the_first_bad_one() {
    let server = running().await;
    let good = format!("GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\r\n");
    let reply = server.raw(format!("{good}{good}garbage\r\n\r\n{good}")).await;
    assert_eq!(reply.status, 200);
    let all = format!("{}{}", reply.head.to_uppercase(), reply.body);
    let of = |status: &str| all.matches(&format!("HTTP/1.1 {status}")).count();
    let replies = all.to_lowercase().matches("\r\ncontent-length:").count();
    assert_eq!((of("200"), of("400"), replies), (2, 1, 3), "{all}");
}

/// Heads that hyper refuses by itself, and the status.
fn refused_heads() -> [(String, u16); 3] {
    [
        ("garbage\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000)), 414),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200)), 431),
    ]
}

#[tokio::test]
async fn what_is_refused_after_a_reply_has_the_same_form() {
    let backend = Scripted::new();
    let server = Running::start(&backend, Settings::default()).await;
    let ask = |stream: bool| {
        let message = json!({"role": "user", "content": "Hi"});
        let body = json!({"model": "scripted-chat", "stream": stream, "messages": [message]}).to_string();
        let head = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n");
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    };
    let (whole, streamed) = (ask(false), ask(true));
    let list = format!("GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\r\n");
    let absent = "HEAD /v1/models HTTP/1.1\r\nhost: x\r\n\r\n".to_owned();
    for (good, end) in [(&whole, "}"), (&streamed, "\r\n0\r\n\r\n"), (&list, "]}"), (&absent, "\r\n\r\n")] {
        for (bad, status) in refused_heads() {
            // As a client that reads each reply before it asks again, and in one piece.
            for is_patient in [true, false] {
                let mut stream = server.connect().await;
                let mut all = String::new();
                if is_patient {
                    stream.write_all(good.as_bytes()).await.unwrap();
                    all = read_until(&mut stream, end).await;
                    let _ = stream.write_all(bad.as_bytes()).await;
                } else {
                    let _ = stream.write_all(format!("{good}{bad}").as_bytes()).await;
                }
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                all += &String::from_utf8_lossy(&rest);
                let at = all.rfind("HTTP/1.1 4").unwrap();
                assert!(at > 0 && all[..at].ends_with(end), "the reply before it is whole: {all}");
                let refused = Reply::read(&all.as_bytes()[at..]);
                assert_eq!(refused.status, status, "{all}");
                assert_shaped(&refused, "");
                assert!(refused.head.contains(&format!("content-length: {}", refused.body.len())), "{refused:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_reads_like_a_refusal_arrives_as_it_is() {
    let server = Running::start(&Scripted::new(), Settings::default()).await;
    let text = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".repeat(40_000);
    let part = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    let form = format!("{part}{text}\r\n--b--\r\n");
    let kind = "content-type: multipart/form-data; boundary=b\r\n";
    let file = server.raw(request(KEY, "POST", "/v1/files", kind, form.as_bytes())).await.json();
    let path = format!("/v1/files/{}/content", file["id"].as_str().unwrap());
    let get = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\r\n");
    // The second request waits in the server's buffer while the client reads the first reply in small pieces.
    let reply = server.raw(format!("{get}garbage\r\n\r\n")).await;
    assert_eq!(reply.status, 200);
    let (content, refused) = reply.body.split_at(text.len());
    assert!(content == text, "the content is changed");
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
}

#[tokio::test]
async fn odd_targets_are_told_apart_from_routes() {
    let server = running().await;
    let call = async |method: &str, target: &str| server.call(method, target, "").await;
    assert_eq!(call("GET", "http://other.example/v1/models").await.status, 200, "the absolute form is the same route");
    for (method, target) in [
        ("OPTIONS", "*"),
        ("CONNECT", "other.example:443"),
        ("GET", "http://other.example/nowhere"),
        ("GET", "//v1/models"),
        ("GET", "/v1/../v1/models"),
        ("GET", "/v1/files/..%2f..%2f..%2fetc%2fpasswd"),
        ("GET", "/v1/files/%2e%2e/content"),
        ("DELETE", "/v1/files/..%5c..%5cyizhan.db"),
        ("GET", "/v1/files/file-%00"),
        ("GET", "/v1/files/%ff%fe"),
        ("GET", "/v1/files/%"),
        ("GET", "/v1/files/%zz"),
        ("GET", "/v1/models/%c0%ae"),
        ("GET", "/v1/vector_stores/%ff"),
        ("GET", "/v1/vector_stores/%ff/files/%fe"),
        ("GET", "/admin/v1/tenants/%ff/keys"),
        ("GET", "/v1/files?limit=%ff"),
        ("GET", "/v1/files?limit=18446744073709551616"),
        ("GET", "/v1/files?after=%00&before=%ff&order=asc"),
        ("GET", "/admin/v1/usage?from=%ff"),
        ("GET", "/v1/messages"),
        ("PUT", "/v1/messages/count_tokens"),
        ("POST", "/v1/messages/nothing"),
        ("BREW", "/v1/models"),
    ] {
        let reply = call(method, target).await;
        assert_shaped(&reply, target);
    }
    for bytes in [&b"GET /v1/files/\xff\xfe HTTP/1.1\r\n"[..], b"GET /v1/files/\xe9\xa9\xbf HTTP/1.1\r\n"] {
        let rest = format!("host: x\r\nconnection: close\r\nauthorization: Bearer {KEY}\r\n\r\n");
        let reply = server.raw([bytes, rest.as_bytes()].concat()).await;
        assert_shaped(&reply, "bytes beyond ASCII in a path");
    }
}

#[tokio::test]
async fn headers_that_are_no_text_are_as_if_absent() {
    let server = running().await;
    for name in ["authorization", "x-api-key", "x-request-id", "user-agent", "cache-control", "traceparent", "origin"] {
        let head = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{name}: Bearer ");
        let reply = server.raw([head.as_bytes(), b"\xff\xfe\x80\r\ncontent-length: 2\r\n\r\n{}"].concat()).await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "invalid_api_key"), "{name}");
        assert_shaped(&reply, CHAT);
    }
}

#[tokio::test]
async fn every_json_route_survives_every_bad_body() {
    let server = running().await;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let wide = format!("{{{}\"z\":1}}", "\"a\":1,".repeat(50_000));
    let fields = "model messages input query documents name file_ids filters limits attributes content files";
    let field = |value: &str| {
        let pairs: Vec<String> = fields.split(' ').map(|name| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", pairs.join(","))
    };
    let bodies: Vec<Vec<u8>> = vec![
        deep("[", "]").into(),
        deep("{\"a\":", "}").into(),
        field(&deep("[", "]")).into(),
        "[".repeat(100_000).into(),
        b"\xff\xfe{\0}\0".to_vec(),
        b"{\"model\":\"\xc3\x28\"}".to_vec(),
        b"{\"model\":\"a\0b\"}".to_vec(),
        b"\0\0\0\0".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{} {}".to_vec(),
        b"NaN".to_vec(),
        b"\"\\ud800\"".to_vec(),
        field("1e999999").into(),
        field("123456789012345678901234567890123456789012345678901234567890").into(),
        field("-0.0").into(),
        field("\"\\u0000\"").into(),
        field(&format!("\"{}\"", "x".repeat(MEGABYTE))).into(),
        field(&format!("[{{\"role\":\"{0}\",\"type\":\"{0}\"}}]", "x".repeat(MEGABYTE))).into(),
        wide.into(),
    ];
    for (method, path) in json_routes(&server).await {
        for body in &bodies {
            let reply = server.call(&method, &path, body).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            // A few are a harmless body of some route, such as one without any field that it knows.
            if reply.status != 200 {
                assert_shaped(&reply, &path);
            }
            assert!(reply.status < 500, "{method} {path} {shown}: {}", reply.body);
        }
    }
    assert_alive(&server, "bad bodies").await;
}

/// Headers and body without what is drawn anew for each request.
fn comparable(reply: Reply, id: &str) -> (u16, Vec<String>, String) {
    let is_lasting = |line: &&str| !line.starts_with("x-request-id") && !line.starts_with("date");
    let is_length = |line: &&str| !line.starts_with("content-length");
    let head = reply.head.lines().filter(is_lasting).filter(is_length).map(str::to_owned).collect();
    (reply.status, head, reply.body.replace(id, "ID"))
}

/// A tenant with a key that may do everything in it, and a file, a base, a batch, a user, a project and a key.
async fn settled(server: &Running, name: &str) -> (String, Vec<String>) {
    let made = async |path: &str, body: Value| {
        let reply = server.call("POST", path, body.to_string()).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    };
    made("/admin/v1/tenants", json!({"id": name})).await;
    let own = format!("/admin/v1/tenants/{name}");
    let scopes = json!(["inference", "documents", "keys", "usage", "audit", "review"]);
    let key = made(&format!("{own}/keys"), json!({"name": "all", "scopes": scopes})).await;
    let secret = key["secret"].as_str().unwrap().to_owned();
    made(&format!("{own}/users"), json!({"id": format!("user-of-{name}")})).await;
    made(&format!("{own}/projects"), json!({"id": format!("project-of-{name}")})).await;
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n";
    let headers = "content-type: multipart/form-data; boundary=b\r\n";
    let file = server.raw(request(&secret, "POST", "/v1/files", headers, form.as_bytes())).await.json();
    let file = file["id"].as_str().unwrap().to_owned();
    let base_body = json!({"name": format!("base-of-{name}")}).to_string();
    let base = server.call_as(&secret, "POST", "/v1/vector_stores", base_body).await.json();
    let base = base["id"].as_str().unwrap().to_owned();
    let batches = format!("/v1/vector_stores/{base}/file_batches");
    let batch = server.call_as(&secret, "POST", &batches, json!({"file_ids": [file]}).to_string()).await.json();
    let batch = batch["id"].as_str().unwrap().to_owned();
    let key = key["id"].as_str().unwrap().to_owned();
    (secret, vec![file, base, batch, key])
}

/// A question and an answer that wait for a person of this tenant.
async fn held(store: &MemoryStore, tenant: &str) -> [String; 2] {
    let hold = async |side, digest: &str| {
        let item = NewReview {
            call: CallId::random(),
            tenant: TenantId::new(tenant),
            project: None,
            user: None,
            key: KeyId::new(format!("key-of-{tenant}")),
            side,
            model: ModelName::new("scripted-chat"),
            rules: vec!["transfer".into()],
            message: "wait".into(),
            digest: digest.into(),
            text: "secret".into(),
            held: json!({"request": {"messages": []}, "events": []}),
            complete: true,
        };
        store.hold(item, Duration::from_secs(3600), 9).await.unwrap().unwrap().to_string()
    };
    [hold(ReviewSide::Input, "d").await, hold(ReviewSide::Output, "").await]
}

/// Another id of the same kind and length, that nobody has.
fn never_given(id: &str) -> String {
    let (kind, rest) = id.split_at(id.find(['-', '_']).map_or(0, |at| at + 1));
    format!("{kind}{}", "0".repeat(rest.len()))
}

#[tokio::test]
async fn what_another_tenant_has_looks_like_what_nobody_has() {
    let backend = Scripted::new();
    let reviews = Reviews::new(Arc::new(backend.store.clone()), ReviewSettings::default());
    let server = Running::with(backend.state(Settings::default()).await.with_reviews(reviews)).await;
    let (_, theirs) = settled(&server, "theirs").await;
    let (secret, ours) = settled(&server, "ours").await;
    let [question, answer] = &held(&backend.store, "theirs").await;
    held(&backend.store, "ours").await;
    let ([file, base, batch, key], [own_file, own_base, ..]) = (&theirs[..], &ours[..]) else { panic!("ids") };
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hello"}]}).to_string();
    let body = |value: Value| value.to_string();
    // For each: what is asked, with the id that is told apart from one that was never given.
    type Ask<'a> = (&'a str, &'a str, Box<dyn Fn(&str) -> (String, String) + 'a>);
    let at = |path: &'static str, payload: &'static str| {
        Box::new(move |id: &str| (path.replace("ID", id), payload.to_owned())) as Box<dyn Fn(&str) -> (String, String)>
    };
    let asks: Vec<Ask<'_>> = vec![
        ("GET", file, at("/v1/files/ID", "")),
        ("GET", file, at("/v1/files/ID/content", "")),
        ("DELETE", file, at("/v1/files/ID", "")),
        ("GET", file, at("/v1/files?after=ID", "")),
        ("GET", file, at("/v1/files?order=asc&after=ID", "")),
        ("GET", file, at("/v1/files?before=ID", "")),
        ("GET", base, at("/v1/vector_stores/ID", "")),
        ("POST", base, at("/v1/vector_stores/ID", r#"{"name":"mine"}"#)),
        ("DELETE", base, at("/v1/vector_stores/ID", "")),
        ("GET", base, at("/v1/vector_stores?after=ID", "")),
        ("GET", base, at("/v1/vector_stores?before=ID", "")),
        ("GET", base, at("/v1/vector_stores/ID/files", "")),
        ("POST", base, at("/v1/vector_stores/ID/search", r#"{"query":"hello"}"#)),
        ("POST", base, at("/v1/vector_stores/ID/files", r#"{"file_id":"file-0"}"#)),
        ("POST", base, at("/v1/vector_stores/ID/file_batches", r#"{"file_ids":["file-0"]}"#)),
        ("GET", "base-of-theirs", at("/v1/vector_stores/ID", "")),
        ("GET", "base-of-theirs", at("/v1/models/ID", "")),
        ("GET", batch, Box::new(|id| (format!("/v1/vector_stores/{own_base}/file_batches/{id}"), String::new()))),
        ("GET", batch, Box::new(|id| (format!("/v1/vector_stores/{base}/file_batches/{id}"), String::new()))),
        ("GET", file, Box::new(|id| (format!("/v1/vector_stores/{own_base}/files/{id}"), String::new()))),
        ("GET", base, Box::new(|id| (format!("/v1/vector_stores/{id}/files/{own_file}"), String::new()))),
        ("GET", base, Box::new(|id| (format!("/v1/vector_stores/{id}/files/{file}"), String::new()))),
        ("DELETE", file, Box::new(|id| (format!("/v1/vector_stores/{own_base}/files/{id}"), String::new()))),
        ("POST", file, Box::new(|id| (format!("/v1/vector_stores/{own_base}/files"), body(json!({"file_id": id}))))),
        ("POST", file, Box::new(|id| ("/v1/vector_stores".into(), body(json!({"file_ids": [id]}))))),
        ("POST", base, Box::new(|id| (CHAT.into(), chat(id)))),
        ("POST", "base-of-theirs", Box::new(|id| (CHAT.into(), chat(id)))),
        (
            "POST",
            "base-of-theirs",
            Box::new(|id| ("/v1/responses".into(), body(json!({"model": id, "input": "hello"})))),
        ),
        ("GET", "theirs", at("/admin/v1/tenants/ID", "")),
        ("PATCH", "theirs", at("/admin/v1/tenants/ID", r#"{"name":"mine"}"#)),
        ("DELETE", "theirs", at("/admin/v1/tenants/ID", "")),
        ("GET", "theirs", at("/admin/v1/tenants/ID/keys", "")),
        ("POST", "theirs", at("/admin/v1/tenants/ID/keys", r#"{"name":"k","scopes":["inference"]}"#)),
        ("GET", "theirs", at("/admin/v1/tenants/ID/users", "")),
        ("GET", "theirs", at("/admin/v1/tenants/ID/projects/project-of-theirs", "")),
        ("GET", "user-of-theirs", at("/admin/v1/tenants/ours/users/ID", "")),
        ("DELETE", "user-of-theirs", at("/admin/v1/tenants/ours/users/ID", "")),
        ("GET", "project-of-theirs", at("/admin/v1/tenants/ours/projects/ID", "")),
        ("PATCH", key, at("/admin/v1/tenants/ours/keys/ID", r#"{"name":"mine"}"#)),
        ("DELETE", key, at("/admin/v1/tenants/ours/keys/ID", "")),
        ("GET", "theirs", at("/admin/v1/tenants/ID/reviews", "")),
        ("GET", question, at("/admin/v1/tenants/theirs/reviews/ID", "")),
        ("POST", question, at("/admin/v1/tenants/theirs/reviews/ID/approve", "{}")),
        ("POST", "theirs", Box::new(|id| (format!("/admin/v1/tenants/{id}/reviews/{question}/approve"), "{}".into()))),
        ("GET", key, at("/admin/v1/tenants/ours/reviews?key=ID", "")),
        ("GET", question, at("/admin/v1/tenants/ours/reviews?after=ID", "")),
        ("GET", question, at("/admin/v1/tenants/ours/reviews/ID", "")),
        ("POST", question, at("/admin/v1/tenants/ours/reviews/ID/approve", "{}")),
        ("POST", question, at("/admin/v1/tenants/ours/reviews/ID/edit", r#"{"text":"mine"}"#)),
        ("POST", question, at("/admin/v1/tenants/ours/reviews/ID/reject", "{}")),
        ("POST", answer, at("/admin/v1/tenants/ours/reviews/ID/approve", "{}")),
        ("GET", question, at("/v1/reviews/ID", "")),
        ("GET", answer, at("/v1/reviews/ID", "")),
        ("GET", "theirs", at("/admin/v1/usage?tenant=ID", "")),
        ("GET", key, at("/admin/v1/usage?key=ID", "")),
    ];
    for (method, id, ask) in asks {
        let other = never_given(id);
        let ((path, payload), (other_path, other_payload)) = (ask(id), ask(&other));
        let foreign = server.call_as(&secret, method, &path, payload).await;
        assert!(!(500..600).contains(&foreign.status), "{method} {path}: {}", foreign.body);
        let unknown = server.call_as(&secret, method, &other_path, other_payload).await;
        assert_eq!(comparable(foreign, id), comparable(unknown, &other), "{method} {path}");
    }
    // And nothing of theirs was changed.
    for path in [format!("/v1/files/{file}"), format!("/v1/vector_stores/{base}")] {
        assert_eq!(server.call("GET", &path, "").await.status, 404, "the administrator's own tenant is another");
    }
    let keys = server.call("GET", "/admin/v1/tenants/theirs/keys", "").await.json();
    assert_eq!(keys["data"][0]["name"], "all", "{keys}");
    let waiting = server.call("GET", "/admin/v1/tenants/theirs/reviews?state=waiting", "").await.json();
    assert_eq!(waiting["data"].as_array().map(Vec::len), Some(2), "{waiting}");
}

#[tokio::test]
async fn two_tenants_may_use_the_same_names() {
    let server = Running::start(&Scripted::new(), Settings::default()).await;
    settled(&server, "theirs").await;
    let (secret, _) = settled(&server, "ours").await;
    let body = json!({"name": "base-of-theirs"}).to_string();
    assert_eq!(server.call_as(&secret, "POST", "/v1/vector_stores", body).await.status, 200);
    for (path, id) in [("users", "user-of-theirs"), ("projects", "project-of-theirs")] {
        let path = format!("/admin/v1/tenants/ours/{path}");
        assert_eq!(server.call("POST", &path, json!({"id": id}).to_string()).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn keys_that_were_never_given_are_told_apart_by_nothing() {
    let backend = Scripted::new();
    let access = Arc::new(Access::new(Arc::new(backend.store.clone())));
    let revoked = backend.key(&access, Scope::Inference).await;
    let tenant = TenantId::default_tenant();
    for key in access.keys(&tenant).await.unwrap() {
        access.revoke(&tenant, &key.id).await.unwrap();
    }
    let server = Running::with(backend.state_with(access, Settings::default())).await;
    let never = never_given(&revoked);
    for path in [CHAT, "/v1/messages", "/v1/files"] {
        let gone = server.call_as(&revoked, "POST", path, "{}").await;
        let unknown = server.call_as(&never, "POST", path, "{}").await;
        assert_eq!(gone.status, 401);
        assert_eq!(comparable(gone, &revoked), comparable(unknown, &never), "{path}");
    }
}
