use super::*;

#[test]
fn markers_are_told_from_text() {
    for text in ["• x", "- x", "1. x", "12) x", "(a) x", "iv) x", "（一）总则", "一、总则", "①开机", "1.开机", "a) x"]
    {
        assert!(marker_length(text).is_some(), "{text}");
    }
    for text in
        ["2.1 Scope", "1.5mm", "-x", "1", "2023 was", "A word.", "一般来说", "(see below) x", "", "Dr. Li", "-5"]
    {
        assert_eq!(marker_length(text), None, "{text}");
    }
    assert!(is_marker("•") && is_marker("1.") && !is_marker("1. x"));
}

#[test]
fn captions_are_told_from_sentences() {
    for text in ["Table 1.6: umask", "表 4-1 规格", "图5：外形", "Figure 2. Overview"] {
        assert!(is_caption(text), "{text}");
    }
    for text in ["Table of contents", "表示如下", "图3所示的结构", "Figures 2"] {
        assert!(!is_caption(text), "{text}");
    }
}
