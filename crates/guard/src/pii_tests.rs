use super::*;

fn check(verify: fn(&[char]) -> bool, text: &str) -> bool {
    verify(&text.chars().collect::<Vec<_>>())
}

#[test]
fn only_the_right_check_character_makes_an_id_card() {
    let good = ["11010519491231002x", "440524188001010014", "110101199003077758"];
    for id in good {
        assert!(check(is_id_card, id), "{id}");
        for wrong in "0123456789x".chars().filter(|&c| !id.ends_with(c)) {
            let bad = format!("{}{wrong}", &id[..17]);
            assert!(!check(is_id_card, &bad), "{bad}");
        }
    }
}

#[test]
fn a_day_that_never_was_makes_no_id_card() {
    let with_check =
        |first: &str| "0123456789x".chars().map(|c| format!("{first}{c}")).filter(|id| check(is_id_card, id)).count();
    assert_eq!(with_check("11010519900229002"), 0, "1990 had no 29 February");
    assert_eq!(with_check("11010519960229002"), 1);
    assert_eq!(with_check("11010519960431002"), 0);
}

#[test]
fn cards_need_luhn_prefix_and_length() {
    for card in ["4111111111111111", "5555555555554444", "378282246310005", "6222 0212 3456 7894", "3530111333300000"] {
        let sum_right = check(is_bank_card, card);
        let digits = digits(&card.chars().collect::<Vec<_>>());
        assert_eq!(sum_right, luhn(&digits), "{card}");
    }
    for card in ["4111111111111111", "5555555555554444", "378282246310005", "3530111333300000"] {
        assert!(check(is_bank_card, card), "{card}");
        for wrong in ('0'..='9').filter(|&c| !card.ends_with(c)) {
            assert!(!check(is_bank_card, &format!("{}{wrong}", &card[..card.len() - 1])), "{card} with {wrong}");
        }
    }
    assert!(!check(is_bank_card, "0000000000000000"), "no network begins with 0");
    assert!(!check(is_bank_card, "411111111111116"), "a Visa number has no 15 digits");
}

#[test]
fn addresses_have_four_bytes() {
    assert!(check(is_ipv4, "192.168.0.1"));
    assert!(!check(is_ipv4, "192.168.0.256"));
}
