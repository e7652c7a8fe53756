//! Connections that are kept open and used again, each by the thread that opened it.
//!
//! Nobody drives a connection beside the call that uses it: the call's own task does, while it waits for the reply and
//! its pieces. So a piece costs no switch between tasks, and all that have arrived together are read together. It does
//! not know what is asked.

use super::connect::{Connector, Socket};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::thread::ThreadId;
use std::time::Duration;
use tokio::time::Instant;

/// Idle connections are closed before most servers close them, which would fail the next call.
const IDLE: Duration = Duration::from_secs(50);

/// Idle connections that a thread keeps.
const MOST_IDLE: usize = 256;

/// Why there is no reply: a socket's or a protocol's fault.
pub(super) type Fault = Box<dyn Error + Send + Sync>;

/// The connections to one host.
pub(super) struct Pool {
    connector: Connector,
    idle: Arc<Mutex<Idle>>,
}

/// By thread: a socket is watched by the runtime that opened it, and wakes it without a detour only on its own thread.
#[derive(Default)]
struct Idle {
    lines: HashMap<ThreadId, Vec<Resting>>,
    swept: bool,
}

struct Resting {
    line: Box<Line>,
    since: Instant,
}

/// An open connection.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<Socket, Full<Bytes>>,
    /// Where it was opened.
    thread: ThreadId,
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, idle: Arc::default() }
    }

    /// Sends a request and waits for the head of its reply. One that a kept connection did not even take, since the
    /// other side had closed it, is sent over a new one.
    pub(super) async fn request(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Flow>, Fault> {
        while let Some(line) = self.rested().await {
            match self.over(line, request).await {
                Ok(reply) => return Ok(reply),
                Err((_, Some(unsent))) => request = unsent,
                Err((fault, None)) => return Err(fault),
            }
        }
        let (sender, connection) = handshake(self.connector.open().await?).await?;
        let line = Box::new(Line { sender, connection, thread: std::thread::current().id() });
        self.over(line, request).await.map_err(|(fault, _)| fault)
    }

    async fn over(
        &self,
        mut line: Box<Line>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Flow>, (Fault, Option<Request<Full<Bytes>>>)> {
        let mut reply = pin!(line.sender.try_send_request(request));
        let mut open = true;
        let answered = poll_fn(|context| {
            // The connection first: it has the request to write, and the reply to read.
            open = open && Pin::new(&mut line.connection).poll(context).is_pending();
            reply.as_mut().poll(context)
        });
        match answered.await {
            Ok(reply) => {
                let home = Arc::downgrade(&self.idle);
                Ok(reply.map(|body| Flow { body, line: open.then_some(line), home }))
            }
            Err(mut error) => {
                let unsent = error.take_message();
                Err((error.into_error().into(), unsent))
            }
        }
    }

    /// The connection of this thread that rests for the shortest time and is still open.
    async fn rested(&self) -> Option<Box<Line>> {
        let thread = std::thread::current().id();
        loop {
            let Resting { mut line, since } = self.idle.lock().lines.get_mut(&thread)?.pop()?;
            if since.elapsed() < IDLE && poll_fn(|context| Poll::Ready(line.is_free(context))).await {
                return Some(line);
            }
        }
    }
}

impl Line {
    /// Is it open, with no call under way? Reads what came meanwhile: its end, most likely.
    fn is_free(&mut self, context: &mut Context<'_>) -> bool {
        Pin::new(&mut self.connection).poll(context).is_pending() && self.sender.is_ready()
    }
}

impl Idle {
    /// Keeps a connection, and sees to it that it is closed when nobody wants it any more.
    fn keep(shared: &Arc<Mutex<Self>>, line: Box<Line>) {
        let mut idle = shared.lock();
        let lines = idle.lines.entry(line.thread).or_default();
        if lines.len() >= MOST_IDLE {
            return;
        }
        lines.push(Resting { line, since: Instant::now() });
        if !idle.swept
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            idle.swept = true;
            runtime.spawn(sweep(Sweeping(Arc::downgrade(shared))));
        }
    }

    /// Closes what has rested for too long; none is left when it says so.
    fn close_old(&mut self) -> bool {
        self.lines.retain(|_, lines| {
            lines.retain(|resting| resting.since.elapsed() < IDLE);
            !lines.is_empty()
        });
        self.lines.is_empty()
    }
}

/// Says that nobody sweeps when it goes, also with the runtime that it ran on.
struct Sweeping(Weak<Mutex<Idle>>);

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(idle) = self.0.upgrade() {
            idle.lock().swept = false;
        }
    }
}

async fn sweep(of: Sweeping) {
    loop {
        tokio::time::sleep(IDLE / 2).await;
        let Some(idle) = of.0.upgrade() else { return };
        let is_empty = idle.lock().close_old();
        if is_empty {
            return;
        }
    }
}

/// A reply's body, which drives its connection. Once read to its end, the connection is kept; dropped before, it is closed.
pub(crate) struct Flow {
    body: Incoming,
    /// Gone when the connection has ended or is kept.
    line: Option<Box<Line>>,
    home: Weak<Mutex<Idle>>,
}

impl Flow {
    /// The body is at its end: the connection may serve another call.
    fn release(&mut self, context: &mut Context<'_>) {
        let Some(mut line) = self.line.take() else { return };
        if let Some(home) = self.home.upgrade()
            && line.is_free(context)
        {
            Idle::keep(&home, line);
        }
    }
}

impl Body for Flow {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut polled = Pin::new(&mut this.body).poll_frame(context);
        if polled.is_pending()
            && let Some(line) = &mut this.line
        {
            if Pin::new(&mut line.connection).poll(context).is_ready() {
                this.line = None;
            }
            polled = Pin::new(&mut this.body).poll_frame(context);
        }
        match &polled {
            Poll::Ready(Some(Ok(_))) if this.body.is_end_stream() => this.release(context),
            Poll::Ready(None) => this.release(context),
            Poll::Ready(Some(Err(_))) => this.line = None,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
