use super::*;
use proptest::prelude::*;

fn zh(text: &str) -> Option<String> {
    chinese(&text.chars().collect::<Vec<_>>())
}

#[test]
fn reads_chinese_numerals() {
    let cases = [
        ("三十", "30"),
        ("三十五", "35"),
        ("十二", "12"),
        ("两百", "200"),
        ("一百零五", "105"),
        ("两千万", "20000000"),
        ("一万五千", "15000"),
        ("三亿二千万", "320000000"),
        ("一万亿", "1000000000000"),
        ("二〇二四", "2024"),
        ("〇", "0"),
    ];
    for (text, value) in cases {
        assert_eq!(zh(text).as_deref(), Some(value), "{text}");
    }
    assert_eq!(zh(""), None);
    assert_eq!(zh("三天"), None);
}

#[test]
fn multiplies_digits() {
    assert_eq!(times("20", 10_000).as_deref(), Some("200000"));
    assert_eq!(times("1.5", 10_000).as_deref(), Some("15000"));
    assert_eq!(times("1.23456", 10_000).as_deref(), Some("12345.6"));
    assert_eq!(times("1.2.3", 10_000), None);
    assert_eq!(times("2024-03", 10_000), None);
}

#[test]
fn reads_english_number_words() {
    let read = |text: &str| english(&text.split(' ').collect::<Vec<_>>());
    assert_eq!(read("thirty-five days"), Some(("35".into(), 1)));
    assert_eq!(read("two hundred five"), Some(("205".into(), 3)));
    assert_eq!(read("three million five hundred thousand"), Some(("3500000".into(), 5)));
    assert_eq!(read("days"), None);
    assert_eq!(ordinal("third"), Some(3));
}

proptest! {
    #[test]
    fn never_panics(run in "[零〇一二三四五六七八九十百千万亿两]{0,40}", digits in "[0-9.:/-]{0,60}", words in "((one|hundred|million|billion|x)( |-)){0,30}") {
        let _ = zh(&run);
        let _ = times(&digits, 100_000_000);
        let _ = english(&words.split(' ').collect::<Vec<_>>());
    }
}
