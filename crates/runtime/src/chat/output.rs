//! What the text of an answer means: text, reasoning between `<think>` tags, tool calls between
//! `<tool_call>` tags (the form of Hermes and Qwen).
//!
//! Where tools are offered, an answer that is nothing but one call as JSON, in a code block or bare, is taken
//! as that call too: Qwen2.5-Coder and other small models write it so. The arguments are JSON text that nobody
//! has checked.

use super::text::partial_suffix;
use yizhan_domain::{Fields, ToolCall, ToolCallPiece};
use yizhan_model::ChatEvent;

const CALL: (&str, &str) = ("<tool_call>", "</tool_call>");
const BARE: [&str; 2] = ["```json", "{"];
const THINK: (&str, &str) = ("<think>", "</think>");

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Text,
    Call,
    /// From the beginning on, perhaps a call without tags: held until the end.
    Bare,
    Think,
}

/// Reads an answer piece by piece.
pub(crate) struct OutputReader {
    tools: Vec<String>,
    thinks: bool,
    mode: Mode,
    held: String,
    calls: usize,
    call_prefix: String,
    shown: bool,
    /// White space that is shown once something follows.
    blank: String,
}

impl OutputReader {
    /// `tools`: names of the tools on offer; without any no calls are looked for. `thinks`: the model marks its reasoning; `thinking`: the prompt
    /// already opened the mark. `call_prefix` begins the ids of calls.
    pub(crate) fn new(tools: Vec<String>, thinks: bool, thinking: bool, call_prefix: String) -> Self {
        let mode = if thinking { Mode::Think } else { Mode::Text };
        Self { tools, thinks, mode, held: String::new(), calls: 0, call_prefix, shown: false, blank: String::new() }
    }

    /// Whether a tool call was read.
    pub(crate) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    /// More text; the events that are certain come back.
    pub(crate) fn push(&mut self, text: &str) -> Vec<ChatEvent> {
        self.held.push_str(text);
        let mut events = Vec::new();
        while self.step(&mut events) {}
        events
    }

    /// The end: what was held back.
    pub(crate) fn finish(&mut self) -> Vec<ChatEvent> {
        let rest = std::mem::take(&mut self.held);
        let mut events = Vec::new();
        match self.mode {
            Mode::Think => push_reasoning(&mut events, rest),
            Mode::Text => self.push_text(&mut events, rest),
            // Small models forget the closing tag at the end of their turn.
            Mode::Call => self.close_call(&mut events, &rest),
            Mode::Bare => self.close_bare(&mut events, rest),
        }
        events
    }

    /// One transition; false when more text is needed.
    fn step(&mut self, events: &mut Vec<ChatEvent>) -> bool {
        match self.mode {
            Mode::Text => self.step_text(events),
            Mode::Bare => false,
            Mode::Call => {
                let Some(at) = self.held.find(CALL.1) else { return false };
                let body = self.held[..at].to_owned();
                self.held.drain(..at + CALL.1.len());
                self.close_call(events, &body);
                self.mode = Mode::Text;
                true
            }
            Mode::Think => {
                let Some(at) = self.held.find(THINK.1) else {
                    let certain = self.held.len() - partial_suffix(&self.held, THINK.1);
                    push_reasoning(events, self.held.drain(..certain).collect());
                    return false;
                };
                push_reasoning(events, self.held[..at].to_owned());
                self.held.drain(..at + THINK.1.len());
                self.mode = Mode::Text;
                true
            }
        }
    }

    fn step_text(&mut self, events: &mut Vec<ChatEvent>) -> bool {
        if !self.tools.is_empty() && !self.shown && self.calls == 0 {
            let start = self.held.trim_start();
            if BARE.iter().any(|bare| start.starts_with(bare)) {
                self.mode = Mode::Bare;
                return false;
            }
            if BARE.iter().any(|bare| bare.starts_with(start)) {
                return false;
            }
        }
        let tags = [(CALL.0, Mode::Call, !self.tools.is_empty()), (THINK.0, Mode::Think, self.thinks)];
        let active = tags.into_iter().filter(|tag| tag.2);
        let first =
            active.clone().filter_map(|(tag, mode, _)| Some((self.held.find(tag)?, tag, mode))).min_by_key(|f| f.0);
        let Some((at, tag, mode)) = first else {
            let held = active.map(|(tag, _, _)| partial_suffix(&self.held, tag)).max().unwrap_or(0);
            let certain = self.held.len() - held;
            let text = self.held.drain(..certain).collect();
            self.push_text(events, text);
            return false;
        };
        let text = self.held[..at].to_owned();
        self.held.drain(..at + tag.len());
        self.push_text(events, text);
        self.mode = mode;
        true
    }

    /// White space at the beginning, and between or after calls, is no part of the answer.
    fn push_text(&mut self, events: &mut Vec<ChatEvent>, text: String) {
        self.blank.push_str(&text);
        let at_beginning = (!self.tools.is_empty() || self.thinks) && !self.shown;
        if at_beginning {
            self.blank = self.blank.trim_start().to_owned();
        }
        let waits = self.calls > 0 && self.blank.trim().is_empty();
        if !waits && !self.blank.is_empty() {
            self.shown = true;
            events.push(ChatEvent::text(std::mem::take(&mut self.blank)));
        }
    }

    /// A body that is no call is shown as it was written, so that nothing is lost.
    fn close_call(&mut self, events: &mut Vec<ChatEvent>, body: &str) {
        match parse_call(body) {
            Some((name, arguments)) => self.push_call(events, name, arguments),
            None => self.push_text(events, format!("{}{body}{}", CALL.0, CALL.1)),
        }
    }
}

impl OutputReader {
    /// A call must name a tool on offer here, since any JSON looks like one.
    fn close_bare(&mut self, events: &mut Vec<ChatEvent>, body: String) {
        let inner = body.trim();
        let inner = inner.strip_prefix("```json").unwrap_or(inner);
        let inner = inner.strip_suffix("```").unwrap_or(inner);
        match parse_call(inner) {
            Some((name, arguments)) if self.tools.contains(&name) => self.push_call(events, name, arguments),
            _ => self.push_text(events, body),
        }
    }

    fn push_call(&mut self, events: &mut Vec<ChatEvent>, name: String, arguments: String) {
        let id = format!("{}{}", self.call_prefix, self.calls);
        let call = ToolCall { id, name, arguments, extra: Fields::new() };
        let piece = ToolCallPiece::whole(self.calls as u32, call);
        self.calls += 1;
        events.push(ChatEvent::ToolCall { choice: 0, piece });
    }
}

fn push_reasoning(events: &mut Vec<ChatEvent>, text: String) {
    if !text.is_empty() {
        events.push(ChatEvent::reasoning(text));
    }
}

/// `{"name": …, "arguments": {…}}`, arguments also as a JSON text.
fn parse_call(body: &str) -> Option<(String, String)> {
    let call: serde_json::Value = serde_json::from_str(body.trim()).ok()?;
    let name = call.get("name")?.as_str()?.to_owned();
    let arguments = match call.get("arguments").or_else(|| call.get("parameters")) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "{}".to_owned(),
    };
    Some((name, arguments))
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
