//! Tenants, keys and usage from the command line, on the data folder and through a server.

use crate::governance::{governed, records};
use crate::support::{EMBEDDING, House, KEY, Server, need};
use serde_json::{Value, json};

fn status(server: &Server, key: &str) -> u16 {
    server.get("/v1/models", Some(key)).status
}

/// A key's secret, which must not be shown again.
fn secret(house: &House, arguments: &[&str]) -> String {
    let made = house.ok(&[&["key", "create"], arguments, &["--json"]].concat()).json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let tenant = made["tenant"].as_str().unwrap();
    let listed = house.ok(&["key", "list", "--tenant", tenant, "--json"]);
    assert!(listed.stdout.contains(made["id"].as_str().unwrap()) && !listed.stdout.contains(&secret), "{listed:?}");
    secret
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn keys_made_without_a_server_work_with_one_and_change_at_once() {
    let house = House::new();
    let limit = "requests_per_second=50";
    let made = house.ok(&["tenant", "create", "clinic", "--name", "诊所", "--limit", limit, "--json"]).json();
    assert_eq!(made["limits"], json!({"requests_per_second": 50.0}));
    house.ok(&["project", "create", "web", "--tenant", "clinic"]);
    house.ok(&["user", "create", "ann", "--tenant", "clinic"]);
    let made_before = secret(&house, &["before", "--tenant", "clinic", "--project", "web", "--expires", "90d"]);
    house.run(&["tenant", "create", "clinic"]).refused(1, &["clinic", "conflict"]);
    house.run(&["key", "create", "lost", "--tenant", "none"]).refused(1, &["none", "not_found"]);

    let server = house.serve();
    assert_eq!(status(&server, &made_before), 200);
    let made_after = secret(&house, &["after", "--tenant", "clinic", "--user", "ann", "--scope", "inference"]);
    assert_eq!(status(&server, &made_after), 200);
    house.ok(&["key", "disable", "after", "--tenant", "clinic"]);
    assert_eq!(status(&server, &made_after), 401);
    house.ok(&["key", "enable", "after", "--tenant", "clinic"]);
    assert_eq!(status(&server, &made_after), 200);
    house.ok(&["tenant", "limit", "clinic", "burst=100", "models.qwen2.5*.tokens_per_minute=9"]);
    let shown = house.ok(&["tenant", "show", "clinic", "--json"]).json();
    let limits = json!({"requests_per_second": 50.0, "burst": 100, "models": {"qwen2.5*": {"tokens_per_minute": 9}}});
    assert_eq!(shown["limits"], limits);
    house.run(&["tenant", "limit", "clinic", "bursts=1"]).refused(1, &["bursts", "invalid_request"]);
    house.ok(&["user", "rm", "ann", "--tenant", "clinic"]);
    assert_eq!(status(&server, &made_after), 401, "a user's keys end with them");
    house.ok(&["tenant", "disable", "clinic"]);
    assert_eq!(status(&server, &made_before), 401);
    drop(server);

    let listed = house.ok(&["tenant", "list", "--json"]).json();
    assert_eq!(ids(&listed), ["default", "clinic"]);
    assert_eq!(listed[1]["disabled"], true);
    house.ok(&["tenant", "enable", "clinic"]);
    house.ok(&["key", "rm", "before", "--tenant", "clinic"]);
    house.run(&["key", "rm", "before", "--tenant", "clinic"]).refused(1, &["before", "yizhan key list"]);
    house.ok(&["tenant", "rm", "clinic"]);
    let server = house.serve();
    assert_eq!((status(&server, &made_before), status(&server, KEY)), (401, 200));
    drop(server);
    let audit = house.ok(&["audit", "export"]).stdout;
    for what in ["create tenant clinic", "PATCH /admin/v1/tenants/clinic", "remove tenant 'clinic'"] {
        assert!(audit.contains(what), "'{what}' is not in the audit log: {audit}");
    }
    let tail = house.ok(&["audit", "tail", "-n", "100"]).stdout;
    for what in ["create tenant clinic {", "PATCH /admin/v1/tenants/clinic {\"limits\":{\"burst\":100,"] {
        assert!(tail.contains(what), "'{what}' is not told to people: {tail}");
    }
    assert!(!audit.contains(&made_before) && !audit.contains(&made_after), "a secret is in the audit log");
}

#[test]
fn a_tenants_administrator_sees_their_own_tenant_alone() {
    let house = House::new();
    house.ok(&["tenant", "create", "clinic"]);
    house.ok(&["tenant", "create", "bank"]);
    let admin = secret(&house, &["boss", "--tenant", "clinic", "--role", "admin"]);
    let server = house.serve();
    assert_eq!(server.get("/admin/v1/tenants/clinic/keys", Some(&admin)).status, 200);
    for path in ["/admin/v1/tenants/bank/keys", "/admin/v1/tenants/none/keys"] {
        assert_eq!(server.get(path, Some(&admin)).status, 404, "{path}");
    }
    assert_eq!(server.get("/admin/v1/tenants", Some(&admin)).status, 403);
    let standing = server.get("/v1/limits", Some(&admin)).json();
    assert_eq!((&standing["tenant"], &standing["requests"]["limit"]), (&json!("clinic"), &json!(200)), "{standing}");
}

#[test]
fn a_call_is_in_the_usage_with_and_without_a_server() {
    need(EMBEDDING);
    let house = House::new();
    let server = house.serve();
    let call = json!({"model": EMBEDDING, "input": "The pump needs oil."});
    assert_eq!(server.post("/v1/embeddings", &call).status, 200);
    assert_eq!(server.post("/v1/embeddings", &json!({"model": "no-such", "input": "x"})).status, 404);
    let asked = ["usage", "--by", "tenant,model", "--last", "1h", "--json"];
    let rows = |house: &House| house.ok(&asked).json()["data"].clone();
    let running = rows(&house);
    let of = |model: &str| running.as_array().unwrap().iter().find(|row| row["model"] == model).unwrap();
    let row = of(EMBEDDING);
    assert_eq!((&row["tenant"], &row["calls"], &row["errors"]), (&json!("default"), &json!(1), &json!(0)), "{row}");
    assert!(row["prompt_tokens"].as_u64() >= Some(4) && row["p95_ms"].is_number(), "{row}");
    assert_eq!(of("no-such")["refusals"], 1);
    let table = house.ok(&["usage", "--by", "model", "--period", "day"]).stdout;
    assert!(table.starts_with("DAY") && table.contains(EMBEDDING), "{table}");
    house.run(&["usage", "--by", "colour"]).refused(1, &["colour", "tenant"]);
    // Killed: what was not written down is counted from the audit log.
    server.running.kill();
    assert_eq!(rows(&house), running);
}

#[test]
fn a_key_is_shown_with_what_is_left_and_changed_by_who_may() {
    let (house, _provider, mut server) =
        governed("[prices]\nfile = \"prices.toml\"\n[limits.tenant]\nmoney_per_day = 1000\n");
    let desk = secret(&house, &["desk", "--model", "plain", "--limit", "tokens_per_minute=40"]);
    let ask = |key: &str| {
        let body = json!({"model": "plain", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]});
        server.post_as(key, "/v1/chat/completions", &body)
    };
    assert_eq!(ask(&desk).status, 200);
    let limits = server.get("/v1/limits", Some(&desk)).json();
    let (tenant, key) = (&limits["limits"][0], &limits["limits"][1]);
    assert_eq!((&tenant["of"], &tenant["id"]), (&json!("tenant"), &json!("default")), "{limits}");
    assert_eq!(tenant["money_per_day"]["spent"], 13.0, "{limits}");
    assert_eq!(tenant["money_per_day"]["remaining"], 987.0, "{limits}");
    assert!(tenant["money_per_day"]["resets_at_ms"].as_i64().is_some(), "{limits}");
    assert_eq!((&key["of"], &key["tokens_per_minute"]["remaining"]), (&json!("key"), &json!(27)), "{limits}");

    let shown = house.ok(&["key", "show", "desk", "--json"]).json();
    assert_eq!((&shown["name"], &shown["used"][0]["money_per_day"]["spent"]), (&json!("desk"), &json!(13.0)));
    let printed = house.ok(&["key", "show", "desk"]).stdout;
    assert!(printed.contains("money_per_day") && printed.contains("987"), "{printed}");

    house.ok(&["key", "set", "desk", "--role", "auditor", "--limit", "tokens_per_minute=41"]);
    assert_eq!(ask(&desk).status, 403, "an auditor asks no model");
    let change = records(&house).into_iter().rev().find(|record| record["kind"] == "admin").unwrap();
    assert_eq!(change["extra"]["change"], json!({"role": "auditor", "limits": {"tokens_per_minute": 41}}), "{change}");
    house.run(&["key", "set", "desk"]).refused(1, &["--role"]);
    house.run(&["key", "set", "desk", "--role", "king"]).refused(1, &["king"]);
    house.ok(&["key", "set", "desk", "--role", "application", "--model", "plain", "--expires", "90d"]);

    // Whoever manages keys gives no more than they have.
    let manager = secret(&house, &["manager", "--scope", "keys", "--scope", "inference", "--model", "plain"]);
    let id = shown["id"].as_str().unwrap();
    let path = format!("/admin/v1/tenants/default/keys/{id}");
    let changes = |body: Value| server.patch_as(&manager, &path, &body).status;
    assert_eq!(changes(json!({"role": "admin"})), 403);
    assert_eq!(changes(json!({"models": []})), 403);
    assert_eq!(changes(json!({"role": null, "scopes": ["inference"], "limits": {"tokens_per_minute": 20}})), 200);

    let refused = ask(&desk);
    assert_eq!(refused.status, 429, "{refused:?}");
    let record = records(&house).pop().unwrap();
    assert_eq!(record["extra"]["limit"], "key.tokens_per_minute", "{record}");
    let metrics = server.get("/metrics", Some(KEY)).text;
    let line = "yizhan_limit_refusals_total{limit=\"key.tokens_per_minute\"} 1";
    assert!(metrics.contains(line), "{metrics}");

    // What a killed server had drawn would stay spent.
    server.running.terminate();
    server.running.wait();
    let shown = house.ok(&["key", "show", "desk", "--json"]).json();
    assert_eq!(shown["used"][0]["money_per_day"]["spent"], 13.0, "without a server too: {shown}");
}
