use super::*;
use crate::key::{Partition, canonical_key};
use crate::settings::Settings;
use futures_util::{StreamExt, stream};
use yizhan_domain::{Error, ErrorCode, ToolCallPiece};
use yizhan_model::ChatRequest;

fn cache(change: impl FnOnce(&mut Settings)) -> ReplyCache {
    let mut settings = Settings { enabled: true, ..Settings::default() };
    change(&mut settings);
    ReplyCache::new(settings, None)
}

fn key() -> Key {
    canonical_key(&Partition::new("t".into(), "m".into(), "r".into()), &ChatRequest::default())
}

fn end() -> Result<ChatEvent> {
    Ok(ChatEvent::End { usage: Usage { prompt_tokens: 5, completion_tokens: 2, ..Usage::default() } })
}

fn finish(reason: FinishReason) -> Result<ChatEvent> {
    Ok(ChatEvent::finish(reason))
}

fn text(text: &str) -> Result<ChatEvent> {
    Ok(ChatEvent::text(text))
}

/// Records these events; was the answer kept?
async fn kept(cache: &ReplyCache, events: Vec<Result<ChatEvent>>) -> bool {
    let pending = cache.alone(key());
    let recorded = pending.record(Box::pin(stream::iter(events.clone())));
    let passed: Vec<_> = recorded.collect().await;
    assert_eq!(passed, events, "recording changes nothing");
    let said = pending.commit();
    assert_eq!(said, cache.get(&key()).is_some());
    said
}

#[tokio::test]
async fn a_whole_answer_is_kept_with_its_pieces_joined() {
    let cache = cache(|_| {});
    assert!(kept(&cache, vec![text("Hel"), text("lo"), finish(FinishReason::Stop), end()]).await);
    let answer = cache.get(&key()).unwrap();
    assert_eq!(answer.events, [ChatEvent::text("Hello"), ChatEvent::finish(FinishReason::Stop)]);
    assert_eq!(answer.usage.completion_tokens, 2);
}

#[tokio::test]
async fn who_made_it_and_its_sources_are_kept_with_it() {
    let cache = cache(|_| {});
    let pending = cache.alone(key());
    pending.served("openai", ModelName::new("m"));
    pending.beside(serde_json::json!(["a source"]));
    let events = vec![text("a"), finish(FinishReason::Stop), end()];
    let _: Vec<_> = pending.record(Box::pin(stream::iter(events))).collect().await;
    assert!(pending.commit());
    let answer = cache.get(&key()).unwrap();
    assert_eq!(answer.served, Some(("openai".into(), ModelName::new("m"))));
    assert_eq!(answer.beside, Some(serde_json::json!(["a source"])));
}

#[tokio::test]
async fn what_did_not_end_well_is_not_kept() {
    let failed = Err(Error::new(ErrorCode::ProviderFailed, "gone"));
    let cases = [
        vec![text("a"), failed.clone()],
        vec![text("a"), finish(FinishReason::Stop)],
        vec![text("a"), finish(FinishReason::Length), end()],
        vec![text("a"), finish(FinishReason::ContentFilter), end()],
        vec![text("a"), finish(FinishReason::ToolCalls), end()],
        vec![text("a"), end()],
        vec![],
        vec![text("a"), finish(FinishReason::Stop), failed, end()],
    ];
    for events in cases {
        assert!(!kept(&cache(|_| {}), events.clone()).await, "{events:?}");
    }
}

#[tokio::test]
async fn settings_say_what_else_is_kept() {
    let long = vec![text("a"), finish(FinishReason::Length), end()];
    assert!(kept(&cache(|settings| settings.cut_short = true), long).await);
    let piece = |arguments: &str, id: Option<&str>| {
        let piece =
            ToolCallPiece { id: id.map(str::to_owned), arguments: arguments.into(), ..ToolCallPiece::default() };
        Ok(ChatEvent::ToolCall { choice: 0, piece })
    };
    let calls = vec![piece("{", Some("1")), piece("}", None), finish(FinishReason::ToolCalls), end()];
    let with_tools = cache(|settings| settings.tools = true);
    assert!(kept(&with_tools, calls).await);
    assert_eq!(with_tools.get(&key()).unwrap().events.len(), 2);
}

#[tokio::test]
async fn a_large_answer_is_let_go() {
    let small = cache(|settings| settings.max_answer_kib = 1);
    let many: Vec<_> = (0..200).map(|_| text("0123456789")).chain([finish(FinishReason::Stop), end()]).collect();
    assert!(!kept(&small, many.clone()).await);
    assert!(kept(&cache(|_| {}), many).await);
}

#[tokio::test]
async fn nothing_is_kept_without_commit() {
    let cache = cache(|_| {});
    let pending = cache.alone(key());
    let events = vec![text("a"), finish(FinishReason::Stop), end()];
    let _: Vec<_> = pending.record(Box::pin(stream::iter(events))).collect().await;
    drop(pending);
    assert!(cache.get(&key()).is_none());
}
