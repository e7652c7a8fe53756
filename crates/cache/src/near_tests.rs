use super::*;
use crate::key::{Partition, canonical_key};
use yizhan_model::ChatRequest;

fn key(name: &str) -> Key {
    canonical_key(&Partition::new(name.into(), "m".into(), "r".into()), &ChatRequest::default())
}

fn question(around: &str, text: &str, vector: [f32; 2]) -> Question {
    Question { around: key(around), vector: vector.to_vec(), facts: Facts::of(text).unwrap() }
}

fn near(most: usize, most_per_group: usize) -> Near {
    let settings =
        Semantic { threshold: 0.9, max_questions: most, max_per_partition: most_per_group, ..Semantic::default() };
    Near::new(&settings)
}

#[test]
fn finds_the_nearest_with_the_same_facts_in_the_same_partition() {
    let near = near(10, 10);
    near.put(question("a", "how do I bake bread", [1.0, 0.0]), key("far"));
    near.put(question("a", "how can I bake bread", [0.6, 0.8]), key("near"));
    near.put(question("a", "how do I bake cake", [0.6, 0.8]), key("other"));
    let asked = |around, text| near.find(&question(around, text, [0.6, 0.8])).map(|nearest| nearest.key);
    assert_eq!(asked("a", "How to bake bread?"), Some(key("near")));
    assert_eq!(asked("a", "How to bake 2 breads?"), None, "another number");
    assert_eq!(asked("b", "How to bake bread?"), None, "another partition");
    assert_eq!(near.find(&question("a", "how to bake bread", [0.0, -1.0])), None, "below the threshold");
}

#[test]
fn the_oldest_go_first_and_the_count_is_right() {
    let near = near(3, 2);
    for (around, name) in [("a", "1"), ("a", "2"), ("a", "3"), ("b", "4"), ("b", "5")] {
        near.put(question(around, "bread", [1.0, 0.0]), key(name));
    }
    assert_eq!(near.len(), 2, "partition a was dropped whole");
    near.put(question("b", "bread", [1.0, 0.0]), key("5"));
    assert_eq!(near.len(), 2, "the same answer is remembered once");
    near.remove(&key("b"), &key("4"));
    near.remove(&key("b"), &key("no such"));
    near.remove(&key("none"), &key("5"));
    assert_eq!(near.len(), 1);
    near.clear();
    assert!(near.is_empty());
}

#[test]
fn one_partition_alone_stays_within_the_whole() {
    let near = near(2, 100);
    for name in ["1", "2", "3", "4"] {
        near.put(question("a", "bread", [1.0, 0.0]), key(name));
    }
    assert_eq!(near.len(), 2);
}

#[test]
fn vectors_of_another_length_are_never_near() {
    let near = near(2, 2);
    let long = Question { vector: vec![1.0; 9], ..question("a", "bread", [1.0, 0.0]) };
    near.put(long, key("1"));
    assert_eq!(near.find(&question("a", "bread", [1.0, 0.0])), None);
}

#[test]
fn the_product_is_that_of_the_plain_loop() {
    let vector = |seed: usize| -> Vec<f32> { (0..19).map(|at| ((at * seed) % 7) as f32 - 3.0).collect() };
    let (a, b) = (vector(3), vector(5));
    let plain: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    assert_eq!(dot(&a, &b), plain);
}
