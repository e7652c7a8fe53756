//! The answer of a vendor that speaks OpenAI's `/chat/completions`, whole or in chunks, read into events.
//!
//! It does not know server-sent events' framing, HTTP or any one vendor: it takes the sum of what they
//! write, as no two of them mean different things by one field. What it does not know is kept and
//! passed on. What is true of the connection only (`id`, `created`, `model`, the padding `obfuscation`) ends here;
//! null is the same as absence; a field beside `choices` is told when it changes, not with every chunk.
//!
//! A chunk is read in one pass by hand-written visitors: a derived struct with a flattened rest would build a
//! tree of every chunk first.

use crate::lenient::{Count, TextOr, Word};
use crate::vendor_error::{AnswerFault, VendorError};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::fmt;
use yizhan_domain::{Fields, FinishReason, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

/// Most choices that are told apart.
const MOST_CHOICES: u32 = 128;

/// Most fields beside `choices` whose last value is remembered.
const MOST_TOLD: usize = 32;

/// Reads one answer.
#[derive(Clone, Debug, Default)]
pub struct ChatAnswerReader {
    usage: Option<Usage>,
    /// Choices of which something came, a bit each.
    begun: u128,
    /// Choices whose end came, a bit each.
    finished: u128,
    /// Fields beside `choices` as last told, in their own JSON.
    told: Vec<(String, String)>,
    /// The word with which the vendor gave up, in the midst of an answer.
    given_up: Option<String>,
}

impl ChatAnswerReader {
    /// Reads the data of one event of a stream. True: it was the last.
    pub fn chunk(&mut self, data: &[u8], events: &mut VecDeque<ChatEvent>) -> Result<bool, AnswerFault> {
        if data == b"[DONE]" {
            self.end_all(events)?;
            return Ok(true);
        }
        self.read(data, events)?;
        Ok(false)
    }

    /// Reads a whole answer.
    pub fn reply(&mut self, body: &[u8], events: &mut VecDeque<ChatEvent>) -> Result<(), AnswerFault> {
        self.read(body, events)?;
        self.end_all(events)
    }

    /// The stream's end without `[DONE]`, which some vendors leave out: an error when the answer was not whole.
    pub fn end(&mut self) -> Result<(), AnswerFault> {
        if self.begun != 0 && self.begun == self.finished {
            return Ok(());
        }
        let what = if self.begun == 0 { "before it began" } else { "in the middle of the answer" };
        Err(AnswerFault::Malformed(format!("the stream ended {what}")))
    }

    /// What the answer took, where the vendor said so.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn read(&mut self, data: &[u8], events: &mut VecDeque<ChatEvent>) -> Result<(), AnswerFault> {
        let before = events.len();
        let mut json = serde_json::Deserializer::from_slice(data);
        let found = json.deserialize_map(ChunkVisitor { reader: self, events });
        let fault = match found.and_then(|found| json.end().map(|()| found)) {
            Ok(Found::Answer) => match self.given_up.take() {
                None => return Ok(()),
                // What came with the word is still told.
                Some(word) => return Err(AnswerFault::Vendor(gave_up(word))),
            },
            Ok(Found::Error) => AnswerFault::Vendor(VendorError::read(data).unwrap_or_default()),
            // DashScope's and SiliconFlow's errors have no field `error`.
            Ok(Found::Neither) => match VendorError::read(data) {
                Some(error) => AnswerFault::Vendor(error),
                None => return Ok(()),
            },
            Err(error) => VendorError::read(data).map_or_else(|| error.into(), AnswerFault::Vendor),
        };
        events.truncate(before);
        Err(fault)
    }

    /// Answers that the vendor did not end by a reason are ended.
    fn end_all(&mut self, events: &mut VecDeque<ChatEvent>) -> Result<(), AnswerFault> {
        if self.begun == 0 {
            return Err(AnswerFault::Malformed("it holds no answer".to_owned()));
        }
        for choice in 0..MOST_CHOICES {
            if self.begun & !self.finished & 1 << choice != 0 {
                self.finish(choice, FinishReason::Stop, events);
            }
        }
        Ok(())
    }

    fn finish(&mut self, choice: u32, reason: FinishReason, events: &mut VecDeque<ChatEvent>) {
        // Some vendors repeat the reason with the usage.
        if self.finished & 1 << choice == 0 {
            self.finished |= 1 << choice;
            events.push_back(ChatEvent::Finish { choice, reason, citations: Vec::new() });
        }
    }

    /// Is this field's value another than the last?
    fn is_news(&mut self, key: &str, raw: &str) -> bool {
        if raw == "null" {
            return false;
        }
        match self.told.iter_mut().find(|(told, _)| told == key) {
            Some((_, last)) if last == raw => false,
            Some((_, last)) => {
                raw.clone_into(last);
                true
            }
            None => {
                if self.told.len() < MOST_TOLD {
                    self.told.push((key.to_owned(), raw.to_owned()));
                }
                true
            }
        }
    }
}

