use super::*;
use crate::answer::tests::answer;
use futures_util::StreamExt;
use proptest::prelude::*;
use yizhan_domain::FinishReason;

async fn played(answer: &Answer, pace: Pace) -> Vec<ChatEvent> {
    Arc::new(answer.clone()).stream(pace).map(|event| event.unwrap()).collect().await
}

fn texts(events: &[ChatEvent]) -> Vec<&str> {
    let mut texts = Vec::new();
    for event in events {
        if let ChatEvent::Text { delta, .. } = event {
            texts.push(delta.as_str());
        }
    }
    texts
}

const SWIFT: Pace = Pace::Pieces { pause: Duration::ZERO };

#[tokio::test]
async fn comes_in_pieces_and_ends_like_a_real_one() {
    let text = "The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸跳过了懒狗。";
    let kept = answer(text);
    let events = played(&kept, SWIFT).await;
    assert!(texts(&events).len() > 5, "{events:?}");
    assert_eq!(texts(&events).concat(), text);
    let [.., ChatEvent::Finish { reason: FinishReason::Stop, .. }, ChatEvent::End { usage }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*usage, kept.usage_of_hit());
    assert_eq!(texts(&played(&kept, Pace::AtOnce).await), [text]);
}

#[tokio::test(start_paused = true)]
async fn keeps_its_pace() {
    let begin = tokio::time::Instant::now();
    let pause = Duration::from_millis(20);
    let events = played(&answer(&"word ".repeat(100)), Pace::Pieces { pause }).await;
    let pieces = texts(&events).len() as u32;
    assert!(begin.elapsed() >= pause * (pieces - 1), "{:?} for {pieces} pieces", begin.elapsed());
}

#[tokio::test]
async fn nothing_follows_the_end() {
    let mut stream = Arc::new(answer("x")).stream(SWIFT);
    while stream.next().await.is_some() {}
    assert!(stream.next().await.is_none());
}

proptest! {
    #[test]
    fn pieces_make_up_the_text(text in "\\PC{0,200}|[a-z]{0,200}|[一-龥 a-z]{0,80}") {
        let mut at = 0;
        while at < text.len() {
            let end = end_of_piece(&text, at);
            prop_assert!(end > at && text.is_char_boundary(end) && end - at <= 4 * LONGEST);
            at = end;
        }
    }
}
