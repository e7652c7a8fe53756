//! Lanes: threads with a runtime of one thread each, among which connections are shared out.
//!
//! A connection stays on its lane, and so does what its requests ask of others: whatever wakes them wakes the same
//! thread, which costs a fraction of a switch between two. It does not know what is said on a connection.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use yizhan_domain::{Error, Result};

/// What is done with a connection, to its end.
pub(crate) type Converse = Arc<dyn Fn(TcpStream, SocketAddr) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

type Accepted = (std::net::TcpStream, SocketAddr, Counted);

/// One thread for connections.
pub(crate) struct Lane {
    sender: UnboundedSender<Accepted>,
    /// Connections that it has.
    load: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Lane {
    /// Starts one. When it has got its last connection it gives them all so long to end.
    pub(crate) fn start(number: usize, converse: Converse, grace: Duration) -> Result<Self> {
        let failed = |cause: io::Error| Error::io("The server cannot start its threads", cause);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (sender, receiver) = unbounded_channel();
        let load = Arc::new(AtomicUsize::new(0));
        let thread = std::thread::Builder::new()
            .name(format!("lane-{number}"))
            .spawn(move || {
                runtime.block_on(run(receiver, converse, grace));
                // A blocking call that nobody waits for any more must not hold up the end.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Self { sender, load, thread })
    }

    /// Gives a connection to the lane that has the fewest.
    pub(crate) fn share_out(lanes: &[Self], stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        let Some(lane) = lanes.iter().min_by_key(|lane| lane.load.load(Relaxed)) else { return Ok(()) };
        lane.load.fetch_add(1, Relaxed);
        let here = Counted(Arc::clone(&lane.load));
        let sent = lane.sender.send((stream.into_std()?, peer, here));
        sent.map_err(|_| io::Error::other("a lane has ended"))
    }

    /// No more connections; returns when those that there are have ended.
    pub(crate) async fn finish(lanes: Vec<Self>) {
        let threads: Vec<_> = lanes.into_iter().map(|lane| lane.thread).collect();
        let joined = tokio::task::spawn_blocking(|| {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread for connections ended by a panic");
                }
            }
        });
        // Fails only when this runtime itself ends.
        let _ = joined.await;
    }
}

async fn run(mut receiver: UnboundedReceiver<Accepted>, converse: Converse, grace: Duration) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = receiver.recv() => {
                let Some((stream, peer, here)) = accepted else { break };
                match TcpStream::from_std(stream) {
                    Ok(stream) => {
                        let conversation = converse(stream, peer);
                        connections.spawn(async move {
                            conversation.await;
                            drop(here);
                        });
                    }
                    Err(error) => tracing::error!("a connection cannot be watched: {error}"),
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    let ending = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, ending).await.is_err() {
        tracing::warn!(connections = connections.len(), "cutting connections that did not end in time");
        connections.shutdown().await;
    }
}

/// A connection that counts while it is there.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
