use super::*;

fn outline(html: &str) -> Vec<(BlockKind, String)> {
    parse(html).blocks.into_iter().map(|block| (block.kind, block.text)).collect()
}

#[test]
fn the_main_content_keeps_its_structure() {
    let html = "<html><head><title> 说明书 </title><style>p{}</style></head><body><nav><a>首页</a></nav><main>\
        <h1>用法</h1><p>每日 <b>三</b> 次，\n 每次一片。</p><ol><li>饭后</li><li><p>多饮水</p><ul><li>温水</li></ul></li></ol>\
        <table><tr><th>年龄</th><th>剂量</th></tr><tr><td rowspan=2>成人</td><td>1 片</td></tr><tr><td>2 片</td></tr></table>\
        <pre><code class=\"language-sh\">a\n  b</code></pre><script>x()</script></main><footer>版权</footer></body></html>";
    assert_eq!(parse(html).title.as_deref(), Some("说明书"));
    assert_eq!(
        outline(html),
        [
            (BlockKind::Heading { level: 1 }, "用法".into()),
            (BlockKind::Paragraph, "每日 三 次， 每次一片。".into()),
            (BlockKind::ListItem { level: 1 }, "1. 饭后".into()),
            (BlockKind::ListItem { level: 1 }, "2. 多饮水".into()),
            (BlockKind::ListItem { level: 2 }, "- 温水".into()),
            (BlockKind::Table, "| 年龄 | 剂量 |\n| --- | --- |\n| 成人 | 1 片 |\n| | 2 片 |".into()),
            (BlockKind::Code { language: Some("sh".into()) }, "a\n  b".into()),
        ]
    );
}

#[test]
fn a_layout_table_is_text_and_a_nested_one_stays_in_its_cell() {
    assert_eq!(outline("<table><tr><td>only text</td></tr></table>"), [(BlockKind::Paragraph, "only text".into())]);
    let nested = "<table><tr><td>a</td><td><table><tr><td>x</td><td>y</td></tr></table></td></tr></table>";
    assert_eq!(outline(nested), [(BlockKind::Table, "| a | x y |\n| --- | --- |".into())]);
}

#[test]
fn deep_nesting_is_no_danger() {
    let html = format!("{}text{}", "<div>".repeat(20_000), "</div>".repeat(20_000));
    assert_eq!(outline(&html), [(BlockKind::Paragraph, "text".into())]);
}

#[test]
fn the_declared_encoding_is_found() {
    assert_eq!(declared_encoding(b"<meta charset=\"gb2312\">"), Some(encoding_rs::GBK));
    assert_eq!(declared_encoding(b"<p>"), None);
}
