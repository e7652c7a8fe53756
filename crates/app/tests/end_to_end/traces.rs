//! Traces as a collector gets them, and the ids in log lines.

use crate::provider::Provider;
use crate::support::{House, KEY, Running, Server};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
/// Far longer than anything here takes; only a fault waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector that takes OTLP over HTTP in JSON, until the process ends.
pub(crate) struct Collector {
    pub(crate) url: String,
    batches: mpsc::Receiver<(String, Value)>,
}

impl Collector {
    /// One that answers, or one that takes everything and never answers.
    pub(crate) fn start(is_answering: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (send, batches) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let send = send.clone();
                std::thread::spawn(move || while take(&stream, &send, is_answering).is_ok() {});
            }
        });
        Self { url, batches }
    }

    /// Spans as they come, until `is_there` says that all are.
    pub(crate) fn spans(&self, is_there: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut spans = Vec::new();
        while !is_there(&spans) {
            let (head, batch) = self.batches.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("only {spans:#?}"));
            assert!(head.starts_with("post /v1/traces ") && head.contains("x-team: search"), "{head}");
            assert_eq!(attribute(&batch["resourceSpans"][0]["resource"], "service.name"), "station");
            spans.extend(batch["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone());
        }
        spans
    }
}

fn take(mut stream: &TcpStream, send: &mpsc::Sender<(String, Value)>, is_answering: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if is_answering {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")?;
    }
    // Nobody listens any more once a test is over.
    let _ = send.send((head, serde_json::from_slice(&body).unwrap()));
    Ok(())
}

pub(crate) fn attribute(span: &Value, name: &str) -> Value {
    let attributes = span["attributes"].as_array().into_iter().flatten();
    let found = attributes.into_iter().find(|attribute| attribute["key"] == name);
    found.and_then(|found| found["value"].as_object()?.values().next().cloned()).unwrap_or_default()
}

pub(crate) fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no span '{name}' in {spans:#?}"))
}

pub(crate) fn has(name: &'static str) -> impl Fn(&[Value]) -> bool {
    move |spans| spans.iter().any(|span| span["name"] == name)
}

/// A server over a provider, whose traces go to that address.
fn traced(endpoint: &str, more: &str) -> (House, Provider, Server) {
    let (house, provider) = (House::new(), Provider::start());
    let models: String =
        ["plain", "limited", "secretive"].map(|name| format!("[[providers.models]]\nname = \"{name}\"\n")).concat();
    let text = format!(
        "[[providers]]\nname = \"mock\"\nvendor = \"openai-compatible\"\nbase_url = \"{}\"\n{models}\
         [[providers.models]]\nname = \"vectors\"\nkind = \"embedding\"\ndimensions = 3\n\
         [[routes]]\nname = \"team\"\ntargets = [{{model = \"limited\"}}, {{model = \"plain\"}}]\nretry = {{more = 0}}\n\
         [rules]\npacks = [\"pii\"]\n[telemetry]\nendpoint = \"{endpoint}\"\nservice = \"station\"\n\
         headers = {{ \"x-team\" = {{ env = \"OTLP_TEAM\" }} }}\n{more}",
        provider.url
    );
    std::fs::create_dir_all(house.data()).unwrap();
    std::fs::write(house.data().join("yizhan.toml"), text).unwrap();
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.env("YIZHAN_LOG", "warn,yizhan_server::middleware=debug");
    command.env("YIZHAN_BOOTSTRAP_KEY", KEY).env("OTLP_TEAM", "search");
    let mut running = Running::start(command);
    let ready = running.line().unwrap_or_else(|| panic!("the server ended at its start: {}", running.errors()));
    let server = Server { url: ready.strip_prefix("ready ").unwrap().to_owned(), running };
    (house, provider, server)
}

/// Asks, as a caller whose trace has these flags. The header that names the trace comes back.
fn ask(server: &Server, path: &str, flags: &str, body: &Value) -> (u16, Option<String>) {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().into();
    let mut request = agent.post(format!("{}{path}", server.url)).header("Authorization", format!("Bearer {KEY}"));
    if !flags.is_empty() {
        request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-{flags}")).header("tracestate", "a=1");
    }
    let mut reply = request.send_json(body).unwrap();
    reply.body_mut().read_to_string().unwrap();
    let trace = reply.headers().get("x-yizhan-trace").map(|value| value.to_str().unwrap().to_owned());
    (reply.status().as_u16(), trace)
}

fn hi(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Call 13800138000"}]})
}

