use super::*;
use proptest::prelude::*;

/// Events with neighbouring deltas joined.
fn read(reader: &mut OutputReader, pieces: &[&str]) -> Vec<ChatEvent> {
    let mut events: Vec<ChatEvent> = Vec::new();
    let all: Vec<_> = pieces.iter().flat_map(|piece| reader.push(piece)).collect();
    for event in all.into_iter().chain(reader.finish()) {
        match (events.last_mut(), event) {
            (Some(ChatEvent::Text { delta, .. }), ChatEvent::Text { delta: more, .. }) => delta.push_str(&more),
            (Some(ChatEvent::Reasoning { delta, .. }), ChatEvent::Reasoning { delta: more, .. }) => {
                delta.push_str(&more)
            }
            (_, event) => events.push(event),
        }
    }
    events
}

fn text(delta: &str) -> ChatEvent {
    ChatEvent::text(delta)
}

fn call(id: &str, name: &str, arguments: &str) -> ChatEvent {
    // The reader numbers calls from 0; so do their ids in these tests.
    let index = id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let call = ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), extra: Fields::new() };
    ChatEvent::ToolCall { choice: 0, piece: ToolCallPiece::whole(index, call) }
}

#[test]
fn calls_are_taken_out_of_the_text() {
    let mut reader = OutputReader::new(vec!["f".into()], false, false, "call-".into());
    let pieces = [
        "Let me see. <tool",
        "_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"杭州\"}}\n</tool_call>\n",
        "<tool_call>{\"name\": \"now\"}</tool_call>",
    ];
    let expected = [text("Let me see. "), call("call-0", "weather", r#"{"city":"杭州"}"#), call("call-1", "now", "{}")];
    assert_eq!(read(&mut reader, &pieces), expected);
    assert!(reader.has_calls());
}

#[test]
fn what_is_no_call_is_shown_and_a_missing_end_is_forgiven() {
    let mut reader = OutputReader::new(vec!["f".into()], false, false, String::new());
    assert_eq!(read(&mut reader, &["<tool_call>oops</tool_call>"]), [text("<tool_call>oops</tool_call>")]);
    let mut reader = OutputReader::new(vec!["f".into()], false, false, String::new());
    assert_eq!(read(&mut reader, &["<tool_call>{\"name\":\"a\",\"arguments\":\"{}\"}"]), [call("0", "a", "{}")]);
    let mut reader = OutputReader::new(vec![], false, false, String::new());
    assert_eq!(read(&mut reader, &["<tool_call>{}</tool_call>"]), [text("<tool_call>{}</tool_call>")]);
}

#[test]
fn an_answer_that_is_one_call_as_json_is_that_call_if_there_is_such_a_tool() {
    let read_with =
        |pieces: &[&str]| read(&mut OutputReader::new(vec!["f".into()], false, false, String::new()), pieces);
    let fenced = ["``", "`json\n{\"name\": \"f\", \"argu", "ments\": {\"x\": 1}}\n```"];
    assert_eq!(read_with(&fenced), [call("0", "f", r#"{"x":1}"#)]);
    assert_eq!(read_with(&["{\"name\": \"f\"}"]), [call("0", "f", "{}")]);
    let other = "{\"name\": \"g\"} and more";
    assert_eq!(read_with(&[other]), [text(other)]);
    assert_eq!(read_with(&["``", "`python\nx"]), [text("```python\nx")]);
}

#[test]
fn reasoning_is_told_from_the_answer() {
    let mut reader = OutputReader::new(vec![], true, false, String::new());
    let expected = [ChatEvent::reasoning("hm\n"), text("Yes")];
    assert_eq!(read(&mut reader, &["<thi", "nk>hm\n</th", "ink>\n\nYes"]), expected);
    let mut reader = OutputReader::new(vec![], true, true, String::new());
    assert_eq!(read(&mut reader, &["hm\n</think>Yes"]), expected);
}

proptest! {
    #[test]
    fn any_split_reads_the_same(cuts in prop::collection::vec(1usize..12, 0..30)) {
        let whole = "<think>想</think>答案 <tool_call>{\"name\":\"f\",\"arguments\":{\"x\":1}}</tool_call> <tool_ end";
        let new = || OutputReader::new(vec!["f".into()], true, false, String::new());
        let mut pieces = Vec::new();
        let mut rest = whole;
        for cut in cuts {
            let at = rest.char_indices().nth(cut).map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(at);
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(read(&mut new(), &pieces), read(&mut new(), &[whole]));
    }

    #[test]
    fn nothing_is_lost_where_no_tag_is_complete(text in "x[<tool_cahink>/ x]{0,40}") {
        prop_assume!(!text.contains("<tool_call>") && !text.contains("<think>"));
        let mut reader = OutputReader::new(vec!["f".into()], true, false, String::new());
        let events = read(&mut reader, &[&text]);
        let shown: String = events.iter().map(|event| match event {
            ChatEvent::Text { delta, .. } => delta.as_str(),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(shown, text.trim_start());
    }
}
