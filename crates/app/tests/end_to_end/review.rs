//! The review queue: what rules hold, who decides, and what then becomes of it.

use crate::provider::Provider;
use crate::support::{Answer, House, KEY, Server};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;

const RULES: &str = r#"
rules:
  - {id: large-transfer, action: review, message: 大额转账须复核。, match: {words: [转账]}}
  - {id: contact, where: output, action: review, message: 联系方式须复核。, match: {words: [call me]}}
  - {id: never, action: block, message: 不行。, match: {words: [禁语]}}
"#;
const CHAT: &str = "/v1/chat/completions";

struct Desk {
    house: House,
    provider: Provider,
    server: Server,
    /// Of the tenant `bank`: who asks, who decides.
    asks: String,
    decides: String,
}

/// A bank with a key for its application and one for its reviewer, and a server over a provider.
fn desk(more: &str) -> Desk {
    let (house, provider) = (House::new(), Provider::start());
    configure(&house, &provider, more);
    house.ok(&["tenant", "create", "bank"]);
    house.ok(&["tenant", "create", "clinic"]);
    let asks = key(&house, "bank", "application");
    let decides = key(&house, "bank", "reviewer");
    let server = house.serve();
    Desk { house, provider, server, asks, decides }
}

fn configure(house: &House, provider: &Provider, more: &str) {
    std::fs::create_dir_all(house.data()).unwrap();
    std::fs::write(house.data().join("own.yaml"), RULES).unwrap();
    let models = ["plain", "secretive", "limited", "silent"]
        .map(|name| format!("[[providers.models]]\nname = \"{name}\"\n"))
        .concat();
    let text = format!(
        "[[providers]]\nname = \"mock\"\nvendor = \"openai-compatible\"\nbase_url = \"{}\"\n{models}\n\
         [rules]\npacks = [\"pii\"]\nfiles = [\"own.yaml\"]\n{more}",
        provider.url
    );
    std::fs::write(house.data().join("yizhan.toml"), text).unwrap();
}

fn key(house: &House, tenant: &str, role: &str) -> String {
    let made = house.ok(&["key", "create", role, "--tenant", tenant, "--role", role, "--json"]).json();
    made["secret"].as_str().unwrap().to_owned()
}

fn ask(model: &str, content: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": content}]})
}

fn with(mut body: Value, name: &str, value: bool) -> Value {
    body[name] = value.into();
    body
}

impl Desk {
    fn held(&self, content: &str) -> String {
        held(&self.server.post_as(&self.asks, CHAT, &ask("plain", content, false)))
    }

    fn path(&self, rest: &str) -> String {
        format!("/admin/v1/tenants/bank/reviews{rest}")
    }

    fn decide(&self, id: &str, verdict: &str, body: Value) -> Answer {
        self.server.post_as(&self.decides, &self.path(&format!("/{id}/{verdict}")), &body)
    }

    fn of_caller(&self, key: &str, id: &str) -> Answer {
        self.server.get(&format!("/v1/reviews/{id}"), Some(key))
    }

    fn records(&self) -> Vec<Value> {
        let lines = self.house.ok(&["audit", "tail", "-n", "100", "--json"]).lines();
        lines.into_iter().map(|line| line["record"].clone()).collect()
    }
}

/// The id under which a request is held; header and body both have it.
fn held(answer: &Answer) -> String {
    let error = &answer.json()["error"];
    assert_eq!((answer.status, error["code"].as_str()), (403, Some("held_for_review")), "{answer:?}");
    let id = answer.review.clone().unwrap();
    assert!(error["review"] == id.as_str() && error["message"].as_str().unwrap().contains(&id), "{answer:?}");
    id
}

