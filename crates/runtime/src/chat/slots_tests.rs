use super::super::answer::{Judgement, Work};
use super::*;

fn slot(sequence: i32, cached: &[Token], used: u64) -> Slot {
    Slot { cached: cached.to_vec(), used, ..Slot::new(sequence) }
}

fn busy(sequence: i32, cached: &[Token]) -> Slot {
    let judgement = Judgement { index: 0, yes: vec![], no: vec![], sheet: Default::default() };
    let run = Run { id: 1, tokens: vec![], prompt: 0, reused: 0, limit: 0, work: Work::Judge(judgement) };
    Slot { run: Some(run), ..slot(sequence, cached, 9) }
}

#[test]
fn a_conversation_goes_on_in_its_own_slot() {
    let slots = [slot(0, &[1, 2, 3], 5), slot(1, &[7, 8], 1)];
    assert_eq!(place(&slots, &[1, 2, 3, 4], true), Some(Placement { slot: 0, source: 0, shared: 3 }));
    assert_eq!(place(&slots, &[9], true), Some(Placement { slot: 1, source: 1, shared: 0 }));
}

#[test]
fn one_token_is_always_left_to_compute() {
    let slots = [slot(0, &[1, 2, 3], 5)];
    assert_eq!(place(&slots, &[1, 2, 3], true), Some(Placement { slot: 0, source: 0, shared: 2 }));
    assert_eq!(place(&slots, &[1, 2, 3], false), Some(Placement { slot: 0, source: 0, shared: 0 }));
    assert_eq!(place(&slots, &[1, 2, 3, 4], false), Some(Placement { slot: 0, source: 0, shared: 3 }));
}

#[test]
fn a_common_beginning_is_shared_from_a_busy_slot_or_a_long_conversation() {
    let slots = [busy(0, &[1, 2, 3, 4, 5]), slot(1, &[], 0)];
    assert_eq!(place(&slots, &[1, 2, 9, 9], true), Some(Placement { slot: 1, source: 0, shared: 2 }));
    let slots = [slot(0, &[1, 2, 3, 4, 5, 6], 5), slot(1, &[], 0)];
    assert_eq!(place(&slots, &[1, 2, 9, 9], true), Some(Placement { slot: 1, source: 0, shared: 2 }));
    let slots = [slot(0, &[1, 2, 3, 4, 5, 6], 5)];
    assert_eq!(place(&slots, &[1, 2, 9, 9], true), Some(Placement { slot: 0, source: 0, shared: 2 }));
}

#[test]
fn without_a_free_slot_there_is_no_place() {
    assert_eq!(place(&[busy(0, &[1])], &[1, 2], true), None);
    assert_eq!(place(&[], &[1, 2], true), None);
}
