//! After any sequence of operations SQLite shows the same as the store in memory, and so it does
//! after it was opened again.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use yizhan_domain::{BaseId, DocumentId, FileId, Result, Sequence, TenantId};
use yizhan_sqlite::Sqlite;
use yizhan_store::contract::{new_document, new_file, processed};
use yizhan_store::{Clock, DocumentStore, File, Filter, Job, ManualClock, MemoryStore, NewDocument, Page};

const LEASE: Duration = Duration::from_secs(10);
const ALL: Page = Page { after: None, limit: usize::MAX };

/// Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Operation {
    CreateBase(u8),
    RenameBase(usize, u8),
    DeleteBase(usize),
    CreateFile(u8),
    DeleteFile(usize),
    Submit { base: usize, file: usize, source: u8, attributes: Value },
    DeleteDocument(u64),
    Claim(Option<usize>),
    Extend(usize),
    Complete(usize, usize),
    Fail(usize, Option<u64>),
    Release,
    Advance(u64),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let attributes = prop_oneof![
        Just(json!({})),
        (0..3).prop_map(|v| json!({"v": v})),
        "[ab]{0,2}".prop_map(|v| json!({"v": v, "w": [v, 1]}))
    ];
    prop_oneof![
        1 => (0u8..3).prop_map(CreateBase),
        1 => (0usize..3, 0u8..3).prop_map(|(base, name)| RenameBase(base, name)),
        1 => (0usize..3).prop_map(DeleteBase),
        3 => (0u8..4).prop_map(CreateFile),
        1 => (0usize..6).prop_map(DeleteFile),
        8 => (0usize..3, 0usize..6, 0u8..3, attributes)
            .prop_map(|(base, file, source, attributes)| Submit { base, file, source, attributes }),
        2 => (1u64..8).prop_map(DeleteDocument),
        8 => proptest::option::of(0usize..3).prop_map(Claim),
        1 => (0usize..6).prop_map(Extend),
        8 => (0usize..6, 0usize..4).prop_map(|(job, chunks)| Complete(job, chunks)),
        3 => (0usize..6, proptest::option::of(0u64..15)).prop_map(|(job, delay)| Fail(job, delay)),
        1 => Just(Release),
        3 => (1u64..12).prop_map(Advance),
    ]
}

/// One store, and what the operations made in it, in the same order for every store.
struct Run<S> {
    store: S,
    bases: Vec<BaseId>,
    files: Vec<File>,
    jobs: Vec<Job>,
}

impl<S: DocumentStore> Run<S> {
    fn new(store: S) -> Self {
        Self { store, bases: Vec::new(), files: Vec::new(), jobs: Vec::new() }
    }

    /// What came of it, in words that do not depend on the store's random ids.
    async fn apply(&mut self, operation: &Operation) -> String {
        match self.outcome(operation).await {
            Ok(outcome) => outcome,
            Err(error) => format!("{:?}", error.code()),
        }
    }

    async fn outcome(&mut self, operation: &Operation) -> Result<String> {
        let (store, tenant) = (&self.store, TenantId::default_tenant());
        let base = |at: usize| self.bases.get(at).cloned().unwrap_or(BaseId::new("vs_none"));
        let job = |at: usize| self.jobs.get(at).cloned();
        Ok(match operation {
            Operation::CreateBase(name) => {
                let made = store.create_base(&tenant, &format!("base-{name}"), Default::default()).await?;
                self.bases.push(made.id);
                made.name
            }
            Operation::RenameBase(at, name) => store.rename_base(&base(*at), &format!("base-{name}")).await?.name,
            Operation::DeleteBase(at) => format!("{:?}", store.delete_base(&base(*at)).await?),
            Operation::CreateFile(content) => {
                let file = store.create_file(new_file(&tenant, "name", &format!("{content}"))).await?;
                self.files.push(file);
                String::new()
            }
            Operation::DeleteFile(at) => {
                let id = self.files.get(*at).map_or(FileId::new("file-none"), |file| file.id.clone());
                format!("{:?}", store.delete_file(&tenant, &id).await?)
            }
            Operation::Submit { base: at, file, source, attributes } => {
                let Some(file) = self.files.get(*file) else { return Ok(String::new()) };
                let new = NewDocument { source: format!("{source}"), ..new_document(file, attributes.clone()) };
                let submitted = store.submit(&base(*at), new).await?;
                format!("{} {}", submitted.document.id, submitted.unchanged)
            }
            Operation::DeleteDocument(number) => {
                format!("{:?}", store.delete_document(DocumentId(*number)).await?)
            }
            Operation::Claim(at) => match store.claim(at.map(base).as_ref(), LEASE).await? {
                None => "none".to_owned(),
                Some(job) => {
                    let words = format!(
                        "{} {} {} {} {}",
                        job.document.id, job.lease, job.attempt, job.interruptions, job.base.name
                    );
                    self.jobs.insert(0, job);
                    words
                }
            },
            Operation::Extend(at) => match job(*at) {
                None => String::new(),
                Some(job) => store.extend(&job, LEASE).await?.to_string(),
            },
            Operation::Complete(at, chunks) => match job(*at) {
                None => String::new(),
                Some(job) => format!("{:?}", store.complete(&job, processed(&job.document.source, *chunks)).await?),
            },
            Operation::Fail(at, delay) => match job(*at) {
                None => String::new(),
                Some(job) => store.fail(&job, "reason", delay.map(Duration::from_secs)).await?.to_string(),
            },
            Operation::Release => store.release_leases().await?.to_string(),
            Operation::Advance(_) => String::new(),
        })
    }

