use super::{limits, read_limits};
use serde_json::json;

fn read(texts: &[&str]) -> Result<serde_json::Value, yizhan_domain::Error> {
    read_limits(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

#[test]
fn limits_are_typed_as_they_are_shown() {
    let texts =
        ["requests_per_second=0.5", "burst=7", "money_per_day=unlimited", "models.qwen2.5*.tokens_per_minute=1000"];
    let body = json!({
        "requests_per_second": 0.5, "burst": 7, "money_per_day": "unlimited",
        "models": {"qwen2.5*": {"tokens_per_minute": 1000}},
    });
    assert_eq!(read(&texts), Ok(body.clone()));
    let shown = limits(&json!({"limits": body}));
    let mut words: Vec<&str> = shown.split(' ').collect();
    words.sort_unstable();
    let mut typed = texts.to_vec();
    typed.sort_unstable();
    assert_eq!(words, typed);
    assert_eq!(read(&["burst=default"]), Ok(json!({"burst": null})));
    assert_eq!(read(&[]), Ok(json!({})));
}

#[test]
fn what_is_no_limit_is_said() {
    for text in ["burst", "burst=many", "burst=", "models.qwen=5", "burst=[1]"] {
        let error = read(&[text]).expect_err(text);
        assert!(error.message().contains(text), "{}", error.message());
    }
}
