use super::*;
use proptest::prelude::*;

fn line() -> impl Strategy<Value = LineSpan> {
    let rect = proptest::option::of(proptest::array::uniform4(-1e6f32..1e6).prop_map(Rect));
    (any::<u32>(), any::<u32>(), proptest::option::of(any::<u32>()), rect)
        .prop_map(|(start, end, page, rect)| LineSpan { start, end, page, rect })
}

proptest! {
    #[test]
    fn lines_come_back(lines in proptest::collection::vec(line(), 0..20)) {
        prop_assert_eq!(lines_from_bytes(&lines_to_bytes(&lines)).unwrap(), lines);
    }

    #[test]
    fn vectors_come_back(vector in proptest::collection::vec(-1f32..1.0, 0..50)) {
        prop_assert_eq!(vector_from_bytes(&vector_to_bytes(&vector)).unwrap(), vector);
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = vector_from_bytes(&bytes);
        if let Ok(lines) = lines_from_bytes(&bytes) {
            prop_assert!(lines.len() * 3 <= bytes.len());
        }
    }
}

#[test]
fn a_line_cut_short_is_an_error() {
    let whole = lines_to_bytes(&[LineSpan { start: 3, end: 900, page: Some(251), rect: Some(Rect([1.0; 4])) }]);
    for length in 1..whole.len() {
        assert!(lines_from_bytes(&whole[..length]).is_err(), "{length} bytes");
    }
}
