use super::{content_type, form};
use std::io::Read;

#[test]
fn the_length_is_that_of_the_body_and_the_name_cannot_break_out() {
    let (length, mut body) = form("assistants", "手\"册\r\n.md", 5, &b"hello, and more"[..]);
    let mut text = String::new();
    body.read_to_string(&mut text).unwrap();
    assert_eq!(text.len() as u64, length);
    assert!(text.contains("filename=\"手_册__.md\""));
    assert!(text.contains("\r\n\r\nhello\r\n--"));
    let boundary = content_type().split_once("boundary=").unwrap().1.to_owned();
    assert_eq!(text.matches(&format!("--{boundary}")).count(), 3);
}
