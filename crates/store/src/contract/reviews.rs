//! What is held until a person has looked at it.

use super::Subject;
use crate::{
    AccountId, AccountTerms, Backlog, Decision, KeyStore, NewReview, Page, REVIEW_PREVIEW, Review, ReviewFilter,
    ReviewSide, ReviewState, Use, Verdict,
};
use serde_json::json;
use std::time::Duration;
use yizhan_domain::{CallId, ErrorCode, KeyId, ModelName, ProjectId, ReviewId, TenantId, UserId};

const WAIT: Duration = Duration::from_secs(100);
const USE: Duration = Duration::from_secs(50);
const MOST: u64 = 100;
const ALL: Page = Page { after: None, limit: usize::MAX };

fn item(tenant: &str, key: &str, digest: &str) -> NewReview {
    NewReview {
        call: CallId::new("call-1"),
        tenant: TenantId::new(tenant),
        project: Some(ProjectId::new("web")),
        user: Some(UserId::new("ann")),
        key: KeyId::new(key),
        side: ReviewSide::Input,
        model: ModelName::new("qwen"),
        rules: vec!["large-transfer".into(), "它's \"x\"".into()],
        message: "大额转账须复核。".into(),
        digest: digest.into(),
        text: "转账 100 万".into(),
        held: json!({"messages": [{"role": "user", "content": "转账 100 万"}], "n": 1}),
        complete: true,
    }
}

fn answer(tenant: &str) -> NewReview {
    let side = ReviewSide::Output;
    NewReview { side, project: None, user: None, complete: false, ..item(tenant, "key-1", "") }
}

fn decision(verdict: Verdict) -> Decision {
    Decision { verdict, by: KeyId::new("key-r"), user: Some(UserId::new("rita")), note: "看过了".into() }
}

async fn hold(s: &Subject, item: NewReview) -> ReviewId {
    s.reviews.hold(item, WAIT, MOST).await.unwrap().unwrap()
}

async fn found(s: &Subject, tenant: &str, id: &ReviewId) -> Option<Review> {
    s.reviews.review(&TenantId::new(tenant), id).await.unwrap()
}

async fn state(s: &Subject, tenant: &str, id: &ReviewId) -> ReviewState {
    found(s, tenant, id).await.unwrap().state
}

pub async fn what_is_held_comes_back_to_its_tenant_alone(s: &Subject) {
    let id = hold(s, item("bank", "key-1", "d")).await;
    assert!(id.as_str().starts_with("rev-"));
    let kept = found(s, "bank", &id).await.unwrap();
    let now = s.time.clock().now_ms();
    let expected = Review {
        id: id.clone(),
        item: item("bank", "key-1", "d"),
        state: ReviewState::Waiting,
        created_ms: now,
        expires_ms: now + 100_000,
        over: false,
        decided: None,
        used: None,
    };
    assert_eq!(kept, expected);
    let other = hold(s, answer("bank")).await;
    assert_eq!(found(s, "bank", &other).await.unwrap().item, answer("bank"));
    // To everyone else there is no such item.
    let clinic = TenantId::new("clinic");
    assert_eq!(found(s, "clinic", &id).await, None);
    assert!(s.reviews.reviews(&clinic, &ReviewFilter::default(), ALL).await.unwrap().is_empty());
    let theirs = s.reviews.decide(&clinic, &id, decision(Verdict::Approve), USE).await.unwrap_err();
    let unknown = ReviewId::new("rev-0");
    let none = s.reviews.decide(&clinic, &unknown, decision(Verdict::Approve), USE).await.unwrap_err();
    assert_eq!((theirs.code(), none.code()), (ErrorCode::NotFound, ErrorCode::NotFound));
    assert_eq!(theirs.message().replace(id.as_str(), "rev-0"), none.message());
    let after = Page { after: Some(id.to_string()), limit: 9 };
    let error = s.reviews.reviews(&clinic, &ReviewFilter::default(), after).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert_eq!(state(s, "bank", &id).await, ReviewState::Waiting);
}

pub async fn a_request_that_waits_is_not_held_twice(s: &Subject) {
    let first = hold(s, item("bank", "key-1", "d")).await;
    assert_eq!(hold(s, item("bank", "key-1", "d")).await, first);
    let mut elsewhere = item("bank", "key-1", "d");
    elsewhere.project = None;
    for other in [item("clinic", "key-1", "d"), item("bank", "key-2", "d"), item("bank", "key-1", "e"), elsewhere] {
        assert_ne!(hold(s, other).await, first);
    }
    assert_ne!(hold(s, answer("bank")).await, hold(s, answer("bank")).await, "every answer is one of its own");
    s.reviews.decide(&TenantId::new("bank"), &first, decision(Verdict::Reject), USE).await.unwrap();
    let second = hold(s, item("bank", "key-1", "d")).await;
    assert_ne!(second, first, "what was decided on waits no more");
    s.time.advance(WAIT);
    assert_ne!(hold(s, item("bank", "key-1", "d")).await, second);
}

