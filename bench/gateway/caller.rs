//! One caller: a kept connection on which it asks, and checks what it is answered to the last character.

use crate::arguments::Arguments;
use crate::{Failure, clock, script};
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::sync::Arc;
use tokio::net::TcpStream;

/// What is asked, where, and what the answer must be.
pub(crate) struct Question {
    address: String,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    stream: bool,
    answer: String,
}

/// How a request ended.
pub(crate) struct Outcome {
    /// `Err`: not as it must; the text says what it was.
    pub(crate) result: Result<(), String>,
    /// 0: no reply came.
    pub(crate) status: u16,
    /// Nanoseconds to the first content; 0: none came.
    pub(crate) first: u64,
    /// Nanoseconds to the end.
    pub(crate) whole: u64,
    /// Events of a stream.
    pub(crate) events: usize,
}

impl Question {
    /// From `--url URL --model NAME [--stream yes] [--pieces N] [--header "name: value"]… [--most-tokens N]`; another URL is
    /// `--direct`'s.
    pub(crate) fn new(arguments: &Arguments, url: &str) -> Result<Arc<Self>, Failure> {
        let rest = url.strip_prefix("http://").ok_or("only http:// is measured")?;
        let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let mut headers = Vec::new();
        for header in arguments.all("header") {
            let (name, value) = header.split_once(": ").ok_or("--header is 'name: value'")?;
            headers.push((name.parse()?, value.parse()?));
        }
        let stream = arguments.get("stream", "no".to_owned())? == "yes";
        let body = script::request(arguments.text("model")?, stream, arguments.get("most-tokens", 256)?);
        let answer = script::answer(arguments.get("pieces", 64)?);
        Ok(Arc::new(Self { address: address.into(), path: path.into(), headers, body, stream, answer }))
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::post(&self.path).body(Full::new(self.body.clone()))?;
        let headers = request.headers_mut();
        headers.insert("host", self.address.parse()?);
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        Ok(request)
    }
}

/// A caller and its connection.
pub(crate) struct Caller {
    question: Arc<Question>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Caller {
    pub(crate) fn new(question: Arc<Question>) -> Self {
        Self { question, connection: None }
    }

    /// Asks and reads the whole answer.
    pub(crate) async fn ask(&mut self) -> Outcome {
        let begin = clock::now();
        let mut outcome = Outcome { result: Ok(()), status: 0, first: 0, whole: 0, events: 0 };
        let result = self.exchange(begin, &mut outcome).await;
        outcome.whole = clock::now() - begin;
        if let Err(cause) = result {
            outcome.result = Err(cause.to_string());
            self.connection = None;
        }
        outcome
    }

    /// Asks for a stream and reads up to its first content; it stays open as long as what is returned lives.
    pub(crate) async fn begin(&mut self) -> Result<Response<Incoming>, Failure> {
        let mut reply = self.send().await?;
        if reply.status() != 200 {
            return Err(format!("status {}", reply.status()).into());
        }
        let mut reader = Reader::default();
        while reader.text.is_empty() {
            let frame = reply.body_mut().frame().await.ok_or("the stream ended before its first content")??;
            reader.feed(frame.data_ref().unwrap_or(&Bytes::new()))?;
        }
        Ok(reply)
    }

    async fn send(&mut self) -> Result<Response<Incoming>, Failure> {
        let request = self.question.request()?;
        if self.connection.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(&self.question.address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        let sender = self.connection.as_mut().ok_or("no connection")?;
        sender.ready().await?;
        Ok(sender.send_request(request).await?)
    }

    async fn exchange(&mut self, begin: u64, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut reply = self.send().await?;
        outcome.status = reply.status().as_u16();
        if outcome.status != 200 {
            let body = reply.into_body().collect().await?.to_bytes();
            // A refusal leaves the connection as it was.
            outcome.result = Err(format!("status {}: {}", outcome.status, String::from_utf8_lossy(&body)));
            return Ok(());
        }
        let text = if self.question.stream {
            let mut reader = Reader::default();
            while let Some(frame) = reply.body_mut().frame().await {
                reader.feed(frame?.data_ref().unwrap_or(&Bytes::new()))?;
                if outcome.first == 0 && !reader.text.is_empty() {
                    outcome.first = clock::now() - begin;
                }
            }
            outcome.events = reader.events;
            reader.done.then_some(reader.text).ok_or("the stream ended without [DONE]")?
        } else {
            let body = reply.into_body().collect().await?.to_bytes();
            let reply: Whole = serde_json::from_slice(&body)?;
            let text = reply.choices.into_iter().next().ok_or("a reply without choices")?.message.content;
            if text != self.question.answer {
                return Err(format!("another answer: {}", String::from_utf8_lossy(&body)).into());
            }
            text
        };
        if text == self.question.answer { Ok(()) } else { Err(format!("another answer: {text}").into()) }
    }
}

/// Puts a stream's text together.
#[derive(Default)]
struct Reader {
    rest: BytesMut,
    text: String,
    events: usize,
    done: bool,
}

impl Reader {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = memchr::memchr(b'\n', &self.rest) {
            let line = self.rest.split_to(end + 1);
            let Some(data) = line.trim_ascii().strip_prefix(b"data:") else { continue };
            let data = data.trim_ascii();
            if data == b"[DONE]" {
                self.done = true;
                continue;
            }
            self.events += 1;
            let chunk: Chunk = serde_json::from_slice(data)?;
            for choice in chunk.choices {
                self.text.push_str(choice.delta.content.as_deref().unwrap_or_default());
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Whole {
    choices: Vec<WholeChoice>,
}

#[derive(Deserialize)]
struct WholeChoice {
    message: WholeMessage,
}

#[derive(Deserialize)]
struct WholeMessage {
    content: String,
}

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}
