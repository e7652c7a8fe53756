//! The project's own client against the server.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use serde_json::{Map, json};
use std::path::Path;
use support::http::Running;
use support::{KEY, Scripted};
use yizhan_client::{Client, SearchQuery};
use yizhan_domain::ErrorCode;
use yizhan_server::Settings;
use yizhan_store::{BaseSettings, Chunking, DocumentState};

/// Runs blocking calls beside the server.
async fn with_client<T: Send + 'static>(work: impl FnOnce(&Client) -> T + Send + 'static) -> T {
    let server = Running::start(&Scripted::new(), Settings::default()).await;
    let client = Client::new(&format!("http://{}/", server.address), KEY);
    tokio::task::spawn_blocking(move || work(&client)).await.unwrap()
}

fn query(text: &str) -> SearchQuery {
    SearchQuery { query: text.into(), mode: "hybrid".into(), limit: 5, filter: None, rerank: false }
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn bases_are_made_listed_and_removed() {
    with_client(|client| {
        let settings = BaseSettings {
            embedding: None,
            chunking: Chunking::Structure { tokens: 200 },
            dictionary: vec!["驿站".into()],
        };
        let base = client.create_base("手册", &settings).unwrap();
        assert_eq!((base.name.as_str(), &base.settings), ("手册", &settings));
        assert_eq!(client.base("手册").unwrap(), base);
        for number in 0..101 {
            client.create_base(&format!("base-{number}"), &BaseSettings::default()).unwrap();
        }
        let names: Vec<String> = client.bases().unwrap().into_iter().map(|base| base.name).collect();
        assert_eq!((names.len(), names[0].as_str(), names[101].as_str()), (102, "手册", "base-100"));
        assert_eq!(client.create_base("手册", &settings).unwrap_err().code(), ErrorCode::Conflict);
        client.delete_base("手册").unwrap();
        assert_eq!(client.base("手册").unwrap_err().code(), ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn files_are_ingested_found_and_cited() {
    let folder = tempfile::tempdir().unwrap();
    with_client(move |client| {
        let path = write(folder.path(), "pump.md", "The pump P-4711 is serviced every 90 days.\nIts colour is red.\n");
        let attributes = Map::from_iter([("area".to_owned(), json!("north"))]);
        let document = client.ingest("plant", &path, "pump", &attributes).unwrap();
        assert_eq!((document.state, document.chunks, document.name.as_str()), (DocumentState::Ready, 2, "pump.md"));

        let again = client.ingest("plant", &path, "pump", &attributes).unwrap();
        assert_eq!(again.file_id, document.file_id);
        let base = client.base("plant").unwrap();
        assert_eq!((base.documents, base.chunks, base.states[&DocumentState::Ready]), (1, 2, 1));

        let found = client.search("plant", &query("How often is the pump serviced?")).unwrap();
        assert_eq!((found[0].document.as_str(), found[0].page), ("pump.md", Some(1)));
        assert_eq!(found[0].boxes.len(), 1);
        let south = Some(json!({"type": "eq", "key": "area", "value": "south"}));
        assert!(client.search("plant", &SearchQuery { filter: south, ..query("pump") }).unwrap().is_empty());

        let mut answer = String::new();
        let reply = client.ask("plant", "Is the pump red?", &mut |piece| answer.push_str(piece)).unwrap();
        assert_eq!(answer, "Is the pump red?");
        assert_eq!(reply.citations[0].filename, "pump.md");
        assert!(reply.usage.is_some_and(|usage| usage.completion_tokens == 4));
    })
    .await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_failed_documents() {
    let folder = tempfile::tempdir().unwrap();
    with_client(move |client| {
        let empty = write(folder.path(), "empty.md", "");
        let binary = folder.path().join("binary.bin");
        std::fs::write(&binary, [0xff, 0xfe, 0xff]).unwrap();
        let missing = folder.path().join("missing.md");
        for path in [&empty, &binary, &missing] {
            let document = client.ingest("plant", path, "s", &Map::new()).unwrap();
            assert_eq!(document.state, DocumentState::Failed, "{path:?}");
            assert!(document.reason.is_some());
        }
        assert_eq!(client.documents("plant").unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn errors_are_the_servers_own() {
    with_client(|client| {
        let error = client.ask("no-such-model", "Hi", &mut |_| {}).unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::ModelNotFound, Some("model")));
        let wrong = Client::new(client.url(), "wrong");
        assert_eq!(wrong.models().unwrap_err().code(), ErrorCode::InvalidApiKey);
        assert!(client.not_ready().unwrap().is_empty());
        assert_eq!(client.models().unwrap().len(), 2);
    })
    .await;
}
