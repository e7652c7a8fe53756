use super::*;
use crate::app::Apps;
use crate::call::{Caller, RetrievalWishes};
use crate::chat::tests::{House, fill, house_with};
use crate::ledger::{Ledger, OnAuditFailure};
use crate::reviews::ReviewSettings;
use std::time::Duration;
use yizhan_access::{Credentials, Principal, Scope};
use yizhan_audit::{AuditLog, Entries, Key, Options, Record};
use yizhan_domain::{FinishReason, TenantId, Usage};
use yizhan_guard::RuleSet;
use yizhan_store::{ManualClock, MemoryStore, Page, ReviewFilter, Verdict};

const RULES: &str = r#"
rules:
  - {id: transfer, action: review, message: 大额转账须复核。, match: {words: [转账]}}
  - {id: never, action: block, message: 不行。, match: {words: [禁语]}}
  - {id: hide, action: mask, match: {words: [密码]}}
"#;
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct Desk {
    pub(crate) house: House,
    pub(crate) reviews: Reviews,
    time: ManualClock,
    folder: tempfile::TempDir,
}

pub(crate) fn desk() -> Desk {
    desk_with(ReviewSettings { wait_hours: 2, use_hours: 1, ..ReviewSettings::default() })
}

fn desk_with(settings: ReviewSettings) -> Desk {
    let (folder, time) = (tempfile::tempdir().unwrap(), ManualClock::at(1_700_000_000_000));
    let log = AuditLog::open(&folder.path().join("audit"), Options::new(folder.path().join("key"))).unwrap();
    let mut house = house_with(Apps::none(), Ledger::new(log, OnAuditFailure::Closed));
    let reviews = Reviews::new(Arc::new(MemoryStore::with_clock(time.clock())), settings);
    house.gateway = house.gateway.with_reviews(reviews.clone());
    let mut policy = (*house.gateway.policy()).clone();
    policy.guard = Some(Arc::new(Guard::new(&[RuleSet::parse("test", RULES).unwrap()]).unwrap()));
    house.gateway.set_policy(policy);
    Desk { house, reviews, time, folder }
}

pub(crate) fn tenant() -> TenantId {
    TenantId::default_tenant()
}

pub(crate) fn question(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, text)], ..ChatRequest::default() }
}

impl Desk {
    pub(crate) async fn principal(&self, tenant: &TenantId) -> Principal {
        let access = self.house.gateway.access();
        let (secret, _) = access.issue(tenant, "k", &[Scope::Inference]).await.unwrap();
        let authorization = format!("Bearer {secret}");
        access.identify(&Credentials { authorization: Some(&authorization), ..Credentials::default() }).await.unwrap()
    }

    pub(crate) async fn ask(
        &self,
        by: &Principal,
        request: ChatRequest,
        review: Option<&ReviewId>,
    ) -> Result<Vec<ChatEvent>> {
        self.ask_model("scripted", by, request, review).await
    }

    async fn ask_model(
        &self,
        model: &str,
        by: &Principal,
        request: ChatRequest,
        review: Option<&ReviewId>,
    ) -> Result<Vec<ChatEvent>> {
        let mut caller = Caller::new(by.clone());
        caller.review = review.cloned();
        let call = Call::new(caller, ModelName::new(model), request, RetrievalWishes::default());
        let reply = self.house.gateway.chat(call).await?;
        reply.events.collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Asks what a rule holds; the review's id.
    pub(crate) async fn held(&self, by: &Principal, request: ChatRequest) -> ReviewId {
        let error = self.ask(by, request, None).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::HeldForReview, "{error}");
        error.review().unwrap().clone()
    }

    pub(crate) async fn decide(&self, id: &ReviewId, verdict: Verdict) {
        let reviewer = Principal::local(tenant());
        self.reviews.decide(&reviewer, &tenant(), id, verdict, "金额不符".into()).await.unwrap();
    }

    /// Passes by the id: what the model was asked.
    pub(crate) async fn passes(&self, by: &Principal, request: ChatRequest, id: &ReviewId) -> String {
        self.house.model.say(&["ok"]);
        self.ask(by, request, Some(id)).await.unwrap();
        self.house.model.requests().last().unwrap().messages.last().unwrap().content.text()
    }

    /// All records of the audit log. It is closed by this.
    pub(crate) fn records(self) -> Vec<Record> {
        let Self { house, folder, .. } = self;
        drop(house);
        let key = Key::load(&folder.path().join("key")).unwrap();
        let mut entries = Entries::open(&folder.path().join("audit"), &key, 1).unwrap();
        std::iter::from_fn(|| entries.next().unwrap()).map(|stored| stored.record).collect()
    }
}