pub async fn a_tenants_queue_has_an_end(s: &Subject) {
    let first = s.reviews.hold(item("bank", "key-1", "a"), WAIT, 2).await.unwrap().unwrap();
    s.time.advance(Duration::from_secs(1));
    s.reviews.hold(answer("bank"), WAIT, 2).await.unwrap().unwrap();
    assert_eq!(s.reviews.hold(item("bank", "key-1", "b"), WAIT, 2).await.unwrap(), None);
    let again = s.reviews.hold(item("bank", "key-1", "a"), WAIT, 2).await.unwrap();
    assert_eq!(again, Some(first.clone()), "what waits already takes no place");
    assert!(s.reviews.hold(item("clinic", "key-1", "b"), WAIT, 2).await.unwrap().is_some(), "others have their own");
    let oldest_ms = found(s, "bank", &first).await.map(|review| review.created_ms);
    assert_eq!(s.reviews.backlog().await.unwrap(), Backlog { waiting: 3, oldest_ms });
    s.reviews.decide(&TenantId::new("bank"), &first, decision(Verdict::Approve), USE).await.unwrap();
    assert!(s.reviews.hold(item("bank", "key-1", "b"), WAIT, 2).await.unwrap().is_some(), "a decision makes room");
    s.time.advance(WAIT);
    assert_eq!(s.reviews.backlog().await.unwrap(), Backlog::default());
    assert!(s.reviews.hold(item("bank", "key-1", "c"), WAIT, 2).await.unwrap().is_some(), "and so does time");
    assert_eq!(s.reviews.hold(item("bank", "key-1", "d"), WAIT, 0).await.unwrap(), None);
}

pub async fn a_decision_is_made_once(s: &Subject) {
    let bank = TenantId::new("bank");
    let id = hold(s, item("bank", "key-1", "d")).await;
    s.time.advance(Duration::from_secs(1));
    let edit = Verdict::Edit("转账 1 万".into());
    let decided = s.reviews.decide(&bank, &id, decision(edit), USE).await.unwrap();
    assert_eq!(found(s, "bank", &id).await.unwrap(), decided);
    let made = decided.decided.clone().unwrap();
    let now = s.time.clock().now_ms();
    assert_eq!((decided.state, decided.expires_ms, made.at_ms), (ReviewState::Edited, now + 50_000, now));
    assert_eq!((made.by.as_str(), made.user), ("key-r", Some(UserId::new("rita"))));
    assert_eq!((made.note.as_str(), made.edited.as_deref()), ("看过了", Some("转账 1 万")));
    for verdict in [Verdict::Approve, Verdict::Reject, Verdict::Edit("x".into())] {
        let error = s.reviews.decide(&bank, &id, decision(verdict), USE).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Conflict);
        assert!(error.message().contains("edited") && error.message().contains("key-r"), "{error}");
    }
    assert_eq!(found(s, "bank", &id).await.unwrap(), decided, "nothing changed");
}

pub async fn every_decision_counts_for_its_time(s: &Subject) {
    for verdict in [Verdict::Approve, Verdict::Edit("y".into()), Verdict::Reject] {
        let id = hold(s, item("bank", "key-1", "d")).await;
        let expected = verdict.state();
        s.reviews.decide(&TenantId::new("bank"), &id, decision(verdict), USE).await.unwrap();
        s.time.advance(USE - Duration::from_millis(1));
        assert!(!found(s, "bank", &id).await.unwrap().over);
        s.time.advance(Duration::from_millis(1));
        let review = found(s, "bank", &id).await.unwrap();
        assert_eq!((review.over, review.state), (true, expected));
    }
}

