//! Answers of a real small model in a real worker process.

mod common;

use common::{ask, collect, runtime, small_chat_model};
use yizhan_domain::FinishReason;
use yizhan_runtime::Options;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_piece_by_piece() {
    let runtime = runtime(Options::default());
    let model = runtime.chat_model("smollm2".into(), &small_chat_model(), 2048);
    let whole = collect(model.generate(ask("What is the capital of France?", 40)).await.unwrap()).await.unwrap();
    println!("{} | {:?} {:?} {:?}", whole.text, whole.reason, whole.usage, runtime.loaded());
    assert!(whole.text.contains("Paris"), "{}", whole.text);
    assert!(whole.pieces > 3);
    assert_eq!(whole.reason, FinishReason::Stop);
}