#[test]
fn a_call_is_one_trace_from_its_caller_to_its_provider() {
    let collector = Collector::start(true);
    let (_house, provider, server) = traced(&collector.url, "every_s = 0.1\n");
    let (status, trace) = ask(&server, "/v1/chat/completions", "01", &hi("team", true));
    assert_eq!((status, trace.as_deref()), (200, Some(TRACE)));
    let spans = collector.spans(has("POST /v1/chat/completions"));
    let (request, call) = (named(&spans, "POST /v1/chat/completions"), named(&spans, "chat team"));
    assert!(spans.iter().all(|span| span["traceId"] == TRACE), "{spans:#?}");
    assert_eq!((&request["kind"], &request["parentSpanId"]), (&json!(2), &json!(CALLER)));
    assert_eq!((&call["kind"], &call["parentSpanId"]), (&json!(3), &request["spanId"]));
    assert_eq!(attribute(request, "http.response.status_code"), "200");
    for (name, value) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("mock")),
        ("gen_ai.request.model", json!("team")),
        ("gen_ai.response.model", json!("plain")),
        ("gen_ai.usage.input_tokens", json!("10")),
        ("gen_ai.usage.output_tokens", json!("3")),
        ("gen_ai.response.finish_reasons", json!({"values": [{"stringValue": "stop"}]})),
        ("server.address", json!("127.0.0.1")),
        ("yizhan.route", json!("team")),
        ("yizhan.fallback", json!(true)),
        ("gen_ai.input.messages", Value::Null),
        ("gen_ai.output.messages", Value::Null),
    ] {
        assert_eq!(attribute(call, name), value, "{name} of {call:#?}");
    }
    assert_eq!(attribute(&call["events"][0], "yizhan.side"), "input", "{call:#?}");
    let (failed, answered) = (named(&spans, "attempt limited"), named(&spans, "attempt plain"));
    assert_eq!(attribute(failed, "error.type"), "rate_limit_exceeded");
    let statuses = [failed, answered].map(|one| attribute(one, "http.response.status_code"));
    assert_eq!(statuses, [json!("429"), json!("200")]);
    assert_eq!((&failed["status"]["code"], &answered["status"]), (&json!(2), &json!({})));
    for below in [
        failed,
        answered,
        named(&spans, "limits"),
        named(&spans, "rules"),
        named(&spans, "queue"),
        named(&spans, "record"),
    ] {
        assert_eq!(below["parentSpanId"], call["spanId"], "{below}");
    }
    let told: Vec<_> =
        [failed, answered].map(|one| format!("00-{TRACE}-{}-01", one["spanId"].as_str().unwrap())).into();
    assert_eq!(provider.heads("traceparent"), told, "what the provider does becomes a child of its attempt");
    assert_eq!(provider.heads("tracestate"), ["a=1", "a=1"]);
}

#[test]
fn calls_that_are_answered_at_once_and_refusals_are_traced_too() {
    let collector = Collector::start(true);
    let (_house, provider, server) = traced(&collector.url, "every_s = 0.1\ncontent = \"redacted\"\n");
    assert_eq!(ask(&server, "/v1/embeddings", "", &json!({"model": "vectors", "input": "x"})).0, 200);
    let spans = collector.spans(has("POST /v1/embeddings"));
    let (call, attempt) = (named(&spans, "embeddings vectors"), named(&spans, "attempt vectors"));
    assert_eq!(attribute(call, "gen_ai.operation.name"), "embeddings");
    assert_eq!((&attempt["kind"], &attempt["parentSpanId"]), (&json!(3), &call["spanId"]));
    assert_eq!(attribute(attempt, "http.response.status_code"), "200");
    let own = call["traceId"].as_str().unwrap();
    assert!(attribute(call, "yizhan.call").as_str().unwrap().ends_with(&own[8..]), "{call}");
    assert_eq!(provider.heads("traceparent"), [format!("00-{own}-{}-01", attempt["spanId"].as_str().unwrap())]);

    assert_eq!(ask(&server, "/v1/chat/completions", "", &json!({"model": "plain"})).0, 400);
    let spans = collector.spans(has("POST /v1/chat/completions"));
    assert_eq!((spans.len(), attribute(&spans[0], "yizhan.refused")), (1, json!("invalid_request")), "{spans:#?}");
    assert_eq!(ask(&server, "/v1/chat/completions", "", &hi("secretive", false)).0, 200);
    let call = collector.spans(has("chat secretive"));
    let texts =
        ["gen_ai.input.messages", "gen_ai.output.messages"].map(|name| attribute(named(&call, "chat secretive"), name));
    assert!(texts.iter().all(|text| text.as_str().unwrap().contains("all ")), "{texts:?}");
    assert!(texts.iter().all(|text| !text.as_str().unwrap().contains("8000")), "as the rules mask them: {texts:?}");
}