fn text(events: &[ChatEvent]) -> String {
    events
        .iter()
        .filter_map(|event| if let ChatEvent::Text { delta, .. } = event { Some(delta.as_str()) } else { None })
        .collect()
}

/// What the caller is told of rules, and why the answer ended.
fn told(events: &[ChatEvent]) -> (Value, Option<FinishReason>) {
    let ours = events.iter().find_map(|event| match event {
        ChatEvent::Extra { choice: None, fields } => fields.get("yizhan").cloned(),
        _ => None,
    });
    let reason = events.iter().find_map(|event| match event {
        ChatEvent::Finish { reason, .. } => Some(*reason),
        _ => None,
    });
    assert!(matches!(events.last(), Some(ChatEvent::End { .. })));
    (ours.unwrap_or_default(), reason)
}

#[tokio::test]
async fn a_held_request_passes_once_it_is_approved_and_only_that_one() {
    let desk = desk();
    let (ann, bob) = (desk.principal(&tenant()).await, desk.principal(&tenant()).await);
    let asked = question("转账 100 万，密码 x");
    let error = desk.ask(&ann, asked.clone(), None).await.unwrap_err();
    let id = error.review().unwrap().clone();
    let says = error.message();
    assert!(says.starts_with("大额转账须复核。") && says.contains(&format!("x-yizhan-review: {id}")), "{says}");
    assert!(desk.house.model.requests().is_empty());
    let kept = desk.reviews.get(&tenant(), &id).await.unwrap();
    assert_eq!((kept.item.text.as_str(), kept.item.key.clone()), ("转账 100 万，密码 x", ann.key().clone()));
    assert_eq!(kept.item.rules, ["transfer"]);
    // Until then the same request is the same item, with its id or without.
    for named in [None, Some(&id)] {
        assert_eq!(desk.ask(&ann, asked.clone(), named).await.unwrap_err().review(), Some(&id));
    }
    desk.decide(&id, Verdict::Approve).await;
    let mut again = asked.clone();
    (again.streamed, again.sampling.max_tokens) = (true, Some(9));
    assert_eq!(desk.passes(&ann, again, &id).await, "转账 100 万，██ x", "other rules hold");
    // Everything else is as if there were no such review.
    let (theirs, unknown) = (desk.held(&bob, asked.clone()).await, ReviewId::new("rev-0"));
    for (by, request, named) in [
        (&ann, question("转账 200 万"), &id),
        (&bob, asked.clone(), &id),
        (&ann, asked.clone(), &theirs),
        (&ann, asked.clone(), &unknown),
    ] {
        let error = desk.ask(by, request, Some(named)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::HeldForReview);
        assert!(error.review() != Some(&id) && error.review() != Some(&unknown), "{error}");
    }
    let other_model = desk.ask_model("nobody", &ann, asked.clone(), Some(&id)).await.unwrap_err();
    assert_eq!(other_model.code(), ErrorCode::ModelNotFound);
    desk.time.advance(HOUR);
    let late = desk.ask(&ann, asked, Some(&id)).await.unwrap_err();
    assert!(late.code() == ErrorCode::HeldForReview && late.review() != Some(&id), "used up: {late}");
}

#[tokio::test]
async fn an_edited_request_goes_on_with_the_other_text() {
    let desk = desk();
    let ann = desk.principal(&tenant()).await;
    let mut asked = question("早安");
    asked.messages.push(Message::text(Role::Assistant, "早"));
    let mut last = Message::text(Role::User, "");
    last.content = Content::Parts(vec![Part::text("请"), Part::image("data:,"), Part::text("转账 100 万")]);
    asked.messages.push(last);
    let id = desk.held(&ann, asked.clone()).await;
    assert_eq!(desk.reviews.get(&tenant(), &id).await.unwrap().item.text, "请\n转账 100 万");
    desk.decide(&id, Verdict::Edit("转账 1 万，密码".into())).await;
    assert_eq!(desk.passes(&ann, asked, &id).await, "转账 1 万，██");
    let sent = desk.house.model.requests().pop().unwrap();
    let Content::Parts(parts) = &sent.messages[2].content else { panic!("{sent:?}") };
    assert!(matches!(parts.as_slice(), [Part::Text { .. }, Part::Image { .. }]));
    assert_eq!(sent.messages[0], Message::text(Role::User, "早安"));
    // What may never go on is blocked also when a person wrote it.
    let id = desk.held(&ann, question("转账")).await;
    desk.decide(&id, Verdict::Edit("禁语".into())).await;
    let error = desk.ask(&ann, question("转账"), Some(&id)).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (ErrorCode::ContentBlocked, "不行。"));
}

