//! A chat model that says what it was told to say.

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use yizhan_domain::{Error, ErrorCode, FinishReason, ModelName, Result, Usage};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, EventStream};

enum Script {
    Fixed(Vec<Result<ChatEvent>>),
    Live(UnboundedReceiver<Result<ChatEvent>>),
}

/// Answers each request with the next script, and remembers the requests. Without a script left
/// it repeats the last message. A token is a run of text between spaces.
pub struct ScriptedChat {
    name: ModelName,
    context_length: u32,
    scripts: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<ChatRequest>>,
    open: Arc<AtomicUsize>,
}

/// Counts a stream as open until it is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ScriptedChat {
    /// A model of this name with a context of 4,096 tokens and no script.
    pub fn new(name: &str) -> Self {
        Self {
            name: ModelName::new(name),
            context_length: 4096,
            scripts: Mutex::default(),
            requests: Mutex::default(),
            open: Arc::default(),
        }
    }

    /// With another context length.
    pub fn with_context_length(mut self, tokens: u32) -> Self {
        self.context_length = tokens;
        self
    }

    /// The events with which one of the next requests is answered, in the order of the calls.
    pub fn script(&self, events: Vec<Result<ChatEvent>>) {
        lock(&self.scripts).push_back(Script::Fixed(events));
    }

    /// One of the next requests is answered with what is sent here, as it is sent. The sender sees
    /// the channel closed when the answer's stream is dropped.
    pub fn live(&self) -> UnboundedSender<Result<ChatEvent>> {
        let (sender, receiver) = unbounded_channel();
        lock(&self.scripts).push_back(Script::Live(receiver));
        sender
    }

    /// A script of text pieces and a proper end.
    pub fn say(&self, pieces: &[&str]) {
        lock(&self.scripts).push_back(spoken(pieces.iter().map(|piece| (*piece).to_owned()).collect(), 0));
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<ChatRequest> {
        lock(&self.requests).clone()
    }

    /// Streams that nobody has dropped yet.
    pub fn open_streams(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

fn spoken(pieces: Vec<String>, prompt_tokens: u32) -> Script {
    let usage = Usage { prompt_tokens, completion_tokens: pieces.len() as u32, ..Usage::default() };
    let deltas = pieces.into_iter().map(ChatEvent::text);
    let end = [ChatEvent::finish(FinishReason::Stop), ChatEvent::End { usage }];
    Script::Fixed(deltas.chain(end).map(Ok).collect())
}

fn words(request: &ChatRequest) -> u32 {
    let words = request.messages.iter().map(|message| message.content.text().split_whitespace().count());
    words.sum::<usize>() as u32
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl ChatModel for ScriptedChat {
    fn name(&self) -> &ModelName {
        &self.name
    }

    fn context_length(&self) -> u32 {
        self.context_length
    }

    async fn generate(&self, request: &ChatRequest) -> Result<EventStream> {
        let prompt = words(request);
        if prompt > self.context_length {
            let message = format!("The prompt has {prompt} tokens, more than the context's {}.", self.context_length);
            return Err(Error::new(ErrorCode::ContextLengthExceeded, message).at("messages"));
        }
        let echo = request.messages.last().map(|message| message.content.text()).unwrap_or_default();
        lock(&self.requests).push(request.clone());
        let script = lock(&self.scripts).pop_front();
        let script = script.unwrap_or_else(|| spoken(echo.split_inclusive(' ').map(str::to_owned).collect(), prompt));
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&self.open));
        let events =
            match script {
                Script::Fixed(events) => stream::iter(events).boxed(),
                Script::Live(receiver) => stream::unfold(receiver, |mut receiver| async move {
                    receiver.recv().await.map(|event| (event, receiver))
                })
                .boxed(),
            };
        let held = move |event| {
            let _held = &open;
            event
        };
        Ok(events.map(held).boxed())
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32> {
        Ok(words(request))
    }
}