#[test]
fn a_search_is_traced_to_the_model_of_its_vectors() {
    let collector = Collector::start(true);
    let (house, provider, server) = traced(&collector.url, "every_s = 0.1\nsampling = 0.0\n");
    house.write("horses.txt", "The horse sleeps in the stable.");
    let made = server.post("/v1/vector_stores", &json!({"name": "docs", "embedding_model": "vectors"}));
    assert_eq!((made.status, house.ingest("docs").code), (200, 0), "{made:?}");
    let before = provider.heads("traceparent").len();
    assert_eq!(ask(&server, "/v1/vector_stores/docs/search", "01", &json!({"query": "horse"})).0, 200);
    let spans = collector.spans(has("search docs"));
    let (call, retrieval) = (named(&spans, "search docs"), named(&spans, "retrieval"));
    assert_eq!(retrieval["parentSpanId"], call["spanId"], "{spans:#?}");
    assert_eq!(attribute(retrieval, "yizhan.passages"), "1");
    let told = format!("00-{TRACE}-{}-01", retrieval["spanId"].as_str().unwrap());
    assert_eq!(provider.heads("traceparent")[before..], [told]);
}

#[test]
fn who_decides_what_is_sampled() {
    let collector = Collector::start(true);
    let (_house, provider, server) = traced(&collector.url, "every_s = 0.1\nsampling = 0.0\n");
    let chat = "/v1/chat/completions";
    assert_eq!(ask(&server, chat, "", &hi("plain", false)), (200, None), "of its own: none");
    assert_eq!(ask(&server, chat, "00", &hi("plain", false)), (200, None), "the caller does not want it");
    assert_eq!(ask(&server, chat, "zz", &hi("plain", false)), (200, None), "a malformed header is as none");
    let (_, trace) = ask(&server, chat, "01", &hi("plain", false));
    assert_eq!(trace.as_deref(), Some(TRACE), "the caller wants it");
    let spans = collector.spans(has("POST /v1/chat/completions"));
    assert_eq!(spans.iter().filter(|span| span["name"] == "chat plain").count(), 1, "{spans:#?}");
    let told = provider.heads("traceparent");
    let flags: Vec<_> = told.iter().map(|head| &head[53..]).collect();
    assert_eq!(flags, ["00", "00", "00", "01"], "providers are told not to record either");
    assert!(told[1].starts_with(&format!("00-{TRACE}-")) && !told[2].contains(TRACE), "{told:?}");
}

#[test]
fn a_collector_that_is_slow_or_away_holds_nothing_up() {
    let deaf = Collector::start(false);
    for endpoint in [deaf.url.as_str(), "http://127.0.0.1:1"] {
        let (house, _provider, mut server) = traced(endpoint, "every_s = 0.1\nqueue = 1\ntimeout_s = 0.5\n");
        let dropped = |server: &Server| {
            assert_eq!(ask(server, "/v1/chat/completions", "", &hi("plain", false)).0, 200);
            let metrics = server.get("/metrics", Some(KEY)).text;
            let line = metrics.lines().find(|line| line.starts_with("yizhan_traces_total{result=\"dropped\"}"));
            line.is_some_and(|line| !line.ends_with(" 0"))
        };
        server.until(dropped);
        let begin = Instant::now();
        server.running.terminate();
        assert!(server.running.wait().success(), "{}", server.running.errors());
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
        assert_eq!(house.ok(&["audit", "verify", "--json"]).json()["intact"], true);
    }
}

#[test]
fn a_stop_sends_what_waits_and_log_lines_name_their_call() {
    let collector = Collector::start(true);
    let (house, _provider, mut server) = traced(&collector.url, "every_s = 3600\n");
    assert_eq!(ask(&server, "/v1/chat/completions", "01", &hi("limited", true)).0, 429);
    server.running.terminate();
    assert!(server.running.wait().success(), "{}", server.running.errors());
    let spans = collector.spans(has("POST /v1/chat/completions"));
    let call = named(&spans, "chat limited");
    assert_eq!(
        (attribute(call, "error.type"), attribute(call, "gen_ai.provider.name")),
        ("rate_limit_exceeded".into(), "mock".into())
    );
    let errors = server.running.errors();
    let lines: Vec<Value> = errors.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = lines.iter().find(|line| line["message"] == "an attempt failed").unwrap_or_else(|| panic!("{errors}"));
    assert_eq!((&line["trace_id"], &line["call"]), (&json!(TRACE), &attribute(call, "yizhan.call")), "{line}");
    assert_eq!(line["request"], attribute(named(&spans, "POST /v1/chat/completions"), "yizhan.request"), "{line}");
    assert_eq!((&line["level"], &line["provider"]), (&json!("WARN"), &json!("mock")));
    let of_call = |line: &&Value| line["message"] == "answered" && line["path"] == "/v1/chat/completions";
    let answered = lines.iter().find(of_call).unwrap_or_else(|| panic!("{errors}"));
    let ids = ["request", "call", "trace_id"];
    assert_eq!(ids.map(|id| &answered[id]), ids.map(|id| &line[id]), "{answered}");
    assert_eq!((&answered["tenant"], &answered["status"]), (&json!("default"), &json!(429)), "{answered}");
    let wrong = "[telemetry]\nendpoint = \"collector:4318\"\n";
    std::fs::write(house.data().join("yizhan.toml"), wrong).unwrap();
    house.run(&["config", "check"]).refused(1, &["telemetry", "collector:4318", "http://HOST:PORT"]);
}
