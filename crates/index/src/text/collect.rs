//! The best chunks of a search: pruned by score, confined to documents, ties by chunk number.
//!
//! It does not know where scores come from.

use crate::{DocumentSet, Hit};
use std::collections::BinaryHeap;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::query::Weight;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};
use yizhan_domain::{ChunkId, DocumentId};

/// Fast fields that a hit is read from.
pub(crate) const CHUNK: &str = "chunk";
/// See [`CHUNK`].
pub(crate) const DOCUMENT: &str = "document";

/// Keeps the best so many. What is worse than the worst kept is not even scored.
pub(crate) struct Best<'a> {
    pub(crate) top: usize,
    pub(crate) within: Option<&'a DocumentSet>,
}

/// Orders hits best first: score downwards, then chunk number upwards.
pub(crate) fn best_first(a: &Hit, b: &Hit) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk))
}

/// A hit in a heap whose greatest is the worst.
pub(crate) struct Ranked(pub(crate) Hit);

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Ranked {}
impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        best_first(&self.0, &other.0)
    }
}

/// One segment's best.
pub(crate) struct SegmentBest {
    top: usize,
    chunks: Column<u64>,
    documents: Column<u64>,
    heap: BinaryHeap<Ranked>,
}

impl SegmentBest {
    /// The score that a further hit must reach. One step below the worst kept, as `>` is asked
    /// and a smaller chunk number wins a tie.
    fn threshold(&self) -> Score {
        match self.heap.peek() {
            Some(worst) if self.heap.len() >= self.top => worst.0.score.next_down(),
            _ => Score::MIN,
        }
    }

    fn offer(&mut self, doc: DocId, score: Score, within: Option<&DocumentSet>) {
        let document = DocumentId(self.documents.first(doc).unwrap_or_default());
        if within.is_some_and(|set| !set.contains(document)) {
            return;
        }
        let chunk = ChunkId(self.chunks.first(doc).unwrap_or_default());
        self.heap.push(Ranked(Hit { chunk, document, score }));
        if self.heap.len() > self.top {
            self.heap.pop();
        }
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = Vec<Hit>;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.offer(doc, score, None);
    }

    fn harvest(self) -> Vec<Hit> {
        self.heap.into_iter().map(|ranked| ranked.0).collect()
    }
}

impl Collector for Best<'_> {
    type Fruit = Vec<Hit>;
    type Child = SegmentBest;

    fn for_segment(&self, _: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<SegmentBest> {
        let (chunks, documents) = (reader.fast_fields().u64(CHUNK)?, reader.fast_fields().u64(DOCUMENT)?);
        Ok(SegmentBest { top: self.top, chunks, documents, heap: BinaryHeap::new() })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn collect_segment(&self, weight: &dyn Weight, segment: u32, reader: &SegmentReader) -> tantivy::Result<Vec<Hit>> {
        let mut best = self.for_segment(segment, reader)?;
        let alive = reader.alive_bitset();
        weight.for_each_pruning(Score::MIN, reader, &mut |doc, score| {
            if alive.is_none_or(|alive| alive.is_alive(doc)) {
                best.offer(doc, score, self.within);
            }
            best.threshold()
        })?;
        Ok(best.harvest())
    }

    fn merge_fruits(&self, segments: Vec<Vec<Hit>>) -> tantivy::Result<Vec<Hit>> {
        let mut hits: Vec<Hit> = segments.into_iter().flatten().collect();
        hits.sort_unstable_by(best_first);
        hits.truncate(self.top);
        Ok(hits)
    }
}
