use super::*;
use proptest::prelude::*;

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-12
}

#[test]
fn figures_are_as_computed_by_hand() {
    // Relevant: 7, 8, 9. Ranks 2 and 4 are right.
    let ranking = Ranking::new(&[1, 7, 2, 9, 3], &[7, 8, 9]);
    assert_eq!(Metric::Hit(1).of(&ranking), 0.0);
    assert_eq!(Metric::Hit(2).of(&ranking), 1.0);
    assert!(close(Metric::Recall(3).of(&ranking), 1.0 / 3.0));
    assert!(close(Metric::Recall(10).of(&ranking), 2.0 / 3.0));
    assert!(close(Metric::Pass(4).of(&ranking), 2.0 / 3.0));
    assert_eq!(Metric::Mrr(10).of(&ranking), 0.5);
    assert_eq!(Metric::Mrr(1).of(&ranking), 0.0);
    // (1/log2 3 + 1/log2 5) / (1/log2 2 + 1/log2 3 + 1/log2 4) = 1.0616063 / 2.1309298
    assert!((Metric::Ndcg(10).of(&ranking) - 0.498_189_4).abs() < 1e-6, "{}", Metric::Ndcg(10).of(&ranking));
    // Within two places the best is 1/log2 2 + 1/log2 3: 0.6309298 / 1.6309298.
    assert!((Metric::Ndcg(2).of(&ranking) - 0.386_852_8).abs() < 1e-6);
}

#[test]
fn a_passage_counts_once_and_nothing_relevant_is_zero() {
    let twice = Ranking::new(&[5, 5, 6], &[5, 6]);
    assert_eq!(Metric::Recall(2).of(&twice), 0.5);
    assert_eq!(twice, Ranking::new(&[5, 0, 6], &[6, 5, 5]));
    for metric in Metric::RETRIEVAL {
        assert_eq!(metric.of(&Ranking::new(&[1, 2], &[])), 0.0);
        assert_eq!(metric.of(&Ranking::new(&[], &[1])), 0.0);
        assert_eq!(metric.of(&Ranking::new(&[1], &[1])), 1.0);
    }
}

#[test]
fn names_are_as_published() {
    let names: Vec<String> = Metric::RETRIEVAL.iter().chain(&Metric::CODEBASE[..1]).map(Metric::to_string).collect();
    assert_eq!(names, ["hit@1", "hit@5", "hit@10", "recall@10", "MRR@10", "nDCG@10", "Pass@5"]);
}

fn metric() -> impl Strategy<Value = Metric> {
    (0usize..5, 1usize..30).prop_map(|(kind, k)| match kind {
        0 => Metric::Hit(k),
        1 => Metric::Recall(k),
        2 => Metric::Pass(k),
        3 => Metric::Mrr(k),
        _ => Metric::Ndcg(k),
    })
}

fn passages() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0usize..20, 0..25)
}

proptest! {
    #[test]
    fn a_figure_is_between_0_and_1(ranked in passages(), relevant in passages(), metric in metric()) {
        let figure = metric.of(&Ranking::new(&ranked, &relevant));
        prop_assert!((0.0..=1.0).contains(&figure), "{figure}");
    }

    #[test]
    fn a_better_place_is_never_worse(ranked in passages(), relevant in passages(), metric in metric()) {
        let mut distinct = ranked;
        let mut seen = HashSet::new();
        distinct.retain(|passage| seen.insert(*passage));
        for at in (1..distinct.len()).filter(|at| relevant.contains(&distinct[*at])) {
            let mut better = distinct.clone();
            better.swap(at - 1, at);
            let before = metric.of(&Ranking::new(&distinct, &relevant));
            let after = metric.of(&Ranking::new(&better, &relevant));
            prop_assert!(after >= before - 1e-12, "{before} {after}");
        }
    }
}
