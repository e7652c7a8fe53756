//! Anthropic's answers: each line is an event of a stream, and the whole is an answer in one piece. What is told on
//! is a fixed point.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;
use yizhan_dialect::anthropic::{MessageReader, MessageReply, MessageWriter};
use yizhan_domain::Usage;
use yizhan_model::ChatEvent;

fn told(events: &VecDeque<ChatEvent>, usage: Option<Usage>) -> String {
    let mut reply = MessageReply::default();
    events.iter().cloned().for_each(|event| reply.take(event));
    reply.take(ChatEvent::End { usage: usage.unwrap_or_default() });
    reply.write("id", "m").to_string()
}

fn read(body: &[u8]) -> Option<(VecDeque<ChatEvent>, Option<Usage>)> {
    let (mut reader, mut events) = (MessageReader::default(), VecDeque::new());
    reader.reply(body, &mut events).ok()?;
    Some((events, reader.usage()))
}

fuzz_target!(|data: &[u8]| {
    let (mut reader, mut events) = (MessageReader::default(), VecDeque::new());
    for line in data.split(|byte| *byte == b'\n') {
        if !matches!(reader.chunk(line, &mut events), Ok(false)) {
            break;
        }
    }
    let _ = (reader.end(), reader.usage());
    let mut writer = MessageWriter::new("id", "m", 1);
    for event in events {
        for named in writer.write(event) {
            let data: serde_json::Value = serde_json::from_str(&named.data).expect("JSON");
            assert_eq!(data["type"], named.name);
        }
    }
    let Some((events, usage)) = read(data) else { return };
    let first = told(&events, usage);
    let (events, usage) = read(first.as_bytes()).expect("what was told can be read");
    let second = told(&events, usage);
    let (events, usage) = read(second.as_bytes()).expect("and again");
    assert_eq!(told(&events, usage), second);
});
