use super::*;

const TEXT: &str = "驿站数控铣床的主轴转速为每分钟 12000 转。\n请在开机前检查润滑油位。Check the oil level first.\n";

fn wide(text: &str, little: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

#[test]
fn every_encoding_reads_back() {
    for encoding in [UTF_8, GBK, GB18030] {
        let (bytes, _, lost) = encoding.encode(TEXT);
        assert!(!lost);
        assert_eq!(decode(&bytes, None).unwrap(), TEXT, "{}", encoding.name());
    }
    let traditional = "驛站數控銑床的主軸轉速為每分鐘一萬二千轉。請在開機前檢查潤滑油位，並確認冷卻液。\n";
    let (bytes, _, lost) = BIG5.encode(traditional);
    assert!(!lost);
    assert_eq!(decode(&bytes, None).unwrap(), traditional);
    for little in [true, false] {
        assert_eq!(decode(&wide(TEXT, little), None).unwrap(), TEXT);
        assert_eq!(decode(&wide(&format!("\u{feff}{TEXT}"), little), None).unwrap(), TEXT);
    }
}

#[test]
fn a_single_short_line_of_gb18030_is_chinese() {
    let (bytes, _, _) = GB18030.encode("退货政策：七天内可退。");
    assert_eq!(decode(&bytes, None).unwrap(), "退货政策：七天内可退。");
}

#[test]
fn line_ends_and_controls_are_cleaned() {
    assert_eq!(decode(b"a\r\nb\rc\x0cd", None).unwrap(), "a\nb\nc\nd");
}

#[test]
fn a_cut_tail_is_forgiven_and_noise_is_not() {
    let bytes = TEXT.as_bytes();
    assert!(decode(&bytes[..bytes.len() - 60], None).unwrap().starts_with("驿站"));
    let noise: Vec<u8> = (0..4000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(decode(&noise, None).is_err());
}
