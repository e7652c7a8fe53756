use super::*;
use crate::settings::Semantic;
use futures_util::{StreamExt, stream};
use yizhan_domain::{FinishReason, Message, Usage};
use yizhan_model::{ChatEvent, Sampling};
use yizhan_testkit::ScriptedEmbed;

fn cache(threshold: f32) -> Cache {
    let model = ModelName::new("scripted");
    let semantic = Semantic { enabled: true, model: Some(model), threshold, ..Semantic::default() };
    let settings = Settings { enabled: true, semantic, ..Settings::default() };
    Cache::new(settings, Some(Arc::new(ScriptedEmbed::new("scripted", 64))), None)
}

fn partition(tenant: &str) -> Partition {
    Partition::new(tenant.into(), "m".into(), "r".into())
}

fn asks(text: &str) -> ChatRequest {
    let sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
    ChatRequest { messages: vec![Message::text(Role::User, text)], sampling, ..ChatRequest::default() }
}

async fn ask(cache: &Cache, tenant: &str, request: &ChatRequest) -> LookedUp {
    cache.look_up(&partition(tenant), None, request, Wish::default()).await
}

async fn answer(pending: Pending, text: &str) {
    let end = ChatEvent::End { usage: Usage::default() };
    let events = [ChatEvent::text(text), ChatEvent::finish(FinishReason::Stop), end].map(Ok);
    let _: Vec<_> = pending.record(Box::pin(stream::iter(events))).collect().await;
    assert!(pending.commit());
}

async fn answer_first(cache: &Cache, request: &ChatRequest) {
    match ask(cache, "t", request).await {
        LookedUp::Miss(Some(pending)) => answer(pending, "yes").await,
        _ => panic!("nothing was kept yet"),
    }
}

#[tokio::test]
async fn the_same_request_hits_and_another_tenant_does_not() {
    let cache = cache(0.5);
    answer_first(&cache, &asks("What is a mutex?")).await;
    let LookedUp::Hit(hit) = ask(&cache, "t", &asks("What is a mutex?")).await else { panic!("a miss") };
    assert_eq!(hit.found, Found::Exact);
    let events: Vec<_> = hit.stream(Pace::AtOnce).map(|event| event.unwrap()).collect().await;
    assert_eq!(events[0], ChatEvent::text("yes"));
    assert!(matches!(ask(&cache, "u", &asks("What is a mutex?")).await, LookedUp::Miss(_)));
}

#[tokio::test]
async fn a_paraphrase_hits_and_a_near_miss_does_not() {
    let cache = cache(0.3);
    answer_first(&cache, &asks("How do I keep bread for 3 days?")).await;
    let LookedUp::Hit(hit) = ask(&cache, "t", &asks("how can I keep bread for three days")).await else {
        panic!("a miss")
    };
    assert!(matches!(hit.found, Found::Similar { cosine } if cosine > 0.3));
    for other in
        ["How do I keep bread for 4 days?", "How do I not keep bread for 3 days?", "How do I keep milk for 3 days?"]
    {
        assert!(matches!(ask(&cache, "t", &asks(other)).await, LookedUp::Miss(_)), "{other}");
    }
    let statistics = cache.statistics();
    assert_eq!((statistics.similar, statistics.missed, statistics.questions), (1, 4, 1));
}

#[tokio::test]
async fn other_settings_or_an_earlier_turn_are_another_question() {
    let cache = cache(0.0);
    answer_first(&cache, &asks("How do I keep bread?")).await;
    let mut warmer = asks("How can I keep bread?");
    warmer.sampling.max_tokens = Some(5);
    assert!(matches!(ask(&cache, "t", &warmer).await, LookedUp::Miss(_)));
    let mut later = asks("How can I keep bread?");
    later.messages.insert(0, Message::text(Role::Assistant, "Ask me."));
    assert!(matches!(ask(&cache, "t", &later).await, LookedUp::Miss(_)));
}

#[tokio::test]
async fn a_question_whose_answer_is_gone_is_forgotten() {
    let cache = cache(0.3);
    answer_first(&cache, &asks("How do I keep bread?")).await;
    cache.replies.clear();
    assert!(matches!(ask(&cache, "t", &asks("How can I keep bread?")).await, LookedUp::Miss(_)));
    assert_eq!(cache.statistics().questions, 0);
}

#[tokio::test]
async fn wishes_are_kept() {
    let cache = cache(0.3);
    let request = asks("What is a mutex?");
    answer_first(&cache, &request).await;
    let fresh = Wish { read: false, write: true };
    let LookedUp::Miss(Some(pending)) = cache.look_up(&partition("t"), None, &request, fresh).await else {
        panic!("a fresh answer was wished")
    };
    answer(pending, "no").await;
    let LookedUp::Hit(hit) = ask(&cache, "t", &request).await else { panic!("a miss") };
    assert_eq!(hit.answer.events[0], ChatEvent::text("no"));
    let only_read = Wish { read: true, write: false };
    let other = asks("What is a lock?");
    assert!(matches!(cache.look_up(&partition("t"), None, &other, only_read).await, LookedUp::Miss(None)));
    let none = Wish { read: false, write: false };
    assert!(matches!(cache.look_up(&partition("t"), None, &request, none).await, LookedUp::Off(Unfit::NotWished)));
}
