use super::*;

fn task(id: CallId, kind: EmbedKind, texts: usize, bytes: usize) -> Task {
    Task::new(id, kind, vec!["x".repeat(bytes); texts])
}

/// Computes everything; the order in which calls finish, each with its numbers.
fn drain(tasks: &mut Tasks) -> Vec<(CallId, Vec<f32>, u32)> {
    let mut order = Vec::new();
    while let Some(slice) = tasks.next_slice() {
        let texts = tasks.texts(&slice);
        let values: Vec<f32> = texts.iter().flat_map(|text| [text.len() as f32, 1.0]).collect();
        let counts: Vec<u32> = texts.iter().map(|text| text.len() as u32).collect();
        order.extend(
            tasks.fulfil(&slice, &values, &counts, 2).into_iter().map(|task| (task.id, task.values, task.tokens)),
        );
    }
    order
}

#[test]
fn a_question_overtakes_a_long_list_of_passages() {
    let mut tasks = Tasks::default();
    tasks.push(task(1, EmbedKind::Passage, 100, 1000));
    let first = tasks.next_slice().unwrap();
    assert_eq!(first.parts, [(0, SLICE_BYTES / 1000)]);
    tasks.fulfil(&first, &[0.0; 24], &[1; 12], 2);
    tasks.push(task(2, EmbedKind::Query, 1, 10));
    let order = drain(&mut tasks);
    assert_eq!(order.iter().map(|done| done.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(order[0], (2, vec![10.0, 1.0], 10));
    assert_eq!((order[1].1.len(), order[1].2), (200, 88 * 1000 + 12));
}

#[test]
fn small_calls_of_one_kind_share_a_slice_and_each_gets_its_own() {
    let mut tasks = Tasks::default();
    for id in 1..=5 {
        tasks.push(task(id, EmbedKind::Query, 1, id as usize));
    }
    tasks.push(task(6, EmbedKind::Plain, 0, 0));
    assert_eq!(tasks.next_slice().unwrap().parts.len(), 5);
    let order = drain(&mut tasks);
    assert_eq!(order.len(), 6);
    for (id, values, tokens) in &order[..5] {
        assert_eq!((values.as_slice(), *tokens), (&[*id as f32, 1.0][..], *id as u32));
    }
}

#[test]
fn a_text_longer_than_a_slice_and_empty_texts_go_through() {
    let mut tasks = Tasks::default();
    tasks.push(task(1, EmbedKind::Passage, 3, SLICE_BYTES * 2));
    tasks.push(task(2, EmbedKind::Passage, 3, 0));
    assert_eq!(drain(&mut tasks).iter().map(|done| done.0).collect::<Vec<_>>(), [1, 2]);
    assert!(tasks.is_empty());
}

#[test]
fn who_went_away_is_forgotten() {
    let mut tasks = Tasks::default();
    tasks.push(task(1, EmbedKind::Passage, 3, 10));
    tasks.push(task(2, EmbedKind::Passage, 3, 10));
    tasks.cancel(&HashSet::from([1]));
    assert_eq!(drain(&mut tasks).iter().map(|done| done.0).collect::<Vec<_>>(), [2]);
}
