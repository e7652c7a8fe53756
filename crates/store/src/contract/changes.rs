//! The outbox, and chunks as they come out of it.

use super::{Subject, processed};
use crate::{Chunk, DocumentChange};
use yizhan_domain::{BaseId, ChunkId, DocumentId, Sequence};

async fn changes(s: &Subject, base: &BaseId, after: Sequence) -> Vec<DocumentChange> {
    s.documents.changes(base, after, usize::MAX).await.unwrap()
}

fn brief(changes: &[DocumentChange]) -> Vec<(DocumentId, usize)> {
    changes.iter().map(|change| (change.document, change.chunks.len())).collect()
}

pub async fn changes_come_in_order_and_only_the_last_of_each(s: &Subject) {
    let base = s.base("manual").await;
    assert_eq!(s.documents.last_sequence(&base.id).await.unwrap(), Sequence(0));
    let a = s.ready(&base, "a", 1).await;
    let b = s.ready(&base, "b", 2).await;
    let before = changes(s, &base.id, Sequence(0)).await;
    assert_eq!(brief(&before), [(a.id, 1), (b.id, 2)]);
    assert!(before[0].sequence < before[1].sequence);
    s.submit(&base, "a", "new").await;
    let sequence = s.complete(3).await;
    let after = changes(s, &base.id, Sequence(0)).await;
    assert_eq!(brief(&after), [(b.id, 2), (a.id, 3)]);
    assert_eq!(after[1].sequence, sequence);
    assert_eq!(after[0], before[1]);
    assert_eq!(s.documents.last_sequence(&base.id).await.unwrap(), sequence);
    assert_eq!(brief(&changes(s, &base.id, before[1].sequence).await), [(a.id, 3)]);
    assert_eq!(changes(s, &base.id, sequence).await, []);
    assert_eq!(changes(s, &base.id, Sequence(u64::MAX)).await, []);
    assert_eq!(changes(s, &BaseId::random(), Sequence(0)).await, []);
}

pub async fn a_deletion_stays_as_a_mark(s: &Subject) {
    let base = s.base("manual").await;
    let a = s.ready(&base, "a", 1).await;
    let b = s.ready(&base, "b", 0).await;
    let seen = s.documents.last_sequence(&base.id).await.unwrap();
    s.documents.delete_document(a.id).await.unwrap();
    assert_eq!(brief(&changes(s, &base.id, seen).await), [(a.id, 0)]);
    // So does that of an empty one: an index cannot know that it was.
    s.documents.delete_document(b.id).await.unwrap();
    assert_eq!(brief(&changes(s, &base.id, Sequence(0)).await), [(a.id, 0), (b.id, 0)]);
}

pub async fn changes_come_in_parts(s: &Subject) {
    let base = s.base("manual").await;
    for (name, chunks) in [("a", 2), ("b", 2), ("c", 7), ("d", 1), ("e", 1)] {
        s.ready(&base, name, chunks).await;
    }
    let (mut after, mut sizes) = (Sequence(0), Vec::new());
    loop {
        let part = s.documents.changes(&base.id, after, 3).await.unwrap();
        let Some(last) = part.last() else { break };
        after = last.sequence;
        sizes.push(part.iter().map(|change| change.chunks.len()).sum::<usize>());
        assert!(part.len() <= 3);
    }
    assert_eq!(sizes.iter().sum::<usize>(), 13);
    assert_eq!(after, s.documents.last_sequence(&base.id).await.unwrap());
    assert!(sizes.len() >= 2, "{sizes:?}");
    assert_eq!(s.documents.changes(&base.id, Sequence(0), 0).await.unwrap().len(), 1);
}

pub async fn a_document_that_was_never_ready_leaves_no_mark(s: &Subject) {
    let base = s.base("manual").await;
    let queued = s.submit(&base, "a", "a").await;
    let job = s.claim().await;
    s.documents.fail(&job, "It is empty.", None).await.unwrap();
    s.documents.delete_document(queued.id).await.unwrap();
    assert_eq!(changes(s, &base.id, Sequence(0)).await, []);
}

pub async fn bases_have_outboxes_of_their_own(s: &Subject) {
    let (one, two) = (s.base("one").await, s.base("two").await);
    let a = s.ready(&one, "a", 1).await;
    let b = s.ready(&two, "a", 2).await;
    assert_ne!(a.id, b.id);
    assert_eq!(brief(&changes(s, &one.id, Sequence(0)).await), [(a.id, 1)]);
    assert_eq!(brief(&changes(s, &two.id, Sequence(0)).await), [(b.id, 2)]);
    assert!(s.documents.last_sequence(&two.id).await.unwrap() > s.documents.last_sequence(&one.id).await.unwrap());
}

pub async fn chunks_come_back_whole(s: &Subject) {
    let base = s.base("manual").await;
    let document = s.ready(&base, "手册", 4).await;
    let expected = processed("手册", 4).chunks;
    let kept = changes(s, &base.id, Sequence(0)).await.remove(0).chunks;
    assert_eq!(kept.len(), 4);
    for (ordinal, ((chunk, vector), new)) in kept.iter().zip(&expected).enumerate() {
        assert_eq!((chunk.document, &chunk.file, &chunk.name), (document.id, &document.file, &document.name));
        assert_eq!((chunk.ordinal, chunk.tokens), (ordinal as u32, new.tokens));
        assert_eq!((&chunk.text, &chunk.heading, &chunk.lines), (&new.text, &new.heading, &new.lines));
        assert_eq!(vector, &new.vector);
        assert_eq!(s.documents.chunks(&[chunk.id]).await.unwrap(), std::slice::from_ref(chunk));
    }
}

pub async fn chunks_in_the_order_asked(s: &Subject) {
    let base = s.base("manual").await;
    s.ready(&base, "a", 3).await;
    let kept = changes(s, &base.id, Sequence(0)).await.remove(0).chunks;
    let [a, b, c] = [0, 1, 2].map(|at: usize| kept[at].0.clone());
    let ids = [c.id, ChunkId(u64::MAX), a.id, ChunkId(0), b.id, a.id];
    let expected: Vec<Chunk> = vec![c, a.clone(), b, a];
    assert_eq!(s.documents.chunks(&ids).await.unwrap(), expected);
    assert_eq!(s.documents.chunks(&[]).await.unwrap(), []);
}

pub async fn a_chunk_knows_its_section(s: &Subject) {
    let base = s.base("manual").await;
    s.ready(&base, "other", 5).await;
    s.ready(&base, "a", 5).await;
    let kept = changes(s, &base.id, Sequence(0)).await.remove(1).chunks;
    let ids: Vec<ChunkId> = kept.iter().map(|(chunk, _)| chunk.id).collect();
    let section = s.documents.section_of(ids[3]).await.unwrap().unwrap();
    assert_eq!((section.heading, section.text.as_str()), (vec!["甲".to_owned()], "甲：全文"));
    assert_eq!(section.chunks, [ids[0], ids[3]]);
    assert_eq!(s.documents.section_of(ids[4]).await.unwrap().unwrap().chunks, [ids[1], ids[4]]);
    assert_eq!(s.documents.section_of(ids[2]).await.unwrap(), None);
    assert_eq!(s.documents.section_of(ChunkId(u64::MAX)).await.unwrap(), None);
}