fn gave_up(word: String) -> VendorError {
    VendorError { message: format!("it ended the answer with '{word}'"), code: word, ..VendorError::default() }
}

/// Why an answer ended, in all vendors' words. None: it did not end well.
fn finish_reason(word: &str) -> Option<FinishReason> {
    match word {
        "length" | "max_tokens" | "model_context_window_exceeded" => Some(FinishReason::Length),
        "tool_calls" | "function_call" | "tool_use" => Some(FinishReason::ToolCalls),
        // Zhipu's word is the second.
        "content_filter" | "sensitive" | "refusal" => Some(FinishReason::ContentFilter),
        // Zhipu; DeepSeek; several proxies.
        "network_error" | "insufficient_system_resource" | "error" | "abort" => None,
        _ => Some(FinishReason::Stop),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawUsage {
    prompt_tokens: Count,
    completion_tokens: Count,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek.
    prompt_cache_hit_tokens: Count,
    /// Moonshot.
    cached_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    /// DashScope, for caches that the caller asked for.
    cache_creation_input_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
}

impl RawUsage {
    fn usage(self) -> Usage {
        let prompt = self.prompt_tokens_details.unwrap_or_default();
        let completion = self.completion_tokens_details.unwrap_or_default();
        let cached = [prompt.cached_tokens, self.prompt_cache_hit_tokens, self.cached_tokens];
        Usage {
            prompt_tokens: self.prompt_tokens.0.unwrap_or(0),
            completion_tokens: self.completion_tokens.0.unwrap_or(0),
            cached_tokens: cached.into_iter().find_map(|count| count.0).unwrap_or(0),
            cache_write_tokens: prompt.cache_creation_input_tokens.0.unwrap_or(0),
            reasoning_tokens: completion.reasoning_tokens.0.unwrap_or(0),
        }
    }
}

/// What an object turned out to be.
enum Found {
    Answer,
    Error,
    Neither,
}

/// Reads a chunk or a whole reply.
struct ChunkVisitor<'r> {
    reader: &'r mut ChatAnswerReader,
    events: &'r mut VecDeque<ChatEvent>,
}

impl<'de> Visitor<'de> for ChunkVisitor<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with 'choices'")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let Self { reader, events } = self;
        let first = events.len();
        let (mut failed, mut known, mut beside) = (false, false, Fields::new());
        while let Some(key) = map.next_key::<Word<'de>>()? {
            match &*key {
                "choices" => {
                    known = true;
                    map.next_value_seed(Choices { reader: &mut *reader, events: &mut *events })?;
                }
                "usage" => {
                    known = true;
                    if let Some(usage) = map.next_value::<Option<RawUsage>>()? {
                        reader.usage = Some(usage.usage());
                    }
                }
                "id" | "created" | "model" | "obfuscation" => {
                    map.next_value::<IgnoredAny>()?;
                }
                "object" => failed |= &*map.next_value::<Word<'de>>()? == "error",
                "error" => failed |= map.next_value::<Option<IgnoredAny>>()?.is_some(),
                name => {
                    let raw = map.next_value::<&RawValue>()?;
                    if reader.is_news(name, raw.get())
                        && let Ok(value) = serde_json::from_str(raw.get())
                    {
                        beside.insert(name.to_owned(), value);
                    }
                }
            }
        }
        if !beside.is_empty() {
            // Before the end of an answer, so that a writer still has a chunk to put it into.
            events.insert(first, ChatEvent::Extra { choice: None, fields: beside });
        }
        Ok(match (failed, known) {
            (true, _) => Found::Error,
            (false, true) => Found::Answer,
            (false, false) => Found::Neither,
        })
    }
}

struct Choices<'r> {
    reader: &'r mut ChatAnswerReader,
    events: &'r mut VecDeque<ChatEvent>,
}

impl<'de> DeserializeSeed<'de> for Choices<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Choices<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { reader, events } = self;
        while list.next_element_seed(ChoiceSeed { reader: &mut *reader, events: &mut *events })?.is_some() {}
        Ok(())
    }
}

struct ChoiceSeed<'r> {
    reader: &'r mut ChatAnswerReader,
    events: &'r mut VecDeque<ChatEvent>,
}

