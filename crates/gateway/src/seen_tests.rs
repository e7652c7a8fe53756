use super::*;

fn seen(pieces: &[&str]) -> Seen {
    let seen = Seen::default();
    pieces.iter().for_each(|piece| seen.take(&ChatEvent::text(*piece)));
    seen
}

#[test]
fn a_piece_is_a_token_where_pieces_are_short() {
    let words = ["根据", "手册", "第", " 3", " 章", "，", "驿站", " The", " answer", " follows", ".\n"];
    assert_eq!(seen(&words).output(), words.len() as u32);
}

#[test]
fn long_pieces_are_counted_by_their_bytes() {
    assert_eq!(seen(&["The warranty lasts two years from the day of purchase."]).output(), 13);
    assert_eq!(seen(&["保修期从购买之日起两年"]).output(), 8);
}

#[test]
fn the_models_own_count_wins_and_nothing_that_was_said_costs_nothing() {
    let told = Usage { prompt_tokens: 7, completion_tokens: 3, ..Usage::default() };
    let said = seen(&["a", "b"]);
    assert_eq!(said.usage(5).completion_tokens, 2);
    said.take(&ChatEvent::End { usage: told });
    assert_eq!(said.usage(5), told);
    assert_eq!(Seen::default().usage(5), Usage::default());
}