#[tokio::test]
async fn a_rejected_request_is_told_why() {
    let desk = desk();
    let ann = desk.principal(&tenant()).await;
    let id = desk.held(&ann, question("转账")).await;
    desk.decide(&id, Verdict::Reject).await;
    let error = desk.ask(&ann, question("转账"), Some(&id)).await.unwrap_err();
    assert_eq!((error.code(), error.review()), (ErrorCode::ContentBlocked, Some(&id)));
    assert!(error.message().contains("金额不符"), "{error}");
    assert!(desk.house.model.requests().is_empty());
}

#[tokio::test]
async fn what_cannot_be_held_is_blocked_and_said_so() {
    let desk = desk_with(ReviewSettings { most_waiting: 1, most_kib: 1, ..ReviewSettings::default() });
    let ann = desk.principal(&tenant()).await;
    let error = desk.ask(&ann, question(&format!("转账{}", "x".repeat(2000))), None).await.unwrap_err();
    assert_eq!((error.code(), error.review()), (ErrorCode::ContentBlocked, None));
    assert!(error.message().contains("1 KiB"), "{error}");
    let id = desk.held(&ann, question("转账 1")).await;
    let error = desk.ask(&ann, question("转账 2"), None).await.unwrap_err();
    assert!(error.code() == ErrorCode::ContentBlocked && error.message().contains("wait"), "{error}");
    assert_eq!(desk.reviews.backlog().waiting, 1);
    // Nobody is asked about what would be blocked in any case.
    let error = desk.ask(&ann, question("转账 禁语"), None).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (ErrorCode::ContentBlocked, "不行。"));
    desk.decide(&id, Verdict::Reject).await;
    assert_eq!(desk.reviews.backlog().waiting, 0);
}

#[tokio::test]
async fn without_a_queue_what_is_to_be_reviewed_is_blocked() {
    let mut desk = desk();
    let fresh = house_with(Apps::none(), Ledger::default());
    fresh.gateway.set_policy((*desk.house.gateway.policy()).clone());
    desk.house = fresh;
    let local = Principal::local(tenant());
    let error = desk.ask(&local, question("转账"), None).await.unwrap_err();
    assert_eq!((error.code(), error.review()), (ErrorCode::ContentBlocked, None));
    desk.house.model.say(&["请", "转", "账"]);
    let events = desk.ask(&local, question("hi"), None).await.unwrap();
    assert_eq!(
        told(&events),
        (json!({"review": {"rule": "transfer", "message": "大额转账须复核。"}}), Some(FinishReason::ContentFilter))
    );
}

#[tokio::test]
async fn a_withheld_answer_is_held_as_its_caller_would_get_it() {
    for streamed in [false, true] {
        let desk = desk();
        let ann = desk.principal(&tenant()).await;
        desk.house.model.say(&["请转", "账，密", "码是 1"]);
        let asked = ChatRequest { streamed, ..question("怎么办？") };
        let events = desk.ask(&ann, asked, None).await.unwrap();
        let (ours, reason) = told(&events);
        let id = ReviewId::new(ours["review"]["id"].as_str().unwrap());
        let says = ours["review"]["message"].as_str().unwrap();
        assert!(says.starts_with("大额转账须复核。") && says.contains(&format!("/v1/reviews/{id}")), "{says}");
        assert_eq!((reason, text(&events).as_str()), (Some(FinishReason::ContentFilter), "请"));
        let kept = desk.reviews.of_caller(&ann, &id).await.unwrap();
        assert_eq!((kept.item.text.as_str(), kept.item.complete), ("请转账，██是 1", true));
        assert_eq!(kept.item.held["request"]["messages"][0]["content"], "怎么办？");
        let whole: Vec<ChatEvent> = serde_json::from_value(kept.item.held["events"].clone()).unwrap();
        assert_eq!(whole.len(), 3, "pieces are one: {whole:?}");
        let bob = desk.principal(&tenant()).await;
        assert_eq!(desk.reviews.of_caller(&bob, &id).await.unwrap_err().code(), ErrorCode::NotFound);
        desk.decide(&id, Verdict::Approve).await;
        assert_eq!(desk.reviews.of_caller(&ann, &id).await.unwrap().state, ReviewState::Approved);
        desk.time.advance(HOUR);
        assert_eq!(desk.reviews.of_caller(&ann, &id).await.unwrap_err().code(), ErrorCode::NotFound);
        // An answer's review lets no request pass.
        let error = desk.ask(&ann, question("转账"), Some(&id)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::HeldForReview);
        let outcomes: Vec<String> =
            desk.records().iter().map(|record| format!("{:?} {}", record.outcome, record.status)).collect();
        assert_eq!(outcomes[0], format!("Held(\"{id}\") 200"), "{outcomes:?}");
        assert!(outcomes[1].starts_with("Held(\"rev-") && outcomes[1].ends_with(" 403"), "{outcomes:?}");
    }
}

