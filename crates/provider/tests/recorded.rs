//! Exchanges with each vendor, made by hand after its public documentation (`doc` in each file): what a caller
//! asks in OpenAI's form, what must be sent, what the vendor answers, and the events that come of it.

#![allow(clippy::unwrap_used, reason = "tests say what broke by panicking")]

mod support;

use futures_util::StreamExt;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use support::{Step, Upstream, last_chunk, reply, stream_head, upstream};
use yizhan_dialect::openai::ChatCompletionRequest;
use yizhan_domain::{Error, ModelName};
use yizhan_model::{ChatEvent, EmbedKind};
use yizhan_provider::{Provider, ProviderConfig, Secret};

fn exchanges() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/exchanges");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The upstream's steps for a recorded reply: `stream` is a list of the body's lines, `body` is JSON or text.
fn steps(recorded: &Value) -> Vec<Step> {
    if let Some(lines) = recorded["stream"].as_array() {
        let body: String = lines.iter().map(|line| format!("{}\n", line.as_str().unwrap())).collect();
        let mut steps = vec![Step::Write(stream_head())];
        // Odd pieces, so that lines and characters are cut.
        let pieces = body.as_bytes().chunks(37).map(|piece| {
            let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
            Step::Write(bytes)
        });
        steps.extend(pieces);
        steps.push(Step::Write(last_chunk()));
        return steps;
    }
    let body = recorded["body"].as_str().map_or_else(|| recorded["body"].to_string(), str::to_owned);
    let mut headers = String::from("content-type: application/json\r\n");
    for (name, value) in recorded["headers"].as_object().into_iter().flatten() {
        headers += &format!("{name}: {}\r\n", value.as_str().unwrap());
    }
    vec![Step::Write(reply(recorded["status"].as_u64().unwrap_or(200) as u16, &headers, &body))]
}

fn provider(exchange: &Value, upstream: &Upstream) -> Provider {
    let base = exchange["base_path"].as_str().unwrap_or_default();
    let mut model = exchange["model"].clone();
    model["name"] = json!("here");
    let config = json!({
        "name": "test", "vendor": exchange["vendor"], "base_url": format!("{}{base}", upstream.base()), "models": [model],
    });
    let config: ProviderConfig = serde_json::from_value(config).unwrap();
    Provider::new(config, Some(Secret::new("test-key"))).unwrap()
}

async fn ask(provider: &Provider, exchange: &Value) -> Result<Value, Error> {
    let name = ModelName::new("here");
    if let Some(texts) = exchange["embed"].as_array() {
        let texts = texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
        let vectors = provider.embed(&name)?.embed(EmbedKind::Plain, texts).await?;
        return Ok(json!({"rows": vectors.rows().collect::<Vec<_>>(), "tokens": vectors.tokens}));
    }
    if let Some(query) = exchange["rerank"]["query"].as_str() {
        let passages = serde_json::from_value(exchange["rerank"]["passages"].clone()).unwrap();
        return Ok(json!(provider.rerank(&name)?.rerank(query, passages).await?));
    }
    let mut body = exchange["ask"].clone();
    body["model"] = json!("here");
    let request = ChatCompletionRequest::read(body)?.request;
    let mut stream = provider.chat(&name)?.generate(&request).await?;
    let mut events: Vec<ChatEvent> = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) if events.is_empty() => return Err(error),
            // What came before an error counts.
            Err(error) => return Ok(json!({"events": events, "then": told(&error)})),
        }
    }
    Ok(json!(events))
}

fn told(error: &Error) -> Value {
    let wait = error.wait().map(|wait| wait.as_millis() as u64);
    json!({"code": error.code().as_str(), "message": error.message(), "wait_ms": wait})
}

#[tokio::test]
async fn every_recorded_exchange_goes_as_recorded() {
    let files = exchanges();
    assert!(files.len() >= 20, "the exchanges are missing");
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let exchange: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let upstream = upstream(steps(&exchange["reply"])).await;
        let got = match ask(&provider(&exchange, &upstream), &exchange).await {
            Ok(got) => json!({"got": got}),
            Err(error) => json!({"error": told(&error)}),
        };
        let sent = &exchange["sent"];
        let received = upstream.received();
        if let Some(request) = received.first() {
            let headers = sent["headers"].as_object().into_iter().flatten();
            let headers_differ = headers.map(|(name, value)| (name, request.header(name), value.as_str()));
            for (header, got, wanted) in headers_differ.filter(|(_, got, wanted)| got != wanted) {
                wrong.push(format!("{name}: header {header} is {got:?}, not {wanted:?}"));
            }
            if sent["path"] != request.path() || sent["body"] != request.json() {
                let sent = json!({"path": request.path(), "body": request.json()});
                wrong.push(format!("{name}: sent\n{sent}"));
            }
        } else if !sent.is_null() {
            wrong.push(format!("{name}: nothing was sent"));
        }
        let wanted = if exchange["error"].is_null() {
            json!({"got": exchange["got"]})
        } else {
            json!({"error": exchange["error"]})
        };
        if got != wanted {
            wrong.push(format!("{name}: came\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
