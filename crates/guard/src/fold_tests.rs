use super::*;
use ferrous_opencc::{OpenCC, config::BuiltinConfig};

#[test]
fn forms_that_mean_the_same_become_one() {
    for (text, folded) in [
        ("ＦＵＣＫ", "fuck"),
        ("f\u{200b}u\u{ad}c\u{feff}k", "fuck"),
        ("f̶u̶c̶k̶ fück 🅵🅤ⓒ🇰", "fuck fuck fuck"),
        ("賭博網站", "赌博网站"),
        ("⼈口", "人口"),
        ("１３８", "138"),
        ("㎎", "mg"),
        ("Straße STRASSE", "strasse strasse"),
        ("сосаіne", "cocaine"),
        ("ΣΊΣΥΦΟΣ σίσυφος", "σiσuφoσ σiσuφoσ"),
    ] {
        assert_eq!(fold(text), folded, "{text}");
    }
    assert_eq!(fold("がｶﾞガ"), fold("がガガ"), "voicing marks stay");
    assert_eq!(fold("각"), fold("각".nfd().collect::<String>().as_str()));
    assert_eq!(is_dropped('\u{E0041}') as u8 + is_dropped('\u{200d}') as u8 + is_dropped('a') as u8, 2);
}

#[test]
fn folding_twice_is_folding_once() {
    for c in '\0'..=char::MAX {
        let once = fold(c.encode_utf8(&mut [0; 4]));
        assert_eq!(fold(&once), once, "{c:?} U+{:04X}", u32::from(c));
    }
}

#[test]
fn nfkc_and_case_make_no_difference() {
    for c in '\0'..=char::MAX {
        let text = c.to_string();
        let folded = fold(&text);
        assert_eq!(fold(&text.nfkc().collect::<String>()), folded, "NFKC of U+{:04X}", u32::from(c));
        assert_eq!(fold(&text.nfd().collect::<String>()), folded, "NFD of U+{:04X}", u32::from(c));
        // A small iota that hangs below is a mark, and is dropped; its upper case is a letter.
        if !text.nfd().any(|c| c == '\u{345}') {
            assert_eq!(fold(&text.to_uppercase()), folded, "upper case of U+{:04X}", u32::from(c));
        }
        assert_eq!(fold(&text.to_lowercase()), folded, "lower case of U+{:04X}", u32::from(c));
    }
}

#[test]
fn the_table_is_what_opencc_says() {
    let converter = OpenCC::from_config(BuiltinConfig::T2s).unwrap();
    let ranges = [0x3400..=0x4DBFu32, 0x4E00..=0x9FFF, 0x20000..=0x2F7FF];
    for c in ranges.into_iter().flatten().filter_map(char::from_u32) {
        let text = c.to_string();
        let converted = converter.convert(&text);
        let expected = if converted.chars().count() == 1 { converted } else { text.clone() };
        assert_eq!(table().simplified.get(&c).copied().unwrap_or(c).to_string(), expected, "{c}");
    }
}