#[test]
fn a_held_question_goes_on_once_a_reviewer_lets_it() {
    let desk = desk("");
    let asked = ask("plain", "转账 100 万", false);
    let id = desk.held("转账 100 万");
    assert_eq!(desk.held("转账 100 万"), id, "the same request waits once");
    assert!(desk.provider.requests().is_empty());
    let state = desk.of_caller(&desk.asks, &id).json();
    assert_eq!((state["state"].as_str(), &state["answer"]), (Some("waiting"), &Value::Null), "{state}");

    let listed = desk.server.get(&desk.path("?state=waiting"), Some(&desk.decides)).json();
    assert_eq!(listed["data"][0]["id"], id.as_str(), "{listed}");
    assert_eq!(listed["data"][0]["rules"], json!(["large-transfer"]));
    let metrics = desk.server.get("/metrics", Some(KEY)).text;
    assert!(metrics.contains("\nyizhan_reviews_waiting 1\n"), "{metrics}");
    let decided = desk.decide(&id, "approve", json!({"note": "已电话核实"})).json();
    assert_eq!((decided["state"].as_str(), decided["note"].as_str()), (Some("approved"), Some("已电话核实")));
    for again in ["approve", "reject"] {
        let refused = desk.decide(&id, again, json!({}));
        assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (409, Some("conflict")), "{refused:?}");
    }
    let metrics = desk.server.get("/metrics", Some(KEY)).text;
    assert!(metrics.contains("\nyizhan_reviews_waiting 0\n") && metrics.contains("outcome=\"held\""), "{metrics}");

    let passed = desk.server.post_by_review(&desk.asks, CHAT, &asked, &id);
    assert_eq!(passed.json()["choices"][0]["message"]["content"], "Hello from plain", "{passed:?}");
    for stream in [false, true] {
        let again = desk.server.post_by_review(&desk.asks, CHAT, &ask("plain", "转账 100 万", stream), &id);
        assert_eq!((again.status, &again.json()["error"]["code"]), (403, &json!("approval_used")), "{again:?}");
        assert!(again.review.as_ref() == Some(&id) && again.text.contains("without the header"), "{again:?}");
    }
    assert_eq!(desk.provider.requests().len(), 1);
    let shown = desk.server.get(&desk.path(&format!("/{id}")), Some(&desk.decides)).json();
    assert!(shown["used_by"].as_str().unwrap().starts_with("call-") && shown["used_ms"].is_i64(), "{shown}");
    assert!(desk.of_caller(&desk.asks, &id).json()["used_ms"].is_i64());
    // Without the id, with another text, and with an id that is nobody's, it is held anew.
    assert_ne!(desk.held("转账 100 万"), id);
    for (content, named) in
        [("转账 200 万", id.as_str()), ("转账 300 万", "rev-000000000000000000000000"), ("转账", "\"x")]
    {
        let other = desk.server.post_by_review(&desk.asks, CHAT, &ask("plain", content, false), named);
        assert_ne!(held(&other), named);
    }

    let records = desk.records();
    let outcomes: Vec<&Value> = records.iter().filter(|r| r["kind"] == "chat").map(|r| &r["outcome"]).collect();
    assert_eq!(outcomes[0], &json!({"held": id}), "{records:?}");
    let decision = records.iter().find(|record| record["kind"] == "review").unwrap();
    assert_eq!(decision["extra"]["review"], id.as_str(), "{decision}");
    assert_eq!((&decision["extra"]["decision"], &decision["tenant"]), (&json!("approve"), &json!("bank")));
    assert!(decision["key"].as_str().unwrap().starts_with("key-"), "{decision}");
    let passed = |record: &&Value| {
        record["kind"] == "chat" && record["outcome"].is_null() && record["extra"]["review"] == id.as_str()
    };
    assert_eq!(records.iter().filter(passed).count(), 1, "{records:#?}");
    assert_eq!(desk.house.ok(&["audit", "verify", "--json"]).json()["intact"], true);
}

#[test]
fn an_edited_and_a_rejected_question() {
    let desk = desk("");
    let id = desk.held("转账 100 万到 13800138000");
    let edited = desk.decide(&id, "edit", json!({"text": "转账 1 万到 13900139000"}));
    assert_eq!(edited.json()["state"], "edited", "{edited:?}");
    let passed = desk.server.post_by_review(&desk.asks, CHAT, &ask("plain", "转账 100 万到 13800138000", false), &id);
    assert_eq!(passed.status, 200, "{passed:?}");
    let sent = desk.provider.requests()[0]["messages"][0]["content"].to_string();
    assert!(sent.contains("转账 1 万到") && !sent.contains("13900139000"), "rules that mask still hold: {sent}");
    assert_eq!(desk.of_caller(&desk.asks, &id).json()["edited"], "转账 1 万到 13900139000");

    let id = desk.held("转账");
    assert_eq!(desk.decide(&id, "edit", json!({})).status, 400);
    assert_eq!(desk.decide(&id, "approve", json!({"texts": "x"})).status, 400);
    assert_eq!(desk.decide(&id, "reject", json!({"note": "收款人在名单上"})).status, 200);
    let refused = desk.server.post_by_review(&desk.asks, CHAT, &ask("plain", "转账", false), &id);
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (400, Some("content_filter")));
    assert!(refused.text.contains("收款人在名单上") && refused.review == Some(id), "{refused:?}");
    let both = desk.server.post_as(&desk.asks, CHAT, &ask("plain", "转账 禁语", false));
    assert_eq!((both.status, both.review), (400, None), "nobody is asked about what is blocked in any case");
    // Only chat calls are held.
    let vectors = desk.server.post_as(&desk.asks, "/v1/embeddings", &json!({"model": "plain", "input": "转账"}));
    assert_eq!((vectors.status, vectors.json()["error"]["code"].as_str()), (400, Some("content_filter")));
    assert!(vectors.text.contains("Only chat calls are held"), "{vectors:?}");
    let checked = desk.house.ok(&["config", "check"]);
    assert!(checked.stderr.contains("on embeddings, rerank and search"), "{checked:?}");
}

