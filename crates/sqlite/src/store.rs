//! The handle: which call runs on which thread, in which transaction.
//!
//! It does not know SQL.

use crate::connection::{open_as_it_is, open_reader, open_writer};
use crate::fault::Fault;
use crate::threads::Threads;
use crate::{account, attribute, base, budget, chunk, document, file, job, key, outbox, review, secret, usage};
use async_trait::async_trait;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use yizhan_domain::{
    BaseId, CallId, ChunkId, DocumentId, Error, FileId, KeyId, Money, Result, ReviewId, Sequence, TenantId,
};
use yizhan_store::{
    Account, AccountId, AccountStore, AccountTerms, Backlog, Base, BaseSettings, BaseStats, BudgetLine, BudgetStore,
    Chunk, Clock, ContentHash, Decision, Declaration, Declared, Document, DocumentChange, DocumentStore, Draw, Drawn,
    File, Filter, Job, Key, KeyStore, KeyTerms, NewDocument, NewFile, NewKey, NewReview, Page, Processed, Review,
    ReviewFilter, ReviewStore, SealedSecret, SecretStore, Section, Submitted, UsageBatch, UsageGroup, UsageQuery,
    UsageStore,
};

/// Connections that read, beside the one that writes. Readers never wait for the writer.
const READERS: usize = 2;

/// Documents, chunks, jobs, tenants, keys and budgets in one SQLite database. Clones share it. The last one to go
/// waits for calls that are under way and closes the database.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    // Before the writer, so that it is the last connection to close: it then empties the log.
    readers: Threads<Connection>,
    writer: Threads<Connection>,
}

impl Sqlite {
    /// Opens `yizhan.db` in a data directory, which is made when it is not there.
    ///
    /// `InvalidConfig` when the data was written by a newer version or by another program, `Io` when
    /// the directory cannot be used. Blocks for some milliseconds.
    pub fn open(data_dir: &Path) -> Result<Self> {
        Self::open_with_clock(data_dir, Clock::system())
    }

    /// [`Sqlite::open`] with another clock, for tests.
    pub fn open_with_clock(data_dir: &Path, clock: Clock) -> Result<Self> {
        std::fs::create_dir_all(data_dir)
            .map_err(|cause| Error::io(format!("Making the data directory {}", data_dir.display()), cause))?;
        let path = data_dir.join("yizhan.db");
        let writer = Threads::start("sqlite-write", vec![open_writer(&path)?])?;
        let readers = (0..READERS).map(|_| open_reader(&path)).collect::<Result<_>>()?;
        let readers = Threads::start("sqlite-read", readers)?;
        Ok(Self { inner: Arc::new(Inner { clock, readers, writer }) })
    }

    /// Opens `yizhan.db` to read alone, also while another process writes it. None: there is none, or its schema is an
    /// older one, which this does not change. What would write fails.
    pub fn look(data_dir: &Path) -> Result<Option<Self>> {
        let path = data_dir.join("yizhan.db");
        let (Some(first), Some(second)) = (open_as_it_is(&path)?, open_as_it_is(&path)?) else { return Ok(None) };
        let (readers, writer) =
            (Threads::start("sqlite-read", vec![first])?, Threads::start("sqlite-write", vec![second])?);
        Ok(Some(Self { inner: Arc::new(Inner { clock: Clock::system(), readers, writer }) }))
    }

    /// Runs `work` in a transaction of its own, with the time; it is on the disk when this returns.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, i64) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let clock = self.inner.clock.clone();
        let task = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = work(&transaction, clock.now_ms())?;
            transaction.commit()?;
            Ok(outcome)
        };
        self.inner.writer.call(task).await
    }

    /// Runs `work` on one snapshot that holds everything acknowledged before.
    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    {
        self.inner.readers.call(move |connection: &mut Connection| work(&*connection.transaction()?)).await
    }
}

