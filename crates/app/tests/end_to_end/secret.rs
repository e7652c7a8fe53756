//! Providers' keys in the store: by command and by API, sealed on the disk, picked up by a running server.

use crate::provider::Provider;
use crate::support::{House, KEY, Ran, Server};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const VALUE: &str = "sk-first-0123456789abcdef";

fn set(house: &House, name: &str, value: &str) -> Ran {
    set_with(house, name, value, &[])
}

/// `secret set` with the value on standard input.
fn set_with(house: &House, name: &str, value: &str, environment: &[(&str, &str)]) -> Ran {
    let mut command = house.command(&["secret", "set", name]);
    command.envs(environment.iter().copied());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn configure(house: &House, provider: &Provider, more: &str) {
    let text = format!(
        "[[providers]]\nname = \"mock\"\nvendor = \"openai-compatible\"\nbase_url = \"{}\"\nkey = {{ store = \"main\" }}\n\
         [[providers.models]]\nname = \"plain\"\n{more}",
        provider.url
    );
    std::fs::create_dir_all(house.data()).unwrap();
    std::fs::write(house.data().join("yizhan.toml"), text).unwrap();
}

fn call(server: &Server) -> u16 {
    let body = json!({"model": "plain", "messages": [{"role": "user", "content": "Hi"}]});
    server.post("/v1/chat/completions", &body).status
}

/// Is the text anywhere below the folder?
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    })
}

