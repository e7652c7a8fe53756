use super::*;
use proptest::prelude::*;
use serde_json::json;

fn partition() -> Partition {
    Partition::new("t".into(), "m".into(), "r".into())
}

fn said(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, text)], ..ChatRequest::default() }
}

fn key_of(request: &ChatRequest) -> Key {
    canonical_key(&partition(), request)
}

#[test]
fn delivery_does_not_change_the_key() {
    let plain = said("hello");
    let mut other = ChatRequest { streamed: true, ..plain.clone() };
    for field in DELIVERY {
        other.extra.insert((*field).to_owned(), json!("x"));
    }
    assert_eq!(key_of(&plain), key_of(&other));
    other.extra.insert("logit_bias".to_owned(), json!({}));
    assert_ne!(key_of(&plain), key_of(&other));
}

#[test]
fn one_plain_part_is_a_text() {
    let mut parts = said("hello");
    parts.messages[0].content = Content::Parts(vec![Part::text("hello")]);
    assert_eq!(key_of(&said("hello")), key_of(&parts));
    parts.messages[0].content = Content::Parts(vec![Part::text("hel"), Part::text("lo")]);
    assert_ne!(key_of(&said("hello")), key_of(&parts));
    parts.messages[0].content = Content::Parts(vec![Part::image("hello")]);
    assert_ne!(key_of(&said("hello")), key_of(&parts));
}

#[test]
fn every_part_of_a_request_counts() {
    let base = said("hello");
    let changes: Vec<fn(&mut ChatRequest)> = vec![
        |request| request.messages[0].role = Role::System,
        |request| request.messages.push(Message::text(Role::User, "")),
        |request| request.messages[0].tool_call_id = Some(String::new()),
        |request| request.messages[0].tool_calls = vec![call("1", "f", "{}")],
        |request| request.messages[0].tool_calls = vec![call("1", "f{", "}")],
        |request| drop(request.messages[0].extra.insert("name".into(), json!("a"))),
        |request| request.sampling.temperature = Some(0.0),
        |request| request.sampling.top_p = Some(0.0),
        |request| request.sampling.top_k = Some(0),
        |request| request.sampling.min_p = Some(0.0),
        |request| request.sampling.frequency_penalty = Some(0.0),
        |request| request.sampling.presence_penalty = Some(0.0),
        |request| request.sampling.repeat_penalty = Some(0.0),
        |request| request.sampling.seed = Some(0),
        |request| request.sampling.max_tokens = Some(0),
        |request| request.sampling.stop = vec![String::new()],
        |request| request.tools = vec![json!({})],
        |request| request.tool_choice = ToolChoice::None,
        |request| request.tool_choice = ToolChoice::Required,
        |request| request.tool_choice = ToolChoice::Function("f".into()),
        |request| request.response_format = ResponseFormat::JsonObject,
        |request| request.response_format = ResponseFormat::JsonSchema { schema: json!({}), extra: Fields::new() },
        |request| request.more_choices = 1,
        |request| drop(request.extra.insert("x".into(), json!(null))),
    ];
    let mut keys = vec![key_of(&base)];
    for change in changes {
        let mut request = base.clone();
        change(&mut request);
        keys.push(key_of(&request));
    }
    let mut distinct = keys.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), keys.len(), "two different requests have one key");
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), extra: Fields::new() }
}

#[test]
fn every_part_of_a_partition_counts() {
    let changes: Vec<fn(&mut Partition)> = vec![
        |_| {},
        |partition| partition.tenant = "u".into(),
        |partition| partition.scope = Some(String::new()),
        |partition| partition.scope = Some("a".into()),
        |partition| partition.model = "n".into(),
        |partition| partition.route = "s".into(),
        |partition| partition.prompt = Some(Digest::of(&1)),
        |partition| partition.prompt = Some(Digest::of(&2)),
        |partition| partition.knowledge.extend([("b".into(), Sequence(1))]),
        |partition| partition.knowledge.extend([("b".into(), Sequence(2))]),
        |partition| partition.knowledge.extend([("c".into(), Sequence(1))]),
        |partition| partition.rules = Some("1".into()),
    ];
    let mut keys = Vec::new();
    for change in &changes {
        let mut partition = partition();
        change(&mut partition);
        keys.push(canonical_key(&partition, &said("hello")));
        keys.push(key_around_question(&partition, &said("hello")).unwrap().0);
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 2 * changes.len());
}

#[test]
fn around_the_question_only_its_text_is_free() {
    let around =
        |request: &ChatRequest| key_around_question(&partition(), request).map(|(key, text)| (key, text.to_owned()));
    let (key, text) = around(&said("a")).unwrap();
    assert_eq!(text, "a");
    assert_eq!(around(&said("b")).unwrap().0, key);
    let mut colder = said("a");
    colder.sampling.temperature = Some(0.0);
    assert_ne!(around(&colder).unwrap().0, key);
    let mut later = said("a");
    later.messages.insert(0, Message::text(Role::System, "be brief"));
    assert_ne!(around(&later).unwrap().0, key);
    let mut image = said("a");
    image.messages[0].content = Content::Parts(vec![Part::image("x")]);
    assert!(around(&image).is_none());
    assert!(
        around(&ChatRequest { messages: vec![Message::text(Role::Assistant, "a")], ..ChatRequest::default() })
            .is_none()
    );
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-d]{1,2}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(reversed).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().rev().map(|(name, value)| (name.clone(), reversed(value))).collect())
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn the_order_of_fields_does_not_matter(value in json_value(), streamed: bool) {
        let with = |value: Value, streamed| ChatRequest { tools: vec![value], streamed, ..said("x") };
        prop_assert_eq!(key_of(&with(value.clone(), streamed)), key_of(&with(reversed(&value), !streamed)));
    }

    #[test]
    fn different_values_have_different_keys(a in json_value(), b in json_value()) {
        let with = |value: &Value| key_of(&ChatRequest { tools: vec![value.clone()], ..said("x") });
        prop_assert_eq!(a == b, with(&a) == with(&b));
    }

    #[test]
    fn different_conversations_have_different_keys(
        a in prop::collection::vec("[ab]{0,3}", 0..4),
        b in prop::collection::vec("[ab]{0,3}", 0..4),
    ) {
        let with = |texts: &[String]| {
            let messages = texts.iter().map(|text| Message::text(Role::User, text)).collect();
            key_of(&ChatRequest { messages, ..ChatRequest::default() })
        };
        prop_assert_eq!(a == b, with(&a) == with(&b));
    }
}
