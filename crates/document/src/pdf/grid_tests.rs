use super::*;

fn across(y: f32, from: f32, to: f32) -> Ruling {
    Ruling { horizontal: true, at: y, from, to }
}

fn down(x: f32, from: f32, to: f32) -> Ruling {
    Ruling { horizontal: false, at: x, from, to }
}

fn text(words: &str, x: f32, y: f32, zone: Option<u32>) -> Run {
    let rect = Rect([x, y - 8.0, x + 20.0, y + 2.0]);
    Run {
        text: words.into(),
        rect,
        base: y,
        size: 10.0,
        bold: false,
        mono: false,
        count: 4,
        direction: Some(0),
        order: 0,
        zone,
    }
}

#[test]
fn crossing_lines_make_a_table_with_merged_cells() {
    // Two rows, two columns; the lower row's cells are not parted.
    let lines = [
        across(0.0, 0.0, 100.0),
        across(20.0, 0.0, 100.0),
        across(40.0, 0.0, 100.0),
        down(0.0, 0.0, 40.0),
        down(50.0, 0.0, 20.0),
    ];
    let found = grids(&lines);
    assert_eq!(found.len(), 1);
    let grid = &found[0];
    assert_eq!((grid.cell_at(10.0, 10.0), grid.cell_at(60.0, 10.0)), (Some(0), Some(1)));
    assert_eq!((grid.cell_at(10.0, 30.0), grid.cell_at(60.0, 30.0)), (Some(2), Some(2)));
    assert_eq!(grid.cell_at(10.0, 50.0), None);
    let at = |x, y| text("text", x, y, grid.cell_at(x, y));
    let rows = grid.fill(vec![at(10.0, 10.0), at(60.0, 10.0), at(60.0, 30.0)], 3);
    assert_eq!(rows.iter().map(|row| row.cells.clone()).collect::<Vec<_>>(), [["text", "text"], ["text", ""]]);
    assert_eq!(rows[1].rect, Some(Rect([0.0, 20.0, 100.0, 40.0])));
}

#[test]
fn boxes_and_lone_lines_are_no_tables() {
    let frame = [across(0.0, 0.0, 100.0), across(40.0, 0.0, 100.0), down(0.0, 0.0, 40.0), down(100.0, 0.0, 40.0)];
    assert!(grids(&frame).is_empty());
    assert!(grids(&[across(0.0, 0.0, 9.0), down(50.0, 0.0, 9.0)]).is_empty());
    assert!(grids(&[]).is_empty());
}
