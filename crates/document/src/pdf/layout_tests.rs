use super::*;

/// A run of so many characters at 5 points each.
fn run(text: &str, x: f32, base: f32, order: usize) -> Run {
    let count = text.chars().count() as u32;
    let rect = Rect([x, base - 8.0, x + count as f32 * 5.0, base + 2.0]);
    Run {
        text: text.into(),
        rect,
        base,
        size: 10.0,
        bold: false,
        mono: false,
        count,
        direction: Some(0),
        order,
        zone: None,
    }
}

fn texts(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            Item::Line(line) => line.text.clone(),
            Item::Table(rows) => rows.iter().map(|row| row.cells.join("|")).collect::<Vec<_>>().join("/"),
        })
        .collect()
}

#[test]
fn two_columns_are_read_one_after_the_other_below_a_title() {
    let mut runs = vec![run(&"T".repeat(80), 50.0, 50.0, 0)];
    for row in 0..6 {
        let base = 80.0 + 12.0 * row as f32;
        runs.push(run(&format!("left {row} {}", "x".repeat(30)), 50.0, base, 1 + row));
        runs.push(run(&format!("right {row} {}", "x".repeat(30)), 300.0, base, 100 + row));
    }
    runs.push(run(&"F".repeat(80), 50.0, 200.0, 200));
    let read = texts(&layout(runs, Vec::new(), 1));
    let firsts: Vec<String> =
        read.iter().map(|text| text.chars().take(7).collect::<String>().trim().to_owned()).collect();
    let mut expected = vec!["TTTTTTT".to_owned()];
    expected.extend((0..6).map(|row| format!("left {row}")));
    expected.extend((0..6).map(|row| format!("right {row}").chars().take(7).collect()));
    expected.push("FFFFFFF".into());
    assert_eq!(firsts, expected);
}

#[test]
fn short_cells_written_row_by_row_are_a_table() {
    let mut runs = Vec::new();
    for row in 0..4 {
        let base = 80.0 + 14.0 * row as f32;
        runs.push(run(&format!("item{row}"), 50.0, base, row * 2));
        runs.push(run(&format!("{row}.00"), 200.0, base, row * 2 + 1));
    }
    assert_eq!(texts(&layout(runs, Vec::new(), 1)), ["item0|0.00/item1|1.00/item2|2.00/item3|3.00"]);
}

#[test]
fn a_marker_with_a_wide_gap_is_a_list_not_a_table() {
    let mut runs = Vec::new();
    for row in 0..4 {
        let base = 80.0 + 14.0 * row as f32;
        runs.push(run("•", 50.0, base, row * 2));
        runs.push(run("some words", 80.0, base, row * 2 + 1));
    }
    assert_eq!(texts(&layout(runs, Vec::new(), 1)), ["• some words"; 4]);
}

#[test]
fn a_ruled_table_stands_between_its_neighbours() {
    let rows = vec![Row::plain(vec!["a".into(), "b".into()], Some(1))];
    let table = Ruled { rect: Rect([50.0, 90.0, 300.0, 150.0]), rows, order: 1 };
    let runs = vec![run("above", 50.0, 80.0, 0), run("below", 50.0, 170.0, 2)];
    assert_eq!(texts(&layout(runs, vec![table], 1)), ["above", "a|b", "below"]);
}
