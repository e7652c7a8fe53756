//! The gateway in front of a provider: routes, limits, rules, prices, audit, and reload.

use crate::provider::Provider;
use crate::support::{House, KEY, Server};
use serde_json::{Value, json};

pub(crate) const KEY_OF_CLINIC: &str = "yz-the-clinics-key-for-tests";

/// A server over a provider, with this beside.
pub(crate) fn governed(more: &str) -> (House, Provider, Server) {
    let (house, provider) = (House::new(), Provider::start());
    write(&house, &provider, more);
    let server = house.serve();
    (house, provider, server)
}

fn write(house: &House, provider: &Provider, more: &str) {
    let models: String = ["plain", "limited", "broken", "secretive", "endless"]
        .map(|name| format!("[[providers.models]]\nname = \"{name}\"\n"))
        .concat();
    let models = models + "[[providers.models]]\nname = \"vectors\"\nkind = \"embedding\"\ndimensions = 3\n";
    let text = format!(
        "[[providers]]\nname = \"mock\"\nvendor = \"openai-compatible\"\nbase_url = \"{}\"\n{models}\n{more}",
        provider.url
    );
    std::fs::create_dir_all(house.data()).unwrap();
    std::fs::write(house.data().join("yizhan.toml"), text).unwrap();
    std::fs::write(house.data().join("prices.toml"), PRICES).unwrap();
}

/// A token costs 1.
const PRICES: &str = r#"
currency = "CNY"
[[model]]
name = "*"
provider = "mock"
[[model.price]]
version = "2026-01"
input = 1_000_000
output = 1_000_000
"#;

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]})
}

fn verified(house: &House) -> Value {
    house.ok(&["audit", "verify", "--json"]).json()
}

pub(crate) fn records(house: &House) -> Vec<Value> {
    house.ok(&["audit", "tail", "--json"]).lines().into_iter().map(|line| line["record"].clone()).collect()
}

fn text(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}

#[test]
fn a_remote_model_answers_whole_and_streamed_and_every_call_is_recorded() {
    let (house, provider, server) = governed("");
    let body = json!({"model": "plain", "messages": [{"role": "user", "content": "Hi"}], "vendor_option": {"x": [1]}});
    let whole = server.post("/v1/chat/completions", &body).json();
    assert_eq!(whole["choices"][0]["message"]["content"], "Hello from plain");
    assert_eq!((&whole["usage"]["total_tokens"], &whole["system_fingerprint"]), (&json!(13), &json!("fp_mock")));
    assert_eq!(provider.requests()[0]["vendor_option"], json!({"x": [1]}), "unknown fields pass unharmed");
    assert_eq!(text(&server.stream("/v1/chat/completions", &ask("plain", true))), "Hello from plain");
    assert_eq!(server.post("/v1/chat/completions", &json!({"model": "plain"})).status, 400);
    assert_eq!(server.post("/v1/chat/completions", &ask("nobody", false)).status, 404);
    let report = verified(&house);
    assert_eq!((&report["records"], &report["intact"]), (&json!(4), &json!(true)), "{report}");
    let records = records(&house);
    assert_eq!(records[0]["served"], json!({"provider": "mock", "model": "plain"}));
    assert_eq!(records[0]["usage"]["prompt_tokens"], 10);
    assert_eq!(records[2]["outcome"], json!({"refused": "invalid_request"}), "{records:?}");
    assert_eq!(records[3]["outcome"], json!({"refused": "model_not_found"}), "{records:?}");
}

#[test]
fn other_dialects_reach_the_same_model() {
    let (_house, provider, server) = governed("");
    let message = json!({"model": "plain", "max_tokens": 9, "metadata": {"user_id": "u-1"}, "messages": [{"role": "user", "content": "Hi"}]});
    let answer = server.post("/v1/messages", &message).json();
    assert_eq!((&answer["type"], &answer["content"][0]["text"]), (&json!("message"), &json!("Hello from plain")));
    assert_eq!(provider.requests()[0]["user"], "u-1", "one vendor's words become another's");
    let answer = server.post("/v1/responses", &json!({"model": "plain", "input": "Hi"})).json();
    assert_eq!(answer["output"][0]["content"][0]["text"], "Hello from plain", "{answer}");
    let refused = server.post("/v1/messages", &json!({"model": "plain"}));
    assert_eq!((refused.status, &refused.json()["type"]), (400, &json!("error")));
}

