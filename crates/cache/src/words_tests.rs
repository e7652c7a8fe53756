use super::*;
use proptest::prelude::*;

fn latin(lower: &str) -> Word {
    Word::Latin { lower: lower.into(), name: false }
}

fn name(lower: &str) -> Word {
    Word::Latin { lower: lower.into(), name: true }
}

fn number(digits: &str) -> Word {
    Word::Number(digits.into())
}

#[test]
fn cuts_a_text_into_words() {
    let han = |text: &str| Word::Han(text.chars().collect());
    assert_eq!(words("ＴＸ－２００怎么用"), [name("tx-200"), han("怎么用")]);
    assert_eq!(words("Take 1,000mg"), [latin("take"), number("1000"), latin("mg")]);
    assert_eq!(words("Don’t ask Anna"), [latin("do"), latin("not"), latin("ask"), name("anna")]);
    assert_eq!(words("-5% vs 5"), [number("-5"), Word::Symbol('%'), latin("vs"), number("5")]);
    assert_eq!(words("《西游记》"), [Word::Quoted("西游记".into())]);
    assert_eq!(words("v2.1 3.11.2"), [name("v2.1"), number("3.11.2")]);
    assert_eq!(words("WHAT IS THIS"), [latin("what"), latin("is"), latin("this")]);
}

#[test]
fn stems_lightly() {
    for (word, stemmed) in [
        ("policies", "policy"),
        ("updates", "updat"),
        ("updating", "updat"),
        ("stopped", "stop"),
        ("address", "address"),
        ("this", "this"),
        ("string", "string"),
        ("days", "day"),
    ] {
        assert_eq!(stem(word), stemmed);
    }
}

proptest! {
    #[test]
    fn any_text_is_cut(text in "\\PC{0,100}") {
        let _ = words(&text);
    }
}