pub async fn what_nobody_decides_on_expires(s: &Subject) {
    let bank = TenantId::new("bank");
    let id = hold(s, item("bank", "key-1", "d")).await;
    s.time.advance(WAIT - Duration::from_millis(1));
    assert_eq!(state(s, "bank", &id).await, ReviewState::Waiting);
    s.time.advance(Duration::from_millis(1));
    assert_eq!(state(s, "bank", &id).await, ReviewState::Expired);
    for _ in 0..2 {
        let error = s.reviews.decide(&bank, &id, decision(Verdict::Approve), USE).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Conflict);
        assert!(error.message().contains("expired"), "{error}");
        // Tidying does not change that; the text goes, the line stays.
        assert_eq!(s.reviews.tidy_reviews(WAIT * 10).await.unwrap(), 0);
        let review = found(s, "bank", &id).await.unwrap();
        assert_eq!((review.state, review.item.text.as_str()), (ReviewState::Expired, ""));
        assert!(review.item.held.is_null() && review.item.rules.len() == 2);
    }
}

pub async fn old_items_are_forgotten(s: &Subject) {
    let bank = TenantId::new("bank");
    let (decided, left) = (hold(s, item("bank", "key-1", "a")).await, hold(s, item("bank", "key-1", "b")).await);
    s.time.advance(Duration::from_secs(90));
    s.reviews.decide(&bank, &decided, decision(Verdict::Approve), USE).await.unwrap();
    s.time.advance(Duration::from_secs(20));
    assert_eq!(s.reviews.tidy_reviews(Duration::from_secs(111)).await.unwrap(), 0);
    s.time.advance(Duration::from_secs(2));
    assert_eq!(s.reviews.tidy_reviews(Duration::from_secs(111)).await.unwrap(), 1, "what counts still stays");
    assert_eq!(found(s, "bank", &left).await, None);
    assert_eq!(found(s, "bank", &decided).await.unwrap().item.text, "转账 100 万");
    s.time.advance(USE);
    assert_eq!(s.reviews.tidy_reviews(Duration::from_secs(111)).await.unwrap(), 1);
    assert_eq!(found(s, "bank", &decided).await, None);
}

pub async fn reviews_in_pages_and_by_what_they_are(s: &Subject) {
    let bank = TenantId::new("bank");
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut new = if number == 3 { answer("bank") } else { item("bank", "key-1", &format!("{number}")) };
        new.text = "长".repeat(REVIEW_PREVIEW + 50);
        ids.push(hold(s, new).await);
    }
    hold(s, item("clinic", "key-1", "0")).await;
    let edited = Verdict::Edit("改".repeat(REVIEW_PREVIEW + 1));
    s.reviews.decide(&bank, &ids[1], decision(edited), USE).await.unwrap();
    let list = async |filter: ReviewFilter, after: Option<&ReviewId>, limit| {
        let page = Page { after: after.map(ToString::to_string), limit };
        let listed = s.reviews.reviews(&bank, &filter, page).await.unwrap();
        listed.into_iter().map(|review| ids.iter().position(|id| *id == review.id).unwrap()).collect::<Vec<_>>()
    };
    let oldest_first = ReviewFilter { oldest_first: true, ..ReviewFilter::default() };
    assert_eq!(list(ReviewFilter::default(), None, 9).await, [4, 3, 2, 1, 0]);
    assert_eq!(list(ReviewFilter::default(), Some(&ids[3]), 2).await, [2, 1]);
    assert_eq!(list(oldest_first.clone(), Some(&ids[0]), 2).await, [1, 2]);
    let waiting = ReviewFilter { state: Some(ReviewState::Waiting), ..oldest_first.clone() };
    assert_eq!(list(waiting.clone(), Some(&ids[1]), 2).await, [2, 3], "also after one that is not in the list");
    assert_eq!(list(ReviewFilter { side: Some(ReviewSide::Output), ..waiting.clone() }, None, 9).await, [3]);
    assert_eq!(list(ReviewFilter { model: Some("other".into()), ..waiting.clone() }, None, 9).await, [0; 0]);
    assert_eq!(list(ReviewFilter { key: Some("key-1".into()), ..waiting }, None, 9).await, [0, 2, 3, 4]);
    let shown = s.reviews.reviews(&bank, &oldest_first, Page { after: None, limit: 2 }).await.unwrap();
    assert!(shown[0].item.held.is_null() && shown[0].item.text.chars().count() == REVIEW_PREVIEW);
    let edited = shown[1].decided.clone().unwrap().edited.unwrap();
    assert_eq!(edited.chars().count(), REVIEW_PREVIEW);
    s.time.advance(WAIT);
    let expired = ReviewFilter { state: Some(ReviewState::Expired), ..oldest_first };
    assert_eq!(list(expired, None, 9).await, [0, 2, 3, 4]);
}

