use super::*;
use crate::contract;

#[test]
fn text_contract() {
    contract::text_index(|| Box::new(MemoryTextIndex::default()));
}

#[test]
fn vector_contract() {
    contract::vector_index(|dimensions| Box::new(MemoryVectorIndex::new(dimensions)));
}
