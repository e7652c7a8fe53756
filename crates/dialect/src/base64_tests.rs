use super::{encode, encode_floats};

#[test]
fn the_vectors_of_rfc_4648() {
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(encode(plain.as_bytes()), coded);
    }
    assert_eq!(encode(&[0xfb, 0xff]), "+/8=");
}

#[test]
fn floats_are_little_endian() {
    assert_eq!(encode_floats(&[1.0, -2.5]), encode(&[0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]));
}
