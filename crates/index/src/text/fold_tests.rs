use super::*;
use proptest::prelude::*;

#[test]
fn width_and_script_variants_become_one() {
    assert_eq!(fold("ＧＢ／Ｔ　１９００１－２０１６"), "GB/T 19001-2016");
    assert_eq!(fold("ｶﾞ"), "ガ");
    assert_eq!(fold("資料庫與網絡"), fold("资料库与网络"));
    assert_eq!(fold("醫療政策"), "医疗政策");
    assert_eq!(fold("①㎡"), "1m2");
}

#[test]
fn plain_text_is_not_copied() {
    assert!(matches!(fold("plain ascii"), Cow::Borrowed(_)));
    assert!(matches!(fold("简体中文"), Cow::Borrowed(_)));
}

#[test]
fn case_stays_until_lowered() {
    assert_eq!(fold("camelCase"), "camelCase");
    assert_eq!(lower("ÀÉ Straße"), "àé straße");
}

proptest! {
    #[test]
    fn folding_twice_is_folding_once(text in "\\PC{0,80}") {
        let once = fold(&text).into_owned();
        prop_assert_eq!(fold(&once).into_owned(), once);
    }
}
