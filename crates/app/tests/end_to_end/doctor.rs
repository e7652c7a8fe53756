//! `yizhan doctor` on an installation that is well, and on one with a fault in every place.

use crate::support::{House, Ran};
use rcgen::generate_simple_self_signed;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

/// A site that answers by path, and is told its own address; until the process ends.
fn site(answer: impl Fn(&str, &str) -> Option<Value> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let head: Vec<String> =
                BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
            let (status, body) = match answer(path, &own) {
                Some(body) => ("200 OK", body.to_string()),
                None => ("401 Unauthorized", json!({"error": {"message": "No such key."}}).to_string()),
            };
            let length = body.len();
            let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            // A caller that went away is nobody's concern.
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    url
}

fn issuer() -> String {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    site(move |path, own| match path {
        "/.well-known/openid-configuration" => Some(json!({"issuer": own, "jwks_uri": format!("{own}/keys")})),
        _ => Some(json!({"keys": [key]})),
    })
}

fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn certificate(house: &House, mode: u32) {
    let own = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    write(&house.data().join("cert.pem"), own.cert.pem(), 0o644);
    write(&house.data().join("key.pem"), own.signing_key.serialize_pem(), mode);
}

fn prices(house: &House, valid_from: &str) {
    let text = format!(
        "currency = \"CNY\"\n[[model]]\nname = \"plain\"\nprovider = \"mock\"\n[[model.price]]\nversion = \"1\"\n\
         valid_from = {valid_from}\ninput = 1\noutput = 2\n"
    );
    write(&house.data().join("prices.toml"), text, 0o644);
}

fn configure(house: &House, provider: &str, issuer: &str, more: &str) {
    let text = format!(
        "[server.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n[prices]\nfile = \"prices.toml\"\n\
         [[oidc]]\nissuer = \"{issuer}\"\naudience = [\"yizhan\"]\ntenant = \"default\"\ndefault_role = \"developer\"\n\
         [[providers]]\nname = \"mock\"\nvendor = \"openai-compatible\"\nbase_url = \"{provider}/v1\"\n\
         key = {{ store = \"main\" }}\n[[providers.models]]\nname = \"plain\"\n{more}"
    );
    write(&house.data().join("yizhan.toml"), text, 0o644);
}

fn set_secret(house: &House) {
    let mut command = house.command(&["secret", "set", "main"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"sk-0123456789-abcdefghij").unwrap();
    assert!(child.wait().unwrap().success());
}

/// What is said of a check: level and text, advice included.
fn said(ran: &Ran, check: &str) -> Vec<(String, String)> {
    let found = ran.lines().into_iter().filter(|finding| finding["check"] == check);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let say = |finding: Value| (text(&finding["level"]), text(&finding["message"]) + " → " + &text(&finding["advice"]));
    found.map(say).collect()
}

fn doctor(house: &House, more: &[&str]) -> Ran {
    house.run(&[&["doctor", "--json", "--listen", "127.0.0.1:0"], more].concat())
}

#[test]
fn an_installation_that_is_well_is_told_so() {
    let house = House::new();
    let provider = site(|path, _| (path == "/v1/models").then(|| json!({"data": []})));
    certificate(&house, 0o600);
    prices(&house, "2026-11-01T00:00:00Z");
    configure(&house, &provider, &issuer(), "");
    set_secret(&house);
    let ran = doctor(&house, &["--online"]);
    for (check, word) in [
        ("configuration", "is valid"),
        ("tls", "fit, until"),
        ("secrets", "1 kept"),
        ("audit log", "1 records, intact at its end"),
        ("provider", "mock answers"),
        ("oidc", "gives 1 keys"),
    ] {
        let said = said(&ran, check);
        assert!(said.len() == 1 && said[0].0 == "ok" && said[0].1.contains(word), "{check}: {said:?} {}", ran.stderr);
    }
    assert!(said(&ran, "prices").iter().all(|(level, _)| level != "fail"));
    assert_eq!(said(&ran, "clock").len(), 1);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(!ran.stdout.contains("0123456789"));
    let without = doctor(&house, &[]);
    assert!(said(&without, "providers")[0].1.contains("--online"));
    assert!(said(&without, "provider").is_empty() && said(&without, "oidc").is_empty(), "nobody outside is asked");
}

#[test]
fn every_fault_is_told_with_what_to_do() {
    let house = House::new();
    let refusing = site(|_, _| None);
    certificate(&house, 0o644);
    prices(&house, "2020-01-01T00:00:00Z");
    let more = "[[providers.models]]\nname = \"unpriced\"\n[redis]\nurl = \"redis://:hidden@127.0.0.1:1\"\n";
    configure(&house, &refusing, &site(|_, _| Some(json!({"issuer": "another"}))), more);
    let ran = doctor(&house, &["--online"]);
    assert_eq!(ran.code, 1);
    let expect = |ran: &Ran, check: &str, level: &str, word: &str| {
        let said = said(ran, check);
        assert!(said.iter().any(|(is, text)| is == level && text.contains(word)), "{check}, {word}: {said:?}");
    };
    expect(&ran, "tls", "fail", "chmod 600");
    expect(&ran, "secrets", "fail", "yizhan secret set main");
    expect(&ran, "prices", "warn", "days old");
    expect(&ran, "prices", "warn", "no price for mock/unpriced");
    expect(&ran, "redis", "fail", "127.0.0.1:1");
    expect(&ran, "oidc", "fail", "describes another issuer");
    expect(&ran, "providers", "fail", "'main'");
    assert!(!ran.stdout.contains("hidden"), "{}", ran.stdout);

    set_secret(&house);
    let key = house.data().join("secret.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let log = house.data().join("audit");
    let file = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
    let file = file.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).max().unwrap();
    let text = std::fs::read_to_string(&file).unwrap().replace("set secret main", "set secret mine");
    std::fs::write(&file, text).unwrap();
    let ran = doctor(&house, &["--online"]);
    expect(&ran, "secrets", "warn", "its group");
    expect(&ran, "audit log", "fail", "yizhan audit verify");
    expect(&ran, "provider", "fail", "providers.mock");
    assert!(!ran.stdout.contains("0123456789"), "{}", ran.stdout);

    std::fs::remove_file(&key).unwrap();
    expect(&doctor(&house, &[]), "secrets", "fail", "The master key that sealed the 1 secrets");
    write(&house.data().join("yizhan.toml"), "[server]\nboddy_mib = 1\n", 0o644);
    let ran = doctor(&house, &[]);
    expect(&ran, "configuration", "fail", "boddy_mib");
    let shown = house.run(&["doctor", "--listen", "127.0.0.1:0"]);
    assert!(shown.code == 1 && shown.stdout.contains("FAIL  configuration") && shown.stdout.contains("→"), "{shown:?}");
}
