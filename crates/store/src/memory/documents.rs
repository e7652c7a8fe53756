//! Bases, files, documents and jobs of the store in memory.

use super::MemoryStore;
use crate::{
    Base, BaseSettings, BaseStats, Chunk, ContentHash, Document, DocumentChange, DocumentState, DocumentStore, File,
    Filter, Job, NewDocument, NewFile, Page, Processed, Section, Submitted, check_base_name, document_cursor, millis,
    name_taken, unknown_cursor,
};
use async_trait::async_trait;
use std::time::Duration;
use yizhan_domain::{BaseId, ChunkId, DocumentId, Error, FileId, Result, Sequence, TenantId};

#[async_trait]
impl DocumentStore for MemoryStore {
    async fn create_base(&self, tenant: &TenantId, name: &str, settings: BaseSettings) -> Result<Base> {
        check_base_name(name)?;
        let mut state = self.state();
        if state.bases.iter().any(|base| base.tenant == *tenant && base.name == name) {
            return Err(name_taken(name));
        }
        let (tenant, name, created_ms) = (tenant.clone(), name.to_owned(), self.clock.now_ms());
        let base = Base { id: BaseId::random(), tenant, name, settings, created_ms };
        state.bases.push(base.clone());
        Ok(base)
    }

    async fn base(&self, tenant: &TenantId, name_or_id: &str) -> Result<Option<Base>> {
        let state = self.state();
        let of_tenant = || state.bases.iter().filter(|base| base.tenant == *tenant);
        let found = of_tenant().find(|base| base.id.as_str() == name_or_id);
        Ok(found.or_else(|| of_tenant().find(|base| base.name == name_or_id)).cloned())
    }

    async fn bases(&self, tenant: &TenantId) -> Result<Vec<Base>> {
        Ok(self.state().bases.iter().filter(|base| base.tenant == *tenant).cloned().collect())
    }

    async fn rename_base(&self, base: &BaseId, name: &str) -> Result<Base> {
        check_base_name(name)?;
        let mut state = self.state();
        let tenant = state.base(base)?.tenant.clone();
        if state.bases.iter().any(|other| other.id != *base && other.tenant == tenant && other.name == name) {
            return Err(name_taken(name));
        }
        for renamed in state.bases.iter_mut().filter(|other| other.id == *base) {
            name.clone_into(&mut renamed.name);
        }
        state.base(base).cloned()
    }

    async fn delete_base(&self, base: &BaseId) -> Result<()> {
        let mut state = self.state();
        state.bases.retain(|other| other.id != *base);
        let replaced: Vec<FileId> = state.of_base(base).filter_map(|entry| entry.replaced.clone()).collect();
        state.documents.retain(|_, entry| entry.document.base != *base);
        state.outbox.retain(|_, row| row.base != *base);
        replaced.iter().for_each(|file| state.forget_unused(file));
        Ok(())
    }

    async fn base_stats(&self, base: &BaseId) -> Result<BaseStats> {
        let state = self.state();
        state.base(base)?;
        let mut stats = BaseStats::default();
        for Document { state, chunks, bytes, .. } in state.of_base(base).map(|entry| &entry.document) {
            stats.documents += 1;
            stats.chunks += chunks;
            stats.bytes += bytes;
            *stats.states.entry(*state).or_default() += 1;
        }
        Ok(stats)
    }

    async fn create_file(&self, new: NewFile) -> Result<File> {
        let NewFile { tenant, name, hash, bytes, purpose } = new;
        let created_ms = self.clock.now_ms();
        let file = File { id: FileId::random(), tenant, name, hash, bytes, purpose, created_ms };
        let mut state = self.state();
        state.orphans.remove(&file.hash);
        state.files.push(file.clone());
        Ok(file)
    }

    async fn file(&self, tenant: &TenantId, id: &FileId) -> Result<Option<File>> {
        Ok(self.state().file(tenant, id).cloned())
    }

