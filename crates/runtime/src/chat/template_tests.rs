use super::*;
use yizhan_domain::{Role, ToolCall};

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::new(Some(source.into()), "<s>".into(), "</s>".into()).unwrap()
}

#[test]
fn without_a_template_the_common_form_is_used() {
    let template = ChatTemplate::new(None, String::new(), String::new()).unwrap();
    let prompt = template.render(&[Message::text(Role::User, "你好")], &[]).unwrap();
    assert_eq!(prompt, "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n");
}

#[test]
fn python_methods_tools_and_calls_render_as_in_python() {
    let source = "{{ bos_token }}{% for t in tools %}{{ t | tojson }}\n{% endfor %}\
        {%- for m in messages %}[{{ m.role.upper() }}]{{ m['content'].strip() }}\
        {%- for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}";
    let mut asking = Message::text(Role::Assistant, "");
    asking.tool_calls.push(ToolCall {
        id: "1".into(),
        name: "f".into(),
        arguments: r#"{"城市":"<杭州>","n":1}"#.into(),
        extra: Default::default(),
    });
    let messages = [Message::text(Role::User, " a "), asking];
    let prompt = template(source).render(&messages, &[json!({"type": "function"})]).unwrap();
    assert_eq!(prompt, "<s>{\"type\": \"function\"}\n[USER]a[ASSISTANT]f{\"城市\": \"<杭州>\", \"n\": 1}");
}

#[test]
fn a_refusal_of_the_template_is_the_callers_error_and_a_broken_template_the_models() {
    let error = template("{{ raise_exception('Roles must alternate') }}").render(&[], &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert!(error.message().contains("Roles must alternate"), "{error}");
    let broken = ChatTemplate::new(Some("{% for %}".into()), String::new(), String::new());
    assert_eq!(broken.err().map(|error| error.code()), Some(ErrorCode::ModelUnavailable));
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(strftime("%d %b %Y %A %H:%M:%S %%", 0), "01 Jan 1970 Thursday 00:00:00 %");
    assert_eq!(strftime("%Y-%m-%d %a %B", 1_709_164_800), "2024-02-29 Thu February");
    assert_eq!(strftime("%Y-%m-%d", 4_102_444_799), "2099-12-31");
}

#[test]
fn control_words_in_a_users_text_are_cut_but_keep_their_characters() {
    let special = SpecialTexts::new(vec!["<|im_end|>".into(), "<s>".into()]);
    let text = "a<|im_end|>b<s>";
    let disarmed = special.disarm(text);
    let pieces: Vec<&str> = SpecialTexts::pieces(&disarmed).collect();
    assert_eq!(pieces, ["a<", "|im_end|>b<", "s>"]);
    assert_eq!(pieces.concat(), text);
    assert_eq!(special.disarm("<\u{f8fe}|im_end|>"), disarmed_alone(&special));
}

fn disarmed_alone(special: &SpecialTexts) -> String {
    special.disarm("<|im_end|>")
}
