//! `yizhan serve`: the HTTP API and the ingestors, until asked to end.
//!
//! It does not know routes or formats.

use crate::assembly::Assembly;
use crate::backend::Backend;
use crate::cli::{Global, Serve};
use crate::command::interrupt;
use crate::config::{self, Config};
use crate::data::{Holder, ServerAddress, announce, data_folder, hold};
use crate::governance;
use crate::output;
use crate::secrets::StoredKeys;
use crate::station::tenant;
use crate::traces::{self, Traces};
use crate::{tls, upkeep};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use yizhan_domain::{Error, ErrorCode, KeyId, Result};
use yizhan_knowledge::Ingestor;
use yizhan_server::{Acceptor, AppState, Tls};
use yizhan_store::{BlobStore, DocumentStore, KeyStore};

/// The key with which this machine's command line asks the server; a new one at every start.
const LOCAL_KEY: &str = "command line";
/// Documents that are parsed and embedded at once.
const INGESTORS: usize = 2;

pub(super) async fn run(global: &Global, command: Serve) -> Result<ExitCode> {
    let folder = data_folder(global);
    let lock = match hold(&folder)? {
        Holder::Us(lock) => lock,
        Holder::Server(server) => {
            let message = format!(
                "A server is running on {} already: {} (process {}).",
                folder.display(),
                server.shown(),
                server.process
            );
            return Err(Error::new(ErrorCode::Conflict, message));
        }
    };
    let config = config::load(global)?;
    let settings = settings(&config);
    // Before anything else is opened: a server without its certificate must not begin to work.
    let acceptor = match tls::files(&config, &command.tls) {
        Some(files) => Some(Arc::new(Acceptor::open(files, settings.head_timeout)?)),
        None => None,
    };
    let listener = TcpListener::bind(command.listen).await.map_err(|cause| {
        Error::io(format!("{} cannot be listened on; name another with --listen", command.listen), cause)
    })?;
    let address = listener.local_addr().map_err(|cause| Error::io("The listening socket has no address", cause))?;
    let assembly = Assembly::open(global, &folder, lock).await?;
    let apps = command.apps.clone().unwrap_or_else(|| folder.join("apps"));
    let governed = Arc::new(assembly.gateway(global, &apps, &config).await?);
    let gateway = Arc::clone(&governed.gateway);
    let traces = Traces::start(&config, &StoredKeys::read(&config, &governed.vault).await?)?;
    let tracer = traces.as_ref().map(|traces| traces.tracer().clone());
    if let Some(tracer) = &tracer {
        traces::know(tracer, &assembly.models.providers());
        let counted = tracer.clone();
        governed.metrics.source(move |samples| counted.samples(samples));
    }
    let access = Arc::clone(gateway.access());
    access.reconcile(&governance::tenants(&config)?).await?;
    if let Some(secret) = access.bootstrap(command.bootstrap_key.clone()).await? {
        output::note(format!("The first API key, shown only this once: {secret}"));
    }
    let (ready, tls) = match &acceptor {
        None => (format!("http://{address}"), None),
        Some(acceptor) => (format!("https://{address}"), Some(Tls::open(Arc::clone(acceptor)).await?)),
    };
    let local = tls.as_ref().map(|tls| format!("http://{}", tls.local_address()));
    let (key, operator) = local_key(&assembly, &access).await?;
    if let Some(reviews) = gateway.reviews() {
        reviews.set_operator(operator);
    }
    let announced = announce(
        &folder,
        &ServerAddress {
            public: local.as_ref().map(|_| ready.clone()),
            url: local.unwrap_or_else(|| ready.clone()),
            key,
            process: std::process::id(),
        },
    )?;
    let backend =
        Arc::new(Backend::new(Arc::clone(&gateway), Arc::clone(&assembly.knowledge), Arc::clone(&governed.metrics)));
    let mut state = AppState::new(
        access,
        Arc::clone(&assembly.store) as Arc<dyn DocumentStore>,
        Arc::clone(&assembly.blobs) as Arc<dyn BlobStore>,
        Arc::clone(&backend) as _,
        backend as _,
        settings,
    )
    .with_usage(Arc::new(crate::usage::Metered(Arc::clone(&governed.meter))))
    .with_tracer(tracer.clone())
    .with_vault(Arc::clone(&governed.vault));
    if let Some(reviews) = gateway.reviews() {
        state = state.with_reviews(reviews.clone());
    }
    if let Some(tls) = tls {
        state = state.with_tls(tls);
    }
    let ingestors: Vec<_> = (0..INGESTORS)
        .map(|_| {
            let ingestor = Ingestor::new(Arc::clone(&assembly.knowledge));
            tokio::spawn(async move { ingestor.run().await })
        })
        .collect();
    let mut keepers = upkeep::start(global, &assembly, &governed, tracer, config);
    keepers.extend(acceptor.map(|acceptor| tokio::spawn(tls::watch(acceptor, Arc::clone(&governed.gauges)))));
    output::line(format!("ready {ready}"));
    let served = yizhan_server::serve(listener, state, interrupt()).await;
    // What they hold a lease on is queued again at the next start.
    ingestors.iter().for_each(tokio::task::JoinHandle::abort);
    keepers.iter().for_each(tokio::task::JoinHandle::abort);
    if let Some(traces) = traces {
        traces.close().await;
    }
    governed.close().await?;
    assembly.knowledge.flush().await?;
    assembly.models.runtime().stop_all();
    drop(announced);
    served?;
    Ok(ExitCode::SUCCESS)
}

fn settings(config: &Config) -> yizhan_server::Settings {
    let mut settings = yizhan_server::Settings::default();
    settings.cors_origins.clone_from(&config.server.cors_origins);
    if let Some(mebibytes) = config.server.body_mib {
        settings.body_bytes = mebibytes << 20;
    }
    if let Some(seconds) = config.server.drain_s {
        settings.shutdown_grace = std::time::Duration::from_secs(seconds);
    }
    if let Some(threads) = config.server.threads {
        settings.lanes = threads.get();
    }
    settings
}

async fn local_key(assembly: &Assembly, access: &yizhan_access::Access) -> Result<(String, KeyId)> {
    for old in assembly.store.keys(&tenant()).await?.iter().filter(|key| key.name == LOCAL_KEY) {
        assembly.store.delete_key(&old.id).await?;
    }
    let (secret, key) = access.issue(&tenant(), LOCAL_KEY, &[yizhan_access::Scope::Admin]).await?;
    Ok((secret, key.id))
}
