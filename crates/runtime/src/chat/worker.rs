//! The life of a chat worker: load, then read requests until the parent closes the pipe.
//!
//! It does not know how the parent chooses models.

use super::mailbox::Mailbox;
use super::prompt::PromptMaker;
use super::scheduler::Scheduler;
use crate::native::{Context, ContextSettings, Model, load_backend};
use crate::protocol::{Facts, Reply, Request, Settings};
use crate::worker::Pipes;
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode, Result};

/// Most tokens of one batch; the same as llama.cpp's default.
const BATCH: u32 = 512;

struct Loaded {
    model: Arc<Model>,
    context: Context,
    maker: PromptMaker,
    cells: u32,
    facts: Facts,
}

/// Loads the model and answers requests. An error is one of loading.
pub(crate) fn run(settings: &Settings, pipes: &Pipes) -> Result<()> {
    let Loaded { model, context, maker, cells, facts } = load(settings)?;
    let mailbox = Mailbox::new(context.abort_flag(), settings.queue);
    let send = |reply: Reply| pipes.send(&reply, &[]);
    pipes.send(&Reply::Ready(facts), &[]);
    std::thread::scope(|scope| {
        let computing = std::thread::Builder::new().name("compute".into());
        let (mailbox, slots) = (&mailbox, settings.slots.max(1));
        let spawned = computing.spawn_scoped(scope, move || {
            let send = |reply: Reply| pipes.send(&reply, &[]);
            Scheduler::new(model, context, slots, cells as usize, BATCH as usize, mailbox, &send).run();
        });
        if let Err(error) = spawned {
            return Err(Error::io("The worker cannot start a thread", error));
        }
        while let Some(request) = pipes.receive() {
            handle(request, &maker, mailbox, &send);
        }
        mailbox.close();
        Ok(())
    })
}

fn load(settings: &Settings) -> Result<Loaded> {
    let backend = load_backend()?;
    let model = Arc::new(Model::load(&settings.path)?);
    if !model.is_decoder() {
        let message = format!("The model '{}' cannot answer; it is an encoder.", settings.path.display());
        return Err(Error::new(ErrorCode::ModelUnavailable, message));
    }
    let trained = model.trained_context();
    let context_length = if settings.context == 0 { trained } else { settings.context.min(trained) };
    let cells = settings.cache.max(context_length);
    // One core is left to the rest of the machine: the engine's threads wait for each other by spinning, and a single one
    // that has to share its core stalls all of them.
    let threads = if settings.threads > 0 { settings.threads } else { crate::worker::cores().saturating_sub(1).max(1) };
    let sizes = ContextSettings { cells, sequences: settings.slots.max(1), batch: BATCH, threads };
    let context = Context::new(Arc::clone(&model), sizes)?;
    let maker = PromptMaker::new(Arc::clone(&model), context_length as usize)?;
    let facts = Facts { backend: backend.into(), context: context_length, dimensions: 0 };
    Ok(Loaded { model, context, maker, cells, facts })
}

fn handle(request: Request, maker: &PromptMaker, mailbox: &Mailbox, send: &dyn Fn(Reply)) {
    let overloaded =
        || Error::new(ErrorCode::Overloaded, "Every place in this model's queue is taken. Try again later.");
    match request {
        Request::Chat { id, request } => match maker.answer(id, &request) {
            // Before the run is posted, so that it precedes every event.
            Ok(run) => {
                if mailbox.has_room(1) {
                    send(Reply::Started { id });
                    mailbox.post(vec![run]);
                } else {
                    send(Reply::Error { id, error: overloaded() });
                }
            }
            Err(error) => send(Reply::Error { id, error }),
        },
        Request::Count { id, request } => match maker.count(&request) {
            Ok(tokens) => send(Reply::Count { id, tokens }),
            Err(error) => send(Reply::Error { id, error }),
        },
        Request::Score { id, passages, .. } if passages.is_empty() => send(Reply::Scores { id, scores: Vec::new() }),
        Request::Score { id, query, passages } => match maker.judgements(id, &query, &passages) {
            Ok(runs) if mailbox.has_room(runs.len()) => mailbox.post(runs),
            Ok(_) => send(Reply::Error { id, error: overloaded() }),
            Err(error) => send(Reply::Error { id, error }),
        },
        Request::Cancel { id } => mailbox.cancel(id),
        Request::Embed { id, .. } | Request::Ranges { id, .. } => {
            send(Reply::Error { id, error: Error::internal("A chat model was asked for vectors.") });
        }
        Request::Open(_) => {}
    }
}
