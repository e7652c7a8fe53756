use super::*;
use proptest::prelude::*;

fn subject() -> Arc<Subject> {
    Arc::new(Subject {
        id: "key:k-1 qwen*".into(),
        tenant: "clinic".into(),
        label: String::new(),
        requests: Some(Rate::new(0.5, Some(10))),
        tokens_per_minute: Some(u64::MAX),
        concurrent: None,
        per_day: Some(Money(i64::MAX)),
        per_month: None,
    })
}

fn words(command: &Cmd) -> Vec<String> {
    let word = |argument| match argument {
        Arg::Simple(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    command.args_iter().map(word).collect()
}

#[test]
fn a_call_names_its_keys_and_every_limit() {
    let subjects = [subject()];
    let call = Call {
        step: Step::Take,
        prefix: "yizhan:",
        now_ms: None,
        lease: Duration::from_secs(60),
        id: "call-1",
        subjects: &subjects,
        requests: 1,
        tokens: 20,
        money: Money(-5),
        periods: None,
        asks_seeds: false,
        seeds: &[((0, true), Money(7))],
    };
    let by_hash = words(&call.command());
    assert_eq!(by_hash[2..5], ["2", "yizhan:{clinic}:call:call-1", "yizhan:{clinic}:key:k-1 qwen*"]);
    assert_eq!(by_hash[5..12], ["take", "", "60000", "call-1", "1", "20", "0"]);
    let (tokens, money) = (MOST_TOKENS.to_string(), MOST_MONEY.0.to_string());
    assert_eq!(by_hash[19..], ["10", "20000", "20", &tokens, "", &money, "", "7", ""]);
    let in_full = words(&in_full(&call.command()));
    assert_eq!((in_full[0].as_str(), &in_full[2..]), ("EVAL", &by_hash[2..]));
}

fn any_value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("taken"),
        Just("standing"),
        Just("refused"),
        Just("seed"),
        Just("period"),
        Just("over"),
        Just("day"),
        Just("tokens"),
        Just("\u{1F600}"),
    ];
    let leaf = prop_oneof![
        Just(Value::Nil),
        Just(Value::Okay),
        any::<i64>().prop_map(Value::Int),
        (-2i64..3).prop_map(Value::Int),
        word.prop_map(|word| Value::BulkString(word.into())),
        any::<Vec<u8>>().prop_map(Value::BulkString),
    ];
    leaf.prop_recursive(2, 12, 8, |inner| proptest::collection::vec(inner, 0..8).prop_map(Value::Array))
}

proptest! {
    #[test]
    fn an_answer_of_any_kind_is_read_or_refused(value in any_value()) {
        let _ = Answer::read(value, &[subject()]);
    }
}
