//! An OpenAI-compatible model server that answers from a script, as fast or slow as it is told.
//!
//! `PUT /control` takes a `Plan` and holds for the requests that follow; `GET /stats` says what happened. Each event of a
//! stream is written to the socket by itself, as model servers do.

use crate::arguments::Arguments;
use crate::{Failure, clock, say, script};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// How requests are answered.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Plan {
    /// Pieces of an answer.
    pieces: usize,
    /// Before a reply that is no stream, and before a stream's first piece.
    first_ms: u64,
    /// Between the events of a stream.
    gap_ms: u64,
    /// Streams stop after so many events and stay open; 0: never.
    hold_after: usize,
    /// Streams break off after so many events; 0: never.
    cut_after: usize,
    /// Replies have this status and no answer; 200: they have one.
    status: u16,
    /// Requests that are answered at once, the others wait; 0: all.
    capacity: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { pieces: 64, first_ms: 0, gap_ms: 0, hold_after: 0, cut_after: 0, status: 200, capacity: 0 }
    }
}

/// What happened since the last plan.
#[derive(Clone, Default, Serialize)]
struct Stats {
    /// Requests that came.
    requests: u64,
    /// Replies that were given whole.
    whole: u64,
    /// Streams that are open.
    open: u64,
    /// Streams that the caller ended.
    abandoned: u64,
    /// Pieces that those had been sent.
    abandoned_pieces: u64,
    /// When the caller last did, in nanoseconds of the machine's monotonic clock.
    abandoned_ns: u64,
}

/// A plan with all that follows from it.
struct Script {
    plan: Plan,
    whole: Bytes,
    events: [Arc<[Bytes]>; 2],
    places: Arc<Semaphore>,
    stats: Mutex<Stats>,
}

impl Script {
    fn new(plan: Plan) -> Self {
        Self {
            whole: script::whole(plan.pieces),
            events: [false, true].map(|with_usage| script::events(plan.pieces, with_usage).into()),
            places: Arc::new(Semaphore::new(if plan.capacity == 0 { Semaphore::MAX_PERMITS } else { plan.capacity })),
            stats: Mutex::default(),
            plan,
        }
    }

    fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Reply = Response<Either<Full<Bytes>, Events>>;

/// The part of a request that decides on the reply.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// `mock [--listen ADDRESS]`: serves until it is ended.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let listener = TcpListener::bind(arguments.get("listen", "127.0.0.1:0".to_owned())?).await?;
    say(format_args!("ready http://{}", listener.local_addr()?));
    let current = Arc::new(Mutex::new(Arc::new(Script::new(Plan::default()))));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let current = Arc::clone(&current);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&current, request));
            // A connection that breaks is the caller's affair.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(current: &Mutex<Arc<Script>>, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let script = Arc::clone(&current.lock().unwrap_or_else(PoisonError::into_inner));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Ok(body) = request.into_body().collect().await else { return Ok(json(StatusCode::BAD_REQUEST, "{}")) };
    let body = body.to_bytes();
    Ok(match (method, path.as_str()) {
        (Method::PUT, "/control") => match serde_json::from_slice(&body) {
            Ok(plan) => {
                *current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Script::new(plan));
                json(StatusCode::OK, "{}")
            }
            Err(cause) => json(StatusCode::BAD_REQUEST, cause.to_string()),
        },
        (Method::GET, "/stats") => {
            let stats = script.stats().clone();
            json(StatusCode::OK, serde_json::to_vec(&stats).unwrap_or_default())
        }
        (Method::POST, path) if path.ends_with("/chat/completions") => complete(script, &body).await,
        _ => json(StatusCode::NOT_FOUND, r#"{"error":{"message":"no such path","type":"not_found"}}"#),
    })
}

async fn complete(script: Arc<Script>, body: &[u8]) -> Reply {
    script.stats().requests += 1;
    let Ok(asked) = serde_json::from_slice::<Asked>(body) else {
        return json(StatusCode::BAD_REQUEST, r#"{"error":{"message":"not a chat request","type":"invalid_request"}}"#);
    };
    let place = Arc::clone(&script.places).acquire_owned().await.ok();
    if script.plan.first_ms > 0 {
        tokio::time::sleep(Duration::from_millis(script.plan.first_ms)).await;
    }
    if script.plan.status != 200 {
        let status = StatusCode::from_u16(script.plan.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return json(status, r#"{"error":{"message":"as the plan says","type":"server_error"}}"#);
    }
    if !asked.stream {
        script.stats().whole += 1;
        return json(StatusCode::OK, script.whole.clone());
    }
    let with_usage = asked.stream_options.is_some_and(|options| options.include_usage);
    let mut reply = Response::new(Either::Right(Events::new(script, with_usage, place)));
    reply.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    reply
}

fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(body.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    reply
}

/// A stream's body. Dropped before its end, it notes when.
struct Events {
    script: Arc<Script>,
    events: Arc<[Bytes]>,
    next: usize,
    /// Waited since the last event: without it hyper would put many events into one write.
    rested: bool,
    pause: Option<Pin<Box<Sleep>>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Events {
    fn new(script: Arc<Script>, with_usage: bool, place: Option<OwnedSemaphorePermit>) -> Self {
        script.stats().open += 1;
        let events = Arc::clone(&script.events[usize::from(with_usage)]);
        Self { script, events, next: 0, rested: true, pause: None, _place: place }
    }

    fn rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let plan = &self.script.plan;
        if plan.hold_after > 0 && self.next >= plan.hold_after {
            return Poll::Pending;
        }
        if plan.gap_ms == 0 {
            if !std::mem::replace(&mut self.rested, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(());
        }
        match &mut self.pause {
            None => Poll::Ready(()),
            Some(pause) => pause.as_mut().poll(context).map(|()| self.pause = None),
        }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.next == self.events.len() {
            return Poll::Ready(None);
        }
        if self.rest(context).is_pending() {
            return Poll::Pending;
        }
        if self.script.plan.cut_after > 0 && self.next >= self.script.plan.cut_after {
            return Poll::Ready(Some(Err(std::io::Error::other("as the plan says"))));
        }
        let event = self.events[self.next].clone();
        self.next += 1;
        self.rested = false;
        if self.script.plan.gap_ms > 0 {
            self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(self.script.plan.gap_ms))));
        }
        Poll::Ready(Some(Ok(Frame::data(event))))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut stats = self.script.stats();
        stats.open -= 1;
        if self.next == self.events.len() {
            stats.whole += 1;
        } else {
            stats.abandoned += 1;
            stats.abandoned_pieces += self.next.min(self.script.plan.pieces) as u64;
            stats.abandoned_ns = clock::now();
        }
    }
}