#[test]
fn a_secret_is_kept_sealed_listed_without_its_value_and_removed() {
    let house = House::new();
    let ran = set(&house, "main", &format!("{VALUE}\n"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!(ran.stdout + &ran.stderr).contains("0123456789"));
    let listed = house.ok(&["secret", "list", "--json"]).json();
    assert_eq!((&listed[0]["id"], &listed[0]["ending"]), (&json!("main"), &json!("cdef")), "{listed}");
    let shown = house.ok(&["secret", "list"]).stdout;
    assert!(shown.contains("main") && shown.contains("…cdef") && !shown.contains("0123456789"), "{shown}");
    assert!(!holds(&house.data(), VALUE), "the value lies open in the data folder");
    set(&house, "a b", VALUE).refused(1, &["1 to 64 letters", "invalid_request"]);
    set(&house, "other", "").refused(1, &["1 to 8192 bytes"]);
    let tail = house.ok(&["audit", "tail", "--json"]).stdout;
    assert!(tail.contains("set secret main") && !tail.contains("0123456789"), "{tail}");
    house.ok(&["secret", "rm", "main"]);
    house.run(&["secret", "rm", "main"]).refused(1, &["There is no secret 'main'"]);
}

#[test]
fn the_master_key_is_changed_and_its_loss_is_told() {
    let house = House::new();
    assert_eq!(set(&house, "main", VALUE).code, 0);
    let key = house.data().join("secret.key");
    let old = std::fs::read(&key).unwrap();
    assert_eq!(house.ok(&["secret", "rekey", "--json"]).json(), json!({"resealed": 1}));
    assert_ne!(std::fs::read(&key).unwrap(), old);
    let elsewhere = house.data().join("elsewhere.key");
    house.ok(&["secret", "rekey", "--to", elsewhere.to_str().unwrap()]);
    let listed = house.ok(&["secret", "list"]);
    assert!(listed.stdout.contains("cannot be opened") && listed.stderr.contains("is not the one"), "{listed:?}");
    set(&house, "other", VALUE).refused(1, &["is not the one that sealed the secret 'main'", "[secrets] key"]);
    // The variable comes before the file.
    let digits = std::fs::read_to_string(&elsewhere).unwrap().lines().nth(1).unwrap().to_owned();
    let ran = set_with(&house, "other", VALUE, &[("YIZHAN_SECRET_KEY", &digits)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    std::fs::write(house.data().join("yizhan.toml"), "[secrets]\nkey = \"elsewhere.key\"\n").unwrap();
    let listed = house.ok(&["secret", "list", "--json"]).json();
    assert!(listed.as_array().unwrap().iter().all(|secret| secret["ending"] == "cdef"), "{listed}");
    std::fs::remove_file(&elsewhere).unwrap();
    set(&house, "third", VALUE).refused(1, &["is not in", "elsewhere.key", "If it is lost"]);
}

#[test]
fn a_running_server_takes_a_changed_secret_at_once() {
    let (house, provider) = (House::new(), Provider::start());
    configure(&house, &provider, "");
    let missing = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    Ran::of(missing).refused(1, &["providers.mock.key", "There is no secret 'main'", "yizhan secret set main"]);
    assert_eq!(set(&house, "main", VALUE).code, 0);
    let server = house.serve();
    assert_eq!(call(&server), 200);
    assert_eq!(provider.authorization(), format!("Bearer {VALUE}"));

    let ran = set(&house, "main", "sk-second-0123456789abcdef");
    assert_eq!(ran.code, 0, "{ran:?}");
    server.until(|server| {
        assert_eq!(call(server), 200);
        provider.authorization() == "Bearer sk-second-0123456789abcdef"
    });
    let changed = server.put("/admin/v1/secrets/main", &json!({"value": "sk-third-0123456789abcdef"}));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert!(!changed.text.contains("third"), "{changed:?}");
    server.until(|server| {
        assert_eq!(call(server), 200);
        provider.authorization() == "Bearer sk-third-0123456789abcdef"
    });
    house.run(&["secret", "rm", "main"]).refused(1, &["is needed by providers.mock.key", "conflict"]);
    house.ok(&["secret", "rekey"]);
    let elsewhere = house.data().join("elsewhere.key");
    house.run(&["secret", "rekey", "--to", elsewhere.to_str().unwrap()]).refused(1, &["A server is running"]);
    assert_eq!(call(&server), 200);
    let tail = house.ok(&["audit", "tail", "--json"]).stdout;
    assert!(tail.contains("PUT /admin/v1/secrets/main") && !tail.contains("0123456789"), "{tail}");
    assert!(!server.running.errors().contains("0123456789"), "{}", server.running.errors());
    for value in ["sk-second", "sk-third", VALUE] {
        assert!(!holds(&house.data(), value), "{value} lies open in the data folder");
    }
}

#[test]
fn only_operators_of_the_installation_reach_secrets() {
    let house = House::new();
    let server = house.serve();
    let key = |role: &str, tenant: &str| -> String {
        let made =
            server.post(&format!("/admin/v1/tenants/{tenant}/keys"), &json!({"name": role, "role": role})).json();
        made["secret"].as_str().unwrap().to_owned()
    };
    server.post("/admin/v1/tenants", &json!({"id": "clinic"}));
    let path = "/admin/v1/secrets/main";
    let body = json!({"value": VALUE});
    for (role, tenant) in
        [("admin", "clinic"), ("operator", "clinic"), ("developer", "default"), ("auditor", "default")]
    {
        let key = key(role, tenant);
        let answers = [
            server.get("/admin/v1/secrets", Some(&key)),
            server.put_as(&key, path, &body),
            server.delete_as(&key, path),
            server.post_as(&key, "/admin/v1/master_key/change", &json!({})),
        ];
        assert!(answers.iter().all(|answer| answer.status == 403), "{role} of {tenant}: {answers:?}");
    }
    let operator = key("operator", "default");
    assert_eq!(server.put_as(&operator, path, &body).status, 200);
    for (body, word) in [(json!({}), "'value'"), (json!({"value": 5}), "string"), (json!({"valu": "x"}), "valu")] {
        let refused = server.put_as(&operator, path, &body);
        assert!(refused.status == 400 && refused.text.contains(word), "{refused:?}");
    }
    let listed = server.get("/admin/v1/secrets", Some(&operator)).json();
    assert_eq!((&listed["data"][0]["id"], listed["data"][0].get("value")), (&json!("main"), None::<&Value>));
    assert_eq!(server.post_as(&operator, "/admin/v1/master_key/change", &json!({})).json()["resealed"], 1);
    assert_eq!(server.delete_as(&operator, path).status, 200);
    assert_eq!(server.delete_as(KEY, path).status, 404);
}
