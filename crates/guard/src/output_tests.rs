use super::*;
use crate::rule::RuleSet;
use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use yizhan_domain::{Error, ErrorCode};

const RULES: &str = r#"
rules:
  - {id: block, action: block, message: "not here", match: {words: [禁语]}}
  - {id: mask, action: mask, match: {words: [敏感词, secret]}}
  - {id: rewrite, action: rewrite, with: "[…]", match: {regex: ["稳赚.{0,3}赔"]}}
  - {id: warn, action: warn, message: "注意。", match: {words: [股票]}}
  - {id: phone, action: mask, match: {pii: [mobile]}}
"#;

fn guard(rules: &str) -> Arc<Guard> {
    Arc::new(Guard::new(&[RuleSet::parse("test", rules).unwrap()]).unwrap())
}

fn stream_of(events: Vec<ChatEvent>) -> EventStream {
    Box::pin(stream::iter(events.into_iter().map(Ok)))
}

/// All that comes out of a stream that is always ready.
fn all(guarded: Guarded) -> Vec<Result<ChatEvent>> {
    futures_util::FutureExt::now_or_never(guarded.collect::<Vec<_>>()).expect("ready")
}

fn events(guarded: Guarded) -> Vec<ChatEvent> {
    all(guarded).into_iter().map(Result::unwrap).collect()
}

fn text(choice: u32, delta: &str) -> ChatEvent {
    ChatEvent::Text { choice, delta: delta.into() }
}

fn reasoning(choice: u32, delta: &str) -> ChatEvent {
    ChatEvent::Reasoning { choice, delta: delta.into() }
}

fn call(choice: u32, name: Option<&str>, arguments: &str) -> ChatEvent {
    let (name, arguments) = (name.map(Into::into), arguments.into());
    ChatEvent::ToolCall { choice, piece: ToolCallPiece { name, arguments, ..ToolCallPiece::default() } }
}

fn extra(choice: Option<u32>, value: Value) -> ChatEvent {
    let Value::Object(fields) = value else { panic!("fields") };
    ChatEvent::Extra { choice, fields }
}

fn finish(choice: u32, reason: FinishReason) -> ChatEvent {
    ChatEvent::Finish { choice, reason, citations: Vec::new() }
}

fn end() -> ChatEvent {
    ChatEvent::End { usage: Usage { prompt_tokens: 7, ..Usage::default() } }
}

/// The texts of one kind, joined.
fn joined(events: &[ChatEvent], pick: impl Fn(&ChatEvent) -> Option<String>) -> String {
    events.iter().filter_map(pick).collect()
}

fn answer(events: &[ChatEvent], of: u32) -> String {
    joined(events, |event| match event {
        ChatEvent::Text { choice, delta } if *choice == of => Some(delta.clone()),
        _ => None,
    })
}

