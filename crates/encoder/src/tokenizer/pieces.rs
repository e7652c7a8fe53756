//! A vocabulary that is searched by bytes: one block of text and an open-addressing table of numbers.
//!
//! Chosen over a trie for its size: 250,000 pieces take 8 bytes a slot and their text, and a failed look-up
//! usually touches one slot only.

use crate::gguf::{Array, damaged};
use yizhan_domain::Result;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Other bits of the hash than those that choose the slot.
    tag: u32,
    /// Number of the piece plus one; 0 is an empty slot.
    id: u32,
}

/// All pieces of a vocabulary.
#[derive(Debug)]
pub(super) struct Pieces {
    text: Vec<u8>,
    offsets: Vec<u32>,
    slots: Vec<Slot>,
}

/// FNV-1a, which can be continued byte by byte.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const EMPTY: Hash = Hash(0xcbf2_9ce4_8422_2325);

    pub(super) fn with(self, bytes: &[u8]) -> Hash {
        Hash(bytes.iter().fold(self.0, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    /// FNV's low bits are weak; this spreads them.
    pub(super) fn mixed(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

impl Pieces {
    /// Reads the list of tokens of a model file. `include` says which of them text may match.
    pub(super) fn read(tokens: Array<'_>, include: impl Fn(usize) -> bool) -> Result<Self> {
        let mut text = Vec::with_capacity(tokens.bytes.len().saturating_sub(tokens.count.saturating_mul(8)));
        let mut offsets = vec![0];
        for (_, piece) in tokens.texts()? {
            text.extend_from_slice(piece);
            offsets.push(u32::try_from(text.len()).map_err(|_| damaged("its vocabulary is too large"))?);
        }
        let count = offsets.len() - 1;
        let mut pieces = Self { text, offsets, slots: vec![Slot::default(); (count * 2).next_power_of_two().max(2)] };
        for index in (0..count).filter(|&index| include(index)) {
            pieces.insert(index);
        }
        Ok(pieces)
    }

    /// Where a text of several pieces is listed twice, the first one is found.
    fn insert(&mut self, index: usize) {
        let piece = self.piece(index);
        if piece.is_empty() || self.find(piece, Hash::EMPTY.with(piece)).is_some() {
            return;
        }
        let hash = Hash::EMPTY.with(piece).mixed();
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].id != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = Slot { tag: (hash >> 32) as u32, id: index as u32 + 1 };
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The bytes of piece `index`, which must be below `len`.
    pub(super) fn piece(&self, index: usize) -> &[u8] {
        &self.text[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }

    /// The number of the piece of exactly these bytes, whose hash the caller has.
    pub(super) fn find(&self, bytes: &[u8], hash: Hash) -> Option<u32> {
        let hash = hash.mixed();
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            let id = slot.id.checked_sub(1)?;
            if slot.tag == (hash >> 32) as u32 && self.piece(id as usize) == bytes {
                return Some(id);
            }
            at = (at + 1) & mask;
        }
    }
}
