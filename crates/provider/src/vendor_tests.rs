use super::of;
use crate::VendorName;
use serde_json::{Value, json};
use yizhan_dialect::VendorError;
use yizhan_domain::ErrorCode;

fn adapted(vendor: VendorName, body: Value) -> Value {
    let Value::Object(mut body) = body else { panic!("an object") };
    of(vendor).adapt_chat(&mut body);
    Value::Object(body)
}

#[test]
fn a_field_that_the_caller_set_in_the_vendors_own_name_wins() {
    let both = json!({"max_tokens": 1, "max_completion_tokens": 2});
    assert_eq!(adapted(VendorName::OpenAi, both), json!({"max_completion_tokens": 2}));
    let both = json!({"reasoning_effort": "high", "enable_thinking": false});
    assert_eq!(adapted(VendorName::DashScope, both), json!({"enable_thinking": false}));
    let both = json!({"reasoning_effort": "none", "thinking": {"type": "enabled"}});
    assert_eq!(adapted(VendorName::Zhipu, both), json!({"thinking": {"type": "enabled"}}));
    let both = json!({"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": true, "x": 1}});
    let kept = json!({"chat_template_kwargs": {"enable_thinking": true, "x": 1}});
    assert_eq!(adapted(VendorName::VLlm, both), kept);
}

#[test]
fn compatible_servers_get_what_was_asked() {
    let body = json!({"max_tokens": 1, "repeat_penalty": 1.1, "reasoning_effort": "low", "thing": []});
    assert_eq!(adapted(VendorName::Compatible, body.clone()), body);
    assert_eq!(adapted(VendorName::Ollama, body.clone()), body);
}

#[test]
fn vendors_own_words_are_known() {
    let code = |vendor, word: &str| {
        of(vendor).code_of(&VendorError { code: word.to_owned(), kind: word.to_owned(), ..VendorError::default() })
    };
    for (vendor, word, wanted) in [
        (VendorName::OpenAi, "insufficient_quota", ErrorCode::ProviderFailed),
        (VendorName::DashScope, "Arrearage", ErrorCode::ProviderFailed),
        (VendorName::DashScope, "Throttling.RateQuota", ErrorCode::RateLimited),
        (VendorName::Moonshot, "exceeded_current_quota_error", ErrorCode::ProviderFailed),
        (VendorName::Zhipu, "1302", ErrorCode::RateLimited),
        (VendorName::Zhipu, "1301", ErrorCode::ContentBlocked),
        (VendorName::Zhipu, "1113", ErrorCode::ProviderFailed),
        (VendorName::SiliconFlow, "50505", ErrorCode::Overloaded),
        (VendorName::Anthropic, "overloaded_error", ErrorCode::Overloaded),
    ] {
        assert_eq!(code(vendor, word), Some(wanted), "{vendor:?} {word}");
        assert_eq!(code(vendor, "never heard"), None);
    }
}
