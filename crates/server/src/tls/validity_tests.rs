use super::*;
use crate::admin::time::write;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

fn certificate(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(until.0, until.1, until.2);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn both_forms_of_time_are_read() {
    // From 2050 on a certificate writes four digits of the year.
    let validity = Validity::of(&certificate((1999, 12, 31), (2051, 2, 28))).unwrap();
    assert_eq!(write(validity.from_ms, 0), "1999-12-31T00:00:00Z");
    assert_eq!(write(validity.until_ms, 0), "2051-02-28T00:00:00Z");
    let validity = Validity::of(&certificate((2024, 2, 29), (2049, 12, 31))).unwrap();
    assert_eq!(
        (write(validity.from_ms, 0).as_str(), write(validity.until_ms, 0).as_str()),
        ("2024-02-29T00:00:00Z", "2049-12-31T00:00:00Z")
    );
}

#[test]
fn what_is_cut_off_is_no_certificate() {
    let certificate = certificate((2024, 1, 1), (2034, 1, 1));
    for length in 0..certificate.len() {
        assert_eq!(Validity::of(&certificate[..length]), None, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), place in 0usize..400) {
        let _ = Validity::of(&bytes);
        let mut certificate = certificate((2024, 1, 1), (2034, 1, 1));
        let place = place % certificate.len();
        certificate[place] = certificate[place].wrapping_add(1);
        let _ = Validity::of(&certificate);
    }
}
