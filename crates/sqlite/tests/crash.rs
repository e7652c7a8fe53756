//! A process that commits documents is killed at random points, many times: what it acknowledged is
//! there whole, nothing is doubled, nothing is half there, and the work goes on.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use yizhan_domain::{ErrorCode, Sequence, TenantId};
use yizhan_sqlite::{FileBlobs, Sqlite};
use yizhan_store::contract::{LEASE, new_document, new_file, processed};
use yizhan_store::{
    Base, BaseSettings, BlobStore, Document, DocumentState, DocumentStore, KeyStore, KeyTerms, NewKey, Page,
};

/// Set in the child to its data directory.
const CHILD: &str = "YIZHAN_CRASH_TEST_DATA";
const ROUNDS: usize = 40;
const LIST: Page = Page { after: None, limit: usize::MAX };

/// Chunks of a document, by its name alone, so that the parent knows what must be there.
fn chunks_of(name: &str) -> usize {
    name.len() * 7 % 50 + 1
}

async fn base(store: &Sqlite) -> Base {
    let tenant = TenantId::default_tenant();
    match store.create_base(&tenant, "manual", BaseSettings::default()).await {
        Err(error) if error.code() == ErrorCode::Conflict => store.base(&tenant, "manual").await.unwrap().unwrap(),
        outcome => outcome.unwrap(),
    }
}

/// Puts, submits, claims and completes, and prints each document's name when it is acknowledged.
async fn child(data: &Path) {
    let (store, blobs) = (Sqlite::open(data).unwrap(), FileBlobs::open(data).unwrap());
    let base = base(&store).await;
    store.release_leases().await.unwrap();
    let mut number = store.last_sequence(&base.id).await.unwrap().0 * 1000;
    loop {
        number += 1;
        // Every third is one that is there already, with new content.
        let name = if number % 3 == 0 { format!("again-{}", number % 5) } else { format!("document-{number}") };
        let content = format!("content {number}");
        let hash = blobs.put(content.clone().into_bytes()).await.unwrap();
        let mut file = new_file(&base.tenant, &name, &content);
        file.hash = hash;
        let file = store.create_file(file).await.unwrap();
        store.submit(&base.id, new_document(&file, serde_json::json!({"n": number}))).await.unwrap();
        say(&format!("submitted {name}"));
        // What an earlier life left is finished as well.
        while let Some(job) = store.claim(None, LEASE).await.unwrap() {
            let name = job.document.name.clone();
            let outcome = store.complete(&job, processed(&name, chunks_of(&name))).await.unwrap();
            say(&format!("completed {name} {}", outcome.unwrap()));
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

#[tokio::test]
async fn child_process() {
    #[expect(clippy::disallowed_methods, reason = "this is how the test reaches its child")]
    if let Some(data) = std::env::var_os(CHILD) {
        child(Path::new(&data)).await;
    }
}

/// Runs the child until it has said so many lines, and a little longer, and kills it. Returns what
/// it said.
fn run_and_kill(data: &Path, lines: usize, longer: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_process", "--exact", "--nocapture"])
        .env(CHILD, data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_said = |line: &String| line.starts_with("submitted ") || line.starts_with("completed ");
    let mut said: Vec<String> = output.by_ref().map(Result::unwrap).filter(is_said).take(lines).collect();
    assert_eq!(said.len(), lines, "the child ended by itself");
    // The random point: within the work on the next documents.
    let (_never, wait) = std::sync::mpsc::channel::<()>();
    let _ = wait.recv_timeout(longer);
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(output.map_while(Result::ok).filter(is_said));
    said
}

/// What the store holds must be what was acknowledged, and whole.
async fn check(data: &Path, said: &[String]) {
    let store = Sqlite::open(data).unwrap();
    let blobs = FileBlobs::open(data).unwrap();
    let base = base(&store).await;
    let documents = store.documents(&base.id, LIST).await.unwrap();
    for line in said {
        let mut words = line.split(' ');
        let (verb, name) = (words.next().unwrap(), words.next().unwrap());
        let of_name: Vec<&Document> = documents.iter().filter(|document| document.source == name).collect();
        assert_eq!(of_name.len(), 1, "{line}");
        if verb == "completed" {
            let sequence: u64 = words.next().unwrap().parse().unwrap();
            assert!(store.last_sequence(&base.id).await.unwrap() >= Sequence(sequence), "{line}");
            assert!(of_name[0].state == DocumentState::Ready || name.starts_with("again"), "{line}: {of_name:?}");
        }
    }
    let changes = store.changes(&base.id, Sequence(0), usize::MAX).await.unwrap();
    for document in &documents {
        let change: Vec<_> = changes.iter().filter(|change| change.document == document.id).collect();
        assert!(change.len() <= 1);
        let chunks = change.first().map_or(0, |change| change.chunks.len());
        assert_eq!(chunks as u64, document.chunks);
        if document.state == DocumentState::Ready {
            assert_eq!(chunks, chunks_of(&document.name), "{document:?}");
            let texts: Vec<&str> = change[0].chunks.iter().map(|(chunk, _)| chunk.text.as_str()).collect();
            let expected = processed(&document.name, chunks).chunks;
            assert_eq!(texts, expected.iter().map(|chunk| chunk.text.as_str()).collect::<Vec<_>>());
        }
        // A file that is known has its bytes.
        assert_eq!(blobs.get(&document.hash).await.unwrap().len() as u64, document.bytes);
    }
    let interrupted = documents.iter().filter(|document| document.state == DocumentState::Processing).count();
    assert!(interrupted <= 1);
    assert_eq!(store.release_leases().await.unwrap() as usize, interrupted);
}

#[tokio::test]
async fn killed_at_random_points_it_loses_doubles_and_halves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    let mut random = 0x9e37_79b9_u64;
    for _ in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (lines, longer) = (1 + (random >> 33) as usize % 6, Duration::from_micros((random >> 40) % 15_000));
        said.extend(run_and_kill(directory.path(), lines, longer));
        check(directory.path(), &said).await;
    }
    assert!(said.len() > 2 * ROUNDS, "{}", said.len());
    let store = Sqlite::open(directory.path()).unwrap();
    let (tenant, terms) = ("t".into(), KeyTerms::default());
    let key = NewKey { tenant, name: "a".into(), hash: "h".into(), scopes: Vec::new(), terms };
    store.create_key(key).await.unwrap();
}
