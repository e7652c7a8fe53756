use super::*;

fn rows(cells: &[&[&str]]) -> Vec<Row> {
    cells.iter().map(|row| Row::plain(row.iter().map(|cell| (*cell).to_owned()).collect(), Some(1))).collect()
}

#[test]
fn a_table_is_markdown_with_one_line_a_row() {
    let block = table_block(&rows(&[&["名称", "价格"], &["a|b", "1\n2"], &["x"]])).unwrap();
    assert_eq!(block.text, "| 名称 | 价格 |\n| --- | --- |\n| a\\|b | 1 2 |\n| x | |");
    let lines: Vec<&str> = block.lines.iter().map(|line| &block.text[line.start as usize..line.end as usize]).collect();
    assert_eq!(lines, ["| 名称 | 价格 |", "| a\\|b | 1 2 |", "| x | |"]);
}

#[test]
fn a_blank_table_is_none() {
    assert!(table_block(&rows(&[&["", " "], &[]])).is_none());
    assert!(table_block(&[]).is_none());
}

#[test]
fn a_long_table_is_cut_and_repeats_its_header() {
    let body = rows(&[&["1", "aaaaaaaaaa"], &["2", "bbbbbbbbbb"], &["3", "cccccccccc"]]);
    let blocks = table_blocks(rows(&[&["n", "text"]]).remove(0), body, 34);
    assert_eq!(blocks.len(), 2);
    assert!(blocks.iter().all(|block| block.text.starts_with("| n | text |\n| --- | --- |\n")));
    assert!(blocks[1].text.ends_with("| 3 | cccccccccc |"));
}
