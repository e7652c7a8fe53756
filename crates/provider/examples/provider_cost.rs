//! What a call costs in processor time: this crate beside a bare hyper client that does the same exchange with the same
//! upstream and throws the bytes away.
//!
//! The upstream runs in a process of its own (this program, started again), so that its time is not counted. Run:
//! `cargo run --release -p yizhan-provider --example provider_cost`.

#![allow(clippy::print_stdout, reason = "a measurement is for reading")]

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use yizhan_domain::{Message, ModelName, Role};
use yizhan_model::{ChatModel, ChatRequest};
use yizhan_provider::{Provider, ProviderConfig};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const UNARY: usize = 3000;
const STREAMS: usize = 400;
const ROUNDS: usize = 5;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if std::env::args().nth(1).as_deref() == Some("upstream") {
        return runtime.block_on(upstream());
    }
    let mut child = Command::new(std::env::current_exe()?).arg("upstream").stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
    let measured = runtime.block_on(measure(address.trim()));
    child.kill()?;
    child.wait()?;
    measured
}

async fn measure(address: &str) -> Outcome<()> {
    let config: ProviderConfig = serde_json::from_value(serde_json::json!({
        "name": "mock", "vendor": "openai", "base_url": format!("http://{address}/v1"), "models": [{"name": "m"}],
    }))?;
    let provider = Provider::new(config, None)?;
    let model = provider.chat(&ModelName::new("m"))?;
    let bare: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url: http::Uri = format!("http://{address}/v1/chat/completions").parse()?;
    println!("µs of processor time per call, median of {ROUNDS} rounds");
    for (what, streamed, count) in [("unary", false, UNARY), ("stream of 64 chunks", true, STREAMS)] {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let begun = cpu();
            for _ in 0..count {
                through_provider(&*model, streamed).await?;
            }
            let middle = cpu();
            for _ in 0..count {
                through_hyper(&bare, &url, streamed).await?;
            }
            ours.push((middle - begun).as_secs_f64() * 1e6 / count as f64);
            floor.push((cpu() - middle).as_secs_f64() * 1e6 / count as f64);
        }
        let (ours, floor) = (median(ours), median(floor));
        println!("{what}: {ours:.1}, bare hyper {floor:.1}, ratio {:.2}", ours / floor);
    }
    let mut waits = Vec::new();
    for _ in 0..50 {
        waits.push(time_to_close(&*model, address).await?.as_secs_f64() * 1e3);
    }
    println!("a dropped stream is closed upstream after {:.2} ms (median of 50)", median(waits));
    Ok(())
}

fn question(streamed: bool) -> ChatRequest {
    let messages = vec![
        Message::text(
            Role::System,
            "You answer questions about the manual of a machine, briefly and in full sentences.",
        ),
        Message::text(
            Role::User,
            "How often must the filter be changed, and where do I find the part number of a new one?",
        ),
    ];
    ChatRequest { messages, streamed, ..ChatRequest::default() }
}

async fn through_provider(model: &dyn ChatModel, streamed: bool) -> Outcome<()> {
    let mut events = model.generate(&question(streamed)).await?;
    let mut count = 0;
    while let Some(event) = events.next().await {
        event?;
        count += 1;
    }
    if count == if streamed { 66 } else { 3 } { Ok(()) } else { Err(format!("{count} events").into()) }
}

async fn through_hyper(client: &Client<HttpConnector, Full<Bytes>>, url: &http::Uri, streamed: bool) -> Outcome<()> {
    let body = if streamed { r#"{"stream":true}"# } else { "{}" };
    let request = http::Request::post(url).header("content-type", "application/json").body(Full::from(body))?;
    let mut reply = client.request(request).await?.into_body();
    while let Some(frame) = reply.frame().await {
        frame?;
    }
    Ok(())
}

/// From dropping a stream after its first event to the upstream's seeing it.
async fn time_to_close(model: &dyn ChatModel, address: &str) -> Outcome<Duration> {
    let mut request = question(true);
    request.messages.truncate(1);
    request.sampling.max_tokens = Some(1);
    let mut events = model.generate(&request).await?;
    events.next().await.ok_or("nothing came")??;
    drop(events);
    let begun = Instant::now();
    // The upstream answers this one when it has seen the close.
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(b"GET /closed HTTP/1.1\r\ncontent-length: 0\r\n\r\n").await?;
    let mut answer = [0; 1];
    socket.read_exact(&mut answer).await?;
    Ok(begun.elapsed())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Processor time of this process so far.
fn cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of our own.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

async fn upstream() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let (closed, waiting) = tokio::sync::mpsc::unbounded_channel();
    let waiting = std::sync::Arc::new(tokio::sync::Mutex::new(waiting));
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (closed, waiting) = (closed.clone(), std::sync::Arc::clone(&waiting));
        tokio::spawn(async move {
            // A client that goes away is no fault.
            let _ = serve(socket, closed, waiting).await;
        });
    }
}

type Waiting = std::sync::Arc<tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<()>>>;

async fn serve(mut socket: TcpStream, closed: tokio::sync::mpsc::UnboundedSender<()>, waiting: Waiting) -> Outcome<()> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if socket.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        while bytes.len() < head + length {
            socket.read_buf(&mut bytes).await?;
        }
        let body = String::from_utf8_lossy(&bytes[head..]);
        if text.starts_with("get /closed") {
            waiting.lock().await.recv().await;
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
        } else if body.contains("max_completion_tokens") {
            socket.write_all(format!("{HEAD}{}", framed(&chunk("x", "null"))).as_bytes()).await?;
            let mut nothing = [0];
            let _ = socket.read(&mut nothing).await;
            closed.send(())?;
            return Ok(());
        } else if body.contains("\"stream\":true") {
            stream(&mut socket).await?;
        } else {
            let reply = unary();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", reply.len());
            socket.write_all((head + &reply).as_bytes()).await?;
        }
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Every chunk is written by itself, as models write.
async fn stream(socket: &mut TcpStream) -> Outcome<()> {
    socket.write_all(HEAD.as_bytes()).await?;
    for _ in 0..64 {
        socket.write_all(framed(&chunk(" word", "null")).as_bytes()).await?;
        tokio::task::yield_now().await;
    }
    let usage = r#"{"prompt_tokens":40,"completion_tokens":64,"total_tokens":104}"#;
    let last = chunk("", "\"stop\"").replace("\"usage\":null", &format!("\"usage\":{usage}"));
    let end = framed(&last) + &framed("data: [DONE]\n\n") + "0\r\n\r\n";
    Ok(socket.write_all(end.as_bytes()).await?)
}

fn framed(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn chunk(text: &str, reason: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion.chunk\",\
         \"created\":1741569952,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{{\"index\":0,\"delta\":\
         {{\"content\":\"{text}\"}},\"logprobs\":null,\"finish_reason\":{reason}}}],\"usage\":null}}\n\n"
    )
}

fn unary() -> String {
    let text = "The filter must be changed every ninety days; the part number is on its frame. ".repeat(4);
    format!(
        "{{\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion\",\"created\":1741569952,\
         \"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\
         \"content\":\"{text}\",\"refusal\":null,\"annotations\":[]}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\
         \"usage\":{{\"prompt_tokens\":40,\"completion_tokens\":64,\"total_tokens\":104,\"prompt_tokens_details\":\
         {{\"cached_tokens\":0,\"audio_tokens\":0}},\"completion_tokens_details\":{{\"reasoning_tokens\":0}}}}}}"
    )
}
