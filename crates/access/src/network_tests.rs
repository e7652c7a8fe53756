use super::*;
use proptest::prelude::*;

fn contains(network: &str, address: &str) -> bool {
    Network::parse(network).unwrap().contains(address.parse().unwrap())
}

#[test]
fn addresses_in_networks() {
    assert!(contains("10.0.0.0/8", "10.255.1.2") && !contains("10.0.0.0/8", "11.0.0.0"));
    assert!(contains("10.1.2.3/8", "10.9.9.9"), "the bits that are free do not matter");
    assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
    assert!(contains("2001:db8::/32", "2001:db8:1::1") && !contains("2001:db8::/32", "2001:db9::1"));
    assert!(contains("0.0.0.0/0", "203.0.113.1") && !contains("0.0.0.0/0", "2001:db8::1"));
    assert!(contains("::/0", "203.0.113.1") && contains("::1", "::1"));
    assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"), "a socket for both families shows IPv4 callers so");
}

#[test]
fn what_is_no_network_is_refused() {
    for wrong in ["", "/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::/129", "home", "1.2.3.4/+8"] {
        assert_eq!(Network::parse(wrong).unwrap_err().parameter(), Some("networks"), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_network_or_an_error(text in "[0-9a-f.:/]{0,20}") {
        let _ = Network::parse(&text);
    }

    #[test]
    fn a_network_holds_what_shares_its_first_bits(bits: u32, other: u32, length in 0u32..=32) {
        let text = format!("{}/{length}", std::net::Ipv4Addr::from(bits));
        let same = length == 0 || (bits ^ other) >> (32 - length) == 0;
        prop_assert_eq!(Network::parse(&text).unwrap().contains(IpAddr::V4(other.into())), same);
    }
}
