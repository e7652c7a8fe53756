use super::*;
use serde_json::json;
use yizhan_domain::{Message, Role};
use yizhan_model::Sampling;

fn request() -> ChatRequest {
    let sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
    ChatRequest { messages: vec![Message::text(Role::User, "hello")], sampling, ..ChatRequest::default() }
}

fn on() -> Settings {
    Settings { enabled: true, ..Settings::default() }
}

fn judge(settings: &Settings, change: impl FnOnce(&mut ChatRequest)) -> Option<Unfit> {
    let mut request = request();
    change(&mut request);
    unfit(settings, [&ModelName::new("m")], &request, Wish::default())
}

#[test]
fn only_repeatable_requests_fit() {
    let settings = on();
    assert_eq!(judge(&settings, |_| {}), None);
    assert_eq!(judge(&Settings::default(), |_| {}), Some(Unfit::Off));
    assert_eq!(judge(&settings, |request| request.messages.clear()), Some(Unfit::Empty));
    assert_eq!(judge(&settings, |request| request.more_choices = 1), Some(Unfit::Choices));
    assert_eq!(judge(&settings, |request| request.tools = vec![json!({"type": "function"})]), Some(Unfit::Tools));
    let searches = |request: &mut ChatRequest| drop(request.extra.insert("web_search_options".into(), json!({})));
    assert_eq!(judge(&settings, searches), Some(Unfit::Tools));
    let does_not = |request: &mut ChatRequest| drop(request.extra.insert("enable_search".into(), json!(false)));
    assert_eq!(judge(&settings, does_not), None);
    let unused = |request: &mut ChatRequest| {
        request.tools = vec![json!({"type": "function"})];
        request.tool_choice = ToolChoice::None;
    };
    assert_eq!(judge(&settings, unused), None);
}

#[test]
fn temperature_is_judged_as_configured() {
    let judge_at = |rule, temperature| {
        judge(&Settings { temperature: rule, ..on() }, |request| request.sampling.temperature = temperature)
    };
    assert_eq!(judge_at(Temperature::Zero, None), Some(Unfit::Varies));
    assert_eq!(judge_at(Temperature::ZeroOrUnset, None), None);
    assert_eq!(judge_at(Temperature::ZeroOrUnset, Some(0.7)), Some(Unfit::Varies));
    assert_eq!(judge_at(Temperature::Any, Some(0.7)), None);
}

#[test]
fn routes_and_callers_may_say_no() {
    let mut settings = on();
    settings.off.insert(ModelName::new("m"));
    assert_eq!(judge(&settings, |_| {}), Some(Unfit::Excepted));
    let none = Wish { read: false, write: false };
    assert_eq!(unfit(&on(), [], &request(), none), Some(Unfit::NotWished));
}
