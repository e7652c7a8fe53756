use crate::app::Apps;
use crate::call::{Call, Caller, RetrievalWishes};
use crate::chat::tests::{House, add, answer, call, house};
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_cache::{Cache, Settings};
use yizhan_domain::{ModelName, TenantId};
use yizhan_knowledge::SearchMode;
use yizhan_store::{Base, BaseSettings, Comparison, DocumentStore, Filter};

const QUESTION: &str = "When may delivered goods be returned?";

/// A base `shop` of this tenant, behind a cache.
async fn shop(settings: Settings) -> (House, Base) {
    let house = house(Apps::none());
    let mut policy = (*house.gateway.policy()).clone();
    policy.cache = Some(Arc::new(Cache::new(Settings { enabled: true, ..settings }, None, None)));
    house.gateway.set_policy(policy);
    let base = base(&house, TenantId::default_tenant()).await;
    (house, base)
}

async fn base(house: &House, tenant: TenantId) -> Base {
    let base = house.store.create_base(&tenant, "shop", BaseSettings::default()).await.unwrap();
    add(&house.store, &base, "returns.txt", "Goods may be returned within thirty days of delivery.").await;
    base
}

/// Asks the base; was the model asked?
async fn asks(house: &House, call: Call<crate::call::Known>) -> (String, Vec<yizhan_domain::Citation>, bool) {
    let before = house.model.requests().len();
    house.model.say(&["Within thirty days of delivery [", "1] [4]."]);
    let (text, citations) = answer(&house.gateway, call).await;
    (text, citations, house.model.requests().len() > before)
}

async fn is_new(house: &House, call: Call<crate::call::Known>) -> bool {
    asks(house, call).await.2
}

fn wishing(retrieval: RetrievalWishes) -> Call<crate::call::Known> {
    let mut call = call("shop", QUESTION);
    call.asked.retrieval = retrieval;
    call
}

#[tokio::test]
async fn an_answer_from_documents_is_given_again_with_its_citations() {
    let (house, _) = shop(Settings::default()).await;
    let (text, citations, asked) = asks(&house, call("shop", QUESTION)).await;
    assert!(asked && citations.len() == 1, "{citations:?}");
    assert_eq!(asks(&house, call("shop", QUESTION)).await, (text.clone(), citations.clone(), false));
    let mut streamed = call("shop", QUESTION);
    streamed.request.streamed = true;
    assert_eq!(asks(&house, streamed).await, (text, citations, false));
}

#[tokio::test]
async fn any_change_of_a_document_puts_its_answers_out_of_reach() {
    let (house, base) = shop(Settings::default()).await;
    assert!(is_new(&house, call("shop", QUESTION)).await);
    add(&house.store, &base, "returns.txt", "Delivered goods may be returned within forty days of delivery.").await;
    assert!(is_new(&house, call("shop", QUESTION)).await, "it has another content");
    assert!(!is_new(&house, call("shop", QUESTION)).await);
    let other = add(&house.store, &base, "hours.txt", "Goods are returned at the desk, from nine to five.").await;
    assert!(is_new(&house, call("shop", QUESTION)).await, "there is one more");
    house.gateway.knowledge.delete_document(&base, other).await.unwrap();
    assert!(is_new(&house, call("shop", QUESTION)).await, "one is gone");
    assert!(!is_new(&house, call("shop", QUESTION)).await);
}

#[tokio::test]
async fn tenants_share_no_answers() {
    let (house, _) = shop(Settings::default()).await;
    let other = TenantId::new("other");
    base(&house, other.clone()).await;
    assert!(is_new(&house, call("shop", QUESTION)).await);
    let of_other = || {
        let mut call = call("shop", QUESTION);
        call.asked.caller = Caller::new(Principal::local(other.clone()));
        call
    };
    assert!(is_new(&house, of_other()).await);
    assert!(!is_new(&house, of_other()).await);
}

#[tokio::test]
async fn other_wishes_for_the_search_are_other_questions() {
    let (house, _) = shop(Settings::default()).await;
    assert!(is_new(&house, call("shop", QUESTION)).await);
    for retrieval in [
        RetrievalWishes { mode: Some(SearchMode::Bm25), ..RetrievalWishes::default() },
        RetrievalWishes { top: Some(1), ..RetrievalWishes::default() },
        RetrievalWishes { min_score: Some(0.01), ..RetrievalWishes::default() },
    ] {
        assert!(is_new(&house, wishing(retrieval.clone())).await, "{retrieval:?}");
        assert!(!is_new(&house, wishing(retrieval)).await);
    }
}

#[tokio::test]
async fn a_filter_that_selects_other_documents_is_another_question() {
    let (house, base) = shop(Settings::default()).await;
    let filter = Filter::Compare { comparison: Comparison::Ne, key: "kind".into(), value: "draft".into() };
    let filtered = || wishing(RetrievalWishes { filter: Some(filter.clone()), ..RetrievalWishes::default() });
    assert!(is_new(&house, filtered()).await);
    assert!(!is_new(&house, filtered()).await);
    let document =
        house.store.documents(&base.id, yizhan_store::Page { after: None, limit: 1 }).await.unwrap().remove(0);
    let marked = yizhan_store::NewDocument {
        file: document.file,
        source: document.source,
        name: document.name,
        hash: document.hash,
        attributes: [("kind".to_owned(), "draft".into())].into_iter().collect(),
    };
    assert!(house.store.submit(&base.id, marked).await.unwrap().unchanged);
    assert!(!is_new(&house, filtered()).await, "nothing is found, so no model is asked");
    let (text, _, _) = asks(&house, filtered()).await;
    assert!(text.starts_with("The documents contain nothing"), "{text}");
}

#[tokio::test]
async fn what_is_switched_off_is_answered_anew() {
    let off = [ModelName::new("shop")].into_iter().collect();
    let (house, _) = shop(Settings { off, ..Settings::default() }).await;
    assert!(is_new(&house, call("shop", QUESTION)).await);
    assert!(is_new(&house, call("shop", QUESTION)).await);
}
