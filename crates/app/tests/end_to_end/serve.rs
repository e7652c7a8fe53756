//! The server, by HTTP and by the command line that finds it.

use crate::support::{CHAT, EMBEDDING, House, KEY, Server, need};
use serde_json::{Value, json};

const QUESTION: &str = "How often does the pump P-77 need oil?";
const APP: &str = "model: smollm2-135m-instruct\nknowledge: [manual]\nsampling:\n  temperature: 0\n  max_tokens: 24\n";

fn house() -> House {
    let house = House::new();
    house.write("pump.md", "# Pump P-77\n\nThe pump P-77 needs oil every 500 hours.\n");
    house.write("hours.txt", "The station opens at nine.\n");
    house
}

fn ends_cleanly(house: &House, mut server: Server) {
    assert!(house.data().join("server.json").exists());
    server.running.terminate();
    let status = server.running.wait();
    assert!(status.success(), "{status}: {}", server.running.errors());
    assert!(!house.data().join("server.json").exists());
}

fn check_annotation(annotation: &Value) {
    assert_eq!(annotation["type"], "file_citation");
    assert!(annotation["index"].as_u64() >= Some(1), "{annotation}");
    assert!(annotation["file_id"].as_str().unwrap().starts_with("file-"), "{annotation}");
    assert_eq!(annotation["filename"], "pump.md");
    assert!(annotation["quote"].as_str().unwrap().contains("oil"), "{annotation}");
    assert!(annotation.get("page").is_some() && annotation["boxes"].is_array(), "{annotation}");
}

#[test]
fn it_says_ready_and_ends_when_asked() {
    let house = house();
    let server = house.serve();
    let port = server.url.strip_prefix("http://127.0.0.1:").unwrap();
    assert!(port.parse::<u16>().unwrap() > 0);
    assert_eq!(server.get("/healthz", None).status, 200);
    assert_eq!(server.get("/readyz", None).json()["status"], "ready");
    let description = server.get("/openapi.json", None).json();
    assert!(description["paths"]["/v1/chat/completions"].is_object());
    assert_eq!(server.get("/v1/models", Some(KEY)).status, 200);
    for key in [None, Some("yz-wrong")] {
        let refused = server.get("/v1/models", key);
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &json!("invalid_api_key")));
    }
    assert!(!server.running.errors().contains(KEY), "a given key is not printed");
    ends_cleanly(&house, server);
}

#[test]
fn without_a_given_key_one_is_made_and_printed_once() {
    let house = house();
    let start = || {
        let mut running = crate::support::Running::start(house.command(&["serve", "--listen", "127.0.0.1:0"]));
        let url = running.line().unwrap().strip_prefix("ready ").unwrap().to_owned();
        Server { url, running }
    };
    let server = start();
    let errors = server.running.errors();
    let key = errors.split_whitespace().find(|word| word.starts_with("yz-")).expect("no key was printed").to_owned();
    assert_eq!(server.get("/v1/models", Some(&key)).status, 200);
    ends_cleanly(&house, server);
    let server = start();
    assert!(!server.running.errors().contains("yz-"));
    assert_eq!(server.get("/v1/models", Some(&key)).status, 200);
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let house = house();
    let server = house.serve();
    house.run(&["serve", "--listen", "127.0.0.1:0"]).refused(1, &["running", &server.url]);
    let other = House::new();
    let taken = server.url.strip_prefix("http://").unwrap();
    other.run(&["serve", "--listen", taken]).refused(1, &[taken, "--listen"]);
    ends_cleanly(&house, server);
}

#[test]
fn a_wrong_application_stops_the_start_and_names_its_line() {
    let house = house();
    house.app("helper", "knowledge: [manual]\nretrieval:\n  topp: 3\n");
    house.run(&["serve", "--listen", "127.0.0.1:0"]).refused(1, &["app.yaml", "line 3", "topp"]);
    assert!(!house.data().join("server.json").exists());
}