pub async fn a_tenants_reviews_go_with_it(s: &Subject) {
    let keys: &dyn KeyStore = &*s.keys;
    let tenant = AccountId::Tenant(TenantId::new("bank"));
    let project = AccountId::Project(TenantId::new("bank"), ProjectId::new("web"));
    for id in [&tenant, &project] {
        keys.create_account(id.clone(), AccountTerms::default()).await.unwrap();
    }
    let (ours, theirs) = (hold(s, item("bank", "key-1", "d")).await, hold(s, item("clinic", "key-1", "d")).await);
    keys.delete_account(&project).await.unwrap();
    assert!(found(s, "bank", &ours).await.is_some());
    keys.delete_account(&tenant).await.unwrap();
    assert_eq!(found(s, "bank", &ours).await, None);
    assert!(found(s, "clinic", &theirs).await.is_some());
}

/// Every order of three acts on an item: it can be decided on exactly while it waits, and time ends it in any case.
pub async fn no_order_of_decisions_leaves_an_item_stuck(s: &Subject) {
    let bank = TenantId::new("bank");
    let keep = WAIT * 4;
    for number in 0..5u32.pow(3) {
        let id = hold(s, item("bank", "key-1", &number.to_string())).await;
        let held_ms = s.time.clock().now_ms();
        for act in [number % 5, number / 5 % 5, number / 25] {
            let before = found(s, "bank", &id).await.unwrap();
            let verdict = match act {
                0 => Verdict::Approve,
                1 => Verdict::Edit("x".into()),
                2 => Verdict::Reject,
                3 => {
                    s.reviews.tidy_reviews(keep).await.unwrap();
                    continue;
                }
                _ => {
                    s.time.advance(WAIT / 2);
                    continue;
                }
            };
            let done = s.reviews.decide(&bank, &id, decision(verdict.clone()), USE).await;
            let after = found(s, "bank", &id).await.unwrap();
            match before.state {
                ReviewState::Waiting => assert_eq!((done.unwrap(), after.state), (after.clone(), verdict.state())),
                _ => assert_eq!((done.unwrap_err().code(), after), (ErrorCode::Conflict, before)),
            }
        }
        let before = found(s, "bank", &id).await.unwrap();
        assert!(before.state != ReviewState::Waiting || before.undecidable().is_none());
        s.time.advance(WAIT);
        let after = found(s, "bank", &id).await.unwrap();
        assert!(after.over && after.state != ReviewState::Waiting, "{number}: {after:?}");
        assert!(before.state == after.state || before.state == ReviewState::Waiting, "{number}: {after:?}");
        s.time.advance(keep.saturating_sub(Duration::from_millis((s.time.clock().now_ms() - held_ms) as u64)));
        s.time.advance(Duration::from_millis(1));
        assert_eq!(s.reviews.tidy_reviews(keep).await.unwrap(), 1, "{number}");
        assert_eq!(found(s, "bank", &id).await, None);
    }
    assert_eq!(s.reviews.backlog().await.unwrap(), Backlog::default());
}

async fn approved(s: &Subject, digest: &str) -> ReviewId {
    let id = hold(s, item("bank", "key-1", digest)).await;
    s.reviews.decide(&TenantId::new("bank"), &id, decision(Verdict::Approve), USE).await.unwrap();
    id
}

