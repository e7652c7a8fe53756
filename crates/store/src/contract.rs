//! What every driver must do, as tests: a driver's crate calls [`contract_tests!`](crate::contract_tests)
//! and each behaviour below becomes one test.
//!
//! It does not know which driver it tests, and never waits: time is moved by hand.
#![allow(clippy::unwrap_used, missing_docs, reason = "these are tests; their names say what they hold a driver to")]

pub mod accounts;
pub mod bases;
pub mod blobs;
pub mod budgets;
pub mod changes;
pub mod documents;
pub mod files;
pub mod filters;
pub mod jobs;
pub mod keys;
pub mod reviews;
pub mod secrets;
pub mod usage;

use crate::{
    Base, BaseSettings, BlobStore, BudgetStore, ContentHash, Document, DocumentStore, File, Job, KeyStore, ManualClock,
    NewChunk, NewDocument, NewFile, NewSection, Processed, ReviewStore, SecretStore, UsageStore,
};
use serde_json::{Map, Value, json};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use yizhan_domain::{LineSpan, Rect, Sequence, TenantId};

/// How long leases are in these tests.
pub const LEASE: Duration = Duration::from_secs(60);

/// A driver under test, empty at first.
pub struct Subject {
    pub documents: Arc<dyn DocumentStore>,
    pub keys: Arc<dyn KeyStore>,
    pub usage: Arc<dyn UsageStore>,
    pub blobs: Arc<dyn BlobStore>,
    pub budgets: Arc<dyn BudgetStore>,
    pub reviews: Arc<dyn ReviewStore>,
    pub secrets: Arc<dyn SecretStore>,
    /// The driver's clock.
    pub time: ManualClock,
    /// What must outlive the driver, such as its directory.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Subject {
    /// One driver that is all stores but that of contents, made with the clock that it is given.
    pub fn new<S>(store: S, blobs: impl BlobStore + 'static, time: ManualClock, keep: impl Any + Send + Sync) -> Self
    where
        S: DocumentStore + KeyStore + UsageStore + BudgetStore + ReviewStore + SecretStore + Clone + 'static,
    {
        let (store, blobs) = (Arc::new(store), Arc::new(blobs));
        let (documents, keys, usage, budgets) = (store.clone(), store.clone(), store.clone(), store.clone());
        let (reviews, secrets, keep) = (store.clone(), store, Box::new(keep));
        Self { documents, keys, usage, blobs, budgets, reviews, secrets, time, keep }
    }

    pub fn tenant(&self) -> TenantId {
        TenantId::default_tenant()
    }

    pub async fn base(&self, name: &str) -> Base {
        self.documents.create_base(&self.tenant(), name, BaseSettings::default()).await.unwrap()
    }

    pub async fn file(&self, name: &str, content: &str) -> File {
        self.documents.create_file(new_file(&self.tenant(), name, content)).await.unwrap()
    }

    /// Submits a file of this name and content; its source is its name.
    pub async fn submit(&self, base: &Base, name: &str, content: &str) -> Document {
        self.submit_with(base, name, content, json!({})).await
    }

    pub async fn submit_with(&self, base: &Base, name: &str, content: &str, attributes: Value) -> Document {
        let file = self.file(name, content).await;
        let new = new_document(&file, attributes);
        self.documents.submit(&base.id, new).await.unwrap().document
    }

    pub async fn claim(&self) -> Job {
        self.documents.claim(None, LEASE).await.unwrap().unwrap()
    }

    /// Claims the oldest document and completes it with so many chunks.
    pub async fn complete(&self, chunks: usize) -> Sequence {
        let job = self.claim().await;
        let name = job.document.name.clone();
        self.documents.complete(&job, processed(&name, chunks)).await.unwrap().unwrap()
    }

    /// A document that is ready with so many chunks.
    pub async fn ready(&self, base: &Base, name: &str, chunks: usize) -> Document {
        let document = self.submit(base, name, name).await;
        self.complete(chunks).await;
        self.documents.document(document.id).await.unwrap().unwrap()
    }
}

pub fn new_file(tenant: &TenantId, name: &str, content: &str) -> NewFile {
    NewFile {
        tenant: tenant.clone(),
        name: name.to_owned(),
        hash: ContentHash(format!("{content:0>64}")),
        bytes: content.len() as u64,
        purpose: "assistants".to_owned(),
    }
}

/// # Panics
/// When the attributes are no object.
pub fn new_document(file: &File, attributes: Value) -> NewDocument {
    let attributes: Map<String, Value> = attributes.as_object().unwrap().clone();
    let (source, name) = (file.name.clone(), file.name.clone());
    NewDocument { file: file.id.clone(), source, name, hash: file.hash.clone(), attributes }
}

/// Three pages, two sections, and so many chunks that each differ, in Chinese and with boxes.
pub fn processed(name: &str, chunks: usize) -> Processed {
    let sections =
        ["甲", "乙"].map(|title| NewSection { heading: vec![title.into()], text: format!("{title}：全文") });
    let chunk = |number: usize| {
        let text = format!("{name}：第{number}段\nend");
        let first =
            LineSpan { start: 0, end: text.len() as u32 - 4, page: Some(2), rect: Some(Rect([1.5, 2.0, 3.0, 4.0])) };
        let last = LineSpan { start: first.end + 1, end: text.len() as u32, page: None, rect: None };
        NewChunk {
            heading: vec!["手册".to_owned(), format!("{number}")],
            lines: vec![first, last],
            section: (number % 3 < 2).then_some(number % 3),
            tokens: number as u32 + 1,
            vector: vec![number as f32, -0.5, 0.25],
            text,
        }
    };
    Processed { pages: Some(3), sections: sections.to_vec(), chunks: (0..chunks).map(chunk).collect() }
}

/// One test for each behaviour of the contract. `$make` gives a fresh, empty [`Subject`]; it may
/// `.await`. The calling crate needs `tokio` with its `macros` and `rt`.
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests! { @each $make;
            accounts: the_default_tenant_is_there, accounts_are_kept_and_changed, ids_are_taken_once_in_each_tenant,
                deleting_an_account_takes_what_belongs_to_it, a_declaration_is_made_true,
                a_declaration_leaves_alone_what_was_made_by_command, a_declaration_that_clashes_changes_nothing,
                what_is_needed_still_is_disabled_when_withdrawn, the_default_tenant_can_be_declared;
            budgets: holders_together_never_draw_more_than_the_limit, drawing_less_gives_back,
                a_repeated_wish_changes_nothing, what_was_used_is_granted_in_any_case, lines_are_apart,
                what_was_spent_can_be_set, many_holders_at_once;
            bases: a_base_is_found_by_name_and_by_id, names_are_taken_once_for_each_tenant,
                names_are_validated, a_base_is_renamed, deleting_a_base_takes_everything_with_it, counts_of_a_base;
            blobs: a_content_comes_back, a_content_that_is_not_there, removing_a_content;
            changes: changes_come_in_order_and_only_the_last_of_each, a_deletion_stays_as_a_mark,
                changes_come_in_parts, a_document_that_was_never_ready_leaves_no_mark,
                bases_have_outboxes_of_their_own, chunks_come_back_whole, chunks_in_the_order_asked,
                a_chunk_knows_its_section;
            documents: a_new_document_is_queued, the_same_content_again_changes_name_and_attributes_only,
                new_content_is_queued_and_the_old_chunks_stay, a_failed_document_is_queued_again,
                documents_in_pages, a_document_is_found_by_its_file, deleting_a_document,
                a_document_needs_its_base_and_its_tenants_file, numbers_are_never_used_twice;
            files: a_file_is_its_tenants, files_in_pages_newest_first, deleting_a_file_takes_its_documents,
                bytes_stay_while_another_file_has_them, an_orphan_is_listed_until_it_is_removed_or_wanted_again,
                a_replaced_file_stays_while_its_chunks_are_cited,
                a_file_that_was_replaced_before_it_was_read_goes_at_once,
                a_replaced_file_that_another_document_has_stays,
                a_replaced_file_goes_with_the_chunks_however_they_go;
            filters: every_comparison, compounds, filters_see_one_base_and_the_latest_attributes;
            jobs: the_oldest_document_is_claimed_first, a_document_is_claimed_once_at_a_time,
                claims_of_one_base, an_expired_lease_is_claimed_again, a_lease_is_extended,
                a_late_completion_counts_while_nobody_else_claimed, completion_makes_it_ready,
                a_superseded_completion_changes_nothing, a_resubmitted_document_is_not_completed_by_the_old_job,
                a_deleted_document_is_not_completed, a_failure_is_tried_again_after_its_delay,
                a_failure_for_good_takes_the_chunks, a_failure_without_the_lease_changes_nothing,
                leases_are_released, what_ended_with_its_process_is_no_attempt, a_section_that_is_missing_changes_nothing, many_workers_never_share_a_document;
            keys: a_key_is_found_by_its_hash, a_hash_is_kept_once, keys_of_a_tenant, deleting_a_key,
                a_keys_terms_come_back_and_can_be_changed, uses_are_noted_and_never_go_back;
            reviews: what_is_held_comes_back_to_its_tenant_alone, a_request_that_waits_is_not_held_twice,
                a_tenants_queue_has_an_end, a_decision_is_made_once, every_decision_counts_for_its_time,
                what_nobody_decides_on_expires, old_items_are_forgotten, reviews_in_pages_and_by_what_they_are,
                a_tenants_reviews_go_with_it, no_order_of_decisions_leaves_an_item_stuck,
                an_approval_lets_one_call_pass, only_an_approval_that_counts_lets_a_call_pass,
                of_many_calls_at_once_one_gets_the_approval, what_a_dead_process_had_is_given_back;
            secrets: a_secret_comes_back_as_it_was_sealed, the_last_value_of_a_secret_counts,
                secrets_are_listed_by_name, deleting_a_secret, secrets_are_resealed_all_or_none;
            usage: a_batch_is_counted_once, rows_of_one_key_are_added_up, usage_by_dimension_and_period,
                usage_of_some_values_and_hours, the_largest_come_first, old_hours_are_forgotten;
        }
    };
    (@each $make:expr; $($module:ident: $($name:ident),* ;)*) => {$(
        mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $name() {
                    let subject: $crate::contract::Subject = $make;
                    $crate::contract::$module::$name(&subject).await;
                }
            )*
        }
    )*};
}
