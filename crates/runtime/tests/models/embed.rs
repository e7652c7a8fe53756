//! Vectors of a real embedding model in a real worker process.

use crate::common::{embed_model, runtime};
use std::sync::Arc;
use yizhan_domain::ErrorCode;
use yizhan_model::{EmbedKind, EmbedModel, Embeddings};
use yizhan_runtime::{EmbedPrefixes, Options, Runtime};

fn model() -> (Runtime, Arc<dyn EmbedModel>) {
    let runtime = runtime(Options { threads: 1, ..Options::default() });
    let model = runtime.embed_model("e5".into(), &embed_model(), EmbedPrefixes::default());
    (runtime, model.unwrap_or_else(|error| panic!("{error}")))
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_nearest_to_its_answer_in_either_language() {
    let (runtime, model) = model();
    assert_eq!(model.dimensions(), 384);
    assert!(runtime.loaded().is_empty(), "only the header was read");
    let passages =
        ["杭州是浙江省的省会。", "The engine needs oil every 10,000 km.", "蜜蜂酿造蜂蜜。"].map(String::from);
    let passages = model.embed(EmbedKind::Passage, passages.to_vec()).await.unwrap();
    let questions = ["浙江的省会是哪里？", "When must the oil be changed?", "Who makes honey?"].map(String::from);
    let questions = model.embed(EmbedKind::Query, questions.to_vec()).await.unwrap();
    for (index, question) in questions.rows().enumerate() {
        assert!((dot(question, question) - 1.0).abs() < 1e-3);
        let scores: Vec<f32> = passages.rows().map(|passage| dot(question, passage)).collect();
        let best = (0..3).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        assert_eq!(best, Some(index), "{scores:?}");
    }
    assert!(passages.tokens > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_computed_together_get_their_own_vectors_and_counts() {
    let (_runtime, model) = model();
    let one = |text: String| {
        let model = Arc::clone(&model);
        async move { model.embed(EmbedKind::Query, vec![text]).await.unwrap() }
    };
    let texts: Vec<String> = (0..12).map(|n| format!("question {} about bees", "very ".repeat(n))).collect();
    let mut alone: Vec<Embeddings> = Vec::new();
    for text in &texts {
        alone.push(one(text.clone()).await);
    }
    let together = futures_util::future::join_all(texts.iter().cloned().map(one)).await;
    for (alone, together) in alone.iter().zip(&together) {
        assert_eq!(alone.tokens, together.tokens);
        assert!(dot(&alone.values, &together.values) > 0.999);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_found_in_the_text() {
    let (_runtime, model) = model();
    let text = "驿站 carries an application to production.";
    let ranges = model.token_ranges(vec![text.into(), String::new()]).await.unwrap();
    assert_eq!((ranges.len(), ranges[1].len()), (2, 0));
    for range in &ranges[0] {
        assert!(text.get(range.start as usize..range.end as usize).is_some());
    }
    assert!(model.embed(EmbedKind::Plain, vec![]).await.unwrap().values.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_is_an_error_at_once() {
    let runtime = runtime(Options::default());
    let path = std::path::Path::new("/nowhere/model.gguf");
    let error = runtime.embed_model("e5".into(), path, EmbedPrefixes::default()).err().unwrap();
    assert_eq!(error.code(), ErrorCode::ModelUnavailable);
}
