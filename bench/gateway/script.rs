//! What callers ask and the model server answers: one text, cut into pieces like a stream of tokens.

use bytes::Bytes;
use serde_json::json;

/// The pieces of an answer, over and over. Ordinary text: nothing in it is for a rule to find.
const PIECES: [&str; 16] = [
    "根据", "手册", "第", " 3", " 章", "，", "驿站", "把", "请求", "交给", "模型", "。", " The", " answer", " follows",
    ".\n",
];

/// Tokens that the server says a prompt had.
pub(crate) const PROMPT_TOKENS: u32 = 120;

/// The whole answer of so many pieces.
pub(crate) fn answer(pieces: usize) -> String {
    PIECES.iter().cycle().take(pieces).copied().collect()
}

fn usage(pieces: usize) -> serde_json::Value {
    json!({"prompt_tokens": PROMPT_TOKENS, "completion_tokens": pieces, "total_tokens": PROMPT_TOKENS as usize + pieces})
}

/// The reply that is no stream.
pub(crate) fn whole(pieces: usize) -> Bytes {
    let message = json!({"role": "assistant", "content": answer(pieces)});
    let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"});
    let reply = json!({"id": "chatcmpl-bench", "object": "chat.completion", "created": 1_780_000_000, "model": "mock",
        "choices": [choice], "usage": usage(pieces)});
    reply.to_string().into()
}

/// The events of a stream: one a piece, then the reason of its end, the usage if asked for, and `[DONE]`.
pub(crate) fn events(pieces: usize, with_usage: bool) -> Vec<Bytes> {
    let event = |choices: serde_json::Value, usage: serde_json::Value| {
        let mut chunk = json!({"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_780_000_000,
            "model": "mock", "choices": choices});
        if with_usage {
            chunk["usage"] = usage;
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let choice = |delta, reason: serde_json::Value| json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
    let mut events: Vec<Bytes> = PIECES
        .iter()
        .cycle()
        .take(pieces)
        .enumerate()
        .map(|(number, piece)| {
            let delta =
                if number == 0 { json!({"role": "assistant", "content": piece}) } else { json!({"content": piece}) };
            event(choice(delta, json!(null)), json!(null))
        })
        .collect();
    events.push(event(choice(json!({}), json!("stop")), json!(null)));
    if with_usage {
        events.push(event(json!([]), usage(pieces)));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

/// What a caller sends: a short conversation of about 100 tokens.
pub(crate) fn request(model: &str, stream: bool, most_tokens: u32) -> Bytes {
    let system = "You answer questions about the handbook, briefly, in the language of the question. 只根据手册回答。";
    let first = "How long is the warranty of the device, and what does it not cover?";
    let reply = "Two years from the day of purchase. It does not cover damage by water or by opening the case.";
    let second = "设备开机后指示灯不亮，应该先检查什么？请分步骤说明，并给出手册的章节。";
    let messages = json!([{"role": "system", "content": system}, {"role": "user", "content": first},
        {"role": "assistant", "content": reply}, {"role": "user", "content": second}]);
    let mut request = json!({"model": model, "messages": messages, "max_tokens": most_tokens, "temperature": 0.2});
    if stream {
        request["stream"] = true.into();
    }
    request.to_string().into()
}
