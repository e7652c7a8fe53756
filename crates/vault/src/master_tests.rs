use super::*;
use proptest::prelude::*;

const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn key() -> MasterKey {
    MasterKey::parse(DIGITS).unwrap()
}

#[test]
fn a_key_survives_its_own_text_and_is_not_printed() {
    let key = MasterKey::random().unwrap();
    let text = key.text();
    assert_eq!(MasterKey::parse(&text).unwrap().id(), key.id());
    let digits = text.lines().nth(1).unwrap();
    assert_eq!(MasterKey::parse(digits).unwrap().id(), key.id(), "the digits alone are enough");
    assert!(!format!("{key:?}").contains(&digits[..8]), "{key:?}");
    assert_ne!(key.id(), MasterKey::random().unwrap().id());
}

#[test]
fn what_is_no_key_is_refused() {
    for text in ["", "abc", &DIGITS[1..], &DIGITS.replace('0', "g"), &format!("{DIGITS}00"), "密钥", &"é".repeat(32)]
    {
        assert!(MasterKey::parse(text).is_none(), "{text}");
    }
    assert!(MasterKey::parse(&DIGITS.to_uppercase()).is_some());
}

#[test]
fn a_seal_is_opened_by_its_key_and_name_alone() {
    let sealed = key().seal("openai", "sk-1234").unwrap();
    assert_eq!(key().open("openai", &sealed).unwrap().as_str(), "sk-1234");
    assert_ne!(sealed, key().seal("openai", "sk-1234").unwrap(), "each seal has a nonce of its own");
    assert!(!sealed.windows(4).any(|part| part == b"1234"));
    let renamed = key().open("zhipu", &sealed).unwrap_err();
    assert_eq!(renamed.code(), ErrorCode::InvalidConfig);
    assert!(MasterKey::random().unwrap().open("openai", &sealed).is_err());
}

#[test]
fn a_changed_seal_is_refused_wherever_it_was_changed() {
    let sealed = key().seal("openai", "sk-1234").unwrap();
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        assert!(key().open("openai", &changed).is_err(), "byte {place}");
        assert!(key().open("openai", &sealed[..place]).is_err(), "cut at {place}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in ".{0,80}") {
        prop_assert!(key().open("openai", &bytes).is_err());
        let _ = MasterKey::parse(&text);
    }

    #[test]
    fn any_value_comes_back(name in ".{0,20}", value in ".{0,60}") {
        let sealed = key().seal(&name, &value).unwrap();
        let opened = key().open(&name, &sealed).unwrap();
        prop_assert_eq!(opened.as_str(), value.as_str());
    }
}