impl<'de> DeserializeSeed<'de> for ChoiceSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ChoiceSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a choice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { reader, events } = self;
        let first = events.len();
        let (mut choice, mut ended, mut extra) = (0, None, Fields::new());
        while let Some(key) = map.next_key::<Word<'de>>()? {
            match &*key {
                "index" => choice = map.next_value::<Count>()?.0.unwrap_or(0).min(MOST_CHOICES - 1),
                "delta" | "message" => map.next_value_seed(MessageSeed { events: &mut *events, extra: &mut extra })?,
                "finish_reason" => {
                    let word = map.next_value::<Word<'de>>()?;
                    if !word.is_empty() {
                        ended = finish_reason(&word);
                        if ended.is_none() {
                            reader.given_up = Some(word.to_string());
                        }
                        keep_own_word(&word, &mut extra);
                    }
                }
                // Moonshot tells the usage here.
                "usage" => {
                    if let Some(usage) = map.next_value::<Option<RawUsage>>()? {
                        reader.usage = Some(usage.usage());
                    }
                }
                name => keep(name, map.next_value()?, &mut extra),
            }
        }
        reader.begun |= 1 << choice;
        if !extra.is_empty() {
            events.push_back(ChatEvent::Extra { choice: Some(0), fields: extra });
        }
        // Some vendors write the index last.
        if choice != 0 {
            events.range_mut(first..).for_each(|event| set_choice(event, choice));
        }
        if let Some(reason) = ended {
            reader.finish(choice, reason, events);
        }
        Ok(())
    }
}

/// A reason that has no word of ours is kept beside ours, under OpenRouter's name for it.
fn keep_own_word(word: &str, extra: &mut Fields) {
    if finish_reason(word).is_some()
        && !matches!(word, "stop" | "length" | "tool_calls" | "content_filter" | "function_call")
    {
        extra.insert("native_finish_reason".to_owned(), Value::from(word));
    }
}

fn keep(name: &str, value: Value, extra: &mut Fields) {
    if !value.is_null() {
        extra.insert(name.to_owned(), value);
    }
}

fn set_choice(event: &mut ChatEvent, to: u32) {
    match event {
        ChatEvent::Text { choice, .. }
        | ChatEvent::Reasoning { choice, .. }
        | ChatEvent::ToolCall { choice, .. }
        | ChatEvent::Finish { choice, .. }
        | ChatEvent::Extra { choice: Some(choice), .. } => *choice = to,
        ChatEvent::Extra { choice: None, .. } | ChatEvent::End { .. } => {}
    }
}

/// Reads a `delta` or a `message` into events of the first choice.
struct MessageSeed<'r> {
    events: &'r mut VecDeque<ChatEvent>,
    extra: &'r mut Fields,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { events, extra } = self;
        let (mut text, mut reasoning, mut calls) = (TextOr::Nothing, TextOr::Nothing, Vec::new());
        while let Some(key) = map.next_key::<Word<'de>>()? {
            match &*key {
                "role" => {
                    map.next_value::<IgnoredAny>()?;
                }
                "content" => text = map.next_value()?,
                // vLLM, Ollama and OpenRouter say `reasoning`; some say both, with one text.
                "reasoning_content" | "reasoning" => {
                    let value = map.next_value()?;
                    if value != TextOr::Nothing {
                        reasoning = value;
                    }
                }
                "tool_calls" => calls = map.next_value::<Option<Vec<Value>>>()?.unwrap_or_default(),
                // OpenAI writes an empty list into every whole message.
                "annotations" => {
                    let value: Value = map.next_value()?;
                    if value.as_array().is_none_or(|list| !list.is_empty()) {
                        keep("annotations", value, extra);
                    }
                }
                name => keep(name, map.next_value()?, extra),
            }
        }
        match reasoning {
            TextOr::Text(delta) if !delta.is_empty() => events.push_back(ChatEvent::Reasoning { choice: 0, delta }),
            TextOr::Other(value) => keep("reasoning", value, extra),
            _ => {}
        }
        match text {
            TextOr::Text(delta) if !delta.is_empty() => events.push_back(ChatEvent::Text { choice: 0, delta }),
            TextOr::Other(value) => keep("content", value, extra),
            _ => {}
        }
        let pieces = calls.into_iter().enumerate().filter_map(|(position, call)| read_piece(position, call));
        events.extend(pieces.map(|piece| ChatEvent::ToolCall { choice: 0, piece }));
        Ok(())
    }
}

/// A whole call, or a piece of one. Whole ones are numbered by their position.
fn read_piece(position: usize, call: Value) -> Option<ToolCallPiece> {
    let Value::Object(mut extra) = call else { return None };
    let index = extra.shift_remove("index").and_then(|index| index.as_u64());
    let index = index.unwrap_or(position as u64);
    let word = |value: Option<Value>| match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let id = word(extra.shift_remove("id"));
    let mut function = match extra.shift_remove("function") {
        Some(Value::Object(function)) => function,
        _ => Fields::new(),
    };
    let arguments = match function.shift_remove("arguments") {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => String::new(),
        // Some vendors write the arguments themselves, not their text.
        Some(other) => other.to_string(),
    };
    let name = word(function.shift_remove("name"));
    if extra.get("type").is_none_or(|kind| kind == "function" || kind.as_str() == Some("") || kind.is_null()) {
        extra.shift_remove("type");
    }
    extra.extend(function);
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    Some(ToolCallPiece { index, id, name, arguments, extra })
}

#[cfg(test)]
#[path = "chat_answer_read_tests.rs"]
mod tests;