#[test]
fn a_withheld_answer_is_fetched_when_it_is_approved() {
    let desk = desk("");
    let [whole, streamed] = [false, true].map(|stream| ask("secretive", "Hi", stream));
    let whole = desk.server.post_as(&desk.asks, CHAT, &whole);
    let body = whole.json();
    assert_eq!((whole.status, &body["choices"][0]["finish_reason"]), (200, &json!("content_filter")), "{whole:?}");
    let id = whole.review.unwrap();
    assert_eq!(body["yizhan"]["review"]["id"], id.as_str());
    let streamed = desk.server.post_as(&desk.asks, CHAT, &streamed);
    assert!(
        streamed.text.contains("\"finish_reason\":\"content_filter\"") && streamed.text.ends_with("data: [DONE]\n\n")
    );
    assert!(!streamed.text.contains("call me"), "{}", streamed.text);
    let event = streamed.text.lines().find(|line| line.contains("rev-")).unwrap();
    let event: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    let second = event["yizhan"]["review"]["id"].as_str().unwrap();
    assert_ne!(second, id);

    let shown = desk.server.get(&desk.path(&format!("/{id}")), Some(&desk.decides)).json();
    let text = shown["text"].as_str().unwrap();
    assert!(text.starts_with("call me at ") && !text.contains("138"), "masked as its caller would get it: {text}");
    assert_eq!(shown["request"]["messages"][0]["content"], "Hi", "{shown}");
    assert_eq!(desk.of_caller(&desk.asks, &id).json()["answer"], Value::Null);
    desk.decide(&id, "approve", json!({}));
    let answer = desk.of_caller(&desk.asks, &id).json();
    assert_eq!(answer["answer"]["choices"][0]["message"]["content"], text, "{answer}");
    assert_eq!(answer["answer"]["object"], "chat.completion");
    desk.decide(second, "edit", json!({"text": "Write to us."}));
    let answer = desk.of_caller(&desk.asks, second).json();
    assert_eq!(answer["answer"]["choices"][0]["message"]["content"], "Write to us.", "{answer}");

    for (path, body) in [
        (
            "/v1/messages",
            json!({"model": "secretive", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}),
        ),
        ("/v1/responses", json!({"model": "secretive", "input": "Hi"})),
    ] {
        let other = desk.server.post_as(&desk.asks, path, &body);
        assert!(other.status == 200 && other.text.contains(&other.review.unwrap()), "{path}: {}", other.text);
        let streamed = desk.server.post_as(&desk.asks, path, &with(body, "stream", true));
        assert!(streamed.text.contains("\"yizhan\":{\"review\":{"), "{path}: {}", streamed.text);
    }
    let held = desk.server.post_as(
        &desk.asks,
        "/v1/messages",
        &json!({"model": "plain", "max_tokens": 9, "messages": [{"role": "user", "content": "转账"}]}),
    );
    assert_eq!((held.status, &held.json()["error"]["code"]), (403, &json!("held_for_review")), "{held:?}");
    assert_eq!(held.json()["error"]["review"], held.review.unwrap().as_str());
}

