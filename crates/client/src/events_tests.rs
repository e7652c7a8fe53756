use super::Events;

fn all(text: &str) -> Vec<String> {
    let mut events = Events::new(text.as_bytes());
    let mut found = Vec::new();
    while let Some(event) = events.next().unwrap() {
        found.push(event);
    }
    found
}

#[test]
fn data_is_read_and_comments_are_not() {
    assert_eq!(all(": hello\n\ndata: a\n\nevent: x\ndata:b\r\ndata:  c\r\n\r\ndata: 你好\n\n"), ["a", "b\n c", "你好"]);
}

#[test]
fn a_last_event_without_its_empty_line_counts() {
    assert_eq!(all("data: a\n\ndata: b"), ["a", "b"]);
}

#[test]
fn an_endless_line_is_an_error() {
    let mut events = Events::new(std::io::repeat(b'x'));
    assert!(events.next().is_err());
}
