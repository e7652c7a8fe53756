//! A provider that says what its model's name tells it to: real HTTP, no model.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server with OpenAI's `/chat/completions` on a port of its own, until the process ends.
pub(crate) struct Provider {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Value>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (requests, heads) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (seen, read) = (Arc::clone(&requests), Arc::clone(&heads));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, read) = (Arc::clone(&seen), Arc::clone(&read));
                // A caller that goes away ends the thread by an error, which is nobody's concern.
                std::thread::spawn(move || while answer(&stream, &seen, &read).is_ok() {});
            }
        });
        Self { url, requests, heads }
    }

    /// The key of the last request.
    pub(crate) fn authorization(&self) -> String {
        self.heads("authorization").pop().unwrap_or_default()
    }

    /// The values of a header in the requests so far, of those that have it.
    pub(crate) fn heads(&self, name: &str) -> Vec<String> {
        let prefix = format!("{name}: ");
        let heads = self.heads.lock().unwrap();
        heads.iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
    }

    /// Bodies of the requests so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: &TcpStream, seen: &Mutex<Vec<Value>>, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let line = line.split_once(':').map_or_else(
            || line.to_owned(),
            |(name, value)| format!("{}: {}", name.to_ascii_lowercase(), value.trim()),
        );
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
        heads.lock().unwrap().push(line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    seen.lock().unwrap().push(request.clone());
    let model = request["model"].as_str().unwrap_or_default();
    if model == "limited" {
        let error =
            json!({"error": {"message": "Slow down.", "type": "rate_limit_error", "code": "rate_limit_exceeded"}});
        return reply(stream, "429 Too Many Requests", "application/json", &error.to_string());
    }
    if model == "silent" {
        // Nothing comes until the caller goes away.
        reader.read_exact(&mut [0])?;
    }
    if let Some(inputs) = request["input"].as_array() {
        let rows =
            (0..inputs.len()).map(|index| json!({"object": "embedding", "index": index, "embedding": [0, 1, 0]}));
        let rows: Vec<Value> = rows.collect();
        let body = json!({"object": "list", "data": rows, "usage": {"prompt_tokens": 7, "total_tokens": 7}});
        return reply(stream, "200 OK", "application/json", &body.to_string());
    }
    let words: Vec<String> = match model {
        "secretive" => vec!["call me at 138".into(), "0013".into(), "8000 please".into()],
        "endless" => (0..2000).map(|_| "word ".to_owned()).collect(),
        _ => vec!["Hello ".into(), "from ".into(), model.to_owned()],
    };
    if request["stream"] != true {
        let reply_body = json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": model, "system_fingerprint": "fp_mock",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": words.concat()},
                "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": words.len(), "total_tokens": 10 + words.len()},
        });
        return reply(stream, "200 OK", "application/json", &reply_body.to_string());
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
    let chunk = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        format!(
            "data: {}\n\n",
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]})
        )
    };
    for (number, word) in words.iter().enumerate() {
        stream.write_all(chunk(json!({"content": word}), Value::Null).as_bytes())?;
        if model == "broken" && number == 0 {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
    }
    stream.write_all(chunk(json!({}), json!("stop")).as_bytes())?;
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": words.len()}});
    stream.write_all(format!("data: {usage}\n\ndata: [DONE]\n\n").as_bytes())?;
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

fn reply(mut stream: &TcpStream, status: &str, kind: &str, body: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
