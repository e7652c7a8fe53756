use super::*;

fn outline(text: &str) -> Vec<(BlockKind, String)> {
    parse(text).blocks.into_iter().map(|block| (block.kind, block.text)).collect()
}

#[test]
fn headings_code_lists_and_tables_keep_their_kind() {
    let text = "---\ntitle: \"手册\"\n---\n# 安装\n\n第一段\n第二行。\n\n```sh\nmake\n  demo\n```\n\n1. one\n2. two\n   - inner\n\n\
                | a | b |\n|---|---|\n| 1 | 2 |\n";
    assert_eq!(parse(text).title.as_deref(), Some("手册"));
    assert_eq!(
        outline(text),
        [
            (BlockKind::Paragraph, "title: \"手册\"".into()),
            (BlockKind::Heading { level: 1 }, "安装".into()),
            (BlockKind::Paragraph, "第一段\n第二行。".into()),
            (BlockKind::Code { language: Some("sh".into()) }, "make\n  demo".into()),
            (BlockKind::ListItem { level: 1 }, "1. one".into()),
            (BlockKind::ListItem { level: 1 }, "2. two".into()),
            (BlockKind::ListItem { level: 2 }, "- inner".into()),
            (BlockKind::Table, "| a | b |\n| --- | --- |\n| 1 | 2 |".into()),
        ]
    );
}

#[test]
fn a_loose_item_keeps_its_paragraphs_apart() {
    assert_eq!(
        outline("- first\n\n  more\n- second\n"),
        [
            (BlockKind::ListItem { level: 1 }, "- first".into()),
            (BlockKind::Paragraph, "more".into()),
            (BlockKind::ListItem { level: 1 }, "- second".into()),
        ]
    );
}

#[test]
fn footnotes_and_raw_html_keep_their_text() {
    let blocks = outline("See[^1].\n\n<div>raw <b>text</b></div>\n\n[^1]: The note.\n");
    assert!(blocks.contains(&(BlockKind::Note, "[1] The note.".into())), "{blocks:?}");
    assert!(blocks.contains(&(BlockKind::Paragraph, "raw text".into())), "{blocks:?}");
}
