use super::*;

#[test]
fn frames_come_back_in_order_and_end_cleanly() {
    let mut pipe = Vec::new();
    write_frame(&mut pipe, &("first", 1), b"body").unwrap();
    write_frame(&mut pipe, &("second", 2), b"").unwrap();
    let mut input = pipe.as_slice();
    assert_eq!(read_frame::<(String, u8)>(&mut input).unwrap(), Some((("first".into(), 1), b"body".to_vec())));
    assert_eq!(read_frame::<(String, u8)>(&mut input).unwrap(), Some((("second".into(), 2), vec![])));
    assert_eq!(read_frame::<(String, u8)>(&mut input).unwrap(), None);
}

#[test]
fn a_cut_or_lying_frame_is_an_error_at_every_length() {
    let mut pipe = Vec::new();
    write_frame(&mut pipe, &"head", b"body").unwrap();
    for cut in 1..pipe.len() {
        assert!(read_frame::<String>(&mut &pipe[..cut]).is_err(), "cut at {cut}");
    }
    assert!(read_frame::<String>(&mut [0xff; 16].as_slice()).is_err());
}
