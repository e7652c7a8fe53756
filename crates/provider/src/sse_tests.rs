use super::{SseFault, SseParser};
use proptest::prelude::*;

type Events = Vec<(String, Vec<u8>)>;

fn parse<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Events {
    let mut events = Events::new();
    let mut parser = SseParser::default();
    for piece in pieces {
        parser.feed::<SseFault>(piece, |event| push(&mut events, event)).unwrap();
    }
    parser.finish::<SseFault>(|event| push(&mut events, event)).unwrap();
    events
}

fn push(events: &mut Events, event: super::SseEvent<'_>) -> Result<(), SseFault> {
    events.push((String::from_utf8_lossy(event.name).into_owned(), event.data.to_vec()));
    Ok(())
}

fn of(text: &str) -> Vec<(String, String)> {
    let events = parse([text.as_bytes()]);
    events.into_iter().map(|(name, data)| (name, String::from_utf8(data).unwrap())).collect()
}

fn unnamed(data: &[&str]) -> Vec<(String, String)> {
    data.iter().map(|data| (String::new(), (*data).to_owned())).collect()
}

#[test]
fn every_end_of_a_line_is_one() {
    for end in ["\n", "\r", "\r\n"] {
        let text = format!("data: a{end}{end}data: b{end}{end}");
        assert_eq!(of(&text), unnamed(&["a", "b"]), "{end:?}");
    }
}

#[test]
fn comments_are_passed_over_and_lines_of_data_joined() {
    assert_eq!(of(": ping\n\ndata:a\ndata: b\ndata\n\n"), unnamed(&["a\nb\n"]));
}

#[test]
fn names_belong_to_their_event_alone() {
    let named = of("event: error\ndata: x\n\ndata: y\n\nevent: lost\n\ndata: z\n\n");
    let wanted = [("error", "x"), ("", "y"), ("", "z")].map(|(name, data)| (name.to_owned(), data.to_owned()));
    assert_eq!(named, wanted);
}

#[test]
fn a_byte_order_mark_is_no_data() {
    assert_eq!(of("\u{feff}data: a\n\n"), unnamed(&["a"]));
    assert_eq!(of("\u{feff}\u{feff}data: a\n\ndata: b\n\n"), unnamed(&["b"]), "only one");
}

#[test]
fn the_last_event_needs_no_empty_line() {
    assert_eq!(of("data: a\n\ndata: [DONE]"), unnamed(&["a", "[DONE]"]));
    assert_eq!(of("data: a\n\ndata: [DONE]\n"), unnamed(&["a", "[DONE]"]));
}

#[test]
fn a_bare_object_is_data() {
    assert_eq!(of("{\"error\": \"down\"}\n"), unnamed(&["{\"error\": \"down\"}"]));
}

#[test]
fn empty_data_is_an_event_and_one_space_is_no_data() {
    assert_eq!(of("data:\n\ndata:  two\n\n"), unnamed(&["", " two"]));
}

#[test]
fn a_line_without_end_is_refused() {
    let mut parser = SseParser::with_limit(100);
    let refused = (0..20).find_map(|_| parser.feed::<SseFault>(b"data: 1234", |_| Ok(())).err());
    assert_eq!(refused, Some(SseFault));
}

#[test]
fn an_event_without_end_is_refused() {
    let mut parser = SseParser::with_limit(100);
    let refused = (0..200).find_map(|_| parser.feed::<SseFault>(b"data:\n", |_| Ok(())).err());
    assert_eq!(refused, Some(SseFault), "its line breaks count");
}

#[test]
fn an_error_of_the_taker_ends_the_reading() {
    #[derive(Debug, PartialEq)]
    struct Enough;
    impl From<SseFault> for Enough {
        fn from(_: SseFault) -> Self {
            Enough
        }
    }
    let mut seen = 0;
    let fed = SseParser::default().feed(b"data: 1\n\ndata: 2\n\n", |_| {
        seen += 1;
        Err(Enough)
    });
    assert_eq!((fed, seen), (Err(Enough), 1));
}

/// Pieces of streams, well formed and not.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"data: ".to_vec()),
        Just(b"data:".to_vec()),
        Just(b"event: e".to_vec()),
        Just(b":".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"{".to_vec()),
        Just("\u{feff}".as_bytes().to_vec()),
        Just("字 text".as_bytes().to_vec()),
        any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

/// A plain reading of the rules, line by line over the whole text.
fn reference(bytes: &[u8]) -> Events {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\r' | b'\n' => {
                at += usize::from(bytes[at..].starts_with(b"\r\n"));
                lines.push(Vec::new());
            }
            byte => lines.last_mut().unwrap().push(byte),
        }
        at += 1;
    }
    lines.push(Vec::new());
    let (mut events, mut name, mut data): (Events, String, Option<Vec<u8>>) = Default::default();
    for line in lines {
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            _ if line.first() == Some(&b'{') => (b"data".to_vec(), line.clone()),
            Some(colon) => (line[..colon].to_vec(), line[colon + 1..].to_vec()),
            None => (line.clone(), Vec::new()),
        };
        let is_bare = line.first() == Some(&b'{');
        let value = if is_bare { &value[..] } else { value.strip_prefix(b" ").unwrap_or(&value) };
        if line.is_empty() {
            events.extend(data.take().map(|data| (std::mem::take(&mut name), data)));
            name.clear();
        } else if field == b"data" {
            match &mut data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => data = Some(value.to_vec()),
            }
        } else if field == b"event" {
            name = String::from_utf8_lossy(value).into_owned();
        }
    }
    events
}

proptest! {
    #[test]
    fn however_the_body_is_cut_the_events_are_the_same(body in stream(), cuts in prop::collection::vec(0usize..200, 0..12)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]);
        prop_assert_eq!(parse(pieces), reference(&body));
        let bytes = body.chunks(1);
        prop_assert_eq!(parse(bytes), reference(&body));
    }
}
