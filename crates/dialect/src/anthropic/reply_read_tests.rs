use super::MessageReader;
use crate::anthropic::write_message_request;
use crate::openai::{Answer, ChatCompletionRequest};
use crate::vendor_error::AnswerFault;
use serde_json::{Value, json};
use std::collections::VecDeque;
use yizhan_domain::FinishReason;
use yizhan_model::ChatEvent;

type Events = VecDeque<ChatEvent>;

fn chunks(values: &[Value]) -> Result<(Events, MessageReader), AnswerFault> {
    let (mut reader, mut events) = (MessageReader::default(), Events::new());
    for value in values {
        reader.chunk(value.to_string().as_bytes(), &mut events)?;
    }
    Ok((events, reader))
}

#[test]
fn thinking_goes_back_unchanged_with_the_next_turn() {
    let blocks = json!([
        {"type": "thinking", "thinking": "想", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "enc"},
    ]);
    let body = json!({"content": [blocks[0], blocks[1], {"type": "text", "text": "好"}], "stop_reason": "end_turn"});
    let (mut reader, mut events) = (MessageReader::default(), Events::new());
    reader.reply(body.to_string().as_bytes(), &mut events).unwrap();
    let mut answer = Answer::default();
    events.into_iter().for_each(|event| answer.take(event));
    let message = answer.write("id", 1, "m")["choices"][0]["message"].take();
    assert_eq!(message["reasoning_content"], "想");
    assert_eq!(message["thinking_blocks"], blocks);
    let next = json!({"model": "m", "messages": [{"role": "user", "content": "?"}, message]});
    let next = ChatCompletionRequest::read(next).unwrap().request;
    let written = write_message_request("m", &next, 1).unwrap();
    let sent = &written["messages"][1]["content"];
    assert_eq!(*sent, json!([blocks[0], blocks[1], {"type": "text", "text": "好"}]));
}

#[test]
fn events_that_are_new_are_passed_over() {
    let (events, _) = chunks(&[json!({"type": "ping"}), json!({"type": "from_the_future", "x": {}})]).unwrap();
    assert!(events.is_empty());
}

#[test]
fn an_unknown_delta_of_text_kind_takes_the_slow_way_and_loses_nothing() {
    let (events, _) = chunks(&[
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a", "new": 1}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {"c": 1}}}),
    ])
    .unwrap();
    assert_eq!(events[0], ChatEvent::text("a"));
    assert!(matches!(&events[1], ChatEvent::Extra { fields, .. } if fields["citations"] == json!([{"c": 1}])));
}

#[test]
fn later_usage_completes_the_earlier() {
    let (_, reader) = chunks(&[
        json!({"type": "message_start", "message": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7, "cache_creation_input_tokens": 2, "output_tokens_details": {"thinking_tokens": 4}}}),
    ])
    .unwrap();
    let usage = reader.usage().unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (17, 7));
    assert_eq!((usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens), (5, 2, 4));
}

#[test]
fn reasons_of_an_end_have_their_counterparts() {
    for (word, reason) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("refusal", FinishReason::ContentFilter),
        ("pause_turn", FinishReason::Stop),
    ] {
        let (events, mut reader) = chunks(&[json!({"type": "message_delta", "delta": {"stop_reason": word}})]).unwrap();
        assert_eq!(events.back(), Some(&ChatEvent::finish(reason)), "{word}");
        assert!(reader.end().is_ok());
    }
}

#[test]
fn what_is_wrong_is_said() {
    for value in
        [json!([]), json!({"type": "content_block_start", "content_block": 1}), json!({"type": "content_block_delta"})]
    {
        assert!(matches!(chunks(std::slice::from_ref(&value)), Err(AnswerFault::Malformed(_))), "{value}");
    }
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let Err(AnswerFault::Vendor(error)) = chunks(&[error]) else { panic!("an error") };
    assert!(error.is("overloaded_error"));
    assert!(chunks(&[]).unwrap().1.end().is_err());
}

#[test]
fn a_block_without_end_is_refused() {
    let (mut reader, mut events) = (MessageReader::default(), Events::new());
    let start = json!({"type": "content_block_start", "content_block": {"type": "thinking", "thinking": ""}});
    reader.chunk(start.to_string().as_bytes(), &mut events).unwrap();
    let more =
        json!({"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "x".repeat(1 << 20)}});
    let more = more.to_string();
    let refused = (0..8).find_map(|_| reader.chunk(more.as_bytes(), &mut events).err());
    assert!(matches!(refused, Some(AnswerFault::Malformed(_))));
}