#[tokio::test]
async fn an_answer_that_would_be_blocked_too_or_is_too_long_is_not_held() {
    let desk = desk_with(ReviewSettings { most_kib: 1, ..ReviewSettings::default() });
    let ann = desk.principal(&tenant()).await;
    for (said, why) in [("转账 禁语", "不行。"), (&*"转账".repeat(400), "1 KiB")] {
        desk.house.model.say(&[said]);
        let (ours, reason) = told(&desk.ask(&ann, question("hi"), None).await.unwrap());
        let message = ours["blocked"]["message"].as_str().unwrap_or_else(|| panic!("{ours}"));
        assert!(message.contains(why), "{message}");
        assert_eq!(reason, Some(FinishReason::ContentFilter));
    }
    assert_eq!(desk.reviews.backlog().waiting, 0);
    let outcomes: Vec<_> = desk.records().into_iter().map(|record| record.outcome.word()).collect();
    assert_eq!(outcomes, ["blocked", "blocked"]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_held_as_not_complete() {
    let desk = desk();
    let ann = desk.principal(&tenant()).await;
    let broken = Error::new(ErrorCode::ProviderFailed, "gone");
    desk.house.model.script(vec![Ok(ChatEvent::text("转账到")), Ok(ChatEvent::text("某")), Err(broken)]);
    let (ours, _) = told(&desk.ask(&ann, question("hi"), None).await.unwrap());
    let id = ReviewId::new(ours["review"]["id"].as_str().unwrap());
    let kept = desk.reviews.get(&tenant(), &id).await.unwrap();
    assert_eq!((kept.item.text.as_str(), kept.item.complete), ("转账到某", false));
}

#[tokio::test]
async fn a_held_answer_about_documents_keeps_its_citations() {
    let desk = desk();
    fill(&desk.house.store, "shop", &[("returns.txt", "Goods may be returned within thirty days of delivery.")]).await;
    let ann = desk.principal(&tenant()).await;
    desk.house.model.say(&["Returned within thirty days of delivery [1] [7]. ", "转账"]);
    let asked = question("When may delivered goods be returned?");
    let (ours, _) = told(&desk.ask_model("shop", &ann, asked, None).await.unwrap());
    let id = ReviewId::new(ours["review"]["id"].as_str().unwrap());
    let kept = desk.reviews.get(&tenant(), &id).await.unwrap();
    assert_eq!(kept.item.text, "Returned within thirty days of delivery [1] . 转账");
    assert!(kept.item.held["events"].to_string().contains("returns.txt"));
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_end_leaves_nothing_to_review() {
    let desk = desk();
    let ann = desk.principal(&tenant()).await;
    let sender = desk.house.model.live();
    sender.send(Ok(ChatEvent::text("早，转账"))).unwrap();
    let call = Call::new(Caller::new(ann), ModelName::new("scripted"), question("hi"), RetrievalWishes::default());
    let mut reply = desk.house.gateway.chat(call).await.unwrap();
    assert!(matches!(reply.events.next().await, Some(Ok(ChatEvent::Text { .. }))));
    assert!(futures_util::FutureExt::now_or_never(reply.events.next()).is_none());
    drop(reply);
    let all = desk.reviews.list(&tenant(), &ReviewFilter::default(), Page { after: None, limit: 9 }).await.unwrap();
    assert!(all.is_empty(), "nobody knows its id");
    let _ = sender.send(Ok(ChatEvent::End { usage: Usage::default() }));
}

#[tokio::test]
async fn a_request_that_a_person_let_pass_says_so_in_its_record() {
    let desk = desk();
    let ann = desk.principal(&tenant()).await;
    let id = desk.held(&ann, question("转账")).await;
    desk.decide(&id, Verdict::Approve).await;
    desk.passes(&ann, question("转账"), &id).await;
    let records = desk.records();
    assert_eq!(records[0].outcome.detail(), Some(id.as_str()));
    assert_eq!((records[1].outcome.word(), &records[1].extra["review"]), ("ok", &json!(id)));
}