#[async_trait]
impl DocumentStore for Sqlite {
    async fn create_base(&self, tenant: &TenantId, name: &str, settings: BaseSettings) -> Result<Base> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.write(move |db, now| base::create(db, now, &tenant, &name, settings)).await
    }

    async fn base(&self, tenant: &TenantId, name_or_id: &str) -> Result<Option<Base>> {
        let (tenant, name) = (tenant.clone(), name_or_id.to_owned());
        self.read(move |db| base::find(db, &tenant, &name)).await
    }

    async fn bases(&self, tenant: &TenantId) -> Result<Vec<Base>> {
        let tenant = tenant.clone();
        self.read(move |db| base::list(db, &tenant)).await
    }

    async fn rename_base(&self, base: &BaseId, name: &str) -> Result<Base> {
        let (id, name) = (base.clone(), name.to_owned());
        self.write(move |db, _| base::rename(db, &id, &name)).await
    }

    async fn delete_base(&self, base: &BaseId) -> Result<()> {
        let id = base.clone();
        self.write(move |db, _| base::delete(db, &id)).await
    }

    async fn base_stats(&self, base: &BaseId) -> Result<BaseStats> {
        let id = base.clone();
        self.read(move |db| base::stats(db, &id)).await
    }

    async fn create_file(&self, file: NewFile) -> Result<File> {
        self.write(move |db, now| file::create(db, now, file)).await
    }

    async fn file(&self, tenant: &TenantId, id: &FileId) -> Result<Option<File>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |db| file::find(db, &tenant, &id)).await
    }

    async fn files(&self, tenant: &TenantId, page: Page) -> Result<Vec<File>> {
        let tenant = tenant.clone();
        self.read(move |db| file::list(db, &tenant, &page)).await
    }

    async fn delete_file(&self, tenant: &TenantId, id: &FileId) -> Result<()> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |db, _| file::delete(db, &tenant, &id)).await
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<ContentHash>> {
        self.read(move |db| file::orphans(db, limit)).await
    }

    async fn orphan_removed(&self, hash: &ContentHash) -> Result<()> {
        let hash = hash.clone();
        self.write(move |db, _| file::orphan_removed(db, &hash)).await
    }

    async fn submit(&self, base: &BaseId, document: NewDocument) -> Result<Submitted> {
        let id = base.clone();
        self.write(move |db, now| document::submit(db, now, &id, document)).await
    }

    async fn document(&self, id: DocumentId) -> Result<Option<Document>> {
        self.read(move |db| document::find(db, id)).await
    }

    async fn document_of_file(&self, base: &BaseId, file: &FileId) -> Result<Option<Document>> {
        let (base, file) = (base.clone(), file.clone());
        self.read(move |db| document::of_file(db, &base, &file)).await
    }

    async fn documents(&self, base: &BaseId, page: Page) -> Result<Vec<Document>> {
        let id = base.clone();
        self.read(move |db| document::list(db, &id, &page)).await
    }

    async fn documents_matching(&self, base: &BaseId, filter: &Filter) -> Result<Vec<DocumentId>> {
        let (id, filter) = (base.clone(), filter.clone());
        self.read(move |db| attribute::matching(db, &id, &filter)).await
    }

    async fn delete_document(&self, id: DocumentId) -> Result<()> {
        self.write(move |db, _| document::delete(db, id)).await
    }

    async fn claim(&self, base: Option<&BaseId>, lease: Duration) -> Result<Option<Job>> {
        let base = base.cloned();
        self.write(move |db, now| job::claim(db, now, base.as_ref(), lease)).await
    }

    async fn extend(&self, job: &Job, lease: Duration) -> Result<bool> {
        let job = job.clone();
        self.write(move |db, now| job::extend(db, now, &job, lease)).await
    }

    async fn complete(&self, job: &Job, processed: Processed) -> Result<Option<Sequence>> {
        let job = job.clone();
        self.write(move |db, now| job::complete(db, now, &job, &processed)).await
    }

    async fn fail(&self, job: &Job, reason: &str, retry_after: Option<Duration>) -> Result<bool> {
        let (job, reason) = (job.clone(), reason.to_owned());
        self.write(move |db, now| job::fail(db, now, &job, &reason, retry_after)).await
    }

    async fn release_leases(&self) -> Result<u64> {
        self.write(|db, now| job::release_all(db, now)).await
    }

    async fn changes(&self, base: &BaseId, after: Sequence, limit: usize) -> Result<Vec<DocumentChange>> {
        let id = base.clone();
        self.read(move |db| outbox::changes(db, &id, after, limit)).await
    }

    async fn last_sequence(&self, base: &BaseId) -> Result<Sequence> {
        let id = base.clone();
        self.read(move |db| outbox::last(db, &id)).await
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Chunk>> {
        let ids = ids.to_vec();
        self.read(move |db| chunk::by_ids(db, &ids)).await
    }

    async fn section_of(&self, chunk: ChunkId) -> Result<Option<Section>> {
        self.read(move |db| chunk::section_of(db, chunk)).await
    }
}

#[async_trait]
impl KeyStore for Sqlite {
    async fn create_key(&self, key: NewKey) -> Result<Key> {
        self.write(move |db, now| key::create(db, now, key, false)).await
    }

    async fn key_by_hash(&self, hash: &str) -> Result<Option<Key>> {
        let hash = hash.to_owned();
        self.read(move |db| key::by_hash(db, &hash)).await
    }

    async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>> {
        let tenant = tenant.clone();
        self.read(move |db| key::list(db, &tenant)).await
    }

    async fn change_key(&self, id: &KeyId, scopes: Vec<String>, terms: KeyTerms) -> Result<Key> {
        let id = id.clone();
        self.write(move |db, _| key::change(db, &id, None, &scopes, &terms)).await
    }

    async fn note_uses(&self, uses: Vec<(KeyId, i64)>) -> Result<()> {
        self.write(move |db, _| key::note_uses(db, &uses)).await
    }

    async fn delete_key(&self, id: &KeyId) -> Result<()> {
        let id = id.clone();
        self.write(move |db, _| key::delete(db, &id)).await
    }
}

#[async_trait]
impl UsageStore for Sqlite {
    async fn add_usage(&self, batch: UsageBatch) -> Result<u64> {
        self.write(move |db, _| usage::add(db, batch)).await
    }