    async fn files(&self, tenant: &TenantId, page: Page) -> Result<Vec<File>> {
        let state = self.state();
        let newest_first: Vec<&File> = state.files.iter().rev().filter(|file| file.tenant == *tenant).collect();
        let start = match &page.after {
            None => 0,
            Some(id) => {
                let position = newest_first.iter().position(|file| file.id.as_str() == id);
                position.ok_or_else(|| unknown_cursor(id))? + 1
            }
        };
        Ok(newest_first.into_iter().skip(start).take(page.limit).cloned().collect())
    }

    async fn delete_file(&self, tenant: &TenantId, id: &FileId) -> Result<()> {
        let mut state = self.state();
        state.file(tenant, id).ok_or_else(|| Error::not_found("file", id))?;
        let of_file = |document: &Document| document.file == *id;
        let documents: Vec<DocumentId> =
            state.documents.values().map(|entry| &entry.document).filter(|d| of_file(d)).map(|d| d.id).collect();
        documents.into_iter().try_for_each(|document| state.delete_document(document))?;
        let of_chunks = |entry: &&super::state::Entry| entry.replaced.as_ref() == Some(id);
        let left: Vec<DocumentId> = state.documents.values().filter(of_chunks).map(|entry| entry.document.id).collect();
        left.into_iter().for_each(|document| state.clear_chunks(document));
        state.forget_file(id);
        Ok(())
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<ContentHash>> {
        Ok(self.state().orphans.iter().take(limit).cloned().collect())
    }

    async fn orphan_removed(&self, hash: &ContentHash) -> Result<()> {
        self.state().orphans.remove(hash);
        Ok(())
    }

    async fn submit(&self, base: &BaseId, new: NewDocument) -> Result<Submitted> {
        let mut state = self.state();
        let tenant = &state.base(base)?.tenant;
        let file = state.file(tenant, &new.file).ok_or_else(|| Error::not_found("file", &new.file))?;
        let (bytes, now_ms) = (file.bytes, self.clock.now_ms());
        let known = state.of_base(base).map(|entry| &entry.document).find(|document| document.source == new.source);
        let known =
            known.map(|document| (document.id, document.hash == new.hash && document.state != DocumentState::Failed));
        let (id, unchanged) = match known {
            None => (state.insert(base, new, bytes, now_ms), false),
            Some((id, false)) => {
                state.requeue(id, new, bytes, now_ms);
                (id, false)
            }
            Some((id, true)) => {
                state.rename(id, new.name);
                if let Some(entry) = state.documents.get_mut(&id.0) {
                    entry.document.attributes = new.attributes;
                }
                (id, true)
            }
        };
        let entry = state.documents.get(&id.0).ok_or_else(|| Error::not_found("document", id))?;
        Ok(Submitted { document: entry.document.clone(), unchanged })
    }

    async fn document(&self, id: DocumentId) -> Result<Option<Document>> {
        Ok(self.state().documents.get(&id.0).map(|entry| entry.document.clone()))
    }

    async fn document_of_file(&self, base: &BaseId, file: &FileId) -> Result<Option<Document>> {
        let state = self.state();
        let found = state.of_base(base).find(|entry| entry.document.file == *file);
        Ok(found.map(|entry| entry.document.clone()))
    }

    async fn documents(&self, base: &BaseId, page: Page) -> Result<Vec<Document>> {
        let after = document_cursor(page.after.as_deref())?;
        let state = self.state();
        let later = state.of_base(base).map(|entry| &entry.document).filter(|document| document.id > after);
        Ok(later.take(page.limit).cloned().collect())
    }

    async fn documents_matching(&self, base: &BaseId, filter: &Filter) -> Result<Vec<DocumentId>> {
        let state = self.state();
        let documents = state.of_base(base).map(|entry| &entry.document);
        Ok(documents.filter(|document| filter.matches(document)).map(|document| document.id).collect())
    }

    async fn delete_document(&self, id: DocumentId) -> Result<()> {
        self.state().delete_document(id)
    }

    async fn claim(&self, base: Option<&BaseId>, lease: Duration) -> Result<Option<Job>> {
        let now_ms = self.clock.now_ms();
        let mut state = self.state();
        let claimable = |id: &BaseId, due_ms: i64| due_ms <= now_ms && base.is_none_or(|base| base == id);
        let waiting = state.documents.values_mut().filter(|e| e.waits() && claimable(&e.document.base, e.due_ms));
        let Some(entry) = waiting.min_by_key(|entry| entry.turn) else { return Ok(None) };
        entry.lease += 1;
        entry.due_ms = now_ms.saturating_add(millis(lease));
        entry.document.state = DocumentState::Processing;
        entry.document.attempts += 1;
        entry.document.updated_ms = now_ms;
        let (document, lease, interruptions) = (entry.document.clone(), entry.lease, entry.interruptions);
        let (base, attempt) = (state.base(&document.base)?.clone(), document.attempts);
        Ok(Some(Job { document, base, lease, attempt, interruptions }))
    }

    async fn extend(&self, job: &Job, lease: Duration) -> Result<bool> {
        let until = self.clock.now_ms().saturating_add(millis(lease));
        Ok(self.state().held(job).map(|entry| entry.due_ms = until).is_some())
    }

    async fn complete(&self, job: &Job, processed: Processed) -> Result<Option<Sequence>> {
        self.state().complete(job, processed, self.clock.now_ms())
    }

    async fn fail(&self, job: &Job, reason: &str, retry_after: Option<Duration>) -> Result<bool> {
        let now_ms = self.clock.now_ms();
        let mut state = self.state();
        let Some(entry) = state.held(job) else { return Ok(false) };
        entry.document.reason = Some(reason.to_owned());
        entry.document.updated_ms = now_ms;
        if let Some(delay) = retry_after {
            entry.document.state = DocumentState::Queued;
            entry.due_ms = now_ms.saturating_add(millis(delay));
            return Ok(true);
        }
        entry.document.state = DocumentState::Failed;
        state.clear_chunks(job.document.id);
        Ok(true)
    }

    async fn release_leases(&self) -> Result<u64> {
        let now_ms = self.clock.now_ms();
        let mut released = 0;
        for entry in self.state().documents.values_mut() {
            if entry.document.state == DocumentState::Processing {
                entry.document.state = DocumentState::Queued;
                entry.document.updated_ms = now_ms;
                entry.document.attempts -= 1;
                entry.interruptions += 1;
                entry.due_ms = 0;
                released += 1;
            }
        }
        Ok(released)
    }

    async fn changes(&self, base: &BaseId, after: Sequence, limit: usize) -> Result<Vec<DocumentChange>> {
        let state = self.state();
        let (mut changes, mut weight) = (Vec::new(), 0);
        let later = state.outbox.range(after.0.saturating_add(1)..);
        for (sequence, row) in later.filter(|(_, row)| row.base == *base) {
            let entry = state.documents.get(&row.document.0).filter(|_| !row.gone);
            let chunks: Vec<_> = entry
                .map(|entry| entry.chunks.iter().map(|kept| (entry.chunk(kept), kept.vector.clone())).collect())
                .unwrap_or_default();
            weight += chunks.len().max(1);
            changes.push(DocumentChange { sequence: Sequence(*sequence), document: row.document, chunks });
            if weight >= limit {
                break;
            }
        }
        Ok(changes)
    }

    async fn last_sequence(&self, base: &BaseId) -> Result<Sequence> {
        let state = self.state();
        Ok(state.outbox.iter().rfind(|(_, row)| row.base == *base).map_or(Sequence(0), |(last, _)| Sequence(*last)))
    }

    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Chunk>> {
        let state = self.state();
        let one = |id: &ChunkId| {
            let mut entries = state.documents.values();
            entries
                .find_map(|entry| entry.chunks.iter().find(|kept| kept.chunk.id == *id).map(|kept| entry.chunk(kept)))
        };
        Ok(ids.iter().filter_map(one).collect())
    }

    async fn section_of(&self, chunk: ChunkId) -> Result<Option<Section>> {
        Ok(self.state().documents.values().find_map(|entry| entry.section_of(chunk)))
    }
}
