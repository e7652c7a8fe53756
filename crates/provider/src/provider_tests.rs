use super::Provider;
use crate::{KeySource, ProviderConfig, Secret, VendorName};
use serde_json::{Value, json};
use yizhan_domain::{ErrorCode, ModelName};

fn config(value: Value) -> ProviderConfig {
    serde_json::from_value(value).unwrap()
}

fn wrong(value: Value) -> String {
    let error = Provider::new(config(value), Some(Secret::new("k"))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    error.message().to_owned()
}

#[test]
fn the_configuration_reads_as_documented() {
    let text = r#"
        name = "qwen"
        vendor = "dashscope"
        key = { env = "DASHSCOPE_API_KEY" }
        timeouts = { connect = 2.5 }

        [[models]]
        name = "qwen-plus"
        context_length = 131072
        max_output = 16384
        capabilities = ["tools", "json"]

        [[models]]
        name = "text"
        upstream = "text-embedding-v4"
        kind = "embedding"
        dimensions = 1024
    "#;
    let read: ProviderConfig = toml::from_str(text).unwrap();
    assert_eq!(read.key, Some(KeySource::Env("DASHSCOPE_API_KEY".to_owned())));
    assert_eq!((read.timeouts.connect, read.timeouts.idle), (2.5, 60.0));
    let provider = Provider::new(read, Some(Secret::new("k"))).unwrap();
    assert_eq!((provider.vendor(), provider.authority()), (VendorName::DashScope, "dashscope.aliyuncs.com"));
    assert_eq!(provider.models()[1].price(), "text-embedding-v4");
    assert!(provider.chat(&ModelName::new("qwen-plus")).is_ok());
    assert_eq!(provider.embed(&ModelName::new("text")).unwrap().dimensions(), 1024);
    let error = provider.chat(&ModelName::new("text")).err().unwrap();
    assert_eq!(error.code(), ErrorCode::ModelNotFound);
}

#[test]
fn misspelt_fields_are_refused() {
    let read = toml::from_str::<ProviderConfig>("name = 'a'\nvendor = 'openai'\nbase = 'x'");
    assert!(read.unwrap_err().to_string().contains("base"));
    assert!(toml::from_str::<ProviderConfig>("name = 'a'\nvendor = 'opnai'").is_err());
}

#[test]
fn every_vendor_makes_a_provider() {
    for vendor in [
        "openai",
        "deepseek",
        "dashscope",
        "moonshot",
        "zhipu",
        "siliconflow",
        "vllm",
        "ollama",
        "openai-compatible",
        "anthropic",
    ] {
        let value = json!({"name": "p", "vendor": vendor, "base_url": "https://a.example:8443/v1/",
            "models": [{"name": "m"}]});
        let provider = Provider::new(config(value), None).unwrap();
        assert_eq!(provider.authority(), "a.example:8443", "{vendor}");
    }
}

#[test]
fn what_is_wrong_in_a_configuration_is_said() {
    let with = |more: Value| {
        let mut value = json!({"name": "p", "vendor": "openai-compatible", "base_url": "http://a"});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wrong(value)
    };
    assert!(with(json!({"base_url": null})).contains("set 'base_url'"));
    assert!(with(json!({"timeouts": {"idle": 0.0}})).contains("timeouts"));
    assert!(with(json!({"headers": {"Host": "b"}})).contains("'Host'"));
    assert!(with(json!({"headers": {"a b": "b"}})).contains("'a b'"));
    assert!(with(json!({"ca_file": "/no/such.pem", "base_url": "https://a"})).contains("/no/such.pem"));
    assert!(with(json!({"models": [{"name": "e", "kind": "embedding"}]})).contains("'dimensions'"));
    assert!(with(json!({"models": [{"name": "e"}, {"name": "e"}]})).contains("Two models"));
    assert!(with(json!({"models": [{"name": "e", "token_factor": 0.0}]})).contains("token_factor"));
    for base in ["ftp://a", "a", "http://", "http://a/?x=1", "http://user:hunter2@a/v1"] {
        let said = with(json!({"base_url": base}));
        assert!(said.contains("malformed") && !said.contains("hunter2"), "{base}: {said}");
    }
    let no_key = Provider::new(config(json!({"name": "p", "vendor": "openai"})), None).unwrap_err();
    assert!(no_key.message().contains("wants a key"), "{no_key}");
    let no_rerankers = json!({"name": "p", "vendor": "ollama", "models": [{"name": "r", "kind": "rerank"}]});
    assert!(wrong(no_rerankers).contains("no rerankers"));
}

#[test]
fn a_route_to_another_host_is_refused() {
    let value = json!({"name": "p", "vendor": "openai-compatible", "base_url": "http://a.example"});
    let provider = Provider::new(config(value), None).unwrap();
    assert!(provider.shared.client.route("http://a.example/v1").is_ok());
    for other in ["http://b.example/v1", "http://a.example:8080/v1", "http://a.example.b/"] {
        assert!(provider.shared.client.route(other).is_err(), "{other}");
    }
}
