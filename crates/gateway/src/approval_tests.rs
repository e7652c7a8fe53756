use crate::call::{Call, Caller, RetrievalWishes};
use crate::held::tests::{Desk, desk, question, tenant};
use futures_util::{FutureExt, StreamExt, future};
use yizhan_access::Principal;
use yizhan_admission::Step;
use yizhan_domain::{Error, ErrorCode, ModelName, ReviewId, Usage};
use yizhan_model::{ChatEvent, ChatRequest};
use yizhan_store::Verdict;

/// A caller, and a request of theirs that somebody has approved.
async fn approved() -> (Desk, Principal, ChatRequest, ReviewId) {
    let desk = desk();
    let ann = desk.principal(&tenant()).await;
    let asked = question("转账 100 万");
    let id = desk.held(&ann, asked.clone()).await;
    desk.decide(&id, Verdict::Approve).await;
    (desk, ann, asked, id)
}

impl Desk {
    async fn is_free(&self, id: &ReviewId) -> bool {
        self.reviews.get(&tenant(), id).await.unwrap().used.is_none()
    }

    /// Lets what was left to the background happen, then: is it used up?
    async fn is_used_up(&self, id: &ReviewId) -> bool {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let used = self.reviews.get(&tenant(), id).await.unwrap().used;
        assert!(used.as_ref().is_none_or(|used| used.is_done), "nothing goes on any more: {used:?}");
        used.is_some()
    }

    fn call(&self, by: &Principal, request: &ChatRequest, id: &ReviewId) -> Call<crate::call::Known> {
        let mut caller = Caller::new(by.clone());
        caller.review = Some(id.clone());
        Call::new(caller, ModelName::new("scripted"), request.clone(), RetrievalWishes::default())
    }
}

#[tokio::test]
async fn an_approval_lets_one_call_pass() {
    for streamed in [false, true] {
        let (desk, ann, mut asked, id) = approved().await;
        asked.streamed = streamed;
        desk.passes(&ann, asked.clone(), &id).await;
        for streamed in [false, true] {
            asked.streamed = streamed;
            let error = desk.ask(&ann, asked.clone(), Some(&id)).await.unwrap_err();
            assert_eq!((error.code(), error.review()), (ErrorCode::ApprovalUsed, Some(&id)));
            assert!(error.message().contains("without the header x-yizhan-review"), "{error}");
        }
        assert_eq!(desk.house.model.requests().len(), 1);
        // What the sentence says to do.
        assert_ne!(desk.held(&ann, asked).await, id);
        let records = desk.records();
        let words: Vec<_> = records.iter().map(|record| (record.outcome.word(), record.outcome.detail())).collect();
        assert_eq!(words[1..3], [("ok", None), ("refused", Some("approval_used"))], "{words:?}");
    }
}

#[tokio::test]
async fn of_repeats_at_the_same_time_one_passes() {
    let (desk, ann, asked, id) = approved().await;
    let sender = desk.house.model.live();
    sender.send(Ok(ChatEvent::text("ok"))).unwrap();
    let calls = (0..8).map(|_| desk.house.gateway.chat(desk.call(&ann, &asked, &id)));
    let (won, lost): (Vec<_>, Vec<_>) = future::join_all(calls).await.into_iter().partition(|one| one.is_ok());
    assert_eq!((won.len(), desk.house.model.requests().len()), (1, 1));
    for error in lost.into_iter().filter_map(|one| one.err()) {
        assert_eq!((error.code(), error.review()), (ErrorCode::Conflict, Some(&id)), "{error}");
        assert!(error.wait().is_some(), "{error}");
    }
    sender.send(Ok(ChatEvent::End { usage: Usage::default() })).unwrap();
    for reply in won.into_iter().filter_map(|one| one.ok()) {
        assert!(matches!(reply.events.collect::<Vec<_>>().await.last(), Some(Ok(ChatEvent::End { .. }))));
    }
    assert!(desk.is_used_up(&id).await);
}

#[tokio::test]
async fn a_call_that_fails_gives_its_approval_back_before_it_says_so() {
    let (desk, ann, asked, id) = approved().await;
    let gone = || Err(Error::new(ErrorCode::ProviderFailed, "gone"));
    for script in [vec![gone()], vec![Ok(ChatEvent::text("早")), gone()], vec![Ok(ChatEvent::text("早"))]] {
        desk.house.model.script(script);
        assert!(desk.ask(&ann, asked.clone(), Some(&id)).await.is_err());
        assert!(desk.is_free(&id).await);
    }
    // A limit is in the way.
    desk.house.gateway.set_step(Step::CacheOnly);
    let busy = desk.ask(&ann, asked.clone(), Some(&id)).await.unwrap_err();
    assert_eq!(busy.code(), ErrorCode::RateLimited);
    assert!(desk.is_free(&id).await);
    desk.house.gateway.set_step(Step::Normal);
    desk.passes(&ann, asked, &id).await;
    assert!(desk.is_used_up(&id).await);
}

#[tokio::test]
async fn what_a_rule_blocks_in_any_case_takes_no_approval() {
    let desk = desk();
    let ann = desk.principal(&tenant()).await;
    let id = desk.held(&ann, question("转账")).await;
    desk.decide(&id, Verdict::Edit("禁语".into())).await;
    assert_eq!(desk.ask(&ann, question("转账"), Some(&id)).await.unwrap_err().code(), ErrorCode::ContentBlocked);
    assert!(desk.is_free(&id).await);
}

#[tokio::test]
async fn who_leaves_before_the_answer_may_ask_again_who_leaves_later_has_had_it() {
    let (desk, ann, asked, id) = approved().await;
    let sender = desk.house.model.live();
    let mut waiting = Box::pin(desk.house.gateway.chat(desk.call(&ann, &asked, &id)));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert!(!desk.is_free(&id).await);
    drop(waiting);
    drop(sender);
    assert!(!desk.is_used_up(&id).await);

    let sender = desk.house.model.live();
    sender.send(Ok(ChatEvent::text("早"))).unwrap();
    let mut reply = desk.house.gateway.chat(desk.call(&ann, &asked, &id)).await.unwrap();
    assert!(matches!(reply.events.next().await, Some(Ok(ChatEvent::Text { .. }))));
    drop(reply);
    drop(sender);
    assert!(desk.is_used_up(&id).await);
}

#[tokio::test]
async fn an_answer_that_is_held_or_blocked_has_used_the_approval_up() {
    for answer in ["请转账", "禁语"] {
        let (desk, ann, asked, id) = approved().await;
        desk.house.model.say(&[answer]);
        desk.ask(&ann, asked.clone(), Some(&id)).await.unwrap();
        assert!(desk.is_used_up(&id).await, "{answer}");
    }
}