#[test]
fn a_route_falls_back_before_the_first_content_and_says_so() {
    let route =
        "[[routes]]\nname = \"team\"\ntargets = [{model = \"limited\"}, {model = \"plain\"}]\nretry = {more = 0}\n";
    let (house, _provider, server) = governed(route);
    assert_eq!(text(&server.stream("/v1/chat/completions", &ask("team", true))), "Hello from plain");
    let record = records(&house).pop().unwrap();
    assert_eq!((&record["fallback"], &record["route"]), (&json!(true), &json!("team")));
    let metrics = server.get("/metrics", Some(KEY)).text;
    for line in
        ["yizhan_fallbacks_total{provider=\"mock\",model=\"plain\"} 1", "yizhan_open_calls 0", "yizhan_config_ok 1"]
    {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert_eq!(server.get("/metrics", None).status, 401);
    assert_eq!(record["attempts"][0]["error"], "rate_limit_exceeded", "{record}");
    let statuses = [0, 1].map(|attempt| &record["attempts"][attempt]["status"]);
    assert_eq!(statuses, [&json!(429), &json!(200)], "{record}");
    // What has begun cannot be begun again: the caller is told.
    let broken = server.post("/v1/chat/completions", &ask("broken", true)).text;
    assert!(broken.contains("Hello ") && broken.contains("provider_error") && !broken.contains("[DONE]"), "{broken}");
    let limited = server.post("/v1/chat/completions", &ask("limited", false));
    assert_eq!((limited.status, &limited.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
}

#[test]
fn rules_hold_on_streams_and_on_questions() {
    let (house, _provider, server) = governed("[rules]\npacks = [\"pii\"]\n");
    let masked = text(&server.stream("/v1/chat/completions", &ask("secretive", true)));
    assert!(masked.starts_with("call me at ") && masked.ends_with(" please") && !masked.contains("138"), "{masked}");
    let record = records(&house).pop().unwrap();
    assert_eq!(record["findings"][0]["action"], "mask", "{record}");
    let found = server.post("/v1/moderations", &json!({"input": "my number is 13800138000"})).json();
    assert!(found["results"][0]["categories"].to_string().contains("mobile"), "{found}");
}

#[test]
fn a_budget_ends_calls_and_cuts_a_stream() {
    let tenant = format!(
        "[prices]\nfile = \"prices.toml\"\n[[tenants]]\nid = \"clinic\"\nlimits = {{money_per_day = 600}}\n\
         [[tenants.keys]]\nname = \"desk\"\nsha256 = \"{}\"\nrole = \"application\"\n",
        sha256(KEY_OF_CLINIC)
    );
    let (house, _provider, server) = governed(&tenant);
    let call = |key, model, most: u32| {
        let body = json!({"model": model, "max_tokens": most, "messages": [{"role": "user", "content": "Hi"}]});
        server.post_as(key, "/v1/chat/completions", &body)
    };
    let dear = call(KEY_OF_CLINIC, "plain", 700);
    assert_eq!((dear.status, &dear.json()["error"]["code"]), (429, &json!("insufficient_quota")), "{dear:?}");
    // Without a maximum the answer is paid for slice by slice, until there is none.
    let streamed = server.post_as(KEY_OF_CLINIC, "/v1/chat/completions", &ask("endless", true));
    assert!(
        streamed.text.contains("cut_off") && streamed.text.contains("\"finish_reason\":\"length\""),
        "{streamed:?}"
    );
    assert!(streamed.text.trim_end().ends_with("[DONE]"));
    assert_eq!(call(KEY_OF_CLINIC, "plain", 5).status, 429);
    assert_eq!(call(KEY, "plain", 5).status, 200, "others are not touched");
    let spent: f64 = records(&house)
        .iter()
        .filter(|record| record["tenant"] == "clinic")
        .map(|record| record["charge"]["amount"].as_f64().unwrap_or(0.0) / 1e9)
        .sum();
    assert!(spent > 500.0 && spent <= 600.0, "{spent}");
}

#[test]
fn a_changed_configuration_counts_without_a_restart_and_a_wrong_one_does_not() {
    let (house, provider, server) = governed("");
    let path = house.data().join("yizhan.toml");
    assert_eq!(server.post("/v1/chat/completions", &ask("team", false)).status, 404);
    write(&house, &provider, "[[routes]]\nname = \"team\"\ntargets = [{model = \"plain\"}]\n");
    server.until(|server| server.post("/v1/chat/completions", &ask("team", false)).status == 200);
    std::fs::write(&path, "[[routes]]\nname = 5\n").unwrap();
    let refused = |record: &Value| record["kind"] == "config" && record["outcome"]["refused"] == "invalid_config";
    server.until(|_| records(&house).iter().any(refused));
    assert_eq!(server.post("/v1/chat/completions", &ask("team", false)).status, 200, "the last good one stays");
    house.run(&["config", "check"]).refused(1, &["line 2"]);
    let reference = house.ok(&["config", "reference"]).stdout;
    let file = house
        .write("reference.toml", reference.replace("{ env = \"DEEPSEEK_API_KEY\" }", "{ file = \"/etc/hostname\" }"));
    house.ok(&["config", "check", file.to_str().unwrap()]);
}

#[test]
fn an_answer_is_given_again_without_asking_or_paying_again() {
    let (house, provider, server) = governed("[cache]\nenabled = true\n[prices]\nfile = \"prices.toml\"\n");
    let call = |stream: bool, content: &str| json!({"model": "plain", "temperature": 0, "stream": stream, "messages": [{"role": "user", "content": content}]});
    let first = server.post("/v1/chat/completions", &call(false, "Hi")).json();
    let again = server.post("/v1/chat/completions", &call(false, "Hi")).json();
    assert_eq!(first["choices"][0]["message"]["content"], again["choices"][0]["message"]["content"]);
    assert_eq!(text(&server.stream("/v1/chat/completions", &call(true, "Hi"))), "Hello from plain");
    assert_eq!(provider.requests().len(), 1, "two of three came from memory");
    server.post("/v1/chat/completions", &call(false, "Ho"));
    assert_eq!(provider.requests().len(), 2, "another question is asked");
    let records = records(&house);
    assert_eq!((&records[1]["cache"], &records[1]["charge"]), (&json!("exact"), &Value::Null), "{}", records[1]);
}

#[test]
fn vectors_are_charged_by_their_provider_and_held_to_the_rules() {
    let (house, provider, server) = governed("[prices]\nfile = \"prices.toml\"\n[rules]\npacks = [\"pii\"]\n");
    let call = json!({"model": "vectors", "input": ["call me at 13800138000", "hello"]});
    let vectors = server.post("/v1/embeddings", &call).json();
    assert_eq!(vectors["data"][1]["embedding"], json!([0.0, 1.0, 0.0]), "{vectors}");
    assert!(!provider.requests()[0]["input"].to_string().contains("13800138000"), "masked before it leaves");
    let record = records(&house).pop().unwrap();
    assert_eq!(record["served"], json!({"provider": "mock", "model": "vectors"}));
    assert_eq!(record["charge"]["amount"], json!(7_000_000_000_i64), "{record}");
}

#[test]
fn texts_are_kept_as_the_policy_says() {
    let (house, _provider, _server) = {
        let made = governed("[audit]\npayload = \"redacted\"\n[rules]\npacks = [\"pii\"]\n");
        made.2.post("/v1/chat/completions", &ask("secretive", false));
        made
    };
    let exported = house.ok(&["audit", "export", "--payloads"]).stdout;
    let record: Value = serde_json::from_str(exported.lines().last().unwrap()).unwrap();
    let text = record.to_string();
    assert!(text.contains("call me at") && !text.contains("13800138000") && text.contains("request_sha256"), "{text}");
    assert!(!std::fs::read_to_string(house.data().join("audit/00000001.jsonl")).unwrap().contains("call me"));
}

#[test]
fn a_changed_record_is_found() {
    let (house, _provider, server) = governed("");
    server.post("/v1/chat/completions", &ask("plain", false));
    server.post("/v1/chat/completions", &ask("plain", false));
    drop(server);
    let segment = house.data().join("audit/00000001.jsonl");
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replacen("\"prompt_tokens\":10", "\"prompt_tokens\":11", 1)).unwrap();
    let ran = house.run(&["audit", "verify", "--json"]);
    assert_eq!((ran.code, &ran.json()["intact"]), (2, &json!(false)), "{ran:?}");
}

pub(crate) fn sha256(text: &str) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}
