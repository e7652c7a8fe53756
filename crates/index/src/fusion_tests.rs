use super::*;
use proptest::prelude::*;
use yizhan_domain::DocumentId;

fn list(chunks: &[u64]) -> Vec<Hit> {
    let hit = |(rank, chunk): (usize, &u64)| Hit {
        chunk: ChunkId(*chunk),
        document: DocumentId(*chunk),
        score: 9.0 - rank as f32,
    };
    chunks.iter().enumerate().map(hit).collect()
}

fn order(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(|hit| hit.chunk.0).collect()
}

#[test]
fn agreement_beats_one_first_place() {
    let (a, b) = (list(&[1, 2, 3]), list(&[4, 2, 5]));
    let fused = fuse(&[&a, &b], 60.0);
    assert_eq!(order(&fused), [2, 1, 4, 3, 5]);
    assert!((fused[0].score - 2.0 / 62.0).abs() < 1e-6);
}

#[test]
fn a_heavier_list_decides() {
    let (a, b) = (list(&[1, 2]), list(&[2, 1]));
    assert_eq!(order(&fuse_weighted(&[(&a, 1.0), (&b, 2.0)], 10.0)), [2, 1]);
    assert_eq!(order(&fuse_weighted(&[(&a, 2.0), (&b, 1.0)], 10.0)), [1, 2]);
}

#[test]
fn nothing_gives_nothing_and_repetition_counts_once() {
    assert!(fuse(&[], 60.0).is_empty());
    let twice = list(&[1, 1, 1, 2]);
    let once = fuse(&[&twice], 0.0);
    assert_eq!(order(&once), [1, 2]);
    assert_eq!(once[0].score, 1.0);
}

#[test]
fn scores_keep_how_far_ahead_the_first_is() {
    let score = |scores: &[(u64, f32)]| -> Vec<Hit> {
        let hit = |(chunk, score): &(u64, f32)| Hit { chunk: ChunkId(*chunk), document: DocumentId(0), score: *score };
        scores.iter().map(hit).collect()
    };
    let (far, near) = (score(&[(1, 30.0), (2, 11.0), (3, 10.0)]), score(&[(2, 0.91), (1, 0.90), (3, 0.80)]));
    assert_eq!(order(&fuse_scores(&[(&far, 1.0), (&near, 1.0)])), [1, 2, 3]);
    assert_eq!(fuse_scores(&[(&score(&[(5, 2.0), (6, 2.0)]), 0.5)])[1].score, 0.5);
    let odd = score(&[(1, f32::NAN), (2, f32::INFINITY)]);
    assert!(fuse_scores(&[(&odd, 1.0)]).iter().all(|hit| hit.score == 1.0));
    assert!(fuse_scores(&[]).is_empty());
}

proptest! {
    #[test]
    fn every_chunk_comes_out_once(a in prop::collection::vec(0u64..30, 0..20), b in prop::collection::vec(0u64..30, 0..20)) {
        let fused = fuse(&[&list(&a), &list(&b)], 60.0);
        let mut expected: Vec<u64> = a.into_iter().chain(b).collect();
        expected.sort_unstable();
        expected.dedup();
        let mut found = order(&fused);
        found.sort_unstable();
        prop_assert_eq!(found, expected);
        prop_assert!(fused.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}
