use super::*;

fn found(owner: &str, text: &str) -> Vec<String> {
    let path = format!("crates/{owner}/Cargo.toml");
    check(&path, text, owner, &Rules::builtin().unwrap()).iter().map(Finding::to_string).collect()
}

#[test]
fn manifests_have_owners() {
    assert_eq!(owner("crates/domain/Cargo.toml"), Some("domain"));
    assert_eq!(owner("xtask/Cargo.toml"), Some("xtask"));
    assert_eq!(owner("Cargo.toml"), None);
    assert_eq!(owner("crates/a/fuzz/Cargo.toml"), None);
    assert_eq!(owner("bench/Cargo.toml"), None);
}

#[test]
fn an_edge_that_is_not_allowed_is_found_with_its_line() {
    let text =
        "[package]\nname = \"x\"\n\n[dependencies]\nyizhan-domain.workspace = true\nyizhan-gateway.workspace = true\n";
    assert_eq!(found("store", text).len(), 1);
    assert!(found("store", text)[0].starts_with("crates/store/Cargo.toml:6: 'store' must not depend on 'gateway'"));
    assert!(found("app", text).is_empty());
    assert!(found("poems", text)[0].contains("not in xtask/tidy.toml"));
}

#[test]
fn tests_may_use_the_testkit_and_what_the_rules_name() {
    assert!(found("store", "[dev-dependencies]\nyizhan-testkit.workspace = true").is_empty());
    assert!(found("gateway", "[dev-dependencies]\nyizhan-index.workspace = true").is_empty());
    assert_eq!(found("gateway", "[dependencies]\nyizhan-index.workspace = true").len(), 1);
    assert_eq!(found("store", "[dev-dependencies]\nyizhan-sqlite.workspace = true").len(), 1);
    assert_eq!(found("store", "[dependencies]\nyizhan-testkit.workspace = true").len(), 1);
}

#[test]
fn a_library_away_from_home_is_found_under_any_name() {
    assert_eq!(found("gateway", "[dependencies]\naxum = \"1\"").len(), 1);
    assert_eq!(found("app", "[dependencies]\nweb = { package = \"axum\", version = \"1\" }").len(), 1);
    assert_eq!(found("app", "[target.'cfg(unix)'.build-dependencies]\nrusqlite = \"1\"").len(), 1);
    assert!(found("server", "[dependencies]\naxum = \"1\"").is_empty());
    assert!(found("app", "[dev-dependencies]\nureq = \"3\"").is_empty());
    assert!(found("app", "[dependencies").first().is_some_and(|finding| finding.contains("not TOML")));
}
