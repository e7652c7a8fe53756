use super::{Blocks, Kind, Step};
use serde_json::json;
use yizhan_domain::{Fields, FinishReason, ToolCallPiece};
use yizhan_model::ChatEvent;

fn piece(index: u32, name: Option<&str>, arguments: &str) -> ChatEvent {
    let (id, name) = (name.map(|name| format!("id-{name}")), name.map(Into::into));
    ChatEvent::ToolCall {
        choice: 0,
        piece: ToolCallPiece { index, id, name, arguments: arguments.into(), extra: Fields::new() },
    }
}

/// The steps in a short form: `+kind`, the text, `-`.
fn steps(events: impl IntoIterator<Item = ChatEvent>) -> String {
    let mut blocks = Blocks::default();
    let words = events.into_iter().flat_map(|event| blocks.take(event)).map(|step| match step {
        Step::Open(Kind::Reasoning) => "+reasoning".to_owned(),
        Step::Open(Kind::Text) => "+text".to_owned(),
        Step::Open(Kind::Refusal) => "+refusal".to_owned(),
        Step::Open(Kind::Opaque(_)) => "+opaque".to_owned(),
        Step::Open(Kind::Call { id, name, .. }) => format!("+{name}({id})"),
        Step::More(text) => text,
        Step::Seal(_) => "seal".to_owned(),
        Step::Cite(citations) => format!("{} citations", citations.len()),
        Step::CiteForeign(citations) => format!("{} foreign", citations.len()),
        Step::Close(_) => "-".to_owned(),
        Step::Extra(fields) => format!("{} fields", fields.len()),
        Step::Finish(..) => "finish".to_owned(),
        Step::End(_) => "end".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn one_block_ends_where_another_begins() {
    let events = [ChatEvent::reasoning("a"), ChatEvent::text("b"), ChatEvent::text("c"), piece(0, Some("f"), "{}")];
    assert_eq!(steps(events), "+reasoning a - +text b c - +f(id-f) {}");
}

#[test]
fn what_comes_between_the_pieces_of_a_call_waits() {
    let events = [
        piece(0, Some("f"), "{\"x\":"),
        piece(1, Some("g"), "{"),
        ChatEvent::text("t"),
        piece(1, None, "}"),
        ChatEvent::text("u"),
        piece(0, None, "1}"),
        piece(0, None, " "),
        ChatEvent::finish(FinishReason::ToolCalls),
    ];
    assert_eq!(steps(events), "+f(id-f) {\"x\": 1} - +g(id-g) {} - +text tu - finish");
}

#[test]
fn an_unfinished_call_ends_with_the_answer() {
    let events = [
        piece(0, Some("f"), "{"),
        piece(1, Some("g"), "["),
        ChatEvent::text("t"),
        ChatEvent::finish(FinishReason::Length),
    ];
    assert_eq!(steps(events), "+f(id-f) { - +g(id-g) [ - +text t - finish");
}

#[test]
fn sealed_reasoning_goes_on_in_a_new_block() {
    let seal = |value| ChatEvent::Extra {
        choice: Some(0),
        fields: Fields::from_iter([("thinking_blocks".to_owned(), json!([value]))]),
    };
    let signed = || json!({"type": "thinking", "thinking": "a", "signature": "s"});
    let events = [ChatEvent::reasoning("a"), seal(signed()), ChatEvent::reasoning("b"), ChatEvent::text("t")];
    assert_eq!(steps(events), "+reasoning a seal - +reasoning b - +text t");
    let events = [seal(signed()), seal(json!({"type": "redacted_thinking"})), ChatEvent::text("t")];
    assert_eq!(steps(events), "+reasoning a seal - +opaque - +text t");
    let events = [piece(0, Some("f"), "{"), ChatEvent::reasoning("a"), seal(signed()), piece(0, None, "}")];
    assert_eq!(steps(events), "+f(id-f) { } - +reasoning a seal");
}

#[test]
fn empty_pieces_and_other_answers_open_nothing() {
    let other = ChatEvent::Text { choice: 1, delta: "x".into() };
    assert_eq!(steps([ChatEvent::text(""), ChatEvent::reasoning(""), other]), "");
    let refusal = |text: serde_json::Value| ChatEvent::Extra {
        choice: Some(0),
        fields: Fields::from_iter([("refusal".to_owned(), text)]),
    };
    assert_eq!(steps([refusal(json!(null)), refusal(json!("No."))]), "+refusal No.");
}

#[test]
fn a_vendors_own_blocks_and_citations_keep_their_places() {
    let extra = |key: &str, value| ChatEvent::Extra {
        choice: Some(0),
        fields: Fields::from_iter([(key.to_owned(), json!([value]))]),
    };
    let events = [
        extra("citations", json!({})),
        extra("content_blocks", json!({"type": "server_tool_use"})),
        ChatEvent::text("a"),
        extra("citations", json!({"type": "web_search_result_location"})),
        piece(0, Some("f"), "{"),
        ChatEvent::text("b"),
        extra("citations", json!({})),
        ChatEvent::finish(FinishReason::Stop),
    ];
    assert_eq!(steps(events), "+opaque - +text a 1 foreign - +f(id-f) { - +text b 1 foreign - finish");
}
