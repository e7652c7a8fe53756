use super::{AccountEdit, KeyEdit, NewAccount, read_key};
use serde_json::{Value, json};
use yizhan_access::{Role, Scope};
use yizhan_store::{AccountTerms, Key, KeyTerms};

fn limits_after(kept: Value, patch: Value) -> Result<Value, String> {
    let mut terms = AccountTerms { limits: kept, ..AccountTerms::default() };
    let edit = AccountEdit::read(json!({"limits": patch})).map_err(|error| error.to_string())?;
    edit.apply(&mut terms).map_err(|error| error.to_string())?;
    Ok(terms.limits)
}

#[test]
fn limits_change_field_by_field() {
    let kept = json!({"requests_per_second": 50.0, "models": {"qwen*": {"tokens_per_minute": 10}}});
    let patch =
        json!({"money_per_day": 3.5, "requests_per_second": null, "models": {"gpt*": {"concurrent_requests": 1}}});
    let after = json!({
        "money_per_day": 3.5,
        "models": {"qwen*": {"tokens_per_minute": 10}, "gpt*": {"concurrent_requests": 1}},
    });
    assert_eq!(limits_after(kept.clone(), patch), Ok(after));
    assert_eq!(limits_after(kept.clone(), json!(null)), Ok(Value::Null));
    assert_eq!(limits_after(json!({"burst": 5}), json!({"burst": null})), Ok(Value::Null));
    assert!(limits_after(json!(null), json!({"burst": "unlimited"})).is_err());
    let misspelt = limits_after(kept, json!({"request_per_second": 1})).unwrap_err();
    assert!(misspelt.contains("request_per_second"), "{misspelt}");
}

#[test]
fn a_failed_change_changes_nothing() {
    let before = AccountTerms { name: "Clinic".into(), ..AccountTerms::default() };
    let mut terms = before.clone();
    let edit = AccountEdit::read(json!({"name": "Other", "disabled": true, "limits": {"burst": 0}})).unwrap();
    assert!(edit.apply(&mut terms).is_err());
    assert_eq!(terms, before);
}

#[test]
fn what_is_left_out_stays_and_null_takes_away() {
    let before = KeyTerms {
        expires_ms: Some(5000),
        models: vec!["qwen*".into()],
        networks: vec!["10.0.0.0/8".into()],
        ..KeyTerms::default()
    };
    let mut key = key(&["inference"], before.clone());
    KeyEdit::read(json!({"disabled": true}), 0).unwrap().apply(&mut key).unwrap();
    assert_eq!(key.terms, KeyTerms { disabled: true, ..before.clone() });
    let clear = json!({"disabled": false, "expires_ms": null, "models": [], "networks": null});
    KeyEdit::read(clear, 0).unwrap().apply(&mut key).unwrap();
    assert_eq!((key.terms, key.scopes), (KeyTerms::default(), vec!["inference".to_owned()]));
}

fn key(scopes: &[&str], terms: KeyTerms) -> Key {
    Key {
        id: "key-1".into(),
        tenant: "clinic".into(),
        name: "desk".into(),
        scopes: scopes.iter().map(|word| (*word).to_owned()).collect(),
        terms,
        declared: false,
        created_ms: 0,
        used_ms: None,
    }
}

#[test]
fn a_role_brings_its_scopes_and_takes_them_along() {
    let application = || KeyTerms { role: Some("application".into()), ..KeyTerms::default() };
    let of = |role: Role| role.scopes().iter().map(|scope| scope.as_str()).collect::<Vec<_>>();
    let mut whole = of(Role::Application);
    whole.push("audit");
    let after = |body: Value| {
        let mut key = key(&whole, application());
        KeyEdit::read(body, 0).unwrap().apply(&mut key).unwrap();
        (key.terms.role, key.scopes)
    };
    let (role, scopes) = after(json!({"role": "auditor"}));
    assert_eq!(role.as_deref(), Some("auditor"));
    assert!(of(Role::Auditor).iter().all(|word| scopes.iter().any(|held| held == word)), "{scopes:?}");
    assert!(!scopes.contains(&"inference".to_owned()), "{scopes:?}");
    assert_eq!(after(json!({"role": null})), (None, vec!["audit".to_owned()]));
    let (role, scopes) = after(json!({"scopes": ["usage"]}));
    assert_eq!((role.as_deref(), scopes.last().map(String::as_str)), (Some("application"), Some("usage")));
    assert!(!scopes.contains(&"audit".to_owned()), "{scopes:?}");
    assert_eq!(after(json!({"role": null, "scopes": ["usage"]})), (None, vec!["usage".to_owned()]));
    assert!(KeyEdit::read(json!({"role": "king"}), 0).is_err() && KeyEdit::read(json!({"role": 1}), 0).is_err());
}

#[test]
fn a_key_is_read_whole() {
    let body = json!({
        "name": "web", "role": "application", "scopes": ["usage"], "project": "site", "user": "ann",
        "expires_ms": 9, "models": ["qwen*"], "networks": ["10.0.0.0/8"], "limits": {"requests_per_second": 2},
    });
    let key = read_key(body, 8).unwrap();
    assert_eq!(
        (key.role, key.scopes.as_slice(), key.expires_ms),
        (Some(Role::Application), &[Scope::Usage][..], Some(9))
    );
    assert_eq!((key.project.unwrap().as_str(), key.user.unwrap().as_str()), ("site", "ann"));
}

#[test]
fn wrong_fields_are_named() {
    let key = |body: Value| read_key(body, 8).unwrap_err().parameter().map(str::to_owned);
    for (body, parameter) in [
        (json!([]), "body"),
        (json!({}), "name"),
        (json!({"name": 1}), "name"),
        (json!({"name": "a", "role": "king"}), "role"),
        (json!({"name": "a", "scopes": ["all"]}), "scopes"),
        (json!({"name": "a", "scopes": "admin"}), "scopes"),
        (json!({"name": "a", "expires_ms": 8}), "expires_ms"),
        (json!({"name": "a", "expires_ms": 8.5}), "expires_ms"),
        (json!({"name": "a", "expiers_ms": 9}), "expiers_ms"),
        (json!({"name": "a", "limits": 5}), "limits"),
        (json!({"name": "a", "limits": {"burst": 0}}), "limits.burst"),
    ] {
        assert_eq!(key(body.clone()).as_deref(), Some(parameter), "{body}");
    }
    let account = |body: Value| NewAccount::read(body).unwrap_err().parameter().map(str::to_owned);
    assert_eq!(account(json!({"name": "Clinic"})).as_deref(), Some("id"));
    assert_eq!(account(json!({"id": "clinic", "disabled": true})).as_deref(), Some("disabled"));
}
