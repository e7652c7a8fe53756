//! The life of an embedding worker: load, then three threads: one reads requests, one computes vectors, one finds
//! tokens, so that none of them waits for another.
//!
//! It does not know who asks.

use super::tasks::{Task, Tasks};
use crate::protocol::{CallId, Facts, Reply, Request, Settings};
use crate::worker::{Pipes, cores};
use std::collections::HashSet;
use std::sync::mpsc;
use yizhan_domain::{Error, Result};
use yizhan_encoder::{Encoder, Prefixes};
use yizhan_model::EmbedKind;

enum Order {
    Embed(Task),
    Cancel(CallId),
}

/// Loads the model and answers requests. An error is one of loading.
pub(crate) fn run(settings: &Settings, pipes: &Pipes) -> Result<()> {
    let encoder = Encoder::open(&settings.path)?;
    let own = encoder.prefixes();
    let prefixes = Prefixes {
        query: settings.query_prefix.clone().unwrap_or_else(|| own.query.clone()),
        passage: settings.passage_prefix.clone().unwrap_or_else(|| own.passage.clone()),
    };
    let threads = if settings.threads > 0 { settings.threads } else { cores() };
    let context = u32::try_from(encoder.max_tokens()).unwrap_or(u32::MAX);
    let facts = Facts { backend: "encoder".into(), context, dimensions: encoder.dimensions() };
    pipes.send(&Reply::Ready(facts), &[]);
    let (orders, computing) = mpsc::channel();
    let (documents, finding) = mpsc::channel::<(CallId, Vec<String>)>();
    std::thread::scope(|scope| {
        let (encoder, prefixes) = (&encoder, &prefixes);
        let failed = |error| Error::io("The worker cannot start a thread", error);
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let vectors = move || compute(encoder, prefixes, threads, &computing, pipes);
        thread("compute").spawn_scoped(scope, vectors).map_err(failed)?;
        let tokens = move || {
            for (id, texts) in finding {
                let ranges = texts.iter().map(|text| encoder.token_ranges(text)).collect();
                pipes.send(&Reply::Ranges { id, ranges }, &[]);
            }
        };
        thread("tokens").spawn_scoped(scope, tokens).map_err(failed)?;
        while let Some(request) = pipes.receive() {
            // The receivers live as long as this loop.
            match request {
                Request::Embed { id, kind, texts } => drop(orders.send(Order::Embed(Task::new(id, kind, texts)))),
                Request::Ranges { id, texts } => drop(documents.send((id, texts))),
                Request::Cancel { id } => drop(orders.send(Order::Cancel(id))),
                Request::Chat { id, .. } | Request::Count { id, .. } | Request::Score { id, .. } => {
                    let error = Error::internal("An embedding model was asked to answer.");
                    pipes.send(&Reply::Error { id, error }, &[]);
                }
                Request::Open(_) => {}
            }
        }
        drop((orders, documents));
        Ok(())
    })
}

fn compute(encoder: &Encoder, prefixes: &Prefixes, threads: usize, orders: &mpsc::Receiver<Order>, pipes: &Pipes) {
    let mut tasks = Tasks::default();
    loop {
        let mut cancelled = HashSet::new();
        let first = if tasks.is_empty() {
            let Ok(order) = orders.recv() else { return };
            Some(order)
        } else {
            None
        };
        for order in first.into_iter().chain(orders.try_iter()) {
            match order {
                Order::Embed(task) => tasks.push(task),
                Order::Cancel(id) => drop(cancelled.insert(id)),
            }
        }
        tasks.cancel(&cancelled);
        let Some(slice) = tasks.next_slice() else { continue };
        let prefix = match slice.kind {
            EmbedKind::Query => prefixes.query.as_str(),
            EmbedKind::Passage => prefixes.passage.as_str(),
            EmbedKind::Plain => "",
        };
        let texts = tasks.texts(&slice);
        let (values, tokens) = match encoder.embed(&texts, prefix, threads) {
            Ok((values, total)) => (values, token_counts(encoder, prefix, &texts, total, slice.parts.len())),
            Err(error) => {
                let failed = tasks.give_up(&slice);
                failed.into_iter().for_each(|id| pipes.send(&Reply::Error { id, error: error.clone() }, &[]));
                continue;
            }
        };
        for task in tasks.fulfil(&slice, &values, &tokens, encoder.dimensions()) {
            let body: Vec<u8> = task.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let reply = Reply::Vectors { id: task.id, dimensions: encoder.dimensions(), tokens: task.tokens };
            pipes.send(&reply, &body);
        }
    }
}

/// Tokens of each text. The encoder tells the sum; only where several calls share it are the texts counted again.
fn token_counts(encoder: &Encoder, prefix: &str, texts: &[&str], total: u32, calls: usize) -> Vec<u32> {
    if calls <= 1 {
        let mut counts = vec![0; texts.len()];
        if let Some(first) = counts.first_mut() {
            *first = total;
        }
        return counts;
    }
    // Two special tokens frame each text.
    let most = encoder.max_tokens().saturating_sub(2);
    let count = |text: &&str| encoder.token_ranges(&format!("{prefix}{text}")).len().min(most) + 2;
    texts.iter().map(|text| u32::try_from(count(text)).unwrap_or(u32::MAX)).collect()
}
