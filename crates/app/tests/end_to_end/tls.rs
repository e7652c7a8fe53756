//! HTTPS: the certificate, its change while the server runs, callers' certificates, and the command line beside it.

use crate::support::{House, KEY, Ran, Running, cache};
use crate::traces::{Collector, attribute, has, named};
use rcgen::{CertificateParams, CertifiedIssuer, CertifiedKey, IsCa, KeyPair, generate_simple_self_signed};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap()
}

/// Writes a certificate and its key; each file whole, by a rename.
fn install(house: &House, own: &CertifiedKey<KeyPair>) -> (PathBuf, PathBuf) {
    std::fs::create_dir_all(house.data()).unwrap();
    let put = |name: &str, text: String| {
        let (new, path) = (house.data().join("new"), house.data().join(name));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &path).unwrap();
        path
    };
    (put("cert.pem", own.cert.pem()), put("key.pem", own.signing_key.serialize_pem()))
}

fn configure(house: &House, more: &str) {
    let text = format!("[server.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n{more}");
    std::fs::write(house.data().join("yizhan.toml"), text).unwrap();
}

fn serve(house: &House, flags: &[&str]) -> (Running, String) {
    let mut command = house.command(&[&["serve", "--listen", "127.0.0.1:0"], flags].concat());
    command.env("YIZHAN_BOOTSTRAP_KEY", KEY).env("YIZHAN_CACHE", cache()).env("OTLP_TEAM", "search");
    let mut running = Running::start(command);
    let ready = running.line().unwrap_or_else(|| panic!("the server ended at its start: {}", running.errors()));
    let url = ready.strip_prefix("ready ").unwrap().to_owned();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    (running, url)
}

/// The status of a request by a client that trusts this certificate alone; none when there is no handshake.
fn status(url: &str, trusted: &str, own: Option<ClientCert>) -> Option<u16> {
    let roots = RootCerts::new_with_certs(&[Certificate::from_pem(trusted.as_bytes()).unwrap()]);
    let tls = TlsConfig::builder().root_certs(roots).client_cert(own).build();
    let agent = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).tls_config(tls);
    let agent = agent.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
    let reply = agent.get(format!("{url}/v1/models")).header("authorization", format!("Bearer {KEY}")).call();
    reply.ok().map(|reply| reply.status().as_u16())
}

fn until(running: &Running, is_so: impl Fn() -> bool) {
    let begin = std::time::Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it never was: {}", running.errors());
        std::thread::yield_now();
    }
}

fn metrics(house: &House) -> String {
    let address: Value = serde_json::from_slice(&std::fs::read(house.data().join("server.json")).unwrap()).unwrap();
    let url = format!("{}/metrics", address["url"].as_str().unwrap());
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let reply = agent.get(url).header("authorization", format!("Bearer {KEY}")).call();
    reply.unwrap().body_mut().read_to_string().unwrap()
}

#[test]
fn https_is_spoken_and_the_command_line_still_works() {
    let (house, own) = (House::new(), certificate());
    let (cert, key) = install(&house, &own);
    let collector = Collector::start(true);
    let telemetry = format!(
        "[telemetry]\nendpoint = \"{}\"\nservice = \"station\"\nevery_s = 0.1\n\
         headers = {{ \"x-team\" = {{ env = \"OTLP_TEAM\" }} }}\n",
        collector.url
    );
    std::fs::write(house.data().join("yizhan.toml"), format!("[server]\ndrain_s = 3600\n{telemetry}")).unwrap();
    let flags = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let (running, url) = serve(&house, &flags);
    assert_eq!(status(&url, &own.cert.pem(), None), Some(200));
    let spans = collector.spans(has("GET /v1/models"));
    assert_eq!(attribute(named(&spans, "GET /v1/models"), "url.scheme"), "https");
    assert_eq!(status(&url, &certificate().cert.pem(), None), None, "another certificate is not trusted");
    assert_eq!(status(&url.replace("https", "http"), &own.cert.pem(), None), None, "the port speaks TLS alone");
    let made = house.ok(&["key", "create", "web", "--json"]).json();
    assert!(made["secret"].is_string(), "{made}");
    house.run(&["serve"]).refused(1, &["A server is running", &url]);
    assert!(metrics(&house).contains("yizhan_tls_ok 1"));
    // Who never began the handshake holds up nothing.
    let _silent = std::net::TcpStream::connect(url.trim_start_matches("https://")).unwrap();
    running.terminate();
    let mut running = running;
    assert!(running.wait().success(), "{}", running.errors());
}

#[test]
fn a_changed_certificate_counts_without_a_restart_and_a_bad_one_does_not() {
    let (house, first, second) = (House::new(), certificate(), certificate());
    install(&house, &first);
    configure(&house, "");
    let (running, url) = serve(&house, &[]);
    assert_eq!(status(&url, &first.cert.pem(), None), Some(200));
    install(&house, &second);
    until(&running, || status(&url, &second.cert.pem(), None) == Some(200));
    std::fs::write(house.data().join("cert.pem"), "no certificate").unwrap();
    until(&running, || metrics(&house).contains("yizhan_tls_ok 0"));
    assert_eq!(status(&url, &second.cert.pem(), None), Some(200));
    assert!(running.errors().contains("the last good ones stay"), "{}", running.errors());
    install(&house, &first);
    until(&running, || status(&url, &first.cert.pem(), None) == Some(200));
    until(&running, || metrics(&house).contains("yizhan_tls_ok 1"));
}

#[test]
fn callers_need_a_certificate_where_an_authority_is_named() {
    let (house, own) = (House::new(), certificate());
    install(&house, &own);
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(house.data().join("callers.pem"), authority.pem()).unwrap();
    configure(&house, "client_ca = \"callers.pem\"\n");
    let (_running, url) = serve(&house, &[]);
    let key = KeyPair::generate().unwrap();
    let signed = CertificateParams::new(vec!["caller".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let caller = ClientCert::new_with_certs(
        &[Certificate::from_pem(signed.pem().as_bytes()).unwrap()],
        PrivateKey::from_pem(key.serialize_pem().as_bytes()).unwrap(),
    );
    assert_eq!(status(&url, &own.cert.pem(), None), None);
    assert_eq!(status(&url, &own.cert.pem(), Some(caller)), Some(200));
    house.ok(&["tenant", "list"]);
}

#[test]
fn a_server_whose_certificate_cannot_be_used_does_not_start() {
    let house = House::new();
    let (cert, key) = install(&house, &certificate());
    std::fs::write(&key, certificate().signing_key.serialize_pem()).unwrap();
    let refused = |flags: &[&str], words: &[&str], code: i32| {
        Ran::of(house.command(&[&["serve", "--listen", "127.0.0.1:0"], flags].concat())).refused(code, words);
    };
    let flags = |key: &Path| ["--tls-cert".to_owned(), path(&cert), "--tls-key".to_owned(), path(key)];
    let typed = |key: &Path, words: &[&str]| {
        let flags = flags(key);
        refused(&flags.each_ref().map(String::as_str), words, 1);
    };
    typed(&key, &["key.pem", "not the key of the certificate", "invalid_config"]);
    typed(&house.data().join("none.pem"), &["none.pem", "cannot be read"]);
    refused(&["--tls-cert", "cert.pem"], &["--tls-key"], 2);
    configure(&house, "");
    refused(&[], &["key.pem", "not the key of the certificate"], 1);
    house.run(&["config", "check"]).refused(1, &["key.pem"]);
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