    /// Everything that can be seen, with the random ids replaced by their order.
    async fn view(&self) -> Value {
        let (store, tenant) = (&self.store, TenantId::default_tenant());
        let orphans = store.orphans(usize::MAX).await.unwrap();
        let mut view =
            vec![json!([store.bases(&tenant).await.unwrap(), store.files(&tenant, ALL).await.unwrap(), orphans])];
        for base in &self.bases {
            let stats = match store.base_stats(base).await {
                Ok(stats) => json!(stats),
                Err(error) => json!(error.code().as_str()),
            };
            let documents = store.documents(base, ALL).await.unwrap();
            let mut changes = Vec::new();
            for change in store.changes(base, Sequence(0), usize::MAX).await.unwrap() {
                for (chunk, _) in &change.chunks {
                    changes.push(json!([chunk.id, store.section_of(chunk.id).await.unwrap()]));
                }
                changes.push(json!([change.sequence, change.document, change.chunks]));
            }
            view.push(json!([
                stats,
                documents,
                changes,
                store.last_sequence(base).await.unwrap(),
                self.filtered(base).await
            ]));
        }
        let mut text = Value::from(view).to_string();
        for (at, base) in self.bases.iter().enumerate() {
            text = text.replace(base.as_str(), &format!("base {at}"));
        }
        for (at, file) in self.files.iter().enumerate() {
            text = text.replace(file.id.as_str(), &format!("file {at}"));
        }
        serde_json::from_str(&text).unwrap()
    }

    async fn filtered(&self, base: &BaseId) -> Vec<Vec<DocumentId>> {
        let mut found = Vec::new();
        for (comparison, key, value) in
            [("eq", "v", json!(1)), ("ne", "v", json!(1)), ("gte", "v", json!("b")), ("in", "w", json!(["a", 1]))]
        {
            let filter: Filter =
                serde_json::from_value(json!({"type": comparison, "key": key, "value": value})).unwrap();
            found.push(self.store.documents_matching(base, &filter).await.unwrap());
        }
        found
    }
}

async fn compare(operations: &[Operation], directory: &Path) -> std::result::Result<(), TestCaseError> {
    let time = ManualClock::at(1_700_000_000_000);
    let mut memory = Run::new(MemoryStore::with_clock(time.clock()));
    let mut sqlite = Run::new(Sqlite::open_with_clock(directory, time.clock()).unwrap());
    for operation in operations {
        if let Operation::Advance(seconds) = operation {
            time.advance(Duration::from_secs(*seconds));
        }
        prop_assert_eq!(memory.apply(operation).await, sqlite.apply(operation).await, "{:?}", operation);
    }
    let seen = memory.view().await;
    prop_assert_eq!(&seen, &sqlite.view().await);
    let Run { store, bases, files, jobs } = sqlite;
    drop(store);
    let again = Run { store: Sqlite::open_with_clock(directory, Clock::system()).unwrap(), bases, files, jobs };
    prop_assert_eq!(&seen, &again.view().await);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_sequence_of_operations(operations in proptest::collection::vec(operation(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        // Without these hardly anything would happen.
        let mut all = vec![Operation::CreateBase(0), Operation::CreateFile(0), Operation::CreateFile(1)];
        all.extend(operations);
        runtime.block_on(compare(&all, directory.path()))?;
    }
}