    async fn usage_position(&self, source: &str) -> Result<u64> {
        let source = source.to_owned();
        self.read(move |db| usage::position(db, &source)).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>> {
        let query = query.clone();
        self.read(move |db| usage::query(db, &query)).await
    }

    async fn delete_usage_before(&self, before_ms: i64) -> Result<u64> {
        self.write(move |db, _| usage::delete_before(db, before_ms)).await
    }
}

#[async_trait]
impl AccountStore for Sqlite {
    async fn create_account(&self, id: AccountId, terms: AccountTerms) -> Result<Account> {
        self.write(move |db, now| account::create(db, now, id, terms)).await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        let id = id.clone();
        self.read(move |db| account::find(db, &id)).await
    }

    async fn tenants(&self) -> Result<Vec<Account>> {
        self.read(account::tenants).await
    }

    async fn members(&self, tenant: &TenantId) -> Result<Vec<Account>> {
        let tenant = tenant.clone();
        self.read(move |db| account::members(db, &tenant)).await
    }

    async fn change_account(&self, id: &AccountId, terms: AccountTerms) -> Result<Account> {
        let id = id.clone();
        self.write(move |db, _| account::change(db, &id, &terms, None)).await
    }

    async fn delete_account(&self, id: &AccountId) -> Result<()> {
        let id = id.clone();
        self.write(move |db, _| account::delete(db, &id)).await
    }

    async fn declare(&self, declaration: Declaration) -> Result<Declared> {
        self.write(move |db, now| account::declare(db, now, declaration)).await
    }
}

#[async_trait]
impl BudgetStore for Sqlite {
    async fn draw(&self, holder: &str, draws: Vec<Draw>) -> Result<Vec<Drawn>> {
        let holder = holder.to_owned();
        self.write(move |db, _| budget::draw(db, &holder, &draws)).await
    }

    async fn spent(&self, line: &BudgetLine) -> Result<Money> {
        let line = line.clone();
        self.read(move |db| budget::spent(db, &line)).await
    }

    async fn set_spent(&self, line: &BudgetLine, amount: Money) -> Result<()> {
        let line = line.clone();
        self.write(move |db, _| budget::set_spent(db, &line, amount)).await
    }

    async fn forget_period(&self, period: &str) -> Result<()> {
        let period = period.to_owned();
        self.write(move |db, _| budget::forget_period(db, &period)).await
    }
}

#[async_trait]
impl ReviewStore for Sqlite {
    async fn hold(&self, item: NewReview, wait: Duration, most_waiting: u64) -> Result<Option<ReviewId>> {
        self.write(move |db, now| review::hold(db, now, &item, wait, most_waiting)).await
    }

    async fn review(&self, tenant: &TenantId, id: &ReviewId) -> Result<Option<Review>> {
        let (tenant, id, now) = (tenant.clone(), id.clone(), self.inner.clock.now_ms());
        self.read(move |db| review::find(db, now, &tenant, &id)).await
    }

    async fn reviews(&self, tenant: &TenantId, filter: &ReviewFilter, page: Page) -> Result<Vec<Review>> {
        let (tenant, filter, now) = (tenant.clone(), filter.clone(), self.inner.clock.now_ms());
        self.read(move |db| review::list(db, now, &tenant, &filter, &page)).await
    }

    async fn decide(&self, tenant: &TenantId, id: &ReviewId, decision: Decision, good_for: Duration) -> Result<Review> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |db, now| review::decide(db, now, &tenant, &id, decision, good_for)).await
    }

    async fn begin_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId) -> Result<Review> {
        let (tenant, id, call) = (tenant.clone(), id.clone(), call.clone());
        self.write(move |db, now| review::begin_use(db, now, &tenant, &id, &call)).await
    }

    async fn end_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId, is_done: bool) -> Result<()> {
        let (tenant, id, call) = (tenant.clone(), id.clone(), call.clone());
        self.write(move |db, now| review::end_use(db, now, &tenant, &id, &call, is_done)).await
    }

    async fn free_uses(&self) -> Result<()> {
        self.write(|db, _| review::free_uses(db)).await
    }

    async fn backlog(&self) -> Result<Backlog> {
        let now = self.inner.clock.now_ms();
        self.read(move |db| review::backlog(db, now)).await
    }

    async fn tidy_reviews(&self, keep: Duration) -> Result<u64> {
        self.write(move |db, now| review::tidy(db, now, keep)).await
    }
}

#[async_trait]
impl SecretStore for Sqlite {
    async fn put_secret(&self, name: &str, key: &str, sealed: Vec<u8>) -> Result<SealedSecret> {
        let (name, key) = (name.to_owned(), key.to_owned());
        self.write(move |db, now| secret::put(db, now, &name, &key, &sealed)).await
    }

    async fn secret(&self, name: &str) -> Result<Option<SealedSecret>> {
        let name = name.to_owned();
        self.read(move |db| secret::find(db, &name)).await
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>> {
        self.read(secret::list).await
    }

    async fn reseal_secrets(&self, secrets: Vec<SealedSecret>) -> Result<()> {
        self.write(move |db, _| secret::reseal(db, &secrets)).await
    }

    async fn delete_secret(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.write(move |db, _| secret::delete(db, &name)).await
    }
}