pub async fn an_approval_lets_one_call_pass(s: &Subject) {
    let (bank, one, two) = (TenantId::new("bank"), CallId::new("call-7"), CallId::new("call-8"));
    for verdict in [Verdict::Approve, Verdict::Edit("x".into())] {
        let id = hold(s, item("bank", "key-1", "d")).await;
        let decided = s.reviews.decide(&bank, &id, decision(verdict), USE).await.unwrap();
        s.time.advance(Duration::from_secs(1));
        let at_ms = s.time.clock().now_ms();
        let begun = s.reviews.begin_use(&bank, &id, &one).await.unwrap();
        let used = Some(Use { call: one.clone(), at_ms, is_done: false });
        assert_eq!(begun, Review { used, ..decided.clone() });
        assert_eq!(found(s, "bank", &id).await.unwrap(), begun);
        for call in [&one, &two] {
            let error = s.reviews.begin_use(&bank, &id, call).await.unwrap_err();
            assert_eq!((error.code(), error.review()), (ErrorCode::Conflict, Some(&id)), "{error}");
            assert!(error.wait().is_some() && error.message().contains("call-7"), "{error}");
        }
        // Only the call that has it can end that; and what failed leaves no trace.
        s.reviews.end_use(&bank, &id, &two, true).await.unwrap();
        s.reviews.end_use(&TenantId::new("clinic"), &id, &one, false).await.unwrap();
        assert_eq!(found(s, "bank", &id).await.unwrap(), begun);
        s.reviews.end_use(&bank, &id, &one, false).await.unwrap();
        assert_eq!(found(s, "bank", &id).await.unwrap(), decided);
        s.reviews.end_use(&bank, &id, &one, true).await.unwrap();
        assert_eq!(found(s, "bank", &id).await.unwrap(), decided, "what was given back is not used up later");

        s.reviews.begin_use(&bank, &id, &two).await.unwrap();
        s.time.advance(Duration::from_secs(1));
        let at_ms = s.time.clock().now_ms();
        s.reviews.end_use(&bank, &id, &two, true).await.unwrap();
        let spent = Review { used: Some(Use { call: two.clone(), at_ms, is_done: true }), ..decided };
        for call in [&one, &two] {
            s.reviews.end_use(&bank, &id, call, false).await.unwrap();
            s.reviews.free_uses().await.unwrap();
            assert_eq!(found(s, "bank", &id).await.unwrap(), spent, "it stays used up");
            let error = s.reviews.begin_use(&bank, &id, call).await.unwrap_err();
            assert_eq!((error.code(), error.review()), (ErrorCode::ApprovalUsed, Some(&id)), "{error}");
            assert!(error.message().contains("call-8") && error.message().contains("without"), "{error}");
        }
        let listed = s.reviews.reviews(&bank, &ReviewFilter::default(), ALL).await.unwrap();
        assert_eq!(listed[0].used, spent.used);
    }
}

pub async fn only_an_approval_that_counts_lets_a_call_pass(s: &Subject) {
    let (bank, call) = (TenantId::new("bank"), CallId::new("call-7"));
    let unknown = s.reviews.begin_use(&bank, &ReviewId::new("rev-0"), &call).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::NotFound);
    let refused = async |id: &ReviewId| {
        let before = found(s, "bank", id).await;
        let error = s.reviews.begin_use(&bank, id, &call).await.unwrap_err();
        assert_eq!(found(s, "bank", id).await, before);
        error.code()
    };
    let id = hold(s, item("bank", "key-1", "a")).await;
    assert_eq!(refused(&id).await, ErrorCode::Conflict, "nobody decided yet");
    s.reviews.decide(&bank, &id, decision(Verdict::Reject), USE).await.unwrap();
    assert_eq!(refused(&id).await, ErrorCode::Conflict, "rejected");
    let id = approved(s, "b").await;
    let theirs = s.reviews.begin_use(&TenantId::new("clinic"), &id, &call).await.unwrap_err();
    assert_eq!(theirs.message().replace(id.as_str(), "rev-0"), unknown.message());
    s.time.advance(USE);
    assert_eq!(refused(&id).await, ErrorCode::Conflict, "its time is over");
    let id = hold(s, item("bank", "key-1", "c")).await;
    s.time.advance(WAIT);
    assert_eq!(refused(&id).await, ErrorCode::Conflict, "nobody decided in time");
}

pub async fn of_many_calls_at_once_one_gets_the_approval(s: &Subject) {
    let bank = TenantId::new("bank");
    for round in 0..4 {
        let id = approved(s, &round.to_string()).await;
        let calls: Vec<CallId> = (0..16).map(|number| CallId::new(format!("call-{number}"))).collect();
        let asked = futures_util::future::join_all(calls.iter().map(|call| s.reviews.begin_use(&bank, &id, call)));
        let (won, lost): (Vec<_>, Vec<_>) = asked.await.into_iter().partition(|one| one.is_ok());
        assert_eq!(won.len(), 1);
        assert!(lost.into_iter().all(|one| one.unwrap_err().code() == ErrorCode::Conflict));
    }
}

pub async fn what_a_dead_process_had_is_given_back(s: &Subject) {
    let (bank, call) = (TenantId::new("bank"), CallId::new("call-7"));
    let (going, spent) = (approved(s, "a").await, approved(s, "b").await);
    for id in [&going, &spent] {
        s.reviews.begin_use(&bank, id, &call).await.unwrap();
    }
    s.reviews.end_use(&bank, &spent, &call, true).await.unwrap();
    s.reviews.free_uses().await.unwrap();
    assert_eq!(found(s, "bank", &going).await.unwrap().used, None);
    s.reviews.begin_use(&bank, &going, &CallId::new("call-8")).await.unwrap();
    assert_eq!(s.reviews.begin_use(&bank, &spent, &call).await.unwrap_err().code(), ErrorCode::ApprovalUsed);
}