#[test]
fn nobody_learns_of_another_tenants_reviews() {
    let desk = desk("");
    let id = desk.held("转账");
    let foreign = key(&desk.house, "clinic", "reviewer");
    let other_key = key(&desk.house, "bank", "application");
    let unknown = "rev-000000000000000000000000";
    // Of another tenant one cannot tell whether it is there, nor whether its items are.
    for tenant in ["bank", "nowhere"] {
        for rest in ["", &format!("/{id}")] {
            let answer = desk.server.get(&format!("/admin/v1/tenants/{tenant}/reviews{rest}"), Some(&foreign));
            assert_eq!(answer.status, 404);
            assert_eq!(answer.json()["error"]["message"], format!("There is no tenant '{tenant}'."));
        }
    }
    let theirs = |id: &str| desk.server.get(&format!("/admin/v1/tenants/clinic/reviews/{id}"), Some(&foreign));
    assert_eq!((theirs(&id).status, theirs(&id).text.replace(&id, unknown)), (404, theirs(unknown).text));
    let path = format!("/admin/v1/tenants/clinic/reviews/{id}/approve");
    assert_eq!(desk.server.post_as(&foreign, &path, &json!({})).status, 404);
    // The same for callers: an id is its own key's.
    for key in [&foreign, &other_key, &desk.decides, KEY] {
        let (answer, none) = (desk.of_caller(key, &id), desk.of_caller(key, unknown));
        assert_eq!((answer.status, answer.text.replace(&id, unknown)), (404, none.text));
    }
    assert_ne!(held(&desk.server.post_by_review(&other_key, CHAT, &ask("plain", "转账", false), &id)), id);
    // Deciding takes the scope.
    for key in [&desk.asks, &other_key] {
        assert_eq!(desk.server.get(&desk.path(""), Some(key)).status, 403);
        let path = desk.path(&format!("/{id}/approve"));
        assert_eq!(desk.server.post_as(key, &path, &json!({})).status, 403);
    }
    assert_eq!(desk.of_caller(&desk.asks, &id).json()["state"], "waiting");
}

#[test]
fn reviews_from_the_command_line_with_a_server_and_without() {
    let desk = desk("[review]\nmost_waiting = 3\nmost_kib = 1\n");
    let ids: Vec<String> = (1..4).map(|number| desk.held(&format!("转账 {number} 万"))).collect();
    let full = desk.server.post_as(&desk.asks, CHAT, &ask("plain", "转账 9 万", false));
    assert!(full.status == 400 && full.text.contains("try again when some are decided"), "{full:?}");
    let long = desk.server.post_as(&desk.asks, CHAT, &ask("plain", &format!("转账{}", "x".repeat(2000)), false));
    assert!(long.status == 400 && long.text.contains("1 KiB"), "{long:?}");
    let review = |arguments: &[&str]| desk.house.run(&[&["review"], arguments, &["--tenant", "bank"]].concat());
    let listed = review(&["list", "--json"]).json();
    let of_list: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(of_list, ids, "the oldest first");
    let table = review(&["list"]).stdout;
    assert!(table.contains("转账 1 万") && table.contains("large-transfer"), "{table}");
    let more = review(&["list", "--limit", "2"]);
    assert!(more.stderr.contains(&format!("--after {}", ids[1])), "{more:?}");
    let shown = review(&["show", &ids[0]]).stdout;
    assert!(shown.contains("waiting") && shown.contains("--- user\n转账 1 万"), "{shown}");
    assert!(review(&["approve", &ids[0], "--note", "好"]).stdout.contains("approved"));
    review(&["approve", &ids[0]]).refused(1, &["approved", "conflict"]);
    review(&["show", "rev-1"]).refused(1, &["rev-1", "not_found"]);
    review(&["list", "--state", "open"]).refused(1, &["waiting", "invalid_request"]);
    desk.house.run(&["review", "list", "--tenant", "nowhere"]).refused(1, &["nowhere", "not_found"]);

    let Desk { house, server, asks, .. } = desk;
    drop(server);
    let review = |arguments: &[&str]| house.run(&[&["review"], arguments, &["--tenant", "bank"]].concat());
    let text = house.write("answer.txt", "转账 2 元\n");
    review(&["edit", &ids[1], "--file", text.to_str().unwrap()]);
    assert_eq!(review(&["show", &ids[1], "--json"]).json()["edited"], "转账 2 元");
    review(&["reject", &ids[2], "--note", "不行"]);
    review(&["reject", &ids[2]]).refused(1, &["rejected", "conflict"]);
    house.run(&["review", "list", "--tenant", "nowhere"]).refused(1, &["nowhere", "not_found"]);
    assert_eq!(review(&["list", "--json"]).json(), json!([]));
    let last = house.ok(&["audit", "tail", "-n", "1", "--json"]).lines()[0]["record"].clone();
    assert_eq!((&last["kind"], &last["extra"]["review"]), (&json!("review"), &json!(ids[2])), "{last}");

    // What was decided without it counts with the next server.
    let server = house.serve();
    let passed = server.post_by_review(&asks, CHAT, &ask("plain", "转账 1 万", false), &ids[0]);
    assert_eq!(passed.status, 200, "{passed:?}");
    let show = house.ok(&["review", "show", &ids[0], "--tenant", "bank"]).stdout;
    let list = house.ok(&["review", "list", "--state", "approved", "--tenant", "bank"]).stdout;
    assert!(show.contains("used:    by call-") && list.contains("approved, used"), "{show}{list}");
    let rejected = server.post_by_review(&asks, CHAT, &ask("plain", "转账 3 万", false), &ids[2]);
    assert!(rejected.status == 400 && rejected.text.contains("不行"), "{rejected:?}");
}

