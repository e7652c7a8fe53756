//! Answers of vendors that speak OpenAI's chat completions: each line is an event of a stream, and the whole is an
//! answer in one piece. What is told on is a fixed point: told, read and told again it is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;
use yizhan_dialect::VendorError;
use yizhan_dialect::openai::{Answer, ChatAnswerReader, ChunkWriter};
use yizhan_domain::Usage;
use yizhan_model::ChatEvent;

fn told(events: &VecDeque<ChatEvent>, usage: Option<Usage>) -> String {
    let mut answer = Answer::default();
    events.iter().cloned().for_each(|event| answer.take(event));
    answer.take(ChatEvent::End { usage: usage.unwrap_or_default() });
    answer.write("id", 0, "m").to_string()
}

fn read(body: &[u8]) -> Option<(VecDeque<ChatEvent>, Option<Usage>)> {
    let (mut reader, mut events) = (ChatAnswerReader::default(), VecDeque::new());
    reader.reply(body, &mut events).ok()?;
    Some((events, reader.usage()))
}

fuzz_target!(|data: &[u8]| {
    let _ = VendorError::read(data);
    let (mut reader, mut events) = (ChatAnswerReader::default(), VecDeque::new());
    let mut writer = ChunkWriter::new("id", 0, "m", true);
    for line in data.split(|byte| *byte == b'\n') {
        if !matches!(reader.chunk(line, &mut events), Ok(false)) {
            break;
        }
    }
    let _ = (reader.end(), reader.usage());
    for event in events {
        if let Some(chunk) = writer.write(event) {
            assert!(serde_json::from_str::<serde_json::Value>(&chunk).is_ok(), "{chunk}");
        }
    }
    let Some((events, usage)) = read(data) else { return };
    let first = told(&events, usage);
    let (events, usage) = read(first.as_bytes()).expect("what was told can be read");
    assert_eq!(told(&events, usage), first);
});