#[test]
fn lanes_are_apart_and_keep_their_order() {
    let given = vec![
        text(0, "一个敏"),
        text(1, "感词"),
        reasoning(0, "想敏感"),
        call(0, Some("find"), r#"{"q":"sec"#),
        text(0, "感词。"),
        reasoning(0, "词"),
        call(0, None, r#"ret"}"#),
        finish(0, FinishReason::ToolCalls),
        text(1, "敏感"),
        finish(1, FinishReason::Stop),
        end(),
    ];
    let guarded = guard(RULES).output(stream_of(given));
    let findings = guarded.findings();
    let got = events(guarded);
    assert_eq!(answer(&got, 0), "一个███。");
    assert_eq!(answer(&got, 1), "感词敏感", "what was held comes before the end");
    let arguments = joined(&got, |event| match event {
        ChatEvent::ToolCall { piece, .. } => Some(piece.arguments.clone()),
        _ => None,
    });
    assert_eq!(arguments, r#"{"q":"██████"}"#);
    let at = |wanted: &ChatEvent| got.iter().position(|event| event == wanted).unwrap();
    assert!(at(&text(1, "敏感")) < at(&finish(1, FinishReason::Stop)));
    assert_eq!(got.last(), Some(&end()));
    let rules: Vec<String> = findings.list().into_iter().map(|f| f.rule).collect();
    assert_eq!(rules, ["mask", "mask", "mask"]);
    assert_eq!(findings.list()[0].place, Place::Answer { choice: 0 });
}

/// Says when it is dropped.
struct Flag(Arc<AtomicBool>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_block_says_so_ends_every_choice_and_lets_the_upstream_go() {
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Flag(dropped.clone());
    let given = vec![text(0, "好"), text(1, "一"), finish(1, FinishReason::Stop), text(0, "的禁"), text(0, "语后面")];
    let upstream = stream::iter(given.into_iter().map(Ok)).chain(stream::poll_fn(move |_| {
        let _held = &flag;
        panic!("pulled after the block")
    }));
    let guarded = guard(RULES).output(Box::pin(upstream)).expect(Expected { more_choices: 2, ..Expected::default() });
    let findings = guarded.findings();
    let got = events(guarded);
    assert_eq!(
        got,
        [
            text(0, "好"),
            text(1, "一"),
            finish(1, FinishReason::Stop),
            text(0, "的"),
            extra(None, json!({"yizhan": {"blocked": {"rule": "block", "message": "not here"}}})),
            finish(0, FinishReason::ContentFilter),
            finish(2, FinishReason::ContentFilter),
            ChatEvent::End { usage: Usage::default() },
        ]
    );
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!(findings.list().len(), 1);
}

#[test]
fn a_warning_comes_once_at_the_end_of_its_answer() {
    let given = vec![
        text(0, "股票和股"),
        text(1, "无"),
        text(0, "票"),
        finish(0, FinishReason::Stop),
        finish(1, FinishReason::Stop),
        end(),
    ];
    let got = events(guard(RULES).output(stream_of(given.clone())));
    assert_eq!(answer(&got, 0), "股票和股票\n\n注意。");
    assert_eq!(answer(&got, 1), "无");
    assert_eq!(got[got.len() - 3], finish(0, FinishReason::Stop));

    let structured = Expected { structured: true, warnings: vec!["先看。".into()], ..Expected::default() };
    let got = events(guard(RULES).output(stream_of(given)).expect(structured));
    assert_eq!(answer(&got, 0), "股票和股票");
    assert!(got.contains(&extra(Some(0), json!({"yizhan": {"warnings": ["先看。", "注意。"]}}))), "{got:?}");
}

#[test]
fn a_reviewed_answer_is_withheld_and_kept_whole() {
    let rules = "rules: [{id: look, action: review, message: wait, match: {words: [敏感]}}]";
    let given = vec![text(0, "早敏"), text(0, "感晚"), reasoning(0, "r"), finish(0, FinishReason::Stop), end()];
    let guarded = guard(rules).output(stream_of(given.clone()));
    let findings = guarded.findings();
    let got = events(guarded);
    let told = extra(None, json!({"yizhan": {"review": {"rule": "look", "message": "wait"}}}));
    let last = ChatEvent::End { usage: Usage::default() };
    assert_eq!(got, [text(0, "早"), told, finish(0, FinishReason::ContentFilter), last]);
    let withheld = findings.take_withheld().unwrap();
    assert_eq!((withheld.events, withheld.complete), (given.clone(), true));

    let mut guarded =
        guard(rules).output(Box::pin(stream::iter(given.into_iter().take(2).map(Ok)).chain(stream::pending())));
    let findings = guarded.findings();
    assert!(futures_util::FutureExt::now_or_never(guarded.next()).is_some());
    assert!(futures_util::FutureExt::now_or_never(guarded.next()).is_none());
    drop(guarded);
    let withheld = findings.take_withheld().expect("kept though the caller went away");
    assert_eq!((withheld.events.len(), withheld.complete), (2, false));
}

#[test]
fn a_reviewed_answer_is_held_to_the_other_rules() {
    let rules = "rules: [{id: look, action: review, match: {words: [敏感]}}, {id: hide, action: mask, match: {words: [密码]}}, {id: no, action: block, match: {words: [禁语]}}]";
    assert!(guard(rules).reviews_answers());
    let given = vec![text(0, "敏感密"), text(0, "码"), finish(0, FinishReason::Stop), end()];
    let got: String = events(guard(rules).output(stream_of(given)).reviewed())
        .into_iter()
        .filter_map(|event| if let ChatEvent::Text { delta, .. } = event { Some(delta) } else { None })
        .collect();
    assert_eq!(got, "敏感██");
    let blocked = events(guard(rules).output(stream_of(vec![text(0, "敏感禁语"), end()])).reviewed());
    assert!(blocked.contains(&finish(0, FinishReason::ContentFilter)));
}

#[test]
fn other_fields_carry_nothing_past_the_rules() {
    let given = vec![
        extra(Some(0), json!({"logprobs": {"content": [{"token": "secret"}]}})),
        extra(Some(0), json!({"refusal": "no sec"})),
        extra(Some(0), json!({"refusal": "ret", "details": [{"text": "a secret"}]})),
        extra(Some(0), json!({"audio": {"transcript": "敏"}})),
        extra(None, json!({"system_fingerprint": "fp"})),
        finish(0, FinishReason::Stop),
        end(),
    ];
    let got = events(guard(RULES).output(stream_of(given)));
    let shown = serde_json::to_string(&got).unwrap();
    assert!(!shown.contains("logprobs") && !shown.contains("secret"), "{shown}");
    assert!(shown.contains("██████") && shown.contains("fp"), "{shown}");
    assert!(got.contains(&extra(Some(0), json!({"audio": {"transcript": "敏"}}))), "held text comes at the end");
}

#[test]
fn names_and_quotes_are_looked_at_too() {
    let got = events(guard(RULES).output(stream_of(vec![call(0, Some("禁语"), "{}"), end()])));
    assert!(matches!(&got[0], ChatEvent::Extra { fields, .. } if fields.contains_key("yizhan")), "{got:?}");
    let got = events(guard(RULES).output(stream_of(vec![call(0, Some("sec"), ""), call(0, Some("ret"), "{}"), end()])));
    assert!(!serde_json::to_string(&got).unwrap().contains("\"ret\""), "{got:?}");
}

#[test]
fn an_error_passes_after_what_was_held() {
    let failed = Error::new(ErrorCode::ProviderFailed, "gone");
    let upstream = stream::iter(vec![Ok(text(0, "敏感")), Err(failed.clone())]);
    let got = all(guard(RULES).output(Box::pin(upstream)));
    assert_eq!(got, [Ok(text(0, "敏感")), Err(failed)]);
}

#[test]
fn without_rules_everything_passes_as_it_is() {
    let given = vec![
        text(0, ""),
        text(0, "禁语"),
        extra(Some(0), json!({"logprobs": 1})),
        finish(0, FinishReason::Stop),
        end(),
    ];
    let guarded = guard("").output(stream_of(given.clone()));
    assert!(guarded.watchman.is_none());
    assert_eq!(events(guarded), given);
}

#[test]
fn an_answer_that_is_json_is_read_as_json_and_stays_so() {
    let given = vec![
        text(0, r#"{"a":"\u654f\u61"#),
        text(0, r#"1f词","tel":13812345678}"#),
        finish(0, FinishReason::Stop),
        end(),
    ];
    let expected = Expected { structured: true, ..Expected::default() };
    // A guarded answer is an answer like any other.
    let guarded: EventStream = Box::pin(guard(RULES).output(stream_of(given)).expect(expected));
    let got = futures_util::FutureExt::now_or_never(guarded.collect::<Vec<_>>()).expect("ready");
    let got: Vec<ChatEvent> = got.into_iter().map(Result::unwrap).collect();
    assert_eq!(answer(&got, 0), r#"{"a":"█████████████","tel":"███████████"}"#);
}

/// One kind of lane of one choice.
fn event(lane: u8, choice: u32, delta: &str) -> ChatEvent {
    match lane {
        0 => text(choice, delta),
        1 => reasoning(choice, delta),
        2 => call(choice, None, delta),
        _ => extra(Some(choice), json!({ "refusal": delta })),
    }
}

/// What each lane said, all other events, and the findings.
type Summary = (BTreeMap<(u8, u32), String>, Vec<ChatEvent>, Vec<Finding>);

fn summary(guard: &Arc<Guard>, given: Vec<ChatEvent>) -> Summary {
    let guarded = guard.output(stream_of(given)).expect(Expected { more_choices: 2, ..Expected::default() });
    let findings = guarded.findings();
    let mut lanes: BTreeMap<(u8, u32), String> = BTreeMap::new();
    let mut others = Vec::new();
    for event in events(guarded) {
        let (key, delta) = match event {
            ChatEvent::Text { choice, delta } => ((0, choice), delta),
            ChatEvent::Reasoning { choice, delta } => ((1, choice), delta),
            ChatEvent::ToolCall { choice, piece } => ((2, choice), piece.arguments),
            ChatEvent::Extra { choice: Some(choice), fields } if fields.contains_key("refusal") => {
                ((3, choice), fields["refusal"].as_str().unwrap().to_owned())
            }
            other => {
                others.push(other);
                continue;
            }
        };
        lanes.entry(key).or_default().push_str(&delta);
    }
    lanes.retain(|_, text| !text.is_empty());
    (lanes, others, findings.list())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn how_events_are_cut_makes_no_difference(
        given in proptest::collection::vec((0u8..4, 0u32..3, proptest::sample::select(
            &["敏", "感词", "禁", "语", "稳赚", "不赔", "股", "票", "138", "12345678", "sec", "ret", " ", "\"", "\\u", "x"][..])), 0..40),
        review in any::<bool>(),
    ) {
        let rules = if review { RULES.replace("action: block", "action: review") } else { RULES.to_owned() };
        let guard = guard(&rules);
        let mut close: Vec<ChatEvent> = (0..3).map(|choice| finish(choice, FinishReason::Stop)).collect();
        close.push(end());
        let whole = given.iter().map(|(lane, choice, delta)| event(*lane, *choice, delta));
        let cut = given.iter().flat_map(|(lane, choice, delta)| delta.chars().map(|c| event(*lane, *choice, &c.to_string())));
        let expected = summary(&guard, whole.chain(close.clone()).collect());
        let got = summary(&guard, cut.chain(close).collect());
        prop_assert_eq!(&got, &expected);
        let finishes = got.1.iter().filter(|event| matches!(event, ChatEvent::Finish { .. })).count();
        let ends = matches!(got.1.last(), Some(ChatEvent::End { .. }));
        prop_assert!(finishes == 3 && ends, "each choice ends once");
    }
}
