//! The sample documents of every format, read as the demo reads them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{check_lines, headings, sample, testdata, text, tools};
use yizhan_document::{BlockKind, Parsed, parse};
use yizhan_domain::ErrorCode;

fn read(name: &str) -> Parsed {
    let parsed = parse(name, &sample(name), &tools()).unwrap();
    check_lines(&parsed);
    assert_eq!(parsed.warnings, Vec::<String>::new());
    parsed
}

fn assert_has(parsed: &Parsed, facts: &[&str]) {
    let text = text(parsed);
    for fact in facts {
        assert!(text.contains(fact), "{fact} is not in:\n{text}");
    }
}

#[test]
fn word_keeps_headings_numbers_and_tables() {
    let parsed = read("returns-policy.docx");
    assert_eq!(parsed.title.as_deref(), Some("驿站机床退换货政策"));
    assert!(headings(&parsed).contains(&(1, "退货期限".into())));
    assert_has(&parsed, &["1. 拨打 400-810-0850", "3. 交由顺达物流取件", "| 不超过 20 小时 | 5 % | 10 % |"]);
}

#[test]
fn slides_keep_their_numbers_notes_and_tables() {
    let parsed = read("product-overview.pptx");
    assert_eq!(parsed.pages, Some(3));
    assert_has(&parsed, &["| 工作台承重 | 600 kg |", "Rapid traverse 36 m/min"]);
    let note = parsed.blocks.iter().find(|block| block.kind == BlockKind::Note).unwrap();
    assert_eq!(note.page(), Some(2));
}

#[test]
fn sheets_show_values_as_the_program_does() {
    let parsed = read("price-list.xlsx");
    assert_eq!(parsed.pages, Some(2));
    assert_has(&parsed, &["| SP-12K | 12000 转电主轴 | ¥42,800.50 | 0% | 2026-01-15 |", "| Machine frame | 60 | |"]);
}

#[test]
fn texts_keep_their_facts() {
    assert_has(&read("safety-notice.txt"), &["8850", "欧阳喆", "不得少于 30 分钟"]);
    assert_has(&read("spare-parts.csv"), &["| YZ-0533 | X 轴滚珠丝杠, 精度 C3 |"]);
    let leaflet = read("dosage-leaflet.html");
    assert_has(&leaflet, &["| 6 至 12 岁 | 1 片 | 2 | 2 片（500 毫克） |"]);
    assert!(!text(&leaflet).contains("全部药品") && !text(&leaflet).contains("document.title"));
    let manual = read("maintenance-manual.md");
    assert_has(&manual, &["| 2000 小时 | 更换液压油 | HM 32 |", "M05      (spindle stop)\nG04 P600"]);
}

#[test]
fn two_columns_are_read_left_then_right_with_places() {
    let parsed = read("field-report.pdf");
    let order: Vec<String> = headings(&parsed).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        order,
        ["Field report: tool change in the cold", "1. Summary", "2. Findings", "3. 建议", "4. Next steps"]
    );
    assert_has(
        &parsed,
        &[
            "workshops that run the YZ-850 in three shifts. The most frequent complaint",
            "更换为 LT-2 型。每台机床需要 120 克",
        ],
    );
    for line in parsed.blocks.iter().flat_map(|block| &block.lines) {
        let rect = line.rect.unwrap().0;
        assert_eq!(line.page, Some(1));
        assert!(rect[0] >= 40.0 && rect[2] <= 560.0 && rect[1] < rect[3] && rect[3] < 842.0, "{rect:?}");
    }
}

#[test]
fn chinese_encodings_of_fonts_that_are_not_embedded_are_read() {
    let tools = tools();
    for name in ["gbk-euc-h.pdf", "unigb-ucs2-h.pdf"] {
        let parsed = parse(name, &testdata(name), &tools).unwrap();
        assert_has(&parsed, &["主轴径向跳动不大于三微米，轴向窜动不大于二微米。", "赵启明", "Spindle runout 0.003 mm"]);
    }
}

#[test]
fn turned_pages_have_boxes_as_they_are_shown() {
    let tools = tools();
    let parsed = parse("rotated.pdf", &testdata("rotated.pdf"), &tools).unwrap();
    check_lines(&parsed);
    // The text's baseline begins at (50, 500) of 600 × 600 before the page is turned.
    for (page, x, y) in [(1, 50.0, 100.0), (2, 500.0, 50.0), (3, 550.0, 500.0), (4, 100.0, 550.0)] {
        let block = parsed.blocks.iter().find(|block| block.page() == Some(page)).unwrap();
        assert!(block.text.starts_with("Turned by "), "{block:?}");
        let [left, top, right, bottom] = block.lines[0].rect.unwrap().0;
        let inside = (left - 3.0..=right + 3.0).contains(&x) && (top - 3.0..=bottom + 3.0).contains(&y);
        assert!(inside, "page {page}: {block:?}");
    }
}

#[test]
fn scans_are_read_by_ocr() {
    for name in ["scanned-notice.png", "scanned-notice.pdf"] {
        assert_has(&read(name), &["停机检修通知", "2026年6月14日8:00", "移至三号库房", "extension 8861"]);
    }
}

#[test]
fn a_missing_tool_is_named() {
    let none = yizhan_document::Tools::default();
    for name in ["field-report.pdf", "scanned-notice.png"] {
        let error = parse(name, &sample(name), &none).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ModelUnavailable);
        assert!(error.message().starts_with(name) && error.message().contains("model pull"), "{error}");
    }
}