#[test]
fn the_command_line_works_through_the_server_as_without_it() {
    let house = house();
    house.text_base("direct");
    let directly = house.ingest("direct");
    let found = house.search("direct", "oil pump", &[]);
    let server = house.serve();
    house.text_base("served");
    let served = house.ingest("served");
    assert_eq!(served.code, 0, "{served:?}");
    let sorted = |mut lines: Vec<Value>| {
        lines.sort_by_key(Value::to_string);
        lines
    };
    assert_eq!(sorted(served.lines()), sorted(directly.lines()));
    assert_eq!(house.search("served", "oil pump", &[]), found);
    assert_eq!(house.search("direct", "oil pump", &[]), found);
    let (mut one, two) = (house.base("served"), house.base("direct"));
    one["name"] = two["name"].clone();
    assert_eq!(one, two);
    assert_eq!(house.ingest("served").code, 0, "the same again is fine");
    assert_eq!(house.base("served")["documents"], 2);
    house.write("wrong.pdf", "no PDF");
    assert_eq!(house.ingest("served").code, 2);
    house.run(&["search", "oil", "--base", "nowhere"]).refused(1, &["nowhere", "not_found"]);
    house.ok(&["base", "rm", "served"]);
    assert_eq!(house.ok(&["base", "list", "--json"]).json().as_array().unwrap().len(), 1);
    ends_cleanly(&house, server);
    assert_eq!(house.search("direct", "oil pump", &[]), found);
}

#[test]
fn an_application_answers_with_citations_over_http_and_on_the_command_line() {
    need(CHAT);
    let house = house();
    house.text_base("manual");
    house.ingest("manual");
    house.app("helper", APP);
    let server = house.serve();
    let models = server.get("/v1/models", Some(KEY)).json();
    for (id, kind) in [("helper", "app"), ("manual", "base"), (CHAT, "chat")] {
        let listed = models["data"].as_array().unwrap().iter().any(|one| one["id"] == id && one["kind"] == kind);
        assert!(listed, "{id} is not in {models}");
    }
    let asked = |stream: bool| {
        let mut call = json!({"model": "helper", "messages": [{"role": "user", "content": QUESTION}]});
        if stream {
            call["stream"] = true.into();
            call["stream_options"] = json!({"include_usage": true});
        }
        call
    };
    let answer = server.post("/v1/chat/completions", &asked(false)).json();
    let message = &answer["choices"][0]["message"];
    let text = message["content"].as_str().unwrap();
    assert!(text.contains("500"), "{answer}");
    let annotations = message["annotations"].as_array().unwrap();
    assert!(!annotations.is_empty(), "{answer}");
    annotations.iter().for_each(check_annotation);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");

    let chunks = server.stream("/v1/chat/completions", &asked(true));
    let streamed: String = chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(streamed, text);
    let last = chunks.iter().find(|chunk| chunk["choices"][0]["finish_reason"] == "stop").expect("no end");
    assert_eq!(&last["choices"][0]["delta"]["annotations"], &message["annotations"]);
    let usage = &chunks.last().unwrap()["usage"];
    assert!(usage["completion_tokens"].as_u64() >= Some(1), "{usage}");

    let asked = house.ok(&["ask", QUESTION, "--base", "helper", "--json"]).json();
    assert_eq!(asked["answer"], text);
    assert_eq!(asked["citations"][0]["quote"], annotations[0]["quote"]);
    ends_cleanly(&house, server);
}

#[test]
fn what_the_documents_do_not_say_is_not_invented() {
    need(EMBEDDING);
    need(CHAT);
    let house = house();
    house.ingest("manual");
    let server = house.serve();
    for (question, words) in [
        ("Which planet has the most moons?", "The documents contain nothing"),
        ("哪颗行星的卫星最多？", "资料中没有找到"),
    ] {
        let call = json!({"model": "manual", "messages": [{"role": "user", "content": question}]});
        let answer = server.post("/v1/chat/completions", &call).json();
        let message = &answer["choices"][0]["message"];
        assert!(message["content"].as_str().unwrap().starts_with(words), "{answer}");
        assert!(message["annotations"].as_array().is_none_or(Vec::is_empty), "{answer}");
    }
    let call = json!({"model": "manual", "max_tokens": 24, "stream": true,
        "messages": [{"role": "user", "content": QUESTION}]});
    let chunks = server.stream("/v1/chat/completions", &call);
    let last = chunks.iter().find(|chunk| !chunk["choices"][0]["finish_reason"].is_null()).expect("no end");
    let annotations = last["choices"][0]["delta"]["annotations"].as_array();
    annotations.into_iter().flatten().for_each(check_annotation);
    ends_cleanly(&house, server);
}
