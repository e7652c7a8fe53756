//! The one house that every command works on: assembled here, or held by a running server.
//!
//! It does not know commands or how results are printed.

use crate::assembly::Assembly;
use crate::cli::{self, Global};
use crate::data::{Holder, ServerAddress, data_folder, hold};
use yizhan_client::Client;
use yizhan_domain::{Error, ErrorCode, ModelName, Result, TenantId};
use yizhan_store::{Base, BaseSettings, Chunking, DocumentStore};

/// Where the data folder is worked on.
pub(crate) enum Station {
    /// By this process.
    Here(Box<Assembly>),
    /// By a server, asked over HTTP.
    There(Client),
}

impl Station {
    /// Takes the data folder, or connects to the server that holds it.
    pub(crate) async fn open(global: &Global) -> Result<Self> {
        let folder = data_folder(global);
        match hold(&folder)? {
            Holder::Us(lock) => Ok(Station::Here(Box::new(Assembly::open(global, &folder, lock).await?))),
            Holder::Server(ServerAddress { url, key, .. }) => Ok(Station::There(Client::new(&url, &key))),
        }
    }
}

/// The only tenant of the command line.
pub(crate) fn tenant() -> TenantId {
    TenantId::default_tenant()
}

/// The base of that name, or what to do.
pub(crate) async fn need_base(assembly: &Assembly, name: &str) -> Result<Base> {
    assembly.store.base(&tenant(), name).await?.ok_or_else(|| no_base(name))
}

/// There is no such base.
pub(crate) fn no_base(name: &str) -> Error {
    let message = format!(
        "There is no knowledge base '{name}': make one with `yizhan base create {name}`, or list them with `yizhan base list`."
    );
    Error::new(ErrorCode::NotFound, message)
}

/// The settings that flags describe.
pub(crate) fn base_settings(flags: &cli::BaseSettings) -> Result<BaseSettings> {
    let embedding = match flags.embedding.as_str() {
        "none" => None,
        name => Some(embedding_model(name)?),
    };
    let chunking = match flags.chunking {
        cli::ChunkingKind::Window => {
            Chunking::Window { tokens: flags.chunk_tokens.unwrap_or(128), overlap: flags.overlap }
        }
        cli::ChunkingKind::Structure => Chunking::Structure { tokens: flags.chunk_tokens.unwrap_or(256) },
    };
    let (tokens, overlap) = match chunking {
        Chunking::Window { tokens, overlap } => (tokens, overlap),
        Chunking::Structure { tokens } => (tokens, 0),
    };
    if !(8..=8192).contains(&tokens) || overlap >= tokens {
        let message = "A chunk has 8 to 8192 tokens, and a window's overlap is less than its length.";
        return Err(Error::invalid("--chunk-tokens", message));
    }
    let dictionary = match &flags.dictionary {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|cause| Error::io(format!("The dictionary {} cannot be read", path.display()), cause))?
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect(),
        None => Vec::new(),
    };
    Ok(BaseSettings { embedding, chunking, dictionary })
}

/// A name that the catalogue knows as an embedding model. It may be pulled later.
fn embedding_model(name: &str) -> Result<ModelName> {
    let catalog = yizhan_catalog::Catalog::builtin()?;
    if catalog.get(name).is_some_and(|artefact| artefact.kind == yizhan_catalog::Kind::Embed) {
        return Ok(ModelName::new(name));
    }
    let message =
        format!("There is no embedding model '{name}': `yizhan model list` shows them, `none` is full text only.");
    Err(Error::new(ErrorCode::ModelNotFound, message).at("--embedding"))
}

/// Settings of a base that `ingest` makes because it is not there.
pub(crate) fn default_settings() -> BaseSettings {
    BaseSettings {
        embedding: Some(ModelName::new(crate::models::DEFAULT_EMBEDDING)),
        chunking: Chunking::default(),
        dictionary: Vec::new(),
    }
}