#[test]
fn who_made_a_call_does_not_let_it_pass() {
    let desk = desk("");
    let own = key(&desk.house, "bank", "admin");
    let id = held(&desk.server.post_as(&own, CHAT, &ask("plain", "转账", false)));
    for (verdict, body) in [("approve", json!({})), ("edit", json!({"text": "x"}))] {
        let refused = desk.server.post_as(&own, &desk.path(&format!("/{id}/{verdict}")), &body);
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("permission_denied")));
        assert!(refused.text.contains("somebody else") && refused.text.contains("self_approval"), "{refused:?}");
    }
    assert_eq!(desk.server.post_as(&own, &desk.path(&format!("/{id}/reject")), &json!({})).status, 200);
    let second = held(&desk.server.post_as(&own, CHAT, &ask("plain", "转账", false)));
    assert_eq!(desk.decide(&second, "approve", json!({})).status, 200, "another person may");

    // The operator at the command line may, of what was asked there too: with a server and without.
    let asked = desk.house.run(&["ask", "--base", "plain", "转账"]);
    asked.refused(1, &["held_for_review"]);
    let listed = desk.house.ok(&["review", "list", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    desk.house.ok(&["review", "approve", &id]);

    // One person, who has said so.
    let Desk { house, provider, server, .. } = desk;
    drop(server);
    configure(&house, &provider, "[review]\nself_approval = true\n");
    let server = house.serve();
    let id = held(&server.post_as(&own, CHAT, &ask("plain", "转账", false)));
    let path = format!("/admin/v1/tenants/bank/reviews/{id}/approve");
    assert_eq!(server.post_as(&own, &path, &json!({})).status, 200);
}

/// Sends a chat call that names a review, and does not wait for what comes.
fn send(server: &Server, key: &str, review: &str, body: &Value) -> TcpStream {
    let (host, body) = (server.url.trim_start_matches("http://"), body.to_string());
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\nx-yizhan-review: {review}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    stream
}

#[test]
fn an_approval_outlives_calls_that_fail_and_a_server_that_dies() {
    let desk = desk("");
    let approved = |model: &str| {
        let id = held(&desk.server.post_as(&desk.asks, CHAT, &ask(model, "转账", false)));
        assert_eq!(desk.decide(&id, "approve", json!({})).status, 200);
        id
    };
    let id = approved("limited");
    for _ in 0..2 {
        let failed = desk.server.post_by_review(&desk.asks, CHAT, &ask("limited", "转账", false), &id);
        assert_eq!((failed.status, &failed.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
    }
    let id = approved("silent");
    let asked = ask("silent", "转账", false);
    let waiting = send(&desk.server, &desk.asks, &id, &asked);
    desk.server.until(|server| {
        let shown = server.get(&desk.path(&format!("/{id}")), Some(&desk.decides)).json();
        shown["used_by"].is_string() && shown["used_ms"].is_null()
    });
    let busy = desk.server.post_by_review(&desk.asks, CHAT, &asked, &id);
    assert_eq!((busy.status, &busy.json()["error"]["code"]), (409, &json!("conflict")), "{busy:?}");
    let Desk { house, server, decides, .. } = desk;
    server.running.kill();
    drop(waiting);
    let server = house.serve();
    let path = format!("/admin/v1/tenants/bank/reviews/{id}");
    assert!(server.get(&path, Some(&decides)).json()["used_by"].is_null(), "it counts again");
}
