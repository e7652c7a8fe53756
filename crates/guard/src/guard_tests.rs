use super::*;
use yizhan_domain::{Role, ToolCall};

fn guard(rules: &str) -> Guard {
    Guard::new(&[RuleSet::parse("test", rules).unwrap()]).unwrap()
}

fn request(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..ChatRequest::default() }
}

const RULES: &str = r#"
rules:
  - {id: block, action: block, message: 不行, match: {words: [禁语]}}
  - {id: review, action: review, message: 等等, match: {words: [可疑]}}
  - {id: mask, action: mask, match: {words: [敏感]}}
  - {id: warn, action: warn, message: 注意, match: {words: [股票]}}
"#;

#[test]
fn a_request_is_changed_where_rules_say_so() {
    let mut assistant = Message::text(Role::Assistant, "敏感");
    assistant.tool_calls = vec![ToolCall {
        id: "1".into(),
        name: "f".into(),
        arguments: r#"{"a":"敏\u611f"}"#.into(),
        extra: Default::default(),
    }];
    let mut user = Message::text(Role::User, "");
    user.content = Content::Parts(vec![Part::image("http://敏感"), Part::text("买股票 敏感")]);
    let given = request(vec![Message::text(Role::System, "敏感 禁语"), user, assistant]);
    let Outcome::Pass(checked) = guard(RULES).input(given) else { panic!("blocked") };
    let texts: Vec<String> = checked.request.messages.iter().map(|m| m.content.text()).collect();
    assert_eq!(texts, ["██ 禁语", "买股票 ██", "██"], "the operator may say what users may not");
    assert_eq!(checked.request.messages[2].tool_calls[0].arguments, r#"{"a":"███████"}"#);
    assert_eq!(checked.warnings, ["注意"]);
    assert_eq!(checked.findings.len(), 5);
    assert_eq!(checked.findings[1].place, Place::Message { message: 1, part: 1 });
}

#[test]
fn a_refusal_tells_the_rules_sentence_and_not_the_text() {
    let given = request(vec![Message::text(Role::User, "敏感，禁 禁\u{200b}语")]);
    let Outcome::Blocked(refusal) = guard(RULES).input(given.clone()) else { panic!("passed") };
    assert_eq!((refusal.error.code(), refusal.error.message()), (ErrorCode::ContentBlocked, "不行"));
    assert_eq!((refusal.rule.as_str(), refusal.findings.len()), ("block", 2));
    assert_eq!(refusal.request, given, "the request as it came");
    let given = request(vec![Message::text(Role::Tool, "可疑")]);
    assert!(matches!(guard(RULES).input(given), Outcome::Review(refusal) if refusal.rule == "review"));
}

#[test]
fn what_a_person_has_looked_at_is_held_to_the_other_rules() {
    let given = |text: &str| request(vec![Message::text(Role::User, text)]);
    let Outcome::Pass(checked) = guard(RULES).reviewed_input(given("可疑 敏感 股票")) else { panic!("held") };
    assert_eq!(checked.request.messages[0].content.text(), "可疑 ██ 股票");
    assert!(checked.findings.iter().all(|finding| finding.rule != "review"));
    for look in [Guard::input, Guard::reviewed_input] {
        let outcome = look(&guard(RULES), given("可疑，禁语"));
        assert!(matches!(outcome, Outcome::Blocked(refusal) if refusal.rule == "block"), "no use asking a person");
    }
}

#[test]
fn roles_can_be_chosen() {
    let guard = guard("rules: [{id: a, action: block, roles: [system], match: {words: [x]}}]");
    assert!(matches!(guard.input(request(vec![Message::text(Role::User, "x")])), Outcome::Pass(_)));
    assert!(matches!(guard.input(request(vec![Message::text(Role::System, "x")])), Outcome::Blocked(_)));
}

#[test]
fn a_single_text_is_looked_at_to_its_end() {
    let check = guard(RULES).check_text("可疑 禁语 敏感 股票", Side::Input);
    let rules: Vec<&str> = check.findings.iter().map(|f| f.rule.as_str()).collect();
    assert_eq!(rules, ["review", "block", "mask", "warn"]);
    assert_eq!(check.error.unwrap().message(), "不行", "the strongest rule speaks");
    assert_eq!(check.text, "██ ██ ██ 股票");
}

#[test]
fn without_rules_nothing_is_done() {
    let guard = guard("");
    assert!(guard.is_empty(Side::Input) && guard.is_empty(Side::Output));
    let given = request(vec![Message::text(Role::User, "x")]);
    assert!(matches!(guard.input(given.clone()), Outcome::Pass(checked) if checked.request == given));
}
