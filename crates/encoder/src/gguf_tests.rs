use super::{ElementType, Gguf, GgufWriter};
use crate::compute::{Level, Precision};
use crate::encoder::Encoder;
use crate::testing::{encode, unigram_model, wordpiece_model};
use proptest::prelude::*;

#[test]
fn what_is_written_is_read() {
    let mut file = GgufWriter::default();
    file.text("name", "驿站");
    file.integer("count", 7);
    file.float("share", 0.5);
    file.boolean("yes", true);
    file.texts("texts", [b"a".as_slice(), b"", "站".as_bytes()].into_iter());
    file.floats("floats", [1.5, -2.0].into_iter());
    file.words("words", [1, u32::MAX].into_iter());
    file.bytes("bytes", &[1, 2, 3]);
    let values: Vec<f32> = (0..64).map(|value| value as f32 - 20.0).collect();
    file.tensor("vector", [1, 64], ElementType::F32, encode(ElementType::F32, &values));
    file.tensor("matrix", [2, 32], ElementType::F16, encode(ElementType::F16, &values));
    let mut bytes = Vec::new();
    file.write_to(&mut bytes).unwrap();

    let read = Gguf::parse(&bytes).unwrap();
    assert_eq!(read.text("name"), Some("驿站"));
    assert_eq!(read.integer("count"), Some(7));
    assert_eq!(read.float("share"), Some(0.5));
    assert_eq!(read.boolean("yes"), Some(true));
    let texts: Vec<&[u8]> = read.array("texts").unwrap().texts().unwrap().map(|(_, text)| text).collect();
    assert_eq!(texts, [b"a".as_slice(), b"", "站".as_bytes()]);
    assert_eq!(read.array("floats").unwrap().floats().unwrap().collect::<Vec<_>>(), [1.5, -2.0]);
    assert_eq!(read.array("words").unwrap().words().unwrap().collect::<Vec<_>>(), [1, u32::MAX]);
    assert_eq!(read.array("bytes").unwrap().bytes, [1, 2, 3]);
    assert_eq!(read.tensor("vector", 1, 64).unwrap().to_floats(), values);
    assert_eq!(read.tensor("matrix", 2, 32).unwrap().to_floats(), values);
    assert!(read.tensor("matrix", 32, 2).unwrap_err().message().contains("2 × 32"));
    assert!(read.tensor("other", 1, 1).unwrap_err().message().contains("lacks"));
}

/// One block of each quantised kind, by hand: the scale is 0.5, the minimum (where there is one) 1.
#[test]
fn blocks_are_read_as_llama_cpp_defines_them() {
    let scale = half::f16::from_f32(0.5).to_le_bytes();
    let minimum = half::f16::from_f32(1.0).to_le_bytes();
    let nibbles: Vec<u8> = (0..16).map(|value| value | (15 - value) << 4).collect();
    let high = 0x0000_0001u32.to_le_bytes();
    let read = |kind, parts: &[&[u8]]| {
        let bytes = parts.concat();
        super::Tensor { kind, rows: 1, columns: 32, bytes: &bytes }.to_floats()
    };
    let values = read(ElementType::Q4_0, &[&scale, &nibbles]);
    assert_eq!((values[0], values[15], values[16], values[31]), (-4.0, 3.5, 3.5, -4.0));
    let values = read(ElementType::Q4_1, &[&scale, &minimum, &nibbles]);
    assert_eq!((values[0], values[15], values[16]), (1.0, 8.5, 8.5));
    let values = read(ElementType::Q5_0, &[&scale, &high, &nibbles]);
    assert_eq!((values[0], values[1], values[16]), (0.0, -7.5, -0.5));
    let values = read(ElementType::Q5_1, &[&scale, &minimum, &high, &nibbles]);
    assert_eq!((values[0], values[1]), (9.0, 1.5));
    let bytes: Vec<u8> = (0..32).map(|value| (value as i8 - 16) as u8).collect();
    let values = read(ElementType::Q8_0, &[&scale, &bytes]);
    assert_eq!((values[0], values[31]), (-8.0, 7.5));
}

/// Opens whatever it is given and, if that works, uses it: an error is fine, a panic is not.
fn use_file(bytes: Vec<u8>) {
    if let Ok(encoder) = Encoder::new(Box::new(bytes), Precision::Int8, Level::best()) {
        encoder.token_ranges("the stations 驿站。");
        let _ = encoder.embed(&["the stations 驿站。"], "", 1);
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let whole = unigram_model(ElementType::Q4_0);
    let tensors = whole.len() - 4096;
    for length in (0..tensors).step_by(37).chain(whole.len() - 40..whole.len() - 32) {
        assert!(Encoder::new(Box::new(whole[..length].to_vec()), Precision::Int8, Level::best()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_never_panic(
        wordpiece: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        in_header: bool,
    ) {
        let mut bytes = if wordpiece { wordpiece_model() } else { unigram_model(ElementType::Q4_0) };
        // Most of a file is weights, any bytes of which are as good as others.
        let end = if in_header { 3000 } else { bytes.len() };
        for (place, value) in changes {
            bytes[place.index(end)] = value;
        }
        use_file(bytes);
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), magic: bool) {
        if magic && bytes.len() >= 8 {
            bytes[..8].copy_from_slice(b"GGUF\x03\0\0\0");
        }
        use_file(bytes);
    }
}
