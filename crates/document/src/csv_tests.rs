use super::*;

fn text(csv: &str) -> String {
    parse(csv).blocks.into_iter().map(|block| block.text).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn the_delimiter_is_found_and_quotes_are_kept_whole() {
    let table = "| 型号 | 说明 |\n| --- | --- |\n| A-1 | 快, 准 |\n| A-2 | \"稳\" |";
    assert_eq!(text("型号,说明\nA-1,\"快, 准\"\nA-2,\"\"\"稳\"\"\"\n"), table);
    assert_eq!(text("型号;说明\nA-1;快, 准\nA-2;\"\"\"稳\"\"\"\n"), table);
    assert_eq!(text("型号\t说明\nA-1\t快, 准\nA-2\t\"\"\"稳\"\"\""), table);
    assert_eq!(text("sep=|\n型号|说明\nA-1|快, 准\nA-2|\"\"\"稳\"\"\""), table);
}

#[test]
fn a_long_table_is_cut_with_its_header() {
    let mut csv = String::from("id,name\n");
    (0..500).for_each(|n| csv.push_str(&format!("{n},part number {n}\n")));
    let blocks = parse(&csv).blocks;
    assert!(blocks.len() > 3);
    assert!(blocks.iter().all(|block| block.text.starts_with("| id | name |\n| --- | --- |\n")));
    assert!(blocks.iter().all(|block| block.text.len() < BLOCK_BYTES * 2));
    let rows: usize = blocks.iter().map(|block| block.lines.len() - 1).sum();
    assert_eq!(rows, 500);
}
